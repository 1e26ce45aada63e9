"""From the place where the parser stopped to a message that names the mistake.

`explain` tries rules from the specific to the general; each looks at the lexemes around the place
and at what the grammar would have accepted there. The last resort is *unexpected X, expected Y*.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TypeAlias

from mmcheck.errors import Diagnostic
from mmcheck.records import record
from mmcheck.source import SourceFile, Span
from mmcheck.syntax.scan import CLOSING, Lexeme, Scanned

RESERVED = frozenset(
    [
        "let",
        "if",
        "else",
        "while",
        "loop",
        "repeat",
        "for",
        "in",
        "break",
        "return",
        "await",
        "until",
        "within",
        "assert",
        "raise",
        "nothing",
        "true",
        "false",
        "null",
        "as",
        "fn",
        "override",
        "mut",
    ]
)
DECLARATIONS = frozenset(
    [
        "spec",
        "targets",
        "include",
        "mirrors",
        "without",
        "const",
        "struct",
        "memory",
        "volatile",
        "atomic",
        "mmio",
        "percpu",
        "private",
        "requirement",
        "asm",
        "thread",
        "device",
        "interrupt",
        "fn",
        "override",
        "expect",
        "variant",
        "exists",
        "forall",
    ]
)
STATEMENTS = ("let", "if", "while", "loop", "repeat", "for", "break", "return", "await", "assert", "raise", "nothing")
_CONDITIONS = frozenset({"if", "while", "await", "until", "assert", "forall", "exists"})
_TYPES = frozenset(
    [
        "u8",
        "u16",
        "u32",
        "u64",
        "i8",
        "i16",
        "i32",
        "i64",
        "bool",
        "int",
        "long",
        "short",
        "char",
        "unsigned",
        "signed",
        "void",
        "auto",
        "var",
        "usize",
        "isize",
        "size_t",
        "uint8_t",
        "uint16_t",
        "uint32_t",
        "uint64_t",
        "int8_t",
        "int16_t",
        "int32_t",
        "int64_t",
    ]
)
_INSTRUCTIONS = frozenset({"dmb", "dsb", "isb", "mfence", "sfence", "lfence", "fence", "compiler_fence", "asm"})
_VERDICTS = frozenset({"holds", "violated", "allowed", "forbidden"})
FOREIGN = {
    "continue": "there is no 'continue': put the rest of the body into an 'if'",
    "goto": "there is no 'goto': use 'loop' and 'break'",
    "do": "there is no 'do': use 'loop' and 'break'",
    "switch": "there is no 'switch': use 'if' and 'else if'",
    "match": "there is no 'match': use 'if' and 'else if'",
    "unsafe": "there is no 'unsafe': write the statements alone",
    "static": "storage is declared at top level: 'memory x'",
}

_NAMES = {
    "$END": "the end of the file",
    "_SEP": "the end of the line",
    "TEXT": "a text in quotes",
    "NAME": "a name",
    "NUMBER": "a number",
    "TARGET": "a target",
    "NAMED_TYPE": "a type",
    "STAR_TYPE": "'*'",
    "LBRACE": "'{'",
    "RBRACE": "'}'",
    "LPAR": "'('",
    "RPAR": "')'",
    "RSQB": "']'",
    "COLON": "':'",
    "COMMA": "','",
    "EQUAL": "'='",
    "DOTDOT": "'..'",
}
_HIDDEN = {
    "OPERATOR",
    "ASSIGN",
    "UNARY",
    "NOT",
    "CHOICE",
    "DOT",
    "ARROW",
    "LSQB",
    "AS",
    "ANCHOR",
    "SCOPED",
    "ON_TARGETS",
}
_VALUE = {"NUMBER", "NAME", "TEXT", "TRUE", "FALSE", "NULL", "LPAR", "SCOPED", "UNARY"}


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
        return {name.lower() for name in self.accepted if name.isalpha() and name not in _NAMES and name not in _HIDDEN}

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
        if not scanned.same_line(before, at) and not _continues(before, at):
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


def _continues(before: Lexeme, at: Lexeme) -> bool:
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
        names -= {word.upper() for word in STATEMENTS} | _VALUE | {"LPAR"}
    elif {"NUMBER", "NAME"} <= names:
        listed.append("a value")
        names -= _VALUE | ({"LBRACE"} if literal else set())
    if {"CONST", "STRUCT"} <= names:
        listed.append("an edit, a declaration or 'expect'" if "REPLACE" in names else "a declaration")
        names -= {name for name in names if name.isalpha() and name not in _NAMES}
    if {"MIRRORS", "ON", "LBRACE"} <= names:
        names -= {"AT", "WHEN", "NESTS", "LPAR", "COMMA"}
    if "LATCH" in names or ("STAR_TYPE" in names and "NAME" in names):
        listed.append("a type")
        names -= {"LATCH", "NAME", "STAR_TYPE"}
    if listed and "EQUAL" not in names and listed[0] != "a value":
        names -= {"$END", "RBRACE", "_SEP"}
    rest = sorted(
        (_NAMES.get(name) or f"'{name.lower()}'" for name in names - _HIDDEN),
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


Rule: TypeAlias = Callable[[Place], Diagnostic | None]


def _after_equal(place: Place) -> Diagnostic | None:
    if not place.failure.after_equal:
        return None
    return place.say_after("MM102", "the line ends too early: expected a value", "put the value on the line of its '='")


def _lexical(place: Place) -> Diagnostic | None:
    token, before = place.token, place.before
    if token.kind == "open_text":
        return place.say("MM108", "a text in quotes that does not end on its line", help="close it with '\"'")
    if token.kind == "open_comment":
        return place.say("MM124", "this comment is never closed", help="close it with '*/'")
    if token.text in ("/\\", "\\/"):
        here = "&&" if token.text == "/\\" else "||"
        return place.say("MM115", f"'{token.text}' is herd's word; here it is '{here}'")
    if token.text == ":=":
        return place.say("MM114", "':=' is not used: 'let a = x' names a new register, 'a = x' stores")
    for lexeme in (token, before):
        if lexeme.text in ("++", "--"):
            return place.say("MM125", f"'{lexeme.text}' is not used", lexeme, f"write 'x {lexeme.text[0]}= 1'")
    if token.kind == "other":
        help = {
            "'": "texts stand in double quotes",
            "#": "a comment begins with '//'",
            "`": "texts stand in double quotes",
        }
        sign = "a single quote" if token.text == "'" else f"'{token.text}'"
        return place.say("MM116", f"{sign} has no meaning here", help=help.get(token.text, ""))
    return None


def _numbers(place: Place) -> Diagnostic | None:
    token, before = place.token, place.before
    if token.kind != "number":
        return None
    if before.text == "." and before.end == token.start and place.scanned.get(place.index - 2).kind == "number":
        return place.say("MM120", "there are no fractions", before)
    if not re.fullmatch(r"0x[0-9a-fA-F_]+|0b[01_]+|[0-9][0-9_]*", token.text):
        return place.say("MM120", f"'{token.text}' is no number", help="a number has no suffix; 'x as u16' converts")
    return None


def _closing(place: Place) -> Diagnostic | None:
    token = place.token
    if token.text not in tuple(CLOSING):
        return None
    if place.open and place.open[-1].start not in place.scanned.brackets.partner:
        opening = place.open[-1]
        if opening.text in "([":
            return place.say("MM106", f"this '{opening.text}' is never closed", opening)
    if token.start not in place.scanned.brackets.partner:
        return place.say("MM107", f"this '{token.text}' closes nothing")
    return None


def _unclosed(place: Place) -> Diagnostic | None:
    token = place.token
    if not place.open:
        return None
    opening = place.open[-1]
    if opening.text in "([":
        if opening.start in place.scanned.brackets.partner or place.scanned.same_line(opening, token):
            return None
        return place.say("MM106", f"this '{opening.text}' is not closed before the next statement", opening)
    if token.kind == "end":
        return place.say("MM105", "this '{' is never closed: the file ends inside it", opening)
    for index in (place.index, place.index - 1):
        if starts_declaration(place.scanned, index):
            word = place.scanned.get(index)
            line = place.file.position(word.start)[0]
            outer = next((each for each in place.open if each.start < word.start), None)
            if outer is not None:
                return place.say("MM105", f"this '{{' is never closed: '{word.text}' begins on line {line}", outer)
    return None


def _line_end(place: Place) -> Diagnostic | None:
    if place.failure.separator:
        gap = place.scanned.text[place.before.end : place.token.start]
        semicolon = re.sub(r"//[^\n]*|/\*[\s\S]*?\*/", "", gap).lstrip(" \t\r\f").startswith(";")
        if semicolon or place.token.text == ";":
            return None
    elif place.token.kind == "end":
        if place.before.kind == "end":
            return None
        return place.say_after("MM102", "the file ends too early: " + _wanted(place))
    elif (
        (
            place.failure.fresh
            or place.same_line
            or place.before.kind == "end"
            or place.before.text in ("{", "(", "[", ";")
        )
        or "_SEP" in place.accepted
        or (place.token.kind == "bracket" and place.token.text in CLOSING)
    ):
        return None
    return place.say_after("MM102", "the line ends too early: " + _wanted(place))


def _wanted(place: Place) -> str:
    literal = place.before.text != "await"
    return "expected " + (expected(place.accepted, literal=literal) or "something else")


def _equals(place: Place) -> Diagnostic | None:
    if place.token.text != "=":
        return None
    statement = place.scanned.code[place.first : place.index]
    if any(lexeme.text in _CONDITIONS for lexeme in statement):
        return place.say("MM109", "'=' stores; a comparison is '=='", help="write '==' here")
    if any(lexeme.text == "=" for lexeme in statement):
        return place.say("MM109", "a statement stores once, with one '='; a comparison is '=='")
    return None


def _first_word(place: Place) -> Diagnostic | None:
    """Two names side by side: the first is no word of the language."""
    word, token = place.before, place.token
    if word.kind != "word" or token.kind not in ("word", "number", "text") or not place.same_line:
        return None
    if place.first != place.index - 1 or not place.open:
        return None
    if word.text in _TYPES:
        type_ = f": {word.text}" if re.fullmatch(r"[ui](8|16|32|64)|bool", word.text) else ""
        name = token.text if token.kind == "word" and token.text not in _TYPES else "a"
        return place.say("MM113", f"a register is declared with 'let': let {name}{type_} = …", word)
    if word.text in _INSTRUCTIONS:
        return place.say("MM112", f"an instruction is written as a call: '{word.text}({token.text})'", word)
    if word.text in FOREIGN:
        return place.say("MM125", FOREIGN[word.text], word)
    if "OPERATOR" in place.accepted and word.text not in RESERVED:
        if word.text in DECLARATIONS:
            return place.say("MM103", f"'{word.text}' stands outside of blocks, at top level", word)
        if guess := near(word.text, STATEMENTS):
            return place.say("MM103", f"unknown word '{word.text}'; did you mean '{guess}'?", word)
    return None


def _second_verdict(place: Place) -> Diagnostic | None:
    if place.scanned.get(place.first).text != "expect" or not place.same_line:
        return None
    if place.token.text in _VERDICTS or (place.token.text in ("on", "by") and place.before.text in _VERDICTS):
        return place.say("MM126", "one 'expect' has one verdict", help="write a second 'expect' on a line of its own")
    return None


def _misspelt(place: Place) -> Diagnostic | None:
    if place.token.kind != "word":
        return None
    if guess := near(place.token.text, place.words - {place.token.text}):
        statement = "LET" in place.accepted or {"NUMBER", "NAME"} <= place.accepted
        if not statement:
            return place.say("MM101", f"unexpected '{place.token.text}'; did you mean '{guess}'?", help=_wanted(place))
    return None


def _two_statements(place: Place) -> Diagnostic | None:
    token = place.token
    if "_SEP" not in place.accepted or not place.same_line or place.failure.separator:
        return None
    if token.kind not in ("word", "number", "text") and token.text not in ("*", "{"):
        return None
    if "COMMA" in place.accepted and "OPERATOR" not in place.accepted:
        return place.say("MM104", "a ',' or a line end is missing before this")
    what = "statements" if place.open else "declarations"
    return place.say("MM104", f"two {what} on one line need ';' between them", help="write ';' before this")


def _reserved(place: Place) -> Diagnostic | None:
    if place.token.text in RESERVED and "NAME" in place.accepted and "NUMBER" not in place.accepted:
        return place.say("MM119", f"'{place.token.text}' is a reserved word and cannot be a name")
    return None


def _question(place: Place) -> Diagnostic | None:
    if place.token.text == "?":
        return place.say("MM125", "'?' marks an order in the arguments of a call", help="a choice of values is an 'if'")
    return None


def _foreign(place: Place) -> Diagnostic | None:
    if place.token.text in FOREIGN:
        return place.say("MM125", FOREIGN[place.token.text])
    return None


def _general(place: Place) -> Diagnostic:
    help = ""
    if "SPEC" in place.accepted and not place.open:
        help = "statements stand in a 'thread', a 'device' or a 'fn'" if place.token.kind == "word" else ""
    elif place.token.text == "else":
        help = "'else' stands behind the '}' of an 'if'"
    wanted = expected(place.accepted, literal=place.before.text != "await")
    tail = f": expected {wanted}" if wanted else ""
    return place.say("MM101", f"unexpected {shown(place.token)}{tail}", help=help)


_RULES: tuple[Rule, ...] = (
    _after_equal,
    _lexical,
    _numbers,
    _closing,
    _unclosed,
    _equals,
    _first_word,
    _second_verdict,
    _line_end,
    _reserved,
    _misspelt,
    _foreign,
    _two_statements,
    _question,
)


def explain(file: SourceFile, scanned: Scanned, failure: Failure) -> Diagnostic:
    """The message for `failure` in `file`."""
    place = Place(file, scanned, failure)
    for rule in _RULES:
        if found := rule(place):
            return found
    return _general(place)


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
            or (not scanned.same_line(scanned.get(last), following) and not _continues(scanned.get(last), following))
        ):
            break
        last += 1
    end = scanned.get(last).end
    if scanned.get(last + 1).text == ";":
        end = scanned.get(last + 1).end
    return scanned.get(first).start, end
