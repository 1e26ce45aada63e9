"""The README is true: its specification, its report, its commands."""

from __future__ import annotations

import re
from pathlib import Path

from cli_inputs import ROOT, Run

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str = "") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def specification() -> str:
    return next(block for block in blocks() if block.startswith("spec "))


def test_the_specification_is_as_it_claims(mmcheck: Run, folder: Path) -> None:
    (folder / "submit.litmus").write_text(specification())
    assert mmcheck("verify", "submit.litmus").code == 0


def test_the_report_is_what_is_printed(mmcheck: Run, folder: Path) -> None:
    lines = [line for line in specification().splitlines(keepends=True) if "expect" not in line]
    (folder / "submit.litmus").write_text("".join(lines))
    outcome = mmcheck("verify", "submit.litmus")
    assert outcome.code == 1
    shown = next(block for block in blocks() if block.lstrip().startswith("FAIL"))
    for line in filter(None, shown.splitlines()):
        assert line in outcome.out.splitlines()


def test_each_of_the_two_jobs_is_one_line() -> None:
    for marker in ("main job", "tests"):
        found = re.search(rf"^<!-- {marker} -->\n```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
        assert found is not None
        assert found[1].count("\n") == 1
        assert "--prefer-binary" in found[1]
        assert found[1].startswith("python3 -m venv .venv && .venv/bin/pip install ")


def test_the_commands_are_those_of_the_command_line(mmcheck: Run) -> None:
    found = re.search(r"<!-- commands -->\n```\n(.*?)```", README, re.DOTALL)
    assert found is not None
    listed = re.findall(r"^mmcheck (\w+)", found[1], re.MULTILINE)
    offered = re.findall(r"^    (\w+) +\w", mmcheck("--help").out.partition("commands:")[2], re.MULTILINE)
    assert sorted(listed) == sorted(offered)


def test_every_page_of_the_documentation_is_listed() -> None:
    pages = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} - {"docs/index.md"}
    assert pages <= set(re.findall(r"\]\(([\w./-]+)\)", README))


def test_the_files_that_it_names_are_there() -> None:
    for name in re.findall(r"\]\(([\w./-]+)\)", README) + ["specs/virtqueue.litmus", "litmus/aarch64"]:
        assert (ROOT / name).exists(), name


def test_no_host_is_named() -> None:
    """Where a package comes from is the user's business."""
    named = re.compile(
        r"https?://(?!example\.org|docs\.oasis|json\.schemastore|www\.w3\.org)[\w.-]*(pypi|pythonhosted)[\w.-]*"
    )
    for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "pyproject.toml", ".ci/run", ".pre-commit-config.yaml"):
        assert named.search((ROOT / name).read_text(encoding="utf-8")) is None
