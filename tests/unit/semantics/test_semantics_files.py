"""The programs of tests/data/semantics have the verdicts and layers that they state, by both engines."""

from __future__ import annotations

from pathlib import Path

import pytest

import mmcheck
from mmcheck.base.source import SourceFile
from mmcheck.language.lower.spec import load_spec
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


@pytest.mark.parametrize("path", [p for p in FILES if not p.stem.endswith(".language")], ids=lambda path: path.stem)
def test_the_enumerator_agrees(path: Path) -> None:
    report = mmcheck.verify([path], engine="enumerate", cache=False)
    (file,) = report.files
    assert not file.diagnostics
    wrong = [f"{r.variant}, {r.target}: {r.verdict} {r.layer} {r.notes}" for r in file.results if r.as_claimed is False]
    assert file.results and not wrong, "\n".join(wrong)
