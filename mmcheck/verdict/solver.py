"""The solver as an `mmcheck.verdict.engine.Engine`: all runs at once, as clauses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmcheck.base.errors import UnknownVerdict, fail
from mmcheck.engines.smt.circuit import FALSE, TRUE
from mmcheck.engines.smt.decode import Decoder
from mmcheck.engines.smt.encoding import Encoding
from mmcheck.engines.smt.finals import Finals
from mmcheck.events.execution import Execution
from mmcheck.ir.program import Expr, Origin, Reg, Requirement
from mmcheck.verdict import caveats
from mmcheck.verdict.engine import Example, Observation, Order
from mmcheck.verdict.queries import Queries
from mmcheck.verdict.reachability import Goal, checks, goals, pairs, under, waits
from mmcheck.verdict.results import SETTLED
from mmcheck.verdict.vacuity import Ways

MAX_STATES = 100_000


class Solver(Queries):
    """See `mmcheck.verdict.engine.Engine` for what the methods say."""

    name = "smt"

    def dumps(self) -> Mapping[str, str]:
        made = {} if self._encodings is None else self._encodings.made()
        settled = bool(self.program.requirements) and self.program.requirements[-1].kind in SETTLED
        return {layer: e.solver.dump(self.assumptions(e, settled=settled)) for layer, e in made.items()}

    # --- runs that break a requirement -------------------------------------------------------------

    def may_break(self, requirement: Requirement, *, platform: bool = False) -> bool:
        encoding = self.encodings().compiled
        if platform and encoding.platform == FALSE:
            return False
        mode = [encoding.platform] if platform else []
        return self.reached(encoding, self._goals(requirement, encoding, platform=platform), *mode)

    def first(self, requirement: Requirement, order: Order, *, platform: bool = False) -> Example | None:
        encodings = self.encodings()
        if order == "compiled":
            encoding = encodings.compiled
            for goal in self._goals(requirement, encoding, platform=platform):
                found = self.emitted_small(goal, encoding)
                if found is not None:
                    return _example(*found, goal)
            return None
        encoding = encodings.textual if order == "text" else encodings.sequential
        for goal in self._goals(requirement, encoding, platform=platform):
            if self.meets(encoding, goal):
                decoder = self.shrink(encoding, goal)
                return _example(decoder.execution(), decoder, goal)
        return None

    def _goals(self, requirement: Requirement, encoding: Encoding, *, platform: bool) -> list[Goal]:
        found = goals(requirement, self.program, encoding)
        return under(found, encoding.platform) if platform else found

    def cut(self, requirement: Requirement) -> Sequence[str]:
        settled = requirement.kind in SETTLED
        return self.once("cut", settled, lambda: self._cut(settled=settled))

    def _cut(self, *, settled: bool) -> list[str]:
        encoding, found = self.encodings().compiled, dict[str, list[int]]()
        for cut in encoding.graph.cuts:
            text = f"{cut.origin.quoted('a loop')} of {self.program.threads[cut.thread].name}"
            found.setdefault(text, []).append(encoding.values.literal(cut.guard))
        assumptions = [lit for lit in self.assumptions(encoding, settled=settled) if lit != encoding.bounded]

        def some(guards: list[int]) -> bool:
            over = encoding.circuit.any(guards)
            return over != FALSE and encoding.solver.solve([*assumptions, over])

        any_at_all = some([guard for guards in found.values() for guard in guards])
        return [text for text, guards in found.items() if any_at_all and some(guards)]

    # --- requirements that nothing asks about ------------------------------------------------------

    def is_asked(self, requirement: Requirement) -> bool:
        encoding = self.encodings().compiled
        match requirement.kind:
            case "point":
                points = checks(requirement, encoding.graph)
                reached = encoding.circuit.any([encoding.values.literal(check.guard) for check in points])
                return self.solve(encoding, [reached], settled=False, free=True)
            case "ordered":
                return any(
                    self.solve(encoding, [encoding.happens[a], encoding.happens[b]], settled=False)
                    for a, b in pairs(requirement, encoding.graph)
                )
        return self.solve(encoding, [], settled=True)

    def probes_reached(self, ways: Ways) -> set[str]:
        probes = type(self)(
            ways.program, self.model, self.deadline, layered=self.layered, bound=self.bound, profile=self.profile,
            choices=self.choices, caveats=False,
        )  # fmt: skip
        encoding = probes.encodings().compiled
        guards: dict[str, list[int]] = {}
        for check in encoding.graph.checks:
            guards.setdefault(check.requirement, []).append(encoding.values.literal(check.guard))
        assumptions = [lit for lit in probes.assumptions(encoding, settled=False) if lit != encoding.bounded]
        reached = set()
        for way in ways.ways:
            for probe in way:
                literal = encoding.circuit.any(guards.get(probe, ()))
                if literal == FALSE or not encoding.solver.solve([*assumptions, literal]):
                    break
                reached.add(probe)
        return reached

    # --- caveats -----------------------------------------------------------------------------------

    def rests_on(self, requirement: Requirement) -> Sequence[str]:
        return [note for of in caveats.RESTS_ON for note in of(self, requirement)]

    def not_reached(self, requirement: Requirement) -> Sequence[str]:
        graph = self.encodings().graph
        if requirement.kind == "progress":
            # Not to wait is one way to go on.
            named = any("." in name for name in requirement.subjects)
            return caveats.unreached(self, waits(requirement, self.program, graph), settled=True) if named else []
        if requirement.kind != "point":
            return []
        points = checks(requirement, graph)
        unreached = caveats.unreached(self, points, settled=False) if len(points) > 1 else []
        return [*unreached, *self.once("idle", False, lambda: caveats.idle_waits(self))]

    def fetched_twice(self, requirement: Requirement) -> Sequence[str]:
        settled = requirement.kind in SETTLED
        return self.once("fetched", settled, lambda: caveats.fetched_twice(self, settled=settled))

    def stored_again(self, requirement: Requirement) -> Sequence[str]:
        settled = requirement.kind in SETTLED
        return self.once("stored", settled, lambda: caveats.stored_again(self, settled=settled))

    def spins(self, requirement: Requirement) -> str:
        return caveats.spins(self, requirement)

    def astray(self, requirement: Requirement) -> str:
        return self._astray(settled=requirement.kind in SETTLED)[0]

    def _astray(self, *, settled: bool) -> tuple[str, Origin]:
        return self.once("astray", settled, lambda: caveats.astray(self, settled=settled))

    def refuse_astray(self) -> None:
        if self._encodings is not None and self.program.requirements:
            try:
                with self.deadline:
                    found, origin = self._astray(settled=self.program.requirements[-1].kind in SETTLED)
            except UnknownVerdict:
                return  # what was not asked of a clean verdict left it unknown
            if found:
                help = "a pointer may still be null, or an index past the end, in a run that the model allows"
                raise fail("MM505", found, origin.span, help=help)

    # --- herd's question ---------------------------------------------------------------------------

    def observe(self, condition: Expr, passing: Expr | None, states: Sequence[Reg] | None) -> Observation:
        encoding = self._shared().compiled
        finals = Finals(encoding)
        assumed = encoding.assumptions()
        if passing is not None:
            assumed.append(encoding.values.literal(finals.term(passing)))
        wanted = encoding.values.literal(finals.term(condition))

        def possible(literal: int) -> bool:
            if literal == FALSE or FALSE in assumed:
                return False
            return encoding.solver.solve([lit for lit in (*assumed, literal) if lit != TRUE])

        text, origin = self._astray(settled=True)
        if text:
            return Observation(astray=origin)
        positive, negative = possible(wanted), possible(-wanted)
        cuts = encoding.circuit.any([encoding.values.literal(cut.guard) for cut in encoding.graph.cuts])
        cut = cuts != FALSE and encoding.solver.solve([cuts])
        found = None if states is None else _all_states(encoding, finals, states, assumed)
        return Observation(positive, negative, cut, None, found)


def _example(execution: Execution, decoder: Decoder, goal: Goal) -> Example:
    through = tuple([decoder.number[read] for read in sorted(goal.reads) if read in decoder.number])
    return Example(execution, goal.failed, through, goal.point, caveats.left_out(decoder))


def _all_states(
    encoding: Encoding, finals: Finals, observed: Sequence[Reg], assumed: list[int]
) -> list[dict[str, int]]:
    """Every final state in which the literals `assumed` hold, projected on `observed`: solve, block, repeat."""
    values, terms = encoding.values, [(reg.name, finals.state(reg)) for reg in observed]
    told = {
        name: tuple(values.of(term).values()) if values.is_listed(term) else values.bits(term) for name, term in terms
    }
    for literals in told.values():
        for literal in literals:
            encoding.circuit.assume(literal)
            encoding.circuit.assume(-literal)
    out: list[dict[str, int]] = []
    wanted = [lit for lit in assumed if lit != TRUE]
    while FALSE not in assumed and encoding.solver.solve(wanted):
        decoder = Decoder(encoding)
        state, block = {}, []
        for name, term in terms:
            if values.is_listed(term):
                state[name], literal = next((v, lit) for v, lit in values.of(term).items() if decoder.true(lit))
                block.append(-literal)
            else:
                state[name] = decoder.binary(told[name])
                block += [-literal if decoder.true(literal) else literal for literal in told[name]]
        out.append(state)
        if len(out) > MAX_STATES:
            raise UnknownVerdict(f"more than {MAX_STATES} final states")
        encoding.circuit.clause(block)
        if not any(lit != FALSE for lit in block):
            break
    return out
