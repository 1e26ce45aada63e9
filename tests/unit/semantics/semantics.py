"""Specifications of tests/data/semantics, checked as ``mmcheck verify`` does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mmcheck.base.source import SourceFile
from mmcheck.language.lower.spec import Spec, load_spec
from mmcheck.model.model import load_model
from mmcheck.target.targets import parse_target
from mmcheck.verdict.check import Checker, engine_of
from mmcheck.verdict.results import Finding

DATA = Path(__file__).parents[2] / "data" / "semantics"


@dataclass(frozen=True)
class Case:
    """One requirement of one variant on one target, with what the file expects."""

    spec: Spec
    variant: str | None
    target: str
    requirement: str
    verdict: str
    layer: str | None
    finding: Finding

    @property
    def name(self) -> str:
        return f"{Path(self.spec.path).stem}: {self.variant or 'base'}, {self.requirement} on {self.target}"


def spec_of(text: str) -> Spec:
    return load_spec(SourceFile("test.litmus", text), root=Path(), read=lambda path: "")


def findings(
    spec: Spec, *, profile: str = "observed", bound: int = 2, variants: list[str | None] | None = None
) -> Iterator[Case]:
    """Every requirement on every target that the file names."""
    for title in [None, *[variant.title for variant in spec.variants]] if variants is None else variants:
        for target in spec.targets:
            if not spec.applicable(title, target):
                continue
            program = spec.program(target, title)
            model = load_model(target.model)
            checker = Checker(engine_of("smt", program, model, layered=target.compiled, bound=bound, profile=profile))
            for requirement in program.requirements:
                expected, layer, _ = spec.expected(requirement.name, requirement.kind, target, title)
                finding = checker.run(requirement)
                yield Case(spec, title, target.name, requirement.name, expected, layer, finding)


def check(text: str, *, target: str = "armv8", profile: str = "observed", bound: int = 2, name: str = "") -> Finding:
    """The finding on the requirement called `name` (the first) of the specification `text`."""
    spec = spec_of(text)
    parsed = parse_target(target)
    program = spec.program(parsed, None)
    checker = Checker(
        engine_of("smt", program, load_model(parsed.model), layered=parsed.compiled, bound=bound, profile=profile)
    )
    return checker.run(next(r for r in program.requirements if not name or r.name == name))


def verdict(text: str, **options: object) -> tuple[str, str | None]:
    finding = check(text, **options)  # type: ignore[arg-type]
    return finding.verdict, finding.layer
