"""What a compiler keeps in order, by its profile: the tables of the compiler layer (docs/compiler.md)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from mmcheck.base import gate
from mmcheck.base.errors import InternalError
from mmcheck.base.source import SourceFile
from mmcheck.events.relations import KIND_SETS
from mmcheck.ir.program import Tags
from mmcheck.model.concrete import Frame
from mmcheck.model.defects import DEFECTS, NAMES, Defect
from mmcheck.model.expr import Node
from mmcheck.model.model import Model, model_from_text
from mmcheck.model.profiles import COMPILERS


@lru_cache(maxsize=16)
def table(profile: str) -> tuple[Model, Node]:
    """What a profile keeps, as a node of a model: one of `COMPILERS`; a defect, for its compiler with that defect
    alone; or the path of a cat file with a ``keep``."""
    if profile.endswith(".cat"):
        model = _tables(Path(profile))
        return model, _named(model, "keep")
    model = _tables(Path(__file__).with_name("compilers.cat"))
    defects = [each for each in DEFECTS.values() if profile in (each.name, each.compiler)]
    keep = _named(model, defects[0].compiler if profile in DEFECTS else profile)
    return model, model.pool.diff(keep, model.pool.union(model.pool.empty, *[lost(defect) for defect in defects]))


def lost(defect: Defect) -> Node:
    """What a compiler keeps, were it not for `defect`: a node of the model of `table`. Accesses to one place, of which
    one writes, are never moved past each other."""
    model = _tables(Path(__file__).with_name("compilers.cat"))
    moved = model.pool.diff(_named(model, defect.name), _named(model, "conflicting"))
    return model.pool.inter(_named(model, defect.compiler), moved)


def weaker(profile: str) -> tuple[str, ...]:
    """The profiles on which a verdict by `profile` should not rest unsaid."""
    if profile not in COMPILERS or profile == "language":
        return ()
    return ("language", *DEFECTS) if profile == "observed" else ("language",)


@lru_cache(maxsize=4)
def _tables(path: Path) -> Model:
    return model_from_text(f"keep:{path.stem}", SourceFile(path.name, gate.own(path).decode()), path)


def _named(model: Model, name: str) -> Node:
    node = model.definitions.get(name)
    if node is None:
        raise InternalError(f"{model.name} defines no {name}")
    return node


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
    return _asked(model, keep, (earlier, later), same_place=same_place)


REMOVALS = ("forwards", "repeats", "writes-back", "overwrites")
"""The ways to leave an access out; the tables say what each looks past."""


@lru_cache(maxsize=1 << 12)
def passes(profile: str, name: str, event: Half) -> bool:
    """Whether `event` is in a set of `profile`: what one of `REMOVALS` looks past, ``overrides``, ``sources``,
    ``killers``, or what shows that a pointer is not null (``points``), or an index in its array (``inside``)."""
    model = _tables(Path(__file__).with_name("compilers.cat"))
    node = model.definitions.get(name) or _named(model, f"{_compiler(profile)}-{name}")
    return _asked(model, model.pool.ident(node), (event,), same_place=False)


DIVIDERS = ("llvm", "observed")
"""The compilers that conclude from a division that the divisor is not 0, and from a shift that it is by less than the
width: clang 22.1.8 does from divisions and remainders, GCC 12.2 from neither, and nobody from a shift today."""

NULL_PAGE = 4096
"""No variable stands below: such an address is a null pointer, or a field behind one."""


def concludes(profile: str) -> bool:
    """Whether a compiler that follows `profile` knows behind arithmetic that it meant something."""
    return _compiler(profile) in DIVIDERS


def _compiler(profile: str) -> str:
    return profile if profile in NAMES else DEFECTS[profile].compiler if profile in DEFECTS else "observed"


def _asked(model: Model, relation: Node, events: tuple[Half, ...], *, same_place: bool) -> bool:
    """Whether `relation` leads from the first of `events`, in the order of the text, to the last."""
    sets: dict[str, int] = {}
    places: list[int] = []
    amo: list[tuple[int, int]] = []
    numbers = []
    for which, event in enumerate(events):
        halves = [(event.kind, event.tags)]
        if event.other is not None:
            halves.insert(event.kind == "R", ("W" if event.kind == "R" else "R", event.other))
            amo.append((len(places), len(places) + 1))
        numbers.append(len(places) + (event.kind == "W" and event.other is not None))
        for kind, tags in halves:
            for name in (*KIND_SETS[kind], *tags):
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
    found = Frame(model, n, sets, static).relation(relation, none, none)
    return bool(found[numbers[0]] >> numbers[-1] & 1)
