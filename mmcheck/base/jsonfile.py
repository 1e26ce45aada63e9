"""JSON with places: a file that is read is held against its shape first, and what is wrong is shown with its line.

A shape is a type, a tuple of shapes of which one fits, ``[shape]`` for a list, ``{name: shape}`` for an object that has
at least these names (those that end in ``?`` may be missing), or ``{str: shape}`` for one with any names.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import NoneType
from typing import Any, TypeAlias

from mmcheck.base.errors import InputError, fail
from mmcheck.base.source import SourceFile, Span

Shape: TypeAlias = Any
Path: TypeAlias = tuple[str | int, ...]

_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", NoneType: "null"}
_DECODER = json.JSONDecoder()


def parse(source: SourceFile, shape: Shape, code: str, what: str) -> Any:
    """The value in `source`, which fits `shape`. Raises `InputError` with `code`, `what` it is not, and the place."""
    try:
        value = json.loads(source.text)
    except json.JSONDecodeError as error:
        message = f"{what}: {error.msg[0].lower()}{error.msg[1:]}"
        raise fail(code, message, Span(source, error.pos, error.pos + 1)) from None
    except RecursionError:
        raise fail(code, f"{what}: nested too deeply", Span(source, 0, 1)) from None
    except ValueError:
        raise fail(code, f"{what}: a number with too many digits", Span(source, 0, 1)) from None
    found = misfit(value, shape)
    if found is not None:
        raise wrong(source, code, f"{what}: {found[1]}", found[0])
    return value


def wrong(source: SourceFile, code: str, message: str, path: Path) -> InputError:
    """An `InputError` about the value at `path`, at its place."""
    at = _position(source.text, path)
    return fail(code, message, Span(source, at, at + 1))


def misfit(value: Any, shape: Shape, path: Path = ()) -> tuple[Path, str] | None:
    """The first part of `value` that does not fit `shape`, and what is wrong with it."""
    name = f'"{path[-1]}"' if path and isinstance(path[-1], str) else "this"
    if isinstance(shape, tuple):
        tried = [misfit(value, each, path) for each in shape]
        if None in tried:
            return None
        deeper = [each for each in tried if each is not None and len(each[0]) > len(path)]
        return deeper[0] if deeper else (path, f"{name} is neither {' nor '.join(map(_word, shape))}")
    if isinstance(shape, list):
        if not isinstance(value, list):
            return path, f"{name} is no list"
        tried = [misfit(each, shape[0], (*path, place)) for place, each in enumerate(value)]
        return next((each for each in tried if each is not None), None)
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return path, f"{name} is no object"
        return _names(value, shape, path)
    fits = isinstance(value, (int, float) if shape is float else shape) and (shape is bool or value is not True)
    return None if fits and (shape is bool or value is not False) else (path, f"{name} is not {_word(shape)}")


def _names(value: dict[str, Any], shape: dict[Any, Shape], path: Path) -> tuple[Path, str] | None:
    if str in shape:
        tried = [misfit(each, shape[str], (*path, name)) for name, each in value.items()]
        return next((each for each in tried if each is not None), None)
    for key, inner in shape.items():
        name = key.removesuffix("?")
        if name in value:
            found = misfit(value[name], inner, (*path, name))
            if found is not None:
                return found
        elif name == key:
            return path, f'there is no "{name}" in this'
    return None


def _word(shape: Shape) -> str:
    if isinstance(shape, list):
        return "a list"
    return "an object" if isinstance(shape, dict) else _WORDS[shape]


def _position(text: str, path: Sequence[str | int]) -> int:
    """Where the value at `path` begins in `text`, which is JSON."""
    at = _blank(text, 0)
    for step in path:
        at = _blank(text, at + 1)
        place = 0
        while True:
            key: object = place
            if isinstance(step, str):
                key, at = _DECODER.raw_decode(text, at)
                at = _blank(text, _blank(text, at) + 1)
            if key == step:
                break
            _, at = _DECODER.raw_decode(text, at)
            at = _blank(text, _blank(text, at) + 1)
            place += 1
    return at


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
