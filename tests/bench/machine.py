"""How fast the machines are: steps a second, frames, exhaustive exploration. Run ``python tests/bench/machine.py``."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

from mmcheck.base.files import read_source
from mmcheck.language.lower.spec import load_spec
from mmcheck.machine import armv8, runner, sc, tso
from mmcheck.machine.frames import film_spec, frames
from mmcheck.target.targets import parse_target

ROOT = Path(__file__).parents[2]
MACHINES = {"armv8": armv8, "x86-tso": tso, "sc": sc}


def steps(target: str, runs: int = 200) -> float:
    """Steps a second of the runs of specs/gpu.litmus."""
    program = load_spec(read_source(ROOT / "specs" / "gpu.litmus")).program(parse_target(target))
    prepared = runner.prepare(program)
    total, began = 0, time.process_time()
    for seed in range(runs):
        random = Random(seed)
        total += runner.machine(program, random, prepared=prepared).run(random).counts.steps
    return total / (time.process_time() - began)


def film(target: str, count: int = 1000) -> float:
    """Seconds for `count` frames of 64 by 64."""
    spec = film_spec(read_source(ROOT / "specs" / "gpu.litmus"), 64)
    began = time.process_time()
    frames(spec, parse_target(target), None, count=count, size=64, seed=0)
    return time.process_time() - began


def exploration() -> tuple[float, str, int]:
    """The slowest two-thread program of litmus/, which it is, and how many there are."""
    slowest, name, count = 0.0, "", 0
    for path in sorted((ROOT / "litmus").glob("*.litmus")):
        spec = load_spec(read_source(path))
        for target in spec.targets:
            for title in [None, *[variant.title for variant in spec.variants]]:
                if not spec.applicable(title, target):
                    continue
                program = spec.program(target, title)
                if len(program.threads) != 2:
                    continue
                began = time.process_time()
                MACHINES[target.base].run(program)
                spent = time.process_time() - began
                count += 1
                if spent > slowest:
                    slowest, name = spent, f"{path.name} {target.name} {title or 'base'}"
    return slowest, name, count


if __name__ == "__main__":
    for each in MACHINES:
        print(f"{each}: {steps(each):,.0f} steps a second")
    for each in ("armv8", "x86-tso"):
        print(f"{each}: 1,000 frames in {film(each):.1f} s")
    seconds, which, number = exploration()
    print(f"exploration: slowest of {number} two-thread programs {seconds:.3f} s ({which})")
