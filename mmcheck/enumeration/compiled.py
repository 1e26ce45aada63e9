"""What a compiler keeps of the order of one trace: a cat file of the compiler layer (docs/compiler.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import mmcheck.model
from mmcheck.enumeration.linear import Pair
from mmcheck.enumeration.trace import Trace
from mmcheck.errors import InternalError
from mmcheck.model.concrete import Frame
from mmcheck.model.model import Model, model_from_text
from mmcheck.relations import bits, from_pairs, pairs
from mmcheck.source import SourceFile

Keep: TypeAlias = Callable[[Trace], Iterable[Pair]]
"""The pairs of positions of a trace that a compiler keeps; dependencies and rmw are added by the enumerator."""


@lru_cache(maxsize=8)
def _profile(name: str) -> Model:
    """The cat file of a profile, or of that path."""
    path = Path(name) if name.endswith(".cat") else Path(mmcheck.model.__file__).with_name(f"{name}.cat")
    return model_from_text(f"keep:{name}", SourceFile(str(path), path.read_text(encoding="utf-8")), path)


def profile(name: str) -> Keep:
    """``keep`` of the profile ``observed`` or ``language``, or of a cat file."""
    model = _profile(name)
    node = model.definitions.get("keep")
    if node is None:
        raise InternalError(f"{name} defines no keep")

    def keep(trace: Trace) -> Iterable[Pair]:
        n = len(trace.items)
        sets = {"R": 0, "W": 0, "F": 0, "M": 0}
        for i, item in enumerate(trace.items):
            for tag in (item.kind, *item.tags, *(["M"] if item.kind != "F" else [])):
                sets[tag] = sets.get(tag, 0) | 1 << i
        places = [item.address if item.kind != "F" else None for item in trace.items]
        same = [(i, j) for i, a in enumerate(places) for j, b in enumerate(places) if a is not None and a == b]
        everything = tuple([(1 << n) - 1] * n)
        static = {
            "src": from_pairs(n, trace.order),
            "po": from_pairs(n, trace.order),
            "loc": from_pairs(n, same),
            "int": everything,
            "amo": from_pairs(n, trace.amo),
            "lxsx": from_pairs(n, trace.lxsx),
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
