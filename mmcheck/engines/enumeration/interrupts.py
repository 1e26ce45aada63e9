"""Where interrupt handlers run, one possibility after the other (docs/models-preemption.md, H1 to H4).

A run of a handler stands behind a down-set of its host's events and before the rest. All choices of down-sets, one
inside the next for the runs on one host, are listed; each gives the order of the events of its CPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, permutations, product
from typing import TypeAlias

from mmcheck.engines.enumeration.linear import Pair, closure_of
from mmcheck.engines.enumeration.trace import Trace
from mmcheck.ir.program import Thread

Event: TypeAlias = tuple[int, int]
"""Thread, position in its trace."""


def fits(threads: Sequence[Thread], traces: Sequence[Trace]) -> bool:
    """Whether the last of `traces` may be with the others (`traces` may be the first few of all): runs of a handler
    come one after the other, each but once, and begin with what the one before left."""
    number = len(traces) - 1
    thread, trace = threads[number], traces[number]
    if thread.host is None:
        return True
    same = [i for i in range(number) if threads[i].handler == thread.handler]
    if same and trace.start != traces[same[-1]].lasting:
        return False
    if trace.status == "absent":
        return True
    if any(traces[i].status != "absent" for i in same if threads[i].run == thread.run):
        return False
    if thread.run and all(traces[i].status == "absent" for i in same if threads[i].run == thread.run - 1):
        return False
    if any(traces[i].is_open for i in same):
        return False  # the one before does not end
    host = traces[thread.host]
    if not trace.is_open:
        return host.status != "absent"
    if threads[thread.host].host is not None and not host.is_open:
        return False
    return host.status != "absent" and not any(
        traces[i].is_open for i in range(number) if threads[i].host == thread.host
    )


def orders(
    threads: Sequence[Thread], traces: Sequence[Trace], own: Sequence[set[Pair]]
) -> Iterator[tuple[tuple[Event, Event], ...]]:
    """The edges that interrupts add to `own`, the order within each trace; once for each way in which they may come."""
    present = [i for i, trace in enumerate(traces) if threads[i].host is not None and trace.status != "absent"]
    hosts = sorted({host for i in present if (host := threads[i].host) is not None})
    choices = []
    for host in hosts:
        runs = [i for i in present if threads[i].host == host]
        places = cuts(threads[host], traces[host], own[host])
        ways = [one for turn in _turns(threads, runs) for one in _growing(turn, places)]
        choices.append([one for one in ways if _ends_open(one, traces, len(traces[host].items))])
    for chosen in product(*choices):
        edges: list[tuple[Event, Event]] = []
        for host, sequence in zip(hosts, chosen, strict=True):
            for (run, cut), following in zip(sequence, [*sequence[1:], None], strict=True):
                last = len(traces[run].items) - 1
                edges += [((host, i), (run, 0)) for i in cut]
                edges += [((run, 0), (run, i)) for i in range(1, last + 1)]
                if traces[run].is_open:
                    continue
                edges += [((run, last), (host, i)) for i in range(len(traces[host].items)) if i not in cut]
                edges += [((run, i), (run, last)) for i in range(last)]
                if following is not None:
                    edges.append(((run, last), (following[0], 0)))
        yield tuple(edges)


def _turns(threads: Sequence[Thread], runs: list[int]) -> Iterator[tuple[int, ...]]:
    """The orders of `runs` in which those of one handler are in order."""
    for turn in permutations(runs):
        if all(
            threads[a].handler != threads[b].handler or threads[a].run < threads[b].run
            for i, a in enumerate(turn)
            for b in turn[i + 1 :]
        ):
            yield turn


def _ends_open(sequence: Sequence[tuple[int, frozenset[int]]], traces: Sequence[Trace], n: int) -> bool:
    """Whether only the last of the runs on a host of `n` events does not end, and has all of them before it."""
    endless = [(i, cut) for i, (run, cut) in enumerate(sequence) if traces[run].is_open]
    return all(i == len(sequence) - 1 and len(cut) == n for i, cut in endless)


def _growing(turn: tuple[int, ...], cuts: list[frozenset[int]]) -> Iterator[tuple[tuple[int, frozenset[int]], ...]]:
    for chosen in product(cuts, repeat=len(turn)):
        if all(a <= b for a, b in pairwise(chosen)):
            yield tuple(zip(turn, chosen, strict=True))


def cuts(thread: Thread, trace: Trace, own: set[Pair]) -> list[frozenset[int]]:
    """The sets of events of a host that may be executed before a run begins."""
    n = len(trace.items)
    before = [0] * n
    for a, b in closure_of(own):
        before[b] |= 1 << a
    whole = [*trace.amo, *trace.lxsx, *glued(trace)]
    masked = masked_at(thread, trace)
    found = []
    for cut in _down_sets(n, before):
        if any(cut >> a & 1 != cut >> b & 1 for a, b in whole):
            continue
        if any(cut >> a & 1 and not (b is not None and cut >> b & 1) for a, b in masked):
            continue
        if thread.host is not None and (not cut & 1 or (cut >> n - 1 & 1 and not trace.is_open)):
            continue  # a nested run comes between the ends of the other
        found.append(frozenset(i for i in range(n) if cut >> i & 1))
    return found


def _down_sets(n: int, before: Sequence[int]) -> Iterator[int]:
    seen = {0}
    stack = [0]
    while stack:
        cut = stack.pop()
        yield cut
        for i in range(n):
            larger = cut | 1 << i
            if larger not in seen and not before[i] & ~cut:
                seen.add(larger)
                stack.append(larger)


def glued(trace: Trace) -> Iterator[Pair]:
    """A read that is one instruction with the access behind it."""
    for i, item in enumerate(trace.items):
        if item.whole:
            yield from [(i, j) for j in range(i + 1, len(trace.items)) if trace.items[j].kind != "F"][:1]


def masked_at(thread: Thread, trace: Trace) -> list[tuple[int, int | None]]:
    """Events behind which interrupts are off, with the next that switches them."""
    last = len(trace.items) - 1
    switches = [(i, item.masked) for i, item in enumerate(trace.items) if not item.tags.isdisjoint(("IrqOff", "IrqOn"))]
    if thread.host is not None:
        switches = [(0, not thread.nests), *switches, *([] if trace.is_open else [(last, False)])]
    following = [*[i for i, _ in switches], None][1:]
    return [(i, after) for (i, off), after in zip(switches, following, strict=True) if off]
