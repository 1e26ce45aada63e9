"""Which dependencies are left of a run when a compiler has had its way with it (docs/compiler.md)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from mmcheck.engines.enumeration.again import Again, Change, half_of
from mmcheck.engines.enumeration.formulas import Formulas
from mmcheck.engines.enumeration.keep import Keep
from mmcheck.engines.enumeration.removed import Left
from mmcheck.engines.enumeration.text import Run
from mmcheck.events.relations import bits
from mmcheck.model.kept import Half


class Dependencies(NamedTuple):
    """For each event the reads that it depends on, as bits."""

    addr: list[int]
    data: list[int]
    ctrl: list[int]
    pick_addr: list[int]
    pick_data: list[int]


class Kept:
    """The order that a compiler keeps among the events of a run."""

    def __init__(self, run: Run, keep: Keep) -> None:
        self.run, self.keep = run, keep
        self.halves = [half_of(run.made, run.end.pairs, i) for i in range(len(run.made))]

    def beside(self, half: Half, address: int, i: int) -> bool:
        """Whether an event stays in front of the event `i` of the run."""
        made = self.run.made[i]
        same = "F" not in (half.kind, made.kind) and address == made.address
        return self.keep.pair(half, self.halves[i], same_place=same)

    @cached_property
    def rows(self) -> list[int]:
        """For each event those behind it in front of which it stays, as bits."""
        made = self.run.made
        return [
            sum(
                1 << j
                for j in range(i + 1, len(made))
                if self.run.text.ordered(one, made[j]) and self.beside(self.halves[i], one.address, j)
            )
            for i, one in enumerate(made)
        ]

    @cached_property
    def overrides(self) -> list[int]:
        """For each plain store the earlier ones that it may override, as bits: a compiler makes one store of the two,
        or stores once more what was there, if it is not known whether the later one is made."""
        made = self.run.made
        out = [0] * len(made)
        for i in (i for i, each in enumerate(made) if each.kind == "W" and "Plain" in each.tags):
            for j in range(i - 1, -1, -1):
                if made[j].kind == "W" and "Plain" in made[j].tags and made[j].address == made[i].address:
                    out[i] |= 1 << j
                if "Ghost" not in made[j].tags and not self.keep.passes("overrides", self.halves[j]):
                    break
        return out

    def branches(self, change: Change) -> Iterator[int]:
        """The events that are gone in a counterfactual run, and for which a branch must stay: a plain load may be made
        in any case, and a plain store if another one is made before it that it may override."""
        stays = ~(change.gone | change.moved)
        for i in bits(change.gone):
            made = self.run.made[i]
            if "Plain" not in made.tags or (made.kind == "W" and not self.overrides[i] & stays):
                yield i

    def reach(self, present: int) -> list[int]:
        """The same, directly or through events that are `present`."""
        out = list(self.rows)
        for i in range(len(out) - 1, -1, -1):
            for j in bits(self.rows[i] & present):
                out[i] |= out[j]
        return out


def dependencies(run: Run, kept: Kept, again: Again, left: Left, textual: set[int]) -> Dependencies:
    """Those of what is `left` of a run. `textual` are the reads on which something depends in the text."""
    present, taken = left
    n = len(run.made)
    out = Dependencies([0] * n, [0] * n, [0] * n, [0] * n, [0] * n)
    reach = kept.reach(present)
    real = present & ~sum(1 << i for i, made in enumerate(run.made) if "Ghost" in made.tags)
    writes = real & sum(1 << i for i, made in enumerate(run.made) if made.kind == "W")
    effects = real & sum(
        1 << i for i, made in enumerate(run.made) if made.kind != "R" or i in run.other or i in run.updates
    )
    formulas = Formulas(run, taken)
    matter = set(textual)
    for load, source in reversed(taken):
        if load in matter:
            matter.add(source)
    for read in [i for i in bits(present) if run.made[i].kind == "R" and i in matter]:
        address, data = formulas.varying(read, again)
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
    for i in kept.branches(change):
        if present >> i & 1:
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
