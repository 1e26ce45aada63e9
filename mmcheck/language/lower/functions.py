"""The file's functions: one IR function for each set of argument types, made when first called."""

from __future__ import annotations

from collections.abc import Sequence

from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.ir.polling.rounds import exits
from mmcheck.language.lower import values
from mmcheck.language.lower.calls import call_word, method_word
from mmcheck.language.lower.context import Context, Instance
from mmcheck.language.lower.names import Problem, problem
from mmcheck.language.lower.statements import Statements
from mmcheck.language.lower.types import DEFAULT, BoolType, IntType, PointerType, Scalar, Type, width_of
from mmcheck.language.lower.values import Literal, Unknown, Val, Value, describe
from mmcheck.language.syntax import ast


class Body(Statements):
    """Lowers one body with all that it calls; a function whose parameters have types has one instance."""

    def invoke(self, node: ast.Call | ast.MethodCall, *, wanted: bool) -> Value | None:
        """Lower a call; its value, or None if it has none. `wanted`: somebody uses the value."""
        if isinstance(node, ast.MethodCall):
            return method_word(self, node, wanted=wanted)
        if node.function.text in self.context.declarations.functions:
            return self._own(node, wanted=wanted)
        return call_word(self, node, wanted=wanted)

    def _own(self, node: ast.Call, *, wanted: bool) -> Value | None:
        name = node.function.text
        declared = self.context.declarations.functions[name]
        if len(node.args) != len(declared.params):
            names = ", ".join(param.name.text for param in declared.params)
            raise problem("MM219", f"'{name}' is called with {len(node.args)} arguments: {name}({names})", node.span)
        given: list[Value] = []
        for position, arg in enumerate(node.args):
            if arg.choice:
                raise problem("MM219", "'?' marks an order, and this is none", arg.span)
            value = self.value(arg.value)
            for later in node.args[position + 1 :]:
                value = self.hold(value, later.value)
            given.append(value)
        instance = self._instance(declared, given, [arg.span for arg in node.args], node.function.span)
        args = tuple(
            values.coerce(value, type_, arg.span).expr
            for value, type_, arg in zip(given, instance.types, node.args, strict=True)
        )
        if self.silent and self._touches_memory(instance.name):
            raise problem("MM229", f"an assert reads no shared memory, and '{name}' does", node.span)
        if instance.result is None or not wanted:
            self.emit(ir.Call(instance.name, args, None, self.frame.origin))
            return None
        dst = self.frame.temporary(width_of(instance.result))
        self.emit(ir.Call(instance.name, args, dst, self.frame.origin))
        return Val(dst, instance.result)

    def _instance(self, node: ast.FnDecl, given: Sequence[Value], spans: Sequence[Span], span: Span) -> Instance:
        """The instance of `node` for a call with the arguments `given`."""
        types: list[Scalar] = []
        for param, value, place in zip(node.params, given, spans, strict=True):
            if isinstance(value, Unknown):
                raise Problem(None)
            if param.type is not None:
                types.append(_plain(self.context.types.read(param.type), param.type.span, "a parameter"))
            elif isinstance(value, Val):
                types.append(value.type)
            elif isinstance(value, Literal):
                types.append(DEFAULT)
            else:
                raise problem("MM216", f"{describe(value)} cannot be an argument", place, "pass '&' of its place")
        return _find(self.context, node, tuple(types), span)

    def _touches_memory(self, name: str) -> bool:
        """Whether a call of the function `name` makes events."""
        events = (ir.Load, ir.Store, ir.StoreExclusive, ir.Rmw, ir.Fence, ir.Await)
        bodies = self.context.bodies
        return name in bodies and any(isinstance(each, events) for each in self.context.reachable(bodies[name].body))


def lower_unused(context: Context) -> None:
    """Lower what nobody calls, so far as its types are known: mistakes show, and the machine may call it."""
    for node in context.declarations.functions.values():
        if all(param.type is not None for param in node.params):
            with context.reporter.collect():
                types = [
                    _plain(context.types.read(param.type), param.span, "a parameter")
                    for param in node.params
                    if param.type is not None
                ]
                _find(context, node, tuple(types), node.name.span)


def _find(context: Context, node: ast.FnDecl, types: tuple[Scalar, ...], span: Span) -> Instance:
    key = (node.name.text, types)
    if node.name.text in context.lowering:
        chain = " → ".join([*context.lowering[context.lowering.index(node.name.text) :], node.name.text])
        raise problem("MM212", f"functions do not call themselves: {chain}", span, "write a loop")
    if key not in context.instances:
        context.instances[key] = _lower(context, node, types)
    return context.instances[key]


def _lower(context: Context, node: ast.FnDecl, types: tuple[Scalar, ...]) -> Instance:
    name, number = node.name.text, 1
    while name in context.bodies:
        number += 1
        name = f"{node.name.text}'{number}"
    result = None
    if node.result is not None:
        result = _plain(context.types.read(node.result), node.result.span, "a result")
    instance = Instance(name, types, result)
    context.bodies[name] = ir.Function(name, (), ())  # the name is taken, whatever happens inside
    code = Body(context, node.name.text, result, is_function=True)
    params: list[ir.Reg] = []
    for param, type_ in zip(node.params, types, strict=True):
        with context.reporter.collect():
            code.check_name(param.name)
        if any(each.name == param.name.text for each in params):
            context.reporter.report("MM202", f"the parameter '{param.name.text}' is defined twice", param.name.span)
        register = code.frame.new(param.name.text, type_)
        assert isinstance(register.expr, ir.Reg)
        code.frame.bind(param.name.text, register)
        params.append(register.expr)
    context.lowering.append(node.name.text)
    found = context.reporter.reports
    body = code.block(node.body, scope=False)
    context.lowering.pop()
    if result is not None and context.reporter.reports == found and not ends(body):
        message = f"not every path of '{node.name.text}' returns a value"
        context.reporter.report("MM228", message, node.name.span)
    width = width_of(result) if result is not None else None
    context.bodies[name] = ir.Function(name, tuple(params), body, width)
    return instance


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
            case ir.Loop(body=body, rounds=None) if not exits(body, ir.Break):
                return True
            case ir.Loop(body=body) if ends(body) and not exits(body, ir.Break):
                return True
    return False
