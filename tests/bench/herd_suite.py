"""All of herd's suite in one process, named by MMCHECK_HERD_SUITE; herd7 is measured beside it where it is there."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from measure import interleaved, line, mmcheck, seconds

LIMITS = {"--engine smt": 2.2, "--engine auto": 1.2, "--engine auto --states": 2.0}
"""Options, and the CPU seconds that the command may take."""


def main(runs: int = 3) -> bool:
    folder = os.environ.get("MMCHECK_HERD_SUITE", "")
    table = Path(folder, "expected.tsv")
    if not folder or not table.is_file():
        return line("herd's suite", "left out", "MMCHECK_HERD_SUITE is not set", True)
    tests = len(table.read_text().splitlines()) - 1
    good = True
    for options, limit in LIMITS.items():
        command = mmcheck("litmus", folder, *options.split(), "--expected", str(table))
        times = interleaved({"suite": command}, runs)
        good &= seconds(f"{tests} tests of herd, {options}", times["suite"], limit)
    herd = shutil.which("herd7")
    if herd is None:
        return good
    names = sorted(map(str, Path(folder).rglob("*.litmus")))
    for options in ("-speedcheck fast", "-through all"):
        spent = min(interleaved({"herd7": [herd, *options.split(), *names]}, 1)["herd7"])
        line(f"the same by herd7 {options}", f"{spent:.3f} s", "none", True)
    return good


if __name__ == "__main__":
    sys.exit(0 if main(*map(int, sys.argv[1:])) else 1)
