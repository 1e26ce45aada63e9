"""Coloured excerpts say what plain ones say."""

from __future__ import annotations

import re

from mmcheck.base.source import SourceFile, Span, excerpt
from mmcheck.report.excerpts import lines

TEXT = 'thread t {\n  publish: fence(release) // "why"\n}\n'


def span(word: str) -> Span:
    start = TEXT.index(word)
    return Span(SourceFile("a.litmus", TEXT), start, start + len(word))


def test_without_colours_nothing_changes() -> None:
    assert lines(span("fence(release)"), False) == excerpt(span("fence(release)")).split("\n")


def test_colours_change_no_text() -> None:
    coloured = "\n".join(lines(span("fence(release)"), True))
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == excerpt(span("fence(release)"))
    assert "\x1b[33mfence\x1b[0m" in coloured and '\x1b[2m// "why"\x1b[0m' in coloured


def test_the_carets_are_coloured() -> None:
    assert lines(span("fence"), True)[-1].endswith("\x1b[1;31m           ^^^^^\x1b[0m")
