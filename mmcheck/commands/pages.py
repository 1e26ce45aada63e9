"""Answering from the cache: the whole output of a command whose inputs have not changed.

Only output that anybody would get again is kept: no errors, no verdicts that depend on time or memory, no notes,
nothing written elsewhere.
"""

from __future__ import annotations

import argparse

from mmcheck import cache, includes
from mmcheck.commands import console

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmcheck.results import Report


def name(options: argparse.Namespace, paths: list[str]) -> str | None:
    """The name of the page of ``mmcheck verify`` for these files; None if it must not come from the cache."""
    if not paths or not cache.wanted(options.no_cache):
        return None
    if options.graphs is not None or options.dump_smt is not None or options.write_baseline is not None:
        return None
    width = console.width() if options.format == "full" else 0
    color = options.format in ("full", "concise") and console.wants_colour(options.color, options.output)
    known = None if options.baseline is None else includes.read(options.baseline)
    looks = (options.format, options.verbose, color, width, options.baseline, known)
    question = (options.target, options.variant, options.bound, options.timeout, options.engine)
    return cache.key("page", paths, (question, looks))


def find(page: str | None) -> tuple[int, str] | None:
    """Exit code and text of `page`, if it is there."""
    data = cache.load(page) if page is not None else None
    if data is None:
        return None
    code, _, text = data.partition(b"\n")
    try:
        return int(code), text.decode("utf-8", "surrogatepass")
    except ValueError:
        return None


def keep(page: str | None, report: Report, text: str) -> None:
    """Keep `text`, the page of `report`."""
    from mmcheck.cached import lasting

    if page is None or report.interrupted or any(file.diagnostics for file in report.files):
        return
    if all(map(lasting, report.results)):
        cache.save(page, b"%d\n" % report.exit_code + text.encode("utf-8", "surrogatepass"))
