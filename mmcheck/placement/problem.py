"""One file as an optimisation problem: sites, options, costs, and for each target a program with all options open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mmcheck.base.records import replace
from mmcheck.events.graph import EventGraph
from mmcheck.ir.program import Program
from mmcheck.language.lower.choices import Option, SiteChoice
from mmcheck.language.lower.names import Reporter
from mmcheck.language.lower.program import lower_program
from mmcheck.language.lower.spec import Spec
from mmcheck.placement.devices import with_device_words
from mmcheck.placement.options import instruction_options, pieces_of, powers
from mmcheck.placement.sites import Found, Scope, Site, find_sites
from mmcheck.target.costs import Costs
from mmcheck.target.targets import Target

Placement = Mapping[str, str]
"""Site -> the name of the option that stands there."""


@dataclass(slots=True)
class Problem:
    """Sites and targets, with tables: `cost` of each option, and `below`, which options are no stronger than which.

    `present` are the sites that a target's program has; the tables are filled by `price`.
    """

    spec: Spec
    variant: str | None
    targets: tuple[Target, ...]
    sites: tuple[Site, ...]
    programs: dict[Target, Program]
    costs: Costs
    frequency: dict[tuple[Target, str], float] = field(default_factory=dict)
    by_target: dict[tuple[Target, str, str], float] = field(default_factory=dict)
    cost: dict[tuple[str, str], float] = field(default_factory=dict)
    below: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)
    present: dict[Target, frozenset[str]] = field(default_factory=dict)
    compiler: str = "observed"
    """What a compiler keeps in order, by its profile."""

    @property
    def written(self) -> dict[str, str]:
        """The file as it is."""
        return {site.name: site.written for site in self.sites}

    @property
    def open_sites(self) -> tuple[Site, ...]:
        """The sites that were asked for."""
        return tuple(site for site in self.sites if not site.auxiliary)

    def site(self, name: str) -> Site:
        return next(site for site in self.sites if site.name == name)

    def targets_of(self, site: Site) -> tuple[Target, ...]:
        """The targets that the choice at `site` is for."""
        return tuple(target for target in self.targets if site.name in self.present.get(target, ()))

    def total(self, placement: Placement) -> float:
        return sum(self.cost[site, option] for site, option in placement.items())

    def per_target(self, placement: Placement) -> dict[str, float]:
        return {
            target.name: sum(self.by_target.get((target, site, option), 0.0) for site, option in placement.items())
            for target in self.targets
        }

    def weakest(self) -> dict[str, str]:
        return {site.name: site.weakest for site in self.sites}

    def price(self, graphs: Mapping[Target, EventGraph]) -> None:
        """Fill the tables; `graphs` say where a site is at all, and how often it is executed in a run."""
        self.present = {target: frozenset(graph.choices) for target, graph in graphs.items()}
        self.sites = tuple(site for site in self.sites if self.targets_of(site))
        for site in self.sites:
            targets = self.targets_of(site)
            for target in targets:
                self.frequency[target, site.name] = self._frequency(site, graphs[target])
            for option in site.options:
                for target in targets:
                    self.by_target[target, site.name, option.name] = self._price(site, option, target)
                self.cost[site.name, option.name] = sum(
                    self.by_target[target, site.name, option.name] for target in targets
                )
            strength = {option.name: [powers(option, target) for target in targets] for option in site.options}
            self.below[site.name] = {
                name: frozenset(
                    other for other, mine in strength.items() if all(a <= b for a, b in zip(mine, own, strict=True))
                )
                for name, own in strength.items()
            }

    def _frequency(self, site: Site, graph: EventGraph) -> float:
        name = site.name.removesuffix(f" on {site.target}")
        for given in (name, name.partition(".")[2]):  # `mmcheck run` counts by label
            if given in self.costs.frequency:
                return self.costs.frequency[given]
        kinds = [event.kind for event in graph.events if event.site == site.name]
        count = next((kinds.count(kind) for kind in ("W", "R", "F") if kind in kinds), 0)
        return count * (self.costs.rounds if site.inside_await else 1)

    def _price(self, site: Site, option: Option, target: Target) -> float:
        def of(one: Option) -> tuple[float, int]:
            pieces = pieces_of(one, target)
            instructions = sum(self.costs.instructions(piece, target) for piece in pieces)
            return instructions, sum(self.costs.constraints(piece) for piece in pieces)

        instructions, constraints = of(option)
        least, fewest = of(site.options[0])
        frequency = self.frequency[target, site.name]
        # A constraint on the compiler costs in the text and not at run time, and never outweighs an instruction.
        return frequency * max(0, instructions - least) + max(0, constraints - fewest) * min(frequency, 1)


def make_problem(
    spec: Spec,
    targets: Sequence[Target],
    *,
    scope: Scope,
    costs: Costs,
    variant: str | None = None,
    instructions: bool = False,
    fixed: Iterable[str] = (),
    bound: int = 2,
    timeout: float | None = None,
    compiler: str = "observed",
) -> Problem:
    """The problem of `spec`; `instructions`: barriers are each target's own. Raises `InputError`.

    `bound`: rounds of loops that are looked at, for `timeout` seconds at most, to find out which barriers stand beside
    accesses to a device.
    """
    for target in targets:
        costs.rows(target)
    found = find_sites(spec.declarations(variant), scope, spec.path, fixed)
    sites = found.sites
    programs = _programs(found, sites, targets)
    extended = with_device_words(sites, programs, bound, timeout)
    if instructions:
        extended = tuple(one for site in extended for one in _with_instructions(site, targets))
    if extended != sites:
        programs = _programs(found, extended, targets)
    return Problem(spec, variant, tuple(targets), extended, programs, costs, compiler=compiler)


def _programs(found: Found, sites: Sequence[Site], targets: Sequence[Target]) -> dict[Target, Program]:
    programs = {}
    for target in targets:
        reporter = Reporter()
        mine = [site for site in sites if site.target in ("", target.name)]
        chooser = {site.key: SiteChoice(site.name, site.options) for site in mine}
        programs[target] = lower_program(found.table, target, reporter, chooser)
        reporter.check()
    return programs


def _with_instructions(site: Site, targets: Sequence[Target]) -> list[Site]:
    """A barrier may be another instruction on each target; the order of an access is one for all."""
    if site.kind == "order":
        return [site]
    written = site.option(site.written) if site.written != site.weakest else None
    return [
        replace(
            site,
            name=f"{site.name} on {target.name}",
            options=instruction_options(written, target, devices=site.devices),
            target=target.name,
        )
        for target in targets
    ]
