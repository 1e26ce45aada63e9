"""What a table of the compiler layer keeps in order, asked of two events alone (docs/compiler.md)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from mmcheck import gate
from mmcheck.errors import InternalError
from mmcheck.model.concrete import Frame
from mmcheck.model.expr import Node
from mmcheck.model.model import Model, model_from_text
from mmcheck.program import Tags
from mmcheck.source import SourceFile


@lru_cache(maxsize=16)
def table(profile: str) -> tuple[Model, Node]:
    """The cat file of a profile, or of that path, and its ``keep``."""
    path = Path(profile) if profile.endswith(".cat") else Path(__file__).with_name(f"{profile}.cat")
    model = model_from_text(f"keep:{profile}", SourceFile(path.name, gate.own(path).decode()), path)
    node = model.definitions.get("keep")
    if node is None:
        raise InternalError(f"{profile} defines no keep")
    return model, node


class Half(NamedTuple):
    """An event as the table sees it: `kind` is ``R``, ``W`` or ``F``, `other` the tags of the other half of a
    read-modify-write, None for anything else."""

    kind: str
    tags: Tags
    other: Tags | None = None


@lru_cache(maxsize=1 << 16)
def kept(profile: str, earlier: Half, later: Half, *, same_place: bool) -> bool:
    """Whether a compiler that follows `profile` leaves `earlier`, which stands first in the text, before `later`."""
    model, keep = table(profile)
    sets: dict[str, int] = {}
    places: list[int] = []
    amo: list[tuple[int, int]] = []
    numbers = []
    for which, event in enumerate((earlier, later)):
        halves = [(event.kind, event.tags)]
        if event.other is not None:
            halves.insert(event.kind == "R", ("W" if event.kind == "R" else "R", event.other))
            amo.append((len(places), len(places) + 1))
        numbers.append(len(places) + (event.kind == "W" and event.other is not None))
        for kind, tags in halves:
            for name in (kind, *tags, *(() if kind == "F" else ("M",))):
                sets[name] = sets.get(name, 0) | 1 << len(places)
            places.append(-1 - which if kind == "F" else 0 if same_place else which)
    n = len(places)
    order = tuple([(1 << n) - (2 << i) for i in range(n)])
    rows = [0] * n
    for read, write in amo:
        rows[read] |= 1 << write
    loc = tuple([sum(1 << j for j, other in enumerate(places) if place == other >= 0) for place in places])
    static = {"src": order, "po": order, "loc": loc, "int": ((1 << n) - 1,) * n, "amo": tuple(rows)}
    none = (0,) * n
    relation = Frame(model, n, sets, static).relation(keep, none, none)
    first, second = numbers
    return bool(relation[first] >> second & 1)
