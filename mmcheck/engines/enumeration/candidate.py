"""One choice of traces, rf and co, and the `Execution` that it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mmcheck.engines.enumeration.coherence import Choice
from mmcheck.engines.enumeration.layout import Layout
from mmcheck.engines.enumeration.trace import Item, Trace
from mmcheck.events.building import Building
from mmcheck.events.execution import BASE_RELATIONS, Execution
from mmcheck.events.relations import Rel, pairs
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
    building = Building(program)
    for place in layout.locations:
        building.initial(place.address)
    for thread, trace in enumerate(candidate.traces):
        for item in trace.items:
            address, value = (None, None) if item.kind == "F" else (item.address, item.value)
            elsewhere = "" if address is None else hex(address)
            building.add(thread, item.kind, item.tags, address, value, item.width, item.origin, elsewhere=elsewhere)
    rows = {**frame.static, "rf": candidate.rf, "co": candidate.co}
    relations = {name: frozenset(pairs(row)) for name, row in rows.items() if name in SHOWN and any(row)}
    return building.execution(relations, final, linear, layout.platform)
