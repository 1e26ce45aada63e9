"""Source text, positions in it, and excerpts with a caret.

A `Span` is a half-open range of character offsets into one `SourceFile`; lines and columns are
computed when somebody asks for them, because most spans are never printed.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from dataclasses import field

from mmcheck.base.records import record

TAB_WIDTH = 4
"""Columns a tab takes in an excerpt."""

MAX_EXCERPT = 160
"""Characters of one source line that an excerpt shows; a longer line is cut around the caret."""


@record
class SourceFile:
    """One input text.

    `path` is how the file is named to the user: relative where possible, or ``<text>``.
    """

    path: str
    text: str
    line_starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [0]
        position = self.text.find("\n")
        while position >= 0:
            starts.append(position + 1)
            position = self.text.find("\n", position + 1)
        object.__setattr__(self, "line_starts", tuple(starts))

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of `offset`, both counted from 1, the column in characters."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), without its line end; empty past the end."""
        if not 1 <= number <= len(self.line_starts):
            return ""
        start = self.line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end].rstrip("\r")


@record
class Span:
    """The characters ``start <= offset < end`` of `file`; an empty span marks a position."""

    file: SourceFile
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.file.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.file.position(self.start)[1]

    @property
    def end_line(self) -> int:
        return self.file.position(self.end)[0]

    @property
    def end_column(self) -> int:
        return self.file.position(self.end)[1]

    @property
    def text(self) -> str:
        return self.file.text[self.start : self.end]

    def where(self) -> str:
        """``path:line:column``, as editors understand it."""
        line, column = self.file.position(self.start)
        return f"{self.file.path}:{line}:{column}"

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of `other`, of the same file."""
        return Span(self.file, self.start, max(self.end, other.end))


def printable(text: str) -> str:
    """`text` with control and direction-changing characters shown as escapes.

    Input is untrusted, and a terminal obeys control characters; right-to-left marks can make a
    line look like another one.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() and unicodedata.bidirectional(character) not in _DIRECTIONS
        else f"\\u{ord(character):04x}"
        for character in text
    )


_DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def excerpt(span: Span, label: str = "") -> str:
    """The line of `span` with its number, and a caret line under it; ends without a newline.

    >>> print(excerpt(Span(SourceFile("a", "x = 1\\ny = 2\\n"), 6, 7), "here"))
      |
    2 | y = 2
      | ^ here
    """
    line, column = span.file.position(span.start)
    end_line, end_column = span.file.position(span.end)
    raw = span.file.line(line)
    last = end_column if end_line == line else len(raw) + 1
    first, last = column - 1, max(last - 1, column)
    cut = 0
    if len(raw) > MAX_EXCERPT:
        cut = max(0, min(first - MAX_EXCERPT // 2, len(raw) - MAX_EXCERPT))
        raw = raw[cut : cut + MAX_EXCERPT]
        first, last = first - cut, min(last - cut, MAX_EXCERPT)
    before = _shown(raw[:first])
    marked = _shown(raw[first:last])
    after = _shown(raw[last:])
    number = str(line)
    margin = " " * len(number)
    caret = " " * len(before) + "^" * max(1, len(marked))
    lines = [f"{margin} |", f"{number} | {before}{marked}{after}".rstrip()]
    lines.append(f"{margin} | {caret}{' ' + label if label else ''}".rstrip())
    return "\n".join(lines)


def _shown(text: str) -> str:
    return printable(text.replace("\t", " " * TAB_WIDTH))
