"""Sentences that several reports share: where a result is, which layer let a violation through, in plain words."""

from __future__ import annotations

from mmcheck.base.source import Span, printable
from mmcheck.target.targets import runner_of
from mmcheck.verdict.results import ENDLESS, Result

BASE = "base"
"""How the base program is called where variants are."""

INTERRUPTED = "interrupted: the above is what was decided before"
"""The last line of a report that is not complete."""

_LAYERS = {
    "compiler": "the compiler may reorder these accesses; in the order of the text, the CPU would not break this",
    "hardware": "the CPU may reorder these accesses, even if the compiler keeps the order of the text",
    "platform": "the platform may reorder them: between memory and devices it wants a device barrier",
}
_SHORT = {"compiler": "the compiler", "hardware": "the CPU", "platform": "the platform"}


def layer_sentence(result: Result) -> str:
    """Which layer lets the violation through; empty for a verdict that shows no run."""
    if result.verdict not in ("violated", "allowed"):
        return ""
    if result.layer is not None:
        return _LAYERS[result.layer]
    if runner_of(result.target) == "sequential":
        return "nothing is reordered: the steps of the agents interleave this way"
    if result.counterexample is not None and not result.counterexample.cycle:
        return "no layer reorders anything: the steps of the agents may interleave this way on any machine"
    return ""


def claim(result: Result) -> str:
    """The claim that the file makes, in two words or so: ``claimed to hold``."""
    words = {
        "holds": "claimed to hold",
        "violated": "claimed to be violated",
        "allowed": "claimed to be allowed",
        "forbidden": "claimed to be forbidden",
        "vacuous": "claimed to be vacuous",
    }
    text = words.get(result.expected, f"claimed {result.expected}")
    if result.expected_layer is not None and result.expected == "violated":
        text += f" by {_SHORT[result.expected_layer]}"
    return text


def verdict(result: Result) -> str:
    """The verdict, with the layer where the claim names one: ``violated by the CPU``."""
    if result.expected_layer is None or result.verdict not in ("violated", "allowed"):
        return result.verdict
    return f"{result.verdict} by {_SHORT[result.layer] if result.layer is not None else 'the algorithm'}"


def caveat(result: Result) -> str:
    """What even a short report says of a result that is as claimed: that it is about runs that end; else empty."""
    return "; ".join(note for note in result.notes if result.as_claimed and note.startswith(ENDLESS))


def place(result: Result) -> Span | None:
    """The span that a message about `result` points to: the check that failed, else the requirement."""
    found = result.counterexample
    return found.point if found is not None and found.point is not None else result.span


MAX_LINE = 2000
"""Characters of one text from outside that a report shows."""


def one_line(text: str) -> str:
    """`text` without line ends and control characters, and not endless."""
    line = printable(" ".join(text[: 4 * MAX_LINE].split()))
    return line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]}..."


def plural(count: int, word: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count} {word}" if count == 1 else f"{count} {word}{'es' if word.endswith('s') else 's'}"
