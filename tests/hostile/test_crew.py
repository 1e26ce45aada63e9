"""Processes that are killed, or whose parent is: what is lost is one piece of work, and nobody stays behind."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import workers
from hostile_inputs import BAD, GOOD, Checkout

from mmcheck.base.crew import Lost, shared_out
from mmcheck.verdict.results import FileReport

PARENT = """
import sys, workers
from mmcheck.base.crew import shared_out
if __name__ == "__main__":
    list(shared_out(workers.stay, sys.argv[1:], 2))
"""


def alive(process: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def test_results_come_in_order() -> None:
    assert list(shared_out(workers.double, [4, 1, 2], 2)) == [8, 2, 4]


def test_only_what_was_lost_is_lost() -> None:
    found = list(shared_out(workers.double, [1, 3, 2, 5, 4], 2))
    assert [each if isinstance(each, int) else type(each) for each in found] == [2, Lost, 4, Lost, 8]


def test_nobody_waits_for_what_is_not_wanted() -> None:
    started = time.monotonic()
    results = shared_out(workers.double, [1, 7, 7], 2)
    assert next(results) == 2
    results.close()
    assert time.monotonic() - started < 60


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="processes are looked up in /proc")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_their_parent(tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    marks = [tmp_path / "a", tmp_path / "b"]
    folders = (str(Path(__file__).parent), str(Path(__file__).parents[2]))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    with subprocess.Popen([sys.executable, str(script), *map(str, marks)], env=environment) as parent:
        _until(lambda: all(mark.exists() and mark.read_text() for mark in marks))
        processes = [int(mark.read_text()) for mark in marks]
        assert all(map(alive, processes))
        parent.send_signal(how)
    _until(lambda: not any(map(alive, processes)))


def _until(true: object, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def lossy(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Iterator[Checkout]:
    """Two files, of which the process that checks the second is lost."""
    checkout.write("a.litmus", BAD)
    checkout.write("b.litmus", GOOD)
    checker = importlib.import_module("mmcheck.verdict.verify")

    def lose(work: object, paths: list[str], jobs: int) -> Iterator[FileReport | Lost]:
        for path in paths:
            yield Lost() if path == "b.litmus" else work(path)  # type: ignore[operator]

    monkeypatch.setattr(checker, "shared_out", lose)
    yield checkout


def test_the_file_of_a_lost_process_is_unknown_and_the_rest_is_reported(lossy: Checkout) -> None:
    code, text = lossy.run("verify", "a.litmus", "b.litmus", "--jobs", "2", "--format", "concise")
    assert code == 1
    assert "a.litmus:13:5: violated seen" in text
    assert "b.litmus:4:13: unknown seen [base] on armv8: the process that worked on it was ended" in text
    assert lossy.run("verify", "b.litmus", "a.litmus", "--jobs", "2", "--format", "concise")[0] == 1


def test_out_of_memory_is_unknown(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    checkout.write("a.litmus", GOOD)
    monkeypatch.setattr("mmcheck.verdict.check.Checker.run", fail)
    code, text = checkout.run("verify", "a.litmus")
    assert code == 3 and "there was not enough memory" in text
