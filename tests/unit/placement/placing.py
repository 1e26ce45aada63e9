"""Shared by the tests of placements: problems from files and texts."""

from __future__ import annotations

from pathlib import Path

from mmcheck.base.source import SourceFile
from mmcheck.language.lower.spec import Spec, load_spec
from mmcheck.placement.oracle import Oracle
from mmcheck.placement.place import Part, PlaceOptions, PlaceReport, place_spec
from mmcheck.placement.problem import Problem, make_problem
from mmcheck.placement.search import Search
from mmcheck.placement.sites import Scope
from mmcheck.target.costs import default_costs
from mmcheck.target.targets import parse_target

HERE = Path(__file__).resolve().parent
SPECS = HERE / "specs"
BENCH = HERE.parents[1] / "bench" / "place"
ROOT = HERE.parents[2]


def spec_of(text_or_path: str | Path) -> Spec:
    if isinstance(text_or_path, Path):
        return load_spec(SourceFile(str(text_or_path), text_or_path.read_text(encoding="utf-8")))
    return load_spec(SourceFile("spec.litmus", text_or_path))


def problem_of(text_or_path: str | Path, *targets: str, scope: Scope = "marked", variant: str | None = None) -> Problem:
    spec = spec_of(text_or_path)
    chosen = [parse_target(name) for name in targets] or list(spec.targets)
    return make_problem(spec, chosen, scope=scope, costs=default_costs(), variant=variant)


def search_of(text_or_path: str | Path, *targets: str, scope: Scope = "marked", variant: str | None = None) -> Search:
    problem = problem_of(text_or_path, *targets, scope=scope, variant=variant)
    return Search(problem, Oracle(problem))


def part_of(text_or_path: str | Path, *targets: str, scope: Scope = "marked", variant: str | None = None) -> Part:
    """Everything that `mmcheck place` finds out."""
    spec = spec_of(text_or_path)
    options = PlaceOptions(targets=targets, scope=scope, variant=variant)
    report = PlaceReport(spec.path)
    place_spec(spec, spec.files[-1], options, report)
    assert report.part is not None
    return report.part


def strong(part: Part, which: int = 0) -> dict[str, str]:
    """What stands at the sites of an optimum, where anything does."""
    best = part.outcome.optima[which]
    return {name: word for name, word in best.items() if word != part.problem.site(name).weakest}
