"""AArch64 registers, operands and addresses.

One 64-bit register ``Xn`` stands for both its forms: a ``W`` write zero-extends, a ``W`` read truncates.
``XZR``/``WZR`` read 0 and drop what is written. A 32-bit load goes through a register ``%Wn``, so that every
register has one width.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias

from mmcheck.base.records import record
from mmcheck.ir.program import Assign, Const, Expr, Reg
from mmcheck.language.herd.cell import Operands, Piece, Raw, Step, nearest, number
from mmcheck.language.herd.values import constant, low, op, widen

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


# --- operands ----------------------------------------------------------------------------------------


def reg(ops: Operands, width: int = 0) -> Register:
    """The next operand, a register of `width` bits (0: either)."""
    form = {0: "", 32: " W", 64: "n X"}[width]
    what = f"a{form} register"
    piece = ops.next(what)
    return as_register(ops, piece, width, what)


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


def immediate(ops: Operands, piece: Piece, what: str = "an immediate such as #1") -> int:
    value = number(piece.text[1:].strip() if piece.text.startswith("#") else piece.text)
    if value is None:
        raise ops.wrong(piece, what)
    return value


def is_immediate(text: str) -> bool:
    return text.startswith("#") or number(text) is not None


SHIFTS = {"LSL": "shl", "LSR": "lshr", "ASR": "ashr"}
EXTENSIONS = {
    "UXTB": (8, "zext"), "UXTH": (16, "zext"), "UXTW": (32, "zext"), "UXTX": (64, "zext"),
    "SXTB": (8, "sext"), "SXTH": (16, "sext"), "SXTW": (32, "sext"), "SXTX": (64, "sext"),
}  # fmt: skip


def modified(ops: Operands, piece: Piece, rm: Register, rm_piece: Piece, width: int) -> Expr:
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
        value = widen(low(rm.read(), min(bits, rm.width)), width, how) if min(bits, rm.width) <= width else rm.read()
        value = low(value, width) if value.width > width else value
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


def flexible(ops: Operands, width: int) -> Expr:
    """The rest of the operands: an immediate or a register, either perhaps shifted or extended."""
    piece = ops.next("a register or an immediate")
    if is_immediate(piece.text):
        value = immediate(ops, piece)
        if ops.more():
            shift = ops.next("LSL #12")
            word, _, amount = shift.text.upper().partition(" ")
            places = number(amount.strip().removeprefix("#"))
            if word != "LSL" or places is None or not 0 <= places < width:
                raise ops.wrong(shift, "a shift such as LSL #12")
            value <<= places
        return constant(value, width)
    rm = as_register(ops, piece, 0, "a register or an immediate")
    if ops.more():
        return modified(ops, ops.next("a shift or an extension"), rm, piece, width)
    if rm.width != width:
        letter = "X" if width == 64 else "W"
        raise ops.wrong(piece, f"a register of {width} bits", f"did you mean '{letter}{piece.text[1:]}'?")
    return rm.read()


Address: TypeAlias = tuple[Expr, list[Step], list[Step]]
"""An address, and the statements before and after the access that change its base register."""


def take_address(ops: Operands, *, plain: bool = False) -> Address:
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
    inner = Operands(_inside(ops, Piece(body[1:-1], piece.start + 1)), "")
    inner.usage = ops.usage
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
                value = modified(ops, inner.next("SXTW"), rm, index, 64)
            elif rm.width == 64:
                value = rm.read()
            else:
                raise ops.wrong(index, "an index of 64 bits", f"extend it: '{index.text},SXTW'")
            address = op("add", address, value)
    inner.finish()
    if writeback:
        if plain:
            raise ops.wrong(piece, "an address without '!'")
        return base.read(), [(Assign, (base.read(), address))], []
    if not plain and ops.more():
        offset = immediate(ops, ops.next("an offset such as #4"), "an offset such as #4")
        return address, [], [(Assign, (base.read(), op("add", base.read(), constant(offset, 64))))]
    return address, [], []


def _inside(ops: Operands, piece: Piece) -> Raw:
    return Raw((), ops.mnemonic, piece, "")
