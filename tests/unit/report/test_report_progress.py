"""Progress: nothing for a second, nothing without a terminal, nothing left behind."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from mmcheck.base.pace import Pace
from mmcheck.report.progress import Progress
from mmcheck.verdict.verify import verify

ROOT = Path(__file__).resolve().parents[3]


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


def test_the_pace_says_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("mmcheck.base.pace.time.monotonic", clock)
    pace = Pace(4, "files")
    assert pace.text() == "0/4 files"
    clock.now, pace.done = 6.0, 1
    assert pace.text() == "1/4 files, about 18 s left"


def test_verify_says_how_far_it_is(tmp_path: Path) -> None:
    one = ROOT / "specs" / "virtqueue.litmus"
    (tmp_path / "a.litmus").write_text((ROOT / "litmus" / "MP.litmus").read_text())
    shown: list[str] = []
    verify([one], variants=("base",), on_progress=shown.append)
    assert shown[0] == "specs/virtqueue.litmus" or shown[0].endswith("virtqueue.litmus")
    assert any(text.endswith("0/2 programs") for text in shown)
    assert any("1/2 programs, about " in text for text in shown)
    shown.clear()
    verify([one, tmp_path / "a.litmus"], variants=("base",), on_progress=shown.append)
    assert any(text.startswith("1/2 files, about ") and "a.litmus, 0/" in text for text in shown)
