"""A requirement of which nothing was checked fails, and says why, in every format and wherever verdicts are shown."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from cli_inputs import MESSAGE, Run

from mmcheck import verify

NEVER = MESSAGE.replace("f == 1 {", "f == 2 {")
REASON = "no run comes to where it is checked: in no run is 'if f == 2' (line 12) true"


@pytest.fixture(autouse=True)
def never(folder: Path) -> Path:
    path = folder / "never.litmus"
    path.write_text(NEVER)
    return path


def test_the_reports_for_people(mmcheck: Run) -> None:
    for _ in range(2):  # from the cache, too
        outcome = mmcheck("verify", "never.litmus")
        assert outcome.code == 1
        shown = " ".join(outcome.out.split())
        assert "FAIL seen vacuous, claimed to hold" in shown and f"reason {REASON}" in shown
        assert "0 as claimed, 2 not as claimed" in shown
        outcome = mmcheck("verify", "never.litmus", "--format", "concise")
        assert outcome.code == 1
        first, second = outcome.out.splitlines()
        assert first == f"never.litmus:4:13: vacuous seen [base] on armv8: claimed to hold; {REASON}"
        assert " on x86-tso: " in second


def test_the_reports_for_machines(mmcheck: Run) -> None:
    outcome = mmcheck("verify", "never.litmus", "--format", "json")
    first, second = json.loads(outcome.out)["results"]
    assert outcome.code == 1
    for result in (first, second):
        assert (result["verdict"], result["as_claimed"], result["notes"]) == ("vacuous", False, [REASON])
    outcome = mmcheck("verify", "never.litmus", "--format", "sarif")
    (run,) = json.loads(outcome.out)["runs"]
    assert outcome.code == 1
    assert [(each["ruleId"], each["level"]) for each in run["results"]] == [("mmcheck/vacuous", "error")] * 2
    assert all(REASON in each["message"]["text"] for each in run["results"])
    outcome = mmcheck("verify", "never.litmus", "--format", "github")
    assert outcome.code == 1 and outcome.out.count("::error ") == 2 and "in no run is 'if f == 2'" in outcome.out
    outcome = mmcheck("verify", "never.litmus", "--format", "junit")
    top = ET.fromstring(outcome.out)
    assert outcome.code == 1 and top.attrib["failures"] == "2"
    assert {each.attrib["type"] for each in top.iter("failure")} == {"vacuous"}


def test_it_may_be_expected(mmcheck: Run, never: Path) -> None:
    never.write_text(NEVER + "expect seen vacuous on armv8\n")
    outcome = mmcheck("verify", "never.litmus")
    assert outcome.code == 1
    shown = " ".join(outcome.out.split())
    assert "FAIL seen vacuous on x86-tso, claimed to hold; vacuous as claimed on armv8" in shown
    never.write_text(NEVER + "expect seen vacuous\n")
    outcome = mmcheck("verify", "never.litmus")
    assert outcome.code == 0 and "ok seen vacuous as claimed" in " ".join(outcome.out.split())
    never.write_text(MESSAGE + "expect seen vacuous\n")
    outcome = mmcheck("verify", "never.litmus")
    assert outcome.code == 1 and "holds, claimed to be vacuous" in outcome.out


def test_a_layer_of_it_is_an_error(mmcheck: Run, never: Path) -> None:
    never.write_text(NEVER + "expect seen vacuous by compiler\n")
    outcome = mmcheck("verify", "never.litmus")
    assert outcome.code == 2 and "MM233" in outcome.out


def test_a_baseline_may_know_it(mmcheck: Run) -> None:
    assert mmcheck("verify", "never.litmus", "--write-baseline", "known.json").code == 0
    assert mmcheck("verify", "never.litmus", "--baseline", "known.json").code == 0


def test_pages_and_markdown_show_it(mmcheck: Run, folder: Path) -> None:
    assert mmcheck("doc", "never.litmus", "-o", "site").code == 1
    pages = {path.name: path.read_text(encoding="utf-8") for path in (folder / "site").rglob("*.html")}
    assert "2 not as claimed" in pages["index.html"]
    assert sum("∅ vacuous" in text for text in pages.values()) > 1
    (folder / "page.md").write_text("<!-- mmcheck: never.litmus -->\n<!-- mmcheck: end -->\n")
    mmcheck("render", "--embed", "page.md")
    assert "∅ vacuous, claimed to hold" in (folder / "page.md").read_text(encoding="utf-8")


def test_the_library_and_the_explanation(mmcheck: Run, never: Path) -> None:
    report = verify([never], cache=False)
    assert [result.as_claimed for result in report.results] == [False, False] and report.exit_code == 1
    outcome = mmcheck("explain", "vacuous")
    assert outcome.code == 0 and "no run within the bound" in outcome.out


def test_what_is_unknown_is_not_vacuous(mmcheck: Run, never: Path) -> None:
    """Time that runs out proves nothing, not even that nothing was checked."""
    never.write_text(NEVER)
    outcome = mmcheck("verify", "never.litmus", "--timeout", "0.000001", "--no-cache")
    assert outcome.code == 3 and "unknown" in outcome.out
