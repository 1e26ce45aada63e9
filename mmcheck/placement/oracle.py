"""The solver as an oracle: is this placement right on this target, and if not, which run breaks which requirement?

One incremental encoding per target; a placement is a set of assumptions, and so is each requirement.
A run as compiled counts only if there is an order that the compiler may emit (`mmcheck.verdict.check`,
docs/compiler.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mmcheck.base.deadline import Deadline
from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.records import record
from mmcheck.engines.smt.circuit import FALSE
from mmcheck.engines.smt.count import block
from mmcheck.engines.smt.decode import Decoder
from mmcheck.engines.smt.encoding import Encoding
from mmcheck.events.graph import EventGraph
from mmcheck.ir.program import Program, Requirement
from mmcheck.placement.problem import Placement, Problem
from mmcheck.placement.replay import Replay
from mmcheck.target.targets import Target
from mmcheck.verdict.question import Question
from mmcheck.verdict.reachability import Goal, goals, waits
from mmcheck.verdict.solver import Solver
from mmcheck.verdict.verify import make_engine

MEMORY = "memory"
"""The name under which it is demanded that no access leaves its variable."""

MAX_UNORDERED = 50
"""Runs that no single order of the compiler's gives, before a query is given up."""


@record
class Counterexample:
    """A run under some placement that breaks a requirement on a target."""

    target: Target
    requirement: Requirement
    goal: Goal
    replay: Replay
    number: int


@dataclass(slots=True)
class _Query:
    """Requirements that are asked about together: one disjunction of goals over one encoding."""

    target: Target
    goals: list[tuple[Requirement, Goal, int]]


def solver_of(program: Program, target: Target, *, bound: int, compiler: str, timeout: float | None) -> Solver:
    """The solver for `program`. Raises `InputError` if the target's model cannot be used for it."""
    engine = make_engine(program, target, Question(bound=bound, timeout=timeout, engine="smt", compiler=compiler))
    assert isinstance(engine, Solver)
    return engine


class Oracle:
    """Answers for every target of a `Problem`; `queries` counts calls of the solver.

    Raises `UnknownVerdict` if the encodings take more than `timeout` seconds, or there are too many values.
    """

    def __init__(self, problem: Problem, *, bound: int = 2, timeout: float | None = None) -> None:
        self.problem = problem
        self.timeout = timeout
        self.queries = 0
        self.solvers: dict[Target, Solver] = {}
        self.dropped: dict[str, str] = {}
        """Requirements that no placement can meet, and why."""
        self._queries: dict[Target, list[_Query]] = {}
        self._found = 0
        self._cores: dict[tuple[tuple[tuple[str, str], ...], Target], set[str]] = {}
        deadline = Deadline(timeout)
        for target in problem.targets:
            solver = solver_of(
                problem.programs[target], target, bound=bound, compiler=problem.compiler, timeout=timeout
            )
            solver.caveats = False  # the search is for verdicts, not for notes
            solver.choices = problem.written  # what it asks on its own, it asks about the file as it is
            solver.deadline = deadline
            self.solvers[target] = solver
        with deadline:
            problem.price({target: self._graph(target) for target in problem.targets})
        for target in problem.targets:
            self._drop_plain_waits(target)

    def _graph(self, target: Target) -> EventGraph:
        return self.solvers[target].encodings().graph

    def encoding(self, target: Target) -> Encoding:
        return self.solvers[target].encodings().compiled

    def meets_devices(self, target: Target) -> bool:
        """Whether the platform's rules for devices may allow more than the model."""
        return self.encoding(target).platform != FALSE

    def _drop_plain_waits(self, target: Target) -> None:
        """A wait on a plain read may never end, whatever barriers stand about (docs/compiler.md)."""
        solver = self.solvers[target]
        program, graph = solver.program, solver.encodings().graph
        for requirement in program.requirements:
            if requirement.kind != "progress" or not solver.layered:
                continue
            for wait in waits(requirement, program, graph):
                plain = any("Plain" in graph.events[read].tags for read in wait.reads)
                if plain and program.threads[wait.thread].source:
                    text = wait.origin.text or "a wait"
                    self.dropped[requirement.name] = (
                        f"'{text}' waits on a plain read, which a compiler reads once: make it volatile or atomic"
                    )

    def drop(self, requirement: str, why: str) -> None:
        """Ask about `requirement` no more."""
        self.dropped[requirement] = why
        self._queries.clear()

    def requirements(self, target: Target) -> list[Requirement]:
        return [each for each in self.problem.programs[target].requirements if each.name not in self.dropped]

    # --- questions ---------------------------------------------------------------------------------

    def refute(
        self,
        placement: Placement,
        *,
        targets: Iterable[Target] | None = None,
        only: str | None = None,
        platform: bool = True,
    ) -> Counterexample | None:
        """A run under `placement` that breaks a requirement (`only` that one), or None: it is right.

        Not `platform`: the CPU's model alone counts, and not the platform's rules for devices.
        """
        for target in self.problem.targets if targets is None else targets:
            for query in self._of(target):
                found = self._ask(query, placement, only, platform=platform)
                if found is not None:
                    return found
        return None

    def core(self, placement: Placement) -> dict[Target, set[str]]:
        """Of a placement that was found right: per target, the sites that the proofs of its requirements use."""
        key = tuple(sorted(placement.items()))
        return {target: self._cores.get((key, target), set()) for target in self.problem.targets}

    def _note_core(self, target: Target, placement: Placement) -> None:
        encoding = self.encoding(target)
        owner = {}
        for site, options in encoding.graph.choices.items():
            for _, term in options:
                owner[abs(encoding.values.literal(term))] = site
        sites = {owner[abs(literal)] for literal in encoding.solver.core() if abs(literal) in owner}
        self._cores.setdefault((tuple(sorted(placement.items())), target), set()).update(sites)

    def _of(self, target: Target) -> list[_Query]:
        if target not in self._queries:
            solver = self.solvers[target]
            encoding = solver.encodings().compiled
            queries: dict[tuple[bool, bool, int], _Query] = {}
            for requirement in self.requirements(target):
                for number, goal in enumerate(goals(requirement, solver.program, encoding)):
                    literal = encoding.circuit.all(goal.literals)
                    if literal == FALSE:
                        continue
                    # An environment edge is a query of its own: with two of them there are more runs.
                    alone = number + 1 if goal.extra else 0
                    query = queries.setdefault((goal.settled, goal.free, alone), _Query(target, []))
                    query.goals.append((requirement, goal, literal))
            stray = self._stray(target)
            if stray and MEMORY not in self.dropped:
                queries.setdefault((False, True, 0), _Query(target, [])).goals.extend(stray)
            self._queries[target] = list(queries.values())
        return self._queries[target]

    def _stray(self, target: Target) -> list[tuple[Requirement, Goal, int]]:
        """A placement under which an access may leave its variable is not right: no verdict could rest on it."""
        encoding = self.encoding(target)
        requirement = Requirement(MEMORY, "point", says="every access stays inside its variable")
        out = []
        for number, literal in encoding.astray.items():
            if literal != FALSE:
                event = encoding.graph.events[number]
                text = f"'{event.origin.text}' accesses memory outside every variable."
                goal = Goal((literal,), text, frozenset({number}), event.origin.span, free=True)
                out.append((requirement, goal, literal))
        return out

    def _ask(self, query: _Query, placement: Placement, only: str | None, *, platform: bool) -> Counterexample | None:
        encoding = self.encoding(query.target)
        goals = [each for each in query.goals if only is None or each[0].name == only]
        if not goals:
            return None
        # A run that no order gives under this placement may be real under a weaker one: excluded for this question.
        here: list[int] = []
        for _ in range(MAX_UNORDERED):
            if not self._solve(query.target, placement, goals, here, platform=platform):
                self._note_core(query.target, placement)
                return None
            decoder = Decoder(encoding)
            requirement, goal, _ = next(each for each in goals if decoder.true(each[2]))
            replay = Replay(encoding, decoder, self.solvers[query.target], goal)
            if replay.emitted(placement):
                self._found += 1
                return Counterexample(query.target, requirement, goal, replay, self._found)
            here = here or [encoding.circuit.var("")]
            block(encoding, decoder, here)
        raise UnknownVerdict(f"{MAX_UNORDERED} runs have no single order that the compiler may emit")

    def _solve(
        self,
        target: Target,
        placement: Placement,
        goals: list[tuple[Requirement, Goal, int]],
        also: list[int],
        *,
        platform: bool,
    ) -> bool:
        self.queries += 1
        encoding, goal = self.encoding(target), goals[0][1]
        literals = [encoding.circuit.any([literal for _, _, literal in goals])]
        if len(goals) == 1:
            literals = list(goal.literals)
        if platform and encoding.platform != FALSE:
            literals.append(encoding.platform)  # the platform's rules only ever allow more
        return (
            self.solvers[target]
            .sibling(placement)
            .solve(encoding, [*literals, *also], settled=goal.settled, free=goal.free, timeout=self.timeout)
        )
