"""A `Thread` as flat code: what `mmcheck.ir.steps` interprets.

Functions are inlined, blocks become jumps, registers become slots. Every activation of a function has
registers of its own, cleared at entry; ``@`` registers are the agent's. `Choice` is resolved. This is the
independent counterpart of `mmcheck.engines.unfolding.unfold`, and shares nothing with it but the program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mmcheck.base.errors import InternalError, UnknownVerdict
from mmcheck.base.records import replace
from mmcheck.ir import program as ir
from mmcheck.ir.instructions import (
    Back,
    Branch,
    CheckOp,
    Clear,
    Code,
    FenceOp,
    ForkOp,
    GivenOp,
    Goto,
    HaltOp,
    Instruction,
    LoadOp,
    RmwOp,
    RoundOp,
    Set,
    StoreOp,
    Term,
    TestOp,
    term,
)
from mmcheck.ir.loops import exit_test
from mmcheck.ir.program import ENTRY, RETURN, Block, Expr, Program, Thread


def flatten(program: Program, thread: Thread, *, bound: int = 2, choices: Mapping[str, str] | None = None) -> Code:
    """The code of `thread`. A loop's body runs at most `bound` times, and so does what a backward `Jump` repeats,
    in each round of a loop around it. `choices` names an option for the sites where it is not the first."""
    return _Flattener(program, thread, bound, choices or {}).code()


@dataclass(slots=True)
class _Scope:
    """One activation: the prefix of its registers, where `Return` and `Break` go (fixed up later)."""

    prefix: str
    dst: int | None
    returns: list[int]
    width: int = 64
    breaks: list[int] | None = None


class _Flattener:
    def __init__(self, program: Program, thread: Thread, bound: int, choices: Mapping[str, str]) -> None:
        self.program, self.thread, self.bound, self.choices = program, thread, bound, choices
        self.ops: list[Instruction] = []
        self.slots: dict[str, int] = {}
        self.labels: dict[str, tuple[int, int]] = {}
        self.numbers = 0
        self.active: list[str] = []

    def code(self) -> Code:
        scope = _Scope("", None, [])
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
        return term(expr, slots)

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
                self.ops[at] = Branch(cond, target, len(self.ops))
            else:
                self.statement(statement, scope)
        for at, label in forward:
            branch = self.ops[at]
            assert isinstance(branch, Branch)
            self.ops[at] = replace(branch, then=here[label])

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
                self.emit(StoreOp(address, data, self.thread.carries(s.tags), s.origin))
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
        cond = self.term(s.cond, scope)
        at = self.emit(Goto(0))
        self.block(s.then, scope)
        end = self.emit(Goto(0))
        orelse = len(self.ops)
        self.block(s.orelse, scope)
        self.patch([end])
        self.ops[at] = Branch(cond, at + 1, orelse)

    def loop(self, s: ir.Loop, scope: _Scope) -> None:
        counter = self.hidden()
        self.emit(Clear((counter,)))
        start = len(self.ops)
        inner = replace(scope, breaks=[])
        self.block(s.body, inner)
        last = exit_test(s.body, self.program.functions) if s.rounds is None else ()
        rounds, spills = (self.bound, bool(last)) if s.rounds is None else (s.rounds, True)
        self.emit(Back(counter, start, rounds - 1, spills=spills))
        if last:
            self.block(last, inner)
            self.emit(Back(counter, start, -1))
        self.patch(inner.breaks or [])

    def wait(self, s: ir.Await, scope: _Scope) -> None:
        number = self.number()
        start = self.emit(RoundOp(number, s.origin, s.rereads))
        self.block(s.body, scope)
        cond = self.term(s.cond, scope)
        test = self.emit(Goto(0))
        orelse = None
        if s.tries is not None:
            orelse = len(self.ops)
            self.block(s.orelse, scope)
        self.ops[test] = TestOp(cond, start, len(self.ops), orelse, number, s.origin)

    def call(self, s: ir.Call, scope: _Scope) -> None:
        function = self.program.functions.get(s.function)
        if function is None:
            raise InternalError(f"no function {s.function!r}")
        if s.function in self.active:
            raise UnknownVerdict(f"{s.function} calls itself")
        prefix = f"{s.function}#{self.number()}."
        clear = self.emit(Clear(()))
        before = len(self.slots)
        for parameter, arg in zip(function.params, s.args, strict=True):
            value = self.term(arg, scope)
            self.emit(Set(self.slot(parameter.name, prefix), value, parameter.width))
        dst = None if s.dst is None else self.slot(s.dst.name, scope.prefix)
        inner = _Scope(prefix, dst, [], 64 if s.dst is None else s.dst.width)
        self.active.append(s.function)
        self.block(function.body, inner)
        self.active.pop()
        self.patch(inner.returns)
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
