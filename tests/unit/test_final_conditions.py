"""The enumerator asked for some runs only: the same as all runs, of which those are kept."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from mmcheck.base.source import SourceFile
from mmcheck.engines.enumeration.enumerate import Enumeration, FinalCondition, Run
from mmcheck.engines.enumeration.final_conditions import conjuncts
from mmcheck.ir.program import FALSE, TRUE, Const, Expr, Op, Reg, evaluate, state_cell, state_register
from mmcheck.language.herd.columns import is_herd_format
from mmcheck.language.herd.read import LitmusTest, read_litmus
from mmcheck.model.model import load_model
from mmcheck.target.targets import of_herd

FOLDER = Path(__file__).resolve().parents[2] / "litmus"
FILES = [path for path in sorted(FOLDER.rglob("*.litmus")) if is_herd_format(path.read_text(encoding="utf-8"))]


def read(path: Path) -> LitmusTest:
    return read_litmus(SourceFile(path.name, path.read_text(encoding="utf-8")))


def search_of(test: LitmusTest) -> Enumeration:
    return Enumeration(test.program, load_model(of_herd(test.arch)), settle=True, keys=test.keys)


def those(runs: Iterable[Run]) -> set[object]:
    return {
        (tuple([trace.identity for trace in run.candidate.traces]), run.candidate.rf, run.candidate.co) for run in runs
    }


def conditions(test: LitmusTest) -> list[Expr]:
    """The test's own, its negation, and others about places that it names and about one that does not exist."""
    made: list[Expr] = [test.condition, Op("not", (test.condition,), 1)]
    atoms: list[Expr] = [Op("eq", (place, Const(1, place.width)), 1) for place in test.observed]
    atoms.append(Op("eq", (state_register("9", "X0"), Const(0)), 1))
    for one, other in zip(atoms, [*atoms[1:], atoms[0]], strict=True):
        made += [Op("or", (one, Op("not", (other,), 1)), 1), Op("and", (one, other), 1)]
    return made


@pytest.mark.parametrize("path", FILES[::2], ids=lambda path: path.stem)
def test_asked_runs_are_those_of_all_runs_that_answer(path: Path) -> None:
    test = read(path)
    everything = list(search_of(test).runs())
    search = search_of(test)
    for condition in conditions(test):
        for outcome in (0, 1):
            wanted = [run for run in everything if evaluate(condition, run.final) == outcome]
            assert those(search.runs(FinalCondition(condition, outcome))) == those(wanted)


@pytest.mark.parametrize("path", FILES[::4], ids=lambda path: path.stem)
def test_fresh_runs_show_every_state(path: Path) -> None:
    test = read(path)
    names = [place.name for place in test.observed]
    found: list[tuple[int, ...]] = []
    for run in search_of(test).runs(fresh=lambda final: tuple([final.get(name, 0) for name in names]) not in found):
        found.append(tuple([run.final.get(name, 0) for name in names]))
    assert len(set(found)) == len(found)
    assert set(found) == {tuple([run.final.get(name, 0) for name in names]) for run in search_of(test).runs()}


def test_a_question_falls_into_parts() -> None:
    a, b = [Op("eq", (state_register(thread, "X0"), Const(1)), 1) for thread in "01"]
    x = Op("eq", (state_cell("x"), state_register("0", "X1")), 1)
    both = Op("and", (a, Op("and", (b, x), 1)), 1)
    assert [(part.expr, part.outcome, part.owner) for part in conjuncts(both, 1)] == [
        (a, 1, "0"), (b, 1, "1"), (x, 1, ""),
    ]  # fmt: skip
    assert [part.expr for part in conjuncts(both, 0)] == [both]
    neither = Op("or", (a, Op("not", (b,), 1)), 1)
    assert [(part.expr, part.outcome) for part in conjuncts(neither, 0)] == [(a, 0), (b, 1)]
    assert [part.owner for part in conjuncts(Op("or", (a, b), 1), 1)] == [""]
    assert [(part.expr, part.outcome) for part in conjuncts(TRUE, 0)] == [(TRUE, 0)]
    assert not next(conjuncts(FALSE, 1)).holds({})


def test_a_part_is_refuted_by_what_is_decided_only() -> None:
    part = next(conjuncts(Op("eq", (Reg("[x]"), Const(1)), 1), 1))
    assert part.refutes({"[x]": 2}, set())
    assert not part.refutes({"[x]": 2}, {"[x]"})
    assert not part.refutes({"[x]": 1}, set())
