"""Text to tree: the only door to lark, which is imported only where no parse table is saved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmcheck.base import cache, gate
from mmcheck.base.errors import Diagnostic, InputError, InternalError, fail
from mmcheck.base.records import record
from mmcheck.base.source import SourceFile, Span
from mmcheck.language.syntax import ast, tables
from mmcheck.language.syntax.build_ast import Builder, check_depth
from mmcheck.language.syntax.build_expr import Leaf
from mmcheck.language.syntax.lalr import Node, Parser, Run, Stuck
from mmcheck.language.syntax.mistakes import explain
from mmcheck.language.syntax.place import Failure, skipped
from mmcheck.language.syntax.scan import Scanned

if TYPE_CHECKING:
    from lark import Lark

MAX_SIZE = 200_000
"""Characters of a file."""

MAX_NESTING = 200
"""Brackets inside each other."""

MAX_ERRORS = 10
"""Diagnostics of one text."""

MAX_WORDS = 40_000
"""Words, numbers and signs of a file; the largest specification that ships with mmcheck has 2,000."""

MAX_RETRIED = 60_000
"""Words parsed while looking for further errors; large files report fewer."""

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
        parsed += len(scanned.code)
        start, end = skipped(scanned, outcome)
        if len(found) >= MAX_ERRORS or parsed >= MAX_RETRIED or not text[start:end].strip():
            raise InputError(_in_order(found))
        text = text[:start] + _blank(text[start:end]) + text[end:]
        scanned = Scanned(text)
        if not scanned.code:
            raise InputError(_in_order(found))
    builder = Builder(file)
    tree = fold(outcome, builder)
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
    if len(scanned.code) > MAX_WORDS:
        at = scanned.code[MAX_WORDS].start
        message = f"the file is too large: {len(scanned.code):,} words, more than {MAX_WORDS:,}"
        raise fail("MM002", message, Span(file, at, at + 1), help="split it with 'include'")
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
    """A parse that succeeded. `nodes` are the reductions, operands before what they are in, the last one the whole;
    `tokens` are all terminals, filtered ones and separators included."""

    nodes: list[Node]
    tokens: list[Leaf]


def run(parser: Parser, text: str) -> Parsed | Failure:
    """Parse `text`, with what a grammar cannot say about line ends.

    A line end is none inside parentheses, square brackets and record literals, and must not stand
    behind ``=``. Separators are dropped, never held back: the lexer depends on the parser's state.
    """
    process = Run(parser, text)
    tokens: list[Leaf] = []
    continued: list[bool] = []
    before: Leaf | None = None
    try:
        while (found := process.next()) is not None:
            symbol, token = found
            kind = token.type
            if kind == "_SEP" and continued and continued[-1]:
                continue
            if before is not None and before.type in ("EQUAL", "ASSIGN") and "\n" in text[before.end : token.start]:
                return Failure(token.start, frozenset(), after_equal=True)
            if kind in ("LPAR", "LSQB"):
                continued.append(True)
            elif kind == "LBRACE":
                continued.append(before is not None and before.type in ("EQUAL", "ASSIGN", "COLON", "LPAR", "COMMA"))
            elif kind in ("RPAR", "RSQB", "RBRACE") and continued:
                continued.pop()
            process.feed(symbol, token)
            tokens.append(token)
            before = token
        process.finish()
        return Parsed(process.nodes, tokens)
    except Stuck as stuck:
        offset = stuck.start
        separator = stuck.symbol >= 0 and parser.names[stuck.symbol] == "_SEP"
        if stuck.symbol >= 0 and before is not None:
            if before.type in ("EQUAL", "ASSIGN") and "\n" in text[before.end : offset]:
                return Failure(offset, frozenset(), after_equal=True)
            if separator:
                offset = stuck.end if text[offset : stuck.end].strip() != ";" else offset
        return Failure(offset, process.accepts(), separator, fresh=bool(tokens) and tokens[-1].type == "_SEP")


def fold(parsed: Parsed, builder: Builder) -> ast.File:
    """Hand every reduction to `builder`, from the leaves up and without recursion."""
    done: dict[int, Any] = {}
    result: Any = None
    for node in parsed.nodes:
        children = [done.pop(id(child)) if isinstance(child, Node) else child for child in node.children]
        result = done[id(node)] = builder.reduce(node.rule, children)
    assert isinstance(result, ast.File)
    return result


# ---- the parser and its table ----


def grammar_path() -> Path:
    return Path(__file__).with_name("dsl.lark")


@lru_cache(maxsize=1)
def spec_parser() -> Parser:
    """The parser, from a saved table if there is a good one."""
    grammar = _grammar()
    key = tables.table_key(grammar)
    parser = _from_table(_packaged(key))
    store = cache.store() if parser is None else None
    if parser is None and store is not None:
        parser = _from_table(tables.kept(store, key))
    if parser is None:
        table = lalr_table(build_parser(grammar))
        parser = Parser(table)
        if store is not None:
            tables.keep(store, table, key)
    return parser


def _packaged(key: str) -> tables.Table | None:
    """The table that was installed with mmcheck."""
    try:
        return tables.decode(gate.own(Path(__file__).parent / PACKAGE_TABLE), key)
    except OSError:
        return None


def _grammar() -> str:
    return gate.own(grammar_path()).decode()


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


def lalr_table(built: Lark) -> tables.Table:
    """What `mmcheck.language.syntax.lalr` needs of a parser that lark has built."""
    frontend: Any = built.parser
    analysis, contextual = frontend.parser._parse_table, frontend.lexer
    root = contextual.root_lexer
    terminals = sorted(root.terminals, key=lambda terminal: str(terminal.name))
    names = [terminal.name for terminal in terminals] + ["$END"]
    names += sorted(
        {str(rule.origin.name) for rule in built.rules} | {s for a in analysis.states.values() for s in a} - {*names}
    )
    number = {str(name): place for place, name in enumerate(dict.fromkeys(map(str, names)))}
    rules = list(built.rules)
    rule_of = {id(rule): place for place, rule in enumerate(rules)}
    by_value = {rule: place for place, rule in enumerate(rules)}
    lexers: list[list[list[int]]] = []
    seen: dict[tuple[int, ...], int] = {}
    lexer_of, states = [], []
    for state in range(len(analysis.states)):
        lexer = [number[str(terminal.name)] for terminal in contextual.lexers[state].scanner.terminals]
        if contextual.lexers[state].callback:
            raise InternalError("a terminal of the grammar is hidden by another one")
        if tuple(lexer) not in seen:
            seen[tuple(lexer)] = len(lexers)
            lexers.append(_by_kind(lexer, terminals))
        lexer_of.append(seen[tuple(lexer)])
        row: list[int] = []
        for symbol, (action, argument) in analysis.states[state].items():
            shifts = str(action) == "Shift"
            reduced = rule_of.get(id(argument)) if not shifts else None
            target = argument if shifts else -1 - (by_value[argument] if reduced is None else reduced)
            row += [number[str(symbol)], target]
        states.append(row)
    lexers.append(_by_kind([number[str(terminal.name)] for terminal in root.scanner.terminals], terminals))
    return {
        "symbols": list(number),
        "patterns": [terminal.pattern.to_regexp() for terminal in terminals],
        "ignored": sorted(number[name] for name in root.ignore_types),
        "rules": [_rule(rule, number) for rule in rules],
        "lexers": lexers,
        "lexer_of": lexer_of,
        "states": states,
        "start": analysis.start_states["start"],
        "accept": analysis.end_states["start"],
    }


def _by_kind(lexer: list[int], terminals: list[Any]) -> list[list[int]]:
    """The terminals before the reserved words, these, and the others: a word is looked up and not tried."""
    words = [t for t in lexer if re.fullmatch(r"[A-Za-z_]+\\b", terminals[t].pattern.value)]
    level = {terminals[word].priority for word in words} or {1}
    before = [t for t in lexer if t not in words and terminals[t].priority > max(level)]
    after = [t for t in lexer if t not in words and t not in before]
    rivals = [t for t in after if terminals[t].priority >= min(level)]
    for word in words:
        text = terminals[word].pattern.value.removesuffix(r"\b")
        if len(level) > 1 or any(re.match(terminals[t].pattern.to_regexp(), text) for t in rivals):
            raise InternalError(f"the word {text!r} of the grammar is another terminal as well")
    return [before, words, after]


def _rule(rule: Any, number: Mapping[str, int]) -> list[Any]:
    """The fields of `mmcheck.language.syntax.lalr.Rule`."""
    if rule.alias or rule.options.keep_all_tokens or rule.options.empty_indices:
        raise InternalError(f"the grammar has a rule of an unknown form: {rule}")
    keep = [
        (place, not symbol.is_term and symbol.name.startswith("_"))
        for place, symbol in enumerate(rule.expansion)
        if not (symbol.is_term and symbol.filter_out)
    ]
    return [number[str(rule.origin.name)], len(rule.expansion), keep, bool(rule.options.expand1)]


def _from_table(table: tables.Table | None) -> Parser | None:
    if table is None:
        return None
    try:
        return Parser(table)
    except (LookupError, TypeError, ValueError):
        return None


def build_table(path: Path) -> None:
    """Build the parse table and write it to `path`; for the build of the package."""
    grammar = _grammar()
    gate.write(path, tables.encode(lalr_table(build_parser(grammar)), tables.table_key(grammar)))


def parse_text(text: str, path: str = "<text>") -> ast.File:
    """The tree of a text that stands in no file."""
    return parse_spec(SourceFile(path, text))
