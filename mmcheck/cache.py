"""The cache of verdicts: ``.mmcheck_cache`` in the folder where mmcheck runs.

An entry is keyed by everything that its content follows from: the bytes of a specification and of all that it is made
of, the options, the version of the solver, and mmcheck's own files. So nothing is ever out of date, and nothing needs
to be removed. An entry that is damaged, has another key, belongs to another user or came with a checkout is as good as
none. Writers rename a finished file into place, so concurrent runs see whole entries or none.

There are two sorts: the results of one file, and the whole output of one command (a *page*), which makes an unchanged
folder as cheap as starting Python. This module imports next to nothing for the same reason.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Sequence

from mmcheck import includes
from mmcheck._version import __version__

try:
    from _blake2 import blake2b  # hashlib would load OpenSSL first
except ImportError:
    from hashlib import blake2b

FOLDER = ".mmcheck_cache"
FORMAT = b"mmcheck cache 1"
MAX_BYTES = 64_000_000
"""Bytes of one entry."""

MAX_ENTRIES = 2000
"""Entries before a writer throws out the oldest half."""

TAG = """Signature: 8a477f597d28d172789f06886806bc55
# This folder holds the verdicts of mmcheck. It may be removed at any time.
# About cache directory tags see https://bford.info/cachedir/
"""

_OURS = (".py", ".cat", ".lark")


def wanted(no_cache: bool = False) -> bool:
    """Whether the user lets us keep verdicts."""
    return not no_cache and os.environ.get("MMCHECK_CACHE", "").lower() != "off"


# --- keys --------------------------------------------------------------------------------------------


def digest(parts: Iterable[bytes | None]) -> str:
    """A hash of `parts` that keeps them, and a part that is missing, apart."""
    state = blake2b(digest_size=20)
    for part in parts:
        state.update(b"-" if part is None else b"%d:" % len(part))
        state.update(part or b"")
    return state.hexdigest()


def key(sort: str, paths: Sequence[str], options: Sequence[object]) -> str:
    """The key of what follows from the files `paths` under `options`."""
    parts: list[bytes | None] = [
        sort.encode(),
        _own_digest().encode(),
        solver().encode(),
        repr(tuple(options)).encode(),
    ]
    models = [includes.model_of(each) for each in _flat(options) if isinstance(each, str)]
    for path in (*paths, *[model for model in models if model is not None]):
        made_of = includes.closure(path)
        if len(made_of) >= includes.MAX_FILES:
            parts.append(os.urandom(16))  # there may be more, which nobody has looked at: never the same again
        for name, content in made_of:
            parts += [os.fsencode(name), content]
    return digest(parts)


def _flat(options: Iterable[object]) -> Iterable[object]:
    for each in options:
        if isinstance(each, (list, tuple)):
            yield from _flat(each)
        else:
            yield each


_own: str = ""


def _own_digest() -> str:
    """A hash of mmcheck's own files; which files changed is seen from their times and sizes, as Python does."""
    global _own
    if not _own:
        listed = sorted(_own_files(os.path.dirname(os.path.abspath(__file__))))
        signature = digest([repr(listed).encode(), sys.version.encode()])
        saved = load(signature)
        if saved is None:
            contents = [part for path, _, _ in listed for part in (path.encode(), includes.read(path))]
            saved = digest([__version__.encode(), sys.version.encode(), *contents]).encode()
            save(signature, saved)
        _own = saved.decode("ascii", "replace")
    return _own


def _own_files(folder: str) -> Iterable[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    yield from _own_files(entry.path)
            elif entry.name.endswith(_OURS):
                status = entry.stat()
                yield entry.path, status.st_mtime_ns, status.st_size


def solver() -> str:
    """The solver as it is installed, found without importing it."""
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        if "z3" in names:
            return " ".join(sorted(name for name in names if name.lower().startswith("z3_solver-")))
    return ""


# --- entries -----------------------------------------------------------------------------------------


def load(name: str) -> bytes | None:
    """What is kept under `name`, or None."""
    try:
        with open(os.path.join(FOLDER, name), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES or not _is_private(status):
                return None
            head, _, payload = file.read().partition(b"\n")
    except (OSError, ValueError):
        return None
    return payload if head == _head(name, payload) else None


def _head(name: str, payload: bytes) -> bytes:
    return b" ".join((FORMAT, name.encode(), digest([payload]).encode()))


def _is_private(status: os.stat_result) -> bool:
    """Whether only this user has rights on it, as on all that `save` writes; what a checkout brings has others."""
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def save(name: str, payload: bytes) -> None:
    """Keep `payload` under `name`; a folder that cannot be written to keeps nothing."""
    data = _head(name, payload) + b"\n" + payload
    if len(data) > MAX_BYTES:
        return
    temporary = os.path.join(FOLDER, f".{name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        _prepare()
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(handle, "wb") as file:
                file.write(data)
            os.replace(temporary, os.path.join(FOLDER, name))
        except BaseException:
            os.unlink(temporary)
            raise
    except (OSError, ValueError):
        pass


def _prepare() -> None:
    """Create the folder, with what tells backups and git to leave it alone."""
    if os.path.isfile(os.path.join(FOLDER, "CACHEDIR.TAG")):
        return
    os.makedirs(FOLDER, exist_ok=True)
    for name, text in (("CACHEDIR.TAG", TAG), (".gitignore", "*\n")):
        with open(os.path.join(FOLDER, name), "w", encoding="utf-8") as file:
            file.write(text)


def prune() -> None:
    """Throw out the older half of the entries if there are too many."""
    try:
        with os.scandir(FOLDER) as entries:
            found = [(entry.stat().st_mtime_ns, entry.path) for entry in entries if "." not in entry.name]
        if len(found) > MAX_ENTRIES:
            for _, path in sorted(found)[: len(found) // 2]:
                os.unlink(path)
    except OSError:
        pass
