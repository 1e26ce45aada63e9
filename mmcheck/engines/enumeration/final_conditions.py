"""Conditions on final states, looked at before these are known in full.

Most choices of traces, and of rf and co, cannot answer a question: their final registers alone say so. The model is
then not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from typing import NamedTuple

from mmcheck.ir.program import Const, Expr, Op, Reg, apply, registers_of


class FinalCondition(NamedTuple):
    """That `expr` (1 bit) over final registers and cells has the `outcome` 0 or 1."""

    expr: Expr
    outcome: int


class Conjunct(NamedTuple):
    """A condition that must hold with others. `owner` is the agent to which all its registers belong, if there is one
    and it is about no cell."""

    expr: Expr
    outcome: int
    names: frozenset[str]
    owner: str
    value: Callable[[Mapping[str, int]], int]

    def holds(self, final: Mapping[str, int]) -> bool:
        """Whether it comes out as asked."""
        return self.value(final) == self.outcome

    def refutes(self, final: Mapping[str, int], open: Set[str]) -> bool:
        """Whether it does not if final values are these, but for those of `open`, which may be any."""
        return self.names.isdisjoint(open) and self.value(final) != self.outcome


def conjuncts(expr: Expr, outcome: int) -> Iterator[Conjunct]:
    """The conditions that must hold together for `expr` to have the `outcome`."""
    if isinstance(expr, Op) and expr.width == 1:
        if expr.op == "not":
            yield from conjuncts(expr.args[0], 1 - outcome)
            return
        if expr.op == ("and" if outcome else "or"):
            for arg in expr.args:
                yield from conjuncts(arg, outcome)
            return
    names = frozenset([register.name for register in registers_of(expr)])
    owners = {"" if name.startswith("[") else name.rpartition(":")[0] for name in names}
    yield Conjunct(expr, outcome, names, owners.pop() if len(owners) == 1 else "", compiled(expr))


def compiled(expr: Expr) -> Callable[[Mapping[str, int]], int]:
    """`mmcheck.ir.program.evaluate` for an expression that is evaluated often."""
    if isinstance(expr, Const):
        constant = expr.value
        return lambda _: constant
    if isinstance(expr, Reg):
        register = expr.name
        return lambda final: final.get(register, 0)
    args = tuple([compiled(arg) for arg in expr.args])
    if expr.op == "eq":
        left, right = args
        return lambda final: int(left(final) == right(final))
    op, width, widths = expr.op, expr.width, tuple([arg.width for arg in expr.args])
    return lambda final: apply(op, tuple([arg(final) for arg in args]), widths, width)
