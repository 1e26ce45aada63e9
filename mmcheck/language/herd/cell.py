"""One cell of the table: its parts, its meaning, its errors.

A cell's text is all that its meaning depends on, so parses are cached by it; offsets are relative to
the cell and errors are raised without a file (`CellError`). `read` adds file and position.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple, TypeAlias

from mmcheck.base.records import record
from mmcheck.ir.program import Assign, Op, Reg, Statement
from mmcheck.language.herd.values import FLAGS

Step: TypeAlias = tuple[Callable[..., Statement], tuple[Any, ...]]
"""A statement without its origin: the class, and all arguments before ``origin``."""

MAX_DIGITS = 40
"""A longer number is refused before Python converts it."""

END = "%end"
"""The label of a thread's end, where a return goes."""

_NUMBER = re.compile(r"-?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)\Z", re.ASCII)
_LABEL_HEAD = re.compile(r"\s*([A-Za-z_.][\w.$]*)\s*:", re.ASCII)
_MNEMONIC = re.compile(r"\s*(\S+)(?:\s+|\Z)")


Order: TypeAlias = Literal["", "first", "last", "first?", "last?"]
"""Where the destination stands among two operands; with a question mark only because the format has it there."""


class CellError(Exception):
    """A mistake between `start` and `end` of a cell (or of another piece of text that is cached)."""

    def __init__(self, code: str, message: str, start: int, end: int, help: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.start = start
        self.end = max(end, start + 1)
        self.help = help


class Piece(NamedTuple):
    """A stretch of a cell, such as one operand, and where it starts."""

    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def error(self, code: str, message: str, help: str = "") -> CellError:
        return CellError(code, message, self.start, self.end, help)


@record
class Cell:
    """The meaning of one cell: labels, then the statements of one instruction.

    `text` is the instruction as shown to people, ``start``..``end`` where it stands in the cell, `targets`
    the labels that it branches to; `reads` and `writes` are about condition flags only. `registers` are all that its
    statements name. `order` is that of the operands, where both orders have a meaning.
    """

    labels: tuple[Piece, ...]
    text: str
    start: int
    end: int
    steps: tuple[Step, ...] = ()
    targets: tuple[Piece, ...] = ()
    reads: frozenset[str] = frozenset()
    writes: bool = False
    registers: frozenset[str] = frozenset()
    order: Order = ""


class Raw(NamedTuple):
    """A cell cut into labels, mnemonic and operand text, before anybody knows the mnemonic."""

    labels: tuple[Piece, ...]
    mnemonic: Piece
    rest: Piece
    text: str


def cut(text: str) -> Raw:
    """The labels, the mnemonic and the operands of a cell; an empty mnemonic if there are only labels."""
    labels: list[Piece] = []
    position = 0
    while (head := _LABEL_HEAD.match(text, position)) is not None:
        labels.append(Piece(head[1], head.start(1)))
        position = head.end()
    match = _MNEMONIC.match(text, position)
    if match is None:
        return Raw(tuple(labels), Piece("", len(text)), Piece("", len(text)), "")
    start = match.start(1)
    shown = " ".join(text[start:].split())
    return Raw(tuple(labels), Piece(match[1], start), Piece(text[match.end() :].rstrip(), match.end()), shown)


def finish(raw: Raw, steps: Sequence[Step], targets: Iterable[Piece], order: Order = "") -> Cell:
    """The cell of `raw` with the meaning `steps`."""
    assigned = {args[0].name for make, args in steps if make is Assign}
    inputs: set[str] = set()
    for make, args in steps:
        inputs |= names(args[1:] if make is Assign else args)
    return Cell(
        raw.labels,
        raw.text,
        raw.mnemonic.start,
        max(raw.rest.end, raw.mnemonic.end),
        tuple(steps),
        tuple(targets),
        FLAGS & inputs,
        not FLAGS.isdisjoint(assigned),
        frozenset(inputs | assigned),
        order,
    )


def names(args: Iterable[object]) -> set[str]:
    """The registers in those of `args` that are expressions."""
    found: set[str] = set()
    for arg in args:
        if isinstance(arg, Reg):
            found.add(arg.name)
        elif isinstance(arg, Op):
            found |= names(arg.args)
    return found


def live(cells: Iterable[tuple[Cell, Any]]) -> list[tuple[Cell, Any, tuple[Step, ...]]]:
    """The cells of one thread with their steps, without assignments to flags that the thread never reads."""
    listed = list(cells)
    read: set[str] = set()
    for cell, _ in listed:
        read |= cell.reads
    return [
        (cell, place, tuple(s for s in cell.steps if not _dead(s, read)) if cell.writes else cell.steps)
        for cell, place in listed
    ]


def _dead(step: Step, read: set[str]) -> bool:
    make, args = step
    return make is Assign and args[0].name in FLAGS and args[0].name not in read


def number(text: str) -> int | None:
    """The integer that `text` writes (decimal, ``0x``, ``0b``, minus), or None."""
    if _NUMBER.match(text) is None or len(text) > MAX_DIGITS:
        return None
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text)
    return sign * int(digits, 0 if digits[:2] in ("0x", "0X", "0b", "0B") else 10)


def shorten(text: str) -> str:
    """`text` for a message, cut if it is long."""
    return text if len(text) <= 40 else text[:37] + "..."


def nearest(word: str, known: Iterable[str]) -> str:
    """A suggestion for a misspelt `word`, as help text; empty if nothing is near."""
    found = get_close_matches(word[:40], sorted(known), n=1, cutoff=0.6)
    return f"did you mean '{found[0]}'?" if found else ""


def unknown(raw: Raw, known: Iterable[str], reason: str = "") -> CellError:
    """The error for an instruction that is not in the table."""
    help = nearest(raw.mnemonic.text.upper(), known)
    if reason:
        help = f"{reason}; {help}" if help else reason
    return raw.mnemonic.error("MM301", f"unknown instruction '{shorten(raw.mnemonic.text)}'", help)
