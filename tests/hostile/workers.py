"""What the processes of the tests of `mmcheck.base.crew` do."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def double(number: int) -> int:
    """Twice `number`; of 3 the process is killed, of 5 memory runs out, 7 takes long."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 5:
        raise MemoryError
    if number == 7:
        time.sleep(600)
    return 2 * number


def stay(place: str) -> None:
    """Leave a mark, and stay."""
    Path(place).write_text(str(os.getpid()))
    time.sleep(600)
