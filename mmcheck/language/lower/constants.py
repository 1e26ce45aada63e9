"""Constants: declared ones by name, and expressions that must be known before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.language.lower import values
from mmcheck.language.lower.expressions import Evaluator, Place
from mmcheck.language.lower.names import Problem, problem
from mmcheck.language.lower.types import IntType
from mmcheck.language.lower.values import Literal, Value
from mmcheck.language.syntax import ast

if TYPE_CHECKING:
    from mmcheck.language.lower.unit import Unit


class Constants(Evaluator):
    """Evaluates without registers and without memory; an address is a constant, too."""

    def __init__(self, unit: Unit) -> None:
        super().__init__(unit)
        self._done: dict[str, Value] = {}
        self._busy: list[str] = []

    def named(self, name: str, span: Span) -> Value:
        """The value of the declared constant `name`."""
        if name not in self._done:
            if name in self._busy:
                chain = " → ".join([*self._busy[self._busy.index(name) :], name])
                raise problem("MM212", f"the constant '{name}' needs itself: {chain}", span)
            node = self.unit.declarations.consts[name]
            self._busy.append(name)
            try:
                value = self.value(node.value)
                if node.type is not None:
                    value = values.coerce(value, self.unit.types.read(node.type), node.value.span)
                self._done[name] = value
            except Problem as found:
                self._done[name] = values.Unknown()
                if found.diagnostic is not None:
                    self.unit.reporter.add(found.diagnostic)
            finally:
                self._busy.pop()
        return self._done[name]

    def number(self, node: ast.Expr) -> int:
        """The integer that `node` is: a length, a count, a CPU."""
        found = values.scalar(self.value(node), node.span)
        if isinstance(found, Literal):
            return found.number
        if isinstance(found.expr, ir.Const) and isinstance(found.type, IntType):
            return values.signed_value(found.expr.value, found.type)
        raise problem("MM217", f"a number is needed here, not {found.type}", node.span)

    def private(self, node: ast.Name) -> Value:
        raise problem("MM217", f"'{node.text}' is not known before the program runs", node.span)

    def read(self, place: Place, span: Span) -> Value:
        raise problem("MM217", f"'{place.name}' is memory: it is not known before the program runs", span)

    def call(self, node: ast.Call) -> Value:
        raise problem("MM217", "a constant cannot call a function", node.span)

    def method(self, node: ast.MethodCall) -> Value:
        raise problem("MM217", "a constant cannot read memory", node.span)
