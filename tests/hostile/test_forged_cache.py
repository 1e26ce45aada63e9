"""The cache on a checkout that somebody forged: nothing in it is believed, followed, overwritten or removed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hostile_inputs import BAD, GOOD, STRONG, WEAK, Checkout

from mmcheck.base import cache, gate, includes
from mmcheck.verdict.question import Question

OLD = ".mmcheck_cache"
"""Where verdicts were kept once, in the checkout."""


def entries(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "." not in path.name]


def test_nothing_is_kept_in_the_checkout(checkout: Checkout) -> None:
    checkout.write("good.litmus", GOOD)
    before = sorted(checkout.path.rglob("*"))
    assert checkout.run("verify", "good.litmus")[0] == 0
    assert sorted(checkout.path.rglob("*")) == before
    assert entries(Path.home() / ".cache" / "mmcheck")


@pytest.mark.parametrize("name", [".gitignore", "CACHEDIR.TAG"])
@pytest.mark.parametrize("options", [(), ("--cache-dir", OLD)])
def test_links_in_the_folder_overwrite_nothing(checkout: Checkout, name: str, options: tuple[str, ...]) -> None:
    checkout.write("good.litmus", GOOD)
    (checkout.path / OLD).mkdir()
    (checkout.path / OLD / name).symlink_to(checkout.outside / "notes.txt")
    (checkout.path / OLD / f"new{name}").symlink_to(checkout.outside / "new.txt")
    assert checkout.run("verify", "good.litmus", *options)[0] == 0
    assert not (checkout.outside / "new.txt").exists()


@pytest.mark.parametrize("options", [(), ("--cache-dir", OLD), ("--cache-dir", f"{OLD}/deeper")])
def test_a_linked_folder_loses_nothing(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """Neither where the link leads, nor in the folder of entries that the checkout may guess at."""
    monkeypatch.setattr(cache, "MAX_ENTRIES", 2)
    checkout.write("good.litmus", GOOD)
    for number in range(20):
        (checkout.outside / f"{number:040x}").write_text("mine")
    (checkout.path / OLD).symlink_to(checkout.outside)
    code, text = checkout.run("verify", "good.litmus", *options)
    assert len(list(checkout.outside.iterdir())) == 21
    assert code == (2 if options else 0)
    assert ("link" in text) == bool(options)


def test_only_names_of_our_form_are_removed(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout.write("good.litmus", GOOD)
    checkout.run("verify", "good.litmus", "--cache-dir", "kept")
    (folder,) = (checkout.path / "kept").iterdir()
    for name in ("mine", "a" * 39, "A" * 40, f"{'a' * 40}.txt"):
        (folder / name).write_text("mine")
        os.utime(folder / name, (0, 0))
    monkeypatch.setattr(cache, "MAX_ENTRIES", 1)
    checkout.write("bad.litmus", BAD)
    checkout.run("verify", "bad.litmus", "--cache-dir", "kept")
    assert sum(path.read_text(errors="replace") == "mine" for path in folder.iterdir()) == 4


def _of_another_user(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of entries in which the bad specification holds, signed by somebody else."""
    checkout.write("spec.litmus", BAD.replace("assert d == 1", "assert d <= 1"))
    monkeypatch.setenv("XDG_STATE_HOME", str(checkout.outside / "attacker"))
    assert checkout.run("verify", "spec.litmus", "--cache-dir", "forged")[0] == 0
    monkeypatch.delenv("XDG_STATE_HOME")
    (made,) = (checkout.path / "forged").iterdir()
    return made


@pytest.mark.parametrize("forge", ["signed by another", "not signed", "signed for another file"])
def test_a_forged_entry_is_not_believed(checkout: Checkout, monkeypatch: pytest.MonkeyPatch, forge: str) -> None:
    """Whatever its owner and its rights are: a tar archive, or a checkout under umask 077, brings both."""
    theirs = _of_another_user(checkout, monkeypatch)
    checkout.write("spec.litmus", BAD)
    assert checkout.run("verify", "spec.litmus", "--cache-dir", "ours")[0] == 1
    (ours,) = (checkout.path / "ours").iterdir()
    pages = [
        path for path in entries(theirs) if b"all as claimed" in path.read_bytes() or b'"report"' in path.read_bytes()
    ]
    for target in entries(ours):
        for page in pages:
            data = page.read_bytes()
            if forge == "not signed":
                data = data.partition(b"\n")[2]
            if forge == "signed for another file":
                data = target.read_bytes().partition(b"\n")[0] + b"\n" + data.partition(b"\n")[2]
            kept = target.read_bytes()
            target.write_bytes(data)
            os.chmod(target, 0o600)
            assert checkout.run("verify", "spec.litmus", "--cache-dir", "ours")[0] == 1
            target.write_bytes(kept)


def test_a_whole_forged_folder_is_not_even_opened(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = _of_another_user(checkout, monkeypatch)
    checkout.write("spec.litmus", BAD)
    assert checkout.run("verify", "spec.litmus", "--cache-dir", "forged")[0] == 1
    (ours,) = [path for path in (checkout.path / "forged").iterdir() if path != theirs]
    shutil.rmtree(ours)
    theirs.rename(ours)
    assert checkout.run("verify", "spec.litmus", "--cache-dir", "forged")[0] == 1


def test_an_entry_that_is_a_pipe_or_a_link_blocks_nothing(checkout: Checkout) -> None:
    checkout.write("good.litmus", GOOD)
    for way in (os.mkfifo, lambda path: os.symlink("/dev/zero", path), os.mkdir):
        checkout.run("verify", "good.litmus", "--cache-dir", "ours")
        for path in entries(checkout.path / "ours"):
            path.unlink()
            way(path)
        assert checkout.run("verify", "good.litmus", "--cache-dir", "ours")[0] == 0
        shutil.rmtree(checkout.path / "ours")


def test_a_secret_that_others_read_is_none(checkout: Checkout) -> None:
    checkout.write("good.litmus", GOOD)
    checkout.run("verify", "good.litmus")
    secret = Path.home() / ".local" / "state" / "mmcheck" / "secret"
    assert secret.stat().st_mode & 0o777 == 0o600
    secret.chmod(0o644)
    assert cache.store() is None


def test_a_key_of_the_environment_makes_a_folder_shared(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMCHECK_CACHE_KEY", "a secret of the project's CI")
    monkeypatch.setenv("MMCHECK_CACHE_DIR", "shared")
    checkout.write("good.litmus", GOOD)
    checkout.run("verify", "good.litmus")
    monkeypatch.setenv("HOME", str(checkout.outside))
    store = cache.store()
    assert store is not None and store.find("file", ["good.litmus"], Question().key) is not None
    monkeypatch.setenv("MMCHECK_CACHE_KEY", "too short")
    assert cache.store() is None


# --- stale -------------------------------------------------------------------------------------------

TARGET = 'targets "mine.cat+armv8"'
STALE = {
    "a line comment in a comment, in a part of another suffix": 'include "part.inc"\n|(* // *) include "base.cat"\n',
    "comments inside each other": 'include "part.inc"\n|(* a (* b *) " *) include "base.cat" (* " *)\n',
    "no blank before the word": 'include "part.inc"\n|let none = 0include "base.cat"\n',
    "a blank that is not of ASCII": 'include "part.inc"\n|include\u00a0"base.cat"\n',
}


@pytest.mark.parametrize("name", sorted(STALE))
def test_a_model_that_changed_is_read_again(checkout: Checkout, name: str) -> None:
    """Whatever the model's include looks like: the key covers the files that were opened."""
    mine, part = STALE[name].split("|")
    checkout.write("mine.cat", mine)
    checkout.write("part.inc", part)
    checkout.write("base.cat", STRONG)
    checkout.write("spec.litmus", BAD.replace("targets armv8", TARGET))
    assert "base.cat" in dict(includes.closure("spec.litmus"))
    assert checkout.run("verify", "spec.litmus")[0] == 0
    assert checkout.run("verify", "spec.litmus")[0] == 0
    checkout.write("base.cat", WEAK)
    assert checkout.run("verify", "spec.litmus")[0] == 1


@pytest.mark.parametrize("target", ["mine.cat+armv8", '"mine.cat+armv8"', "mine.cat"])
def test_a_target_that_changed_is_read_again(checkout: Checkout, target: str) -> None:
    checkout.write("mine.cat", STRONG)
    checkout.write("spec.litmus", BAD.replace("targets armv8", f"targets {target}"))
    assert "mine.cat" in dict(includes.closure("spec.litmus"))
    assert checkout.run("verify", "spec.litmus")[0] == 0
    checkout.write("mine.cat", WEAK)
    assert checkout.run("verify", "spec.litmus")[0] == 1


def test_a_part_of_a_specification_may_be_called_cat(checkout: Checkout) -> None:
    start, end = BAD.split("thread reader")
    checkout.write("part.cat", '// (* \ninclude "cells.inc" // *)\n')
    checkout.write("cells.inc", f"// {GOOD}".replace("\n", "\n// ") + "\nthread reader" + end)
    checkout.write("spec.litmus", start + 'include "part.cat"\n')
    assert [name for name, _ in includes.closure("spec.litmus")] == ["spec.litmus", "part.cat", "cells.inc"]
    assert checkout.run("verify", "spec.litmus")[0] == 1
    checkout.write("cells.inc", "thread reader" + end.replace("d == 1", "d <= 1"))
    assert checkout.run("verify", "spec.litmus")[0] == 0


def test_the_scan_names_no_file_too_few(checkout: Checkout) -> None:
    """`includes.closure` against what is really opened."""
    checkout.write("mine.cat", 'include "part.inc"\n')
    checkout.write("part.inc", STRONG)
    checkout.write("spec.litmus", 'include /* " */ "lib/a.b" // "\n' + GOOD.replace("targets armv8", TARGET))
    checkout.write("lib/a.b", 'include "c.d"')
    checkout.write("lib/c.d", "memory other\n")
    with gate.recording() as opened:
        assert checkout.run("verify", "spec.litmus", "--no-cache")[0] == 0
    assert set(opened) - {"mmcheck.toml"} == set(dict(includes.closure("spec.litmus"))) == {
        "spec.litmus", "lib/a.b", "lib/c.d", "mine.cat", "part.inc"
    }  # fmt: skip


def test_a_changed_installation_of_equal_times_and_sizes_is_another(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = checkout.path / "mmcheck"
    checkout.write("mmcheck/base/cache.py", "# a")
    module = checkout.write("mmcheck/target/sc.cat", "acyclic a as b")
    monkeypatch.setattr(cache, "__file__", str(package / "base" / "cache.py"))
    store = cache.store()
    assert store is not None
    found = []
    for text in ("acyclic a as b", "acyclic b as a"):
        status = module.stat()
        module.write_text(text)
        os.utime(module, ns=(status.st_atime_ns, status.st_mtime_ns))
        monkeypatch.setattr(cache, "_own", "")
        found.append(cache._own_digest(store))
    assert found[0] != found[1]
