"""The instructions of flat code (`mmcheck.ir.flat`), and terms over its slots with their dependencies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from operator import itemgetter
from typing import TypeAlias

from mmcheck.base.records import record
from mmcheck.ir import program as ir
from mmcheck.ir.parts import terms_of
from mmcheck.ir.preemption import ArriveOp, Registers, ResumeOp, TakeOp, YieldOp
from mmcheck.ir.program import Const, Expr, Op, Origin, Reg, Tags, Thread

Taint: TypeAlias = tuple[int, int]
"""Reads (as bits) that a value depends on by data, and by pick."""
Taints: TypeAlias = tuple[Taint, ...]

CLEAN: Taint = (0, 0)


@record
class Term:
    """An expression over slots: its value, and the dependencies of its value.

    ``select`` depends by data on the operand it takes, and by pick on its condition (DDI 0487 M.a, B2.3).
    """

    expr: Expr
    slots: Mapping[str, int]
    value: Callable[[Registers], int]
    taint: Callable[[Registers, Taints], Taint]

    @property
    def width(self) -> int:
        return self.expr.width


@record
class Set:
    """``slot := term``, at `width` bits."""

    slot: int
    term: Term
    width: int


@record
class Clear:
    """Set `slots` to 0: the registers of an activation at its start."""

    slots: tuple[int, ...]


@record
class Goto:
    target: int


@record
class Branch:
    """Go to `then` or `orelse`."""

    cond: Term
    then: int
    orelse: int


@record
class Back:
    """Go around to `target`, unless that was done `limit` times already: then the run is cut, or goes on behind this
    if it `spills` (to the last test of a ``while``). Counting of the loops inside (`inner`) begins again."""

    counter: int
    target: int
    limit: int
    inner: tuple[int, ...] = ()
    spills: bool = False


@record
class LoadOp:
    dst: int
    address: Term
    width: int
    tags: Tags
    exclusive: bool
    origin: Origin
    whole: bool = False


@record
class StoreOp:
    """A store; `status` is the slot of an exclusive's status register."""

    address: Term
    data: Term
    tags: Tags
    origin: Origin
    status: int | None = None


@record
class RmwOp:
    statement: ir.Rmw
    dst: int
    ok: int | None
    old: int
    address: Term
    new: Term
    when: Term
    compare: Term | None


@record
class FenceOp:
    tags: Tags
    origin: Origin


@record
class CheckOp:
    cond: Term
    requirement: str


@record
class GivenOp:
    """Runs in which `cond` does not hold here do not exist."""

    cond: Term


@record
class RoundOp:
    """The start of a round of an await; `counter` numbers the await. `rereads`: a compiler makes its plain reads in
    every round."""

    counter: int
    origin: Origin
    rereads: bool = False


@record
class TestOp:
    """The end of a round: on to `done`, or the round failed. `orelse` is the failing exit, if there is one."""

    cond: Term
    start: int
    done: int
    orelse: int | None
    number: int
    origin: Origin


@record
class ForkOp:
    """Run the pieces at `starts` in any order (`counter` holds those done), then go to `after`."""

    counter: int
    starts: tuple[int, ...]
    after: int


@record
class HaltOp:
    pass


Instruction: TypeAlias = (
    Set | Clear | Goto | Branch | Back | LoadOp | StoreOp | RmwOp | FenceOp | CheckOp | GivenOp | RoundOp
    | TestOp | ForkOp | HaltOp | TakeOp | ResumeOp | YieldOp | ArriveOp
)  # fmt: skip


@record
class Code:
    """A flattened thread. `named` are the registers that a final state shows: name and slot. `devices` are the
    addresses of devices' registers with the names of the devices, if the thread is bound by their order. Of code with
    handlers in it, `guests` are those of each handler's runs, `places` says for each instruction which thread's it is
    and where it stands there, `taken` are the slots that say which runs have been. `now` is the slot with the CPU on
    which a thread that may move is, `here` that of the CPU that it holds; `shares` are the CPUs on which
    others may be, too."""

    thread: Thread
    ops: tuple[Instruction, ...]
    named: tuple[tuple[str, int], ...]
    initial: Registers
    devices: Mapping[int, str] = field(default_factory=dict)
    guests: tuple[tuple[Thread, tuple[tuple[str, int], ...]], ...] = ()
    places: tuple[tuple[int, int], ...] = ()
    taken: tuple[int, ...] = ()
    now: int | None = None
    here: int | None = None
    shares: frozenset[int] = frozenset()


def term(expr: Expr, slots: Mapping[str, int]) -> Term:
    """`expr`, whose registers stand in `slots`."""
    return Term(expr, slots, _value(expr, slots), _taint(expr, slots))


def moved(given: Term, by: int) -> Term:
    """`given` over slots that stand `by` higher."""
    return term(given.expr, {name: slot + by for name, slot in given.slots.items()})


def content(slot: int, width: int) -> Term:
    """What a slot holds."""
    register = Reg("slot", width)
    return term(register, {"slot": slot})


def _value(expr: Expr, slots: Mapping[str, int]) -> Callable[[Registers], int]:
    if isinstance(expr, Const):
        constant = expr.value
        return lambda _: constant
    if isinstance(expr, Reg):
        slot, mask = slots[expr.name], (1 << expr.width) - 1
        return itemgetter(slot) if expr.width >= 64 else lambda registers: registers[slot] & mask
    op, width, widths = expr.op, expr.width, tuple(arg.width for arg in expr.args)
    args = tuple(_value(arg, slots) for arg in expr.args)
    if op == "eq":
        left, right = args
        return lambda registers: int(left(registers) == right(registers))
    return lambda registers: ir.apply(op, tuple([arg(registers) for arg in args]), widths, width)


def _taint(expr: Expr, slots: Mapping[str, int]) -> Callable[[Registers, Taints], Taint]:
    if _has_select(expr):
        return _select_taint(expr, slots)
    used = tuple(dict.fromkeys(slots[register.name] for register in ir.registers_of(expr)))
    if not used:
        return lambda _, __: CLEAN
    if len(used) == 1:
        only = used[0]
        return lambda _, taints: taints[only]

    def union(_: Registers, taints: Taints) -> Taint:
        data = pick = 0
        for slot in used:
            more = taints[slot]
            data |= more[0]
            pick |= more[1]
        return data, pick

    return union


def _has_select(expr: Expr) -> bool:
    return any(isinstance(each, Op) and each.op == "select" for each in terms_of(expr))


def _select_taint(expr: Op | Expr, slots: Mapping[str, int]) -> Callable[[Registers, Taints], Taint]:
    assert isinstance(expr, Op)
    parts = tuple(_taint(arg, slots) for arg in expr.args)
    if expr.op == "select":
        cond = _value(expr.args[0], slots)

        def select(registers: Registers, taints: Taints) -> Taint:
            why = parts[0](registers, taints)
            data, pick = parts[1 if cond(registers) else 2](registers, taints)
            return data, pick | why[0] | why[1]

        return select

    def union(registers: Registers, taints: Taints) -> Taint:
        data = pick = 0
        for part in parts:
            more = part(registers, taints)
            data |= more[0]
            pick |= more[1]
        return data, pick

    return union


__all__ = ["Registers"]
