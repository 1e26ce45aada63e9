"""The table of docs/models.md: every mutant and who rejects it.

``python -m tests.mutants.table`` prints it, ``--write`` puts it between its markers.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.mutants.judge import FOLDERS, killers
from tests.mutants.mutate import MODELS, Mutant, mutants
from tests.mutants.survivors import SURVIVORS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "models.md"
BEGIN, END = "<!-- mutants: begin -->\n", "<!-- mutants: end -->\n"
SHOWN = 2
WIDTH = 72

Row = tuple[Mutant, list[str]]


def rows(model: str) -> tuple[list[Row], dict[str, str]]:
    """Each mutant with its killers; and what the model itself gets wrong."""
    made = mutants(model)
    found, failing = killers(model, [mutant.model for mutant in made])
    return list(zip(made, found, strict=True)), failing


def proofs(model: str) -> dict[str, str]:
    """The survivors of a model that are known to be the same, each with the title of its proof."""
    return {name: title for title, names in SURVIVORS[model].items() for name in names}


def table(model: str, found: Sequence[Row]) -> Iterator[str]:
    proved = proofs(model)
    kills = Counter(name for _, names in found for name in names)
    dead = sum(1 for _, names in found if names)
    yield f"### Mutants of `{model}.cat`"
    yield ""
    folder, same = f"litmus/{FOLDERS[model]}/", len(found) - dead
    yield f"{len(found)} mutants; {dead} are rejected by a test of `{folder}`, {same} are the same model."
    yield ""
    yield "```text"
    where = ""
    for mutant, names in found:
        if mutant.where != where:
            where = mutant.where
            yield where
        change = mutant.name.removeprefix(f"{where}: ")
        first = sorted(names, key=lambda name: (kills[name], name))[:SHOWN]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        verdict = ", ".join(first) + more if names else f"= {proved.get(mutant.name, 'NOBODY')}"
        if len(change) <= WIDTH:
            yield f"  {change:<{WIDTH}}  {verdict}"
        else:
            yield f"  {change}"
            yield f"  {'':<{WIDTH}}  {verdict}"
    yield "```"
    yield ""


def document(found: dict[str, list[Row]]) -> str:
    """What stands between the markers."""
    return "\n".join(line for model in MODELS for line in table(model, found[model]))


def written(text: str) -> str:
    """What stands between the markers of `text`."""
    match = re.search(f"{re.escape(BEGIN)}\n?(.*?){re.escape(END)}", text, re.DOTALL)
    assert match is not None, "docs/models.md has lost its markers"
    return match[1]


def main(arguments: Sequence[str]) -> None:
    found = {model: rows(model)[0] for model in MODELS}
    new = document(found)
    if "--write" not in arguments:
        print(new)
        return
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{new}{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
