"""A ring of N messages on Armv8, right and with the reader's barriers missing: how checking grows.

P0 writes the data of message i, orders, and sets the index to i, for each i; P1 polls the index once for each i,
orders, and reads data i. It must not see index i without data i. Every poll and every read is used in the condition.
"Live" keeps every value in use: sums of all polls and of all data stand in the condition, too.
Figures: CPU time of the whole command, less that of importing z3 and lark for the smallest; and for two sizes what the
checker itself reports for the requirement.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import PYTHON, ROOT, environment, interleaved, line, mmcheck

LIMITS = {4: 0.1, 12: 0.3, 24: 0.5, 64: 1.5}
"""Messages, and the CPU seconds that the command may take; for 4 and 12 beyond the imports."""

CHECKING = {4: 0.05, 24: 0.5}
"""Messages, and the CPU seconds that the checker may report."""

BEYOND = 12
"""Up to so many messages the imports, which are most of the time, are taken off."""


LIVE = (24, 1.0)
"""Messages, and the CPU seconds that the command may take where all values are summed up."""


def ring(messages: int, *, broken: bool = False, live: bool = False) -> str:
    """The test in herd's format; data i is element i of an array.

    Registers are too few to keep two for each message, so 1:X9 collects whether something went wrong.
    """
    writer, reader = ["MOV W1,#1"], ["MOV W9,#0"]
    sums = ["ADD W7,W7,W1", "ADD W8,W8,W2"] if live else []
    most = messages * (messages + 1) // 2
    sometimes = f" /\\ not (1:X7=0) /\\ not (1:X8={most})" if live else ""
    for i in range(1, messages + 1):
        writer += [f"STR W1,[X3,#{4 * i}]", "DMB ST", f"MOV W2,#{i}", "STR W2,[X0]"]
        reader += ["LDR W1,[X0]", *([] if broken else ["DMB LD"]), f"LDR W2,[X3,#{4 * i}]"]
        reader += [f"CMP W1,#{i}", "CSET W4,EQ", "CMP W2,#0", "CSET W5,EQ", "AND W4,W4,W5", "ORR W9,W9,W4", *sums]
    rows = max(len(writer), len(reader))
    cells = [column + [""] * (rows - len(column)) for column in (writer, reader)]
    table = "\n".join(f" {left:20} | {right:20} ;" for left, right in zip(*cells, strict=True))
    name = f"ring{messages}{'-live' if live else ''}{'-broken' if broken else ''}"
    return f"""AArch64 {name}
{{ int idx=0; int d[{messages + 1}];
  0:X0=idx; 0:X3=d; 1:X0=idx; 1:X3=d; }}
 {"P0":20} | {"P1":20} ;
{table}
~exists (1:X9=1{sometimes})
"""


def checking(path: Path) -> tuple[str, float]:
    """The verdict, and the CPU seconds that the checker reports."""
    command = mmcheck("verify", "--format", "json", "--no-cache", str(path))
    done = subprocess.run(command, env=environment(), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr or done.stdout)
    result = json.loads(done.stdout)["results"][0]
    return result["verdict"], result["seconds"]


def main(runs: int = 3) -> bool:
    good, totals = True, {}
    with tempfile.TemporaryDirectory() as folder:
        for messages, limit in LIMITS.items():
            for broken in (False, True):
                path = Path(folder) / f"ring{messages}{'-broken' if broken else ''}.litmus"
                path.write_text(ring(messages, broken=broken))
                commands = {"verify": mmcheck("verify", str(path)), "import": [PYTHON, "-c", "import z3, lark"]}
                times = interleaved(commands, runs, codes=(0, 1))
                reported = [checking(path) for _ in range(runs)]
                verdict = reported[0][0]
                name = path.stem + ("" if verdict == ("violated" if broken else "holds") else f": {verdict}, WRONG")
                good &= not name.endswith("WRONG")
                least = min(times["verify"])
                totals[messages, broken] = least
                beyond = least - min(times["import"]) if messages <= BEYOND else least
                what = "beyond imports" if messages <= BEYOND else "in all"
                good &= line(f"{name}, {what}", f"{beyond:.3f} s", f"{limit:g} s", beyond < limit)
                if messages in CHECKING:
                    most, spent = CHECKING[messages], min(seconds for _, seconds in reported)
                    good &= line(f"{name}, checking", f"{spent:.3f} s", f"{most:g} s", spent < most)
        for broken in (False, True):
            messages, limit = LIVE
            path = Path(folder) / f"ring{messages}-live{'-broken' if broken else ''}.litmus"
            path.write_text(ring(messages, broken=broken, live=True))
            least = min(interleaved({"verify": mmcheck("verify", str(path))}, runs, codes=(0, 1))["verify"])
            verdict, _ = checking(path)
            good &= verdict == ("violated" if broken else "holds")
            good &= line(f"{path.stem}: {verdict}", f"{least:.3f} s", f"{limit:g} s", least < limit)
    for broken in (False, True):
        growth = totals[64, broken] / totals[24, broken]
        squared = (64 / 24) ** 2
        title = f"ring{'-broken' if broken else ''}, 64 messages against 24"
        good &= line(title, f"{growth:.1f} times", f"{squared:.1f} times", growth < squared)
    return good


if __name__ == "__main__":
    sys.exit(0 if main(*map(int, sys.argv[1:])) else 1)
