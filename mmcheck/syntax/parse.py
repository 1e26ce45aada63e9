"""Text to tree: the only door to lark, which is imported when the first text is parsed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmcheck.errors import Diagnostic, InputError, fail
from mmcheck.records import record
from mmcheck.source import SourceFile, Span
from mmcheck.syntax import ast, tables
from mmcheck.syntax.build_ast import Builder, check_depth
from mmcheck.syntax.build_expr import Leaf
from mmcheck.syntax.mistakes import Failure, explain, skipped
from mmcheck.syntax.scan import Scanned

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

MAX_SIZE = 200_000
"""Characters of a file."""

MAX_NESTING = 200
"""Brackets inside each other."""

MAX_ERRORS = 10
"""Diagnostics of one text."""

MAX_RETRIED = 2_000_000
"""Characters parsed while looking for further errors; large files report fewer."""

PACKAGE_TABLE = "_table.bin"


def parse_spec(file: SourceFile) -> ast.File:
    """The tree of a specification; raises `InputError` with up to `MAX_ERRORS` diagnostics."""
    scanned = check_bounds(file)
    parser = spec_parser()
    found: list[Diagnostic] = []
    text = file.text
    parsed = 0
    while True:
        outcome = run(parser, text)
        if not isinstance(outcome, Failure):
            break
        found.append(explain(file, scanned, outcome))
        parsed += len(text)
        start, end = skipped(scanned, outcome)
        if len(found) >= MAX_ERRORS or parsed >= MAX_RETRIED or not text[start:end].strip():
            raise InputError(_in_order(found))
        text = text[:start] + _blank(text[start:end]) + text[end:]
        scanned = Scanned(text)
        if not scanned.code:
            raise InputError(_in_order(found))
    builder = Builder(file)
    tree = fold(outcome.tree, builder)
    found.extend(builder.diagnostics)
    deep = check_depth(tree)
    if deep is not None:
        found.append(deep)
    if found:
        raise InputError(_in_order(found)[:MAX_ERRORS])
    return tree


def check_bounds(file: SourceFile) -> Scanned:
    """The scanned text, if it is one that the parser may have; raises `InputError`."""
    text = file.text
    if len(text) > MAX_SIZE:
        size = f"{len(text):,} characters, more than {MAX_SIZE:,}"
        raise fail("MM002", f"the file is too large: {size}", Span(file, 0, 0), help="split it with 'include'")
    zero = text.find("\0")
    if zero >= 0:
        raise fail("MM003", "this is no text: it holds a zero byte", Span(file, zero, zero + 1))
    scanned = Scanned(text)
    if not scanned.code:
        what = "the file is empty" if not text.strip() else "the file is empty but for comments"
        raise fail("MM001", what, Span(file, 0, 0))
    if scanned.brackets.depth > MAX_NESTING:
        at = scanned.brackets.deepest
        message = f"brackets are nested {scanned.brackets.depth} deep; {MAX_NESTING} is the limit"
        raise fail("MM004", message, Span(file, at, at + 1))
    return scanned


def _blank(text: str) -> str:
    return "".join(character if character == "\n" else " " for character in text)


def _in_order(found: list[Diagnostic]) -> list[Diagnostic]:
    return sorted(found, key=lambda each: each.span.start if each.span else -1)


@record
class Parsed:
    """A parse that succeeded; `tokens` are all terminals, filtered ones and separators included."""

    tree: Tree[Token]
    tokens: list[Token]


def run(parser: Lark, text: str) -> Parsed | Failure:
    """Parse `text`, with what a grammar cannot say about line ends.

    A line end is none inside parentheses, square brackets and record literals, and must not stand
    behind ``=``. Separators are dropped, never held back: the lexer depends on the parser's state.
    """
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    interactive: Any = parser.parse_interactive(text)
    tokens: list[Token] = []
    continued: list[bool] = []
    before: Token | None = None
    try:
        for token in interactive.lexer_thread.lex(interactive.parser_state):
            kind = token.type
            if kind == "_SEP" and continued and continued[-1]:
                continue
            if before is not None and before.type in ("EQUAL", "ASSIGN") and before.end_line != token.line:
                return Failure(token.start_pos or 0, frozenset(), after_equal=True)
            if kind in ("LPAR", "LSQB"):
                continued.append(True)
            elif kind == "LBRACE":
                continued.append(before is not None and before.type in ("EQUAL", "ASSIGN", "COLON", "LPAR", "COMMA"))
            elif kind in ("RPAR", "RSQB", "RBRACE") and continued:
                continued.pop()
            interactive.feed_token(token)
            tokens.append(token)
            before = token
        return Parsed(interactive.feed_eof(before), tokens)
    except UnexpectedToken as error:
        token = error.token
        offset = len(text) if token.type == "$END" else token.start_pos or 0
        separator = token.type == "_SEP"
        if before is not None and before.type in ("EQUAL", "ASSIGN") and "\n" in text[before.end_pos : offset]:
            return Failure(offset, frozenset(), after_equal=True)
        if separator and before is not None:
            offset = (token.end_pos or offset) if text[offset : token.end_pos].strip() != ";" else offset
        return Failure(offset, frozenset(interactive.accepts()), separator, fresh=_fresh(tokens))
    except UnexpectedCharacters as error:
        return Failure(error.pos_in_stream or 0, frozenset(interactive.accepts()), fresh=_fresh(tokens))


def _fresh(tokens: list[Token]) -> bool:
    return bool(tokens) and tokens[-1].type == "_SEP"


def fold(tree: Tree[Token], builder: Builder) -> ast.File:
    """Hand every reduction of `tree` to `builder`, from the leaves up and without recursion."""
    from lark import Tree as LarkTree

    done: dict[int, Any] = {}
    result: Any = None
    for subtree in tree.iter_subtrees():
        children = [done.pop(id(c)) if isinstance(c, LarkTree) else _leaf(c) for c in subtree.children]
        result = done[id(subtree)] = builder.reduce(str(subtree.data), children)
    assert isinstance(result, ast.File)
    return result


def _leaf(token: Token) -> Leaf:
    assert token.start_pos is not None and token.end_pos is not None
    return Leaf(token.type, str(token), token.start_pos, token.end_pos)


# ---- the parser and its table ----


def grammar_path() -> Path:
    return Path(__file__).with_name("dsl.lark")


@cache
def spec_parser() -> Lark:
    """The parser, from a saved table if there is a good one."""
    import lark

    grammar = grammar_path().read_text(encoding="utf-8")
    key = tables.table_key(grammar, lark.__version__)
    for path, private in _saved_tables():
        parser = _from_table(tables.read_table(path, key, private=private))
        if parser is not None:
            return parser
    parser = build_parser(grammar)
    directory = tables.cache_directory()
    if directory is not None:
        try:
            tables.write_table(directory / "table.bin", _to_table(parser), key)
        except OSError:
            pass  # a cache that cannot be written is no cache
    return parser


def _saved_tables() -> Iterator[tuple[Path, bool]]:
    yield Path(__file__).parent / PACKAGE_TABLE, False
    directory = tables.cache_directory()
    if directory is not None:
        yield directory / "table.bin", True


def build_parser(grammar: str, *, strict: bool = False) -> Lark:
    """The parser, built from the text of the grammar.

    Unless `strict`, lark's search for colliding terminals is switched off: it takes three times as
    long as everything else, and happens whenever the package `interegular` is installed.
    """
    import lark
    from lark.common import LexerConf
    from lark.lexer import ContextualLexer

    class UncheckedLexer(ContextualLexer):
        def __init__(self, conf: LexerConf, states: Any, always_accept: Any = ()) -> None:
            conf.skip_validation = True
            super().__init__(conf, states, always_accept)

    plugins = {} if strict else {"ContextualLexer": UncheckedLexer}
    return lark.Lark(grammar, parser="lalr", lexer="contextual", strict=strict, _plugins=plugins)


def _to_table(parser: Lark) -> tables.Table:
    from lark.grammar import Rule
    from lark.lexer import TerminalDef

    data, memo = parser.memo_serialize([TerminalDef, Rule])
    data["options"] = {**data["options"], "_plugins": {}}
    return {"data": data, "memo": memo}


def _from_table(table: tables.Table | None) -> Lark | None:
    if table is None:
        return None
    import lark

    try:
        load: Any = lark.Lark._load_from_dict
        parser: Lark = load(table["data"], table["memo"])
        return parser
    except (LookupError, TypeError, ValueError, AttributeError, AssertionError):
        return None


def build_table(path: Path) -> None:
    """Build the parse table and write it to `path`; for the build of the package."""
    import lark

    grammar = grammar_path().read_text(encoding="utf-8")
    tables.write_table(path, _to_table(build_parser(grammar)), tables.table_key(grammar, lark.__version__))


def parse_text(text: str, path: str = "<text>") -> ast.File:
    """The tree of a text that stands in no file."""
    return parse_spec(SourceFile(path, text))
