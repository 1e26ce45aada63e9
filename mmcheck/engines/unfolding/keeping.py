"""What a compiler leaves in the order of the text, as conditions over the events of one thread (docs/compiler.md)."""

from __future__ import annotations

from mmcheck.events.domains import implies
from mmcheck.events.graph import EventGraph, GEvent
from mmcheck.events.terms import Term
from mmcheck.model.kept import Half, kept, passes


class Keeping:
    """Asks the table of `profile` about pairs of events of `graph`, which need not be complete."""

    def __init__(self, graph: EventGraph, profile: str) -> None:
        self.graph = graph
        self.terms = graph.terms
        self.profile = profile
        self.variables = {cell.address: cell.name.split("[")[0].split(".")[0] for cell in graph.program.cells}
        self._known: dict[tuple[int, int], Term] = {}
        self._partner: dict[int, int] = {}
        self._overridden: dict[int, list[tuple[GEvent, Term]]] = {}

    def pair(self, earlier: GEvent, later: GEvent) -> Term:
        """That `earlier` is kept before `later`, if both are there."""
        key = earlier.id, later.id
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._pair(earlier, later)
        return known

    def _pair(self, earlier: GEvent, later: GEvent) -> Term:
        if earlier.group and earlier.group == later.group:
            return self.terms.false
        same = self.same_place(earlier, later)
        found = []
        for chosen, first in self._halves(earlier):
            for also, second in self._halves(later):
                both = self.terms.conj([chosen, also])
                if both is self.terms.false:
                    continue
                if kept(self.profile, first, second, same_place=False):
                    found.append(both)
                elif same is not self.terms.false and kept(self.profile, first, second, same_place=True):
                    found.append(self.terms.conj([both, same]))
        return self.terms.disj(found)

    def passes(self, name: str, event: GEvent) -> Term:
        """That `event` is in the set `name` of the profile: what is looked past, say, when a load is forwarded."""
        return self.terms.disj([chosen for chosen, half in self._halves(event) if passes(self.profile, name, half)])

    def _halves(self, event: GEvent) -> list[tuple[Term, Half]]:
        """`event` as the table sees it, under each option of its site that makes a difference."""
        other = self._other(event)
        if not event.site:
            return [(self.terms.true, Half(event.kind, event.tags, None if other is None else other.tags))]
        alike: dict[Half, list[Term]] = {}
        for name, selected in self.graph.choices[event.site]:
            tags = None if other is None or not _there(other, name) else other.tags_under(name)
            alike.setdefault(Half(event.kind, event.tags_under(name), tags), []).append(selected)
        if len(alike) == 1:
            return [(self.terms.true, next(iter(alike)))]
        return [(self.terms.disj(terms), half) for half, terms in alike.items()]

    def _other(self, event: GEvent) -> GEvent | None:
        """The other half of the read-modify-write that `event` belongs to."""
        pairs = len(self.graph.amo) + len(self.graph.lxsx)
        if len(self._partner) < 2 * pairs:
            for a, b in (*self.graph.amo, *self.graph.lxsx):
                self._partner[a], self._partner[b] = b, a
        found = self._partner.get(event.id)
        return None if found is None else self.graph.events[found]

    def same_place(self, a: GEvent, b: GEvent) -> Term:
        """That two accesses go to one address; false if they cannot, and of a fence."""
        if a.address is None or b.address is None:
            return self.terms.false
        one, other = self.variable(a.address), self.variable(b.address)
        if one is not None and other is not None and one != other:
            return self.terms.false
        return self.terms.op("eq", (a.address, b.address), 1)

    def plain(self, event: GEvent) -> Term:
        """That `event` is a plain access, by the option that is selected at its site."""
        if not event.site:
            return self.terms.true if "Plain" in event.tags else self.terms.false
        plain = [term for name, term in self.graph.choices[event.site] if "Plain" in event.tags_under(name)]
        return self.terms.true if "Plain" in event.tags else self.terms.disj(plain)

    def reached(self, event: GEvent) -> Term:
        """That the text comes to `event`, left out or not."""
        removal = self.graph.removals.get(event.id)
        return event.guard if removal is None else removal.reached

    def overridden(self, store: GEvent) -> list[tuple[GEvent, Term]]:
        """The earlier plain stores that `store` may override, each with its condition: a compiler makes one store of
        the two, or stores once more what was there, if it is not known whether `store` is made."""
        known = self._overridden.get(store.id)
        if known is None:
            known = self._overridden[store.id] = []
            terms, inside = self.terms, self.reached(store)
            clear = self.plain(store) if store.kind == "W" else terms.false
            for event in reversed(self.graph.events[: store.id]):
                if clear is terms.false:
                    break
                if event.thread != store.thread or "Ghost" in event.tags:
                    continue
                there = self.reached(event)
                if event.kind == "W" and self.same_place(event, store) is not terms.false:
                    cond = terms.conj([clear, there, self.plain(event)])
                    if cond is not terms.false:
                        known.append((event, cond))
                passed = self.passes("overrides", event)
                if passed is not terms.true:
                    blocked = passed is terms.false and implies(inside, there)
                    clear = terms.false if blocked else terms.conj([clear, terms.disj([passed, terms.neg(there)])])
        return known

    def variable(self, address: Term) -> str | None:
        """The variable that an access goes to if it stays inside; None for a pointer."""
        numbers = [address] if address.op == "const" else address.args if address.op == "add" else ()
        return next((self.variables[n.const] for n in numbers if n.const in self.variables), None)


def _there(event: GEvent, option: str) -> bool:
    return event.present is None or option in event.present
