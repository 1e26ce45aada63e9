"""The engines agree if the solver lists next to no values: binary numbers everywhere but in addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcheck.engines.smt import values
from mmcheck.events import domains
from tests.property.programs import ARM, programs
from tests.property.test_engines import FILES, PHASES, compare, disagreements


@contextmanager
def few_listed() -> Iterator[None]:
    """Two values of what is no address are too many to list."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(domains, "FEW_VALUES", 1)
        patch.setattr(domains, "FEW_PRODUCT", 1)
        patch.setattr(values, "FEW_PRODUCT", 1)
        yield


@pytest.mark.parametrize("settle", [False, True], ids=["safety", "final"])
@given(data=st.data())
@settings(max_examples=15, deadline=None, phases=PHASES)
def test_engines_agree(settle: bool, data: st.DataObject) -> None:
    with few_listed():
        compare(data.draw(programs(ARM)), ARM.name, settle)


@pytest.mark.parametrize("path", [path for path in FILES if path.parent.name == "x86_64"], ids=lambda path: path.stem)
def test_engines_agree_on_the_classic_tests(path: Path) -> None:
    with few_listed():
        assert not disagreements(path, every=False)
