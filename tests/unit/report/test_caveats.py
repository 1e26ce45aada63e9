"""Every format says of a final state that is as claimed that some runs do not end within the bound."""

from __future__ import annotations

from dataclasses import replace

import pytest
from results_for_reports import PLAIN, report

from mmcheck.report.formats import concise, full, github, json, junit, sarif
from mmcheck.verdict.results import ENDLESS, endless

CUT = replace(PLAIN, kind="final", complete=False, notes=(endless(["'loop' (line 3) of poller"]),))
FORMATS = {
    "full": lambda found: " ".join(full.render(found).split()),
    "concise": concise.render,
    "json": json.render,
    "sarif": sarif.render,
    "github": github.render,
    "junit": junit.render,
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_verdict_about_runs_that_end_says_so(name: str) -> None:
    told = FORMATS[name](report(CUT))
    assert ENDLESS in told and "(line 3) of poller" in told
    assert ENDLESS not in FORMATS[name](report(PLAIN))


def test_it_is_no_failure() -> None:
    found = report(CUT)
    assert found.exit_code == 0
    assert concise.render(found).startswith("examples/mp.litmus:12:6: holds seen [base] on armv8: some runs")
    assert github.render(found).startswith("::notice ")
    assert "<failure" not in junit.render(found) and "<error" not in junit.render(found)
