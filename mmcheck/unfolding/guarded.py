"""Control dependencies of compiled code: which writes a branch really decides on.

A compiler moves a write out of the branches around it if it is performed whatever they decide: by both arms, or in one
and behind the join by the other (an early return), or under a test that the path has answered. So a write depends on a
read by control only if, everything else fixed, two values of that read make a difference to what is written: whether it
is written at all, by this or by an equal write on another path, where, or what.
"""

from __future__ import annotations

from collections.abc import Iterable

from mmcheck.graph import EventGraph, GEvent
from mmcheck.records import record
from mmcheck.terms import Term, Terms, symbols_of
from mmcheck.unfolding.forwarding import Forwarding
from mmcheck.unfolding.state import Key, Taint


@record
class Guarded:
    """An event inside of branches that test `control`, where the path has established `facts`."""

    event: int
    control: Taint
    facts: tuple[Term, ...]


def decided(
    graph: EventGraph, terms: Terms, forwarding: Forwarding, guarded: Iterable[Guarded]
) -> list[tuple[Key, int, Term]]:
    """The control dependencies that compilers keep in one thread: on which read, of which event, if what."""
    found = []
    twins = _Twins(graph, terms)
    for one in guarded:
        event = graph.events[one.event]
        others = []
        for guard, place, value in twins.of(event):
            either = terms.disj([event.guard, guard])
            pairs = [(guard, place, event.address), (guard, value, event.value if event.kind == "W" else None)]
            unlike = set()
            for cond, its, mine in pairs:
                if its is not None and mine is not None:
                    phi = terms.select(cond, its, mine)
                    unlike |= {key for key, _ in forwarding.robust(one.control, phi, [either, *one.facts])}
            others.append((guard, unlike))
        for key, cond in forwarding.passed_on(one.control).items():
            performed = terms.disj([event.guard, *[guard for guard, unlike in others if key not in unlike]])
            found += [(each, one.event, when) for each, when in forwarding.robust({key: cond}, performed, [*one.facts])]
    return found


class _Twins:
    def __init__(self, graph: EventGraph, terms: Terms) -> None:
        self.graph = graph
        self.terms = terms
        self.parts: dict[int, tuple[frozenset[int], frozenset[int]]] = {}

    def of(self, event: GEvent) -> list[tuple[Term, Term | None, Term | None]]:
        """Guard, place and value of each event on another path that may be the same as `event`."""
        return [self._unified(event, other) for other in self.graph.events if self._is_twin(event, other)]

    def _is_twin(self, event: GEvent, other: GEvent) -> bool:
        if (other.thread, other.kind, other.tags, other.optional, other.width) != (
            event.thread, event.kind, event.tags, event.optional, event.width,
        ):  # fmt: skip
            return False
        a, b = event.address, other.address
        if a is not None and b is not None and a is not b and a.op == b.op == "const":
            return False
        return self._exclusive(event.guard, other.guard)

    def _exclusive(self, a: Term, b: Term) -> bool:
        return not self._literals(a)[0].isdisjoint(self._literals(b)[1])

    def _literals(self, guard: Term) -> tuple[frozenset[int], frozenset[int]]:
        """The conjuncts of `guard`, and their negations."""
        known = self.parts.get(guard.number)
        if known is None:
            parts = guard.args if guard.op == "and" else (guard,)
            known = frozenset([p.number for p in parts]), frozenset([self.terms.neg(p).number for p in parts])
            self.parts[guard.number] = known
        return known

    def _unified(self, event: GEvent, twin: GEvent) -> tuple[Term, Term | None, Term | None]:
        """Guard, place and value of `twin`; its reads that are the same as one before `event` are that one."""
        roots = [term for term in (twin.guard, twin.address, twin.value) if term is not None]
        mine = [term for term in (event.guard, event.address, event.value) if term is not None]
        own = [read for read in self._reads(mine) if self._exclusive(read.guard, twin.guard)]
        for read in self._reads(roots):
            if not self._exclusive(read.guard, event.guard):
                continue
            for other in own:
                if (other.tags, other.width) == (read.tags, read.width) and other.address is read.address:
                    assert other.value is not None
                    roots = self.terms.substitute(roots, f"r{read.id}", other.value)
                    own.remove(other)
                    break
        guard, *rest = roots
        return guard, rest[0] if rest else None, rest[1] if len(rest) > 1 else None

    def _reads(self, roots: list[Term]) -> list[GEvent]:
        names = symbols_of(roots)
        return [event for event in self.graph.events if event.kind == "R" and f"r{event.id}" in names]
