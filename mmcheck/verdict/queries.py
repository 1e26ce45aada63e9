"""What is asked of the encodings of one program: is there such a run, which, and could a compiler have emitted it?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from mmcheck.base.deadline import Deadline
from mmcheck.base.errors import InternalError, UnknownVerdict, fail
from mmcheck.base.source import Span
from mmcheck.engines.smt.circuit import FALSE, TRUE
from mmcheck.engines.smt.count import block
from mmcheck.engines.smt.decode import Decoder
from mmcheck.engines.smt.encoding import Encoding, choice_literals
from mmcheck.engines.smt.linear import linear_orders
from mmcheck.events.execution import Execution
from mmcheck.ir.program import Program, Requirement
from mmcheck.model.model import Model
from mmcheck.model.promises import Word, weakened
from mmcheck.model.recheck import with_order
from mmcheck.verdict import goals
from mmcheck.verdict.goals import Goal
from mmcheck.verdict.stage import Stage

MAX_REFUTED = 200
"""Runs that no single order of the compiler's gives, before a query is given up as unknown."""


@dataclass(slots=True)
class Known:
    """What was found out about one variant, by whether runs are settled."""

    cut: dict[bool, list[str]] = field(default_factory=dict)
    idle: list[str] | None = None
    fetched: dict[bool, list[str]] = field(default_factory=dict)
    stored: dict[bool, list[str]] = field(default_factory=dict)
    astray: dict[bool, str] = field(default_factory=dict)
    astray_span: Span | None = None


class Queries:
    """Asks about one `Program` on one model; the parameters are those of `mmcheck.verdict.check.Checker`."""

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
        self.provisos = True
        """Whether it is asked, too, what verdicts rest on."""
        self._made: Stage | None = None
        self._notes = Known()
        self._sound = False
        self._settled = False

    def sibling(self, choices: Mapping[str, str]) -> Self:
        """The same of another choice of the program, with this one's encodings."""
        other = type(self)(
            self.program, self.model, layered=self.layered, bound=self.bound, profile=self.profile, choices=choices
        )
        other.deadline, other.platform, other.provisos = self.deadline, self.platform, self.provisos
        other._made = self._shared()
        return other

    def dumps(self) -> dict[str, str]:
        """The encodings made so far as SMT-LIB text, by layer."""
        if self._made is None:
            return {}
        return {name: each.solver.dump(self._assumptions(each)) for name, each in self._made.encodings().items()}

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
                provisos=self.provisos,
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
            if not self.model.ships:
                message = "this model allows no run of the program, not even one in which nobody got far"
                help = "some axiom fails for every run; what is empty, or holds of 'id', needs none"
                raise fail("MM413", message, self.model.axioms[0].span, help=help)
            raise InternalError("the clauses for this program have no solution at all")

    def _solve(
        self, encoding: Encoding, literals: Sequence[int], *, free: bool = False, open: Iterable[int] = ()
    ) -> bool:
        """Whether a run meets `literals`. Not `free`, it stays inside of variables; nothing is assumed of `open`."""
        if FALSE in literals:
            return False
        used = {*literals, *open}
        dropped = {encoding.inside} if free else set()
        assumptions = [lit for lit in self._assumptions(encoding) if -lit not in used and lit not in dropped]
        return encoding.solver.solve([*assumptions, *[lit for lit in literals if lit != TRUE]])

    def _assumptions(self, encoding: Encoding) -> list[int]:
        settled = encoding.values.literal(encoding.graph.settled)
        mode = [] if abs(settled) == TRUE else [settled if self._settled else -settled]
        return [*encoding.assumptions(), *mode, *choice_literals(encoding, self.choices)]

    def _cut(self, stage: Stage) -> list[str]:
        """The loops that some run goes around past the bound."""
        if self._settled not in self._notes.cut:
            encoding, found = stage.compiled, dict[str, list[int]]()
            for cut in stage.graph.cuts:
                where = f" (line {cut.origin.span.line})" if cut.origin.span is not None else ""
                text = f"'{cut.origin.text or 'a loop'}'{where} of {self.program.threads[cut.thread].name}"
                found.setdefault(text, []).append(encoding.values.literal(cut.guard))
            assumptions = [lit for lit in self._assumptions(encoding) if lit != encoding.bounded]

            def some(guards: list[int]) -> bool:
                over = encoding.circuit.any(guards)
                return over != FALSE and encoding.solver.solve([*assumptions, over])

            any_at_all = some([guard for guards in found.values() for guard in guards])
            self._notes.cut[self._settled] = [text for text, guards in found.items() if any_at_all and some(guards)]
        return self._notes.cut[self._settled]

    def _complete(self, stage: Stage) -> bool:
        """Whether the bound cuts nothing."""
        return not self._cut(stage)

    def _goals(self, requirement: Requirement, encoding: Encoding) -> list[Goal]:
        return goals.goals(requirement, self.program, encoding)

    def _reached(self, encoding: Encoding, wanted: list[Goal], *mode: int, open: Collection[int] = ()) -> bool:
        """Whether a run reaches one of `wanted`, whose literals include those of `mode`; see `_solve` for `open`."""
        if any(goal.extra for goal in wanted):
            return any(self._solve(encoding, goal.literals, open=open) for goal in wanted)
        some = encoding.circuit.any([encoding.circuit.all(goal.literals) for goal in wanted])
        free = any(goal.free for goal in wanted)
        return some != FALSE and self._solve(encoding, [some, *mode], free=free, open=open)

    def _emitted(self, goal: Goal, encoding: Encoding, word: Word | None = None) -> tuple[Execution, Decoder] | None:
        """A run that reaches `goal` in one order that the compiler may emit; runs without one are blocked.

        With `word`, such words do what they promise and no more.
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
            orders = linear_orders(execution, self.model, self.program, extra)
            if orders is not None:
                return with_order(execution, orders, self.program), decoder
            # Without an environment's edges the run is impossible for every other requirement too.
            block(encoding, decoder, [*(goal.literals if goal.extra else ()), *modes], positions=True)
        raise UnknownVerdict(f"{MAX_REFUTED} runs have no single order that the compiler may emit")

    def _shrink(self, encoding: Encoding, goal: Goal) -> Decoder:
        """The run just found, with less in it: nothing is left out that need not be, waits that need not end do not,
        branches are not taken."""
        decoder = Decoder(encoding)
        fixed = list(goal.literals)
        gone = [encoding.values.literal(removal.gone) for removal in encoding.graph.removals.values()]
        optional = sorted({lit for lit in encoding.happens if abs(lit) != TRUE}, key=abs, reverse=True)
        for literal in [*(lit for lit in gone if abs(lit) != TRUE), *optional]:
            if not decoder.true(literal):
                fixed.append(-literal)
            elif self._solve(encoding, [*fixed, -literal], free=goal.free):
                fixed.append(-literal)
                decoder = Decoder(encoding)
            else:
                fixed.append(literal)
        return decoder
