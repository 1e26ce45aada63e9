"""What the search means for the file as it is: what is missing, redundant, too strong, or in the wrong place.

Everything is relative to the *repaired* file: the cheapest right placement that is nowhere weaker than what is
written. If the file is right, that is the file. A barrier is redundant if the repaired file stays right without it, and
too strong if it stays right with something cheaper there; both are tried one after the other, so all that is said
holds together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.records import record
from mmcheck.events.graph import GEvent
from mmcheck.placement.oracle import MEMORY, Counterexample, Oracle
from mmcheck.placement.problem import Placement, Problem
from mmcheck.placement.search import Outcome, Search
from mmcheck.placement.sites import Site
from mmcheck.verdict.check import Checker
from mmcheck.verdict.results import Counterexample as Run
from mmcheck.verdict.results import Layer


@record
class Missing:
    """A requirement that the file breaks on a target, the run that shows it, and the changes that repair it.

    Without `repairs` no choice at these sites does; `sequential` says that the run is one of plain interleaving, which
    no barrier prevents.
    """

    requirement: str
    target: str
    layer: Layer | None
    run: Run
    repairs: tuple[tuple[str, str], ...]
    sequential: bool = False


@record
class Change:
    """At `site` stands `word`; `enough` would do (nothing, if it is redundant), or it belongs to `to`.

    `repairs` are the requirements that the move repairs. `proof`: per target, the barriers that the proof uses that the
    requirements hold without it.
    """

    site: str
    word: str
    enough: str = ""
    to: str = ""
    repairs: tuple[str, ...] = ()
    proof: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class Findings:
    missing: list[Missing] = field(default_factory=list)
    redundant: list[Change] = field(default_factory=list)
    too_strong: list[Change] = field(default_factory=list)
    misplaced: list[Change] = field(default_factory=list)
    repaired: dict[str, str] | None = None
    """The cheapest right placement that is nowhere weaker than the file."""
    rests_on: dict[str, list[str]] = field(default_factory=dict)
    """Per target, the barriers that the proof of the optimum uses (from the solver's unsatisfiable core)."""

    @property
    def any(self) -> bool:
        return bool(self.missing or self.redundant or self.too_strong or self.misplaced)


def find(problem: Problem, oracle: Oracle, search: Search, outcome: Outcome) -> Findings:
    """The findings on the file as it is written. Raises `UnknownVerdict`."""
    return _Finder(problem, oracle, search, outcome).run()


class _Finder:
    def __init__(self, problem: Problem, oracle: Oracle, search: Search, outcome: Outcome) -> None:
        self.problem = problem
        self.oracle = oracle
        self.search = search
        self.outcome = outcome
        self.written = problem.written
        self.findings = Findings()
        self._near: dict[str, frozenset[str]] = {}

    def run(self) -> Findings:
        findings = self.findings
        for requirement, found in self.outcome.impossible.items():
            self._impossible(requirement, found)
        broken = list(self._broken(self.written))
        repaired = self._repaired() if broken else dict(self.written)
        if repaired is None:
            raise UnknownVerdict("no placement above the written one is right")
        findings.repaired = repaired
        findings.missing += [self._missing(found, repaired) for found in broken]
        if broken:
            findings.misplaced = list(self._misplaced(repaired))
        moved = {change.site for change in findings.misplaced}
        self._weaken(repaired, moved)
        if self.outcome.optima:
            findings.rests_on = {name: list(sites) for name, sites in self._rests_on(self.outcome.optima[0]).items()}
        return findings

    def _rests_on(self, placement: Placement) -> dict[str, tuple[str, ...]]:
        """Per target, the barriers of a right placement that the solver's proof uses."""
        return {
            target.name: tuple(sorted(each for each in sites if placement[each] != self.problem.site(each).weakest))
            for target, sites in self.oracle.core(placement).items()
        }

    # --- missing -----------------------------------------------------------------------------------

    def _broken(self, placement: Placement) -> Iterator[Counterexample]:
        """One run for each requirement and target that `placement` breaks."""
        for target in self.problem.targets:
            if self.oracle.refute(placement, targets=[target]) is None:
                continue
            names = [requirement.name for requirement in self.oracle.requirements(target)]
            for name in dict.fromkeys([*names, MEMORY]):
                found = self.oracle.refute(placement, targets=[target], only=name)
                if found is not None and self.oracle.meets_devices(target):
                    # A run that the CPU's model allows says more than one that only the platform's rules do.
                    found = self.oracle.refute(placement, targets=[target], only=name, platform=False) or found
                if found is not None:
                    self.search.pool.append(found)
                    yield found

    def _repaired(self) -> dict[str, str] | None:
        search = Search(
            self.problem,
            self.oracle,
            all_optima=False,
            least=self.written,
            known=self.search,
            deadline=self.search.deadline,
            prefer=self.outcome.optima[0] if self.outcome.optima else None,
        )
        outcome = search.run()
        if outcome.reason:
            raise UnknownVerdict(outcome.reason)
        if not outcome.optima:
            return None
        repaired = outcome.optima[0]
        for site in self.problem.open_sites:
            # A stronger word may be the cheaper one: what needs no repair stays as it is all the same.
            as_written = {**repaired, site.name: self.written[site.name]}
            if as_written != repaired and self.search.right(as_written):
                repaired = as_written
        return repaired

    def _missing(self, found: Counterexample, repaired: Placement) -> Missing:
        """A part of the repair that mends this requirement on this target, and no part of that part does."""
        name = found.requirement.name
        current = dict(repaired)
        needed = []
        changed = [site for site in self.problem.open_sites if self.written[site.name] != repaired[site.name]]
        changed.sort(key=lambda site: site.kind != "gap")  # if either would do, the place that has a name is told
        for site in changed:
            without = {**current, site.name: self.written[site.name]}
            if self._breaks(found, without):
                needed.append((site.name, repaired[site.name]))
            else:
                current = without
        run, layer = self._shown(found, self.written)
        return Missing(name, found.target.name, layer, run, tuple(needed))

    def _shown(self, found: Counterexample, placement: Placement) -> tuple[Run, Layer | None]:
        """The run that is shown, and the layer that lets it through. If the one found needs a compiler, another may
        not: the outermost layer that has a run is told, as `mmcheck verify` does."""
        run, layer = found.replay.as_counterexample(placement)
        if layer == "compiler" and found.requirement.name != MEMORY:
            finding = Checker(self.oracle.solvers[found.target].sibling(placement)).run(found.requirement)
            if finding.counterexample is not None:
                return finding.counterexample, finding.layer
        return run, layer

    def _breaks(self, found: Counterexample, placement: Placement) -> bool:
        """Whether `placement` breaks the requirement of `found` on its target."""
        name = found.requirement.name
        for each in self.search.pool:
            if each.requirement.name == name and each.target == found.target:
                if each.replay.allowed(placement) and each.replay.emitted(placement):
                    return True
        other = self.oracle.refute(placement, targets=[found.target], only=name)
        if other is not None:
            self.search.pool.append(other)
        return other is not None

    def _impossible(self, requirement: str, found: Counterexample) -> None:
        run, layer = self._shown(found, self.written if found.replay.allowed(self.written) else self._strongest())
        self.findings.missing.append(Missing(requirement, found.target.name, layer, run, (), sequential=not run.cycle))

    def _strongest(self) -> dict[str, str]:
        order = self.search.order
        return {
            site.name: site.written if site.auxiliary else order.strongest_above(site.name, site.weakest)
            for site in self.problem.sites
        }

    # --- redundant, too strong ---------------------------------------------------------------------

    def _weaken(self, repaired: Placement, moved: set[str]) -> None:
        current = dict(repaired)
        best = self.outcome.optima[0] if self.outcome.optima else {}
        sites = [site for site in self.problem.open_sites if site.written != site.weakest]
        # Of two barriers that do the same work, the one that the optimum does without goes first.
        sites.sort(key=lambda site: (best.get(site.name) == site.written, best.get(site.name) != site.weakest))
        for site in sites:
            price = self.problem.cost[site.name, current[site.name]]
            cheaper = [option for option in site.options if self.problem.cost[site.name, option.name] < price]
            cheaper.sort(key=lambda option: self.problem.cost[site.name, option.name])
            if site.name not in moved and site.weakest != current[site.name]:
                cheaper = [site.options[0], *[option for option in cheaper if option.name != site.weakest]]
            for option in cheaper:
                if not self.search.right({**current, site.name: option.name}):
                    continue
                current[site.name] = option.name
                if site.name in moved:
                    break
                change = Change(site.name, site.written, option.name, proof=self._rests_on(current))
                (self.findings.redundant if option.name == site.weakest else self.findings.too_strong).append(change)
                break
        position = {site.name: site.span.start for site in self.problem.sites}
        self.findings.redundant.sort(key=lambda change: position[change.site])
        self.findings.too_strong.sort(key=lambda change: position[change.site])

    # --- misplaced ---------------------------------------------------------------------------------

    def _misplaced(self, repaired: Placement) -> Iterator[Change]:
        """Barriers that do, one access further up or down, the work of one that the repair has to add."""
        names = {site.name for site in self.problem.sites}
        added = [name for name in sorted(names) if repaired[name] != self.written[name]]
        for site in self.problem.sites:
            if site.kind != "fence" or site.written == site.weakest or site.auxiliary or site.name in added:
                continue
            change = self._moved(site, repaired, added)
            if change is not None:
                yield change

    def _moved(self, site: Site, repaired: Placement, added: list[str]) -> Change | None:
        for other in self._neighbours(site):
            word = next((option.name for option in other.options if option.name == site.written), None)
            for name in added if word is not None else ():
                without = {**repaired, name: self.written[name]}
                if self.search.right({**without, site.name: site.weakest, other.name: word or ""}):
                    needs = [each.requirement for each in self.findings.missing if name in dict(each.repairs)]
                    return Change(site.name, site.written, to=other.name, repairs=tuple(dict.fromkeys(needs)))
        return None

    def _neighbours(self, site: Site) -> Iterator[Site]:
        """The next empty places for a barrier, behind and before: in the text, or one access further in a run."""
        own = [other for other in self.problem.sites if other.owner == site.owner and other.kind != "order"]
        empty = [other for other in own if other.written == other.weakest]
        behind = [other for other in empty if other.span.start > site.span.start]
        before = [other for other in empty if other.span.start < site.span.start]
        near = [*behind[:1], *before[-1:]]
        yield from near
        names = {other.name for other in near}
        for other in self.problem.sites:
            if other.name in self._beside(site) - names and other.written == other.weakest:
                yield other

    def _beside(self, site: Site) -> frozenset[str]:
        """The barriers that are one access away from `site` in a thread as it runs, calls and loops unfolded."""
        known = self._near.get(site.name)
        if known is None:
            found: set[str] = set()
            for target in self.problem.targets_of(site):
                graph = self.oracle.encoding(target).graph
                second = {write for _, write in (*graph.amo, *graph.lxsx)}
                threads: dict[int, list[GEvent]] = {}
                for event in graph.events:
                    if event.id not in second:
                        threads.setdefault(event.thread, []).append(event)
                for events in threads.values():
                    for place, event in enumerate(events):
                        if event.site == site.name:
                            found |= _one_further(events[place + 1 :]) | _one_further(events[:place][::-1])
            known = self._near[site.name] = frozenset(found - {site.name})
        return known


def _one_further(events: Sequence[GEvent]) -> set[str]:
    """The sites of fences behind the first access of `events` and before the second."""
    found: set[str] = set()
    passed: list[GEvent] = []
    for event in events:
        if event.is_access:
            if passed and not (event.group and event.group == passed[-1].group):
                break
            passed.append(event)
        elif passed and event.site:
            found.add(event.site)
    return found
