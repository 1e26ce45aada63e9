"""herd's suite: what herd says of each test, and in how many final states, is what either engine says."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmcheck.base.source import SourceFile
from mmcheck.language.herd.read import read_litmus
from mmcheck.machine import sc, tso
from mmcheck.target.targets import of_herd
from mmcheck.verdict.litmus import decide_test
from mmcheck.verdict.question import Question
from tests.unit.test_classic_verdicts import machine_states

pytestmark = [pytest.mark.herd_suite, pytest.mark.slow]


def _rows(folder: Path) -> list[tuple[str, str, int]]:
    lines = (folder / "expected.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [(name, word, int(states)) for name, word, states in (line.split("\t") for line in lines)]


@pytest.mark.parametrize("engine", ["smt", "enumerate"])
def test_observations_and_states(engine: str, herd_suite: Path) -> None:
    rows = _rows(herd_suite)
    assert len(rows) >= 650
    wrong = []
    for name, word, states in rows:
        path = herd_suite / name
        test = read_litmus(SourceFile(name, path.read_text(encoding="utf-8")))
        outcome = decide_test(test, name, Question(engine=engine), states=True)
        said = (outcome.observation, len(outcome.states or ()))
        if said != (word, states):
            wrong.append((name, (word, states), said))
    assert wrong == []


def test_the_tso_machine_on_the_tests_for_x86(herd_suite: Path) -> None:
    wrong, count = [], 0
    for name, _, states in _rows(herd_suite):
        test = read_litmus(SourceFile(name, (herd_suite / name).read_text(encoding="utf-8")))
        if of_herd(test.arch) == "x86-tso":
            count += 1
            reached = machine_states(test, tso)
            if len(reached) != states:
                wrong.append((name, states, reached))
    assert count >= 100
    assert wrong == []


def test_the_sc_machine_is_the_sc_model(herd_suite: Path) -> None:
    """herd has no verdicts on SC: the solver's states, of every test of either architecture."""
    wrong = []
    for name, _, _ in _rows(herd_suite):
        test = read_litmus(SourceFile(name, (herd_suite / name).read_text(encoding="utf-8")))
        expected = decide_test(test, name, Question(engine="enumerate"), model="sc", states=True).states
        if machine_states(test, sc) != expected:
            wrong.append(name)
    assert wrong == []
