"""Interrupt handlers: ``specs/preempt.litmus``, and three runs of a handler over a thread of 30 events."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from measure import ROOT, interleaved, line, mmcheck, prepare, seconds


def long_thread(events: int = 30, runs: int = 3) -> str:
    """Two counters, the second never ahead of the first, and a handler that looks at them, at most `runs` times."""
    steps = [f"  {'xy'[i % 2]}.write_volatile({i // 2 + 1})" for i in range(events)]
    return "\n".join(
        [
            'spec "a long thread, interrupted" targets armv8',
            "memory x, y",
            'requirement ahead { says "x is counted first" }',
            "thread task on cpu 0 {",
            *steps,
            "}",
            f"interrupt timer on cpu 0, at most {runs} {{",
            "  let a = y.read_volatile()",
            "  let b = x.read_volatile()",
            "  assert b >= a for ahead",
            "}",
            "",
        ]
    )


def main(runs: int = 3) -> bool:
    path = ROOT / "specs" / "preempt.litmus"
    if not path.exists():
        return line("mmcheck verify specs/preempt.litmus", "no such file", "5 s", False)
    prepare()
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder) / "long.litmus"
        long.write_text(long_thread(), encoding="utf-8")
        commands = {"preempt": mmcheck("verify", str(path)), "long": mmcheck("verify", str(long))}
        times = interleaved(commands, runs)
    good = seconds("mmcheck verify specs/preempt.litmus", times["preempt"], 5)
    return seconds("three handler runs, a thread of 30 events", times["long"], 2) and good


if __name__ == "__main__":
    sys.exit(0 if main(*map(int, sys.argv[1:])) else 1)
