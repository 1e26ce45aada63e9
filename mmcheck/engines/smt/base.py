"""Bounds of a model's base relations and members of its base sets, from the event graph."""

from __future__ import annotations

from mmcheck.engines.smt.bounds import Bounds
from mmcheck.engines.smt.circuit import FALSE, TRUE
from mmcheck.engines.smt.memory import Memory
from mmcheck.engines.smt.values import Values
from mmcheck.events.domains import Domains, implies
from mmcheck.events.graph import EventGraph, GEvent, Pairs
from mmcheck.events.relations import KIND_SETS, members
from mmcheck.ir.hosts import root_of


def pairs_bounds(n: int, table: Pairs, values: Values) -> Bounds:
    """Bounds of a relation that is stated pair by pair with conditions."""
    may, must = [0] * n, [0] * n
    literals: dict[tuple[int, int], int] = {}
    for (i, j), cond in table.items():
        literal = values.literal(cond)
        if literal == FALSE:
            continue
        may[i] |= 1 << j
        if literal == TRUE:
            must[i] |= 1 << j
        else:
            literals[i, j] = literal
    return Bounds(may, must, lambda i, j: literals[i, j])


def source_order(graph: EventGraph, n: int) -> Bounds:
    """Text order within each thread; the fields of one record store are in none."""
    rows = [0] * n
    threads: dict[int, list[GEvent]] = {}
    for event in graph.events:
        if event.thread >= 0:
            threads.setdefault(event.thread, []).append(event)
    for events in threads.values():
        later = 0
        groups: dict[int, int] = {}
        for event in reversed(events):
            rows[event.id] = later & ~groups.get(event.group, 0) if event.group else later
            later |= 1 << event.id
            if event.group:
                groups[event.group] = groups.get(event.group, 0) | 1 << event.id
    return Bounds(rows, list(rows))


def location_bounds(graph: EventGraph, domains: Domains, memory: Memory) -> Bounds:
    n = len(graph.events)
    by_address: dict[int, int] = {}
    known = 0
    accesses = [event for event in graph.events if event.is_access]
    for event in accesses:
        found = domains.addresses[event.id]
        for address in found:
            by_address[address] = by_address.get(address, 0) | 1 << event.id
        if len(found) == 1:
            known |= 1 << event.id
    may, must = [0] * n, [0] * n
    for event in accesses:
        found = domains.addresses[event.id]
        for address in found:
            may[event.id] |= by_address[address]
        if len(found) == 1:
            must[event.id] = may[event.id] & known
        must[event.id] |= 1 << event.id
    return Bounds(may, must, lambda i, j: memory.same(graph.events[i], graph.events[j]))


def cpu_bounds(graph: EventGraph, n: int) -> tuple[Bounds, Bounds]:
    """Bounds of int and ext. Threads on one CPU are apart here: a change of thread is a full barrier (`Turns`)."""
    rows = [0] * n
    groups: dict[int, int] = {}
    place = {}
    for event in graph.events:
        if event.thread >= 0:
            place[event.id] = root_of(graph.program.threads, event.thread)
            groups[place[event.id]] = groups.get(place[event.id], 0) | 1 << event.id
    everything = (1 << n) - 1
    for event in graph.events:
        rows[event.id] = groups[place[event.id]] if event.thread >= 0 else 1 << event.id
    outside = [everything & ~row for row in rows]
    return Bounds(rows, list(rows)), Bounds(outside, list(outside))


def base_sets(graph: EventGraph) -> dict[str, int]:
    """The members of the base sets, but for tags that only some options of a site have."""
    return members((*KIND_SETS[e.kind], *e.tags, *(("IW",) if e.is_init else ())) for e in graph.events)


def optional_sets(graph: EventGraph, values: Values) -> dict[str, dict[int, int]]:
    """Tags that events have under some options of their site: tag -> event -> literal."""
    out: dict[str, dict[int, int]] = {}
    for event in graph.events:
        if event.optional:
            selected = dict(graph.choices[event.site])
            for tag, names in event.optional:
                literals = [values.literal(term) for name, term in selected.items() if name in names]
                out.setdefault(tag, {})[event.id] = values.circuit.any(literals)
    return out


def communication_bounds(graph: EventGraph, domains: Domains, memory: Memory) -> tuple[Bounds, Bounds, Bounds]:
    """Bounds of rf, co and fr."""
    n = len(graph.events)
    rf_may, rf_must = [0] * n, [0] * n
    for read, sources in memory.rf.items():
        for write, literal in sources.items():
            if literal != FALSE:
                rf_may[write] |= 1 << read
            if literal == TRUE:
                rf_must[write] |= 1 << read
    rf = Bounds(rf_may, rf_must, lambda i, j: memory.rf[j][i])
    co_may, co_must = [0] * n, [0] * n
    fr_may, fr_must = [0] * n, [0] * n
    events = graph.events
    seen: set[tuple[int, int]] = set()
    for (a, b), literal in memory.order.items():
        if literal == FALSE:
            continue
        co_may[a] |= 1 << b
        if literal == TRUE and memory.same(events[a], events[b]) == TRUE:
            co_must[a] |= 1 << b
    for event in events:
        if event.kind != "R":
            continue
        for address in domains.addresses[event.id]:
            for later in domains.writers.get(address, ()):
                if (event.id, later.id) in seen or later.is_init:
                    continue
                seen.add((event.id, later.id))
                literal = memory.fr(event, later)
                if literal != FALSE:
                    fr_may[event.id] |= 1 << later.id
                if literal == TRUE:
                    fr_must[event.id] |= 1 << later.id
    co = Bounds(co_may, co_must, lambda i, j: memory.co(events[i], events[j]))
    fr = Bounds(fr_may, fr_must, lambda i, j: memory.fr(events[i], events[j]))
    return rf, co, fr


def implications(graph: EventGraph, happens: list[int]) -> list[int]:
    """For each event, the events whose happening implies its own: by their guards, or because it always happens."""
    everything = (1 << len(happens)) - 1
    groups: dict[int, int] = {}
    guards = {}
    for event in graph.events:
        groups[event.guard.number] = groups.get(event.guard.number, 0) | 1 << event.id
        guards[event.guard.number] = event.guard
    below: dict[int, int] = {}
    for number, guard in guards.items():
        members = 0
        for other, other_guard in guards.items():
            if implies(other_guard, guard):
                members |= groups[other]
        below[number] = members
    return [
        everything if literal == TRUE else below[event.guard.number]
        for event, literal in zip(graph.events, happens, strict=True)
    ]
