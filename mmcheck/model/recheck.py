"""Every counterexample is judged again here, without the solver, before anybody sees it.

`well_formed` checks what any execution must be; `judge` adds the model, by bit sets. Disagreement is an internal
error: two parts of mmcheck that must agree do not.
"""

from __future__ import annotations

from collections.abc import Mapping

from mmcheck.base.errors import InternalError
from mmcheck.base.records import replace
from mmcheck.events.execution import Execution
from mmcheck.ir.program import Expr, Program, evaluate
from mmcheck.model.concrete import check
from mmcheck.model.model import Model


def well_formed(execution: Execution) -> list[str]:
    """What is wrong with `execution` as an execution of any model; empty if nothing is."""
    problems = []
    events = execution.events
    sources: dict[int, list[int]] = {}
    for write, read in execution.relation("rf"):
        sources.setdefault(read, []).append(write)
    for event in events:
        if event.kind != "R" or not event.location:  # nothing stands there: any value
            continue
        found = sources.get(event.id, [])
        if len(found) != 1:
            problems.append(f"{event} reads from {len(found)} writes")
            continue
        source = events[found[0]]
        mask = (1 << event.width) - 1
        if source.kind != "W" or source.address != event.address or source.value is None:
            problems.append(f"{event} cannot read from {source}")
        elif source.value & mask != event.value:
            problems.append(f"{event} reads another value from {source}")
    order = execution.relation("co")
    writes = [event for event in events if event.kind == "W"]
    for a in writes:
        for b in writes:
            if a.id < b.id and a.address == b.address and ((a.id, b.id) in order) == ((b.id, a.id) in order):
                problems.append(f"{a} and {b} are in no coherence order")
        if a.is_init and any(target == a.id for _, target in order):
            problems.append(f"{a} is initial and not first in coherence order")
    for a_id, b_id in order:
        if any((b_id, c.id) in order and (a_id, c.id) not in order for c in writes):
            problems.append(f"coherence order is not transitive at e{a_id}, e{b_id}")
            break
    return problems


def judge(execution: Execution, model: Model) -> None:
    """Raise `InternalError` unless `execution` is well formed and allowed by `model`."""
    problems = well_formed(execution)
    problems += [
        f"{model.name} forbids it: {violation.axiom.name} " + " -> ".join(f"e{i}" for i in violation.cycle)
        for violation in check(model, execution)
    ]
    if problems:
        raise InternalError("the solver's counterexample does not stand: " + "; ".join(problems) + f"\n{execution}")


def judge_final(execution: Execution, condition: Expr, wanted: bool) -> None:
    """Raise `InternalError` unless `condition` is `wanted` in the final state."""
    if bool(evaluate(condition, dict(execution.final))) != wanted:
        raise InternalError(f"the solver's final state does not fit its question: {dict(execution.final)}")


def with_order(execution: Execution, orders: Mapping[int, list[int]], program: Program) -> Execution:
    """`execution` with the source threads' events in the given linear orders (event ids by thread)."""
    events = execution.events
    po = {
        (i, j)
        for i, j in execution.relation("po")
        if events[i].thread != events[j].thread or not program.threads[events[i].thread].source
    }
    linear = []
    for number in range(len(execution.threads)):
        order = orders.get(number)
        if order is None:
            linear.append(tuple(event.id for event in execution.of_thread(number)))
            continue
        po |= {(a, b) for position, a in enumerate(order) for b in order[position + 1 :]}
        linear.append(tuple(order))
    return replace(execution, relations={**execution.relations, "po": frozenset(po)}, linear=tuple(linear))
