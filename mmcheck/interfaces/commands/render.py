"""``mmcheck render``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmcheck.base import files, gate
from mmcheck.base.cache import Store
from mmcheck.base.errors import InputError, fail
from mmcheck.interfaces.commands import console
from mmcheck.interfaces.markdown import refresh
from mmcheck.report.words import plural
from mmcheck.verdict.incremental import verify
from mmcheck.verdict.question import Question
from mmcheck.verdict.results import Result


def main(options: argparse.Namespace) -> int:
    """Refresh the regions of a Markdown file, or say with ``--check`` that one is out of date."""
    question = console.question(options)
    store = console.store(options)
    root = gate.bounds(options.embed)
    known: dict[str, Sequence[Result]] = {}

    def check(path: str) -> Sequence[Result]:
        gate.inside(path, root)
        if path not in known:
            known[path] = _results(path, question, store)
        return known[path]

    source = files.read_source(options.embed)
    folder = Path(options.embed).parent
    text, drawn = refresh(source, folder.as_posix(), check, as_text=options.text)
    old = {name: _old(folder / name) for name in drawn}
    changed = [options.embed] if text != source.text else []
    changed += [str(folder / name) for name in drawn if old[name] != drawn[name]]
    if options.check:
        for name in changed:
            console.note(f"mmcheck: out of date: {console.named(name)}")
        return 1 if changed else 0
    for name, picture in drawn.items():
        files.make_folder((folder / name).parent)
        files.write(folder / name, picture)
    if text != source.text:
        files.write(options.embed, text)
    console.note(f"mmcheck: {plural(len(changed), 'file')} changed")
    return 0


def _results(path: str, question: Question, store: Store | None) -> Sequence[Result]:
    report = verify([path], question, store=store)
    if report.interrupted:
        raise KeyboardInterrupt
    found = [each for file in report.files for each in file.diagnostics if each.severity == "error"]
    if found:
        raise InputError(found)
    if not report.results:
        raise fail("MM015", "there is nothing to check in this file", path=files.shown(path))
    return report.results


def _old(path: Path) -> str | None:
    data = gate.read_or_none(path)
    return None if data is None else data.decode("utf-8", "replace")
