"""The loop of implicit hitting sets (Moreno-Centeno and Karp 2013; Davies and Bacchus 2011), for barriers.

The master proposes a cheapest placement that meets all clauses; its cost is a lower bound on every right placement. If
a run that is known already survives the proposal, or the solver finds a new one, the run is replayed under stronger
placements, as strong as it can bear: any placement that is right must be stronger than that at one site at least.
That is the next clause. When no run survives, the proposal is right, and no cheaper one is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mmcheck.base.errors import UnknownVerdict
from mmcheck.placement.master import Clause, Master
from mmcheck.placement.monotone import Order
from mmcheck.placement.oracle import Counterexample, Oracle
from mmcheck.placement.problem import Placement, Problem
from mmcheck.placement.sites import Site

TIGHT = 3
"""Sites of a clause that is tight enough."""

MAX_TIGHTENED = 6
"""Questions to the solver for a tighter run, at most twice as many."""

INTERRUPTED = "interrupted"
"""The reason why there is no proof, after Ctrl-C."""

MAX_OPTIMA = 32
"""Cheapest placements that are listed."""


@dataclass(slots=True)
class Outcome:
    """What a search found: all cheapest placements (`more`: there are others), or the reason why there is no proof.

    `impossible`: the sites do not suffice for these requirements, with the run that shows it.
    """

    optima: list[dict[str, str]] = field(default_factory=list)
    cost: float | None = None
    lower_bound: float = 0.0
    queries: int = 0
    proved: bool = False
    more: bool = False
    reason: str = ""
    impossible: dict[str, Counterexample] = field(default_factory=dict)
    clauses: int = 0
    seconds: float = 0.0


class Search:
    """Finds the cheapest right placements of the open sites; the others stay as they are written.

    With `least` only placements that are nowhere weaker than it; `known` is a search of the same problem whose runs
    and clauses are taken over; of equal cost what `prefer` has is taken (what is written, if not given).
    """

    def __init__(
        self,
        problem: Problem,
        oracle: Oracle,
        *,
        all_optima: bool = True,
        on_bound: Callable[[float], None] | None = None,
        deadline: float | None = None,
        least: Placement | None = None,
        known: Search | None = None,
        prefer: Placement | None = None,
    ) -> None:
        self.problem = problem
        self.oracle = oracle
        self.all_optima = all_optima
        self.on_bound = on_bound
        self.deadline = deadline
        self.least = least
        self.prefer = problem.written if prefer is None else prefer
        self.order: Order = Order(problem) if known is None else known.order
        self.pool: list[Counterexample] = [] if known is None else known.pool
        self.clauses: list[tuple[str, Clause]] = [] if known is None else list(known.clauses)
        """Each with the requirement that it comes from."""
        self.sites = {site.name: site for site in problem.sites}
        self.outcome = Outcome()
        self._master = self._new_master()

    # --- the loop ----------------------------------------------------------------------------------

    def run(self) -> Outcome:
        started = time.process_time()
        outcome = self.outcome
        try:
            self._cheapest()
            if outcome.optima and self.all_optima:
                self._others()
            outcome.proved = True
        except UnknownVerdict as unknown:
            outcome.reason = unknown.reason
        except KeyboardInterrupt:
            outcome.reason = INTERRUPTED
        outcome.queries = self.oracle.queries
        outcome.clauses = len(self.clauses)
        outcome.seconds = time.process_time() - started
        return outcome

    def _cheapest(self) -> None:
        while True:
            found = self._master.solve()
            if found is None:
                self._give_up_one()
                continue
            cost, placement = found
            if cost > self.outcome.lower_bound:
                self.outcome.lower_bound = cost
                if self.on_bound is not None:
                    self.on_bound(cost)
            if self._right(placement):
                self.outcome.cost = cost
                self.outcome.optima.append(placement)
                return

    def _others(self) -> None:
        """All other placements of the same cost."""
        assert self.outcome.cost is not None
        while True:
            self._master.exclude(self.outcome.optima[-1])
            while True:
                found = self._master.solve(self.outcome.cost)
                if found is None:
                    return
                if self._right(found[1]):
                    break
            if len(self.outcome.optima) >= MAX_OPTIMA:
                self.outcome.more = True
                return
            self.outcome.optima.append(found[1])

    def _right(self, placement: dict[str, str]) -> bool:
        """Whether `placement` is right; if not, there is a new clause that says so."""
        self._check_time()
        for known in reversed(self.pool):
            if known.replay.allowed(placement) and known.replay.emitted(placement):
                self._learn(known, placement)
                return False
        found = self.oracle.refute(placement)
        if found is None:
            return True
        self.pool.append(found)
        self._learn(*self._tighten(found, placement))
        return False

    def _check_time(self) -> None:
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise UnknownVerdict("the time limit was reached")

    def _tighten(self, found: Counterexample, placement: dict[str, str]) -> tuple[Counterexample, dict[str, str]]:
        """A run that bears more than the one found, if there is one: what breaks it says more about what is needed.

        A run in which everything happens late is broken by a barrier almost anywhere. So the solver is asked once more
        with half of those barriers in place, as long as that finds a run.
        """
        for _ in range(MAX_TIGHTENED):
            useful = sorted(self.clause(found, placement), key=lambda name: self.sites[name].span.start)
            if len(useful) <= TIGHT:
                break
            half = len(useful) // 2
            for chosen in (useful[:half], useful[half:]):
                strongest = self.grow(found, placement)
                strongest |= {name: self.order.strongest_above(name, strongest[name]) for name in chosen}
                other = self.oracle.refute(strongest, targets=[found.target])
                if other is not None:
                    self.pool.append(other)
                    found, placement = other, strongest
                    break
            else:
                break
        return found, placement

    def right(self, placement: Placement) -> bool:
        """Whether `placement` is right: by the runs that are known, or by the solver. Nothing is learnt of clauses."""
        return self.breaks(placement) is None

    def breaks(self, placement: Placement) -> Counterexample | None:
        """A run that breaks `placement`, if there is one."""
        self._check_time()
        for known in reversed(self.pool):
            if known.replay.allowed(placement) and known.replay.emitted(placement):
                return known
        found = self.oracle.refute(placement)
        if found is not None:
            self.pool.append(found)
        return found

    def cheaper_neighbours(self, placement: Placement) -> dict[tuple[str, str], Counterexample | None]:
        """Every placement that differs at one site and costs less there, with a run that refutes it (None: right)."""
        out: dict[tuple[str, str], Counterexample | None] = {}
        for site in self.problem.open_sites:
            price = self.problem.cost[site.name, placement[site.name]]
            for option in site.options:
                if self.problem.cost[site.name, option.name] < price:
                    out[site.name, option.name] = self.breaks({**placement, site.name: option.name})
        return out

    # --- clauses -----------------------------------------------------------------------------------

    def _learn(self, found: Counterexample, placement: Placement) -> None:
        clause = self.clause(found, placement)
        self.clauses.append((found.requirement.name, clause))
        self._master.add(clause)
        if not clause:
            self.outcome.impossible.setdefault(found.requirement.name, found)

    def clause(self, found: Counterexample, placement: Placement) -> Clause:
        """The choices of which each would break the run that refutes `placement`; at least one must be made."""
        strongest = self.grow(found, placement)
        useless = {name: self.order.no_stronger(name, strongest[name]) for name in found.replay.sites}
        clause = {}
        for name, options in sorted(self._widened(found, useless).items()):
            site = self.sites[name]
            rest = frozenset(option.name for option in site.options) - options
            if rest and not site.auxiliary:
                clause[name] = rest
        return clause

    def _widened(self, found: Counterexample, useless: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        """More options that the run bears, all of them together at every site.

        Of two that are not related (a compiler barrier, an acquire fence) a placement has one; the run is tried with
        what both do. So one clause says what would otherwise take one for every combination.
        """
        if not self.order.unions(found.target):
            return useless
        current = dict(useless)
        open_ = [self.sites[name] for name in sorted(useless) if not self.sites[name].auxiliary]
        offered = {site.name: frozenset(option.name for option in site.options) for site in open_}
        names = sorted({option for name, options in offered.items() for option in options - useless[name]})

        def bears(sites: list[str], option: str) -> bool:
            more = {name: current[name] | self.order.no_stronger(name, option) for name in sites}
            if not found.replay.allowed({**current, **more}):
                return False
            current.update(more)
            return True

        for option in names:
            sites = [name for name, options in offered.items() if option in options - current[name]]
            if not bears(sites, option) and len(sites) > 1:
                for name in sites:
                    bears([name], option)
        if current == useless or not found.replay.emitted(current):
            return useless
        return current

    def grow(self, found: Counterexample, placement: Placement) -> dict[str, str]:
        """A placement above `placement`, as strong as the run can bear (as far as strength is known to be monotone)."""
        current = dict(placement)
        sites = [self.sites[name] for name in sorted(found.replay.sites) if not self.sites[name].auxiliary]
        sites.sort(key=lambda site: site.span.start)
        self._raise(found, current, sites)
        if not found.replay.emitted(current):
            # As a partial order it bears more than in any single order of the compiler's: stay where it is real.
            return dict(placement)
        return current

    def _raise(self, found: Counterexample, current: dict[str, str], sites: list[Site]) -> None:
        """Raise `sites` as far as possible: all at once, or else each half."""
        goals = {}
        for site in sites:
            top = self.order.strongest_above(site.name, current[site.name])
            if top != current[site.name]:
                goals[site.name] = top
        if not goals:
            return
        if found.replay.allowed({**current, **goals}):
            current.update(goals)
            return
        if len(goals) > 1:
            rest = [site for site in sites if site.name in goals]
            middle = len(rest) // 2
            self._raise(found, current, rest[:middle])
            self._raise(found, current, rest[middle:])
            return
        (name,) = goals
        for option in self.order.above(name, current[name]):
            if option != goals[name] and found.replay.allowed({**current, name: option}):
                current[name] = option
                return

    def _give_up_one(self) -> None:
        """No placement meets all clauses: give up a requirement that the sites cannot meet."""
        blamed = [name for name, clause in self.clauses if not clause]
        if not blamed:
            # Together they contradict: only where strength is not monotone, or sites exclude each other.
            raise UnknownVerdict("no placement meets all requirements together")
        name = blamed[0]
        self.oracle.drop(name, "no choice at these sites meets it")
        self.clauses = [(owner, clause) for owner, clause in self.clauses if owner != name]
        self.pool = [found for found in self.pool if found.requirement.name != name]
        self.outcome.lower_bound = 0.0
        self._master = self._new_master()

    def _new_master(self) -> Master:
        costs = {}
        for site in self.problem.sites:
            options = [site.written] if site.auxiliary else [option.name for option in site.options]
            if self.least is not None:
                wanted = self.least[site.name]
                options = [option for option in options if wanted in self.order.no_stronger(site.name, option)]
            costs[site.name] = {option: self.problem.cost[site.name, option] for option in options}
        master = Master(costs, prefer=self.prefer)
        for _, clause in self.clauses:
            master.add(clause)
        return master
