"""Annotations: one command a line, and no text can begin another one."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hostile import TEXTS
from hostile import report as hostile_report
from results_for_reports import PLAIN, VIOLATED, mixed, report

from mmcheck.report.formats.github import render

COMMAND = re.compile(r"::(error|warning|notice) ((?:[A-Za-z]+=[^,:\r\n]*,?)+)::([^\r\n]*)")


def parsed(text: str) -> list[tuple[str, dict[str, str], str]]:
    """The commands as the runner reads them."""
    out = []
    for line in text.splitlines():
        match = COMMAND.fullmatch(line)
        assert match is not None, line
        fields = dict(part.split("=", 1) for part in match[2].split(","))
        out.append((match[1], {key: unquote(value) for key, value in fields.items()}, unquote(match[3])))
    return out


def test_nothing_wrong_is_nothing_said() -> None:
    assert render(report(PLAIN)) == ""


def test_a_violation_points_to_its_check() -> None:
    ((level, fields, text),) = parsed(render(report(VIOLATED)))
    assert level == "error"
    assert fields["file"] == "examples/mp.litmus" and fields["line"] == "14" and fields["col"] == "1"
    assert fields["title"] == "mmcheck: violated, claimed to hold: seen [base] on armv8"
    assert text.splitlines()[0] == "says: a reader that sees the flag sees the data"
    assert "-rf->" in text and "-fr->" in text


def test_a_bit_of_everything() -> None:
    found = parsed(render(mixed()))
    assert [level for level, _, _ in found] == ["error", "error", "warning", "error"]
    assert found[-1][1]["title"] == "mmcheck (MM101)"
    assert found[-1][2] == "unexpected 'foo'\nhelp: write 'bar'"


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_hostile_texts_are_inert(name: str) -> None:
    text = render(hostile_report(TEXTS[name]))
    found = parsed(text)
    assert len(found) == 2
    assert len(text) < 60_000
    for character in "\x00\x1b\u202e\u2066\u200f\u061c":
        assert character not in text
