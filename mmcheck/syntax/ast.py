"""The abstract syntax of a specification: shapes, not vocabulary.

A fence, an access and a call of the user's own function are one shape, `Call` or `MethodCall`;
which words exist is decided by whoever lowers the tree. Every node has a `span`, given by keyword;
the other fields are positional, so ``case Binary("+", left, right)`` matches. Equality includes
spans; compare `mmcheck.syntax.dump.dump` of two trees to compare them up to spans.
"""

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


# ---- statements ----


@dataclass(frozen=True, slots=True)
class Stmt(Node):
    """Base of all statements: ``label: statement @line``.

    `anchor` is the line in the source that `mirrors` names. The span includes label and anchor.
    """

    label: Ident | None = field(default=None, kw_only=True)
    anchor: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Block(Node):
    """``{ statements }``; the span includes the braces."""

    statements: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Let(Stmt):
    """``let name = value``: a new register. ``mut`` changes nothing and is kept for looks."""

    name: Ident
    type: TypeExpr | None
    value: Expr
    mutable: bool = False


@dataclass(frozen=True, slots=True)
class Assign(Stmt):
    """``target = value``, or ``target op= value`` when `op` is set.

    The target is a `Name`, `Index`, `Field` or `Deref`.
    """

    target: Expr
    value: Expr
    op: BinaryOp | None = None


@dataclass(frozen=True, slots=True)
class ExprStmt(Stmt):
    """A call by itself; `call` is a `Call` or a `MethodCall`."""

    call: Call | MethodCall


@dataclass(frozen=True, slots=True)
class If(Stmt):
    """``if condition { } else { }``; ``else if`` is an `otherwise` of exactly one `If`."""

    condition: Expr
    then: Block
    otherwise: Block | None = None


@dataclass(frozen=True, slots=True)
class While(Stmt):
    """``while condition { }``."""

    condition: Expr
    body: Block


@dataclass(frozen=True, slots=True)
class Loop(Stmt):
    """``loop { }``, left by `Break` or `Return`."""

    body: Block


@dataclass(frozen=True, slots=True)
class Repeat(Stmt):
    """``repeat count { }``."""

    count: Expr
    body: Block


@dataclass(frozen=True, slots=True)
class For(Stmt):
    """``for name in start..end { }``, `end` excluded."""

    name: Ident
    start: Expr
    end: Expr
    body: Block


@dataclass(frozen=True, slots=True)
class Break(Stmt):
    """``break``."""


@dataclass(frozen=True, slots=True)
class Return(Stmt):
    """``return`` or ``return value``."""

    value: Expr | None = None


@dataclass(frozen=True, slots=True)
class Await(Stmt):
    """``await condition``, or ``await body until condition``.

    With ``within limit else otherwise`` the wait may give up; both are set or neither.
    """

    condition: Expr
    body: Block | None = None
    limit: Expr | None = None
    otherwise: Block | None = None


@dataclass(frozen=True, slots=True)
class Assert(Stmt):
    """``assert condition for claim``.

    `claim` is the name of a requirement, a clause in quotes, or None: the file's own requirement.
    """

    condition: Expr
    claim: Ident | Text | None = None


@dataclass(frozen=True, slots=True)
class Raise(Stmt):
    """``raise place``: an interrupt or a latch."""

    place: Expr


@dataclass(frozen=True, slots=True)
class Nothing(Stmt):
    """``nothing``: a place where a barrier could stand."""


@dataclass(frozen=True, slots=True)
class OnTargets(Stmt):
    """``on armv8, armv8+lse { }``: only on these targets."""

    targets: tuple[Target, ...]
    body: Block


# ---- declarations ----


@dataclass(frozen=True, slots=True)
class Spec(Node):
    """``spec "title"``; a ``targets`` list on the same line is a `Targets` item of its own."""

    title: Text


@dataclass(frozen=True, slots=True)
class Targets(Node):
    """``targets armv8, x86-tso``."""

    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Include(Node):
    """``include "path"``."""

    path: Text


@dataclass(frozen=True, slots=True)
class Mirrors(Node):
    """``mirrors "path"`` of the whole file."""

    source: Text


@dataclass(frozen=True, slots=True)
class Const(Node):
    """``const name: type = value``."""

    name: Ident
    type: TypeExpr | None
    value: Expr
    override: bool = False


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """``name[dim]: type = init`` or ``name[dim] { fields } = init``.

    At most one of `type` and `fields` is there; with neither, the type is the default or that of
    `init`. A struct's and a record's fields are variables too.
    """

    name: Ident
    dims: tuple[Expr, ...] = ()
    type: TypeExpr | None = None
    fields: tuple[Variable, ...] | None = None
    init: Expr | None = None


@dataclass(frozen=True, slots=True)
class StructDecl(Node):
    """``struct name { fields }``."""

    name: Ident
    fields: tuple[Variable, ...]


StorageKind: TypeAlias = Literal["memory", "volatile", "atomic", "mmio", "percpu", "private"]


@dataclass(frozen=True, slots=True)
class Storage(Node):
    """``memory x, y`` or ``memory { x, y }``, and the other five kinds."""

    kind: StorageKind
    variables: tuple[Variable, ...]


@dataclass(frozen=True, slots=True)
class Forall(Node):
    """``forall condition``: in every final state."""

    condition: Expr


@dataclass(frozen=True, slots=True)
class NotExists(Node):
    """``~exists condition``: in no final state."""

    condition: Expr


@dataclass(frozen=True, slots=True)
class Exists(Node):
    """``exists condition``: in some final state; a question, not a claim."""

    condition: Expr


@dataclass(frozen=True, slots=True)
class OrderedCheck(Node):
    """``ordered first before second``."""

    first: SitePath
    second: SitePath


@dataclass(frozen=True, slots=True)
class Progress(Node):
    """``progress host.asleep, driver``; no waits named: every agent."""

    waits: tuple[SitePath, ...] = ()


Check: TypeAlias = Forall | NotExists | Exists | OrderedCheck | Progress


@dataclass(frozen=True, slots=True)
class Requirement(Node):
    """``requirement name { cites … says … checks }``; checks may also stand in `Assert`s."""

    name: Ident
    cites: tuple[Text, ...] = ()
    says: Text | None = None
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Param(Node):
    """``name`` or ``name: type``."""

    name: Ident
    type: TypeExpr | None = None


@dataclass(frozen=True, slots=True)
class FnDecl(Node):
    """``fn name(params) -> result mirrors "…" { body }``."""

    name: Ident
    params: tuple[Param, ...]
    result: TypeExpr | None
    body: Block
    mirrors: Text | None = None
    override: bool = False


@dataclass(frozen=True, slots=True)
class IndexRange(Node):
    """``(i in 0..2)`` behind an agent's name, `end` excluded."""

    name: Ident
    start: Expr
    end: Expr


AgentKind: TypeAlias = Literal["thread", "asm thread", "device", "interrupt"]


@dataclass(frozen=True, slots=True)
class Agent(Node):
    """``thread``, ``asm thread``, ``device`` or ``interrupt``.

    `at_most`, `when_raised` and `nests` are those of an interrupt only.
    """

    kind: AgentKind
    name: Ident
    body: Block
    range: IndexRange | None = None
    cpu: Expr | None = None
    at_most: Expr | None = None
    when_raised: bool = False
    nests: bool = False
    mirrors: Text | None = None
    override: bool = False


Verdict: TypeAlias = Literal["holds", "violated", "allowed", "forbidden"]
Layer: TypeAlias = Literal["compiler", "hardware", "platform"]


@dataclass(frozen=True, slots=True)
class Expect(Node):
    """``expect names verdict by layer on targets``; no names: all, no targets: all."""

    names: tuple[Ident, ...]
    verdict: Verdict
    layer: Layer | None = None
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Without(Node):
    """``without names``: these requirements are not claimed."""

    names: tuple[Ident, ...]


# ---- variants ----


@dataclass(frozen=True, slots=True)
class Says(Node):
    """``says "…"`` in a variant."""

    text: Text


@dataclass(frozen=True, slots=True)
class Replace(Node):
    """``replace sites with statement``."""

    sites: tuple[SitePath, ...]
    statement: Stmt


@dataclass(frozen=True, slots=True)
class Drop(Node):
    """``drop sites``."""

    sites: tuple[SitePath, ...]


Where: TypeAlias = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Add(Node):
    """``add statement before|after site``."""

    statement: Stmt
    where: Where
    site: SitePath


@dataclass(frozen=True, slots=True)
class Move(Node):
    """``move moved before|after site``."""

    moved: SitePath
    where: Where
    site: SitePath


@dataclass(frozen=True, slots=True)
class SetOrder(Node):
    """``set sites to order``; the order is a word such as ``acquire`` or ``Ordering::Acquire``."""

    sites: tuple[SitePath, ...]
    order: Ident


Edit: TypeAlias = Replace | Drop | Add | Move | SetOrder
Declaration: TypeAlias = Const | StructDecl | Storage | Requirement | FnDecl | Agent
VariantItem: TypeAlias = Edit | Declaration | Expect | Without | Says


@dataclass(frozen=True, slots=True)
class Variant(Node):
    """``variant "title" from "base" targets … { items }``; the items apply in their order."""

    title: Text
    base: Text | None
    targets: tuple[Target, ...]
    items: tuple[VariantItem, ...]


Item: TypeAlias = (
    Spec | Targets | Include | Mirrors | Declaration | Without | Forall | NotExists | Exists | Expect | Variant
)
"""What stands at top level; a condition there is a classic test's."""


@dataclass(frozen=True, slots=True)
class File(Node):
    """One specification file; ``span.file`` is its text."""

    items: tuple[Item, ...]


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
