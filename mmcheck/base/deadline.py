"""The time that one question may take, looked at wherever an answer is worked on for long.

A `Deadline` is made for a question and handed down with what is built for it; nothing else is told of ``--timeout``.
"""

from __future__ import annotations

import time
from types import TracebackType

from mmcheck.base.errors import UnknownVerdict

REACHED = "the time limit was reached"


class Deadline:
    """`seconds` of wall time for each ``with`` block, or None: no limit. Outside of any the clock does not run."""

    __slots__ = ("_end", "seconds")

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds
        self._end: float | None = None

    def __enter__(self) -> Deadline:
        if self.seconds is not None:
            self._end = time.monotonic() + self.seconds
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end = None

    def check(self) -> None:
        """Raise `UnknownVerdict` if the time is over."""
        if self._end is not None and time.monotonic() > self._end:
            raise UnknownVerdict(REACHED)

    def left(self) -> float | None:
        """Seconds that are left; None if there is no limit. Raises `UnknownVerdict` if there are none."""
        if self._end is None:
            return self.seconds
        self.check()
        return max(self._end - time.monotonic(), 0.001)
