"""AArch64 instructions that compilers like and litmus tests rarely have: bit fields, CCMP, multiply and add.

`CCMP` selects its flags by the condition, as `CSEL` selects a value: what the condition depends on is picked by it.
"""

from __future__ import annotations

from collections.abc import Callable

from mmcheck.ir.program import Assign, Const, Expr, Op, Reg
from mmcheck.language.herd.aarch64_operands import as_register, immediate, is_immediate, reg
from mmcheck.language.herd.cell import Operands, Step
from mmcheck.language.herd.values import C, N, V, Z, constant, flags_of_add, flags_of_sub, low, op, widen

Steps = list[Step]
Reader = Callable[[Operands], Steps]


def _field(ops: Operands, width: int) -> tuple[int, int]:
    """The lowest bit of a field and how many bits it has."""
    found: list[int] = []
    for what, least in (("the lowest bit, such as #2", 0), ("a number of bits, such as #4", 1)):
        piece = ops.next(what)
        value = immediate(ops, piece, what)
        if not least <= value <= width - (found[0] if found else 1):
            raise ops.wrong(piece, f"{what}, within {width} bits")
        found.append(value)
    return found[0], found[1]


def _extracted(how: str) -> Reader:
    """``UBFX rd,rn,#lsb,#width``: the field of `rn`, alone, zero- or sign-extended."""

    def read(ops: Operands) -> Steps:
        rd = reg(ops)
        value = reg(ops, rd.width).read()
        least, bits = _field(ops, rd.width)
        return rd.write(widen(low(op("lshr", value, Const(least, rd.width)), bits), rd.width, how))

    return read


def _placed(how: str) -> Reader:
    """``UBFIZ rd,rn,#lsb,#width``: the low bits of `rn`, at another place."""

    def read(ops: Operands) -> Steps:
        rd = reg(ops)
        value = reg(ops, rd.width).read()
        least, bits = _field(ops, rd.width)
        return rd.write(op("shl", widen(low(value, bits), rd.width, how), Const(least, rd.width)))

    return read


def _inserted(*, low_end: bool) -> Reader:
    """``BFI``: the low bits of `rn` replace a field of `rd`; ``BFXIL``: a field of `rn` replaces the low bits."""

    def read(ops: Operands) -> Steps:
        rd = reg(ops)
        value = reg(ops, rd.width).read()
        least, bits = _field(ops, rd.width)
        shift = Const(least, rd.width)
        part = op("lshr", value, shift) if low_end else value
        field = widen(low(part, bits), rd.width)
        if not low_end:
            field = op("shl", field, shift)
        mask = ((1 << bits) - 1) << (0 if low_end else least)
        return rd.write(op("or", op("and", rd.read(), constant(~mask, rd.width)), field))

    return read


def _accumulated(name: str) -> Reader:
    """``MADD rd,rn,rm,ra``."""

    def read(ops: Operands) -> Steps:
        rd = reg(ops)
        a, b, c = (reg(ops, rd.width).read() for _ in range(3))
        return rd.write(op(name, c, op("mul", a, b)))

    return read


def _long(how: str) -> Reader:
    """``UMULL xd,wn,wm``."""

    def read(ops: Operands) -> Steps:
        rd = reg(ops, 64)
        a, b = (widen(reg(ops, 32).read(), 64, how) for _ in range(2))
        return rd.write(op("mul", a, b))

    return read


def compare_if(conditions: Callable[[Operands], Expr], flags_of: Callable[[Expr, Expr], tuple[Expr, ...]]) -> Reader:
    """``CCMP rn,rm,#nzcv,cond``: the flags of the comparison if the condition holds, else the given ones."""

    def read(ops: Operands) -> Steps:
        rn = reg(ops)
        piece = ops.next("a register or an immediate")
        if is_immediate(piece.text):
            value: Expr = constant(immediate(ops, piece), rn.width)
        else:
            value = as_register(ops, piece, rn.width, f"a register of {rn.width} bits or an immediate").read()
        place = ops.next("the flags otherwise, such as #4")
        given = immediate(ops, place)
        if not 0 <= given < 16:
            raise ops.wrong(place, "flags from #0 to #15")
        condition = conditions(ops)
        found = zip((N, Z, C, V), flags_of(rn.read(), value), (3, 2, 1, 0), strict=True)
        new = [(flag, Op("select", (condition, each, Const(given >> bit & 1, 1)), 1)) for flag, each, bit in found]
        later = [Reg(f"{flag.name}'", 1) for flag, _ in new]  # every one of them reads the old flags
        steps: Steps = [(Assign, (name, each)) for name, (_, each) in zip(later, new, strict=True)]
        return steps + [(Assign, (flag, name)) for name, (flag, _) in zip(later, new, strict=True)]

    return read


def table(conditions: Callable[[Operands], Expr]) -> dict[str, tuple[Reader, str]]:
    """Every instruction of this module; `conditions` reads an operand that is a condition."""
    return {
        "UBFX": (_extracted("zext"), "UBFX W0,W1,#2,#4"),
        "SBFX": (_extracted("sext"), "SBFX W0,W1,#2,#4"),
        "UBFIZ": (_placed("zext"), "UBFIZ W0,W1,#2,#4"),
        "SBFIZ": (_placed("sext"), "SBFIZ W0,W1,#2,#4"),
        "BFI": (_inserted(low_end=False), "BFI W0,W1,#2,#4"),
        "BFXIL": (_inserted(low_end=True), "BFXIL W0,W1,#2,#4"),
        "MADD": (_accumulated("add"), "MADD W0,W1,W2,W3"),
        "MSUB": (_accumulated("sub"), "MSUB W0,W1,W2,W3"),
        "UMULL": (_long("zext"), "UMULL X0,W1,W2"),
        "SMULL": (_long("sext"), "SMULL X0,W1,W2"),
        "CCMP": (compare_if(conditions, flags_of_sub), "CCMP W0,#1,#0,EQ"),
        "CCMN": (compare_if(conditions, flags_of_add), "CCMN W0,#1,#0,EQ"),
    }


__all__ = ["table"]
