"""Which part of a specification or a cat model is what, for colours: never fails, whatever the text is.

One table of looks serves terminals, HTML and Pygments. Words are judged by the vocabulary tables and by what stands
around them, as the grammar's words are words only where it has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from mmcheck.language.syntax.scan import Lexeme, scan
from mmcheck.target.orders import normal_order
from mmcheck.target.words import METHODS, WORDS

Look = Literal[
    "", "comment", "text", "number", "keyword", "declaration", "verdict", "type", "word", "order", "label", "sign"
]

RESERVED = frozenset(
    "let if else while loop repeat for in break return await until within assert raise nothing true false null as fn"
    " override mut".split()
)
"""Words that are no names anywhere."""

DECLARING = frozenset(
    "spec targets include mirrors without const struct memory volatile atomic mmio percpu private requirement cites"
    " says forall exists ordered progress asm thread device interrupt expect variant replace drop add move set"
    " on".split()
)
"""Words that begin a declaration, a claim or an edit: words only at the beginning of a line or a statement."""

JOINING = frozenset(
    "from with before after to by at most when raised nests cpu latch fn mirrors targets thread on".split()
)
"""Words inside a declaration or an edit."""

VERDICTS = frozenset({"holds", "violated", "allowed", "forbidden", "vacuous"})
TYPES = frozenset({"bool", "latch"} | {f"{sign}{width}" for sign in "iu" for width in (8, 16, 32, 64)})

Pieces = Iterator[tuple[Look, str]]

_HEADS = DECLARING - {"memory", "volatile", "atomic", "private"}
"""Words behind which the rest of the line may hold joining words."""


def spec(text: str) -> Pieces:
    """The pieces of a specification, in order; together they are `text`."""
    lexemes = scan(text)
    code = [number for number, each in enumerate(lexemes) if each.kind not in ("space", "newline", "comment")]
    nearby = {here: (before, after) for before, here, after in zip([-1, *code], code, [*code[1:], -1], strict=False)}
    head = ""
    start = True
    for number, each in enumerate(lexemes):
        if each.kind == "newline" or each.text == ";":
            start, head = True, ""
        if each.kind == "word":
            before, after = nearby[number]
            around = (lexemes[before] if before >= 0 else None), (lexemes[after] if after >= 0 else None)
            if start and around[1] is not None and around[1].text == ":" and not _is_typed(lexemes, nearby, after):
                yield "label", each.text
            else:
                yield _word(each.text, start, head, *around), each.text
            head = each.text if start and each.text in DECLARING else head
            start = False
            continue
        if each.is_code:
            before = nearby[number][0]
            literal = each.text == "{" and before >= 0 and lexemes[before].text in ("=", "(", ":", ",")
            start = (each.text in ("{", "}", ":") and not literal) or (start and each.text == "~")
        yield _other(each), each.text


def _is_typed(lexemes: list[Lexeme], nearby: dict[int, tuple[int, int]], colon: int) -> bool:
    """Whether a type and no statement stands behind the colon: a variable is declared."""
    one = nearby[colon][1]
    two = nearby[one][1] if one >= 0 else -1
    first = lexemes[one].text if one >= 0 else ""
    second = lexemes[two].text if two >= 0 else ""
    return first in TYPES or first == "*" or (first[:1].isupper() and second != "(")


def _other(each: Lexeme) -> Look:
    match each.kind:
        case "comment" | "open_comment":
            return "comment"
        case "text" | "open_text":
            return "text"
        case "number":
            return "number"
        case "anchor":
            return "label"
        case "op" | "bracket":
            return "sign"
    return ""


def _word(text: str, start: bool, head: str, before: Lexeme | None, after: Lexeme | None) -> Look:
    follows = after.text if after is not None else ""
    if before is not None and before.text in (".", "->"):
        return "word" if text in METHODS and follows == "(" else ""
    if text in RESERVED:
        return "keyword"
    if start and text in DECLARING and follows not in (".", "=", "[", "("):
        return "declaration"
    if before is not None and before.text == "~" and text == "exists":
        return "declaration"
    if head and text in VERDICTS:
        return "verdict"
    if head and text in JOINING:
        return "declaration"
    if follows == "(" and text in WORDS:
        return "word"
    if text in TYPES:
        return "type"
    return "order" if normal_order(text) is not None else ""


_CAT = re.compile(
    r"""
      (?P<comment> \(\*(?:[^*]|\*(?!\)))*(?:\*\))? | //[^\n]* )
    | (?P<text> "[^"\n]*"? )
    | (?P<declaration> \b(?:acyclic|irreflexive|empty|flag|include|show|unshow)\b )
    | (?P<keyword> \b(?:let|rec|and|in|as)\b )
    | (?P<type> \b(?:po|rf|co|fr|loc|int|ext|rmw|amo|lxsx|addr|data|ctrl|src|id)\b(?!-) | \b[RWFM]\b )
    | (?P<number> \b[0-9]+\b )
    | (?P<name> [A-Za-z_][A-Za-z0-9_.-]* )
    | (?P<sign> [-+*?|&;~\\^()\[\]{}=,] )
    | (?P<blank> \s+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


def cat(text: str) -> Pieces:
    """The pieces of a cat model, in order."""
    for match in _CAT.finditer(text):
        kind = match.lastgroup
        look: Look = "" if kind in ("name", "blank", None) else kind  # type: ignore[assignment]
        yield look, match.group()


def lines(text: str) -> list[list[tuple[Look, str]]]:
    """The pieces of a specification by line, without line ends; a comment over several lines is cut."""
    out: list[list[tuple[Look, str]]] = [[]]
    for look, piece in spec(text):
        first, *rest = piece.split("\n")
        out[-1].append((look, first))
        for each in rest:
            out.append([(look, each)])
    return out
