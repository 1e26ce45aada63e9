"""From reductions to expressions, and what all reductions share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from mmcheck.base.errors import Diagnostic, InternalError
from mmcheck.base.records import replace
from mmcheck.base.source import SourceFile, Span
from mmcheck.language.syntax import ast

MAX_NUMBER = 2**64 - 1

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_LEVELS = (
    ("||",),
    ("&&",),
    tuple(_COMPARISONS),
    ("|",),
    ("^",),
    ("&",),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "%"),
)
_PRECEDENCE = {op: level for level, ops in enumerate(_LEVELS) for op in ops}


class Leaf(NamedTuple):
    """A terminal that stays in the tree."""

    type: str
    text: str
    start: int
    end: int


class Part(NamedTuple):
    """A reduction that is a piece of a node and no node itself."""

    rule: str
    value: Any
    start: int
    end: int


Child = Any
"""A `Leaf`, a `Part` or a node."""

_N = TypeVar("_N", bound=ast.Node)


def start_of(child: Child) -> int:
    return child.span.start if isinstance(child, ast.Node) else child.start


def end_of(child: Child) -> int:
    return child.span.end if isinstance(child, ast.Node) else child.end


def all_of(children: Sequence[Child], kind: type[_N]) -> tuple[_N, ...]:
    return tuple(child for child in children if isinstance(child, kind))


def first_of(children: Sequence[Child], kind: type[_N]) -> _N | None:
    return next((child for child in children if isinstance(child, kind)), None)


def part_of(children: Sequence[Child], rule: str) -> Any:
    return next((child.value for child in children if isinstance(child, Part) and child.rule == rule), None)


def type_of(children: Sequence[Child]) -> ast.TypeExpr | None:
    return next((c for c in children if isinstance(c, ast.NamedType | ast.PointerType | ast.LatchType)), None)


def has_leaf(children: Sequence[Child], terminal: str) -> bool:
    return any(isinstance(child, Leaf) and child.type == terminal for child in children)


class ExpressionBuilder:
    """Builds the tree of one text; `diagnostics` are what is wrong with it. The rules of expressions."""

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.diagnostics: list[Diagnostic] = []

    def reduce(self, rule: str, children: list[Child]) -> Child:
        """The value of one reduction."""
        method: Callable[[list[Child]], Child] | None = getattr(self, f"_rule_{rule}", None)
        if method is None:
            raise InternalError(f"the grammar's rule {rule!r} is not built")
        return method(children)

    def span(self, children: Sequence[Child]) -> Span:
        return Span(self.file, start_of(children[0]), end_of(children[-1]))

    def report(self, code: str, message: str, start: int, end: int, help: str = "") -> None:
        self.diagnostics.append(Diagnostic(code, message, Span(self.file, start, end), help))

    def part(self, rule: str, value: Any, children: Sequence[Child]) -> Part:
        return Part(rule, value, start_of(children[0]), end_of(children[-1]))

    # ---- expressions ----

    def _expression(self, child: Child) -> ast.Expr:
        """A value: an expression, or a leaf that stands for one."""
        if isinstance(child, ast.Expr):
            return child
        leaf: Leaf = child
        span = Span(self.file, leaf.start, leaf.end)
        match leaf.type:
            case "NUMBER":
                return ast.Number(self._integer(leaf.text, leaf.start, leaf.end), span=span)
            case "TEXT":
                return ast.Text(leaf.text[1:-1], span=span)
            case "TRUE" | "FALSE":
                return ast.Bool(leaf.type == "TRUE", span=span)
            case "NULL":
                return ast.Null(span=span)
            case "NAME":
                return ast.Name(leaf.text, span=span)
        raise InternalError(f"a {leaf.type} is no expression")

    def _integer(self, text: str, start: int, end: int) -> int:
        digits = text.replace("_", "")
        base = {"0x": 16, "0b": 2}.get(digits[:2], 10)
        if base != 10:
            digits = digits[2:]
        elif len(digits) > 1 and digits[0] == "0" and digits.strip("0"):
            self.report(
                "MM120", "a decimal number does not begin with 0", start, end, "octal numbers do not exist here"
            )
        digits = digits.lstrip("0") or "0" * bool(digits)
        value = int(digits, base) if 0 < len(digits) <= 64 else -1 if not digits else MAX_NUMBER + 1
        if value < 0:
            self.report("MM120", "a number needs digits", start, end)
        elif value > MAX_NUMBER:
            self.report("MM120", "this number does not fit in 64 bits", start, end)
        return min(max(value, 0), MAX_NUMBER)

    def _rule_literal(self, children: list[Child]) -> ast.RecordLiteral:
        return ast.RecordLiteral(all_of(children, ast.FieldValue), span=self.span(children))

    def _rule_entry(self, children: list[Child]) -> ast.FieldValue:
        return ast.FieldValue(children[0], self._expression(children[1]), span=self.span(children))

    def _rule_expr(self, children: list[Child]) -> ast.Expr:
        operands = [self._expression(children[0])]
        operators: list[Leaf] = []
        for operator, operand in zip(children[1::2], children[2::2], strict=True):
            while operators and _PRECEDENCE[operators[-1].text] >= _PRECEDENCE[operator.text]:
                if operators[-1].text in _COMPARISONS and operator.text in _COMPARISONS:
                    self.report(
                        "MM111",
                        "comparisons do not chain: write 'a < b && b < c'",
                        operator.start,
                        operator.end,
                    )
                self._combine(operands, operators)
            operators.append(operator)
            operands.append(self._expression(operand))
        while operators:
            self._combine(operands, operators)
        return operands[0]

    def _combine(self, operands: list[ast.Expr], operators: list[Leaf]) -> None:
        right, left, operator = operands.pop(), operands.pop(), operators.pop()
        operands.append(ast.Binary(operator.text, left, right, span=left.span.to(right.span)))  # type: ignore[arg-type]

    def _rule_operand(self, children: list[Child]) -> ast.Expr:
        at = next(
            i for i, child in enumerate(children) if not (isinstance(child, Leaf) and child.type in ("UNARY", "NOT"))
        )
        value = self._expression(children[at])
        casts = [child for child in children[at + 1 :] if child.rule == "cast"]
        for suffix in children[at + 1 : len(children) - len(casts)]:
            span = Span(self.file, value.span.start, suffix.end)
            match suffix.rule:
                case "index":
                    value = ast.Index(value, suffix.value, span=span)
                case "field":
                    arrow, name = suffix.value
                    value = ast.Field(value, name, arrow, span=span)
                case "method":
                    arrow, name, args = suffix.value
                    value = ast.MethodCall(value, name, args, arrow, span=span)
        for sign in reversed(children[:at]):
            span = Span(self.file, sign.start, value.span.end)
            match sign.text:
                case "*":
                    value = ast.Deref(value, span=span)
                case "&":
                    value = ast.AddrOf(value, span=span)
                case op:
                    value = ast.Unary(op, value, span=span)
        for cast in casts:
            value = ast.Cast(value, cast.value, span=Span(self.file, value.span.start, cast.end))
        return value

    def _rule_call(self, children: list[Child]) -> ast.Expr:
        leaf: Leaf = children[0]
        span = Span(self.file, leaf.start, leaf.end)
        if len(children) == 1:
            return ast.Name(leaf.text, span=span)
        return ast.Call(ast.Ident(leaf.text, span=span), children[1].value, span=self.span(children))

    def _rule_paren(self, children: list[Child]) -> ast.Expr:
        inner: ast.Expr = children[1]
        return replace(inner, span=self.span(children))

    def _rule_index(self, children: list[Child]) -> Part:
        return self.part("index", children[0], children)

    def _rule_field(self, children: list[Child]) -> Part:
        return self.part("field", (children[0].type == "ARROW", children[1]), children)

    def _rule_method(self, children: list[Child]) -> Part:
        return self.part("method", (children[0].type == "ARROW", children[1], children[2].value), children)

    def _rule_cast(self, children: list[Child]) -> Part:
        return self.part("cast", children[1], children)

    def _rule_arguments(self, children: list[Child]) -> Part:
        return self.part("arguments", all_of(children, ast.Argument), children)

    def _rule_argument(self, children: list[Child]) -> ast.Argument:
        choice = has_leaf(children[1:], "CHOICE")
        return ast.Argument(self._expression(children[0]), choice, span=self.span(children))
