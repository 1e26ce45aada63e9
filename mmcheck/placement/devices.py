"""Sites where a barrier between memory and a device may be asked for: there Linux's ``dma_*`` words are options, too.

By the platform's rules (docs/models.md) only such a barrier counts between an access to a device's register and
another one. So the sites are those with nothing between them and an access to a register, in a thread as it runs; with
ORDER_PLATFORM negotiated, every site, since memory is shared with a device.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mmcheck.base.deadline import Deadline
from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.records import replace
from mmcheck.engines.unfolding.unfold import unfold
from mmcheck.events.domains import implies
from mmcheck.events.graph import EventGraph, GEvent
from mmcheck.ir.program import Program
from mmcheck.placement.options import DEVICE_WORDS
from mmcheck.placement.sites import Site
from mmcheck.target.targets import Target


def with_device_words(
    sites: Sequence[Site], programs: Mapping[Target, Program], bound: int, timeout: float | None = None
) -> tuple[Site, ...]:
    """`sites`, with barriers for devices among the options of those that are `beside_devices`: of all, if `timeout`
    seconds do not tell."""
    try:
        with Deadline(timeout) as deadline:
            near = frozenset[str]().union(*[beside_devices(each, bound, deadline) for each in programs.values()])
    except UnknownVerdict:
        near = frozenset([site.name for site in sites])
    return tuple(_extended(site) if site.kind != "order" and site.name in near else site for site in sites)


def _extended(site: Site) -> Site:
    known = {option.name for option in site.options}
    more = [option for option in DEVICE_WORDS if option.name not in known]
    return replace(site, options=(*site.options, *more), devices=True)


def beside_devices(program: Program, bound: int, deadline: Deadline | None = None) -> frozenset[str]:
    """The barriers of CPUs next to an access to a register, by the names of their sites."""
    spaces = {cell.space for cell in program.cells}
    if not spaces & {"mmio", "dma"}:
        return frozenset()
    graph = unfold(program, bound=bound, quiescent=None, deadline=deadline)
    registers = {cell.address for cell in program.cells if cell.space == "mmio"}
    found: set[str] = set()
    for events in _threads(graph):
        for place, event in enumerate(events):
            if event.site and not event.is_access:
                beside = [*_next(event, events[place + 1 :]), *_next(event, events[:place][::-1])]
                at = {each.address.const for each in beside if each.address is not None}
                if "dma" in spaces or not registers.isdisjoint(at):
                    found.add(event.site)
    return frozenset(found)


def _threads(graph: EventGraph) -> list[list[GEvent]]:
    """The events of each agent that is no device, in the order of the text."""
    out: dict[int, list[GEvent]] = {}
    for event in graph.events:
        if event.thread >= 0 and graph.program.threads[event.thread].kind != "device":
            out.setdefault(event.thread, []).append(event)
    return list(out.values())


def _next(barrier: GEvent, events: Sequence[GEvent]) -> Iterable[GEvent]:
    """The accesses that may be the first of `events`: up to one that happens whenever the barrier is reached."""
    for event in events:
        if event.is_access:
            yield event
            if implies(barrier.guard, event.guard):
                return
