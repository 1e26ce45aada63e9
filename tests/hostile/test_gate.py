"""The gate: nothing outside of the project is read, shown or written, and nothing blocks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_inputs import BAD, GOOD, SECRET, STRONG, Checkout

from mmcheck.base import gate

MODEL = f'"{SECRET}"\nacyclic po | {SECRET.split()[0]} as sc\n'
TRACE = {"mmcheck-trace": 1, "spec": "", "target": "armv8"}
COMMANDS = (
    ("verify", "{}"),
    ("litmus", "{}"),
    ("place", "{}"),
    ("run", "{}"),
    ("frames", "{}"),
    ("trace", "{}"),
    ("doc", "{}", "-o", "site"),
    ("render", "--embed", "{}"),
    ("verify", "good.litmus", "--baseline", "{}"),
    ("place", "good.litmus", "--costs", "{}"),
    ("litmus", "good.litmus", "--expected", "{}"),
    ("run", "good.litmus", "--replay", "{}"),
    ("verify", "good.litmus", "--target", "{}.cat"),
    ("litmus", "good.litmus", "--model", "{}.cat"),
)
"""A file for every option that takes one."""


def refused(outcome: tuple[int, str]) -> None:
    code, text = outcome
    assert code == 2, text
    assert SECRET not in text and SECRET.split()[0] not in text
    assert "internal error" not in text


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_link_out_of_the_project_is_not_read(checkout: Checkout, arguments: tuple[str, ...]) -> None:
    checkout.write("good.litmus", GOOD)
    for suffix in ("", ".cat"):
        (checkout.path / f"link{suffix}").symlink_to(checkout.outside / "notes.txt")
    refused(checkout.run(*[each.format("link") for each in arguments]))


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("kind", ["pipe", "terminal", "device", "folder"])
def test_what_is_no_regular_file_blocks_nothing(checkout: Checkout, arguments: tuple[str, ...], kind: str) -> None:
    checkout.write("good.litmus", GOOD)
    for name in ("odd", "odd.cat"):
        path = checkout.path / name
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
            os.mkfifo(path / "x.litmus")
        else:
            path.symlink_to("/dev/stdin" if kind == "terminal" else "/dev/zero")
    refused(checkout.run(*[each.format("odd") for each in arguments]))


@pytest.mark.parametrize("place", ["{outside}/notes.txt.cat", "../outside/notes.txt.cat", "link.cat", ".git/x.cat"])
def test_a_target_of_a_file_stays_in_the_project(checkout: Checkout, place: str) -> None:
    for folder in (checkout.outside, checkout.path / ".git"):
        (folder / "notes.txt.cat").write_text(MODEL)
        (folder / "x.cat").write_text(MODEL)
    (checkout.path / "link.cat").symlink_to(checkout.outside / "notes.txt.cat")
    model = place.format(outside=checkout.outside)
    checkout.write("spec.litmus", BAD.replace("targets armv8", f'targets "{model}"'))
    outcome = checkout.run("verify", "spec.litmus")
    refused(outcome)
    assert "spec.litmus:2:" in outcome[1]
    checkout.write("spec.litmus", BAD)
    checkout.write("mmcheck.toml", f'targets = ["{model}"]\n')
    outcome = checkout.run("verify", "spec.litmus")
    refused(outcome)
    assert "mmcheck.toml:1:" in outcome[1]


def test_a_target_in_the_project_is_read(checkout: Checkout) -> None:
    checkout.write("models/mine.cat", STRONG)
    (checkout.path / "linked").symlink_to("models")
    for name in ("models/mine.cat", "linked/mine.cat", checkout.path / "models" / "mine.cat"):
        checkout.write("specs/spec.litmus", BAD.replace("targets armv8", f'targets "{name}+armv8"'))
        assert checkout.run("verify", "specs/spec.litmus")[0] == 0


@pytest.mark.parametrize("place", ["{outside}/notes.txt", "../outside/notes.txt", "link.txt", ".git/config"])
def test_no_path_in_a_file_leads_out(checkout: Checkout, place: str) -> None:
    (checkout.path / ".git" / "config").write_text(f"{SECRET}\n")
    (checkout.path / "link.txt").symlink_to(checkout.outside / "notes.txt")
    name = place.format(outside=checkout.outside)
    event = {"thread": 0, "op": "store", "location": "x", "value": 1}
    checkout.write("a.trace", "\n".join(map(json.dumps, ({**TRACE, "spec": name}, event))))
    checkout.write("page.md", f"<!-- mmcheck: {name} -->\n<!-- mmcheck: end -->\n")
    checkout.write("mmcheck.toml", f'baseline = "{name}"\n')
    checkout.write("good.litmus", GOOD)
    checkout.write("spec.litmus", f'include "{name}"\n')
    refused(checkout.run("verify", "good.litmus"))
    (checkout.path / "mmcheck.toml").unlink()
    refused(checkout.run("verify", "spec.litmus"))
    refused(checkout.run("render", "--embed", "page.md"))
    refused(checkout.run("trace", "a.trace"))


def test_settings_of_a_folder_above_are_no_obstacle(checkout: Checkout) -> None:
    """What is not ours need not be readable."""
    os.mkfifo(checkout.path / "pyproject.toml")
    checkout.write("good.litmus", GOOD)
    assert checkout.run("verify", "good.litmus")[0] == 0


# --- writing -----------------------------------------------------------------------------------------

WRITING = (
    ("verify", "bad.litmus", "--output", "{}"),
    ("verify", "bad.litmus", "--write-baseline", "{}"),
    ("run", "good.litmus", "--runs", "1", "--trace", "{}"),
)
FOLDERS = (
    ("verify", "bad.litmus", "--graphs", "{}"),
    ("verify", "bad.litmus", "--dump-smt", "{}"),
    ("doc", "bad.litmus", "-o", "{}"),
    ("init", "{}"),
)


@pytest.mark.parametrize("arguments", WRITING, ids=" ".join)
@pytest.mark.parametrize("target", ["{outside}/notes.txt", "{outside}/new.txt", ".git/config", "good.litmus"])
def test_no_file_is_written_through_a_link(checkout: Checkout, arguments: tuple[str, ...], target: str) -> None:
    checkout.write("good.litmus", GOOD)
    checkout.write("bad.litmus", BAD)
    checkout.write(".git/config", "mine")
    (checkout.path / "out").symlink_to(target.format(outside=checkout.outside))
    refused(checkout.run(*[each.format("out") for each in arguments]))
    assert sorted(each.name for each in checkout.outside.iterdir()) == ["notes.txt"]
    assert (checkout.path / ".git" / "config").read_text() == "mine"
    assert (checkout.path / "good.litmus").read_text() == GOOD


@pytest.mark.parametrize("arguments", FOLDERS, ids=" ".join)
@pytest.mark.parametrize("way", ["out", "out/deeper", "inside", ".git"])
def test_no_folder_is_written_to_through_a_link(checkout: Checkout, arguments: tuple[str, ...], way: str) -> None:
    checkout.write("good.litmus", GOOD)
    checkout.write("bad.litmus", BAD)
    (checkout.path / "out").symlink_to(checkout.outside)
    (checkout.path / "inside").symlink_to(".git")
    refused(checkout.run(*[each.format(way) for each in arguments]))
    assert sorted(each.name for each in checkout.outside.iterdir()) == ["notes.txt"]
    assert list((checkout.path / ".git").iterdir()) == []


def test_pictures_of_a_page_go_through_no_link(checkout: Checkout) -> None:
    checkout.write("bad.litmus", BAD)
    checkout.write("page.md", "<!-- mmcheck: bad.litmus -->\n<!-- mmcheck: end -->\n")
    (checkout.path / "mmcheck-graphs").symlink_to(checkout.outside)
    refused(checkout.run("render", "--embed", "page.md"))
    assert sorted(each.name for each in checkout.outside.iterdir()) == ["notes.txt"]


def test_what_is_open_already_is_written_to(checkout: Checkout) -> None:
    checkout.write("bad.litmus", BAD)
    arguments = ("verify", "bad.litmus", "--format", "concise", "--output", "/dev/stdout")
    done = subprocess.run([sys.executable, "-m", "mmcheck", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "violated" in done.stdout
    assert checkout.run("verify", "bad.litmus", "--output", "/dev/null")[0] == 1


def test_a_full_disk_leaves_what_was_there(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout.write("bad.litmus", BAD)
    old = checkout.write("report.txt", "old")

    def full(handle: int, data: memoryview) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(gate.os, "write", full)
        code, text = checkout.run("verify", "bad.litmus", "--output", "report.txt", "--no-cache")
    assert code == 2 and "no space left on device" in text
    assert old.read_text() == "old"
    assert not [each for each in checkout.path.iterdir() if each.name.startswith(".report")]


def test_a_link_that_stands_above_every_project_is_the_users_own(tmp_path: Path, checkout: Checkout) -> None:
    checkout.write("bad.litmus", BAD)
    (tmp_path / "way").symlink_to(checkout.path)
    assert checkout.run("verify", str(tmp_path / "way" / "bad.litmus"))[0] == 1
    assert checkout.run("verify", "bad.litmus", "--output", str(tmp_path / "way" / "out"))[0] == 1
