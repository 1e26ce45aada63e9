"""A `Thread` as flat code: what `mmcheck.steps` interprets.

Functions are inlined, blocks become jumps, registers become slots. Every activation of a function has
registers of its own, cleared at entry; ``@`` registers are the agent's. `Choice` is resolved. This is the
independent counterpart of `mmcheck.unfold`, and shares nothing with it but the program.

**Control regions** (docs/compiler.md). In assembly a branch controls all that follows. In compiled code it
controls up to the join: the end of the ``If``, or of the loop or function if an arm leaves those. Regions are
numbered in text order, so that a region and all inside it are an interval; `Leave` ends one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TypeAlias

from mmcheck import program as ir
from mmcheck.errors import InternalError, UnknownVerdict
from mmcheck.loops import exit_test
from mmcheck.offers import ArriveOp, Registers, ResumeOp, TakeOp, YieldOp
from mmcheck.program import ENTRY, NOWHERE, RETURN, Block, Const, Expr, Op, Origin, Program, Reg, Tags, Thread
from mmcheck.records import record, replace

Taint: TypeAlias = tuple[int, int]
"""Reads (as bits) that a value depends on by data, and by pick."""
Taints: TypeAlias = tuple[Taint, ...]

CLEAN: Taint = (0, 0)
EVERYTHING = -1
"""The region that never ends."""


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
    """Go to `then` or `orelse`; control reaches to the end of `region`. `number` names the branch."""

    cond: Term
    then: int
    orelse: int
    region: int
    number: int


@record
class Leave:
    """The join at which the regions `first` to `last` end."""

    first: int
    last: int


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
    """The start of a round of an await; `counter` numbers the await."""

    counter: int
    origin: Origin


@record
class TestOp:
    """The end of a round: on to `done`, or the round failed. `orelse` is the failing exit, if there is one."""

    cond: Term
    start: int
    done: int
    orelse: int | None
    region: int
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
    Set | Clear | Goto | Branch | Leave | Back | LoadOp | StoreOp | RmwOp | FenceOp | CheckOp | GivenOp | RoundOp
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


def flatten(program: Program, thread: Thread, *, bound: int = 2, choices: Mapping[str, str] | None = None) -> Code:
    """The code of `thread`. A loop's body runs at most `bound` times, and so does what a backward `Jump` repeats,
    in each round of a loop around it. `choices` names an option for the sites where it is not the first."""
    return _Flattener(program, thread, bound, choices or {}).code()


@dataclass(slots=True)
class _Scope:
    """One activation: the prefix of its registers, where `Return` and `Break` go (fixed up later), its regions."""

    prefix: str
    dst: int | None
    returns: list[int]
    region: int
    width: int = 64
    breaks: list[int] | None = None
    loop_region: int = EVERYTHING


class _Flattener:
    def __init__(self, program: Program, thread: Thread, bound: int, choices: Mapping[str, str]) -> None:
        self.program, self.thread, self.bound, self.choices = program, thread, bound, choices
        self.ops: list[Instruction] = []
        self.slots: dict[str, int] = {}
        self.labels: dict[str, tuple[int, int]] = {}
        self.regions = 0
        self.numbers = 0
        self.active: list[str] = []

    def code(self) -> Code:
        scope = _Scope("", None, [], EVERYTHING)
        for register, _ in self.thread.privates:
            self.slot(register.name, "")
        handler = self.thread.host is not None
        if handler:
            self.emit(FenceOp(self.thread.entry, replace(self.thread.origin, text=ENTRY)))
        self.block(self.thread.body, scope)
        self.patch(scope.returns)
        if handler:
            self.emit(FenceOp(self.thread.leave, replace(self.thread.origin, text=RETURN)))
        self.ops.append(HaltOp())
        initial = [0] * len(self.slots)
        for register, value in self.thread.privates:
            initial[self.slots[register.name]] = value
        if handler and ir.MASKED in self.slots:
            initial[self.slots[ir.MASKED]] = int(not self.thread.nests)
        named = tuple(sorted((n, s) for n, s in self.slots.items() if n != ir.OLD and "#" not in n))
        return Code(self.thread, tuple(self.ops), named, tuple(initial), self.program.registers(self.thread))

    # names and expressions

    def slot(self, name: str, prefix: str) -> int:
        key = name if name.startswith("@") else prefix + name
        return self.slots.setdefault(key, len(self.slots))

    def hidden(self) -> int:
        return self.slots.setdefault(f"#{len(self.slots)}", len(self.slots))

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def term(self, expr: Expr, scope: _Scope) -> Term:
        slots = {r.name: self.slot(r.name, scope.prefix) for r in ir.registers_of(expr)}
        return Term(expr, slots, _value(expr, slots), _taint(expr, slots))

    # blocks

    def emit(self, op: Instruction) -> int:
        self.ops.append(op)
        return len(self.ops) - 1

    def patch(self, places: list[int]) -> None:
        """Make each `Goto` at `places` come here."""
        for place in places:
            self.ops[place] = Goto(len(self.ops))

    def block(self, block: Block, scope: _Scope) -> None:
        here = {s.name: -1 for s in block if isinstance(s, ir.Label)}
        forward: list[tuple[int, str]] = []
        backs: list[tuple[int, int]] = []
        for statement in block:
            if isinstance(statement, ir.Label):
                here[statement.name] = len(self.ops)
            elif isinstance(statement, ir.Jump):
                cond = self.term(statement.cond, scope)
                at = self.emit(Goto(0))
                target = here.get(statement.label)
                if target is None:
                    raise InternalError(f"no label {statement.label!r} in this block")
                if target < 0:
                    forward.append((at, statement.label))
                else:
                    counter = self.hidden()
                    inner = tuple([other for place, other in backs if place >= target])
                    backs.append((self.emit(Back(counter, target, self.bound - 1, inner)), counter))
                    target = at + 1
                self.ops[at] = Branch(cond, target, len(self.ops), EVERYTHING, self.number())
            else:
                self.statement(statement, scope)
        for at, label in forward:
            branch = self.ops[at]
            assert isinstance(branch, Branch)
            self.ops[at] = replace(branch, then=here[label])

    def open_region(self) -> int:
        self.regions += 1
        return self.regions - 1

    def close_region(self, region: int) -> None:
        if self.thread.source:
            self.emit(Leave(region, self.regions - 1))

    def join(self, blocks: tuple[Block, ...], scope: _Scope, own: int) -> int:
        """The region that a branch with these arms controls."""
        if not self.thread.source:
            return EVERYTHING
        returns, breaks = (any(flags) for flags in zip(*map(_escapes, blocks), strict=True))
        return scope.region if returns else scope.loop_region if breaks else own

    # statements

    def statement(self, s: ir.Statement, scope: _Scope) -> None:
        match s:
            case ir.Assign():
                self.emit(Set(self.slot(s.dst.name, scope.prefix), self.term(s.expr, scope), s.dst.width))
            case ir.Load():
                dst, address = self.slot(s.dst.name, scope.prefix), self.term(s.address, scope)
                self.emit(LoadOp(dst, address, s.dst.width, s.tags, s.exclusive, s.origin, s.whole))
            case ir.Store():
                address, data = self.term(s.address, scope), self.term(s.value, scope)
                self.emit(StoreOp(address, data, s.tags, s.origin))
            case ir.StoreExclusive():
                status = self.slot(s.status.name, scope.prefix)
                address, data = self.term(s.address, scope), self.term(s.value, scope)
                self.emit(StoreOp(address, data, s.tags, s.origin, status))
            case ir.Rmw():
                self.rmw(s, scope)
            case ir.Fence():
                self.emit(FenceOp(s.tags, s.origin))
            case ir.Given():
                self.emit(GivenOp(self.term(s.cond, scope)))
            case ir.Assert():
                self.emit(CheckOp(self.term(s.cond, scope), s.requirement))
            case ir.If():
                self.branch(s, scope)
            case ir.Loop():
                self.loop(s, scope)
            case ir.Break():
                if scope.breaks is None:
                    raise InternalError("break outside a loop")
                scope.breaks.append(self.emit(Goto(0)))
            case ir.Await():
                self.wait(s, scope)
            case ir.Call():
                self.call(s, scope)
            case ir.Return():
                if s.value is not None and scope.dst is not None:
                    self.emit(Set(scope.dst, self.term(s.value, scope), scope.width))
                scope.returns.append(self.emit(Goto(0)))
            case ir.Parallel():
                self.parallel(s, scope)
            case ir.Choice():
                options = dict(s.options)
                name = self.choices.get(s.site, s.options[0][0])
                if name not in options:
                    raise InternalError(f"site {s.site!r} has no option {name!r}")
                self.block(options[name], scope)
            case ir.Label() | ir.Jump():
                raise InternalError("a label or jump that block() did not see")

    def rmw(self, s: ir.Rmw, scope: _Scope) -> None:
        dst = self.slot(s.dst.name, scope.prefix)
        ok = None if s.ok is None else self.slot(s.ok.name, scope.prefix)
        old = self.slot(ir.OLD, scope.prefix)
        address, new, when = self.term(s.address, scope), self.term(s.new, scope), self.term(s.when, scope)
        compare = None if s.compare is None else self.term(s.compare, scope)
        self.emit(RmwOp(s, dst, ok, old, address, new, when, compare))

    def branch(self, s: ir.If, scope: _Scope) -> None:
        cond, number, region = self.term(s.cond, scope), self.number(), self.open_region()
        at = self.emit(Goto(0))
        self.block(s.then, scope)
        end = self.emit(Goto(0))
        orelse = len(self.ops)
        self.block(s.orelse, scope)
        self.patch([end])
        self.ops[at] = Branch(cond, at + 1, orelse, self.join((s.then, s.orelse), scope, region), number)
        self.close_region(region)

    def loop(self, s: ir.Loop, scope: _Scope) -> None:
        counter, region = self.hidden(), self.open_region()
        self.emit(Clear((counter,)))
        start = len(self.ops)
        inner = replace(scope, breaks=[], loop_region=region)
        self.block(s.body, inner)
        last = exit_test(s.body, self.program.functions)
        self.emit(Back(counter, start, (self.bound if s.bound is None else s.bound) - 1, spills=bool(last)))
        if last:
            self.block(last, inner)
            self.emit(Back(counter, start, -1))
        self.patch(inner.breaks or [])
        self.close_region(region)

    def wait(self, s: ir.Await, scope: _Scope) -> None:
        number, region = self.number(), self.open_region()
        start = self.emit(RoundOp(number, s.origin))
        self.block(s.body, scope)
        cond = self.term(s.cond, scope)
        test = self.emit(Goto(0))
        orelse = None
        reach = EVERYTHING
        if s.tries is not None:
            orelse = len(self.ops)
            self.block(s.orelse, scope)
            reach = self.join((s.orelse,), scope, region)
        self.ops[test] = TestOp(cond, start, len(self.ops), orelse, reach, number, s.origin)
        self.close_region(region)

    def call(self, s: ir.Call, scope: _Scope) -> None:
        function = self.program.functions.get(s.function)
        if function is None:
            raise InternalError(f"no function {s.function!r}")
        if s.function in self.active:
            raise UnknownVerdict(f"{s.function} calls itself")
        prefix = f"{s.function}#{self.number()}."
        clear, region = self.emit(Clear(())), self.open_region()
        before = len(self.slots)
        for parameter, arg in zip(function.params, s.args, strict=True):
            value = self.term(arg, scope)
            self.emit(Set(self.slot(parameter.name, prefix), value, parameter.width))
        dst = None if s.dst is None else self.slot(s.dst.name, scope.prefix)
        inner = _Scope(prefix, dst, [], region, 64 if s.dst is None else s.dst.width)
        self.active.append(s.function)
        self.block(function.body, inner)
        self.active.pop()
        self.patch(inner.returns)
        self.close_region(region)
        local = [slot for name, slot in self.slots.items() if slot >= before and name.startswith(prefix)]
        self.ops[clear] = Clear(tuple(local))

    def parallel(self, s: ir.Parallel, scope: _Scope) -> None:
        counter = self.hidden()
        fork = self.emit(Goto(0))
        starts = []
        for statement in s.body:
            starts.append(len(self.ops))
            self.block((statement,), scope)
            self.emit(Goto(fork))
        self.ops[fork] = ForkOp(counter, tuple(starts), len(self.ops))


def _escapes(block: Block) -> tuple[bool, bool]:
    """Whether `block` can return from its function, and break from the loop around it."""
    returns = breaks = False
    for statement in block:
        returns |= isinstance(statement, ir.Return)
        breaks |= isinstance(statement, ir.Break)
        for inner in ir.children(statement):
            below = _escapes(inner)
            returns |= below[0]
            breaks |= below[1] and not isinstance(statement, ir.Loop)
    return returns, breaks


def moved(term: Term, by: int) -> Term:
    """`term` over slots that stand `by` higher."""
    slots = {name: slot + by for name, slot in term.slots.items()}
    return Term(term.expr, slots, _value(term.expr, slots), _taint(term.expr, slots))


def content(slot: int, width: int) -> Term:
    """What a slot holds."""
    register = Reg("slot", width)
    slots = {"slot": slot}
    return Term(register, slots, _value(register, slots), _taint(register, slots))


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
    return isinstance(expr, Op) and (expr.op == "select" or any(map(_has_select, expr.args)))


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


__all__ = ["CLEAN", "EVERYTHING", "NOWHERE", "Code", "Registers", "Taint", "Taints", "Term", "flatten"]
