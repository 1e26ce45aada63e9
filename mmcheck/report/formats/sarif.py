"""The ``sarif`` format, version 2.1.0, for code scanning services and editors.

A result for every requirement that is not as claimed or not decided, and for every diagnostic; a notification for one
that is as claimed and about runs that end alone. A counterexample is a
code flow: one thread flow per agent, `executionOrder` numbering the steps, those of the cycle marked essential. The
picture is attached as SVG. Paths are relative to ``%SRCROOT%``, columns count characters.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from mmcheck.base.codes import CODES
from mmcheck.base.errors import Diagnostic
from mmcheck.base.source import Span
from mmcheck.events.execution import Event
from mmcheck.report import pictures, story
from mmcheck.report.draw.metrics import clean
from mmcheck.report.draw.svg import render_svg
from mmcheck.report.looks import Format
from mmcheck.report.words import caveat, place
from mmcheck.verdict.results import MEANING, Counterexample, Report, Result

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
MAX_STEPS = 200
"""Events of one agent in a code flow."""

_RULES = {
    "violated": ("RequirementViolated", "A requirement is violated, and the file claims that it holds."),
    "holds": ("ViolationGone", "A requirement holds, and the file claims that it is violated."),
    "allowed": ("StateAllowed", "A final state is allowed, and the file claims that it is forbidden."),
    "forbidden": ("StateForbidden", "A final state is forbidden, and the file claims that it is allowed."),
    "vacuous": ("NothingChecked", "Nothing was checked of a requirement: no run comes to where it is checked."),
    "unknown": ("Undecided", "A requirement was not decided."),
}
"""By verdict: name and description of the rule ``mmcheck/VERDICT``."""


def render(report: Report, *, known: Iterable[Result] = ()) -> str:
    """The report as SARIF; `known` are failures of a baseline, which are written as suppressed."""
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report, tuple(known))]}
    return json.dumps(document, indent=1) + "\n"


FORMAT = Format(lambda report, look: render(report, known=look.known), for_programs=True, every_run=True)


def _run(report: Report, known: tuple[Result, ...]) -> dict[str, Any]:
    told = [result for result in report.results if result.as_claimed is not True]
    artifacts: list[dict[str, Any]] = []
    attached = _attach([*told, *known], artifacts)
    results = [_diagnostic(each) for file in report.files for each in file.diagnostics]
    results += [_result(result, attached) for result in told]
    results += [{**_result(result, attached), "suppressions": [{"kind": "external"}]} for result in known]
    rules = sorted({str(each["ruleId"]) for each in results})
    for each in results:
        each["ruleIndex"] = rules.index(each["ruleId"])
    run = {
        "tool": {
            "driver": {
                "name": "mmcheck",
                "semanticVersion": report.version or "0",
                "rules": [_rule(each) for each in rules],
                "properties": {"solver": report.solver},
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "the folder in which mmcheck was started"}}},
        "invocations": [{"executionSuccessful": report.exit_code not in (2, 130), **_notifications(report)}],
        "artifacts": artifacts,
        "results": results,
    }
    return run if artifacts else {key: value for key, value in run.items() if key != "artifacts"}


def _notifications(report: Report) -> dict[str, Any]:
    """What is to be said of results that are as claimed."""
    found = [
        {
            "level": "note",
            "message": _message(f"{story.headline(result)}. {clean(caveat(result), story.TEXT)}"),
            "locations": [_location(result.file, place(result))],
        }
        for result in report.results
        if caveat(result)
    ]
    return {"toolExecutionNotifications": found} if found else {}


def _attach(results: list[Result], artifacts: list[dict[str, Any]]) -> dict[int, int]:
    """Put the pictures of `results` into `artifacts`; where each is, by the result's identity."""
    places = {}
    for result, name in pictures.names(results):
        scene = pictures.scene(result)
        if scene is not None:
            places[id(result)] = len(artifacts)
            artifacts.append(
                {
                    "location": {"uri": f"{quote(name)}.svg"},
                    "mimeType": "image/svg+xml",
                    "roles": ["attachment"],
                    "contents": {"text": render_svg(scene)},
                }
            )
    return places


def _rule(rule: str) -> dict[str, Any]:
    if rule in CODES:
        title, text = CODES[rule]
        return {"id": rule, "shortDescription": {"text": title}, "fullDescription": _message(text)}
    verdict = rule.partition("/")[2]
    name, text = _RULES[verdict]
    meaning = f"{verdict}: {MEANING[verdict]}."
    return {"id": rule, "name": name, "shortDescription": _message(text), "fullDescription": _message(meaning)}


# --- results -----------------------------------------------------------------------------------------


def _result(result: Result, attached: Mapping[int, int]) -> dict[str, Any]:
    headline = story.headline(result)
    text = f"{headline}. {story.cause(result)}"
    if result.says:
        text += f" It says: {clean(result.says, story.TEXT)}."
    out: dict[str, Any] = {
        "ruleId": f"mmcheck/{result.verdict}",
        "level": "warning" if result.as_claimed is None else "error",
        "message": _message(text),
        "locations": [_location(result.file, place(result))],
        "partialFingerprints": {"mmcheckClaim/v1": _fingerprint(result)},
        "properties": _properties(result),
    }
    found = result.counterexample
    if found is not None and found.point is not None and result.span is not None:
        declared = _location(result.file, result.span, f"the requirement {result.requirement}")
        out["relatedLocations"] = [{"id": 1, **declared}]
    if found is not None:
        flow = _code_flow(found, headline)
        if flow is not None:
            out["codeFlows"] = [flow]
    if id(result) in attached:
        index = attached[id(result)]
        out["attachments"] = [{"description": {"text": "the run, as a picture"}, "artifactLocation": {"index": index}}]
    return out


def _properties(result: Result) -> dict[str, Any]:
    return {
        "spec": clean(result.spec, story.NAME),
        "variant": None if result.variant is None else clean(result.variant, story.NAME),
        "requirement": clean(result.requirement, story.NAME),
        "kind": result.kind,
        "clauses": [clean(each, story.NAME) for each in result.clauses],
        "target": result.target,
        "model": result.model,
        "verdict": result.verdict,
        "expected": result.expected,
        "layer": result.layer,
        "bound": result.bound,
        "compiler": result.compiler,
        "complete": result.complete,
        "engine": result.engine,
        "notes": [clean(each, story.TEXT) for each in result.notes],
    }


def _fingerprint(result: Result) -> str:
    """The claim, wherever in its file it stands."""
    parts = (result.file, result.variant or "", result.requirement, result.kind, result.target)
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:32]


def _diagnostic(found: Diagnostic) -> dict[str, Any]:
    text = clean(found.message, story.TEXT)
    if found.help:
        text += f" ({clean(found.help, story.TEXT)})"
    path = found.span.file.path if found.span is not None else found.path
    out: dict[str, Any] = {
        "ruleId": found.code,
        "level": found.severity if found.severity in ("error", "warning") else "note",
        "message": _message(text),
    }
    if path:
        out["locations"] = [_location(path, found.span)]
    return out


# --- code flows --------------------------------------------------------------------------------------


def _code_flow(found: Counterexample, title: str) -> dict[str, Any] | None:
    """One thread flow per agent: the cycle in its order, or, if there is none, the run in the order it happened."""
    steps = _steps(found)
    flows: dict[int, list[dict[str, Any]]] = {}
    for number, (event, text) in enumerate(steps, 1):
        flow = flows.setdefault(event.thread, [])
        if len(flow) < MAX_STEPS:
            flow.append(_step(event, number, text, found))
    names = {number: agent.name for number, agent in enumerate(found.execution.threads)}
    listed = [
        {"id": f"{thread}", "message": _message(clean(names.get(thread, "memory"), story.NAME)), "locations": flow}
        for thread, flow in sorted(flows.items())
    ]
    return {"message": _message(title), "threadFlows": listed} if listed else None


def _steps(found: Counterexample) -> Iterator[tuple[Event, str]]:
    events = found.execution.events
    if found.cycle:
        for hop in found.cycle:
            yield events[hop.source], f"{hop.relation}: {hop.why}" if hop.why else hop.relation
        return
    for number in _happened(found):
        event = events[number]
        yield event, "this check fails" if number == found.culprit else ""


def _happened(found: Counterexample) -> Iterator[int]:
    """The events of the agents, each after everything it follows in po, rf, co or fr; ties by id."""
    execution = found.execution
    rf, co = execution.relation("rf"), execution.relation("co")
    order = execution.relation("po") | rf | co | {(r, w2) for w, r in rf for w1, w2 in co if w1 == w}
    before: dict[int, set[int]] = {event.id: set() for event in execution.events}
    for a, b in order:
        before[b].add(a)
    waiting = list(before)
    done: set[int] = set()
    while waiting:
        number = next((each for each in waiting if before[each] <= done), waiting[0])
        waiting.remove(number)
        done.add(number)
        if not execution.events[number].is_init:
            yield number


def _step(event: Event, number: int, text: str, found: Counterexample) -> dict[str, Any]:
    words = story.described(found.execution, event) + (f" ({clean(text, story.TEXT)})" if text else "")
    span = event.origin.span
    place = _location(span.file.path, span) if span is not None else {}
    place["message"] = _message(words)
    essential = bool(found.cycle) or event.id == found.culprit
    return {"location": place, "executionOrder": number, "importance": "essential" if essential else "important"}


# --- places and texts --------------------------------------------------------------------------------


def _location(path: str, span: Span | None, text: str = "") -> dict[str, Any]:
    if span is not None:
        path = span.file.path
    absolute = path.startswith(("/", ".."))
    quoted = quote(path, errors="surrogateescape")  # a name may hold any bytes
    uri = {"uri": quoted} if absolute else {"uri": quoted, "uriBaseId": ROOT}
    physical: dict[str, Any] = {"artifactLocation": uri}
    if span is not None:
        physical["region"] = {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            "endColumn": max(span.end_column, span.column) if span.end_line == span.line else span.end_column,
        }
    location: dict[str, Any] = {"physicalLocation": physical}
    if text:
        location["message"] = _message(clean(text, story.TEXT))
    return location


def _message(text: str) -> dict[str, str]:
    """A plain message in which nothing is a link or a placeholder."""
    inert = text.replace("](", "] (")
    for digit in "0123456789":
        inert = inert.replace(f"{{{digit}", f"{{ {digit}")
    return {"text": inert}
