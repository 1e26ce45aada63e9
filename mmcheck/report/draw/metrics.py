"""How much room a text takes, and which of its characters are let through.

Labels come from untrusted files. Every text that reaches a picture has gone through `clean`: one line, no
control or direction-changing characters, no towers of accents, of bounded length.
"""

from __future__ import annotations

import unicodedata

from mmcheck.base.source import printable

MONO = 0.61
"""Advance of a monospaced character in em; the widest of the usual fonts has 0.602."""

ELLIPSIS = "…"
BOLD = 1.16
"""How much wider bold prose is; of the usual fonts DejaVu Sans has the widest."""
_NARROW = frozenset("iljtfrI.,:;'|!()[]- ")
_SIGNS = frozenset("{}<>=+~^#&")
_WIDE = frozenset("mwMW@%")
_MARKS_PER_LETTER = 2


def cells(text: str) -> int:
    """Columns that `text` takes in a monospaced font or a terminal; never less than its letters need."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def cut(text: str, limit: int, ellipsis: str = ELLIPSIS) -> str:
    """`text` in at most `limit` cells, its end replaced by `ellipsis` if it was longer."""
    if cells(text) <= limit:
        return text
    room = limit - cells(ellipsis)
    kept: list[str] = []
    for character in text:
        room -= cells(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept).rstrip() + ellipsis


def clean(text: str, limit: int, ellipsis: str = ELLIPSIS) -> str:
    """`text` on one line, harmless, in at most `limit` cells."""
    line = " ".join(text[: 8 * limit + 64].split())
    return cut(_without_towers(printable(line)), limit, ellipsis)


def _without_towers(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks <= _MARKS_PER_LETTER:
            kept.append(character)
    return "".join(kept)


def mono_width(text: str, size: float) -> float:
    """Width of `text` in a monospaced font of `size` pixels."""
    return cells(text) * MONO * size


def prose_width(text: str, size: float, *, bold: bool = False) -> float:
    """An upper estimate of the width of `text`, a few words, in any common sans-serif font of `size` pixels."""
    return sum(_em(character) for character in text) * size * (BOLD if bold else 1)


def _em(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF" or character in _WIDE:
        return 1.0
    if character in _NARROW:
        return 0.38
    if character in _SIGNS:
        return 0.84
    return 0.74 if character.isupper() or ord(character) > 0x7F else 0.62


def wrap_prose(text: str, size: float, width: float, lines: int, *, bold: bool = False) -> list[str]:
    """`text` as at most `lines` lines no wider than `width`; words are broken only if they must be."""
    if bold:
        width /= BOLD
    out: list[str] = []
    line = ""
    for word in text.split():
        for piece in _pieces(word, size, width):
            longer = f"{line} {piece}" if line else piece
            if prose_width(longer, size) <= width:
                line = longer
            else:
                out.append(line)
                line = piece
    if line:
        out.append(line)
    if len(out) > lines:
        out = out[:lines]
        while out[-1] and prose_width(out[-1] + ELLIPSIS, size) > width:
            out[-1] = out[-1][:-1].rstrip()
        out[-1] += ELLIPSIS
    return out


def _pieces(word: str, size: float, width: float) -> list[str]:
    if prose_width(word, size) <= width:
        return [word]
    pieces = [""]
    for character in word:
        if pieces[-1] and prose_width(pieces[-1] + character, size) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces
