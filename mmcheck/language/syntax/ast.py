"""The abstract syntax of a specification: shapes, not vocabulary.

A fence, an access and a call of the user's own function are one shape, `Call` or `MethodCall`;
which words exist is decided by whoever lowers the tree. Every node has a `span`, given by keyword;
the other fields are positional, so ``case Binary("+", left, right)`` matches. Equality includes
spans; compare `mmcheck.language.syntax.dump.dump` of two trees to compare them up to spans.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal, TypeAlias

from mmcheck.base.records import record
from mmcheck.language.syntax.expr import (
    AddrOf,
    Argument,
    Binary,
    BinaryOp,
    Bool,
    Call,
    Cast,
    Deref,
    Expr,
    Field,
    FieldValue,
    Ident,
    Index,
    LatchType,
    MethodCall,
    Name,
    NamedType,
    Node,
    Null,
    Number,
    PointerType,
    RecordLiteral,
    SitePath,
    Target,
    Text,
    TypeExpr,
    Unary,
    UnaryOp,
    children,
    walk,
)

__all__ = [
    "Add",
    "AddrOf",
    "Agent",
    "AgentKind",
    "Argument",
    "Assert",
    "Assign",
    "Await",
    "Binary",
    "BinaryOp",
    "Block",
    "Bool",
    "Break",
    "Call",
    "Cast",
    "Check",
    "Const",
    "Declaration",
    "Deref",
    "Drop",
    "Edit",
    "Exists",
    "Expect",
    "Expr",
    "ExprStmt",
    "Field",
    "FieldValue",
    "File",
    "FnDecl",
    "For",
    "Forall",
    "Ident",
    "If",
    "Include",
    "Index",
    "IndexRange",
    "Item",
    "LatchType",
    "Layer",
    "Let",
    "Loop",
    "MethodCall",
    "Mirrors",
    "Move",
    "Name",
    "NamedType",
    "Node",
    "NotExists",
    "Nothing",
    "Null",
    "Number",
    "OnTargets",
    "OrderedCheck",
    "Param",
    "PointerType",
    "Progress",
    "Raise",
    "RecordLiteral",
    "Repeat",
    "Replace",
    "Requirement",
    "Return",
    "Says",
    "SetOrder",
    "SitePath",
    "Spec",
    "Stmt",
    "Storage",
    "StorageKind",
    "StructDecl",
    "Target",
    "Targets",
    "Text",
    "TypeExpr",
    "Unary",
    "UnaryOp",
    "Variable",
    "Variant",
    "VariantItem",
    "Verdict",
    "Where",
    "While",
    "Without",
    "children",
    "walk",
]

# ---- statements ----


@record
class Stmt(Node):
    """Base of all statements: ``label: statement @line``.

    `anchor` is the line in the source that `mirrors` names. The span includes label and anchor.
    """

    label: Ident | None = field(default=None, kw_only=True)
    anchor: int | None = field(default=None, kw_only=True)


@record
class Block(Node):
    """``{ statements }``; the span includes the braces."""

    statements: tuple[Stmt, ...]


@record
class Let(Stmt):
    """``let name = value``: a new register. ``mut`` changes nothing and is kept for looks."""

    name: Ident
    type: TypeExpr | None
    value: Expr
    mutable: bool = False


@record
class Assign(Stmt):
    """``target = value``, or ``target op= value`` when `op` is set.

    The target is a `Name`, `Index`, `Field` or `Deref`.
    """

    target: Expr
    value: Expr
    op: BinaryOp | None = None


@record
class ExprStmt(Stmt):
    """A call by itself; `call` is a `Call` or a `MethodCall`."""

    call: Call | MethodCall


@record
class If(Stmt):
    """``if condition { } else { }``; ``else if`` is an `otherwise` of exactly one `If`."""

    condition: Expr
    then: Block
    otherwise: Block | None = None


@record
class While(Stmt):
    """``while condition { }``."""

    condition: Expr
    body: Block


@record
class Loop(Stmt):
    """``loop { }``, left by `Break` or `Return`."""

    body: Block


@record
class Repeat(Stmt):
    """``repeat count { }``."""

    count: Expr
    body: Block


@record
class For(Stmt):
    """``for name in start..end { }``, `end` excluded."""

    name: Ident
    start: Expr
    end: Expr
    body: Block


@record
class Break(Stmt):
    """``break``."""


@record
class Return(Stmt):
    """``return`` or ``return value``."""

    value: Expr | None = None


@record
class Await(Stmt):
    """``await condition``, or ``await body until condition``.

    With ``within limit else otherwise`` the wait may give up; both are set or neither.
    """

    condition: Expr
    body: Block | None = None
    limit: Expr | None = None
    otherwise: Block | None = None


@record
class Assert(Stmt):
    """``assert condition for claim``.

    `claim` is the name of a requirement, a clause in quotes, or None: the file's own requirement.
    """

    condition: Expr
    claim: Ident | Text | None = None


@record
class Raise(Stmt):
    """``raise place``: an interrupt or a latch."""

    place: Expr


@record
class Nothing(Stmt):
    """``nothing``: a place where a barrier could stand."""


@record
class OnTargets(Stmt):
    """``on armv8, armv8+lse { }``: only on these targets."""

    targets: tuple[Target, ...]
    body: Block


# ---- declarations ----


@record
class Spec(Node):
    """``spec "title"``; a ``targets`` list on the same line is a `Targets` item of its own."""

    title: Text


@record
class Targets(Node):
    """``targets armv8, x86-tso``."""

    targets: tuple[Target, ...]


@record
class Include(Node):
    """``include "path"``."""

    path: Text


@record
class Mirrors(Node):
    """``mirrors "path"`` of the whole file."""

    source: Text


@record
class Const(Node):
    """``const name: type = value``."""

    name: Ident
    type: TypeExpr | None
    value: Expr
    override: bool = False


@record
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


@record
class StructDecl(Node):
    """``struct name { fields }``."""

    name: Ident
    fields: tuple[Variable, ...]


StorageKind: TypeAlias = Literal["memory", "volatile", "atomic", "mmio", "percpu", "private"]


@record
class Storage(Node):
    """``memory x, y`` or ``memory { x, y }``, and the other five kinds."""

    kind: StorageKind
    variables: tuple[Variable, ...]


@record
class Forall(Node):
    """``forall condition``: in every final state."""

    condition: Expr


@record
class NotExists(Node):
    """``~exists condition``: in no final state."""

    condition: Expr


@record
class Exists(Node):
    """``exists condition``: in some final state; a question, not a claim."""

    condition: Expr


@record
class OrderedCheck(Node):
    """``ordered first before second``."""

    first: SitePath
    second: SitePath


@record
class Progress(Node):
    """``progress host.asleep, driver``; no waits named: every agent."""

    waits: tuple[SitePath, ...] = ()


Check: TypeAlias = Forall | NotExists | Exists | OrderedCheck | Progress


@record
class Requirement(Node):
    """``requirement name { cites … says … checks }``; checks may also stand in `Assert`s."""

    name: Ident
    cites: tuple[Text, ...] = ()
    says: Text | None = None
    checks: tuple[Check, ...] = ()


@record
class Param(Node):
    """``name`` or ``name: type``."""

    name: Ident
    type: TypeExpr | None = None


@record
class FnDecl(Node):
    """``fn name(params) -> result mirrors "…" { body }``."""

    name: Ident
    params: tuple[Param, ...]
    result: TypeExpr | None
    body: Block
    mirrors: Text | None = None
    override: bool = False


@record
class IndexRange(Node):
    """``(i in 0..2)`` behind an agent's name, `end` excluded."""

    name: Ident
    start: Expr
    end: Expr


AgentKind: TypeAlias = Literal["thread", "asm thread", "device", "interrupt"]


@record
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


Verdict: TypeAlias = Literal["holds", "violated", "allowed", "forbidden", "vacuous"]
Layer: TypeAlias = Literal["compiler", "hardware", "platform"]


@record
class Expect(Node):
    """``expect names verdict by layer on targets``; no names: all, no targets: all."""

    names: tuple[Ident, ...]
    verdict: Verdict
    layer: Layer | None = None
    targets: tuple[Target, ...] = ()


@record
class Without(Node):
    """``without names``: these requirements are not claimed."""

    names: tuple[Ident, ...]


# ---- variants ----


@record
class Says(Node):
    """``says "…"`` in a variant."""

    text: Text


@record
class Replace(Node):
    """``replace sites with statement``."""

    sites: tuple[SitePath, ...]
    statement: Stmt


@record
class Drop(Node):
    """``drop sites``."""

    sites: tuple[SitePath, ...]


Where: TypeAlias = Literal["before", "after"]


@record
class Add(Node):
    """``add statement before|after site``."""

    statement: Stmt
    where: Where
    site: SitePath


@record
class Move(Node):
    """``move moved before|after site``."""

    moved: SitePath
    where: Where
    site: SitePath


@record
class SetOrder(Node):
    """``set sites to order``; the order is a word such as ``acquire`` or ``Ordering::Acquire``."""

    sites: tuple[SitePath, ...]
    order: Ident


Edit: TypeAlias = Replace | Drop | Add | Move | SetOrder
Declaration: TypeAlias = Const | StructDecl | Storage | Requirement | FnDecl | Agent
VariantItem: TypeAlias = Edit | Declaration | Expect | Without | Says


@record
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


@record
class File(Node):
    """One specification file; ``span.file`` is its text."""

    items: tuple[Item, ...]
