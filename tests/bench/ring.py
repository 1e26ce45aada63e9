"""A ring of N messages on Armv8, right and with the reader's barriers missing: how checking grows.

P0 writes the data of message i, orders, and sets the index to i, for each i; P1 polls the index once for each i,
orders, and reads data i. It must not see index i without data i. The figure is the CPU time that the checker
reports for the requirement: starting up and reading the file do not count.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import ROOT, environment, line, mmcheck

LIMITS = {4: 0.05, 24: 0.5, 64: 5.0}
"""Messages, and the CPU seconds that checking may take."""


def ring(messages: int, *, broken: bool = False) -> str:
    """The test in herd's format; data i is element i of an array.

    Registers are too few to keep two for each message, so 1:X9 collects whether something went wrong.
    """
    writer, reader = ["MOV W1,#1"], ["MOV W9,#0"]
    for i in range(1, messages + 1):
        writer += [f"STR W1,[X3,#{4 * i}]", "DMB ST", f"MOV W2,#{i}", "STR W2,[X0]"]
        reader += ["LDR W1,[X0]", *([] if broken else ["DMB LD"]), f"LDR W2,[X3,#{4 * i}]"]
        reader += [f"CMP W1,#{i}", "CSET W4,EQ", "CMP W2,#0", "CSET W5,EQ", "AND W4,W4,W5", "ORR W9,W9,W4"]
    rows = max(len(writer), len(reader))
    cells = [column + [""] * (rows - len(column)) for column in (writer, reader)]
    table = "\n".join(f" {left:20} | {right:20} ;" for left, right in zip(*cells, strict=True))
    name = f"ring{messages}{'-broken' if broken else ''}"
    return f"""AArch64 {name}
{{ int idx=0; int d[{messages + 1}];
  0:X0=idx; 0:X3=d; 1:X0=idx; 1:X3=d; }}
 {"P0":20} | {"P1":20} ;
{table}
~exists (1:X9=1)
"""


def checking(path: Path, runs: int) -> tuple[str, float]:
    """The verdict, and the least CPU seconds of checking of several runs."""
    least, verdict = float("inf"), ""
    for _ in range(runs):
        command = mmcheck("verify", "--format", "json", "--no-cache", str(path))
        done = subprocess.run(command, env=environment(), cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise SystemExit(done.stderr or done.stdout)
        result = json.loads(done.stdout)["results"][0]
        verdict = result["verdict"]
        least = min(least, result["seconds"])
    return verdict, least


def main(runs: int = 3) -> bool:
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for messages, limit in LIMITS.items():
            for broken in (False, True):
                path = Path(folder) / f"ring{messages}{'-broken' if broken else ''}.litmus"
                path.write_text(ring(messages, broken=broken))
                verdict, least = checking(path, runs)
                right = verdict == ("violated" if broken else "holds")
                name = f"{path.stem}: {verdict}" + ("" if right else ", WRONG")
                good &= line(name, f"{least:.3f} s", f"{limit:g} s", right and least < limit)
    return good


if __name__ == "__main__":
    sys.exit(0 if main(*map(int, sys.argv[1:])) else 1)
