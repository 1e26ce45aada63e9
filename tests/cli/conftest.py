"""Running the command line, in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mmcheck.__main__ import main

ROOT = Path(__file__).resolve().parents[2]

MESSAGE = """spec "message passing"
targets armv8, x86-tso
memory data, flag
requirement seen { says "a reader that sees the flag sees the data" }
thread writer {
  data = 1
  publish: fence(release)
  flag.store(1, relaxed)
}
thread reader {
  let f = flag.load(acquire)
  if f == 1 {
    let d = data
    assert d == 1 for seen
  }
}
"""

BROKEN = MESSAGE.replace("  publish: fence(release)\n", "")

HERD = """AArch64 MP
{ 0:X1=x; 0:X3=y; 1:X1=y; 1:X3=x; }
 P0          | P1          ;
 MOV W0,#1   | LDR W0,[X1] ;
 STR W0,[X1] | LDR W2,[X3] ;
 STR W0,[X3] |             ;
exists (1:X0=1 /\\ 1:X2=0)
"""


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a good and a bad specification and a herd test, and an environment without wishes."""
    monkeypatch.chdir(tmp_path)
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


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mmcheck", *arguments]


def environment(**extra: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **extra}


@pytest.fixture
def process() -> Run:
    """``process("verify", "good.litmus")`` in a process of its own."""

    def run(*arguments: str, **extra: str) -> Outcome:
        done = subprocess.run(
            command(*arguments), capture_output=True, text=True, timeout=60, env=environment(**extra), check=False
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run
