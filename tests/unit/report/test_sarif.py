"""The SARIF form: valid by the schema, one thread flow per agent, the picture attached, texts inert."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hostile import TEXTS
from hostile import report as hostile_report
from results_for_reports import PLAIN, VIOLATED, mixed, report

from mmcheck.report.formats.sarif import render

jsonschema = pytest.importorskip("jsonschema")
SCHEMA = Path(__file__).resolve().parents[2] / "data" / "sarif" / "sarif-schema-2.1.0.json"


@functools.cache
def validator() -> Any:
    return jsonschema.Draft4Validator(
        json.loads(SCHEMA.read_text(encoding="utf-8")), format_checker=jsonschema.FormatChecker()
    )


def run_of(text: str) -> dict[str, Any]:
    data = json.loads(text)
    assert [error.message for error in validator().iter_errors(data)] == []
    run: dict[str, Any] = data["runs"][0]
    return run


def test_a_validator_that_validates() -> None:
    data = json.loads(render(report(VIOLATED)))
    data["runs"][0]["results"][0]["level"] = "dreadful"
    assert list(validator().iter_errors(data))


def test_a_bit_of_everything_is_valid() -> None:
    run = run_of(render(mixed()))
    found = [(each["ruleId"], each["level"]) for each in run["results"]]
    assert found == [
        ("MM101", "error"),
        ("mmcheck/violated", "error"),
        ("mmcheck/holds", "error"),
        ("mmcheck/unknown", "warning"),
    ]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [rules[each["ruleIndex"]] for each in run["results"]] == [each["ruleId"] for each in run["results"]]
    assert run["invocations"] == [{"executionSuccessful": False}]


def test_nothing_wrong_is_no_result() -> None:
    assert run_of(render(report(PLAIN)))["results"] == []


def test_the_cycle_is_the_code_flow() -> None:
    run = run_of(render(report(VIOLATED)))
    found = VIOLATED.counterexample
    assert found is not None
    (flow,) = run["results"][0]["codeFlows"]
    agents = [each["message"]["text"] for each in flow["threadFlows"]]
    assert agents == [agent.name for agent in found.execution.threads]
    steps = [step for each in flow["threadFlows"] for step in each["locations"]]
    assert sorted(step["executionOrder"] for step in steps) == list(range(1, len(found.cycle) + 1))
    assert {step["importance"] for step in steps} == {"essential"}
    by_order = {step["executionOrder"]: step["location"]["message"]["text"] for step in steps}
    for number, hop in enumerate(found.cycle, 1):
        event = found.execution.events[hop.source]
        assert found.execution.threads[event.thread].name in by_order[number] and hop.relation in by_order[number]


def test_a_run_without_a_cycle_is_in_the_order_it_happened() -> None:
    found = VIOLATED.counterexample
    assert found is not None
    run = run_of(render(report(replace(VIOLATED, counterexample=replace(found, cycle=())))))
    flows = run["results"][0]["codeFlows"][0]["threadFlows"]
    for flow in flows:
        order = [step["executionOrder"] for step in flow["locations"]]
        assert order == sorted(order)


def test_the_picture_is_attached() -> None:
    run = run_of(render(report(VIOLATED)))
    index = run["results"][0]["attachments"][0]["artifactLocation"]["index"]
    artifact = run["artifacts"][index]
    assert artifact["mimeType"] == "image/svg+xml"
    assert ET.fromstring(artifact["contents"]["text"]).tag.endswith("svg")


def test_places_are_relative_and_count_characters() -> None:
    run = run_of(render(report(VIOLATED)))
    physical = run["results"][0]["locations"][0]["physicalLocation"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert physical["artifactLocation"] == {"uri": "examples/mp.litmus", "uriBaseId": "%SRCROOT%"}
    assert physical["region"]["startLine"] == 14


def test_the_fingerprint_is_of_the_claim_and_not_of_its_line() -> None:
    def fingerprint(result: Any) -> str:
        text = run_of(render(report(result)))["results"][0]["partialFingerprints"]["mmcheckClaim/v1"]
        assert isinstance(text, str)
        return text

    assert fingerprint(VIOLATED) == fingerprint(replace(VIOLATED, span=None))
    assert fingerprint(VIOLATED) != fingerprint(replace(VIOLATED, variant="another"))


def test_known_failures_are_suppressed() -> None:
    run = run_of(render(report(PLAIN), known=[VIOLATED]))
    assert run["results"][0]["suppressions"] == [{"kind": "external"}]


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_hostile_texts_are_inert(name: str) -> None:
    text = render(hostile_report(TEXTS[name]))
    run = run_of(text)
    assert len(text) < 200_000
    svg = run["artifacts"][0]["contents"]["text"]
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(svg).iter()}
    assert tags <= {"svg", "g", "title", "desc", "style", "rect", "path", "polygon", "text"}
    messages = list(texts(run["results"]))
    assert not any("](" in each or "{0}" in each or "\n" in each for each in messages)
    assert not any(character in each for each in messages for character in "\x00\x1b\u202e\u2066\u200f\u061c")


def texts(value: Any) -> list[str]:
    """Every message in a part of the document."""
    if isinstance(value, dict):
        here = [value["message"]["text"]] if "message" in value else []
        return here + [text for key, each in value.items() if key != "message" for text in texts(each)]
    return [text for each in value for text in texts(each)] if isinstance(value, list) else []
