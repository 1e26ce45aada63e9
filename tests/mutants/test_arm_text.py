"""armv8.cat is what Arm's own text says: the two allow the same candidate executions."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings

from mmcheck.errors import UnknownVerdict
from mmcheck.model.model import load_model
from mmcheck.program import show
from tests.mutants.judge import Axioms, Shared, cases, judges
from tests.mutants.mutate import mutants
from tests.property.programs import ARM, programs

TEXT = Path(__file__).resolve().parents[1] / "data" / "models" / "armv8-arm.cat"
SHARED = Shared()
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


def test_without_the_hazard_they_differ() -> None:
    """The comparison can fail, and coherence of two reads is what the hazard clause is for."""
    without = tuple([(kind, node) for kind, node in OURS if kind != "acyclic"]) + OURS[1:2]
    assert "CoRR" in _disagree(without, ARMS)
    other = next(mutant for mutant in mutants("armv8") if mutant.name == "obs: rfe → rf")
    assert _disagree(SHARED.axioms(other.model), ARMS) != []


@given(programs(ARM, size=3, waits=False))
@settings(max_examples=250)
def test_on_random_programs(program) -> None:
    try:
        for judge, candidate, _ in judges(program, most=1_000):
            text = "\n".join(f"{thread.name}:\n{show(thread.body, 1)}" for thread in program.threads)
            assert judge.allows(OURS) == judge.allows(ARMS), f"{text}\nrf {candidate.rf} co {candidate.co}"
    except UnknownVerdict:
        pass
