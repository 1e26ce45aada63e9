"""Control dependencies of compiled code: which writes a branch really decides on.

A compiler moves a write out of the branches around it if it is performed whatever they decide: by both arms, or in one
and behind the join by the other (an early return), or under a test that the path has answered. So a write depends on a
read by control only if, everything else fixed, two values of that read make a difference to what is written: whether it
is written at all, by this or by an equal write on another path, where, or what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mmcheck.graph import EventGraph, GEvent
from mmcheck.program import Tags
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
        for option, chosen in twins.options(graph.events[one.event]):
            performed = _performed(graph, terms, forwarding, one, twins, option)
            for key, cond in forwarding.passed_on(one.control).items():
                for each, when in forwarding.robust({key: cond}, performed(key), [*one.facts]):
                    found.append((each, one.event, terms.conj([when, chosen])))
    return found


def _performed(
    graph: EventGraph, terms: Terms, forwarding: Forwarding, one: Guarded, twins: _Twins, option: str | None
) -> Callable[[Key], Term]:
    """That the write is performed, by this event or by another that is the same whatever a read returned."""
    event = graph.events[one.event]
    others = []
    for guard, place, value in twins.of(event, option):
        either = terms.disj([event.guard, guard])
        pairs = [(guard, place, event.address), (guard, value, event.value if event.kind == "W" else None)]
        unlike = set()
        for cond, its, mine in pairs:
            if its is not None and mine is not None:
                phi = terms.select(cond, its, mine)
                unlike |= {key for key, _ in forwarding.robust(one.control, phi, [either, *one.facts])}
        others.append((guard, unlike))
    return lambda key: terms.disj([event.guard, *[guard for guard, unlike in others if key not in unlike]])


class _Twins:
    def __init__(self, graph: EventGraph, terms: Terms) -> None:
        self.graph = graph
        self.terms = terms
        self.parts: dict[int, tuple[frozenset[int], frozenset[int]]] = {}

    def options(self, event: GEvent) -> list[tuple[str | None, Term]]:
        """The options of a site that decide what `event` is the same as, each for all that decide alike, with the
        condition that one of them is selected; None where there is nothing to decide."""
        same = [other for other in self.graph.events if self._may_be_twin(event, other)]
        mine = [each for each in self.graph.events if each.thread == event.thread and each.optional] if same else []
        sites = {each.site for each in mine}
        if len(sites) != 1:  # of several sites, those with the same options count as the same
            return [(None, self.terms.true)]
        alike: dict[tuple[Tags, ...], list[tuple[str, Term]]] = {}
        for name, term in self.graph.choices[sites.pop()]:
            alike.setdefault(tuple([each.tags_under(name) for each in mine]), []).append((name, term))
        if len(alike) == 1:
            return [(next(iter(alike.values()))[0][0], self.terms.true)]
        return [(those[0][0], self.terms.disj([term for _, term in those])) for those in alike.values()]

    def of(self, event: GEvent, option: str | None) -> list[tuple[Term, Term | None, Term | None]]:
        """Guard, place and value of each event on another path that may be the same as `event`, if `option` is
        selected."""
        return [
            self._unified(event, other, option)
            for other in self.graph.events
            if self._may_be_twin(event, other) and self._ordered_alike(event, other, option)
        ]

    def _may_be_twin(self, event: GEvent, other: GEvent) -> bool:
        if (other.thread, other.kind, other.width) != (event.thread, event.kind, event.width):
            return False
        a, b = event.address, other.address
        if a is not None and b is not None and a is not b and a.op == b.op == "const":
            return False
        return self._exclusive(event.guard, other.guard)

    def _ordered_alike(self, event: GEvent, other: GEvent, option: str | None) -> bool:
        if option is None:
            return (event.tags, event.optional) == (other.tags, other.optional)
        return event.tags_under(option) == other.tags_under(option)

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

    def _unified(self, event: GEvent, twin: GEvent, option: str | None) -> tuple[Term, Term | None, Term | None]:
        """Guard, place and value of `twin`; its reads that are the same as one before `event` are that one."""
        roots = [term for term in (twin.guard, twin.address, twin.value) if term is not None]
        mine = [term for term in (event.guard, event.address, event.value) if term is not None]
        own = [read for read in self._reads(mine) if self._exclusive(read.guard, twin.guard)]
        for read in self._reads(roots):
            if not self._exclusive(read.guard, event.guard):
                continue
            for other in own:
                alike = other.tags == read.tags if option is None else self._ordered_alike(other, read, option)
                if alike and other.width == read.width and other.address is read.address:
                    assert other.value is not None
                    roots = self.terms.substitute(roots, f"r{read.id}", other.value)
                    own.remove(other)
                    break
        guard, *rest = roots
        return guard, rest[0] if rest else None, rest[1] if len(rest) > 1 else None

    def _reads(self, roots: list[Term]) -> list[GEvent]:
        names = symbols_of(roots)
        return [event for event in self.graph.events if event.kind == "R" and f"r{event.id}" in names]
