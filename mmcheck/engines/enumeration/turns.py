"""In which order threads that share a CPU have their turns, one possibility after the other (docs/models-preemption.md,
M3): every order in time of what they do is listed, a run of a handler being one step of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from mmcheck.base.errors import UnknownVerdict
from mmcheck.engines.enumeration.holding import closed_by, has_open_run
from mmcheck.engines.enumeration.interrupts import Event, glued, masked_at
from mmcheck.engines.enumeration.linear import Pair
from mmcheck.engines.enumeration.trace import Trace
from mmcheck.ir.hosts import chain, root_of
from mmcheck.ir.program import Thread

MOST = 50_000
"""Orders in time of one combination of traces."""

HOST = "@%host"
Edges: TypeAlias = tuple[tuple[Event, Event], ...]


class Step(NamedTuple):
    """An event of a thread, or a whole run on it: which events, of which thread, on which CPU (None: not known)."""

    events: tuple[Event, ...]
    root: int
    cpu: int | None


def sharing(threads: Sequence[Thread], traces: Sequence[Trace]) -> tuple[int, ...]:
    """The threads that are on CPUs where others are in this combination of traces, too."""
    places: dict[int, set[int]] = {}
    for number, thread in enumerate(threads):
        if thread.host is None and thread.kind == "thread" and thread.cpu is not None:
            places[number] = {thread.cpu}
    for number in range(len(threads)):
        root = root_of(threads, number)
        if root != number and root in places:
            places[root] |= {cpu for _, cpu in _moves(threads, traces, number)}
    used = {root_of(threads, number) for number, trace in enumerate(traces) if trace.items}
    return tuple(a for a in places if a in used and any(places[a] & places[b] for b in places if b != a and b in used))


def held_up(threads: Sequence[Thread], traces: Sequence[Trace], edges: Edges) -> bool:
    """Whether every agent of which only a part is in `traces` is kept from its CPU by another; `edges` is what
    interrupts add to the order."""
    closed, masked = closed_by(threads, traces)
    kept = closed | {place for root in masked if (place := _place(threads, traces, edges, root)) is not None}
    return all(
        trace.status != "held"
        or has_open_run(threads, traces, number)
        or (threads[number].host is None and _place(threads, traces, edges, number) in kept)
        for number, trace in enumerate(traces)
    )


def _place(threads: Sequence[Thread], traces: Sequence[Trace], edges: Edges, root: int) -> int | None:
    """The CPU on which a thread is at the end; None if it is not known."""
    moves = [i for i, thread in enumerate(threads) if thread.host == root and _within(threads, traces, i)]
    moves = _in_turn(moves, edges, traces)
    return _target(threads, traces, moves[-1]) if moves else threads[root].cpu


def orders(
    threads: Sequence[Thread], traces: Sequence[Trace], own: Sequence[set[Pair]], edges: Edges, together: Sequence[int]
) -> Iterator[Edges]:
    """The pairs of events that changes of thread separate; once for each order in time that makes a difference.

    `own` is the order within each trace, `edges` what interrupts add to it.
    """
    steps = [step for root in together for step in _steps(threads, traces, edges, root)]
    number = {event: i for i, step in enumerate(steps) for event in step.events}
    before: list[set[int]] = [set() for _ in steps]
    for thread, ordered in enumerate(own):
        for a, b in ordered:
            if (thread, a) in number and number[thread, a] != number[thread, b]:
                before[number[thread, b]].add(number[thread, a])
    for first, second in edges:
        if first in number and number[first] != number[second]:
            before[number[second]].add(number[first])
    runs = {i: number[i, 0] for i, trace in enumerate(traces) if threads[i].host in together and trace.items}
    for i, here in runs.items():
        for j, later in runs.items():
            if threads[i].handler == threads[j].handler and threads[i].run < threads[j].run:
                before[later].add(here)
    blocks = [block for root in together for block in _blocks(threads, traces, root, number)]
    endless = {number[i, 0] for i, thread in enumerate(threads) if thread.host in together and traces[i].is_open}
    own_steps = {root: {i for i, step in enumerate(steps) if step.root == root} for root in together}

    def apart(a: int, b: int) -> bool:
        return steps[a].root != steps[b].root and steps[a].cpu is not None and steps[a].cpu == steps[b].cpu

    def may_come(step: int, done: frozenset[int]) -> bool:
        if any(apart(first, step) and first in done for first in endless):
            return False
        for first, last in blocks:
            if apart(first, step) and first in done:
                if last is not None and last not in done:
                    return False
                root = steps[first].root
                if last is None and (traces[root].stands or not own_steps[root] <= done):
                    return False
        return True

    start: tuple[frozenset[int], frozenset[Pair]] = (frozenset(), frozenset())
    work, seen = [start], {start}
    while work:
        done, pairs = work.pop()
        if len(done) == len(steps):
            yield tuple([(x, y) for a, b in pairs for x in steps[a].events for y in steps[b].events])
            continue
        for i in range(len(steps)):
            if i not in done and before[i] <= done and may_come(i, done):
                following = (done | {i}, pairs | {(a, i) for a in done if apart(a, i)})
                if following not in seen:
                    seen.add(following)
                    work.append(following)
        if len(seen) > MOST:
            raise UnknownVerdict(f"more than {MOST} orders of threads on one CPU")


def _steps(threads: Sequence[Thread], traces: Sequence[Trace], edges: Edges, root: int) -> list[Step]:
    runs = [i for i, thread in enumerate(threads) if thread.host == root and traces[i].items]
    everything = [(number, i) for number in range(len(threads)) for i in range(len(traces[number].items))]
    out = [
        Step(tuple(event for event in everything if run in chain(threads, event[0])), root, threads[run].cpu)
        for run in runs
    ]
    leave = {(run, len(traces[run].items) - 1): run for run in runs if not traces[run].is_open}
    behind = {(b, leave[a]) for a, b in edges if a in leave}
    for i in range(len(traces[root].items)):
        event = (root, i)
        passed = [run for run in runs if (event, run) in behind and _within(threads, traces, run)]
        passed = _in_turn(passed, edges, traces)
        out.append(Step((event,), root, _target(threads, traces, passed[-1]) if passed else threads[root].cpu))
    return out


def _in_turn(runs: list[int], edges: Edges, traces: Sequence[Trace]) -> list[int]:
    """Runs on one host in the order in which they come: `edges` says which follows which at once."""
    entries = {(a[0], b[0]) for a, b in edges if b[1] == 0 and a[1] == len(traces[a[0]].items) - 1}
    after: dict[int, set[int]] = {}
    for run in {each for pair in entries for each in pair}:
        found, work = set(), [run]
        while work:
            here = work.pop()
            for a, b in entries:
                if a == here and b not in found:
                    found.add(b)
                    work.append(b)
        after[run] = found
    return sorted(runs, key=lambda run: sum(run in after.get(other, ()) for other in runs))


def _within(threads: Sequence[Thread], traces: Sequence[Trace], run: int) -> list[tuple[int, int]]:
    """The moves of a run and of those that interrupt it: (run, CPU)."""
    return [
        (number, cpu)
        for number in range(len(threads))
        if run in chain(threads, number)
        for _, cpu in _moves(threads, traces, number)
    ]


def _target(threads: Sequence[Thread], traces: Sequence[Trace], run: int) -> int | None:
    """Where a run leaves its thread; None if a run inside it had a say."""
    moves = _within(threads, traces, run)
    return moves[-1][1] if {number for number, _ in moves} == {run} else None


def _moves(threads: Sequence[Thread], traces: Sequence[Trace], number: int) -> list[tuple[int, int]]:
    cell = next((init for reg, init in threads[number].privates if reg.name == HOST), None)
    if cell is None:
        return []
    return [(i, x.value) for i, x in enumerate(traces[number].items) if x.kind == "W" and x.address == cell]


def _blocks(
    threads: Sequence[Thread], traces: Sequence[Trace], root: int, number: dict[Event, int]
) -> Iterator[tuple[int, int | None]]:
    """Steps between which nobody else has a turn on their CPU; without an end, as long as the thread has steps."""
    trace = traces[root]
    for a, b in (*trace.amo, *trace.lxsx, *glued(trace)):
        yield number[root, a], number[root, b]
    for a, after in masked_at(threads[root], trace):
        yield number[root, a], None if after is None else number[root, after]
