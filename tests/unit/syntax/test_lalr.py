"""The parser at work against lark's own, on texts with and without mistakes."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from mmcheck.language.syntax import parse
from mmcheck.language.syntax.lalr import Node, Parser
from mmcheck.language.syntax.place import Failure

ROOT = Path(__file__).resolve().parents[3]
PIECES = [
    "let", "if", "in", "on", "(", ")", "{", "}", "[", "]", ";", "\n", "=", "==", "+=", "->", "..", ",", ":", "~", "*",
    "x", "a::b", "0x1F", "12z", '"text"', '"open', "@3", "// note\n", "/* open", "ü", "letü", "#", "await", "until",
]  # fmt: skip


@pytest.fixture(scope="module")
def lark_parser() -> Any:
    return parse.build_parser(parse.grammar_path().read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def parser(lark_parser: Any) -> Parser:
    return Parser(parse.lalr_table(lark_parser))


def by_lark(parser: Any, text: str) -> tuple[Any, list[tuple[str, str, int]]] | Failure:
    """What `mmcheck.language.syntax.parse.run` promises, by lark's lexer and parser."""
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    interactive = parser.parse_interactive(text)
    tokens: list[Any] = []
    continued: list[bool] = []
    before = None
    try:
        for token in interactive.lexer_thread.lex(interactive.parser_state):
            kind = token.type
            if kind == "_SEP" and continued and continued[-1]:
                continue
            if before is not None and before.type in ("EQUAL", "ASSIGN") and before.end_line != token.line:
                return Failure(token.start_pos, frozenset(), after_equal=True)
            if kind in ("LPAR", "LSQB"):
                continued.append(True)
            elif kind == "LBRACE":
                continued.append(before is not None and before.type in ("EQUAL", "ASSIGN", "COLON", "LPAR", "COMMA"))
            elif kind in ("RPAR", "RSQB", "RBRACE") and continued:
                continued.pop()
            interactive.feed_token(token)
            tokens.append(token)
            before = token
        tree = interactive.feed_eof(before)
        return lark_tree(tree), [(token.type, str(token), token.start_pos) for token in tokens]
    except UnexpectedToken as error:
        token = error.token
        offset = len(text) if token.type == "$END" else token.start_pos
        separator = token.type == "_SEP"
        fresh = bool(tokens) and tokens[-1].type == "_SEP"
        if before is not None and before.type in ("EQUAL", "ASSIGN") and "\n" in text[before.end_pos : offset]:
            return Failure(offset, frozenset(), after_equal=True)
        if separator and before is not None:
            offset = token.end_pos if text[offset : token.end_pos].strip() != ";" else offset
        return Failure(offset, frozenset(interactive.accepts()), separator, fresh=fresh)
    except UnexpectedCharacters as error:
        fresh = bool(tokens) and tokens[-1].type == "_SEP"
        return Failure(error.pos_in_stream, frozenset(interactive.accepts()), fresh=fresh)


def lark_tree(tree: Any) -> Any:
    done: dict[int, Any] = {}
    found: Any = None
    for subtree in tree.iter_subtrees():
        children = [done[id(c)] if hasattr(c, "data") else (c.type, str(c), c.start_pos) for c in subtree.children]
        found = done[id(subtree)] = (str(subtree.data), children)
    return found


def our_tree(nodes: list[Node]) -> Any:
    done: dict[int, Any] = {}
    for node in nodes:
        children = [done[id(c)] if isinstance(c, Node) else (c.type, c.text, c.start) for c in node.children]
        done[id(node)] = (node.rule, children)
    return done[id(nodes[-1])]


def ours(parser: Parser, text: str) -> Any:
    outcome = parse.run(parser, text)
    if isinstance(outcome, Failure):
        return outcome
    return our_tree(outcome.nodes), [(token.type, token.text, token.start) for token in outcome.tokens]


def texts() -> list[str]:
    from mmcheck.language.herd.columns import is_herd_format

    found = [
        path.read_text(encoding="utf-8") for folder in ("specs", "litmus") for path in (ROOT / folder).rglob("*.litmus")
    ]
    return sorted((text for text in found if not is_herd_format(text)), key=len)


def test_same_trees_and_tokens(lark_parser: Any, parser: Parser) -> None:
    for text in texts()[::3]:
        assert ours(parser, text) == by_lark(lark_parser, text)


def test_same_mistakes(lark_parser: Any, parser: Parser) -> None:
    random = Random(7)
    small = [text for text in texts() if len(text) < 2500]
    failures = 0
    for _ in range(250):
        text = random.choice(small)
        start = random.randrange(len(text))
        end = min(len(text), start + random.choice([0, 0, 1, 1, 3, 20]))
        text = text[:start] + random.choice(["", "", " ", *PIECES]) + text[end:]
        expected = by_lark(lark_parser, text)
        failures += isinstance(expected, Failure)
        assert ours(parser, text) == expected, text
    assert 100 < failures < 240
