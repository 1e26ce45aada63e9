"""Whatever comes in by whichever door: an answer with a place, soon, and the same one twice."""

from __future__ import annotations

import os
import resource
import time
from itertools import islice
from pathlib import Path
from random import Random

import fuzzing
import pytest
from fuzzing import SETTINGS, Verdicts, doors, inputs, renamed, rewritten

NAMES = (
    "spec", "run", "place", "herd", "cat", "trace", "replay", "settings", "costs", "baseline", "markdown", "table",
)  # fmt: skip
SEED = 15
SECONDS = float(os.environ.get("FUZZ_SECONDS", "3"))
"""CPU time for each door; at most a minute for all."""
MANY = int(os.environ.get("FUZZ_INPUTS", "100000"))


def fuzz(folder: Path, name: str, *, most: int, seconds: float = 1e9, seed: int = SEED) -> Verdicts:
    door = doors(folder)[name]
    random = Random(f"{seed} {name}")
    verdicts = Verdicts(door, folder)
    began = time.process_time()
    for number, text in enumerate(islice(inputs(door, random), most)):
        other = None
        if number % 6 == 1:
            other = renamed(text, random) if name == "spec" and number % 12 == 1 else rewritten(door, text, random)
        verdicts.feed(text, again=number % 6 == 0, rewritten=other)
        if time.process_time() - began > seconds:
            break
    return verdicts


def judge(verdicts: Verdicts) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{dict(verdicts.counts)}, slowest {verdicts.slowest:.1f} s, {peak >> 10} MB")
    assert not verdicts.wrong, "\n\n".join(f"{what}\n---\n{text[:2000]}" for what, text in verdicts.wrong[:5])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMCHECK_CACHE", "off")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / ".git").mkdir()
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_some_inputs(folder: Path, name: str) -> None:
    judge(fuzz(folder, name, most=2_000, seconds=SECONDS))


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", NAMES)
def test_very_many_inputs(folder: Path, name: str) -> None:
    """`FUZZ_INPUTS` in all, another seed than in CI, in less than a gigabyte."""
    judge(fuzz(folder, name, most=MANY // len(NAMES), seed=SEED + 1))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1 << 20


@pytest.mark.parametrize("broken", ["raises", "hangs", "no place", "another answer"])
def test_the_judge_sees_what_is_wrong(folder: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    answers = iter(["first", "second"])

    def main(arguments: list[str]) -> int:
        match broken:
            case "raises":
                raise KeyError
            case "hangs":
                while True:
                    pass
            case "no place":
                print("error: something is wrong")
                return 2
        print(next(answers))
        return 0

    door = doors(folder)["settings"]
    monkeypatch.setattr(fuzzing, "SECONDS", 0.2)
    monkeypatch.setattr(fuzzing, "main", main)
    verdicts = Verdicts(door, folder)
    verdicts.feed(SETTINGS, again=True)
    assert len(verdicts.wrong) == 1
