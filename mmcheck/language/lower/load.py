"""A specification file and everything that it includes, parsed; which declaration comes from where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import dirname, join, normpath

from mmcheck.base import gate
from mmcheck.base.errors import InputError
from mmcheck.base.records import record
from mmcheck.base.source import SourceFile, Span
from mmcheck.language.lower.names import Reporter
from mmcheck.language.syntax import ast
from mmcheck.language.syntax.parse import parse_spec

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

    root: str
    """Where includes stay, without links."""
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
        if path.startswith("/") or not gate.is_inside(str(real), self.root):
            hint = "an include stays under the folder with .git or pyproject.toml"
            self.reporter.report("MM235", f"'{path}' leads out of the project", span, hint)
        elif any(real == each for each, _ in self._open):
            first = next(index for index, (each, _) in enumerate(self._open) if each == real)
            chain = " → ".join([*(name for _, name in self._open[first:]), shown])
            self.reporter.report("MM235", f"these files include each other: {chain}", span)
        elif len(self._open) >= MAX_DEPTH:
            self.reporter.report("MM235", f"includes stand more than {MAX_DEPTH} deep inside each other", span)
        elif real not in self._done:
            text = self._text(path, Path(shown), span)
            if text is not None:
                self.load(SourceFile(shown, text))

    def _text(self, path: str, shown: Path, span: Span) -> str | None:
        try:
            return self.read(shown)
        except FileNotFoundError:
            self.reporter.report("MM235", f"there is no file '{path}'", span, "the path is relative to this file")
        except (OSError, UnicodeDecodeError) as found:
            reason = "it is no UTF-8 text" if isinstance(found, UnicodeDecodeError) else found.strerror or str(found)
            self.reporter.report("MM235", f"'{path}' cannot be read: {reason}", span)
        return None


def read_text(path: Path) -> str:
    """The text of `path`, as UTF-8. Raises `OSError`, see `mmcheck.base.gate`."""
    return gate.read(path).decode("utf-8-sig")
