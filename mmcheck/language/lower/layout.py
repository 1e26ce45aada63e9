"""Where everything stands in memory: addresses, cells, initial values.

Every variable begins at a multiple of `STRIDE`, so that an index out of range hits no cell: even a
16-bit index into an array of 16-byte records stays inside the variable's own range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mmcheck.base.records import record
from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.language.lower.names import Declarations, Reporter, problem
from mmcheck.language.lower.types import (
    DEFAULT,
    ArrayType,
    BoolType,
    IntType,
    LatchType,
    PointerType,
    RecordType,
    Scalar,
    Type,
    TypeTable,
    size_of,
    width_of,
)
from mmcheck.language.lower.values import Val, Value, coerce
from mmcheck.language.syntax import ast

STRIDE = 0x10_0000
"""Distance of two variables in bytes."""


MAX_CELLS = 65_536
"""Cells of one program."""


@record
class Variable:
    """A shared variable: its storage kind, type and address."""

    name: str
    kind: ast.StorageKind
    type: Type
    address: int
    span: Span


@record
class Private:
    """An agent's own register and its initial value."""

    name: str
    type: IntType | BoolType | PointerType
    init: ir.Const

    @property
    def register(self) -> ir.Reg:
        return ir.Reg(f"@{self.name}", width_of(self.type))


class Layout:
    """The variables of one program. Addresses exist first, initial values are filled in by `fill`."""

    def __init__(self, declarations: Declarations) -> None:
        self._declared = declarations.variables
        self.variables: dict[str, Variable] = {}
        self.privates: dict[str, Private] = {}
        self.cells: tuple[ir.Cell, ...] = ()

    def place(self, types: TypeTable, constant: Callable[[ast.Expr], Value], reporter: Reporter, cpus: int = 1) -> None:
        """Give every variable a type and an address; `constant` evaluates an initial value. Memory per CPU is an
        array of `cpus` copies."""
        address, count = STRIDE, 0
        for name, stored in self._declared.items():
            if stored.kind == "private":
                continue
            with reporter.collect():
                type_ = types.variable(stored.variable, _default(stored.variable, constant))
                if stored.kind == "percpu":
                    type_ = ArrayType(type_, cpus)
                if size_of(type_) > STRIDE // 2:
                    raise problem("MM213", f"'{name}' takes {size_of(type_)} bytes", stored.variable.span)
                count += _count(type_)
                if count > MAX_CELLS:
                    raise problem("MM213", f"the program has more than {MAX_CELLS} cells", stored.variable.span)
                self.variables[name] = Variable(name, stored.kind, type_, address, stored.variable.span)
            address += STRIDE

    def fill(self, types: TypeTable, constant: Callable[[ast.Expr], Value], reporter: Reporter) -> None:
        """Compute the initial values, which may hold addresses, and make the cells."""
        cells: list[ir.Cell] = []
        for name, stored in self._declared.items():
            with reporter.collect():
                if stored.kind == "private":
                    self.privates[name] = _private(stored.variable, types, constant)
                elif name in self.variables:
                    variable = self.variables[name]
                    init = stored.variable.init
                    cells += _cells(variable, name, variable.type, variable.address, init, constant)
        self.cells = tuple(cells)


def _count(type_: Type) -> int:
    """Cells of a variable."""
    if isinstance(type_, ArrayType):
        return type_.length * _count(type_.element)
    if isinstance(type_, RecordType):
        return sum(_count(each.type) for each in type_.fields)
    return 1


def _default(node: ast.Variable, constant: Callable[[ast.Expr], Value]) -> Type:
    """The type that an initial value gives to a variable without one."""
    if node.init is None or isinstance(node.init, ast.RecordLiteral | ast.AddrOf | ast.Null):
        return DEFAULT
    value = constant(node.init)
    return value.type if isinstance(value, Val) else DEFAULT


def _private(node: ast.Variable, types: TypeTable, constant: Callable[[ast.Expr], Value]) -> Private:
    type_ = types.variable(node, _default(node, constant))
    if not isinstance(type_, IntType | BoolType | PointerType):
        raise problem("MM213", f"a private is a number, a truth value or a pointer, not {type_}", node.span)
    return Private(node.name.text, type_, _initial(type_, node.init, constant))


def _initial(type_: Scalar, init: ast.Expr | None, constant: Callable[[ast.Expr], Value]) -> ir.Const:
    if init is None:
        return ir.Const(0, width_of(type_))
    wanted = type_.value if isinstance(type_, LatchType) and type_.value is not None else type_
    if isinstance(wanted, LatchType):
        raise problem("MM216", "a latch without a value has no initial value", init.span)
    expr = coerce(constant(init), wanted, init.span).expr
    if not isinstance(expr, ir.Const):
        raise problem("MM217", "an initial value is a constant", init.span)
    return ir.Const(expr.value, width_of(type_))


def _cells(
    variable: Variable,
    name: str,
    type_: Type,
    address: int,
    init: ast.Expr | None,
    constant: Callable[[ast.Expr], Value],
) -> Iterator[ir.Cell]:
    """The cells of something of `type_` at `address` whose initial value is `init`."""
    match type_:
        case ArrayType(element=element, length=length):
            for index in range(length):
                at = address + index * size_of(element)
                yield from _cells(variable, f"{name}[{index}]", element, at, init, constant)
        case RecordType():
            given = _field_values(type_, init)
            for each in type_.fields:
                inner = given.get(each.name, each.init)
                yield from _cells(variable, f"{name}.{each.name}", each.type, address + each.offset, inner, constant)
        case _:
            space = "mmio" if variable.kind == "mmio" else "irq" if isinstance(type_, LatchType) else "ram"
            start = _initial(type_, init, constant).value
            yield ir.Cell(name, address, width_of(type_), start, space, span=variable.span)


def _field_values(type_: RecordType, init: ast.Expr | None) -> dict[str, ast.Expr]:
    if init is None:
        return {}
    if not isinstance(init, ast.RecordLiteral):
        raise problem("MM216", f"the initial value of a record is '{{ {type_.fields[0].name}: … }}'", init.span)
    for each in init.fields:
        if type_.field(each.name.text) is None:
            raise problem("MM207", f"'{type_}' has no field '{each.name.text}'", each.name.span)
    return {each.name.text: each.value for each in init.fields}
