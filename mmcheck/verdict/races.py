"""Data races of source code in a finished run, as C11 (5.1.2.4) and Rust define them. A remark, never a verdict.

Two accesses of one place race if one writes, one is plain, they are of two agents, and neither happens before the
other. *Happens before* is the order of the text and what synchronises: a release, read by an acquire; fences with
relaxed accesses beside them do, too; read-modify-writes in between continue a release. In two points this sees fewer
races than the standards do: volatile accesses count as relaxed atomic ones, as drivers and kernels use them, and what
is not source code (devices, assembly) synchronises with whatever it reads or is read by.
"""

from __future__ import annotations

from mmcheck.events.execution import Event, Execution
from mmcheck.events.relations import closure, from_pairs


def racing(execution: Execution) -> tuple[Event, Event] | None:
    """The first two accesses of source code that race in `execution`, if any do."""
    events = execution.events
    before = closure(from_pairs(len(events), [*execution.relation("src"), *_synchronises(execution)]))
    for a in events:
        for b in events[a.id + 1 :]:
            if _conflict(execution, a, b) and not (before[a.id] >> b.id | before[b.id] >> a.id) & 1:
                return a, b
    return None


def remarks(execution: Execution) -> tuple[str, ...]:
    """The note on a run with a data race."""
    found = racing(execution)
    if found is None:
        return ()
    first, second = found
    pair = f"{first.origin.quoted()} and {second.origin.quoted()}"
    return (f"in the run that is shown, {pair} are a data race, which Rust and C11 leave undefined",)


def _conflict(execution: Execution, a: Event, b: Event) -> bool:
    if a.address is None or a.address != b.address or "W" not in (a.kind, b.kind):
        return False
    if a.thread == b.thread or not (_is_source(execution, a) and _is_source(execution, b)):
        return False
    return "Plain" in a.tags or "Plain" in b.tags


def _is_source(execution: Execution, event: Event) -> bool:
    """Of the code of a thread; a handler and its host are ordered by compiler fences, and left out."""
    if event.is_init:
        return False
    agent = execution.threads[event.thread]
    return agent.source and agent.host is None


def _synchronises(execution: Execution) -> list[tuple[int, int]]:
    events, src = execution.events, execution.relation("src")
    modifies = {write: read for name in ("amo", "lxsx") for read, write in execution.relation(name)}
    source = {read: write for write, read in execution.relation("rf")}
    found = []
    for read, write in source.items():
        if events[write].is_init or events[write].thread == events[read].thread or "Plain" in events[read].tags:
            continue
        heads, at = [write], write
        while at in modifies and modifies[at] in source:  # the read of a read-modify-write continues a release
            at = source[modifies[at]]
            heads.append(at)
        starts = [start for head in heads if not events[head].is_init for start in _releases(execution, head, src)]
        found += [(start, end) for start in starts for end in _acquires(execution, read, src)]
    return found


def _releases(execution: Execution, write: int, src: frozenset[tuple[int, int]]) -> list[int]:
    """Where a release begins that `write` makes known."""
    event = execution.events[write]
    if "Plain" in event.tags:
        return []
    if not execution.threads[event.thread].source or "Release" in event.tags:
        return [write]
    return [i for i, j in src if j == write and not execution.events[i].tags.isdisjoint(("RelFence", "Clobber"))]


def _acquires(execution: Execution, read: int, src: frozenset[tuple[int, int]]) -> list[int]:
    event = execution.events[read]
    if not execution.threads[event.thread].source or "Acquire" in event.tags:
        return [read]
    return [j for i, j in src if i == read and not execution.events[j].tags.isdisjoint(("AcqFence", "Clobber"))]
