"""Every mistake is found where it is, and named."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from lower_mistakes import ROWS, Found, Row
from lowering import diagnostics

from mmcheck.base.codes import CODES


def _shared_rows() -> list[tuple[str, str, str, int, int, str]]:
    """The rows of the parser's table whose mistakes are of names."""
    path = Path(__file__).parents[1] / "syntax" / "mistake_table.py"
    spec = importlib.util.spec_from_file_location("shared_mistake_table", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return [
        (row.name, row.text, row.message, row.line, row.column, row.help) for row in module.ROWS if row.phase == "names"
    ]


@pytest.mark.parametrize(
    ("text", "message", "line", "column", "help_"),
    [pytest.param(*row[1:], id=row[0]) for row in _shared_rows()],
)
def test_mistakes_of_language_md(text: str, message: str, line: int, column: int, help_: str) -> None:
    """The table of language.md, section 6: those that are found behind the parser."""
    found = diagnostics(text)
    assert [(each.message, each.where()) for each in found] == [(message, f"test.litmus:{line}:{column}")]
    assert found[0].help == help_
    assert found[0].code in CODES


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_mistake(row: Row) -> None:
    """All that is found, in text order, and nothing else."""
    found = tuple(
        Found(each.code, each.span.line, each.span.column, each.message, each.help)
        for each in diagnostics(row.text)
        if each.span is not None
    )
    assert found == row.found
    assert all(each.code in CODES for each in found)


def test_a_mistake_in_a_thread_is_not_followed_by_others_about_its_registers() -> None:
    threads = "memory { x, y }\nthread P0 {\n  x = 1\n  let a = yy\n}\nthread P1 { let b = x }\n"
    text = f"{threads}exists (P0.a == 1)\nexists (P1.c == 1)\n"
    assert [each.message for each in diagnostics(text)] == [
        "nothing is named 'yy'; did you mean 'y'?",
        "'P1' has no register 'c'",
    ]
