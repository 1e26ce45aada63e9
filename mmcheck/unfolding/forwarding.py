"""Plain reads that a compiler takes from an earlier access of its own thread, and what becomes of their dependencies.

A plain read that sees what its thread wrote there last may be replaced by the value written: dependencies on the
*value* go on through it, those on the *address* of the write end. One that sees what an earlier read of its thread saw
may be replaced by that read: what the path knows of the one, it knows of the other. Which is which depends on run-time
addresses and values, so a dependency is decided case by case, each case with its condition.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from mmcheck.graph import EventGraph, GEvent
from mmcheck.robust import is_robust
from mmcheck.terms import Term, Terms, symbols_of
from mmcheck.unfolding.state import Key, Taint, Value, add, resize

MAX_CASES = 16
"""Cases that are told apart before a dependency is given up, which is the safe side."""

Case = tuple[Term, list[Term], dict[int, int]]
"""The condition; the terms, rewritten; and for each read that is replaced, the access that it is taken from."""


class Forwarding:
    def __init__(self, graph: EventGraph, terms: Terms) -> None:
        self.graph = graph
        self.terms = terms
        self.written: dict[int, tuple[Value, Taint]] = {}
        """Stores of compiled threads: the value, and what their address depends on."""
        self.near: dict[str, list[int]] = {}
        """For the symbol of a plain read, the earlier accesses of its thread that may be to the same place."""
        self.plain: dict[str, Term] = {}
        self.outcomes: dict[int, tuple[str, Term]] = {}
        """For the read of a read-modify-write that may fail: the choice that stands for success, and its test."""
        self.variables = {cell.address: cell.name.split("[")[0].split(".")[0] for cell in graph.program.cells}

    def stored(self, event: GEvent, address: Value, value: Value) -> None:
        self.written[event.id] = value, address.taint

    def loaded(self, event: GEvent, plain: Term) -> None:
        """Note what a read may be replaced by if it is `plain`."""
        if plain is self.terms.false:
            return
        events = self.graph.events
        mine = [e.id for e in events[: event.id] if e.thread == event.thread and e.is_access and self._alias(e, event)]
        if mine:
            self.near[f"r{event.id}"] = mine
            self.plain[f"r{event.id}"] = plain

    def robust(
        self, taint: Taint, term: Term, conditions: list[Term], within: Container[int] | None = None
    ) -> Iterator[tuple[Key, Term]]:
        """The dependencies of `term` that a compiler keeps, each with its condition."""
        for assumed, (rewritten, *known), replaced in self._cases([term, *conditions]) if taint else ():
            for (read, pick), cond in self._through(taint, replaced).items():
                holds = self.terms.conj([cond, assumed])
                if holds is not self.terms.false:
                    # A read that is an earlier one: it is that one's value that varies.
                    varied = replaced.get(read, read)
                    if is_robust(*self._spelt_out(varied, rewritten, known), within):
                        yield (read, pick), holds

    def _spelt_out(self, read: int, term: Term, known: list[Term]) -> tuple[Term, str, list[Term]]:
        """`term` and what is known, with the test of a read-modify-write for the choice that stands for its outcome."""
        if read in self.outcomes:
            term, *known = self.terms.substitute([term, *known], *self.outcomes[read])
        return term, f"r{read}", known

    def passed_on(self, taint: Taint) -> Taint:
        """`taint`, and instead of reads that are replaced by what was written, what that depends on."""
        names = {f"r{read}" for read, _ in taint} & self.near.keys()
        if not names:
            return taint
        out: Taint = {}
        for assumed, _, replaced in self._cases([self._symbol(name) for name in sorted(names)]):
            for key, cond in self._through(taint, replaced).items():
                out[key] = self.terms.disj([out.get(key, self.terms.false), self.terms.conj([cond, assumed])])
        return {key: cond for key, cond in out.items() if cond is not self.terms.false}

    def _through(self, taint: Taint, replaced: dict[int, int]) -> Taint:
        out: Taint = {}
        for (read, pick), cond in taint.items():
            source = replaced.get(read)
            if source not in self.written:
                add(self.terms, out, {(read, pick): cond})
            else:
                for (behind, more), why in self._through(self.written[source][0].taint, replaced).items():
                    add(self.terms, out, {(behind, pick or more): self.terms.conj([cond, why])})
        return out

    # --- cases -------------------------------------------------------------------------------------

    def _cases(self, roots: list[Term]) -> list[Case]:
        """The ways in which the reads below `roots` are replaced; none if there are too many."""
        done: list[Case] = []
        work: list[tuple[Case, frozenset[str]]] = [((self.terms.true, roots, {}), frozenset())]
        while work:
            (assumed, terms, replaced), seen = work.pop()
            names = symbols_of(terms) if self.near else set()
            open_names = sorted(names & self.near.keys() - seen)
            if not open_names:
                done.append((assumed, terms, replaced))
                continue
            name = open_names[0]
            for cond, source in self._alternatives(name, names):
                both = self.terms.conj([assumed, cond])
                if both is self.terms.false:
                    continue
                if source is None:
                    work.append(((both, terms, replaced), seen | {name}))
                else:
                    value = self.written[source][0].term if source in self.written else self._symbol(f"r{source}")
                    rewritten = self.terms.substitute(terms, name, self._fitting(value, name))
                    work.append(((both, rewritten, {**replaced, int(name[1:]): source}), seen | {name}))
            if len(done) + len(work) > MAX_CASES:
                return []
        return done

    def _alternatives(self, name: str, names: set[str]) -> list[tuple[Term, int | None]]:
        """What read `name` may be replaced by, with the conditions, which exclude each other; None: by nothing.

        A write of constants is left out: the read depends on nothing then. So are reads that nothing is known of.
        """
        terms, events = self.terms, self.graph.events
        read = events[int(name[1:])]
        symbol = self._symbol(name)
        found: list[tuple[Term, int | None]] = []
        rest = self.plain[name]  # and nothing was written there since, and the read is not yet replaced
        again: list[tuple[Term, int]] = []
        for number in reversed(self.near[name]):
            event = events[number]
            here = terms.conj([event.guard, self._same_place(event, read)])
            if event.kind == "R":
                if f"r{number}" in names:
                    equal = terms.op("eq", (self._fitting(self._symbol(f"r{number}"), name), symbol), 1)
                    again.append((terms.conj([rest, here, equal]), number))
                continue
            if number in self.written:
                value, place = self.written[number]
                depends = terms.disj([*value.taint.values(), *place.values()])
                equal = terms.op("eq", (self._fitting(value.term, name), symbol), 1)
                found.append((terms.conj([rest, here, depends, equal]), number))
            rest = terms.conj([rest, terms.neg(here)])
        left = terms.conj([terms.neg(cond) for cond, _ in found])
        for cond, number in reversed(again):  # the first of them is where the value is known from
            found.append((terms.conj([left, cond]), number))
            left = terms.conj([left, terms.neg(cond)])
        return [*found, (left, None)]

    def _symbol(self, name: str) -> Term:
        value = self.graph.events[int(name[1:])].value
        assert value is not None
        return value

    def _fitting(self, term: Term, name: str) -> Term:
        return resize(self.terms, term, self._symbol(name).width)

    def _same_place(self, a: GEvent, b: GEvent) -> Term:
        assert a.address is not None and b.address is not None
        return self.terms.op("eq", (a.address, b.address), 1)

    def _alias(self, a: GEvent, b: GEvent) -> bool:
        one, other = self._variable(a.address), self._variable(b.address)
        if one is not None and other is not None and one != other:
            return False
        return self._same_place(a, b) is not self.terms.false

    def _variable(self, address: Term | None) -> str | None:
        """The variable that an access goes to if it stays inside; None for a pointer."""
        assert address is not None
        numbers = [address] if address.op == "const" else address.args if address.op == "add" else ()
        return next((self.variables[n.const] for n in numbers if n.const in self.variables), None)
