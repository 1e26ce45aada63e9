"""Types of the specification language: widths, sizes, the layout of records.

Scalars are what one access reads or writes. A record is laid out with natural alignment, as C does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TypeAlias

from mmcheck.base import records
from mmcheck.language.lower.names import near, problem
from mmcheck.language.syntax import ast


@records.record
class IntType:
    width: int
    signed: bool = False

    def __str__(self) -> str:
        return f"{'i' if self.signed else 'u'}{self.width}"


@records.record
class BoolType:
    def __str__(self) -> str:
        return "bool"


@records.record
class StructName:
    """A declared struct by its name: what a pointer to one holds, since a struct may point to its own kind."""

    name: str
    made: Mapping[str, RecordType] = field(compare=False, repr=False)
    """The structs that have been read, this one among them in the end."""

    def __str__(self) -> str:
        return self.name


@records.record
class PointerType:
    """Pointer to `target`; None is the type of ``null``, which goes with any pointer. See `pointer_to`."""

    target: Type | StructName | None

    def __str__(self) -> str:
        return "*?" if self.target is None else f"*{self.target}"

    @property
    def pointee(self) -> Type | None:
        """The type of what stands there."""
        return self.target.made[self.target.name] if isinstance(self.target, StructName) else self.target


def pointer_to(type_: Type) -> PointerType:
    """The type of the address of something of `type_`."""
    struct = type_.struct if isinstance(type_, RecordType) else None
    return PointerType(struct or type_)


@records.record
class LatchType:
    """A pending mark above a value of `value`; with None there is the mark alone."""

    value: IntType | None

    def __str__(self) -> str:
        return "latch" if self.value is None else f"latch {self.value}"


@records.record
class RecordField:
    """A field at `offset` bytes; `init` is its initial value, if its declaration gives one."""

    name: str
    type: Type
    offset: int
    init: ast.Expr | None = None


@records.record
class RecordType:
    name: str
    fields: tuple[RecordField, ...]
    size: int
    alignment: int
    struct: StructName | None = None
    """The declaration that it comes from; None if it stands where it is used."""

    def field(self, name: str) -> RecordField | None:
        return next((each for each in self.fields if each.name == name), None)

    def __str__(self) -> str:
        return self.name


@records.record
class ArrayType:
    element: Type
    length: int

    def __str__(self) -> str:
        return f"array of {self.length} {self.element}"


Scalar: TypeAlias = IntType | BoolType | PointerType | LatchType
Type: TypeAlias = Scalar | RecordType | ArrayType

BOOL = BoolType()
U8, U16, U32, U64 = (IntType(width) for width in (8, 16, 32, 64))
NULL = PointerType(None)
DEFAULT = U32
INTEGERS = {str(each): each for width in (8, 16, 32, 64) for each in (IntType(width), IntType(width, True))}


def width_of(type_: Scalar) -> int:
    """Bits of a cell of this type."""
    match type_:
        case IntType(width=width):
            return width
        case BoolType():
            return 1
        case PointerType():
            return 64
        case LatchType(value=value):
            return 1 + (value.width if value is not None else 0)


def size_of(type_: Type) -> int:
    """Bytes that a variable of this type takes, a multiple of its alignment."""
    match type_:
        case RecordType(size=size):
            return size
        case ArrayType(element=element, length=length):
            return size_of(element) * length
        case _:
            size = 1
            while size * 8 < width_of(type_):
                size *= 2
            return size


def alignment_of(type_: Type) -> int:
    match type_:
        case RecordType(alignment=alignment):
            return alignment
        case ArrayType(element=element):
            return alignment_of(element)
        case _:
            return size_of(type_)


def record(name: str, members: list[tuple[str, Type, ast.Expr | None]], struct: StructName | None = None) -> RecordType:
    """The record of `members` (name, type, initial value) with natural alignment and padding."""
    offset, alignment, fields = 0, 1, []
    for member, type_, init in members:
        step = alignment_of(type_)
        offset = -(-offset // step) * step
        alignment = max(alignment, step)
        fields.append(RecordField(member, type_, offset, init))
        offset += size_of(type_)
    return RecordType(name, tuple(fields), -(-offset // alignment) * alignment, alignment, struct)


class TypeTable:
    """Reads type expressions and declared shapes; structs may refer to each other through pointers only."""

    def __init__(self, structs: Mapping[str, ast.StructDecl], number: Callable[[ast.Expr], int]) -> None:
        self._structs = structs
        self._number = number
        self._done: dict[str, RecordType] = {}
        self._busy: list[str] = []

    def read(self, node: ast.TypeExpr) -> Type:
        match node:
            case ast.NamedType(name="bool"):
                return BOOL
            case ast.NamedType(name=name) if name in INTEGERS:
                return INTEGERS[name]
            case ast.NamedType(name=name) if name in self._structs:
                return self._struct(name, node)
            case ast.NamedType(name=name):
                known = [*INTEGERS, "bool", "latch", *self._structs]
                raise problem("MM210", f"unknown type '{name}'{near(name, known)}", node.span)
            case ast.PointerType(target=ast.NamedType(name=name)) if name in self._busy:
                return PointerType(StructName(name, self._done))
            case ast.PointerType(target=target):
                return pointer_to(self.read(target))
            case ast.LatchType(value=None):
                return LatchType(None)
            case ast.LatchType(value=value) if value is not None:
                inner = self.read(value)
                if not isinstance(inner, IntType):
                    raise problem("MM210", f"a latch holds an integer, not {inner}", value.span)
                return LatchType(inner)
        raise AssertionError(node)

    def variable(self, node: ast.Variable, default: Type = DEFAULT) -> Type:
        """The type of a declared variable or field; `default` is that of its initial value."""
        if node.fields is not None:
            inner: Type = self.fields(node.name.text, node.fields)
        elif node.type is not None:
            inner = self.read(node.type)
        else:
            inner = default
        for dim in reversed(node.dims):
            length = self._number(dim)
            if not 1 <= length <= MAX_LENGTH:
                raise problem("MM213", f"an array has 1 to {MAX_LENGTH} elements, not {length}", dim.span)
            inner = ArrayType(inner, length)
        return inner

    def fields(self, name: str, nodes: tuple[ast.Variable, ...], struct: StructName | None = None) -> RecordType:
        members: list[tuple[str, Type, ast.Expr | None]] = []
        for node in nodes:
            if any(node.name.text == known for known, _, _ in members):
                raise problem("MM202", f"the field '{node.name.text}' is defined twice", node.name.span)
            members.append((node.name.text, self.variable(node), node.init))
        return record(name, members, struct)

    def _struct(self, name: str, node: ast.Node) -> RecordType:
        if name not in self._done:
            if name in self._busy:
                raise problem("MM212", f"the struct '{name}' contains itself", node.span, f"point to it: '*{name}'")
            self._busy.append(name)
            try:
                self._done[name] = self.fields(name, self._structs[name].fields, StructName(name, self._done))
            finally:
                self._busy.pop()
        return self._done[name]


MAX_LENGTH = 4096
