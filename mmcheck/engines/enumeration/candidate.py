"""One choice of traces, rf and co, and the `Execution` that it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mmcheck.engines.enumeration.coherence import Choice
from mmcheck.engines.enumeration.layout import Layout
from mmcheck.engines.enumeration.trace import Item, Trace
from mmcheck.events.execution import BASE_RELATIONS, Agent, Event, Execution
from mmcheck.events.relations import Rel, pairs
from mmcheck.ir.hosts import root_of
from mmcheck.ir.program import Program

SHOWN = frozenset((*BASE_RELATIONS, "src", "switch"))


class Candidate(NamedTuple):
    """`chosen` has rf and co location by location; `frame` is the number of the order that the model allows."""

    program: Program
    traces: tuple[Trace, ...]
    layout: Layout
    rf: Rel
    co: Rel
    chosen: tuple[Choice, ...]
    frame: int = 0

    def item(self, event: int) -> Item:
        """The trace item of an event that is not an initial write."""
        thread = self.layout.threads[event]
        return self.traces[thread].items[event - self.layout.first[thread]]


def execution_of(candidate: Candidate, final: Mapping[str, int]) -> Execution:
    """The candidate as an `Execution`."""
    program, layout = candidate.program, candidate.layout
    frame, linear = layout.frames[candidate.frame]
    cells = {cell.address: cell for cell in program.cells}
    names = {address: cell.name for address, cell in cells.items()}
    events = []
    for number, place in enumerate(layout.locations):
        cell = cells.get(place.address)
        name, value, width = (hex(place.address), 0, 32) if cell is None else (cell.name, cell.init, cell.width)
        events.append(Event(number, -1, number, "W", address=place.address, location=name, value=value, width=width))
    for thread, trace in enumerate(candidate.traces):
        cpu = program.threads[root_of(program.threads, thread)].cpu
        for index, item in enumerate(trace.items):
            cell = None if item.kind == "F" else cells.get(item.address)
            event = Event(
                len(events), thread, index, item.kind, item.tags, width=item.width, origin=item.origin, cpu=cpu,
                address=None if item.kind == "F" else item.address,
                location="" if item.kind == "F" else names.get(item.address, hex(item.address)),
                value=None if item.kind == "F" else item.value,
                space="ram" if cell is None else cell.space, device="" if cell is None else cell.device,
            )  # fmt: skip
            events.append(event)
    rows = {**frame.static, "rf": candidate.rf, "co": candidate.co}
    relations = {name: frozenset(pairs(row)) for name, row in rows.items() if name in SHOWN and any(row)}
    agents = tuple([Agent(t.name, t.kind, t.source, t.origin, t.host) for t in program.threads])
    return Execution(agents, tuple(events), relations, final, linear, layout.platform)
