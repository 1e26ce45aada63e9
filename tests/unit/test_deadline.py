"""``--timeout`` bounds all of a requirement's time: unfolding, value sets, encoding, enumeration, and not z3 alone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import mmcheck
from mmcheck.base.deadline import Deadline
from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.source import SourceFile
from mmcheck.language.lower.spec import load_spec
from mmcheck.model.model import load_model
from mmcheck.placement.place import PlaceOptions, place
from mmcheck.placement.sites import Scope
from mmcheck.report.place import render
from mmcheck.target.targets import parse_target
from mmcheck.verdict.check import engine_of
from mmcheck.verdict.solver import Solver

MANY = """
spec "many increments"
targets armv8
atomic n
requirement all { forall n == 30 }
thread worker(i in 0..30) { n.fetch_add(1, relaxed) }
"""

LONG = """
spec "a long search for values"
targets armv8
atomic n, m
requirement all { forall n == 0 }
thread worker(i in 0..6) {
  repeat 6 { let a = n.load(relaxed); let b = m.load(relaxed); n.store(a * 3 + b, relaxed); m.store(b ^ a, relaxed) }
}
"""


WIDE = """
spec "an index that is a sum of what others wrote"
targets armv8
memory x, y, t[2]
requirement r { says "three take a number each" }
thread worker(i in 0..3) {
  let v = x.fetch_add(1, relaxed)
  repeat 3 { let w = y.load(relaxed); y.store(w * 37 + v * 5 + i, relaxed) }
  let n = y.load(relaxed)
  t[n] = 1
  assert v < 3 for r
}
"""

QUICK = """
spec "nothing to it"
targets armv8
memory x
requirement r { says "a thread reads what it wrote" }
thread P { x = 1; let a = x; assert a == 1 for r }
"""


@pytest.mark.parametrize("engine", ["smt", "enumerate"])
@pytest.mark.parametrize("text", [MANY, LONG], ids=["increments", "values"])
def test_time_is_bounded(engine: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "long.litmus"
    path.write_text(text)
    started = time.process_time()
    report = mmcheck.verify([path], engine=engine, timeout=0.5, cache=False)
    (result,) = report.results
    assert result.verdict == "unknown"
    assert time.process_time() - started < 3


def test_one_file_that_takes_too_long_does_not_cost_the_results_of_others(tmp_path: Path) -> None:
    paths = [tmp_path / "a-long.litmus", tmp_path / "b-wide.litmus", tmp_path / "c-quick.litmus"]
    for path, text in zip(paths, (LONG, WIDE, QUICK), strict=True):
        path.write_text(text)
    report = mmcheck.verify(paths, timeout=1, cache=False)
    assert [result.verdict for result in report.results] == ["unknown", "unknown", "holds"]
    assert report.exit_code == 3


def test_what_is_too_wide_for_any_time_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "wide.litmus"
    path.write_text(WIDE)
    report = mmcheck.verify([path], cache=False)
    (result,) = report.results
    assert (result.verdict, report.exit_code) == ("unknown", 3)
    assert any("over 512 values" in note for note in result.notes)


@pytest.mark.parametrize("timeout", [None, 0.01])
@pytest.mark.parametrize("scope", ["marked", "all"])
def test_a_placement_that_cannot_be_encoded_has_no_proof(timeout: float | None, scope: Scope, tmp_path: Path) -> None:
    path = tmp_path / "wide.litmus"
    path.write_text(WIDE)
    (report,) = place([path], PlaceOptions(scope=scope, timeout=timeout))
    assert report.exit_code == 3 and report.part is not None
    assert report.part.outcome.reason in render([report], width=200)


def test_the_clock_runs_inside_only() -> None:
    deadline = Deadline(0.0)
    deadline.check()
    with deadline, pytest.raises(UnknownVerdict):
        time.sleep(0.001)
        deadline.check()
    deadline.check()
    assert deadline.left() == 0.0
    with Deadline(None) as unlimited:
        unlimited.check()
        assert unlimited.left() is None


def test_a_question_that_was_given_up_is_asked_again(monkeypatch) -> None:
    """Whether an access leaves its variable is remembered for later requirements only once it is known."""
    text = """
targets armv8
memory { x[2], i }
requirement a { says "a" }
requirement b { says "b" }
thread P0 { i = 5 }
thread P1 {
  let n = i.load(relaxed)
  x[n] = 1
  assert n == 0 || n == 5 for a
  assert n == 0 || n == 5 for b
}
"""
    spec = load_spec(SourceFile("astray.litmus", text), root=Path(), read=lambda path: "")
    program = spec.program(parse_target("armv8"), None)
    (requirement, *_) = program.requirements
    engine = engine_of("smt", program, load_model("armv8"), layered=True)
    assert isinstance(engine, Solver)
    encoding = engine.encodings().compiled
    assert encoding.astray
    with monkeypatch.context() as patch:
        patch.setattr(type(encoding.solver), "solve", _give_up)
        with pytest.raises(UnknownVerdict):
            engine.astray(requirement)
    assert "outside every variable" in engine.astray(requirement)


def _give_up(*_: object, **__: object) -> bool:
    raise UnknownVerdict("given up")
