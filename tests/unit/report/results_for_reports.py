"""Reports made by hand."""

from __future__ import annotations

from dataclasses import replace

from mmcheck.base.errors import Diagnostic
from mmcheck.base.source import SourceFile, Span
from mmcheck.events.execution import Execution
from mmcheck.report.draw.scene import Highlight
from mmcheck.verdict.results import Counterexample, FileReport, Hop, Report, Result
from tests.unit.draw.samples import message_passing

SOURCE = SourceFile("examples/mp.litmus", "\n".join(f"line {number} of the file" for number in range(1, 30)))
SPAN = Span(SOURCE, SOURCE.line_starts[11] + 5, SOURCE.line_starts[11] + 12)

PLAIN = Result(
    file="examples/mp.litmus",
    spec="message passing",
    variant=None,
    requirement="seen",
    kind="point",
    clauses=("VirtIO 1.2, 2.7.13.3.1",),
    says="a reader that sees the flag sees the data",
    target="armv8",
    model="armv8: Armv8-A, application level (a long citation)",
    verdict="holds",
    expected="holds",
    bound=2,
    complete=True,
    layer=None,
    engine="smt",
    notes=(),
    span=SPAN,
    seconds=0.01234567,
)


def run() -> Counterexample:
    execution, highlight = message_passing()
    return counterexample(execution, highlight)


def counterexample(execution: Execution, highlight: Highlight) -> Counterexample:
    hops = tuple([Hop(h.source, h.target, h.relation, "nothing" not in h.why, h.why) for h in highlight.cycle])
    summary = "The reader sees flag = 1 but still reads data = 0."
    return Counterexample(execution, hops, highlight.culprit, summary, Span(SOURCE, *_check()))


def _check() -> tuple[int, int]:
    start = SOURCE.line_starts[13]
    return start, start + 7


VIOLATED = replace(PLAIN, verdict="violated", layer="hardware", counterexample=run())
ON_X86 = replace(PLAIN, target="x86-tso", model="x86-tso: x86-TSO")


def report(*results: Result, diagnostics: tuple[Diagnostic, ...] = (), notes: tuple[str, ...] = ()) -> Report:
    return Report((FileReport("examples/mp.litmus", results, diagnostics, notes),), "0.0", "z3 0.0")


def mixed() -> Report:
    """A bit of everything: as claimed, not as claimed, unknown, notes, two files, one of them broken."""
    first = (
        PLAIN,
        ON_X86,
        replace(VIOLATED, variant="no barrier", expected="violated"),
        replace(ON_X86, variant="no barrier", notes=("no run satisfies the wait 'await f == 1' (line 9)",)),
        replace(VIOLATED, requirement="kicked"),
        replace(ON_X86, requirement="kicked", expected="violated", complete=False),
        replace(PLAIN, requirement="answered", kind="progress", verdict="unknown", notes=("time is up: 5 s",)),
        replace(PLAIN, requirement="answered", kind="progress", target="x86-tso"),
    )
    wrong = Diagnostic("MM101", "unexpected 'foo'", Span(SOURCE, 5, 7), "write 'bar'")
    broken = FileReport("examples/broken.litmus", diagnostics=(wrong,), notes=("a note about the file",))
    return Report((FileReport("examples/mp.litmus", first), broken), "0.0", "z3 0.0")
