"""Which cells a device shares: ``dma`` where ORDER_PLATFORM is negotiated, and whose registers the ``mmio`` cells are.

A device shares what its code names, and everything that a pointer may lead to. Registers belong together if one device
agent names them; registers that no device names are each of a device of their own, so that nothing is taken for
ordered that is not.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches

from mmcheck.base.records import replace
from mmcheck.ir import program as ir
from mmcheck.language.lower.layout import STRIDE
from mmcheck.language.syntax import ast

NEGOTIATED = ("ORDER_PLATFORM", "VIRTIO_F_ORDER_PLATFORM")
"""A constant of one of these names says whether the feature is negotiated (VirtIO 1.2, 6); it is if one says so."""


def misspelt(trees: Iterable[ast.Node]) -> Iterator[tuple[ast.Ident, str]]:
    """Constants that nothing in `trees` reads and whose name is almost one of `NEGOTIATED`, with that name."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    read: set[str] | None = None
    for node in nodes:
        if not isinstance(node, ast.Const) or node.name.text in NEGOTIATED:
            continue
        near = get_close_matches(node.name.text.upper(), NEGOTIATED, n=1, cutoff=0.85)
        if near and read is None:
            read = {each.text for each in nodes if isinstance(each, ast.Name)}
        if near and read is not None and node.name.text not in read:
            yield node.name, near[0]


Reachable = Callable[[ir.Block], Iterable[ir.Statement]]


def with_devices(cells: Sequence[ir.Cell], threads: Sequence[ir.Thread], reachable: Reachable) -> list[ir.Thread]:
    """`threads`, those that are devices in software known as such: who takes a doorbell is behind it."""
    doors = {cell.address for cell in cells if cell.space == "mmio"}
    found = [thread.kind == "thread" and bool(doors) and _takes(thread, doors, reachable) for thread in threads]
    return [replace(thread, kind="device") if is_one else thread for thread, is_one in zip(threads, found, strict=True)]


def _takes(thread: ir.Thread, doors: set[int], reachable: Reachable) -> bool:
    taken = [each for each in reachable(thread.body) if isinstance(each, ir.Rmw) and each.origin.word == "take()"]
    return any(const.value in doors for each in taken for const in ir.constants_of(each.address))


def placed(
    cells: Sequence[ir.Cell], threads: Sequence[ir.Thread], reachable: Reachable, *, negotiated: bool
) -> tuple[ir.Cell, ...]:
    """`cells` with their space and device. `reachable` gives every statement that a block may execute."""
    registers = any(cell.space == "mmio" for cell in cells)
    if not registers and not negotiated:
        return tuple(cells)
    known = _Cells(cells)
    owner = {cell.address: cell.name for cell in cells if cell.space == "mmio"}
    pointed = {address for cell in cells if cell.init >= STRIDE for address in known.near(cell.init)}
    shared: set[int] = set()
    for thread in threads:
        for statement in reachable(thread.body):
            pointed |= {a for expr in _values(statement) for a in known.named(expr)}
    for thread in threads:
        if thread.kind == "device":
            mine = {a for each in reachable(thread.body) for expr in _addresses(each) for a in known.named(expr)}
            shared |= mine
            names = {owner[address] for address in mine if address in owner}
            owner = {at: thread.name if name in names else name for at, name in owner.items()}
    shared |= pointed
    out = []
    for cell in cells:
        if cell.space == "mmio":
            cell = replace(cell, device=owner[cell.address])
        elif negotiated and cell.space == "ram" and cell.address in shared:
            cell = replace(cell, space="dma")
        out.append(cell)
    return tuple(out)


class _Cells:
    """The cells by address, and by the variable that they belong to."""

    def __init__(self, cells: Sequence[ir.Cell]) -> None:
        self.addresses = sorted(cell.address for cell in cells)
        self.set = set(self.addresses)

    def near(self, number: int) -> Iterator[int]:
        """The cells of the variable whose range `number` is in."""
        first = number // STRIDE * STRIDE
        at = bisect_right(self.addresses, first - 1)
        while at < len(self.addresses) and self.addresses[at] < first + STRIDE:
            yield self.addresses[at]
            at += 1

    def named(self, expr: ir.Expr) -> Iterator[int]:
        """The cells that `expr` may be the address of: one if it is a constant, else those of the variables in it."""
        if isinstance(expr, ir.Const):
            if expr.value in self.set:
                yield expr.value
        elif isinstance(expr, ir.Op):
            for const in ir.constants_of(expr):
                if const.value >= STRIDE:
                    yield from self.near(const.value)


def _addresses(statement: ir.Statement) -> list[ir.Expr]:
    """What `statement` accesses, or may hand on as an address."""
    match statement:
        case ir.Load() | ir.Store() | ir.StoreExclusive() | ir.Rmw():
            return [statement.address]
    return _values(statement)


def _values(statement: ir.Statement) -> list[ir.Expr]:
    """The values of `statement` that a pointer may get."""
    match statement:
        case ir.Assign(expr=expr):
            return [expr]
        case ir.Store(value=value) | ir.StoreExclusive(value=value):
            return [value]
        case ir.Rmw(new=new):
            return [new]
        case ir.Call(args=args):
            return list(args)
        case ir.Return(value=value) if value is not None:
            return [value]
    return []
