"""Expressions and types, and what all nodes share; used through `mmcheck.syntax.ast`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Literal, TypeAlias

from mmcheck.source import Span


@dataclass(frozen=True, slots=True)
class Node:
    """Anything in the tree; `span` covers it from its first to its last character."""

    span: Span = field(kw_only=True, repr=False)


@dataclass(frozen=True, slots=True)
class Ident(Node):
    """A name where no expression can stand: what is declared, a label, a reference in `expect`."""

    text: str


@dataclass(frozen=True, slots=True)
class Target(Node):
    """A target: ``armv8+rcpc``, or a path to a ``.cat`` file when `is_model`."""

    name: str
    is_model: bool = False


@dataclass(frozen=True, slots=True)
class SitePath(Node):
    """A statement or wait by name: ``label``, ``function.label``, ``thread.label``, ``P0.y``.

    `index` follows the first name: ``worker[0].asleep``. A path of one name may also be an agent.
    """

    names: tuple[Ident, ...]
    index: Expr | None = None

    def __str__(self) -> str:
        return ".".join(name.text for name in self.names)


# ---- types ----


@dataclass(frozen=True, slots=True)
class NamedType(Node):
    """``u16``, ``bool``, or the name of a struct."""

    name: str


@dataclass(frozen=True, slots=True)
class PointerType(Node):
    """``*T``."""

    target: TypeExpr


@dataclass(frozen=True, slots=True)
class LatchType(Node):
    """``latch`` or ``latch u16``: a pending mark and the last value."""

    value: TypeExpr | None = None


TypeExpr: TypeAlias = NamedType | PointerType | LatchType


# ---- expressions ----


@dataclass(frozen=True, slots=True)
class Expr(Node):
    """Base of all expressions."""


@dataclass(frozen=True, slots=True)
class Number(Expr):
    """An integer literal, 0 or more; at most 64 bits."""

    value: int


@dataclass(frozen=True, slots=True)
class Text(Expr):
    """A text in quotes, without them; there are no escapes."""

    value: str


@dataclass(frozen=True, slots=True)
class Bool(Expr):
    """``true`` or ``false``."""

    value: bool


@dataclass(frozen=True, slots=True)
class Null(Expr):
    """``null``, the pointer to nothing."""


@dataclass(frozen=True, slots=True)
class Name(Expr):
    """A name: register, location, constant, order word; also scoped, ``Ordering::Release``."""

    text: str


@dataclass(frozen=True, slots=True)
class Index(Expr):
    """``base[index]``."""

    base: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class Field(Expr):
    """``base.name``, or ``base->name`` when `arrow`; the two mean the same."""

    base: Expr
    name: Ident
    arrow: bool = False


@dataclass(frozen=True, slots=True)
class Deref(Expr):
    """``*pointer``."""

    pointer: Expr


@dataclass(frozen=True, slots=True)
class AddrOf(Expr):
    """``&place``."""

    place: Expr


UnaryOp: TypeAlias = Literal["-", "!", "~"]
BinaryOp: TypeAlias = Literal[
    "*", "/", "%", "+", "-", "<<", ">>", "&", "^", "|", "==", "!=", "<", "<=", ">", ">=", "&&", "||"
]


@dataclass(frozen=True, slots=True)
class Unary(Expr):
    """``-a``, ``!a`` (logical not; all bits of an integer, as in Rust), ``~a`` (all bits)."""

    op: UnaryOp
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    """``left op right``; comparisons never nest without parentheses."""

    op: BinaryOp
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Cast(Expr):
    """``value as type``; the type is never a latch."""

    value: Expr
    type: TypeExpr


@dataclass(frozen=True, slots=True)
class Argument(Node):
    """One argument of a call; `choice` says that it is marked with ``?`` for `place`."""

    value: Expr
    choice: bool = False


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """``function(args)``: a word of the vocabulary or a function of the file.

    The name may be scoped: ``atomic::fence(Release)``.
    """

    function: Ident
    args: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class MethodCall(Expr):
    """``receiver.method(args)``, or ``receiver->method(args)`` when `arrow`."""

    receiver: Expr
    method: Ident
    args: tuple[Argument, ...]
    arrow: bool = False


@dataclass(frozen=True, slots=True)
class FieldValue(Node):
    """``name: value`` in a record literal."""

    name: Ident
    value: Expr


@dataclass(frozen=True, slots=True)
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
