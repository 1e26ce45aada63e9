"""Provisos: what a clean verdict rests on, and what it leaves unsaid."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from mmcheck.base.errors import UnknownVerdict, fail
from mmcheck.base.records import replace
from mmcheck.engines.smt.circuit import FALSE
from mmcheck.events.graph import Check, Wait
from mmcheck.ir.program import Origin, Requirement, Thread
from mmcheck.model.promises import WORDS, Word
from mmcheck.model.recheck import judge
from mmcheck.verdict import goals, vacuity
from mmcheck.verdict.double_fetch import double_fetches
from mmcheck.verdict.explain import only_here
from mmcheck.verdict.lost import rests
from mmcheck.verdict.queries import Queries
from mmcheck.verdict.results import Finding
from mmcheck.verdict.stage import Stage
from mmcheck.verdict.stored_again import stores_again


class Provisos(Queries):
    """Asks, beside what was asked, what its reader should know."""

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

    def _stored_again(self, stage: Stage) -> list[str]:
        """Plain stores that a compiler may make although the text does not, over what another agent wrote."""
        if self._settled not in self._notes.stored:
            notes: dict[Origin, str] = {}
            candidates = stores_again(stage.compiled, self.profile)
            some = stage.compiled.circuit.any([found.literal for found in candidates])
            for found in candidates if self._solve(stage.compiled, [some]) else ():
                place = found.store.origin_in(self.choices)
                if place not in notes and self._solve(stage.compiled, [found.literal]):
                    before, store, writer = (
                        f"'{origin.text}'" + (f" (line {origin.span.line})" if origin.span is not None else "")
                        for origin in (found.before.origin_in(self.choices), place, found.write.origin_in(self.choices))
                    )
                    notes[place] = (
                        f"where {store} is not made, a compiler may store again what {before} stored, "
                        f"over what {writer} wrote since: it may make a plain store in any case behind another one. "
                        "Make one of the two volatile or atomic, or order the write behind them"
                    )
            self._notes.stored[self._settled] = list(notes.values())
        return self._notes.stored[self._settled]

    def refuse_astray(self) -> None:
        """Raise `InputError` if some run goes outside its memory: for programs none of whose requirements fail.

        Nothing is refused if that takes too long: what was not asked of a clean verdict left it unknown.
        """
        if self._made is not None:
            try:
                with self.deadline:
                    found = self._astray(self.stage())
            except UnknownVerdict:
                return
            if found:
                raise fail(
                    "MM505",
                    found,
                    self._notes.astray_span,
                    help="a pointer may still be null, or an index past the end, in a run that the model allows",
                )

    def _vacuous(self, finding: Finding) -> Finding:
        """The verdict on a requirement that nothing was checked of, with what stands in the way."""
        requirement = finding.requirement
        marked, found = vacuity.ways_of(requirement, self.program, self.choices), []
        with suppress(UnknownVerdict):  # only a reason is at stake
            found = [text for each in marked for text in self._obstacles(each)]
        why = vacuity.reason(requirement, marked, found)
        return Finding(requirement, "vacuous", complete=finding.complete, notes=(why,))

    def _obstacles(self, marked: vacuity.Ways) -> list[str]:
        """What no run passes on one of the ways."""
        program = replace(marked.program, requirements=())
        probes = type(self)(
            program, self.model, layered=self.layered, bound=self.bound, profile=self.profile, choices=self.choices
        )
        probes.deadline, probes.provisos = self.deadline, False
        encoding = probes.stage().compiled
        guards: dict[str, list[int]] = {}
        for check in encoding.graph.checks:
            guards.setdefault(check.requirement, []).append(encoding.values.literal(check.guard))
        assumptions = [lit for lit in probes._assumptions(encoding) if lit != encoding.bounded]
        reached = set()
        for way in marked.ways:
            for probe in way:
                literal = encoding.circuit.any(guards.get(probe, ()))
                if literal == FALSE or not encoding.solver.solve([*assumptions, literal]):
                    break
                reached.add(probe)
        return marked.obstacles(reached)

    def _unreached(self, points: Sequence[Check | Wait], stage: Stage) -> list[str]:
        """Notes on those of `points` to which no run comes."""
        encoding = stage.compiled
        places: dict[Origin, list[int]] = {}
        for point in points:
            places.setdefault(replace(point.origin, calls=()), []).append(encoding.values.literal(point.guard))
        return [
            f"no run comes to '{place.text}'" + (f" (line {place.span.line})" if place.span is not None else "")
            for place, guards in places.items()
            if not self._solve(encoding, [encoding.circuit.any(guards)])
        ]

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

    def _rests(self, requirement: Requirement, stage: Stage, finding: Finding) -> Finding:
        """Notes on what it rests on: compilers that keep more than they must, or no more than their defects leave, and
        words that do more than they promise (`Encoding.weaker`)."""
        encoding = stage.compiled
        mode = [] if encoding.platform == FALSE else [encoding.platform]
        try:
            wanted = goals.under(self._goals(requirement, encoding), *mode)
            if not self._reached(encoding, wanted, *mode, open=encoding.weaker.values()):
                return finding  # not even with all of it
        except UnknownVerdict:
            pass
        for name, literal in encoding.weaker.items():
            try:
                note = self._rests_on(name, requirement, stage, [literal, *mode])
            except UnknownVerdict:
                continue  # only a note is at stake
            if note:
                finding = replace(finding, notes=(*finding.notes, note))
        return finding

    def _rests_on(self, name: str, requirement: Requirement, stage: Stage, mode: list[int]) -> str:
        """The note on one of `Encoding.weaker`; empty if the verdict stands without."""
        encoding = stage.compiled
        word: Word | None = next((word for word in WORDS if word == name), None)
        wanted = goals.under(self._goals(requirement, encoding), *mode)
        if not self._reached(encoding, wanted, *mode):
            return ""
        for goal in wanted:
            found = self._emitted(goal, encoding, word)
            if found is not None:
                execution, decoder = found
                judge(execution, self.model)
                bad = "allowed" if requirement.kind == "exists" else "violated"
                if word is None:
                    return rests(execution, name, self.program.target, bad)
                through = [decoder.number[read] for read in sorted(goal.reads) if read in decoder.number]
                return only_here(execution, self.model, word, through, bad)
        return ""

    def _in_software(self, requirement: Requirement, stage: Stage, finding: Finding) -> Finding:
        """A note if it holds because a thread takes a doorbell and so is not bound by the platform's rules."""
        takers = [each.name for each in self.program.threads if _takes_a_doorbell(each)]
        if not takers or not self.provisos or "IO" not in self.model.polarities():
            return finding
        if stage.binding is None:
            threads = [replace(each, kind="thread") if each.name in takers else each for each in self.program.threads]
            bound = replace(self.program, threads=tuple(threads))
            stage.binding = Stage(
                bound, self.model, self.deadline, layered=self.layered, bound=self.bound, profile=self.profile,
                provisos=False,
            )  # fmt: skip
        binding = self.sibling(self.choices)
        binding._made, binding.program = stage.binding, stage.binding.program
        binding._settled = self._settled
        try:
            encoding = binding.stage().compiled
            wanted = goals.under(binding._goals(requirement, encoding), encoding.platform)
            if not binding._reached(encoding, wanted, encoding.platform):
                return finding
            if all(binding._emitted(goal, encoding) is None for goal in wanted):
                return finding
        except UnknownVerdict:
            return finding  # only a note is at stake
        note = (
            f"{' and '.join(takers)} takes a doorbell and so counts as the device in software; were it bound by the "
            "platform's rules as a CPU is, it would be violated by platform"
        )
        return replace(finding, notes=(*finding.notes, note))


def _takes_a_doorbell(thread: Thread) -> bool:
    """Whether `thread` is a device because it takes a doorbell, and is not called one."""
    return thread.kind == "device" and not thread.origin.text.startswith("device ")
