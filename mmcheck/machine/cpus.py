"""What runs by chance need of interrupts and shared CPUs: who has a CPU, where an interrupt is due, runs to be dropped.

A machine that cannot go back meets runs that turn out not to exist: an interrupt came, and its run finds that it
could not have; or one is raised in the end which only another thread could take. Those are `Discarded`, and made anew
(`mmcheck.machine.runner.once`): what is left are runs of the program, each with a chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from mmcheck.base.errors import UnknownVerdict
from mmcheck.ir.instructions import Code, Instruction
from mmcheck.ir.preemption import TakeOp, YieldOp

GIVES_WAY = 1 / 4
"""How likely a thread gives way to another of its CPU at a place where it may."""


class Discarded(UnknownVerdict):
    """This run does not exist; another try may find one that does."""


class Holder(Protocol):
    """A thread that may have a CPU."""

    @property
    def over(self) -> bool:
        """Whether it has ended, and all that it did is done."""

    def keeps(self) -> bool:
        """Whether it does not let go of its CPU where it stands: interrupts are off, or it is in a handler."""

    def idle(self, version: int) -> bool:
        """Whether it waits for something that nobody has changed since it looked."""


class Cpus:
    """Who has which of the CPUs that threads share. `turns` gives the number of each CPU's present turn, numbers grow
    over time."""

    def __init__(self) -> None:
        self.holders: dict[int, Holder] = {}
        self.turns: dict[int, int] = {}
        self._last = 0

    def take(self, cpu: int, thread: Holder) -> Holder | None:
        """Let `thread` have `cpu`; None if it has it now, else who keeps it from that."""
        holder = self.holders.get(cpu)
        if holder is thread:
            return None
        if holder is not None and not holder.over:
            return holder
        self.holders[cpu] = thread
        self._last += 1
        self.turns[cpu] = self._last
        return None

    def leave(self, cpu: int, thread: Holder) -> None:
        """`thread` gives way on `cpu`, if it has that."""
        if self.holders.get(cpu) is thread:
            del self.holders[cpu]


def held_up(by: Holder | None, version: int) -> bool:
    """Whether a thread whose CPU `by` has gets nowhere until the memory changes."""
    return by is not None and by.idle(version) and by.keeps()


def due(ops: Sequence[Instruction], pc: int, registers: Sequence[int], raised: Callable[[int], bool]) -> int | None:
    """Where the interrupt may come that a thread standing at `pc`, between its events or at its end, has to take before
    the run is over; None if none is raised."""
    for at in around(ops, pc):
        op = ops[at]
        if isinstance(op, TakeOp) and op.latch is not None and op.open(registers) and raised(op.latch):  # type: ignore[arg-type]
            return at
    return None


def around(ops: Sequence[Instruction], pc: int) -> Iterator[int]:
    """The places for interrupts and turns right before and behind `pc`."""
    at = pc - 1
    while at >= 0 and isinstance(ops[at], TakeOp | YieldOp):
        yield at
        at -= 1
    at = pc
    while isinstance(ops[at], TakeOp | YieldOp):
        yield at
        at += 1


def has_raised(code: Code) -> bool:
    """Whether a handler of `code` comes when it is raised."""
    return any(isinstance(op, TakeOp) and op.latch is not None for op in code.ops)
