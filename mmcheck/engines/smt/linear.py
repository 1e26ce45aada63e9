"""Is there one order per thread that the compiler may emit and that gives this execution? (docs/compiler.md)

The main query orders a source thread by cpo, a partial order. Here rf, co and all values are fixed, and what is
looked for is, per source thread, a linear extension of cpo under which the model still allows the execution.
"""

from __future__ import annotations

from itertools import permutations

from mmcheck.engines.smt.bounds import Bounds
from mmcheck.engines.smt.circuit import TRUE, Circuit
from mmcheck.engines.smt.relations import Algebra
from mmcheck.engines.smt.solve import Solver
from mmcheck.events.execution import Execution
from mmcheck.events.relations import Rel, closure, compose, from_pairs, inverse
from mmcheck.ir.program import Program
from mmcheck.model.concrete import event_sets, frame_of
from mmcheck.model.model import Axiom, Model, with_turns


def linear_orders(
    execution: Execution, model: Model, program: Program, extra: frozenset[tuple[int, int]] = frozenset()
) -> dict[int, list[int]] | None:
    """Event ids by source thread, in an order that the compiler may emit; None if there is none.

    `extra` are edges that an environment adds to every acyclic order (see ``ordered`` requirements).
    """
    n = len(execution.events)
    po = closure(from_pairs(n, execution.relation("po")))
    simple = _interleaved(execution, program, po, extra) if model.ships else None
    if simple is not None:
        return simple
    circuit = Circuit()
    before: dict[tuple[int, int], int] = {}
    threads = {}
    for number, thread in enumerate(program.threads):
        if thread.source:
            members = [event.id for event in execution.of_thread(number)]
            threads[number] = members
            for position, i in enumerate(members):
                for j in members[position + 1 :]:
                    literal = TRUE if po[i] >> j & 1 else -TRUE if po[j] >> i & 1 else circuit.var(f"before:{i}:{j}")
                    before[i, j], before[j, i] = literal, -literal
            for i, j in permutations(members, 2):
                if before[i, j] == -TRUE:
                    continue
                for k in members:
                    if k not in (i, j) and before[j, k] != -TRUE and before[i, k] != TRUE:
                        circuit.clause([-before[i, j], -before[j, k], before[i, k]])
    may, must = list(po), list(po)
    for (i, j), literal in before.items():
        if literal == TRUE:
            must[i] |= 1 << j
        if literal != -TRUE:
            may[i] |= 1 << j
    base = _fixed(execution, model, n)
    base["po"] = Bounds(may, must, lambda i, j: before[i, j])
    if execution.relation("switch"):
        model = with_turns(model)
    axioms = [axiom for axiom in model.axioms if not axiom.flag]
    if extra:
        rows = list(from_pairs(n, extra))
        base["%environment"] = Bounds(rows, list(rows))
        pool = model.pool
        axioms = [
            Axiom(a.name, a.kind, pool.union(a.node, pool.rel("%environment")))
            if a.kind == "acyclic" and not model.is_coherence(a)
            else a
            for a in axioms
        ]
    everything = [(1 << n) - 1] * n
    Algebra(model, circuit, [TRUE] * n, everything, base, event_sets(execution)).require(axioms)
    solver = Solver(circuit)
    if not solver.solve():
        return None
    assignment = solver.assignment()

    def holds(literal: int) -> bool:
        value = literal in (TRUE, -TRUE) or assignment.get(abs(literal), False)
        return value == (literal > 0) if abs(literal) != TRUE else literal == TRUE

    return {
        number: sorted(members, key=lambda i: sum(holds(before[j, i]) for j in members if j != i))
        for number, members in threads.items()
    }


def _interleaved(
    execution: Execution, program: Program, po: Rel, extra: frozenset[tuple[int, int]]
) -> dict[int, list[int]] | None:
    """The orders of an interleaving of all events that gives the run, if there is one.

    What the shipped models order is in po, rf, co and fr, closed over: with these orders they allow the run.
    """
    n = len(po)
    rf, co = (from_pairs(n, execution.relation(name)) for name in ("rf", "co"))
    fr = compose(inverse(rf), co)
    rows = [a | b | c | d for a, b, c, d in zip(po, rf, co, fr, strict=True)]
    for i, j in {*extra, *execution.relation("switch")}:
        rows[i] |= 1 << j
    before = inverse(tuple(rows))
    order: list[int] = []
    placed = 0
    while len(order) < n:
        # The first in the text of those that nothing keeps back.
        free = next((i for i in range(n) if not placed >> i & 1 and not before[i] & ~placed), None)
        if free is None:
            return None
        order.append(free)
        placed |= 1 << free
    events = execution.events
    return {
        number: [i for i in order if events[i].thread == number]
        for number, thread in enumerate(program.threads)
        if thread.source
    }


def _fixed(execution: Execution, model: Model, n: int) -> dict[str, Bounds]:
    base = {}
    static = frame_of(model, execution).static
    for name in ("rf", "co", "amo", "lxsx", "addr", "data", "ctrl", "pick-addr", "pick-data", "pick-ctrl",
                 "src", "switch"):  # fmt: skip
        rows = list(from_pairs(n, execution.relation(name)))
        base[name] = Bounds(rows, list(rows))
    for name in ("loc", "int", "ext", "dev"):
        rows = list(static[name])
        base[name] = Bounds(rows, list(rows))
    return base
