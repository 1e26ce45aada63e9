"""All of herd's suite in one process, by the solver. MMCHECK_HERD_SUITE names the folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from measure import interleaved, line, mmcheck, seconds


def main(runs: int = 3) -> bool:
    folder = os.environ.get("MMCHECK_HERD_SUITE", "")
    table = Path(folder, "expected.tsv")
    if not folder or not table.is_file():
        return line("herd's suite", "left out", "MMCHECK_HERD_SUITE is not set", True)
    tests = len(table.read_text().splitlines()) - 1
    command = mmcheck("litmus", folder, "--engine", "smt", "--expected", str(table))
    automatic = mmcheck("litmus", folder, "--expected", str(table))
    times = interleaved({"smt": command, "auto": automatic}, runs)
    good = seconds(f"{tests} tests of herd, --engine smt", times["smt"], 4)
    return seconds(f"{tests} tests of herd, --engine auto", times["auto"], 4) and good


if __name__ == "__main__":
    sys.exit(0 if main(*map(int, sys.argv[1:])) else 1)
