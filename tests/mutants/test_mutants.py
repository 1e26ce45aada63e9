"""Every clause of every model has its killer: a wrong model is found out by a test of litmus/."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcheck.base.errors import UnknownVerdict
from mmcheck.engines.enumeration.enumerate import Enumeration
from mmcheck.ir.parts import walk
from mmcheck.ir.program import Program, Rmw, evaluate
from mmcheck.model.model import load_model
from mmcheck.verdict.litmus import observation
from tests.mutants.judge import cases, judges
from tests.mutants.mutate import MODELS, Mutant, meaning, mutants
from tests.mutants.shared import SHARED
from tests.mutants.table import DOCUMENT, Row, document, proofs, rows, written
from tests.property.programs import ARCHS, programs


@pytest.fixture(scope="module")
def found() -> dict[str, tuple[list[Row], dict[str, str]]]:
    return {model: rows(model) for model in MODELS}


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_no_mutant_survives(model: str, found: dict[str, tuple[list[Row], dict[str, str]]]) -> None:
    table, failing = found[model]
    assert failing == {}, "the model itself gets these wrong"
    survivors = {mutant.name for mutant, names in table if not names}
    assert survivors == set(proofs(model)), "write a test that rejects it, or prove that it is the same model"


@pytest.mark.slow
def test_the_table_is_fresh(found: dict[str, tuple[list[Row], dict[str, str]]]) -> None:
    now = document({model: table for model, (table, _) in found.items()})
    assert written(DOCUMENT.read_text(encoding="utf-8")) == now, "python -m tests.mutants.table --write"


def test_every_proof_is_written_down() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    titles = {title for model in MODELS for title in proofs(model).values()}
    assert set(re.findall(r"^\*\*(.+?)\.\*\* ", text, re.MULTILINE)) == {
        title[0].upper() + title[1:] for title in titles
    }


@pytest.mark.parametrize("model", MODELS)
def test_mutants_are_many_and_each_is_another_model(model: str) -> None:
    made = mutants(model)
    assert len(made) >= {"sc": 15, "x86-tso": 80, "armv8": 300}[model]
    names = [mutant.name for mutant in made]
    assert len(set(names)) == len(names)
    assert len({meaning(mutant.model) for mutant in made} | {meaning(load_model(model))}) == len(made) + 1


@cache
def same(model: str) -> list[Mutant]:
    return [mutant for mutant in mutants(model) if mutant.name in proofs(model)]


@pytest.mark.parametrize("model", MODELS)
def test_what_is_proved_the_same_is_the_same_on_every_candidate_of_every_test(model: str) -> None:
    right = SHARED.axioms(load_model(model))
    others = [(mutant.name, SHARED.axioms(mutant.model)) for mutant in same(model)]
    for case in cases(model):
        for judge in [judge for group in case.candidates() for judge in group]:
            wanted = judge.allows(right)
            assert [name for name, axioms in others if judge.allows(axioms) != wanted] == [], case.name


@pytest.mark.parametrize("model", MODELS)
@given(data=st.data())
@settings(max_examples=40)
def test_what_is_proved_the_same_is_the_same_on_random_programs(model: str, data: st.DataObject) -> None:
    program = data.draw(programs(ARCHS[model], size=2, waits=False))
    assert _compare(program, model) == []


def _compare(program: Program, model: str) -> list[str]:
    right = SHARED.axioms(load_model(model))
    others = [(mutant.name, SHARED.axioms(mutant.model)) for mutant in same(model)]
    try:
        for judge, _, _ in judges(program, most=300):
            wanted = judge.allows(right)
            wrong = [name for name, axioms in others if judge.allows(axioms) != wanted]
            if wrong:
                return wrong
    except UnknownVerdict:
        pass
    return []


@pytest.mark.parametrize(
    ("option", "killers"),
    [
        ("write_back", {"MP+rel+swp-cas-write-back-acq"}),
        ("cas_provenance", {"MP+rel+cas-ok-addr"}),
    ],
)
def test_each_outcome_of_a_compare_and_swap_has_its_killer(option: str, killers: set[str]) -> None:
    """A failing one that never writes back; a successful one whose register always depends on memory."""
    model = load_model("armv8")
    found = set()
    for case in cases("armv8"):
        if any(isinstance(s, Rmw) and s.compare is not None for t in case.program.threads for s in walk(t.body)):
            wrong = Enumeration(case.program, model, settle=True, **{option: False})  # type: ignore[arg-type]
            met = {bool(evaluate(case.condition, run.final)) for run in wrong.runs()}
            if observation(True in met, False in met) != case.expected:
                found.add(case.name)
    assert found == killers
