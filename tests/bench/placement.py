"""Measure ``mmcheck place`` on the benchmarks and on the virtqueue: cost, questions, CPU time.

Prints the table of docs/placement.md.

    python tests/bench/placement.py [--times N] [NAME...]

CPU time is that of the whole command, start of Python included (user and system, of the child process): the least of N
runs, since other work on the machine only adds to it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).resolve().parent / "place"
MARKED = ("sb", "dekker", "dekker-twice", "peterson", "ticket", "ttas", "clh", "mcs", "seqlock", "spsc", "chase-lev")
LIMITS = {"virtqueue, all sites": 10.0, "dekker": 1.0, "peterson": 1.0, "spsc": 2.0}
"""CPU seconds that each may take."""

MOST_QUERIES = 60
"""Of the virtqueue with all sites."""


def measure(path: Path, times: int, *options: str) -> tuple[dict[str, object], float]:
    """The JSON object of one file, and the least CPU seconds of the command."""
    result, seconds = _once(path, *options)
    for _ in range(times - 1):
        seconds = min(seconds, _once(path, *options)[1])
    return result, seconds


def _once(path: Path, *options: str) -> tuple[dict[str, object], float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "mmcheck", "place", str(path), "--format", "json", *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    (result,) = json.loads(done.stdout)["results"]
    return result, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("names", nargs="*", metavar="NAME")
    asked = parser.parse_args(arguments)
    rows: list[tuple[str, Path, tuple[str, ...]]] = [(name, FOLDER / f"{name}.litmus", ()) for name in MARKED]
    virtqueue = ROOT / "specs" / "virtqueue.litmus"
    rows.append(("virtqueue, marked", virtqueue, ()))
    rows.append(("virtqueue, all sites", virtqueue, ("--sites", "all")))
    rows.append(("virtqueue, instructions", virtqueue, ("--sites", "all", "--instructions")))
    print("| program | sites | placements | optimum | optima | questions | in all | clauses | CPU s |")
    print("|---|---|---|---|---|---|---|---|---|")
    slow = []
    for name, path, options in rows:
        if asked.names and name not in asked.names:
            continue
        result, seconds = measure(path, asked.times, *options)
        optimum = result["optimum"]
        assert isinstance(optimum, list) and result["proved"] and result["verified"]
        print(
            f"| {name} | {len(optimum[0]['choices'])} | {result['placements']:,} | {result['cost']} | {len(optimum)} "
            f"| {result['queries']} | {result['queries_in_all']} | {result['clauses']} | {seconds:.2f} |",
            flush=True,
        )
        if name == "virtqueue, all sites" and int(str(result["queries"])) >= MOST_QUERIES:
            slow.append(f"{name}: {result['queries']} questions, and fewer than {MOST_QUERIES} are allowed")
        if seconds > LIMITS.get(name, 60.0):
            slow.append(f"{name}: {seconds:.2f} s of CPU, and {LIMITS.get(name, 60.0)} are allowed")
    for line in slow:
        print(line, file=sys.stderr)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
