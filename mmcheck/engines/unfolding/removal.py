"""Accesses of compiled code that need not exist (docs/compiler.md, "Accesses that a compiler leaves out").

A plain load may be taken from an earlier access of its thread, a plain store may be one that changes nothing, or that
nobody can see. Each such access gets a choice: if it is `gone`, its event does not happen, and a register that it
would have loaded holds what the load is taken from. What justifies the choice is a constraint on the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mmcheck.base.records import replace
from mmcheck.engines.unfolding.keeping import Keeping
from mmcheck.events.domains import implies
from mmcheck.events.graph import EventGraph, GEvent, Removal
from mmcheck.events.terms import Term, symbols_of, walk
from mmcheck.ir.program import registers_of, state_register
from mmcheck.target.targets import architecture_of

MOST_SOURCES = 4
"""Earlier accesses that one may be taken from, and later ones that overwrite it: the nearest ones."""


class Removals:
    """The choices for the accesses of one thread after the other."""

    def __init__(self, graph: EventGraph, keeping: Keeping) -> None:
        self.graph = graph
        self.terms = graph.terms
        self.keeping = keeping
        self.values: dict[int, Term] = {}
        """What a load leaves in its register."""
        self.loads: dict[int, list[tuple[int, Term]]] = {}
        """Load -> the accesses that it may be taken from, each with the choice that says so."""
        self._idles: dict[int, bool] = {}

    # --- loads, as they are unfolded -----------------------------------------------------------------

    def load(self, load: GEvent, plain: Term) -> Term:
        """What is in the register behind `load`, which can be left out if it is `plain`."""
        assert load.value is not None
        if plain is self.terms.false:
            return load.value
        sources = list(self._sources(load, self._reached, load.guard))
        value = load.value
        self.loads[load.id] = []
        for number, _ in reversed(sources):
            taken = self.terms.symbol(f"take{load.id}.{number}", 1)
            self.loads[load.id].append((number, taken))
            self.graph.constraints.append(self.terms.disj([self.terms.neg(taken), plain]))
            value = self.terms.select(taken, self._value(number), value)
        self.values[load.id] = value
        return value

    def _value(self, number: int) -> Term:
        value = self.values.get(number, self.graph.events[number].value)
        assert value is not None
        return value

    def _reached(self, event: GEvent) -> Term:
        """When what cannot be left out happens; false for what perhaps can, so that too much is offered."""
        return self.terms.false if "Plain" in event.possible or self._idle(event.id) else event.guard

    def _idle(self, number: int) -> bool:
        """Whether the event is half of a read-modify-write that changes nothing. What it reads is not known unless it
        happens, and then it is what is there already."""
        if len(self._idles) < 2 * (len(self.graph.amo) + len(self.graph.lxsx)):
            for pair in (*self.graph.amo, *self.graph.lxsx):
                if pair[0] not in self._idles:
                    self._idles |= dict.fromkeys(pair, self._changes_nothing(*pair))
        return self._idles.get(number, False)

    def _sources(self, event: GEvent, present: Callable[[GEvent], Term], inside: Term) -> Iterator[tuple[int, Term]]:
        """The earlier accesses whose value is still there at `event`, nearest first, each with its condition: nothing
        that a compiler does not look past stands between. `inside` is what is known at `event`."""
        terms, keeping = self.terms, self.keeping
        after_write, after_read = ("forwards", "forwards") if event.kind == "R" else ("repeats", "writes-back")
        clear = dict.fromkeys((after_write, after_read), terms.true)
        fresh = terms.true  # no own write to the place stands between
        found = 0
        for source in reversed(self.graph.events[: event.id]):
            if source.thread != event.thread or "Ghost" in source.tags:
                continue
            same = keeping.same_place(source, event)
            if same is not terms.false:
                reached = self.keeping.reached(source)
                way = clear[after_write if source.kind == "W" else after_read]
                here = terms.conj([fresh, way, reached, same, keeping.passes("sources", source)])
                if source.width == event.width and terms.conj([inside, here]) is not terms.false:
                    found += 1
                    yield source.id, here
                if source.kind == "W":
                    written = present(source) if self._idle(source.id) else reached
                    fresh = terms.conj([fresh, terms.neg(terms.conj([written, same]))])
                    if same is terms.true and implies(inside, written):
                        return
            there = present(source)
            for name in clear:
                passed = keeping.passes(name, source)
                if passed is not terms.true:
                    if passed is terms.false and implies(inside, there):
                        clear[name] = terms.false
                    else:
                        clear[name] = terms.conj([clear[name], terms.disj([passed, terms.neg(there)])])
            if found == MOST_SOURCES or fresh is terms.false or all(way is terms.false for way in clear.values()):
                return

    # --- at the end of a thread ------------------------------------------------------------------------

    def settle(self, thread: int) -> None:
        """Now that all of `thread` is known: what justifies each choice, and which stores there is one for."""
        terms, graph = self.terms, self.graph
        events = [e for e in graph.events if e.thread == thread and "Ghost" not in e.tags]
        pairs = dict((*graph.amo.items(), *graph.lxsx.items()))
        halves = {number for pair in pairs for number in pair}
        choices: dict[int, list[Term]] = {}
        for event in events:
            if event.kind == "R" and event.id in self.loads:
                own = any(e.kind == "W" and self._may_meet(e, event) for e in events if e.id < event.id)
                unused = [self._left_unused(event.id)] if own else []
                choices[event.id] = [choice for _, choice in self.loads[event.id]] + unused
            elif event.kind == "W" and event.id not in halves and self.keeping.plain(event) is not terms.false:
                if any(self._may_meet(e, event) for e in events if e.id != event.id and e.address is not None):
                    choices[event.id] = [terms.symbol(f"{what}{event.id}", 1) for what in ("again", "dead")]
        idle = {}
        for read, write in pairs:
            if graph.events[read].thread == thread and self._idle(read):
                idle[read], idle[write] = write, read
                choices[read] = choices[write] = [terms.symbol(f"idle{read}", 1)]
        gone = {number: terms.disj(found) for number, found in choices.items()}

        def optimistic(event: GEvent) -> Term:
            return terms.false if event.id in gone else event.guard

        def present(event: GEvent) -> Term:
            return terms.conj([event.guard, terms.neg(gone.get(event.id, terms.false))])

        justified: dict[int, tuple[Term, list[tuple[Term, Term, str]]]] = {}
        for first, judge in ((True, optimistic), (False, present)):  # first drop what nothing justifies
            justified = {}
            for number in list(gone):
                reasons = self._reasons(graph.events[number], events, choices[number], judge, idle, first)
                kept = [(choice, why, how) for choice, why, how in reasons if why is not terms.false]
                if kept:
                    justified[number] = terms.disj([choice for choice, _, _ in kept]), kept
            gone = {number: term for number, (term, _) in justified.items()}
        for number, (term, reasons) in justified.items():
            event = graph.events[number]
            legal = [terms.disj([terms.neg(choice), why]) for choice, why, _ in reasons]
            graph.removals[number] = Removal(event.guard, term, terms.conj(legal), tuple(
                [(choice, how) for choice, _, how in reasons]
            ))  # fmt: skip
        for number, (term, reasons) in justified.items():
            event = graph.events[number]
            graph.constraints += [
                terms.disj([terms.neg(choice), terms.conj([event.guard, why])]) for choice, why, _ in reasons
            ]
            graph.events[number] = replace(event, guard=terms.conj([event.guard, terms.neg(term)]))
        for number, found in self.loads.items():
            if graph.events[number].thread == thread:
                made = {choice for choice, _ in graph.removals[number].how} if number in graph.removals else set()
                graph.constraints += [terms.neg(choice) for _, choice in found if choice not in made]

    def _reasons(
        self, event: GEvent, events: list[GEvent], choices: list[Term], present: Callable[[GEvent], Term],
        idle: dict[int, int], first: bool,
    ) -> list[tuple[Term, Term, str]]:  # fmt: skip
        """For each choice, what justifies it, and what a reader is told."""
        terms, graph = self.terms, self.graph
        if event.id in idle:
            read = min(event.id, idle[event.id])
            deleted = self.keeping.passes("idles", graph.events[read])
            why = terms.conj([deleted, self._unused(read, events, present)])
            return [(choices[0], why, "it changes nothing, and its result is unused")]
        if event.kind == "R":
            sources = dict(self._sources(event, present, event.guard))
            found = []
            for choice, (number, _) in zip(choices, self.loads[event.id], strict=False):
                found.append(
                    (
                        choice,
                        sources.get(number, terms.false),
                        f"its value is known from {self.graph.events[number].origin.quoted()}",
                    )
                )
            if len(choices) > len(found):
                unused = terms.conj([self.keeping.plain(event), self._unused(event.id, events, present)])
                found.append((choices[-1], unused, "its value is not used"))
            return found
        plain = self.keeping.plain(event)
        assert event.value is not None
        again = []
        for number, cond in self._sources(event, present, event.guard):
            source = graph.events[number]
            if self._idle(number) and not first:
                cond = terms.conj([cond, present(source)])
            same = terms.op("eq", (self._value(number), event.value), 1)
            again.append(terms.conj([cond, same, self._is_known(number)]))
        dead = list(self._overwritten(event, events, present, first))
        return [
            (choices[0], terms.conj([plain, terms.disj(again)]), "the value is there already"),
            (choices[1], terms.conj([plain, terms.disj(dead)]), "it is overwritten"),
        ]

    def _overwritten(
        self, store: GEvent, events: list[GEvent], present: Callable[[GEvent], Term], first: bool
    ) -> Iterator[Term]:
        """That a later write to the same place is made, or would be if the waits before it ended."""
        terms = self.terms
        behind = [e for e in events if e.id > store.id]
        waits = [w for w in self.graph.waits if w.thread == store.thread and w.body[0] > store.id]
        ended = {str(w.done.payload): terms.true for w in waits if w.done.op == "sym"}
        made: dict[int, Term] = {}
        clear = terms.true
        found = 0
        for event in behind:
            same = self.keeping.same_place(store, event)
            there = self.keeping.reached(event) if first and event.kind == "W" else present(event)
            (there,) = terms.substitute([there], ended, made)
            if event.kind == "W" and event.width == store.width:
                way = terms.conj([clear, there, same, self.keeping.passes("killers", event)])
                if terms.conj([store.guard, way]) is not terms.false:
                    found += 1
                    yield way
            passed = terms.conj([self.keeping.passes("overwrites", event), terms.neg(same)])
            if first and event.kind == "W":
                passed = self.keeping.passes("overwrites", event)
            if passed is terms.false and implies(store.guard, there):
                return
            clear = terms.conj([clear, terms.disj([passed, terms.neg(there)])])
            if found == MOST_SOURCES or clear is terms.false:
                return

    def _left_unused(self, read: int) -> Term:
        """The choice that a load is left out since nothing needs its value, which nobody knows then."""
        return self.terms.symbol(f"unused{read}", 1)

    def _taking(self, *sources: int) -> Term:
        """That some load takes the value of one of `sources`."""
        return self.terms.disj([taken for each in self.loads.values() for source, taken in each if source in sources])

    def _is_known(self, source: int) -> Term:
        """That the thread has the value of `source`: it is none of a load that is left out as unused."""
        terms, loads = self.terms, self.loads.keys()
        names = symbols_of([self._value(source)]) if loads else frozenset[str]()
        from_unused = [
            self._left_unused(read) if read == source else terms.conj([self._left_unused(read), self._taking(read)])
            for read in loads
            if f"r{read}" in names
        ]
        return terms.neg(terms.disj(from_unused))

    def _unused(self, read: int, events: list[GEvent], present: Callable[[GEvent], Term]) -> Term:
        """That nothing of the run depends on what `read` returns."""
        terms, graph, name = self.terms, self.graph, f"r{read}"
        thread = graph.events[read].thread
        own = {b for a, b in (*graph.amo, *graph.lxsx) if a == read}
        uses: list[tuple[Term | None, Term]] = []
        for event in events:
            if event.id not in own:
                uses += [(event.address, present(event)), (event.value if event.kind == "W" else None, present(event))]
        uses += [(test.cond, test.guard) for test in graph.tests if test.thread == thread]
        uses += [(wait.cond, wait.guard) for wait in graph.waits if wait.thread == thread]
        uses += [(check.cond, check.guard) for check in graph.checks if check.thread == thread]
        uses += [(outcome.when, terms.true) for outcome in graph.outcomes.values() if read not in outcome.reads]
        uses += [(term, terms.true) for term in self._observed(thread)]
        found = [(term, guard) for term, guard in uses if term is not None and name in symbols_of([term])]
        taken = [choice for choices in self.loads.values() for source, choice in choices if source in {read, *own}]
        direct = terms.substitute([term for term, _ in found], {str(choice.payload): terms.false for choice in taken})
        parts = [
            terms.neg(guard if name in symbols_of([left]) else terms.conj([guard, terms.disj(taken)]))
            for (_, guard), left in zip(found, direct, strict=True)
        ]
        return terms.conj(parts)

    def _observed(self, thread: int) -> list[Term]:
        """What a requirement on final states, or the next run of the handler, sees of the thread's registers."""
        agent = self.graph.program.threads[thread]
        named = {reg.name for requirement in self.graph.program.requirements for reg in registers_of(requirement.cond)}
        return [
            term
            for name, term in self.graph.registers[thread].items()
            if agent.handler or state_register(agent.name, name.lstrip("@")).name in named
        ]

    def _changes_nothing(self, read: int, write: int) -> bool:
        """Whether the read-modify-write stores every value that it may read, and a compiler deletes it then."""
        first, second = self.graph.events[read], self.graph.events[write]
        if self.keeping.passes("idles", first) is self.terms.false or first.guard is not second.guard:
            return False
        if not architecture_of(self.graph.program.target).deletes_idle_updates:
            return False
        assert first.value is not None and second.value is not None
        if second.value is first.value:
            return True
        if symbols_of([second.value]) != {f"r{read}"}:
            return False
        mask = (1 << first.width) - 1
        near = {n.const + d for n in walk([second.value]) if n.const is not None for d in (-1, 0, 1)}
        tried = {n & mask for n in {0, 1, 2, mask, mask >> 1, (mask >> 1) + 1, *near}}
        return all(
            self.terms.substitute([second.value], {f"r{read}": self.terms.number(n, first.width)})[0].const == n
            for n in tried
        )

    def _may_meet(self, a: GEvent, b: GEvent) -> bool:
        return self.keeping.same_place(a, b) is not self.terms.false
