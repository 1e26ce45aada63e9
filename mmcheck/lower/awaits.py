"""What an `await` may do, so that its last round stands for all of it (docs/compiler.md, waits).

A failing round writes nothing: no store, and of read-modify-writes only those that write what they
read, or nothing. It carries no value into the next round or out of the loop. It reads something.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from mmcheck import program as ir
from mmcheck.lower.names import problem
from mmcheck.records import replace
from mmcheck.syntax import ast

if TYPE_CHECKING:
    from mmcheck.lower.unit import Unit

_ADVICE = "write a bounded loop: repeat 3 { … if done { break } }"
_MAX_SAMPLED = 3
"""Registers whose values are tried out; with more, a read-modify-write is refused."""


def check_await(unit: Unit, statement: ir.Await, node: ast.Await, outer: frozenset[str]) -> ir.Await:
    """`statement`, or what stands for it; `outer` are the registers known around it. Raises `Problem`."""
    inside = list(unit.functions.reachable(statement.body))
    if not any(isinstance(each, ir.Load | ir.Rmw) for each in inside):
        raise problem("MM226", "this wait reads nothing that another agent could change", node.condition.span)
    for each in inside:
        if isinstance(each, ir.Await | ir.Loop):
            raise problem("MM226", "a loop inside an await", node.span, _ADVICE)
        if isinstance(each, ir.Assert):
            hint = "assert behind the await, where its last round is known"
            raise problem("MM226", "an assert inside an await", each.origin.span or node.span, hint)
        if isinstance(each, ir.Store | ir.StoreExclusive):
            span = each.origin.span or node.span
            raise problem("MM225", "an await must not write: a round that fails would be seen", span, _ADVICE)
    for each in ir.walk(statement.body):
        if isinstance(each, ir.Return):
            raise problem("MM226", "a return inside an await", each.origin.span or node.span, _ADVICE)
    body = _modifications(unit, statement, node)
    name = _carried(unit, statement, outer)
    if name is not None:
        message = f"'{name.removeprefix('@')}' carries a value from one round of an await to the next, or out of it"
        raise problem("MM226", message, node.span, _ADVICE)
    return replace(statement, body=body)


# --- read-modify-writes --------------------------------------------------------------------------------


def _modifications(unit: Unit, statement: ir.Await, node: ast.Await) -> ir.Block:
    """The body; a read-modify-write that always writes does so in the last round only."""
    known: dict[str, ir.Expr] = {}
    often = Counter(reg.name for each in ir.walk(statement.body) for reg in _writes_of(each))
    called: list[ir.Rmw] = []
    for each in statement.body:
        if isinstance(each, ir.Assign) and often[each.dst.name] == 1:
            known[each.dst.name] = each.expr
        elif isinstance(each, ir.Call):
            called += _inline(unit, each, known)
    cond = _expand(statement.cond, known)
    body: list[ir.Statement] = []
    direct = {id(each) for each in statement.body}
    for each in statement.body:
        if isinstance(each, ir.Rmw):
            each = _last_round_only(each, cond, node)
        elif isinstance(each, ir.Choice):
            direct |= {id(one) for _, block in each.options for one in block}
            options = [
                (name, tuple(_last_round_only(one, cond, node) if isinstance(one, ir.Rmw) else one for one in block))
                for name, block in each.options
            ]
            each = replace(each, options=tuple(options))
        body.append(each)
    for inner in ir.walk(statement.body):
        if isinstance(inner, ir.Rmw) and id(inner) not in direct:
            raise _writes(inner, node)
    for modification in called:
        if modification.when == ir.TRUE or not _fails_silently(modification, cond):
            raise _writes(modification, node)
    return tuple(body)


def _last_round_only(rmw: ir.Rmw, cond: ir.Expr, node: ast.Await) -> ir.Rmw:
    """`rmw`, if a round that fails writes nothing new; one that always writes then does so in the last round only."""
    if not _fails_silently(rmw, cond):
        raise _writes(rmw, node)
    if rmw.when != ir.TRUE:
        return rmw
    if {reg.name for reg in ir.registers_of(cond)} != {rmw.dst.name}:
        raise _writes(rmw, node)
    # It writes in the round that succeeds, and only there: the others put back what they read.
    when = _replace(cond, rmw.dst.name, ir.Reg(ir.OLD, rmw.dst.width))
    return replace(rmw, when=when, fail_tags=rmw.fail_tags or rmw.read_tags)


def _writes(rmw: ir.Rmw, node: ast.Await) -> Exception:
    span = rmw.origin.span or node.span
    hint = "wait for what a failing round cannot see: x.swap(1, acquire) != 1; or " + _ADVICE
    return problem("MM225", "this read-modify-write may write in a round that fails", span, hint)


def _inline(unit: Unit, call: ir.Call, known: dict[str, ir.Expr]) -> list[ir.Rmw]:
    """The read-modify-writes of a called function; what it returns goes to `known` if it runs straight."""
    function = unit.functions.bodies.get(call.function)
    if function is None:
        return []
    found = [each for each in unit.functions.reachable(function.body) if isinstance(each, ir.Rmw)]
    last = function.body[-1] if function.body else None
    straight = not any(isinstance(each, ir.If | ir.Call) for each in function.body)
    if found and call.dst is not None and straight and isinstance(last, ir.Return) and last.value is not None:
        inner = {each.dst.name: each.expr for each in function.body if isinstance(each, ir.Assign)}
        known[call.dst.name] = _expand(last.value, inner)
    return found


def _expand(expr: ir.Expr, known: dict[str, ir.Expr]) -> ir.Expr:
    if isinstance(expr, ir.Reg) and expr.name in known:
        return _expand(known[expr.name], {name: each for name, each in known.items() if name != expr.name})
    if isinstance(expr, ir.Op):
        return ir.Op(expr.op, tuple(_expand(arg, known) for arg in expr.args), expr.width)
    return expr


def _replace(expr: ir.Expr, name: str, new: ir.Expr) -> ir.Expr:
    return _expand(expr, {name: new})


def _fails_silently(rmw: ir.Rmw, cond: ir.Expr) -> bool:
    """Whether a round in which `cond` is false leaves the place as it was.

    Tried out on the numbers that occur and their neighbours: exact for conditions that compare.
    """
    ok = rmw.ok.name if rmw.ok is not None else ""
    free = {reg.name: reg.width for each in (cond, rmw.when, rmw.new) for reg in ir.registers_of(each)}
    for bound in (ir.OLD, ok, rmw.dst.name):
        free.pop(bound, None)
    if len(free) > _MAX_SAMPLED:
        return False
    numbers = {0, 1}
    for each in (cond, rmw.when, rmw.new):
        numbers |= {number + step for number in _numbers(each) for step in (-1, 0, 1)}
    for old in _sample(numbers, rmw.dst.width):
        for values in product(*(_sample(numbers | {old}, width) for width in free.values())):
            registers = {**dict(zip(free, values, strict=True)), ir.OLD: old, rmw.dst.name: old}
            written = bool(ir.evaluate(rmw.when, registers))
            registers[ok] = int(written)
            changed = written and ir.evaluate(rmw.new, registers) != old
            if changed and not ir.evaluate(cond, registers):
                return False
    return True


def _sample(numbers: set[int], width: int) -> list[int]:
    mask = (1 << width) - 1
    return sorted({number & mask for number in numbers} | {mask, (mask >> 1) + 1})


def _numbers(expr: ir.Expr) -> Iterator[int]:
    if isinstance(expr, ir.Const):
        yield expr.value
    elif isinstance(expr, ir.Op):
        for arg in expr.args:
            yield from _numbers(arg)


# --- values carried over -------------------------------------------------------------------------------


@dataclass(slots=True)
class _Flow:
    """Registers that a round has set on every path so far, and the first that it read before setting it."""

    unit: Unit
    assigned: frozenset[str]
    carried: str | None = None

    def read(self, expr: ir.Expr | None, done: set[str]) -> None:
        if expr is None:
            return
        for reg in ir.registers_of(expr):
            if self.carried is None and reg.name in self.assigned and reg.name not in done:
                self.carried = reg.name

    def block(self, block: ir.Block, done: set[str]) -> None:
        for statement in block:
            for expr in _reads(statement):
                self.read(expr, done)
            if isinstance(statement, ir.If):
                then, orelse = set(done), set(done)
                self.block(statement.then, then)
                self.block(statement.orelse, orelse)
                done |= then & orelse
            elif isinstance(statement, ir.Parallel):
                self.block(statement.body, done)
            elif isinstance(statement, ir.Choice):
                ends = []
                for _, option in statement.options:
                    ends.append(set(done))
                    self.block(option, ends[-1])
                done |= set.intersection(*ends)
            elif isinstance(statement, ir.Call):
                for name in sorted(_agent_reads(self.unit, statement)):
                    self.read(ir.Reg(name), done)
            done |= {reg.name for reg in _writes_of(statement)}


def _carried(unit: Unit, statement: ir.Await, outer: frozenset[str]) -> str | None:
    """A register through which one round can tell another what it found."""
    assigned = {reg.name for each in ir.walk(statement.body) for reg in _writes_of(each)}
    maybe: set[str] = set()
    for each in ir.walk(statement.body):
        if isinstance(each, ir.Call):
            maybe |= _agent_writes(unit, each)
    flow = _Flow(unit, frozenset(assigned | maybe))
    done: set[str] = set()
    flow.block(statement.body, done)
    flow.read(statement.cond, done)
    if flow.carried is not None:
        return flow.carried
    leaving = {name for name in assigned | maybe if name in outer or name.startswith("@")}
    return min(leaving - done, default=None)


def _reads(statement: ir.Statement) -> Iterator[ir.Expr | None]:
    match statement:
        case ir.Assign(expr=expr):
            yield expr
        case ir.Load(address=address):
            yield address
        case ir.Rmw():
            yield from (statement.address, statement.new, statement.when, statement.compare)
        case ir.If(cond=cond) | ir.Assert(cond=cond):
            yield cond
        case ir.Call(args=args):
            yield from args
        case ir.Return(value=value):
            yield value


def _writes_of(statement: ir.Statement) -> Iterator[ir.Reg]:
    match statement:
        case ir.Assign(dst=dst) | ir.Load(dst=dst):
            yield dst
        case ir.Rmw(dst=dst, ok=ok):
            yield dst
            if ok is not None:
                yield ok
        case ir.Call(dst=dst) if dst is not None:
            yield dst


def _agent_writes(unit: Unit, call: ir.Call) -> set[str]:
    """The agent's own registers that a call may set."""
    inside = unit.functions.reachable((call,))
    return {reg.name for each in inside for reg in _writes_of(each) if reg.name.startswith("@")}


def _agent_reads(unit: Unit, call: ir.Call) -> set[str]:
    inside = unit.functions.reachable((call,))
    return {
        reg.name
        for each in inside
        for expr in _reads(each)
        if expr is not None
        for reg in ir.registers_of(expr)
        if reg.name.startswith("@")
    }
