"""The ``json`` format (schema ``mmcheck/1``, fixed): the whole report as one object, keys in a fixed order."""

from __future__ import annotations

import json
from typing import Any

from mmcheck.base.errors import Diagnostic
from mmcheck.base.source import Span
from mmcheck.events.execution import Event, Execution
from mmcheck.report.looks import Format
from mmcheck.verdict.results import Counterexample, Report, Result

SCHEMA = "mmcheck/1"


def render(report: Report) -> str:
    """The report as JSON text, plain ASCII, one result a line, ending with a line end."""
    parts = []
    for key, value in document(report).items():
        if isinstance(value, list) and value:
            items = ",\n".join(json.dumps(item) for item in value)
            parts.append(f"{json.dumps(key)}: [\n{items}\n]")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value)}")
    return "{" + ",\n".join(parts) + "}\n"


FORMAT = Format(lambda report, look: render(report), for_programs=True, every_run=True)


def document(report: Report) -> dict[str, Any]:
    """The report as dictionaries and lists."""
    return {
        "schema": SCHEMA,
        "version": report.version,
        "solver": report.solver,
        "results": [_result(result) for result in report.results],
        "diagnostics": [_diagnostic(each) for file in report.files for each in file.diagnostics],
        "notes": [{"file": file.path, "text": note} for file in report.files for note in file.notes],
        "interrupted": report.interrupted,
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "file": result.file,
        "spec": result.spec,
        "variant": result.variant,
        "requirement": result.requirement,
        "kind": result.kind,
        "clauses": list(result.clauses),
        "says": result.says,
        "target": result.target,
        "model": result.model,
        "verdict": result.verdict,
        "expected": result.expected,
        "expected_layer": result.expected_layer,
        "as_claimed": result.as_claimed,
        "bound": result.bound,
        "compiler": result.compiler,
        "complete": result.complete,
        "layer": result.layer,
        "engine": result.engine,
        "notes": list(result.notes),
        "span": _span(result.span),
        "seconds": round(result.seconds, 4),
        "counterexample": None if result.counterexample is None else counterexample(result.counterexample),
    }


def _span(span: Span | None) -> dict[str, int] | None:
    if span is None:
        return None
    return {"line": span.line, "column": span.column, "end_line": span.end_line, "end_column": span.end_column}


def counterexample(found: Counterexample) -> dict[str, Any]:
    """The run behind a violation, and the cycle that explains it."""
    execution = found.execution
    return {
        "events": [_event(execution, event) for event in execution.events],
        "relations": {
            name: [list(pair) for pair in sorted(execution.relation(name))]
            for name in sorted(execution.relations)
            if execution.relation(name)
        },
        "cycle": [
            {
                "source": hop.source,
                "target": hop.target,
                "relation": hop.relation,
                "ordered": hop.ordered,
                "why": hop.why,
            }
            for hop in found.cycle
        ],
        "culprit": found.culprit,
        "summary": found.summary,
        "point": _span(found.point),
        "linear": None if execution.linear is None else [list(order) for order in execution.linear],
        "final": {name: execution.final[name] for name in sorted(execution.final)},
    }


def _event(execution: Execution, event: Event) -> dict[str, Any]:
    span = event.origin.span
    return {
        "id": event.id,
        "agent": None if event.is_init else execution.threads[event.thread].name,
        "kind": event.kind,
        "location": event.location or None,
        "value": event.value,
        "tags": sorted(event.tags),
        "line": None if span is None else span.line,
        "file": None if span is None else span.file.path,
        "text": event.origin.text,
    }


def _diagnostic(found: Diagnostic) -> dict[str, Any]:
    path = found.span.file.path if found.span is not None else found.path
    return {
        "code": found.code,
        "severity": found.severity,
        "message": found.message,
        "help": found.help,
        "file": path,
        "span": _span(found.span),
    }
