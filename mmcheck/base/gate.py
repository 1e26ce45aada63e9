"""The gate: every file that mmcheck opens, for reading or for writing, passes here.

What is read is a regular file of a limited size, so nothing here can block. A link that stands in a project leads only
to what is in that project; the project of a folder is the nearest one upwards with ``.git`` or ``pyproject.toml``, and
git's own folder is no part of it. What is written stands beside its place until it is whole, and goes through no link
of a project at all. Everything raises `OSError`, with a reason in words.

What was read is recorded for those who ask, see `recording`. This module imports next to nothing: it is part of
answering from the cache.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Mapping

try:
    from _blake2 import blake2b  # hashlib would load OpenSSL first
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

MAX_BYTES = 1_000_000
"""Bytes of a file, where nothing else is said."""

MARKERS = (".git", "pyproject.toml")
"""What the top of a project has."""

STREAMS = ("/dev/", "/proc/self/fd/")
"""Where a path names something that is open already, or swallows everything; it is written to as it is."""

_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_PLAIN = _NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_RELATIVE = os.open in os.supports_dir_fd
"""Whether the system can look up a name in an open folder."""


def digest(parts: Iterable[bytes | None], key: bytes = b"") -> str:
    """A hash of `parts`, under `key`, that keeps them, and a part that is missing, apart."""
    state = blake2b(digest_size=20, key=key)
    for part in parts:
        state.update(b"-" if part is None else b"%d:" % len(part))
        state.update(part or b"")
    return state.hexdigest()


# --- where a path leads --------------------------------------------------------------------------------


def project_root(path: str | os.PathLike[str]) -> str:
    """The nearest folder above `path` that is the top of a project, or else its own; without links."""
    folder = os.path.dirname(os.path.realpath(path))
    return _marked(folder) or folder


def _marked(folder: str) -> str | None:
    here = folder
    while True:
        if any(os.path.exists(os.path.join(here, marker)) for marker in MARKERS):
            return here
        above = os.path.dirname(here)
        if above == here:
            return None
        here = above


def is_inside(path: str, root: str) -> bool:
    """Whether `path` is `root` or stands below it; both without links."""
    return path == root or path.startswith(os.path.join(root, ""))


def real(path: str | os.PathLike[str], *, links: bool = True) -> str:
    """Where `path` leads, without links. Raises `OSError` if a link in a project leads out of it, or, without `links`,
    if there is any link in a project on the way."""
    named = os.path.abspath(path)
    found = os.path.realpath(named)
    if found != named:
        _follow(named, links=links)
    if ".git" in found.split(os.sep) and is_inside(found, os.path.join(project_root(found), ".git")):
        raise OSError(errno.EACCES, "it belongs to git")
    return found


def _follow(path: str, *, links: bool) -> None:
    here, rest = os.path.splitdrive(path)
    here += os.sep
    names = [name for name in rest.split(os.sep) if name]
    for place, name in enumerate(names, 1):
        there = os.path.join(here, name)
        if not os.path.islink(there):
            here = there
            continue
        root = _bounds(here, last=links and place == len(names))
        here = os.path.realpath(there)
        if root is not None and not links:
            raise OSError(errno.ELOOP, "there is a link on the way, and nothing is written through one")
        if root is not None and not is_inside(here, root):
            raise OSError(errno.ELOOP, "a link on the way leads out of the project")


def bounds(path: str | os.PathLike[str]) -> str:
    """What the paths that stand in the file `path` must not leave: its project, or without one the folder where mmcheck
    runs, or else the file's own folder."""
    folder = os.path.dirname(os.path.realpath(path))
    return _bounds(folder, last=True) or folder


def inside(path: str | os.PathLike[str], root: str) -> str:
    """As `real`, of what must not leave `root`."""
    where = real(path)
    if not is_inside(where, root):
        raise OSError(errno.EACCES, "it leads out of the project")
    return where


def _bounds(folder: str, *, last: bool) -> str | None:
    """Where links in `folder` may lead; None if that is nobody's business: what stands above projects is the user's."""
    marked = _marked(folder)
    if marked is not None:
        return marked
    here = os.getcwd()
    return here if is_inside(folder, here) else folder if last else None


# --- reading -------------------------------------------------------------------------------------------


def read(path: str | os.PathLike[str], limit: int = MAX_BYTES, *, root: str | None = None) -> bytes:
    """The bytes of the regular file `path`, at most `limit`, which leads to something below `root` if that is given."""
    where = real(path) if root is None else inside(path, root)
    _need_file(os.lstat(where))
    handle = os.open(where, os.O_RDONLY | _PLAIN)
    try:
        content = read_open(handle, limit)
    finally:
        os.close(handle)
    for recorder in _recorders:
        recorder.note(os.fspath(path), content)
    return content


def read_open(handle: int, limit: int) -> bytes:
    """The bytes of the regular file that is open as `handle`."""
    status = os.fstat(handle)
    _need_file(status)
    pieces: list[bytes] = []
    left = limit + 1
    while left > 0 and status.st_size <= limit:
        piece = os.read(handle, left)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        left -= len(piece)
    raise OSError(errno.EFBIG, f"it has more than {limit:,} bytes")


def _need_file(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")


def read_or_none(path: str | os.PathLike[str]) -> bytes | None:
    """As `read`; None for what cannot be read."""
    try:
        return read(path)
    except (OSError, ValueError):
        return None


def unchanged(files: Mapping[str, str | None]) -> bool:
    """Whether what `recording` says of `files` is so still."""
    return all(each is not None and digest([read_or_none(path)]) == each for path, each in files.items())


def own(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a file of mmcheck itself, wherever the installation keeps it, or of what the system says of it."""
    with open(path, "rb") as file:
        return file.read()


class recording:
    """A ``with`` block in which `files` gets the digest of every file that is read, by the path that was asked for;
    None if it was not the same each time."""

    __slots__ = ("files",)

    def __init__(self) -> None:
        self.files: dict[str, str | None] = {}

    def note(self, path: str, content: bytes) -> None:
        found = digest([content])
        self.files[path] = found if self.files.get(path, found) == found else None

    def __enter__(self) -> dict[str, str | None]:
        _recorders.append(self)
        return self.files

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        _recorders.remove(self)


_recorders: list[recording] = []


# --- writing -------------------------------------------------------------------------------------------


class Folder:
    """An open folder, for a ``with`` block: names are looked up in it, whatever becomes of its path meanwhile."""

    __slots__ = ("_handle", "_path")

    def __init__(self, path: str, within: Folder | None = None) -> None:
        """Open `path`, or a name `within` another open folder; the last part is no link."""
        self._path: str = path if within is None else os.path.join(within._path, path)
        self._handle: int | None = None
        if _RELATIVE:
            beside = None if within is None else within._handle
            self._handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | _NO_LINK, dir_fd=beside)
        elif not os.path.isdir(self._path) or os.path.islink(self._path):
            raise NotADirectoryError(errno.ENOTDIR, "it is no folder")

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._handle is not None:
            os.close(self._handle)

    def _name(self, name: str) -> str:
        return name if self._handle is not None else os.path.join(self._path, name)

    def create(self, name: str) -> None:
        """Make the folder `name` for this user alone, if there is nothing of that name."""
        try:
            os.mkdir(self._name(name), 0o700, dir_fd=self._handle)
        except FileExistsError:
            pass

    def status(self, name: str = "") -> os.stat_result:
        """Of `name`, which is not followed, or of the folder itself."""
        if name:
            return os.stat(self._name(name), dir_fd=self._handle, follow_symlinks=False)
        return os.stat(self._path) if self._handle is None else os.fstat(self._handle)

    def names(self) -> list[str]:
        return os.listdir(self._path if self._handle is None else self._handle)

    def read(self, name: str, limit: int) -> tuple[os.stat_result, bytes]:
        """The status and the bytes of the regular file `name`."""
        _need_file(self.status(name))
        handle = os.open(self._name(name), os.O_RDONLY | _PLAIN, dir_fd=self._handle)
        try:
            return os.fstat(handle), read_open(handle, limit)
        finally:
            os.close(handle)

    def write(self, name: str, data: bytes, mode: int) -> None:
        """Put `data` beside `name`, and then in its place; what was there stays if that fails."""
        beside = f".{name[:80]}.{os.getpid()}.{os.urandom(4).hex()}"
        handle = os.open(
            self._name(beside), os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o600, dir_fd=self._handle
        )
        try:
            try:
                _write_all(handle, data)
                if hasattr(os, "fchmod"):
                    os.fchmod(handle, mode)
            finally:
                os.close(handle)
            here = self._handle
            os.replace(self._name(beside), self._name(name), src_dir_fd=here, dst_dir_fd=here)
        except BaseException:
            self.remove(beside)
            raise

    def remove(self, name: str) -> None:
        try:
            os.unlink(self._name(name), dir_fd=self._handle)
        except OSError:
            pass


def _write_all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def write(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write `content` so that a reader sees all of it or what was there before."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    named = os.path.abspath(path)
    if named.startswith(STREAMS):
        handle = os.open(named, os.O_WRONLY | getattr(os, "O_NOCTTY", 0))
        try:
            _write_all(handle, data)
        finally:
            os.close(handle)
        return
    folder, name = os.path.split(named)
    with Folder(real(folder, links=False)) as inside:
        try:
            status = inside.status(name)
        except FileNotFoundError:
            mode = 0o666 & ~_umask()
        else:
            if stat.S_ISLNK(status.st_mode):
                raise OSError(errno.ELOOP, "it is a link, and nothing is written through one")
            _need_file(status)
            mode = stat.S_IMODE(status.st_mode) & 0o777
        inside.write(name, data, mode)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def make_folder(path: str | os.PathLike[str]) -> None:
    """Create the folder `path` and those above it."""
    os.makedirs(real(path, links=False), exist_ok=True)
