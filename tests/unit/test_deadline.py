"""``--timeout`` bounds all of a requirement's time: unfolding, value sets, encoding, enumeration, and not z3 alone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import mmcheck
from mmcheck.deadline import Deadline
from mmcheck.errors import UnknownVerdict

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
