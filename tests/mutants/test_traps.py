"""Every trap has a test, and docs/models.md says which."""

from __future__ import annotations

import pytest

from tests.mutants.judge import EXPECT, LITMUS
from tests.mutants.table import DOCUMENT
from tests.mutants.traps import TRAPS, by_trap, document, written


def test_every_trap_has_a_test() -> None:
    found = by_trap()
    assert found.keys() == TRAPS.keys()
    assert [number for number, names in found.items() if not names] == []


def test_the_table_is_fresh() -> None:
    assert written(DOCUMENT.read_text(encoding="utf-8")) == document(), "python -m tests.mutants.traps --write"


@pytest.mark.parametrize("folder", ["aarch64", "x86_64", "sc"])
def test_every_test_says_what_it_is_for(folder: str) -> None:
    for path in sorted((LITMUS / folder).glob("*.litmus")):
        text = path.read_text(encoding="utf-8")
        assert EXPECT.search(text) and "\n(* trap " in text, path.name
