"""Does a stronger choice never add a behaviour? Tested, pair by pair, before it is used.

What an option does is done inside one thread: it puts pairs of the thread's accesses in order, for the compiler (cpo)
and for the hardware (the thread-local part of the orders that the model wants acyclic). So of two options the second is
at least as strong if in every small context it keeps whatever the first keeps. The contexts are an access before the
site and an access behind it, of each kind, to the same or to other places; for an access the site is the access
itself, with a neighbour on each side. Where the test fails, the two count as unrelated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product

from mmcheck.base.records import replace
from mmcheck.engines.smt.compiler import keep_model
from mmcheck.events.relations import KIND_SETS, Rel, bits, from_pairs, members, union
from mmcheck.ir.program import Tags
from mmcheck.language.lower.choices import Option
from mmcheck.model.concrete import Frame
from mmcheck.model.model import BESIDE, Axiom, Model, load_model
from mmcheck.placement.options import pieces_of
from mmcheck.placement.problem import Problem
from mmcheck.target.pieces import FencePiece, Piece
from mmcheck.target.targets import Target, next_to

_Event = tuple[str, Tags, str]
"""Kind, tags, place."""
_ADDRESSES = {"x": 0, "next to x": 4}


class Order:
    """Strength of the options of each site of a problem: what is claimed by powers and passed the test."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.rejected: list[tuple[str, str, str]] = []
        """Site, weaker, stronger: claimed, and not so."""
        self._below: dict[str, dict[str, frozenset[str]]] = {}
        self._unions: dict[Target, bool] = {}

    def no_stronger(self, site: str, option: str) -> frozenset[str]:
        """The options that are no stronger than `option`, itself included."""
        return self._table(site)[option]

    def above(self, site: str, option: str) -> list[str]:
        """The options that are stronger than `option`, strongest first."""
        table = self._table(site)
        found = [other for other, under in table.items() if option in under and other != option]
        return sorted(found, key=lambda other: (-len(table[other]), -self.problem.cost[site, other], other))

    def strongest_above(self, site: str, option: str) -> str:
        """An option that nothing is stronger than, above `option`."""
        return next(iter(self.above(site, option)), option)

    def unions(self, target: Target) -> bool:
        """Whether doing what two options do is at least as strong as either: no tag counts against an order."""
        known = self._unions.get(target)
        if known is None:
            model = load_model(target.model)
            negative = {name for name, signs in model.polarities().items() if -1 in signs}
            if target.compiled:
                model, node = keep_model(self.problem.compiler)
                kept = replace(model, axioms=(Axiom("keep", "empty", node),))
                negative |= {name for name, signs in kept.polarities().items() if -1 in signs}
            known = self._unions[target] = not negative & self._tags(target)
        return known

    def _tags(self, target: Target) -> set[str]:
        """The tags that some option has on `target` and another at the same site does not."""
        found: set[str] = set()
        for site in self.problem.sites:
            if target in self.problem.targets_of(site):
                sets = [_tags_of(pieces_of(option, target)) for option in site.options]
                common = sets[0].intersection(*sets[1:])
                found |= {tag for tags in sets for tag in tags} - common
        return found

    def _table(self, site: str) -> dict[str, frozenset[str]]:
        known = self._below.get(site)
        if known is None:
            known = self._below[site] = self._tested(site)
        return known

    def _tested(self, name: str) -> dict[str, frozenset[str]]:
        site = self.problem.site(name)
        out = {}
        for option, under in self.problem.below[name].items():
            kept = {option}
            for other in under - {option}:
                weaker, stronger = site.option(other), site.option(option)
                targets, compiler = self.problem.targets_of(site), self.problem.compiler
                if all(is_stronger(weaker, stronger, target, compiler) for target in targets):
                    kept.add(other)
                else:
                    self.rejected.append((name, other, option))
            out[option] = frozenset(kept)
        return out


def _tags_of(pieces: Sequence[Piece]) -> set[str]:
    found: set[str] = set()
    for piece in pieces:
        if isinstance(piece, FencePiece):
            found |= piece.tags
        else:
            found |= piece.read_tags | piece.write_tags | piece.fail_tags
    return found


def is_stronger(weaker: Option, stronger: Option, target: Target, compiler: str = "observed") -> bool:
    """Whether `stronger` keeps on `target` whatever `weaker` keeps, in every context."""
    if not target.is_own:  # their pairs are tested once and for all, by tests/property/test_monotone.py
        return True
    return keeps_more(pieces_of(weaker, target), pieces_of(stronger, target), target, compiler)


@lru_cache(maxsize=4096)
def keeps_more(
    weaker: tuple[Piece, ...], stronger: tuple[Piece, ...], target: Target, compiler: str = "observed"
) -> bool:
    """The test itself, whatever the model and the compiler."""
    model = load_model(target.model)
    for before, behind, places in contexts(devices=bool({"REG", "IO"} & model.polarities().keys())):
        first = _kept(model, target, compiler, before, weaker, behind, places)
        second = _kept(model, target, compiler, before, stronger, behind, places)
        if not first <= second:
            return False
    return True


_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("R", ("Plain",)),
    ("W", ("Plain",)),
    ("R", ("Volatile",)),
    ("W", ("Volatile",)),
    ("R", ("Atomic", "Acquire", "A")),
    ("W", ("Atomic", "Release", "L")),
    ("R", ("Atomic", "SeqCst", "Acquire", "A")),
    ("W", ("Atomic", "SeqCst", "Release", "L")),
)


_DEVICE = (("R", ("Volatile", "REG", "IO")), ("W", ("Volatile", "REG", "IO")))
"""Accesses to the register of a device: by the platform's rules other barriers count beside them."""


def contexts(
    *, devices: bool = False
) -> Iterator[tuple[tuple[str, tuple[str, ...]], tuple[str, tuple[str, ...]], str]]:
    """An access before the site, one behind it, and whether their places are one, neighbours, or far apart."""
    yield from product(_KINDS, _KINDS, ("one", "next", "apart"))
    if devices:
        yield from product(_KINDS, _DEVICE, ("apart",))
        yield from product(_DEVICE, _KINDS, ("apart",))


def _kept(
    model: Model,
    target: Target,
    compiler: str,
    before: tuple[str, tuple[str, ...]],
    site: Sequence[Piece],
    behind: tuple[str, tuple[str, ...]],
    places: str,
) -> frozenset[tuple[str, str]]:
    """Which of the accesses `first`, `last`, and those of the site itself, the thread keeps in order, by name."""
    events: list[tuple[str, _Event]] = [("first", (before[0], frozenset(before[1]), "x"))]
    amo: list[tuple[int, int]] = []
    lxsx: list[tuple[int, int]] = []
    for piece in site:
        if isinstance(piece, FencePiece):
            events.append((f"fence {len(events)}", ("F", piece.tags, "")))
            continue
        halves = []
        if piece.kind in ("load", "rmw"):
            halves.append(("read", ("R", piece.read_tags, "z")))
        if piece.kind in ("store", "rmw"):
            halves.append(("write", ("W", piece.write_tags, "z")))
        if piece.kind == "rmw":
            (lxsx if piece.exclusive else amo).append((len(events), len(events) + 1))
        events += halves
    events.append(("last", (behind[0], frozenset(behind[1]), {"one": "x", "next": "next to x"}.get(places, "y"))))
    order = local_order(model, target, compiler, [event for _, event in events], amo, lxsx)
    accesses = {i for i, (_, event) in enumerate(events) if event[0] != "F"}
    return frozenset((events[i][0], events[j][0]) for i in accesses for j in bits(order[i]) if j in accesses)


def local_order(
    model: Model,
    target: Target,
    compiler: str,
    events: Sequence[_Event],
    amo: Sequence[tuple[int, int]],
    lxsx: Sequence[tuple[int, int]],
) -> Rel:
    """The order of one thread's events that the model keeps for others to see, compiled code."""
    n = len(events)
    sets = members((*KIND_SETS[kind], *tags) for kind, tags, _ in events)
    everything = (1 << n) - 1
    static: dict[str, Rel] = {
        "src": tuple([everything & ~((2 << i) - 1) for i in range(n)]),
        "loc": from_pairs(n, ((i, j) for i in range(n) for j in range(n) if events[i][2] == events[j][2] != "")),
        "int": (everything,) * n,
        "dev": (0,) * n,
        "amo": from_pairs(n, amo),
        "lxsx": from_pairs(n, lxsx),
    }
    none = (0,) * n
    static["po"] = static["src"]
    if target.compiled:
        keep, node = keep_model(compiler)
        places = [(_ADDRESSES.get(place), 32) if "Plain" in tags else None for _, tags, place in events]
        beside = from_pairs(n, next_to(target.name, places))
        static["po"] = Frame(keep, n, sets, {**static, BESIDE: beside}).relation(node, none, none)
    frame = Frame(model, n, sets, static)
    values = frame.values(none, none)
    total: Rel = none
    for axiom in model.axioms:
        value = values[axiom.node.number]
        if axiom.kind == "acyclic" and not axiom.negated and isinstance(value, tuple):
            total = union(total, value)
    return total
