"""Solver, enumerator and machine say the same of tests built from cycles, and so does herd7 of those that it has run.

The engines share their rules, so that a rule that is missing is missing in both. What herd7 (7.58, models as of 2026)
says stands in tests/data/cycles: number of the test, a hash of its text, observation, number of states
(``python tests/bench/herd.py --record`` puts it there).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.records import replace
from mmcheck.base.source import SourceFile
from mmcheck.engines.unfolding import accesses, values
from mmcheck.engines.unfolding.state import Value
from mmcheck.ir import steps
from mmcheck.ir.program import OLD
from mmcheck.language.herd.read import read_litmus
from mmcheck.machine import armv8, tso
from mmcheck.machine.left_out import left_out
from mmcheck.verdict.litmus import decide_test
from mmcheck.verdict.question import Question
from tests.property.cycles import cycle, shapes
from tests.unit.test_classic_verdicts import machine_states

RECORDED = Path(__file__).resolve().parents[1] / "data" / "cycles"
MACHINES: dict[str, ModuleType] = {"AArch64": armv8, "X86_64": tso}
COUNTS = {"AArch64": 1_400, "X86_64": 600}
"""Tests of a run; ten times as many in an exhaustive one."""
PART = 200
EVERY = 8
"""The machine runs so many-th test only: it takes longer than the two engines together."""


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@cache
def herd_said(arch: str) -> dict[int, tuple[str, str, int]]:
    """For each number that herd has run: the hash of the text, the observation, the number of states."""
    rows = [line.split("\t") for line in (RECORDED / f"{arch}.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    return {int(number): (text, word, int(states)) for number, text, word, states in rows}


def problems(number: int, arch: str, *, machine: bool = True, afresh: bool = False) -> list[str]:
    """What does not agree about one test. Not `afresh`, the enumerator may know its threads from an earlier one."""
    made = cycle(number, arch)
    test = read_litmus(SourceFile(made.name, made.text))
    test = replace(test, keys=()) if afresh else test
    try:
        solved, listed = [
            decide_test(test, made.name, Question(engine=engine), states=True) for engine in ("smt", "enumerate")
        ]
    except UnknownVerdict as unknown:
        return [f"{made.name}: {unknown.reason}"]
    out = []
    if (solved.observation, solved.states) != (listed.observation, listed.states):
        out.append(f"{made.name}: the solver has {solved.states}, the enumerator {listed.states}")
    if machine:
        found = set(machine_states(test, MACHINES[arch]))
        if found - set(listed.states or ()):
            out.append(f"{made.name}: the machine has {found - set(listed.states or ())}, too")
        elif found != set(listed.states or ()) and not left_out(test.program, provenance=True):
            out.append(f"{made.name}: the machine lacks {set(listed.states or ()) - found}")
    known = herd_said(arch).get(number)
    if known is not None and not made.deviates:
        said = (listed.observation, len(listed.states or ()))
        if said != known[1:]:
            out.append(f"{made.name}: herd7 says {known[1:]}, mmcheck {said}")
    return out


def parts(times: int) -> list[tuple[str, int]]:
    return [(arch, start) for arch, count in COUNTS.items() for start in range(0, times * count, PART)]


@pytest.mark.slow
@pytest.mark.parametrize(("arch", "start"), parts(1))
def test_all_agree(arch: str, start: int) -> None:
    numbers = range(start, start + PART)
    assert [each for number in numbers for each in problems(number, arch, machine=number % EVERY == 0)] == []


@pytest.mark.exhaustive
@pytest.mark.parametrize(("arch", "start"), parts(10))
def test_all_agree_on_many(arch: str, start: int) -> None:
    assert [each for number in range(start, start + PART) for each in problems(number, arch)] == []


def test_every_shape_is_among_them() -> None:
    assert len(shapes()) == 140 <= min(COUNTS.values())
    assert {len(shape) for shape in shapes()} == {2, 3, 4}


@pytest.mark.parametrize("arch", COUNTS)
def test_what_herd_said_is_about_these_tests(arch: str) -> None:
    stale = [number for number, row in herd_said(arch).items() if digest(cycle(number, arch).text) != row[0]]
    assert stale == [], "python tests/bench/herd.py --record"
    assert len(herd_said(arch)) >= {"AArch64": 1_400, "X86_64": 500}[arch]


def _enumerator_without_own_reads(patch: pytest.MonkeyPatch) -> None:
    """The write of an atomic depends on nothing that it reads."""
    patch.setattr(steps, "inside_modify", lambda code, state, read, value: state)


def _neither_engine_with_own_reads(patch: pytest.MonkeyPatch) -> None:
    _enumerator_without_own_reads(patch)

    def with_old(self, expr, state, read):  # type: ignore[no-untyped-def]
        state.registers[OLD] = Value(read.value, {})
        result = self.recorder.value(expr, state)
        del state.registers[OLD]
        return result

    patch.setattr(accesses.Accesses, "_with_old", with_old)


def _solver_with_one_pick(patch: pytest.MonkeyPatch) -> None:
    """Of two ways in which a value depends on a read, a condition passes on the last."""
    for module in (values, accesses):
        patch.setattr(module, "by_pick", lambda terms, taint: {(r, True): cond for (r, _), cond in taint.items()})


@pytest.mark.parametrize(
    ("mistake", "numbers", "told"),
    [
        (_enumerator_without_own_reads, (189, 202, 273, 482), "the solver has"),
        (_solver_with_one_pick, (160, 274, 347, 365, 483), "the solver has"),
        (_neither_engine_with_own_reads, (189, 202, 273, 482), "herd7 says"),
    ],
)
def test_mistakes_that_were_there_are_found(
    mistake: Callable[[pytest.MonkeyPatch], None],
    numbers: tuple[int, ...],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each was in mmcheck until these tests were there; of the third the engines, which agreed, knew nothing."""
    mistake(monkeypatch)
    for number in numbers:
        assert any(told in each for each in problems(number, "AArch64", machine=False, afresh=True)), number
