"""Shifts by the width or more, and division by zero: mistakes where they can happen, and no numbers to go on with."""

from __future__ import annotations

from pathlib import Path

import pytest

import mmcheck
from mmcheck.base.errors import Diagnostic
from mmcheck.machine import armv8, sc, tso
from mmcheck.target.targets import parse_target
from mmcheck.verdict.results import Result
from tests.unit.semantics.semantics import spec_of

ENGINES = ("smt", "enumerate")
HEAD = 'targets armv8, x86-tso, sc\nmemory n, out\nvolatile v\nrequirement r { says "it is computed" }\n'


def checked(tmp_path: Path, text: str, engine: str = "smt") -> tuple[tuple[Result, ...], tuple[Diagnostic, ...]]:
    path = tmp_path / "test.litmus"
    path.write_text(text)
    (file,) = mmcheck.verify([path], engine=engine, cache=False).files
    return file.results, file.diagnostics


CONSTANT = {
    "let a = n / 0": "division by zero",
    "let a = n % 0": "division by zero",
    "let a = n / (ZERO - ZERO)": "division by zero",
    "let a = 4 / 0": "division by zero",
    "n /= 0": "division by zero",
    "let a = n << 32": "a shift of u32 is by 0 to 31 bits, not by 32",
    "let a = n >> WIDE": "a shift of u32 is by 0 to 31 bits, not by WIDE",
    "let a = (n as u8) << 8": "a shift of u8 is by 0 to 7 bits, not by 8",
    "let mut a = n; a <<= 32": "a shift of u32 is by 0 to 31 bits, not by 32",
    "for i in 31..34 { out = n << i }": "a shift of u32 is by 0 to 31 bits, not by i",
}


@pytest.mark.parametrize(("statement", "message"), CONSTANT.items(), ids=CONSTANT)
def test_what_is_always_wrong_is_a_mistake(statement: str, message: str, tmp_path: Path) -> None:
    text = f"const ZERO: u32 = 0\nconst WIDE = 40\n{HEAD}thread P {{ {statement}; assert n == n for r }}\n"
    text = text.replace("assert n == n", "assert true")
    results, (found,) = checked(tmp_path, text)
    assert results == () and (found.code, found.message) == ("MM215", message)
    assert found.span is not None and found.span.line == 7


SOMETIMES = {
    "division": ("out = 8 / a", "a != 0", "out = 8 / (a + 1)"),
    "remainder": ("let b = 8 % a; out = b", "a != 0", "let b = 8 % (a + 1); out = b"),
    "shift": ("out = 1 << (31 + a * 5)", "(31 + a * 5) < 32", "out = 1 << (a * 5 & 31)"),
    "shift right": ("out = 8 >> (32 - a)", "(32 - a) < 32", "out = 8 >> (31 - a)"),
    "in an assignment": ("let mut b = 8; b /= a; out = b", "a != 0", "let mut b = 8; if a != 0 { b /= a }; out = b"),
    "behind &&": ("if v == 0 && 8 / a == 8 { out = 1 }", "a != 0", "if a != 0 && 8 / a == 8 { out = 1 }"),
    "behind ||": ("if v == 1 || 8 / a == 8 { out = 1 }", "a != 0", "if a == 0 || 8 / a == 8 { out = 1 }"),
    "in an assert": ("assert 8 / a >= 0 for r", "a != 0", "assert a == 0 || 8 / a >= 0 for r"),
    "in a function": ("out = half(a)", "b != 0", "out = half(a + 1)"),
    "signed": ("let c = a as i32; out = (8 / c) as u32", "c != 0", "let c = a as i32; out = (8 / (c + 1)) as u32"),
}
PROGRAM = """fn half(b: u32) -> u32 { return 8 / b }
thread P { v = 1 }
thread Q {
  let a = v
  BODY
  assert true for r
}
"""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("wrong", "demanded", "right"), SOMETIMES.values(), ids=SOMETIMES)
def test_what_is_wrong_in_some_runs_is_violated(
    engine: str, wrong: str, demanded: str, right: str, tmp_path: Path
) -> None:
    found, diagnostics = checked(tmp_path, HEAD + PROGRAM.replace("BODY", wrong), engine)
    assert diagnostics == ()
    verdicts = {result.requirement: result for result in found}
    assert {name: result.verdict for name, result in verdicts.items()} == {"r": "holds", "arithmetic": "violated"}
    result = verdicts["arithmetic"]
    assert result.as_claimed is False and result.counterexample is not None and result.layer is None
    if engine == "smt":
        assert result.counterexample.summary.startswith(f"'{demanded}' fails.")
        point = result.counterexample.point
        assert point is not None and point.line == (9 if "half" not in wrong else 5)
    found, diagnostics = checked(tmp_path, HEAD + PROGRAM.replace("BODY", right), engine)
    assert diagnostics == () and {result.verdict for result in found} == {"holds"}


@pytest.mark.parametrize("target", ["sc", "x86-tso", "armv8"])
@pytest.mark.parametrize(("wrong", "demanded", "right"), SOMETIMES.values(), ids=SOMETIMES)
def test_the_machines_see_it_too(target: str, wrong: str, demanded: str, right: str) -> None:
    machine = {"sc": sc, "x86-tso": tso, "armv8": armv8}[target]
    for body, failed in ((wrong, {"arithmetic"}), (right, set())):
        program = spec_of(HEAD + PROGRAM.replace("BODY", body)).program(parse_target(target), None)
        assert machine.run(program).failed == failed


def test_it_is_a_matter_of_order_like_any_other(tmp_path: Path) -> None:
    """A size that is read before it is there: the run, and which layer lets it through."""
    text = """targets armv8, x86-tso
memory size
volatile ready
requirement r { says "the request is cut into parts" }
thread driver { size = 4; publish: fence(release); ready = 1 }
thread device { if ready == 1 { look: fence(acquire); let parts = 64 / size; assert parts == 16 for r } }
variant "bare" {
  drop look
  expect r violated
  expect arithmetic violated by hardware on armv8
  expect arithmetic violated by compiler on x86-tso
}
"""
    results, _ = checked(tmp_path, text)
    assert len(results) == 8 and all(result.as_claimed for result in results)


@pytest.mark.parametrize("engine", ENGINES)
def test_nobody_claims_it(engine: str, tmp_path: Path) -> None:
    """No run needs to come to it, an `expect` without names is not about it, and it is no requirement of a file."""
    text = HEAD + "thread Q { let a = v; if a == 7 { out = 8 / a }; assert a == 1 for r }\nexpect violated\n"
    found, diagnostics = checked(tmp_path, text, engine)
    assert diagnostics == ()
    assert {(result.requirement, result.verdict, result.as_claimed) for result in found} == {
        ("r", "violated", True),
        ("arithmetic", "holds", True),
    }
    _, (mute,) = checked(tmp_path, "memory n\nthread P { let a = n; n = 8 / a }\n", engine)
    assert mute.code == "MM256"


def test_a_file_may_say_what_it_means(tmp_path: Path) -> None:
    """Declared, it has the words of the file, and must be asked like any other; or it is left out."""
    declared = 'requirement arithmetic { cites "implied:P1"; says "sizes are never 0" }\n'
    results, _ = checked(tmp_path, HEAD + declared + PROGRAM.replace("BODY", "out = 8 / a"))
    assert {(r.verdict, r.says, r.clauses) for r in results if r.requirement == "arithmetic"} == {
        ("violated", "sizes are never 0", ("implied:P1",))
    }
    results, _ = checked(tmp_path, HEAD + declared + "without arithmetic\n" + PROGRAM.replace("BODY", "out = 8 / a"))
    assert {result.requirement for result in results} == {"r"}


def test_where_it_cannot_be_asked_it_is_refused(tmp_path: Path) -> None:
    text = HEAD + "thread P { v = 1 }\nthread Q { let a = v\n  await 8 / v == 8; assert true for r }\n"
    _, (found,) = checked(tmp_path, text)
    assert (found.code, found.message) == ("MM226", "nothing says that v != 0 in every round of this await")
    text = HEAD.replace('says "it is computed"', "forall n == 0 || 8 / n == 2") + "thread P { n = 4 }\n"
    _, (found,) = checked(tmp_path, text)
    assert (found.code, found.message) == ("MM230", "a condition on final states divides by numbers only")
