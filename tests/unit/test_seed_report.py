"""docs/seed-report.md: every verdict on the page is what the specification expects, and `mmcheck verify` decides."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from mmcheck.base.source import SourceFile
from mmcheck.language.lower.spec import Spec, load_spec
from mmcheck.target.targets import parse_target

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "seed-report.md").read_text(encoding="utf-8")
HEADER = "| | claim | file | variant | requirement | x86-TSO | Armv8 | so it is |"
ROWS = {f"Q{n}" for n in ("1", "2", "3a", "3b", "4", "8", "9", "10a", "10b", "10c", "11", "12")}
ROWS |= {f"T{n}" for n in (1, 2, 3, 4, 5, 6, 9, 10)}


def rows() -> list[tuple[str, ...]]:
    """The rows of the tables of verdicts."""
    found, inside = [], False
    for line in PAGE.splitlines():
        if line == HEADER:
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not line.startswith("|---"):
            found.append(tuple(cell.strip() for cell in line.strip("|").split("|")))
    return found


@cache
def spec(name: str) -> Spec:
    path = ROOT / "specs" / f"{name}.litmus"
    return load_spec(SourceFile(str(path), path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row[0]}-{row[3]}-{row[4]}".replace(" ", "_"))
def test_verdicts_are_those_of_the_files(row: tuple[str, ...]) -> None:
    _, _, file, variant, requirement, *verdicts, _ = row
    title = None if variant == "base" else variant
    for name, said in zip(("x86-tso", "armv8"), verdicts, strict=True):
        target = parse_target(name)
        assert spec(file).applicable(title, target)
        program = spec(file).program(target, title)
        (kind,) = {each.kind for each in program.requirements if each.name == requirement}
        verdict, layer, _ = spec(file).expected(requirement, kind, target, title)
        assert said in (verdict, f"{verdict} ({layer})"), name


def test_every_claim_has_a_row() -> None:
    assert ROWS <= {row[0] for row in rows()}
    assert "**Q14**" in PAGE


def test_said_in_words() -> None:
    """A claim is proved where both targets hold, and refuted where one does not."""
    for row in rows():
        broken = any(cell.startswith("violated") for cell in row[5:7])
        assert row[7].startswith("refuted" if broken else "proved"), row


def test_measured_rows_are_those_of_the_machine() -> None:
    machine = (ROOT / "docs" / "machine.md").read_text(encoding="utf-8")
    measured = PAGE[PAGE.index("## Measured") :]
    table = [line for line in measured.splitlines() if re.match(r"\| (after|before), ", line)]
    assert len(table) == 4
    assert [line for line in table if line not in machine] == []


def test_the_bound_on_looks() -> None:
    """Q14: two commands, each with at most as many looks as the driver's patience."""
    (tries,) = re.findall(r"const TRIES = ([\d_]+)", (ROOT / "specs" / "gpu.litmus").read_text(encoding="utf-8"))
    assert f"{2 * int(tries):,} looks in a frame" in PAGE
