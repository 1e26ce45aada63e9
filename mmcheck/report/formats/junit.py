"""The ``junit`` format: a test suite per file, a test case per requirement, variant and target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from mmcheck.base.errors import Diagnostic
from mmcheck.report import story
from mmcheck.report.draw.metrics import clean
from mmcheck.report.looks import Format
from mmcheck.report.words import INTERRUPTED, caveat
from mmcheck.verdict.results import FileReport, Report, Result


def render(report: Report, *, known: Iterable[Result] = ()) -> str:
    """The report as XML; `known` are failures of a baseline, which are listed as skipped."""
    skipped: dict[str, list[Result]] = {}
    for result in known:
        skipped.setdefault(result.file, []).append(result)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    suites = [(file, skipped.get(file.path, [])) for file in report.files]
    lines.append(f'<testsuites name="mmcheck"{_counts(suites, report.interrupted)}>')
    for file, left_out in suites:
        lines += _suite(file, left_out)
    if report.interrupted:
        lines.append('  <testsuite name="mmcheck" tests="1" failures="0" errors="1" skipped="0" time="0.000">')
        lines.append('    <testcase classname="mmcheck" name="interrupted" time="0.000">')
        lines.append(f'      <error type="interrupted" message="{INTERRUPTED}"/>')
        lines.append("    </testcase>\n  </testsuite>")
    lines.append("</testsuites>")
    return "".join(f"{line}\n" for line in lines)


FORMAT = Format(lambda report, look: render(report, known=look.known), for_programs=True)


def _counts(suites: Iterable[tuple[FileReport, list[Result]]], interrupted: bool = False) -> str:
    """Of a test suite or of all: tests, failures, errors, skipped, time."""
    failures = skipped = 0
    tests = errors = int(interrupted)
    seconds = 0.0
    for file, known in suites:
        broken = sum(each.severity == "error" for each in file.diagnostics)
        claims = [result.as_claimed for result in file.results]
        tests += len(claims) + len(known) + broken
        failures += claims.count(False)
        errors += claims.count(None) + broken
        skipped += len(known)
        seconds += sum(result.seconds for result in (*file.results, *known))
    return f' tests="{tests}" failures="{failures}" errors="{errors}" skipped="{skipped}" time="{seconds:.3f}"'


def _suite(file: FileReport, known: list[Result]) -> Iterator[str]:
    yield f'  <testsuite name="{_value(file.path)}"{_counts([(file, known)])}>'
    for diagnostic in file.diagnostics:
        if diagnostic.severity == "error":
            yield from _broken(file, diagnostic)
    for result in file.results:
        yield from _case(result)
    for result in known:
        yield f'{_open(result)}><skipped message="a known failure of the baseline"/></testcase>'
    remarks = [each.concise() for each in file.diagnostics if each.severity != "error"] + list(file.notes)
    if remarks:
        yield f"    <system-out>{_text(chr(10).join(clean(each, story.TEXT) for each in remarks))}</system-out>"
    yield "  </testsuite>"


def _open(result: Result) -> str:
    name, group = _value(story.subject(result)), _value(result.file)
    line = f' line="{result.span.line}"' if result.span is not None else ""
    return f'    <testcase classname="{group}" name="{name}" file="{group}"{line} time="{result.seconds:.3f}"'


def _case(result: Result) -> Iterator[str]:
    if result.as_claimed is True:
        out = f"><system-out>{_text(clean(caveat(result), story.TEXT))}</system-out></testcase>"
        yield _open(result) + (out if caveat(result) else "/>")
        return
    element = "error" if result.as_claimed is None else "failure"
    body = _text("\n".join(story.lines(result)))
    yield f"{_open(result)}>"
    yield f'      <{element} type="{result.verdict}" message="{_value(story.headline(result))}">{body}</{element}>'
    yield "    </testcase>"


def _broken(file: FileReport, found: Diagnostic) -> Iterator[str]:
    path = _value(file.path)
    yield f'    <testcase classname="{path}" name="{found.code}" file="{path}" time="0.000">'
    message = _value(clean(found.message, story.TEXT))
    body = _text("\n".join(clean(line, story.TEXT) for line in found.concise().splitlines()))
    yield f'      <error type="{found.code}" message="{message}">{body}</error>'
    yield "    </testcase>"


def _text(text: str) -> str:
    """Character data; `clean` has taken out what XML 1.0 cannot hold."""
    return escape(text, quote=False)


def _value(text: str) -> str:
    """The value of an attribute."""
    return escape(clean(text, story.TEXT))
