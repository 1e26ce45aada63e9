"""The cat language: precedence, arities, messages, includes, recursion."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmcheck.base.errors import Diagnostic, InputError
from mmcheck.base.source import SourceFile, excerpt
from mmcheck.engines.enumeration.enumerate import Enumeration
from mmcheck.engines.smt.count import all_executions
from mmcheck.engines.smt.encode import encode
from mmcheck.engines.unfolding.unfold import unfold
from mmcheck.ir.program import Cell, Const, Load, Program, Reg, Store, Thread
from mmcheck.model.expr import Node
from mmcheck.model.model import Model, load_model, model_from_text


def model_of(text: str) -> Model:
    return model_from_text("test", SourceFile("test.cat", text))


def node_of(expression: str) -> Node:
    return model_of(f"let it = {expression}\nacyclic po as a").definitions["it"]


def mistake(text: str) -> Diagnostic:
    with pytest.raises(InputError) as found:
        model_of(text)
    (diagnostic,) = found.value.diagnostics
    return diagnostic


@pytest.mark.parametrize(
    ("expression", "bracketed"),
    [
        ("po | rf ; co", "po | (rf ; co)"),
        ("po ; rf | co", "(po ; rf) | co"),
        ("po ; rf \\ co", "po ; (rf \\ co)"),
        ("po \\ rf & co", "po \\ (rf & co)"),
        ("po & R * W", "po & (R * W)"),
        ("po \\ rf \\ co", "(po \\ rf) \\ co"),
        ("po | rf & co | addr", "(po | (rf & co)) | addr"),
        ("~po & rf", "(~po) & rf"),
        ("~po^+", "~(po^+)"),
        ("po;rf^-1", "po;(rf^-1)"),
        ("po^+?", "(po^+)?"),
        ("R * W | po", "(R * W) | po"),
        ("[R];po;[W]", "([R];po);[W]"),
        ("po+ ; rf", "(po^+) ; rf"),
        ("po* ", "po^*"),
        ("po?;rf", "(po?);rf"),
        ("(let a = po in a | rf) & co", "(po | rf) & co"),
    ],
)
def test_precedence(expression: str, bracketed: str) -> None:
    text = f"let one = {expression}\nlet two = {bracketed}\nacyclic po as a"
    definitions = model_of(text).definitions
    assert definitions["one"] is definitions["two"]


def test_a_difference_of_nested_unions_is_not_flattened_away() -> None:
    definitions = model_of("let one = po \\ (rf | co)\nlet two = po \\ rf | co\nacyclic po as a").definitions
    assert definitions["one"] is not definitions["two"]


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "words"),
    [
        ("acyclic po | as a", "MM403", 1, 14, "unexpected 'as'"),
        ("let a = po |", "MM403", 1, 13, "ends too early"),
        ("let = po", "MM403", 1, 5, "expected a name"),
        ("let a = (po", "MM403", 1, 12, "expected ')'"),
        ("let a = [R\nacyclic a", "MM403", 2, 1, "expected ']'"),
        ("let a = po\nacyclick a as b", "MM403", 2, 1, "unexpected 'acyclick'"),
        ("let a = po $ rf", "MM401", 1, 12, "'$' has no meaning"),
        ("(* not closed", "MM402", 1, 1, "never closed"),
        ("let a = po and b = rf", "MM403", 1, 12, "'let rec'"),
        ("acyclic pp as a", "MM405", 1, 9, "no set or relation is called 'pp'"),
        ("let a = po\nacyclic a | dbm as x", "MM405", 2, 13, "'dbm'"),
        ("acyclic DMB.ISSH as a", "MM405", 1, 9, "'DMB.ISSH'"),
        ("let a = R | po", "MM406", 1, 9, "mixes a set and a relation"),
        ("let a = R ; po", "MM406", 1, 9, "expected a relation"),
        ("let a = [po]", "MM406", 1, 10, "expected a set"),
        ("let a = R^+", "MM406", 1, 9, "expected a relation"),
        ("let a = po * rf", "MM406", 1, 9, "expected a set"),
        ("acyclic R as a", "MM406", 1, 1, "needs a relation"),
        ("let f(a) = a\nlet b = f(po, rf)", "MM406", 2, 9, "takes 1 arguments, not 2"),
        ("let f(a) = a\nlet b = f", "MM406", 2, 9, "needs arguments"),
        ("let b = po(rf)", "MM406", 1, 9, "not a function"),
        ("let a = domain(R)", "MM406", 1, 16, "expected a relation"),
        ("let a = po", "MM408", None, None, "no axiom"),
        ("~acyclic po as a", "MM409", 1, 1, "demands a cycle"),
        ("let rec r = po \\ r\nacyclic r as a", "MM411", 1, 9, "positively"),
        ("let rec r = po | (r;r)\nacyclic po \\ r as a", "MM411", 2, 1, "positively"),
        ('include "../up.cat"', "MM407", 1, 1, "below its own folder"),
        ('include "/etc/passwd"', "MM407", 1, 1, "below its own folder"),
        ('include "missing.cat"', "MM407", 1, 1, "cannot read"),
        ("include missing", "MM403", 1, 9, "file name in quotes"),
    ],
)
def test_mistakes_have_a_place_and_a_message(
    text: str, code: str, line: int | None, column: int | None, words: str
) -> None:
    found = mistake(text)
    assert found.code == code, found
    assert words in found.message
    if line is None:
        return
    assert found.span is not None
    assert (found.span.line, found.span.column) == (line, column)


def test_the_caret_stands_under_the_mistake() -> None:
    span = mistake("let a = po\nacyclic a | dbm as x").span
    assert span is not None
    line, caret = excerpt(span).split("\n")[-2:]
    assert line.index("dbm") == caret.index("^")
    assert caret.count("^") == 3


@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("~", ""), ("let a = po in (", ")"), ("[domain(", ")]")])
def test_deep_nesting_is_an_error_and_no_crash(opening: str, closing: str) -> None:
    text = f"acyclic {opening * 5000}po{closing * 5000} as a"
    assert mistake(text).code == "MM404"


def test_long_chains_are_no_nesting() -> None:
    model_of(f"acyclic {' | '.join(['po'] * 5000)} as a")
    model_of(f"acyclic {' ; '.join(['po', 'rf'] * 1000)} as a")
    model_of(f"acyclic po{'^+' * 50} as a")
    assert mistake(f"acyclic po{'^+' * 5000} as a").code == "MM404"


def test_includes_are_read_once_and_stay_below(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.cat").write_text("let b = po | rf\n")
    main = tmp_path / "a.cat"
    main.write_text('include "sub/b.cat"\ninclude "sub/b.cat"\nacyclic b as a\n')
    assert [axiom.name for axiom in load_model(str(main)).axioms] == ["a"]


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.cat"
    outside.write_text("acyclic po as a\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "link.cat").symlink_to(outside)
    main = inner / "main.cat"
    main.write_text('include "link.cat"\n')
    with pytest.raises(InputError):
        load_model(str(main))


@pytest.mark.parametrize("way", [("a",), ("b", "a"), ("b", "c", "b")])
def test_a_file_that_includes_itself(tmp_path: Path, way: tuple[str, ...]) -> None:
    for name, target in zip(("a", *way), way, strict=False):
        (tmp_path / f"{name}.cat").write_text(f'include "{target}.cat"\nacyclic po as {name}\n')
    with pytest.raises(InputError) as caught:
        load_model(str(tmp_path / "a.cat"))
    (found,) = caught.value.diagnostics
    assert found.code == "MM407" and "includes itself" in found.message
    assert found.span is not None and found.span.file.path.endswith(f"{('a', *way)[-2]}.cat")


# --- recursion, by both engines ----------------------------------------------------------------------

X, Y = Const(0x1000, 64), Const(0x2000, 64)
SB = Program(
    "SB",
    "sc",
    (
        Thread("P0", (Store(X, Const(1)), Load(Reg("a"), Y))),
        Thread("P1", (Store(Y, Const(1)), Load(Reg("b"), X))),
    ),
    (Cell("x", 0x1000), Cell("y", 0x2000)),
)


def counts(text: str) -> tuple[int, int]:
    model = model_of(text)
    encoding = encode(unfold(SB, quiescent=True), model)
    return len(list(all_executions(encoding))), len(list(Enumeration(SB, model, settle=True).runs()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("acyclic po | rf | co | fr as sc", 3),
        ("let rec hb = po | rf | co | fr | (hb;hb)\nirreflexive hb as sc", 3),
        ("let rec a = po | (b;b) and b = rf | co | fr | a | (a;b)\nirreflexive b as sc", 3),
        ("let rec hb = po | rf | co | fr | (hb;hb)\nempty hb & id as sc", 3),
        ("acyclic po | rf as a", 4),
        ("let rec r = rf | (r;po;r)\nacyclic r | po as a", 4),
        ("empty domain(fr;po) as a", 4),
        ("~empty rf & ext as a", 4),
    ],
)
def test_both_engines_count_the_same_under_a_model(text: str, expected: int) -> None:
    solver, enumerator = counts(text)
    assert solver == enumerator
    if "domain" not in text:
        assert solver == expected
