"""``mmcheck verify``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from mmcheck import files
from mmcheck._version import __version__
from mmcheck.commands import console
from mmcheck.report.progress import Progress
from mmcheck.results import FileReport, Report


def main(options: argparse.Namespace) -> int:
    """Verify, write pictures and the report; the exit code is the report's."""
    report = check(options)
    if options.graphs is not None:
        write_graphs(report, options.graphs, quiet=options.quiet)
    console.publish(rendered(report, options), options.output)
    if options.format == "json":
        for file in report.files:
            for diagnostic in file.diagnostics:
                console.note(diagnostic.concise())
    return report.exit_code


def check(options: argparse.Namespace) -> Report:
    """The report of what the options ask for."""
    found, problems = console.inputs(options.paths, quiet=options.quiet)
    if not found:
        return Report(tuple([FileReport(each.path, diagnostics=(each,)) for each in problems]), __version__)
    from mmcheck.verify import verify

    cache = not options.no_cache and os.environ.get("MMCHECK_CACHE", "").lower() != "off"
    if options.dump_smt is not None:
        files.make_folder(options.dump_smt)
    with Progress(sys.stderr, quiet=options.quiet) as progress:
        return verify(
            options.paths,
            targets=options.target,
            variants=options.variant,
            bound=options.bound,
            timeout=options.timeout,
            jobs=options.jobs,
            engine=options.engine,
            dump_smt=None if options.dump_smt is None else Path(options.dump_smt),
            cache=cache,
            on_progress=progress,
        )


def rendered(report: Report, options: argparse.Namespace) -> str:
    """The report in the format asked for."""
    if options.format == "json":
        from mmcheck.report import json

        return json.render(report)
    color = console.wants_colour(options.color, options.output)
    if options.format == "concise":
        from mmcheck.report import concise

        return concise.render(report, color=color)
    from mmcheck.report import full

    return full.render(report, verbose=options.verbose, color=color, width=console.width())


def write_graphs(report: Report, folder: str, *, quiet: bool = False) -> None:
    """Write the pictures of all runs that the report shows."""
    from mmcheck.report import pictures

    files.make_folder(folder)
    count = 0
    for name, text in pictures.files(report.results):
        files.write(Path(folder) / name, text)
        count += 1
    console.note(f"mmcheck: {count // 2} pictures, each as .dot and .svg, in {files.shown(folder)}", quiet=quiet)
