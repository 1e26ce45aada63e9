"""Expectations: what the file says of each requirement, and whether it can ever apply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from mmcheck.base.records import record
from mmcheck.base.source import Span
from mmcheck.ir.program import ARITHMETIC
from mmcheck.language.lower.names import Reporter, near
from mmcheck.language.syntax import ast
from mmcheck.target.targets import Target, applies_to, parse_target, specificity

Kinds: TypeAlias = Mapping[str, set[str]]
"""Requirement -> kinds of its checks."""

QUESTIONS = ("allowed", "forbidden")


@record
class Expectation:
    """One ``expect``; no names: all requirements of its family but `ARITHMETIC`, no targets: all targets."""

    names: tuple[str, ...]
    verdict: str
    layer: str | None
    targets: tuple[Target, ...]
    span: Span

    def answers(self, *, question: bool) -> bool:
        """Whether its verdict is one of a check that is a `question` (``exists``), or of one that is none."""
        return self.verdict == "vacuous" or (self.verdict in QUESTIONS) == question


def read(nodes: list[ast.Expect], reporter: Reporter) -> tuple[Expectation, ...]:
    """The expectations of one program; unknown targets are reported, and nothing is expected of them."""
    found: list[Expectation] = []
    for node in nodes:
        targets: list[Target] = []
        for each in node.targets:
            with reporter.collect():
                targets.append(parse_target(each.name, each.span))
        if len(targets) == len(node.targets):
            names = tuple(name.text for name in node.names)
            found.append(Expectation(names, node.verdict, node.layer, tuple(targets), node.span))
    return tuple(found)


def choose(known: tuple[Expectation, ...], requirement: str, kind: str, target: Target) -> Expectation | None:
    """The expectation that applies: the most specific target wins, then a name over all."""
    best: tuple[tuple[int, bool, int], Expectation] | None = None
    for each in known:
        rank = _rank(each, requirement, kind, target)
        if rank is not None and (best is None or rank > best[0]):
            best = (rank, each)
    return best[1] if best is not None else None


def _rank(each: Expectation, requirement: str, kind: str, target: Target) -> tuple[int, bool, int] | None:
    named = requirement in each.names if each.names else requirement != ARITHMETIC
    if not named or not each.answers(question=kind == "exists"):
        return None
    specific = (-1, False)
    if each.targets:
        matching = [specificity(pattern, target) for pattern in each.targets if applies_to(pattern, target)]
        if not matching:
            return None
        specific = max(matching)
    return *specific, int(bool(each.names))


def check(
    known: tuple[Expectation, ...],
    nodes: list[ast.Expect],
    kinds: Kinds,
    declared: set[str],
    targets: tuple[Target, ...],
    reporter: Reporter,
) -> None:
    """Report what is said of nothing, of the wrong kind, twice, or without ever applying."""
    by_span = {each.span: each for each in known}
    used: set[Span] = set()
    twice: set[Span] = set()
    for name, of_name in kinds.items():
        for kind in of_name:
            for target in targets:
                chosen = choose(known, name, kind, target)
                if chosen is not None:
                    used.add(chosen.span)
                _check_twice(known, chosen, name, kind, target, twice, reporter)
    for node in nodes:
        expectation = by_span.get(node.span)
        if expectation is None:
            continue
        clean = _check_names(node, expectation, kinds, declared, reporter)
        if node.layer is not None and node.verdict in ("holds", "forbidden", "vacuous"):
            message = f"'by {node.layer}' goes with 'violated' and 'allowed'"
            reporter.report("MM233", message, node.span, "a layer says who lets it through")
        for pattern, shown in zip(expectation.targets, node.targets, strict=True):
            if not any(applies_to(pattern, target) for target in targets):
                listed = ", ".join(target.name for target in targets) or "no target"
                message = f"'{pattern.name}' is not checked here: {listed}"
                reporter.report("MM232", message, shown.span)
                clean = False
        if clean and expectation.span not in used | twice:
            reporter.report("MM232", "this expectation never applies: others are more specific", node.span)


def _check_names(
    node: ast.Expect, expectation: Expectation, kinds: Kinds, declared: set[str], reporter: Reporter
) -> bool:
    clean = True
    for name in node.names:
        if name.text not in kinds:
            clean = False
            if name.text in declared:
                reporter.report("MM232", f"'{name.text}' is not claimed here: it is named in 'without'", name.span)
            else:
                message = f"no requirement is named '{name.text}'{near(name.text, kinds)}"
                reporter.report("MM204", message, name.span)
    asked = [name.text for name in node.names if name.text in kinds] or (list(kinds) if not node.names else [])
    right = "'holds' or 'violated'" if node.verdict in QUESTIONS else "'allowed' or 'forbidden'"
    if asked and not any(_fits(expectation, kinds[name]) for name in asked):
        reporter.report("MM233", f"'{expectation.verdict}' is no verdict of this check: {right}", node.span)
        clean = False
    elif node.names:
        for name in node.names:
            of_name = kinds.get(name.text)
            if of_name is not None and not _fits(expectation, of_name):
                reporter.report("MM233", f"'{expectation.verdict}' is no verdict of '{name.text}': {right}", name.span)
                clean = False
    return clean


def _fits(expectation: Expectation, kinds: set[str]) -> bool:
    """Whether it says something of one of the checks of a requirement, which has these `kinds`."""
    return any(expectation.answers(question=kind == "exists") for kind in kinds)


def _check_twice(
    known: tuple[Expectation, ...],
    chosen: Expectation | None,
    name: str,
    kind: str,
    target: Target,
    twice: set[Span],
    reporter: Reporter,
) -> None:
    if chosen is None:
        return
    rank = _rank(chosen, name, kind, target)
    for each in known:
        if each is not chosen and each.span not in twice and _rank(each, name, kind, target) == rank:
            twice.add(each.span)
            message = f"'{name}' on {target.name} is expected twice"
            reporter.report("MM232", message, each.span, f"first on line {chosen.span.line}")
