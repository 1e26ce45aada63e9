"""Program order on one CPU with interrupt handlers, as literals (docs/models-preemption.md, H1 to H4).

A run h of a handler cuts its host s into the events before it (the set D) and those behind it. D is chosen, event by
event; here it is kept closed downwards under the order of s (H1), whole for read-modify-writes (H2), outside of
regions with interrupts off (H3) and in order with the other runs on s (H4). What results is the order of all events
of one CPU:

    a before h            if a is in D                h before b      if b is not
    a before b, both of s, if their thread says so, or some run comes between the two
"""

from __future__ import annotations

from collections.abc import Sequence

from mmcheck.engines.smt.bounds import Bounds
from mmcheck.engines.smt.circuit import FALSE, TRUE, Circuit
from mmcheck.engines.smt.memory import Memory
from mmcheck.engines.smt.values import Values
from mmcheck.events.graph import EventGraph, GEvent, Run
from mmcheck.events.handlers import HOST
from mmcheck.events.relations import bits
from mmcheck.ir.hosts import chain, root_of
from mmcheck.ir.program import MASKED


def is_move(graph: EventGraph, event: GEvent) -> bool:
    """Whether `event` says that a thread goes on on another CPU."""
    if event.kind != "W" or event.thread < 0 or event.address is None:
        return False
    cell = next((init for reg, init in graph.program.threads[event.thread].privates if reg.name == HOST), None)
    return cell is not None and event.address.op == "const" and event.address.const == cell


class Interrupts:
    """The order of the events of a graph with runs; `order` is that within each thread."""

    def __init__(
        self, graph: EventGraph, circuit: Circuit, values: Values, happens: Sequence[int], order: Bounds
    ) -> None:
        self.graph = graph
        self.circuit = circuit
        self.happens = happens
        self.order = order
        self.run = {run.thread: values.literal(run.happens) for run in graph.runs}
        self.cut = {pair: values.literal(term) for pair, term in graph.before.items()}
        self.first = {pair: values.literal(term) for pair, term in graph.first.items()}
        self.on: dict[int, list[Run]] = {}
        for run in graph.runs:
            self.on.setdefault(run.host, []).append(run)
        self.values = values
        for host, runs in self.on.items():
            events = [event.id for event in graph.events if event.thread == host]
            for run in runs:
                self._closed(run, events)
                self._whole(run, host)
                self._masked(run, host)
            self._in_turn(runs, events)

    # --- what a cut respects -----------------------------------------------------------------------

    def _closed(self, run: Run, events: list[int]) -> None:
        """H1. Pairs that follow from two others are left out."""
        circuit, must = self.circuit, self.order.must
        happens = self._reached()
        for a in events:
            through = 0
            for c in events:
                if must[a] >> c & 1 and happens[c] == TRUE:
                    through |= must[c]
            for b in bits(self.order.may[a] & ~through):
                unless = [-happens[a], -happens[b], -self.order.pair(a, b)]
                circuit.clause([*unless, -self.cut[run.thread, b], self.cut[run.thread, a]])
        for outer in self.graph.runs:
            if outer.thread == run.host:  # a nested run is inside
                circuit.clause([-self.run[run.thread], self.cut[run.thread, outer.entry]])
                circuit.clause([-self.run[run.thread], -self.cut[run.thread, outer.leave]])

    def _reached(self) -> list[int]:
        """That an event happens, or would if nothing on its CPU held it up: what a run that waits for ever has cut off
        has its place, too."""
        happens = list(self.happens)
        for event, term in self.graph.reach.items():
            happens[event] = self.values.literal(term)
        return happens

    def _whole(self, run: Run, host: int) -> None:
        """H2."""
        graph, circuit, happens = self.graph, self.circuit, self._reached()
        pairs = [(pair, self.values.literal(cond)) for table in (graph.amo, graph.lxsx) for pair, cond in table.items()]
        pairs += [(pair, TRUE) for pair in graph.whole]
        for (a, b), cond in pairs:
            if graph.events[a].thread == host:
                unless = [-happens[a], -happens[b], -cond]
                x, y = self.cut[run.thread, a], self.cut[run.thread, b]
                circuit.clause([*unless, -x, y])
                circuit.clause([*unless, x, -y])

    def _masked(self, run: Run, host: int) -> None:
        """H3: behind an event that turned interrupts off, only with the next switch as well."""
        for event, (off, following) in self.graph.masks.items():
            if self.graph.events[event].thread != host:
                continue
            literal = self.values.literal(off)
            if literal == FALSE:
                continue
            behind = [
                self.circuit.all([self.happens[later], self.values.literal(cond), self.cut[run.thread, later]])
                for later, cond in following.items()
            ]
            here = [-self.run[run.thread], -self.happens[event], -literal, -self.cut[run.thread, event]]
            self.circuit.clause([*here, *behind])

    def _in_turn(self, runs: list[Run], events: list[int]) -> None:
        """H4."""
        circuit = self.circuit
        for a in runs:
            for b in runs:
                if a is b:
                    continue
                unless = [-self.run[a.thread], -self.run[b.thread], -self.first[a.thread, b.thread]]
                circuit.clause([*unless, self.happens[a.leave]])  # one that waits for ever is the last
                for event in events:
                    circuit.clause([*unless, -self.cut[a.thread, event], self.cut[b.thread, event]])
                for c in runs:
                    if c is not a and c is not b:
                        first, second = self.first[b.thread, c.thread], self.first[a.thread, c.thread]
                        circuit.clause([*unless, -self.run[c.thread], -first, second])

    # --- the order ---------------------------------------------------------------------------------

    def bounds(self) -> Bounds:
        """The order of each CPU, closed under composition."""
        graph = self.graph
        groups: dict[int, list[int]] = {}
        for event in graph.events:
            if event.thread >= 0:
                groups.setdefault(root_of(graph.program.threads, event.thread), []).append(event.id)
        may, must = list(self.order.may), list(self.order.must)
        literals: dict[tuple[int, int], int] = {}
        for root, events in groups.items():
            if root not in self.on:
                continue
            for i in events:
                for j in events:
                    if i == j or must[i] >> j & 1:
                        continue
                    literal = self._before(i, j)
                    if literal == TRUE:
                        must[i] |= 1 << j
                    if literal != FALSE:
                        may[i] |= 1 << j
                        literals[i, j] = literal

        def leaf(i: int, j: int) -> int:
            known = literals.get((i, j))
            return self.order.pair(i, j) if known is None else known

        return Bounds(may, must, leaf)

    def _before(self, i: int, j: int) -> int:
        events = self.graph.events
        threads = self.graph.program.threads
        a, b = [*chain(threads, events[i].thread)], [*chain(threads, events[j].thread)]
        common = next(thread for thread in a if thread in b)
        x, y = a.index(common), b.index(common)
        if x and y:
            return self.first[a[x - 1], b[y - 1]]
        if y:
            return self.cut[b[y - 1], i]
        if x:
            return -self.cut[a[x - 1], j]
        between = [
            self.circuit.all([self.run[run.thread], self.cut[run.thread, i], -self.cut[run.thread, j]])
            for run in self.on.get(common, ())
        ]
        return self.circuit.any([self.order.pair(i, j), *between])


def deliver(
    graph: EventGraph, writers: Sequence[GEvent], runs: Sequence[Run], circuit: Circuit, values: Values, memory: Memory,
    happens: Sequence[int],
) -> None:  # fmt: skip
    """A run of the program is not over while an interrupt is raised that a handler with a run left could take.

    `runs` are those of one handler, `writers` the writes to its latch.
    """
    threads = graph.program.threads
    last = max(threads[run.thread].run for run in runs)
    used_up = circuit.any([values.literal(run.happens) for run in runs if threads[run.thread].run == last])

    def last_of(writers: Sequence[GEvent]) -> list[tuple[int, GEvent]]:
        """For each of the writes to one cell, that it is the one that stays."""
        out = []
        for write in writers:
            others = [other for other in writers if other is not write]
            later = [circuit.all([memory.order[write.id, other.id], happens[other.id]]) for other in others]
            out.append((circuit.all([happens[write.id], *[-literal for literal in later]]), write))
        return out

    def says(write: GEvent, value: int) -> int:
        assert write.value is not None
        return values.of(write.value).get(value, FALSE)

    raised = [circuit.all([stays, says(write, 1)]) for stays, write in last_of(writers)]
    cpu = next(threads[run.thread].cpu for run in runs)
    assert cpu is not None

    def away(thread: int) -> int:
        """That `thread` is on another CPU at the end."""
        moves = [each for each in graph.events if is_move(graph, each) and root_of(threads, each.thread) == thread]
        places = [circuit.all([stays, -says(write, cpu)]) for stays, write in last_of(moves)]
        if threads[thread].cpu != cpu:
            places.append(circuit.all([-happens[event.id] for event in moves]))
        return circuit.any(places)

    # The CPU is not free while a run there, or a thread with interrupts off, waits for ever.
    taken = [
        circuit.all([values.literal(run.happens), -happens[run.leave]])
        for run in graph.runs
        if threads[run.thread].cpu == cpu
    ]
    for host in {run.host for run in runs if threads[run.host].host is None}:
        masked = graph.registers[host].get(MASKED)
        off = FALSE if masked is None else values.literal(masked)
        others = [thread for thread in graph.holds if thread != host]
        held = [*taken, away(host)]
        held += [circuit.all([values.literal(graph.holds[thread]), -away(thread)]) for thread in others]
        circuit.clause([-values.literal(graph.settled), used_up, off, *held, -circuit.any(raised)])
