"""What a specification is made of, found without parsing it: its includes, and the ``.cat`` files that it names.

A scan over comments, texts and the word ``include`` finds what the grammars of specifications and of cat would accept
as an include, and perhaps more. So `closure` may name a file too many, and never one too few: as good as the parser for
finding who includes what, and a hundred times cheaper.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from mmcheck.base import gate

MAX_FILES = 200
"""Files that one specification may consist of; the parser has a limit on depth, this is one on number."""

_CODE = re.compile(
    r"""(?sx)
    //[^\n]*+ | /\*.*?(?:\*/|\Z)
  | "(?P<text> [^"\n]*+ ) "?
  | (?P<include> include )
  | (?P<word> [\w.+-]*\.cat[\w.+-]* )
"""
)
_MARK = re.compile(r"\(\*|\*\)")
_NO_COMMENT = re.compile(r"""(?x) (?: [^/("] | //[^\n]*+ | "[^"\n]*+"? | /(?!/) | \((?!\*) )++""")
_CAT = re.compile(r"(?s)(.+\.cat)(?:\+.*)?")

Content = bytes | None
"""The bytes of a file, or None if it cannot be read."""


def named(path: str, content: bytes, *, model: bool = False) -> Iterator[tuple[str, bool]]:
    """The paths that `content`, the text of `path`, includes or takes a model from, and whether they are cat.

    It is read as a specification, or as a `model`: which of the two is up to who includes it, whatever its suffix.
    """
    folder = os.path.dirname(path)
    text = content.decode("utf-8", "replace")
    included = False
    for piece in _CODE.finditer(_without_comments(text) if model else text):
        told = piece["text"]
        included = included or piece["include"] is not None
        if told is not None and included:
            yield os.path.normpath(os.path.join(folder, told)), model
            included = False
        found = _CAT.fullmatch(told or piece["word"] or "")
        if found is not None:  # named from where mmcheck runs, or from where the text stands
            yield os.path.normpath(found[1]), True
            yield os.path.normpath(os.path.join(folder, found[1])), True


def _without_comments(text: str) -> str:
    """A text in cat without its comments, which stand inside each other."""
    kept, at = [], 0
    while at < len(text):
        plain = _NO_COMMENT.match(text, at)
        if plain is not None:
            kept.append(plain[0])
            at = plain.end()
            continue
        depth = 0
        for mark in _MARK.finditer(text, at):
            depth += 1 if mark[0] == "(*" else -1
            if depth == 0:
                at = mark.end()
                break
        else:
            break  # never closed
        kept.append(" ")
    return "".join(kept)


def closure(path: str, *, model: bool = False) -> list[tuple[str, Content]]:
    """`path` and every file that it is made of, with their contents, in the order of first mention.

    Of a specification of more than `MAX_FILES` files these are the first ones.
    """
    found: dict[str, Content] = {}
    waiting = [(path, model)]
    done: set[tuple[str, bool]] = set()
    while waiting and len(done) < MAX_FILES:
        here, is_model = waiting.pop(0)
        if (here, is_model) in done:
            continue
        done.add((here, is_model))
        if here not in found:
            found[here] = gate.read_or_none(here)
        content = found[here]
        if content is not None:
            waiting += named(here, content, model=is_model)
    return list(found.items())


def includers(changed: Iterable[str], candidates: Iterable[str]) -> list[str]:
    """Those of `candidates` that are made of one of the files `changed`, themselves included; each once."""
    wanted = {os.path.realpath(path) for path in changed}
    return [path for path in candidates if any(os.path.realpath(part) in wanted for part, _ in closure(path))]
