"""The programs of tests/data/semantics have the verdicts and layers that they state.

Row 11 of semantics.md 1.4 (a counter against an interrupt handler) needs handlers, which `Checker` does not know
yet: its file is to be `row-11.litmus`, and comes with them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mmcheck.lower.spec import load_spec
from mmcheck.source import SourceFile
from tests.unit.semantics.semantics import DATA, findings

FILES = sorted(DATA.glob("*.litmus"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_verdicts_and_layers(path: Path) -> None:
    profile = "language" if path.stem.endswith(".language") else "observed"
    wrong = []
    for case in findings(load_spec(SourceFile(str(path), path.read_text(encoding="utf-8"))), profile=profile):
        found = (case.finding.verdict, case.finding.layer)
        if found != (case.verdict, case.layer):
            wrong.append(f"{case.name}: {found}, expected {(case.verdict, case.layer)} {case.finding.notes}")
    assert not wrong, "\n".join(wrong)
