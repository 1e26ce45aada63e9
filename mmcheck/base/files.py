"""Finding, reading and writing files: everything about them that can go wrong, as diagnostics.

Input is untrusted: sizes are bounded before anything is decoded, and what is no text is refused here.
Finding files is part of answering from the cache, so nothing dear is imported before it is needed.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable

from mmcheck.base import gate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from mmcheck.base.errors import Diagnostic, InputError
    from mmcheck.base.source import SourceFile

MAX_BYTES = gate.MAX_BYTES
"""Bytes of one specification or litmus test."""

SUFFIX = ".litmus"


def _fail(code: str, message: str, *, path: str) -> InputError:
    from mmcheck.base.errors import fail

    return fail(code, message, path=path)


def find_files(paths: Iterable[str | Path]) -> tuple[list[str], list[Diagnostic]]:
    """The files that `paths` name, each once, and what is wrong with the other paths.

    A file is taken as it is, a folder is searched for ``*.litmus``; hidden folders in it are left out, links to
    folders not followed.
    """
    found: dict[str, None] = {}
    problems: list[Diagnostic] = []
    for path in paths:
        text = os.fspath(path)
        if os.path.isdir(text):
            inside = _inside(text, problems)
            found.update(dict.fromkeys(inside))
            if not inside:
                from mmcheck.base.errors import Diagnostic

                problems.append(Diagnostic("MM024", f"there is no *{SUFFIX} file in this folder", path=shown(text)))
        elif os.path.lexists(text):
            found[shown(text)] = None
        else:
            from mmcheck.base.errors import Diagnostic

            problems.append(Diagnostic("MM010", "there is no such file or folder", path=shown(text)))
    return list(found), problems


def _inside(folder: str, problems: list[Diagnostic]) -> list[str]:
    def report(error: OSError) -> None:
        from mmcheck.base.errors import Diagnostic

        message = f"the folder cannot be listed: {reason(error)}"
        problems.append(Diagnostic("MM010", message, path=shown(str(error.filename))))

    out = []
    for where, folders, files in os.walk(folder, onerror=report):
        folders[:] = [name for name in folders if not name.startswith(".")]
        out += [shown(os.path.join(where, name)) for name in files if name.endswith(SUFFIX)]
    return sorted(out, key=lambda path: path.split("/"))


def shown(path: str | Path) -> str:
    """How `path` is named to the user: relative to the working folder if it is below it, with forward slashes."""
    text = os.path.normpath(os.fspath(path))
    if os.path.isabs(text):
        with contextlib.suppress(OSError, ValueError):
            here = os.path.join(os.getcwd(), "")
            if os.path.normcase(text).startswith(os.path.normcase(here)):
                text = text[len(here) :]
            elif os.path.join(text, "") == here:
                text = os.curdir
    return text.replace(os.sep, "/")


def read_source(path: str | Path, *, root: str | None = None) -> SourceFile:
    """The text of `path`. Raises `InputError` if there is none, or too much, or it is no text."""
    return text_of(path, read_bytes(path, MAX_BYTES, root=root))


def text_of(path: str | Path, data: bytes) -> SourceFile:
    """The text `data` of `path`. Raises `InputError` with the place if it is none."""
    from mmcheck.base.errors import fail
    from mmcheck.base.source import SourceFile, Span

    name = shown(path)
    zero = data.find(b"\0")
    if zero >= 0:
        line = data.count(b"\n", 0, zero) + 1
        raise fail("MM003", f"this is no text: there is a zero byte in line {line}", path=name)
    try:
        return SourceFile(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        text = data.decode("utf-8-sig", errors="replace")
        offset = len(data[: error.start].decode("utf-8-sig", errors="replace"))
        byte = data[error.start]
        span = Span(SourceFile(name, text), offset, offset + 1)
        raise fail("MM003", f"this is no UTF-8 text: byte 0x{byte:02x}", span, help="save the file as UTF-8") from None


def read_bytes(path: str | Path, limit: int, *, root: str | None = None) -> bytes:
    """The bytes of `path`, as `mmcheck.base.gate.read`. Raises `InputError` if it cannot be read, or has too many."""
    name = shown(path)
    try:
        return gate.read(path, limit, root=root)
    except FileNotFoundError:
        raise _fail("MM010", "there is no such file", path=name) from None
    except IsADirectoryError:
        raise _fail("MM010", "this is a folder, not a file", path=name) from None
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            raise _fail("MM002", f"the file is too large: more than {limit:,} bytes", path=name) from None
        raise _fail("MM010", f"the file cannot be read: {reason(error)}", path=name) from None


def write(path: str | Path, content: str | bytes) -> None:
    """As `mmcheck.base.gate.write`. Raises `InputError`."""
    try:
        gate.write(path, content)
    except (OSError, ValueError) as error:
        raise _fail("MM011", f"the file cannot be written: {reason(error)}", path=shown(path)) from None


def make_folder(path: str | Path) -> None:
    """Create the folder `path` and those above it. Raises `InputError`."""
    try:
        gate.make_folder(path)
    except (OSError, ValueError) as error:
        raise _fail("MM011", f"the folder cannot be created: {reason(error)}", path=shown(path)) from None


def reason(error: OSError | ValueError) -> str:
    """Why something failed, in words to go on with."""
    text = (error.strerror if isinstance(error, OSError) else str(error)) or "unknown reason"
    return text[0].lower() + text[1:]
