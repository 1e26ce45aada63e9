"""Excerpts of specifications for terminals: the line in colours, the caret below it."""

from __future__ import annotations

from mmcheck.base.source import Span, excerpt

_CODES = {
    "comment": "2",
    "text": "32",
    "number": "35",
    "keyword": "1",
    "declaration": "1",
    "verdict": "31",
    "type": "36",
    "word": "33",
    "order": "33",
    "label": "34",
}


def lines(span: Span, color: bool) -> list[str]:
    """What `mmcheck.base.source.excerpt` shows, in colours if `color`."""
    plain = excerpt(span).split("\n")
    return [_coloured(line) for line in plain] if color else plain


def _coloured(line: str) -> str:
    from mmcheck.language import highlight  # reads the vocabulary, which reports without colours do not need

    number, bar, code = line.partition(" | ")
    if not number.strip():
        return f"{number}{bar}\x1b[1;31m{code}\x1b[0m" if code else line
    return f"\x1b[2m{number}{bar}\x1b[0m" + "".join(_piece(look, text) for look, text in highlight.spec(code))


def _piece(look: str, text: str) -> str:
    return f"\x1b[{_CODES[look]}m{text}\x1b[0m" if look in _CODES else text
