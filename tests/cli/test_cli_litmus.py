"""``mmcheck litmus``: herd's lines and the comparison with a table."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_inputs import HERD, Run

HEAD = "file\tobservation\tstates\n"


def test_an_observation(mmcheck: Run) -> None:
    assert mmcheck("litmus", "herd").out == "Observation MP Sometimes\n"
    assert mmcheck("litmus", "herd/MP.litmus", "--model", "sc").out == "Observation MP Never\n"


def test_states(mmcheck: Run) -> None:
    lines = mmcheck("litmus", "herd", "--states").out.splitlines()
    assert lines[:2] == ["Test MP Allowed", "States 4"] and lines[-2:] == ["Ok", "Observation MP Sometimes"]
    assert len(lines) == 8


def test_both_engines_agree(mmcheck: Run) -> None:
    texts = {mmcheck("litmus", "herd", "--states", "--engine", engine).out for engine in ("smt", "enumerate")}
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("row", "arguments", "last", "code"),
    [
        ("MP.litmus\tSometimes\t4\n", (), "1 passed, 0 failed", 0),
        ("MP.litmus\tSometimes\t3\n", (), "1 passed, 0 failed", 0),
        ("MP.litmus\tSometimes\t3\n", ("--states",), "0 passed, 1 failed", 1),
        ("MP.litmus\tNever\t3\n", (), "0 passed, 1 failed", 1),
        ("gone.litmus\tNever\t3\n", (), "0 passed, 1 failed", 1),
        ("MP.litmus\tSometimes\t4\ngone.litmus\tNever\t3\n", (), "1 passed, 1 failed", 1),
    ],
)
def test_expected(mmcheck: Run, folder: Path, row: str, arguments: tuple[str, ...], last: str, code: int) -> None:
    (folder / "herd" / "expected.tsv").write_text(HEAD + row)
    outcome = mmcheck("litmus", "herd", "--expected", "herd/expected.tsv", *arguments)
    assert outcome.out.splitlines()[-1] == last
    assert outcome.code == code


def test_names_occur_twice_paths_do_not(mmcheck: Run, folder: Path) -> None:
    (folder / "herd" / "other").mkdir()
    (folder / "herd" / "other" / "MP.litmus").write_text(HERD.replace("/\\ 1:X2=0", "/\\ 1:X2=7"))
    (folder / "t.tsv").write_text(HEAD + "herd/MP.litmus\tSometimes\t4\nherd/other/MP.litmus\tNever\t4\n")
    assert mmcheck("litmus", "herd", "--expected", "t.tsv").out.endswith("2 passed, 0 failed\n")


def test_the_model_and_the_bound_are_named(mmcheck: Run) -> None:
    assert "mmcheck: judged by armv8: Armv8-A, " in mmcheck("litmus", "herd").err
    assert mmcheck("litmus", "herd", "--bound", "5").err.endswith("; loops up to 5 rounds\n")
    assert mmcheck("litmus", "herd", "-q").err == ""


def test_a_file_that_errs_has_failed_and_is_2(mmcheck: Run, folder: Path) -> None:
    (folder / "herd" / "X.litmus").write_text(HERD.replace("MOV W0,#1", "FROB W0,#1"))
    (folder / "herd" / "e.tsv").write_text(HEAD + "MP.litmus\tSometimes\t4\nX.litmus\tSometimes\t4\n")
    outcome = mmcheck("litmus", "herd", "--expected", "herd/e.tsv")
    assert outcome.code == 2
    assert "FROB" in outcome.out
    assert outcome.out.endswith("1 passed, 1 failed\n")


def test_a_file_without_a_row_is_named_on_stderr(mmcheck: Run, folder: Path) -> None:
    (folder / "e.tsv").write_text(HEAD)
    outcome = mmcheck("litmus", "herd", "--expected", "e.tsv")
    assert "herd/MP.litmus" in outcome.err
    assert (outcome.code, outcome.out.splitlines()[-1]) == (0, "0 passed, 0 failed")


def test_jobs_change_nothing(mmcheck: Run, folder: Path) -> None:
    for number in range(20):
        (folder / "herd" / f"MP{number:02}.litmus").write_text(HERD.replace("AArch64 MP", f"AArch64 MP{number}"))
    one = mmcheck("litmus", "herd")
    assert one.out.count("\n") == 21
    assert mmcheck("litmus", "herd", "--jobs", "2") == one


@pytest.mark.herd_suite
def test_herds_suite(mmcheck: Run, herd_suite: Path) -> None:
    outcome = mmcheck("litmus", str(herd_suite), "--states", "--expected", str(herd_suite / "expected.tsv"))
    rows = len((herd_suite / "expected.tsv").read_text().splitlines()) - 1
    assert outcome.out.splitlines()[-1] == f"{rows} passed, 0 failed"
    assert outcome.code == 0
