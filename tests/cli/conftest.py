"""Running the command line, in this process or in one of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cli_inputs import BROKEN, HERD, MESSAGE, Outcome, Run, command, environment

from mmcheck.__main__ import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a good and a bad specification and a herd test, and an environment without wishes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "MMCHECK_CACHE", "MMCHECK_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "good.litmus").write_text(MESSAGE)
    (tmp_path / "bad.litmus").write_text(BROKEN)
    (tmp_path / "herd").mkdir()
    (tmp_path / "herd" / "MP.litmus").write_text(HERD)
    return tmp_path


@pytest.fixture
def mmcheck(capsys: pytest.CaptureFixture[str]) -> Run:
    """``mmcheck("verify", "good.litmus")`` in this process."""

    def run(*arguments: str) -> Outcome:
        code = main(list(arguments))
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def process() -> Run:
    """``process("verify", "good.litmus")`` in a process of its own."""

    def run(*arguments: str, **extra: str) -> Outcome:
        done = subprocess.run(
            command(*arguments), capture_output=True, text=True, timeout=60, env=environment(**extra), check=False
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run
