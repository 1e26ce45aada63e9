"""Clauses against targets: what each requirement that cites a clause says, and the clauses that none cites."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from mmcheck.language.lower.clauses import IMPLIED, title_of
from mmcheck.language.lower.register import REGISTER
from mmcheck.language.lower.register.entry import Clause
from mmcheck.language.lower.register.implied import STATED
from mmcheck.verdict.results import Report, Result


def clauses(report: Report) -> list[str]:
    """Every clause that is cited, by document and number."""

    def order(clause: str) -> tuple[str, list[int], str]:
        numbers = [int(each) for each in re.findall(r"\d{1,6}", clause.partition(",")[2])]
        return clause.partition(",")[0], numbers, clause

    return sorted({clause for result in report.results for clause in result.clauses}, key=order)


def by_clause(report: Report) -> Iterator[tuple[str, list[Result]]]:
    """Each clause that is cited, with the results that rest on it."""
    for clause in clauses(report):
        yield clause, [result for result in report.results if clause in result.clauses]


def meaning(clause: str) -> str:
    """What a clause of VirtIO, or an obligation that no text states, is about; empty for other documents."""
    if clause.startswith("implied:"):
        return IMPLIED.get(clause.partition(":")[2].strip(), "")
    return title_of(clause.rpartition(", ")[2]) if clause.startswith("VirtIO") else ""


def uncovered(report: Report) -> list[Clause]:
    """What no requirement of `report` covers; nothing if none of them cites VirtIO."""
    cited = clauses(report)
    return open_clauses(cited) if any(each.startswith("VirtIO") for each in cited) else []


def open_clauses(cited: Iterable[str]) -> list[Clause]:
    """The clauses of the register that demand an order, and of which none of `cited` is one or a part of one."""
    numbers = {each if each.startswith("implied:") else each.rpartition(", ")[2] for each in cited}
    return [
        clause
        for clause in REGISTER.values()
        if clause.pattern != "none"
        and clause.id.removeprefix("implied:") not in STATED
        and not any(number == clause.id or number.startswith((f"{clause.id}.", f"{clause.id} ")) for number in numbers)
        and clause.id.partition(" ")[0] not in numbers
    ]


def cell(results: Sequence[Result]) -> str:
    """The verdicts of one clause on one target: ``holds``, or how many are violated; empty if there are none."""
    words = {result.verdict for result in results}
    if not words or (len(words) == 1 and "violated" not in words):
        return "".join(words)
    for word in ("vacuous", "unknown"):
        if word in words:
            return word
    return f"{sum(result.verdict == 'violated' for result in results)} of {len(results)}"


def lines(report: Report, width: int = 80) -> Iterator[str]:
    """The matrix of the programs as written, and what no requirement covers; nothing if VirtIO is not cited."""
    base = [result for result in report.results if result.variant is None]
    targets = list(dict.fromkeys(result.target for result in base))
    rows = []
    for clause, members in by_clause(report):
        mine = [result for result in members if result.variant is None]
        if mine and clause.startswith(("VirtIO", "implied:")):
            cells = [cell([result for result in mine if result.target == target]) for target in targets]
            rows.append((clause.removeprefix("VirtIO 1.2, "), cells))
    if not rows:
        return
    yield "clauses, of the programs as written: holds, or how many of the requirements are violated"
    first = max(len(name) for name, _ in rows)
    size = max(len(word) for word in [*targets, *[word for _, cells in rows for word in cells]])
    room = max(1, (width - first - 2) // (size + 2))
    for start in range(0, len(targets), room):
        part = slice(start, start + room)
        yield ""
        for name, words in [("", targets), *rows]:
            shown = "  ".join(word.ljust(size) for word in words[part])
            yield f"  {name.ljust(first)}  {shown}".rstrip()
    yield ""
    open_ = uncovered(report)
    what = (
        f"not covered by any requirement: {', '.join(each.id for each in open_)}"
        if open_
        else "every clause of the register is covered"
    )
    yield what
