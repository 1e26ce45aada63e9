"""Final states as herd prints them: ``0:X1=2``, ``[x]=1``.

Where a value is the address of a location, its name is printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from mmcheck.program import Program, Reg, signed

_DIGITS = re.compile(r"(\d+)")
_X86 = {name: position for position, name in enumerate(("ax", "bx", "cx", "dx", "si", "di", "bp", "sp"))}


def printing_order(places: Iterable[Reg]) -> tuple[Reg, ...]:
    """`places` in herd's order: registers by thread and name, then memory by name."""
    return tuple(sorted(places, key=_key))


def _key(place: Reg) -> tuple[int, int, list[tuple[int, int, str]]]:
    if place.name.startswith("["):
        return 1, 0, _natural(place.name)
    thread, _, name = place.name.partition(":")
    number = int(thread) if thread.isdigit() else 0
    legacy = _X86.get(name[1:].lower())
    return 0, number, _natural(name) if legacy is None else [(0, legacy, "")]


def _natural(text: str) -> list[tuple[int, int, str]]:
    """A key that puts ``X2`` before ``X10``."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in _DIGITS.split(text) if part]


def show_value(program: Program, place: Reg, value: int) -> str:
    """One component of a state, such as ``[x]=2`` or ``1:X0=y``; numbers are signed."""
    name = place.name[1:-1] if place.name.endswith("]]") else place.name
    if place.width == 64 or ":E" in name:
        for cell in program.cells:
            if cell.address == value:
                return f"{name}={cell.name}"
    return f"{name}={signed(value, place.width)}"


def show_state(program: Program, observed: Iterable[Reg], values: Mapping[str, int]) -> str:
    """A whole state on one line: ``0:X1=2; [x]=1;``. A place without a value is 0."""
    return " ".join(f"{show_value(program, place, values.get(place.name, 0))};" for place in observed)
