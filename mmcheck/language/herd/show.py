"""Final states as herd prints them: ``0:X1=2; a={1,-1}; [x]=1; b[0]=3;``.

Numbers are signed. Where a value is the address of a location, its name is printed, with the distance in bytes if it is
that of a later element: ``0:X1=a+4``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from mmcheck.base.records import record
from mmcheck.ir.program import Program, Reg, signed

_DIGITS = re.compile(r"(\d+)")
_X86 = {name: position for position, name in enumerate(("ax", "bx", "cx", "dx", "si", "di", "bp", "sp"))}


@record
class Shown:
    """What a final state has under one name: a register, a location, an element, or (`whole`) all those of an array.

    A register is shown as an `int`, as in herd, unless it is declared `wide` or its value does not fit.
    """

    name: str
    places: tuple[Reg, ...]
    whole: bool = False
    wide: bool = False


def printing_order(places: Iterable[Reg]) -> tuple[Reg, ...]:
    """`places` in herd's order: registers by thread and name, then memory by name."""
    return tuple(sorted(places, key=lambda place: _key(place.name)))


def in_order(shown: Iterable[Shown]) -> tuple[Shown, ...]:
    """The same, elements of arrays behind what is whole."""
    return tuple(sorted(shown, key=lambda each: _key(each.name)))


def _key(name: str) -> tuple[int, int, list[tuple[int, int, str]]]:
    thread, colon, register = name.partition(":")
    if not colon:
        is_element = name.endswith("]") and not name.startswith("[")
        return 1, int(is_element), _natural(name.removeprefix("["))
    number = int(thread) if thread.isdigit() else 0
    legacy = _X86.get(register[1:].lower())
    return 0, number, _natural(register) if legacy is None else [(0, legacy, "")]


def _natural(text: str) -> list[tuple[int, int, str]]:
    """A key that puts ``X2`` before ``X10``."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in _DIGITS.split(text) if part]


def show_value(program: Program, place: Reg, value: int, *, wide: bool = False) -> str:
    """The value of `place`."""
    register = ":" in place.name
    if place.width == 64 or ":E" in place.name:
        named = {cell.address: cell.name for cell in program.cells}
        if value in named:
            return _address(named, value)
    narrow = register and not wide and -(1 << 31) <= signed(value, place.width) < 1 << 32
    return str(signed(value & 0xFFFFFFFF, 32) if narrow else signed(value, place.width))


def _address(named: Mapping[int, str], value: int) -> str:
    name, bracket, _ = named[value].partition("[")
    if not bracket:
        return name
    first = next(address for address, other in named.items() if other == f"{name}[0]")
    return f"{name}+{value - first}" if value > first else name


def show_state(program: Program, shown: Iterable[Shown], values: Mapping[str, int]) -> str:
    """A whole state on one line. A place without a value is 0."""
    out = []
    for each in shown:
        texts = [show_value(program, place, values.get(place.name, 0), wide=each.wide) for place in each.places]
        out.append(f"{each.name}={'{' + ','.join(texts) + '}' if each.whole else texts[0]};")
    return " ".join(out)
