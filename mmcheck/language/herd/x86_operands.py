"""x86 registers, and every kind of operand, in both syntaxes.

On ``X86_64`` registers are 64 bits wide and named as in ``rax``; a write of ``eax`` zero-extends. On ``X86`` they
have 32 bits and are named as in ``EAX``. ``X86_64`` puts the destination last (AT&T), ``X86`` first (Intel), as
herd does; where one operand can only be the source (an immediate), or a name has a ``%``, that decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from mmcheck.base.records import record
from mmcheck.ir.program import NO_TAGS, Assign, Const, Expr, Load, Reg, Store
from mmcheck.language.herd.cell import Order, Piece, Raw, Step, nearest, number
from mmcheck.language.herd.instruction import Kind, Operands, Row
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


class Asm(Operands):
    """The operands of an x86 instruction.

    `width` is that of the suffix, then that of the operation; `site` is where the location stands that it names.
    `places` are the operands of an instruction that may write memory, the destination first.
    """

    def __init__(
        self, raw: Raw, row: Row, name: str, arch: str, width: int, site: Site | None, *, locked: bool
    ) -> None:
        super().__init__(raw, row, KINDS[arch], name)
        self.arch = arch
        self.width = width
        self.site = site
        self.locked = locked
        self.order: Order = ""
        self.places: list[Place] = []

    @property
    def word(self) -> int:
        return 64 if self.arch == "X86_64" else 32

    def operand(self, what: str) -> Place:
        """The next operand, of any form."""
        piece = self.next(what)
        return Place(self, self._read(piece, what), piece)

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
                raise self.wrong(piece, "a memory operand", "an index is written 0(%rax,%rbx,4)")
            if more and not inside:
                return Memory("", None, offset or 0, index, scale or 0)
            if base is not None:
                if base.width != self.word:
                    raise self.wrong(piece, f"an address of {self.word} bits", f"use '({_like(inside, base.name)})'")
                return Memory("", base, offset or 0, index, scale or 0)
            if _SYMBOL.match(inside) is not None and not is_narrow(inside):
                return Memory(inside, None, offset or 0)
            raise self.wrong(piece, "a memory operand", "memory is written (x), [x] or (%rax)")
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
        raise self.wrong(piece, what, help)

    def two(self) -> Place:
        """Read destination and source of a two-operand instruction, in whichever order they are written.

        The source alone may be an immediate, and one of them memory. The destination is returned.
        """
        first = self.operand("a register, a memory operand or an immediate")
        second = self.operand("a second operand")
        if isinstance(first.operand, Immediate) and isinstance(second.operand, Immediate):
            raise self.wrong(second.piece, "a register or a memory operand")
        named = "%" in first.piece.text + second.piece.text
        last = self.arch == "X86_64" or named
        if isinstance(first.operand, Immediate):
            last = True
        elif isinstance(second.operand, Immediate):
            last = False
        elif not named and first.piece.text.lower() != second.piece.text.lower():
            self.order = "last?" if last else "first?"
        if not self.order:
            self.order = "last" if last else "first"
        if isinstance(first.operand, Memory) and isinstance(second.operand, Memory):
            raise self.wrong(second.piece, "a register", "an instruction has at most one memory operand")
        self.settle(first, second)
        return self.destination(*((second, first) if last else (first, second)))

    def exchanged(self) -> Place:
        """Read the operands of ``xchg`` and its like, in either order: memory or a register, which is returned, and a
        register."""
        first = self.operand("a register or a memory operand")
        second = self.operand("a register or a memory operand")
        for place in (first, second):
            if isinstance(place.operand, Immediate):
                raise self.wrong(place.piece, "a register or a memory operand")
        self.settle(first, second)
        if isinstance(first.operand, Memory) and isinstance(second.operand, Memory):
            raise self.wrong(second.piece, "a register", "an instruction has at most one memory operand")
        return self.destination(*((first, second) if first.in_memory else (second, first)))

    def one(self) -> Place:
        """Read the operand of an instruction that has but this."""
        place = self.operand("a register or a memory operand")
        if isinstance(place.operand, Immediate):
            raise self.wrong(place.piece, "a register or a memory operand")
        self.settle(place)
        return self.destination(place)

    def destination(self, place: Place, *others: Place) -> Place:
        """`place`, which is memory if the instruction is locked, and goes into `places` with the others."""
        self.places = [place, *others]
        if self.locked and not place.in_memory:
            help = "only an instruction that writes memory can be locked"
            raise self.wrong(place.piece, "a memory operand as destination", help)
        return place

    def settle(self, *places: Place) -> None:
        """Find the width of the operation from suffix and registers, and check that they and memory agree."""
        for _, operand, piece in places:
            if isinstance(operand, Register):
                if self.width and operand.width != self.width:
                    form = _like(piece.text, _form(operand, self.width))
                    raise self.wrong(piece, f"a register of {self.width} bits", f"did you mean '{form}'?")
                self.width = operand.width
        if not self.width:
            self.width = self.site[1] if self.site is not None else 32
        if self.width == 8 and any(place.in_memory for place in places):
            help = "every access has the width of its location, 32 or 64 bits"
            raise self.mnemonic.error("MM330", "mixed-size access: a byte of memory", help)

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

    @property
    def temporary(self) -> Reg:
        """Where memory is read into before it goes anywhere else."""
        return Reg(f"%m{self.width}", self.width)


class Place(NamedTuple):
    """An operand of the instruction `asm`, at the width of the operation."""

    asm: Asm
    operand: Operand
    piece: Piece

    @property
    def in_memory(self) -> bool:
        return isinstance(self.operand, Memory)

    def address(self) -> Expr:
        """Where in memory it is accessed, 64 bits."""
        assert isinstance(self.operand, Memory)
        return self.asm.effective(self.operand)

    def read(self) -> Expr:
        """Its value; memory is read into the temporary, before anything else happens."""
        width = self.asm.width
        if isinstance(self.operand, Register):
            return self.operand.read(width)
        if isinstance(self.operand, Immediate):
            if not -(1 << width - 1) <= self.operand.value < 1 << width:
                raise self.asm.wrong(self.piece, f"an immediate of {width} bits")
            return constant(self.operand.value, width)
        self.asm.before.append((Load, (self.asm.temporary, self.address(), NO_TAGS, False)))
        return self.asm.temporary

    def write(self, value: Expr) -> list[Step]:
        """The assignment or the store of `value`."""
        if isinstance(self.operand, Register):
            return self.operand.write(value)
        return [(Store, (self.address(), value, NO_TAGS))]

    def in_register(self) -> Place:
        """Itself, if it is a register."""
        if not isinstance(self.operand, Register):
            raise self.asm.wrong(self.piece, "a register")
        return self

    def not_in_memory(self) -> Place:
        """Itself, if it is a register or an immediate."""
        if self.in_memory:
            raise self.asm.wrong(self.piece, "a register or an immediate")
        return self


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


# --- kinds of operands -------------------------------------------------------------------------------------


def _register(asm: Asm) -> Place:
    place = asm.operand("a register").in_register()
    asm.settle(place)
    return place


def _wide(asm: Asm) -> Place:
    """A register of 32 or 64 bits."""
    place = _register(asm)
    _no_byte(asm)
    return place


def _no_byte(asm: Asm) -> None:
    if asm.width == 8:
        raise asm.mnemonic.error("MM330", "an operation on 8 bits", "use the 32-bit form")


def _of_width(bits: int, example: str = "") -> Callable[[Asm], Register]:
    what = f"a register of {bits} bits{example}"

    def read(asm: Asm) -> Register:
        place = asm.operand(what)
        if not isinstance(place.operand, Register) or place.operand.width != bits:
            raise asm.wrong(place.piece, what)
        return place.operand

    return read


def _accumulator(asm: Asm) -> Register:
    """rax, which an instruction without operands is about."""
    found = register("rax", asm.arch)
    if found is None:
        raise asm.mnemonic.error("MM301", f"unknown instruction '{asm.mnemonic.text}' on {asm.arch}")
    return found


def _amount(asm: Asm) -> Expr:
    """What a shift is by: a number, ``%cl``, or one if only its destination is written; 8 bits."""
    if len(asm.pieces) <= 1:
        return Const(1, 8)
    amount = asm.operand("an amount, or %cl")
    if isinstance(amount.operand, Register) and amount.operand.width == 8:
        return op("and", amount.operand.read(8), Const(31, 8))
    if isinstance(amount.operand, Immediate) and 0 <= amount.operand.value < 64:
        return Const(amount.operand.value, 8)
    raise asm.wrong(amount.piece, "an amount, or %cl")


def _computed(asm: Asm) -> Memory:
    place = asm.operand("a memory operand")
    if not isinstance(place.operand, Memory):
        raise asm.wrong(place.piece, "a memory operand")
    return place.operand


def _factors(asm: Asm) -> tuple[Place, Place, Place]:
    """The factors of ``imul``, and where the product goes: its third operand, or the second again."""
    first, second = asm.operand("a register or an immediate"), asm.operand("a register")
    third = (asm.operand("a register") if asm.more() else second).in_register()
    asm.settle(third, second.in_register())
    _no_byte(asm)
    return first.not_in_memory(), second, third


def _ignored(asm: Asm) -> list[Register]:
    """The registers in an operand that means nothing else."""
    words = re.findall(r"\w+", asm.next("an operand").text, re.ASCII) if asm.more() else []
    return [found for word in words if (found := register(word, asm.arch)) is not None]


def _kinds(register: str, byte: str, memory: str, two: str, two_registers: str) -> dict[str, Kind]:
    return {
        # Two operands in either order; these read both, and are the destination,
        # `with` the other one, and `from` its value.
        "to": Kind(Asm.two, two),
        "register-to": Kind(lambda asm: asm.two().in_register(), two_registers),
        "exchanged": Kind(Asm.exchanged, two),
        "with": Kind(lambda asm: asm.places[1], ""),
        "from": Kind(lambda asm: asm.places[1].read(), ""),
        "from-no-memory": Kind(lambda asm: asm.places[1].not_in_memory().read(), ""),
        # One operand.
        "one": Kind(Asm.one, memory),
        "register": Kind(_register, register),
        "wide": Kind(_wide, register),
        "byte": Kind(_of_width(8, ", such as %al"), byte),
        "r8": Kind(_of_width(8), "%al"),
        "r32": Kind(_of_width(32), "%eax"),
        "r64": Kind(_of_width(64), "%rax"),
        "address": Kind(_computed, memory),
        "amount": Kind(_amount, "$1"),
        "label": Kind(Operands.label, "label"),
        # All operands, or none.
        "factors": Kind(_factors, f"$1,{register}"),
        "accumulator": Kind(_accumulator, ""),
        "ignored": Kind(_ignored, ""),
    }


KINDS = {
    "X86_64": _kinds("%eax", "%al", "(x)", "%eax,(x)", "%ecx,%eax"),
    "X86": _kinds("EAX", "AL", "[x]", "[x],EAX", "EAX,ECX"),
}
"""Every kind of operand of either syntax."""
