"""The list of all runs as an `mmcheck.verdict.engine.Engine`: for small programs and for doubt.

It shares with the solver the program and the parsed models, and no step of the way from them to a run.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence

from mmcheck.base.deadline import Deadline
from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.records import record
from mmcheck.engines.enumeration.enumerate import Enumeration, FinalCondition, Keep, Limits, Run
from mmcheck.engines.enumeration.keep import preserved
from mmcheck.engines.enumeration.keep import profile as keep_of
from mmcheck.engines.enumeration.linear import closure_of
from mmcheck.engines.enumeration.memory import Memory
from mmcheck.ir.parts import walk
from mmcheck.ir.program import Await, Expr, Load, Program, Reg, Requirement, evaluate, registers_of
from mmcheck.model.kept import weaker
from mmcheck.model.model import Model, sequential
from mmcheck.verdict.engine import Example, Observation, Order
from mmcheck.verdict.lost import rests
from mmcheck.verdict.results import SETTLED
from mmcheck.verdict.vacuity import REACHED, Ways, goals_of, marked

LIMITS = Limits(candidates=100_000, combinations=300_000, traces=3_000)
"""Beyond these a program is the solver's: the verdict is unknown, after some seconds and not after hours."""

FOR_NOTES = Limits(candidates=5_000, combinations=15_000, traces=1_000)
"""Beyond these a note is left out that a verdict does not need."""

FEW = Limits(candidates=2_000, combinations=5_000, traces=500)
"""Up to here it takes less time than the solver: that has fixed costs."""
ALL = Limits()


@record
class _Found:
    """The first run that breaks a requirement; the threads whose loops are `cut` in some run; whether any run comes to
    where it is checked (`asked`), and whether one goes outside every variable (`stray`)."""

    run: Run | None
    cut: tuple[str, ...]
    asked: bool
    stray: bool


class Enumerator:
    """See `mmcheck.verdict.engine.Engine` for what the methods say. `memory` may be shared with other programs; then
    `keys` are those of `Enumeration`."""

    name = "enumerate"

    def __init__(
        self,
        program: Program,
        model: Model,
        deadline: Deadline,
        *,
        layered: bool,
        bound: int = 2,
        profile: str = "observed",
        limits: Limits = LIMITS,
        memory: Memory | None = None,
        keys: Sequence[Hashable] = (),
    ) -> None:
        self.program = program
        self.model = model
        self.deadline = deadline
        self.layered = layered
        self.bound = bound
        self.profile = profile
        self.limits = limits
        self.choices: Mapping[str, str] = {}
        self.keep = keep_of(profile, program.target) if layered else None
        self.stray = False
        self._memory = memory or Memory()
        self._keys = keys
        self._known: dict[tuple[Keep | None, bool, bool], _Found] = {}
        self._about: Requirement | None = None

    def dumps(self) -> Mapping[str, str]:
        return {}

    # --- runs that break a requirement -------------------------------------------------------------

    def may_break(self, requirement: Requirement, *, platform: bool = False) -> bool:
        if requirement.kind == "ordered":
            raise UnknownVerdict("'ordered' speaks of every environment: the enumerator lists runs of this one only")
        if platform and not self._meets_devices():
            return False
        return self._search(requirement, self.keep, platform=platform).run is not None

    def first(self, requirement: Requirement, order: Order, *, platform: bool = False) -> Example | None:
        keep = self.keep if order == "compiled" else None
        run = self._search(requirement, keep, platform=platform, interleaved=order == "sequential").run
        if run is None:
            return None
        return Example(run.execution, f"{requirement.name} fails.", point=requirement.origin.span)

    def cut(self, requirement: Requirement) -> Sequence[str]:
        return [f"a loop of {name}" for name in self._search(requirement, self.keep).cut]

    def _meets_devices(self) -> bool:
        """Whether there is memory that the platform's rules for devices are about."""
        return "IO" in self.model.polarities() and any(cell.space in ("dma", "mmio") for cell in self.program.cells)

    def _search(
        self, requirement: Requirement, keep: Keep | None, *, platform: bool = False, interleaved: bool = False
    ) -> _Found:
        """The first of the runs in the order of `keep`, or of the text; or of those that are `interleaved`."""
        if requirement is not self._about:
            self._known, self._about = {}, requirement
        key = keep, interleaved, platform
        found = self._known.get(key)
        if found is None:
            model = sequential(self.model) if interleaved else self.model
            found = self._known[key] = self._first(requirement, keep, platform=platform, model=model)
            self.stray = self.stray or found.stray
        return found

    def _first(
        self, requirement: Requirement, keep: Keep | None, *, platform: bool, model: Model, limits: Limits | None = None
    ) -> _Found:  # fmt: skip
        goals = goals_of(requirement)
        program = marked(self.program, goals[0]) if goals else self.program
        search = self._enumeration(requirement, program, keep, platform=platform, model=model, limits=limits)
        asked = stray = False
        for run in search.runs():
            asked = asked or not goals or REACHED in run.failed
            stray = stray or run.stray
            if _breaks(requirement, run):
                return _Found(run, search.cuts, True, stray)
        return _Found(None, search.cuts, asked, stray)

    def _enumeration(
        self, requirement: Requirement, program: Program, keep: Keep | None, *, platform: bool, model: Model,
        limits: Limits | None = None,
    ) -> Enumeration:  # fmt: skip
        return Enumeration(
            program,
            model,
            self.bound,
            settle=requirement.kind in SETTLED,
            keep=keep,
            observed=frozenset([r.name for one in self.program.requirements for r in registers_of(one.cond)]),
            platform=platform,
            limits=limits or self.limits,
            deadline=self.deadline,
            memory=self._memory,
        )

    # --- requirements that nothing asks about ------------------------------------------------------

    def is_asked(self, requirement: Requirement) -> bool:
        return self._search(requirement, self.keep).asked

    def probes_reached(self, ways: Ways) -> set[str]:
        search = Enumeration(
            ways.program, self.model, self.bound, keep=self.keep, limits=self.limits, deadline=self.deadline,
            memory=self._memory,
        )  # fmt: skip
        return set[str]().union(*[run.failed for run in search.runs()])

    # --- caveats -----------------------------------------------------------------------------------

    def rests_on(self, requirement: Requirement) -> Sequence[str]:
        """Weaker profiles (`mmcheck.model.kept.weaker`) under which it does not stand."""
        return list(self._weaker(requirement)) if self.layered else []

    def _weaker(self, requirement: Requirement) -> Iterator[str]:
        bad = "allowed" if requirement.kind == "exists" else "violated"
        for name in weaker(self.profile):
            keep = keep_of(name, self.program.target)
            try:
                if self._matters(requirement, keep):
                    platform = self._meets_devices()
                    run = self._first(requirement, keep, platform=platform, model=self.model, limits=FOR_NOTES).run
                    if run is not None:
                        yield rests(run.execution, name, self.program.target, bad)
            except UnknownVerdict:
                pass  # only a note is at stake

    def _matters(self, requirement: Requirement, keep: Keep) -> bool:
        """Whether `keep` leaves some compiled code in another order."""
        assert self.keep is not None
        search = self._enumeration(requirement, self.program, self.keep, platform=False, model=self.model)
        compiled = zip(self.program.threads, search.traces(), strict=True)
        traces = [trace for thread, of in compiled if thread.source for trace in of]
        return any(closure_of(preserved(t, self.keep)) != closure_of(preserved(t, keep)) for t in traces)

    def not_reached(self, requirement: Requirement) -> Sequence[str]:
        return ()

    def fetched_twice(self, requirement: Requirement) -> Sequence[str]:
        return ()

    def stored_again(self, requirement: Requirement) -> Sequence[str]:
        return ()

    def spins(self, requirement: Requirement) -> str:
        if self._waits_plainly():
            raise UnknownVerdict("a wait on a plain read, which a compiler may make once: that is the solver engine's")
        return ""

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

    def astray(self, requirement: Requirement) -> str:
        if self.stray:
            raise UnknownVerdict("some access goes outside every variable, and such runs are not described")
        return ""

    def refuse_astray(self) -> None:
        """What such a run does is not described."""

    # --- herd's question ---------------------------------------------------------------------------

    def observe(self, condition: Expr, passing: Expr | None, states: Sequence[Reg] | None) -> Observation:
        search = Enumeration(
            self.program, self.model, self.bound, settle=True, limits=self.limits, deadline=self.deadline,
            keys=self._keys, memory=self._memory,
        )  # fmt: skip
        if search.may_stray:
            for run in search.runs():
                if run.stray and self._keys:  # what it shows is an origin, which may be one in another program
                    self._keys = ()
                    return self.observe(condition, passing, states)
                if run.astray is not None:
                    return Observation(astray=run.astray)
        among = () if passing is None else (FinalCondition(passing, 1),)
        if states is None:
            positive = any(True for _ in search.runs(*among, FinalCondition(condition, 1)))
            negative = any(True for _ in search.runs(*among, FinalCondition(condition, 0)))
            return Observation(positive, negative, search.cut)
        found: set[tuple[int, ...]] = set()
        outcomes = set()

        def state(final: Mapping[str, int]) -> tuple[int, ...]:
            return tuple([final.get(place.name, 0) & (1 << place.width) - 1 for place in states])

        for run in search.runs(*among, fresh=lambda final: state(final) not in found):
            found.add(state(run.final))
            outcomes.add(evaluate(condition, run.final))
        names = [place.name for place in states]
        named = [dict(zip(names, values, strict=True)) for values in found]
        return Observation(1 in outcomes, 0 in outcomes, search.cut, None, named)


def _breaks(requirement: Requirement, run: Run) -> bool:
    """Whether `run` breaks `requirement`; of an ``exists``, whether it is what was asked for."""
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
