"""The layout of a herd test: header, initial state, table of instructions, what follows it.

Nothing here knows an instruction set. Comments are blanked out, so that every offset stays an offset
into the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from mmcheck.base.errors import Diagnostic, InputError, fail
from mmcheck.base.records import record
from mmcheck.base.source import SourceFile, Span

ARCHITECTURES = ("AArch64", "X86_64", "X86")
_OTHERS = (
    "ARM",
    "PPC",
    "RISCV",
    "MIPS",
    "C",
    "LISA",
    "BPF",
    "Bell",
    "ASL",
    "JAVA",
    "GPU_PTX",
    "CPP",
    "OpenCL",
    "AArch32",
)

MAX_THREADS = 64

_SKIP = re.compile(r"(?:[\s\ufeff]+|//[^\n]*|#[^\n]*)+")
_HEADER = re.compile(r"([A-Za-z_]\w*)[ \t]+([^\s{]+)")
_META = re.compile(r"([A-Za-z][\w.-]*)[ \t]*=([^\n]*)", re.ASCII)
_COMMENT = re.compile(r"//[^\n]*|^[ \t]*#[^\n]*", re.MULTILINE)
_THREAD = re.compile(r"\s*P?(\d{1,6})\s*\Z", re.ASCII)
_FOOTER = re.compile(
    r"(?<=[;\n\s])(?:~\s*exists\b|not\s+exists\b|exists\b|forall\b|locations\b|filter\b|final\b|observed\b|with\b)"
)
_NOT_BLANK = re.compile(r"[^\n]")


@record
class Layout:
    """Where the parts of a test are. `text` is the file's text with blanks for comments.

    `table` are its rows, below the names of the threads.
    """

    file: SourceFile
    text: str
    arch: str
    name: str
    name_span: Span
    meta: Mapping[str, str]
    init: tuple[int, int]
    threads: tuple[tuple[str, Span], ...]
    table: tuple[int, int]
    footer: int

    @cached_property
    def columns(self) -> tuple[tuple[tuple[str, int], ...], ...]:
        """For each thread its non-empty cells as ``(text, offset)``, text without blanks around it. Raises
        `InputError` for rows that are no such cells."""
        return _table(self.file, self.text, *self.table, len(self.threads))

    @cached_property
    def texts(self) -> tuple[tuple[str, ...], ...] | None:
        """The texts of `columns`, found without their places; None if some row has something wrong."""
        rows = [row.split("|") for row in self.text[slice(*self.table)].split(";")]
        if "".join(rows.pop()).strip() or any(len(row) != len(self.threads) for row in rows):
            return None
        found = tuple([tuple([cell for cell in map(str.strip, column) if cell]) for column in zip(*rows, strict=True)])
        return None if not found or any("\n" in cell for column in found for cell in column) else found

    def span(self, start: int, end: int) -> Span:
        return Span(self.file, start, end)


def is_herd_format(text: str) -> bool:
    """Whether the first line that is neither blank nor a comment names a herd architecture and a test."""
    try:
        position = _skip(text, 0)
    except ValueError:
        return False
    match = _HEADER.match(text, position)
    return match is not None and match[1] in ARCHITECTURES


def split(file: SourceFile) -> Layout:
    """The parts of `file`. Raises `InputError` if they cannot be told apart."""
    text = file.text
    arch, name, name_span, position = _header(file)
    meta, brace = _preamble(file, position, name_span)
    text = text[:brace] + _blank(file, text, brace)
    start, end = _braces(file, text, brace)
    threads, table = _threads(file, text, end + 1)
    found = _FOOTER.search(text, table)
    footer = found.start() if found is not None else len(text)
    if found is None:
        _table(file, text, table, footer, len(threads))
        last = len(text.rstrip())
        help = "add 'exists (...)', '~exists (...)' or 'forall (...)'"
        raise fail("MM314", "no condition: expected 'exists' after the table", Span(file, last, last), help=help)
    return Layout(file, text, arch, name, name_span, meta, (start, end), threads, (table, footer), footer)


def _skip(text: str, position: int) -> int:
    """The next offset that is neither blank nor in a comment; `ValueError` with the offset of an unclosed comment."""
    while True:
        match = _SKIP.match(text, position)
        if match is not None:
            position = match.end()
        if not text.startswith("(*", position):
            return position
        position = _comment_end(text, position)


def _comment_end(text: str, start: int) -> int:
    """The offset after the nested comment that begins at `start`."""
    depth = 0
    position = start
    while True:
        opening = text.find("(*", position)
        closing = text.find("*)", position)
        if closing < 0:
            raise ValueError(start)
        if 0 <= opening < closing:
            depth += 1
            position = opening + 2
        else:
            depth -= 1
            position = closing + 2
            if depth == 0:
                return position


def _unclosed(file: SourceFile, start: int) -> InputError:
    return fail("MM318", "comment is not closed", Span(file, start, start + 2), help="close it with '*)'")


def _header(file: SourceFile) -> tuple[str, str, Span, int]:
    """Architecture, test name, its span, and where the rest begins."""
    text = file.text
    try:
        position = _skip(text, 0)
    except ValueError as error:
        raise _unclosed(file, error.args[0]) from None
    match = _HEADER.match(text, position)
    help = "the first line is the architecture and a name, as in 'AArch64 MP'"
    if match is None:
        word = re.compile(r"\S*").match(text, position)
        end = word.end() if word is not None else position
        if word is not None and word[0] in ARCHITECTURES:
            raise fail(
                "MM300",
                f"the test has no name: expected a name after '{word[0]}'",
                Span(file, position, end),
                help=help,
            )
        raise fail("MM300", "not a herd litmus test: expected an architecture", Span(file, position, end), help=help)
    if match[1] not in ARCHITECTURES:
        place = Span(file, match.start(1), match.end(1))
        if match[1] in _OTHERS:
            known = "the formats are " + ", ".join(ARCHITECTURES)
            raise fail("MM300", f"herd format '{match[1]}' is not supported", place, help=known)
        raise fail("MM300", f"not a herd litmus test: unknown architecture '{match[1]}'", place, help=help)
    return match[1], match[2], Span(file, match.start(2), match.end(2)), match.end(2)


def _preamble(file: SourceFile, position: int, name: Span) -> tuple[dict[str, str], int]:
    """The lines ``Key=value``, the doc string (under ``doc``), and the offset of the brace after them."""
    text = file.text
    meta: dict[str, str] = {}
    length = len(text)
    try:
        while True:
            position = _skip(text, position)
            if position >= length:
                help = "write '{ }' if every location starts at 0"
                raise fail("MM310", "no initial state: expected '{' after the name", name, help=help)
            if text[position] == "{":
                return meta, position
            match = _META.match(text, position)
            if match is not None:
                meta[match[1]] = match[2].strip()
                position = match.end()
                continue
            if text[position] == '"':
                end = text.find('"', position + 1)
                if end < 0:
                    raise fail(
                        "MM318",
                        "doc string is not closed",
                        Span(file, position, position + 1),
                        help="close it with '\"'",
                    )
                meta["doc"] = " ".join(text[position + 1 : end].split())
                position = end + 1
                continue
            end = min(e for e in (text.find("\n", position), text.find("{", position), length) if e >= 0)
            if "}" in text[position:end] or "|" in text[position:end]:
                help = "the initial state stands in braces, as in '{ 0:X1=x; }'"
                raise fail("MM310", "expected '{' before this line", Span(file, position, end), help=help)
            position = end
    except ValueError as error:
        raise _unclosed(file, error.args[0]) from None


def _blank(file: SourceFile, text: str, start: int) -> str:
    """The text from `start` on, with blanks for comments."""
    rest = text[start:]
    if "(*" not in rest and "//" not in rest and "#" not in rest:
        return rest
    if "(*" in rest:
        pieces: list[str] = []
        position = 0
        while (opening := rest.find("(*", position)) >= 0:
            try:
                end = _comment_end(rest, opening)
            except ValueError:
                raise _unclosed(file, start + opening) from None
            pieces += (rest[position:opening], _NOT_BLANK.sub(" ", rest[opening:end]))
            position = end
        rest = "".join(pieces) + rest[position:]
    return _COMMENT.sub(lambda match: " " * len(match[0]), rest)


def _braces(file: SourceFile, text: str, brace: int) -> tuple[int, int]:
    """The inside of the initial state."""
    depth = 0
    position = brace
    bar = text.find("|", brace)
    while True:
        opening = text.find("{", position)
        closing = text.find("}", position)
        if closing < 0 or 0 <= bar < closing:
            raise fail("MM310", "the initial state is not closed: expected '}'", Span(file, brace, brace + 1))
        if 0 <= opening < closing:
            depth += 1
            position = opening + 1
        else:
            depth -= 1
            position = closing + 1
            if depth == 0:
                return brace + 1, closing


def _threads(file: SourceFile, text: str, start: int) -> tuple[tuple[tuple[str, Span], ...], int]:
    """The names of the threads, and where the rows of the table begin."""
    end = text.find(";", start)
    help = "the first row of the table names the threads, as in 'P0 | P1 ;'"
    begin = len(text) - len(text[start:].lstrip())
    if end < 0:
        raise fail(
            "MM311", "no table of instructions: expected 'P0 | P1 ;'", Span(file, begin, len(text.rstrip())), help=help
        )
    threads: list[tuple[str, Span]] = []
    offset = start
    for piece in text[start:end].split("|"):
        left = offset + len(piece) - len(piece.lstrip())
        span = Span(file, left, max(left, offset + len(piece.rstrip())))
        match = _THREAD.match(piece)
        if match is None:
            what = f"'{span.text.splitlines()[0]}'" if span.text else "nothing"
            raise fail("MM311", f"expected the name of a thread, such as P0, got {what}", span, help=help)
        name = str(int(match[1]))
        if any(name == other for other, _ in threads):
            raise fail(
                "MM311", f"thread P{name} stands twice in the table", span, help="every column has its own number"
            )
        if len(threads) == MAX_THREADS:
            raise fail("MM311", f"a test has at most {MAX_THREADS} threads", span)
        threads.append((name, span))
        offset += len(piece) + 1
    return tuple(threads), end + 1


def _table(file: SourceFile, text: str, start: int, end: int, width: int) -> tuple[tuple[tuple[str, int], ...], ...]:
    """The cells by thread. Reports every row that has the wrong number of cells or no semicolon."""
    columns: tuple[list[tuple[str, int]], ...] = tuple([] for _ in range(width))
    problems: list[Diagnostic] = []
    offset = start
    rows = text[start:end].split(";")
    rest = rows.pop()
    for row in rows:
        cells = row.split("|")
        position = offset
        if len(cells) != width and (len(cells) > 1 or row.strip()):
            problems.append(_row_problem(file, row, offset, len(cells), width))
        else:
            for column, cell in zip(columns, cells, strict=False):
                stripped = cell.strip()
                if stripped:
                    left = position + cell.index(stripped[0])
                    if "\n" in stripped:
                        problems.append(_two_lines(file, stripped, left))
                    else:
                        column.append((stripped, left))
                position += len(cell) + 1
        offset += len(row) + 1
    if rest.strip():
        left = offset + len(rest) - len(rest.lstrip())
        right = offset + len(rest.rstrip())
        first = text.find("\n", left, right)
        stop = right if first < 0 else first
        problems.append(
            Diagnostic(
                "MM313",
                "expected ';' at the end of this row",
                Span(file, left, stop),
                "every row of the table ends with ';'",
            )
        )
    if problems:
        raise InputError(problems[:20])
    return tuple(tuple(column) for column in columns)


def _row_problem(file: SourceFile, row: str, offset: int, count: int, width: int) -> Diagnostic:
    left = offset + len(row) - len(row.lstrip())
    stripped = row.strip()
    if "\n" in stripped:
        return _two_lines(file, stripped, left)
    cells = "1 cell" if count == 1 else f"{count} cells"
    threads = "1 thread" if width == 1 else f"{width} threads"
    help = "separate the cells with '|', and leave empty those that have no instruction"
    return Diagnostic(
        "MM312", f"this row has {cells}, but there are {threads}", Span(file, left, left + len(stripped)), help
    )


def _two_lines(file: SourceFile, stripped: str, left: int) -> Diagnostic:
    first = stripped.split("\n", 1)[0].rstrip()
    help = "every row of the table ends with ';'"
    return Diagnostic("MM313", "expected ';' at the end of this row", Span(file, left, left + len(first)), help)
