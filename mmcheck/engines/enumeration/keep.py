"""What a compiler keeps in order, and what it looks past when it leaves an access out, by its profile."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from mmcheck.base.records import record
from mmcheck.engines.enumeration.linear import Pair
from mmcheck.engines.enumeration.trace import Trace
from mmcheck.events.relations import bits, from_pairs, pairs
from mmcheck.model.concrete import Frame
from mmcheck.model.kept import Half, concludes, kept, passes, table
from mmcheck.model.model import BESIDE
from mmcheck.target.targets import architecture_of, next_to


@record
class Keep:
    """A profile, or a cat file (`mmcheck.model.kept`), on `target`; without, on no machine in particular."""

    profile: str
    target: str

    def pair(self, first: Half, second: Half, *, same_place: bool) -> bool:
        """Whether two events stay in order, for what they are."""
        return kept(self.profile, first, second, same_place=same_place)

    def passes(self, name: str, event: Half) -> bool:
        """Whether `event` is in the set `name` of the tables."""
        return passes(self.profile, name, event)

    @cached_property
    def concludes(self) -> bool:
        """Whether it is known behind arithmetic that it meant something."""
        return concludes(self.profile)

    @cached_property
    def deletes_idle_updates(self) -> bool:
        """Whether atomic updates that change nothing may be left out."""
        return architecture_of(self.target).deletes_idle_updates

    def pairs(self, trace: Trace) -> Iterator[Pair]:
        """The pairs of positions of a trace that stay in order."""
        model, node = table(self.profile)
        n = len(trace.items)
        sets = dict(trace.sets)
        places = [item.address if item.kind != "F" else None for item in trace.items]
        words = [(item.address, item.width) if "Plain" in item.tags else None for item in trace.items]
        same = [(i, j) for i, a in enumerate(places) for j, b in enumerate(places) if a is not None and a == b]
        everything = tuple([(1 << n) - 1] * n)
        static = {
            "src": from_pairs(n, trace.order),
            "po": from_pairs(n, trace.order),
            "loc": from_pairs(n, same),
            "int": everything,
            "amo": from_pairs(n, trace.amo),
            "lxsx": from_pairs(n, trace.lxsx),
            BESIDE: from_pairs(n, next_to(self.target, words)),
        }
        none = (0,) * n
        yield from pairs(Frame(model, n, sets, static).relation(node, none, none))


def profile(name: str, target: str) -> Keep:
    """What a profile keeps on `target`, or a cat file (`mmcheck.model.kept.table`)."""
    table(name)
    return Keep(name, target)


def preserved(trace: Trace, keep: Keep) -> frozenset[Pair]:
    """``keep | addr | data | ctrl | rmw`` of a trace; its transitive closure is cpo."""
    found = {*keep.pairs(trace), *trace.amo, *trace.lxsx}
    for i, item in enumerate(trace.items):
        found |= {(read, i) for read in bits(item.addr | item.data | item.ctrl)}
    return frozenset(found)
