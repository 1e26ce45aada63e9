"""Every specification under ``specs/`` verifies as it claims, and the corpus of drivers is complete."""

import re
from pathlib import Path

import pytest

from mmcheck.base.source import SourceFile
from mmcheck.language.lower.spec import load_spec
from mmcheck.report.matrix import open_clauses
from mmcheck.verdict.results import ORDER_PLATFORM
from mmcheck.verdict.verify import verify

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").rglob("*.litmus"))
DRIVERS = sorted((ROOT / "specs" / "drivers").glob("*.litmus"))
ROWS = {"G01", "G02", "G04", "G06", "G08", "G10", "G12", "G14",
        "B01a", "B01b", "B05", "B06", "B10", "B15", "B16", "B18c", "B20", "B30a", "B31a", "B31b"}  # fmt: skip
"""Rows of the list of drivers: G are right, B were wrong."""

LATE = {"preempt", "suppression", "gpu", "packed-obligations", "packed-event"}
"""Files that may take long on a slow machine."""


def _read(path: Path) -> SourceFile:
    return SourceFile(str(path), path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "path",
    [pytest.param(each, marks=[pytest.mark.slow] if each.stem in LATE else []) for each in SPECS],
    ids=lambda path: str(path.relative_to(ROOT / "specs")),
)
def test_it_verifies_as_claimed(path: Path) -> None:
    report = verify([str(path)], cache=False)
    assert not [each.render() for file in report.files for each in file.diagnostics]
    results = report.results
    assert results
    wrong = [(each.variant, each.requirement, each.target, each.verdict) for each in results if not each.as_claimed]
    assert wrong == []


def test_every_row_has_a_spec() -> None:
    found = {row for path in DRIVERS for row in re.findall(r"\((?:[^()]*\b)?([GB]\d\d[a-c]?)\)", path.read_text())}
    assert found == ROWS


def test_every_clause_that_orders_something_is_covered() -> None:
    """By a requirement of some program or variant under ``specs/``: the matrix names none that is not."""
    texts = [path.read_text(encoding="utf-8") for path in SPECS]
    lines = [line for text in texts for line in text.splitlines() if line.lstrip().startswith("cites ")]
    cited = {clause for line in lines for clause in re.findall(r'"([^"]+)"', line)}
    assert any("const ORDER_PLATFORM = true" in text for text in texts)
    assert [each.id for each in open_clauses({*cited, ORDER_PLATFORM})] == []
    assert [each.id for each in open_clauses(cited - {"VirtIO 1.2, 2.9"})] == ["2.9", "6.1"]


@pytest.mark.parametrize("name", ["split", "split-8", "packed"])
def test_the_references_are_held_to_every_obligation(name: str) -> None:
    """P1 to P7 and D1 to D7, all expected to hold on every target; the ring of 8 has three requests in flight."""
    spec = load_spec(_read(ROOT / "specs" / "virtio" / f"{name}.litmus"))
    for target in spec.targets:
        program = spec.program(target, None)
        cited = {clause for each in program.requirements for clause in each.clauses}
        assert cited >= {f"implied:{side}{number}" for side in "PD" for number in range(1, 8)}
        found = {spec.expected(each.name, each.kind, target, None)[0] for each in program.requirements}
        assert found == {"holds"}
        assert sum(cell.name.startswith("desc[") for cell in program.cells) == {"split": 8, "split-8": 32}.get(name, 0)
    text = (ROOT / "specs" / "virtio" / f"{name}.litmus").read_text(encoding="utf-8")
    before = re.split("await", text[text.index("thread driver {") :])[0]
    flying = before.count("request(") + before.count("add_chain(")
    assert flying == (3 if name == "split-8" else 2)


@pytest.mark.parametrize("path", DRIVERS, ids=lambda path: path.stem)
def test_what_was_wrong_is_repaired(path: Path) -> None:
    """A driver or a variant that is expected to break something has a variant beside it in which all holds."""
    spec = load_spec(_read(path))
    right = []
    for variant in (None, *(each.title for each in spec.variants)):
        verdicts = {
            spec.expected(each.name, each.kind, target, variant)[0]
            for target in spec.targets
            for each in spec.program(target, variant).requirements
        }
        right.append(verdicts == {"holds"})
    assert any(right)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: str(path.relative_to(ROOT / "specs")))
def test_virtio_requirements_cite_clauses(path: Path) -> None:
    if path.parent.name not in ("virtio", "drivers") and path.stem not in (
        "suppression",
        "suppression-device",
        "packed",
    ):
        return
    spec = load_spec(_read(path))
    for target in spec.targets:
        for requirement in spec.program(target, None).requirements:
            assert requirement.clauses, requirement.name
