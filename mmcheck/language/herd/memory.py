"""Locations: where they stand, how wide they are.

An address is ``BASE * (k + 1)`` for the k-th name in alphabetical order, so no index of a test reaches from
one location into another. A location has the width of its type; without a type that of its accesses, which
must agree; 32 bits if there are none. Which location an access reaches is followed through registers, as a set
of names, without regard to order: enough to refuse mixed sizes, and never wrong about a test that has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mmcheck.base.records import record
from mmcheck.base.source import Span
from mmcheck.ir.program import Assign, Cell, Const, Expr, Load, Op, Origin, Reg, Rmw, Statement, Store, StoreExclusive
from mmcheck.language.herd.init import Value

BASE = 0x1000
Names = frozenset[str]
_NOTHING: Names = frozenset()


@dataclass(slots=True)
class Location:
    """A name in shared memory: `count` elements of `width` bits (0: not yet known)."""

    name: str
    width: int = 0
    count: int | None = None
    values: tuple[Value, ...] = ()
    span: Span | None = None
    address: int = 0

    def element(self, index: int) -> int:
        """The address of element `index`."""
        return self.address + index * (self.width or 32) // 8

    def label(self, index: int) -> str:
        """The name of the cell that is element `index`."""
        return self.name if self.count is None else f"{self.name}[{index}]"


def place(locations: Mapping[str, Location]) -> None:
    """Give every location its address."""
    for number, name in enumerate(sorted(locations)):
        locations[name].address = BASE * (number + 1)


def cells(locations: Mapping[str, Location], address_of: Mapping[str, Location]) -> tuple[Cell, ...]:
    """The cells of all locations, by address."""
    made: list[Cell] = []
    for name in sorted(locations):
        location = locations[name]
        mask = (1 << location.width) - 1
        for index in range(location.count or 1):
            init = 0
            if index < len(location.values):
                value = location.values[index]
                init = address_of[value.symbol].element(value.element) if value.symbol else value.number
            made.append(
                Cell(location.label(index), location.element(index), location.width, init & mask, span=location.span)
            )
    return tuple(made)


@record
class Access:
    """An access of `width` bits that may reach `names`."""

    names: Names
    width: int
    origin: Origin


def accesses(
    threads: Sequence[Sequence[Statement]],
    pointers: Sequence[Mapping[str, str]],
    locations: Mapping[str, Location],
    word: int,
) -> list[Access]:
    """Every access of `threads`.

    `pointers` says which registers hold which location at first; addresses have `word` bits.
    """
    by_address = {location.address: frozenset((name,)) for name, location in locations.items()}
    tables, _ = _flow(threads, pointers, locations, by_address, word)
    return [
        Access(_names(s.address, table, by_address), _width(s), s.origin)
        for body, table in zip(threads, tables, strict=True)
        for s in body
        if isinstance(s, Load | Store | StoreExclusive | Rmw)
    ]


def alone(
    body: Sequence[Statement], pointers: Mapping[str, str], locations: Mapping[str, Location], word: int
) -> tuple[tuple[Names, int], ...] | None:
    """Names and widths of the accesses of one thread, if no other has a say: nobody finds an address in memory."""
    by_address = {location.address: frozenset((name,)) for name, location in locations.items()}
    (table,), stored = _flow([body], [pointers], locations, by_address, word)
    if stored:
        return None
    found = [
        (_names(s.address, table, by_address), _width(s))
        for s in body
        if isinstance(s, Load | Store | StoreExclusive | Rmw)
    ]
    return tuple(dict.fromkeys(found))


def _flow(
    threads: Sequence[Sequence[Statement]],
    pointers: Sequence[Mapping[str, str]],
    locations: Mapping[str, Location],
    by_address: Mapping[int, Names],
    word: int,
) -> tuple[list[dict[str, Names]], Names]:
    """Which locations the registers of each thread may hold addresses of, and which addresses memory may hold."""
    stored = frozenset(v.symbol for location in locations.values() for v in location.values if v.symbol)
    tables: list[dict[str, Names]] = [{r: frozenset((name,)) for r, name in held.items()} for held in pointers]
    changed = True
    while changed:
        changed = False
        for body, table in zip(threads, tables, strict=True):
            for statement in body:
                if isinstance(statement, Assign):
                    target, found = statement.dst, _names(statement.expr, table, by_address)
                elif isinstance(statement, Load | Rmw) and statement.dst.width >= word:
                    target, found = statement.dst, stored
                else:
                    continue
                if found and not found <= table.get(target.name, _NOTHING):
                    table[target.name] = table.get(target.name, _NOTHING) | found
                    changed = True
            more = _stored(body, table, by_address)
            if not more <= stored:
                stored |= more
                changed = True
    return tables, stored


def _width(statement: Load | Store | StoreExclusive | Rmw) -> int:
    return statement.dst.width if isinstance(statement, Load | Rmw) else statement.value.width


def _stored(body: Iterable[Statement], table: Mapping[str, Names], by_address: Mapping[int, Names]) -> Names:
    """The locations whose addresses `body` may write to memory."""
    found = _NOTHING
    for s in body:
        if isinstance(s, Store | StoreExclusive):
            if isinstance(s.value, Reg):
                found |= table.get(s.value.name, _NOTHING)
        elif isinstance(s, Rmw) and not isinstance(s.new, Const):
            found |= _names(s.new, table, by_address)
    return found


def _names(expr: Expr, table: Mapping[str, Names], by_address: Mapping[int, Names]) -> Names:
    """The locations that `expr` may be an address in; only sums and choices of addresses count."""
    if isinstance(expr, Reg):
        return table.get(expr.name, _NOTHING)
    if isinstance(expr, Const):
        return by_address.get(expr.value, _NOTHING) if expr.value >= BASE else _NOTHING
    if not isinstance(expr, Op):
        return _NOTHING
    if expr.op in ("add", "or", "select"):
        args = expr.args[1:] if expr.op == "select" else expr.args
        return _NOTHING.union(*(_names(arg, table, by_address) for arg in args))
    if expr.op == "sub" or (expr.op == "zext" and expr.width == 64):
        return _names(expr.args[0], table, by_address)
    return _NOTHING
