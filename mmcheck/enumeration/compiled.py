"""What a compiler keeps of the order of one trace: a cat file of the compiler layer (docs/compiler.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from mmcheck.enumeration.linear import Pair
from mmcheck.enumeration.trace import Trace
from mmcheck.model.concrete import Frame
from mmcheck.model.kept import table
from mmcheck.model.model import BESIDE
from mmcheck.relations import bits, from_pairs, pairs
from mmcheck.target.targets import next_to

Keep: TypeAlias = Callable[[Trace], Iterable[Pair]]
"""The pairs of positions of a trace that a compiler keeps; dependencies and rmw are added by the enumerator."""


def profile(name: str, target: str = "") -> Keep:
    """What a profile keeps on `target`, or a cat file (`mmcheck.model.kept.table`)."""
    model, node = table(name)

    def keep(trace: Trace) -> Iterable[Pair]:
        n = len(trace.items)
        sets = {"R": 0, "W": 0, "F": 0, "M": 0}
        for i, item in enumerate(trace.items):
            for tag in (item.kind, *item.tags, *(["M"] if item.kind != "F" else [])):
                sets[tag] = sets.get(tag, 0) | 1 << i
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
            BESIDE: from_pairs(n, next_to(target, words)),
        }
        none = (0,) * n
        return pairs(Frame(model, n, sets, static).relation(node, none, none))

    return keep


def preserved(trace: Trace, keep: Keep) -> frozenset[Pair]:
    """``keep | dep | rmw`` of a trace; its transitive closure is cpo."""
    found = {*keep(trace), *trace.amo, *trace.lxsx}
    for i, item in enumerate(trace.items):
        mask = item.addr | item.data | item.ctrl | item.pick_addr | item.pick_data | item.pick_ctrl
        found |= {(read, i) for read in bits(mask)}
    return frozenset(found)
