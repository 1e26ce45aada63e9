"""The formatter: the same tokens and comments, laid out anew.

Line structure is the author's where it separates statements or breaks a list; the formatter sets
indentation and spaces, puts one statement on a line and keeps columns that were aligned. A block
that stood on one line stays there while it fits in `WIDTH` columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mmcheck.base.errors import InputError, InternalError
from mmcheck.base.source import TAB_WIDTH, SourceFile
from mmcheck.language.syntax.dump import dump
from mmcheck.language.syntax.parse import Parsed, check_bounds, parse_spec, run, spec_parser
from mmcheck.language.syntax.scan import Scanned

WIDTH = 100
INDENT = 2
MAX_PASSES = 10

_JOINED = frozenset({"else", "until", "within", "{"})
_TIGHT_AFTER = frozenset({"LPAR", "LSQB", "DOT", "UNARY", "NOT", "STAR_TYPE"})
_TIGHT_BEFORE = frozenset({"RPAR", "RSQB", "LSQB", "COMMA", "COLON", "DOT", "CHOICE"})


@dataclass(slots=True, eq=False)
class Piece:
    """A token or a comment, with what the text has before it.

    `newlines` counts line ends, 2 for more; `separated` says that a statement ends before it;
    `partner` is the other bracket; `block` says that a brace separates statements inside, `alone`
    that nothing in the block it opens begins a line.
    """

    kind: Literal["token", "line comment", "block comment"]
    type: str
    text: str
    start: int
    column: int
    line: int
    newlines: int = 0
    gap: int = 0
    separated: bool = False
    result_arrow: bool = False
    partner: Piece | None = None
    block: bool = False
    alone: bool = False


@dataclass(slots=True)
class Line:
    """One line of the result."""

    indent: int
    blank_before: bool
    pieces: list[Piece] = field(default_factory=list)


def format_spec(file: SourceFile) -> str:
    """The text of `file`, laid out; raises `InputError` if it does not parse.

    Formatting the result gives the result, and its tree is that of `file`.
    """
    tree = dump(parse_spec(file))
    text = file.text
    for _ in range(MAX_PASSES):
        formatted = _once(SourceFile(file.path, text))
        if formatted == text:
            break
        text = formatted
    try:
        if dump(parse_spec(SourceFile(file.path, text))) != tree:
            raise InternalError(f"formatting changes the meaning of {file.path}")
    except InputError as error:
        raise InternalError(f"formatting breaks {file.path}: {error}") from error
    return text.replace("\n", "\r\n") if "\r\n" in file.text else text


def _once(file: SourceFile) -> str:
    scanned = check_bounds(file)
    parsed = run(spec_parser(), file.text)
    if not isinstance(parsed, Parsed):
        raise InternalError("a text that parsed does not parse")
    pieces = _pieces(file, scanned, parsed)
    columns: dict[int, set[int]] = {}
    for piece in pieces:
        columns.setdefault(piece.line, set()).add(piece.column)
    first: dict[int, Piece] = {}
    for piece in pieces:
        first.setdefault(piece.line, piece)
    broken: set[int] = set()
    while True:
        lines = _lines(pieces, broken)
        rendered = [_render(line, columns, first) for line in lines]
        long = {
            opening.start
            for line, (_, width) in zip(lines, rendered, strict=True)
            if width > WIDTH and (opening := _outermost(line, broken)) is not None
        }
        if not long:
            break
        broken |= long
    out: list[str] = []
    for line, (text, _) in zip(lines, rendered, strict=True):
        if line.blank_before and out:
            out.append("")
        out.append(text)
    return "\n".join(out) + "\n"


def _outermost(line: Line, broken: set[int]) -> Piece | None:
    """The first brace of the line whose block could be broken."""
    for piece in line.pieces:
        partner = piece.partner
        if piece.text == "{" and piece.block and piece.start not in broken and partner in line.pieces:
            if line.pieces[line.pieces.index(piece) + 1] is not partner:
                return piece
    return None


def _pieces(file: SourceFile, scanned: Scanned, parsed: Parsed) -> list[Piece]:
    """Tokens and comments in their order."""
    pieces: list[Piece] = []
    separators: list[int] = []
    for token in parsed.tokens:
        if token.type == "_SEP":
            separators.append(token.end)
        else:
            pieces.append(_piece(file, "token", token.type, token.text, token.start))
    for lexeme in scanned.all:
        if lexeme.kind == "comment":
            kind: Literal["line comment", "block comment"] = (
                "line comment" if lexeme.text.startswith("//") else "block comment"
            )
            lines = [line.rstrip() for line in lexeme.text.split("\n")]
            pieces.append(_piece(file, kind, "", "\n".join(lines), lexeme.start, len(lexeme.text)))
    pieces.sort(key=lambda piece: piece.start)
    _gaps(file, scanned, pieces)
    _separators(pieces, separators)
    _brackets(pieces)
    return pieces


def _piece(
    file: SourceFile,
    kind: Literal["token", "line comment", "block comment"],
    type_: str,
    text: str,
    start: int,
    length: int = 0,
) -> Piece:
    line, _ = file.position(start)
    before = file.text[file.line_starts[line - 1] : start]
    return Piece(kind, type_, text, start, len(before.expandtabs(TAB_WIDTH)), line, gap=length or len(text))


def _gaps(file: SourceFile, scanned: Scanned, pieces: list[Piece]) -> None:
    """Set `newlines` and `gap`; until here `gap` is the length in the text."""
    end = 0
    for piece in pieces:
        between = file.text[end : piece.start]
        end = piece.start + piece.gap
        piece.newlines = min(between.count("\n"), 2)
        piece.gap = len(between.expandtabs(TAB_WIDTH)) if between.isspace() else 0


def _separators(pieces: list[Piece], ends: list[int]) -> None:
    """Mark the first token behind each separator."""
    waiting = iter(ends)
    end = next(waiting, None)
    for piece in pieces:
        if end is None:
            return
        if piece.kind == "token" and piece.start >= end:
            piece.separated = True
            while end is not None and end <= piece.start:
                end = next(waiting, None)


def _brackets(pieces: list[Piece]) -> None:
    stack: list[tuple[Piece, int]] = []
    before: Piece | None = None
    head = False
    lines = 0
    for piece in pieces:
        lines += piece.newlines + piece.text.count("\n")
        if piece.kind != "token":
            continue
        head = (head or piece.type == "FN") and piece.type != "LBRACE"
        piece.result_arrow = head and piece.type == "ARROW"
        if piece.type in ("LBRACE", "LPAR", "LSQB"):
            literal = before is not None and before.type in ("EQUAL", "ASSIGN", "COLON", "LPAR", "COMMA")
            piece.block = piece.type == "LBRACE" and not literal
            stack.append((piece, lines))
        elif piece.type in ("RBRACE", "RPAR", "RSQB"):
            opening, since = stack.pop()
            opening.partner, piece.partner = piece, opening
            piece.block = opening.block
            opening.alone = piece.alone = lines == since or (before is opening and lines - since == piece.newlines)
        before = piece


def _lines(pieces: list[Piece], broken: set[int]) -> list[Line]:
    """Where lines begin and how far they are indented."""
    lines: list[Line] = []
    open_: list[tuple[Piece, int, int]] = []
    token: Piece | None = None
    before: Piece | None = None
    for piece in pieces:
        enclosing, outer, inner = open_[-1] if open_ else (None, 0, 0)
        breaks = before is None or _breaks(piece, before, enclosing, broken)
        if piece.kind == "token" and piece.partner is not None and piece.text in (")", "]", "}"):
            open_.pop()
            indent = outer
        elif piece.kind == "token" and not _begins(piece, token, enclosing):
            indent = inner + (1 if enclosing is None or enclosing.block else 0)
        else:
            indent = inner
        if breaks:
            after_opening = before is not None and before.kind == "token" and before.text == "{"
            blank = piece.newlines > 1 and not after_opening and not (piece.text == "}" and piece.kind == "token")
            lines.append(Line(indent, blank))
        lines[-1].pieces.append(piece)
        if piece.kind == "token":
            if piece.text in ("(", "[", "{"):
                open_.append((piece, lines[-1].indent, lines[-1].indent + 1))
            token = piece
        before = piece
    return lines


def _begins(piece: Piece, token: Piece | None, enclosing: Piece | None) -> bool:
    """Whether the piece begins a statement or declaration."""
    return token is None or piece.separated or token is enclosing or piece.text in _JOINED


def _breaks(piece: Piece, before: Piece, enclosing: Piece | None, broken: set[int]) -> bool:
    """Whether a line begins with `piece`."""
    if before.kind == "line comment":
        return True
    if piece.kind != "token" or before.kind != "token":
        return piece.newlines > 0 or (piece.separated and not _alone(enclosing, broken))
    if (piece.text == "}" and piece.block) or (before.text == "{" and before.block):
        return not _alone(enclosing, broken)
    if piece.separated:
        return piece.newlines > 0 or not _alone(enclosing, broken)
    if piece.text in _JOINED or piece.newlines == 0:
        return False
    return (
        before.type in ("OPERATOR", "COMMA", "LPAR", "LSQB", "LBRACE")
        or piece.type in ("OPERATOR", "RPAR", "RSQB", "RBRACE", "DOT", "ARROW")
        or (enclosing is not None and not enclosing.block)
    )


def _alone(enclosing: Piece | None, broken: set[int]) -> bool:
    return enclosing is not None and enclosing.alone and enclosing.start not in broken


def _render(line: Line, columns: dict[int, set[int]], first: dict[int, Piece]) -> tuple[str, int]:
    """The text of a line, and its width without a comment at its end."""
    head = line.pieces[0]
    shift = line.indent * INDENT - head.column
    chunks = [" " * (line.indent * INDENT) + head.text]
    length = width = len(chunks[0])
    before = head
    last_token = 0 if head.kind == "token" else None
    for piece in line.pieces[1:]:
        if piece.separated and last_token is not None:
            chunks[last_token] += ";"
            length += 1
        comment = piece.kind != "token" or before.kind != "token"
        space = 1 if comment or piece.separated else _space(before, piece)
        gap = space
        if space and piece.gap > 1 and piece.newlines == 0 and first[piece.line] is head:
            near = columns.get(piece.line - 1, set()) | columns.get(piece.line + 1, set())
            if piece.kind == "line comment" or piece.column in near:
                gap = max(space, piece.column + shift - length)
        chunks.append(" " * gap + piece.text)
        length += len(chunks[-1])
        if piece.kind == "token":
            last_token = len(chunks) - 1
        if piece.kind != "line comment":
            width = length
        before = piece
    return "".join(chunks).rstrip(), width


def _space(before: Piece, piece: Piece) -> int:
    """The spaces between two tokens on a line."""
    if before.result_arrow or piece.result_arrow:
        return 1
    if before.text == ".." or piece.text == ".." or "ARROW" in (before.type, piece.type):
        return 0
    if before.type in _TIGHT_AFTER or piece.type in _TIGHT_BEFORE:
        return 0
    if piece.type == "LPAR":
        return 0 if before.type in ("NAME", "SCOPED") else 1
    return 1
