"""``mmcheck litmus``."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from mmcheck.base import files
from mmcheck.base.pace import Pace
from mmcheck.interfaces.commands import console
from mmcheck.report import litmus as report
from mmcheck.report.progress import Progress
from mmcheck.verdict.results import LitmusOutcome

MAX_TABLE = 20_000_000
"""Bytes of a table of expected observations."""

CHUNK = 16
"""Tests that a process takes at a time."""


def main(options: argparse.Namespace) -> int:
    """Run the tests, print each as soon as it is decided, compare."""
    comparison = None if options.expected is None else report.Comparison(_table(options.expected))
    paths, problems = files.find_files(options.paths)
    for problem in problems:
        console.out(f"{problem.render()}\n")
    broken, undecided = bool(problems), False
    models: dict[str, None] = {}
    with Progress(sys.stderr, quiet=options.quiet) as progress:
        pace = Pace(len(paths), "tests")
        for outcome in outcomes(paths, options):
            progress.clear()
            console.out(report.render(outcome))
            models.setdefault(outcome.model)
            for note in outcome.notes:
                console.note(f"{console.named(outcome.path)}: {note}", quiet=options.quiet)
            broken = broken or bool(outcome.diagnostics)
            undecided = undecided or (not outcome.diagnostics and outcome.observation == "Unknown")
            failure = comparison.add(outcome) if comparison is not None else ""
            if failure:
                console.out(f"{failure}\n")
            pace.done += 1
            progress(pace.text())
    for model in filter(None, models):
        console.note(
            f"mmcheck: judged by {model.partition(' (')[0]}; loops up to {options.bound} rounds", quiet=options.quiet
        )
    if comparison is not None:
        _finish(comparison, options)
    if broken:
        return 2
    if comparison is not None and comparison.failed:
        return 1
    return 3 if undecided else 0


def _table(path: str) -> dict[str, report.Expected]:
    return report.read_expected(files.text_of(path, files.read_bytes(path, MAX_TABLE)))


def _finish(comparison: report.Comparison, options: argparse.Namespace) -> None:
    for failure in comparison.finish():
        console.out(f"{failure}\n")
    for path in comparison.unlisted:
        console.note(f"mmcheck: {console.named(path)} has no row in {console.named(options.expected)}")
    if comparison.left:
        console.note(
            f"mmcheck: {comparison.left} rows of {console.named(options.expected)} are about files that were not named"
        )
    sys.stdout.flush()
    sys.stderr.flush()
    console.out(f"{comparison.total}\n")


def outcomes(paths: Sequence[str], options: argparse.Namespace) -> Iterator[LitmusOutcome]:
    """The outcome of every test, in the order of `paths`."""
    settings = _settings(options)
    if options.jobs == 1 or len(paths) <= CHUNK:
        yield from decide(paths, settings)
        return
    yield from _in_parallel(
        [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)], settings, options.jobs
    )


def _in_parallel(chunks: Sequence[Sequence[str]], settings: dict[str, object], jobs: int) -> Iterator[LitmusOutcome]:
    """The outcomes of all tests of `chunks`; of one whose process dies nothing is known."""
    from mmcheck.base.crew import LOST, Lost, shared_out

    with contextlib.closing(shared_out(partial(_decide_all, settings=settings), chunks, jobs)) as results:
        for chunk, done in zip(chunks, results, strict=True):
            if not isinstance(done, Lost):
                yield from done
            elif len(chunk) == 1:
                yield LitmusOutcome(chunk[0], Path(chunk[0]).stem, "Unknown", notes=(LOST,))
            else:
                yield from _in_parallel([[path] for path in chunk], settings, 1)


def _settings(options: argparse.Namespace) -> dict[str, object]:
    names = ("model", "states", "bound", "engine", "timeout")
    return {name: getattr(options, name) for name in names}


def _decide_all(paths: Sequence[str], settings: dict[str, object]) -> list[LitmusOutcome]:
    return list(decide(paths, settings))


def decide(paths: Sequence[str], settings: dict[str, object]) -> Iterator[LitmusOutcome]:
    """Decide tests here and now; what cannot be read is an outcome with diagnostics."""
    from mmcheck.verdict.litmus import decide as decide_tests

    yield from decide_tests(paths, **settings)  # type: ignore[arg-type]
