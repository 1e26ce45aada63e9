"""Interrupt handlers on the operational machines: the same final states as by the axioms, which place handlers as cuts
of a partial order. The machines know no cuts: a handler is a call that may come between two accesses."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mmcheck.enumerate import Enumeration, Limits
from mmcheck.errors import UnknownVerdict
from mmcheck.files import read_source
from mmcheck.lower.spec import load_spec
from mmcheck.machine import armv8, sc, tso
from mmcheck.machine.explore import Final
from mmcheck.machine.interrupts import MOVES, SHARES, unsupported
from mmcheck.machine.left_out import left_out
from mmcheck.model.model import load_model
from mmcheck.program import Program
from mmcheck.target.targets import parse_target
from tests.property.handlers import handled
from tests.property.programs import ARCHS, Arch
from tests.property.test_engines import state_of, text_of

MACHINES: dict[str, ModuleType] = {"sc": sc, "x86-tso": tso, "armv8": armv8}
PREEMPT = Path(__file__).parents[2] / "specs" / "preempt.litmus"
LIMITS = Limits(candidates=8_000, combinations=40_000, traces=2_000)
State = tuple[tuple[str, int], ...]


def visible(finals: Iterable[dict[str, int]]) -> set[State]:
    """Final states without registers that no text names."""
    return {tuple([item for item in state_of(final) if ":%" not in item[0]]) for final in finals}


def machine_states(finals: Iterable[Final]) -> set[State]:
    return visible(dict(final.values) for final in finals)


def by_the_axioms(program: Program, model: str, limits: Limits) -> set[State]:
    runs = list(Enumeration(program, load_model(model), settle=True, limits=limits).runs())
    if any(run.stray for run in runs):
        raise UnknownVerdict("an access outside of memory")
    return visible(run.final for run in runs)


@pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda arch: arch.name)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_random_programs(arch: Arch, data: st.DataObject) -> None:
    program = data.draw(handled(arch))
    try:
        found = MACHINES[arch.name].run(program, limit=20_000)
        states = by_the_axioms(program, arch.name, LIMITS)
        safety = Enumeration(program, load_model(arch.name), limits=LIMITS).runs()
        failed = frozenset[str]().union(*[run.failed for run in safety])
    except UnknownVerdict:
        assume(False)
    if arch.name == "armv8" and left_out(program):
        assert machine_states(found.finals) <= states, text_of(program)
        return
    assert machine_states(found.finals) == states, text_of(program)
    assert found.failed == failed, text_of(program)


@pytest.mark.parametrize("target", MACHINES)
def test_the_preemption_counter(target: str) -> None:
    """Every variant of specs/preempt.litmus but the three in which a thread moves to the CPU of another."""
    spec = load_spec(read_source(PREEMPT))
    large = Limits(candidates=200_000, combinations=300_000, traces=20_000)
    compared = 0
    for title in [None, *[variant.title for variant in spec.variants]]:
        program = spec.program(parse_target(target), title)
        if unsupported(program):
            assert unsupported(program) == (MOVES, SHARES)
            with pytest.raises(UnknownVerdict, match="threads on one CPU"):
                MACHINES[target].run(program)
            continue
        found = MACHINES[target].run(program)
        states = by_the_axioms(program, target, large)
        assert machine_states(found.finals) == states, title
        compared += 1
    assert compared == 9
