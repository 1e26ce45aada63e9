"""Streams that are closed or full, Ctrl-C, and what the log of a CI would obey."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile_inputs import BAD, GOOD, Checkout

from mmcheck.verdict.results import FileReport

FULL = Path("/dev/full")
PRODUCTS = (
    ("--version",),
    ("--help",),
    ("verify", "--help"),
    ("explain", "MM101"),
    ("verify", "good.litmus"),
    ("verify", "bad.litmus"),
    ("verify", "bad.litmus", "--format", "github"),
    ("verify", "bad.litmus", "--format", "sarif"),
    ("place", "good.litmus"),
    ("run", "good.litmus", "--runs", "1"),
    ("init", "new"),
)


def shell(line: str) -> tuple[int, str]:
    """The exit code of a shell's line in which ``$MMCHECK`` is the command, and what was printed to stderr."""
    environment = {**os.environ, "MMCHECK": f"{sys.executable} -m mmcheck", "MMCHECK_CACHE": "off"}
    done = subprocess.run(
        ["bash", "-c", line], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("arguments", PRODUCTS, ids=" ".join)
@pytest.mark.parametrize("where", [">/dev/full", ">&-"])
def test_what_cannot_be_reported_is_2(checkout: Checkout, arguments: tuple[str, ...], where: str) -> None:
    checkout.write("good.litmus", GOOD)
    checkout.write("bad.litmus", BAD)
    code, errors = shell(f"$MMCHECK {' '.join(arguments)} {where}")
    assert code == 2
    assert "the report cannot be written" in errors
    assert "Traceback" not in errors and "internal error" not in errors and "Exception" not in errors


@pytest.mark.parametrize("where", ["2>&-", "<&- 2>&-", *(["2>/dev/full"] if FULL.exists() else [])])
@pytest.mark.parametrize(("name", "code"), [("good", 0), ("bad", 1), ("missing", 2)])
def test_what_is_no_report_may_be_lost(checkout: Checkout, where: str, name: str, code: int) -> None:
    checkout.write("good.litmus", GOOD)
    checkout.write("bad.litmus", BAD)
    for options in ("", "--format json", "--graphs pictures"):
        assert shell(f"$MMCHECK verify {name}.litmus {options} {where}")[0] == code


def test_a_report_in_a_file_needs_no_stdout(checkout: Checkout) -> None:
    checkout.write("bad.litmus", BAD)
    assert shell("$MMCHECK verify bad.litmus --output out.txt >&- <&-")[0] == 1
    assert "violated" in (checkout.path / "out.txt").read_text()


def test_a_reader_that_is_gone_is_told_nothing(checkout: Checkout) -> None:
    checkout.write("bad.litmus", BAD)
    code, errors = shell("set -o pipefail; $MMCHECK verify bad.litmus --format json | true")
    assert code == 2 and errors == ""


# --- Ctrl-C ------------------------------------------------------------------------------------------


@pytest.fixture
def interrupted(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """Ctrl-C in the second of two files."""
    checkout.write("a.litmus", BAD)
    checkout.write("b.litmus", BAD)
    checkout.write("page.md", "<!-- mmcheck: b.litmus -->\n<!-- mmcheck: end -->\n")
    checker = importlib.import_module("mmcheck.verdict.verify")
    original: Callable[..., FileReport] = checker.verify_file

    def stop(path: str, *others: object, **named: object) -> FileReport:
        if path == "b.litmus":
            raise KeyboardInterrupt
        return original(path, *others, **named)

    monkeypatch.setattr(checker, "verify_file", stop)
    return checkout


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "a.litmus", "b.litmus", "--output", "kept/file"),
        ("verify", "a.litmus", "b.litmus", "--write-baseline", "kept/file"),
        ("verify", "a.litmus", "b.litmus", "--graphs", "kept"),
        ("doc", "a.litmus", "b.litmus", "-o", "kept"),
        ("render", "--embed", "page.md"),
    ],
    ids=" ".join,
)
def test_what_was_there_stays(interrupted: Checkout, arguments: tuple[str, ...]) -> None:
    interrupted.write("kept/file", "complete")
    before = {path: path.read_bytes() for path in interrupted.path.rglob("*") if path.is_file()}
    code, text = interrupted.run(*arguments)
    assert code == 130 and "interrupted" in text
    assert {path: path.read_bytes() for path in interrupted.path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("form", ["full", "concise", "json", "sarif", "github", "junit"])
def test_a_part_of_a_report_says_so(interrupted: Checkout, form: str) -> None:
    code, text = interrupted.run("verify", "a.litmus", "b.litmus", "--format", form)
    assert code == 130
    product = text.partition("mmcheck: interrupted")[0]
    assert ("interrupted" if form != "sarif" else '"executionSuccessful": false') in product


# --- lines that are commands -------------------------------------------------------------------------

PAYLOADS = (
    "::add-mask::e",
    "::stop-commands::x",
    "##[add-mask]e",
    "##vso[task.setvariable variable=x]y",
    "##teamcity[testFailed name='x']",
    "a " * 60 + "::warning::x " * 8,
)


@pytest.mark.parametrize("form", ["full", "concise", "json", "sarif", "github", "junit"])
@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_line_is_a_command_of_somebody_else(checkout: Checkout, form: str, payload: str) -> None:
    """GitHub takes the blanks away before it looks for two colons, and looks for ``##[`` anywhere in a line."""
    name = f"{payload[:60]}.litmus".replace("/", "-")
    text = BAD.replace("message passing", payload).replace("a reader that", payload)
    checkout.write(name, text.replace("d == 1 for seen", "d == 1 for seen // " + payload))
    checkout.write(f"x/{name}", f"{payload}\n")
    code, text = checkout.run("verify", ".", "-v", "--format", form)
    assert code == 2
    for line in text.splitlines():
        if not (form == "github" and line.startswith(("::error ", "::warning "))):
            assert not line.lstrip().startswith("::"), line
        assert not any(word in line for word in ("##[", "##vso[", "##teamcity[")), line
