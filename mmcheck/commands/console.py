"""Writing to the streams of the process; the only place besides `mmcheck.cli` that does."""

from __future__ import annotations

import os
import sys

from mmcheck import files
from mmcheck.report import colour

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmcheck.errors import Diagnostic


def out(text: str) -> None:
    """Write a part of the product."""
    sys.stdout.write(text)


def note(text: str, *, quiet: bool = False) -> None:
    """Tell the user something that is not the product, on stderr."""
    if not quiet:
        sys.stdout.flush()
        sys.stderr.write(f"{text}\n")


def publish(text: str, output: str | None) -> None:
    """Write a report to the file `output`, or to stdout."""
    if output is None:
        out(text)
    else:
        files.write(output, text)


def wants_colour(choice: str, output: str | None) -> bool:
    """Whether a report that goes to `output` has colours; in a file only if asked for."""
    if output is not None:
        return choice == "always"
    return colour.wanted(choice, sys.stdout, os.environ)


def width() -> int:
    """Columns of a report: those of the terminal within reason, else 80."""
    if not sys.stdout.isatty():
        return 80
    import shutil

    return max(60, min(shutil.get_terminal_size().columns, 120))


def inputs(paths: list[str], *, quiet: bool = False) -> tuple[list[str], list[Diagnostic]]:
    """The files that the user named, and what is wrong with the other names; says so if folders hold none."""
    found, problems = files.find_files(paths)
    if not found and not problems:
        note(f"mmcheck: no *.litmus file in {', '.join(paths)}", quiet=quiet)
    return found, problems
