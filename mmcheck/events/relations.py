"""Sets and relations over events 0..n-1, as bits of Python integers.

A set is an ``int`` (bit i: event i is in it). A relation is a tuple of n rows; bit j of row i says that
(i, j) is in it. This module is the concrete half of every check, and shares nothing with the solver.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

Set: TypeAlias = int
Rel: TypeAlias = tuple[int, ...]


def bits(word: int) -> Iterator[int]:
    """The positions of the ones in `word`, ascending."""
    while word:
        low = word & -word
        yield low.bit_length() - 1
        word ^= low


KIND_SETS: dict[str, tuple[str, ...]] = {"R": ("R", "M"), "W": ("W", "M"), "F": ("F",)}
"""The base sets that an event is in by its kind; beside these by its tags, ``IW`` if it is an initial write, and those
of devices."""


def members(names: Iterable[Iterable[str]]) -> dict[str, Set]:
    """The sets by name, given the names of the sets that each event is in."""
    sets: dict[str, Set] = {}
    for number, those in enumerate(names):
        for name in those:
            sets[name] = sets.get(name, 0) | 1 << number
    return sets


def from_pairs(n: int, pairs: Iterable[tuple[int, int]]) -> Rel:
    rows = [0] * n
    for i, j in pairs:
        rows[i] |= 1 << j
    return tuple(rows)


def pairs(relation: Rel) -> Iterator[tuple[int, int]]:
    """The pairs of `relation` in lexicographic order."""
    for i, row in enumerate(relation):
        for j in bits(row):
            yield i, j


def identity(n: int, members: Set) -> Rel:
    return tuple([members & 1 << i for i in range(n)])


def product(n: int, sources: Set, targets: Set) -> Rel:
    return tuple([targets if sources >> i & 1 else 0 for i in range(n)])


def union(a: Rel, b: Rel, *more: Rel) -> Rel:
    if not more:
        return tuple([x | y for x, y in zip(a, b, strict=True)])
    if len(more) == 1:
        return tuple([x | y | z for x, y, z in zip(a, b, more[0], strict=True)])
    return union(union(a, b, more[0]), *more[1:])


def intersection(a: Rel, b: Rel) -> Rel:
    return tuple([x & y for x, y in zip(a, b, strict=True)])


def difference(a: Rel, b: Rel) -> Rel:
    return tuple([x & ~y for x, y in zip(a, b, strict=True)])


def compose(a: Rel, b: Rel) -> Rel:
    """``a ; b``."""
    rows = []
    for row in a:
        out = 0
        while row:
            low = row & -row
            out |= b[low.bit_length() - 1]
            row ^= low
        rows.append(out)
    return tuple(rows)


def inverse(a: Rel) -> Rel:
    rows = [0] * len(a)
    for i, row in enumerate(a):
        for j in bits(row):
            rows[j] |= 1 << i
    return tuple(rows)


def closure(a: Rel) -> Rel:
    """Transitive closure ``a^+`` (Warshall, one row operation per pair)."""
    rows = list(a)
    for k, bit in enumerate([1 << i for i in range(len(rows))]):
        through = rows[k]
        if through:
            for i, row in enumerate(rows):
                if row & bit:
                    rows[i] = row | through
        # rows[k] may have grown through itself: a cycle at k adds nothing new to the others.
    return tuple(rows)


def domain(a: Rel) -> Set:
    out = 0
    for i, row in enumerate(a):
        if row:
            out |= 1 << i
    return out


def codomain(a: Rel) -> Set:
    out = 0
    for row in a:
        out |= row
    return out


def is_irreflexive(a: Rel) -> bool:
    return not any(row >> i & 1 for i, row in enumerate(a))


def is_acyclic(a: Rel) -> bool:
    """Whether `a` has no cycle, by removing events without successors."""
    rest = (1 << len(a)) - 1
    while rest:
        removable = 0
        for i in bits(rest):
            if not a[i] & rest:
                removable |= 1 << i
        if not removable:
            return False
        rest ^= removable
    return True


def find_cycle(a: Rel) -> list[int] | None:
    """A shortest cycle of `a` as events in order, the first not repeated at the end; None if acyclic."""
    best: list[int] | None = None
    for start in range(len(a)):
        if not a[start]:
            continue
        cycle = _shortest_path_back(a, start, len(best) if best is not None else len(a) + 1)
        if cycle is not None:
            best = cycle
            if len(best) == 1:
                break
    return best


def _shortest_path_back(a: Rel, start: int, limit: int) -> list[int] | None:
    """Breadth first from `start` to itself, over events >= `start`, with fewer than `limit` events."""
    parent = {start: -1}
    frontier = [start]
    seen = (1 << start + 1) - 1  # cycles through smaller events were found from those
    for _ in range(limit - 1):
        following = []
        for event in frontier:
            if a[event] >> start & 1:
                path = []
                while event >= 0:
                    path.append(event)
                    event = parent[event]
                return path[::-1]
            fresh = a[event] & ~seen
            seen |= fresh
            for successor in bits(fresh):
                parent[successor] = event
                following.append(successor)
        frontier = following
        if not frontier:
            return None
    return None
