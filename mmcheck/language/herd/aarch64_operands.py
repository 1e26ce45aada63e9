"""AArch64 registers, and every kind of operand.

One 64-bit register ``Xn`` stands for both its forms: a ``W`` write zero-extends, a ``W`` read truncates.
``XZR``/``WZR`` read 0 and drop what is written. A 32-bit load goes through a register ``%Wn``, so that every
register has one width.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from mmcheck.base.records import record
from mmcheck.ir.program import TRUE, Assign, Const, Expr, Reg
from mmcheck.language.herd.cell import Piece, Step, nearest, number
from mmcheck.language.herd.instruction import Kind, Operands
from mmcheck.language.herd.values import C, N, V, Z, compare, constant, low, negate, op, widen

_REGISTER = re.compile(r"([WXwx])(\d{1,2}|[zZ][rR]|%\w+)\Z", re.ASCII)


@record
class Register:
    """One form of a register: `name` is that of the 64-bit form, empty for the zero register."""

    name: str
    width: int

    def read(self, width: int = 0) -> Expr:
        """Its value, or the low `width` bits of it."""
        width = width or self.width
        return low(Reg(self.name, 64), width) if self.name else Const(0, width)

    def write(self, value: Expr) -> list[Step]:
        """The assignment of `value`, which has the width of this form."""
        return [(Assign, (Reg(self.name, 64), widen(value, 64)))] if self.name else []

    def receive(self) -> tuple[Reg, list[Step]]:
        """Where an access puts what it reads, and what moves it into the register."""
        if not self.name:
            return Reg("%ZR", self.width), []
        if self.width == 64:
            return Reg(self.name, 64), []
        temporary = Reg("%W" + self.name[1:], 32)
        return temporary, self.write(temporary)


@lru_cache(maxsize=256)
def register(text: str) -> Register | None:
    """The register that `text` names, or None; ``X%name`` is herd's register variable."""
    match = _REGISTER.match(text)
    if match is None:
        return None
    width = 64 if match[1] in "Xx" else 32
    number = match[2]
    if number[0] in "zZ":
        return Register("", width)
    if number[0] == "%":
        return Register("X" + number, width)
    return Register(f"X{int(number)}", width) if int(number) <= 30 else None


def state_name(text: str) -> tuple[str, int, int] | None:
    """For a register named in the initial state or a condition: its name, its width, the width of this form.

    The zero register is one that nothing assigns.
    """
    found = register(text)
    return (found.name or "XZR", 64, found.width) if found is not None else None


# --- registers -----------------------------------------------------------------------------------------


def reg(ops: Operands, width: int = 0) -> Register:
    """The next operand, a register of `width` bits (0: either)."""
    form = {0: "", 32: " W", 64: "n X"}[width]
    what = f"a{form} register"
    return as_register(ops, ops.next(what), width, what)


def same(ops: Operands) -> Register:
    """The next operand, a register of the instruction's width, which the first such register decides."""
    found = reg(ops, ops.width)
    ops.width = found.width
    return found


def as_register(ops: Operands, piece: Piece, width: int, what: str) -> Register:
    found = register(piece.text)
    if found is None:
        raise ops.wrong(piece, what, _register_hint(piece.text))
    if width and found.width != width:
        letter = "X" if width == 64 else "W"
        raise ops.wrong(piece, what, f"did you mean '{letter}{piece.text[1:]}'?")
    return found


def _register_hint(text: str) -> str:
    if re.match(r"[XWxw]\d+\Z", text, re.ASCII):
        return "registers are X0 to X30, W0 to W30, XZR and WZR"
    if text[:1].isdigit():
        return f"an immediate is written '#{text}'" if text.isdigit() else ""
    return ""


# --- numbers, and registers in their place ---------------------------------------------------------------


def immediate(ops: Operands, piece: Piece, what: str = "an immediate such as #1") -> int:
    value = number(piece.text[1:].strip() if piece.text.startswith("#") else piece.text)
    if value is None:
        raise ops.wrong(piece, what)
    return value


def is_immediate(text: str) -> bool:
    return text.startswith("#") or number(text) is not None


def within(
    ops: Operands, least: int, end: int, limits: str, what: str = "an immediate such as #1", missing: str = ""
) -> int:
    """The next operand, a number from `least` up to `end`; the texts say what is expected of one that is out of these
    `limits`, of what is no number, and where nothing is."""
    piece = ops.next(missing or what)
    value = immediate(ops, piece, what)
    if not least <= value < end:
        raise ops.wrong(piece, limits)
    return value


def _value(ops: Operands) -> Expr:
    """A register or an immediate, of the instruction's width."""
    piece = ops.next("a register or an immediate")
    if is_immediate(piece.text):
        value = immediate(ops, piece)
        if not -(1 << ops.width - 1) <= value < 1 << ops.width:
            raise ops.wrong(piece, f"an immediate of {ops.width} bits")
        return constant(value, ops.width)
    return as_register(ops, piece, ops.width, f"a register of {ops.width} bits or an immediate").read()


def _amount(ops: Operands) -> Expr:
    """What a shift is by: a number, or the low bits of a register."""
    piece = ops.next("a register or an amount such as #1")
    if is_immediate(piece.text):
        amount = immediate(ops, piece)
        if not 0 <= amount < ops.width:
            raise ops.wrong(piece, f"an amount below {ops.width}")
        return Const(amount, ops.width)
    by = as_register(ops, piece, ops.width, f"a register of {ops.width} bits or an amount").read()
    return op("and", by, Const(ops.width - 1, ops.width))


SHIFTS = {"LSL": "shl", "LSR": "lshr", "ASR": "ashr"}
EXTENSIONS = {
    "UXTB": (8, "zext"), "UXTH": (16, "zext"), "UXTW": (32, "zext"), "UXTX": (64, "zext"),
    "SXTB": (8, "sext"), "SXTH": (16, "sext"), "SXTW": (32, "sext"), "SXTX": (64, "sext"),
}  # fmt: skip


def _left(ops: Operands, piece: Piece, places: range, expected: str) -> int:
    """How far ``LSL #16`` shifts an immediate."""
    word, _, amount = piece.text.upper().partition(" ")
    found = number(amount.strip().removeprefix("#"))
    if word != "LSL" or found is None or found not in places:
        raise ops.wrong(piece, expected)
    return found


def _places(ops: Operands) -> int:
    """Where a wide immediate goes: ``LSL #16``, or nothing."""
    if not ops.more():
        return 0
    expected = "LSL #0, #16, #32 or #48, within the register"
    return _left(ops, ops.next("LSL #16"), range(0, ops.width, 16), expected)


def _modified(ops: Operands, piece: Piece, rm: Register, rm_piece: Piece, width: int) -> Expr:
    """`rm` with the shift or extension that `piece` writes (``LSL #2``, ``SXTW``), at `width` bits."""
    word, _, amount_text = piece.text.partition(" ")
    word = word.upper()
    amount = 0
    if amount_text.strip():
        amount = immediate(ops, Piece(amount_text.strip(), piece.start + len(word) + 1), "a shift amount such as #2")
        if not 0 <= amount < width:
            raise ops.wrong(piece, f"a shift amount below {width}")
    if word in EXTENSIONS:
        bits, how = EXTENSIONS[word]
        value = low(rm.read(), min(bits, rm.width))
        value = widen(value, width, how) if value.width <= width else low(value, width)
    elif word in SHIFTS:
        if rm.width != width:
            raise ops.wrong(rm_piece, f"a register of {width} bits", "extend it first, with SXTW or UXTW")
        if not amount_text.strip():
            raise ops.wrong(piece, f"{word} with an amount, such as '{word} #2'")
        return op(SHIFTS[word], rm.read(), Const(amount, width))
    else:
        help = nearest(word, [*EXTENSIONS, *SHIFTS])
        raise ops.wrong(piece, "LSL, LSR, ASR, or an extension such as SXTW", help)
    return op("shl", value, Const(amount, width)) if amount else value


def _flexible(ops: Operands) -> Expr:
    """The rest of the operands: an immediate or a register, either perhaps shifted or extended."""
    width = ops.width
    piece = ops.next("a register or an immediate")
    if is_immediate(piece.text):
        value = immediate(ops, piece)
        if ops.more():
            value <<= _left(ops, ops.next("LSL #12"), range(width), "a shift such as LSL #12")
        return constant(value, width)
    rm = as_register(ops, piece, 0, "a register or an immediate")
    if ops.more():
        return _modified(ops, ops.next("a shift or an extension"), rm, piece, width)
    return as_register(ops, piece, width, f"a register of {width} bits").read()


def _bit(ops: Operands) -> Expr:
    """One bit, as a number."""
    bit = within(ops, 0, ops.width, f"a bit number below {ops.width}", "a bit number such as #0")
    return Const(1 << bit, ops.width)


class Field(NamedTuple):
    """Some bits of a register: where the lowest stands, and how many they are."""

    least: int
    bits: int


def _field(ops: Operands) -> Field:
    texts = ("the lowest bit, such as #2", "a number of bits, such as #4")
    limits = f", within {ops.width} bits"
    least = within(ops, 0, ops.width, texts[0] + limits, texts[0])
    return Field(least, within(ops, 1, ops.width - least + 1, texts[1] + limits, texts[1]))


# --- conditions, options, addresses ------------------------------------------------------------------------

CONDITIONS: dict[str, Expr] = {
    "EQ": Z, "NE": negate(Z), "CS": C, "HS": C, "CC": negate(C), "LO": negate(C), "MI": N, "PL": negate(N),
    "VS": V, "VC": negate(V), "HI": op("and", C, negate(Z)), "LS": op("or", negate(C), Z),
    "GE": compare("eq", N, V), "LT": compare("ne", N, V),
    "GT": op("and", negate(Z), compare("eq", N, V)), "LE": op("or", Z, compare("ne", N, V)), "AL": TRUE,
}  # fmt: skip


def _condition(ops: Operands) -> Expr:
    piece = ops.next("a condition such as EQ")
    found = CONDITIONS.get(piece.text.upper())
    if found is None:
        raise ops.wrong(piece, "a condition", "the conditions are " + " ".join(CONDITIONS))
    return found


_DOMAINS = ("SY", "ISH", "ISHLD", "ISHST", "OSH", "OSHLD", "OSHST", "NSH", "NSHLD", "NSHST", "LD", "ST")


def _domain(ops: Operands) -> str:
    """What a barrier is for."""
    piece = ops.next("an option such as ISH")
    option = piece.text.upper()
    if option not in _DOMAINS:
        help = nearest(option, _DOMAINS) or "the options are " + " ".join(_DOMAINS)
        raise piece.error("MM306", f"unknown option '{piece.text}' of {ops.mnemonic.text.upper()}", help)
    return option


def _nothing_or_sy(ops: Operands) -> None:
    if ops.more():
        piece = ops.next("SY")
        if piece.text.upper() != "SY":
            raise piece.error("MM306", f"unknown option '{piece.text}' of ISB", "ISB takes no option")


def _base(ops: Operands) -> Expr:
    """``[Xn]``, or ``[Xn,#0]``."""
    return _address(ops, plain=True)


def _address(ops: Operands, *, plain: bool = False) -> Expr:
    """``[Xn]``; unless `plain`, also with an offset or an index, pre- or post-indexed."""
    what = "an address such as [X1]"
    piece = ops.next(what)
    text = piece.text
    writeback = text.endswith("!")
    body = text[:-1].rstrip() if writeback else text
    if not (body.startswith("[") and body.endswith("]")):
        help = ""
        if body.startswith("["):
            help = "nothing follows the ']'" if "]" in body else "the closing ']' is missing"
        if register(body) is not None:
            help = f"an address is written '[{body}]'"
        raise ops.wrong(piece, what, help)
    inner = ops.inside(Piece(body[1:-1], piece.start + 1))
    base = reg(inner, 64)
    if not base.name:
        raise ops.wrong(piece, what, "the zero register cannot be a base")
    address: Expr = base.read()
    if inner.more():
        index = inner.next("an offset")
        if is_immediate(index.text):
            offset = immediate(ops, index)
            if plain and offset:
                raise ops.wrong(piece, "an address without offset", f"{ops.mnemonic.text} takes '[Xn]' only")
            if offset or writeback:
                address = op("add", address, constant(offset, 64))
        elif plain:
            raise ops.wrong(piece, "an address without index", f"{ops.mnemonic.text} takes '[Xn]' only")
        else:
            rm = as_register(ops, index, 0, "an index register or an offset such as #4")
            if inner.more():
                value = _modified(ops, inner.next("SXTW"), rm, index, 64)
            elif rm.width == 64:
                value = rm.read()
            else:
                raise ops.wrong(index, "an index of 64 bits", f"extend it: '{index.text},SXTW'")
            address = op("add", address, value)
    inner.finish()
    if writeback:
        if plain:
            raise ops.wrong(piece, "an address without '!'")
        ops.before += base.write(address)
        return base.read()
    if not plain and ops.more():
        what = "an offset such as #4"
        offset = immediate(ops, ops.next(what), what)
        ops.after += base.write(op("add", base.read(), constant(offset, 64)))
    return address


KINDS = {
    # Registers that are written, as `Register`, and read, as values; with neither ``w``, ``x`` nor ``any`` in their
    # name they have the width of the instruction. ``zero`` is one that does not stand there.
    "d": Kind(same, "W{}"),
    "dw": Kind(lambda ops: reg(ops, 32), "W{}"),
    "dx": Kind(lambda ops: reg(ops, 64), "X{}"),
    "zero": Kind(lambda ops: Register("", ops.width), ""),
    "r": Kind(lambda ops: same(ops).read(), "W{}"),
    "w": Kind(lambda ops: reg(ops, 32).read(), "W{}"),
    "any": Kind(lambda ops: reg(ops).read(), "W{}"),
    # Numbers, and what may stand for a number.
    "value": Kind(_value, "#1"),
    "flexible": Kind(_flexible, "W{}"),
    "amount": Kind(_amount, "#1"),
    "imm16": Kind(lambda ops: within(ops, 0, 1 << 16, "an immediate of 16 bits"), "#1"),
    "places": Kind(_places, ""),
    "field": Kind(_field, "#2,#4"),
    "bit": Kind(_bit, "#0"),
    "nzcv": Kind(
        lambda ops: within(ops, 0, 16, "flags from #0 to #15", missing="the flags otherwise, such as #4"), "#0"
    ),
    # All else.
    "condition": Kind(_condition, "EQ"),
    "domain": Kind(_domain, "ISH"),
    "sy": Kind(_nothing_or_sy, ""),
    "label": Kind(Operands.label, "label"),
    "base": Kind(_base, "[X{}]"),
    "address": Kind(_address, "[X{}]"),
}
"""Every kind of operand; `width` of `Operands` is that of the instruction."""
