"""What a specification is made of, found without parsing it: its includes, and the ``.cat`` files that it names.

A scan over comments, texts and the word ``include`` finds what the grammars of specifications and of cat would accept
as an include, and perhaps more. So `closure` may name a file too many, and never one too few: as good as the parser for
the key of a cache and for finding who includes what, and a hundred times cheaper.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator

MAX_FILES = 200
"""Files that one specification may consist of; the parser has a limit on depth, this is one on number."""

MAX_BYTES = 1_000_000

_PIECES = rb"""(?sx)
    (?P<skip> \s++ | %s )
  | "(?P<text> [^"\n]*+ ) "?
  | (?P<include> \binclude\b )
  | (?P<other> [^/("i\s]++ | . )
"""
_SPEC = re.compile(_PIECES % rb"//[^\n]*+ | /\*(?:[^*]++|\*(?!/))*+(?:\*/)?")
_MODEL = re.compile(_PIECES % rb"//[^\n]*+ | \(\*(?:[^*]++|\*(?!\)))*+(?:\*\))?")
_CAT = re.compile(rb"(?s)(.+\.cat)(?:\+.*)?")

Content = bytes | None
"""The bytes of a file, or None if it cannot be read."""


def read(path: str) -> Content:
    """The bytes of `path` up to one more than `MAX_BYTES`; None if it is no regular file, so nothing here can block."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError):
        return None
    try:
        return os.read(handle, MAX_BYTES + 1) if stat.S_ISREG(os.fstat(handle).st_mode) else None
    except OSError:
        return None
    finally:
        os.close(handle)


def model_of(target: str) -> str | None:
    """The path of the model in ``mine.cat+armv8``; None if `target` names no file."""
    found = _CAT.fullmatch(os.fsencode(target))
    return None if found is None else os.fsdecode(found[1])


def named(path: str, content: bytes) -> Iterator[str]:
    """The paths that `content`, the text of `path`, includes or takes a model from."""
    folder = os.path.dirname(path)
    included = False
    for piece in (_MODEL if path.endswith(".cat") else _SPEC).finditer(content):
        text = piece["text"]
        if text is not None:
            if included:
                yield os.path.normpath(os.path.join(folder, os.fsdecode(text)))
            model = _CAT.fullmatch(text)
            if model is not None:  # named from where mmcheck runs, or from where the text stands
                yield os.path.normpath(os.fsdecode(model[1]))
                yield os.path.normpath(os.path.join(folder, os.fsdecode(model[1])))
        included = piece["include"] is not None or (included and piece["skip"] is not None)


def closure(path: str) -> list[tuple[str, Content]]:
    """`path` and every file that it is made of, with their contents, in the order of first mention.

    Of a specification of more than `MAX_FILES` files these are the first ones.
    """
    found: dict[str, Content] = {}
    waiting = [path]
    while waiting and len(found) < MAX_FILES:
        here = waiting.pop(0)
        if here in found:
            continue
        content = found[here] = read(here)
        if content is not None:
            waiting += named(here, content)
    return list(found.items())


def includers(changed: Iterable[str], candidates: Iterable[str]) -> list[str]:
    """Those of `candidates` that are made of one of the files `changed`, themselves included; each once."""
    wanted = {os.path.realpath(path) for path in changed}
    return [path for path in candidates if any(os.path.realpath(part) in wanted for part, _ in closure(path))]


def project_root(path: str) -> str:
    """The nearest folder above `path` with ``.git`` or ``pyproject.toml``, or else its own."""
    folder = os.path.dirname(os.path.realpath(path))
    here = folder
    while True:
        if any(os.path.exists(os.path.join(here, marker)) for marker in (".git", "pyproject.toml")):
            return here
        above = os.path.dirname(here)
        if above == here:
            return folder
        here = above
