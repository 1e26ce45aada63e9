"""Places in flat code where a CPU may turn to something else: interrupts that come, threads that give way.

`mmcheck.machine.interrupts` puts them there; the rules are H1 to H4 and M1 to M3 of docs/models-preemption.md. All
numbers are slots of registers, if nothing else is said.
"""

from __future__ import annotations

from typing import TypeAlias

from mmcheck.base.records import record

Registers: TypeAlias = tuple[int, ...]


@record
class TakeOp:
    """A place where an interrupt may come: the run of a handler at `entry`, once, which `taken` remembers.

    `needs` says whether the run before has been, `masked` are those that say that interrupts are off; `back` gets the
    place to come back to, `resume`. `waits`: within a round of an await. `place` is the CPU that the run needs, and
    the slot that says where the thread is; `latch` the address of the cell that is 1 while the interrupt is raised.
    """

    entry: int
    taken: int
    needs: int | None
    masked: tuple[int, ...]
    back: int
    resume: int
    clear: tuple[tuple[int, int], ...]
    """Registers with which the run begins: slot and value."""
    waits: bool = False
    place: tuple[int, int] | None = None
    latch: int | None = None

    def open(self, registers: Registers | list[int]) -> bool:
        """Whether the interrupt may come with these registers."""
        if registers[self.taken] or (self.needs is not None and not registers[self.needs]):
            return False
        if self.place is not None and registers[self.place[0]] != self.place[1]:
            return False
        return not any(registers[slot] for slot in self.masked)


@record
class ResumeOp:
    """The end of a run of a handler: back to where `back` says."""

    back: int


@record
class YieldOp:
    """A place where a thread may give way to another of its CPU, if none of `masked` says that interrupts are off.

    Where it is, says `here`, or else it is on `cpu`; `shares` are the CPUs on which others may be.
    """

    masked: tuple[int, ...]
    shares: frozenset[int]
    here: int | None
    cpu: int | None

    def open(self, registers: Registers | list[int]) -> bool:
        """Whether the thread may give way with these registers."""
        cpu = self.cpu if self.here is None else registers[self.here]
        return cpu in self.shares and not any(registers[slot] for slot in self.masked)


@record
class ArriveOp:
    """The end of a run that may have moved its thread: it leaves the CPU `here` for that of `now`."""

    here: int
    now: int
