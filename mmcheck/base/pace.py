"""How far something has come, and how long it will take at that pace."""

from __future__ import annotations

import time


class Pace:
    """Counts `total` pieces of work, called `what` ("files"), from now on."""

    def __init__(self, total: int, what: str) -> None:
        self.total = total
        self.what = what
        self.done = 0
        self._began = time.monotonic()

    def text(self) -> str:
        """For instance ``8/47 files, about 12 s left``; without the time until one piece is done."""
        if not self.done:
            return f"0/{self.total} {self.what}"
        left = (time.monotonic() - self._began) / self.done * (self.total - self.done)
        return f"{self.done}/{self.total} {self.what}, about {left:.0f} s left"
