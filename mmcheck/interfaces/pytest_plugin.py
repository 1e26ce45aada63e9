"""The pytest plugin: ``pytest specs/`` makes a test of every requirement, variant and target of ``.litmus`` files.

Importing it imports nothing but pytest; the checker is loaded when the first such file is collected. Verdicts come from
the cache where they can.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mmcheck.base.errors import Diagnostic
    from mmcheck.verdict.results import Result


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mmcheck")
    group.addoption("--mmcheck-target", action="append", default=[], metavar="T", help="check .litmus files for this")
    parser.addini("mmcheck", "whether .litmus files are collected", type="bool", default=True)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A file of specifications or of herd's tests."""
    if file_path.suffix != ".litmus" or not parent.config.getini("mmcheck"):
        return None
    collector: pytest.Collector = LitmusFile.from_parent(parent, path=file_path)
    return collector


class LitmusFile(pytest.File):
    """The claims of one file; a library has none."""

    def collect(self) -> Iterable[pytest.Item]:
        from mmcheck.base import cache
        from mmcheck.report.draw.metrics import clean
        from mmcheck.report.words import BASE
        from mmcheck.verdict import incremental
        from mmcheck.verdict.question import Question

        question = Question(targets=tuple(self.config.getoption("--mmcheck-target")))
        report = incremental.verify([self.path], question, store=cache.store())
        for file in report.files:
            for number, diagnostic in enumerate(file.diagnostics):
                if diagnostic.severity != "error":
                    warnings.warn(pytest.PytestWarning(diagnostic.concise()), stacklevel=1)
                    continue
                yield BrokenItem.from_parent(self, name=f"{diagnostic.code}-{number}", diagnostic=diagnostic)
            for result in file.results:
                kind = "" if result.kind == "point" else f"-{result.kind}"
                name = f"{result.requirement}{kind}[{result.variant or BASE}-{result.target}]"
                yield ClaimItem.from_parent(self, name=clean(name, 200), result=result)


class ClaimItem(pytest.Item):
    """One requirement in one variant on one target: passes if its verdict is as the file claims."""

    def __init__(self, *, result: Result, **others: object) -> None:
        super().__init__(**others)  # type: ignore[arg-type]
        self.result = result

    def runtest(self) -> None:
        from mmcheck.report import story

        if self.result.as_claimed is not True:
            pytest.fail("\n".join(story.lines(self.result)), pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        span = self.result.span
        return self.path, None if span is None else span.line - 1, self.name


class BrokenItem(pytest.Item):
    """Something that prevented a file from being checked."""

    def __init__(self, *, diagnostic: Diagnostic, **others: object) -> None:
        super().__init__(**others)  # type: ignore[arg-type]
        self.diagnostic = diagnostic

    def runtest(self) -> None:
        pytest.fail(self.diagnostic.render(), pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        span = self.diagnostic.span
        return self.path, None if span is None else span.line - 1, self.name
