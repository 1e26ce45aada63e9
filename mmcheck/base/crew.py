"""Work shared out among processes, each of which may die without taking anything but its piece of work with it.

Every process belongs to a slot of its own, so that what was lost is known. It ends with the process that started it,
however that one ends.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

T = TypeVar("T")
R = TypeVar("R")


class Lost:
    """In the place of a result: the process that worked on it is gone, or had no memory left."""


LOST = "the process that worked on it was ended, perhaps because memory ran out"


def shared_out(work: Callable[[T], R], pieces: Sequence[T], jobs: int) -> Generator[R | Lost, None, None]:
    """The results of `work` on each of `pieces`, in their order, by `jobs` processes at a time."""
    from concurrent.futures import FIRST_COMPLETED, wait

    waiting = list(enumerate(pieces))[::-1]
    idle = [_process() for _ in range(min(jobs, len(pieces)))]
    busy: dict[Future[R], tuple[int, ProcessPoolExecutor]] = {}
    done: dict[int, R | Lost] = {}
    try:
        for place in range(len(pieces)):
            while place not in done:
                while idle and waiting:
                    number, piece = waiting.pop()
                    slot = idle.pop()
                    busy[slot.submit(work, piece)] = number, slot
                ready: set[Future[R]] = wait(busy, return_when=FIRST_COMPLETED).done
                for future in ready:
                    number, slot = busy.pop(future)
                    done[number], slot = _result(future, slot)
                    idle.append(slot)
            yield done.pop(place)
    finally:
        for slot in [*idle, *[slot for _, slot in busy.values()]]:
            _end(slot)


def _result(future: Future[Any], slot: ProcessPoolExecutor) -> tuple[Any, ProcessPoolExecutor]:
    from concurrent.futures.process import BrokenProcessPool

    try:
        return future.result(), slot
    except (BrokenProcessPool, MemoryError):
        _end(slot)
        return Lost(), _process()


def _process() -> ProcessPoolExecutor:
    """One process, started when it is needed: z3 is not to be trusted with threads, nor with a copy of itself."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_begin)


def _end(slot: ProcessPoolExecutor) -> None:
    processes: dict[int, Any] = getattr(slot, "_processes", None) or {}
    for process in list(processes.values()):
        process.kill()
    slot.shutdown(wait=False, cancel_futures=True)


def _begin() -> None:
    """In a new process: Ctrl-C is the parent's business, and so is when to end."""
    import signal
    from threading import Thread

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
