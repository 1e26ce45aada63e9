"""``--timeout`` bounds all of a requirement's time: unfolding, value sets, encoding, enumeration, and not z3 alone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import mmcheck
from mmcheck.check import Checker
from mmcheck.deadline import Deadline
from mmcheck.errors import UnknownVerdict
from mmcheck.lower.spec import load_spec
from mmcheck.model.model import load_model
from mmcheck.source import SourceFile
from mmcheck.target.targets import parse_target

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
    checker = Checker(program, load_model("armv8"), layered=True)
    stage = checker.stage()
    assert stage.compiled.astray
    with monkeypatch.context() as patch:
        patch.setattr(type(stage.compiled.solver), "solve", _give_up)
        with pytest.raises(UnknownVerdict):
            checker._astray(stage)
    assert "outside every variable" in checker._astray(stage)


def _give_up(*_: object, **__: object) -> bool:
    raise UnknownVerdict("given up")
