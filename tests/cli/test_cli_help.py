"""Help, version, explanations, and the library's two functions."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from cli_inputs import Run, environment

import mmcheck as package
from mmcheck.base.codes import CODES

COMMANDS = ("verify", "litmus", "place", "doc", "render", "run", "frames", "trace", "init", "explain")


def test_help_names_exit_codes_and_commands(mmcheck: Run) -> None:
    text = mmcheck("--help").out
    for word in (*COMMANDS, "exit codes:", "130  interrupted"):
        assert word in text
    for command in COMMANDS:
        outcome = mmcheck(command, "--help")
        assert outcome.code == 0 and "exit codes:" in outcome.out


def test_help_advertises_every_option(mmcheck: Run) -> None:
    text = mmcheck("verify", "--help").out
    for option in (
        "--target", "--variant", "--format", "--output", "--graphs", "--bound", "--timeout", "--jobs", "--engine",
        "--dump-smt", "--no-cache",
    ):  # fmt: skip
        assert option in text
    text = mmcheck("litmus", "--help").out
    for option in ("--model", "--states", "--expected", "--bound", "--jobs", "--engine"):
        assert option in text


def test_version(mmcheck: Run) -> None:
    assert mmcheck("--version").out == f"mmcheck {package.__version__}\n"


def test_explain_a_code(mmcheck: Run) -> None:
    outcome = mmcheck("explain", "mm101")
    assert outcome.code == 0
    assert outcome.out.startswith(f"MM101: {CODES['MM101'][0]}\n")


@pytest.mark.parametrize("clause", ["2.7.13.3.1", "VirtIO 1.2, 2.7.13.3.1", "virtio 1.1, 2.6.13.3.1"])
def test_explain_a_clause(mmcheck: Run, clause: str) -> None:
    assert mmcheck("explain", clause).out.startswith("VirtIO 1.2, 2.7.13.3.1: ")


def test_explain_an_implied_clause_and_a_verdict(mmcheck: Run) -> None:
    assert "used index" in mmcheck("explain", "implied:P4").out
    assert "within the bound" in mmcheck("explain", "holds").out


@pytest.mark.parametrize("subject", ["MM10l", "nonsense", "99.9", ""])
def test_explain_what_is_not_known(mmcheck: Run, subject: str) -> None:
    outcome = mmcheck("explain", subject)
    assert outcome.code == 2 and outcome.out == "" and outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("subject", "meant"),
    [("MM1O1", "MM101"), ("mml01", "MM101"), ("101", "MM101"), ("2.7.13.3.9", "2.7.13.3"), ("vialated", "violated")],
)
def test_explain_suggests(mmcheck: Run, subject: str, meant: str) -> None:
    assert mmcheck("explain", subject).err.endswith(f"; did you mean '{meant}'?\n")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [("verfy x", "verify"), ("verify x --targt=sc", "--target"), ("verify x --format jsno", "json")],
)
def test_a_misspelt_command_or_option_has_a_suggestion(mmcheck: Run, arguments: str, meant: str) -> None:
    outcome = mmcheck(*arguments.split())
    assert outcome.code == 2
    assert outcome.err.endswith(f"; did you mean '{meant}'?\n")


def test_the_version_loads_next_to_nothing() -> None:
    code = "import sys; from mmcheck.__main__ import main; main(['--version']); print(len(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True)
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; print(len(sys.modules))"], capture_output=True, text=True,
        env=os.environ, check=True,
    )  # fmt: skip
    assert int(done.stdout.splitlines()[-1]) - int(bare.stdout) <= 4


def test_the_library_has_two_functions() -> None:
    code = (
        "import mmcheck, mmcheck.verdict.verify, mmcheck.verdict.litmus\n"
        "from mmcheck.verdict.verify import verify\n"
        "assert mmcheck.verify is verify and callable(mmcheck.litmus)\n"
        "report = mmcheck.verify(['good.litmus'], targets=['sc'])\n"
        "assert [r.verdict for r in report.results] == ['holds'], report\n"
        "assert [o.observation for o in mmcheck.litmus(['herd/MP.litmus'])] == ['Sometimes']\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], env=environment(), check=True, timeout=60)
