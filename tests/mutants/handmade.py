"""Tests of what neither herd's format nor, as yet, our own language can say: read-modify-writes without LOCK on x86
(``inc %gs:x``), from two CPUs."""

from __future__ import annotations

from mmcheck.ir.program import OLD, Cell, Const, Expr, Load, Op, Program, Reg, Rmw, Statement, Store, Thread
from mmcheck.ir.program import state_cell as cell
from mmcheck.ir.program import state_register as register

X, Y, Z, T = (Const(address, 64) for address in (0x1000, 0x2000, 0x3000, 0x4000))
CELLS = (Cell("x", 0x1000), Cell("y", 0x2000), Cell("z", 0x3000), Cell("t", 0x4000))
UNLOCKED = frozenset({"Unlocked"})


def _inc(register: str, address: Const) -> Rmw:
    return Rmw(Reg(register), address, Op("add", (Reg(OLD), Const(1))), UNLOCKED, UNLOCKED)


def _program(name: str, *bodies: tuple[Statement, ...]) -> Program:
    return Program(name, "x86-tso", tuple([Thread(f"P{i}", body) for i, body in enumerate(bodies)]), CELLS)


def _is(place: Reg, value: int) -> Expr:
    return Op("eq", (place, Const(value)), 1)


def _both(value: int) -> Expr:
    return Op("and", (_is(register("P0", "a"), value), _is(register("P1", "a"), value)), 1)


HANDMADE: tuple[tuple[Program, Expr, str], ...] = (
    (_program("incs-unlocked", (_inc("a", X),), (_inc("a", X),)), _is(cell("x"), 1), "Sometimes"),
    (
        _program(
            "SB+inc-unlocked-betweens",
            (Store(X, Const(1)), _inc("b", Z), Load(Reg("a"), Y)),
            (Store(Y, Const(1)), _inc("b", T), Load(Reg("a"), X)),
        ),
        _both(0),
        "Sometimes",
    ),
    (
        _program(
            "SB+read-by-inc-unlocked",
            (Store(X, Const(1)), _inc("a", Y)),
            (Store(Y, Const(1)), _inc("a", X)),
        ),
        _both(0),
        "Sometimes",
    ),
)
"""Program, condition, expected observation."""

__all__ = ["HANDMADE"]
