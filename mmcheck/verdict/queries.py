"""What is asked of the encodings of one program: is there such a run, which, and could a compiler have emitted it?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Self, TypeVar

from mmcheck.base.deadline import Deadline
from mmcheck.base.errors import InternalError, UnknownVerdict, fail
from mmcheck.engines.smt.circuit import FALSE, TRUE
from mmcheck.engines.smt.count import block
from mmcheck.engines.smt.decode import Decoder
from mmcheck.engines.smt.encoding import Encoding, choice_literals
from mmcheck.engines.smt.linear import linear_orders
from mmcheck.events.execution import Execution
from mmcheck.ir.program import Program
from mmcheck.model.model import Model
from mmcheck.model.promises import Word, weakened
from mmcheck.model.recheck import with_order
from mmcheck.verdict.encodings import Encodings
from mmcheck.verdict.reachability import Goal

MAX_REFUTED = 200
"""Runs that no single order of the compiler's gives, before a query is given up as unknown."""

T = TypeVar("T")


class Queries:
    """Asks about one `Program` on one model; see `mmcheck.verdict.engine.Engine`. Without `caveats`, nothing will be
    asked about what verdicts rest on."""

    def __init__(
        self,
        program: Program,
        model: Model,
        deadline: Deadline,
        *,
        layered: bool,
        bound: int = 2,
        profile: str = "observed",
        choices: Mapping[str, str] | None = None,
        caveats: bool = True,
    ) -> None:
        self.program = program
        self.model = model
        self.deadline = deadline
        self.layered = layered
        self.bound = bound
        self.profile = profile
        self.choices = choices or {}
        self.caveats = caveats
        self._encodings: Encodings | None = None
        self._known: dict[tuple[str, bool], object] = {}
        self._sound = False

    def sibling(self, choices: Mapping[str, str], *, encodings: Encodings | None = None) -> Self:
        """The same of another choice of the program, with this one's encodings, or with those of another program."""
        shared = encodings or self._shared()
        other = type(self)(
            shared.program, self.model, self.deadline, layered=self.layered, bound=self.bound, profile=self.profile,
            choices=choices, caveats=self.caveats,
        )  # fmt: skip
        other._encodings = shared
        return other

    def encodings(self) -> Encodings:
        """The graph with its encodings, made when first asked for."""
        encodings = self._shared()
        if not self._sound:
            self._nonempty(encodings.compiled)
            self._sound = True
        return encodings

    def _shared(self) -> Encodings:
        if self._encodings is None:
            self._encodings = Encodings(
                self.program, self.model, self.deadline, layered=self.layered, bound=self.bound, profile=self.profile,
                caveats=self.caveats,
            )  # fmt: skip
        return self._encodings

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

    def once(self, name: str, settled: bool, find: Callable[[], T]) -> T:
        """What `find` finds out about the program, whatever is asked of it; asked again if it was given up."""
        key = name, settled
        if key not in self._known:
            self._known[key] = find()
        return self._known[key]  # type: ignore[return-value]

    def solve(
        self, encoding: Encoding, literals: Sequence[int], *, settled: bool, free: bool = False,
        open: Iterable[int] = (), timeout: float | None = None,
    ) -> bool:  # fmt: skip
        """Whether a run meets `literals`, one in which nobody can move any more if it is to be `settled`.

        Not `free`, it stays inside of variables; nothing is assumed of `open`.
        """
        if FALSE in literals:
            return False
        used = {*literals, *open}
        dropped = {encoding.inside} if free else set()
        assumptions = [
            lit for lit in self.assumptions(encoding, settled=settled) if -lit not in used and lit not in dropped
        ]
        return encoding.solver.solve([*assumptions, *[lit for lit in literals if lit != TRUE]], timeout=timeout)

    def meets(self, encoding: Encoding, goal: Goal, *also: int) -> bool:
        """Whether a run reaches `goal`, and meets the literals `also`."""
        return self.solve(encoding, [*goal.literals, *also], settled=goal.settled, free=goal.free)

    def assumptions(self, encoding: Encoding, *, settled: bool) -> list[int]:
        """What is assumed of every run that is looked for."""
        literal = encoding.values.literal(encoding.graph.settled)
        mode = [] if abs(literal) == TRUE else [literal if settled else -literal]
        return [*encoding.assumptions(), *mode, *choice_literals(encoding, self.choices)]

    def reached(self, encoding: Encoding, wanted: list[Goal], *mode: int, open: Collection[int] = ()) -> bool:
        """Whether a run reaches one of `wanted`, whose literals include those of `mode`; see `solve` for `open`."""
        if any(goal.extra for goal in wanted):
            return any(self.solve(encoding, goal.literals, settled=goal.settled, open=open) for goal in wanted)
        some = encoding.circuit.any([encoding.circuit.all(goal.literals) for goal in wanted])
        if some == FALSE:
            return False
        free = any(goal.free for goal in wanted)
        return self.solve(encoding, [some, *mode], settled=wanted[0].settled, free=free, open=open)

    def emitted(self, goal: Goal, encoding: Encoding, word: Word | None = None) -> tuple[Execution, Decoder] | None:
        """A run that reaches `goal` in one order that the compiler may emit; runs without one are blocked.

        With `word`, such words do what they promise and no more.
        """
        # What no order gives under what is assumed here, one may give by weaker rules or a freer compiler.
        modes = [-literal if -literal in goal.literals else literal for literal in encoding.modes()]
        modes += [literal for literal in choice_literals(encoding, self.choices) if literal > 0]
        for _ in range(MAX_REFUTED):
            if not self.meets(encoding, goal):
                return None
            decoder = Decoder(encoding)
            execution = decoder.execution()
            if word is not None:
                execution = weakened(execution, word)
            orders = linear_orders(execution, self.model, self.program, _extra(decoder, goal))
            if orders is not None:
                return with_order(execution, orders, self.program), decoder
            # Without an environment's edges the run is impossible for every other requirement too.
            block(encoding, decoder, [*(goal.literals if goal.extra else ()), *modes], positions=True)
        raise UnknownVerdict(f"{MAX_REFUTED} runs have no single order that the compiler may emit")

    def emitted_small(self, goal: Goal, encoding: Encoding) -> tuple[Execution, Decoder] | None:
        """As `emitted`; a smaller run if that has an order."""
        found = self.emitted(goal, encoding)
        if found is None:
            return None
        smaller = self.shrink(encoding, goal)
        execution = smaller.execution()
        if execution.events != found[0].events:
            orders = linear_orders(execution, self.model, self.program, _extra(smaller, goal))
            if orders is not None:
                found = with_order(execution, orders, self.program), smaller
        return found

    def shrink(self, encoding: Encoding, goal: Goal) -> Decoder:
        """The run just found, with less in it: nothing is left out that need not be, waits that need not end do not,
        branches are not taken."""
        decoder = Decoder(encoding)
        fixed = list(goal.literals)
        gone = [encoding.values.literal(removal.gone) for removal in encoding.graph.removals.values()]
        optional = sorted({lit for lit in encoding.happens if abs(lit) != TRUE}, key=abs, reverse=True)
        for literal in [*(lit for lit in gone if abs(lit) != TRUE), *optional]:
            if not decoder.true(literal):
                fixed.append(-literal)
            elif self.solve(encoding, [*fixed, -literal], settled=goal.settled, free=goal.free):
                fixed.append(-literal)
                decoder = Decoder(encoding)
            else:
                fixed.append(literal)
        return decoder


def _extra(decoder: Decoder, goal: Goal) -> frozenset[tuple[int, int]]:
    """The environment's edges as pairs of events of the run."""
    return frozenset((decoder.number[a], decoder.number[b]) for a, b in goal.extra)
