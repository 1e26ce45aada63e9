"""What is asked of final states, looked at before they are known in full.

Most choices of traces, and of rf and co, cannot answer a question: their final registers alone say so. The model is
then not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from typing import NamedTuple

from mmcheck.ir.program import Const, Expr, Op, Reg, apply, registers_of


class Asked(NamedTuple):
    """That the condition `expr` (1 bit) over final registers and cells has the `outcome` 0 or 1."""

    expr: Expr
    outcome: int


class Part(NamedTuple):
    """A condition that is part of a question. `owner` is the agent to which all its registers belong, if there is one
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


_KNOWN: dict[tuple[int, int], tuple[Expr, list[Part]]] = {}
"""What `parts` said, by the identity of the expression and the outcome."""
MOST = 1_000


def parts(asked: Asked) -> list[Part]:
    """The conditions that must hold together."""
    key = (id(asked.expr), asked.outcome)
    known = _KNOWN.get(key)
    if known is not None and known[0] is asked.expr:
        return known[1]
    if len(_KNOWN) >= MOST:
        _KNOWN.clear()
    found = list(_parts(asked.expr, asked.outcome))
    _KNOWN[key] = (asked.expr, found)
    return found


def _parts(expr: Expr, outcome: int) -> Iterator[Part]:
    if isinstance(expr, Op) and expr.width == 1:
        if expr.op == "not":
            yield from _parts(expr.args[0], 1 - outcome)
            return
        if expr.op == ("and" if outcome else "or"):
            for arg in expr.args:
                yield from _parts(arg, outcome)
            return
    names = frozenset([register.name for register in registers_of(expr)])
    owners = {"" if name.startswith("[") else name.rpartition(":")[0] for name in names}
    yield Part(expr, outcome, names, owners.pop() if len(owners) == 1 else "", compiled(expr))


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
