"""The ``full`` format, for reading in a terminal: a table for each file, then every surprise with its run.

Pictures are loaded when there is a run to show: a report in which all is well costs nothing extra.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mmcheck.base.errors import Diagnostic
from mmcheck.base.records import replace
from mmcheck.events.execution import Event, Execution
from mmcheck.model.profiles import COMPILERS
from mmcheck.report import excerpts, table
from mmcheck.report.colour import Paint
from mmcheck.report.looks import Format
from mmcheck.report.words import BASE, INTERRUPTED, claim, layer_sentence, one_line, place, plural, verdict
from mmcheck.verdict.results import BESIDE, MEANING, Counterexample, FileReport, Hop, Report, Result

if TYPE_CHECKING:
    from mmcheck.report.draw.scene import Scene

_LOOKS = {"ok": "good", "FAIL": "bad", "?": "warn"}
_STEPS = {
    "po": ("in program order", "in program order, which is not kept"),
    "rf": ("is read by", ""),
    "co": ("is overwritten by", ""),
    "fr": ("read before it was overwritten by", ""),
}


def render(report: Report, *, verbose: bool = False, color: bool = False, width: int = 80) -> str:
    """The report as text of at most `width` columns; with `verbose` expected violations are told in full, too."""
    page = _Page(Paint(color), max(60, width), verbose)
    lines: list[str] = []
    for file in report.files:
        lines += page.file(file)
        lines.append("")
    if sum(bool(file.results) for file in report.files) > 1:
        lines += page.clauses(report)
    lines += page.summary(report)
    return "".join(f"{line.rstrip()}\n" for line in lines)


FORMAT = Format(lambda report, look: render(report, verbose=look.verbose, color=look.color, width=look.width))


class _Page:
    def __init__(self, paint: Paint, width: int, verbose: bool) -> None:
        self.paint = paint
        self.width = width
        self.verbose = verbose

    def wrap(self, text: str, first: str = "", rest: str | None = None) -> list[str]:
        """`text` in lines, the first one behind `first`, the others behind `rest` (blanks, if not given)."""
        rest = " " * len(first) if rest is None else rest
        lines = textwrap.wrap(
            one_line(text), self.width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
        )
        return lines or [first.rstrip()]

    # --- a file --------------------------------------------------------------------------------------

    def file(self, file: FileReport) -> Iterator[str]:
        """Header, table, notes, then the details of what needs them."""
        yield from self._header(file)
        for diagnostic in file.diagnostics:
            yield from self._diagnostic(diagnostic)
        if file.results:
            yield ""
            yield from self._table(file.results)
        notes = [*map(one_line, file.notes), *table.notes(file.results)]
        if notes:
            yield ""
        for note in notes:
            yield from self.wrap(note, "  note: ")
        for alike in self._told(file.results):
            yield ""
            yield from self._details(alike)

    def _told(self, results: Sequence[Result]) -> list[list[Result]]:
        """The results to tell in full; those of several variants that fail in the same way are told once."""
        groups: dict[object, list[Result]] = {}
        for result in results:
            if result.as_claimed is not True or (self.verbose and result.verdict in ("violated", "allowed")):
                groups.setdefault(_story(result), []).append(result)
        return list(groups.values())

    def _header(self, file: FileReport) -> Iterator[str]:
        specs = list(dict.fromkeys(result.spec for result in file.results if result.spec))
        title = f": {one_line(', '.join(specs))}" if specs else ""
        lines = self.wrap(f"{file.path}{title}", "", "  ")
        yield self.paint(lines[0], "strong")
        yield from lines[1:]
        if file.results:
            targets = list(dict.fromkeys(result.target for result in file.results))
            variants = list(dict.fromkeys(result.variant for result in file.results))
            text = f"on {', '.join(targets)}"
            if variants != [None]:
                text += f"; {', '.join(map(table.variant_name, variants))}"
            yield from self.wrap(text, "  ")

    def _diagnostic(self, diagnostic: Diagnostic) -> Iterator[str]:
        first, *rest = diagnostic.render().split("\n")
        yield self.paint(first, "bad" if diagnostic.severity == "error" else "warn")
        yield from rest

    def _table(self, results: Sequence[Result]) -> Iterator[str]:
        rows = table.rows(results)
        column = min(max(len(one_line(name)) for name, _ in rows), 24)
        for name, members in rows:
            state = table.mark(members)
            first = f"  {state:4}  {one_line(name):{column}}  "
            lines = self.wrap(table.phrase(members), first, " " * (column + 10))
            yield "  " + self.paint(f"{state:4}", _LOOKS[state]) + lines[0][6:]
            yield from lines[1:]

    # --- a result ------------------------------------------------------------------------------------

    def _details(self, alike: Sequence[Result]) -> Iterator[str]:
        result = alike[0]
        look = "bad" if result.as_claimed is False else "warn" if result.as_claimed is None else "strong"
        names = ", ".join(table.variant_name(each.variant) for each in alike)
        variant = f" in {names}" if names != BASE else ""
        state = " as claimed" if result.as_claimed else f", {claim(result)}" if result.as_claimed is False else ""
        head = self.wrap(f"{verdict(result)}{state}: {result.requirement} on {result.target}{variant}", "", "  ")
        yield from (self.paint(line, look) for line in head)
        span = place(result)
        if span is not None:
            yield f" --> {one_line(span.where())}"
            yield from excerpts.lines(span, self.paint.on)
        yield from self._facts(result)
        found = result.counterexample
        if found is not None:
            yield from self._run(result, found)

    def _facts(self, result: Result) -> Iterator[str]:
        facts = [("says", result.says), ("clause", "; ".join(result.clauses)), ("layer", layer_sentence(result))]
        if result.counterexample is not None:
            facts.append(("cause", result.counterexample.summary))
        elif result.reason:
            facts.append(("reason", result.reason))
        else:
            facts.append(("means", MEANING[result.verdict]))
        for name, text in facts:
            if text:
                yield from self.wrap(text, f"  {name:8}")

    def _run(self, result: Result, found: Counterexample) -> Iterator[str]:
        from mmcheck.report import pictures
        from mmcheck.report.draw.text import render_text

        picture = pictures.scene(result)
        if picture is None:
            return
        if found.cycle:
            yield ""
            yield "  The cycle, in order:"
            for hop, step in zip(found.cycle, picture.steps, strict=True):
                yield from self._hop(found, hop, step.source)
        yield from self._emitted(found)
        yield ""
        smaller, hidden = pictures.focused(picture)
        drawing = render_text(_bare(smaller), width=self.width - 2, color=self.paint.on)
        yield from (f"  {line}" for line in drawing.strip("\n").split("\n"))
        if hidden:
            yield ""
            yield from self.wrap(f"({plural(hidden, 'further access')}: --graphs DIR draws the whole run)", "  ")

    def _hop(self, found: Counterexample, hop: Hop, marker: str) -> Iterator[str]:
        """One line of source for the event, one for the step that leads from it to the next."""
        from mmcheck.report.draw.metrics import cut

        event = found.execution.events[hop.source]
        yield cut(f"    ({marker}) {one_line(_source_line(event))}", self.width, "...")
        words = hop.why or _STEPS.get(hop.relation, ("", ""))[0 if hop.ordered else 1]
        lines = self.wrap(words, f"         {hop.relation:2}  ")
        yield from (self.paint(line, "" if hop.ordered else "bad") for line in lines)

    def _emitted(self, found: Counterexample) -> Iterator[str]:
        """The order that the compiler may emit, for each agent where it is not the order of the text."""
        execution = found.execution
        for thread, order in enumerate(execution.linear or ()):
            moved = _moved(execution, order)
            if moved:
                lines = ", ".join(_line_number(execution.events[event]) for event in moved)
                text = f"the compiler may emit {execution.threads[thread].name} in the order of lines {lines}"
                yield from self.wrap(text, "  ", "    ")

    # --- the end -------------------------------------------------------------------------------------

    def clauses(self, report: Report) -> Iterator[str]:
        """Clauses against targets, and those that no requirement covers."""
        if not any(result.clauses for result in report.results):
            return
        from mmcheck.report import matrix  # the register of clauses is large

        shown = list(matrix.lines(report, self.width))
        for line in shown:
            yield from self.wrap(line) if line and not line.startswith(" ") else [line]
        if shown:
            yield ""

    def summary(self, report: Report) -> Iterator[str]:
        """Models, bound and counts; the counts stand in the last line."""
        results = report.results
        models = list(dict.fromkeys(result.model.removesuffix(BESIDE) for result in results))
        cut = sum(not result.complete and result.verdict != "unknown" for result in results)
        if results:
            tool = f"mmcheck {report.version}" + (f", {report.solver}" if report.solver else "")
            loops = f"a loop was cut in {cut} of {plural(len(results), 'result')}" if cut else "no loop was cut"
            yield from self.wrap(f"{tool}; {loops}")
            for model in models:
                yield from self.wrap(model.partition(" (")[0], "model ")
            for compiler in dict.fromkeys(result.compiler for result in results):
                if compiler != "observed":
                    yield from self.wrap(COMPILERS[compiler], "compiler ")
            if any(result.model.endswith(BESIDE) for result in results):
                yield from self.wrap("the platform's rules for devices, where the layer is platform", "beside it ")
            for word in ("allowed", "forbidden"):
                if any(result.verdict == word for result in results):
                    yield from self.wrap(MEANING[word], f"{word}: ")
        yield from self._counts(report)
        if report.interrupted:
            yield self.paint(INTERRUPTED, "warn")

    def _counts(self, report: Report) -> Iterator[str]:
        claims = [result.as_claimed for result in report.results]
        errors = sum(d.severity == "error" for file in report.files for d in file.diagnostics)
        parts = [f"{claims.count(True)} as claimed"]
        if claims.count(False):
            parts.append(f"{claims.count(False)} not as claimed")
        if claims.count(None):
            parts.append(f"{claims.count(None)} unknown")
        if errors:
            parts.append(plural(errors, "error"))
        look = "bad" if errors or claims.count(False) else "warn" if None in claims else "good"
        head = f"{plural(len(claims), 'result')} in {plural(len(report.files), 'file')}"
        targets = ", ".join(dict.fromkeys(result.target for result in report.results))
        bounds = " or ".join(str(bound) for bound in sorted({result.bound for result in report.results}))
        if targets:
            head += f" on {targets}, loops up to {bounds} {'round' if bounds == '1' else 'rounds'}"
        counts = ", ".join(parts)
        if len(head) + len(counts) + 2 <= self.width:
            yield f"{head}: {self.paint(counts, look)}"
        else:
            yield from self.wrap(f"{head}:")
            yield f"  {self.paint(counts, look)}"


def _story(result: Result) -> object:
    """What two results share that are told as one; without a run each is its own story."""
    found = result.counterexample
    run = (
        result.variant
        if found is None
        else (found.summary, [hop.relation for hop in found.cycle], str(found.execution))
    )
    return repr((result.requirement, result.kind, result.target, result.verdict, result.expected, result.layer, run))


def _source_line(event: Event) -> str:
    """``specs/mp.litmus:7: flag = 1``."""
    text = event.origin.text or str(event)
    span = event.origin.span
    return f"{span.file.path}:{span.line}: {text}" if span is not None else text


def _line_number(event: Event) -> str:
    return str(event.origin.span.line) if event.origin.span is not None else f"e{event.id}"


def _moved(execution: Execution, order: Sequence[int]) -> list[int]:
    """The accesses of `order` from the first to the last that do not stand where the text has them."""
    accesses = [event for event in order if execution.events[event].kind != "F"]
    text = sorted(accesses, key=lambda event: execution.events[event].index)
    differ = [position for position, (a, b) in enumerate(zip(accesses, text, strict=True)) if a != b]
    return accesses[differ[0] : differ[-1] + 1] if differ else []


def _bare(picture: Scene) -> Scene:
    """The picture without heading and steps, which stand above it here."""
    return replace(picture, title="", subtitle="", verdict="", steps=())
