"""TOML with places: what is wrong in a file of settings or costs is shown with its line, as in a specification."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from mmcheck.base.errors import InputError, fail
from mmcheck.base.source import SourceFile, Span

MAX_SIZE = 100_000
"""Characters: a key with many dots takes the square of its length to read."""

_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")
_HEADER = re.compile(r"^[ \t]*+\[{1,2}+[ \t]*+((?:[^\]# \t]++|[ \t]++(?!\]))*+)[ \t]*+\]{1,2}+[ \t]*+(?:#.*)?$")
_DIGITS = re.compile(r"[0-9_]{4301}")
_KEY = re.compile(r"""^[ \t]*+("(?:[^"\\\n]|\\.)*+"|'[^'\n]*+'|[A-Za-z0-9_-]++)[ \t]*+=""")


def parse(source: SourceFile, code: str, what: str) -> dict[str, Any]:
    """The document in `source`. Raises `InputError` with `code`, `what` it should be, and the place."""
    if len(source.text) > MAX_SIZE:
        raise fail(code, f"{what}: it has more than {MAX_SIZE:,} characters", Span(source, 0, 0))
    try:
        return tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        at = len(source.text.rstrip())
        if place is None:
            raise fail(code, f"{what}: {message}", Span(source, at, at)) from None
        if place[1]:
            at = source.line_starts[min(int(place[1]), len(source.line_starts)) - 1] + int(place[2]) - 1
        raise fail(code, f"{what}: {message[: place.start()]}", Span(source, at, at)) from None
    except ValueError:  # more than Python takes
        number = _DIGITS.search(source.text)
        at = number.start() if number else 0
        raise fail(code, f"{what}: a number with too many digits", Span(source, at, at + 1)) from None
    except RecursionError:
        raise fail(code, f"{what}: nested too deeply", Span(source, 0, 0)) from None


def where(source: SourceFile, key: str, table: str = "") -> Span | None:
    """The first `key` of `table` ("" is the top) as it is written, or the table's header of that name; None if it is
    written in a way that is not looked for, such as a dotted key or an inline table."""
    inside = ""
    for start in source.line_starts:
        end = source.text.find("\n", start)
        line = source.text[start : len(source.text) if end < 0 else end].rstrip("\r")
        header = _HEADER.match(line)
        if header is not None:
            inside = header[1].strip("\"'")
            if not table and inside == key:
                return Span(source, start + header.start(1), start + header.end(1))
            continue
        found = _KEY.match(line)
        if found is not None and inside == table and _name(found[1]) == key:
            return Span(source, start + found.start(1), start + found.end(1))
    return None


def wrong(source: SourceFile, code: str, message: str, key: str, table: str = "", help: str = "") -> InputError:
    """An `InputError` about `key`, at its place if that is found."""
    span = where(source, key, table)
    return fail(code, message, span, help=help, path="" if span else source.path)


def _name(text: str) -> str:
    return str(next(iter(tomllib.loads(f"{text} = 0"))))
