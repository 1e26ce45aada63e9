"""One program against its requirements: verdicts, layers, counterexamples, and what they rest on.

Whether a run breaks a requirement is an `Engine`'s; everything else about a verdict is here, for all of them. What a
run shows is judged again (`mmcheck.model.recheck`), whoever found it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from mmcheck.base.deadline import Deadline
from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.records import replace
from mmcheck.events.execution import Execution
from mmcheck.ir.program import Program, Requirement
from mmcheck.model.model import Model
from mmcheck.model.recheck import judge, judge_final
from mmcheck.verdict import vacuity
from mmcheck.verdict.engine import Engine, Example
from mmcheck.verdict.explain import cycle_of, explained
from mmcheck.verdict.lost import needed
from mmcheck.verdict.races import remarks
from mmcheck.verdict.results import SETTLED, Finding, Layer, clauses_of, endless, spinning
from mmcheck.verdict.scheduling import preempted, yielding


def engine_of(
    name: str,
    program: Program,
    model: Model,
    *,
    layered: bool,
    bound: int = 2,
    timeout: float | None = None,
    profile: str = "observed",
    choices: Mapping[str, str] | None = None,
) -> Engine:
    """The engine for `program`: ``enumerate``, else the solver."""
    layered = layered and any(thread.source for thread in program.threads)
    if name == "enumerate":
        from mmcheck.verdict.enumerator import Enumerator

        return Enumerator(program, model, Deadline(timeout), layered=layered, bound=bound, profile=profile)
    from mmcheck.verdict.solver import Solver

    return Solver(
        program, model, Deadline(timeout), layered=layered, bound=bound, profile=profile, choices=choices or {}
    )


class Checker:
    """Decides the requirements of the program of an `Engine`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def run(self, requirement: Requirement) -> Finding:
        """The verdict on `requirement`. Raises `InputError` if the program goes out of its memory."""
        started = time.process_time()
        try:
            with self.engine.deadline:
                finding = self._decide(requirement)
        except UnknownVerdict as unknown:
            finding = Finding(requirement, "unknown", notes=(unknown.reason,), complete=False)
        return replace(finding, seconds=time.process_time() - started)

    def _decide(self, requirement: Requirement) -> Finding:
        """By the outermost layer that has such a run: an interleaving, the CPU, the compiler, the platform."""
        engine = self.engine
        broken = engine.may_break(requirement)
        cut = engine.cut(requirement)
        finding = self._by_model(requirement, cut) if broken else None
        return finding or self._by_platform(requirement, cut) or self._clean(requirement, cut)

    def _by_model(self, requirement: Requirement, cut: Sequence[str]) -> Finding | None:
        """A run that the model allows."""
        first, sc = self.engine.first, self.engine.model.is_sc
        if requirement.kind != "ordered" and not sc:
            example = first(requirement, "sequential")
            if example is not None:
                return self._broken(requirement, example, None, cut)
        example = first(requirement, "text")
        if example is not None:
            return self._broken(requirement, example, None if sc else "hardware", cut)
        example = first(requirement, "compiled")
        return None if example is None else self._broken(requirement, example, "compiler", cut)

    def _by_platform(self, requirement: Requirement, cut: Sequence[str]) -> Finding | None:
        """A run that the model forbids and the platform's rules for devices do not (docs/models.md)."""
        if not self.engine.may_break(requirement, platform=True):
            return None
        example = self.engine.first(requirement, "text", platform=True)
        example = example or self.engine.first(requirement, "compiled", platform=True)
        return None if example is None else self._broken(requirement, example, "platform", cut)

    def _broken(self, requirement: Requirement, example: Example, layer: Layer | None, cut: Sequence[str]) -> Finding:
        program, model = self.engine.program, self.engine.model
        execution = example.execution
        judge(execution, model)
        exists = requirement.kind == "exists"
        if exists or requirement.kind == "final":
            judge_final(execution, requirement.cond, exists)
        cycle = cycle_of(execution, model, example.through)
        counterexample = explained(execution, cycle, model, layer, example.failed, example.through, example.point)
        clauses = clauses_of(program) if layer == "platform" else ()
        defects = needed(execution, self.engine.profile, program.target)
        notes = (*defects, *example.left_out, *_strays(execution), *remarks(execution), *preempted(execution))
        verdict = "allowed" if exists else "violated"
        return Finding(requirement, verdict, layer, not cut, notes, counterexample, clauses=clauses)  # type: ignore[arg-type]

    def _clean(self, requirement: Requirement, cut: Sequence[str]) -> Finding:
        """No run breaks it: the verdict, with what it rests on and what it leaves unsaid."""
        engine, kind = self.engine, requirement.kind
        notes = [*engine.rests_on(requirement)]
        if kind == "progress":
            spins = engine.spins(requirement) if engine.layered else ""
            if spins:
                return Finding(requirement, "violated", "compiler", not cut, (*notes, spins))
            if cut:
                # A loop that may go on past the bound may go on for ever, and others may wait for what comes behind it.
                return Finding(requirement, "unknown", None, False, (*notes, spinning(cut)))
        if not requirement.implied:
            why = self._unset(requirement) if engine.is_asked(requirement) else self._unasked(requirement)
            if why:
                return self._inside(Finding(requirement, "vacuous", complete=not cut, notes=(why,)))
        if not requirement.implied:
            notes += engine.not_reached(requirement)
        if kind == "progress":
            notes += yielding(engine.program)
        elif kind in SETTLED and cut:
            notes.append(endless(cut))
        if engine.layered:
            notes += [*engine.fetched_twice(requirement), *engine.stored_again(requirement)]
        verdict = "forbidden" if kind == "exists" else "holds"
        return self._inside(Finding(requirement, verdict, None, not cut, tuple(notes)))  # type: ignore[arg-type]

    def _unasked(self, requirement: Requirement) -> str:
        """Why nothing was checked of `requirement`, with what stands in the way."""
        marked = vacuity.ways_of(requirement, self.engine.program, self.engine.choices)
        return vacuity.reason(requirement, marked, self._obstacles(marked))

    def _unset(self, requirement: Requirement) -> str:
        """Why nothing was checked of a condition on final states, if it looks at registers that no run sets."""
        engine = self.engine
        setting = vacuity.setting(requirement, engine.program)
        unset = setting.unset(engine.probes_reached(setting.ways)) if setting is not None else ()
        if not unset:
            return ""
        setters = [vacuity.setter(name, engine.program) for name in unset]
        marked = [vacuity.ways(engine.program, goal, engine.choices) for goal in setters]
        return vacuity.says_unset(unset, self._obstacles(marked))

    def _obstacles(self, marked: Sequence[vacuity.Ways]) -> list[str]:
        found = list[str]()
        with suppress(UnknownVerdict):  # only a reason is at stake
            found = [text for each in marked for text in each.obstacles(self.engine.probes_reached(each))]
        return found

    def _inside(self, finding: Finding) -> Finding:
        """Runs that leave their variables behave in ways that are not described: no clean verdict rests on them."""
        astray = self.engine.astray(finding.requirement)
        if not astray:
            return finding
        if finding.requirement.kind in SETTLED:
            reason = f"{astray}, and such runs are not part of the answer"
            return replace(finding, verdict="unknown", notes=(*finding.notes, reason))
        return replace(finding, notes=(*finding.notes, astray))


def _strays(execution: Execution) -> tuple[str, ...]:
    """A note on the first access of a run that goes outside every variable: the mistake is more likely there."""
    for event in execution.events:
        if event.address is not None and not event.location:
            return (f"in the run that is shown, {event.origin.quoted()} goes outside every variable",)
    return ()
