"""Finding, reading and writing files."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from cli_inputs import BROKEN, Run

from mmcheck.base import gate
from mmcheck.base.errors import InputError
from mmcheck.base.files import MAX_BYTES, find_files, read_source, write


def test_each_file_once_in_a_fixed_order(folder: Path) -> None:
    found, problems = find_files(["herd", "good.litmus", "herd/MP.litmus", "./good.litmus", "."])
    assert found == ["herd/MP.litmus", "good.litmus", "bad.litmus"]
    assert problems == []


def test_what_does_not_exist_is_a_problem() -> None:
    found, problems = find_files(["good.litmus", "gone.litmus"])
    assert found == ["good.litmus"]
    assert [(problem.path, problem.code) for problem in problems] == [("gone.litmus", "MM010")]


def test_links_to_folders_are_not_followed(folder: Path) -> None:
    os.symlink(folder, folder / "herd" / "loop")
    assert find_files(["herd"])[0] == ["herd/MP.litmus"]


def test_the_limit_is_exact(folder: Path) -> None:
    (folder / "x").write_bytes(b"x" * MAX_BYTES)
    assert len(read_source("x").text) == MAX_BYTES
    (folder / "x").write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(InputError, match="MM002"):
        read_source("x")


def test_a_device_is_no_file() -> None:
    if os.path.exists("/dev/zero"):
        with pytest.raises(InputError, match=r"MM010.*no regular file"):
            read_source("/dev/zero")


def test_a_byte_order_mark_is_no_text(folder: Path) -> None:
    (folder / "x").write_bytes(b"\xef\xbb\xbfspec")
    assert read_source("x").text == "spec"


def test_the_byte_that_is_wrong_has_a_place(folder: Path) -> None:
    (folder / "x").write_bytes("ä\nbc".encode() + b"\xff")
    with pytest.raises(InputError) as caught:
        read_source("x")
    assert caught.value.diagnostics[0].where() == "x:2:3"


def test_a_file_is_replaced_whole_and_keeps_its_permissions(folder: Path) -> None:
    (folder / "x").write_text("old")
    os.chmod(folder / "x", 0o640)
    gate.write("x", "new")
    assert (folder / "x").read_text() == "new"
    assert (folder / "x").stat().st_mode & 0o777 == 0o640


def test_a_failed_write_leaves_nothing_behind(folder: Path) -> None:
    (folder / "x").write_text("old")
    with pytest.raises(UnicodeEncodeError):
        gate.write("x", "\udcff")
    assert (folder / "x").read_text() == "old"
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    with pytest.raises(InputError, match="MM011"):
        write("no/such/folder", "x")


HOSTILE = "e\x1b]0;owned\x07\u202e\n::error::x"


@pytest.mark.skipif(os.name != "posix", reason="such names are of POSIX")
@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", f"{HOSTILE}.litmus"),
        ("verify", "-v", f"{HOSTILE}.litmus", "--graphs", f"{HOSTILE}-graphs"),
        ("verify", "--color", "always", f"{HOSTILE}.litmus"),
        ("verify", "--format", "concise", f"{HOSTILE}.litmus"),
        ("verify", "--format", "github", f"{HOSTILE}.litmus"),
        ("verify", "--format", "junit", f"{HOSTILE}.litmus"),
        ("verify", "--format", "sarif", f"{HOSTILE}.litmus"),
        ("verify", "good.litmus", f"--{HOSTILE}"),
        ("verify", f"{HOSTILE}-missing"),
        ("verify", f"{HOSTILE}-folder"),
        ("litmus", f"{HOSTILE}.litmus"),
        ("place", f"{HOSTILE}.litmus"),
        ("run", f"{HOSTILE}.litmus", "--runs", "1"),
        ("frames", f"{HOSTILE}.litmus"),
        ("trace", f"{HOSTILE}-missing"),
        ("doc", f"{HOSTILE}.litmus", "-o", f"{HOSTILE}-site"),
        ("render", "--embed", f"{HOSTILE}-missing"),
        ("init", f"{HOSTILE}-new"),
        ("explain", HOSTILE),
        (HOSTILE,),
    ],
)
def test_no_name_reaches_the_terminal_as_it_is(mmcheck: Run, folder: Path, arguments: tuple[str, ...]) -> None:
    """Neither what a terminal obeys nor what GitHub takes for a command of its own."""
    (folder / f"{HOSTILE}.litmus").write_text(BROKEN)
    (folder / f"{HOSTILE}-folder").mkdir()
    outcome = mmcheck(*arguments)
    text = outcome.out + outcome.err
    if "always" in arguments:
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert not set(text) & set("\x1b\x07\u202e\r")
    assert "\n::error::" not in text


def test_nothing_is_written_through_a_link(folder: Path) -> None:
    """Where it leads is not what the user named; a checkout can bring one that leads to ``.git/config``."""
    before = (folder / "good.litmus").read_text()
    os.symlink("good.litmus", folder / "link")
    with pytest.raises(InputError, match=r"MM011.*a link"):
        write("link", "new")
    assert (folder / "link").is_symlink()
    assert (folder / "good.litmus").read_text() == before
