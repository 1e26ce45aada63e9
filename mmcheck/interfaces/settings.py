"""Settings from ``mmcheck.toml`` or the table ``[tool.mmcheck]`` of ``pyproject.toml``.

The nearest folder upwards that has one decides; the command line and the environment beat it. Paths in it are relative
to its folder. Without such a file nothing is imported for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from mmcheck.base import gate
from mmcheck.model.profiles import COMPILERS
from mmcheck.report import formats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mmcheck.base.errors import InputError
    from mmcheck.base.source import SourceFile

FILES = ("mmcheck.toml", "pyproject.toml")

ENGINES = ("auto", "smt", "enumerate")
COLOURS = ("auto", "always", "never")
KEYS: Mapping[str, str] = {
    "targets": "what to check for, instead of the files' own targets: a list of texts",
    "bound": "rounds of each loop: a number from 1",
    "timeout": "seconds for each requirement: a number above 0",
    "jobs": "files to check at a time: a number from 1",
    "engine": f"one of {', '.join(ENGINES)}",
    "compiler": f"what a compiler keeps in order: one of {', '.join(COMPILERS)}",
    "format": f"how to report: one of {', '.join(formats.NAMES)}",
    "color": f"one of {', '.join(COLOURS)}",
    "baseline": "a file of known failures: a text",
    "cache": "whether to keep verdicts: true or false",
    "exclude": "files to leave out, even if they are named: a list of patterns such as 'specs/old/*'",
}
"""Every setting, and what it takes."""

_CHOICES = {"engine": ENGINES, "compiler": COMPILERS, "format": formats.NAMES, "color": COLOURS}


_OURS = re.compile(rb"""^[ \t]*+\[?+[ \t]*+["']?tool["']?[ \t]*+(?:[\]=]|\.[ \t]*+["']?mmcheck)""", re.MULTILINE)
"""What a file with a table ``tool.mmcheck`` has in it: others need not be understood."""


def load(start: str = ".") -> dict[str, Any]:
    """The settings in force in the folder `start`; empty if there are none. Raises `InputError`."""
    found = _find(os.path.abspath(start))
    if found is None:
        return {}
    path, data = found
    source = _source(path, data)
    return _checked(_table(source), source, path)


def wrong(setting: str, value: str, error: InputError) -> InputError:
    """`error`, which `value` led to, at the place of `setting` if it is from there that the value comes."""
    given = load().get(setting)
    if error.diagnostics[0].span is not None or value not in (given if isinstance(given, list) else [given]):
        return error
    found = _find(os.path.abspath("."))
    assert found is not None
    first = error.diagnostics[0]
    about = "" if setting == "targets" else f"'{value}': "
    return _wrong_key(f"{about}{first.message}", _source(*found), setting, first.help)


def _find(folder: str) -> tuple[str, bytes] | None:
    """The file that decides, and its bytes."""
    while True:
        for name in FILES:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                data = _read(path)
                if name == FILES[0] or _OURS.search(data):
                    return path, data
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def _read(path: str) -> bytes:
    try:
        return gate.read(path)
    except OSError as error:
        if os.path.basename(path) != FILES[0]:
            return b""  # whose it is, only its content says
        raise _wrong(f"the file cannot be read: {error.strerror}", path) from None


def _source(path: str, data: bytes) -> SourceFile:
    from mmcheck.base.files import shown
    from mmcheck.base.source import SourceFile

    try:
        return SourceFile(shown(path), data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _wrong(f"this is no TOML: {error}", path) from None


def _wrong(message: str, path: str) -> InputError:
    from mmcheck.base.errors import fail
    from mmcheck.base.files import shown

    return fail("MM014", message, path=shown(path))


def _table(source: SourceFile) -> dict[str, Any]:
    from mmcheck.base.tomlfile import parse

    document = parse(source, "MM014", "this is no TOML")
    if source.path.endswith(FILES[0]):
        return document
    tool = document.get("tool", {})
    table = tool.get("mmcheck", {}) if isinstance(tool, dict) else tool
    if not isinstance(table, dict):
        raise _wrong("tool.mmcheck is no table", source.path)
    return table


def _checked(table: Mapping[str, Any], source: SourceFile, path: str) -> dict[str, Any]:
    from difflib import get_close_matches

    folder = os.path.relpath(os.path.dirname(path))
    for name, value in table.items():
        if name not in KEYS:
            near = get_close_matches(name, KEYS, 1)
            help = f"did you mean '{near[0]}'?" if near else f"settings are {', '.join(KEYS)}"
            raise _wrong_key(f"there is no setting '{name}'", source, name, help)
        if not _fits(name, value):
            raise _wrong_key(f"the setting '{name}' has another kind of value", source, name, f"{name} is {KEYS[name]}")
    settings = dict(table)
    if "baseline" in settings:
        settings["baseline"] = os.path.normpath(os.path.join(folder, settings["baseline"]))
    for name in "exclude", "targets":
        settings[name] = [
            os.path.normpath(os.path.join(folder, each)) if name == "exclude" or ".cat" in each else each
            for each in settings.get(name, [])
        ]
    models = [each[: each.rindex(".cat") + 4] for each in settings["targets"] if ".cat" in each]
    for model in models:
        _stays(model, "targets", source, gate.bounds(path))
    if "baseline" in settings:
        _stays(settings["baseline"], "baseline", source, gate.bounds(path))
    return settings


def _stays(named: str, setting: str, source: SourceFile, root: str) -> None:
    try:
        gate.inside(named, root)
    except (OSError, ValueError) as error:
        from mmcheck.base.files import reason

        message = f"'{named}' cannot be read: {reason(error)}"
        raise _wrong_key(message, source, setting, "the paths of settings stay in the project") from None


def _wrong_key(message: str, source: SourceFile, name: str, help: str) -> InputError:
    from mmcheck.base.tomlfile import wrong

    return wrong(source, "MM014", message, name, "" if source.path.endswith(FILES[0]) else "tool.mmcheck", help)


def _fits(name: str, value: object) -> bool:
    match name:
        case "targets" | "exclude":
            return isinstance(value, list) and all(isinstance(each, str) for each in value)
        case "bound" | "jobs":
            return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1000
        case "timeout":
            return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")
        case "cache":
            return isinstance(value, bool)
        case "baseline":
            return isinstance(value, str)
        case _:
            return value in _CHOICES[name]
