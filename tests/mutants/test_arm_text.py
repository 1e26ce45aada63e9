"""armv8.cat is what Arm's own text says: the two allow the same candidate executions."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings

from mmcheck.base.errors import UnknownVerdict
from mmcheck.ir.program import show
from mmcheck.model.model import load_model
from tests.mutants.judge import cases, judges
from tests.mutants.shared import SHARED, Axioms
from tests.property.programs import ARM, programs

TEXT = Path(__file__).resolve().parents[1] / "data" / "models" / "armv8-arm.cat"
OURS = SHARED.axioms(load_model("armv8"))
ARMS = SHARED.axioms(load_model(str(TEXT)))


def _disagree(one: Axioms, other: Axioms) -> list[str]:
    return [
        case.name
        for case in cases("armv8")
        if any(judge.allows(one) != judge.allows(other) for group in case.candidates() for judge in group)
    ]


def test_on_every_candidate_of_every_test() -> None:
    assert _disagree(OURS, ARMS) == []


def test_the_comparison_can_fail() -> None:
    """Without coherence they differ on two reads of one location, which is what the hazard clause is for."""
    without = tuple([axiom for axiom in OURS if axiom[1] is not OURS[0][1]])
    assert len(without) == 2
    assert "CoRR" in _disagree(without, ARMS)


@given(programs(ARM, size=3, waits=False))
@settings(max_examples=120)
def test_on_random_programs(program) -> None:
    try:
        for judge, candidate, _ in judges(program, most=400):
            text = "\n".join(f"{thread.name}:\n{show(thread.body, 1)}" for thread in program.threads)
            assert judge.allows(OURS) == judge.allows(ARMS), f"{text}\nrf {candidate.rf} co {candidate.co}"
    except UnknownVerdict:
        pass
