"""docs/clauses.md: the register of ordering clauses as a table.

`python -m tests.register --write` writes it again.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mmcheck.language.lower.register import REGISTER

DOCUMENT = Path(__file__).parents[1] / "docs" / "clauses.md"

HEAD = """\
# The register of ordering clauses

Numbers are those of VirtIO 1.2, 1.3 and 1.4; texts are ours. `mmcheck explain 2.7.13.4.1` prints one entry; the data
are in `mmcheck/language/lower/register/`, where the names of locations are explained. A clause whose order is `none`
asks for no order between accesses: it is here because it stands among those that do. A requirement cites a clause
(`"VirtIO 1.2, 2.7.13.3.1"`), a step or a feature bit (`"VirtIO 1.2, 2.7.13 step 4"`, `"VirtIO 1.2, 6 ORDER_PLATFORM"`),
or an obligation (`"implied:P4"`).

| clause | in 1.1 | in 1.0 | side | force | what it asks | order | without it |
|---|---|---|---|---|---|---|---|
"""


def text() -> str:
    """The whole page."""
    rows = [
        (
            each.id, each.in_1_1 or "–", each.in_1_0 or "–", each.side, each.force,
            each.paraphrase, f"`{each.pattern}`", each.breaks,
        )
        for each in REGISTER.values()
    ]  # fmt: skip
    return HEAD + "".join("| " + " | ".join(row) + " |\n" for row in rows)


def main() -> None:
    """Print, or write, the page as it should be."""
    if "--write" in sys.argv:
        DOCUMENT.write_text(text(), encoding="utf-8")
    else:
        print(text(), end="")


if __name__ == "__main__":
    main()
