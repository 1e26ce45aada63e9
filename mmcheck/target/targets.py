"""Targets: what a program is checked for. ``armv8+lse+rcpc``, ``x86-tso``, ``sc``, ``models/mine.cat``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache
from itertools import product
from pathlib import Path

from mmcheck.base.errors import InputError, fail
from mmcheck.base.records import record, replace
from mmcheck.base.source import Span
from mmcheck.target.architecture import ARCHITECTURES, Architecture, Runner
from mmcheck.target.armv8 import Armv8
from mmcheck.target.orders import alternatives
from mmcheck.target.sc import Sc, Words
from mmcheck.target.tags import SOURCE_TAGS
from mmcheck.target.x86_tso import X86Tso

ARCHITECTURES.update({each.name: each for each in (Armv8, X86Tso, Sc)})

DEFAULT_TARGETS = ("armv8", "x86-tso")
"""What a file without a ``targets`` line is checked for."""


def _machines() -> list[str]:
    """The architectures that have instructions; as options of a ``.cat`` file they say which ones are meant."""
    return [name for name, each in ARCHITECTURES.items() if each.tags]


@record
class Target:
    """One target. `name` prints as ``base(+opt)*``, options sorted.

    `base` is the name of an architecture or the path of a ``.cat`` file, `model` the memory model that judges.
    `compiled`: source programs go through the compiler layer; otherwise the order is
    that of the text.
    """

    name: str
    base: str
    options: frozenset[str]
    model: str
    compiled: bool

    @property
    def is_own(self) -> bool:
        """Whether its model is a ``.cat`` file of the user's own."""
        return self.base not in ARCHITECTURES

    @property
    def architecture(self) -> Architecture:
        """The instructions that words become."""
        found = next((name for name in _machines() if name in self.options), "") if self.is_own else self.base
        return ARCHITECTURES.get(found, Words)(self.options)

    @property
    def full_name(self) -> str:
        """The name with the machine that its model implies (`settle`): what a program is for."""
        return "+".join([self.base, *sorted(self.options)])


@lru_cache(maxsize=64)
def architecture_of(target: str) -> Architecture:
    """The architecture of the target called `target`."""
    return parse_target(target).architecture


def of_herd(name: str) -> str:
    """The target for tests of what herd7 calls `name`."""
    return next(each.name for each in ARCHITECTURES.values() if name in each.herd)


def runner_of(target: str) -> Runner | None:
    """The machine that runs programs for the target called `target`; none stands for a model of one's own."""
    parsed = parse_target(target)
    return None if parsed.is_own else parsed.architecture.runner


def models() -> dict[str, Path]:
    """The memory models that ship, by name, with their files."""
    return {name: path for each in reversed(ARCHITECTURES.values()) for name, path in each.models.items()}


def hardware_tags() -> dict[str, str]:
    """What instructions carry, on any target."""
    return {tag: meaning for each in ARCHITECTURES.values() for tag, meaning in each.tags.items()}


def parse_target(text: str, span: Span | None = None) -> Target:
    """The target that `text` names; options may come in any order. Raises `InputError`.

    A ``.cat`` file takes the name of a base and its options, ``mine.cat+armv8+lse``: the words then become that
    machine's instructions. Without, see `settle`.
    """
    stem, dot_cat, tail = text.rpartition(".cat")
    is_cat = bool(dot_cat) and bool(stem) and (not tail or tail.startswith("+"))
    base, *given = [stem + dot_cat, *tail.split("+")[1:]] if is_cat else text.split("+")
    if not is_cat and base not in ARCHITECTURES:
        raise _unknown_base(base, span)
    for position, option in enumerate(given):
        allowed = _options(base, given)
        if option not in allowed:
            raise _unknown_option(base, option, allowed, span)
        if option in given[:position]:
            raise fail("MM242", f"option '+{option}' is given twice", span)
    model = base
    if not is_cat:
        chosen = [name for name in ARCHITECTURES[base].models if {base, *given}.issuperset(name.split("+"))]
        model = max(chosen, key=len)
    return Target("+".join([base, *sorted(given)]), base, frozenset(given), model, compiled=base != "sc")


def _options(base: str, given: Iterable[str]) -> tuple[str, ...]:
    """The options that `base` takes; of a ``.cat`` file, those of the machine that `given` names, but for those that
    choose another model."""
    if base in ARCHITECTURES:
        return tuple(ARCHITECTURES[base].options)
    named = next((name for name in _machines() if name in given), None)
    if named is None:
        return tuple(_machines())
    machine = ARCHITECTURES[named]
    return (named, *[option for option in machine.options if f"{named}+{option}" not in machine.models])


def _unknown_base(base: str, span: Span | None) -> InputError:
    near = [each.name for each in ARCHITECTURES.values() if base.lower() in each.aliases]
    near = near or get_close_matches(base.lower(), ARCHITECTURES, 1, 0.6)
    if near:
        return fail("MM240", f"unknown target '{base}'; did you mean '{near[0]}'?", span)
    known = alternatives(tuple(ARCHITECTURES))
    return fail("MM240", f"unknown target '{base}' — a target is {known}, or a .cat file", span)


def _unknown_option(base: str, option: str, allowed: tuple[str, ...], span: Span | None) -> InputError:
    near = get_close_matches(option.lower(), allowed, 1, 0.6)
    if near:
        return fail("MM241", f"unknown option '+{option}'; did you mean '+{near[0]}'?", span)
    listed = alternatives(tuple(f"'+{name}'" for name in allowed)) if allowed else "no options"
    return fail("MM241", f"unknown option '+{option}' — {base} has {listed}", span)


def applies_to(pattern: Target, target: Target) -> bool:
    """Whether what is said of `pattern` holds for `target`: ``on armv8`` covers ``armv8+lse``, and ``mine.cat+armv8``.

    Of several patterns that apply, the one with the greatest `specificity` counts.
    """
    return pattern.base in (target.base, *target.options) and pattern.options <= target.options


def specificity(pattern: Target, target: Target) -> tuple[int, bool]:
    """How much `pattern`, which applies to `target`, says of it."""
    return len(pattern.options), pattern.base == target.base


def settle(target: Target, sets: Iterable[str]) -> Target:
    """`target` with what its model's `sets` say about a ``.cat`` file's machine and layer.

    A model that names tags of one machine alone is a model of that machine. One that names no such tags, and some of
    the source level, is a model of the language: its words stay words, and there is no compiler layer
    (docs/compiler.md).
    """
    names = frozenset(sets)
    if not target.is_own or target.options.intersection(ARCHITECTURES):
        return target
    tags = {name: ARCHITECTURES[name].tags.keys() for name in _machines()}
    named = [name for name, own in tags.items() if names & own - {t for n, o in tags.items() if n != name for t in o}]
    if len(named) == 1:
        return replace(target, options=target.options | {*named})
    return replace(target, compiled=False) if names & SOURCE_TAGS.keys() else target


PAIRED = (32, 64)
"""Widths in bits of which LDP and STP take two."""


def next_to(target: str, places: Sequence[tuple[int | None, int] | None]) -> Iterator[tuple[int, int]]:
    """The pairs of accesses, by position in `places`, that one instruction of `target` can make: of one width, where
    one ends and the other begins. A place is an address and a width; None is no access in question."""
    starts: dict[tuple[int | None, int], list[int]] = {}
    for number, place in enumerate(places if architecture_of(target).pairs_words else ()):
        if place is not None and place[0] is not None and place[1] in PAIRED:
            starts.setdefault(place, []).append(number)
    for (address, width), first in starts.items():
        if address is not None:
            for a, b in product(first, starts.get((address + width // 8, width), ())):
                yield a, b
                yield b, a
