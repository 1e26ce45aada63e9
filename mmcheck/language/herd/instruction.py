"""An instruction is a row: the kinds of its operands, and its effects, which happen at once.

The operands are read from left to right, each by its kind; an instruction set brings the kinds. The effects are a
function of what was read: ``Row("d r r r", lambda d, n, m, a: d.write(op("add", a, op("mul", n, m))))`` is ``MADD``.
Error messages show an instruction with the examples of its kinds, ``MADD W0,W1,W2,W3``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from itertools import accumulate
from typing import Any, NamedTuple, Self

from mmcheck.ir.program import Assign, Expr, Load, Op, Reg, Rmw, StoreExclusive
from mmcheck.language.herd.cell import CellError, Piece, Raw, Step, names, shorten
from mmcheck.language.herd.values import FLAGS, C, N, V, Z

_LABEL = re.compile(r"[A-Za-z_.][\w.$]*\Z", re.ASCII)


class Kind(NamedTuple):
    """A sort of operand: what reads it, and an example with ``{}`` for the number of a register."""

    read: Callable[[Any], Any]
    example: str


class Row(NamedTuple):
    """An instruction: the kinds of its operands, separated by blanks; its effects, given what the operands are; and how
    it is written, if not with the examples of the kinds."""

    operands: str
    effects: Callable[..., Sequence[Step]]
    example: str = ""

    def usage(self, name: str, kinds: Mapping[str, Kind]) -> str:
        """How the instruction is written."""
        if self.example:
            return self.example
        examples = [kinds[word].example for word in self.operands.split()]
        numbers = accumulate(["{}" in example for example in examples], initial=0)
        operands = [example.format(number) for example, number in zip(examples, numbers, strict=False) if example]
        return f"{name} {','.join(operands)}".rstrip()


class Operands:
    """The operands of one instruction, read one after the other; every complaint shows how it is written.

    `width` is that of the operation, 0 until an operand decides it. `before` and `after` are what reading operands adds
    to the effects of the row (an address that changes its base), and `targets` the labels among the operands.
    """

    def __init__(self, raw: Raw, row: Row, kinds: Mapping[str, Kind], name: str) -> None:
        self.mnemonic = raw.mnemonic
        self.row = row
        self.kinds = kinds
        self.name = name
        self.pieces = split(raw.rest)
        self.end = max(raw.rest.end, raw.mnemonic.end)
        self.position = 0
        self.width = 0
        self.before: list[Step] = []
        self.after: list[Step] = []
        self.targets: list[Piece] = []

    @property
    def usage(self) -> str:
        return f"write it as '{self.row.usage(self.name, self.kinds)}'"

    def meaning(self) -> tuple[Step, ...]:
        """The statements of the instruction. Raises `CellError`."""
        effects = self.row.effects(*[self.kinds[word].read(self) for word in self.row.operands.split()])
        self.finish()
        return (*self.before, *at_once([*effects, *self.after]))

    def inside(self, piece: Piece) -> Self:
        """The operands within an operand, those of the same instruction."""
        inner = copy(self)
        inner.pieces, inner.position = split(piece), 0
        inner.end = max(piece.end, self.mnemonic.end)
        return inner

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


def set_flags(flags: Sequence[Expr]) -> list[Step]:
    """The assignments of N, Z, C and V."""
    return [(Assign, pair) for pair in zip((N, Z, C, V), flags, strict=True)]


def at_once(steps: Iterable[Step]) -> list[Step]:
    """`steps` in their order, but each reads registers and flags as they were before all of them.

    What is read after it was written is saved first. Temporaries, whose names begin with ``%``, do carry values from
    one step to those behind it.
    """
    written: dict[str, Reg] = {}
    saved: dict[str, Reg] = {}
    done: list[Step] = []
    for make, args in steps:
        places = _WRITTEN.get(make, ())
        read = [arg for at, arg in enumerate(args) if at not in places]
        for name in written.keys() & names(read):
            saved[name] = Reg(f"%{name.lstrip('%')}'", written[name].width)
        if saved:
            args = tuple([arg if at in places else _renamed(arg, saved) for at, arg in enumerate(args)])
        done.append((make, args))
        for register in [args[at] for at in places]:
            if register is not None and (register.name[0] != "%" or register.name in FLAGS):
                written[register.name] = register
    return [(Assign, (temporary, written[name])) for name, temporary in saved.items()] + done


_WRITTEN: dict[Callable[..., Any], tuple[int, ...]] = {Assign: (0,), Load: (0,), StoreExclusive: (0,), Rmw: (0, 7)}
"""Which arguments of a statement are registers that it writes."""


def _renamed(arg: Any, registers: Mapping[str, Reg]) -> Any:
    if isinstance(arg, Reg):
        return registers.get(arg.name, arg)
    if isinstance(arg, Op):
        return Op(arg.op, tuple([_renamed(each, registers) for each in arg.args]), arg.width)
    return arg
