"""One line on a terminal that says what is being done, once that takes more than a second."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TextIO

from mmcheck.base.source import printable

DELAY = 1.0
"""Seconds before anything is shown."""

INTERVAL = 0.1
"""Seconds between two changes of the line."""


class Progress:
    """A line on `stream` that overwrites itself and is gone when the block is left; nothing if it is no terminal."""

    def __init__(self, stream: TextIO, *, quiet: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._on = not quiet and stream.isatty()
        self._start = clock()
        self._next = self._start + DELAY
        self._drawn = False

    def __call__(self, text: str) -> None:
        """Show `text`, if it is time to."""
        now = self._clock()
        if not self._on or now < self._next:
            return
        self._next = now + INTERVAL
        width = max(20, shutil.get_terminal_size().columns - 1)
        line = printable(f"{text}, {now - self._start:.1f} s")
        self._put(f"\r\x1b[2K{line[:width]}")
        self._drawn = True

    def clear(self) -> None:
        """Erase the line, so that something else can be printed."""
        if self._drawn:
            self._put("\r\x1b[2K")
            self._drawn = False

    def _put(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._on = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
