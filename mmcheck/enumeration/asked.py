"""What is asked of final states, looked at before they are known in full.

Most choices of traces, and of rf and co, cannot answer a question: their final registers alone say so. The model is
then not asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import NamedTuple

from mmcheck.program import Expr, Op, evaluate, registers_of


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

    def holds(self, final: Mapping[str, int]) -> bool:
        """Whether it comes out as asked."""
        return evaluate(self.expr, final) == self.outcome

    def refutes(self, final: Mapping[str, int], open: Set[str]) -> bool:
        """Whether it does not if final values are these, but for those of `open`, which may be any."""
        return self.names.isdisjoint(open) and evaluate(self.expr, final) != self.outcome


def parts(asked: Asked) -> list[Part]:
    """The conditions that must hold together."""
    expr, outcome = asked
    if isinstance(expr, Op) and expr.width == 1:
        if expr.op == "not":
            return parts(Asked(expr.args[0], 1 - outcome))
        if expr.op == ("and" if outcome else "or"):
            return [part for arg in expr.args for part in parts(Asked(arg, outcome))]
    names = frozenset([register.name for register in registers_of(expr)])
    owners = {"" if name.startswith("[") else name.rpartition(":")[0] for name in names}
    return [Part(expr, outcome, names, owners.pop() if len(owners) == 1 else "")]
