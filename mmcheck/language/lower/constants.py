"""Constants: declared ones by name, and expressions that must be known before anything runs."""

from __future__ import annotations

from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.language.lower import values
from mmcheck.language.lower.context import Context
from mmcheck.language.lower.expressions import Evaluator, Place
from mmcheck.language.lower.names import Problem, problem
from mmcheck.language.lower.types import IntType
from mmcheck.language.lower.values import Literal, Value
from mmcheck.language.syntax import ast


class Constants(Evaluator):
    """Evaluates without registers and without memory; an address is a constant, too."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._busy: list[str] = []

    def constant(self, name: str, span: Span) -> Value:
        """The value of the declared constant `name`."""
        if name not in self.context.constants:
            if name in self._busy:
                chain = " → ".join([*self._busy[self._busy.index(name) :], name])
                raise problem("MM212", f"the constant '{name}' needs itself: {chain}", span)
            node = self.context.declarations.consts[name]
            self._busy.append(name)
            try:
                value = self.value(node.value)
                if node.type is not None:
                    value = values.coerce(value, self.context.types.read(node.type), node.value.span)
                self.context.constants[name] = value
            except Problem as found:
                self.context.constants[name] = values.Unknown()
                if found.diagnostic is not None:
                    self.context.reporter.add(found.diagnostic)
            finally:
                self._busy.pop()
        return self.context.constants[name]

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
