"""An unchanged copy of a shipped model, with the machine's name behind it, is that target in all but the name."""

from __future__ import annotations

from pathlib import Path
from shutil import copyfile

import pytest

from mmcheck.target.targets import models
from mmcheck.verdict.question import Question
from mmcheck.verdict.results import Result
from mmcheck.verdict.verify import verify_file

ROOT = Path(__file__).resolve().parents[3]
SOME = ("virtqueue", "submit-minimal", "suppression", "virtio/order-platform", "virtio/split")
ALL = sorted(path.relative_to(ROOT / "specs").with_suffix("").as_posix() for path in (ROOT / "specs").rglob("*.litmus"))


def said(result: Result) -> tuple[object, ...]:
    return (
        result.variant, result.requirement, result.kind, result.verdict, result.layer, result.notes, result.expected,
        result.expected_layer, result.clauses, result.complete,
    )  # fmt: skip


def alike(file: Path, target: str, copy: str) -> int:
    """How many results there are on `target`, and on its `copy` the same."""
    first, second = (
        verify_file(str(file), Question(targets=(each,))) for each in (target, copy)
    )  # fmt: skip
    assert [said(each) for each in first.results] == [said(each) for each in second.results]
    assert [each.message for each in first.diagnostics] == [each.message for each in second.diagnostics]
    return len(first.results)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(copyfile(models()["armv8"], tmp_path / "copy.cat"))


@pytest.mark.parametrize("name", SOME)
def test_a_copy_of_armv8_is_armv8(name: str, copied: Path) -> None:
    assert alike(ROOT / "specs" / f"{name}.litmus", "armv8", f"{copied}+armv8")


@pytest.mark.exhaustive
@pytest.mark.parametrize("options", ["", "+lse"])
@pytest.mark.parametrize("name", sorted(set(ALL)))
def test_on_all_specifications(name: str, options: str, copied: Path) -> None:
    alike(ROOT / "specs" / f"{name}.litmus", f"armv8{options}", f"{copied}+armv8{options}")


BLOCKS = """memory data
mmio doorbell
requirement r {{ says "seen" }}
thread driver {{ data.write_volatile(1); on {machine} {{ {fence} }}; doorbell.write_volatile(1) }}
device host {{ await doorbell.load(acquire) == 1; let d = data.load(relaxed); assert d == 1 for r }}
"""


@pytest.mark.parametrize("target", ["armv8", "x86-tso"])
@pytest.mark.parametrize(("machine", "fence"), [("armv8", "dmb(ish)"), ("armv8", "dmb(osh)"), ("x86-tso", "mfence()")])
def test_blocks_and_the_rules_of_the_platform_are_for_copies_too(
    target: str, machine: str, fence: str, tmp_path: Path
) -> None:
    copied = copyfile(models()[target], tmp_path / "copy.cat")
    (tmp_path / "a.litmus").write_text(BLOCKS.format(machine=machine, fence=fence), encoding="utf-8")
    assert alike(tmp_path / "a.litmus", target, f"{copied}+{target}")
    assert alike(tmp_path / "a.litmus", target, str(copied))  # its tags say which machine it is of
