"""Conditions on final states: memory by name, registers and privates as ``thread.name``."""

from __future__ import annotations

from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.language.lower import values
from mmcheck.language.lower.context import Context
from mmcheck.language.lower.expressions import Evaluator, Place, single
from mmcheck.language.lower.names import Problem, near, problem
from mmcheck.language.lower.types import ArrayType, LatchType, RecordType
from mmcheck.language.lower.values import Literal, Val, Value
from mmcheck.language.syntax import ast


class Conditions(Evaluator):
    """Evaluates over the names of final states (`mmcheck.ir.program.state_register`, ``state_cell``)."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._cells = {cell.address: cell for cell in context.layout.cells}
        self.mentioned: set[tuple[str, str]] = set()
        """Threads and their private registers that a condition names."""

    def names(self) -> list[str]:
        return [*super().names(), *self.context.declarations.agents]

    def resolve(self, node: ast.Expr) -> Place | Value:
        if isinstance(node, ast.Field):
            agent, path = self._path(node)
            if agent is not None:
                return self._register(agent, path, node)
        return super().resolve(node)

    def _path(self, node: ast.Field) -> tuple[str | None, list[ast.Ident]]:
        """The thread that ``thread.name``, ``worker[0].name`` or ``thread.record.name`` begins with."""
        path = [node.name]
        base: ast.Expr = node.base
        while isinstance(base, ast.Field):
            path.append(base.name)
            base = base.base
        path.reverse()
        index: ast.Expr | None = None
        if isinstance(base, ast.Index):
            index = base.index
            base = base.base
        if not isinstance(base, ast.Name) or base.text not in self.context.declarations.agents:
            return None, path
        name = base.text
        if index is not None:
            name = f"{name}[{self.context.number(index)}]"
        if name not in self.context.registers:
            if name in self.context.layout.variables:
                return None, path
            if index is None and not any(each.startswith(f"{name}[") for each in self.context.registers):
                raise Problem(None)  # its declaration could not be lowered, which was said there
            known = list(self.context.registers)
            raise problem("MM230", f"no thread is called '{name}'{near(name, known)}", base.span)
        return name, path

    def _register(self, thread: str, path: list[ast.Ident], node: ast.Field) -> Value:
        name = ".".join(part.text for part in path)
        known = self.context.registers[thread]
        if name in known:
            value = known[name]
            assert isinstance(value.expr, ir.Reg)
            owner = self.context.alias.get(thread, thread)
            return Val(ir.state_register(owner, value.expr.name, value.expr.width), value.type)
        private = self.context.layout.privates.get(name)
        if private is not None:
            self.mentioned.add((thread, name))
            register = private.register
            owner = self.context.alias.get(thread, thread)
            return Val(ir.state_register(owner, register.name.removeprefix("@"), register.width), private.type)
        if thread.split("[")[0] in self.context.troubled:
            raise Problem(None)  # the mistake in it is reported, and may be all that is wrong
        found = near(name, [*known, *self.context.layout.privates])
        raise problem("MM200", f"'{thread}' has no register '{name}'{found}", node.name.span)

    def private(self, node: ast.Name) -> Value:
        agents = ", ".join(f"{name}.{node.text}" for name in self.context.registers)
        raise problem("MM230", f"'{node.text}' is private: say whose it is", node.span, f"one of {agents}")

    def read(self, place: Place, span: Span) -> Value:
        found = single(place)
        if isinstance(found.type, RecordType | ArrayType):
            raise problem("MM216", f"'{found.name}' is no single value: name a field or an element", span)
        cell = self._cells.get(found.address.value) if isinstance(found.address, ir.Const) else None
        if cell is None:
            raise problem(
                "MM230", "a condition on final states names its memory: numbers as indices, no pointers", span
            )
        state = ir.state_cell(cell.name, cell.width)
        if isinstance(found.type, LatchType):
            if found.type.value is None:
                raise problem("MM216", f"'{found.name}' is a latch without a value", span)
            return Val(values.resize(state, found.type.value.width), found.type.value)
        return Val(state, found.type)

    def operate(self, op: str, left: Value, right: Value, span: Span, spans: tuple[Span, Span]) -> Val | Literal:
        if values.demanded(op, left, right, span, spans) != ir.TRUE:
            what = "shifts" if op in ("<<", ">>") else "divides"
            hint = "do it in code, and name the register"
            raise problem("MM230", f"a condition on final states {what} by numbers only", spans[1], hint)
        return super().operate(op, left, right, span, spans)

    def call(self, node: ast.Call) -> Value:
        raise problem("MM230", "a condition on final states calls nothing", node.span)

    def method(self, node: ast.MethodCall) -> Value:
        raise problem("MM230", "a condition on final states accesses nothing: write the name alone", node.span)
