"""Files that mmcheck wrote and somebody edited, settings that take long to read: a message with a place, at once."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hostile_inputs import BAD, GOOD, Checkout

from mmcheck.base import jsonfile
from mmcheck.base.errors import InputError
from mmcheck.base.source import SourceFile

RUN = ("results", 0, "counterexample")
EVENT = (*RUN, "events", 4)
EDITS: tuple[tuple[tuple[str | int, ...], Any], ...] = (
    (("results",), {}),
    (("results", 0), 7),
    (("results", 0, "file"), None),
    (("results", 0, "target"), ["armv8"]),
    (RUN, []),
    ((*RUN, "events"), [None]),
    ((*RUN, "relations"), []),
    ((*RUN, "relations", "rf"), [[1]]),
    ((*RUN, "relations", "rf"), [[1, 900]]),
    ((*RUN, "relations", "co"), [[3, 3]]),
    ((*RUN, "linear"), [[0], [1], [2]]),
    ((*RUN, "final"), {"a": "b"}),
    ((*EVENT, "id"), 0),
    ((*EVENT, "id"), True),
    ((*EVENT, "kind"), "X"),
    ((*EVENT, "agent"), "nobody"),
    ((*EVENT, "agent"), {}),
    ((*EVENT, "value"), 1.5),
    ((*EVENT, "tags"), [["Plain"]]),
)


@pytest.mark.parametrize(("path", "value"), EDITS, ids=lambda each: str(each))
def test_a_report_that_was_edited_is_refused_with_its_place(
    checkout: Checkout, path: tuple[str | int, ...], value: object
) -> None:
    checkout.write("bad.litmus", BAD)
    checkout.run("verify", "bad.litmus", "--format", "json", "--output", "report.json")
    assert checkout.run("run", "bad.litmus", "--replay", "report.json")[0] == 0
    report = json.loads((checkout.path / "report.json").read_text())
    here = report
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value
    checkout.write("report.json", json.dumps(report, indent=1))
    code, text = checkout.run("run", "bad.litmus", "--replay", "report.json")
    assert code == 2 and "internal error" not in text
    assert re.search(r"report\.json:\d+:\d+", text), text


@pytest.mark.parametrize("text", ["", "{", "[]", '{"results": ' + "[" * 100_000, '{"results": ' + "9" * 6_000 + "}"])
def test_what_is_no_json_has_a_place(checkout: Checkout, text: str) -> None:
    checkout.write("bad.litmus", BAD)
    checkout.write("x.json", text)
    for arguments in (("run", "bad.litmus", "--replay"), ("verify", "bad.litmus", "--baseline")):
        code, found = checkout.run(*arguments, "x.json")
        assert code == 2 and re.search(r"x\.json:\d+:\d+", found), found


def test_the_place_is_that_of_the_value() -> None:
    text = '{"a": [ 1, {"b\\n" : "x", "c": [true, null]} ], "d": {}}'
    shape = {"a": [(int, {"b\n": str, "c": [(bool, int)]})], "d": {"e?": int}}
    with pytest.raises(InputError) as caught:
        jsonfile.parse(SourceFile("x", text), shape, "MM013", "no")
    assert caught.value.diagnostics[0].span is not None
    assert caught.value.diagnostics[0].span.start == text.index("null")
    assert jsonfile.misfit({"d": {"e": 1}, "a": []}, shape) is None
    assert jsonfile.misfit({"d": {"e": True}, "a": []}, shape) == (("d", "e"), '"e" is not a whole number')


SLOW = {
    "pyproject.toml": ("\n" * 3_000, " " * 90_000, "[" + " " * 90_000, "tool" * 20_000, "a." * 90_000),
    "mmcheck.toml": ("[" * 50_000, "[a" + " " * 50_000, "a" * 90_000, "a." * 90_000, f"x = {'9' * 6_000}"),
    "page.md": ("<!-- mmcheck: " + "--> " * 40_000, "<!-- mmcheck: " * 20_000, "<!-- mmcheck: a" + " " * 90_000),
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in SLOW.items() for text in texts])
def test_nothing_takes_the_square_of_its_length(checkout: Checkout, name: str, text: str) -> None:
    checkout.write("good.litmus", GOOD)
    checkout.write(name, text)
    started = time.process_time()
    code, found = checkout.run("render", "--embed", "page.md") if name == "page.md" else checkout.run("verify", ".")
    assert time.process_time() - started < 3
    assert code in (0, 2) and "internal error" not in found


@pytest.mark.parametrize("subject", ["1." * 50_000, "1" * 100_000, "M" * 100_000, "VirtIO " * 20_000])
def test_a_long_subject_is_nothing(checkout: Checkout, subject: str) -> None:
    started = time.process_time()
    code, found = checkout.run("explain", subject)
    assert time.process_time() - started < 3
    assert code == 2 and "nothing is known" in found
