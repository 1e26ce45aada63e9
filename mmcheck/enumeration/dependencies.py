"""Which dependencies are left of a run when a compiler has had its way with it (docs/compiler.md)."""

from __future__ import annotations

from typing import NamedTuple

from mmcheck.enumeration.again import Again, Change
from mmcheck.enumeration.removed import Kept, Left
from mmcheck.enumeration.text import Run
from mmcheck.relations import bits


class Dependencies(NamedTuple):
    """For each event the reads that it depends on, as bits."""

    addr: list[int]
    data: list[int]
    ctrl: list[int]
    pick_addr: list[int]
    pick_data: list[int]


def dependencies(run: Run, kept: Kept, again: Again, left: Left, textual: frozenset[int]) -> Dependencies:
    """Those of what is `left` of a run. `textual` are the reads on which something depends in the text."""
    present, taken = left
    n = len(run.made)
    out = Dependencies([0] * n, [0] * n, [0] * n, [0] * n, [0] * n)
    reach = kept.reach(present)
    real = present & ~sum(1 << i for i, made in enumerate(run.made) if "Ghost" in made.tags)
    writes = real & sum(1 << i for i, made in enumerate(run.made) if made.kind == "W")
    effects = real & sum(1 << i for i, made in enumerate(run.made) if made.kind != "R" or i in run.other)
    matter = set(textual)
    for load, source in reversed(taken):
        if load in matter:
            matter.add(source)
    for read in [i for i in bits(present) if run.made[i].kind == "R" and i in matter]:
        address, data = again.frozen(run, read, taken)
        ctrl = moved = 0
        for change in again.changes(run, read, taken):
            ctrl |= _controlled(run, kept, change, real, reach) & effects
            moved |= change.moved
        for masks, events in zip(out, (address, data, ctrl, moved, ctrl & writes), strict=True):
            for i in bits(events & real):
                masks[i] |= 1 << read
    return out


def _controlled(run: Run, kept: Kept, change: Change, present: int, reach: list[int]) -> int:
    """The events that differ in a counterfactual run, and those in front of which it has other events."""
    found = change.differ
    for i in bits(change.gone & present):
        found |= reach[i]
    instead = dict(change.instead)
    for extra in change.extra:
        for i in bits(present):
            place = run.made[i].place
            if extra.place < instead.get(i, place) and kept.beside(extra.half, extra.address, i):
                found |= 1 << i
                if extra.place < place:
                    found |= reach[i]
    return found
