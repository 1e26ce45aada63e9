"""``mmcheck place``: files to placements, findings and edits."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmcheck.base.errors import Diagnostic, InputError, InternalError, UnknownVerdict, fail
from mmcheck.base.files import find_files, read_source, write
from mmcheck.base.records import record
from mmcheck.base.source import SourceFile
from mmcheck.language.herd.columns import is_herd_format
from mmcheck.language.lower.spec import Spec, load_spec
from mmcheck.model.model import load_model
from mmcheck.placement.confirm import confirm
from mmcheck.placement.edits import apply, diff, edits_of
from mmcheck.placement.findings import Findings, find
from mmcheck.placement.master import placements_of
from mmcheck.placement.oracle import Oracle
from mmcheck.placement.problem import Placement, Problem, make_problem
from mmcheck.placement.search import INTERRUPTED, Outcome, Search
from mmcheck.placement.sites import Scope, names_of
from mmcheck.target.costs import Costs, default_costs
from mmcheck.target.targets import Target, parse_target
from mmcheck.verdict.verify import settled


@record
class PlaceOptions:
    """What `place` was asked; see `mmcheck.placement.place.place_file`."""

    targets: tuple[str, ...] = ()
    scope: Scope = "marked"
    instructions: bool = False
    variant: str | None = None
    fixed: tuple[str, ...] = ()
    costs: Costs = field(default_factory=default_costs)
    bound: int = 2
    compiler: str = "observed"
    timeout: float | None = None
    write: bool = False


@dataclass(slots=True)
class PlaceReport:
    """Everything about one file: the optimisation, if there was one, and the edits that it comes to."""

    path: str
    part: Part | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    notes: tuple[str, ...] = ()
    diff: str = ""
    written: bool = False

    @property
    def exit_code(self) -> int:
        """0 already an optimum, or written; 1 findings; 2 could not check; 3 no proof."""
        if any(each.severity == "error" for each in self.diagnostics):
            return 2
        if self.part is None:
            return 0
        if not self.part.outcome.proved:
            return 3
        if self.part.unmet:
            return 1
        return 0 if self.written or self.part.is_optimal else 1


@dataclass(slots=True)
class Part:
    """One optimisation: the problem, what the search found, and what it means for the file.

    `verified` says that the optimum was checked again on its own, `neighbours` how many cheaper placements next to it
    were refuted one by one.
    """

    problem: Problem
    outcome: Outcome
    findings: Findings
    verified: bool = False
    neighbours: int = 0
    queries: int = 0
    exhaustive: int = 0
    dropped: Mapping[str, str] = field(default_factory=dict)
    """Requirements that no barrier can meet, and why."""
    vacuous: Mapping[str, str] = field(default_factory=dict)
    """Requirements that nothing is checked of with the optimum, and why."""
    claimed: frozenset[str] = frozenset()
    """Those of both that the file expects to be violated, or vacuous, on every target."""
    interrupted: bool = False
    seconds: float = 0.0
    models: tuple[str, ...] = ()
    """What judged it, by name and title, one for each model of the targets."""
    bound: int = 2

    @property
    def best(self) -> dict[str, str] | None:
        return self.outcome.optima[0] if self.outcome.optima else None

    @property
    def unmet(self) -> frozenset[str]:
        """Requirements that no barrier can meet, or that nothing is checked of, although the file claims them."""
        return frozenset((*self.dropped, *self.vacuous)) - self.claimed

    @property
    def is_optimal(self) -> bool:
        """Whether the file as written is right, as far as barriers go, and no other placement is cheaper."""
        if self.outcome.cost is None or self.problem.written not in self.outcome.optima:
            return False
        findings = self.findings
        missing = [each for each in findings.missing if each.requirement not in self.claimed]
        return not (missing or findings.redundant or findings.too_strong or findings.misplaced)


def place(
    paths: Sequence[str | Path], options: PlaceOptions, *, on_progress: Callable[[str], None] | None = None
) -> list[PlaceReport]:
    """Place the barriers of each file; directories are searched for ``*.litmus``."""
    for name in options.targets:
        parse_target(name)
    found, problems = find_files(paths)
    reports = [PlaceReport(problem.path, diagnostics=(problem,)) for problem in problems]
    for path in found:
        if on_progress is not None:
            on_progress(path)
        reports.append(place_file(path, options, on_progress=on_progress))
        part = reports[-1].part
        if part is not None and part.interrupted:
            break
    return reports


def place_file(path: str, options: PlaceOptions, *, on_progress: Callable[[str], None] | None = None) -> PlaceReport:
    """One file: its cheapest right placements, the findings, the diff; with ``write`` the file is changed."""
    report = PlaceReport(path)
    try:
        source = read_source(path)
        if is_herd_format(source.text):
            return PlaceReport(path, notes=("herd's formats have no sites: nothing to place",))
        spec = load_spec(source)
        if spec.is_library:
            return PlaceReport(path, notes=("a library: nothing to place in this file alone",))
        on_bound = None if on_progress is None else lambda bound: on_progress(f"{path}: at least {bound:g}")
        place_spec(spec, source, options, report, on_bound)
    except InputError as error:
        report.diagnostics = error.diagnostics
    except InternalError as error:
        text = f"internal error: {str(error).splitlines()[0]}"
        report.diagnostics = (Diagnostic("MM900", text, path=path, help="please report it with the file"),)
    return report


def place_spec(
    spec: Spec,
    source: SourceFile,
    options: PlaceOptions,
    report: PlaceReport,
    on_bound: Callable[[float], None] | None = None,
) -> None:
    """Fill `report` for one loaded specification. Raises `InputError`."""
    targets = [settled(parse_target(name)) for name in options.targets] or [settled(each) for each in spec.targets]
    targets = list(dict.fromkeys(targets))
    if options.variant is not None and all(each.title != options.variant for each in spec.variants):
        raise fail("MM020", f"there is no variant called '{options.variant}'", path=spec.path)
    targets = [target for target in targets if spec.applicable(options.variant, target)]
    if not targets:
        raise fail("MM020", f"the variant '{options.variant}' is for none of these targets", path=spec.path)
    # Without a requirement every barrier would be redundant.
    spec.demand_claims(spec.program(target, options.variant) for target in targets)
    part = report.part = solve(spec, targets, options, on_bound)
    report.notes += tuple(_remarks(part, options))
    if part.best is None:
        return
    edits = edits_of(part.problem, part.best)
    text = apply(source.text, edits) if options.variant is None else source.text
    try:
        if options.variant is None:
            again = load_spec(SourceFile(spec.path, text))
            programs = {target: again.program(target) for target in targets}
        else:
            programs = part.problem.programs
        choices = None if options.variant is None else part.best
        said, part.vacuous = confirm(
            programs,
            part.dropped,
            bound=options.bound,
            compiler=options.compiler,
            timeout=options.timeout,
            choices=choices,
        )
        part.claimed |= {name for name in part.vacuous if _expected(part.problem, name)}
        report.notes += tuple(said)
        part.verified = True
    except UnknownVerdict as unknown:
        part.outcome.proved, part.outcome.reason = False, unknown.reason
    except KeyboardInterrupt:
        part.outcome.proved, part.outcome.reason, part.interrupted = False, INTERRUPTED, True
    if options.variant is not None or not edits:
        return
    report.diff = diff(spec.path, source.text, text)
    report.notes += tuple(_outdated(spec, part))
    if options.write and part.outcome.proved and not part.unmet:
        write(source.path, text)
        report.written = True


def _remarks(part: Part, options: PlaceOptions) -> list[str]:
    """What the user may have meant otherwise."""
    out = []
    if not part.problem.open_sites:
        if options.scope == "all":
            out.append("no site in this file: what it includes, and the other side, stay as they are")
        else:
            out.append("no site: name a barrier, mark an order with '?', or ask for --sites all")
    if options.variant is not None and options.write:
        out.append("the text of a variant is not edited: nothing is written")
    known = {name for site in part.problem.sites for name in names_of(site)}
    strange = sorted(set(options.costs.frequency) - known)
    if strange:
        out.append(f"no site is called {', '.join(strange)}: the frequency is not used")
    return out


def _outdated(spec: Spec, part: Part) -> list[str]:
    """What the file expects of the program as it is, and will not be so when the optimum is written."""
    out: dict[tuple[int, str], tuple[dict[str, None], dict[str, None]]] = {}
    for target in part.problem.targets:
        for requirement in part.problem.programs[target].requirements:
            verdict, _, span = spec.expected(requirement.name, requirement.kind, target)
            if verdict in ("violated", "allowed") and requirement.name not in part.dropped:
                names, targets = out.setdefault((span.line if span is not None else 0, verdict), ({}, {}))
                names[requirement.name] = targets[target.name] = None
    return [
        f"'expect {', '.join(names)} {verdict}'{f' (line {line})' if line else ''} is not so with the optimum, "
        f"on {', '.join(targets)}"
        for (line, verdict), (names, targets) in out.items()
    ]


def solve(
    spec: Spec, targets: Sequence[Target], options: PlaceOptions, on_bound: Callable[[float], None] | None = None
) -> Part:
    """The search on `targets` together, the findings, and that no neighbour of the optimum is cheaper and right.

    Ctrl-C ends it like a time limit: what is known by then is in the result. `on_bound` is told each new lower bound.
    """
    started = time.process_time()
    problem = make_problem(
        spec,
        targets,
        scope=options.scope,
        costs=options.costs,
        variant=options.variant,
        instructions=options.instructions,
        fixed=options.fixed,
        bound=options.bound,
        timeout=options.timeout,
        compiler=options.compiler,
    )
    models = [load_model(target.model) for target in targets]
    part = Part(problem, Outcome(), Findings(), bound=options.bound)
    part.models = tuple(dict.fromkeys(f"{model.name}: {model.title}" for model in models))
    deadline = None if options.timeout is None else time.monotonic() + options.timeout
    try:
        oracle = Oracle(problem, bound=options.bound, timeout=options.timeout)
    except UnknownVerdict as unknown:
        part.outcome.reason = unknown.reason
    else:
        _search(part, oracle, Search(problem, oracle, deadline=deadline, on_bound=on_bound))
    part.exhaustive = placements_of((site.name, [o.name for o in site.options]) for site in problem.open_sites)
    part.seconds = time.process_time() - started
    return part


def _search(part: Part, oracle: Oracle, search: Search) -> None:
    """Fill `part` with what `search` finds."""
    problem, outcome = part.problem, search.run()
    part.outcome = outcome
    _nearest_first(problem, outcome)
    part.interrupted = outcome.reason == INTERRUPTED
    try:
        if outcome.proved:
            part.findings = find(problem, oracle, search, outcome)
        if part.best is not None and not part.interrupted:
            part.neighbours = _refute_neighbours(search, part.best)
    except UnknownVerdict as unknown:
        outcome.proved = False
        outcome.reason = unknown.reason
    except KeyboardInterrupt:
        outcome.proved, outcome.reason, part.interrupted = False, INTERRUPTED, True
    part.queries = oracle.queries
    part.dropped = dict(oracle.dropped)
    part.claimed = frozenset(name for name in part.dropped if _expected(problem, name))


def _expected(problem: Problem, name: str) -> bool:
    """Whether the file expects the requirement to be violated (or allowed, or vacuous) wherever it is claimed."""
    verdicts = {
        problem.spec.expected(name, each.kind, target, problem.variant)[0]
        for target in problem.targets
        for each in problem.programs[target].requirements
        if each.name == name
    }
    return bool(verdicts) and verdicts <= {"violated", "allowed", "vacuous"}


def _nearest_first(problem: Problem, outcome: Outcome) -> None:
    """Of optima of one cost, first those that change least, and where barriers stood before."""
    written = problem.written
    owners = {site.owner for site in problem.sites if site.kind == "fence" and site.written != site.weakest}

    def distance(placement: Placement) -> tuple[int, int, list[str]]:
        changed = [site for site in problem.sites if placement[site.name] != written[site.name]]
        elsewhere = [site for site in changed if site.kind == "gap" and site.owner not in owners]
        return len(changed), len(elsewhere), sorted(placement.values())

    outcome.optima.sort(key=distance)


def _refute_neighbours(search: Search, best: Placement) -> int:
    """Refute each cheaper neighbour of the optimum by a run; returns how many there are."""
    found = search.cheaper_neighbours(best)
    right = [f"{site} := {option}" for (site, option), run in found.items() if run is None]
    if right:
        raise InternalError(f"the optimum is none: {', '.join(right)} is right and cheaper")
    return len(found)
