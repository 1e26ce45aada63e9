"""Bad input, whole commands: exit 2, one readable diagnostic with its place, no traceback, within 5 s and 500 MB."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_inputs import HERD, MESSAGE, Outcome, command, environment

SECONDS = 5.0
MEGABYTES = 500
DEEP = 10_000

Case = tuple[str, str | bytes, str, str]
"""File, content, code, and what its place begins with."""

CASES: dict[str, Case] = {
    "an empty file": ("a.litmus", "", "MM001", "a.litmus:1:1"),
    "a binary file": ("a.litmus", bytes(range(256)) * 40, "MM003", "a.litmus"),
    "10 MB of comments": ("a.litmus", MESSAGE + "// x\n" * 2_000_000, "MM002", "a.litmus"),
    "10 MB in one line": ("a.litmus", MESSAGE + " x" * 5_000_000, "MM002", "a.litmus"),
    "brackets, 10,000 deep": (
        "a.litmus",
        MESSAGE.replace("data = 1", "data = " + "(" * DEEP + "1" + ")" * DEEP),
        "MM004",
        "a.litmus:6:",
    ),
    "blocks, 5,000 deep": (
        "a.litmus",
        MESSAGE + "thread t { " + "if 1 == 1 { " * (DEEP // 2) + "}" * (DEEP // 2) + " }\n",
        "MM004",
        "a.litmus:17:",
    ),
    "signs, 10,000 deep": (
        "a.litmus",
        MESSAGE.replace("data = 1", "data = " + "-" * DEEP + "1"),
        "MM004",
        "a.litmus:6:",
    ),
    "a sum of 10,000": (
        "a.litmus",
        MESSAGE.replace("data = 1", "data = " + "1 + " * DEEP + "1"),
        "MM004",
        "a.litmus:6:",
    ),
    "an include cycle": ("a.litmus", 'include "a.litmus"\n' + MESSAGE, "MM235", "a.litmus:1:9"),
    "an include out of the project": ("a.litmus", 'include "../x.litmus"\n' + MESSAGE, "MM235", "a.litmus:1:9"),
    "an include of the system": ("a.litmus", 'include "/etc/passwd"\n' + MESSAGE, "MM235", "a.litmus:1:9"),
    "an unknown target": ("a.litmus", MESSAGE.replace("armv8,", "armv9,"), "MM240", "a.litmus:2:9"),
    "a location never declared": ("a.litmus", MESSAGE.replace("data = 1", "date = 1"), "MM200", "a.litmus:6:3"),
    "an index out of range": (
        "a.litmus",
        MESSAGE.replace("memory data", "memory ring[4]: u32, data").replace("  data = 1", "  ring[4] = 1"),
        "MM220",
        "a.litmus:6:8",
    ),
    "an instruction of no machine": ("a.litmus", HERD.replace("MOV W0,#1", "FROB W0,#1"), "MM301", "a.litmus:4:2"),
    "herd's condition, 10,000 deep": (
        "a.litmus",
        HERD.replace("(1:X0", "(" * DEEP + "1:X0").replace("X2=0)", "X2=0" + ")" * DEEP),
        "MM316",
        "a.litmus:7:",
    ),
    "a model with an error": ("m.cat", '"m"\nlet a = po |\nacyclic a as x\n', "MM403", "m.cat:3:1"),
    "a model with an unknown relation": ("m.cat", '"m"\nacyclic po | frr as x\n', "MM405", "m.cat:2:14"),
    "a binary model": ("m.cat", bytes(range(256)), "MM003", "m.cat"),
    "a model, 10,000 deep": (
        "m.cat",
        '"m"\nlet a = ' + "(" * DEEP + "po" + ")" * DEEP + "\nacyclic a as x\n",
        "MM404",
        "m.cat:2:",
    ),
    "a model that includes itself": ("m.cat", '"m"\ninclude "m.cat"\nacyclic po as x\n', "MM407", "m.cat:2:1"),
    "a model from outside": ("m.cat", '"m"\ninclude "../x.cat"\nacyclic po as x\n', "MM407", "m.cat:2:1"),
    "a model with po in a negative place": (
        "m.cat",
        '"m"\nacyclic po | rf as x\nacyclic (po \\ (po; [F]; po)) | rf as y\n',
        "MM410",
        "m.cat:3:",
    ),
}

Measure = Callable[..., tuple[Outcome, float, float]]


@pytest.fixture
def measured(tmp_path: Path) -> Measure:
    """Runs a command in a process of its own: outcome, CPU seconds, megabytes at most."""

    def run(*arguments: str) -> tuple[Outcome, float, float]:
        out = tmp_path / "out.txt"
        with out.open("wb") as file:
            child = os.posix_spawn(
                sys.executable,
                command(*arguments),
                environment(),
                file_actions=[(os.POSIX_SPAWN_DUP2, file.fileno(), 1), (os.POSIX_SPAWN_DUP2, file.fileno(), 2)],
            )
            _, status, usage = os.wait4(child, 0)
        peak = usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
        text = out.read_text(encoding="utf-8", errors="replace")
        return Outcome(os.waitstatus_to_exitcode(status), text, ""), usage.ru_utime + usage.ru_stime, peak

    return run


@pytest.mark.parametrize("what", CASES)
def test_one_diagnostic_with_its_place(what: str, measured: Measure, folder: Path) -> None:
    name, content, code, place = CASES[what]
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    arguments = ("good.litmus", "--target", name) if name.endswith(".cat") else (name,)
    outcome, seconds, megabytes = measured("verify", *arguments, "--no-cache")
    assert outcome.code == 2, outcome.out
    assert outcome.out.count("error[") == 1 and f"error[{code}]" in outcome.out
    assert f" --> {place}" in outcome.out
    assert "Traceback" not in outcome.out
    assert len(outcome.out) < 2_000 and max(map(len, outcome.out.splitlines())) < 200
    assert seconds < SECONDS and megabytes < MEGABYTES


def test_an_unknown_target_on_the_command_line(measured: Measure) -> None:
    outcome, seconds, megabytes = measured("verify", "good.litmus", "--target", "armv9")
    assert outcome.code == 2
    assert "MM240" in outcome.out and "did you mean 'armv8'?" in outcome.out
    assert seconds < SECONDS and megabytes < MEGABYTES
