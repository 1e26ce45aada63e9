"""Whatever comes in by whichever door: an answer with a place, soon, and the same one twice."""

from __future__ import annotations

import os
import time
from itertools import islice
from pathlib import Path
from random import Random

import fuzzing
import pytest
from fuzzing import KILOBYTES, SETTINGS, Verdicts, doors, inputs, peak

NAMES = (
    "spec", "enumerate", "run", "place", "herd", "cat", "trace", "replay", "settings", "costs", "baseline", "markdown",
    "table",
)  # fmt: skip
SEED = int(os.environ.get("FUZZ_SEED", "15"))
SECONDS = float(os.environ.get("FUZZ_SECONDS", "1.5"))
"""CPU time for each door; at most a minute for all."""
MANY = int(os.environ.get("FUZZ_INPUTS", "100000"))


def fuzz(folder: Path, name: str, *, most: int, seconds: float = 1e9, seed: int = SEED) -> Verdicts:
    door = doors(folder)[name]
    random = Random(f"{seed} {name}")
    verdicts = Verdicts(door, folder)
    began = time.process_time()
    for number, text in enumerate(islice(inputs(door, random), most)):
        verdicts.feed(text, again=number % 6 == 0, rewrite=random if number % 6 == 1 else None)
        if time.process_time() - began > seconds:
            break
    return verdicts


def judge(verdicts: Verdicts) -> None:
    print(f"{dict(verdicts.counts)}, slowest {verdicts.slowest:.1f} s, {peak() >> 10} MB")
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
    assert peak() < KILOBYTES


@pytest.mark.parametrize("name", ["spec", "herd", "cat", "settings"])
def test_what_ships_means_the_same_when_it_is_written_otherwise(folder: Path, name: str) -> None:
    door = doors(folder)[name]
    verdicts = Verdicts(door, folder)
    for text in door.seeds[:2]:
        for seed, rewrite in enumerate(door.rewrites):
            assert rewrite(text, Random(seed)) != text
        verdicts.feed(text, rewrite=Random(3))
    assert not verdicts.wrong and verdicts.counts["exit 0"] + verdicts.counts["exit 1"]


@pytest.mark.parametrize("broken", ["raises", "hangs", "no place", "another answer", "another meaning", "memory"])
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
        return int(broken == "another meaning" and next(answers, "") == "")

    door = doors(folder)["settings"]
    monkeypatch.setattr(fuzzing, "SECONDS", 0.2)
    monkeypatch.setattr(fuzzing, "main", main)
    if broken == "memory":
        peaks = iter([KILOBYTES - 1, KILOBYTES + 1])
        monkeypatch.setattr(fuzzing, "peak", lambda: next(peaks))
    verdicts = Verdicts(door, folder)
    if broken in ("another meaning", "memory"):
        answers = iter(["first", "second", "third"])
        verdicts.feed(SETTINGS, rewrite=Random(1))
    else:
        verdicts.feed(SETTINGS, again=True)
    assert len(verdicts.wrong) == 1
