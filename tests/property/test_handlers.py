"""Programs with interrupt handlers: solver, enumerator and an explorer of interleavings agree."""

from __future__ import annotations

import os

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mmcheck.check import Checker
from mmcheck.check_enumerated import EnumerationChecker
from mmcheck.enumerate import Enumeration, Limits
from mmcheck.errors import UnknownVerdict
from mmcheck.model.model import load_model
from tests.property.handlers import CLAIM, handled
from tests.property.interleavings import interleavings
from tests.property.programs import ARCHS, SC, Arch
from tests.property.test_engines import LIMITS, PHASES, compare, solved, text_of

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
    by_solver = Checker(program, model, layered=True).run(CLAIM)
    by_list = EnumerationChecker(program, model, layered=True).run(CLAIM)
    assume("unknown" not in (by_solver.verdict, by_list.verdict))
    assert (by_solver.verdict, by_solver.layer) == (by_list.verdict, by_list.layer), text_of(program)


@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES, derandomize=True)
def test_sequential_consistency_is_interleaving(data: st.DataObject) -> None:
    """Under `sc` the final states are those of interleavings in which a handler is one step, and the same assertions
    fail."""
    program = data.draw(handled(SC))
    try:
        settled, partial = solved(program, "sc", True), solved(program, "sc", False)
        enumeration = Enumeration(program, load_model("sc"), settle=True, limits=Limits(LIMITS.candidates))
        assume(not any(run.stray for run in enumeration.runs()))
    except UnknownVerdict:
        assume(False)
    outcomes = interleavings(program)
    assert set(settled.finals) == outcomes.finals, text_of(program)
    assert set(partial.failed) == outcomes.failed, text_of(program)
