"""Every choice of rf and co at one location.

For a model that implies ``acyclic po-loc | rf | co | fr``, that axiom is applied here, location by location. It
then says, with the position of a write in co, and of a read as that of the write it reads: along po, positions
do not fall, and rise strictly to a write. Otherwise every well-formed choice is returned.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import permutations, product
from typing import NamedTuple

from mmcheck.base.deadline import Deadline
from mmcheck.base.errors import UnknownVerdict
from mmcheck.engines.enumeration.layout import Location


class Choice(NamedTuple):
    """`sources` has, for each read of the location in turn, the write that it reads; `chain` the writes in co
    order, the initial one first."""

    sources: tuple[int, ...]
    chain: tuple[int, ...]
    rf: tuple[tuple[int, int], ...]
    co: tuple[tuple[int, int], ...]
    """rf and co as bit rows: event, row."""


LARGE = 100
"""Choices; where there are more, they are not remembered."""


def choices(
    place: Location,
    values: Sequence[int],
    last: frozenset[int],
    *,
    coherent: bool,
    most: int = 1_000_000,
    deadline: Deadline,
    memory: dict[Hashable, list[Choice]],
) -> list[Choice]:
    """The choices at `place`; `UnknownVerdict` beyond `most`.

    `values` are those of `place.events`; the reads in `last` must read the co-last write. `memory` has the choices at
    other locations whose events, numbered from 0 on, are the same.
    """
    at = place.events
    settled = tuple([i for i, event in enumerate(at) if event in last]) if last else ()
    key = (place.pattern, tuple(values), settled, coherent)
    known = memory.get(key)
    if known is None:
        known = _choices(place.pattern, values, settled, coherent=coherent, most=most, deadline=deadline)
        if len(known) <= LARGE:
            memory[key] = known
    return [
        Choice(
            tuple([at[w] for w in sources]),
            tuple([at[w] for w in chain]),
            tuple([(at[w], _spread(row, at)) for w, row in rf]),
            tuple([(at[w], _spread(row, at)) for w, row in co]),
        )
        for sources, chain, rf, co in known
    ]


def _spread(row: int, at: Sequence[int]) -> int:
    """The positions in `row`, as those events."""
    out = 0
    for event in at:
        if row & 1:
            out |= 1 << event
        row >>= 1
    return out


def _choices(
    pattern: Sequence[tuple[str, int]],
    values: Sequence[int],
    settled: Sequence[int],
    *,
    coherent: bool,
    most: int,
    deadline: Deadline,
) -> list[Choice]:
    writes = tuple([i for i, (kind, _) in enumerate(pattern) if kind == "W"])
    reads = tuple([i for i, (kind, _) in enumerate(pattern) if kind == "R"])
    before = [row for _, row in pattern]
    offers = [[w for w in writes if values[w] == values[r]] for r in reads]
    if not all(offers):
        return []
    found = []
    tries = 0
    for chain in _chains(writes, before if coherent else None):
        deadline.check()
        position = {write: i for i, write in enumerate(chain)}
        options = [
            [w for w in offer if not coherent or _fits(r, position[w], position, before)]
            for r, offer in zip(reads, offers, strict=True)
        ]
        options = [
            [w for w in option if r not in settled or w == chain[-1]] for r, option in zip(reads, options, strict=True)
        ]
        for sources in product(*options):
            tries += 1
            if tries > most:
                raise UnknownVerdict(f"more than {most} candidate executions")
            if not tries & 0xFF:
                deadline.check()
            if coherent and not _in_order(reads, [position[w] for w in sources], before):
                continue
            found.append(_choice(reads, sources, chain))
    return found


def _chains(writes: tuple[int, ...], before: Sequence[int] | None) -> Iterator[tuple[int, ...]]:
    """The orders of `writes` that begin with the initial write and, if `before` is given, contain it."""
    init, rest = writes[0], writes[1:]
    if before is None:
        for order in permutations(rest):
            yield (init, *order)
        return
    begun: list[tuple[tuple[int, ...], tuple[int, ...]]] = [((init,), rest)]
    while begun:
        chain, rest = begun.pop()
        left = 0
        for write in rest:
            left |= 1 << write
        if not rest:
            yield chain
        for write in reversed(rest):
            if not before[write] & left:
                begun.append(((*chain, write), tuple([w for w in rest if w != write])))


def _fits(read: int, at: int, position: dict[int, int], before: Sequence[int]) -> bool:
    """Whether `read`, at position `at`, is in order with the writes of its thread."""
    for write, place in position.items():
        if before[read] >> write & 1 and place > at:
            return False
        if before[write] >> read & 1 and place <= at:
            return False
    return True


def _in_order(reads: tuple[int, ...], at: list[int], before: Sequence[int]) -> bool:
    """Whether positions do not fall from a read to a read after it."""
    for i, later in enumerate(reads):
        for j, earlier in enumerate(reads):
            if before[later] >> earlier & 1 and at[j] > at[i]:
                return False
    return True


def _choice(reads: tuple[int, ...], sources: tuple[int, ...], chain: tuple[int, ...]) -> Choice:
    rf: dict[int, int] = {}
    for read, write in zip(reads, sources, strict=True):
        rf[write] = rf.get(write, 0) | 1 << read
    co = []
    later = 0
    for write in reversed(chain):
        if later:
            co.append((write, later))
        later |= 1 << write
    return Choice(sources, chain, tuple(rf.items()), tuple(co))
