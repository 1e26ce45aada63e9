"""A checkout that somebody else made, and a user's folder outside of it that nothing may read or write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_inputs import SECRET, Checkout


@pytest.fixture
def checkout(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Checkout]:
    home, outside, path = (tmp_path / name for name in ("home", "outside", "checkout"))
    for folder in (home, outside, path, path / ".git"):
        folder.mkdir()
    (outside / "notes.txt").write_text(f"{SECRET}\n")
    monkeypatch.chdir(path)
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "MMCHECK_CACHE", "MMCHECK_CACHE_DIR", "MMCHECK_CACHE_KEY"):
        monkeypatch.delenv(name, raising=False)
    found = Checkout(path, outside, capsys)
    before = {each.name: each.read_bytes() for each in outside.iterdir() if each.is_file()}
    yield found
    for name, content in before.items():
        assert (outside / name).read_bytes() == content, f"{name} was written to"
