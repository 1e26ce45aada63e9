"""What mmcheck says where herd7 says something else, by either engine; tests/bench/herd.py asks herd7."""

from __future__ import annotations

import pytest

from mmcheck.verdict.litmus import decide
from tests.deviations import DOCUMENT, Deviation, deviations, document, written


@pytest.mark.parametrize("engine", ["smt", "enumerate", "auto"])
@pytest.mark.parametrize("each", deviations(), ids=lambda each: each.path.stem)
def test_deviation(each: Deviation, engine: str) -> None:
    (outcome,) = decide([each.path], engine=engine, states=True)
    states = len(outcome.states or ())
    said = outcome.diagnostics[0].code if outcome.diagnostics else f"{outcome.observation}, {states}"
    assert said == each.here != each.herd


def test_the_table_is_fresh() -> None:
    assert written(DOCUMENT.read_text(encoding="utf-8")) == document(), "python -m tests.deviations --write"
