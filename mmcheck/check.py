"""One program against its requirements, by the solver: verdicts, layers, counterexamples."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from mmcheck import goals
from mmcheck.deadline import Deadline
from mmcheck.double_fetch import double_fetches
from mmcheck.errors import InternalError, UnknownVerdict, fail
from mmcheck.execution import Execution
from mmcheck.explain import cycle_of, only_here, relevant, summary
from mmcheck.goals import SETTLED, Goal
from mmcheck.graph import Wait
from mmcheck.model.model import Model
from mmcheck.model.promises import Word, promised, weakened
from mmcheck.program import Origin, Program, Requirement, Thread
from mmcheck.races import remarks
from mmcheck.recheck import judge, judge_final, with_order
from mmcheck.records import replace
from mmcheck.results import Counterexample, Finding, Layer, clauses_of
from mmcheck.scheduling import preempted, yielding
from mmcheck.smt.circuit import FALSE, TRUE
from mmcheck.smt.count import block
from mmcheck.smt.decode import Decoder
from mmcheck.smt.encoding import Encoding, choice_literals
from mmcheck.smt.linear import linear_orders
from mmcheck.source import Span
from mmcheck.stage import Stage

RELIES = "relies on compilers not reordering what the languages let them reorder"
"""The note on a requirement that holds in the profile ``observed`` and not in ``language``."""

MAX_REFUTED = 200
"""Runs that no single order of the compiler's gives, before a query is given up as unknown."""


@dataclass(slots=True)
class _Notes:
    """What was found out about one variant, by whether runs are settled."""

    complete: dict[bool, bool] = field(default_factory=dict)
    idle: list[str] | None = None
    fetched: dict[bool, list[str]] = field(default_factory=dict)
    astray: dict[bool, str] = field(default_factory=dict)
    astray_span: Span | None = None


class Checker:
    """Decides the requirements of one `Program` on one model.

    `layered`: source threads go through the compiler layer. `timeout` is wall seconds per requirement. `choices`
    selects options of `Choice` statements: of a program that is several in one (`mmcheck.merge`), which of them is
    asked about.
    """

    engine = "smt"

    def __init__(
        self,
        program: Program,
        model: Model,
        *,
        layered: bool,
        bound: int = 2,
        timeout: float | None = None,
        profile: str = "observed",
        choices: Mapping[str, str] | None = None,
    ) -> None:
        self.program = program
        self.model = model
        self.layered = layered and any(thread.source for thread in program.threads)
        self.bound = bound
        self.deadline = Deadline(timeout)
        self.profile = profile
        self.choices = choices or {}
        self.platform = True
        """Whether what holds on the model is asked again by the platform's rules for devices."""
        self.surplus = True
        """Whether it is asked, too, if it holds by more than the words promise."""
        self._made: Stage | None = None
        self._notes = _Notes()
        self._sound = False
        self._settled = False

    def sibling(self, choices: Mapping[str, str]) -> Checker:
        """A checker of another choice of the same program, that shares this one's encodings."""
        other = Checker(
            self.program, self.model, layered=self.layered, bound=self.bound, profile=self.profile, choices=choices
        )
        other.deadline, other.platform, other.surplus = self.deadline, self.platform, self.surplus
        other._made = self._shared()
        return other

    def run(self, requirement: Requirement) -> Finding:
        """The verdict on `requirement`. Raises `InputError` if the program goes out of its memory."""
        started = time.process_time()
        try:
            with self.deadline:
                finding = self._qualified(self._decide(requirement))
        except UnknownVerdict as unknown:
            finding = Finding(requirement, "unknown", notes=(unknown.reason,), complete=False)
        return replace(finding, seconds=time.process_time() - started)

    def _qualified(self, finding: Finding) -> Finding:
        """Runs that leave their variables behave in ways that are not described: no clean verdict rests on them."""
        if finding.verdict not in ("holds", "forbidden"):
            return finding
        stage = self.stage()
        if self.layered:
            finding = replace(finding, notes=(*finding.notes, *self._fetched_twice(stage)))
        astray = self._astray(stage)
        if not astray:
            return finding
        if finding.requirement.kind in SETTLED:
            reason = f"{astray}, and such runs are not part of the answer"
            return Finding(finding.requirement, "unknown", complete=finding.complete, notes=(*finding.notes, reason))
        return replace(finding, notes=(*finding.notes, astray))

    def _decide(self, requirement: Requirement) -> Finding:
        self._settled = requirement.kind in SETTLED
        stage = self.stage()
        match requirement.kind:
            case "point":
                return self._point(requirement, stage)
            case "final" | "exists":
                return self._final(requirement, stage)
            case "progress":
                return self._progress(requirement, stage)
        return self._ordered(requirement, stage)

    def dumps(self) -> dict[str, str]:
        """The encodings made so far as SMT-LIB text, by layer."""
        if self._made is None:
            return {}
        return {name: each.solver.dump(self._assumptions(each)) for name, each in self._made.encodings().items()}

    # --- encodings ---------------------------------------------------------------------------------

    def stage(self) -> Stage:
        """The graph with its encodings, made when first asked for."""
        stage = self._shared()
        if not self._sound:
            self._nonempty(stage.compiled)
            self._sound = True
        return stage

    def _shared(self) -> Stage:
        if self._made is None:
            self._made = Stage(
                self.program, self.model, self.deadline, layered=self.layered, bound=self.bound, profile=self.profile,
                surplus=self.surplus,
            )  # fmt: skip
        return self._made

    def adopt(self, encoding: Encoding) -> None:
        """Search in `encoding`: of the same program, model and bound, in text order, and of settled runs."""
        self.deadline = encoding.graph.terms.deadline
        self._shared().adopt(encoding)
        self._sound = True

    def _nonempty(self, encoding: Encoding) -> None:
        """Every program has the run in which nobody got far: no clauses may exclude it, or everything would hold."""
        settled = encoding.values.literal(encoding.graph.settled)
        if settled == TRUE:
            return
        wanted = [-settled] if settled != FALSE else []
        if not encoding.solver.solve([*wanted, *choice_literals(encoding, self.choices)]):
            raise InternalError("the clauses for this program have no solution at all")

    def _solve(self, encoding: Encoding, literals: tuple[int, ...] | list[int], *, free: bool = False) -> bool:
        if FALSE in literals:
            return False
        used = set(literals)
        dropped = {encoding.inside} if free else set()
        assumptions = [lit for lit in self._assumptions(encoding) if -lit not in used and lit not in dropped]
        return encoding.solver.solve([*assumptions, *[lit for lit in literals if lit != TRUE]])

    def _assumptions(self, encoding: Encoding) -> list[int]:
        settled = encoding.values.literal(encoding.graph.settled)
        mode = [] if abs(settled) == TRUE else [settled if self._settled else -settled]
        return [*encoding.assumptions(), *mode, *choice_literals(encoding, self.choices)]

    def _complete(self, stage: Stage) -> bool:
        """Whether the bound cuts nothing."""
        if self._settled not in self._notes.complete:
            encoding = stage.compiled
            cuts = [encoding.values.literal(cut.guard) for cut in stage.graph.cuts]
            over = encoding.circuit.any(cuts)
            self._notes.complete[self._settled] = over == FALSE or not self._solve_unbounded(encoding, over)
        return self._notes.complete[self._settled]

    def _solve_unbounded(self, encoding: Encoding, literal: int) -> bool:
        assumptions = [lit for lit in self._assumptions(encoding) if lit != encoding.bounded]
        return encoding.solver.solve([*assumptions, literal])

    def _astray(self, stage: Stage) -> str:
        """A sentence about an access that goes outside its variable in some run; empty if none does."""
        if self._settled not in self._notes.astray:
            text = ""
            encoding = stage.compiled
            for number, literal in encoding.astray.items():
                assumptions = [lit for lit in self._assumptions(encoding) if lit != encoding.inside]
                if literal != FALSE and encoding.solver.solve([*assumptions, literal]):
                    origin = stage.graph.events[number].origin_in(self.choices)
                    where = f" (line {origin.span.line})" if origin.span is not None else ""
                    text = f"'{origin.text}'{where} may access memory outside every variable"
                    self._notes.astray_span = origin.span
                    break
            self._notes.astray[self._settled] = text  # only now: a query that was given up leaves it open
        return self._notes.astray[self._settled]

    def _fetched_twice(self, stage: Stage) -> list[str]:
        """Plain reads that a compiler may make again for each use, with another result."""
        if self._settled not in self._notes.fetched:
            notes: dict[Origin, str] = {}
            candidates = double_fetches(stage.compiled)
            some = stage.compiled.circuit.any([found.literal for found in candidates])
            for found in candidates if self._solve(stage.compiled, [some]) else ():
                place = found.read.origin_in(self.choices)
                if place not in notes and self._solve(stage.compiled, [found.literal]):
                    where, writer = (
                        f"'{origin.text}'" + (f" (line {origin.span.line})" if origin.span is not None else "")
                        for origin in (place, found.write.origin_in(self.choices))
                    )
                    notes[place] = (
                        f"the value of {where} is used more than once while {writer} may change it: "
                        "a compiler may read again for each use of a plain read. "
                        "Make it volatile or atomic, or order the write behind it"
                    )
            self._notes.fetched[self._settled] = list(notes.values())
        return self._notes.fetched[self._settled]

    def refuse_astray(self) -> None:
        """Raise `InputError` if some run goes outside its memory: for programs none of whose requirements fail."""
        if self._made is not None:
            found = self._astray(self.stage())
            if found:
                raise fail(
                    "MM505",
                    found,
                    self._notes.astray_span,
                    help="a pointer may still be null, or an index past the end, in a run that the model allows",
                )

    # --- the kinds ---------------------------------------------------------------------------------

    def _point(self, requirement: Requirement, stage: Stage) -> Finding:
        checks = goals.checks(requirement, stage.graph)
        finding = self._search(requirement, stage)
        if finding.verdict != "holds":
            return finding
        encoding = stage.compiled
        reached = encoding.circuit.any([encoding.values.literal(check.guard) for check in checks])
        if not self._solve(encoding, [reached]):
            text = "vacuous: no run reaches the point where it is checked" if checks else "vacuous: nothing checks it"
            return replace(finding, notes=(*finding.notes, text))
        return replace(finding, notes=(*finding.notes, *self._idle_waits(stage)))

    def _final(self, requirement: Requirement, stage: Stage) -> Finding:
        exists = requirement.kind == "exists"
        finding = self._search(requirement, stage)
        if finding.counterexample is not None:
            judge_final(finding.counterexample.execution, requirement.cond, exists)
        if finding.verdict == "holds" and not self._solve(stage.compiled, []):
            finding = replace(finding, notes=(*finding.notes, "vacuous: no run comes to an end"))
        if exists and finding.verdict in ("holds", "violated"):
            return replace(finding, verdict="forbidden" if finding.verdict == "holds" else "allowed")
        return finding

    def _progress(self, requirement: Requirement, stage: Stage) -> Finding:
        finding = self._search(requirement, stage)
        if finding.verdict != "holds":
            return finding
        if not self._solve(stage.compiled, []):
            return replace(finding, notes=(*finding.notes, "vacuous: no run comes to an end"))
        if self.layered:
            finding = self._plain_waits(finding, stage, goals.waits(requirement, self.program, stage.graph))
        if finding.verdict != "holds":
            return finding
        if not finding.complete:
            return self._spinning(requirement, stage, finding)
        return replace(finding, notes=(*finding.notes, *yielding(self.program)))

    def _spinning(self, requirement: Requirement, stage: Stage, finding: Finding) -> Finding:
        """A loop that may go on past the bound may go on for ever: nothing is known of its agent's progress."""
        wanted = {name.split(".")[0].split("[")[0] for name in requirement.subjects}
        for cut in stage.graph.cuts:
            agent = self.program.threads[cut.thread].name
            if not wanted or agent.split("[")[0] in wanted:
                where = f" (line {cut.origin.span.line})" if cut.origin.span is not None else ""
                reason = f"a loop of {agent}{where} may go on past the bound; write what it waits for as 'await'"
                return replace(finding, verdict="unknown", notes=(*finding.notes, reason))
        return finding

    def _plain_waits(self, finding: Finding, stage: Stage, waits: list[Wait]) -> Finding:
        """A compiler reads a plain location once and then spins for ever (docs/compiler.md)."""
        encoding = stage.compiled
        for wait in waits:
            plain = [r for r in wait.reads if "Plain" in stage.graph.events[r].tags]
            if not plain or not self.program.threads[wait.thread].source:
                continue
            guard = encoding.values.literal(wait.guard)
            if self._solve(encoding, [guard]):
                where = f" (line {wait.origin.span.line})" if wait.origin.span is not None else ""
                note = (
                    f"'{wait.origin.text}'{where} waits on a plain read, which a compiler reads once: "
                    "the loop may never end. Make the read volatile or atomic"
                )
                return replace(finding, verdict="violated", layer="compiler", notes=(*finding.notes, note))
        return finding

    def _ordered(self, requirement: Requirement, stage: Stage) -> Finding:
        pairs = goals.pairs(requirement, stage.graph)
        finding = self._search(requirement, stage)
        if finding.verdict == "holds" and not any(
            self._solve(stage.compiled, [stage.compiled.happens[a], stage.compiled.happens[b]]) for a, b in pairs
        ):
            return replace(finding, notes=(*finding.notes, "vacuous: the two never both happen in one thread"))
        return finding

    def _idle_waits(self, stage: Stage) -> list[str]:
        """Waits that no run satisfies: what stands behind them was not checked at all."""
        if self._notes.idle is not None:
            return self._notes.idle
        notes: list[str] = []
        encoding = stage.compiled
        done = []
        for wait in stage.graph.waits:
            literal = encoding.circuit.all([encoding.values.literal(wait.guard), encoding.values.literal(wait.done)])
            done.append((wait, literal))
        everything = encoding.circuit.all([literal for _, literal in done])
        for wait, literal in () if self._solve(encoding, [everything]) else done:
            if self._solve(encoding, [encoding.values.literal(wait.guard)]) and not self._solve(encoding, [literal]):
                where = f" (line {wait.origin.span.line})" if wait.origin.span is not None else ""
                notes.append(f"no run satisfies the wait '{wait.origin.text}'{where}")
        self._notes.idle = notes
        return notes

    # --- search ------------------------------------------------------------------------------------

    def _goals(self, requirement: Requirement, encoding: Encoding) -> list[Goal]:
        return goals.goals(requirement, self.program, encoding)

    def _search(self, requirement: Requirement, stage: Stage) -> Finding:
        """Look for a run that reaches one of the goals: first as compiled, then, if there is one, in text order."""
        found = self._goals(requirement, stage.compiled)
        environment = any(goal.extra for goal in found)
        reached = self._reached(stage.compiled, found)
        complete = self._complete(stage)
        if not reached:
            return self._beyond(requirement, stage, Finding(requirement, "holds", complete=complete))
        sequential = None if environment else stage.sequential
        if sequential is not None:
            for goal in self._goals(requirement, sequential):
                if self._solve(sequential, goal.literals, free=goal.free):
                    return self._violated(requirement, stage, sequential, goal, None)
        textual = stage.textual
        for goal in self._goals(requirement, textual):
            if self._solve(textual, goal.literals, free=goal.free):
                return self._violated(requirement, stage, textual, goal, "hardware" if self._has_layers() else None)
        for goal in found:
            result = self._by_compiler(requirement, stage, goal)
            if result is not None:
                return result
        return self._beyond(requirement, stage, Finding(requirement, "holds", complete=complete))

    def _beyond(self, requirement: Requirement, stage: Stage, finding: Finding) -> Finding:
        """What holds on the model: by the platform's rules for devices, too? And by what the languages promise?"""
        worse = self._by_platform(requirement, stage)
        if worse is not None:
            return worse
        finding = self._in_software(requirement, stage, self._portable(requirement, stage, finding))
        return self._only_here(requirement, stage, finding)

    def _by_platform(self, requirement: Requirement, stage: Stage) -> Finding | None:
        """A run that the model forbids and the platform's rules do not (docs/models.md), if there is one."""
        platform = stage.compiled.platform
        if platform == FALSE or not self.platform:
            return None
        wanted = goals.under(self._goals(requirement, stage.compiled), platform)
        if not self._reached(stage.compiled, wanted, platform):
            return None
        textual = stage.textual
        for goal in goals.under(self._goals(requirement, textual), textual.platform):
            if self._solve(textual, goal.literals, free=goal.free):
                return self._violated(requirement, stage, textual, goal, "platform")
        for goal in wanted:
            result = self._by_compiler(requirement, stage, goal, layer="platform")
            if result is not None:
                return result
        return None

    def _has_layers(self) -> bool:
        return self.model.name != "sc"

    def _portable(self, requirement: Requirement, stage: Stage, finding: Finding) -> Finding:
        """A note if it holds by what compilers do and not by what the languages promise (docs/compiler.md)."""
        observed = stage.compiled.observed
        if observed == TRUE:
            return finding
        wanted = goals.under(self._goals(requirement, stage.compiled), -observed)
        try:
            if self._reached(stage.compiled, wanted, -observed) and any(
                self._emitted(goal, stage.compiled, self.model) is not None for goal in wanted
            ):
                return replace(finding, notes=(*finding.notes, RELIES))
        except UnknownVerdict:
            pass  # only a note is at stake
        return finding

    def _reached(self, encoding: Encoding, wanted: list[Goal], *mode: int) -> bool:
        """Whether a run reaches one of `wanted`, whose literals include those of `mode`."""
        if any(goal.extra for goal in wanted):
            return any(self._solve(encoding, goal.literals) for goal in wanted)
        some = encoding.circuit.any([encoding.circuit.all(goal.literals) for goal in wanted])
        return some != FALSE and self._solve(encoding, [some, *mode], free=any(goal.free for goal in wanted))

    def _by_compiler(
        self,
        requirement: Requirement,
        stage: Stage,
        goal: Goal,
        layer: Layer = "compiler",
    ) -> Finding | None:
        """A run as compiled, together with one order that the compiler may emit; a smaller one if that has an order."""
        encoding = stage.compiled
        found = self._emitted(goal, encoding, self.model)
        if found is None:
            return None
        smaller = self._shrink(encoding, goal)
        execution = smaller.execution()
        if len(execution.events) < len(found[0].events):
            extra = frozenset((smaller.number[a], smaller.number[b]) for a, b in goal.extra)
            orders = linear_orders(execution, self.model, self.program, extra)
            if orders is not None:
                found = with_order(execution, orders, self.program), smaller
        return self._report(requirement, stage, *found, goal, layer)

    def _emitted(
        self, goal: Goal, encoding: Encoding, model: Model, word: Word | None = None
    ) -> tuple[Execution, Decoder] | None:
        """A run that reaches `goal` in one order that the compiler may emit; runs without one are blocked.

        With `word`, such words do what they promise and no more, and `model` is the weaker machine.
        """
        # What no order gives under what is assumed here, one may give by weaker rules or a freer compiler.
        modes = [-literal if -literal in goal.literals else literal for literal in encoding.modes()]
        modes += [literal for literal in choice_literals(encoding, self.choices) if literal > 0]
        for _ in range(MAX_REFUTED):
            if not self._solve(encoding, goal.literals, free=goal.free):
                return None
            decoder = Decoder(encoding)
            execution = decoder.execution()
            if word is not None:
                execution = weakened(execution, word)
            extra = frozenset((decoder.number[a], decoder.number[b]) for a, b in goal.extra)
            orders = linear_orders(execution, model, self.program, extra)
            if orders is not None:
                return with_order(execution, orders, self.program), decoder
            # Without an environment's edges the run is impossible for every other requirement too.
            block(encoding, decoder, [*(goal.literals if goal.extra else ()), *modes], positions=True)
        raise UnknownVerdict(f"{MAX_REFUTED} runs have no single order that the compiler may emit")

    def _in_software(self, requirement: Requirement, stage: Stage, finding: Finding) -> Finding:
        """A note if it holds because a thread takes a doorbell and so is not bound by the platform's rules."""
        takers = [each.name for each in self.program.threads if _takes_a_doorbell(each)]
        if not takers or not self.surplus or "IO" not in self.model.polarities():
            return finding
        if stage.binding is None:
            threads = [replace(each, kind="thread") if each.name in takers else each for each in self.program.threads]
            bound = replace(self.program, threads=tuple(threads))
            stage.binding = Stage(
                bound, self.model, self.deadline, layered=self.layered, bound=self.bound, profile=self.profile,
                surplus=False,
            )  # fmt: skip
        binding = self.sibling(self.choices)
        binding._made, binding.program = stage.binding, stage.binding.program
        binding._settled = self._settled
        try:
            encoding = binding.stage().compiled
            wanted = goals.under(binding._goals(requirement, encoding), encoding.platform)
            if not binding._reached(encoding, wanted, encoding.platform):
                return finding
            if all(binding._emitted(goal, encoding, self.model) is None for goal in wanted):
                return finding
        except UnknownVerdict:
            return finding  # only a note is at stake
        note = (
            f"{' and '.join(takers)} takes a doorbell and so counts as the device in software; were it bound by the "
            "platform's rules as a CPU is, it would be violated by platform"
        )
        return replace(finding, notes=(*finding.notes, note))

    def _only_here(self, requirement: Requirement, stage: Stage, finding: Finding) -> Finding:
        """Notes if it holds by what Armv8's instructions give beyond their words (`mmcheck.model.promises`)."""
        encoding, weaker = stage.compiled, promised(self.model)
        if weaker is None:
            return finding
        for word, literal in encoding.promises.items():
            mode = [literal] if encoding.platform == FALSE else [literal, encoding.platform]
            wanted = goals.under(self._goals(requirement, encoding), *mode)
            try:
                if not self._reached(encoding, wanted, *mode):
                    continue
                for goal in wanted:
                    found = self._emitted(goal, encoding, weaker, word)
                    if found is not None:
                        execution, decoder = found
                        judge(execution, weaker)
                        through = [decoder.number[read] for read in sorted(goal.reads) if read in decoder.number]
                        bad = "allowed" if requirement.kind == "exists" else "violated"
                        note = only_here(execution, weaker, word, through, bad)
                        finding = replace(finding, notes=(*finding.notes, note))
                        break
            except UnknownVerdict:
                pass  # only a note is at stake
        return finding

    def _violated(
        self, requirement: Requirement, stage: Stage, encoding: Encoding, goal: Goal, layer: Layer | None
    ) -> Finding:
        decoder = self._shrink(encoding, goal)
        return self._report(requirement, stage, decoder.execution(), decoder, goal, layer)

    def _shrink(self, encoding: Encoding, goal: Goal) -> Decoder:
        """The run just found, with fewer events: waits that need not end do not, branches are not taken."""
        decoder = Decoder(encoding)
        fixed = list(goal.literals)
        optional = sorted({lit for lit in encoding.happens if abs(lit) != TRUE}, key=abs, reverse=True)
        for literal in optional:
            if not decoder.true(literal):
                fixed.append(-literal)
            elif self._solve(encoding, [*fixed, -literal], free=goal.free):
                fixed.append(-literal)
                decoder = Decoder(encoding)
            else:
                fixed.append(literal)
        return decoder

    def _report(
        self,
        requirement: Requirement,
        stage: Stage,
        execution: Execution,
        decoder: Decoder,
        goal: Goal,
        layer: Layer | None,
    ) -> Finding:
        judge(execution, self.model)
        through = [decoder.number[read] for read in sorted(goal.reads) if read in decoder.number]
        cycle = cycle_of(execution, self.model, through)
        if not cycle and not goal.extra:
            layer = None if layer == "hardware" else layer
        text = summary(execution, cycle, layer, self.model, goal.failed)
        culprit = through[-1] if through else None
        shown = relevant(execution, cycle, culprit)
        counterexample = Counterexample(execution, cycle, culprit, text, goal.point, shown)
        clauses = clauses_of(self.program) if layer == "platform" else ()
        notes = (*_strays(execution), *remarks(execution), *preempted(execution))
        return Finding(requirement, "violated", layer, self._complete(stage), notes, counterexample, clauses=clauses)


def _strays(execution: Execution) -> tuple[str, ...]:
    """A note on the first access of a run that goes outside every variable: the mistake is more likely there."""
    for event in execution.events:
        if event.address is not None and not event.location:
            where = f" (line {event.origin.span.line})" if event.origin.span is not None else ""
            return (f"in the run that is shown, '{event.origin.text}'{where} goes outside every variable",)
    return ()


def _takes_a_doorbell(thread: Thread) -> bool:
    """Whether `thread` is a device because it takes a doorbell, and is not called one."""
    return thread.kind == "device" and not thread.origin.text.startswith("device ")
