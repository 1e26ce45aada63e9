"""Tests read part by part, each part but once: the tests of a suite are a few hundred columns over and over.

A part is known by all that its meaning depends on. Only parts of tests without a mistake are remembered, and a test
with a part that is not known is read as if it were the first.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import partial
from typing import NamedTuple

from mmcheck.base.source import SourceFile
from mmcheck.ir.program import Cell, Program, Reg, Thread
from mmcheck.language.herd.cell import Order
from mmcheck.language.herd.columns import Layout, split
from mmcheck.language.herd.condition import Footer
from mmcheck.language.herd.memory import Names
from mmcheck.language.herd.read import LitmusTest, Reader, is_mixed, named
from mmcheck.language.herd.show import Shown
from mmcheck.target.targets import of_herd

MOST = 4_000
"""Parts of each sort that are remembered; then all are forgotten."""
LARGE = 20_000
"""Characters; nothing is remembered of a longer test."""


class _Column(NamedTuple):
    """A thread; `accesses` are the locations that it may reach, with widths."""

    thread: Thread
    key: Hashable
    used: frozenset[str]
    accesses: tuple[tuple[Names, int], ...]
    orders: frozenset[Order]


class _End(NamedTuple):
    """The parsed end of a test, the places that final states are projected on, and how they are printed."""

    footer: Footer
    observed: tuple[Reg, ...]
    shown: tuple[Shown, ...]


class Parts:
    """What is known: `heads` has the declared widths of locations by initial state, `columns` threads by initial state,
    name and text, `cells` memory by initial state and widths, `ends` conditions by those and text. `named` are the
    locations that columns for x86 name, with guesses of their widths."""

    def __init__(self) -> None:
        self.heads: dict[Hashable, Mapping[str, int]] = {}
        self.columns: dict[Hashable, _Column] = {}
        self.cells: dict[Hashable, tuple[Cell, ...]] = {}
        self.ends: dict[Hashable, _End] = {}
        self.named: dict[Hashable, Mapping[str, int]] = {}

    def read(self, file: SourceFile) -> LitmusTest:
        """The test in `file`, as `mmcheck.language.herd.read.read_litmus` reads it, but origins of statements and spans
        of cells may be those of an earlier test. Raises `InputError`."""
        layout = split(file)
        texts = layout.texts
        if texts is None or len(file.text) > LARGE:
            return Reader(layout).read()
        names = tuple([name for name, _ in layout.threads])
        head: tuple[Hashable, ...] = (layout.arch, layout.text[slice(*layout.init)], names)
        if layout.arch != "AArch64":
            head = (*head, tuple(sorted(self._named(layout.arch, texts).items())))
        columns = self._columns(layout, head, texts)
        found = None if columns is None else self._joined(layout, head, columns)
        if found is None:
            reader = Reader(layout)
            found = reader.read()
            self._remember(reader, found, head)
        return found

    def _columns(
        self, layout: Layout, head: tuple[Hashable, ...], texts: tuple[tuple[str, ...], ...]
    ) -> list[_Column] | None:
        """The threads; None if something is wrong with one, or if what it does may depend on others."""
        columns, reader = [], None
        for number, text in enumerate(texts):
            key = (head, layout.threads[number][0], text)
            column = self.columns.get(key)
            if column is None:
                if reader is None:
                    reader = Reader(layout)
                    reader.begin()
                    self._forget()
                    self.heads[head] = reader.declared_widths
                column = _column(reader, number)
                if column is None:
                    return None
                self.columns[key] = column
            columns.append(column)
        return columns

    def _joined(self, layout: Layout, head: tuple[Hashable, ...], columns: list[_Column]) -> LitmusTest | None:
        """The test of these threads, if there has been one with this initial state and this end."""
        if is_mixed(frozenset().union(*[column.orders for column in columns])):
            return None
        widths = dict(self.heads[head])
        for column in columns:
            for reached, width in column.accesses:
                for name in reached:
                    if (widths[name] or width) != width:
                        return None
                    widths[name] = width
        key = (head, tuple([width or 32 for width in widths.values()]))
        cells, end = self.cells.get(key), self.ends.get((*key, layout.text[layout.footer :].strip()))
        if cells is None or end is None:
            return None
        footer = end.footer
        used = {name: column.used for (name, _), column in zip(layout.threads, columns, strict=True)}
        if any(register not in used[thread] for thread, register in footer.registers):
            return None
        meta = dict(layout.meta)
        if footer.expectations:
            meta["with"] = footer.expectations
        threads = tuple([column.thread for column in columns])
        program = Program(layout.name, of_herd(layout.arch), threads, cells)
        return LitmusTest(
            layout.name, layout.arch, program, footer.quantifier, footer.condition, end.observed, footer.filter, meta,
            layout.name_span, tuple([column.key for column in columns]), end.shown,
        )  # fmt: skip

    def _remember(self, reader: Reader, test: LitmusTest, head: tuple[Hashable, ...]) -> None:
        """Remember memory and end of a test."""
        key = (head, tuple([location.width for location in reader.locations.values()]))
        self.cells[key] = test.program.cells
        end = reader.layout.text[reader.layout.footer :].strip()
        if "-" not in end:  # the width of a negative number depends on what the thread does
            self.ends[*key, end] = _End(reader.ended, test.observed, test.shown)

    def _forget(self) -> None:
        """Forget everything if it is too much."""
        for of in (self.heads, self.columns, self.cells, self.ends):
            if len(of) >= MOST:
                self.columns, self.cells, self.ends, self.heads = {}, {}, {}, {}

    def _named(self, arch: str, texts: tuple[tuple[str, ...], ...]) -> dict[str, int]:
        """The locations that x86 instructions name, with a first guess of their widths."""
        from mmcheck.language.herd.x86 import place_of

        guesses: dict[str, int] = {}
        for column in texts:
            known = self.named.get((arch, column))
            if known is None:
                if len(self.named) >= MOST:
                    self.named.clear()
                known = self.named[arch, column] = named(column, partial(place_of, arch=arch))
            for name, width in known.items():
                guesses[name] = guesses.get(name, 0) or width
        return guesses


def _column(reader: Reader, number: int) -> _Column | None:
    thread = reader.agent(number)
    accesses = None if reader.problems else reader.accesses(thread)
    if accesses is None:
        return None
    used, orders = reader.used[thread.name], reader.orders[thread.name]
    return _Column(thread, reader.key(thread.name), frozenset(used), accesses, frozenset(orders))


_PARTS = Parts()


def read_shared(file: SourceFile) -> LitmusTest:
    """As `Parts.read`, with what was read in this process."""
    return _PARTS.read(file)
