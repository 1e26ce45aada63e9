"""A scanner that cannot fail: words, brackets, comments and texts with their offsets.

The parser has its own lexer, which depends on the grammar's state. This one serves what must also
work on a text that does not parse: bounds, messages, recovery and the comments of the formatter.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

OPENING = "([{"
CLOSING = ")]}"
PARTNER = dict(zip(OPENING, CLOSING, strict=True)) | dict(zip(CLOSING, OPENING, strict=True))

_LEXEMES = re.compile(
    r"""
      (?P<space>   [^\S\n]+ )
    | (?P<newline> \n )
    | (?P<comment> //[^\n]* | /\*[\s\S]*?\*/ )
    | (?P<open_comment> /\* )
    | (?P<text>    "[^"\n]*" )
    | (?P<open_text> "[^"\n]* )
    | (?P<number>  [0-9][0-9A-Za-z_]* )
    | (?P<anchor>  @[0-9]+ )
    | (?P<word>    [^\W\d]\w*(?:::[^\W\d]\w*)* )
    | (?P<bracket> [()\[\]{}] )
    | (?P<op>      /\\ | \\/ | := | -> | \.\. | << | >> | == | != | <= | >= | && | \|\| | \+\+ | --
                 | [-+*/%&|^!~<>=.,:;?] )
    | (?P<other>   . )
    """,
    re.VERBOSE | re.DOTALL,
)


class Lexeme(NamedTuple):
    """One piece of the text; `kind` is the name of a group above, or ``end``."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def is_code(self) -> bool:
        """Whether it is neither blank nor a comment."""
        return self.kind not in ("space", "newline", "comment")


def scan(text: str) -> list[Lexeme]:
    """All lexemes of `text`, in order, without gaps."""
    return [Lexeme(match.lastgroup or "other", match.group(), match.start()) for match in _LEXEMES.finditer(text)]


class Brackets(NamedTuple):
    """How the brackets of a text match.

    `partner` maps the offset of each bracket that has one to that of its partner; `stray` are the
    offsets of closing ones that have none. `inside` gives for each lexeme the index of the innermost
    bracket open before it, or -1. `deepest` is the first bracket at the greatest depth.
    """

    partner: dict[int, int]
    stray: set[int]
    inside: list[int]
    depth: int
    deepest: int


def match_brackets(lexemes: Sequence[Lexeme]) -> Brackets:
    """Pair the brackets; a `}` closes what stands open inside of its `{`."""
    partner: dict[int, int] = {}
    stray: set[int] = set()
    inside: list[int] = []
    stack: list[int] = []
    braces = depth = deepest = 0
    for index, lexeme in enumerate(lexemes):
        inside.append(stack[-1] if stack else -1)
        if lexeme.kind != "bracket":
            continue
        if lexeme.text in OPENING:
            stack.append(index)
            braces += lexeme.text == "{"
            if len(stack) > depth:
                depth, deepest = len(stack), lexeme.start
            continue
        if lexeme.text == "}" and braces:
            while lexemes[stack[-1]].text != "{":
                stack.pop()
        if stack and lexemes[stack[-1]].text == PARTNER[lexeme.text]:
            opening = lexemes[stack.pop()]
            braces -= opening.text == "{"
            partner[opening.start] = lexeme.start
            partner[lexeme.start] = opening.start
        else:
            stray.add(lexeme.start)
    return Brackets(partner, stray, inside, depth, deepest)


class Scanned:
    """The lexemes of a text with look-ups by offset."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.all = scan(text)
        self.code = [lexeme for lexeme in self.all if lexeme.is_code]
        self.brackets = match_brackets(self.code)
        self._starts = [lexeme.start for lexeme in self.code]

    def index_at(self, offset: int) -> int:
        """The index in `code` of the lexeme at or behind `offset`; `len(code)` behind the last one."""
        index = bisect_right(self._starts, offset) - 1
        if index >= 0 and offset < self.code[index].end:
            return index
        return index + 1

    def get(self, index: int) -> Lexeme:
        """The lexeme at `index` of `code`, or an empty one of kind ``end`` outside."""
        if 0 <= index < len(self.code):
            return self.code[index]
        return Lexeme("end", "", len(self.text) if index > 0 else 0)

    def same_line(self, first: Lexeme, second: Lexeme) -> bool:
        """Whether no line end lies between two lexemes."""
        return "\n" not in self.text[first.end : second.start]

    def innermost(self, index: int) -> Lexeme | None:
        """The innermost bracket open just before the lexeme at `index`."""
        if index >= len(self.code):
            opening = self._last_open()
        else:
            opening = self.brackets.inside[index] if index >= 0 else -1
        return self.code[opening] if opening >= 0 else None

    def _last_open(self) -> int:
        if not self.code:
            return -1
        last = self.code[-1]
        if last.kind == "bracket" and last.text in OPENING:
            return len(self.code) - 1
        opening = self.brackets.inside[-1]
        if last.start in self.brackets.partner:
            return self.brackets.inside[self.index_at(self.brackets.partner[last.start])]
        return opening

    def open_at(self, index: int) -> list[Lexeme]:
        """The brackets open just before the lexeme at `index`, the outermost first."""
        found: list[Lexeme] = []
        opening = self.innermost(index)
        while opening is not None:
            found.append(opening)
            opening = self.innermost(self.index_at(opening.start))
        return found[::-1]
