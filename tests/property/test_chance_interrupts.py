"""Runs by chance with handlers, threads that move, share a CPU or wait: each is one that the model allows, and comes to
what exploration comes to."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.files import read_source
from mmcheck.ir.parts import walk
from mmcheck.ir.program import Loop, Program
from mmcheck.language.lower.spec import load_spec
from mmcheck.machine import armv8, runner, sc, tso
from mmcheck.machine.explore import Final, Outcomes
from mmcheck.machine.left_out import left_out
from mmcheck.machine.record import Recording, recording
from mmcheck.model.concrete import check
from mmcheck.model.model import load_model
from mmcheck.model.recheck import well_formed
from mmcheck.target.targets import parse_target
from tests.property.handlers import KINDS, handled, waiting
from tests.property.programs import ARCHS, Arch
from tests.property.test_engines import PHASES, state_of, text_of

MACHINES: dict[str, ModuleType] = {"sc": sc, "x86-tso": tso, "armv8": armv8}
ROOT = Path(__file__).parents[2]
FILES = [*sorted((ROOT / "tests" / "data" / "interrupts").glob("*.litmus")), ROOT / "specs" / "preempt.litmus"]
EXAMPLES = int(os.environ.get("HANDLER_EXAMPLES", "15"))
SEEDS = 40
Reached = tuple[tuple[tuple[str, int], ...], tuple[str, ...]]


def visible(values: dict[str, int], stuck: tuple[str, ...]) -> Reached:
    """A final state without registers that no text names, and who waits for ever: of those, exploration shows what the
    last look has found, a run what there was before it."""
    waits = tuple(f"{name}:" for name in stuck)
    kept = [item for item in state_of(values) if ":%" not in item[0] and not item[0].startswith(waits)]
    return tuple(kept), tuple(sorted(stuck))


def explored(program: Program, target: str, limit: int = 30_000) -> Outcomes | None:
    """What exploration comes to; None if that is too much for it, or left out."""
    try:
        return MACHINES[target].run(program, limit=limit)
    except UnknownVerdict:
        return None


def of_final(final: Final) -> Reached:
    return visible(dict(final.values), final.stuck)


def runs(program: Program, target: str, seeds: int) -> tuple[set[Reached], set[str]]:
    """What runs by chance come to: final states, and requirements that they violate. Each is held against the model."""
    prepared = runner.prepare(program)
    reached: set[Reached] = set()
    failed: set[str] = set()
    model = load_model(target)
    for seed in range(seeds):
        machine, finish = runner.once(program, Random(seed), prepared=prepared, record=True, limit=20_000)
        if finish.stopped:  # a loop that writes and that nobody ends: such a run is counted, and not kept
            assert any(isinstance(each, Loop) for thread in program.threads for each in walk(thread.body))
            continue
        told: Recording = recording(machine)
        assert check(model, told.execution) == [], f"seed {seed}\n{text_of(program)}"
        assert well_formed(told.execution) == [], f"seed {seed}\n{text_of(program)}"
        assert set(finish.failed) <= set(told.failed)
        reached.add(visible(dict(told.execution.final), finish.stuck))
        failed |= set(told.failed)
    return reached, failed


def held_against(program: Program, target: str, seeds: int, found: Outcomes | None) -> tuple[int, int]:
    """How many of the final states runs by chance have reached, and of how many."""
    reached, failed = runs(program, target, seeds)
    if found is None:
        return 0, 0
    assert reached <= {of_final(final) for final in found.finals}, text_of(program)
    assert failed <= found.failed, text_of(program)
    return len(reached), len({of_final(final) for final in found.finals})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("target", MACHINES)
def test_every_file_about_interrupts(target: str, path: Path) -> None:
    """The runs are repeatable, so what they reach is known: most of what there is."""
    spec = load_spec(read_source(path))
    reached = there = 0
    for title in [None, *[variant.title for variant in spec.variants]]:
        program = spec.program(parse_target(target), title)
        try:
            runner.prepare(program)
        except UnknownVerdict:
            assert left_out(program), title
            continue
        large = target == "armv8" and (title or "").startswith(("T5", "T6"))
        some, everything = held_against(program, target, SEEDS, None if large else explored(program, target))
        reached, there = reached + some, there + everything
    assert reached >= 0.6 * there, f"{reached} of {there}"


@pytest.mark.parametrize("kinds", [KINDS, ("same", "elsewhere")], ids=["handlers", "turns"])
@pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda arch: arch.name)
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES, derandomize=True)
def test_random_programs(arch: Arch, kinds: tuple[str, ...], data: st.DataObject) -> None:
    program = data.draw(handled(arch, kinds=kinds))
    found = explored(program, arch.name, 20_000)
    assume(found is not None)
    held_against(program, arch.name, 8, found)


@pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda arch: arch.name)
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES, derandomize=True)
def test_random_programs_that_wait(arch: Arch, data: st.DataObject) -> None:
    program = data.draw(waiting(arch))
    found = explored(program, arch.name, 20_000)
    assume(found is not None)
    held_against(program, arch.name, 8, found)


def test_a_raised_interrupt_comes_before_the_run_is_over() -> None:
    """In every run: no wake-up is lost by the schedule."""
    spec = load_spec(read_source(ROOT / "tests" / "data" / "interrupts" / "raised.litmus"))
    for target in MACHINES:
        program = spec.program(parse_target(target), None)
        reached, _ = runs(program, target, 40)
        states = [dict(values) for values, _ in reached]
        latches = [cell.name for cell in program.cells if cell.address in {t.latch for t in program.threads}]
        assert latches and all(not state.get(f"[{name}]") for state in states for name in latches)
