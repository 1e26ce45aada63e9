"""A result in a few plain lines, for formats that have no room for a picture.

Every text from outside is on one line, free of control characters and of bounded length.
"""

from __future__ import annotations

from collections.abc import Iterator

from mmcheck.events.execution import Event, Execution
from mmcheck.report.draw.metrics import clean
from mmcheck.report.words import BASE, claim, layer_sentence, verdict
from mmcheck.verdict.results import MEANING, Counterexample, Result

NAME, TEXT = 120, 1000
"""Cells that a name and a sentence may take."""


def subject(result: Result) -> str:
    """``published [before] on armv8``; the kind of check where it is not the usual one."""
    kind = "" if result.kind == "point" else f" ({result.kind})"
    return f"{clean(result.requirement, NAME)}{kind} [{clean(result.variant or BASE, NAME)}] on {result.target}"


def headline(result: Result) -> str:
    """What was found and what was claimed, in one line."""
    if result.verdict == "unknown":
        return f"unknown: {subject(result)}"
    return f"{verdict(result)}, {claim(result)}: {subject(result)}"


def cause(result: Result) -> str:
    """Why it is so: the run in a paragraph, the reason of an unknown or vacuous verdict, or what the verdict means."""
    found = result.counterexample
    if found is not None and found.summary:
        return clean(found.summary, TEXT)
    if result.reason:
        return clean(result.reason, TEXT)
    return layer_sentence(result) or MEANING[result.verdict]


def lines(result: Result) -> Iterator[str]:
    """Headline, sentence, clauses, cause and the steps of the cycle."""
    yield headline(result)
    if result.says:
        yield f"says: {clean(result.says, TEXT)}"
    if result.clauses:
        yield f"clause: {clean('; '.join(result.clauses), TEXT)}"
    yield f"cause: {cause(result)}"
    if result.counterexample is not None:
        yield from cycle(result.counterexample)


def cycle(found: Counterexample) -> Iterator[str]:
    """One line for each event of the cycle, with the step that leads to the next."""
    for number, hop in enumerate(found.cycle, 1):
        event = found.execution.events[hop.source]
        why = clean(hop.why, TEXT)
        yield f"{number}. {described(found.execution, event)} -{hop.relation}-> {why}"


def described(execution: Execution, event: Event) -> str:
    """``driver, specs/a.litmus:12: index.write_volatile(1)``."""
    agent = "memory" if event.is_init else clean(execution.threads[event.thread].name, NAME)
    span = event.origin.span
    where = f", {clean(span.file.path, NAME)}:{span.line}" if span is not None else ""
    return f"{agent}{where}: {clean(event.origin.text or str(event), NAME)}"
