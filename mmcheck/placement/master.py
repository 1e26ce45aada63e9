"""The master problem: a cheapest placement that meets every clause found so far.

A clause says, for some sites, which options would do; one of them must be chosen (a hitting set in which each set's
elements are options and not only sites). Solved exactly by branch and bound: branch on an unmet clause with the fewest
ways to meet it, bound by what the clauses that share no site must still cost. Instances are small: tens of clauses of a
few sites each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from mmcheck.base.errors import UnknownVerdict

Clause = Mapping[str, frozenset[str]]
"""Site -> the options of it that would do."""

MAX_NODES = 500_000
"""Nodes of one search, before the master gives up."""

SLACK = 1e-9


@dataclass(slots=True)
class Master:
    """`costs` has for each site its options with their costs."""

    costs: Mapping[str, Mapping[str, float]]
    clauses: list[Clause] = field(default_factory=list)
    excluded: set[tuple[tuple[str, str], ...]] = field(default_factory=set)
    prefer: Mapping[str, str] = field(default_factory=dict)
    """Options that are taken where the cost is the same."""
    _nodes: int = 0

    def add(self, clause: Clause) -> None:
        """Demand that one of the options of `clause` be chosen; weaker clauses are forgotten."""
        self.clauses = [old for old in self.clauses if not _implies(clause, old)]
        if not any(_implies(old, clause) for old in self.clauses):
            self.clauses.append(dict(clause))

    def exclude(self, placement: Mapping[str, str]) -> None:
        """Do not propose exactly this placement again: it is one of the cheapest, and others are looked for."""
        self.excluded.add(tuple(sorted(placement.items())))

    def solve(self, limit: float = float("inf")) -> tuple[float, dict[str, str]] | None:
        """A cheapest placement that costs at most `limit`; None if there is none. Raises `UnknownVerdict`."""
        self._nodes = 0
        start = {site: frozenset(options) for site, options in self.costs.items()}
        best = _Best(limit)
        self._search(start, best)
        return None if best.placement is None else (best.cost, best.placement)

    # --- search ------------------------------------------------------------------------------------

    def _search(self, allowed: dict[str, frozenset[str]], best: _Best) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise UnknownVerdict(f"the master problem has more than {MAX_NODES} nodes")
        least = {site: min(self.costs[site][option] for option in options) for site, options in allowed.items()}
        base = sum(least.values())
        unmet: list[tuple[list[tuple[float, str]], Clause]] = []
        for clause in self.clauses:
            ways: list[tuple[float, str]] = []
            met = False
            for site, options in clause.items():
                possible = options & allowed[site]
                if not possible:
                    continue
                if possible == allowed[site]:
                    met = True
                    break
                ways.append((min(self.costs[site][option] for option in possible) - least[site], site))
            if met:
                continue
            if not ways:
                return
            unmet.append((ways, clause))
        if base + _disjoint(unmet) > best.bound + SLACK:
            return
        if not unmet:
            self._leaf(allowed, least, base, best)
            return
        # A clause whose cheapest way costs nothing may be met by the leaf's own choice: it is branched on like any.
        ways, clause = min(unmet, key=lambda each: (len(each[0]), -min(each[0])[0]))
        rest = dict(allowed)
        for _, site in sorted(ways):
            chosen = dict(rest)
            chosen[site] = rest[site] & clause[site]
            if chosen[site]:
                self._search(chosen, best)
            rest[site] = rest[site] - clause[site]
            if not rest[site]:
                return

    def _leaf(
        self, allowed: Mapping[str, frozenset[str]], least: Mapping[str, float], base: float, best: _Best
    ) -> None:
        ties: list[list[str]] = []
        for site, options in allowed.items():
            cheapest = [option for option in options if self.costs[site][option] <= least[site] + SLACK]
            ties.append(sorted(cheapest, key=lambda option: (self.prefer.get(site) != option, option)))
        for combination in product(*ties):
            placement = dict(zip(allowed, combination, strict=True))
            if tuple(sorted(placement.items())) not in self.excluded:
                changes = sum(self.prefer.get(site) != option for site, option in placement.items())
                best.offer(base, changes, placement)
                return


@dataclass(slots=True)
class _Best:
    bound: float
    cost: float = float("inf")
    changes: int = 0
    placement: dict[str, str] | None = None

    def offer(self, cost: float, changes: int, placement: dict[str, str]) -> None:
        if cost > self.bound + SLACK:
            return
        if (
            self.placement is None
            or (cost, changes) < (self.cost - SLACK, self.changes)
            or (cost <= self.cost + SLACK and changes < self.changes)
        ):
            self.bound = self.cost = cost
            self.changes, self.placement = changes, placement


def _implies(strong: Clause, weak: Clause) -> bool:
    """Whether meeting `strong` meets `weak`."""
    return all(site in weak and options <= weak[site] for site, options in strong.items())


def _disjoint(unmet: Sequence[tuple[list[tuple[float, str]], Clause]]) -> float:
    """What clauses that have no site in common must cost together."""
    used: set[str] = set()
    total = 0.0
    for ways, _ in sorted(unmet, key=lambda each: -min(each[0])[0]):
        sites = {site for _, site in ways}
        if used.isdisjoint(sites):
            used |= sites
            total += min(ways)[0]
    return total


def placements_of(sites: Iterable[tuple[str, Sequence[str]]]) -> int:
    """How many placements there are: what exhaustive search would try."""
    total = 1
    for _, options in sites:
        total *= len(options)
    return total
