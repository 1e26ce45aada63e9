"""The Armv8 machine and the axioms reach the same final states; every run of a machine is allowed; runs can be made
again."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, given, settings

from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.files import read_source
from mmcheck.base.records import replace
from mmcheck.ir.program import Program, evaluate, show
from mmcheck.language.herd.read import read_litmus
from mmcheck.language.lower.spec import load_spec
from mmcheck.machine import armv8, runner
from mmcheck.machine.left_out import left_out
from mmcheck.machine.record import recording
from mmcheck.machine.replay import CannotReplay, replay, same
from mmcheck.model.concrete import check
from mmcheck.model.model import load_model
from mmcheck.model.recheck import well_formed
from mmcheck.target.targets import parse_target
from mmcheck.verdict.verify import verify
from tests.property.programs import ARM, X86, programs
from tests.property.test_machines import enumerated

ROOT = Path(__file__).parents[2]
LITMUS = sorted((ROOT / "litmus").glob("*.litmus"))
HERD = sorted((ROOT / "litmus" / "aarch64").glob("*.litmus"))
SPECS = sorted([*(ROOT / "specs").rglob("*.litmus"), *(ROOT / "tests" / "data" / "interrupts").glob("*.litmus")])


def text(program: Program) -> str:
    return "\n".join(f"{t.name}:\n{show(t.body, 1)}" for t in program.threads)


def programs_of(path: Path, base: str):
    spec = load_spec(read_source(path))
    for target in spec.targets:
        for title in [None, *[variant.title for variant in spec.variants]]:
            if target.base == base and spec.applicable(title, target):
                yield f"{path.name} {target.name} {title}", spec.program(target, title)


@pytest.mark.parametrize("path", LITMUS, ids=lambda path: path.stem)
def test_every_small_litmus_test(path):
    for name, program in programs_of(path, "armv8"):
        if len(program.threads) > 3 or left_out(program):
            continue
        expected, actual = enumerated(program, "armv8"), armv8.run(program)
        assert actual.finals == expected.finals, name
        assert actual.failed == expected.failed, name


@pytest.mark.parametrize("path", HERD, ids=lambda path: path.stem)
def test_every_small_test_in_herds_format(path):
    program = read_litmus(read_source(path)).program
    if len(program.threads) > 3:
        return
    expected, actual = enumerated(program, "armv8"), armv8.run(program)
    assert actual.finals <= expected.finals
    if not left_out(program, provenance=True):
        assert actual.finals == expected.finals


@given(programs(ARM))
@settings(max_examples=60, deadline=None)
def test_random_programs(program):
    try:
        actual, expected = armv8.run(program, limit=8_000), enumerated(program, "armv8")
    except UnknownVerdict:
        assume(False)
    assert actual.finals <= expected.finals, text(program)
    if not left_out(program):
        assert actual.finals == expected.finals, text(program)
        assert actual.failed == expected.failed, text(program)
        assert actual.cut == expected.cut, text(program)


@pytest.mark.parametrize("arch", [ARM, X86], ids=lambda arch: arch.name)
def test_every_run_of_a_random_program_is_allowed(arch):
    @given(programs(arch, waits=False))
    @settings(max_examples=60, deadline=None)
    def body(program):
        for seed in range(3):
            random = Random(seed)
            machine = runner.machine(program, random, record=True)
            finish = machine.run(random, limit=5_000)
            assert not finish.stopped and finish.stuck == (), text(program)
            execution = recording(machine).execution
            assert well_formed(execution) == [], text(program)
            assert check(load_model(arch.name), execution) == [], text(program)

    body()


NOT_MADE = {
    ("idle.litmus", None): "handler of several threads",
    ("idle.litmus", "what interrupts an idle CPU moves nobody"): "handler of several threads",
}
"""Runs that the machines do not make, and why not (docs/machine.md): a handler that may interrupt several threads."""


@pytest.mark.slow
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_counterexample_of_the_specifications_is_made_again(path):
    for file in verify([path]).files:
        if file.diagnostics:
            continue
        spec = load_spec(read_source(path))
        for result in file.results:
            if result.counterexample is None:
                continue
            target = parse_target(result.target)
            program = spec.program(target, result.variant)
            name = f"{path.name} {result.variant} {result.target} {result.requirement}"
            if result.layer == "platform":  # the machine is a CPU, which forbids these runs
                on_a_cpu = replace(result.counterexample.execution, platform=False)
                assert check(load_model(target.model), on_a_cpu) != [], name
                continue
            reason = NOT_MADE.get((path.name, result.variant))
            if reason is not None:  # if one of these is made, it has to go from the list
                with pytest.raises(CannotReplay, match=reason):
                    replay(program, result.counterexample.execution)
                continue
            again = replay(program, result.counterexample.execution)
            assert same(again.given, again.recording.execution) == [], name
            made = again.recording.execution
            assert check(load_model(target.model), made) == [], name
            asked = next(each for each in program.requirements if each.name == result.requirement)
            if asked.kind == "final":
                assert not evaluate(asked.cond, dict(again.recording.execution.final)), name
