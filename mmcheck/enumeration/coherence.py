"""Every choice of rf and co at one location.

For a model that implies ``acyclic po-loc | rf | co | fr``, that axiom is applied here, location by location. It
then says, with the position of a write in co, and of a read as that of the write it reads: along po, positions
do not fall, and rise strictly to a write. Otherwise every well-formed choice is returned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations, product

from mmcheck.deadline import Deadline
from mmcheck.enumeration.layout import Location
from mmcheck.errors import UnknownVerdict
from mmcheck.records import record


@record
class Choice:
    """`sources` has, for each read of the location in turn, the write that it reads; `chain` the writes in co
    order, the initial one first."""

    sources: tuple[int, ...]
    chain: tuple[int, ...]
    rf: tuple[tuple[int, int], ...]
    co: tuple[tuple[int, int], ...]
    """rf and co as bit rows: event, row."""


def choices(
    place: Location,
    values: Sequence[int],
    before: Sequence[int],
    last: frozenset[int],
    *,
    coherent: bool,
    most: int = 1_000_000,
    deadline: Deadline,
) -> list[Choice]:
    """The choices at `place`; `UnknownVerdict` beyond `most`.

    `values` are those of `place.events`; `before` the program order as predecessors of each event id; the reads in
    `last` must read the co-last write.
    """
    value = dict(zip(place.events, values, strict=True))
    offers = [[w for w in place.writes if value[w] == value[r]] for r in place.reads]
    if not all(offers):
        return []
    found = []
    tries = 0
    for chain in _chains(place.writes, before if coherent else None):
        deadline.check()
        position = {write: i for i, write in enumerate(chain)}
        options = [
            [w for w in offer if not coherent or _fits(r, position[w], position, before)]
            for r, offer in zip(place.reads, offers, strict=True)
        ]
        options = [
            [w for w in option if r not in last or w == chain[-1]]
            for r, option in zip(place.reads, options, strict=True)
        ]
        for sources in product(*options):
            tries += 1
            if tries > most:
                raise UnknownVerdict(f"more than {most} candidate executions")
            if not tries & 0xFF:
                deadline.check()
            if coherent and not _in_order(place.reads, [position[w] for w in sources], before):
                continue
            found.append(_choice(place, sources, chain))
    return found


def _chains(writes: tuple[int, ...], before: Sequence[int] | None) -> Iterator[tuple[int, ...]]:
    """The orders of `writes` that begin with the initial write and, if `before` is given, contain it."""
    init, rest = writes[0], writes[1:]
    if before is None:
        for order in permutations(rest):
            yield (init, *order)
        return
    yield from _extend((init,), rest, before)


def _extend(chain: tuple[int, ...], rest: tuple[int, ...], before: Sequence[int]) -> Iterator[tuple[int, ...]]:
    if not rest:
        yield chain
        return
    left = 0
    for write in rest:
        left |= 1 << write
    for write in rest:
        if not before[write] & left:
            yield from _extend((*chain, write), tuple([w for w in rest if w != write]), before)


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


def _choice(place: Location, sources: tuple[int, ...], chain: tuple[int, ...]) -> Choice:
    rf: dict[int, int] = {}
    for read, write in zip(place.reads, sources, strict=True):
        rf[write] = rf.get(write, 0) | 1 << read
    co = []
    later = 0
    for write in reversed(chain):
        if later:
            co.append((write, later))
        later |= 1 << write
    return Choice(sources, chain, tuple(rf.items()), tuple(co))
