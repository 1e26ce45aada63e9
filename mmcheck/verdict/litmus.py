"""herd's litmus tests: observation and states, by either engine."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mmcheck.base.deadline import Deadline
from mmcheck.base.errors import NO_MEMORY, InputError, UnknownVerdict, fail
from mmcheck.base.files import read_source
from mmcheck.base.records import record, replace
from mmcheck.base.source import SourceFile
from mmcheck.ir.program import TRUE, Load, Op, Origin, Program, Requirement, Rmw
from mmcheck.language.herd.read import LitmusTest, read_litmus
from mmcheck.language.herd.shared import read_shared
from mmcheck.language.herd.show import show_state
from mmcheck.model.model import Model, load_model
from mmcheck.target.targets import of_herd
from mmcheck.verdict.question import Question
from mmcheck.verdict.results import LitmusOutcome

if TYPE_CHECKING:
    from mmcheck.engines.enumeration.memory import Memory
    from mmcheck.verdict.engine import Engine, Observation

CUT = "loops were cut at the bound"
MOST_READS = 7
"""With more of them ``auto`` does not enumerate: a ring of four messages is the solver's already."""


@record
class Observed:
    """What the `engine` that decided has `seen` of a test."""

    engine: Engine
    seen: Observation

    @property
    def word(self) -> str:
        return observation(self.seen.positive, self.seen.negative)

    @property
    def notes(self) -> tuple[str, ...]:
        notes = (f"{CUT} of {self.engine.bound}",) if self.seen.cut else ()
        any_run = self.seen.positive or self.seen.negative
        return notes if any_run else (*notes, "no run comes to an end, or none passes the filter")


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
    question = Question(bound=bound, timeout=timeout, engine=engine)
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
                found = decide_test(test, path, question, model=model, states=states, memory=memory)
            except InputError:  # it shows a place, which may be one in another test
                found = decide_test(read_litmus(source), path, question, model=model, states=states)
        except InputError as error:
            found = LitmusOutcome(path, "", "Unknown", diagnostics=error.diagnostics)
        except UnknownVerdict as unknown:
            found = LitmusOutcome(path, "", "Unknown", notes=(unknown.reason,))
        except MemoryError:
            found = LitmusOutcome(path, "", "Unknown", notes=(NO_MEMORY,))
        yield replace(found, seconds=time.process_time() - started, model=judged_by)


def decide_test(
    test: LitmusTest, path: str, question: Question, *, model: str | None = None, states: bool = False,
    memory: Memory | None = None,
) -> LitmusOutcome:  # fmt: skip
    """One test. Raises as `observe`."""
    found = observe(test, load_model(model or of_herd(test.arch)), question, states=states, memory=memory)
    lines = None
    if found.seen.states is not None:
        lines = tuple(sorted(show_state(test.program, test.shown, state) for state in found.seen.states))
    word, quantifier = found.word, test.quantifier
    return LitmusOutcome(path, test.name, word, lines, found.engine.name, notes=found.notes, quantifier=quantifier)  # type: ignore[arg-type]


def observe(
    test: LitmusTest, model: Model, question: Question, *, states: bool = False, memory: Memory | None = None
) -> Observed:
    """What herd says of `test`; ``auto`` enumerates what is small.

    With a `memory`, threads are traced once for all tests that have them. Raises `UnknownVerdict`, and `InputError` if
    the model allows a run that leaves every location.
    """
    engine, program, bound = question.engine, stated(test), question.bound
    with Deadline(question.timeout) as deadline:
        if engine == "enumerate" or (engine == "auto" and _reads(test) <= MOST_READS):
            from mmcheck.verdict.enumerator import ALL, FEW, Enumerator  # a large test needs no enumerator

            limits, keys = ALL if engine == "enumerate" else FEW, () if memory is None else test.keys
            listing = Enumerator(
                program, model, deadline, layered=False, bound=bound, limits=limits, memory=memory, keys=keys
            )
            try:
                return _observed(test, listing, states=states)
            except UnknownVerdict:
                if engine == "enumerate":
                    raise  # else there are too many candidates: the solver's ground
        from mmcheck.verdict.solver import Solver  # what the enumerator decides needs no solver

        return _observed(
            test, Solver(program, model, deadline, layered=False, bound=bound, caveats=False), states=states
        )


def stated(test: LitmusTest) -> Program:
    """The program of `test`, with one requirement: the condition of the test, as a specification would state it.

    ``~exists`` and ``forall`` are conditions that final states meet; ``exists`` is a question.
    """
    condition, passing = test.condition, test.filter or TRUE
    if test.quantifier == "exists":
        condition = Op("and", (passing, condition), 1)
    else:
        wrong = condition if test.quantifier == "~exists" else Op("not", (condition,), 1)
        condition = Op("not", (Op("and", (passing, wrong), 1),), 1)
    kind = "exists" if test.quantifier == "exists" else "final"
    requirement = Requirement(test.name, kind, cond=condition, origin=Origin(test.span, test.name))
    return replace(test.program, requirements=(requirement,))


def _observed(test: LitmusTest, engine: Engine, *, states: bool) -> Observed:
    seen = engine.observe(test.condition, test.filter, test.observed if states else None)
    if seen.astray is not None:
        help = (
            "its address register may have no initial value, a pointer may be null, or an array is declared too short"
        )
        text = f"'{seen.astray.text}' may access memory outside every location"
        raise fail("MM505", text, seen.astray.span, help=help)
    return Observed(engine, seen)


def _reads(test: LitmusTest) -> int:
    """How many statements of a test read memory."""
    return sum(isinstance(statement, Load | Rmw) for thread in test.program.threads for statement in thread.body)


def observation(positive: bool, negative: bool) -> str:
    """herd's word: whether the condition holds in no, some or every final state; "Unknown" if there is none."""
    if not positive and not negative:
        return "Unknown"
    return "Never" if not positive else "Sometimes" if negative else "Always"


__all__ = ["decide", "decide_test"]
