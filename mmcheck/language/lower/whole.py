"""Records that are read and written as one: each is one cell, and no part of it is accessed by itself.

A location has one width. A record of at most eight bytes may be accessed as one (``e.load(acquire)``) or field by
field, and not both in one program: what an access of part of a word sees of one to all of it (Arm's mixed-size
accesses) is not modelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mmcheck.base.records import replace
from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.language.lower.layout import Variable
from mmcheck.language.lower.names import Reporter
from mmcheck.language.lower.types import ArrayType, RecordType, Type, size_of

Key = tuple[str | None, RecordType]
"""The variable that a record is in, and its type; None if it is reached by a pointer: it may be in any variable."""


def _root(name: str) -> str | None:
    return None if name.startswith("*") else name.partition(".")[0].partition("[")[0]


class Widths:
    """How the records of one program are accessed."""

    def __init__(self) -> None:
        self._whole: dict[Key, Span] = {}
        self._parts: dict[Key, Span] = {}

    def whole(self, name: str, type_: RecordType, span: Span) -> None:
        """The record called `name` is accessed as one at `span`."""
        self._whole.setdefault((_root(name), type_), span)

    def part(self, name: str, type_: RecordType, span: Span) -> None:
        """A field of the record called `name` is accessed, or its address taken."""
        self._parts.setdefault((_root(name), type_), span)

    def check(self, reporter: Reporter) -> None:
        """Report each record that is accessed as one and field by field."""
        for (root, type_), span in self._whole.items():
            for (other, of), part in self._parts.items():
                if of == type_ and len(type_.fields) > 1 and (root == other or root is None or other is None):
                    what = f"'{root}'" if root is not None else f"a {type_}"
                    message = f"{what} is accessed as one here, and field by field in line {part.line}"
                    hint = (
                        f"read_volatile() and write_volatile() access '{type_.fields[0].name}' and the rest one by one"
                    )
                    reporter.report("MM255", message, span, hint)
                    break

    def merged(self, cells: Iterable[ir.Cell], variables: Iterable[Variable]) -> tuple[ir.Cell, ...]:
        """`cells`, with one for each record that is accessed as one."""
        if not self._whole:
            return tuple(cells)
        spans = {
            address: (name, type_)
            for each in variables
            for name, type_, address in _records(each.name, each.type, each.address)
            if (each.name, type_) in self._whole or (None, type_) in self._whole
        }
        found: dict[int, ir.Cell] = {}
        ends = [(start, start + type_.size) for start, (_, type_) in spans.items()]
        for cell in cells:
            start = next((first for first, end in ends if first <= cell.address < end), None)
            if start is None:
                found[cell.address] = cell
                continue
            name, type_ = spans[start]
            init = cell.init << 8 * (cell.address - start)
            before = found.get(start)
            if before is None:
                found[start] = replace(cell, name=name, address=start, width=8 * type_.size, init=init)
            else:
                found[start] = replace(before, init=before.init | init)
        return tuple(found.values())


def _records(name: str, type_: Type, address: int) -> Iterator[tuple[str, RecordType, int]]:
    """Every record in something of `type_` at `address`, with its name."""
    match type_:
        case ArrayType(element=element, length=length):
            for index in range(length):
                yield from _records(f"{name}[{index}]", element, address + index * size_of(element))
        case RecordType(fields=fields):
            yield name, type_, address
            for each in fields:
                yield from _records(f"{name}.{each.name}", each.type, address + each.offset)
