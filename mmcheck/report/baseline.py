"""Baselines: failures that are known, so that only new ones count.

A baseline is a JSON file that a person can review: one known failure a line, sorted. A result that is not as
claimed is known if the baseline has it with the same verdict. Unknown verdicts and ill-formed files are never known.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from mmcheck.base import jsonfile
from mmcheck.base.records import record, replace
from mmcheck.base.source import SourceFile
from mmcheck.report.words import one_line, plural
from mmcheck.verdict.results import FileReport, Report, Result

SCHEMA = "mmcheck-baseline/1"
FIELDS = ("file", "variant", "requirement", "kind", "target", "verdict")

SHAPE = {"schema": str, "known": [dict.fromkeys(FIELDS, str)]}

Entry = tuple[str, ...]
"""The values of `FIELDS`; the base program's variant is the empty text."""


@record
class Applied:
    """A report without its known failures, those failures, and entries that nothing matches any more."""

    report: Report
    known: tuple[Result, ...]
    stale: tuple[Entry, ...]


def entry(result: Result) -> Entry:
    """What a baseline says of `result`."""
    return (result.file, result.variant or "", result.requirement, result.kind, result.target, result.verdict)


def render(report: Report) -> str:
    """The baseline that knows every failure of `report`."""
    entries = sorted({entry(result) for result in report.results if result.as_claimed is False})
    rows = ",\n".join("  " + json.dumps(dict(zip(FIELDS, each, strict=True))) for each in entries)
    listed = f"[\n{rows}\n]" if rows else "[]"
    return f'{{"schema": "{SCHEMA}",\n"known": {listed}}}\n'


def parse(source: SourceFile) -> frozenset[Entry]:
    """The entries of a baseline. Raises `InputError` if it is none."""
    data = jsonfile.parse(source, SHAPE, "MM013", "this is no baseline of mmcheck")
    if data["schema"] != SCHEMA:
        message = f"this is no baseline that this version reads: its schema is not {SCHEMA}"
        raise jsonfile.wrong(source, "MM013", message, ("schema",))
    return frozenset(tuple([row[name] for name in FIELDS]) for row in data["known"])


def apply(report: Report, entries: frozenset[Entry]) -> Applied:
    """`report` without the failures that `entries` has; each file says in a note how many were left out."""
    known: list[Result] = []
    files = []
    for file in report.files:
        gone = [result for result in file.results if result.as_claimed is False and entry(result) in entries]
        files.append(_without(file, gone, entries) if gone else file)
        known += gone
    present = {file.path for file in report.files}
    met = {entry(result) for result in known}
    stale = sorted(each for each in entries if each[0] in present and each not in met)
    return Applied(replace(report, files=tuple(files)), tuple(known), tuple(stale))


def _without(file: FileReport, gone: list[Result], entries: frozenset[Entry]) -> FileReport:
    left = tuple([result for result in file.results if result.as_claimed is not False or entry(result) not in entries])
    names = ", ".join(dict.fromkeys(result.requirement for result in gone))
    note = f"{plural(len(gone), 'known failure')} of the baseline left out: {names}"
    return replace(file, results=left, notes=(*file.notes, note))


def described(entries: Iterable[Entry]) -> str:
    """A few entries in words, for a note."""
    shown = [f"{each[2]} [{each[1] or 'base'}] on {each[4]} in {each[0]}" for each in list(entries)[:5]]
    return one_line("; ".join(shown))
