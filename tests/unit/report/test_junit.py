"""JUnit's XML: counts that add up, well-formed whatever the texts are."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hostile import TEXTS
from hostile import report as hostile_report
from results_for_reports import PLAIN, VIOLATED, mixed, report

from mmcheck.report.formats.junit import render


def counted(element: ET.Element) -> dict[str, int]:
    return {name: int(element.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}


def test_counts_are_those_of_the_cases() -> None:
    top = ET.fromstring(render(mixed()))
    suites = top.findall("testsuite")
    assert [suite.attrib["name"] for suite in suites] == ["examples/mp.litmus", "examples/broken.litmus"]
    for element in (top, *suites):
        assert counted(element) == {
            "tests": len(list(element.iter("testcase"))),
            "failures": len(list(element.iter("failure"))),
            "errors": len(list(element.iter("error"))),
            "skipped": len(list(element.iter("skipped"))),
        }
    assert counted(top) == {"tests": 9, "failures": 2, "errors": 2, "skipped": 0}


def test_a_failure_tells_the_story() -> None:
    case = ET.fromstring(render(report(VIOLATED))).find("testsuite/testcase")
    assert case is not None
    assert case.attrib["name"] == "seen [base] on armv8"
    failure = case.find("failure")
    assert failure is not None and failure.attrib["type"] == "violated"
    assert "-rf->" in (failure.text or "")


def test_what_is_as_claimed_is_an_empty_case() -> None:
    case = ET.fromstring(render(report(PLAIN))).find("testsuite/testcase")
    assert case is not None and len(case) == 0


def test_known_failures_are_skipped() -> None:
    top = ET.fromstring(render(report(PLAIN), known=[VIOLATED]))
    assert counted(top) == {"tests": 2, "failures": 0, "errors": 0, "skipped": 1}


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_hostile_texts_are_inert(name: str) -> None:
    text = render(hostile_report(TEXTS[name]))
    top = ET.fromstring(text)
    assert {element.tag for element in top.iter()} == {
        "testsuites", "testsuite", "testcase", "failure", "error", "system-out"
    }  # fmt: skip
    assert len(text) < 60_000
    for character in "\x00\x1b\u202e\u2066\u200f\u061c":
        assert character not in text
