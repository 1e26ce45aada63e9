"""One program against its requirements by enumeration: ``--engine enumerate``, for small programs and for doubt.

It shares with `mmcheck.verdict.check` the program and the parsed models, and no step of the way from them to a verdict.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

from mmcheck.base.deadline import Deadline
from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.records import replace
from mmcheck.engines.enumeration.enumerate import Enumeration, Keep, Limits, Run
from mmcheck.engines.enumeration.keep import preserved
from mmcheck.engines.enumeration.keep import profile as keep_of
from mmcheck.engines.enumeration.linear import closure_of
from mmcheck.ir.parts import walk
from mmcheck.ir.program import Await, Load, Program, Requirement, evaluate, registers_of
from mmcheck.model.kept import weaker
from mmcheck.model.model import Model, sequential
from mmcheck.model.recheck import judge
from mmcheck.verdict import vacuity
from mmcheck.verdict.explain import cycle_of, relevant, summary
from mmcheck.verdict.lost import needed, rests
from mmcheck.verdict.races import remarks
from mmcheck.verdict.results import Counterexample, Finding, Layer, clauses_of, endless, spinning
from mmcheck.verdict.scheduling import preempted, yielding

LIMITS = Limits(candidates=100_000, combinations=300_000, traces=3_000)
"""Beyond these a program is the solver's: the verdict is unknown, after some seconds and not after hours."""

FOR_NOTES = Limits(candidates=5_000, combinations=15_000, traces=1_000)
"""Beyond these a note is left out that a verdict does not need."""


class EnumerationChecker:
    """The same questions as `mmcheck.verdict.check.Checker`, answered from the list of all runs."""

    engine = "enumerate"

    def __init__(
        self,
        program: Program,
        model: Model,
        *,
        layered: bool,
        bound: int = 2,
        timeout: float | None = None,
        profile: str = "observed",
    ) -> None:
        self.program = program
        self.model = model
        self.bound = bound
        self.deadline = Deadline(timeout)
        layered = layered and any(thread.source for thread in program.threads)
        self.profile = profile
        self.keep: Keep | None = keep_of(profile, program.target) if layered else None
        self.stray = False

    def run(self, requirement: Requirement) -> Finding:
        """The verdict on `requirement`; unknown if there are too many runs to list."""
        started = time.process_time()
        try:
            with self.deadline:
                finding = self._decide(requirement)
        except UnknownVerdict as unknown:
            finding = Finding(requirement, "unknown", notes=(unknown.reason,), complete=False)
        return replace(finding, seconds=time.process_time() - started)

    def refuse_astray(self) -> None:
        """Accesses outside every variable read arbitrary values here; nothing is refused."""

    def _decide(self, requirement: Requirement) -> Finding:
        if requirement.kind == "ordered":
            raise UnknownVerdict("'ordered' speaks of every environment: the enumerator lists runs of this one only")
        found, cuts, seen = self._first(requirement, self.keep)
        layer: Layer | None = None
        if found is not None and not self.model.is_sc:
            found, layer = self._layered(requirement, found)
        elif found is None and "IO" in self.model.polarities() and self._meets_devices():
            layer = "platform"
            found = self._first(requirement, self.keep, platform=True)[0]
            if found is not None and self.keep is not None:
                found = self._first(requirement, None, platform=True)[0] or found
        good, bad = ("forbidden", "allowed") if requirement.kind == "exists" else ("holds", "violated")
        if found is None and self.stray:
            raise UnknownVerdict("some access goes outside every variable, and such runs are not described")
        if found is None and requirement.kind == "progress" and self.keep is not None and self._waits_plainly():
            raise UnknownVerdict("a wait on a plain read, which a compiler may make once: that is the solver engine's")
        loops = [f"a loop of {name}" for name in cuts]
        if found is None and requirement.kind == "progress" and loops:
            raise UnknownVerdict(spinning(loops))
        if found is None and not seen:
            return Finding(requirement, "vacuous", None, not loops, (self._unasked(requirement),))
        if found is None:
            notes = yielding(self.program) if requirement.kind == "progress" else ()
            notes = (*notes, endless(loops)) if loops and requirement.kind != "point" else notes
            notes = (*notes, *self._rests(requirement, layer == "platform", bad))
            return Finding(requirement, good, None, not loops, notes)  # type: ignore[arg-type]
        execution = found.execution
        judge(execution, self.model)
        cycle = cycle_of(execution, self.model)
        text = summary(execution, cycle, layer, self.model, f"{requirement.name} fails.")
        shown = relevant(execution, cycle, None)
        span = requirement.origin.span
        counterexample = Counterexample(execution, cycle, None, text, span, shown)
        clauses = clauses_of(self.program) if layer == "platform" else ()
        defects = needed(execution, self.profile, self.program.target)
        notes = (*defects, *remarks(execution), *preempted(execution))
        return Finding(requirement, bad, layer, not loops, notes, counterexample, clauses=clauses)  # type: ignore[arg-type]

    def _rests(self, requirement: Requirement, platform: bool, bad: str) -> Iterator[str]:
        """Notes if it does not stand under weaker profiles (`mmcheck.model.kept.weaker`)."""
        for name in weaker(self.profile) if self.keep is not None else ():
            keep = keep_of(name, self.program.target)
            try:
                if self._matters(requirement, keep):
                    found, _, _ = self._first(requirement, keep, platform=platform, limits=FOR_NOTES)
                    if found is not None:
                        yield rests(found.execution, name, self.program.target, bad)
            except UnknownVerdict:
                pass  # only a note is at stake

    def _matters(self, requirement: Requirement, keep: Keep) -> bool:
        """Whether `keep` leaves some compiled code in another order."""
        assert self.keep is not None
        compiled = zip(self.program.threads, self._search(requirement, self.keep).traces(), strict=True)
        traces = [trace for thread, of in compiled if thread.source for trace in of]
        return any(closure_of(preserved(t, self.keep)) != closure_of(preserved(t, keep)) for t in traces)

    def _layered(self, requirement: Requirement, found: Run) -> tuple[Run, Layer | None]:
        """Of all runs that break it, one of the outermost layer: an interleaving, or in text order, or as compiled."""
        run = self._first(requirement, None, model=sequential(self.model))[0]
        if run is not None:
            return run, None
        run = found if self.keep is None else self._first(requirement, None)[0]
        return (found, "compiler") if run is None else (run, "hardware")

    def _meets_devices(self) -> bool:
        """Whether there is memory that the platform's rules for devices are about."""
        return any(cell.space in ("dma", "mmio") for cell in self.program.cells)

    def _first(
        self,
        requirement: Requirement,
        keep: Keep | None,
        *,
        platform: bool = False,
        model: Model | None = None,
        limits: Limits = LIMITS,
    ) -> tuple[Run | None, tuple[str, ...], bool]:
        """A run that breaks (or, for ``exists``, shows) the requirement; the threads whose loops are cut in some run;
        whether any run comes to where it is checked."""
        goals = vacuity.goals_of(requirement)
        program = vacuity.marked(self.program, goals[0]) if goals else self.program
        search = self._search(requirement, keep, program=program, platform=platform, model=model, limits=limits)
        seen = False
        for run in search.runs():
            seen = seen or not goals or vacuity.REACHED in run.failed
            self.stray = self.stray or run.stray
            if self._breaks(requirement, run):
                return run, search.cuts, True
        return None, search.cuts, seen

    def _search(
        self, requirement: Requirement, keep: Keep | None, *, program: Program | None = None, platform: bool = False,
        model: Model | None = None, limits: Limits = LIMITS,
    ) -> Enumeration:  # fmt: skip
        return Enumeration(
            program or self.program,
            model or self.model,
            self.bound,
            settle=requirement.kind in ("final", "exists", "progress"),
            keep=keep,
            observed=frozenset([r.name for one in self.program.requirements for r in registers_of(one.cond)]),
            platform=platform,
            limits=limits,
            deadline=self.deadline,
        )

    def _unasked(self, requirement: Requirement) -> str:
        """Why nothing was checked of `requirement`, with what stands in the way."""
        marked, found = vacuity.ways_of(requirement, self.program, {}), list[str]()
        with suppress(UnknownVerdict):  # only a reason is at stake
            for each in marked:
                search = Enumeration(
                    each.program, self.model, self.bound, keep=self.keep, limits=LIMITS, deadline=self.deadline
                )
                found += each.obstacles(set[str]().union(*[run.failed for run in search.runs()]))
        return vacuity.reason(requirement, marked, found)

    def _waits_plainly(self) -> bool:
        """Whether some compiled code waits on a plain read (docs/compiler.md)."""
        blocks = [thread.body for thread in self.program.threads if thread.source]
        blocks += [function.body for function in self.program.functions.values()]
        return any(
            isinstance(inner, Load) and "Plain" in inner.tags
            for block in blocks
            for statement in walk(block)
            if isinstance(statement, Await) and statement.tries is None and not statement.rereads
            for inner in walk(statement.body)
        )

    def _breaks(self, requirement: Requirement, run: Run) -> bool:
        match requirement.kind:
            case "point":
                return requirement.name in run.failed
            case "final":
                return not evaluate(requirement.cond, run.final)
            case "exists":
                return bool(evaluate(requirement.cond, run.final))
        wanted = set(requirement.subjects)
        for agent, origin in run.stuck:
            names = {agent, agent.split("[")[0]}
            if not wanted or names & wanted or {f"{name}.{origin.site}" for name in names} & wanted:
                return True
        return False
