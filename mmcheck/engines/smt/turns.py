"""Threads that share a CPU, as literals (docs/models-preemption.md, M1 to M3).

What such threads do, a run of a handler being one thing, is in one order in time. Where two things of different
threads are on the same CPU, that order is program order, and more: a change of thread stands between them, with its
full barrier. The pairs of that relation, `switch`, are part of every order that a model demands to be acyclic
(`mmcheck.model.model.with_turns`).

The order in time respects the order of each thread, does not come between the halves of one instruction, nor into a
region without interrupts. Which threads are where, is told by the migrations behind which they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from mmcheck.engines.smt.bounds import Bounds
from mmcheck.engines.smt.circuit import FALSE, TRUE, Circuit
from mmcheck.engines.smt.interrupts import Interrupts, is_move
from mmcheck.engines.smt.values import Values
from mmcheck.events.graph import EventGraph, Run
from mmcheck.ir.hosts import chain


@dataclass(frozen=True, slots=True)
class Unit:
    """An event of a thread, or a run on it (then `id` is that of its entry)."""

    id: int
    root: int
    run: Run | None = None


class Turns:
    """The order in time of what the threads do that share CPUs."""

    def __init__(
        self,
        graph: EventGraph,
        circuit: Circuit,
        values: Values,
        happens: Sequence[int],
        interrupts: Interrupts | None,
        order: Bounds,
    ) -> None:
        self.graph, self.circuit, self.values, self.happens = graph, circuit, values, happens
        self.interrupts = interrupts
        runs = {run.entry: run for run in graph.runs if run.host in graph.sharing}
        self.units = [
            Unit(event.id, run.host if (run := runs.get(event.id)) else event.thread, run)
            for event in graph.events
            if event.thread in graph.sharing or event.id in runs
        ]
        self.unit = {unit.id: unit for unit in self.units}
        self.drawn = {pair: values.literal(term) for pair, term in graph.turns.items()}
        self.moves = {root: self._moves(root) for root in graph.sharing}
        self._places: dict[tuple[int, int], int] = {}
        self._shared: dict[tuple[int, int], int] = {}
        self._one_order(order)
        for root in graph.sharing:
            others = [unit for unit in self.units if unit.root in graph.sharing[root]]
            self._whole(root, others)
            self._masked(root, others)
        self._held_up()

    # --- where and when ----------------------------------------------------------------------------

    def _reached(self, unit: Unit) -> int:
        """That `unit` happens, or would if nothing on its CPU held it up."""
        term = self.graph.reach.get(unit.id)
        return self.happens[unit.id] if term is None else self.values.literal(term)

    def before(self, a: Unit, b: Unit) -> int:
        """That `a` is executed before `b`, both being reached."""
        if a.root == b.root and (a.run or b.run):
            assert self.interrupts is not None
            if a.run and b.run:
                return self.interrupts.first[a.run.thread, b.run.thread]
            if b.run:
                return self.interrupts.cut[b.run.thread, a.id]
            assert a.run is not None
            return -self.interrupts.cut[a.run.thread, b.id]
        literal = self.drawn.get((a.id, b.id))
        return literal if literal is not None else -self.drawn[b.id, a.id]

    def _moves(self, root: int) -> dict[Run, tuple[int, dict[int, int]]]:
        """For each run on `root` that may move it: that it does, and where to. A move by a run that interrupts the run
        is one to a place that is not known."""
        graph, threads = self.graph, self.graph.program.threads
        out: dict[Run, tuple[int, dict[int, int]]] = {}
        for run in graph.runs:
            if run.host != root:
                continue
            stores = [
                event for event in graph.events if is_move(graph, event) and run.thread in chain(threads, event.thread)
            ]
            places: dict[int, int] = {}
            for store in stores:
                assert store.value is not None
                later = [self.happens[other.id] for other in stores if other.id > store.id]
                if threads[store.thread].host == root and all(other.thread == store.thread for other in stores):
                    here = self.circuit.all([self.happens[store.id], *[-literal for literal in later]])
                    for value, literal in self.values.of(store.value).items():
                        places[value] = self.circuit.any([places.get(value, FALSE), self.circuit.all([here, literal])])
            if stores:
                out[run] = self.circuit.any([self.happens[store.id] for store in stores]), places
        return out

    def at(self, unit: Unit, cpu: int) -> int:
        """That `unit` is executed on `cpu`, both happening; never said if it is not known."""
        threads = self.graph.program.threads
        if unit.run:
            return TRUE if threads[unit.run.thread].cpu == cpu else FALSE
        start, moves = threads[unit.root].cpu, self.moves[unit.root]
        if not moves:
            return TRUE if start == cpu else FALSE
        if (unit.id, cpu) in self._places:
            return self._places[unit.id, cpu]
        assert self.interrupts is not None
        circuit, cut = self.circuit, self.interrupts.cut
        moved = {run: circuit.all([any_, -cut[run.thread, unit.id]]) for run, (any_, _) in moves.items()}
        ways = [circuit.all([-literal for literal in moved.values()])] if start == cpu else []
        for run, (_, places) in moves.items():
            latest = [
                -circuit.all([moved[other], self.interrupts.first[run.thread, other.thread]])
                for other in moves
                if other is not run
            ]
            ways.append(circuit.all([moved[run], places.get(cpu, FALSE), *latest]))
        self._places[unit.id, cpu] = literal = circuit.any(ways)
        return literal

    def shared(self, a: Unit, b: Unit) -> int:
        """That `a` and `b`, of different threads, are executed on one CPU, both happening."""
        if b.root not in self.graph.sharing.get(a.root, ()):
            return FALSE
        key = (min(a.id, b.id), max(a.id, b.id))
        if key not in self._shared:
            threads = self.graph.program.threads
            cpus = {cpu for root in (a.root, b.root) for cpu in (threads[root].cpu,) if cpu is not None}
            for root in (a.root, b.root):
                cpus |= {cpu for _, places in self.moves[root].values() for cpu in places}
            both = [self.circuit.all([self.at(a, cpu), self.at(b, cpu)]) for cpu in sorted(cpus)]
            self._shared[key] = self.circuit.any(both)
        return self._shared[key]

    # --- what turns respect ------------------------------------------------------------------------

    def _one_order(self, order: Bounds) -> None:
        """The order in time is one, and contains that of each thread."""
        circuit = self.circuit
        for a, b in combinations(self.units, 2):
            if a.root == b.root and not a.run and not b.run:
                for first, second in ((a, b), (b, a)):
                    pair = order.pair(first.id, second.id)
                    if pair != FALSE:
                        unless = [-self._reached(first), -self._reached(second), -pair]
                        circuit.clause([*unless, self.before(first, second)])
        threads = self.graph.program.threads
        for a, b in combinations([unit for unit in self.units if unit.run], 2):
            assert a.run and b.run
            one, other = threads[a.run.thread], threads[b.run.thread]
            if a.root != b.root and one.handler == other.handler and one.run != other.run:
                first, second = (a, b) if one.run < other.run else (b, a)
                circuit.clause([-self.happens[a.id], -self.happens[b.id], self.before(first, second)])
        for a, b, c in combinations(self.units, 3):
            if a.root == b.root == c.root and (a.run or b.run or c.run):
                continue  # H1 and H4
            unless = [-self._reached(unit) for unit in (a, b, c)]
            ab, bc, ca = self.before(a, b), self.before(b, c), self.before(c, a)
            circuit.clause([*unless, -ab, -bc, -ca])
            circuit.clause([*unless, ab, bc, ca])

    def _whole(self, root: int, others: Sequence[Unit]) -> None:
        """No change of thread between the halves of one instruction."""
        graph, circuit = self.graph, self.circuit
        pairs = [(pair, self.values.literal(cond)) for table in (graph.amo, graph.lxsx) for pair, cond in table.items()]
        pairs += [(pair, TRUE) for pair in graph.whole]
        for (i, j), cond in pairs:
            if graph.events[i].thread != root:
                continue
            a, b = self.unit[i], self.unit[j]
            for other in others:
                unless = [-self._reached(unit) for unit in (a, b, other)] + [-cond, -self.shared(a, other)]
                x, y = self.before(a, other), self.before(b, other)
                circuit.clause([*unless, -x, y])
                circuit.clause([*unless, x, -y])

    def _masked(self, root: int, others: Sequence[Unit]) -> None:
        """Nobody else's turn while interrupts are off; a thread that ends so is over then."""
        graph, circuit = self.graph, self.circuit
        own = [unit for unit in self.units if unit.root == root]
        for event, (off, following) in graph.masks.items():
            literal = self.values.literal(off)
            if graph.events[event].thread != root or literal == FALSE:
                continue
            here = self.unit[event]
            for other in others:
                behind = [
                    circuit.all([self.happens[later], self.values.literal(cond), self.before(self.unit[later], other)])
                    for later, cond in following.items()
                ]
                over = circuit.all(
                    [
                        self.values.literal(graph.ends[root]),
                        *[circuit.any([-self._reached(unit), self.before(unit, other)]) for unit in own],
                    ]
                )
                unless = [-self.happens[event], -literal, -self.happens[other.id]]
                circuit.clause([*unless, -self.shared(here, other), -self.before(here, other), over, *behind])

    def _held_up(self) -> None:
        """What stands behind a wait that never ends, on the same CPU and by others, does not happen."""
        graph, circuit = self.graph, self.circuit
        runs = {run.thread: run for run in graph.runs}
        for (holder, number), term in graph.before.items():
            event = graph.events[number]
            if event.thread not in graph.sharing or (holder in runs and runs[holder].host == event.thread):
                continue
            unit, here = self.unit[number], self.values.literal(term)
            if holder in runs:
                outer = runs[holder]
                while graph.program.threads[outer.host].host is not None:
                    outer = runs[outer.host]
                behind = [(TRUE, self.unit[outer.entry])]
            else:
                behind = []
                for switch, (off, following) in graph.masks.items():
                    if graph.events[switch].thread == holder:
                        later = [
                            circuit.all([self.happens[one], self.values.literal(cond)])
                            for one, cond in following.items()
                        ]
                        latest = circuit.all([self.happens[switch], self.values.literal(off), *[-x for x in later]])
                        behind.append((latest, self.unit[switch]))
            after = circuit.any(
                [circuit.all([cond, self.shared(place, unit), self.before(place, unit)]) for cond, place in behind]
            )
            circuit.clause([-here, -after])
            circuit.clause([here, after])
        for run in graph.runs:
            if run.host in graph.sharing and self.happens[run.leave] != self.happens[run.entry]:
                entry = self.unit[run.entry]
                for other in self.units:  # that nothing holds up: other runs
                    if other.run and other.root in graph.sharing[run.host]:
                        unless = [-self.happens[run.entry], self.happens[run.leave], -self.happens[other.id]]
                        circuit.clause([*unless, -self.shared(entry, other), -self.before(entry, other)])

    # --- the order ---------------------------------------------------------------------------------

    def bounds(self, po: Bounds) -> tuple[Bounds, Bounds]:
        """Program order with the turns in it, and the pairs that a change of thread separates."""
        graph, threads = self.graph, self.graph.program.threads
        members: dict[int, list[int]] = {}
        entries = {run.thread: run.entry for run in graph.runs}
        for event in graph.events:
            # The agent just above the thread: what interrupts that run is part of it.
            thread = ([*chain(threads, event.thread)][-2:] or [event.thread])[0]
            unit = event.id if thread == event.thread and event.id in self.unit else entries.get(thread, event.id)
            if unit in self.unit:
                members.setdefault(unit, []).append(event.id)
        n = len(graph.events)
        may, must, apart = list(po.may), list(po.must), [0] * n
        certain = [0] * n
        literals: dict[tuple[int, int], int] = {}
        for a in self.units:
            for b in self.units:
                if a.root == b.root:
                    continue
                literal = self.circuit.all([self.shared(a, b), self.before(a, b)])
                if literal == FALSE:
                    continue
                for i in members[a.id]:
                    for j in members[b.id]:
                        literals[i, j] = literal
                        may[i] |= 1 << j
                        apart[i] |= 1 << j
                        if literal == TRUE:
                            must[i] |= 1 << j
                            certain[i] |= 1 << j
        for a in self.units:
            for b in self.units:
                if a is not b and a.root == b.root and not a.run and not b.run and not po.must[a.id] >> b.id & 1:
                    between = [
                        self.circuit.all([self.happens[c.id], literals[a.id, c.id], literals[c.id, b.id]])
                        for c in self.units
                        if (a.id, c.id) in literals and (c.id, b.id) in literals
                    ]
                    literal = self.circuit.any([po.pair(a.id, b.id), *between])
                    if literal != FALSE:
                        literals[a.id, b.id] = literal
                        may[a.id] |= 1 << b.id

        def leaf(i: int, j: int) -> int:
            known = literals.get((i, j))
            return po.pair(i, j) if known is None else known

        return Bounds(may, must, leaf), Bounds(apart, certain, lambda i, j: literals[i, j])
