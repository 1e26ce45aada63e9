"""Expressions and types, and what all nodes share; used through `mmcheck.language.syntax.ast`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Literal, TypeAlias

from mmcheck.base.records import fields, record
from mmcheck.base.source import Span


@record
class Node:
    """Anything in the tree; `span` covers it from its first to its last character."""

    span: Span = field(kw_only=True, repr=False)


@record
class Ident(Node):
    """A name where no expression can stand: what is declared, a label, a reference in `expect`."""

    text: str


@record
class Target(Node):
    """A target: ``armv8+rcpc``, or a path to a ``.cat`` file when `is_model`."""

    name: str
    is_model: bool = False


@record
class SitePath(Node):
    """A statement or wait by name: ``label``, ``function.label``, ``thread.label``, ``P0.y``.

    `index` follows the first name: ``worker[0].asleep``. A path of one name may also be an agent.
    """

    names: tuple[Ident, ...]
    index: Expr | None = None

    def __str__(self) -> str:
        return ".".join(name.text for name in self.names)


# ---- types ----


@record
class NamedType(Node):
    """``u16``, ``bool``, or the name of a struct."""

    name: str


@record
class PointerType(Node):
    """``*T``."""

    target: TypeExpr


@record
class LatchType(Node):
    """``latch`` or ``latch u16``: a pending mark and the last value."""

    value: TypeExpr | None = None


TypeExpr: TypeAlias = NamedType | PointerType | LatchType


# ---- expressions ----


@record
class Expr(Node):
    """Base of all expressions."""


@record
class Number(Expr):
    """An integer literal, 0 or more; at most 64 bits."""

    value: int


@record
class Text(Expr):
    """A text in quotes, without them; there are no escapes."""

    value: str


@record
class Bool(Expr):
    """``true`` or ``false``."""

    value: bool


@record
class Null(Expr):
    """``null``, the pointer to nothing."""


@record
class Name(Expr):
    """A name: register, location, constant, order word; also scoped, ``Ordering::Release``."""

    text: str


@record
class Index(Expr):
    """``base[index]``."""

    base: Expr
    index: Expr


@record
class Field(Expr):
    """``base.name``, or ``base->name`` when `arrow`; the two mean the same."""

    base: Expr
    name: Ident
    arrow: bool = False


@record
class Deref(Expr):
    """``*pointer``."""

    pointer: Expr


@record
class AddrOf(Expr):
    """``&place``."""

    place: Expr


UnaryOp: TypeAlias = Literal["-", "!", "~"]
BinaryOp: TypeAlias = Literal[
    "*", "/", "%", "+", "-", "<<", ">>", "&", "^", "|", "==", "!=", "<", "<=", ">", ">=", "&&", "||"
]


@record
class Unary(Expr):
    """``-a``, ``!a`` (logical not; all bits of an integer, as in Rust), ``~a`` (all bits)."""

    op: UnaryOp
    operand: Expr


@record
class Binary(Expr):
    """``left op right``; comparisons never nest without parentheses."""

    op: BinaryOp
    left: Expr
    right: Expr


@record
class Cast(Expr):
    """``value as type``; the type is never a latch."""

    value: Expr
    type: TypeExpr


@record
class Argument(Node):
    """One argument of a call; `choice` says that it is marked with ``?`` for `place`."""

    value: Expr
    choice: bool = False


@record
class Call(Expr):
    """``function(args)``: a word of the vocabulary or a function of the file.

    The name may be scoped: ``atomic::fence(Release)``.
    """

    function: Ident
    args: tuple[Argument, ...]


@record
class MethodCall(Expr):
    """``receiver.method(args)``, or ``receiver->method(args)`` when `arrow`."""

    receiver: Expr
    method: Ident
    args: tuple[Argument, ...]
    arrow: bool = False


@record
class FieldValue(Node):
    """``name: value`` in a record literal."""

    name: Ident
    value: Expr


@record
class RecordLiteral(Expr):
    """``{ addr: p, len: 1 }``; only behind ``=``, ``:``, ``(`` and ``,``; typed by where it goes."""

    fields: tuple[FieldValue, ...]


def children(node: Node) -> Iterator[Node]:
    """The nodes directly under `node`, in the order of its fields."""
    for each in fields(node):
        value = getattr(node, each.name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from value


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything under it, each node before what it contains."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(list(children(current))))
