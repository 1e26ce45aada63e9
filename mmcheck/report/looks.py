"""How a report is wanted, and what a format is."""

from __future__ import annotations

from collections.abc import Callable

from mmcheck.base.records import record
from mmcheck.verdict.results import Report, Result


@record
class Look:
    """How a report is wanted: `known` are the failures of a baseline, which do not count; `width` is in columns."""

    known: tuple[Result, ...] = ()
    verbose: bool = False
    color: bool = False
    width: int = 80


@record
class Format:
    """One format. `for_programs`: people see the diagnostics on stderr, too. `every_run`: it shows the runs behind
    expected violations, which are otherwise not looked for."""

    render: Callable[[Report, Look], str]
    for_programs: bool = False
    every_run: bool = False
