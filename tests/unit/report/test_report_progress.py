"""Progress: nothing for a second, nothing without a terminal, nothing left behind."""

from __future__ import annotations

import io

from mmcheck.report.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_quiet_for_a_second_then_erased() -> None:
    stream, clock = Terminal(), Clock()
    with Progress(stream, clock=clock) as progress:
        progress("early")
        assert stream.getvalue() == ""
        clock.now = 1.2
        progress("1/3 files")
        assert stream.getvalue() == "\r\x1b[2K1/3 files, 1.2 s"
        clock.now = 1.25
        progress("too soon")
        assert "too soon" not in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[2K")


def test_nothing_without_a_terminal() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, clock=clock)
    clock.now = 10
    progress("x")
    assert stream.getvalue() == ""


def test_names_are_printed_harmlessly() -> None:
    stream, clock = Terminal(), Clock()
    progress = Progress(stream, clock=clock)
    clock.now = 2
    progress("a\x1b]0;b")
    assert "\x1b]" not in stream.getvalue()
