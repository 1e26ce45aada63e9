"""``--format sarif|github|junit``, baselines, and settings of the environment, through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from cli_inputs import MESSAGE, Run


def test_sarif(mmcheck: Run) -> None:
    outcome = mmcheck("verify", "good.litmus", "bad.litmus", "--format", "sarif")
    assert outcome.code == 1
    (run,) = json.loads(outcome.out)["runs"]
    assert [each["ruleId"] for each in run["results"]] == ["mmcheck/violated"] * 2
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "bad.litmus"
    assert all(each["codeFlows"] and each["attachments"] for each in run["results"])


def test_github(mmcheck: Run) -> None:
    outcome = mmcheck("verify", "good.litmus", "bad.litmus", "--format", "github")
    assert outcome.code == 1
    lines = outcome.out.splitlines()
    assert len(lines) == 2 and all(line.startswith("::error title=mmcheck") for line in lines)


def test_junit_in_a_file(mmcheck: Run, folder: Path) -> None:
    outcome = mmcheck("verify", "good.litmus", "bad.litmus", "--format", "junit", "--output", "report.xml")
    assert outcome.code == 1 and outcome.out == ""
    top = ET.parse(folder / "report.xml").getroot()
    assert (top.attrib["tests"], top.attrib["failures"]) == ("4", "2")


@pytest.mark.parametrize("form", ["sarif", "github", "junit"])
def test_a_broken_file_is_in_the_report_and_on_stderr(mmcheck: Run, folder: Path, form: str) -> None:
    (folder / "ugly.litmus").write_text("spec 'x\n")
    outcome = mmcheck("verify", "ugly.litmus", "--format", form)
    assert outcome.code == 2
    assert "MM" in outcome.out and "ugly.litmus:1:" in outcome.err


def test_the_environment_chooses_a_format(mmcheck: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMCHECK_FORMAT", "github")
    assert mmcheck("verify", "bad.litmus").out.startswith("::error ")
    assert mmcheck("verify", "bad.litmus", "--format", "concise").out.startswith("bad.litmus:13:")


# --- baselines ---------------------------------------------------------------------------------------


def test_known_failures_do_not_count(mmcheck: Run, folder: Path) -> None:
    written = mmcheck("verify", ".", "--target", "armv8", "--write-baseline", "known.json")
    assert (written.code, written.err) == (0, "mmcheck: 1 known failure in known.json\n")
    outcome = mmcheck("verify", "bad.litmus", "--target", "armv8", "--baseline", "known.json")
    assert outcome.code == 0
    assert "1 known failure of the baseline left out: seen" in " ".join(outcome.out.split())
    assert mmcheck("verify", "bad.litmus", "--baseline", "known.json").code == 1  # x86-tso is new


def test_a_baseline_that_is_no_longer_so_is_noted(mmcheck: Run, folder: Path) -> None:
    mmcheck("verify", "bad.litmus", "--write-baseline", "known.json")
    (folder / "bad.litmus").write_text(MESSAGE)
    for _ in range(2):  # not swallowed by the cache
        outcome = mmcheck("verify", "bad.litmus", "--baseline", "known.json")
        assert outcome.code == 0
        assert "no longer so" in outcome.err and "seen [base] on armv8 in bad.litmus" in outcome.err


def test_a_changed_baseline_is_read_again(mmcheck: Run, folder: Path) -> None:
    mmcheck("verify", "bad.litmus", "--write-baseline", "known.json")
    assert mmcheck("verify", "bad.litmus", "--baseline", "known.json").code == 0
    (folder / "known.json").write_text('{"schema": "mmcheck-baseline/1", "known": []}')
    assert mmcheck("verify", "bad.litmus", "--baseline", "known.json").code == 1


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema": "other", "known": []}', '{"schema": "mmcheck-baseline/1", "known": [1]}', "[" * 9999],
)
def test_what_is_no_baseline(mmcheck: Run, folder: Path, text: str) -> None:
    (folder / "known.json").write_text(text)
    outcome = mmcheck("verify", "bad.litmus", "--baseline", "known.json")
    assert outcome.code == 2 and "MM013" in outcome.err


def test_known_failures_are_suppressed_in_sarif(mmcheck: Run) -> None:
    mmcheck("verify", "bad.litmus", "--write-baseline", "known.json")
    outcome = mmcheck("verify", "bad.litmus", "--baseline", "known.json", "--format", "sarif")
    results = json.loads(outcome.out)["runs"][0]["results"]
    assert outcome.code == 0 and len(results) == 2 and all(each["suppressions"] for each in results)
