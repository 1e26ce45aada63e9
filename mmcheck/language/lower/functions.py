"""The file's functions: one IR function for each set of argument types, made when first called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mmcheck.base.records import record
from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.language.lower.names import Problem, problem
from mmcheck.language.lower.types import DEFAULT, BoolType, IntType, PointerType, Scalar, Type, width_of
from mmcheck.language.lower.values import Literal, Unknown, Val, Value, describe
from mmcheck.language.syntax import ast

if TYPE_CHECKING:
    from mmcheck.language.lower.unit import Unit


@record
class Instance:
    """A function at some argument types, by its name in the program."""

    name: str
    types: tuple[Scalar, ...]
    result: Scalar | None


class Functions:
    """Instances by need; a function whose parameters have types has one."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._instances: dict[tuple[str, tuple[Scalar, ...]], Instance] = {}
        self._busy: list[str] = []
        self.bodies: dict[str, ir.Function] = {}

    def instance(self, node: ast.FnDecl, given: Sequence[Value], spans: Sequence[Span], span: Span) -> Instance:
        """The instance of `node` for a call with the arguments `given`."""
        types: list[Scalar] = []
        for param, value, place in zip(node.params, given, spans, strict=True):
            if isinstance(value, Unknown):
                raise Problem(None)
            if param.type is not None:
                types.append(self._plain(self._unit.types.read(param.type), param.type.span, "a parameter"))
            elif isinstance(value, Val):
                types.append(value.type)
            elif isinstance(value, Literal):
                types.append(DEFAULT)
            else:
                raise problem("MM216", f"{describe(value)} cannot be an argument", place, "pass '&' of its place")
        return self._find(node, tuple(types), span)

    def lower_unused(self) -> None:
        """Lower what nobody calls, so far as its types are known: mistakes show, and the machine may call it."""
        for node in self._unit.declarations.functions.values():
            if all(param.type is not None for param in node.params):
                with self._unit.reporter.collect():
                    types = [
                        self._plain(self._unit.types.read(param.type), param.span, "a parameter")
                        for param in node.params
                        if param.type is not None
                    ]
                    self._find(node, tuple(types), node.name.span)

    def reachable(self, block: ir.Block) -> Iterator[ir.Statement]:
        """Every statement that `block` may execute, in itself and in the functions it calls, once each."""
        return ir.reachable(block, self.bodies)

    def touches_memory(self, name: str) -> bool:
        """Whether a call of the function `name` makes events."""
        events = (ir.Load, ir.Store, ir.StoreExclusive, ir.Rmw, ir.Fence, ir.Await)
        return name in self.bodies and any(isinstance(each, events) for each in self.reachable(self.bodies[name].body))

    def _find(self, node: ast.FnDecl, types: tuple[Scalar, ...], span: Span) -> Instance:
        key = (node.name.text, types)
        if node.name.text in self._busy:
            chain = " → ".join([*self._busy[self._busy.index(node.name.text) :], node.name.text])
            raise problem("MM212", f"functions do not call themselves: {chain}", span, "write a loop")
        if key not in self._instances:
            self._instances[key] = self._lower(node, types)
        return self._instances[key]

    def _lower(self, node: ast.FnDecl, types: tuple[Scalar, ...]) -> Instance:
        from mmcheck.language.lower.statements import Statements

        unit, name, number = self._unit, node.name.text, 1
        while name in self.bodies:
            number += 1
            name = f"{node.name.text}'{number}"
        result = None
        if node.result is not None:
            result = self._plain(unit.types.read(node.result), node.result.span, "a result")
        instance = Instance(name, types, result)
        self.bodies[name] = ir.Function(name, (), ())  # the name is taken, whatever happens inside
        code = Statements(unit, node.name.text, result, is_function=True)
        params: list[ir.Reg] = []
        for param, type_ in zip(node.params, types, strict=True):
            with unit.reporter.collect():
                code.check_name(param.name)
            if any(each.name == param.name.text for each in params):
                unit.reporter.report("MM202", f"the parameter '{param.name.text}' is defined twice", param.name.span)
            register = code.frame.new(param.name.text, type_)
            assert isinstance(register.expr, ir.Reg)
            code.frame.bind(param.name.text, register)
            params.append(register.expr)
        self._busy.append(node.name.text)
        found = unit.reporter.reports
        body = code.block(node.body, scope=False)
        self._busy.pop()
        if result is not None and unit.reporter.reports == found and not ends(body):
            message = f"not every path of '{node.name.text}' returns a value"
            unit.reporter.report("MM228", message, node.name.span)
        width = width_of(result) if result is not None else None
        self.bodies[name] = ir.Function(name, tuple(params), body, width)
        return instance

    @staticmethod
    def _plain(type_: Type, span: Span, what: str) -> Scalar:
        if not isinstance(type_, IntType | BoolType | PointerType):
            raise problem("MM216", f"{what} is a number, a truth value or a pointer, not {type_}", span)
        return type_


def ends(block: ir.Block) -> bool:
    """Whether no path leads to the end of `block`."""
    for statement in block:
        match statement:
            case ir.Return():
                return True
            case ir.If(then=then, orelse=orelse) if ends(then) and ends(orelse):
                return True
            case ir.Loop(body=body, rounds=None) if not _breaks(body):
                return True
            case ir.Loop(body=body) if ends(body) and not _breaks(body):
                return True
    return False


def _breaks(block: ir.Block) -> bool:
    """Whether a `Break` of `block` leaves the loop around it."""
    for statement in block:
        if isinstance(statement, ir.Break):
            return True
        if not isinstance(statement, ir.Loop) and any(_breaks(inner) for inner in ir.children(statement)):
            return True
    return False
