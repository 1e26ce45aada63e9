"""``mmcheck init`` and ``mmcheck explain``."""

from __future__ import annotations

import json
from pathlib import Path

from cli_inputs import Run

from mmcheck.base.codes import CODES
from mmcheck.base.source import SourceFile
from mmcheck.language.syntax.format import format_spec


def test_one_holds_and_one_does_not(mmcheck: Run, folder: Path) -> None:
    outcome = mmcheck("init")
    assert outcome.code == 0
    assert outcome.out == "wrote specs/holds.litmus\nwrote specs/broken.litmus\nnext: mmcheck verify specs\n"
    found = mmcheck("verify", "specs", "--format", "json")
    assert found.code == 1
    verdicts = {(each["file"], each["target"]): each["verdict"] for each in json.loads(found.out)["results"]}
    assert verdicts == {
        ("specs/broken.litmus", "armv8"): "violated",
        ("specs/broken.litmus", "x86-tso"): "violated",
        ("specs/holds.litmus", "armv8"): "holds",
        ("specs/holds.litmus", "x86-tso"): "holds",
    }


def test_the_two_differ_in_the_barrier_alone(mmcheck: Run, folder: Path) -> None:
    mmcheck("init", "here")
    one, two = ((folder / "here" / name).read_text().splitlines() for name in ("holds.litmus", "broken.litmus"))
    differ = [(a, b) for a, b in zip(one, two, strict=True) if a != b and not a.startswith(("//", "spec"))]
    assert differ == [("  publish: fence(release)", "  publish: nothing")]


def test_they_are_formatted(mmcheck: Run, folder: Path) -> None:
    mmcheck("init")
    for path in (folder / "specs").iterdir():
        text = path.read_text()
        assert format_spec(SourceFile(path.name, text)) == text


def test_nothing_is_overwritten(mmcheck: Run, folder: Path) -> None:
    (folder / "specs").mkdir()
    (folder / "specs" / "broken.litmus").write_text("mine")
    outcome = mmcheck("init")
    assert outcome.code == 2 and "MM016" in outcome.err
    assert [path.name for path in (folder / "specs").iterdir()] == ["broken.litmus"]


def test_every_code_is_explained(mmcheck: Run) -> None:
    for code, (title, text) in CODES.items():
        outcome = mmcheck("explain", code)
        assert outcome.code == 0
        assert outcome.out.startswith(f"{code}: {title}\n\n")
        assert " ".join(outcome.out.split()).endswith(" ".join(text.split()))
