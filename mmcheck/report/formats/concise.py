"""The ``concise`` format: ``file:line:col: verdict requirement [variant] on target: text``; nothing if all is well."""

from __future__ import annotations

from mmcheck.report.colour import Paint
from mmcheck.report.looks import Format
from mmcheck.report.words import BASE, INTERRUPTED, caveat, claim, layer_sentence, one_line, place, verdict
from mmcheck.verdict.results import MEANING, Report, Result


def render(report: Report, *, color: bool = False) -> str:
    """One line for each result that is not as claimed, not decided, or about runs that end alone; and for each
    diagnostic."""
    paint = Paint(color)
    lines = []
    for file in report.files:
        lines += [each.concise() for each in file.diagnostics]
        lines += [line(result, paint) for result in file.results if result.as_claimed is not True or caveat(result)]
    if report.interrupted:
        lines.append(INTERRUPTED)
    return "".join(f"{each}\n" for each in lines)


FORMAT = Format(lambda report, look: render(report, color=look.color))


def line(result: Result, paint: Paint) -> str:
    """The line of one result."""
    span = place(result)
    where = span.where() if span is not None else f"{result.file}:1:1"
    word = paint(verdict(result), "warn" if result.verdict == "unknown" or result.as_claimed else "bad")
    subject = one_line(f"{result.requirement} [{result.variant or BASE}] on {result.target}")
    return f"{one_line(where)}: {word} {subject}: {text(result)}"


def text(result: Result) -> str:
    """What there is to say of a result in one line."""
    if result.as_claimed:
        return one_line(caveat(result))
    if result.verdict == "unknown":
        return one_line(result.reason)
    parts = [claim(result)]
    if result.counterexample is not None and result.counterexample.summary:
        parts.append(result.counterexample.summary)
    else:
        parts.append(layer_sentence(result) or result.reason or MEANING[result.verdict])
    return one_line("; ".join(parts))
