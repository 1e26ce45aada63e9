"""What every part of the lowering needs: problems, the register that collects them, declared names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mmcheck.base.errors import Diagnostic, InputError
from mmcheck.base.records import record, replace
from mmcheck.base.source import Span
from mmcheck.language.syntax import ast


class Problem(Exception):
    """One statement or declaration cannot be lowered; None: the cause was reported before."""

    def __init__(self, diagnostic: Diagnostic | None) -> None:
        super().__init__(diagnostic.concise() if diagnostic else "reported before")
        self.diagnostic = diagnostic


def problem(code: str, message: str, span: Span | None, help: str = "") -> Problem:
    """A `Problem` with one diagnostic, to be raised by the caller."""
    return Problem(Diagnostic(code, message, span, help))


def near(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for the closest of `known`, or nothing."""
    found = difflib.get_close_matches(name, sorted(set(known)), n=1)
    return f"; did you mean '{found[0]}'?" if found else ""


class Reporter:
    """Collects diagnostics, each once: a spec is lowered for several targets and variants."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], Diagnostic] = {}
        self.reports = 0
        """How often something was found, again or for the first time."""

    def __len__(self) -> int:
        return len(self._found)

    def add(self, diagnostic: Diagnostic) -> None:
        self.reports += 1
        key = (diagnostic.code, diagnostic.where(), diagnostic.message)
        self._found.setdefault(key, diagnostic)

    def report(self, code: str, message: str, span: Span | None, help: str = "") -> None:
        self.add(Diagnostic(code, message, span, help))

    @contextmanager
    def collect(self) -> Iterator[None]:
        """A problem inside ends the block, is noted, and goes no further."""
        try:
            yield
        except Problem as found:
            if found.diagnostic is not None:
                self.add(found.diagnostic)
        except InputError as found:
            for diagnostic in found.diagnostics:
                self.add(diagnostic)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What was found, in text order, file by file in the order of their first finding."""
        files: dict[str, int] = {}
        for each in self._found.values():
            files.setdefault(_path(each), len(files))
        return tuple(sorted(self._found.values(), key=lambda d: (files[_path(d)], d.span.start if d.span else 0)))

    def check(self) -> None:
        """Raise `InputError` if anything was found."""
        if self._found:
            raise InputError(self.diagnostics())


def _path(diagnostic: Diagnostic) -> str:
    return diagnostic.span.file.path if diagnostic.span is not None else diagnostic.path


@record
class StoredVariable:
    """A variable and the kind of storage it was declared in."""

    kind: ast.StorageKind
    variable: ast.Variable


@record
class Claim:
    """A condition at top level: a check of the requirement named after the file's title."""

    title: str
    check: ast.Forall | ast.NotExists | ast.Exists


@dataclass(slots=True)
class Declarations:
    """The names of a spec in one variant, as syntax; a variant works on a copy."""

    title: str
    consts: dict[str, ast.Const] = field(default_factory=dict)
    structs: dict[str, ast.StructDecl] = field(default_factory=dict)
    variables: dict[str, StoredVariable] = field(default_factory=dict)
    requirements: dict[str, ast.Requirement] = field(default_factory=dict)
    functions: dict[str, ast.FnDecl] = field(default_factory=dict)
    agents: dict[str, ast.Agent] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    without: dict[str, Span] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    """Sites that an edit of this variant took away, and by which word."""
    titles: dict[str, str] = field(default_factory=dict)
    """Path of a source file -> the title of the spec in it: the name of its own requirement."""

    def copy(self) -> Declarations:
        return replace(
            self,
            consts=dict(self.consts),
            structs=dict(self.structs),
            variables=dict(self.variables),
            requirements=dict(self.requirements),
            functions=dict(self.functions),
            agents=dict(self.agents),
            without=dict(self.without),
            gone=dict(self.gone),
            titles=dict(self.titles),
        )

    def title_of(self, span: Span) -> str:
        """The name of the requirement that a check without a name at `span` belongs to."""
        return self.titles.get(span.file.path, self.title)
