"""The output of ``mmcheck litmus``, and the table of expected observations it can be held against."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from mmcheck.base.errors import fail
from mmcheck.base.records import record
from mmcheck.base.source import SourceFile, Span, printable
from mmcheck.verdict.results import LitmusOutcome

OBSERVATIONS = ("Never", "Sometimes", "Always")
_KINDS = {
    "exists": ("Allowed", ("Sometimes", "Always")),
    "~exists": ("Forbidden", ("Never",)),
    "forall": ("Required", ("Always",)),
}
"""herd's word for a test with this quantifier, and the observations that agree with it."""


def render(outcome: LitmusOutcome) -> str:
    """herd's lines for one test: the log with states that mcompare7 reads, if they are to be shown, and the
    observation."""
    if outcome.diagnostics:
        return "".join(f"{each.render()}\n" for each in outcome.diagnostics)
    lines, name = [], printable(outcome.name) or printable(outcome.path)
    if outcome.states is not None:
        kind, validated = _KINDS[outcome.quantifier]
        result = "Undef" if outcome.observation == "Unknown" else "Ok" if outcome.observation in validated else "No"
        lines += [f"Test {name} {kind}", f"States {len(outcome.states)}", *map(printable, outcome.states), result]
    lines.append(f"Observation {name} {outcome.observation}")
    return "".join(f"{line}\n" for line in lines)


@record
class Expected:
    """One row of the table: `file` as written there, `states` None where the column is empty."""

    file: str
    observation: str
    states: int | None


def read_expected(source: SourceFile) -> dict[str, Expected]:
    """The rows of a table, by the real path of the file that each is about. Raises `InputError`.

    A header line, then ``file<TAB>observation<TAB>states``; paths are relative to the table.
    """
    folder = Path(source.path).parent
    rows: dict[str, Expected] = {}
    offset = 0
    for number, raw in enumerate(source.text.split("\n")):
        span = Span(source, offset, offset + len(raw))
        offset += len(raw) + 1
        line = raw.rstrip("\r")
        if number == 0 or not line.strip():
            continue
        row = _row(line, span)
        key = real(folder / row.file)
        if key in rows:
            raise fail("MM012", f"'{row.file}' has two rows", span)
        rows[key] = row
    return rows


def _row(line: str, span: Span) -> Expected:
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) not in (2, 3) or not cells[0]:
        raise fail("MM012", "a row is file, observation and states, with tabs between", span)
    if cells[1] not in OBSERVATIONS:
        raise fail("MM012", f"'{cells[1]}' is no observation; it is one of {', '.join(OBSERVATIONS)}", span)
    states = cells[2] if len(cells) == 3 else ""
    if states and not (states.isascii() and states.isdigit()):
        raise fail("MM012", f"'{states}' is no number of states", span)
    return Expected(cells[0], cells[1], int(states) if states else None)


def real(path: str | Path) -> str:
    """The key of a file: its absolute path with links resolved."""
    folder, name = os.path.split(path)
    if not name or name in (os.curdir, os.pardir):
        return os.path.realpath(path)
    joined = os.path.join(_folder(folder), name)
    return os.path.realpath(joined) if os.path.islink(joined) else joined


@lru_cache(maxsize=256)
def _folder(folder: str) -> str:
    return os.path.realpath(folder)


class Comparison:
    """Counts what passed and what failed, while outcomes come in."""

    def __init__(self, rows: Mapping[str, Expected]) -> None:
        self._left = dict(rows)
        self.passed = 0
        self.failed = 0
        self.unlisted: list[str] = []

    def add(self, outcome: LitmusOutcome) -> str:
        """What is wrong with `outcome`, or an empty text."""
        key = real(outcome.path)
        row = self._left.pop(key, None)
        if row is None:
            self.unlisted.append(outcome.path)
            return ""
        problem = _difference(row, outcome)
        if problem:
            self.failed += 1
            return f"FAILED {outcome.path}: {problem}"
        self.passed += 1
        return ""

    def finish(self) -> Iterator[str]:
        """The rows whose file does not exist; each counts as failed."""
        for key, row in list(self._left.items()):
            if not os.path.isfile(key):
                del self._left[key]
                self.failed += 1
                yield f"FAILED {row.file}: there is no such file"

    @property
    def left(self) -> int:
        """Rows whose file exists but was not among the paths named."""
        return len(self._left)

    @property
    def total(self) -> str:
        return f"{self.passed} passed, {self.failed} failed"


def _difference(row: Expected, outcome: LitmusOutcome) -> str:
    if outcome.diagnostics:
        return f"it cannot be read ({outcome.diagnostics[0].code})"
    if outcome.observation != row.observation:
        return f"expected {row.observation}, got {outcome.observation}"
    if outcome.states is not None and row.states is not None and len(outcome.states) != row.states:
        return f"expected {row.states} states, got {len(outcome.states)}"
    return ""
