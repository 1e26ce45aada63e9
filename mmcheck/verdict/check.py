"""One program against its requirements, by the solver: verdicts, layers, counterexamples."""

from __future__ import annotations

import time

from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.records import replace
from mmcheck.engines.smt.circuit import FALSE
from mmcheck.engines.smt.decode import Decoder
from mmcheck.engines.smt.encoding import Encoding
from mmcheck.engines.smt.linear import linear_orders
from mmcheck.events.execution import Execution
from mmcheck.events.graph import Wait
from mmcheck.ir.program import Requirement
from mmcheck.model.recheck import judge, judge_final, with_order
from mmcheck.verdict import goals
from mmcheck.verdict.caveats import Provisos
from mmcheck.verdict.explain import cycle_of, relevant, summary
from mmcheck.verdict.goals import SETTLED, Goal
from mmcheck.verdict.lost import needed
from mmcheck.verdict.races import remarks
from mmcheck.verdict.results import Counterexample, Finding, Layer, clauses_of, endless, spinning
from mmcheck.verdict.scheduling import preempted, yielding
from mmcheck.verdict.stage import Stage


class Checker(Provisos):
    """Decides the requirements of one `Program` on one model.

    `layered`: source threads go through the compiler layer. `timeout` is wall seconds per requirement. `choices`
    selects options of `Choice` statements: of a program that is several in one (`mmcheck.ir.product`), which of them is
    asked about.
    """

    engine = "smt"

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
        if finding.verdict not in ("holds", "forbidden", "vacuous"):
            return finding
        stage = self.stage()
        if self.layered and finding.verdict != "vacuous":
            notes = (*finding.notes, *self._fetched_twice(stage), *self._stored_again(stage))
            finding = replace(finding, notes=notes)
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

    # --- the kinds ---------------------------------------------------------------------------------

    def _point(self, requirement: Requirement, stage: Stage) -> Finding:
        checks = goals.checks(requirement, stage.graph)
        finding = self._search(requirement, stage)
        if finding.verdict != "holds" or requirement.implied:
            return finding
        encoding = stage.compiled
        reached = encoding.circuit.any([encoding.values.literal(check.guard) for check in checks])
        if not self._solve(encoding, [reached], free=True):
            return self._vacuous(finding)
        unreached = self._unreached(checks, stage) if len(checks) > 1 else []
        return replace(finding, notes=(*finding.notes, *unreached, *self._idle_waits(stage)))

    def _final(self, requirement: Requirement, stage: Stage) -> Finding:
        exists = requirement.kind == "exists"
        finding = self._search(requirement, stage)
        if finding.counterexample is not None:
            judge_final(finding.counterexample.execution, requirement.cond, exists)
        if finding.verdict == "holds" and not self._solve(stage.compiled, []):
            return self._vacuous(finding)
        if finding.verdict == "holds" and not finding.complete:
            finding = replace(finding, notes=(*finding.notes, endless(self._cut(stage))))
        if exists and finding.verdict in ("holds", "violated"):
            return replace(finding, verdict="forbidden" if finding.verdict == "holds" else "allowed")
        return finding

    def _progress(self, requirement: Requirement, stage: Stage) -> Finding:
        finding = self._search(requirement, stage)
        if finding.verdict != "holds":
            return finding
        waits = goals.waits(requirement, self.program, stage.graph)
        if self.layered:
            finding = self._plain_waits(finding, stage, waits)
        if finding.verdict != "holds":
            return finding
        if not finding.complete:
            # A loop that may go on past the bound may go on for ever, and others may wait for what comes behind it.
            return replace(finding, verdict="unknown", notes=(*finding.notes, spinning(self._cut(stage))))
        if not self._solve(stage.compiled, []):
            return self._vacuous(finding)
        # Not to wait is one way to go on.
        unreached = self._unreached(waits, stage) if any("." in name for name in requirement.subjects) else []
        return replace(finding, notes=(*finding.notes, *unreached, *yielding(self.program)))

    def _plain_waits(self, finding: Finding, stage: Stage, waits: list[Wait]) -> Finding:
        """A compiler reads a plain location once and then spins for ever (docs/compiler.md)."""
        encoding = stage.compiled
        for wait in waits:
            if wait.once and self._solve(encoding, [encoding.values.literal(wait.guard)]):
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
            return self._vacuous(finding)
        return finding

    # --- search ------------------------------------------------------------------------------------

    def _search(self, requirement: Requirement, stage: Stage) -> Finding:
        """Look for a run that reaches one of the goals: first as compiled, then, if there is one, in text order."""
        found = self._goals(requirement, stage.compiled)
        environment = any(goal.extra for goal in found)
        reached = self._reached(stage.compiled, found)
        complete = self._complete(stage)
        if not reached:
            return self._beyond(requirement, stage, Finding(requirement, "holds", complete=complete))
        if not environment and not self.model.is_sc:
            sequential = stage.sequential
            for goal in self._goals(requirement, sequential):
                if self._solve(sequential, goal.literals, free=goal.free):
                    return self._violated(requirement, stage, sequential, goal, None)
        textual = stage.textual
        for goal in self._goals(requirement, textual):
            if self._solve(textual, goal.literals, free=goal.free):
                layer: Layer | None = None if self.model.is_sc else "hardware"
                return self._violated(requirement, stage, textual, goal, layer)
        for goal in found:
            result = self._by_compiler(requirement, stage, goal)
            if result is not None:
                return result
        return self._beyond(requirement, stage, Finding(requirement, "holds", complete=complete))

    def _beyond(self, requirement: Requirement, stage: Stage, finding: Finding) -> Finding:
        """What holds on the model: by the platform's rules for devices, too? And what does it rest on?"""
        worse = self._by_platform(requirement, stage)
        if worse is not None:
            return worse
        return self._in_software(requirement, stage, self._rests(requirement, stage, finding))

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

    def _by_compiler(
        self,
        requirement: Requirement,
        stage: Stage,
        goal: Goal,
        layer: Layer = "compiler",
    ) -> Finding | None:
        """A run as compiled, together with one order that the compiler may emit; a smaller one if that has an order."""
        encoding = stage.compiled
        found = self._emitted(goal, encoding)
        if found is None:
            return None
        smaller = self._shrink(encoding, goal)
        execution = smaller.execution()
        if execution.events != found[0].events:
            extra = frozenset((smaller.number[a], smaller.number[b]) for a, b in goal.extra)
            orders = linear_orders(execution, self.model, self.program, extra)
            if orders is not None:
                found = with_order(execution, orders, self.program), smaller
        return self._report(requirement, stage, *found, goal, layer)

    def _violated(
        self, requirement: Requirement, stage: Stage, encoding: Encoding, goal: Goal, layer: Layer | None
    ) -> Finding:
        decoder = self._shrink(encoding, goal)
        return self._report(requirement, stage, decoder.execution(), decoder, goal, layer)

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
        text = summary(execution, cycle, layer, self.model, goal.failed)
        culprit = through[-1] if through else None
        shown = relevant(execution, cycle, culprit)
        counterexample = Counterexample(execution, cycle, culprit, text, goal.point, shown)
        clauses = clauses_of(self.program) if layer == "platform" else ()
        defects = needed(execution, self.profile, self.program.target)
        left_out = _left_out(decoder) if decoder.encoding.compiled else ()
        notes = (*defects, *left_out, *_strays(execution), *remarks(execution), *preempted(execution))
        return Finding(requirement, "violated", layer, self._complete(stage), notes, counterexample, clauses=clauses)


def _left_out(decoder: Decoder) -> tuple[str, ...]:
    """Notes on the accesses that the compiler has left out of the run."""
    graph, literal = decoder.encoding.graph, decoder.encoding.values.literal
    found = []
    for number, removal in sorted(graph.removals.items()):
        why = next((reason for choice, reason in removal.how if decoder.true(literal(choice))), None)
        if why is not None and decoder.true(literal(removal.reached)):
            origin = decoder.origin(graph.events[number])
            where = f" (line {origin.span.line})" if origin.span is not None else ""
            found.append(f"in the run that is shown, the compiler has left out '{origin.text}'{where}: {why}")
    return tuple(dict.fromkeys(found))


def _strays(execution: Execution) -> tuple[str, ...]:
    """A note on the first access of a run that goes outside every variable: the mistake is more likely there."""
    for event in execution.events:
        if event.address is not None and not event.location:
            where = f" (line {event.origin.span.line})" if event.origin.span is not None else ""
            return (f"in the run that is shown, '{event.origin.text}'{where} goes outside every variable",)
    return ()
