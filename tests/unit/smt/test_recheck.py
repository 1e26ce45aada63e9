"""A counterexample that is wrong is refused: every execution of the solver stands, and no mutation of it does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from mmcheck.base.errors import InternalError
from mmcheck.engines.smt.count import all_executions
from mmcheck.engines.smt.encode import encode
from mmcheck.engines.unfolding.unfold import unfold
from mmcheck.events.execution import Execution
from mmcheck.ir.program import Cell, Const, Fence, Load, Op, Program, Reg, Store, Thread, state_cell
from mmcheck.model.model import load_model
from mmcheck.model.recheck import judge, judge_final, well_formed

PHASES = [phase for phase in Phase if phase is not Phase.explain]
X, Y = Const(0x1000, 64), Const(0x2000, 64)
MFENCE = frozenset({"MFENCE"})
PROGRAM = Program(
    "mixed",
    "x86-tso",
    (
        Thread("P0", (Store(X, Const(1)), Store(X, Const(2)), Fence(MFENCE), Load(Reg("a"), Y))),
        Thread("P1", (Store(Y, Const(1)), Fence(MFENCE), Load(Reg("b"), X), Load(Reg("c"), X))),
        Thread("P2", (Store(X, Const(3)),)),
    ),
    (Cell("x", 0x1000), Cell("y", 0x2000)),
)
MODEL = load_model("x86-tso")
EXECUTIONS = sorted(all_executions(encode(unfold(PROGRAM, quiescent=True), MODEL)), key=str)
STANDING = {(e.relation("rf"), e.relation("co")) for e in EXECUTIONS}
CHOICES = st.sampled_from(EXECUTIONS)


def refused(execution: Execution) -> bool:
    try:
        judge(execution, MODEL)
    except InternalError:
        return True
    return False


def with_relation(execution: Execution, name: str, pairs: set[tuple[int, int]]) -> Execution:
    return replace(execution, relations={**execution.relations, name: frozenset(pairs)})


@pytest.mark.parametrize("execution", EXECUTIONS, ids=lambda e: str(EXECUTIONS.index(e)))
def test_what_the_solver_finds_stands(execution: Execution) -> None:
    assert well_formed(execution) == []
    judge(execution, MODEL)


@given(CHOICES, st.data())
@settings(deadline=None, phases=PHASES)
def test_another_source_is_refused(execution: Execution, data: st.DataObject) -> None:
    """Unless it is another execution: the same value from elsewhere."""
    rf = set(execution.relation("rf"))
    write, read = data.draw(st.sampled_from(sorted(rf)))
    other = data.draw(st.sampled_from([event.id for event in execution.events if event.id != write]))
    changed = with_relation(execution, "rf", (rf - {(write, read)}) | {(other, read)})
    assume((changed.relation("rf"), changed.relation("co")) not in STANDING)
    assert refused(changed)


@given(CHOICES, st.data())
@settings(deadline=None, phases=PHASES)
def test_a_source_less_or_more_is_refused(execution: Execution, data: st.DataObject) -> None:
    rf = set(execution.relation("rf"))
    write, read = data.draw(st.sampled_from(sorted(rf)))
    assert refused(with_relation(execution, "rf", rf - {(write, read)}))
    writes = [event.id for event in execution.events if event.kind == "W" and event.id != write]
    assert refused(with_relation(execution, "rf", rf | {(data.draw(st.sampled_from(writes)), read)}))


@given(CHOICES, st.data())
@settings(deadline=None, phases=PHASES)
def test_another_coherence_order_is_refused(execution: Execution, data: st.DataObject) -> None:
    co = set(execution.relation("co"))
    pair = data.draw(st.sampled_from(sorted(co)))
    for changed in (co - {pair}, co | {pair[::-1]}, (co - {pair}) | {pair[::-1]}):
        mutant = with_relation(execution, "co", changed)
        assert (mutant.relation("rf"), mutant.relation("co")) in STANDING or refused(mutant)


@given(CHOICES, st.data())
@settings(deadline=None, phases=PHASES)
def test_another_value_is_refused(execution: Execution, data: st.DataObject) -> None:
    accesses = [event for event in execution.events if event.kind == "R"]
    chosen = data.draw(st.sampled_from(accesses))
    assert chosen.value is not None
    wrong = replace(chosen, value=chosen.value + data.draw(st.integers(1, 3)))
    events = tuple(wrong if event is chosen else event for event in execution.events)
    assert refused(replace(execution, events=events))


@given(CHOICES, st.data())
@settings(deadline=None, phases=PHASES)
def test_another_place_is_refused(execution: Execution, data: st.DataObject) -> None:
    chosen = data.draw(st.sampled_from([event for event in execution.events if event.kind == "R"]))
    assert chosen.address is not None
    moved = replace(chosen, address=0x3000 - chosen.address)
    events = tuple(moved if event is chosen else event for event in execution.events)
    assert refused(replace(execution, events=events))


def test_what_the_model_forbids_is_refused() -> None:
    """Both loads of store buffering with fences read 0: well formed, and no execution of x86."""
    loose = encode(unfold(without_fences(PROGRAM), quiescent=True), MODEL)
    relaxed = [e for e in all_executions(loose) if e.final["P0:a"] == 0 == e.final["P1:b"]]
    assert relaxed
    assert not any(e.final["P0:a"] == 0 == e.final["P1:b"] for e in EXECUTIONS)
    strict = load_model("sc")
    for execution in relaxed:
        assert well_formed(execution) == []
        with pytest.raises(InternalError, match="sc forbids it"):
            judge(execution, strict)


def without_fences(program: Program) -> Program:
    threads = [replace(t, body=tuple(s for s in t.body if not isinstance(s, Fence))) for t in program.threads]
    return replace(program, threads=tuple(threads))


def test_a_final_state_that_does_not_fit_the_question_is_refused() -> None:
    execution = EXECUTIONS[0]
    value = execution.final["[x]"]
    same = Op("eq", (state_cell("x"), Const(value)), 1)
    judge_final(execution, same, True)
    with pytest.raises(InternalError):
        judge_final(execution, same, False)
