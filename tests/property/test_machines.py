"""The enumerator with a cat file and the machine without one reach the same final states."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mmcheck.base.errors import UnknownVerdict
from mmcheck.engines.enumeration.enumerate import Enumeration, Limits
from mmcheck.ir.program import Program, show
from mmcheck.machine import sc, tso
from mmcheck.machine.explore import Final, Outcomes
from mmcheck.model.model import load_model
from tests.property.programs import SC, X86, programs

LIMITS = Limits(candidates=3_000, combinations=20_000, traces=1_000)


def enumerated(program: Program, model: str) -> Outcomes:
    """What the enumerator says, in the form of a machine's outcomes."""
    finals = Enumeration(program, load_model(model), settle=True, limits=LIMITS)
    states = frozenset(
        Final(tuple(sorted(run.final.items())), tuple(name for name, _ in run.stuck)) for run in finals.runs()
    )
    safety = Enumeration(program, load_model(model), limits=LIMITS)
    failed = frozenset[str]().union(*[run.failed for run in safety.runs()])
    return Outcomes(states, failed, finals.cut, 0)


def agree(program: Program, model: str, machine: ModuleType) -> None:
    try:
        expected = machine.run(program, limit=10_000)
        actual = enumerated(program, model)
    except UnknownVerdict:
        assume(False)
    text = "\n".join(f"{t.name}:\n{show(t.body, 1)}" for t in program.threads)
    assert actual.finals == expected.finals, text
    assert actual.failed == expected.failed, text
    assert actual.cut == expected.cut, text


@pytest.mark.parametrize("arch", [SC, X86], ids=lambda arch: arch.name)
@given(st.data())
@settings(max_examples=60, deadline=None)
def test_sc_is_the_sc_machine(arch, data):
    agree(data.draw(programs(arch)), "sc", sc)


@given(programs(X86))
@settings(max_examples=100, deadline=None)
def test_tso_is_the_tso_machine(program):
    agree(program, "x86-tso", tso)
