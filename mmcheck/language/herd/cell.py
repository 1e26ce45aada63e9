"""What the two instruction sets share: one cell of the table, its operands, its errors.

A cell's text is all that its meaning depends on, so parses are cached by it; offsets are relative to
the cell and errors are raised without a file (`CellError`). `read` adds file and position.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple, TypeAlias

from mmcheck.base.records import record
from mmcheck.ir.program import Assign, Expr, Op, Reg, Statement
from mmcheck.language.herd.values import FLAGS

Step: TypeAlias = tuple[Callable[..., Statement], tuple[Any, ...]]
"""A statement without its origin: the class, and all arguments before ``origin``."""

MAX_DIGITS = 40
"""A longer number is refused before Python converts it."""

END = "%end"
"""The label of a thread's end, where a return goes."""

_NUMBER = re.compile(r"-?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)\Z", re.ASCII)
_LABEL = re.compile(r"[A-Za-z_.][\w.$]*\Z", re.ASCII)
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
    inputs: set[str] = set()
    assigned: set[str] = set()
    for make, args in steps:
        for arg in args[1:] if make is Assign else args:
            if isinstance(arg, Op | Reg):
                _named(arg, inputs)
        if make is Assign:
            assigned.add(args[0].name)
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


def _named(expr: Expr, found: set[str]) -> None:
    if isinstance(expr, Op):
        for arg in expr.args:
            _named(arg, found)
    elif isinstance(expr, Reg):
        found.add(expr.name)


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


def split(rest: Piece) -> list[Piece]:
    """The operands of `rest`: separated by commas that stand outside brackets."""
    if not rest.text:
        return []
    pieces: list[Piece] = []
    depth = 0
    begin = 0
    text = rest.text
    for index in range(len(text) + 1):
        character = text[index] if index < len(text) else ""
        if character in ("[", "(", "{"):
            depth += 1
        elif character in ("]", ")", "}"):
            depth -= 1
        elif not character or (character == "," and depth <= 0):
            raw = text[begin:index]
            stripped = raw.strip()
            indent = len(raw) - len(raw.lstrip()) if stripped else 0
            pieces.append(Piece(stripped, rest.start + begin + indent))
            begin = index + 1
    return pieces


class Operands:
    """A cursor over the operands of one instruction; every complaint shows how the instruction is written."""

    def __init__(self, raw: Raw, usage: str) -> None:
        self.mnemonic = raw.mnemonic
        self.pieces = split(raw.rest)
        self.end = max(raw.rest.end, raw.mnemonic.end)
        self.usage = f"write it as '{usage}'" if usage else ""
        self.position = 0
        self.targets: list[Piece] = []

    def more(self) -> bool:
        return self.position < len(self.pieces)

    def next(self, what: str) -> Piece:
        """The next operand; `what` says what is expected there."""
        name = self.mnemonic.text
        if not self.more():
            message = f"missing operand of {name}: expected {what}"
            raise CellError("MM303", message, self.mnemonic.start, self.end, self.usage)
        piece = self.pieces[self.position]
        self.position += 1
        if not piece.text:
            raise piece.error("MM303", f"empty operand of {name}: expected {what}", self.usage)
        return piece

    def wrong(self, piece: Piece, what: str, help: str = "") -> CellError:
        """The error for an operand that is not `what`."""
        message = f"wrong operand '{shorten(piece.text)}' of {self.mnemonic.text}: expected {what}"
        return piece.error("MM305", message, help or self.usage)

    def label(self) -> str:
        """The next operand, the target of a branch."""
        piece = self.next("a label")
        if _LABEL.match(piece.text) is None:
            raise self.wrong(piece, "a label")
        self.targets.append(piece)
        return piece.text

    def finish(self) -> None:
        """Complain about operands that are left over."""
        if self.more():
            left = self.pieces[self.position :]
            shown = shorten(",".join(piece.text for piece in left))
            message = f"too many operands of {self.mnemonic.text}: '{shown}' is left over"
            raise CellError("MM304", message, left[0].start, left[-1].end, self.usage)


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
