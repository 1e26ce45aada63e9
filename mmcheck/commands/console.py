"""Writing to the streams of the process; the only place besides `mmcheck.cli` that does."""

from __future__ import annotations

import os
import re
import sys

from mmcheck import cache, files
from mmcheck.report import colour

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from mmcheck.errors import Diagnostic


_UNSAFE = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
_PLAIN = f"[{_UNSAFE}]"
_COLOURED = rf"(?!\x1b\[[0-9;]*m)[{_UNSAFE}]"


def inert(text: str, *, color: bool = False) -> str:
    """`text` without what a terminal obeys; with `color` its colours stay. Names of files can hold anything."""
    return re.sub(_COLOURED if color else _PLAIN, lambda match: f"\\u{ord(match[0]):04x}", text)


def out(text: str, *, color: bool = False) -> None:
    """Write a part of the product; `color` says that it has colours of ours."""
    sys.stdout.write(inert(text, color=color))


def note(text: str, *, quiet: bool = False) -> None:
    """Tell the user something that is not the product, on stderr."""
    if not quiet:
        sys.stdout.flush()
        sys.stderr.write(f"{inert(text)}\n")


def named(path: str | os.PathLike[str]) -> str:
    """How a file is called in a note: on one line, whatever its name is."""
    return inert(" ".join(files.shown(os.fspath(path)).split()))


def publish(text: str, output: str | None, *, color: bool = False) -> None:
    """Write a report to the file `output`, or to stdout."""
    if output is None:
        out(text, color=color)
    else:
        files.write(output, text)


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
        return cache.store(options.no_cache, options.cache_dir)
    except (OSError, ValueError) as error:
        from mmcheck.errors import fail

        message = f"the cache cannot be kept there: {files.reason(error)}"
        raise fail("MM011", message, path=files.shown(options.cache_dir or os.environ["MMCHECK_CACHE_DIR"])) from None


def inputs(paths: list[str], *, quiet: bool = False) -> tuple[list[str], list[Diagnostic]]:
    """The files that the user named, and what is wrong with the other names; says so if folders hold none."""
    found, problems = files.find_files(paths)
    if not found and not problems:
        note(f"mmcheck: no *.litmus file in {', '.join(map(named, paths))}", quiet=quiet)
    return found, problems


def without(found: list[str], exclude: list[str], *, quiet: bool = False) -> list[str]:
    """`found` without what matches a pattern of the settings; says so if nothing is left."""
    if not exclude:
        return found
    from fnmatch import fnmatch

    left = [path for path in found if not any(fnmatch(path, pattern) for pattern in exclude)]
    if found and not left:
        note("mmcheck: the settings exclude every file that was named", quiet=quiet)
    return left
