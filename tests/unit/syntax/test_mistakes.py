"""Each common mistake gets a message that names it, at the right place."""

from __future__ import annotations

import pytest
from mistake_table import ROWS, Mistake

from mmcheck.base.codes import CODES
from mmcheck.base.errors import Diagnostic, InputError
from mmcheck.language.syntax.parse import parse_text


def diagnostics(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(InputError) as caught:
        parse_text(text)
    return caught.value.diagnostics


@pytest.mark.parametrize("row", [row for row in ROWS if row.phase == "syntax"], ids=lambda row: row.name)
def test_mistake(row: Mistake) -> None:
    """The first diagnostic is the one in the table, and there is no second."""
    found = [
        (each.code, each.message, each.help, each.span.line, each.span.column)
        for each in diagnostics(row.text)
        if each.span is not None
    ]
    assert found == [(row.code, row.message, row.help, row.line, row.column)]
    assert row.code in CODES


@pytest.mark.parametrize("row", [row for row in ROWS if row.phase != "syntax"], ids=lambda row: row.name)
def test_no_mistake_of_syntax(row: Mistake) -> None:
    """What only names and vocabulary can tell passes the parser."""
    parse_text(row.text)
