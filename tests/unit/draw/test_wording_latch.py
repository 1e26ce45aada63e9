"""What a latch holds is shown apart from its mark."""

from __future__ import annotations

import pytest

from mmcheck.events.execution import Event
from mmcheck.report.draw.wording import access_text


@pytest.mark.parametrize(
    ("value", "width", "shown"),
    [
        (0x10000, 17, "0 (pending)"),
        (0x10007, 17, "7 (pending)"),
        (7, 17, "7"),
        (1, 1, "1"),
        (0x1ffff, 32, "0x1ffff"),
        (0x1_0001_0000, 33, "0x10000 (pending)"),
        (65535, 16, "65535"),
    ],
)  # fmt: skip
def test_the_value_of_an_access(value: int, width: int, shown: str) -> None:
    event = Event(0, 0, 0, "R", frozenset(), 0x1000, "doorbell", value, width)
    assert event.shown == shown
    assert access_text(event) == f"R doorbell = {shown}"
