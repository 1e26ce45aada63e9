"""Pygments lexers of specifications (``mmcheck``) and of cat models (``cat``)."""

from __future__ import annotations

from collections.abc import Iterator

from pygments.lexer import Lexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String, Text, _TokenType

from mmcheck.language import highlight
from mmcheck.language.herd.columns import is_herd_format

TOKENS: dict[str, _TokenType] = {
    "": Text,
    "comment": Comment,
    "text": String,
    "number": Number,
    "keyword": Keyword,
    "declaration": Keyword.Declaration,
    "verdict": Keyword.Constant,
    "type": Keyword.Type,
    "word": Name.Builtin,
    "order": Name.Constant,
    "label": Name.Label,
    "sign": Operator,
}
"""What Pygments calls the looks of `mmcheck.language.highlight`."""


def _tokens(pieces: highlight.Pieces) -> Iterator[tuple[int, _TokenType, str]]:
    position = 0
    for look, text in pieces:
        yield position, TOKENS[look], text
        position += len(text)


class SpecLexer(Lexer):
    """Specifications of memory barriers."""

    name = "mmcheck specification"
    aliases = ("mmcheck", "litmus")
    filenames = ("*.litmus",)
    mimetypes = ("text/x-mmcheck",)

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, _TokenType, str]]:
        return _tokens(highlight.spec(text))

    @staticmethod
    def analyse_text(text: str) -> float:
        return 0.1 if is_herd_format(text) else 0.6 if "requirement " in text and "thread " in text else 0.0


class CatLexer(Lexer):
    """Memory models in cat."""

    name = "cat memory model"
    aliases = ("cat",)
    filenames = ("*.cat",)
    mimetypes = ("text/x-cat",)

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, _TokenType, str]]:
        return _tokens(highlight.cat(text))
