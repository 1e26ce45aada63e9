"""herd's question about one test to the solver: can the condition hold, can it fail, and in which final states?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mmcheck.base.deadline import Deadline
from mmcheck.base.errors import UnknownVerdict
from mmcheck.engines.smt.circuit import FALSE, TRUE
from mmcheck.engines.smt.decode import Decoder
from mmcheck.engines.smt.encode import encode
from mmcheck.engines.smt.encoding import Encoding
from mmcheck.engines.smt.finals import Finals
from mmcheck.engines.unfolding.unfold import unfold
from mmcheck.ir.program import Origin, Reg
from mmcheck.language.herd.read import LitmusTest
from mmcheck.model.model import Model

MAX_STATES = 100_000


class Answer(NamedTuple):
    """Whether the condition holds in some final state (`positive`) and fails in some (`negative`); whether loops are
    `cut` in some run; the access that goes outside every location in some run; the states, if they were asked for."""

    positive: bool
    negative: bool
    cut: bool
    astray: Origin | None
    states: list[dict[str, int]] | None
    encoding: Encoding


def solve(test: LitmusTest, model: Model, *, states: bool, bound: int, deadline: Deadline) -> Answer:
    """The answer for `test`; without the rest if some access goes `astray`. Raises `UnknownVerdict`."""
    graph = unfold(test.program, bound=bound, quiescent=True, deadline=deadline)
    encoding = encode(graph, model, compiled=False)
    finals = Finals(encoding)
    assumed = encoding.assumptions()
    if test.filter is not None:
        assumed.append(encoding.values.literal(finals.term(test.filter)))
    condition = encoding.values.literal(finals.term(test.condition))

    def possible(literal: int) -> bool:
        if literal == FALSE or FALSE in assumed:
            return False
        wanted = [lit for lit in (*assumed, literal) if lit != TRUE]
        return encoding.solver.solve(wanted)

    astray = _astray(encoding)
    if astray is not None:
        return Answer(False, False, False, astray, None, encoding)
    positive, negative = possible(condition), possible(-condition)
    cuts = encoding.circuit.any([encoding.values.literal(cut.guard) for cut in graph.cuts])
    cut = cuts != FALSE and encoding.solver.solve([cuts])
    found = _all_states(encoding, finals, test.observed, assumed) if states else None
    return Answer(positive, negative, cut, None, found, encoding)


def _astray(encoding: Encoding) -> Origin | None:
    """An access that goes outside every location in some run."""
    assumed = [lit for lit in encoding.assumptions() if lit not in (encoding.inside, TRUE)]
    for number, literal in encoding.astray.items():
        if literal != FALSE and encoding.solver.solve([*assumed, literal]):
            return encoding.graph.events[number].origin
    return None


def _all_states(
    encoding: Encoding, finals: Finals, observed: Sequence[Reg], assumed: list[int]
) -> list[dict[str, int]]:
    """Every final state, projected on `observed`: solve, block, repeat."""
    values, terms = encoding.values, [(reg.name, finals.state(reg)) for reg in observed]
    told = {
        name: tuple(values.of(term).values()) if values.is_listed(term) else values.bits(term) for name, term in terms
    }
    for literals in told.values():
        for literal in literals:
            encoding.circuit.assume(literal)
            encoding.circuit.assume(-literal)
    out: list[dict[str, int]] = []
    wanted = [lit for lit in assumed if lit != TRUE]
    while FALSE not in assumed and encoding.solver.solve(wanted):
        decoder = Decoder(encoding)
        state, block = {}, []
        for name, term in terms:
            if values.is_listed(term):
                state[name], literal = next((v, lit) for v, lit in values.of(term).items() if decoder.true(lit))
                block.append(-literal)
            else:
                state[name] = decoder.binary(told[name])
                block += [-literal if decoder.true(literal) else literal for literal in told[name]]
        out.append(state)
        if len(out) > MAX_STATES:
            raise UnknownVerdict(f"more than {MAX_STATES} final states")
        encoding.circuit.clause(block)
        if not any(lit != FALSE for lit in block):
            break
    return out
