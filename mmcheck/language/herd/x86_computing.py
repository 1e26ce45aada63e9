"""x86 instructions that compilers like: shifts, LEA, CMOVcc, SETcc, extensions, carries, products."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from mmcheck.ir.program import NO_TAGS, Assign, Const, Expr, Load, Op, Reg
from mmcheck.language.herd.cell import Piece, Step
from mmcheck.language.herd.values import C, N, V, Z, compare, constant, flags_of_result, low, op, widen
from mmcheck.language.herd.x86_operands import Asm, Immediate, Memory, Register, register

Steps: TypeAlias = list[Step]
Reader: TypeAlias = Callable[[Asm], Steps]


def _register(asm: Asm, operand: object, piece: Piece) -> Register:
    if not isinstance(operand, Register):
        raise asm.ops.wrong(piece, "a register")
    return operand


def _one_width(asm: Asm) -> None:
    """The operation has the width of its suffix, or of the last register read."""
    if asm.width == 8:
        raise asm.ops.mnemonic.error("MM330", "an operation on 8 bits", "use the 32-bit form")


def _shift(name: str) -> Reader:
    """By an immediate, by ``%cl``, or by one; the carry is the last bit that leaves."""

    def read(asm: Asm) -> Steps:
        by: Expr = Const(1, 8)
        if len(asm.ops.pieces) > 1:
            amount, piece = asm.operand("an amount, or %cl")
            if isinstance(amount, Register) and amount.width == 8:
                by = op("and", amount.read(8), Const(31, 8))
            elif isinstance(amount, Immediate) and 0 <= amount.value < 64:
                by = Const(amount.value, 8)
            else:
                raise asm.ops.wrong(piece, "an amount, or %cl")
        target, piece = asm.operand("a register")
        destination = _register(asm, target, piece)
        asm.settle(destination, destination, piece, piece)
        _one_width(asm)
        a, places = destination.read(asm.width), widen(by, asm.width)
        value = op(name, a, places)
        negative, zero, _, overflow = flags_of_result(value)
        last = op("sub", places, Const(1, asm.width))
        out = op("lshr", op("shl", a, last), Const(asm.width - 1, asm.width)) if name == "shl" else op(name, a, last)
        flags = zip((N, Z, C, V), (negative, zero, low(out, 1), overflow), strict=True)
        if not isinstance(by, Const):  # by 0 it changes no flags
            none = compare("eq", places, Const(0, asm.width))
            flags = zip((N, Z, C, V), [Op("select", (none, f, new), 1) for f, new in flags], strict=True)
        return [*[(Assign, pair) for pair in flags], *destination.write(value)]

    return read


def _address(asm: Asm) -> Steps:
    """``lea``: the address, and no access."""
    source, place = asm.operand("a memory operand")
    if not isinstance(source, Memory):
        raise asm.ops.wrong(place, "a memory operand")
    target, piece = asm.operand("a register")
    destination = _register(asm, target, piece)
    asm.settle(destination, destination, piece, piece)
    return destination.write(low(asm.effective(source), asm.width))


def _move_if(condition: Expr) -> Reader:
    """``cmov``: reads its source in any case."""

    def read(asm: Asm) -> Steps:
        target, source, piece, place = asm.two()
        destination = _register(asm, target, piece)
        steps: Steps = []
        if isinstance(source, Memory):
            steps.append((Load, (asm.temporary, asm.address(source), NO_TAGS, False)))
            value: Expr = asm.temporary
        else:
            value = asm.value(source, place)
        return steps + destination.write(Op("select", (condition, value, destination.read(asm.width)), asm.width))

    return read


def _set_if(condition: Expr) -> Reader:
    def read(asm: Asm) -> Steps:
        target, piece = asm.operand("a register of 8 bits, such as %al")
        if not isinstance(target, Register) or target.width != 8:
            raise asm.ops.wrong(piece, "a register of 8 bits, such as %al")
        return target.write(Op("select", (condition, Const(1, 8), Const(0, 8)), 8))

    return read


def _extended(bits: int, width: int, how: str) -> Reader:
    """``movzbl %al,%eax``, ``movslq %eax,%rcx``."""

    def read(asm: Asm) -> Steps:
        source, place = asm.operand(f"a register of {bits} bits")
        target, piece = asm.operand(f"a register of {width} bits")
        if not isinstance(source, Register) or source.width != bits:
            raise asm.ops.wrong(place, f"a register of {bits} bits")
        if not isinstance(target, Register) or target.width != width:
            raise asm.ops.wrong(piece, f"a register of {width} bits")
        return target.write(widen(source.read(bits), width, how))

    return read


def _sign_extend(asm: Asm) -> Steps:
    """``cltq``: eax to rax."""
    whole = register("rax", asm.arch)
    if whole is None:
        raise asm.ops.mnemonic.error("MM301", f"unknown instruction '{asm.ops.mnemonic.text}' on {asm.arch}")
    return whole.write(widen(whole.read(32), 64, "sext"))


def _carrying(*, subtract: bool) -> Reader:
    """``adc`` and ``sbb``, on registers."""

    def read(asm: Asm) -> Steps:
        target, source, piece, place = asm.two()
        destination = _register(asm, target, piece)
        a, b = destination.read(asm.width), asm.value(source, place)
        carry = widen(C, asm.width)
        part = op("sub" if subtract else "add", a, b)
        value = op("sub" if subtract else "add", part, carry)
        differ = op("xor", a, b) if subtract else op("not", op("xor", a, b))
        overflow = compare("slt", op("and", differ, op("xor", a, value)), Const(0, asm.width))
        if subtract:
            out = op("or", compare("ult", a, b), op("and", compare("eq", a, b), C))
        else:
            out = op("or", compare("ult", part, a), op("and", compare("eq", part, constant(-1, asm.width)), C))
        negative, zero, _, _ = flags_of_result(value)
        later = Reg("%C'", 1)  # everything here reads the old carry
        flags = ((N, negative), (Z, zero), (V, overflow), (later, out))
        return [*[(Assign, pair) for pair in flags], *destination.write(value), (Assign, (C, later))]

    return read


def _multiply(asm: Asm) -> Steps:
    """``imul`` with two or three operands, on registers; flags are not what anybody looks at."""
    first, piece = asm.operand("a register or an immediate")
    second, place = asm.operand("a register")
    target, at = asm.operand("a register") if asm.ops.more() else (second, place)
    destination = _register(asm, target, at)
    asm.settle(destination, _register(asm, second, place), at, place)
    _one_width(asm)
    value = op("mul", asm.value(first, piece), asm.value(second, place))
    return destination.write(value)


def computing(conditions: Mapping[str, Expr]) -> tuple[dict[str, Reader], dict[str, Reader]]:
    """The instructions of this module: those that may have a size suffix, and those that have not."""
    sized = {
        "SHL": _shift("shl"), "SAL": _shift("shl"), "SHR": _shift("lshr"), "SAR": _shift("ashr"), "LEA": _address,
        "ADC": _carrying(subtract=False), "SBB": _carrying(subtract=True), "IMUL": _multiply,
        **{f"CMOV{name}": _move_if(condition) for name, condition in conditions.items()},
    }  # fmt: skip
    plain = {
        "CLTQ": _sign_extend,
        **{f"SET{name}": _set_if(condition) for name, condition in conditions.items()},
        **{f"MOV{k}{s}{d}": _extended(bits, width, how)
           for k, how in (("Z", "zext"), ("S", "sext"))
           for s, bits in (("B", 8), ("L", 32))
           for d, width in (("L", 32), ("Q", 64))
           if bits < width and (k, s) != ("Z", "L")},
    }  # fmt: skip
    return sized, plain


__all__ = ["computing"]
