"""The formatter keeps the tree and the comments, and has nothing to do on its own output."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmcheck.base.errors import InputError
from mmcheck.base.source import SourceFile
from mmcheck.language.syntax.dump import dump
from mmcheck.language.syntax.format import format_spec
from mmcheck.language.syntax.parse import parse_text
from mmcheck.language.syntax.scan import scan

CORPUS = Path(__file__).parents[2] / "data" / "specs17"
SPECS = sorted(CORPUS.rglob("*.litmus"))
SHORT = [path for path in SPECS if path.stat().st_size < 1500]


def fmt(text: str) -> str:
    return format_spec(SourceFile("<text>", text))


def comments(text: str) -> list[str]:
    """The comments, without what lies at the ends of their lines."""
    return [re.sub(r"\s*\n", "\n", each.text.rstrip()) for each in scan(text) if each.kind == "comment"]


def check(text: str) -> str:
    formatted = fmt(text)
    assert fmt(formatted) == formatted
    assert dump(parse_text(text)) == dump(parse_text(formatted))
    assert comments(text) == comments(formatted)
    return formatted


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_specifications(path: Path) -> None:
    check(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("thread  P0{x=1;y=2}", "thread P0 { x = 1; y = 2 }\n"),
        ("thread P0 {\nx=1;y=2}", "thread P0 {\n  x = 1\n  y = 2\n}\n"),
        ("thread P0\n{\n\n\nx = 1\n\n\n\ny = 2;\n\n}\n\n\n", "thread P0 {\n  x = 1\n\n  y = 2\n}\n"),
        ("thread P0 { x = ( a+b )*- c [ 1 ] }", "thread P0 { x = (a + b) * -c[1] }\n"),
        ("thread P0 { for i in 0 .. 2 { f( ! a , & b ) } }", "thread P0 { for i in 0..2 { f(!a, &b) } }\n"),
        (
            "thread P0 {\nif a {\nb=1\n}\nelse\n{\nb=2\n}\n}",
            "thread P0 {\n  if a {\n    b = 1\n  } else {\n    b = 2\n  }\n}\n",
        ),
        ("fn f(a:u16,b)->u16{return a}", "fn f(a: u16, b) -> u16 { return a }\n"),
        ("thread P0 { let p=f(q) -> c; x . store( 1 , release ? ) @12 }", None),
        ("memory { a:u16=1,b [ 2 ] }", "memory { a: u16 = 1, b[2] }\n"),
        ("struct D { p:* u32 }", "struct D { p: *u32 }\n"),
        ("requirement r { ~ exists x==1 }", "requirement r { ~exists x == 1 }\n"),
        ("targets x86-tso ,armv8+rcpc", "targets x86-tso, armv8+rcpc\n"),
        ("thread P0 { x = { a:1 ,b:&c } }", "thread P0 { x = { a: 1, b: &c } }\n"),
        ("thread P0 { f(a,\nb) }", "thread P0 {\n  f(a,\n    b)\n}\n"),
        ("thread P0 { x = a\n&& b }", "thread P0 {\n  x = a\n    && b\n}\n"),
        ("thread P0 { }", "thread P0 { }\n"),
        ("thread P0 {\n}", "thread P0 { }\n"),
        ("x", None),
    ],
)
def test_layout(text: str, expected: str | None) -> None:
    if text == "x":
        with pytest.raises(InputError):
            fmt(text)
        return
    formatted = check(text)
    if expected is not None:
        assert expected == formatted


def test_long_block_is_broken() -> None:
    body = "; ".join(f"word_number_{i}(release)" for i in range(5))
    expected = "thread P0 {\n" + "".join(f"  word_number_{i}(release)\n" for i in range(5)) + "}\n"
    assert expected == check(f"thread P0 {{ {body} }}")


def test_comments_keep_their_columns() -> None:
    text = "memory { x, y }    // both\nthread P0 {         // first\n    x = 1           // store\n}\n"
    assert check(text) == text.replace("    x = 1           //", "  x = 1           //")


def test_alignment_is_kept_and_not_invented() -> None:
    aligned = "const SIZE  = 3\nconst AVAIL = 1 << 7\nconst X = 1\n"
    assert check(aligned) == aligned
    assert check("const SIZE   = 3\nconst AVAIL = 1\n") == "const SIZE = 3\nconst AVAIL = 1\n"


@pytest.mark.parametrize(
    "text",
    [
        "// a\nmemory x // b\n// c\nthread P0 { // d\n// e\nx = 1 // f\n// g\n} // h\n// i",
        "thread P0 { x = 1 /* a */; /* b */ y = 2 /* c */ }",
        "thread P0 {\nx = 1 /* a\n  b\n */ y = 2\n}".replace(" */ y", " */\n y"),
        "thread P0 {\nif a { b = 1 } // c\nelse { b = 2 }\n}",
        "thread P0 { f(a, // first\nb // second\n) }",
        "memory {\na, // x\nb // y\n}",
    ],
)
def test_comments_stay(text: str) -> None:
    check(text)


def test_line_ends_are_kept() -> None:
    assert fmt("memory x\r\nthread P0 {\r\nx = 1\r\n}\r\n") == "memory x\r\nthread P0 {\r\n  x = 1\r\n}\r\n"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SHORT), st.randoms(use_true_random=False))
def test_white_space_does_not_matter(path: Path, random: object) -> None:
    """Perturbed white space and comments: the tree stays, and formatting is idempotent."""
    choice = random.choice  # type: ignore[attr-defined]
    out = []
    for lexeme in scan(path.read_text(encoding="utf-8")):
        text = lexeme.text
        if lexeme.kind == "space":
            text = choice([" ", text, "\t", "   ", " /* c */ "])
        elif lexeme.kind == "newline":
            text = choice(["\n", "\n", "\n\n\n", "  \n\t", "\n// c\n", "\n/* a\n  b */\n", " // c\n", "\r\n"])
        out.append(text)
    perturbed = "".join(out)
    assert dump(parse_text(path.read_text(encoding="utf-8"))) == dump(parse_text(perturbed))
    check(perturbed.replace("\r\n", "\n"))
