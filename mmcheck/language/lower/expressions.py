"""Expressions: names, places, operators. What a read or a call means is left to the subclasses.

`Evaluator` is used three times: for constants (`mmcheck.language.lower.constants`), for conditions on final
states (`mmcheck.language.lower.conditions`) and for code (`mmcheck.language.lower.code`).
"""

from __future__ import annotations

from collections.abc import Mapping

from mmcheck.base.records import record, replace
from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.language.lower import values
from mmcheck.language.lower.context import Context
from mmcheck.language.lower.names import Problem, near, problem
from mmcheck.language.lower.types import ArrayType, IntType, PointerType, RecordType, Type, pointer_to, size_of
from mmcheck.language.lower.values import Literal, RecordVal, Val, Value
from mmcheck.language.syntax import ast


@record
class Place:
    """Something in shared memory: where, of which type, in which kind of storage."""

    address: ir.Expr
    type: Type
    kind: ast.StorageKind
    name: str


class Evaluator:
    """The value of an expression in some context."""

    def __init__(self, context: Context) -> None:
        self.context = context

    # --- what subclasses define ---

    def local(self, node: ast.Name) -> Value | None:
        """The register or parameter of that name, if this context has one."""
        return None

    def constant(self, name: str, span: Span) -> Value:
        """The value of the declared constant `name`."""
        return self.context.constants[name]

    def read(self, place: Place, span: Span) -> Value:
        """The value at `place`, read as its storage says."""
        raise NotImplementedError

    def call(self, node: ast.Call) -> Value:
        raise NotImplementedError

    def method(self, node: ast.MethodCall) -> Value:
        raise NotImplementedError

    def lazily(self, node: ast.Binary) -> Value:
        """``left && right``, ``left || right``."""
        spans = (node.left.span, node.right.span)
        return values.binary(node.op, self.value(node.left), self.value(node.right), node.span, spans)

    def operate(self, op: str, left: Value, right: Value, span: Span, spans: tuple[Span, Span]) -> Val | Literal:
        """``left op right`` of two values that are both there."""
        return values.binary(op, left, right, span, spans)

    def hold(self, value: Value, later: ast.Expr) -> Value:
        """`value` kept as it is now, while `later` is evaluated."""
        return value

    def names(self) -> list[str]:
        """Names that could stand in an expression here, for suggestions."""
        context = self.context
        return [*context.layout.variables, *context.layout.privates, *context.declarations.consts]

    # --- expressions ---

    def value(self, node: ast.Expr) -> Value:
        match node:
            case ast.Number(value=number):
                return Literal(number)
            case ast.Bool(value=truth):
                return values.boolean(truth)
            case ast.Null():
                return Val(ir.Const(0, 64), PointerType(None))
            case ast.Name() | ast.Index() | ast.Deref() | ast.Field():
                found = self.resolve(node)
                return self.read(found, node.span) if isinstance(found, Place) else found
            case ast.AddrOf(place=inner):
                place = self.place(inner)
                return Val(place.address, pointer_to(place.type))
            case ast.Unary(op=op, operand=operand):
                return values.unary(op, self.value(operand), node.span)
            case ast.Binary(op="&&" | "||"):
                return self.lazily(node)
            case ast.Binary(op=op, left=left, right=right):
                first = self.hold(self.value(left), right)
                return self.operate(op, first, self.value(right), node.span, (left.span, right.span))
            case ast.Cast(value=inner, type=type_):
                return values.cast(self.value(inner), self.context.types.read(type_), node.span)
            case ast.Call():
                return self.call(node)
            case ast.MethodCall():
                return self.method(node)
            case ast.RecordLiteral():
                hint = "store it, or say its type: let d: Desc = { … }"
                raise problem("MM216", "nothing says which record this is", node.span, hint)
            case ast.Text():
                raise problem("MM216", "a text is no value", node.span)
        raise AssertionError(node)

    def condition(self, node: ast.Expr) -> ir.Expr:
        """The 1-bit expression of the truth value `node`."""
        return values.condition(self.value(node), node.span)

    # --- names and places ---

    def resolve(self, node: ast.Expr) -> Place | Value:
        """What `node` is: a place, not yet read, or a value. What is read on the way to it is read."""
        match node:
            case ast.Name():
                return self._name(node)
            case ast.Index():
                return self._element(node)
            case ast.Field():
                return self._member(node)
            case ast.Deref(pointer=pointer):
                return self.target(self.value(pointer), pointer.span)
        return self.value(node)

    def place(self, node: ast.Expr) -> Place:
        """The place that `node` names; a problem if it is none."""
        found = self.resolve(node)
        if isinstance(found, Place):
            return found
        if isinstance(found, values.Unknown):
            raise Problem(None)
        raise problem("MM237", f"{_shown(node)} is no place in memory", node.span)

    def private(self, node: ast.Name) -> Value:
        """The agent's own register `node`."""
        private = self.context.layout.privates[node.text]
        return Val(private.register, private.type)

    def target(self, value: Value, span: Span) -> Place:
        """The place that a pointer points to."""
        found = values.scalar(value, span)
        if isinstance(found, Val) and isinstance(found.type, PointerType):
            if found.type.pointee is None:
                raise problem("MM216", "'null' points to nothing", span)
            return Place(found.expr, found.type.pointee, "memory", "*")
        raise problem("MM216", f"a pointer is needed here, not {values.describe(found)}", span)

    def _name(self, node: ast.Name) -> Place | Value:
        known = self.local(node)
        if known is not None:
            return known
        context, name = self.context, node.text
        if name in context.declarations.consts:
            return self.constant(name, node.span)
        if name in context.layout.privates:
            return self.private(node)
        variable = context.layout.variables.get(name)
        if variable is not None:
            return Place(ir.Const(variable.address, 64), variable.type, variable.kind, variable.name)
        stored = context.declarations.variables.get(name)
        if stored is not None:
            raise Problem(None)  # its declaration was refused: a mistake, or memory per CPU
        raise problem("MM200", f"nothing is named '{name}'{near(name, self.names())}", node.span)

    def _pointee(self, found: Place | Value, span: Span) -> Place | None:
        """The place behind a pointer, read from its place first if it is not a value; None: no pointer."""
        if isinstance(found, Place):
            place = single(found)
            if not isinstance(place.type, PointerType):
                return None
            return self.target(self.read(place, span), span)
        if isinstance(found, Val) and isinstance(found.type, PointerType):
            return self.target(found, span)
        return None

    def _element(self, node: ast.Index) -> Place:
        found = self.resolve(node.base)
        length: int | None = None
        if isinstance(found, Place) and isinstance(found.type, ArrayType):
            base, element, length = found, found.type.element, found.type.length
        else:
            behind = self._pointee(found, node.base.span)
            if behind is None:
                raise problem("MM216", f"{_shown(node.base)} is no array", node.base.span)
            base, element = behind, behind.type
        index = values.scalar(self.value(node.index), node.index.span)
        number = index.number if isinstance(index, Literal) else None
        if isinstance(index, Val):
            if not isinstance(index.type, IntType):
                raise problem("MM216", f"an index is a number, not {index.type}", node.index.span)
            if isinstance(index.expr, ir.Const):
                number = values.signed_value(index.expr.value, index.type)
        size = size_of(element)
        if number is not None:
            if length is not None and not 0 <= number < length:
                message = f"'{base.name}' has {length} element{'s' if length > 1 else ''}: no [{number}]"
                raise problem("MM220", message, node.index.span)
            return Place(offset(base.address, number * size), element, base.kind, f"{base.name}[{number}]")
        assert isinstance(index, Val) and isinstance(index.type, IntType)
        wide = values.resize(index.expr, 64, index.type.signed)
        step = values.make("mul", (wide, ir.Const(size, 64)), 64)
        address = values.make("add", (base.address, step), 64)
        return Place(address, element, base.kind, f"{base.name}[…]")

    def _member(self, node: ast.Field) -> Place | Value:
        found, name = self.resolve(node.base), node.name.text
        if isinstance(found, values.Unknown):
            return found
        if isinstance(found, RecordVal):
            if name not in found.fields:
                raise self._no_field(node, found.name, found.fields)
            return found.fields[name]
        base = single(found) if isinstance(found, Place) else None
        if base is None or isinstance(base.type, PointerType):
            base = self._pointee(found, node.base.span)
        if base is None or not isinstance(base.type, RecordType):
            message = f"{_shown(node.base)} is no record: it has no field '{name}'"
            raise problem("MM207", message, node.name.span)
        member = base.type.field(name)
        if member is None:
            owner = base.name if base.name != "*" else str(base.type)
            raise self._no_field(node, owner, {each.name: None for each in base.type.fields})
        self.context.widths.part(base.name, base.type, node.span)
        return Place(offset(base.address, member.offset), member.type, base.kind, f"{base.name}.{name}")

    @staticmethod
    def _no_field(node: ast.Field, owner: str, known: Mapping[str, object]) -> Problem:
        name = node.name.text
        return problem("MM207", f"'{owner}' has no field '{name}'{near(name, known)}", node.name.span)


def _shown(node: ast.Expr) -> str:
    text = " ".join(node.span.text.split())
    return f"'{text}'" if len(text) <= 40 else "this"


def single(place: Place) -> Place:
    """An array of one element, named without an index, is that element."""
    while isinstance(place.type, ArrayType) and place.type.length == 1:
        place = replace(place, type=place.type.element, name=f"{place.name}[0]")
    return place


def offset(address: ir.Expr, by: int) -> ir.Expr:
    """`address` + `by` bytes; numbers are gathered, so that equal places are equal expressions."""
    if by == 0:
        return address
    if isinstance(address, ir.Op) and address.op == "add":
        first, second = address.args
        if isinstance(first, ir.Const):
            return ir.Op("add", (offset(first, by), second), 64)
        if isinstance(second, ir.Const):
            return ir.Op("add", (first, offset(second, by)), 64)
    return values.make("add", (address, ir.Const(by % (1 << 64), 64)), 64)
