"""Accesses of one run that a compiler may leave out (docs/compiler.md).

Every set of them in which each is justified by what is left is listed, with where the loads among them take their
values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import TypeAlias

from mmcheck.base.errors import UnknownVerdict
from mmcheck.engines.enumeration.again import Again, Taken, half_of
from mmcheck.engines.enumeration.keep import Keep
from mmcheck.engines.enumeration.text import Run, Stretch
from mmcheck.events.relations import bits
from mmcheck.ir.instructions import RmwOp
from mmcheck.model.kept import Half

Left: TypeAlias = tuple[int, Taken]
"""What is left of a run, as bits, and what the loads take that are not."""

STORE, UNUSED = -1, -2
"""Why an access is left out, if it is no load that is taken from another access."""
MOST = 12
"""Accesses of one run that may be left out; beyond, there is no verdict."""


class Removals:
    """What may be left out of one run. `observed` are the slots of registers that somebody looks at in the end."""

    def __init__(self, run: Run, keep: Keep, again: Again, observed: tuple[int, ...]) -> None:
        self.run, self.keep, self.again, self.observed = run, keep, again, observed
        self.all = (1 << len(run.made)) - 1
        self.halves = [self._half(i) for i in range(len(run.made))]

    def _half(self, i: int) -> Half:
        """The event `i` as a compiler sees it, which does not know whether a read-modify-write will succeed."""
        half = half_of(self.run.made, self.run.end.pairs, i)
        op = self.run.text.code.ops[self.run.made[i].place[-1]]
        if half.kind == "W" or not isinstance(op, RmwOp):
            return half
        update = op.statement
        return half._replace(tags=update.read_tags | update.fail_tags, other=update.write_tags)

    def sets(self) -> Iterator[Left]:
        """Every set of justified removals; the empty one first."""
        possible = self._possible()
        if len(possible) > MOST:
            raise UnknownVerdict(f"more than {MOST} accesses that a compiler may leave out")
        for chosen in product((False, True), repeat=len(possible)):
            gone = [i for i, out in zip(possible, chosen, strict=True) if out]
            present = self._without(gone)
            ways = [list(self._ways(i, present, present)) for i in gone]
            for way in product(*ways):
                why = dict(zip(gone, way, strict=True))
                taken = tuple([(i, source) for i, source in why.items() if source >= 0])
                if all(self._unused(i, present, taken) for i, reason in why.items() if reason == UNUSED) and all(
                    self._is_dead_or_known(i, present, why) for i, reason in why.items() if reason == STORE
                ):
                    yield present, taken

    def _is_dead_or_known(self, i: int, present: int, why: Mapping[int, int]) -> bool:
        """Whether the store `i` is left out for a reason that a compiler knows: what an unused load would have
        returned, nobody knows."""

        def origin(source: int) -> int:
            while why.get(source, STORE) >= 0:
                source = why[source]
            return source

        if self._dead(i, present, present):
            return True
        return any(why.get(origin(source)) != UNUSED for source in self._sources(i, present, present))

    def _without(self, gone: list[int]) -> int:
        """All but these; a read-modify-write goes with both halves."""
        other = self.run.other
        return self.all & ~sum(1 << j for i in gone for j in {i, other.get(i, i)})

    def _possible(self) -> list[int]:
        """The accesses that may be left out if as much as possible is. A read stands for a read-modify-write."""
        run = self.run
        found, left = (
            [
                i
                for i, made in enumerate(run.made)
                if i not in run.waits and (self._idempotent(i) if i in run.other else "Plain" in made.tags)
            ],
            list[int](),
        )
        while found != left:
            least = self._without(found)
            found, left = (
                [i for i in found if any(True for w in (self.all, least) for _ in self._ways(i, least, w))],
                found,
            )
        return found

    def _ways(self, i: int, present: int, writing: int) -> Iterator[int]:
        """The reasons to leave `i` out: the access from which a load is taken, or `STORE`, or `UNUSED`. A write of
        `writing` may make a store dead, and a read-modify-write that is in it counts as one."""
        made = self.run.made[i]
        sources = list(self._sources(i, present, writing))
        if made.kind == "W":
            if sources or self._dead(i, present, writing):
                yield STORE
            return
        last = self._last_write(i)
        if i in self.run.other:
            yield UNUSED
        else:
            yield from sources
            # What it returns is all the same, so that one value will do.
            if last is not None and self.run.made[last].value == made.value:
                yield UNUSED

    def _last_write(self, i: int, gone: int = 0) -> int | None:
        made = self.run.made
        own = [j for j in range(i) if made[j].kind == "W" and made[j].address == made[i].address and not gone >> j & 1]
        return own[-1] if own else None

    def _sources(self, i: int, present: int, writing: int) -> Iterator[int]:
        """The accesses from which the thread knows that the value of `i` is at its address. What a read-modify-write
        would have read that is left out, nobody knows."""
        made = self.run.made
        gone = sum(1 << j for j in self.run.other) & ~writing
        last = self._last_write(i, gone)
        for j in range(0 if last is None else last, i):
            if j == last or (made[j].kind == "R" and not gone >> j & 1):
                if (made[j].address, made[j].width, made[j].value) == (made[i].address, made[i].width, made[i].value):
                    way = "forwards" if made[i].kind == "R" else "repeats" if j == last else "writes-back"
                    between = present & ((1 << i) - (2 << j))
                    if self._passes("sources", 1 << j) and self._passes(way, between):
                        yield j

    def _dead(self, i: int, present: int, killers: int) -> bool:
        """Whether a later write makes the store `i` as good as none."""
        made = self.run.made
        for k in range(i + 1, len(made)):
            same = made[k].kind != "F" and made[k].address == made[i].address
            if same and made[k].kind == "W" and killers >> k & 1 and self._passes("killers", 1 << k):
                return True
            if present >> k & 1 and (same or not self._passes("overwrites", 1 << k)):
                return False
        return False

    def _passes(self, way: str, events: int) -> bool:
        """Whether all `events` are in that set of the compiler's tables."""
        return all(self.keep.passes(way, self.halves[i]) for i in bits(events))

    def _idempotent(self, i: int) -> bool:
        """Whether this is the read of a read-modify-write that writes what it reads in whatever run, and one that a
        compiler deletes then."""
        run = self.run
        made, write = run.made[i], run.made[run.other[i]]
        if not self.keep.deletes_idle_updates or made.kind == "W" or not self._passes("idles", 1 << i):
            return False
        ends = [run.end]
        for read in range(i + 1):
            if run.made[read].kind == "R":
                ends += [end for _, found in self.again.runs(run, read, ()) for end in found]
        values = [{each.key: each.value for each in end.made} for end in ends]
        return all(there[made.key] == there.get(write.key) for there in values if made.key in there)

    def _unused(self, i: int, present: int, taken: Taken) -> bool:
        """Whether what the load `i` returns makes no difference to what is left."""
        return all(
            self._same(self.run.end, other, present)
            for _, ends in self.again.runs(self.run, i, taken)
            for other in ends
        )

    def _same(self, end: Stretch, other: Stretch, present: int) -> bool:
        if (other.outcomes, other.status, other.checks) != (end.outcomes, end.status, end.checks):
            return False
        events = [(end.made[j], other.made[j]) for j in bits(present)]
        return all((a.address, a.value) == (b.address, b.value) for a, b in events) and all(
            end.state.registers[slot] == other.state.registers[slot] for slot in self.observed
        )
