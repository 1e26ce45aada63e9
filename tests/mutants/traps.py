"""The table of docs/models.md that says which tests of litmus/ stand for which trap.

``python -m tests.mutants.traps`` prints it, ``--write`` puts it between its markers.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from tests.mutants.judge import LITMUS
from tests.mutants.table import DOCUMENT

BEGIN, END = "<!-- traps: begin -->\n", "<!-- traps: end -->\n"
SHOWN = 6
TRAP = re.compile(r"\(\* trap ([\d ,and]+):")

TRAPS = {
    1: "DMB LD orders what reads before it have read, and no earlier write",
    2: "DMB ST orders writes with writes only",
    3: "a control dependency orders writes, and reads only with an ISB",
    4: "an ISB alone orders nothing; behind an address dependency it does",
    5: "`addr;po;[W]`, and on through a local read; not so for control dependencies",
    6: "STLR, LDAR are in order; STLR, then plain accesses or LDAPR are not; LDAR holds up nothing before it",
    7: "neither `rfi` nor program order of one location is in `ob`; `lws` is",
    8: "`rmw;lrs` orders acquire reads, and no plain ones",
    9: "SWPAL, CASAL and the like order everything behind them; exclusives with acquire and release do not",
    10: "atomicity forbids foreign writes between, unless one of the thread's own stands there, too",
    11: "which LDXR a STXR belongs to; what fails writes nothing, and releases nothing",
    12: "the status of STXR gives no dependency",
    13: "a read-modify-write does not read its own write",
    14: "what returns nothing neither acquires nor is ordered by DMB LD and DSB LD",
    15: "dependencies through the condition of CSEL or the comparison of CAS order writes only",
    16: "x86: locked instructions are fences, also if they fail; LFENCE and SFENCE are none; `rfi` is no order",
    17: "coherence is not implied by the global axiom",
    18: "`co` is total, also over writes that nobody reads",
    19: "the initial write is the first in `co`",
    20: "dependencies are those of the text, even if the value is constant",
    21: "whether two addresses are equal is known only in the run",
    22: "every option of DMB and DSB counts, and DSB orders all that follows",
    23: "dependencies run through local memory",
    24: "`exists`, `~exists`, `forall`, `locations`, `filter`",
    25: "an atomic's write depends on its read: by data if it is computed from it, by pick if CAS compares; not SWP's",
}


def by_trap() -> dict[int, list[str]]:
    """For each trap the tests whose header names it, as ``folder/name``."""
    found: dict[int, list[str]] = {number: [] for number in TRAPS}
    for folder in ("aarch64", "x86_64", "sc"):
        for path in sorted((LITMUS / folder).glob("*.litmus")):
            named = TRAP.search(path.read_text(encoding="utf-8"))
            for number in re.findall(r"\d+", named[1]) if named is not None else ():
                found[int(number)].append(f"{folder}/{path.stem}")
    return found


def document() -> str:
    """What stands between the markers."""
    lines = ["| trap | tests |", "|---|---|"]
    for number, names in by_trap().items():
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        lines.append(f"| {number}. {TRAPS[number]} | {', '.join(f'`{name}`' for name in names[:SHOWN])}{more} |")
    return "\n".join(lines) + "\n"


def written(text: str) -> str:
    """What stands between the markers of `text`."""
    return text.split(BEGIN)[1].split(END)[0].strip("\n") + "\n"


def main(arguments: Sequence[str]) -> None:
    if "--write" not in arguments:
        print(document(), end="")
        return
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{document()}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

__all__ = ["TRAPS", "by_trap", "document", "written"]
