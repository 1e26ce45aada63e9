"""``mmcheck verify``."""

from __future__ import annotations

import argparse
import sys

from mmcheck._version import __version__
from mmcheck.base import files, gate, includes
from mmcheck.interfaces.commands import console, pages
from mmcheck.report import formats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmcheck.base.cache import Store
    from mmcheck.base.errors import Diagnostic
    from mmcheck.verdict.results import Report, Result


def main(options: argparse.Namespace) -> int:
    """Verify, write pictures and the report; the exit code is the report's."""
    found, problems = inputs(options)
    color = console.wants_colour(options.color, options.output)
    store = console.store(options)
    wish = pages.key(options, found) if store is not None and not problems else None
    ready = pages.find(store, found, wish) if store is not None and wish is not None else None
    if ready is not None:
        code, text = ready
        console.publish(text, options.format, options.output, color=color)
        return code
    report = check(options, found, problems, store)
    if report.interrupted:
        return interrupted(report, options)
    if options.write_baseline is not None:
        return write_baseline(report, options)
    report, known, clean = without_known(report, options)
    if options.graphs is not None:
        write_graphs(report, options.graphs, quiet=options.quiet)
    text = rendered(report, known, options)
    if clean and store is not None and wish is not None and wish == pages.key(options, found):
        pages.keep(store, found, wish, report, text)
    console.publish(text, options.format, options.output, color=color)
    if formats.load(options.format).for_programs:
        for file in report.files:
            for diagnostic in file.diagnostics:
                console.note(diagnostic.concise())
    return report.exit_code


def interrupted(report: Report, options: argparse.Namespace) -> int:
    """Print what was decided before Ctrl-C; files stay as they were."""
    if options.output is None and options.write_baseline is None:
        report, known, _ = without_known(report, options)
        text = rendered(report, known, options)
        console.publish(text, options.format, None, color=console.wants_colour(options.color, None))
    kept = [each for each in (options.output, options.write_baseline, options.graphs) if each is not None]
    left = f"; nothing was written to {', '.join(map(console.named, kept))}" if kept else ""
    console.note(f"mmcheck: interrupted, not every file was checked{left}")
    return report.exit_code


def inputs(options: argparse.Namespace) -> tuple[list[str], list[Diagnostic]]:
    """The files to check, those that the settings exclude left out, those that include them added if asked for.

    A hook asks with ``--includers`` about what has changed: that may be nothing that is checked.
    """
    found, problems = files.find_files(options.paths)
    if options.includers:
        everything, _ = files.find_files(sorted({gate.project_root(path) for path in found}))
        found += [path for path in includes.includers(found, everything) if path not in found]
    left, excluded = console.without(found, options.exclude)
    if options.includers:
        for each in excluded:
            console.note(f"mmcheck: {each.message}", quiet=options.quiet)
        return left, problems
    return left, [*problems, *excluded]


def check(
    options: argparse.Namespace, found: list[str], problems: list[Diagnostic], store: Store | None = None
) -> Report:
    """The report of what the options ask for; `found` are the files, `problems` what is wrong with other paths."""
    from mmcheck.base.errors import Diagnostic
    from mmcheck.base.records import replace
    from mmcheck.report.progress import Progress
    from mmcheck.verdict.incremental import every_run, surprising, verify
    from mmcheck.verdict.results import FileReport, Report

    wrong = tuple([FileReport(each.path, diagnostics=(each,)) for each in problems])
    if not found:
        return Report(wrong, __version__)
    question = console.question(options)
    if options.dump_smt is not None:
        files.make_folder(options.dump_smt)
    quick = not (formats.load(options.format).every_run or options.verbose or options.graphs is not None)
    with Progress(sys.stderr, quiet=options.quiet) as progress:
        report = verify(
            found,
            question,
            store=store,
            runs=surprising if quick else every_run,
            jobs=options.jobs,
            on_progress=progress,
        )
    report = replace(report, files=(*wrong, *report.files))
    if report.results or report.exit_code or options.includers:
        return report
    nothing = Diagnostic("MM024", "nothing is checked: a library has no threads of its own", path=found[0])
    return replace(report, files=(*report.files, FileReport(found[0], diagnostics=(nothing,))))


def rendered(report: Report, known: tuple[Result, ...], options: argparse.Namespace) -> str:
    """The report in the format asked for."""
    from mmcheck.report.looks import Look

    color = console.wants_colour(options.color, options.output)
    look = Look(known, options.verbose, color, console.width())
    return formats.load(options.format).render(report, look)


# --- known failures ----------------------------------------------------------------------------------


def without_known(report: Report, options: argparse.Namespace) -> tuple[Report, tuple[Result, ...], bool]:
    """`report` without the failures of the baseline, those failures, and whether there was nothing to note."""
    if options.baseline is None:
        return report, (), True
    from mmcheck.base.errors import InputError
    from mmcheck.interfaces import settings
    from mmcheck.report import baseline

    try:
        source = files.read_source(options.baseline)
    except InputError as error:
        raise settings.wrong("baseline", options.baseline, error) from None
    applied = baseline.apply(report, baseline.parse(source))
    if applied.stale:
        text = f"mmcheck: no longer so, take out of {console.named(source.path)}: {baseline.described(applied.stale)}"
        console.note(text, quiet=options.quiet)
    return applied.report, applied.known, not applied.stale


def write_baseline(report: Report, options: argparse.Namespace) -> int:
    """Write a baseline of all failures; what could not be checked is said, and not kept."""
    from mmcheck.report import baseline
    from mmcheck.report.words import plural

    for file in report.files:
        for diagnostic in file.diagnostics:
            console.note(diagnostic.render())
    files.write(options.write_baseline, baseline.render(report))
    count = sum(result.as_claimed is False for result in report.results)
    text = f"mmcheck: {plural(count, 'known failure')} in {console.named(options.write_baseline)}"
    console.note(text, quiet=options.quiet)
    return 0 if report.exit_code == 1 else report.exit_code


def write_graphs(report: Report, folder: str, *, quiet: bool = False) -> None:
    """Write the pictures of all runs that the report shows."""
    from pathlib import Path

    from mmcheck.report import pictures

    files.make_folder(folder)
    count = 0
    for name, text in pictures.files(report.results):
        files.write(Path(folder) / name, text)
        count += 1
    amount = "1 picture" if count == 2 else f"{count // 2} pictures, each"
    console.note(f"mmcheck: {amount} as .dot and .svg, in {console.named(folder)}", quiet=quiet)
