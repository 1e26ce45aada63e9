"""Semantic dependencies of compiled code (docs/compiler.md, "Dependencies that survive").

A compiler replaces code by any other that does the same. What is left of a dependency on a read is what the text
demands whatever the code looks like: another value of the read, all else as in this run, would have led the thread to
make another write, or none, or to come to that write on another way that it must not mistake. All of it is decided at
the values of the run: each dependency has a condition, a term over what the reads of the run return.

The thread as it would have run is the same events with other terms: one read is replaced by a number, and choices that
stand for outcomes (that a wait ends, that a compare-exchange succeeds) by their tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from mmcheck.engines.unfolding.keeping import Keeping
from mmcheck.engines.unfolding.picks import Picks, steps
from mmcheck.events.domains import implies
from mmcheck.events.graph import EventGraph, GEvent
from mmcheck.events.terms import Term, walk
from mmcheck.ir.program import ARITHMETIC, Tags
from mmcheck.model.kept import NULL_PAGE, concludes
from mmcheck.target.tags import instruction

MOST_UNKNOWN = 8
"""Values that are tried of a read that the run does not make. Others make no difference: the safe side."""

MOST_CELLS = 64
"""Addresses that a computed one is compared with, to see that it lies in some variable."""

BITWISE = frozenset({"and", "or", "xor", "not", "shl", "lshr", "ashr", "trunc", "mul", "udiv", "umod", "sdiv", "smod"})

Found = Iterator[tuple[str, int, int, Term]]
"""Name of the relation, read, event, condition."""


class Dependence:
    """The dependencies of one thread of source code, which has been unfolded and settled."""

    def __init__(self, graph: EventGraph, keeping: Keeping, thread: int) -> None:
        self.graph = graph
        self.terms = graph.terms
        self.keeping = keeping
        self.events = [e for e in graph.events if e.thread == thread and "Ghost" not in e.tags]
        self.outcomes = {name: each for name, each in graph.outcomes.items() if each.thread == thread}
        self.waits = [wait for wait in graph.waits if wait.thread == thread]
        self.pairs = {a: b for a, b in (*graph.amo, *graph.lxsx) if graph.events[a].thread == thread}
        self.halves = {*self.pairs, *self.pairs.values(), *[r for o in self.outcomes.values() for r in o.reads]}
        self.tests = [(test.guard, test.cond) for test in graph.tests if test.thread == thread]
        self.tests += [(wait.guard, wait.cond) for wait in self.waits]
        self.tests += [(each.guard, each.success) for each in self.outcomes.values()]
        self.checks = [
            check
            for check in graph.checks
            if check.thread == thread and check.requirement == ARITHMETIC and concludes(keeping.profile)
        ]
        self.cells = sorted(cell.address for cell in graph.program.cells)
        self.reads = {f"r{e.id}": e for e in self.events if e.kind == "R"}
        self.picks = Picks(self.terms)
        self._known_literals: dict[int, tuple[frozenset[int], tuple[frozenset[int], ...]]] = {}
        self.twins = {e.id: self._twins(e) for e in self.events}
        self._chains: dict[tuple[int, int], Term] = {}
        self._below: dict[int, frozenset[str]] = {}
        self._users: dict[int, frozenset[Term]] = {}
        self._given: dict[int, dict[int, Term]] = {}

    # --- the thread as text ---------------------------------------------------------------------------

    def found(self) -> Found:
        """Every dependency that no compiler removes."""
        varied = self._varied()
        failing = dict(each.reads for each in self.outcomes.values())
        once = {read for wait in self.waits for read in wait.once}
        text = _Text(self, frozenset())
        for read in varied:
            for name, source, event, cond in _Varied(
                self, _Text(self, frozenset({read})) if read in once else text, read
            ).found():
                yield name, source, event, cond
                if source in failing:
                    yield name, failing[source], event, cond

    def _varied(self) -> list[int]:
        """The reads that something may depend on; of those of a conditional read-modify-write, the one for success."""
        failing = {each.reads[1] for each in self.outcomes.values()}
        return [e.id for e in self.events if e.kind == "R" and e.id not in failing]

    def reached(self, event: GEvent) -> Term:
        return self.keeping.reached(event)

    def _twins(self, event: GEvent) -> list[GEvent]:
        self.terms.deadline.check()
        return [other for other in self.events if self._may_be_twin(event, other)]

    def _may_be_twin(self, event: GEvent, other: GEvent) -> bool:
        """Whether a compiler may make one access of the two, which no run makes both."""
        if event.id == other.id or (event.kind, event.width) != (other.kind, other.width):
            return False
        if self.alike(event, other) is self.terms.false:
            return False
        if event.address is not None and self.keeping.same_place(event, other) is self.terms.false:
            return False
        return self.exclusive(self.reached(event), self.reached(other))

    def alike(self, event: GEvent, other: GEvent) -> Term:
        """That two events may become one instruction, by the options that are selected at their sites."""
        return self.terms.disj(
            [
                self.terms.conj([chosen, also])
                for chosen, tags in self._tags(event)
                for also, others in self._tags(other)
                if instruction(tags) == instruction(others)
            ]
        )

    def _tags(self, event: GEvent) -> list[tuple[Term, Tags]]:
        if not event.site:
            return [(self.terms.true, event.tags)]
        return [(chosen, event.tags_under(name)) for name, chosen in self.graph.choices[event.site]]

    def exclusive(self, a: Term, b: Term) -> bool:
        """Whether a conjunct of one is the negation of one of the other, or of several."""
        (one, denied), (other, also) = self._literals(a), self._literals(b)
        return any(each <= other for each in denied) or any(each <= one for each in also)

    def _literals(self, guard: Term) -> tuple[frozenset[int], tuple[frozenset[int], ...]]:
        """The conjuncts of `guard`, and for each the conjuncts that together deny it."""
        known = self._known_literals.get(guard.number)
        if known is None:
            parts, neg = guard.args if guard.op == "and" else (guard,), self.terms.neg
            denied = [neg(p) for p in parts]
            denials = [
                [neg(arg) for arg in p.args] if p.op == "or" else d.args if d.op == "and" else (d,)
                for p, d in zip(parts, denied, strict=True)
            ]
            known = frozenset([p.number for p in parts]), tuple([frozenset([t.number for t in d]) for d in denials])
            self._known_literals[guard.number] = known
        return known

    def chain(self, first: GEvent, last: GEvent) -> Term:
        """That what is kept leads from `first` to `last`, through events that are present."""
        key = first.id, last.id
        known = self._chains.get(key)
        if known is None:
            terms = self.terms
            known = self.keeping.pair(first, last)
            ways = [known]
            for event in self.events if known is not terms.true else ():
                if first.id < event.id < last.id and "Plain" not in event.tags:
                    (there,) = self.given(last, [event.guard])
                    step = terms.conj([there, self.keeping.pair(first, event)])
                    if step is not terms.false:
                        ways.append(terms.conj([step, self.chain(event, last)]))
            known = terms.disj(ways)
            self._chains[key] = known
        return known

    def given(self, event: GEvent, conditions: Iterable[Term]) -> list[Term]:
        """`conditions`, simplified by what is so wherever `event` happens."""
        terms = self.terms
        known = self._given.get(event.guard.number)
        if known is None:
            known = self._given[event.guard.number] = {}
            for part in event.guard.args if event.guard.op == "and" else (event.guard,):
                known |= {part.number: terms.true, terms.neg(part).number: terms.false}
        return terms.substitute(conditions, {}, known)

    def names_below(self, term: Term) -> frozenset[str]:
        """The reads below `term`."""
        for node in walk([term], self._below):
            if node.op == "sym":
                self._below[node.number] = frozenset({str(node.payload)} & self.reads.keys())
            else:
                self._below[node.number] = frozenset().union(*[self._below[arg.number] for arg in node.args])
        return self._below[term.number]

    def users_below(self, term: Term) -> list[Term]:
        """The terms below `term` of which a read is an operand, in the order in which they were made."""
        for node in walk([term], self._users):
            own = any(arg.op == "sym" and arg.payload in self.reads for arg in node.args)
            below = [self._users[arg.number] for arg in node.args]
            self._users[node.number] = frozenset([node] if own else []).union(*below)
        return sorted(self._users[term.number], key=lambda node: node.number)

    def by_memory(self, event: GEvent) -> frozenset[int]:
        """What a write makes of the value that its own read-modify-write has read, in one instruction."""
        value = event.value
        sources = [self.graph.events[read].value for read, write in self.pairs.items() if write == event.id]
        computed = value is not None and any(arg is source for arg in value.args for source in sources)
        return frozenset({value.number}) if value is not None and computed else frozenset()

    def outside(self, event: GEvent, now: Term) -> Term:
        """That an access to an element of a variable goes to none of its cells, if it goes to the address `now`."""
        assert event.address is not None
        variable = self.keeping.variable(event.address)
        cells = [cell for cell in self.cells if self.keeping.variables[cell] == variable]
        if variable is None or (now.const is None and len(cells) > MOST_CELLS):
            return self.terms.false
        here = [self.terms.op("eq", (now, self.terms.number(cell, now.width)), 1) for cell in cells]
        return self.terms.neg(self.terms.disj(here))

    def numbers(self, nodes: Iterable[Term], width: int) -> list[int]:
        """Values of a read of `width` bits that could matter to `nodes`, which depend on it."""
        found, bits = set[int](), False
        for node in nodes:
            bits = bits or (node.op in BITWISE and node.width > 1)
            for arg in node.args:
                if arg.const is not None:
                    value = arg.const
                    found |= {value, value + 1, value - 1}
                    if 1 < value <= 64 and value & value - 1:
                        found |= {2 * value, 3 * value}
        mask = (1 << width) - 1
        powers = [1 << bit for bit in range(min(width, 32))] if bits else []
        places = self.cells[:MOST_CELLS] if width == 64 else []
        return list(dict.fromkeys([n & mask for n in (*sorted(found), 0, 1, 2, 3, mask, *powers, *places)]))


class Demand(NamedTuple):
    """Where `guard` is so, `cond` must be, or the thread means nothing from there on: behind the event `after`."""

    after: int
    guard: Term
    cond: Term


class _Text:
    """The guards, addresses and values of a thread's events, with tests in place of the choices that stand for their
    outcomes. `blind` are reads of waits whose outcome does not count: a compiler may drop a loop on a plain read."""

    def __init__(self, thread: Dependence, blind: frozenset[int]) -> None:
        self.thread = thread
        terms = thread.terms
        self.united: dict[str, Term] = {}
        self.varying: dict[str, str] = {}
        """Symbols that stand for reads which may be another: what they are, and which."""
        self._made: dict[int, Term] = {}
        values: dict[str, Term] = {}
        for name, outcome in thread.outcomes.items():
            good, bad = (thread.graph.events[read].value for read in outcome.reads)
            assert good is not None and bad is not None
            either = terms.select(outcome.success, good, bad)
            values |= {str(good.payload): either, str(bad.payload): either}
            (values[name],) = terms.substitute([outcome.when], {str(good.payload): either})
        self._unite_reads(values)
        for wait in thread.waits:
            if wait.done.op == "sym" and blind.isdisjoint(wait.reads):
                # An outcome of an earlier wait may stand in the test: rounds of one loop, one after the other.
                (values[str(wait.done.payload)],) = terms.substitute([wait.cond], values)
        self.guards: dict[int, Term] = {}
        self.places: dict[int, Term] = {}
        self.values: dict[int, Term] = {}
        made: dict[tuple[str, ...], dict[int, Term]] = {}
        for event in thread.events:
            inside = [w for w in thread.waits if w.done.op == "sym" and w.body[0] <= event.id < w.body[1]]
            names = tuple([str(w.done.payload) for w in inside])
            # Whether a wait ends or not, its body is run.
            here = {**values, **dict.fromkeys(names, terms.true)}
            memo = made.setdefault(names, {})
            (self.guards[event.id],) = terms.substitute([thread.reached(event)], here, memo)
            if event.address is not None:
                (self.places[event.id],) = terms.substitute([event.address], here, memo)
            if event.kind == "W" and event.value is not None:
                (self.values[event.id],) = terms.substitute([event.value], here, memo)
        memo = made.setdefault((), {})
        self.tests = [(guard, cond, terms.substitute([cond], values, memo)[0]) for guard, cond in thread.tests]
        self.demands = [
            Demand(check.after, *terms.substitute([check.guard, check.cond], values, memo)) for check in thread.checks
        ]
        """What must be so for the thread to mean anything; accesses aside."""
        roots = [*self.guards.values(), *self.places.values(), *self.values.values(), *[t for _, _, t in self.tests]]
        roots += [term for demand in self.demands for term in (demand.guard, demand.cond)]
        self.order = list(walk(roots))
        self.below: dict[int, frozenset[str]] = {}
        """The reads below each node."""
        self._fed: dict[int, frozenset[str]] = {}
        for node in self.order:
            if node.op == "sym":
                name = self.varying.get(str(node.payload), str(node.payload))
                self.below[node.number] = frozenset({name}) if name in thread.reads else frozenset()
            else:
                self.below[node.number] = frozenset().union(*[self.below[arg.number] for arg in node.args])

    def fed_by(self, event: GEvent) -> frozenset[str]:
        """The reads that cannot come before the read `event`: itself, and those whose places its value decides."""
        if event.kind != "R":
            return frozenset()
        known = self._fed.get(event.id)
        if known is None:
            found = {f"r{event.id}"}
            for name, read in self.thread.reads.items():
                place = self.places.get(read.id)
                if read.id > event.id and place is not None and not self.below[place.number].isdisjoint(found):
                    found.add(name)
            known = self._fed[event.id] = frozenset(found)
        return known

    def _unite_reads(self, values: dict[str, Term]) -> None:
        """A read that the run does not make returns what one of the run returns that is the same on another path."""
        thread, terms = self.thread, self.thread.terms
        for name, read in thread.reads.items():
            if name in values or not thread.twins[read.id]:
                continue
            assert read.value is not None
            value = read.value
            for twin in thread.twins[read.id]:
                if twin.value is not None:
                    same = thread.keeping.same_place(read, twin)
                    same = terms.conj([same, thread.alike(read, twin)])
                    there = terms.conj([terms.neg(thread.reached(read)), thread.reached(twin), same])
                    value = terms.select(there, twin.value, value)
            values[name] = terms.symbol(f"twin{read.id}", read.width)
            self.united[f"twin{read.id}"] = value
            self.varying[f"twin{read.id}"] = name

    def of_the_run(self, term: Term) -> Term:
        """`term`, with what reads of the run return for those that are the same on another path."""
        return self.thread.terms.substitute([term], self.united, self._made)[0] if self.united else term


class _Varied:
    """The thread as it would have run, had one read returned something else."""

    def __init__(self, thread: Dependence, text: _Text, read: int) -> None:
        self.thread = thread
        self.terms = thread.terms
        self.text = text
        self.read = thread.graph.events[read]
        outcome = next((each for each in thread.outcomes.values() if read in each.reads), None)
        self.names = [f"r{read}"] if outcome is None else [f"r{each}" for each in outcome.reads]
        own = thread.pairs.get(read)
        self.own = {read, *([own] if own is not None else []), *(outcome.reads if outcome is not None else ())}
        self.own |= {thread.pairs[each] for each in self.own if each in thread.pairs}
        self.nodes = [node for node in text.order if not text.below[node.number].isdisjoint(self.names)]
        self.numbers = thread.numbers(self.nodes, self.read.width) if self.nodes else []
        self.runs = [self._substituted(number) for number in self.numbers]
        self._paths: dict[tuple[int, frozenset[str]], Term] = {}
        self._demanded = self._demands() if self.nodes else []
        self._defined: dict[tuple[int, int], Term] = {}
        self._changed: dict[int, list[Term]] = {}
        self._expanded: dict[tuple[int, int], Term] = {}
        self._put: dict[tuple[str, int], dict[int, Term]] = {}
        """For values that were put in the place of other reads: what became of each node."""

    def _substituted(self, number: int) -> dict[int, Term]:
        made: dict[int, Term] = {}
        for node in self.nodes:
            if node.op == "sym":
                made[node.number] = self.terms.number(number, node.width)
            else:
                made[node.number] = self.terms.rebuilt(node, made)
        return made

    def _frozen(self, root: Term, number: int, steps: frozenset[int]) -> Term:
        """`root` as above, but for what a compiler may choose instead of computing it, which keeps its value. `steps`
        are computed in any case."""
        made: dict[int, Term] = {}
        for node in walk([root]):
            if node.op == "sym":
                if str(node.payload) in self.names:
                    made[node.number] = self.terms.number(number, node.width)
            elif any(arg.number in made for arg in node.args):
                again = self._computed(node, made, chosen=node.number not in steps)
                if again is not node:
                    made[node.number] = again
        return made.get(root.number, root)

    def _computed(self, node: Term, made: dict[int, Term], *, chosen: bool) -> Term:
        """`node` over what `made` has in place of its operands, where it is not chosen."""
        terms, picks = self.terms, self.thread.picks
        if not chosen:
            return terms.rebuilt(node, made)
        if node.op == "mul" and all(arg.const is None for arg in node.args):
            factors = {arg.number: made[arg.number] for arg in node.args if arg.number in made}
            made = {
                n: terms.select(picks.narrow(arg), arg, factors[n])
                for arg in node.args
                for n in [arg.number]
                if n in factors
            }
        cond = picks.chosen(node)
        return node if cond is terms.true else terms.select(cond, node, terms.rebuilt(node, made))

    def _demands(self) -> list[Demand]:
        """What must be so, and might not be with another value: of divisions, and of accesses that such a value leads
        to. The condition of an access is its address."""
        thread, text = self.thread, self.text
        found = [each for each in text.demands if self._depends(each.guard, each.cond)]
        for event in thread.events:
            place = text.places.get(event.id)
            if event.id > self.read.id and place is not None and self._depends(place):
                found.append(Demand(event.id, text.guards[event.id], place))
        return sorted(found, key=lambda each: each.after)

    def _means(self, event: GEvent, made: Mapping[int, Term]) -> Term:
        """That nothing before `event` is without meaning: a compiler takes it that no run comes there."""
        before = [each for each in self._demanded if each.after < event.id]
        if not before:
            return self.terms.true
        key = id(made), len(before)
        known = self._defined.get(key)
        if known is None:
            ways = [self.terms.conj([self._now(each.guard, made), self._meaningless(each, made)]) for each in before]
            known = self._defined[key] = self.text.of_the_run(self.terms.neg(self.terms.disj(ways)))
        return known

    def _meaningless(self, demand: Demand, made: Mapping[int, Term]) -> Term:
        terms, keeping = self.terms, self.thread.keeping
        now = self._now(demand.cond, made)
        if now.width == 1:
            return terms.neg(now)
        event = self.thread.graph.events[demand.after]
        points, inside = (keeping.passes(name, event) for name in ("points", "inside"))
        null = terms.op("ult", (now, terms.number(NULL_PAGE, now.width)), 1)
        return terms.disj([terms.conj([points, null]), terms.conj([inside, self.thread.outside(event, now)])])

    def _depends(self, *nodes: Term | None) -> bool:
        below = self.text.below
        return any(node is not None and not below[node.number].isdisjoint(self.names) for node in nodes)

    # --- the relations --------------------------------------------------------------------------------

    def found(self) -> Found:
        if not self.nodes:
            return
        terms, text = self.terms, self.text
        behind = [e for e in self.thread.events if e.id > self.read.id]
        moved = [e for e in behind if e.id not in self.own and self._depends(text.guards[e.id])]
        for event in behind:
            place, value = text.places.get(event.id), text.values.get(event.id)
            strong = terms.false
            if place is not None and self._depends(place):
                strong = self._elsewhere(event)
                if strong is not terms.false:
                    yield "addr", self.read.id, event.id, strong
                pick = terms.disj([self._at_another_place(event, made) for made in self.runs])
                if pick is not terms.false:
                    yield "pick-addr", self.read.id, event.id, pick
            if event.kind == "W" and self._depends(value):
                assert value is not None and event.value is not None
                strong = self._otherwise(event, event.value, None, self.thread.by_memory(event))
                if strong is not terms.false:
                    yield "data", self.read.id, event.id, strong
            if event.kind == "R" and (event.id not in self.thread.halves or event.id in self.own):
                continue
            if event.kind == "W" and strong is terms.true:
                continue  # that is the strongest there is
            if event.kind == "F" and "ISB" not in event.possible and self._kept(event):
                continue
            cond = self._control(event, moved)
            if cond is not terms.false:
                yield "ctrl", self.read.id, event.id, cond
                if event.kind == "W":
                    yield "pick-data", self.read.id, event.id, cond

    def _kept(self, event: GEvent) -> bool:
        """Whether the read comes before `event` in any case."""
        return self.thread.keeping.pair(self.read, event) is self.terms.true

    def _control(self, event: GEvent, moved: list[GEvent]) -> Term:
        """That another value of the read makes a difference to `event`, or to whether something kept before it is made;
        `moved` are the events whose guards depend on the read."""
        terms, text = self.terms, self.text
        ways: dict[int, Term] = {}
        if self._depends(*(table.get(event.id) for table in (text.guards, text.places, text.values))):
            for made in self.runs:
                way = self._differs(event, made)
                if way is terms.true:
                    return way
                ways[way.number] = way
        for other in moved:
            chain = self.thread.chain(other, event) if other.id < event.id else terms.false
            if chain is not terms.false:
                for change in self._changes(other):
                    way = terms.conj([change, chain])
                    ways[way.number] = way
        for twin in self.thread.twins[event.id]:
            for other in moved:
                if event.id < other.id < twin.id and self._kept_before(other, twin) is not terms.false:
                    for made in self.runs:
                        way = self._instead(event, twin, other, made)
                        ways[way.number] = way
        ways = {way.number: way for way in self.thread.given(event, ways.values())}
        return terms.disj([self._for_some_value(way, event) for way in ways.values()])

    def _kept_before(self, other: GEvent, event: GEvent) -> Term:
        return self.terms.false if "Plain" in other.possible else self.thread.keeping.pair(other, event)

    def _instead(self, event: GEvent, twin: GEvent, other: GEvent, made: Mapping[int, Term]) -> Term:
        """That `twin` is made in place of `event`, and before it `other`, which the run does not make."""
        terms = self.terms
        turned = [self._performed(twin, event, made), terms.neg(self._performed(event, event, made))]
        turned += [terms.neg(self.thread.reached(twin)), self.thread.alike(event, twin), self._added(other, made)]
        return self.text.of_the_run(terms.conj([*turned, self._kept_before(other, twin)]))

    def _differs(self, event: GEvent, made: Mapping[int, Term]) -> Term:
        """That neither `event` nor a twin is made with its address and value."""
        same = [self._performed(event, event, made)]
        same += [
            self.terms.conj(
                [
                    self._performed(twin, event, made),
                    self.terms.neg(self.thread.reached(twin)),
                    self.thread.alike(event, twin),
                ]
            )
            for twin in self.thread.twins[event.id]
        ]
        return self.terms.conj([self.text.of_the_run(self.terms.neg(self.terms.disj(same))), self._means(event, made)])

    def _performed(self, other: GEvent, event: GEvent, made: Mapping[int, Term]) -> Term:
        """That `other` is made, with the address and the value that `event` has in the run."""
        terms, text = self.terms, self.text
        parts = [self._now(text.guards[other.id], made)]
        if event.address is not None:
            parts.append(terms.op("eq", (self._now(text.places[other.id], made), event.address), 1))
        if event.kind == "W" and event.value is not None:
            parts.append(terms.op("eq", (self._now(text.values[other.id], made), event.value), 1))
        return terms.conj(parts)

    def _now(self, term: Term, made: Mapping[int, Term]) -> Term:
        return made.get(term.number, term)

    def _changes(self, event: GEvent) -> list[Term]:
        """For each other value of the read: that a branch must stay for `event`, since it is made no more, or is made
        although the run does not."""
        terms, text = self.terms, self.text
        known = self._changed.get(event.id)
        if known is not None:
            return known
        found = {}
        for made in self.runs:
            altered = terms.disj([self._lost(event, made), self._added(event, made)])
            change = terms.conj([text.of_the_run(altered), self._means(event, made)])
            if change is not terms.false:
                found[change.number] = change
        self._changed[event.id] = list(found.values())
        return self._changed[event.id]

    def _lost(self, event: GEvent, made: Mapping[int, Term]) -> Term:
        """That `event` is made no more, nor anything that stands for it. A plain load may be made in any case."""
        terms, text = self.terms, self.text
        forces = event.guard
        if event.kind == "R":
            forces = terms.conj([forces, terms.neg(self.thread.keeping.plain(event))])
        stays = [self._now(text.guards[event.id], made)]
        others = [(twin, self.thread.alike(event, twin)) for twin in self.thread.twins[event.id]]
        for other, cond in (*others, *self.thread.keeping.overridden(event)):
            here = [self._now(text.guards[other.id], made), cond]
            if event.address is not None:
                here.append(terms.op("eq", (self._now(text.places[other.id], made), event.address), 1))
            stays.append(terms.conj(here))
        return terms.conj([forces, terms.neg(terms.disj(stays))])

    def _added(self, event: GEvent, made: Mapping[int, Term]) -> Term:
        """That `event`, which is not plain, is made although the run does not, nor anything that stands for it."""
        terms, text = self.terms, self.text
        if "Plain" in event.possible:
            return terms.false
        already = []
        for twin in self.thread.twins[event.id]:
            here = [self.thread.reached(twin), self.thread.alike(event, twin)]
            if event.address is not None and twin.address is not None:
                here.append(terms.op("eq", (self._now(text.places[event.id], made), twin.address), 1))
            already.append(terms.conj(here))
        now = self._now(text.guards[event.id], made)
        return terms.conj([now, terms.neg(self.thread.reached(event)), terms.neg(terms.disj(already))])

    def _elsewhere(self, event: GEvent) -> Term:
        """That an address varies while the path stays."""
        assert event.address is not None
        return self._otherwise(event, event.address, self.thread.cells, steps(event.address))

    def _otherwise(self, event: GEvent, root: Term, cells: list[int] | None, steps: frozenset[int]) -> Term:
        """That a term varies, what may be chosen in it apart, while every test of the path has its outcome that does
        not need `event` itself."""
        terms = self.terms
        found = []
        certain: set[int] = set()
        for number, made in zip(self.numbers, self.runs, strict=True):
            frozen = self._frozen(root, number, steps)
            if frozen is root or (cells is not None and frozen.const is not None and frozen.const not in cells):
                continue
            path = terms.conj([self._path_stays(event, made), self._means(event, made)])
            if path is terms.false:
                continue
            if path is terms.true and frozen.const is not None:
                certain.add(frozen.const)
                if len(certain) > 1:
                    return terms.true  # one of the two is not the value of the run
            parts = [path, terms.neg(terms.op("eq", (frozen, root), 1))]
            if cells is not None and frozen.const is None and len(cells) <= MOST_CELLS:
                width = frozen.width
                parts.append(terms.disj([terms.op("eq", (frozen, terms.number(c, width)), 1) for c in cells]))
            found.append(terms.conj(parts))
        return terms.disj(found)

    def _path_stays(self, event: GEvent, made: Mapping[int, Term]) -> Term:
        terms, text = self.terms, self.text
        later = text.fed_by(event)
        key = id(made), later
        known = self._paths.get(key)
        if known is None:
            parts = []
            for guard, actual, cond in text.tests:
                if self._depends(cond) and text.below[cond.number].isdisjoint(later):
                    now = self._now(cond, made)
                    same = terms.select(actual, now, terms.neg(now))
                    parts.append(terms.disj([terms.neg(guard), same]))
            known = self._paths[key] = text.of_the_run(terms.conj(parts))
        return known

    def _at_another_place(self, event: GEvent, made: Mapping[int, Term]) -> Term:
        terms, text = self.terms, self.text
        assert event.address is not None
        place = self._now(text.places[event.id], made)
        if place.const is not None and place.const not in self.thread.cells:
            return terms.false
        elsewhere = terms.neg(terms.op("eq", (place, event.address), 1))
        way = text.of_the_run(terms.conj([self._now(text.guards[event.id], made), elsewhere]))
        return terms.conj([way, self._means(event, made)])

    # --- reads that the run does not make -------------------------------------------------------------

    def _for_some_value(self, difference: Term, event: GEvent) -> Term:
        """`difference`, or that it would be for some value of a read that the run does not make."""
        terms, thread = self.terms, self.thread
        key = difference.number, event.id
        known = self._expanded.get(key)
        if known is None:
            terms.deadline.check()
            ways = [difference]
            for name in sorted(thread.names_below(difference).difference(self.names)):
                read = thread.reads[name]
                reached = thread.reached(read)
                if implies(event.guard, reached):
                    continue
                forces = thread.keeping.plain(read) is terms.false
                if forces and read.id < event.id and thread.chain(read, event) is terms.true:
                    continue  # that it is made is a difference by itself
                users = [n for n in thread.users_below(difference) if any(arg.payload == name for arg in n.args)]
                for value in _decisive(users, read.width)[:MOST_UNKNOWN]:
                    made = self._put.setdefault((name, value), {})
                    (case,) = terms.substitute([difference], {name: terms.number(value, read.width)}, made)
                    ways.append(terms.conj([terms.neg(reached), case]))
                    if case is terms.true:
                        break
            known = self._expanded[key] = terms.disj(ways)
        return known


def _decisive(nodes: Iterable[Term], width: int) -> list[int]:
    """Values of a read of `width` bits that `nodes`, which use it directly, may tell apart."""
    found = []
    for node in nodes:
        constants = [arg.const for arg in node.args if arg.const is not None]
        if node.op in ("lshr", "ashr", "shl"):
            found += [1 << constant for constant in constants if constant < width]
        elif node.op == "and":
            found += [*constants, *[constant & -constant for constant in constants]]
        else:
            found += [value for constant in constants for value in (constant, constant + 1)]
    mask = (1 << width) - 1
    return list(dict.fromkeys([value & mask for value in (*found, 0, 1)]))
