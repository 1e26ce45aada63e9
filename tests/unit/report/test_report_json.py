"""The JSON form is fixed (design: schema mmcheck/1)."""

from __future__ import annotations

import json
from dataclasses import replace

from results_for_reports import PLAIN, VIOLATED, mixed, report

from mmcheck.report.formats.json import render

FIXED = [
    "file", "spec", "variant", "requirement", "kind", "clauses", "target", "model", "verdict", "expected", "as_claimed",
    "bound", "complete", "layer", "engine", "notes", "span", "seconds", "counterexample",
]  # fmt: skip


def test_keys_and_their_order() -> None:
    data = json.loads(render(report(PLAIN)))
    assert list(data)[:4] == ["schema", "version", "solver", "results"]
    assert data["schema"] == "mmcheck/1"
    keys = list(data["results"][0])
    assert [key for key in keys if key in FIXED] == FIXED


def test_values_of_a_result() -> None:
    result = json.loads(render(report(PLAIN)))["results"][0]
    assert result["variant"] is None
    assert result["clauses"] == ["VirtIO 1.2, 2.7.13.3.1"]
    assert result["as_claimed"] is True
    assert result["span"] == {"line": 12, "column": 6, "end_line": 12, "end_column": 13}
    assert result["seconds"] == 0.0123
    assert result["counterexample"] is None


def test_a_counterexample() -> None:
    found = json.loads(render(report(VIOLATED)))["results"][0]["counterexample"]
    assert list(found)[:3] == ["events", "relations", "cycle"]
    assert [event["id"] for event in found["events"]] == list(range(7))
    assert found["events"][0]["agent"] is None
    write = found["events"][2]
    assert (write["agent"], write["kind"], write["location"], write["value"]) == ("writer", "W", "data", 42)
    assert write["text"] == "data = 42"
    assert found["relations"]["rf"] == [[0, 6], [3, 4]]
    assert [hop["relation"] for hop in found["cycle"]] == ["po", "rf", "fence", "fr"]
    assert found["cycle"][0]["ordered"] is False


def test_unknown_is_not_a_truth_value() -> None:
    result = json.loads(render(report(replace(PLAIN, verdict="unknown"))))["results"][0]
    assert result["as_claimed"] is None


def test_diagnostics_are_in_the_document() -> None:
    data = json.loads(render(mixed()))
    assert [each["code"] for each in data["diagnostics"]] == ["MM101"]
    assert data["diagnostics"][0]["span"]["line"] == 1
    assert data["notes"] == [{"file": "examples/broken.litmus", "text": "a note about the file"}]


def test_text_is_ascii_and_stable() -> None:
    odd = replace(PLAIN, spec="Überlauf \u202e")
    assert render(report(odd)).isascii()
    assert render(mixed()) == render(mixed())


def test_no_results_is_still_a_document() -> None:
    assert json.loads(render(report()))["results"] == []
