"""docs/found.md says what the specifications say: verdicts, what repairs them, lines. Solving again is `exhaustive`."""

from __future__ import annotations

import re

import pytest

from mmcheck.base.files import read_source
from mmcheck.language.lower.spec import Spec, load_spec
from tests.found import BEGIN, DOCUMENT, END, ROOT, ROWS, Row, text

WHOLE = DOCUMENT.read_text(encoding="utf-8")
PART = WHOLE[WHOLE.index(BEGIN) : WHOLE.index(END)]


def spec_of(row: Row) -> Spec:
    return load_spec(read_source(str(ROOT / "specs" / "drivers" / f"{row.spec}.litmus")))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_overview_is_what_the_specification_expects(row: Row) -> None:
    spec = spec_of(row)
    variant = None if row.variant == "base" else row.variant
    (line,) = [line for line in PART.splitlines() if line.startswith(f"| {row.name} |")]
    for base, cell in zip(("armv8", "x86-tso"), line.split(" | ")[3:], strict=True):
        target = next(each for each in spec.targets if each.name == base)
        shown = dict(re.findall(r"(\w+): (\w+)", cell))
        for requirement in spec.program(target, variant).requirements:
            verdict, layer, _ = spec.expected(requirement.name, requirement.kind, target, variant)
            if requirement.name in row.requirements:
                assert (verdict == "violated") == (requirement.name in shown), (base, requirement.name)
                assert layer is None or verdict == "holds" or layer == shown[requirement.name]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_repairs_it_is_expected_to_hold(row: Row) -> None:
    spec, variant = spec_of(row), None if row.right == "base" else row.right
    for target in spec.targets:
        for each in spec.program(target, variant).requirements:
            assert spec.expected(each.name, each.kind, target, variant)[0] == "holds"


def test_every_line_is_where_it_says() -> None:
    found = re.findall(r"^\S+ +[RWF] .*? (\S+\.litmus):(\d+): (.*)$", PART, re.MULTILINE)
    assert len(found) > 80
    files = {path.name: path.read_text(encoding="utf-8").splitlines() for path in (ROOT / "specs").rglob("*.litmus")}
    wrong = [(name, number, line) for name, number, line in found if line[:25] not in files[name][int(number) - 1]]
    assert wrong == []


ABOUT = {
    "published": ({"avail.idx", "avail.ring"}, {"avail.ring", "desc", "cmd"}),
    "completed": ({"used.idx"}, {"used.ring", "data"}),
    "recycled": ({"avail.idx", "used.idx"}, {"data", "cmd", "used.ring"}),
    "no_lost_kick": ({"avail.idx"}, {"used.flags", "used.avail_event", "doorbell"}),
    "no_lost_interrupt": ({"used.idx"}, {"avail.flags", "avail.used_event"}),
}
"""What a cycle is about: an index (or the slot behind it), and what must be ordered with it."""


def test_every_cycle_is_about_its_claim() -> None:
    shown = re.findall(r"^`(\w+)` is violated on .*?^```text\n(.*?)^```", PART, re.MULTILINE | re.DOTALL)
    assert len(shown) == sum(len(row.requirements) for row in ROWS)
    for requirement, lines in shown:
        places = re.findall(r"^\S+ +[RW] ([a-z_.]+)\S* = ", lines, re.MULTILINE)
        variables = {
            place.rstrip(".") if place.startswith(("avail.", "used.")) else place.split(".")[0] for place in places
        }
        index, other = ABOUT[requirement]
        assert len(variables) == 2 and variables & index and variables & other, (requirement, lines)
        assert "nothing keeps these two in order" in lines


@pytest.mark.exhaustive
def test_the_verdicts_are_the_checkers() -> None:
    """Without the cycles: of several equally short ones, another version of the solver may find another."""

    def outline(whole: str) -> list[str]:
        return re.sub(r"```text\n.*?```\n", "", whole, flags=re.DOTALL).split()

    assert outline(PART.removeprefix(BEGIN)) == outline(text())
