"""The time and the memory that one question may take, looked at wherever an answer is worked on for long.

A `Deadline` is made for a question and handed down with what is built for it; nothing else is told of ``--timeout``.
"""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType

from mmcheck.base import gate
from mmcheck.base.errors import NO_MEMORY, UnknownVerdict

REACHED = "the time limit was reached"
MEMORY = 800_000_000
"""Bytes of memory that the process may have while it works on a question."""

PAUSE = 0.02
"""Seconds between two looks at the memory: the system takes its time to tell."""


class Deadline:
    """`seconds` of wall time for each ``with`` block, or None: no limit. Outside of any the clock does not run."""

    __slots__ = ("_end", "_look", "seconds")

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds
        self._end: float | None = None
        self._look = 0.0

    def __enter__(self) -> Deadline:
        if self.seconds is not None:
            self._end = time.monotonic() + self.seconds
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end = None

    def check(self) -> None:
        """Raise `UnknownVerdict` if the time is over, or the memory taken."""
        now = time.monotonic()
        if self._end is not None and now > self._end:
            raise UnknownVerdict(REACHED)
        if now >= self._look:
            self._look = now + PAUSE
            if _peak() > MEMORY and _resident() > MEMORY:
                raise UnknownVerdict(NO_MEMORY)

    def left(self) -> float | None:
        """Seconds that are left; None if there is no limit. Raises `UnknownVerdict` if there are none."""
        if self._end is None:
            return self.seconds
        self.check()
        return max(self._end - time.monotonic(), 0.001)


def _peak() -> int:
    """The most bytes of memory that the process has had; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _resident() -> int:
    """The bytes of memory that the process has now, or else its peak."""
    try:
        return int(gate.own("/proc/self/statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return _peak()
