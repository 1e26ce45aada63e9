"""Expressions over registers and condition flags, as both instruction sets build them.

Nothing here simplifies: ``EOR W2,W1,W1`` is 0 and still depends on ``W1`` (a syntactic dependency). Only
constants change their width without an operator.
"""

from __future__ import annotations

from typing import TypeAlias

from mmcheck.ir.program import Const, Expr, Op, Reg

N, Z, C, V = (Reg(f"%{flag}", 1) for flag in "NZCV")
"""Negative, zero, carry (on x86: borrow), overflow. Each depends on everything that was compared."""

FLAGS = frozenset(flag.name for flag in (N, Z, C, V))
Flags: TypeAlias = tuple[Expr, Expr, Expr, Expr]
"""The values of N, Z, C and V."""


def constant(value: int, width: int) -> Const:
    """`value`, which may be negative, at `width` bits."""
    return Const(value & (1 << width) - 1, width)


def op(name: str, *args: Expr) -> Op:
    """`name` applied to operands of one width, with a result of that width."""
    return Op(name, args, args[0].width)


def compare(name: str, a: Expr, b: Expr) -> Op:
    """A comparison: one bit."""
    return Op(name, (a, b), 1)


def negate(value: Expr) -> Op:
    """The other truth value."""
    return Op("not", (value,), 1)


def widen(value: Expr, width: int, how: str = "zext") -> Expr:
    """`value` at `width` bits, which are no fewer than its own."""
    if value.width == width:
        return value
    if isinstance(value, Const) and how == "zext":
        return Const(value.value, width)
    return Op(how, (value,), width)


def low(value: Expr, width: int) -> Expr:
    """The low `width` bits of `value`."""
    if value.width == width:
        return value
    if isinstance(value, Const):
        return constant(value.value, width)
    return Op("trunc", (value,), width)


def flags_of_result(result: Expr) -> Flags:
    """N Z C V after a logical operation: carry and overflow are 0, and depend on the operands all the same."""
    negative = compare("slt", result, Const(0, result.width))
    clear = op("xor", negative, negative)
    return negative, compare("eq", result, Const(0, result.width)), clear, clear


def flags_of_sub(a: Expr, b: Expr) -> Flags:
    """N Z C V after ``a - b``, carry as on Arm: set where there is no borrow."""
    negative = compare("slt", op("sub", a, b), Const(0, a.width))
    overflow = op("xor", compare("slt", a, b), negative)
    return negative, compare("eq", a, b), compare("ule", b, a), overflow


def flags_of_add(a: Expr, b: Expr) -> Flags:
    """N Z C V after ``a + b``."""
    total = op("add", a, b)
    zero = Const(0, a.width)
    overflow = op("xor", compare("slt", total, a), compare("slt", b, zero))
    return compare("slt", total, zero), compare("eq", total, zero), compare("ult", total, a), overflow
