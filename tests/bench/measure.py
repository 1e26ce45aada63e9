"""CPU seconds of whole commands: several runs in turn, the least of each, so that ratios can be trusted."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = sys.executable


def prepare() -> None:
    """Put the parse table where an installation has it; without it every run would build the table anew."""
    code = (
        "from mmcheck.language.syntax import parse; "
        "parse.build_table(parse.grammar_path().with_name(parse.PACKAGE_TABLE))"
    )
    subprocess.run([PYTHON, "-c", code], env=environment(), cwd=ROOT, check=True)


def environment() -> dict[str, str]:
    """As for a user: no verdicts kept from earlier runs, but compiled modules as an installation has them."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT), "MMCHECK_CACHE": "off"}


def mmcheck(*arguments: str) -> list[str]:
    """The command as it is installed beside this Python, else as a module of the checkout."""
    script = Path(PYTHON).with_name("mmcheck")
    return [str(script), *arguments] if script.exists() else [PYTHON, "-m", "mmcheck", *arguments]


def cpu(command: Sequence[str], *, codes: Sequence[int] = (0,)) -> float:
    """User and system seconds of one run; the exit code must be one of `codes`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environment(), cwd=ROOT, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in codes:
        sys.stderr.write(done.stderr.decode(errors="replace"))
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def interleaved(
    commands: Mapping[str, Sequence[str]], runs: int, *, codes: Sequence[int] = (0,)
) -> dict[str, list[float]]:
    """The seconds of `runs` runs of each command, taken in turn, after one run that fills the caches."""
    for command in commands.values():
        cpu(command, codes=codes)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            times[name].append(cpu(command, codes=codes))
    return times


def line(name: str, value: str, limit: str, good: bool) -> bool:
    """Print one figure, its limit and whether it is kept."""
    print(f"{'ok  ' if good else 'OVER'}  {name:48} {value:>22}   limit {limit}", flush=True)
    return good


def seconds(name: str, times: Sequence[float], limit: float) -> bool:
    """Print the least of `times`, and the middle one."""
    least, middle = min(times), sorted(times)[len(times) // 2]
    return line(name, f"{least:.3f} s (median {middle:.3f})", f"{limit:g} s", least < limit)


def ratio(name: str, times: Sequence[float], base: Sequence[float], limit: float) -> bool:
    """Print how many times `base` the least of `times` is."""
    value = min(times) / min(base)
    text = f"{value:.2f}x ({1000 * min(times):.0f} / {1000 * min(base):.0f} ms)"
    return line(name, text, f"{limit:g}x", value <= limit)
