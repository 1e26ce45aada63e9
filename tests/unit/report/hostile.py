"""Texts that nobody should write into a specification, and what must not come of them."""

from __future__ import annotations

from dataclasses import replace

from results_for_reports import SOURCE, VIOLATED

from mmcheck.base.errors import Diagnostic
from mmcheck.base.source import Span
from mmcheck.ir.program import Origin
from mmcheck.verdict.results import FileReport, Report, Result

TEXTS = {
    "markup": "</svg></text></title></style><script>alert(1)</script><img src=x onerror=alert(2)>",
    "quotes": '"\'` onload="alert(1)" \' --> ]]> <!-- &amp; &#60;',
    "lines": "one\n::error file=a.c,line=1::two\r\n\x1b[31mthree\x00\x08",
    "direction": "abc\u202egnp\u2066\u200f\u061cfed",
    "long": "x" * 10_000,
    "links": "[click](javascript:alert(1)) {0} %0A::warning::x {1}",
    "dot": '"]; node [URL="javascript:alert(1)"] <b>x</b> \\N \\G {a|b}',
}


def result(text: str) -> Result:
    """A violated result that says `text` wherever a specification can put one."""
    found = VIOLATED.counterexample
    assert found is not None
    execution = found.execution
    events = tuple(
        replace(event, location=text, origin=replace(event.origin, text=text, word=text)) for event in execution.events
    )
    threads = tuple(replace(agent, name=text, origin=Origin(text=text)) for agent in execution.threads)
    hops = tuple(replace(hop, why=text) for hop in found.cycle)
    bad = replace(found, execution=replace(execution, events=events, threads=threads), cycle=hops, summary=text)
    return replace(
        VIOLATED,
        spec=text,
        variant=text,
        requirement=text,
        says=text,
        clauses=(text,),
        notes=(text,),
        counterexample=bad,
    )


def report(text: str) -> Report:
    """A report of that result and of a diagnostic that quotes `text`."""
    wrong = Diagnostic("MM101", text, Span(SOURCE, 5, 7), text)
    return Report((FileReport(VIOLATED.file, (result(text),), (wrong,), (text,)),), "0.0", "z3 0.0")
