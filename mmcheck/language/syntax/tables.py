"""Saved parse tables: building one costs a hundred milliseconds and more, reading one about two.

A table is JSON behind a header of three lines: format, key and checksum. The key is a hash of the
grammar and of the version of Python; a table with another key or a damaged one is as good as none.
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any, TypeAlias

from mmcheck.base.cache import Store
from mmcheck.base.gate import digest

FORMAT = b"mmcheck table 2"

Table: TypeAlias = dict[str, Any]
"""What `mmcheck.language.syntax.lalr.Parser` takes: dictionaries, lists, texts and numbers."""


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


def kept(store: Store, key: str) -> Table | None:
    """The table of `key` in the user's cache, or None."""
    data = store.load(_name(key))
    return None if data is None else decode(data, key)


def keep(store: Store, table: Table, key: str) -> None:
    """Keep the table in the user's cache."""
    store.save(_name(key), encode(table, key))


def _name(key: str) -> str:
    return digest([b"table", key.encode()])
