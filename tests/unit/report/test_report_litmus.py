"""herd's lines, and the comparison with a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmcheck.base.errors import Diagnostic, InputError
from mmcheck.base.source import SourceFile
from mmcheck.report.litmus import Comparison, read_expected, render
from mmcheck.verdict.results import LitmusOutcome


def table(folder: Path, *rows: str) -> Comparison:
    text = "\n".join(["file\tobservation\tstates", *rows, ""])
    return Comparison(read_expected(SourceFile(str(folder / "expected.tsv"), text)))


@pytest.mark.parametrize(
    ("quantifier", "observation", "kind", "result"),
    [
        ("exists", "Sometimes", "Allowed", "Ok"),
        ("exists", "Never", "Allowed", "No"),
        ("~exists", "Never", "Forbidden", "Ok"),
        ("~exists", "Sometimes", "Forbidden", "No"),
        ("forall", "Always", "Required", "Ok"),
        ("forall", "Sometimes", "Required", "No"),
        ("forall", "Unknown", "Required", "Undef"),
    ],
)
def test_render_with_states(quantifier: str, observation: str, kind: str, result: str) -> None:
    """The log of herd7, as mcompare7 reads it."""
    outcome = LitmusOutcome("a.litmus", "MP", observation, ("1:X0=0;", "1:X0=1;"), quantifier=quantifier)
    expected = f"Test MP {kind}\nStates 2\n1:X0=0;\n1:X0=1;\n{result}\nObservation MP {observation}\n"
    assert render(outcome) == expected


def test_render_without_states() -> None:
    assert render(LitmusOutcome("a.litmus", "MP", "Never")) == "Observation MP Never\n"


def test_a_row_is_found_by_path(tmp_path: Path) -> None:
    comparison = table(tmp_path, "a/x.litmus\tNever\t3", "b/x.litmus\tAlways\t1")
    assert comparison.add(LitmusOutcome(str(tmp_path / "b" / "x.litmus"), "x", "Always")) == ""
    assert comparison.add(LitmusOutcome(str(tmp_path / "a" / ".." / "a" / "x.litmus"), "x", "Always")) != ""
    assert comparison.total == "1 passed, 1 failed"


def test_states_count_only_if_they_were_asked_for(tmp_path: Path) -> None:
    path = str(tmp_path / "x.litmus")
    for states, passed in ((None, 1), (("a",), 0), (("a", "b", "c"), 1)):
        comparison = table(tmp_path, "x.litmus\tNever\t3")
        comparison.add(LitmusOutcome(path, "x", "Never", states))
        assert comparison.passed == passed


def test_errors_and_unknown_fail(tmp_path: Path) -> None:
    comparison = table(tmp_path, "x.litmus\tNever\t3", "y.litmus\tNever\t3")
    wrong = Diagnostic("MM301", "unknown instruction")
    assert "MM301" in comparison.add(LitmusOutcome(str(tmp_path / "x.litmus"), "x", "Unknown", diagnostics=(wrong,)))
    assert comparison.add(LitmusOutcome(str(tmp_path / "y.litmus"), "y", "Unknown"))
    assert comparison.failed == 2


def test_a_missing_file_fails_and_one_not_named_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "there.litmus").write_text("x")
    comparison = table(tmp_path, "gone.litmus\tNever\t3", "there.litmus\tNever\t3")
    assert list(comparison.finish()) == ["FAILED gone.litmus: there is no such file"]
    assert (comparison.failed, comparison.left) == (1, 1)


def test_a_file_without_a_row_is_named_and_not_counted(tmp_path: Path) -> None:
    comparison = table(tmp_path)
    assert comparison.add(LitmusOutcome("new.litmus", "x", "Never")) == ""
    assert comparison.unlisted == ["new.litmus"]
    assert comparison.total == "0 passed, 0 failed"


@pytest.mark.parametrize("row", ["x.litmus Never 3", "x\tnever\t3", "x\tNever\tmany", "x\tNever\t1\nx\tNever\t1"])
def test_a_malformed_table_is_an_error(tmp_path: Path, row: str) -> None:
    with pytest.raises(InputError):
        table(tmp_path, row)
