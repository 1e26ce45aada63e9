"""Typed values and the arithmetic on them.

A value of a register or a typed constant computes at its width; an untyped number is exact until a
type meets it. Operands of one operator have the same type, or one of them is an untyped number that
fits. Where a value is stored, passed or returned, an unsigned number may also grow to a wider type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from mmcheck.base.records import record
from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.language.lower.names import Problem, problem
from mmcheck.language.lower.types import (
    BOOL,
    DEFAULT,
    ArrayType,
    BoolType,
    IntType,
    LatchType,
    PointerType,
    RecordType,
    Scalar,
    Type,
    width_of,
)
from mmcheck.language.syntax import ast


@record
class Literal:
    """An exact integer without a type."""

    number: int


@record
class Val:
    """An expression over registers, and its type."""

    expr: ir.Expr
    type: Scalar


@record
class RecordVal:
    """A record read into registers, or the result of a compare-exchange (`is_result`)."""

    name: str
    fields: Mapping[str, Value]
    is_result: bool = False


@record
class Unknown:
    """The value of a register whose definition could not be lowered; its use is not reported again."""


Value: TypeAlias = Literal | Val | RecordVal | Unknown

TRUE = Val(ir.TRUE, BOOL)
FALSE = Val(ir.FALSE, BOOL)


def boolean(value: bool) -> Val:
    return TRUE if value else FALSE


def make(op: str, args: tuple[ir.Expr, ...], width: int) -> ir.Expr:
    """`op` on `args`, computed now if they are all numbers."""
    if all(isinstance(arg, ir.Const) for arg in args):
        numbers = tuple(arg.value for arg in args if isinstance(arg, ir.Const))
        return ir.Const(ir.apply(op, numbers, tuple(arg.width for arg in args), width), width)
    return ir.Op(op, args, width)


def resize(expr: ir.Expr, width: int, signed: bool = False) -> ir.Expr:
    """`expr` at `width` bits: cut, or extended by its sign if `signed`, else by zeros."""
    if expr.width == width:
        return expr
    op = "trunc" if expr.width > width else "sext" if signed else "zext"
    return make(op, (expr,), width)


def describe(value: Value) -> str:
    match value:
        case Literal(number=number):
            return f"the number {number}"
        case Val(type=type_):
            return str(type_)
        case RecordVal(name=name):
            return f"the record '{name}'"
    return "unknown"


def scalar(value: Value, span: Span) -> Val | Literal:
    """`value` if one register can hold it."""
    if isinstance(value, Unknown):
        raise Problem(None)
    if isinstance(value, RecordVal):
        hint = "test '.is_ok()' or take '.value'" if value.is_result else "name one of its fields"
        raise problem("MM216", f"a number is needed, not {describe(value)}", span, hint)
    return value


def fits(number: int, type_: IntType) -> bool:
    if type_.signed:
        return -(1 << type_.width - 1) <= number < 1 << type_.width - 1
    return 0 <= number < 1 << type_.width


def concrete(value: Value, span: Span) -> Val:
    """`value` with the default type if it has none."""
    found = scalar(value, span)
    return found if isinstance(found, Val) else coerce(found, DEFAULT, span)


def condition(value: Value, span: Span) -> ir.Expr:
    """The 1-bit expression of a truth value."""
    found = scalar(value, span)
    if isinstance(found, Val) and isinstance(found.type, BoolType):
        return found.expr
    raise problem("MM215", f"a condition is true or false, not {describe(found)}", span, "compare with '!= 0'")


def coerce(value: Value, type_: Type, span: Span) -> Val:
    """`value` as something of `type_` is stored, passed or returned: nothing may be lost."""
    found = scalar(value, span)
    if not isinstance(type_, (IntType, BoolType, PointerType)):
        raise problem("MM216", f"{type_} is needed here, not {describe(found)}", span)
    if isinstance(found, Literal):
        if not isinstance(type_, IntType):
            hint = "write 'true' or 'false'" if isinstance(type_, BoolType) else "write 'null' or '&place'"
            raise problem("MM216", f"{type_} is needed here, not {describe(found)}", span, hint)
        if not fits(found.number, type_):
            raise problem("MM214", f"{found.number} does not fit into {type_}", span, f"'as {type_}' wraps it")
        return Val(ir.Const(found.number % (1 << type_.width), type_.width), type_)
    have = found.type
    if have == type_:
        return found
    if isinstance(have, IntType) and isinstance(type_, IntType) and not have.signed and have.width < type_.width:
        return Val(resize(found.expr, type_.width), type_)
    if isinstance(have, PointerType) and isinstance(type_, PointerType) and None in (have.target, type_.target):
        return Val(found.expr, type_)
    hint = f"'as {type_}' converts" if _convertible(have, type_) else ""
    raise problem("MM216", f"{type_} is needed here, not {have}", span, hint)


def _convertible(have: Type, want: Type) -> bool:
    return isinstance(want, IntType) and isinstance(have, (IntType, BoolType))


def cast(value: Value, type_: Type, span: Span) -> Val:
    """``value as type``: cut or extended, by the sign of what it was."""
    found = scalar(value, span)
    if isinstance(found, Literal):
        if isinstance(type_, IntType):
            return Val(ir.Const(found.number % (1 << type_.width), type_.width), type_)
        return coerce(found, type_, span)
    have = found.type
    if isinstance(type_, IntType) and isinstance(have, (IntType, BoolType)):
        return Val(resize(found.expr, type_.width, isinstance(have, IntType) and have.signed), type_)
    if isinstance(have, PointerType) and isinstance(type_, PointerType):
        if not _alike(have.pointee, type_.pointee):
            raise problem("MM255", f"{have} does not become {type_}: a location has one width", span)
        return Val(found.expr, type_)
    if isinstance(have, PointerType) and type_ == IntType(64):
        return Val(found.expr, type_)
    if have == type_:
        return found
    hint = "compare with '!= 0'" if isinstance(type_, BoolType) and isinstance(have, IntType) else ""
    raise problem("MM216", f"{have} does not convert to {type_}", span, hint)


def _alike(one: Type | None, other: Type | None) -> bool:
    """Whether what stands at a place may be accessed as `one` and as `other`."""
    if one is None or other is None or one == other:
        return True
    if isinstance(one, RecordType | ArrayType) or isinstance(other, RecordType | ArrayType):
        return False
    return width_of(one) == width_of(other)


# --- operators ---------------------------------------------------------------------------------------

_ARITHMETIC = {"*": "mul", "/": "div", "%": "mod", "+": "add", "-": "sub", "&": "and", "^": "xor", "|": "or"}
_COMPARISONS = {"<", "<=", ">", ">="}


def unary(op: ast.UnaryOp, value: Value, span: Span) -> Val | Literal:
    found = scalar(value, span)
    if isinstance(found, Literal):
        return Literal(-found.number if op == "-" else ~found.number)
    if isinstance(found.type, BoolType) and op == "!":
        return Val(make("not", (found.expr,), 1), BOOL)
    if isinstance(found.type, IntType):
        return Val(make("neg" if op == "-" else "not", (found.expr,), found.type.width), found.type)
    raise problem("MM215", f"'{op}' does not go with {found.type}", span)


def binary(op: str, left: Value, right: Value, span: Span, spans: tuple[Span, Span]) -> Val | Literal:
    """``left op right``; ``&&`` and ``||`` are those of two values that are both there."""
    if op in ("&&", "||"):
        return both(op, condition(left, spans[0]), condition(right, spans[1]))
    a, b = scalar(left, spans[0]), scalar(right, spans[1])
    if isinstance(a, Literal) and isinstance(b, Literal):
        return _exact(op, a.number, b.number, span)
    if op in ("<<", ">>"):
        return _shift(op, a, b, span, spans)
    x, y = _same(op, a, b, span, spans)
    type_, width = x.type, width_of(x.type)
    if op in ("==", "!="):
        return Val(make("eq" if op == "==" else "ne", (x.expr, y.expr), 1), BOOL)
    if isinstance(type_, BoolType) and op in "&|^":
        return Val(make(_ARITHMETIC[op], (x.expr, y.expr), 1), BOOL)
    if not isinstance(type_, IntType):
        raise problem("MM215", f"'{op}' does not go with {type_}", span)
    if op in _COMPARISONS:
        name = ("s" if type_.signed else "u") + ("lt" if op in ("<", ">") else "le")
        args = (x.expr, y.expr) if op in ("<", "<=") else (y.expr, x.expr)
        return Val(make(name, args, 1), BOOL)
    name = _ARITHMETIC[op]
    if name in ("div", "mod"):
        if y.expr == ir.Const(0, width):
            raise problem("MM215", "division by zero", spans[1])
        name = ("s" if type_.signed else "u") + name
    return Val(make(name, (x.expr, y.expr), width), type_)


def both(op: str, left: ir.Expr, right: ir.Expr) -> Val:
    """``left && right`` or ``left || right`` of two truth values without effects."""
    neutral, absorbing = (ir.TRUE, ir.FALSE) if op == "&&" else (ir.FALSE, ir.TRUE)
    if left == neutral:
        return Val(right, BOOL)
    if right == neutral or left == absorbing:
        return Val(left, BOOL)
    return Val(make("and" if op == "&&" else "or", (left, right), 1), BOOL)


MAX_EXACT = 1 << 128
"""Numbers without a type stay below this; the widest type has 64 bits."""


def _exact(op: str, a: int, b: int, span: Span) -> Val | Literal:
    found = _computed(op, a, b, span)
    if isinstance(found, Literal) and abs(found.number) >= MAX_EXACT:
        raise problem("MM214", "this number has more than 128 bits", span)
    return found


def _computed(op: str, a: int, b: int, span: Span) -> Val | Literal:
    if op in ("/", "%"):
        if b == 0:
            raise problem("MM215", "division by zero", span)
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        return Literal(quotient if op == "/" else a - quotient * b)
    if op in ("<<", ">>"):
        if not 0 <= b < 64:
            raise problem("MM215", f"a shift is by 0 to 63 bits, not by {b}", span)
        return Literal(a << b if op == "<<" else a >> b)
    match op:
        case "==":
            return boolean(a == b)
        case "!=":
            return boolean(a != b)
        case "<":
            return boolean(a < b)
        case "<=":
            return boolean(a <= b)
        case ">":
            return boolean(a > b)
        case ">=":
            return boolean(a >= b)
        case "*":
            return Literal(a * b)
        case "+":
            return Literal(a + b)
        case "-":
            return Literal(a - b)
        case "&":
            return Literal(a & b)
        case "^":
            return Literal(a ^ b)
    return Literal(a | b)


def demanded(op: str, left: Value, right: Value, span: Span, spans: tuple[Span, Span]) -> ir.Expr:
    """What must be so for ``left op right`` to mean anything: `ir.TRUE` unless it shifts or divides by what may be too
    much, or 0."""
    if op not in ("<<", ">>", "/", "%"):
        return ir.TRUE
    a, b = scalar(left, spans[0]), scalar(right, spans[1])
    if isinstance(a, Literal) and isinstance(b, Literal):
        return ir.TRUE
    if op in ("<<", ">>"):
        _, type_, count = _shifted(op, a, b, span, spans)
        width = type_.width
        return ir.TRUE if _is_below(count, width) else make("ult", (count, ir.Const(width, width)), 1)
    _, divisor = _same(op, a, b, span, spans)
    return make("ne", (divisor.expr, ir.Const(0, divisor.expr.width)), 1)


def _is_below(expr: ir.Expr, limit: int) -> bool:
    """Whether `expr` shows that it is less than `limit`."""
    if isinstance(expr, ir.Const):
        return expr.value < limit
    if not isinstance(expr, ir.Op):
        return False
    match expr.op:
        case "and":
            return any(_is_below(each, limit) for each in expr.args)
        case "umod":
            return isinstance(expr.args[1], ir.Const) and 0 < expr.args[1].value <= limit
        case "zext":
            return 1 << expr.args[0].width <= limit or _is_below(expr.args[0], limit)
    return False


def _shift(op: str, a: Val | Literal, b: Val | Literal, span: Span, spans: tuple[Span, Span]) -> Val:
    shifted, type_, count = _shifted(op, a, b, span, spans)
    name = "shl" if op == "<<" else "ashr" if type_.signed else "lshr"
    return Val(make(name, (shifted, count), type_.width), type_)


def _shifted(
    op: str, a: Val | Literal, b: Val | Literal, span: Span, spans: tuple[Span, Span]
) -> tuple[ir.Expr, IntType, ir.Expr]:
    """What is shifted, of which type, and by how much."""
    x = concrete(a, spans[0])
    if not isinstance(x.type, IntType):
        raise problem("MM215", f"'{op}' does not go with {x.type}", span)
    count = b if isinstance(b, Val) else coerce(b, x.type, spans[1])
    if not isinstance(count.type, IntType) or count.type.width > x.type.width:
        hint = f"write 'as {x.type}'" if isinstance(count.type, IntType) else ""
        raise problem("MM211", f"{x.type} cannot be shifted by {count.type}", span, hint)
    by = resize(count.expr, x.type.width)
    if isinstance(by, ir.Const) and by.value >= x.type.width:
        message = f"a shift of {x.type} is by 0 to {x.type.width - 1} bits, not by {spans[1].text}"
        raise problem("MM215", message, spans[1])
    return x.expr, x.type, by


def _same(op: str, a: Val | Literal, b: Val | Literal, span: Span, spans: tuple[Span, Span]) -> tuple[Val, Val]:
    """Both operands at one type."""
    if isinstance(a, Literal) and isinstance(b, Val):
        return coerce(a, _operand(b.type), spans[0]), b
    if isinstance(b, Literal) and isinstance(a, Val):
        return a, coerce(b, _operand(a.type), spans[1])
    assert isinstance(a, Val) and isinstance(b, Val)
    if a.type == b.type or (isinstance(a.type, PointerType) and isinstance(b.type, PointerType)):
        return a, b
    hint = ""
    if isinstance(a.type, IntType) and isinstance(b.type, IntType):
        wide = max(a.type, b.type, key=lambda each: each.width)
        narrow, where = (a.type, "left") if wide == b.type else (b.type, "right")
        hint = f"write 'as {wide}' behind the {where} side ({narrow}), or 'as {narrow}' behind the other"
        if a.type.width == b.type.width:
            hint = f"write 'as {a.type}' behind the right side"
    raise problem("MM211", f"'{op}' has {a.type} on its left and {b.type} on its right", span, hint)


def _operand(type_: Scalar) -> Scalar:
    return type_.value if isinstance(type_, LatchType) and type_.value is not None else type_


def signed_value(number: int, type_: IntType) -> int:
    """What the bits `number` mean in `type_`."""
    return ir.signed(number, type_.width) if type_.signed else number
