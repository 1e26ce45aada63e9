"""Saved parse tables: building one costs a hundred milliseconds and more, reading one about two.

A table is JSON behind a header of three lines: format, key and checksum. The key is a hash of the
grammar and of the version of Python; a table with another key, a damaged one or one that
another user could have written is as good as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any, TypeAlias

FORMAT = b"mmcheck table 2"
MAX_BYTES = 4_000_000

Table: TypeAlias = dict[str, Any]
"""What `mmcheck.syntax.lalr.Parser` takes: dictionaries, lists, texts and numbers."""


def table_key(grammar: str) -> str:
    """The key of the table of `grammar` under this Python."""
    parts = (FORMAT.decode(), sys.implementation.cache_tag or "", grammar)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def encode(table: Table, key: str) -> bytes:
    """The bytes of a saved table."""
    payload = json.dumps(table, separators=(",", ":")).encode()
    return b"\n".join((FORMAT, key.encode(), hashlib.sha256(payload).hexdigest().encode(), payload))


def decode(data: bytes, key: str) -> Table | None:
    """The table in `data`, or None if it is not one of this key."""
    head = data.split(b"\n", 3)
    if len(head) != 4 or head[0] != FORMAT or head[1] != key.encode():
        return None
    if hashlib.sha256(head[3]).hexdigest().encode() != head[2]:
        return None
    try:
        table = json.loads(head[3])
    except (ValueError, RecursionError):
        return None
    return table if isinstance(table, dict) else None


def cache_directory() -> Path | None:
    """Where tables of this user are kept; None if the user wants no cache or has no home."""
    if os.environ.get("MMCHECK_CACHE", "").lower() == "off":
        return None
    base = os.environ.get("XDG_CACHE_HOME", "")
    if base and Path(base).is_absolute():
        return Path(base) / "mmcheck"
    home = os.path.expanduser("~")
    return Path(home) / ".cache" / "mmcheck" if os.path.isabs(home) else None


def read_table(path: Path, key: str, *, private: bool) -> Table | None:
    """The table of `key` at `path`, or None.

    With `private` the file must belong to this user and nobody else may write to it.
    """
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
                return None
            if private and not _is_private(status):
                return None
            data = file.read(MAX_BYTES)
    except OSError:
        return None
    return decode(data, key)


def _is_private(status: os.stat_result) -> bool:
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def write_table(path: Path, table: Table, key: str) -> None:
    """Write the table so that a reader sees all of it or nothing; raises `OSError`."""
    import tempfile  # half as slow as reading a table, and seldom needed

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    try:
        with open(handle, "wb") as file:
            file.write(encode(table, key))
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
