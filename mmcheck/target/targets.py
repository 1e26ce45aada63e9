"""Targets: what a program is checked for. ``armv8+lse+rcpc``, ``x86-tso``, ``sc``, ``models/mine.cat``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import product
from types import MappingProxyType

from mmcheck.base.errors import InputError, fail
from mmcheck.base.records import record, replace
from mmcheck.base.source import Span
from mmcheck.target.armv8 import Armv8
from mmcheck.target.orders import alternatives
from mmcheck.target.pieces import Machine
from mmcheck.target.sc import Sc
from mmcheck.target.tags import ARM_TAGS, SOURCE_TAGS, X86_TAGS
from mmcheck.target.x86_tso import X86Tso

OPTIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "armv8": {
            "lse": "atomics are one instruction (FEAT_LSE), not a loop of exclusives",
            "rcpc": "acquire loads are LDAPR (FEAT_LRCPC)",
            "monitor": "a STXR fails if another CPU has written since its LDXR, also where the thread itself has, too",
        },
        "x86-tso": {"no-irq-fence": "interrupt delivery and return are no fences (FRED, hypervisors)"},
        "sc": {},
    }
)
"""The built-in bases and their options."""

OF_THE_MODEL = frozenset({"monitor"})
"""Options that choose another model, ``armv8+monitor``; the others say which instructions the words become."""

_ALIASES = {
    "arm64": "armv8", "aarch64": "armv8", "arm": "armv8",
    "x86": "x86-tso", "x86_64": "x86-tso", "x86-64": "x86-tso", "amd64": "x86-tso", "tso": "x86-tso",
}  # fmt: skip


_MACHINES = ("armv8", "x86-tso")
"""The bases that have instructions; as options of a ``.cat`` file they say which ones are meant."""


@record
class Target:
    """One target. `name` prints as ``base(+opt)*``, options sorted.

    `base` is ``armv8``, ``x86-tso``, ``sc`` or the path of a ``.cat`` file, `model` the memory model that judges.
    `compiled`: source programs go through the compiler layer; otherwise the order is
    that of the text.
    """

    name: str
    base: str
    options: frozenset[str]
    model: str
    compiled: bool


def parse_target(text: str, span: Span | None = None) -> Target:
    """The target that `text` names; options may come in any order. Raises `InputError`.

    A ``.cat`` file takes the name of a base and its options, ``mine.cat+armv8+lse``: the words then become that
    machine's instructions. Without, see `settle`.
    """
    stem, dot_cat, tail = text.rpartition(".cat")
    is_cat = bool(dot_cat) and bool(stem) and (not tail or tail.startswith("+"))
    base, *given = [stem + dot_cat, *tail.split("+")[1:]] if is_cat else text.split("+")
    if not is_cat and base not in OPTIONS:
        raise _unknown_base(base, span)
    for position, option in enumerate(given):
        allowed = _options(base, given)
        if option not in allowed:
            raise _unknown_option(base, option, allowed, span)
        if option in given[:position]:
            raise fail("MM242", f"option '+{option}' is given twice", span)
    model = "+".join([base, *sorted(OF_THE_MODEL.intersection(given))])
    return Target("+".join([base, *sorted(given)]), base, frozenset(given), model, compiled=base != "sc")


def _options(base: str, given: Iterable[str]) -> tuple[str, ...]:
    """The options that `base` takes; of a ``.cat`` file, those of the machine that `given` names."""
    if base in OPTIONS:
        return tuple(OPTIONS[base])
    named = [name for name in _MACHINES if name in given]
    return (named[0], *[name for name in OPTIONS[named[0]] if name not in OF_THE_MODEL]) if named else _MACHINES


def _unknown_base(base: str, span: Span | None) -> InputError:
    near = [_ALIASES[base.lower()]] if base.lower() in _ALIASES else get_close_matches(base.lower(), OPTIONS, 1, 0.6)
    if near:
        return fail("MM240", f"unknown target '{base}'; did you mean '{near[0]}'?", span)
    return fail("MM240", f"unknown target '{base}' — a target is {alternatives(tuple(OPTIONS))}, or a .cat file", span)


def _unknown_option(base: str, option: str, allowed: tuple[str, ...], span: Span | None) -> InputError:
    near = get_close_matches(option.lower(), allowed, 1, 0.6)
    if near:
        return fail("MM241", f"unknown option '+{option}'; did you mean '+{near[0]}'?", span)
    listed = alternatives(tuple(f"'+{name}'" for name in allowed)) if allowed else "no options"
    return fail("MM241", f"unknown option '+{option}' — {base} has {listed}", span)


def applies_to(pattern: Target, target: Target) -> bool:
    """Whether what is said of `pattern` holds for `target`: ``on armv8`` covers ``armv8+lse``.

    Of several patterns that apply, the one with more options is the more specific.
    """
    return pattern.base == target.base and pattern.options <= target.options


def machine(target: Target) -> Machine:
    """The instructions that words become on `target`."""
    options = target.options
    if target.base == "armv8" or "armv8" in options:
        return Armv8(lse="lse" in options, rcpc="rcpc" in options)
    if target.base == "x86-tso" or "x86-tso" in options:
        return X86Tso(irq_fence="no-irq-fence" not in options)
    return Sc()


def settle(target: Target, sets: Iterable[str]) -> Target:
    """`target` with what its model's `sets` say about a ``.cat`` file's machine and layer.

    A model that names tags of Armv8 or of x86 alone is a model of that machine. One that names tags of the
    source level is a model of the language: its words stay words, and there is no compiler layer (docs/compiler.md).
    The result is for `machine` and `mmcheck.target.words.realise`; print `target`, not the result.
    """
    names = frozenset(sets)
    if target.base in OPTIONS or target.options.intersection(_MACHINES):
        return target
    if names & SOURCE_TAGS.keys():
        return replace(target, compiled=False)
    arm, x86 = names & (ARM_TAGS.keys() - X86_TAGS.keys()), names & (X86_TAGS.keys() - ARM_TAGS.keys())
    if bool(arm) == bool(x86):
        return target
    return replace(target, options=target.options | {"armv8" if arm else "x86-tso"})


PAIRED = (32, 64)
"""Widths in bits of which LDP and STP take two."""


def pairs_words(target: str) -> bool:
    """Whether the machine of the target called `target` may have instructions for two neighbouring words (LDP, STP)."""
    return "x86-tso" not in target.split("+")


def next_to(target: str, places: Sequence[tuple[int | None, int] | None]) -> Iterator[tuple[int, int]]:
    """The pairs of accesses, by position in `places`, that one instruction of `target` can make: of one width, where
    one ends and the other begins. A place is an address and a width; None is no access in question."""
    starts: dict[tuple[int | None, int], list[int]] = {}
    for number, place in enumerate(places if pairs_words(target) else ()):
        if place is not None and place[0] is not None and place[1] in PAIRED:
            starts.setdefault(place, []).append(number)
    for (address, width), first in starts.items():
        if address is not None:
            for a, b in product(first, starts.get((address + width // 8, width), ())):
                yield a, b
                yield b, a
