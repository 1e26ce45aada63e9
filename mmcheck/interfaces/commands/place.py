"""``mmcheck place``."""

from __future__ import annotations

import argparse
import sys

from mmcheck._version import __version__
from mmcheck.interfaces.commands import console
from mmcheck.report.progress import Progress


def main(options: argparse.Namespace) -> int:
    """Place, write if asked to, report: 0 optimal or written, 1 findings, 2 could not check, 3 no proof, 130 Ctrl-C."""
    from mmcheck.placement.place import PlaceOptions, PlaceReport, place
    from mmcheck.target.costs import default_costs, read_costs

    asked = PlaceOptions(
        targets=tuple(options.target),
        scope=options.sites,
        instructions=options.instructions,
        variant=None if options.variant in (None, "base") else options.variant,
        fixed=tuple(options.fix),
        costs=default_costs() if options.costs is None else read_costs(options.costs),
        bound=options.bound,
        compiler=options.compiler,
        timeout=options.timeout,
        write=options.write,
    )
    with Progress(sys.stderr, quiet=options.quiet) as progress:
        reports = place(options.paths, asked, on_progress=progress)
    console.out(_rendered(reports, options))
    if options.format == "json":
        for report in reports:
            for diagnostic in report.diagnostics:
                console.note(diagnostic.concise())
    if any(report.part is not None and report.part.interrupted for report in reports):
        return 130
    return exit_code([report.exit_code for report in reports if isinstance(report, PlaceReport)])


def exit_code(codes: list[int]) -> int:
    """That of all files together: 2 wins over 1 over 3."""
    return next((code for code in (2, 1, 3) if code in codes), 0)


def _rendered(reports: list, options: argparse.Namespace) -> str:  # type: ignore[type-arg]
    from mmcheck.report import place

    if options.format == "json":
        from mmcheck.engines.smt.solve import solver_version

        return place.render_json(reports, __version__, solver_version())
    return place.render(reports, color=console.wants_colour("auto", None), width=console.width())
