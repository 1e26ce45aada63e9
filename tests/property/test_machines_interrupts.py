"""Interrupt handlers on the operational machines: the same final states as by the axioms, which place handlers as cuts
of a partial order. The machines know no cuts: a handler is a call that may come between two accesses."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.files import read_source
from mmcheck.base.records import replace
from mmcheck.engines.enumeration.enumerate import Enumeration, Limits
from mmcheck.ir.program import Program, StoreExclusive, Thread
from mmcheck.language.lower.spec import load_spec
from mmcheck.machine import armv8, sc, tso
from mmcheck.machine.explore import Final
from mmcheck.machine.interrupts import HOLDS, SEVERAL, unsupported
from mmcheck.machine.left_out import left_out
from mmcheck.model.model import load_model
from mmcheck.target.targets import parse_target
from tests.property.handlers import KINDS, handled, waiting
from tests.property.programs import ARCHS, Arch
from tests.property.test_engines import PHASES, solved, state_of, text_of

MACHINES: dict[str, ModuleType] = {"sc": sc, "x86-tso": tso, "armv8": armv8}
PREEMPT = Path(__file__).parents[2] / "specs" / "preempt.litmus"
FILES = sorted((Path(__file__).parents[1] / "data" / "interrupts").glob("*.litmus"))
LIMITS = Limits(candidates=2_000, combinations=10_000, traces=1_000)
EXAMPLES = int(os.environ.get("HANDLER_EXAMPLES", "15"))
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


@pytest.mark.parametrize("kinds", [KINDS, ("same", "elsewhere")], ids=["handlers", "turns"])
@pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda arch: arch.name)
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES, derandomize=True)
def test_random_programs(arch: Arch, kinds: tuple[str, ...], data: st.DataObject) -> None:
    """Handlers, raised ones too, threads that move and threads that share a CPU, against the enumerator."""
    program = data.draw(handled(arch, kinds=kinds))
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


@pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda arch: arch.name)
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES, derandomize=True)
def test_random_programs_that_wait(arch: Arch, data: st.DataObject) -> None:
    """With a wait in the thread or its handler, which may hold up the CPU for ever: against the solver, since the
    enumerator does not know such runs."""
    program = data.draw(waiting(arch))
    try:
        found = MACHINES[arch.name].run(program, limit=20_000)
        settled, safety = solved(program, arch.name, True), solved(program, arch.name, False)
    except UnknownVerdict:
        assume(False)
    states = visible(dict(state) for state in settled.finals)
    if arch.name == "armv8" and left_out(program):
        assert machine_states(found.finals) <= states, text_of(program)
        return
    if any(isinstance(each, StoreExclusive) for thread in program.threads for each in thread.body):
        # One that fails is no event, so the axioms know no thread that is held up right before it.
        assert machine_states(found.finals) >= states, text_of(program)
        return
    assert machine_states(found.finals) == states, text_of(program)
    assert found.failed == settled.failed | safety.failed, text_of(program)


@pytest.mark.parametrize("target", MACHINES)
def test_the_preemption_counter(target: str) -> None:
    """Every variant of specs/preempt.litmus; those in which a thread moves to the CPU of another are too large on
    Armv8."""
    spec = load_spec(read_source(PREEMPT))
    large = Limits(candidates=200_000, combinations=300_000, traces=20_000)
    for title in [None, *[variant.title for variant in spec.variants]]:
        if target == "armv8" and title is not None and title.startswith(("T5", "T6")):
            continue
        program = spec.program(parse_target(target), title)
        found = MACHINES[target].run(program)
        assert machine_states(found.finals) == by_the_axioms(program, target, large), title


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("target", MACHINES)
def test_every_rule_about_interrupts(target: str, path: Path) -> None:
    """The files about H1 to H4 and M1 to M3, in every variant."""
    spec = load_spec(read_source(path))
    for title in [None, *[variant.title for variant in spec.variants]]:
        program = spec.program(parse_target(target), title)
        try:
            found = MACHINES[target].run(program)
        except UnknownVerdict as problem:
            if SEVERAL in problem.reason:  # the thread and, when it has left, the idle CPU
                assert any(thread.name.startswith("idle CPU") for thread in program.threads), title
                continue
            assert target == "armv8" and HOLDS in problem.reason, title
            assert title in (
                "it waits with interrupts off for the other",
                "a handler waits for another thread of its CPU",
            )
            continue
        try:
            states = by_the_axioms(program, target, Limits(candidates=20_000, combinations=40_000, traces=5_000))
        except UnknownVerdict:
            states = visible(dict(state) for state in solved(program, target, True).finals)
        assert machine_states(found.finals) == states, title


def test_what_the_machines_do_not_run_is_named() -> None:
    handler = Thread("irq", (), "interrupt", host=0, handler="irq", run=0)
    threads = (
        Thread("a", (), cpu=0),
        Thread("b", (), cpu=0),
        *[replace(handler, name=f"irq[{run},{host}]", host=host, run=run) for run in (0, 1) for host in (0, 1)],
    )
    program = Program("several", "sc", threads, ())
    assert unsupported(program) == (SEVERAL,)
    for machine in MACHINES.values():
        with pytest.raises(UnknownVerdict, match="the machines do not run: handler of several threads"):
            machine.run(program)
