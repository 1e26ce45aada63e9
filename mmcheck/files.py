"""Finding, reading and writing files: everything about them that can go wrong, as diagnostics.

Input is untrusted: sizes are bounded before anything is decoded, and what is no text is refused here.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from mmcheck.errors import fail
from mmcheck.source import SourceFile, Span

MAX_BYTES = 1_000_000
"""Bytes of one specification or litmus test."""

SUFFIX = ".litmus"


def find(paths: Iterable[str | Path]) -> list[str]:
    """The files that `paths` name: files as they are, folders searched for ``*.litmus``, each file once.

    Hidden folders below a named one are left out, links to folders are not followed. A path that does not exist stays
    in the list, so that reading it says so. Raises `InputError` for a folder that cannot be listed.
    """
    found: dict[str, None] = {}
    for path in paths:
        text = os.fspath(path)
        if os.path.isdir(text):
            found.update(dict.fromkeys(_inside(text)))
        else:
            found[shown(text)] = None
    return list(found)


def _inside(folder: str) -> list[str]:
    def stop(error: OSError) -> None:
        raise fail("MM005", f"the folder cannot be listed: {_reason(error)}", path=shown(str(error.filename)))

    out = []
    for where, folders, files in os.walk(folder, onerror=stop):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        out += [shown(os.path.join(where, name)) for name in files if name.endswith(SUFFIX)]
    return sorted(out, key=lambda path: path.split(os.sep))


def shown(path: str | Path) -> str:
    """How `path` is named to the user: relative to the working folder if it is below it, with forward slashes."""
    text = os.path.normpath(os.fspath(path))
    if os.path.isabs(text):
        with contextlib.suppress(OSError, ValueError):
            relative = os.path.relpath(text)
            text = text if relative.startswith(os.pardir) else relative
    return text.replace(os.sep, "/")


def read(path: str | Path) -> SourceFile:
    """The text of `path`. Raises `InputError` if there is none, or too much, or it is no text."""
    name = shown(path)
    data = read_bytes(path, MAX_BYTES)
    if len(data) > MAX_BYTES:
        message = f"the file is too large: more than {MAX_BYTES:,} bytes"
        raise fail("MM002", message, help="split it with 'include'", path=name)
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


def read_bytes(path: str | Path, limit: int) -> bytes:
    """At most ``limit + 1`` bytes of `path`. Raises `InputError` if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(limit + 1)
    except FileNotFoundError:
        raise fail("MM005", "there is no such file", path=shown(path)) from None
    except IsADirectoryError:
        raise fail("MM005", "this is a folder, not a file", path=shown(path)) from None
    except (OSError, ValueError) as error:
        raise fail("MM005", f"the file cannot be read: {_reason(error)}", path=shown(path)) from None


def write(path: str | Path, text: str) -> None:
    """Write `text` so that a reader sees all of it or what was there before. Raises `InputError`.

    What is no regular file (a terminal, a pipe, ``/dev/null``) is written to directly.
    """
    target = Path(path)
    try:
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8")
            return
        target = target.resolve()
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with open(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            os.chmod(temporary, _mode(target))
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except (OSError, ValueError) as error:
        raise fail("MM006", f"the file cannot be written: {_reason(error)}", path=shown(path)) from None


def _mode(target: Path) -> int:
    """The permissions that `target` has, or would have if it were created plainly."""
    with contextlib.suppress(OSError):
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def make_folder(path: str | Path) -> None:
    """Create the folder `path` and those above it. Raises `InputError`."""
    try:
        os.makedirs(path, exist_ok=True)
    except (OSError, ValueError) as error:
        raise fail("MM006", f"the folder cannot be created: {_reason(error)}", path=shown(path)) from None


def _reason(error: OSError | ValueError) -> str:
    text = (error.strerror if isinstance(error, OSError) else str(error)) or "unknown reason"
    return text[0].lower() + text[1:]
