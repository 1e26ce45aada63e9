"""Every candidate execution of every test, generated once, and judged by as many models as one likes.

The candidates are those of a model that forbids nothing. The nodes of all models live in one pool, so that what two
models have in common is computed once for each execution; and nothing is computed that no axiom asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmcheck.base.source import SourceFile
from mmcheck.engines.enumeration.candidate import Candidate
from mmcheck.engines.enumeration.enumerate import Enumeration, Limits
from mmcheck.events.relations import Rel, Set, is_acyclic, is_irreflexive
from mmcheck.ir.program import Expr, Program, evaluate
from mmcheck.language.herd.read import read_litmus
from mmcheck.model.concrete import Frame
from mmcheck.model.expr import Node
from mmcheck.model.model import Model, load_model, model_from_text
from mmcheck.verdict.litmus import observation
from tests.mutants.handmade import HANDMADE
from tests.mutants.shared import SHARED, Axioms

LITMUS = Path(__file__).resolve().parents[2] / "litmus"
FOLDERS = {"sc": "sc", "x86-tso": "x86_64", "armv8": "aarch64"}
EXPECT = re.compile(r"\(\* expect: (Never|Sometimes|Always) on (\S+) \*\)")

ANYTHING = model_from_text("anything", SourceFile("anything", '"anything"\nempty 0 as nothing\n'))
"""Forbids no candidate."""


@dataclass(slots=True)
class Judge:
    """One candidate execution. `fixed` has the values that all choices of rf and co have in common."""

    frame: Frame
    fixed: dict[int, Set | Rel]
    rf: Rel
    co: Rel
    values: dict[int, Set | Rel] = field(default_factory=dict)
    verdicts: dict[tuple[str, int], bool] = field(default_factory=dict)
    by_value: dict[tuple[str, Set | Rel], bool] = field(default_factory=dict)

    def allows(self, axioms: Axioms) -> bool:
        return all(self.holds(kind, node) for kind, node in axioms)

    def holds(self, kind: str, node: Node) -> bool:
        key = (kind, node.number)
        found = self.verdicts.get(key)
        if found is None:
            value = self.value(node)
            found = self.by_value.get((kind, value))
            if found is None:
                found = self.by_value[kind, value] = _holds(kind, value)
            self.verdicts[key] = found
        return found

    def value(self, node: Node) -> Set | Rel:
        value = self.values.get(node.number)
        if value is None:
            if node.op == "rel" and node.dynamic:
                value = self.rf if node.name == "rf" else self.co
            else:
                value = None if node.dynamic else self.fixed.get(node.number)
                if value is None:
                    for arg in node.args:
                        self.value(arg)
                    value = self.frame._value(node, self.values)
                    if not node.dynamic:
                        self.fixed[node.number] = value
            self.values[node.number] = value
        return value


def _holds(kind: str, value: Set | Rel) -> bool:
    if isinstance(value, int):
        return value == 0
    if kind == "acyclic":
        return is_acyclic(value)
    return is_irreflexive(value) if kind == "irreflexive" else not any(value)


def judges(
    program: Program, *, settle: bool = True, most: int = 2_000_000
) -> Iterator[tuple[Judge, Candidate, dict[str, int]]]:
    """Every candidate execution of `program`, with its final state. Raises `UnknownVerdict` beyond `most`."""
    search = Enumeration(program, ANYTHING, settle=settle, limits=Limits(most, 10 * most, most))
    traces = [[trace for trace in of if trace.status != "cut"] for of in search.traces()]
    fixed: dict[int, tuple[Frame, dict[int, Set | Rel]]] = {}
    # Not `runs`: runs that differ in their dependencies alone are one run to it.
    for combination in search._combined(traces):
        for candidate in search._allowed(combination):
            frame, _ = candidate.layout.frames[candidate.frame]
            _, values = fixed.setdefault(id(frame), (frame, {}))
            yield Judge(frame, values, candidate.rf, candidate.co), candidate, dict(search._run(candidate).final)


@dataclass(frozen=True)
class Case:
    """A test and what it expects of its model."""

    name: str
    program: Program
    condition: Expr
    filter: Expr | None
    expected: str

    def candidates(self) -> tuple[list[Judge], list[Judge]]:
        """Those in which the condition holds, and the others; those that the filter drops are left out."""
        yes: list[Judge] = []
        no: list[Judge] = []
        for judge, _, final in judges(self.program):
            if self.filter is None or evaluate(self.filter, final):
                (yes if evaluate(self.condition, final) else no).append(judge)
        return yes, no


def cases(model: str) -> list[Case]:
    """The tests whose header names `model`."""
    out = []
    for path in sorted((LITMUS / FOLDERS[model]).glob("*.litmus")):
        text = path.read_text(encoding="utf-8")
        found = EXPECT.search(text)
        assert found is not None and found[2] == model, path
        test = read_litmus(SourceFile(str(path), text))
        out.append(Case(path.stem, test.program, test.condition, test.filter, found[1]))
    for program, condition, expected in HANDMADE:
        if program.target == model:
            out.append(Case(f"{program.name} (handmade.py)", program, condition, None, expected))
    return out


def word(candidates: tuple[Sequence[Judge], Sequence[Judge]], axioms: Axioms) -> str:
    """What a model says about a test."""
    yes, no = (any(judge.allows(axioms) for judge in each) for each in candidates)
    return observation(yes, no)


def killers(model: str, wrong: Iterable[Model]) -> tuple[list[list[str]], dict[str, str]]:
    """For each wrong model the tests of `model` that it gets wrong; and what the right one gets wrong."""
    right = SHARED.axioms(load_model(model))
    all_axioms = [SHARED.axioms(each) for each in wrong]
    found: list[list[str]] = [[] for _ in all_axioms]
    failing: dict[str, str] = {}
    for case in cases(model):
        candidates = case.candidates()
        said = word(candidates, right)
        if said != case.expected:
            failing[case.name] = said
        for number, axioms in enumerate(all_axioms):
            if word(candidates, axioms) != case.expected:
                found[number].append(case.name)
    return found, failing


__all__ = ["ANYTHING", "Case", "Judge", "cases", "judges", "killers", "word"]
