"""Answering from the cache: the whole output of a command whose inputs have not changed.

Only output that anybody would get again is kept: no errors, no verdicts that depend on time or memory, no notes,
nothing written elsewhere.
"""

from __future__ import annotations

import argparse

from mmcheck.base import gate
from mmcheck.interfaces.commands import console

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmcheck.base.cache import Store
    from mmcheck.verdict.results import Report


def key(options: argparse.Namespace, paths: list[str]) -> tuple[object, ...] | None:
    """What the page of ``mmcheck verify`` follows from beside its files; None if it must not come from the cache."""
    if not paths:
        return None
    if options.graphs is not None or options.dump_smt is not None or options.write_baseline is not None:
        return None
    width = console.width() if options.format == "full" else 0
    color = options.format in ("full", "concise") and console.wants_colour(options.color, options.output)
    known = None if options.baseline is None else gate.read_or_none(options.baseline)
    looks = (options.format, options.verbose, color, width, options.baseline, known)
    question = (options.target, options.variant, options.bound, options.timeout, options.engine, options.compiler)
    return (question, looks)


def find(store: Store, paths: list[str], wish: tuple[object, ...]) -> tuple[int, str] | None:
    """Exit code and text of the page of `paths`, if it is there."""
    data = store.find("page", paths, wish)
    if data is None:
        return None
    code, _, text = data.partition(b"\n")
    try:
        return int(code), text.decode("utf-8", "surrogatepass")
    except ValueError:
        return None


def keep(store: Store, paths: list[str], wish: tuple[object, ...], report: Report, text: str) -> None:
    """Keep `text`, the page of `report`."""
    from mmcheck.verdict.incremental import lasting

    if report.interrupted or any(file.diagnostics for file in report.files) or not all(map(lasting, report.results)):
        return
    made_of: dict[str, str | None] = {}
    for file in report.files:
        for name, content in file.made_of.items():
            made_of[name] = content if made_of.get(name, content) == content else None
    store.keep("page", paths, wish, made_of, b"%d\n" % report.exit_code + text.encode("utf-8", "surrogatepass"))
