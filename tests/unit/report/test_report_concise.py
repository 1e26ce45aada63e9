"""``file:line:col: verdict requirement [variant] on target: text``."""

from __future__ import annotations

from dataclasses import replace

from results_for_reports import PLAIN, VIOLATED, mixed, report

from mmcheck.report.formats.concise import render


def test_nothing_to_say() -> None:
    assert render(report(PLAIN)) == ""


def test_one_line_for_each_surprise() -> None:
    assert render(report(PLAIN, replace(VIOLATED, variant="weaker"))) == (
        "examples/mp.litmus:14:1: violated seen [weaker] on armv8: claimed to hold; "
        "The reader sees flag = 1 but still reads data = 0.\n"
    )


def test_the_base_program_has_a_name() -> None:
    assert " seen [base] on armv8: " in render(report(VIOLATED))


def test_a_missing_violation() -> None:
    text = render(report(replace(PLAIN, expected="violated")))
    assert text.startswith("examples/mp.litmus:12:6: holds seen [base] on armv8: claimed to be violated; ")


def test_unknown_and_diagnostics_are_lines_too() -> None:
    lines = render(mixed()).splitlines()
    assert [line for line in lines if ": unknown answered [base] on armv8: time is up: 5 s" in line]
    assert lines[-1] == "examples/mp.litmus:1:6: MM101 unexpected 'foo' (write 'bar')"


def test_names_cannot_break_the_line() -> None:
    text = render(report(replace(VIOLATED, variant="a\nb\x1b[0m")))
    assert text.count("\n") == 1 and "\x1b" not in text
