"""Writing to the streams of the process; the only place besides `mmcheck.cli` that does."""

from __future__ import annotations

import os
import re
import sys

from mmcheck.base import cache, files
from mmcheck.report import colour

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from mmcheck.base.errors import Diagnostic
    from mmcheck.verdict.question import Question


class Unreported(Exception):
    """Stdout is closed or full: what was found cannot be reported. The cause says why."""


_UNSAFE = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
_PLAIN = re.compile(rf"[{_UNSAFE}]")
_COLOURED = re.compile(rf"(?!\x1b\[[0-9;]*m)[{_UNSAFE}]")
_COMMANDS = re.compile(r"^[^\S\n]*:(?=:)|#(?=#(?:vso|teamcity)?\[)", re.MULTILINE)
"""What the log of a CI takes for a command to itself: two colons that begin a line, or ``##[`` anywhere in one."""


def inert(text: str, *, color: bool = False) -> str:
    """`text` without what a terminal or the log of a CI obeys; with `color` its colours stay. Names of files, titles
    and sentences can hold anything."""
    text = (_COLOURED if color else _PLAIN).sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return _COMMANDS.sub(lambda match: f"{match[0][:-1]}\\u{ord(match[0][-1]):04x}", text)


def out(text: str, *, color: bool = False) -> None:
    """Write a part of the product; `color` says that it has colours of ours. Raises `Unreported`."""
    _put(inert(text, color=color))


def _put(text: str) -> None:
    try:
        sys.stdout.write(text)
    except (OSError, ValueError) as error:
        raise Unreported from error


def flush() -> None:
    """See that all of the product has arrived. Raises `Unreported`."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        raise Unreported from error


def note(text: str, *, quiet: bool = False) -> None:
    """Tell the user something that is not the product, on stderr, if that can be written to. Raises `Unreported`."""
    if quiet:
        return
    flush()
    try:
        sys.stderr.write(f"{inert(text)}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass


def named(path: str | os.PathLike[str]) -> str:
    """How a file is called in a note: on one line, whatever its name is."""
    return inert(" ".join(files.shown(os.fspath(path)).split()))


def publish(text: str, form: str, output: str | None, *, color: bool = False) -> None:
    """Write a report in the format `form` to the file `output`, or to stdout."""
    if form in ("full", "concise"):
        text = inert(text, color=color)
    if output is not None:
        files.write(output, text)
    elif form == "github":
        _put("".join(f"::{inert(line[2:])}\n" for line in text.split("\n")[:-1]))  # each is a command, and of ours
    else:
        out(text, color=color)


def wants_colour(choice: str, output: str | None) -> bool:
    """Whether a report that goes to `output` has colours; in a file only if asked for."""
    if output is not None:
        return choice == "always"
    return colour.wanted(choice, sys.stdout, os.environ)


def width() -> int:
    """Columns of a report: those of the terminal within reason, else 80."""
    if not sys.stdout.isatty():
        return 80
    import shutil

    return max(60, min(shutil.get_terminal_size().columns, 120))


def store(options: argparse.Namespace) -> cache.Store | None:
    """The cache that the options ask for. Raises `InputError` if its folder is none of ours."""
    try:
        if cache.is_short_key():
            note(f"mmcheck: nothing is kept: MMCHECK_CACHE_KEY has fewer than {cache.SHORTEST_KEY} characters")
        return cache.store(options.no_cache, options.cache_dir)
    except (OSError, ValueError) as error:
        from mmcheck.base.errors import fail

        message = f"the cache cannot be kept there: {files.reason(error)}"
        raise fail("MM011", message, path=files.shown(options.cache_dir or os.environ["MMCHECK_CACHE_DIR"])) from None


def question(options: argparse.Namespace) -> Question:
    """What the options ask of each file. Raises `InputError` for a target that is none."""
    from pathlib import Path

    from mmcheck.base.errors import InputError
    from mmcheck.interfaces import settings
    from mmcheck.target.targets import parse_target
    from mmcheck.verdict.question import Question

    for target in options.target:
        try:
            model = parse_target(target).model
            if model.endswith(".cat"):
                files.read_bytes(model, files.MAX_BYTES)
        except InputError as error:
            raise settings.wrong("targets", target, error) from None
    asked = vars(options)
    return Question(
        tuple(options.target), tuple(asked.get("variant", ())), options.bound, options.timeout, options.engine,
        options.compiler, None if asked.get("dump_smt") is None else Path(options.dump_smt),
    )  # fmt: skip


def without(found: list[str], exclude: list[str]) -> tuple[list[str], list[Diagnostic]]:
    """`found` without what matches a pattern of the settings; and that this is a problem, if nothing is left."""
    if not exclude:
        return found, []
    from fnmatch import fnmatch

    left = [path for path in found if not any(fnmatch(path, pattern) for pattern in exclude)]
    if left or not found:
        return left, []
    from mmcheck.base.errors import Diagnostic

    return [], [Diagnostic("MM024", "the settings exclude every file that was named", path=found[0])]
