"""The small-step interpreter: one thread, from one shared-memory action to the next.

`advance` runs what is local and stops before an action; the functions ``after_...`` say how the action went
and give the next state. States are immutable and hashable; the memory is the caller's. The enumerator and
the operational machines are both built on this, the solver side on none of it.

A state may carry dependencies as well (`start` with ``taints=True``): for each register the reads that it depends
on, and those that the branches so far depend on. Reads are the caller's numbers, given to `after_read`. With
``symbols=True`` it knows each register as an expression over the values read (`symbol`), and how its tests came out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from mmcheck.ir.actions import (
    CUT,
    ENDED,
    IMPOSSIBLE,
    Action,
    Barrier,
    Check,
    Depart,
    Failed,
    Fork,
    Modify,
    Offer,
    Read,
    State,
    Wait,
    Write,
    Yield,
)
from mmcheck.ir.instructions import (
    CLEAN,
    Back,
    Branch,
    CheckOp,
    Clear,
    Code,
    FenceOp,
    ForkOp,
    GivenOp,
    Goto,
    LoadOp,
    RmwOp,
    RoundOp,
    Set,
    StoreOp,
    Taint,
    Term,
    TestOp,
)
from mmcheck.ir.preemption import ArriveOp, ResumeOp, TakeOp, YieldOp
from mmcheck.ir.program import Const, Expr, Op, Reg

_T = TypeVar("_T")


def start(code: Code, *, taints: bool = False, symbols: bool = False) -> State:
    """The state before the first instruction."""
    state = State(0, code.initial)
    if taints:
        state = state._replace(taints=(CLEAN,) * len(code.initial))
    if symbols:
        state = state._replace(symbols=tuple([Const(value, 64) for value in code.initial]))
    return state


def symbol(read: int, width: int) -> Reg:
    """The value of the caller's read `read`, as it stands in symbolic expressions."""
    return Reg(f"r{read}", width)


def symbolic(term: Term, state: State) -> Expr:
    """`term` over the values read; only for states with `symbols`."""
    assert state.symbols is not None
    return _substitute(term.expr, term.slots, state.symbols)


def advance(code: Code, state: State) -> tuple[State, Action]:
    """Run up to the next action; the state returned stands before it."""
    pc, registers, monitor, saved, taints, control, symbols, outcomes, tests = state
    ops = code.ops
    while True:
        op = ops[pc]
        if isinstance(op, Set):
            if taints is not None:
                taints = _put(taints, op.slot, op.term.taint(registers, taints))
            if symbols is not None:
                formula = _resized(_substitute(op.term.expr, op.term.slots, symbols), op.width)
                symbols = _put(symbols, op.slot, formula)
            registers = _put(registers, op.slot, op.term.value(registers) & (1 << op.width) - 1)
            pc += 1
        elif isinstance(op, Branch):
            taken = bool(op.cond.value(registers))
            if taints is not None:
                control = _joined(control, op.cond.taint(registers, taints))
            if symbols is not None:
                outcomes, tests = (*outcomes, (pc, taken)), (*tests, _substitute(op.cond.expr, op.cond.slots, symbols))
            pc = op.then if taken else op.orelse
        elif isinstance(op, Goto):
            pc = op.target
        elif isinstance(op, Clear):
            for slot in op.slots:
                registers = _put(registers, slot, 0)
                if taints is not None:
                    taints = _put(taints, slot, CLEAN)
                if symbols is not None:
                    symbols = _put(symbols, slot, Const(0, 64))
            pc += 1
        elif isinstance(op, Back):
            laps = registers[op.counter]
            if laps >= op.limit:
                if op.spills:
                    pc += 1
                    continue
                return State(pc, registers, monitor, saved, taints, control, symbols, outcomes, tests), CUT
            registers = _put(registers, op.counter, laps + 1)
            for slot in op.inner:
                registers = _put(registers, slot, 0)
            pc = op.target
        elif isinstance(op, ResumeOp):
            pc, monitor = registers[op.back], None
        elif isinstance(op, ArriveOp) and registers[op.here] == registers[op.now]:
            pc += 1
        else:
            break
    here = State(pc, registers, monitor, saved, taints, control, symbols, outcomes, tests)
    if isinstance(op, TakeOp):
        return here, Offer(op.open(registers))
    if isinstance(op, YieldOp):
        return here, Yield(op.open(registers))
    if isinstance(op, ArriveOp):
        return here, Depart(registers[op.now])
    if isinstance(op, LoadOp):
        address = op.address.value(registers)
        return here, Read(address, op.width, op.tags, op.origin, op.exclusive, _taint(op.address, here))
    if isinstance(op, StoreOp):
        address, value = op.address.value(registers), op.data.value(registers)
        exclusive = op.status is not None
        partner = monitor[1] if exclusive and monitor is not None and monitor[0] == address else None
        reasons = _taint(op.address, here), _taint(op.data, here)
        return here, Write(address, op.data.width, value, op.tags, op.origin, exclusive, partner, *reasons)
    if isinstance(op, RmwOp):
        address = op.address.value(registers)
        return here, Modify(address, op.statement.dst.width, op, _taint(op.address, here))
    if isinstance(op, FenceOp):
        return here, Barrier(op.tags, op.origin)
    if isinstance(op, CheckOp):
        return here, Check(op.requirement, bool(op.cond.value(registers)))
    if isinstance(op, GivenOp):
        if not op.cond.value(registers):
            return here, IMPOSSIBLE
        if symbols is not None:
            here = tested(here, symbolic(op.cond, here), held=True)
        return advance(code, here._replace(pc=here.pc + 1))
    if isinstance(op, RoundOp):
        return here, Wait(op.counter, op.origin)
    if isinstance(op, TestOp):
        if not op.cond.value(registers):
            return here, Failed(op.number, op.orelse is not None, op.origin)
        return advance(code, _tested(here, op, op.done))
    if isinstance(op, ForkOp):
        done = registers[op.counter]
        left = tuple([i for i in range(len(op.starts)) if not done >> i & 1])
        return here, Fork(op.counter, left, len(op.starts))
    return here, ENDED


def after_read(code: Code, state: State, value: int, read: int = 0) -> State:
    """A load read `value`; `read` is the caller's number of the read."""
    op = code.ops[state.pc]
    assert isinstance(op, LoadOp)
    taints = state.taints
    if taints is not None:
        taints = _put(taints, op.dst, (1 << read, 0))
    if state.symbols is not None:
        state = state._replace(symbols=_put(state.symbols, op.dst, symbol(read, op.width)))
    if op.exclusive:
        state = state._replace(monitor=(op.address.value(state.registers), read))
    return state._replace(pc=state.pc + 1, registers=_put(state.registers, op.dst, value), taints=taints)


def after_write(code: Code, state: State, *, success: bool = True) -> State:
    """A store happened; an exclusive one may also have failed. Its status depends on nothing (Arm)."""
    op = code.ops[state.pc]
    assert isinstance(op, StoreOp)
    if op.status is not None:
        registers, taints = _put(state.registers, op.status, int(not success)), state.taints
        if taints is not None:
            taints = _put(taints, op.status, CLEAN)
        if state.symbols is not None:
            symbols = _put(state.symbols, op.status, Const(int(not success)))
            state = tested(state, Const(int(success), 1), held=success)._replace(symbols=symbols)
        state = state._replace(registers=registers, taints=taints, monitor=None)
    return skip(state)


def modified(action: Modify, state: State, old: int) -> int | None:
    """What a read-modify-write that read `old` writes; None if it does not write."""
    registers = _put(state.registers, action.op.old, old)
    return action.op.new.value(registers) if action.op.when.value(registers) else None


def inside_modify(code: Code, state: State, read: int, old: int) -> State:
    """Between the halves of a read-modify-write whose read is `read` and returned `old`: what its write is made of, and
    whether it is made, depends on that read as far as it uses the old value."""
    op = code.ops[state.pc]
    assert isinstance(op, RmwOp)
    taints, symbols = state.taints, state.symbols
    if taints is not None:
        taints = _put(taints, op.old, (1 << read, 0))
    if symbols is not None:
        symbols = _put(symbols, op.old, symbol(read, op.statement.dst.width))
    return state._replace(registers=_put(state.registers, op.old, old), taints=taints, symbols=symbols)


def after_modify(code: Code, state: State, old: int, read: int = 0, *, by_pick: bool = False) -> State:
    """A read-modify-write read `old`. `by_pick`: a successful compare-and-swap passes on the dependencies of the
    expected value, and its own read by pick only (DDI 0487 M.a, B2.3)."""
    op = code.ops[state.pc]
    assert isinstance(op, RmwOp)
    registers = _put(state.registers, op.old, old)
    ok = int(bool(op.when.value(registers)))
    taints = state.taints
    if taints is not None:
        own: Taint = (1 << read, 0)
        why = op.when.taint(registers, _put(taints, op.old, own))
        if by_pick and op.compare is not None:
            expected = _taint(op.compare, state)
            own = (expected[0], expected[1] | 1 << read)
        taints = _put(_put(taints, op.dst, own), op.old, CLEAN)
        if op.ok is not None:
            taints = _put(taints, op.ok, why)
    if state.symbols is not None:
        value = symbol(read, op.statement.dst.width)
        outcome = _substitute(op.when.expr, op.when.slots, _put(state.symbols, op.old, value))
        symbols = _put(state.symbols, op.dst, value)
        if op.ok is not None:
            symbols = _put(symbols, op.ok, outcome)
        state = tested(state, outcome, held=bool(ok))._replace(symbols=symbols)
    registers = _put(registers, op.dst, old)
    if op.ok is not None:
        registers = _put(registers, op.ok, ok)
    registers = _put(registers, op.old, 0)
    monitor = None if op.statement.exclusive else state.monitor
    return state._replace(pc=state.pc + 1, registers=registers, taints=taints, monitor=monitor)


def skip(state: State) -> State:
    """After a fence or an assertion, neither of which changes the thread."""
    return State(state[0] + 1, *state[1:])


def after_wait(code: Code, state: State) -> State:
    """Begin the round."""
    op = code.ops[state.pc]
    assert isinstance(op, RoundOp)
    saved = (*[entry for entry in state.saved if entry[0] != op.counter], (op.counter, state.registers))
    return state._replace(pc=state.pc + 1, saved=saved)


def retry(code: Code, state: State) -> State:
    """After a failed round: before the next one, with the registers with which the failed one began."""
    op = code.ops[state.pc]
    assert isinstance(op, TestOp)
    registers = dict(state.saved)[op.number]
    saved = tuple([entry for entry in state.saved if entry[0] != op.number])
    return state._replace(pc=op.start, registers=registers, saved=saved)


def give_up(code: Code, state: State) -> State:
    """After a failed round: take the failing exit."""
    op = code.ops[state.pc]
    assert isinstance(op, TestOp) and op.orelse is not None
    return _tested(state, op, op.orelse)


def interrupted(code: Code, state: State) -> State:
    """The interrupt comes: at the first instruction of the handler."""
    op = code.ops[state.pc]
    assert isinstance(op, TakeOp)
    registers = _put(_put(state.registers, op.taken, 1), op.back, op.resume)
    for slot, value in op.clear:
        registers = _put(registers, slot, value)
    return state._replace(pc=op.entry, registers=registers, monitor=None)


def arrived(code: Code, state: State) -> State:
    """The thread has left its CPU."""
    op = code.ops[state.pc]
    assert isinstance(op, ArriveOp)
    return state._replace(pc=state.pc + 1, registers=_put(state.registers, op.here, state.registers[op.now]))


def choose(code: Code, state: State, piece: int) -> State:
    """Run `piece` of a fork next."""
    op = code.ops[state.pc]
    assert isinstance(op, ForkOp)
    done = state.registers[op.counter] | 1 << piece
    return state._replace(pc=op.starts[piece], registers=_put(state.registers, op.counter, done))


def join(code: Code, state: State) -> State:
    """All pieces of a fork are done."""
    op = code.ops[state.pc]
    assert isinstance(op, ForkOp)
    return state._replace(pc=op.after, registers=_put(state.registers, op.counter, 0))


def _put(values: tuple[_T, ...], slot: int, value: _T) -> tuple[_T, ...]:
    return (*values[:slot], value, *values[slot + 1 :])


def _taint(term: Term, state: State) -> Taint:
    return CLEAN if state.taints is None else term.taint(state.registers, state.taints)


def _joined(one: Taint, other: Taint) -> Taint:
    return one[0] | other[0], one[1] | other[1]


def tested(state: State, test: Expr, *, held: bool) -> State:
    """The test that the thread is at has come out so; only for states with `symbols`."""
    return state._replace(outcomes=(*state.outcomes, (state.pc, held)), tests=(*state.tests, test))


def _tested(state: State, op: TestOp, target: int) -> State:
    if state.taints is not None:
        state = state._replace(control=_joined(state.control, op.cond.taint(state.registers, state.taints)))
    if state.symbols is not None:
        state = tested(state, symbolic(op.cond, state), held=target == op.done)
    saved = tuple([entry for entry in state.saved if entry[0] != op.number])
    return state._replace(pc=target, saved=saved)


def _resized(expr: Expr, width: int) -> Expr:
    if expr.width == width:
        return expr
    if isinstance(expr, Const):
        return Const(expr.value & (1 << width) - 1, width)
    return Op("zext" if expr.width < width else "trunc", (expr,), width)


def _substitute(expr: Expr, slots: Mapping[str, int], symbols: tuple[Expr, ...]) -> Expr:
    if isinstance(expr, Const):
        return expr
    if isinstance(expr, Reg):
        return _resized(symbols[slots[expr.name]], expr.width)
    return Op(expr.op, tuple([_substitute(arg, slots, symbols) for arg in expr.args]), expr.width)
