"""Sites whose word is left open: every option is lowered, and a `Choice` of the program selects one.

`mmcheck.placement` says which sites these are; without it nothing here is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from mmcheck.base.records import record, replace
from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.target.words import Word

Key: TypeAlias = tuple[str, str, str, int, int]
"""Owner, label, path, start and end of the call (or of the ``nothing``) that stands at the site."""


@record
class Option:
    """One of the things that may stand at a site: words with their orders, none for ``nothing``."""

    name: str
    words: tuple[tuple[Word, tuple[str, ...]], ...] = ()


@record
class SiteChoice:
    """The options of one site on one target."""

    site: str
    options: tuple[Option, ...]


Chooser: TypeAlias = Mapping[Key, SiteChoice]


def key_of(owner: str, label: str, span: Span) -> Key:
    """The key of what stands at `span` in the statement `label` of `owner` (``worker[1]`` is ``worker``)."""
    return owner.split("[")[0], label, span.file.path, span.start, span.end


def same_registers(first: tuple[ir.Statement, ...], other: tuple[ir.Statement, ...]) -> tuple[ir.Statement, ...]:
    """`other` with the registers that its loads set called as in `first`: two options of one site."""
    wanted = [statement.dst for statement in first if isinstance(statement, ir.Load)]
    out: list[ir.Statement] = []
    for statement in other:
        if isinstance(statement, ir.Load):
            statement = replace(statement, dst=wanted.pop(0))
        out.append(statement)
    return tuple(out)
