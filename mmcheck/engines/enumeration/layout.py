"""The part of a candidate execution that does not depend on values: events, order, dependencies.

Many combinations of traces differ in values alone and share one `Layout`, and so one evaluation of the part
of the model that is free of rf and co. Event ids are those of `mmcheck.events.execution`: the initial writes of the
accessed cells first, by address, then the agents one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import product

from mmcheck.base.records import record
from mmcheck.engines.enumeration.forms import Form
from mmcheck.engines.enumeration.interrupts import orders as interrupt_orders
from mmcheck.engines.enumeration.linear import Order, Pair, closure_of, linear_extensions
from mmcheck.engines.enumeration.trace import DEPENDENCIES, Trace
from mmcheck.engines.enumeration.turns import held_up, sharing
from mmcheck.engines.enumeration.turns import orders as turn_orders
from mmcheck.events.relations import Rel, closure, from_pairs, inverse, union
from mmcheck.ir.hosts import root_of
from mmcheck.ir.program import Program
from mmcheck.model.concrete import Frame
from mmcheck.model.joined import JoinedFrame
from mmcheck.model.model import Model, with_turns


@record
class Location:
    """The accesses to one address, by id: `events`, the initial write first, then those of each thread in order; of
    them the `reads`. `pattern` has for each event its kind, and those before it as bits, by position in `events`."""

    address: int
    events: tuple[int, ...]
    reads: tuple[int, ...]
    pattern: tuple[tuple[str, int], ...]


@record
class Layout:
    """`frames` are the orders to try: one for assembly, one for each choice of linear orders for
    compiled code, given as position of each event id in `linear` (None for assembly)."""

    n: int
    first: tuple[int, ...]
    threads: tuple[int, ...]
    locations: tuple[Location, ...]
    frames: tuple[tuple[Frame, tuple[Order, ...] | None], ...]
    platform: bool = False


def layout_of(
    model: Model, program: Program, traces: Sequence[Trace], forms: Sequence[Form],
    orders: Sequence[Iterable[Pair] | None], *, exact: bool = True, platform: bool = False,
) -> Layout:  # fmt: skip
    """The layout of one combination, whose traces have these `forms`. `orders` has, for each thread, None if its
    program order is what the model sees, or else the compiler-preserved pairs of its trace: then each linear extension
    is tried, or, not `exact`, their closure is taken for the order. `platform`: accesses to what a device sees are
    bound by its rules."""
    threads = program.threads
    addresses = sorted({item.address for trace in traces for item in trace.items if item.kind != "F"})
    first, n = [], len(addresses)
    for trace in traces:
        first.append(n)
        n += len(trace.items)
    owner = [-1] * len(addresses)
    for thread, trace in enumerate(traces):
        owner += [thread] * len(trace.items)
    sets = _sets(addresses, traces, first)
    static = _dependencies(traces, first)
    places = [*addresses, *[item.address if item.kind != "F" else None for trace in traces for item in trace.items]]
    static["loc"] = _classes(n, places)
    roots = [root_of(threads, number) for number in range(len(threads))]
    static["int"] = _classes(n, [("init", event) if t < 0 else ("thread", roots[t]) for event, t in enumerate(owner)])
    seen = {cell.address: cell for cell in program.cells if cell.space != "ram"}
    bound = [agent >= 0 and threads[agent].kind != "device" for agent in owner]
    devices = [
        seen.get(place) if place is not None and here else None for place, here in zip(places, bound, strict=True)
    ]
    static["dev"] = _classes(n, [cell.device if cell and cell.space == "mmio" else None for cell in devices])
    sets["REG"] = sum(1 << event for event, row in enumerate(static["dev"]) if row)
    sets["IRQ"] = sum(1 << event for event, cell in enumerate(devices) if cell and cell.space == "irq")
    sets["IO"] = sum(1 << event for event, cell in enumerate(devices) if cell) & ~sets["IRQ"] if platform else 0
    static["ext"] = tuple([((1 << n) - 1) & ~row for row in static["int"]])
    src = [trace.order for trace in traces]
    static["src"] = _shifted([trace.after for trace in traces], first)
    kept = [pairs if order is None else closure_of(order) for pairs, order in zip(src, orders, strict=True)]
    stated = all(order is None for order in orders)
    before = inverse(static["src"] if stated else _placed(n, kept, first))
    frames: list[tuple[Frame, tuple[Order, ...] | None]] = []
    interrupted = any(thread.host is not None and trace.items for thread, trace in zip(threads, traces, strict=True))
    interrupted = interrupted or any(trace.status == "held" for trace in traces)
    together = sharing(threads, traces)
    judged = with_turns(model) if together else model

    def framed(
        pairs: Sequence[set[Pair]], order: tuple[Order, ...] | None
    ) -> Iterator[tuple[Frame, tuple[Order, ...] | None]]:
        """The order of all events, given that within each trace; for each way in which interrupts may come and threads
        that share a CPU have their turns."""
        rows = static["src"] if stated else _placed(n, pairs, first)
        if not interrupted and not together:
            known = model.coherent and order is None  # `coherence.choices` looks at this order
            yield Frame(model, n, sets, {**static, "po": rows}, coherent=known), order
            return
        for edges in interrupt_orders(threads, traces, pairs):
            if not held_up(threads, traces, edges):
                continue
            here = union(rows, _across(n, edges, first))
            if not together:
                yield Frame(model, n, sets, {**static, "po": closure(here)}), order
                continue
            for turns in turn_orders(threads, traces, pairs, edges, together):
                switch = _across(n, turns, first)
                po = closure(union(here, switch))
                yield Frame(judged, n, sets, {**static, "po": po, "switch": switch}), order

    if not exact or stated:
        frames += framed([set(pairs) for pairs in kept], None)
    else:
        choices = [
            [tuple(range(len(trace.items)))] if order is None else linear_extensions(len(trace.items), pairs)
            for trace, pairs, order in zip(traces, kept, orders, strict=True)
        ]
        for chosen in product(*choices):
            pairs = [
                set(src[t]) if orders[t] is None else {(a, b) for i, a in enumerate(line) for b in line[i + 1 :]}
                for t, line in enumerate(chosen)
            ]
            frames += framed(pairs, tuple(tuple(first[t] + i for i in line) for t, line in enumerate(chosen)))
    init = {address: event for event, address in enumerate(addresses)}
    locations = tuple(_location(init[address], address, forms, first, before) for address in addresses)
    return Layout(n, tuple(first), tuple(owner), locations, tuple(frames), platform)


def joined(model: Model, forms: Sequence[Form]) -> Layout:
    """The layout of a combination of threads of assembly, none of which is interrupted, shares a CPU with another, or
    meets a device."""
    addresses = sorted(set[int]().union(*[form.at for form in forms]))
    first, owner, before = [], [-1] * len(addresses), [0] * len(addresses)
    for thread, form in enumerate(forms):
        start = len(owner)
        first.append(start)
        owner += [thread] * form.n
        before += [row << start for row in form.before]
    locations = tuple([_location(number, address, forms, first, before) for number, address in enumerate(addresses)])
    parts = [form.frame(model) for form in forms]
    frame = JoinedFrame(model, len(addresses), parts, partial(_base, forms, locations, owner), coherent=model.coherent)
    return Layout(len(owner), tuple(first), tuple(owner), locations, ((frame, None),))


def _base(forms: Sequence[Form], locations: Sequence[Location], owner: Sequence[int], name: str) -> Rel:
    """A base relation of the threads `forms`."""
    n = len(owner)
    if name in ("int", "ext"):
        mine = _threads(len(locations), tuple([form.n for form in forms]))
        return mine[name == "ext"]
    if name == "loc":
        places = {event: place.address for place in locations for event in place.events}
        return _classes(n, [places.get(event) for event in range(n)])
    rows = [0] * len(locations)
    for form in forms:
        start = len(rows)
        own = form.after if name in ("po", "src") else form.rows.get(name, (0,) * form.n)
        rows += [row << start for row in own]
    return tuple(rows)


@lru_cache(maxsize=1_000)
def _threads(initial: int, lengths: tuple[int, ...]) -> tuple[Rel, Rel]:
    """Which events have one thread, and which have not: `initial` writes, then threads with so many events."""
    mine, start = [1 << event for event in range(initial)], initial
    for length in lengths:
        mine += [((1 << length) - 1) << start] * length
        start += length
    everything = (1 << start) - 1
    return tuple(mine), tuple([everything & ~row for row in mine])


def _location(init: int, address: int, forms: Sequence[Form], first: Sequence[int], before: Sequence[int]) -> Location:
    events, reads, pattern = [init], [], [("W", 0)]
    for form, start in zip(forms, first, strict=True):
        for i, kind in form.at.get(address, ()):
            event = start + i
            row = before[event]
            pattern.append((kind, sum([1 << k for k, other in enumerate(events) if row >> other & 1]) if row else 0))
            events.append(event)
            if kind == "R":
                reads.append(event)
    return Location(address, tuple(events), tuple(reads), tuple(pattern))


def _sets(addresses: Sequence[int], traces: Sequence[Trace], first: Sequence[int]) -> dict[str, int]:
    initial = (1 << len(addresses)) - 1
    sets = {"R": 0, "W": initial, "F": 0, "M": initial, "IW": initial}
    for trace, start in zip(traces, first, strict=True):
        for name, members in trace.sets:
            sets[name] = sets.get(name, 0) | members << start
    return sets


def _dependencies(traces: Sequence[Trace], first: Sequence[int]) -> dict[str, Rel]:
    names = (*DEPENDENCIES, "amo", "lxsx")
    return {name: _shifted([trace.rows[i] for trace in traces], first) for i, name in enumerate(names)}


def _shifted(parts: Sequence[Rel], first: Sequence[int]) -> Rel:
    """The rows of all traces, given those of each; initial writes have none."""
    rows = [0] * first[0] if first else []
    for part, start in zip(parts, first, strict=True):
        rows += [row << start for row in part]
    return tuple(rows)


def _classes(n: int, keys: Sequence[object]) -> Rel:
    """The equivalence of having the same key; None is related to nothing."""
    members: dict[object, int] = {}
    for event, key in enumerate(keys):
        if key is not None:
            members[key] = members.get(key, 0) | 1 << event
    return tuple([0 if key is None else members[key] for key in keys])


def _across(n: int, edges: Iterable[tuple[tuple[int, int], tuple[int, int]]], first: Sequence[int]) -> Rel:
    return from_pairs(n, [(first[s] + a, first[t] + b) for (s, a), (t, b) in edges])


def _placed(n: int, orders: Sequence[Iterable[Pair]], first: Sequence[int]) -> Rel:
    return from_pairs(n, [(start + a, start + b) for start, pairs in zip(first, orders, strict=True) for a, b in pairs])
