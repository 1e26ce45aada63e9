"""All consistent executions of an encoding, one by one: the number that both engines must agree on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mmcheck.base.errors import UnknownVerdict
from mmcheck.engines.smt.circuit import TRUE
from mmcheck.engines.smt.decode import Decoder
from mmcheck.engines.smt.encoding import Encoding
from mmcheck.events.execution import Execution


def all_executions(encoding: Encoding, *, limit: int = 100_000, timeout: float | None = None) -> Iterator[Execution]:
    """Every execution once: executions are equal if they have the same events, rf and co.

    The encoding is used up: what was found is blocked for good. Raises `UnknownVerdict` beyond `limit`.
    """
    found = 0
    for literal in {abs(lit) for lit in (*encoding.happens, *_choices(encoding)) if abs(lit) != TRUE}:
        encoding.circuit.assume(literal)
        encoding.circuit.assume(-literal)
    while encoding.solver.solve(encoding.assumptions(), timeout=timeout):
        decoder = Decoder(encoding)
        yield decoder.execution()
        found += 1
        if found >= limit:
            raise UnknownVerdict(f"more than {limit} executions")
        if not block(encoding, decoder):
            return


def _choices(encoding: Encoding) -> list[int]:
    memory = encoding.memory
    return [literal for sources in memory.rf.values() for literal in sources.values()] + list(memory.order.values())


def block(encoding: Encoding, decoder: Decoder, when: Iterable[int] = (), *, positions: bool = False) -> bool:
    """Exclude the execution that `decoder` read, under the literals `when`; False if there was no choice in it.

    With `positions`, only with interrupts where they are in it.
    """
    memory, events = encoding.memory, encoding.graph.events
    happens = [decoder.true(literal) for literal in encoding.happens]
    literals = [lit if here else -lit for lit, here in zip(encoding.happens, happens, strict=True)]
    for read, sources in memory.rf.items():
        if happens[read]:
            literals += [literal for literal in sources.values() if decoder.true(literal)]
    for (a, b), literal in memory.order.items():
        if happens[a] and happens[b] and decoder.true(literal) and decoder.true(memory.same(events[a], events[b])):
            literals.append(literal)
    if positions:
        graph, values = encoding.graph, encoding.values
        placed = [
            values.literal(term) for term in (*graph.before.values(), *graph.first.values(), *graph.turns.values())
        ]
        literals += [literal if decoder.true(literal) else -literal for literal in placed if abs(literal) != TRUE]
    clause = [-literal for literal in (*literals, *when) if literal != TRUE]
    encoding.circuit.clause(clause)
    return bool(clause)
