"""What an `await` may do, so that its last round stands for all of it (docs/compiler.md, waits).

A failing round writes nothing: no store, and of read-modify-writes only those that write what they
read, or nothing. It carries no value into the next round or out of the loop. It reads something.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mmcheck.base.records import replace
from mmcheck.ir import parts
from mmcheck.ir import program as ir
from mmcheck.ir.parts import set_by
from mmcheck.ir.polling.modifications import WritesWhereItFails, silenced
from mmcheck.language.lower.names import problem
from mmcheck.language.syntax import ast

_ADVICE = "write a bounded loop: repeat 3 { … if done { break } }"


def check_await(
    functions: Mapping[str, ir.Function], statement: ir.Await, node: ast.Await, outer: frozenset[str]
) -> ir.Await:
    """`statement`, or what stands for it; `outer` are the registers known around it. Raises `Problem`."""
    inside = list(parts.reachable(statement.body, functions))
    if not any(isinstance(each, ir.Load | ir.Rmw) for each in inside):
        raise problem("MM226", "this wait reads nothing that another agent could change", node.condition.span)
    for each in inside:
        if isinstance(each, ir.Await | ir.Loop):
            raise problem("MM226", "a loop inside an await", node.span, _ADVICE)
        if isinstance(each, ir.Assert):
            if each.requirement == ir.ARITHMETIC:
                message, hint = f"nothing says that {each.origin.text} in every round of this await", "divide behind it"
            else:
                message, hint = "an assert inside an await", "assert behind the await, where its last round is known"
            raise problem("MM226", message, each.origin.span or node.span, hint)
        if isinstance(each, ir.Store | ir.StoreExclusive):
            span = each.origin.span or node.span
            raise problem("MM225", "an await must not write: a round that fails would be seen", span, _ADVICE)
    for each in parts.walk(statement.body):
        if isinstance(each, ir.Return):
            raise problem("MM226", "a return inside an await", each.origin.span or node.span, _ADVICE)
    try:
        body = silenced(statement.body, statement.cond, functions)
    except WritesWhereItFails as found:
        span = found.rmw.origin.span or node.span
        hint = "wait for what a failing round cannot see: x.swap(1, acquire) != 1; or " + _ADVICE
        raise problem("MM225", "this read-modify-write may write in a round that fails", span, hint) from found
    name = _carried(functions, statement, outer)
    if name is not None:
        message = f"'{name.removeprefix('@')}' carries a value from one round of an await to the next, or out of it"
        raise problem("MM226", message, node.span, _ADVICE)
    return replace(statement, body=body)


# --- values carried over -------------------------------------------------------------------------------


@dataclass(slots=True)
class _Flow:
    """Registers that a round has set on every path so far, and the first that it read before setting it."""

    functions: Mapping[str, ir.Function]
    assigned: frozenset[str]
    carried: str | None = None

    def read(self, expr: ir.Expr, done: set[str]) -> None:
        for reg in ir.registers_of(expr):
            if self.carried is None and reg.name in self.assigned and reg.name not in done:
                self.carried = reg.name

    def block(self, block: ir.Block, done: set[str]) -> None:
        for statement in block:
            for expr in parts.exprs_of(statement):
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
                for name in sorted(_agent_reads(self.functions, statement)):
                    self.read(ir.Reg(name), done)
            done |= {reg.name for reg in set_by(statement)}


def _carried(functions: Mapping[str, ir.Function], statement: ir.Await, outer: frozenset[str]) -> str | None:
    """A register through which one round can tell another what it found."""
    assigned = {reg.name for each in parts.walk(statement.body) for reg in set_by(each)}
    maybe: set[str] = set()
    for each in parts.walk(statement.body):
        if isinstance(each, ir.Call):
            maybe |= _agent_writes(functions, each)
    flow = _Flow(functions, frozenset(assigned | maybe))
    done: set[str] = set()
    flow.block(statement.body, done)
    flow.read(statement.cond, done)
    if flow.carried is not None:
        return flow.carried
    leaving = {name for name in assigned | maybe if name in outer or name.startswith("@")}
    return min(leaving - done, default=None)


def _agent_writes(functions: Mapping[str, ir.Function], call: ir.Call) -> set[str]:
    """The agent's own registers that a call may set."""
    inside = parts.reachable((call,), functions)
    return {reg.name for each in inside for reg in set_by(each) if reg.name.startswith("@")}


def _agent_reads(functions: Mapping[str, ir.Function], call: ir.Call) -> set[str]:
    inside = parts.reachable((call,), functions)
    return {name for each in inside for name in parts.used_by(each) if name.startswith("@")}
