"""Clauses against targets at the end of a full report, and what no requirement covers."""

from __future__ import annotations

from dataclasses import replace

from results_for_reports import ON_X86, PLAIN

from mmcheck.language.lower.register import REGISTER
from mmcheck.report.formats.full import render
from mmcheck.report.matrix import cell, lines, uncovered
from mmcheck.verdict.results import FileReport, Report

CITED = replace(PLAIN, clauses=("VirtIO 1.2, 2.7.13.3.1", "implied:P1"))
X86 = replace(ON_X86, clauses=CITED.clauses)
BROKEN = replace(CITED, requirement="other", verdict="violated", expected="violated", layer="hardware")


def report(*files: tuple) -> Report:
    return Report(tuple(FileReport(f"{number}.litmus", results) for number, results in enumerate(files)))


def test_a_cell_says_how_many_are_violated() -> None:
    assert cell([]) == ""
    assert cell([CITED]) == cell([CITED, CITED]) == "holds"
    assert cell([CITED, BROKEN]) == "1 of 2"
    assert cell([BROKEN]) == "1 of 1"
    assert cell([CITED, replace(CITED, verdict="unknown"), BROKEN]) == "unknown"


def test_rows_are_clauses_and_columns_targets() -> None:
    shown = list(lines(report((CITED, X86, BROKEN))))
    head = next(line for line in shown if line.lstrip().startswith(CITED.target))
    assert head.split() == [CITED.target, X86.target]
    assert [line.split() for line in shown if "2.7.13.3.1" in line and "holds" in line] == [
        ["2.7.13.3.1", "1", "of", "2", "holds"]
    ]
    assert all(len(line) <= 60 for line in lines(report((CITED, X86)), 60) if line.startswith("  "))


def test_variants_are_not_in_it() -> None:
    shown = list(lines(report((CITED, replace(BROKEN, variant="before")))))
    assert any(line.split() == ["2.7.13.3.1", "holds"] for line in shown)


def test_what_is_not_covered_is_named() -> None:
    open_ = [clause.id for clause in uncovered(report((CITED,)))]
    assert "2.7.13.4.1" in open_ and "implied:D1" in open_
    assert "2.7.13.3.1" not in open_ and "implied:P1" not in open_
    assert not [name for name in open_ if REGISTER[name].pattern == "none"]
    every = replace(CITED, clauses=tuple(n if ":" in n else f"VirtIO 1.2, {n.split()[0]}" for n in REGISTER))
    assert uncovered(report((every,))) == []
    step = replace(CITED, clauses=("VirtIO 1.2, 2.7.13 step 4",))
    assert not {"2.7.13", "2.7.13 step 4"} & {clause.id for clause in uncovered(report((step,)))}
    assert "2.7.13 step 3" in [clause.id for clause in uncovered(report((step,)))]
    assert list(lines(report((every,))))[-1] == "every clause of the register is covered"


def test_it_ends_the_report_of_several_files() -> None:
    text = render(report((CITED,), (X86,)))
    assert text.index("clauses, of the programs as written") > text.index("1.litmus")
    assert "not covered by any requirement" in text
    assert "not covered" not in render(report((CITED,)))
    assert "not covered" not in render(report((PLAIN,), (ON_X86,))) or PLAIN.clauses
