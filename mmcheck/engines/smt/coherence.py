"""Coherence by its five two-event shapes, instead of as one more order without cycles."""

from __future__ import annotations

from mmcheck.engines.smt.circuit import FALSE, TRUE
from mmcheck.engines.smt.encoding import Encoding
from mmcheck.events.graph import GEvent
from mmcheck.events.relations import inverse


def coherence(encoding: Encoding, implied_by: list[int]) -> None:
    """``acyclic po-loc | rf | co | fr``, as its five two-event shapes (coWW, coRW1, coRW2, coWR, coRR).

    coWW and coRW1 are built into the candidates of rf and co. Reads are compared with the nearest earlier accesses
    that certainly happen; those that are ordered before one of these follow by transitivity.
    """
    graph, memory, circuit, happens = encoding.graph, encoding.memory, encoding.circuit, encoding.happens
    threads: dict[int, list[GEvent]] = {}
    for event in graph.events:
        if event.thread >= 0 and event.is_access:
            threads.setdefault(event.thread, []).append(event)
    before = inverse(tuple(encoding.po.must))
    for events in threads.values():
        seen = 0
        for position, later in enumerate(events):
            rest = seen
            seen |= 1 << later.id
            for earlier in reversed(events[:position]):
                if not rest >> earlier.id & 1:
                    continue
                rest ^= 1 << earlier.id
                if earlier.kind == later.kind == "W" or not memory.aliases(earlier, later):
                    continue
                order = encoding.po.pair(earlier.id, later.id)
                if order == FALSE:
                    continue
                same = memory.same(earlier, later)
                unless = [-happens[earlier.id], -happens[later.id], -same, -order, *_astray(encoding, earlier, later)]
                if earlier.kind == "R" and later.kind == "W":
                    circuit.clause([*unless, memory.fr(earlier, later)])
                elif earlier.kind == "W":
                    circuit.clause([*unless, -memory.fr(later, earlier)])
                else:
                    _two_reads(encoding, earlier, later, unless)
                if order == same == TRUE and implied_by[earlier.id] >> later.id & 1:
                    rest &= ~before[earlier.id]
                    if not rest:
                        break
    if graph.runs or graph.turns:
        _coherence_of_runs(encoding)


def _coherence_of_runs(encoding: Encoding) -> None:
    """The same between an interrupted agent and its handlers, and between threads that share a CPU; and of reads of one
    thread that a run or another's turn has brought into order."""
    graph, memory, circuit, happens = encoding.graph, encoding.memory, encoding.circuit, encoding.happens
    accesses = [event for event in graph.events if event.thread >= 0 and event.is_access]
    for a in accesses:
        for b in accesses:
            if a is b or (a.thread == b.thread and (a.id < b.id or a.kind == "W" or b.kind == "W")):
                continue
            order = encoding.po.pair(a.id, b.id)
            if order == FALSE or not memory.aliases(a, b):
                continue
            unless = [-happens[a.id], -happens[b.id], -memory.same(a, b), -order, *_astray(encoding, a, b)]
            if a.kind == "W" and b.kind == "W":
                circuit.clause([*unless, memory.order[a.id, b.id]])
            elif b.kind == "W":
                circuit.clause([*unless, memory.fr(a, b)])
            elif a.kind == "W":
                circuit.clause([*unless, -memory.fr(b, a)])
            else:
                _two_reads(encoding, a, b, unless)


def _astray(encoding: Encoding, *events: GEvent) -> list[int]:
    """That one of `events` goes where no cell stands, and so reads no write."""
    return [encoding.astray[event.id] for event in events if event.id in encoding.astray]


def _two_reads(encoding: Encoding, earlier: GEvent, later: GEvent, unless: list[int]) -> None:
    memory, circuit = encoding.memory, encoding.circuit
    first, second = memory.chains.get(earlier.id), memory.chains.get(later.id)
    if first is not None and second is not None:
        for write, literal in zip(*first, strict=True):
            # From this write or a later one: then so does the later read.
            circuit.clause([*unless, -literal, -memory.fr(later, encoding.graph.events[write])])
        return
    for write, literal in memory.rf[earlier.id].items():
        event = encoding.graph.events[write]
        if not event.is_init:
            circuit.clause([*unless, -literal, -memory.fr(later, event)])
