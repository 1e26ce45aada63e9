"""The cache of verdicts: in the user's own cache folder, or in the one that ``--cache-dir`` names.

An entry is keyed by everything that its content follows from: the bytes of the files that were asked about and of every
file that was opened on the way, the options, the version of the solver, and mmcheck's own files. So nothing is ever out
of date, and nothing needs to be removed. Which files were opened is an entry of its own, under a key of what is known
before: nobody guesses at it.

Entries are signed with a secret of the user, and stand in a folder whose name follows from the secret: what somebody
else wrote, a checkout brought or a disk damaged is as good as none. Writers rename a finished file into place, so
concurrent runs see whole entries or none. Nothing is read, written or removed through a link.

There are three sorts: the results of one file, the whole output of one command (a *page*), which makes an unchanged
folder as cheap as starting Python, and parse tables. This module imports next to nothing for the same reason.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence

from mmcheck._version import __version__
from mmcheck.base import gate
from mmcheck.base.gate import Folder, digest

FORMAT = b"mmcheck cache 2"
MAX_BYTES = 64_000_000
"""Bytes of one entry."""

MAX_ENTRIES = 10_000
"""Entries before a writer throws out the oldest half."""

TAG = b"""Signature: 8a477f597d28d172789f06886806bc55
# This folder holds the verdicts of mmcheck. It may be removed at any time.
# About cache directory tags see https://bford.info/cachedir/
"""
MARKS = {"CACHEDIR.TAG": TAG, ".gitignore": b"*\n"}
"""What tells backups and git to leave the folder alone."""

SHORTEST_KEY = 16
"""Characters of ``MMCHECK_CACHE_KEY``; with fewer it is not used."""

_OURS = (".py", ".cat", ".lark", ".md")
_HEX = frozenset("0123456789abcdef")


def store(no_cache: bool = False, folder: str | None = None) -> Store | None:
    """The cache that is in force; None if the user wants none, or has no place for one.

    Raises `OSError` if a link in a project stands on the way to a folder that was named.
    """
    if no_cache or os.environ.get("MMCHECK_CACHE", "").lower() == "off":
        return None
    given = folder or os.environ.get("MMCHECK_CACHE_DIR", "")
    base = gate.real(given, links=False) if given else user_folder("XDG_CACHE_HOME", ".cache")
    secret = _secret() if base is not None else None
    return None if base is None or secret is None else Store(base, secret)


def user_folder(variable: str, default: str) -> str | None:
    """The user's folder for mmcheck by the XDG rules; None without a home."""
    base = os.environ.get(variable, "")
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), default)
    return os.path.join(base, "mmcheck") if os.path.isabs(base) else None


def state_folder() -> str | None:
    """The user's folder for what is kept and shown to nobody; None without a home."""
    return user_folder("XDG_STATE_HOME", os.path.join(".local", "state"))


# --- the secret --------------------------------------------------------------------------------------


def is_short_key() -> bool:
    """Whether ``MMCHECK_CACHE_KEY`` is set to something that is too easily guessed."""
    return 0 < len(os.environ.get("MMCHECK_CACHE_KEY", "")) < SHORTEST_KEY


def _secret() -> bytes | None:
    """What entries are signed with: ``MMCHECK_CACHE_KEY``, or a secret that is made once and only the user reads."""
    given = os.environ.get("MMCHECK_CACHE_KEY", "")
    if given:
        return None if is_short_key() else digest([os.fsencode(given)]).encode()
    path = state_folder()
    if path is None:
        return None
    try:
        return _kept_secret(path)
    except FileNotFoundError:
        pass
    except (OSError, ValueError):
        return None
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        with Folder(path) as folder:
            folder.write("secret", os.urandom(32), 0o600)
        return _kept_secret(path)  # perhaps that of a run that was faster
    except (OSError, ValueError):
        return None


def _kept_secret(path: str) -> bytes | None:
    with Folder(path) as folder:
        status, content = folder.read("secret", 64)
    return content if len(content) == 32 and _is_private(status) else None


def _is_private(status: os.stat_result, others: int = stat.S_IRWXG | stat.S_IRWXO) -> bool:
    """Whether it is this user's, and nobody else has one of the rights `others`."""
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid == os.getuid() and not status.st_mode & others


# --- entries -----------------------------------------------------------------------------------------


class Store:
    """A folder of entries, in a folder `base` that may hold other things."""

    __slots__ = ("_base", "_name", "_secret")

    def __init__(self, base: str, secret: bytes) -> None:
        self._base = base
        self._secret = secret
        self._name = f"verdicts-{digest([b'folder'], secret)}"

    def _open(self, *, create: bool = False) -> Folder:
        """The folder of entries. Raises `OSError` unless it is ours, and nobody else writes to it."""
        base = self._base
        if create:
            os.makedirs(base, mode=0o700, exist_ok=True)
        with Folder(base) as outer:
            if create:
                outer.create(self._name)
            folder = Folder(self._name, outer)
        if not _is_private(folder.status(), stat.S_IWGRP | stat.S_IWOTH):
            folder.__exit__(None, None, None)
            raise PermissionError
        return folder

    def load(self, name: str) -> bytes | None:
        """What is kept under `name`, or None."""
        try:
            with self._open() as folder:
                status, content = folder.read(name, MAX_BYTES)
        except (OSError, ValueError):
            return None
        head, _, payload = content.partition(b"\n")
        return payload if _is_private(status) and head == self._head(name, payload) else None

    def save(self, name: str, payload: bytes) -> None:
        """Keep `payload` under `name`; a folder that cannot be written to keeps nothing."""
        data = self._head(name, payload) + b"\n" + payload
        if len(data) > MAX_BYTES:
            return
        try:
            with self._open(create=True) as folder:
                for mark, text in MARKS.items():
                    if not _is_there(folder, mark):
                        folder.write(mark, text, 0o600)
                folder.write(name, data, 0o600)
        except (OSError, ValueError):
            pass

    def _head(self, name: str, payload: bytes) -> bytes:
        return b" ".join((FORMAT, name.encode(), digest([name.encode(), payload], self._secret).encode()))

    def prune(self) -> None:
        """Throw out the older half of the entries if there are too many."""
        try:
            with self._open() as folder:
                found = [name for name in folder.names() if len(name) == 40 and _HEX.issuperset(name)]
                if len(found) > MAX_ENTRIES:
                    for name in sorted(found, key=lambda name: folder.status(name).st_mtime_ns)[: len(found) // 2]:
                        folder.remove(name)
        except OSError:
            pass

    # --- what follows from files ---------------------------------------------------------------------

    def find(self, sort: str, paths: Sequence[str], options: Sequence[object]) -> bytes | None:
        """What is kept of `sort` about the files `paths` under `options`, if all that it was made of is as it was."""
        known = [_digest_of(path) for path in paths]
        first = self._key(sort, options, zip(paths, known, strict=True))
        made_of = self.load(first)
        if made_of is None:
            return None
        digests = dict(zip(paths, known, strict=True))
        for name in map(os.fsdecode, made_of.split(b"\0")):
            if name not in digests:
                digests[name] = _digest_of(name)
        return self.load(_second(first, digests))

    def keep(
        self,
        sort: str,
        paths: Sequence[str],
        options: Sequence[object],
        made_of: Mapping[str, str | None],
        payload: bytes,
    ) -> None:
        """Keep `payload`, which follows from the files `made_of`, by digest (see `mmcheck.base.gate.recording`)."""
        if None in made_of.values() or not made_of.keys() >= set(paths):
            return  # somebody wrote to one of them meanwhile
        first = self._key(sort, options, [(path, made_of[path]) for path in paths])
        self.save(first, b"\0".join(map(os.fsencode, made_of)))
        self.save(_second(first, made_of), payload)

    def _key(self, sort: str, options: Sequence[object], files: Iterable[tuple[str, str | None]]) -> str:
        whole = (_own_digest(self), solver(), tuple(options), tuple(files))
        return digest([sort.encode(), repr(whole).encode()])


def _second(first: str, made_of: Mapping[str, str | None]) -> str:
    return digest([b"made of", first.encode(), repr(sorted(made_of.items())).encode()])


def _digest_of(path: str) -> str | None:
    content = gate.read_or_none(path)
    return None if content is None else digest([content])


def _is_there(folder: Folder, name: str) -> bool:
    try:
        return stat.S_ISREG(folder.status(name).st_mode)
    except OSError:
        return False


# --- mmcheck itself ----------------------------------------------------------------------------------

_own: str = ""


def _own_digest(kept: Store) -> str:
    """A hash of mmcheck's own files; which files changed is seen from their times, sizes and places on the disk."""
    global _own
    if not _own:
        listed = sorted(_own_files(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
        signature = digest([repr(listed).encode(), sys.version.encode()])
        saved = kept.load(signature)
        if saved is None:
            contents = [part for path, _ in listed for part in (path.encode(), gate.own(path))]
            saved = digest([__version__.encode(), sys.version.encode(), *contents]).encode()
            kept.save(signature, saved)
        _own = saved.decode("ascii", "replace")
    return _own


def _own_files(folder: str) -> Iterable[tuple[str, tuple[int, ...]]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    yield from _own_files(entry.path)
            elif entry.name.endswith(_OURS):
                yield entry.path, _identity(entry.stat())


def _identity(status: os.stat_result) -> tuple[int, ...]:
    """What changes when a file does, whatever times it is given: nobody can set that of the change of its inode."""
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev


def solver() -> str:
    """The solver as it is installed, found without importing it."""
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        if "z3" in names:
            found = sorted(name for name in names if name.lower().startswith("z3_solver-"))
            return repr([(name, _identity(os.stat(os.path.join(folder, name)))) for name in found])
    return ""
