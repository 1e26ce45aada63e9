"""Solver and enumerator agree on random assembly programs: executions, final states, failing assertions, cuts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from mmcheck.enumerate import Enumeration, Limits
from mmcheck.errors import UnknownVerdict
from mmcheck.execution import Execution
from mmcheck.loops import exit_test
from mmcheck.model.model import load_model
from mmcheck.program import (
    Await,
    Block,
    Choice,
    If,
    Loop,
    Origin,
    Parallel,
    Program,
    Statement,
    show,
    walk,
)
from mmcheck.smt.circuit import FALSE, TRUE
from mmcheck.smt.count import all_executions
from mmcheck.smt.encode import Encoding, choice_literals, encode
from mmcheck.unfold import unfold
from tests.property.programs import ARCHS, Arch, programs
from tests.property.sources import FUNCTIONS, SITES, rich_programs

LIMITS = Limits(candidates=20_000, combinations=50_000, traces=3_000)
MOST = 2_000
PHASES = [Phase.generate]
EXAMPLES = int(os.environ.get("ENGINES_EXAMPLES", "60"))


@dataclass(frozen=True)
class Answer:
    """What one engine says: the number of executions, their final states, the requirements that fail, whether a run
    reaches the bound."""

    count: int
    finals: frozenset[tuple[tuple[str, int], ...]]
    failed: frozenset[str]
    cut: bool


LIMITED = Origin(site="limited")


def for_enumerator(block: Block, bound: int) -> Block:
    """What the enumerator needs to count as the solver does: a loop's exit test once more behind its last round,
    and awaits with a limit marked, at which no thread is stuck."""
    out: list[Statement] = []
    for s in block:
        match s:
            case Loop():
                body = for_enumerator(s.body, bound)
                rounds = bound if s.bound is None else s.bound
                last = for_enumerator(exit_test(s.body, FUNCTIONS), bound)
                out.append(Loop((*body * rounds, *last), 1) if last else replace(s, body=body))
            case If():
                out.append(replace(s, then=for_enumerator(s.then, bound), orelse=for_enumerator(s.orelse, bound)))
            case Await():
                origin = s.origin if s.tries is None else LIMITED
                body, orelse = for_enumerator(s.body, bound), for_enumerator(s.orelse, bound)
                out.append(replace(s, body=body, orelse=orelse, origin=origin))
            case Parallel():
                out.append(replace(s, body=for_enumerator(s.body, bound)))
            case Choice():
                options = tuple((name, for_enumerator(block, bound)) for name, block in s.options)
                out.append(replace(s, options=options))
            case _:
                out.append(s)
    return tuple(out)


def enumerated(
    program: Program, model: str, settle: bool, bound: int = 2, choices: Mapping[str, str] | None = None
) -> Answer:
    used = {each.site for thread in program.threads for each in walk(thread.body) if isinstance(each, Choice)}
    choices = {site: name for site, name in (choices or {}).items() if site in used}
    threads = tuple(replace(thread, body=for_enumerator(thread.body, bound)) for thread in program.threads)
    search = Enumeration(replace(program, threads=threads), load_model(model), bound=bound, settle=settle, limits=LIMITS, choices=choices)
    runs = []
    for run in search.runs():
        if not run.stray and not any(where is LIMITED for _, where in run.stuck):
            runs.append(run)
        if len(runs) > MOST:
            raise UnknownVerdict("too many")
    failed = frozenset[str]().union(*[run.failed for run in runs])
    finals = frozenset(state_of(run.final) for run in runs)
    return Answer(len(runs), finals if settle else frozenset(), failed, search.cut)


def state_of(final: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """A final state; what is 0 is left out, as is a register that was never set."""
    return tuple(sorted((name.replace("@", ""), value) for name, value in final.items() if value and ":%" not in name))


def solved(
    program: Program, model: str, settle: bool, bound: int = 2, choices: Mapping[str, str] | None = None
) -> Answer:
    graph = unfold(program, bound=bound, quiescent=settle)
    encoding = encode(graph, load_model(model))
    for literal in choice_literals(encoding, choices or {}):
        encoding.circuit.require(literal)

    def possible(literal: int, *, bounded: bool = True) -> bool:
        assumed = [lit for lit in encoding.assumptions() if bounded or lit != encoding.bounded]
        if FALSE in (*assumed, literal):
            return False
        return encoding.solver.solve([lit for lit in (*assumed, literal) if lit != TRUE])

    cut = possible(encoding.circuit.any([encoding.values.literal(cut.guard) for cut in graph.cuts]), bounded=False)
    failed = set()
    for check in graph.checks:
        wrong = [encoding.values.literal(check.guard), -encoding.values.literal(check.cond)]
        if possible(encoding.circuit.all(wrong)):
            failed.add(check.requirement)
    found = executions(encoding)
    finals = frozenset(state_of(one.final) for one in found)
    return Answer(len(found), finals if settle else frozenset(), frozenset(failed), cut)


def executions(encoding: Encoding) -> list[Execution]:
    return list(all_executions(encoding, limit=MOST + 1))


def text_of(program: Program) -> str:
    return "\n".join(f"{t.name}:\n{show(t.body, 1)}" for t in program.threads)


def compare(
    program: Program, model: str, settle: bool, bound: int = 2, choices: Mapping[str, str] | None = None
) -> None:
    try:
        expected = enumerated(program, model, settle, bound, choices)
        actual = solved(program, model, settle, bound, choices)
    except UnknownVerdict:
        assume(False)
    assert actual == expected, f"{model} settle={settle}\n{text_of(program)}"


@pytest.mark.parametrize("settle", [False, True], ids=["safety", "final"])
@pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda arch: arch.name)
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES)
def test_engines_agree(arch: Arch, settle: bool, data: st.DataObject) -> None:
    compare(data.draw(programs(arch)), arch.name, settle)


@pytest.mark.parametrize("settle", [False, True], ids=["safety", "final"])
@pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda arch: arch.name)
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES)
def test_engines_agree_on_richer_programs(arch: Arch, settle: bool, data: st.DataObject) -> None:
    choices = {site: data.draw(st.sampled_from(["one", "two"])) for site in SITES}
    compare(data.draw(rich_programs(arch)), arch.name, settle, choices=choices)
