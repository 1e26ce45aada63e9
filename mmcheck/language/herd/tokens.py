"""Words and signs of the initial state and of conditions."""

from __future__ import annotations

import re
from typing import NamedTuple

from mmcheck.language.herd.cell import CellError, shorten

_TOKEN = re.compile(
    r"(?P<number>-?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)(?!\w))"
    r"|(?P<name>%?[A-Za-z_][\w.%$]*)"
    r"|(?P<sign>/\\|\\/|=>|<>|!=|==|[~()\[\]{}:;,=&*+])"
    r"|(?P<bad>[^\s])",
    re.ASCII,
)


class Token(NamedTuple):
    """One word or sign; offsets are those of the text that was scanned.

    `kind` is ``number``, ``name``, ``sign``, ``bad`` (a foreign character) or ``end``.
    """

    kind: str
    text: str
    start: int
    end: int


def scan(text: str, start: int = 0) -> list[Token]:
    """The tokens of `text` from `start` on, and one of kind ``end``."""
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text, start):
        kind = match.lastgroup or ""
        tokens.append(Token(kind, match[0], match.start(), match.end()))
    last = tokens[-1].end if tokens else start
    tokens.append(Token("end", "", last, last))
    return tokens


class Cursor:
    """Reads tokens one after the other."""

    def __init__(self, tokens: list[Token], code: str) -> None:
        self.tokens = tokens
        self.position = 0
        self.token = tokens[0]
        self.code = code

    def advance(self) -> Token:
        """The current token; the next becomes current."""
        token = self.token
        if self.position + 1 < len(self.tokens):
            self.position += 1
            self.token = self.tokens[self.position]
        return token

    def peek(self, ahead: int = 1) -> Token:
        return self.tokens[min(self.position + ahead, len(self.tokens) - 1)]

    def accept(self, *texts: str) -> bool:
        """Pass the current token if it is one of `texts`."""
        if self.token.text in texts and self.token.kind != "end":
            self.advance()
            return True
        return False

    def expect(self, text: str, help: str = "") -> Token:
        if self.token.text != text:
            raise self.wrong(f"'{text}'", help)
        return self.advance()

    def wrong(self, what: str, help: str = "") -> CellError:
        """The error for a current token that is not `what`."""
        token = self.token
        if token.text in ("|", "&"):
            help = "conditions are joined with /\\ or \\/"
        got = f"'{shorten(token.text)}'" if token.kind != "end" else "the end"
        return CellError(self.code, f"expected {what}, got {got}", token.start, token.end, help)

    def name(self, what: str, help: str = "") -> Token:
        if self.token.kind != "name":
            raise self.wrong(what, help)
        return self.advance()
