"""Programs with interrupt handlers: solver, enumerator and an explorer of interleavings agree."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TypeAlias

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mmcheck.base.errors import UnknownVerdict
from mmcheck.engines.enumeration.enumerate import Enumeration, Limits
from mmcheck.engines.smt.decode import Decoder
from mmcheck.engines.smt.encode import encode
from mmcheck.engines.smt.finals import Finals
from mmcheck.engines.unfolding.unfold import unfold
from mmcheck.events.execution import Execution
from mmcheck.ir.program import Const, Op, Program, Reg, Requirement
from mmcheck.model.model import Model, load_model
from mmcheck.verdict.check import Checker, engine_of
from tests.property.handlers import CLAIM, handled, replace, waiting
from tests.property.interleavings import interleavings
from tests.property.programs import ARCHS, SC, Arch
from tests.property.test_engines import LIMITS, MOST, PHASES, compare, executions, solved, state_of, text_of

EXAMPLES = int(os.environ.get("HANDLER_EXAMPLES", "40"))
COMPILED = [ARCHS["x86-tso"], ARCHS["armv8"]]


@pytest.mark.parametrize("settle", [False, True], ids=["safety", "final"])
@pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda arch: arch.name)
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES, derandomize=True)
def test_engines_agree(arch: Arch, settle: bool, data: st.DataObject) -> None:
    """The same executions, final states and failing assertions of assembly programs."""
    compare(data.draw(handled(arch)), arch.name, settle)


@pytest.mark.parametrize("arch", COMPILED, ids=lambda arch: arch.name)
@given(data=st.data())
@settings(max_examples=EXAMPLES // 2, deadline=None, phases=PHASES, derandomize=True)
def test_verdicts_of_compiled_code(arch: Arch, data: st.DataObject) -> None:
    """The enumerator tries every order of the compiler and every place for a run; the solver has cuts of a partial
    order."""
    program = data.draw(handled(arch, source=True, most=2))
    model = load_model(arch.name)
    by_solver = Checker(engine_of("smt", program, model, layered=True)).run(CLAIM)
    by_list = Checker(engine_of("enumerate", program, model, layered=True)).run(CLAIM)
    assume("unknown" not in (by_solver.verdict, by_list.verdict))
    assert (by_solver.verdict, by_solver.layer) == (by_list.verdict, by_list.layer), text_of(program)


QUESTIONS = (
    CLAIM,
    Requirement("all go on", "progress"),
    Requirement("the thread goes on", "progress", subjects=("P0",)),
    Requirement("its wait ends", "progress", subjects=("P0.wait",)),
    Requirement("the register", "final", cond=Op("eq", (Reg("P0:a"), Const(0)), 1)),
    Requirement("the cell", "final", cond=Op("eq", (Reg("[x]"), Const(0)), 1)),
)


@pytest.mark.parametrize("arch", COMPILED, ids=lambda arch: arch.name)
@given(data=st.data())
@settings(max_examples=EXAMPLES // 2, deadline=None, phases=PHASES, derandomize=True)
def test_verdicts_of_compiled_code_that_is_held_up(arch: Arch, data: st.DataObject) -> None:
    program = data.draw(waiting(arch, source=True))
    question = data.draw(st.sampled_from(QUESTIONS))
    model = load_model(arch.name)
    program = replace(program, requirements=(question,))
    by_solver = Checker(engine_of("smt", program, model, layered=True)).run(question)
    by_list = Checker(engine_of("enumerate", program, model, layered=True)).run(question)
    assume("unknown" not in (by_solver.verdict, by_list.verdict))
    assert (by_solver.verdict, by_solver.layer) == (by_list.verdict, by_list.layer), text_of(program)


@pytest.mark.parametrize("settle", [False, True], ids=["safety", "final"])
@pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda arch: arch.name)
@given(data=st.data())
@settings(max_examples=EXAMPLES // 2, deadline=None, phases=PHASES, derandomize=True)
def test_engines_agree_on_what_is_held_up(arch: Arch, settle: bool, data: st.DataObject) -> None:
    """A handler that waits, or a thread that does so with interrupts off, holds up others after any part of what they
    do: the same executions, final states and failing assertions."""
    program = data.draw(waiting(arch))
    model = load_model(arch.name)
    try:
        expected = listed(program, model, settle)
        actual = searched(program, model, settle)
    except UnknownVerdict:
        assume(False)
    assert actual == expected, text_of(program)


Key: TypeAlias = tuple[object, ...]


def key_of(execution: Execution) -> Key:
    events = tuple((e.thread, e.kind, e.address, e.value, e.tags) for e in execution.events)
    return events, execution.relation("rf"), execution.relation("co")


def listed(program: Program, model: Model, settle: bool) -> tuple[set[Key], set[object], set[str]]:
    runs = []
    for run in Enumeration(program, model, settle=settle, limits=LIMITS).runs():
        if not run.stray:
            runs.append(run)
        if len(runs) > MOST:
            raise UnknownVerdict("too many")
    finals = {state_of(run.final) for run in runs} if settle else set()
    return {key_of(run.execution) for run in runs}, finals, set[str]().union(*[run.failed for run in runs])


def searched(program: Program, model: Model, settle: bool) -> tuple[set[Key], set[object], set[str]]:
    graph = unfold(program, quiescent=settle)
    found = {key_of(one) for one in executions(encode(graph, model, compiled=False))}
    failed = set(solved(program, model.name, settle).failed)
    return found, set(finals_of(program, model)) if settle else set(), failed


def finals_of(program: Program, model: Model) -> Iterator[object]:
    """Every final state once, however many executions come to it."""
    encoding = encode(unfold(program, quiescent=True), model, compiled=False)
    finals, circuit = Finals(encoding), encoding.circuit
    widths = {
        name.removeprefix("@"): term.width for registers in encoding.graph.registers for name, term in registers.items()
    }
    while encoding.solver.solve(encoding.assumptions()):
        final = Decoder(encoding).execution().final
        yield state_of(final)
        differs = []
        for name, value in final.items():
            width = 32 if name.startswith("[") else widths.get(name.split(":")[1], 32)
            same = Op("eq", (Reg(name, width), Const(value, width)), 1)
            if ":%" not in name:
                differs.append(-encoding.values.literal(finals.term(same)))
        circuit.clause(differs)


@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES, derandomize=True)
def test_sequential_consistency_is_interleaving(data: st.DataObject) -> None:
    """Under `sc` the final states are those of interleavings in which a handler is one step, and the same assertions
    fail."""
    assert_interleaving(data.draw(handled(SC)))


@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES, derandomize=True)
def test_who_waits_holds_up_interleavings(data: st.DataObject) -> None:
    """The same of programs in which somebody may hold up a CPU for ever."""
    assert_interleaving(data.draw(waiting(SC)))


def assert_interleaving(program: Program) -> None:
    model = load_model("sc")
    try:
        settled, partial = set(finals_of(program, model)), solved(program, "sc", False)
        enumeration = Enumeration(program, model, settle=True, limits=Limits(LIMITS.candidates))
        assume(not any(run.stray for run in enumeration.runs()))
    except UnknownVerdict:
        assume(False)
    outcomes = interleavings(program)
    assert settled == outcomes.finals, text_of(program)
    assert set(partial.failed) == outcomes.failed, text_of(program)
