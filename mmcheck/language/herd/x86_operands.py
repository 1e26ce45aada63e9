"""x86 registers and operands, in both syntaxes.

On ``X86_64`` registers are 64 bits wide and named as in ``rax``; a write of ``eax`` zero-extends. On ``X86`` they
have 32 bits and are named as in ``EAX``. ``X86_64`` puts the destination last (AT&T), ``X86`` first (Intel), as
herd does; where one operand can only be the source (an immediate), or a name has a ``%``, that decides.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias

from mmcheck.base.records import record
from mmcheck.ir.program import Assign, Const, Expr, Reg
from mmcheck.language.herd.cell import Operands, Order, Piece, Raw, Step, nearest, number
from mmcheck.language.herd.values import constant, low, op, widen

_LEGACY = ("ax", "bx", "cx", "dx", "si", "di", "bp", "sp")
_BYTES = {**{f"{r}l": f"{r}x" for r in "abcd"}, **{f"{r}l": r for r in ("si", "di", "bp", "sp")}}
_NARROW = frozenset([*_LEGACY, *_BYTES, *(f"{r}h" for r in "abcd")])
_NUMBERED = re.compile(r"r([89]|1[0-5])([dwb]?)\Z")
_MEMORY = re.compile(
    r"(-?(?:0[xX][0-9a-fA-F]+|\d+))?\s*(?:\(\s*([^()\[\]]*?)\s*\)|\[\s*([^()\[\]]*?)\s*\])\Z", re.ASCII
)
_SYMBOL = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)


@record
class Register:
    """One form of a register: the name and width of the whole, and the width of this form."""

    name: str
    full: int
    width: int

    @property
    def whole(self) -> Reg:
        return Reg(self.name, self.full)

    def read(self, width: int) -> Expr:
        return low(self.whole, width)

    def write(self, value: Expr) -> list[Step]:
        """The assignment of `value`; a byte leaves the rest of the register as it is."""
        whole = widen(value, self.full)
        if self.width == 8:
            whole = op("or", op("and", self.whole, constant(~0xFF, self.full)), whole)
        return [(Assign, (self.whole, whole))]


@record
class Memory:
    """A memory operand: a location, or an address in a register, with a displacement and a scaled index."""

    symbol: str
    base: Register | None
    offset: int
    index: Register | None = None
    scale: int = 1


@record
class Immediate:
    value: int


Operand: TypeAlias = Register | Memory | Immediate
Site: TypeAlias = tuple[int, int]
"""What a cell must know of the location that it names: its address and its width."""


@lru_cache(maxsize=512)
def register(text: str, arch: str) -> Register | None:
    """The register that `text` names (any case, ``%`` or not), or None."""
    name = text.removeprefix("%").lower()
    if name in _BYTES and (arch == "X86_64" or name[1:] == "l"):
        whole = _BYTES[name]
        return Register("r" + whole, 64, 8) if arch == "X86_64" else Register("E" + whole.upper(), 32, 8)
    if name[:1] == "e" and name[1:] in _LEGACY:
        return Register("r" + name[1:], 64, 32) if arch == "X86_64" else Register(name.upper(), 32, 32)
    if arch != "X86_64":
        return None
    if name[:1] == "r" and name[1:] in _LEGACY:
        return Register(name, 64, 64)
    match = _NUMBERED.match(name)
    if match is not None and match[2] != "w":
        return Register(f"r{match[1]}", 64, {"": 64, "d": 32, "b": 8}[match[2]])
    return None


def is_narrow(text: str) -> bool:
    name = text.removeprefix("%").lower()
    match = _NUMBERED.match(name)
    return name in _NARROW or (match is not None and match[2] in ("w", "b"))


def state_name(text: str, arch: str) -> tuple[str, int, int] | None:
    """For a register named in the initial state or a condition: its name, its width, the width of this form."""
    found = register(text, arch)
    return (found.name, found.full, found.width) if found is not None else None


class Asm:
    """One instruction being read: its operands, the width of the operation, the place it names."""

    def __init__(self, raw: Raw, usage: str, arch: str, width: int, site: Site | None) -> None:
        self.ops = Operands(raw, usage)
        self.arch = arch
        self.width = width
        self.site = site
        self.locked = False
        self.order: Order = ""

    @property
    def word(self) -> int:
        return 64 if self.arch == "X86_64" else 32

    def operand(self, what: str) -> tuple[Operand, Piece]:
        """The next operand of any form."""
        piece = self.ops.next(what)
        return self._read(piece, what), piece

    def _read(self, piece: Piece, what: str) -> Operand:
        text = piece.text
        value = number(text.removeprefix("$").strip())
        if value is not None:
            return Immediate(value)
        found = register(text, self.arch)
        if found is not None:
            return found
        memory = _MEMORY.match(text)
        if memory is not None:
            offset = number(memory[1]) if memory[1] else 0
            inside = memory[2] if memory[2] is not None else memory[3]
            inside, *more = [part.strip() for part in inside.split(",")]
            base = register(inside, self.arch)
            index = register(more[0], self.arch) if more else None
            scale = number(more[1]) if len(more) > 1 else 1
            if more and ((inside and base is None) or index is None or scale is None or len(more) > 2):
                raise self.ops.wrong(piece, "a memory operand", "an index is written 0(%rax,%rbx,4)")
            if more and not inside:
                return Memory("", None, offset or 0, index, scale or 0)
            if base is not None:
                if base.width != self.word:
                    raise self.ops.wrong(
                        piece, f"an address of {self.word} bits", f"use '({_like(inside, base.name)})'"
                    )
                return Memory("", base, offset or 0, index, scale or 0)
            if _SYMBOL.match(inside) is not None and not is_narrow(inside):
                return Memory(inside, None, offset or 0)
            raise self.ops.wrong(piece, "a memory operand", "memory is written (x), [x] or (%rax)")
        if is_narrow(text):
            help = "registers of 16 bits are not supported, nor is the second byte; use the 32- or 64-bit form"
            raise piece.error("MM330", f"mixed-size access: register '{text}' has 8 or 16 bits", help)
        help = ""
        if text.startswith(("(", "[")):
            help = "the closing bracket is missing"
        elif text.startswith("%"):
            help = nearest(text[1:].lower(), known_registers(self.arch)) or "registers are written %rax, %eax ..."
        elif _SYMBOL.match(text):
            help = nearest(text.lower(), known_registers(self.arch)) or f"the location is written ({text})"
        raise self.ops.wrong(piece, what, help)

    def two(self) -> tuple[Operand, Operand, Piece, Piece]:
        """Destination and source of a two-operand instruction, in whichever order they are written."""
        first, first_piece = self.operand("a register, a memory operand or an immediate")
        second, second_piece = self.operand("a second operand")
        if isinstance(first, Immediate) and isinstance(second, Immediate):
            raise self.ops.wrong(second_piece, "a register or a memory operand")
        named = "%" in first_piece.text + second_piece.text
        last = self.arch == "X86_64" or named
        if isinstance(first, Immediate):
            last = True
        elif isinstance(second, Immediate):
            last = False
        elif not named and first_piece.text.lower() != second_piece.text.lower():
            self.order = "last?" if last else "first?"
        if not self.order:
            self.order = "last" if last else "first"
        if isinstance(first, Memory) and isinstance(second, Memory):
            raise self.ops.wrong(second_piece, "a register", "an instruction has at most one memory operand")
        self.settle(first, second, first_piece, second_piece)
        if last:
            return second, first, second_piece, first_piece
        return first, second, first_piece, second_piece

    def settle(self, first: Operand, second: Operand, first_piece: Piece, second_piece: Piece) -> None:
        """Find the width of the operation from suffix and registers, and check that they agree."""
        for operand, piece in ((first, first_piece), (second, second_piece)):
            if isinstance(operand, Register):
                if self.width and operand.width != self.width:
                    form = _like(piece.text, _form(operand, self.width))
                    raise self.ops.wrong(piece, f"a register of {self.width} bits", f"did you mean '{form}'?")
                self.width = operand.width
        self.default_width()

    def default_width(self) -> None:
        if not self.width:
            self.width = self.site[1] if self.site is not None else 32

    def address(self, memory: Memory) -> Expr:
        """The address of a memory operand that is accessed, 64 bits."""
        if self.width == 8:
            help = "every access has the width of its location, 32 or 64 bits"
            raise self.ops.mnemonic.error("MM330", "mixed-size access: a byte of memory", help)
        return self.effective(memory)

    def effective(self, memory: Memory) -> Expr:
        """The address that a memory operand computes."""
        if memory.base is None and memory.index is None:
            return constant((self.site[0] if self.site is not None else 0) + memory.offset, 64)
        base = memory.base.read(self.word) if memory.base is not None else Const(0, self.word)
        if memory.offset:
            base = op("add", base, constant(memory.offset, self.word))
        if memory.index is not None:
            index = widen(memory.index.read(memory.index.width), self.word)
            base = op("add", base, op("mul", index, constant(memory.scale, self.word)))
        return widen(base, 64)

    def value(self, operand: Operand, piece: Piece) -> Expr:
        """The value of a register or an immediate."""
        if isinstance(operand, Register):
            return operand.read(self.width)
        if isinstance(operand, Immediate):
            if not -(1 << self.width - 1) <= operand.value < 1 << self.width:
                raise self.ops.wrong(piece, f"an immediate of {self.width} bits")
            return constant(operand.value, self.width)
        raise self.ops.wrong(piece, "a register or an immediate")

    @property
    def temporary(self) -> Reg:
        """Where memory is read into before it goes anywhere else."""
        return Reg(f"%m{self.width}", self.width)


def _like(text: str, name: str) -> str:
    """`name` written as `text` is: with its ``%``, in its case."""
    name = name.upper() if text.removeprefix("%").isupper() else name.lower()
    return ("%" if text.startswith("%") else "") + name


def _form(register: Register, width: int) -> str:
    name = register.name.lower()
    if width == 64 or name[:1] != "r":
        return name
    return name + "d" if name[1:].isdigit() else "e" + name[1:]


def known_registers(arch: str) -> list[str]:
    names = ["e" + name for name in _LEGACY]
    if arch == "X86_64":
        names += ["r" + name for name in _LEGACY] + [f"r{n}{d}" for n in range(8, 16) for d in ("", "d")]
    return names
