"""Reports of ``mmcheck place``: for reading, and as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmcheck.base.errors import Diagnostic
from mmcheck.model.profiles import COMPILERS
from mmcheck.placement.findings import Change, Missing
from mmcheck.placement.options import pieces_of
from mmcheck.placement.place import Part, PlaceReport
from mmcheck.placement.sites import Site
from mmcheck.report.colour import Paint
from mmcheck.report.formats.json import SCHEMA, counterexample
from mmcheck.report.words import one_line, plural
from mmcheck.target.pieces import NO_INSTRUCTION
from mmcheck.verdict.lost import needed

_LABEL = 12
MAX_OTHERS = 4
"""Other optima that are written out for reading."""


def render(reports: Sequence[PlaceReport], *, color: bool = False, width: int = 80) -> str:
    """The reports as text of at most `width` columns, diffs apart."""
    page = _Page(Paint(color), width)
    lines: list[str] = []
    for report in reports:
        lines += page.file(report)
        lines.append("")
    return "".join(f"{line.rstrip()}\n" for line in lines[:-1])


class _Page:
    def __init__(self, paint: Paint, width: int) -> None:
        self.paint = paint
        self.width = width

    def file(self, report: PlaceReport) -> Iterator[str]:
        yield self.paint(one_line(report.path), "strong")
        for diagnostic in report.diagnostics:
            yield from diagnostic.render().splitlines()
        for note in report.notes:
            yield f"  note: {note}"
        if report.part is not None:
            yield from self.part(report.part)
        if report.diff:
            yield ""
            yield from report.diff.splitlines()
        if report.written:
            yield ""
            yield f"  written: {one_line(report.path)}"

    def part(self, part: Part) -> Iterator[str]:
        problem = part.problem
        targets = ", ".join(target.name for target in problem.targets)
        count = len(problem.open_sites)
        yield f"  on {targets}: {plural(count, 'site')}, {part.exhaustive:,} placements"
        silent = not count and part.outcome.proved and not part.vacuous
        if silent and not part.findings.any:
            return
        yield ""
        for missing in part.findings.missing:
            yield from self.missing(part, missing)
        for name, reason in part.dropped.items():
            if name not in part.outcome.impossible:
                yield from self.entry("missing", f"{name}: {reason}", "bad")
        for name, reason in part.vacuous.items():
            yield from self.entry("vacuous", f"{name}: {reason}", "bad")
        for change in part.findings.redundant:
            text = f"{_place(part, change.site)}: {change.word}; every requirement holds without it,"
            yield from self.entry("redundant", f"{text} {_everywhere(part, change)}{_proof(change)}")
        for change in part.findings.too_strong:
            text = f"{_place(part, change.site)}: {change.word}; {change.enough} is enough"
            yield from self.entry("too strong", f"{text} {_everywhere(part, change)}{_proof(change)}")
        for change in part.findings.misplaced:
            yield from self.entry("misplaced", _moved(part, change))
        if silent:
            return
        if part.findings.any:
            yield ""
        yield from self.optimum(part)

    def missing(self, part: Part, missing: Missing) -> Iterator[str]:
        where = [f"{word} at {_place(part, site)}" for site, word in missing.repairs]
        what = " and ".join(where)
        if not what:
            what = "nothing at these sites repairs it"
            if missing.sequential:
                what += ": the algorithm itself allows it"
            if missing.requirement in part.claimed:
                what += ", as the file expects"
        layer = f", by the {'CPU' if missing.layer == 'hardware' else missing.layer}" if missing.layer else ""
        yield from self.entry("missing", f"{missing.requirement}: {what}", "bad")
        yield from self.wrap(f"broken on {missing.target}{layer}: {missing.run.summary}", " " * (_LABEL + 2))
        for defect in needed(missing.run.execution, part.problem.compiler, missing.target):
            yield from self.wrap(defect, " " * (_LABEL + 2))

    def optimum(self, part: Part) -> Iterator[str]:
        outcome, problem = part.outcome, part.problem
        if part.best is None:
            bound = f"no right placement costs less than {_number(outcome.lower_bound)}"
            yield from self.entry("no proof", f"{outcome.reason}; {bound}", "warn")
            return
        best = part.best
        after, before = problem.per_target(best), problem.per_target(problem.written)
        each = ", ".join(f"{name} {_number(cost)}" for name, cost in after.items())
        now = ", ".join(f"{name} {_number(cost)}" for name, cost in before.items())
        head = "optimum" if outcome.proved else "best known"
        yield from self.entry(head, f"cost {_number(outcome.cost)} ({each}); as written {now}", "good")
        strong = [site for site in problem.open_sites if best[site.name] != site.weakest]
        wide = max((len(_place(part, site.name)) for site in strong), default=0)
        for site in strong:
            targets = problem.targets_of(site)
            becomes = "; ".join(f"{target.name}: {_instruction(part, site, target)}" for target in targets)
            line = f"  {' ' * _LABEL}{_place(part, site.name):{wide}}  {best[site.name]:18}"
            if len(line) + 2 + len(becomes) <= self.width:
                yield f"{line}  {becomes}".rstrip()
            else:
                yield line.rstrip()
                yield from self.wrap(becomes, " " * (_LABEL + 4), " " * (_LABEL + 4))
        if not strong:
            yield f"  {' ' * _LABEL}no barrier at any of the sites"
        yield from self.others(part)
        if outcome.proved:
            text = (
                f"nothing cheaper is right: {plural(outcome.queries, 'question')} to the checker, "
                f"{plural(outcome.clauses, 'clause')}; "
                f"{plural(part.neighbours, 'cheaper neighbour')} refuted one by one"
            )
            yield from self.entry("proof", text + ("; checked again by verify" if part.verified else ""))
        else:
            bound = f"no right placement costs less than {_number(outcome.lower_bound)}"
            yield from self.entry("no proof", f"{outcome.reason}; {bound}", "warn")
        for target, sites in part.findings.rests_on.items():
            yield from self.entry("rests on", f"{target}: {', '.join(sites) or 'no barrier'}")
        for model in part.models:
            yield from self.entry("model", model.partition(" (")[0], "plain")
        if part.problem.compiler != "observed":
            yield from self.entry("compiler", COMPILERS[part.problem.compiler], "plain")
        yield from self.entry("bound", f"loops up to {plural(part.bound, 'round')}", "plain")

    def others(self, part: Part) -> Iterator[str]:
        """How the other optima differ from the one that is shown."""
        optima = part.outcome.optima
        if len(optima) < 2:
            return
        indent = " " * (_LABEL + 2)
        more = "at least " if part.outcome.more else ""
        yield from self.wrap(f"{more}{plural(len(optima) - 1, 'other placement')} of the same cost:", indent)
        for other in optima[1 : MAX_OTHERS + 1]:
            changes = [
                f"{other[site.name]} at {_place(part, site.name)}"
                for site in part.problem.open_sites
                if other[site.name] != optima[0][site.name]
            ]
            yield from self.wrap(" and ".join(changes), f"{indent}or ", f"{indent}   ")
        if len(optima) - 1 > MAX_OTHERS:
            yield f"{indent}and so on; --format json lists them"

    def entry(self, label: str, text: str, colour: str = "warn") -> Iterator[str]:
        # The label is painted after wrapping: its width is that of the plain text.
        lines = list(self.wrap(text, f"  {label:{_LABEL}}"))
        lines[0] = lines[0].replace(label, self.paint(label, colour), 1)
        yield from lines

    def wrap(self, text: str, first: str, rest: str = " " * (_LABEL + 2)) -> Iterator[str]:
        yield from textwrap.wrap(
            one_line(text), self.width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
        )


def _everywhere(part: Part, change: Change) -> str:
    names = [target.name for target in part.problem.targets_of(part.problem.site(change.site))]
    return f"on {names[0]}" if len(names) == 1 else "on every target"


def _proof(change: Change) -> str:
    sites = sorted({site for names in change.proof.values() for site in names})
    return f"; the proof rests on {', '.join(sites)}" if sites else ""


def _place(part: Part, name: str) -> str:
    site = part.problem.site(name)
    return name if site.kind == "gap" or "@" in name else f"{name} (line {site.span.line})"


def _moved(part: Part, change: Change) -> str:
    needs = ", ".join(change.repairs)
    return (
        f"{_place(part, change.site)}: {change.word}; moved by one access, to {_place(part, change.to)}, "
        f"it repairs {needs or 'what is broken'}"
    )


def _instruction(part: Part, site: Site, target: Any) -> str:
    assert part.best is not None
    pieces = pieces_of(site.option(part.best[site.name]), target)
    texts = [piece.text for piece in pieces if piece.text != NO_INSTRUCTION]
    return "; ".join(texts) or "no instruction"


def _number(value: float | None) -> str:
    if value is None:
        return "?"
    return f"{int(value)}" if value == int(value) else f"{value:.1f}"


# --- JSON ----------------------------------------------------------------------------------------------------


def render_json(reports: Sequence[PlaceReport], version: str, solver: str) -> str:
    """All reports as one JSON object; ``results`` has one object for each file."""
    document = {
        "schema": SCHEMA,
        "version": version,
        "solver": solver,
        "results": [_file(report, report.part) for report in reports if report.part is not None],
        "diagnostics": [_diagnostic(each) for report in reports for each in report.diagnostics],
        "notes": [{"file": report.path, "text": note} for report in reports for note in report.notes],
    }
    return json.dumps(document, indent=1) + "\n"


def _file(report: PlaceReport, part: Part) -> dict[str, Any]:
    outcome, problem, findings = part.outcome, part.problem, part.findings
    return {
        "file": report.path,
        "variant": problem.variant,
        "targets": [target.name for target in problem.targets],
        "models": list(part.models),
        "bound": part.bound,
        "compiler": part.problem.compiler,
        "missing": [_missing(each, part) for each in findings.missing],
        "redundant": [_change(each, part) for each in findings.redundant],
        "too_strong": [_change(each, part) for each in findings.too_strong],
        "misplaced": [_change(each, part) for each in findings.misplaced],
        "optimum": [
            {"choices": _named(part, placement), "cost": _plain(problem.total(placement))}
            for placement in outcome.optima
        ],
        "cost": None if outcome.cost is None else _plain(outcome.cost),
        "lower_bound": _plain(outcome.lower_bound),
        "queries": outcome.queries,
        "proved": outcome.proved,
        "reason": outcome.reason,
        "unmet": dict(part.dropped),
        "vacuous": dict(part.vacuous),
        "written": _named(part, problem.written),
        "cost_written": _plain_all(problem.per_target(problem.written)),
        "cost_optimum": _plain_all(problem.per_target(part.best)) if part.best is not None else None,
        "more_optima": outcome.more,
        "rests_on": findings.rests_on,
        "verified": part.verified,
        "neighbours_refuted": part.neighbours,
        "queries_in_all": part.queries,
        "clauses": outcome.clauses,
        "placements": part.exhaustive,
        "seconds": round(part.seconds, 3),
        "diff": report.diff,
    }


def _named(part: Part, placement: Mapping[str, str]) -> dict[str, str]:
    return {site.name: placement[site.name] for site in part.problem.open_sites}


def _plain_all(costs: Mapping[str, float]) -> dict[str, float | int]:
    return {name: _plain(cost) for name, cost in costs.items()}


def _missing(missing: Missing, part: Part) -> dict[str, Any]:
    return {
        "requirement": missing.requirement,
        "target": missing.target,
        "layer": missing.layer,
        "gap": [{"site": site, "word": word, **_where(part, site)} for site, word in missing.repairs],
        "sequential": missing.sequential,
        "counterexample": counterexample(missing.run),
    }


def _change(change: Change, part: Part) -> dict[str, Any]:
    out: dict[str, Any] = {"site": change.site, "word": change.word, **_where(part, change.site)}
    if change.to:
        out |= {"to": change.to, "to_line": _where(part, change.to)["line"], "repairs": list(change.repairs)}
    else:
        out |= {"enough": change.enough, "proof": {name: list(sites) for name, sites in change.proof.items()}}
    return out


def _where(part: Part, site: str) -> dict[str, Any]:
    span = part.problem.site(site).span
    return {"line": span.line, "column": span.column}


def _plain(value: float) -> float | int:
    return int(value) if value == int(value) else round(value, 3)


def _diagnostic(found: Diagnostic) -> dict[str, Any]:
    path = found.span.file.path if found.span is not None else found.path
    return {"code": found.code, "severity": found.severity, "message": found.message, "help": found.help, "file": path}
