"""herd's litmus tests: observation and states, by either engine."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mmcheck.base.deadline import Deadline
from mmcheck.base.errors import NO_MEMORY, InputError, UnknownVerdict, fail
from mmcheck.base.files import read_source
from mmcheck.base.records import replace
from mmcheck.base.source import SourceFile
from mmcheck.ir.program import Load, Origin, Rmw
from mmcheck.language.herd.read import LitmusTest, read_litmus
from mmcheck.language.herd.shared import read_shared
from mmcheck.language.herd.show import show_state
from mmcheck.model.model import Model, load_model
from mmcheck.target.targets import of_herd
from mmcheck.verdict.results import LitmusOutcome

if TYPE_CHECKING:
    from mmcheck.engines.enumeration.memory import Memory
    from mmcheck.engines.smt.encoding import Encoding

CUT = "loops were cut at the bound"
MOST_READS = 7
"""With more of them ``auto`` does not enumerate: a ring of four messages is the solver's already."""


def decide(
    files: Iterable[SourceFile | str | Path],
    *,
    model: str | None = None,
    states: bool = False,
    bound: int = 2,
    engine: str = "auto",
    timeout: float | None = None,
) -> Iterator[LitmusOutcome]:
    """The outcome of each test, in order; what cannot be read becomes diagnostics of its outcome.

    `model` defaults to the one of each test's architecture. Raises `InputError` for an unknown model.
    """
    if model is not None:
        load_model(model)
    memory = None
    if engine == "smt":
        from mmcheck.engines.smt.solve import solver_version

        solver_version()  # loads the solver, before anything is timed
    else:
        from mmcheck.engines.enumeration.memory import Memory

        memory = Memory()
    for file in files:
        started = time.process_time()
        path = file.path if isinstance(file, SourceFile) else str(file)
        judged_by = ""
        try:
            source = file if isinstance(file, SourceFile) else read_source(file)
            test = read_shared(source)
            chosen = load_model(model or of_herd(test.arch))
            judged_by = f"{chosen.name}: {chosen.title}"
            try:
                outcome = decide_test(test, path, model, states, bound, engine, timeout, memory=memory)
            except InputError:  # it shows a place, which may be one in another test
                outcome = decide_test(read_litmus(source), path, model, states, bound, engine, timeout)
        except InputError as error:
            outcome = LitmusOutcome(path, "", "Unknown", diagnostics=error.diagnostics)
        except UnknownVerdict as unknown:
            outcome = LitmusOutcome(path, "", "Unknown", notes=(unknown.reason,))
        except MemoryError:
            outcome = LitmusOutcome(path, "", "Unknown", notes=(NO_MEMORY,))
        seconds = time.process_time() - started
        yield replace(outcome, seconds=seconds, model=judged_by)


def decide_test(
    test: LitmusTest,
    path: str,
    model: str | None,
    states: bool,
    bound: int,
    engine: str,
    timeout: float | None,
    kept: list[Encoding] | None = None,
    memory: Memory | None = None,
) -> LitmusOutcome:
    """One test; if the solver decides it, its encoding is appended to `kept`.

    Raises `UnknownVerdict`, and `InputError` if the model allows a run that leaves every location.
    """
    chosen = load_model(model or of_herd(test.arch))
    with Deadline(timeout) as deadline:
        if engine == "enumerate":
            return _enumerated(test, path, chosen, states, bound, deadline, memory, few=False)
        if engine == "auto" and _reads(test) <= MOST_READS:
            try:
                return _enumerated(test, path, chosen, states, bound, deadline, memory, few=True)
            except UnknownVerdict:
                pass  # too many candidates: the solver's ground
        return _solved(test, path, chosen, states, bound, deadline, kept)


def _reads(test: LitmusTest) -> int:
    """How many statements of a test read memory."""
    return sum(isinstance(statement, Load | Rmw) for thread in test.program.threads for statement in thread.body)


def observation(positive: bool, negative: bool) -> str:
    """herd's word: whether the condition holds in no, some or every final state; "Unknown" if there is none."""
    if not positive and not negative:
        return "Unknown"
    return "Never" if not positive else "Sometimes" if negative else "Always"


def _outside(origin: Origin) -> InputError:
    help = "its address register may have no initial value, a pointer may be null, or an array is declared too short"
    return fail("MM505", f"'{origin.text}' may access memory outside every location", origin.span, help=help)


def _outcome(
    test: LitmusTest, path: str, engine: str, word: str, states: tuple[str, ...] | None, notes: tuple[str, ...]
) -> LitmusOutcome:
    return LitmusOutcome(path, test.name, word, states, engine, notes=notes, quantifier=test.quantifier)  # type: ignore[arg-type]


def _notes(cut: bool, bound: int, *, any_run: bool) -> tuple[str, ...]:
    notes = (f"{CUT} of {bound}",) if cut else ()
    return notes if any_run else (*notes, "no run comes to an end, or none passes the filter")


def _solved(
    test: LitmusTest,
    path: str,
    model: Model,
    states: bool,
    bound: int,
    deadline: Deadline,
    kept: list[Encoding] | None = None,
) -> LitmusOutcome:
    from mmcheck.verdict.solved import solve  # what the enumerator decides needs no solver

    answer = solve(test, model, states=states, bound=bound, deadline=deadline)
    if answer.astray is not None:
        raise _outside(answer.astray)
    if kept is not None:
        kept.append(answer.encoding)
    notes = _notes(answer.cut, bound, any_run=answer.positive or answer.negative)
    lines = None
    if answer.states is not None:
        lines = tuple(sorted(show_state(test.program, test.shown, state) for state in answer.states))
    return _outcome(test, path, "smt", observation(answer.positive, answer.negative), lines, notes)


def _enumerated(
    test: LitmusTest,
    path: str,
    model: Model,
    states: bool,
    bound: int,
    deadline: Deadline,
    memory: Memory | None,
    *,
    few: bool,
) -> LitmusOutcome:
    from mmcheck.verdict.listed import FEW, answer  # a large test needs no enumerator

    found = answer(
        test, model, states=states, bound=bound, deadline=deadline, limits=FEW if few else None, memory=memory
    )
    if found.astray is not None:
        raise _outside(found.astray)
    notes = _notes(found.cut, bound, any_run=found.positive or found.negative)
    lines = None
    if found.states is not None:
        lines = tuple(sorted(show_state(test.program, test.shown, state) for state in found.states))
    return _outcome(test, path, "enumerate", observation(found.positive, found.negative), lines, notes)


__all__ = ["decide", "decide_test"]
