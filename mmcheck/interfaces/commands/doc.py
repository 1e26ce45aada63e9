"""``mmcheck doc``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmcheck._version import __version__
from mmcheck.base import files, includes
from mmcheck.interfaces.commands import console
from mmcheck.report.doc.site import build
from mmcheck.report.progress import Progress
from mmcheck.verdict.incremental import verify
from mmcheck.verdict.results import Report


def main(options: argparse.Namespace) -> int:
    """Verify, write the pages; the exit code is that of the verdicts."""
    found, problems = files.find_files(options.paths)
    found, excluded = console.without(found, options.exclude)
    problems += excluded
    for problem in problems:
        console.note(problem.render())
    report = check(found, options)
    if report.interrupted:
        console.note(f"mmcheck: interrupted; nothing was written to {console.named(options.output)}")
        return report.exit_code
    pages = build(report, {path: parts(path) for path in found}, options.title)
    for name, text in pages.items():
        target = Path(options.output) / name
        files.make_folder(target.parent)
        files.write(target, text)
    for file in report.files:
        for diagnostic in file.diagnostics:
            console.note(diagnostic.concise())
    place = console.named(Path(options.output) / "index.html")
    console.note(f"mmcheck: {len(pages)} pages; start with {place}", quiet=options.quiet)
    return 2 if problems else report.exit_code


def check(found: list[str], options: argparse.Namespace) -> Report:
    """The report about the files `found`."""
    if not found:
        return Report((), __version__)
    with Progress(sys.stderr, quiet=options.quiet) as progress:
        return verify(
            found,
            console.question(options),
            store=console.store(options),
            jobs=options.jobs,
            on_progress=progress,
        )


def parts(path: str) -> list[tuple[str, str]]:
    """The texts that the file at `path` is made of, itself first; without models."""
    return [
        (files.shown(name), content.decode("utf-8-sig", errors="replace"))
        for name, content in includes.closure(path)
        if content is not None and name.endswith(files.SUFFIX)
    ]
