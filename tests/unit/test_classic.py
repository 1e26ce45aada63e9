"""The collection of classic tests: every file parses, says what is expected of it, and where that is published."""

import re
from pathlib import Path

import pytest

from mmcheck.base.source import SourceFile
from mmcheck.language.herd.read import read_litmus
from mmcheck.language.lower.spec import load_spec
from mmcheck.language.syntax.parse import parse_spec

FOLDER = Path(__file__).parents[2] / "litmus"
SPECS = sorted(FOLDER.glob("*.litmus"))
HERD = sorted([*FOLDER.glob("aarch64/*.litmus"), *FOLDER.glob("x86_64/*.litmus")])
HEADER = re.compile(
    r"(?P<arch>AArch64|X86_64) (?P<name>\S+)\n"
    r"\(\* expect: (?P<observation>Never|Sometimes|Always) on (?P<model>armv8|x86-tso) \*\)\n"
    r"(?:\(\* states: (?P<states>[1-9]\d*) \*\)\n)?"
    r"\(\* trap (?P<trap>[^\n]+): (?P<why>[^\n]+) \*\)\n"
)


def _read(path: Path) -> SourceFile:
    return SourceFile(str(path), path.read_text(encoding="utf-8"))


def test_the_collection_is_there() -> None:
    assert len(SPECS) >= 45
    assert len(HERD) >= 150


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_specification(path: Path) -> None:
    file = _read(path)
    parse_spec(file)
    spec = load_spec(file)
    assert {"sc", "x86-tso", "armv8"} <= {target.name for target in spec.targets}
    for target in spec.targets:
        for variant in (None, *(each.title for each in spec.variants)):
            if spec.applicable(variant, target):
                assert [each.kind for each in spec.program(target, variant).requirements] == ["exists"]
    assert "\n// source: " in file.text


@pytest.mark.parametrize("path", HERD, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_herd(path: Path) -> None:
    file = _read(path)
    header = HEADER.match(file.text)
    assert header is not None
    assert header["name"] == path.stem
    assert header["model"] == {"AArch64": "armv8", "X86_64": "x86-tso"}[header["arch"]]
    test = read_litmus(file)
    assert test.name == path.stem
    assert test.arch == header["arch"]
