"""A specification file and everything that it includes, parsed; which declaration comes from where."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import dirname, join, normpath

from mmcheck.errors import InputError
from mmcheck.lower.names import Reporter
from mmcheck.records import record
from mmcheck.source import SourceFile, Span
from mmcheck.syntax import ast
from mmcheck.syntax.parse import parse_spec

MARKERS = (".git", "pyproject.toml")
"""What the top of a project has."""

MAX_DEPTH = 32
"""Includes inside each other."""

Read = Callable[[Path], str]


@record
class Loaded:
    """One parsed file; `title` is that of its ``spec``, or the file's name."""

    file: SourceFile
    tree: ast.File
    title: str


@dataclass(slots=True)
class Loader:
    """Reads includes depth first, so that what is included stands before what includes it."""

    root: Path
    read: Read
    reporter: Reporter
    loaded: list[Loaded] = field(default_factory=list)
    _done: set[Path] = field(default_factory=set)
    _open: list[tuple[Path, str]] = field(default_factory=list)

    def load(self, file: SourceFile) -> None:
        """Parse `file` after what it includes; each file once."""
        try:
            tree = parse_spec(file)
        except InputError as found:
            for diagnostic in found.diagnostics:
                self.reporter.add(diagnostic)
            return
        here = Path(file.path).resolve()
        self._done.add(here)
        self._open.append((here, file.path))
        title = Path(file.path).stem
        for item in tree.items:
            if isinstance(item, ast.Include):
                self._include(file, item)
            elif isinstance(item, ast.Spec):
                title = item.title.value
        self._open.pop()
        self.loaded.append(Loaded(file, tree, title))

    def _include(self, file: SourceFile, node: ast.Include) -> None:
        path, span = node.path.value, node.path.span
        shown = normpath(join(dirname(file.path), path))
        try:
            real = Path(shown).resolve()
        except (OSError, ValueError, RuntimeError):
            self.reporter.report("MM235", f"'{path}' cannot be found", span)
            return
        if path.startswith("/") or not real.is_relative_to(self.root):
            hint = "an include stays under the folder with .git or pyproject.toml"
            self.reporter.report("MM235", f"'{path}' leads out of the project", span, hint)
        elif any(real == each for each, _ in self._open):
            first = next(index for index, (each, _) in enumerate(self._open) if each == real)
            chain = " → ".join([*(name for _, name in self._open[first:]), shown])
            self.reporter.report("MM235", f"these files include each other: {chain}", span)
        elif len(self._open) >= MAX_DEPTH:
            self.reporter.report("MM235", f"includes stand more than {MAX_DEPTH} deep inside each other", span)
        elif real not in self._done:
            text = self._text(path, real, span)
            if text is not None:
                self.load(SourceFile(shown, text))

    def _text(self, path: str, real: Path, span: Span) -> str | None:
        try:
            return self.read(real)
        except FileNotFoundError:
            self.reporter.report("MM235", f"there is no file '{path}'", span, "the path is relative to this file")
        except (OSError, UnicodeDecodeError) as found:
            reason = "it is no UTF-8 text" if isinstance(found, UnicodeDecodeError) else found.strerror or str(found)
            self.reporter.report("MM235", f"'{path}' cannot be read: {reason}", span)
        return None


MAX_BYTES = 1_000_000
"""Bytes of an included file; the parser allows fewer characters still."""


def read_text(path: Path) -> str:
    """The text of `path`, as UTF-8. Raises `OSError` for what is no file (nothing here can block) or too large."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise OSError(errno.EFBIG, f"it has more than {MAX_BYTES:,} bytes")
    return data.decode("utf-8-sig")


def project_root(file: SourceFile) -> Path:
    """The nearest folder above `file` that has a marker of a project, or else the file's own."""
    folder = Path(file.path).resolve().parent
    for candidate in (folder, *folder.parents):
        if any((candidate / marker).exists() for marker in MARKERS):
            return candidate
    return folder
