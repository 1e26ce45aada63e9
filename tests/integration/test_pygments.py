"""The lexers: no text is lost, the grammar's words are known, and every sort of word gets its look."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmcheck.language import highlight
from mmcheck.target.words import METHODS, WORDS

pytest.importorskip("pygments")
from pygments import highlight as render
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.token import Error

from mmcheck.interfaces.pygments_lexers import TOKENS, CatLexer, SpecLexer

ROOT = Path(__file__).resolve().parents[2]
GRAMMAR = (ROOT / "mmcheck" / "language" / "syntax" / "dsl.lark").read_text(encoding="utf-8")
SPECS = sorted((ROOT / "specs").rglob("*.litmus")) + sorted((ROOT / "litmus").glob("*.litmus"))
MODELS = sorted((ROOT / "mmcheck").rglob("*.cat"))


def looks(text: str) -> dict[str, str]:
    """The look of each word of a specification; of a word that occurs twice, the last."""
    return {piece: look for look, piece in highlight.spec(text) if piece.strip()}


def test_every_word_of_the_grammar_is_known() -> None:
    words = set(re.findall(r"^[A-Z_]+\.1: /([a-z]+)\\b/$", GRAMMAR, re.MULTILINE))
    assert len(words) > 50
    known = highlight.RESERVED | highlight.DECLARING | highlight.JOINING | highlight.VERDICTS
    assert words - known == set()
    assert known - words - {"forall", "exists"} <= {"on"}


def test_the_reserved_words_are_the_grammars() -> None:
    match = re.search(r"^NAME: /\(\?!\(\?:([a-z|]+)\)", GRAMMAR, re.MULTILINE)
    assert match is not None
    assert set(match[1].split("|")) == highlight.RESERVED


@pytest.mark.parametrize("path", SPECS + MODELS, ids=lambda path: path.name)
def test_nothing_is_lost_and_nothing_is_an_error(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lexer = CatLexer() if path.suffix == ".cat" else SpecLexer()
    tokens = list(lexer.get_tokens_unprocessed(text))
    assert "".join(piece for _, _, piece in tokens) == text
    assert [position for position, _, _ in tokens] == [
        sum(len(piece) for _, _, piece in tokens[:number]) for number in range(len(tokens))
    ]
    assert all(kind is not Error for _, kind, _ in tokens)


@given(st.text(max_size=300))
def test_any_text_comes_back(text: str) -> None:
    assert "".join(piece for _, piece in highlight.spec(text)) == text
    assert "".join(piece for _, piece in highlight.cat(text)) == text
    assert "\n".join("".join(piece for _, piece in row) for row in highlight.lines(text)) == text


def test_looks_of_a_specification() -> None:
    found = looks(
        'spec "t" targets armv8  // why\nmemory status, device: u16\nrequirement seen { cites "c" }\n'
        "thread t {\n  publish: fence(release)\n  status.store(1, Ordering::Release)\n  smp_wmb() @12\n"
        "  if status == 0x10 { return }\n}\nexpect seen violated by hardware on armv8\n"
    )
    assert found["spec"] == found["requirement"] == found["thread"] == found["expect"] == "declaration"
    assert found['"t"'] == "text" and found["// why"] == "comment"
    assert found["publish"] == "label" and found["@12"] == "label"
    assert found["fence"] == found["smp_wmb"] == found["store"] == "word"
    assert found["release"] == found["Ordering::Release"] == "order"
    assert found["if"] == found["return"] == "keyword"
    assert found["u16"] == "type" and found["0x10"] == "number"
    assert found["violated"] == "verdict" and found["by"] == found["on"] == "declaration"
    assert found["seen"] == found["armv8"] == ""


def test_fields_are_no_labels() -> None:
    found = looks(
        "struct D { addr: *u32, len: u16 }\nmemory { d: D }\nthread t {\n  x = { one: 1 }\n  w: WRITE_ONCE(x, 1)\n}"
    )
    assert found["addr"] == found["len"] == found["d"] == found["one"] == ""
    assert found["w"] == "label" and found["WRITE_ONCE"] == "word"


def test_contextual_words_are_names_where_they_can_be() -> None:
    found = looks("thread t {\n  let a = device\n  status = before\n  add.store(1, relaxed)\n}")
    assert found["device"] == found["status"] == found["before"] == found["add"] == ""


def test_every_word_of_the_vocabulary_is_shown_as_one() -> None:
    for name in WORDS:
        assert looks(f"thread t {{\n  {name}(x)\n}}")[name] == "word", name
    for name in METHODS:
        assert looks(f"thread t {{\n  x.{name}(1)\n}}")[name] == "word", name


def test_every_look_has_a_token() -> None:
    assert set(highlight.Look.__args__) == set(TOKENS)  # type: ignore[attr-defined]


def test_entry_points_name_the_lexers() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for place in project["entry-points"]["pygments.lexers"].values():
        module, _, name = place.partition(":")
        assert issubclass(getattr(import_module(module), name), Lexer)


def test_html_is_escaped() -> None:
    html = render('spec "</span><script>alert(1)</script>"\n', SpecLexer(), HtmlFormatter())
    assert "<script>" not in html
