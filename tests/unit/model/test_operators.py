"""Each operator of cat has a row, and each column an entry for each operator."""

from __future__ import annotations

import pytest

from mmcheck.model.operators import OPERATORS, column


def test_a_column_without_an_entry_is_refused() -> None:
    rows = dict.fromkeys(OPERATORS, 0)
    assert column(rows) == rows
    del rows["seq"]
    with pytest.raises(TypeError, match="seq"):
        column(rows)


def test_a_column_of_sets_has_no_entry_for_relations() -> None:
    with pytest.raises(TypeError, match="union"):
        column({name: 0 for name, operator in OPERATORS.items() if operator.is_set} | {"union": 0}, sets=True)
