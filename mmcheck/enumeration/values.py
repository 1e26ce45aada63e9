"""Which values reads may see: a fixpoint over the traces of all threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mmcheck.enumeration.traces import Options, Trace, traces
from mmcheck.flatten import Code


def fixpoint(codes: Sequence[Code], initial: Mapping[int, int], options: Options) -> list[list[Trace]]:
    """Traces of every thread over the least set of values that contains the initial ones and all written.

    A value that is not there after as many rounds as there are writes is not grounded: its chain of
    reads and writes would use a write twice.
    """
    known: dict[int, set[int]] = {}
    asked: list[set[int]] = [set() for _ in codes]
    found: list[list[Trace]] = [[] for _ in codes]
    stale = set(range(len(codes)))
    rounds = 0
    while stale:
        for i in sorted(stale):
            found[i] = traces(codes[i], _offers(known, initial, asked[i]), options)
        grown = set()
        most = 0
        for of in found:
            most += max((sum(item.kind == "W" for item in trace.items) for trace in of), default=0)
            for trace in of:
                for address, value in trace.gives:
                    values = known.setdefault(address, {initial.get(address, 0)})
                    if value not in values:
                        values.add(value)
                        grown.add(address)
        rounds += 1
        stale = {i for i, addresses in enumerate(asked) if addresses & grown} if rounds <= most else set()
    return found


def _offers(
    known: Mapping[int, set[int]], initial: Mapping[int, int], asked: set[int]
) -> Callable[[int], tuple[int, ...]]:
    def offers(address: int) -> tuple[int, ...]:
        asked.add(address)
        return tuple(sorted(known.get(address) or {initial.get(address, 0)}))

    return offers
