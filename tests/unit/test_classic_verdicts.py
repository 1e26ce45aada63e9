"""Every test of litmus/ says what is published, by either engine; where a machine is its model, by the machine, too."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from mmcheck.base.source import SourceFile
from mmcheck.ir.program import evaluate
from mmcheck.language.herd.read import LitmusTest, read_litmus
from mmcheck.language.herd.show import show_state
from mmcheck.machine import sc, tso
from mmcheck.verdict.litmus import decide_test
from mmcheck.verdict.question import Question
from mmcheck.verdict.verify import verify_file

FOLDER = Path(__file__).resolve().parents[2] / "litmus"
HERD = sorted(FOLDER.glob("*/*.litmus"))
SPECS = sorted(FOLDER.glob("*.litmus"))
HEADER = re.compile(
    r"\S+ (?P<name>\S+)\n\(\* expect: (?P<word>Never|Sometimes|Always) on (?P<model>\S+) \*\)\n"
    r"(?:\(\* states: (?P<states>\d+) \*\)\n)?\(\* trap [^\n]+: [^\n]+ \*\)\n"
)
MACHINES: dict[str, ModuleType] = {"sc": sc, "x86-tso": tso}


def machine_states(test: LitmusTest, machine: ModuleType) -> tuple[str, ...]:
    """The final states that a machine reaches, as `decide_test` shows them."""
    names = [reg.name for reg in test.observed]
    found = set()
    for final in machine.run(test.program).finals:
        values = dict(final.values)
        if not final.stuck and (test.filter is None or evaluate(test.filter, values)):
            found.add(tuple([values.get(reg.name, 0) & (1 << reg.width) - 1 for reg in test.observed]))
    shown = [show_state(test.program, test.shown, dict(zip(names, values, strict=True))) for values in found]
    return tuple(sorted(shown))


def test_the_folders_are_those_of_the_models() -> None:
    assert {path.parent.name for path in HERD} == {"aarch64", "x86_64", "sc"}
    assert len(HERD) >= 220


@pytest.mark.parametrize("path", HERD, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_herd(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    header = HEADER.match(text)
    assert header is not None
    assert header["name"] == path.stem
    model = header["model"]
    assert path.parent.name == {"armv8": "aarch64", "x86-tso": "x86_64", "sc": "sc"}[model]
    test = read_litmus(SourceFile(str(path), text))
    outcomes = [
        decide_test(test, str(path), Question(engine=engine), model=model, states=True)
        for engine in ("smt", "enumerate")
    ]
    assert [outcome.observation for outcome in outcomes] == [header["word"]] * 2
    assert outcomes[0].states == outcomes[1].states
    assert outcomes[0].states is not None
    if header["states"] is not None:
        assert len(outcomes[0].states) == int(header["states"])
    if model in MACHINES:
        assert machine_states(test, MACHINES[model]) == outcomes[0].states


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_specification(path: Path) -> None:
    """Every claim, on every target, in every variant."""
    report = verify_file(str(path), Question())
    assert report.diagnostics == ()
    assert len(report.results) >= 3
    wrong = [result for result in report.results if result.as_claimed is not True]
    assert [(result.variant, result.target, result.verdict) for result in wrong] == []
