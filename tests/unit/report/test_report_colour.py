"""When output is coloured."""

from __future__ import annotations

import io

import pytest

from mmcheck.report.colour import Paint, wanted


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("choice", "terminal", "environ", "expected"),
    [
        ("auto", True, {}, True),
        ("auto", False, {}, False),
        ("auto", True, {"TERM": "dumb"}, False),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", False, {"FORCE_COLOR": "1"}, True),
        ("auto", False, {"CLICOLOR_FORCE": "1"}, True),
        ("auto", True, {"FORCE_COLOR": "0"}, False),
        ("auto", False, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ("always", False, {"NO_COLOR": "1"}, True),
        ("never", True, {"FORCE_COLOR": "1"}, False),
    ],
)
def test_wanted(choice: str, terminal: bool, environ: dict[str, str], expected: bool) -> None:
    assert wanted(choice, Terminal() if terminal else io.StringIO(), environ) is expected


def test_paint_off_is_the_text() -> None:
    assert Paint(False)("x", "bad") == "x"
    assert Paint(True)("x", "bad") == "\x1b[1;31mx\x1b[0m"
