"""Saved tables: used when they fit, ignored when they do not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmcheck.base import cache as kept
from mmcheck.language.syntax import parse, tables
from mmcheck.language.syntax.dump import dump

TEXT = "memory x\nthread P0 { x = 1 }\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache directory, and a parser that is not yet loaded."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("MMCHECK_CACHE", raising=False)
    monkeypatch.setattr(parse, "PACKAGE_TABLE", "_no_table.bin")
    parse.spec_parser.cache_clear()
    yield tmp_path / "mmcheck"
    parse.spec_parser.cache_clear()


def builds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The grammars that are built from now on."""
    seen: list[str] = []
    build = parse.build_parser
    monkeypatch.setattr(parse, "build_parser", lambda grammar: seen.append(grammar) or build(grammar))
    return seen


def entry(cache: Path) -> Path:
    """The table that is kept."""
    (found,) = [path for path in cache.glob("verdicts-*/*") if "." not in path.name]
    return found


def reparse() -> str:
    parse.spec_parser.cache_clear()
    return dump(parse.parse_text(TEXT))


def test_table_is_written_and_read(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = builds(monkeypatch)
    first = reparse()
    assert not entry(cache).stat().st_mode & 0o077
    assert first == reparse()
    assert len(seen) == 1


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "foreign", "unsigned"])
def test_bad_table_is_rebuilt(cache: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    first = reparse()
    path = entry(cache)
    data = path.read_bytes()
    head, _, payload = data.partition(b"\n")
    bad = {
        "empty": b"",
        "cut": data[: len(data) // 2],
        "flipped": data[:-100] + b"x" + data[-99:],
        "foreign": head + b"\n" + payload.replace(b"table", b"chair"),
        "unsigned": payload,
    }[damage]
    path.write_bytes(bad)
    seen = builds(monkeypatch)
    assert first == reparse()
    assert len(seen) == 1
    reparse()
    assert len(seen) == 1


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="POSIX permissions")
@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_table_that_others_can_write_is_ignored(cache: Path, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    reparse()
    entry(cache).chmod(mode)
    seen = builds(monkeypatch)
    reparse()
    assert len(seen) == 1


def test_a_table_of_another_shape_is_rebuilt(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = reparse()
    store = kept.store()
    assert store is not None
    key = tables.table_key(parse.grammar_path().read_text(encoding="utf-8"))
    tables.keep(store, {"data": {}, "memo": {"0": 1}}, key)
    assert tables.kept(store, key) is not None
    seen = builds(monkeypatch)
    assert first == reparse()
    assert len(seen) == 1


def test_cache_off(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMCHECK_CACHE", "off")
    reparse()
    assert list(cache.glob("verdicts-*")) == []


def test_unwritable_cache_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    reparse()


def test_build_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of the package goes before that of the cache."""
    path = tmp_path / "_table.bin"
    parse.build_table(path)
    seen = builds(monkeypatch)
    monkeypatch.setattr(parse, "PACKAGE_TABLE", str(path))
    reparse()
    assert not seen
