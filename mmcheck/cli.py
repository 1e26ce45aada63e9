"""The command line: arguments, exit codes, and what happens when something goes wrong.

Nothing but argparse is imported before it is known which command runs.
"""

from __future__ import annotations

import argparse
import errno
import io
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from mmcheck._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn, TextIO

CONFIGURED = ("verify", "doc", "render")
"""Commands that read the project's settings."""

EXIT_CODES = """\
exit codes:
  0    every requirement was decided, and is as the file claims
  1    some requirement is not as claimed, or an expected observation differs
  2    something could not be checked: usage, unreadable or ill-formed input
  3    some verdict is unknown (time, memory)
  130  interrupted
"""

DESCRIPTION = """\
Check where a driver puts its memory barriers: whether every ordering requirement
of a specification holds on every target, and if not, which run breaks it.
"""

VERIFY = """\
Decide every requirement of specifications, in every variant and on every target.
herd's litmus tests are taken, too: ~exists and forall are requirements.
Folders are searched for *.litmus.

A requirement is expected to hold unless the file says otherwise. What `holds`
means: no run within the bound on loops breaks it, on this target's model.
"""

LITMUS = """\
Run herd's litmus tests, and print for each whether its condition is met in no,
some or all of its final states: Never, Sometimes or Always.
Folders are searched for *.litmus.
"""

DOC = """\
Write a site of static pages about specifications: for each its program, its
requirements with clauses and verdicts, the runs behind violations as pictures, and
a matrix of clauses. The pages need no network and no server.
"""

PLACE = """\
Find the cheapest placement of barriers that meets every requirement on all targets
together, with a proof, and say what is missing, redundant, too strong or in the
wrong place in the file as it is. Nothing is changed without --write.
"""

PLACE_EXIT_CODES = """\
exit codes:
  0    the file has an optimal placement already, or was given one (--write)
  1    findings
  2    something could not be checked: usage, unreadable or ill-formed input
  3    no proof (time, memory)
  130  interrupted
"""

RENDER = """\
Refresh what a Markdown file shows of specifications. In FILE.md a region

    <!-- mmcheck: specs/a.litmus requirement=published variant="before" -->
    <!-- mmcheck: end -->

is filled with the verdicts and, where a run breaks the requirement, with its picture.
The path is relative to FILE.md; requirement, variant and target choose, graph=no
leaves the pictures out. With --check, exit code 1 says that a region is out of date.
"""

INIT = """\
Write two first specifications: one that holds, and one that does not.
"""

EXPLAIN = """\
Explain the code of a message (MM101), a clause that specifications cite
(2.7.13.3.1), a verdict (holds), a compiler (llvm) or one of its known defects
(sunk-load).
"""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; prints, and never raises."""
    _repair()
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        _say("interrupted")
        code = 130
    except MemoryError:
        _say("mmcheck: out of memory; nothing was decided")
        code = 3
    except Exception as error:
        code = _failed(error)
    _abandon(sys.stdout)
    _abandon(sys.stderr)
    return code


def _dispatch(arguments: Sequence[str]) -> int:
    settings = _settings() if arguments[:1] and arguments[0] in CONFIGURED else {}
    try:
        options = parser(settings, arguments[0] if arguments else "").parse_args(arguments)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    if options.command in CONFIGURED:
        options.target = options.target or settings.get("targets", [])
    if options.command == "verify":
        from mmcheck.interfaces.commands.verify import main
    elif options.command == "litmus":
        from mmcheck.interfaces.commands.litmus import main
    elif options.command == "place":
        from mmcheck.interfaces.commands.place import main
    elif options.command == "doc":
        from mmcheck.interfaces.commands.doc import main
    elif options.command == "render":
        from mmcheck.interfaces.commands.render import main
    elif options.command == "init":
        from mmcheck.interfaces.commands.init import main
    elif options.command == "run":
        from mmcheck.interfaces.commands.run import main
    elif options.command == "frames":
        from mmcheck.interfaces.commands.frames import main
    elif options.command == "trace":
        from mmcheck.interfaces.commands.trace import main
    else:
        from mmcheck.interfaces.commands.explain import main
    return main(options)


def _settings() -> Mapping[str, Any]:
    """What the project's settings and the environment say, for options that are not given."""
    from mmcheck.interfaces.settings import load
    from mmcheck.report import formats

    form = os.environ.get("MMCHECK_FORMAT", "")
    return {**load(), "format": form} if form in formats.NAMES else load()


def _failed(error: Exception) -> int:
    """Print an exception: a message about the input, or the confession of a mistake of ours."""
    from mmcheck.base.errors import InputError
    from mmcheck.interfaces.commands.console import Unreported

    if isinstance(error, Unreported | BrokenPipeError) or _lost(sys.stdout):
        cause = error.__cause__ or error
        if not isinstance(cause, BrokenPipeError):  # the reader is gone, and knows that
            _say(f"mmcheck: the report cannot be written: {getattr(cause, 'strerror', None) or cause}")
        return 2
    if isinstance(error, InputError):
        for diagnostic in error.diagnostics:
            _say(diagnostic.render())
        return 2
    if os.environ.get("MMCHECK_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    _say(
        f"internal error: {what[:300]} (mmcheck {__version__}); please report it with the input, "
        "MMCHECK_DEBUG=1 shows where it happened"
    )
    return 2


def _say(text: str) -> None:
    from mmcheck.interfaces.commands.console import inert

    try:
        sys.stderr.write(f"{inert(text)}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass


# --- streams -----------------------------------------------------------------------------------------


class _Closed(io.TextIOBase):
    """In the place of a stream that was closed before we began."""

    def write(self, text: str, /) -> int:
        raise OSError(errno.EBADF, "it is closed")


def _repair() -> None:
    """Put something in the place of streams that are closed. Characters that the encoding of a stream lacks become
    escapes, never an exception."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass  # nothing that is opened later is taken for one of them
        os.close(handle)
    sys.stdout = sys.stdout or _Closed()
    sys.stderr = sys.stderr or _Closed()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _lost(stream: TextIO) -> bool:
    """Whether something that was written to `stream` does not arrive."""
    try:
        stream.flush()
    except (OSError, ValueError):
        return True
    return False


def _abandon(stream: TextIO) -> None:
    """If `stream` cannot be written to, see that the interpreter does not try at exit, and change the exit code."""
    if not _lost(stream):
        return
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except (OSError, ValueError):
        pass


# --- arguments ---------------------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    """One that says what a misspelt command or option may have been, and shows no control characters."""

    def _print_message(self, message: str, file: Any = None) -> None:
        """As argparse, but what cannot be written is not passed over."""
        from mmcheck.interfaces.commands import console

        if file is sys.stdout:
            console.out(message)
        else:
            console.note(message.removesuffix("\n"))

    def error(self, message: str) -> NoReturn:
        hint = _hint(message)
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())}{hint}\n")


def _hint(message: str) -> str:
    """What to do instead about what argparse's `message` is about: the command or option that comes nearest to it, or
    the commands that have it."""
    import re
    from difflib import get_close_matches

    found = re.search(r"invalid choice: '([^']{1,40})'|unrecognized arguments: (-[^\s=]{1,40})", message)
    if found is None:
        return ""
    if found[1] is not None:
        words = re.findall(r"'?([\w-]+)'?", message.partition("(choose from")[2])
        near = get_close_matches(found[1], words, 1)
        return f"; did you mean '{near[0]}'?" if near else ""
    commands = [each for each in parser()._actions if isinstance(each, argparse._SubParsersAction)]
    parsers = {name: parser for each in commands for name, parser in each.choices.items()}
    having = [name for name, parser in parsers.items() if found[2] in parser._option_string_actions]
    if having:
        return f"; it is an option of {', '.join(having)}"
    options = {option for parser in parsers.values() for option in parser._option_string_actions}
    near = get_close_matches(found[2], sorted(options), 1, 0.7)
    return f"; did you mean '{near[0]}'?" if near else ""


def parser(settings: Mapping[str, Any] | None = None, only: str = "") -> Parser:
    """The command `only` and its options, or all if there is none of that name; `settings` are defaults by the names of
    `mmcheck.interfaces.settings.KEYS`."""
    from mmcheck.interfaces.commands import console

    # argparse would load a module of archives to learn how wide the terminal is.
    formatter = partial(argparse.RawDescriptionHelpFormatter, width=console.width() - 2)
    top = Parser(
        prog="mmcheck",
        description=DESCRIPTION,
        epilog=EXIT_CODES + "\nmmcheck COMMAND --help says more about a command.",
        formatter_class=formatter,
        allow_abbrev=False,
    )
    top.add_argument("-V", "--version", action="version", version=f"mmcheck {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    given = settings or {}
    known: dict[str, tuple[str, Callable[[Parser], None], str]] = {
        "verify": ("decide the requirements of specifications", lambda it: _verify(it, given), VERIFY),
        "litmus": ("run herd's litmus tests", _litmus, LITMUS),
        "place": ("find the cheapest barriers that are right", _place, PLACE),
        "doc": ("write pages about specifications", lambda it: _doc(it, given), DOC),
        "render": ("refresh verdicts and pictures in a Markdown file", lambda it: _render(it, given), RENDER),
        "run": ("run a specification on an operational machine", lambda it: _machine().run(it), ""),
        "frames": ("draw frames through a virtio-gpu", lambda it: _machine().frames(it), ""),
        "trace": ("judge a recorded run", lambda it: _machine().trace(it), ""),
        "init": ("write two first specifications", _init, INIT),
        "explain": ("explain a message, a clause or a verdict", _explain, EXPLAIN),
    }
    for name in [only] if only in known else known:
        help, fill, description = known[name]
        fill(
            commands.add_parser(
                name,
                help=help,
                description=description,
                epilog=EXIT_CODES,
                formatter_class=formatter,
                allow_abbrev=False,
            )
        )
    return top


def _machine() -> Any:
    from mmcheck.machine import arguments

    return arguments


def _init(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", nargs="?", default="specs", metavar="DIR", help="where to (default: specs)")


def _explain(command: argparse.ArgumentParser) -> None:
    command.add_argument("subject", metavar="CODE|CLAUSE", help="MM101, 2.7.13.3.1, 'VirtIO 1.2, 2.7.13.3.1', holds")


def _verify(command: argparse.ArgumentParser, settings: Mapping[str, Any]) -> None:
    _paths(command)
    _target(command)
    command.add_argument(
        "--variant",
        action="append",
        default=[],
        metavar="NAME",
        help="only this variant; base is the program without any; may be repeated (default: all)",
    )
    from mmcheck.report import formats

    command.add_argument("--format", choices=formats.NAMES, default="full", help="default: full, or MMCHECK_FORMAT")
    command.add_argument("--output", metavar="FILE", help="write the report there and not to the terminal")
    command.add_argument("--graphs", metavar="DIR", help="write the run behind each violation there, as .dot and .svg")
    _common(command)
    command.add_argument("--dump-smt", metavar="DIR", help="write the questions to the solver there, as SMT-LIB")
    _no_cache(command)
    command.add_argument("--baseline", metavar="FILE", help="failures that are known and do not count")
    command.add_argument("--write-baseline", metavar="FILE", help="write all failures there, as known ones")
    command.add_argument(
        "--includers", action="store_true", help="check the files of the project that include these, too"
    )
    command.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="default: auto; NO_COLOR, FORCE_COLOR"
    )
    command.add_argument("-v", "--verbose", action="store_true", help="show the runs behind expected violations, too")
    command.add_argument("-q", "--quiet", action="store_true", help="no progress, no notes on stderr")
    _defaults(command, settings, "format", "color", "baseline", "exclude")


def _defaults(command: argparse.ArgumentParser, settings: Mapping[str, Any], *names: str) -> None:
    """Let the project's settings stand in for options that are not given."""
    given = {
        name: settings[name] for name in (*names, "bound", "timeout", "jobs", "engine", "compiler") if name in settings
    }
    command.set_defaults(**({"exclude": []} | given), no_cache=not settings.get("cache", True))


def _doc(command: argparse.ArgumentParser, settings: Mapping[str, Any]) -> None:
    _paths(command)
    command.add_argument("-o", "--output", required=True, metavar="DIR", help="the folder of the pages")
    command.add_argument("--title", default="Memory barriers", help="the title of the site")
    _target(command)
    _common(command)
    _no_cache(command)
    command.add_argument("-q", "--quiet", action="store_true", help="no progress, no notes on stderr")
    _defaults(command, settings, "exclude")


def _render(command: argparse.ArgumentParser, settings: Mapping[str, Any]) -> None:
    command.add_argument("--embed", required=True, metavar="FILE.md", help="the file whose regions to refresh")
    command.add_argument("--check", action="store_true", help="change nothing; 1 if something would change")
    command.add_argument("--text", action="store_true", help="pictures as text, not as files beside FILE.md")
    _target(command)
    _common(command)
    _no_cache(command)
    _defaults(command, settings)


def _target(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="T",
        help="armv8, x86-tso, sc, with options as in armv8+lse, or a .cat file; may be repeated (default: the file's)",
    )
    command.add_argument(
        "--compiler",
        choices=("observed", "gcc", "llvm", "language"),
        default="observed",
        help="what a compiler keeps in order: gcc's or llvm's, known defects included; what the languages promise; "
        "observed: what gcc and llvm both keep, defects aside (default)",
    )


def _no_cache(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--no-cache", action="store_true", help="neither read nor keep earlier verdicts (also MMCHECK_CACHE=off)"
    )
    command.add_argument(
        "--cache-dir",
        metavar="DIR",
        help="keep verdicts there (also MMCHECK_CACHE_DIR; default: the user's own cache folder)",
    )


def _litmus(command: argparse.ArgumentParser) -> None:
    _paths(command)
    command.add_argument(
        "--model", metavar="M", help="sc, x86-tso, armv8 or a .cat file (default: that of each test's architecture)"
    )
    command.add_argument("--states", action="store_true", help="print all final states, too")
    command.add_argument(
        "--expected",
        metavar="FILE.tsv",
        help="compare with this table: file, observation, states, with tabs between, below one header line; "
        "paths are relative to it. The last line says how many passed and failed",
    )
    _common(command)
    command.add_argument("-q", "--quiet", action="store_true", help="no progress, no notes on stderr")


def _place(command: argparse.ArgumentParser) -> None:
    command.epilog = PLACE_EXIT_CODES
    _paths(command)
    _target(command)
    command.add_argument(
        "--sites",
        choices=("marked", "all"),
        default="marked",
        help="marked: named barriers, and orders marked with '?'; all: also every gap between shared accesses and "
        "every order, of threads (default: marked)",
    )
    command.add_argument(
        "--instructions", action="store_true", help="choose among the target's own instructions, for each target"
    )
    command.add_argument(
        "--fix", action="append", default=[], metavar="NAME", help="a site, function or agent that stays as it is"
    )
    command.add_argument("--variant", metavar="NAME", help="place in this variant (default: the program as written)")
    command.add_argument(
        "--costs", metavar="FILE.toml", help="weights of instructions, and how often sites are executed"
    )
    command.add_argument("--format", choices=("full", "json"), default="full", help="default: full")
    command.add_argument("--write", action="store_true", help="put the optimum into the files")
    command.add_argument(
        "--bound", type=_natural(1, 1000), default=2, metavar="N", help="rounds of each loop (default: 2)"
    )
    command.add_argument("--timeout", type=_seconds, metavar="S", help="seconds for each file (default: none)")
    command.add_argument("-q", "--quiet", action="store_true", help="no progress, no notes on stderr")


def _paths(command: argparse.ArgumentParser) -> None:
    command.add_argument("paths", nargs="+", metavar="PATH", help="a file, or a folder")


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--bound", type=_natural(1, 1000), default=2, metavar="N", help="rounds of each loop (default: 2)"
    )
    command.add_argument(
        "--timeout", type=_seconds, metavar="S", help="seconds for each requirement; then it is unknown (default: none)"
    )
    command.add_argument(
        "--jobs", type=_natural(1, 1024), default=1, metavar="N", help="files to check at a time (default: 1)"
    )
    command.add_argument(
        "--engine",
        choices=("auto", "smt", "enumerate"),
        default="auto",
        help="auto: by size; smt: the solver; enumerate: every run, one by one",
    )


def _natural(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is no number from {least} to {most}")
        return value

    return parse


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"'{text}' is no number of seconds above 0")
    return value
