"""Where herd7 says something else than mmcheck: the tests of tests/data/deviations, and the table of docs/models.md.

``python -m tests.deviations`` prints the table, ``--write`` puts it between its markers.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "tests" / "data" / "deviations"
DOCUMENT = ROOT / "docs" / "models.md"
BEGIN, END = "<!-- deviations: begin -->\n", "<!-- deviations: end -->\n"
HEADER = re.compile(
    r"\S+ (?P<name>\S+)\n\(\* mmcheck: (?P<here>[^*]+) \*\)\n\(\* herd7: (?P<herd>[^*]+) \*\)\n"
    r"\(\* (?P<why>[^*]+) \*\)\n"
)


@dataclass(frozen=True)
class Deviation:
    """`here` and `herd` are observation and number of states, as ``Never, 3``, or the code of an error."""

    path: Path
    here: str
    herd: str
    why: str


def deviations() -> list[Deviation]:
    found = []
    for path in sorted(FOLDER.glob("*.litmus")):
        header = HEADER.match(path.read_text(encoding="utf-8"))
        assert header is not None and header["name"] == path.stem, path
        found.append(Deviation(path, header["here"], header["herd"], header["why"]))
    return found


def document() -> str:
    """What stands between the markers."""
    rows = [f"| `{each.path.stem}` | {each.here} | {each.herd} | {each.why} |" for each in deviations()]
    return "\n".join(["| test | mmcheck | herd7 | why |", "|---|---|---|---|", *rows]) + "\n"


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

__all__ = ["DOCUMENT", "Deviation", "deviations", "document", "written"]
