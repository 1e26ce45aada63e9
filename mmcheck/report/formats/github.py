"""The ``github`` format: workflow commands, which GitHub Actions shows as annotations beside the lines.

One command per result that is not as claimed (``error``), not decided (``warning``) or about runs that end alone
(``notice``), and per diagnostic.
What a command's text may hold is escaped as the runner undoes it; nothing in it can begin a command of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from mmcheck.base.errors import Diagnostic
from mmcheck.base.source import Span
from mmcheck.report import story
from mmcheck.report.draw.metrics import clean
from mmcheck.report.looks import Format
from mmcheck.report.words import INTERRUPTED, caveat, place
from mmcheck.verdict.results import Report

_SEVERITIES = {"error": "error", "warning": "warning"}


def render(report: Report) -> str:
    """The annotations, one a line; nothing if all is well."""
    return "".join(f"{line}\n" for line in _commands(report))


FORMAT = Format(lambda report, look: render(report), for_programs=True)


def _commands(report: Report) -> Iterator[str]:
    for file in report.files:
        for diagnostic in file.diagnostics:
            yield _diagnostic(diagnostic)
        for result in file.results:
            if caveat(result):
                text = clean(caveat(result), story.TEXT)
                yield command("notice", f"mmcheck: {story.headline(result)}", result.file, place(result), text)
            elif result.as_claimed is not True:
                level = "warning" if result.as_claimed is None else "error"
                title, *rest = story.lines(result)
                yield command(level, f"mmcheck: {title}", result.file, place(result), "\n".join(rest))
    if report.interrupted:
        yield command("error", "mmcheck", "", None, INTERRUPTED)


def _diagnostic(found: Diagnostic) -> str:
    path = found.span.file.path if found.span is not None else found.path
    text = clean(found.message, story.TEXT)
    if found.help:
        text += f"\nhelp: {clean(found.help, story.TEXT)}"
    return command(_SEVERITIES.get(found.severity, "notice"), f"mmcheck ({found.code})", path, found.span, text)


def command(level: str, title: str, path: str, span: Span | None, text: str) -> str:
    """``::error title=...,file=...,line=...::text``; columns are given where the span is on one line."""
    fields = {"title": title}
    if path:
        fields["file"] = span.file.path if span is not None else path
    if span is not None:
        fields["line"] = str(span.line)
        fields["endLine"] = str(span.end_line)
        if span.line == span.end_line:
            fields["col"] = str(span.column)
            fields["endColumn"] = str(max(span.column, span.end_column))
    listed = ",".join(f"{name}={_property(value)}" for name, value in fields.items())
    return f"::{level} {listed}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
