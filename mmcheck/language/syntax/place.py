"""Where the parser stopped: what stands around it, what would have been accepted, where parsing may go on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cached_property

from mmcheck.base.errors import Diagnostic
from mmcheck.base.records import record
from mmcheck.base.source import SourceFile, Span
from mmcheck.language.syntax.scan import CLOSING, Lexeme, Scanned
from mmcheck.language.syntax.vocabulary import DECLARATIONS, HIDDEN, NAMES, STATEMENTS, VALUE


@record
class Failure:
    """Where and why the parser stopped.

    `offset` is that of the token it could not take; `separator` says that this was the end of a
    statement, `after_equal` that a line ended behind ``=``, `fresh` that the token before was a
    separator. `accepted` are terminal names.
    """

    offset: int
    accepted: frozenset[str]
    separator: bool = False
    after_equal: bool = False
    fresh: bool = False


class Place:
    """A failure with what stands around it."""

    def __init__(self, file: SourceFile, scanned: Scanned, failure: Failure) -> None:
        self.file = file
        self.scanned = scanned
        self.failure = failure
        self.accepted = failure.accepted
        self.index = scanned.index_at(failure.offset)
        self.token = scanned.get(self.index)
        self.before = scanned.get(self.index - 1)

    @cached_property
    def open(self) -> list[Lexeme]:
        """The brackets open at the token, the outermost first."""
        return self.scanned.open_at(self.index)

    @cached_property
    def first(self) -> int:
        """The index of the first lexeme of the statement, its label left out."""
        index = statement_start(self.scanned, self.index)
        if self.scanned.get(index).kind == "word" and self.scanned.get(index + 1).text == ":":
            return index + 2
        return index

    @property
    def words(self) -> set[str]:
        """The keywords that would have been accepted."""
        return {name.lower() for name in self.accepted if name.isalpha() and name not in NAMES and name not in HIDDEN}

    @property
    def same_line(self) -> bool:
        return self.before.kind != "end" and self.scanned.same_line(self.before, self.token)

    def say(self, code: str, message: str, at: Lexeme | None = None, help: str = "") -> Diagnostic:
        at = at or self.token
        return Diagnostic(code, message, Span(self.file, at.start, at.end), help)

    def say_after(self, code: str, message: str, help: str = "") -> Diagnostic:
        """At the end of the lexeme before, where something is missing."""
        return Diagnostic(code, message, Span(self.file, self.before.end, self.before.end), help)


def statement_start(scanned: Scanned, index: int) -> int:
    """The index of the first lexeme of the statement or declaration that holds `index`."""
    start = index
    while start > 0:
        before = scanned.get(start - 1)
        if before.text in ("{", ";"):
            break
        at = scanned.get(start)
        if not scanned.same_line(before, at) and not continues(before, at):
            opening = scanned.innermost(start)
            if opening is None or opening.text == "{":
                break
        if before.text in CLOSING and before.start in scanned.brackets.partner:
            if before.text == "}" and at.text not in ("else", "until", "within", ",", ")", "]", "."):
                break
            start = scanned.index_at(scanned.brackets.partner[before.start])
        else:
            start -= 1
    return start


def continues(before: Lexeme, at: Lexeme) -> bool:
    """Whether a line end between the two separates nothing."""
    return before.text in (
        ",",
        "&&",
        "||",
        "+",
        "-",
        "*",
        "/",
        "%",
        "|",
        "^",
        "&",
        "==",
        "!=",
        "<",
        ">",
        "<=",
        ">=",
        "=",
    ) or at.text in ("else", "until", "within", ".", "->", "&&", "||", "{", "}", ")", "]")


def starts_declaration(scanned: Scanned, index: int) -> bool:
    """Whether the lexeme begins a line in column 1 and looks like a declaration."""
    lexeme = scanned.get(index)
    if lexeme.text not in DECLARATIONS or (lexeme.start > 0 and scanned.text[lexeme.start - 1] != "\n"):
        return False
    following = scanned.get(index + 1)
    return following.kind in ("word", "text", "open_text") or (
        following.text == "{" and scanned.same_line(lexeme, following)
    )


def expected(accepted: Iterable[str], *, literal: bool = False) -> str:
    """What was accepted, in words; empty if that says nothing."""
    names = set(accepted)
    listed: list[str] = []
    if "LET" in names:
        listed.append("a statement")
        names -= {word.upper() for word in STATEMENTS} | VALUE | {"LPAR"}
    elif {"NUMBER", "NAME"} <= names:
        listed.append("a value")
        names -= VALUE | ({"LBRACE"} if literal else set())
    if {"CONST", "STRUCT"} <= names:
        listed.append("an edit, a declaration or 'expect'" if "REPLACE" in names else "a declaration")
        names -= {name for name in names if name.isalpha() and name not in NAMES}
    if {"MIRRORS", "ON", "LBRACE"} <= names:
        names -= {"AT", "WHEN", "NESTS", "LPAR", "COMMA"}
    if "LATCH" in names or ("STAR_TYPE" in names and "NAME" in names):
        listed.append("a type")
        names -= {"LATCH", "NAME", "STAR_TYPE"}
    if listed and "EQUAL" not in names and listed[0] != "a value":
        names -= {"$END", "RBRACE", "_SEP"}
    rest = sorted(
        (NAMES.get(name) or f"'{name.lower()}'" for name in names - HIDDEN),
        key=lambda name: (name[0] == "'" and name[1].isalpha(), name),
    )
    return ", ".join(listed + rest)


def shown(lexeme: Lexeme) -> str:
    """A lexeme as a message names it."""
    if lexeme.kind == "end":
        return "the end of the file"
    text = lexeme.text if len(lexeme.text) <= 40 else lexeme.text[:37] + "…"
    return text if lexeme.kind == "text" else f"'{text}'"


def near(word: str, words: Iterable[str]) -> str | None:
    """The most similar of `words`, if one is similar at all."""
    return next(iter(difflib.get_close_matches(word, sorted(words), 1, 0.65)), None)


def skipped(scanned: Scanned, failure: Failure) -> tuple[int, int]:
    """The characters to leave out so that parsing can go on: a statement, or a declaration.

    Outside of all braces that is everything up to the next line that begins a declaration in
    column 1, because what follows a broken head means nothing without it.
    """
    index = scanned.index_at(failure.offset)
    if failure.separator or failure.after_equal or index >= len(scanned.code) or scanned.get(index).text == "}":
        index = max(index - 1, 0)
    partner = scanned.brackets.partner
    braces = [each for each in scanned.open_at(index) if each.text == "{"]
    if not braces or any(each.start not in partner for each in braces):
        first = index + 1
        while first < len(scanned.code) and not starts_declaration(scanned, first):
            first += 1
        start = statement_start(scanned, scanned.index_at(braces[0].start) if braces else index)
        return scanned.get(min(start, index)).start, scanned.get(first).start
    first = statement_start(scanned, index)
    last = first
    while last < len(scanned.code):
        lexeme = scanned.get(last)
        if lexeme.text in ("{", "(", "[") and lexeme.start in partner:
            last = scanned.index_at(partner[lexeme.start])
        following = scanned.get(last + 1)
        if last >= index and (
            following.text in ("}", ";")
            or (not scanned.same_line(scanned.get(last), following) and not continues(scanned.get(last), following))
        ):
            break
        last += 1
    end = scanned.get(last).end
    if scanned.get(last + 1).text == ";":
        end = scanned.get(last + 1).end
    return scanned.get(first).start, end
