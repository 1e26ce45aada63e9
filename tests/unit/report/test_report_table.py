"""The one line of a requirement says what matters first."""

from __future__ import annotations

from dataclasses import replace

from results_for_reports import ON_X86, PLAIN

from mmcheck.report.table import mark, notes, phrase, rows

BAD = replace(PLAIN, verdict="violated", layer="hardware")
CLAIMED = replace(BAD, expected="violated")


def test_all_alike() -> None:
    assert phrase([PLAIN, ON_X86]) == "holds"
    assert mark([PLAIN, ON_X86]) == "ok"


def test_an_expected_violation_comes_before_the_rest() -> None:
    assert phrase([CLAIMED, ON_X86]) == "violated as claimed on armv8; holds elsewhere"


def test_a_surprise_comes_first() -> None:
    results = [PLAIN, replace(CLAIMED, variant="a"), replace(BAD, variant="b")]
    assert phrase(results) == (
        'violated on armv8 in "b", claimed to hold; violated as claimed on armv8 in "a"; holds elsewhere'
    )
    assert mark(results) == "FAIL"


def test_unknown_is_marked() -> None:
    assert mark([PLAIN, replace(PLAIN, verdict="unknown")]) == "?"


def test_a_layer_that_was_not_claimed() -> None:
    result = replace(CLAIMED, expected_layer="compiler")
    assert phrase([result]) == "violated by the CPU, claimed to be violated by the compiler"


def test_kinds_of_one_name_are_rows() -> None:
    two = rows([PLAIN, replace(PLAIN, kind="progress")])
    assert [name for name, _ in two] == ["seen (point)", "seen (progress)"]


def test_notes_are_said_once() -> None:
    noted = replace(PLAIN, notes=("vacuous",))
    assert list(notes([noted, replace(noted, variant="a"), replace(noted, requirement="b")])) == ["vacuous (seen, b)"]
