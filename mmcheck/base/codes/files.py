"""Codes of files and options: 0xx."""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    "MM001": (
        "empty file",
        "The file holds no text, or only comments. A specification has at least one agent or one requirement;"
        " a library for `include` has at least one declaration.",
    ),
    "MM002": (
        "file too large",
        "A specification may have 200,000 characters. Split a larger one with `include`.",
    ),
    "MM003": (
        "not a text",
        "The file holds a zero byte or is not UTF-8, so it is no specification. Check that the path is the right one.",
    ),
    "MM004": (
        "nested too deeply",
        "Brackets may stand 200 deep inside each other, and nodes of the syntax tree 250. Give a part of the"
        " expression a name with `let`, or make a part of the statements a `fn`.",
    ),
    "MM010": (
        "file cannot be read",
        "There is no such file or folder, or it may not be read. Check the path and its permissions.",
    ),
    "MM011": (
        "file cannot be written",
        "The report, a picture or a folder for them cannot be written. Check that the folder exists and may"
        " be written to.",
    ),
    "MM012": (
        "malformed table of expected observations",
        "The table of `--expected` has a header line, then one row for each file: file, observation and, if"
        " wanted, the number of states, with tabs between.",
    ),
    "MM013": (
        "not a baseline",
        "The file that --baseline names is not one that `mmcheck verify --write-baseline FILE` wrote. It is"
        " JSON: a schema, and for each known failure its file, variant, requirement, kind, target and verdict.",
    ),
    "MM014": (
        "settings that cannot be used",
        "mmcheck.toml, or the table [tool.mmcheck] of pyproject.toml, is no TOML, or has a setting that does"
        " not exist or a value that does not fit. The message says which, and what it takes.",
    ),
    "MM015": (
        "region that cannot be filled",
        "A region of `mmcheck render --embed` begins with <!-- mmcheck: FILE requirement=NAME variant=TITLE"
        " target=T graph=no -->, where all but the file may be left out, and ends with <!-- mmcheck: end -->,"
        " each on a line of its own.",
    ),
    "MM016": (
        "would overwrite",
        "`mmcheck init` writes new files only. Name another folder, or take the old files away.",
    ),
    "MM017": (
        "not a table of costs",
        "The file that `mmcheck place --costs` names is TOML: [armv8] and [x86-tso] map instructions to"
        " weights, [frequency] maps sites to how often they are executed, and await_rounds says how often a"
        " wait looks.",
    ),
    "MM018": (
        "unknown model",
        "A model is sc, x86-tso, armv8, or the path of a cat file that ends in `.cat`.",
    ),
    "MM019": (
        "bound out of range",
        "`--bound` says how many rounds of each loop are looked at; it is at least 1.",
    ),
    "MM020": (
        "unknown variant",
        "`--variant` names a variant by its title, or `base` for the program as written; no file that was"
        " checked has one of this name.",
    ),
    "MM021": (
        "no machine for this program",
        "`mmcheck run` runs programs on operational machines, which have no interrupt handlers and one thread on each"
        " CPU. Such programs are checked by `mmcheck verify` alone.",
    ),
    "MM022": (
        "path that leads out of the project",
        "A path that stands in a file (a model among its targets, a region of a Markdown file, a setting, the"
        " specification of a trace) stays, links resolved, under the nearest folder with .git or pyproject.toml, and"
        " nothing of git's own is read. On the command line you may name any file.",
    ),
    "MM023": (
        "unknown compiler",
        "`compiler` says what a compiler keeps in order: `gcc`, `llvm`, `language`, or `observed`, what GCC and LLVM"
        " both keep (docs/compiler.md).",
    ),
    "MM024": (
        "nothing to check",
        "What is named has no `*.litmus` file, or none that the settings do not `exclude`, or only libraries, which"
        " have no threads of their own. Nothing checked is no success.",
    ),
    "MM060": (
        "trace that cannot be read",
        "A trace is JSON Lines: a header and one event a line, as docs/trace-format.md describes. This one was cut off"
        " or edited; the message names the line.",
    ),
    "MM061": (
        "run of another program",
        "The file holds a run or a counterexample of another program, variant or target, or of an older version of"
        " this one.",
    ),
    "MM062": (
        "no frames in this program",
        "`mmcheck frames` drives a virtio-gpu driver and needs its functions and variables; specs/gpu.litmus shows"
        " which.",
    ),
}
