"""Exit codes and what goes wrong: every failure is one readable message."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cli_inputs import HERD, Run, command, environment

from mmcheck.verdict.results import FileReport, Report, Result

DECIDED = Result(
    "good.litmus",
    "s",
    None,
    "r",
    "point",
    (),
    "",
    "sc",
    "sc: SC",
    "holds",
    "holds",
    2,
    True,
    None,
    "smt",
    (),
    None,
    0.0,
)


def pretend(monkeypatch: pytest.MonkeyPatch, result: Report | BaseException) -> None:
    def fake(*_: object, **__: object) -> Report:
        if isinstance(result, BaseException):
            raise result
        return result

    monkeypatch.setattr(importlib.import_module("mmcheck.verdict.verify"), "answer", fake)


def test_all_as_claimed_is_0(mmcheck: Run) -> None:
    outcome = mmcheck("verify", "good.litmus")
    assert outcome.code == 0, outcome.out
    assert outcome.out.endswith("2 results in 1 file on armv8, x86-tso, loops up to 2 rounds: 2 as claimed\n")
    assert outcome.err == ""


def test_a_violation_is_1(mmcheck: Run) -> None:
    outcome = mmcheck("verify", "bad.litmus")
    assert outcome.code == 1
    assert "the CPU may reorder" in outcome.out
    assert "the compiler may reorder" in outcome.out


def test_a_violation_that_the_file_expects_is_0(mmcheck: Run, folder: Path) -> None:
    text = (folder / "bad.litmus").read_text()
    (folder / "bad.litmus").write_text(f"{text}\nexpect seen violated on armv8, x86-tso\n")
    assert mmcheck("verify", "bad.litmus").code == 0


def test_ill_formed_input_is_2_and_wins(mmcheck: Run, folder: Path) -> None:
    (folder / "ugly.litmus").write_text("spec 'x\n")
    outcome = mmcheck("verify", "bad.litmus", "ugly.litmus")
    assert outcome.code == 2
    assert "ugly.litmus:1:" in outcome.out
    assert "not as claimed, 1 error" in outcome.out


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (None, "there is no such file"),
        (b"a\0b", "MM003"),
        (b"abc\xff\n", "MM003"),
        (b"x" * 1_000_001, "MM002"),
    ],
)
def test_unreadable_files_are_2(mmcheck: Run, folder: Path, make: bytes | None, words: str) -> None:
    if make is not None:
        (folder / "x.litmus").write_bytes(make)
    for name in ("verify", "litmus"):
        outcome = mmcheck(name, "x.litmus")
        assert outcome.code == 2
        assert words in outcome.out
        assert "Traceback" not in outcome.out + outcome.err


def test_unknown_is_3(mmcheck: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = replace(DECIDED, verdict="unknown", notes=("time is up",))
    pretend(monkeypatch, Report((FileReport("good.litmus", (DECIDED, unknown)),)))
    outcome = mmcheck("verify", "good.litmus")
    assert outcome.code == 3
    assert "time is up" in outcome.out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["verify"],
        ["verify", "good.litmus", "--bound", "0"],
        ["verify", "good.litmus", "--timeout", "nan"],
        ["verify", "good.litmus", "--jobs", "x"],
        ["verify", "good.litmus", "--format", "xml"],
        ["verify", "good.litmus", "--target", "arm7"],
        ["verify", "good.litmus", "--variant", "no such variant"],
        ["litmus", "herd", "--model", "no-such-model"],
        ["litmus", "herd", "--expected", "missing.tsv"],
        ["explain"],
    ],
)
def test_usage_is_2(mmcheck: Run, arguments: list[str]) -> None:
    outcome = mmcheck(*arguments)
    assert outcome.code == 2
    assert outcome.err and "Traceback" not in outcome.err
    assert "internal error" not in outcome.err


def test_an_internal_error_is_one_line(mmcheck: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, RuntimeError("two\nlines"))
    outcome = mmcheck("verify", "good.litmus")
    assert outcome.code == 2
    assert outcome.err.startswith("internal error: RuntimeError: two lines")
    assert outcome.err.count("\n") == 1 and "report" in outcome.err
    monkeypatch.setenv("MMCHECK_DEBUG", "1")
    assert "Traceback" in mmcheck("verify", "good.litmus").err


def test_out_of_memory_is_3(mmcheck: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, MemoryError())
    assert mmcheck("verify", "good.litmus").code == 3


def test_interrupted_prints_what_was_decided(mmcheck: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, Report((FileReport("good.litmus", (DECIDED,)),), interrupted=True))
    outcome = mmcheck("verify", "good.litmus")
    assert outcome.code == 130
    assert "ok    r  holds" in outcome.out and "interrupted" in outcome.out
    pretend(monkeypatch, KeyboardInterrupt())
    outcome = mmcheck("verify", "--no-cache", "good.litmus")  # what was decided above is remembered
    assert (outcome.code, outcome.err) == (130, "interrupted\n")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_of_a_process(folder: Path) -> None:
    """In the midst of more tests than can be decided before the signal."""
    (folder / "more").mkdir()
    for number in range(3000):
        (folder / "more" / f"{number}.litmus").write_text(HERD)
    arguments = command("litmus", "herd", "more")
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, text=True, env=environment(PYTHONUNBUFFERED="1"),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # ignored in a background job
    ) as child:  # fmt: skip
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "Observation MP Sometimes\n"
            child.send_signal(signal.SIGINT)
            assert child.wait(30) == 130
        finally:
            child.kill()


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_reader_that_goes_away(folder: Path) -> None:
    for number in range(3):
        (folder / "herd" / f"MP{number}.litmus").write_text((folder / "herd" / "MP.litmus").read_text())
    child = subprocess.Popen(
        command("litmus", "herd", "--states"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment(PYTHONUNBUFFERED="1"),
    )  # fmt: skip
    assert child.stdout is not None and child.stderr is not None
    child.stdout.close()
    assert child.stderr.read() == ""
    child.stderr.close()
    child.wait(30)


def test_an_encoding_without_the_characters(process: Run, folder: Path) -> None:
    (folder / "good.litmus").write_text((folder / "good.litmus").read_text().replace("message", "Überlauf –"))
    outcome = process("verify", "good.litmus", PYTHONIOENCODING="ascii")
    assert outcome.code == 0
    assert "\\xdcberlauf" in outcome.out


def test_old_pythons_are_refused_in_one_line(mmcheck: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 1, "final", 0))
    outcome = mmcheck("verify", "good.litmus")
    assert outcome.code == 2
    assert outcome.err.startswith("mmcheck needs Python 3.11 or newer, and this is Python 3.10")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("name", ["__init__.py", "__main__.py", "_version.py"])
def test_old_pythons_can_read_the_refusal(name: str) -> None:
    import ast

    import mmcheck

    text = (Path(mmcheck.__file__).parent / name).read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 4))
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    assert all(function.returns is None for function in functions), "Python 2 has no annotations"
    assert "from __future__" not in text
