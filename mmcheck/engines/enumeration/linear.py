"""Linear orders of one thread: what a compiler may emit (docs/compiler.md)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from mmcheck.base.errors import UnknownVerdict

Pair: TypeAlias = tuple[int, int]
Order: TypeAlias = tuple[int, ...]

MOST = 50_000
"""Linear orders of one trace that are tried before the enumerator gives up."""


def closure_of(pairs: Iterable[Pair]) -> set[Pair]:
    """The transitive closure of `pairs`."""
    after: dict[int, set[int]] = {}
    for a, b in pairs:
        after.setdefault(a, set()).add(b)
    changed = True
    while changed:
        changed = False
        for a, found in after.items():
            more = set().union(*[after.get(b, set()) for b in found]) - found
            if more:
                after[a] = found | more
                changed = True
    return {(a, b) for a, found in after.items() for b in found}


def linear_extensions(n: int, pairs: Iterable[Pair]) -> list[Order]:
    """Every order of ``range(n)`` that contains `pairs`; the smallest number first where there is a choice."""
    before = [0] * n
    for a, b in pairs:
        before[b] |= 1 << a
    found: list[Order] = []

    def extend(line: Order, done: int) -> None:
        if len(line) == n:
            found.append(line)
            if len(found) > MOST:
                raise UnknownVerdict(f"more than {MOST} orders of one thread")
            return
        for event in range(n):
            if not done >> event & 1 and not before[event] & ~done:
                extend((*line, event), done | 1 << event)

    extend((), 0)
    return found
