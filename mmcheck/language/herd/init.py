"""The initial state: registers and locations with their types and values.

Items repeat from test to test, so each is parsed once per text; offsets are relative to the item.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from mmcheck.base.records import record
from mmcheck.language.herd.cell import CellError, nearest, number
from mmcheck.language.herd.tokens import Cursor, Token, scan

MAX_ELEMENTS = 512
"""Elements of an array, so that it ends before the next location begins."""

WIDTHS = {
    "int": 32, "int32_t": 32, "uint32_t": 32, "unsigned": 32, "unsigned int": 32, "signed int": 32, "atomic_int": 32,
    "int64_t": 64, "uint64_t": 64, "long": 64, "unsigned long": 64, "long long": 64, "unsigned long long": 64,
    "long int": 64, "intptr_t": 64, "uintptr_t": 64, "size_t": 64, "atomic_long": 64,
    "char": 8, "signed char": 8, "unsigned char": 8, "int8_t": 8, "uint8_t": 8, "bool": 8,
    "short": 16, "unsigned short": 16, "int16_t": 16, "uint16_t": 16, "int128_t": 128, "uint128_t": 128,
}  # fmt: skip
_QUALIFIERS = {"volatile", "const", "atomic", "_Atomic"}
_THREAD = re.compile(r"P(\d{1,6})\Z", re.ASCII)
_SIMPLE = re.compile(r"(\d{1,6}):([A-Za-z]\w*) *= *(?:([A-Za-z_]\w*)|(\d{1,18}))\Z", re.ASCII)


class Value(NamedTuple):
    """A number, or the address of element `element` of location `symbol`."""

    number: int
    symbol: str
    element: int
    start: int
    end: int


@record
class Item:
    """One declaration. `thread` is empty for a location; `width` is 0 and `count` None where the text does not say."""

    thread: str
    name: str
    start: int
    end: int
    width: int = 0
    pointer: bool = False
    count: int | None = None
    values: tuple[Value, ...] = ()


@lru_cache(maxsize=4096)
def parse_item(text: str) -> Item | None:
    """The declaration `text`, which has no semicolon; None for an empty one. Raises `CellError`."""
    simple = _SIMPLE.match(text)
    if simple is not None:
        start, end = simple.span(3 if simple[3] else 4)
        value = Value(0, simple[3], 0, start, end) if simple[3] else Value(int(simple[4]), "", 0, start, end)
        return Item(str(int(simple[1])), simple[2], simple.start(2), simple.end(2), values=(value,))
    tokens = Cursor(scan(text), "MM317")
    if tokens.token.kind == "end":
        return None
    return _item(tokens)


def _is_thread(cursor: Cursor) -> bool:
    token = cursor.token
    if cursor.peek().text != ":":
        return False
    return token.kind == "number" or _THREAD.match(token.text) is not None


def _item(cursor: Cursor) -> Item:
    words: list[Token] = []
    while cursor.token.kind == "name" and not _is_thread(cursor):
        words.append(cursor.advance())
    pointer = False
    while cursor.accept("*"):
        pointer = True
    thread = ""
    count: int | None = None
    help = "write '0:X1=x', 'x=1', 'int x=1' or 'int x[2]={1,2}', each followed by ';'"
    if _is_thread(cursor):
        token = cursor.advance()
        thread = str(_small(token, token.text.removeprefix("P")))
        cursor.advance()
        name = cursor.name("a register", help)
    elif cursor.token.text == "[" and cursor.peek().kind == "name":
        cursor.advance()
        name = cursor.name("a location")
        cursor.expect("]")
    elif pointer:
        name = cursor.name("a location", help)
    elif words:
        name = words.pop()
        if cursor.accept("["):
            size = cursor.advance()
            count = _small(size, size.text)
            if not 1 <= count <= MAX_ELEMENTS:
                raise CellError(
                    "MM328", f"an array has 1 to {MAX_ELEMENTS} elements, not {count}", size.start, size.end
                )
            cursor.expect("]")
    else:
        raise cursor.wrong("a declaration", help)
    width = _width(words)
    values: tuple[Value, ...] = ()
    if cursor.accept("="):
        values = _values(cursor, name, count)
    if cursor.token.kind != "end":
        hint = "memory tags are not supported" if cursor.token.text == ":" else "declarations are separated by ';'"
        raise cursor.wrong("';' or '}'", hint)
    return Item(thread, name.text, name.start, name.end, width, pointer, count, values)


def _small(token: Token, text: str) -> int:
    value = number(text)
    if value is None or value < 0 or value > 999_999:
        raise CellError("MM317", f"expected a small number, got '{token.text}'", token.start, token.end)
    return value


def _width(words: list[Token]) -> int:
    """Bits of the type that `words` name; 0 for none."""
    left = [word for word in words if word.text not in _QUALIFIERS]
    if not left:
        return 0
    text = " ".join(word.text for word in left)
    width = WIDTHS.get(text, 0)
    start, end = left[0].start, left[-1].end
    if width in (8, 16, 128):
        help = "locations have 32 or 64 bits; use int or int64_t"
        raise CellError("MM330", f"mixed sizes: type '{text}' has {width} bits", start, end, help)
    if not width:
        help = nearest(text, WIDTHS) or "the types are int, int32_t, uint32_t, int64_t, uint64_t, long, and pointers"
        raise CellError("MM326", f"unknown type '{text}'", start, end, help)
    return width


def _values(cursor: Cursor, name: Token, count: int | None) -> tuple[Value, ...]:
    if not cursor.accept("{"):
        if count is not None:
            raise cursor.wrong("the values of an array", "write them in braces, as in 'int x[2]={1,2}'")
        return (_value(cursor),)
    values = [_value(cursor)]
    while cursor.accept(","):
        values.append(_value(cursor))
    cursor.expect("}")
    if count is None:
        help = f"write 'int {name.text}[{len(values)}]={{...}}'"
        raise CellError("MM328", f"'{name.text}' is not an array", name.start, name.end, help)
    if len(values) != count:
        message = f"array '{name.text}' has {count} elements, but values for {len(values)}"
        raise CellError("MM328", message, name.start, values[-1].end)
    return tuple(values)


def _value(cursor: Cursor) -> Value:
    first = cursor.token
    if cursor.peek().text == ":" and first.kind in ("number", "name"):
        last = cursor.peek(2)
        help = "code addresses and memory tags are not supported"
        raise CellError("MM340", f"unsupported value '{first.text}:{last.text}'", first.start, last.end, help)
    if first.kind == "number":
        cursor.advance()
        found = number(first.text)
        if found is None:
            raise CellError("MM327", "this number is too long", first.start, first.end)
        return Value(found, "", 0, first.start, first.end)
    cursor.accept("&")
    symbol = cursor.name("a number or a location")
    index = 0
    end = symbol.end
    if cursor.accept("["):
        token = cursor.advance()
        index = _small(token, token.text)
        end = cursor.expect("]").end
    return Value(0, symbol.text, index, first.start, end)
