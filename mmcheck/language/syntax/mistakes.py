"""From the place where the parser stopped to a message that names the mistake.

`explain` tries rules from the specific to the general; each looks at the lexemes around the place
and at what the grammar would have accepted there. The last resort is *unexpected X, expected Y*.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from mmcheck.base.errors import Diagnostic
from mmcheck.base.source import SourceFile
from mmcheck.language.syntax.place import Failure, Place, expected, near, shown, starts_declaration
from mmcheck.language.syntax.scan import CLOSING, Scanned
from mmcheck.language.syntax.vocabulary import (
    CONDITIONS,
    DECLARATIONS,
    FOREIGN,
    INSTRUCTIONS,
    RESERVED,
    STATEMENTS,
    TYPES,
    VERDICTS,
)

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
    if any(lexeme.text in CONDITIONS for lexeme in statement):
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
    if word.text in TYPES:
        type_ = f": {word.text}" if re.fullmatch(r"[ui](8|16|32|64)|bool", word.text) else ""
        name = token.text if token.kind == "word" and token.text not in TYPES else "a"
        return place.say("MM113", f"a register is declared with 'let': let {name}{type_} = …", word)
    if word.text in INSTRUCTIONS:
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
    if place.token.text in VERDICTS or (place.token.text in ("on", "by") and place.before.text in VERDICTS):
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
