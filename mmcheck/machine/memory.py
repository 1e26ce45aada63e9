"""The memory that running agents share: what is stored, who stored it, and what that costs to know.

`Memory` is a table of cells; `mmcheck.machine.guest` has one of bytes. A store is visible to everybody at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


class Initial:
    """The write that was there before anything ran."""

    __slots__ = ("address",)
    thread = -1
    ordinal = -1

    def __init__(self, address: int) -> None:
        self.address = address


@dataclass(slots=True)
class Counts:
    """What was executed. `barriers` by instruction, `sites` by the label or word of the text, `spins` failing rounds of
    awaits, `completed` satisfied ones, `timeouts` those given up, `locked` read-modify-writes of x86, `squashed` wrong
    guesses, `restarted` loads that had read too early."""

    steps: int = 0
    reads: int = 0
    writes: int = 0
    spins: int = 0
    completed: int = 0
    timeouts: int = 0
    locked: int = 0
    squashed: int = 0
    restarted: int = 0
    barriers: Counter[str] = field(default_factory=Counter)
    sites: Counter[str] = field(default_factory=Counter)
    instructions: Counter[str] = field(default_factory=Counter)


class Memory:
    """Cells by address. `version` grows with every store; `order` lists the writes of each location, if wanted.

    `locks` are locations that the load of an atomic holds until its store: nothing else is stored there.
    """

    def __init__(self, initial: Mapping[int, int], *, record: bool = False) -> None:
        self.values = dict(initial)
        self.writer: dict[int, object] = {}
        self.version = 0
        self.locks: dict[int, object] = {}
        self.order: dict[int, list[object]] | None = {} if record else None

    def load(self, address: int, width: int) -> int:
        return self.values.get(address, 0) & (1 << width) - 1

    def source(self, address: int) -> object:
        """The write that a load reads now."""
        found = self.writer.get(address)
        if found is None:
            found = self.writer[address] = Initial(address)
        return found

    def store(self, address: int, width: int, value: int, write: object) -> None:
        self.values[address] = value
        self.note(address, write)

    def note(self, address: int, write: object) -> None:
        """Remember `write` as the last one at `address`."""
        self.writer[address] = write
        self.version += 1
        if self.order is not None:
            self.order.setdefault(address, []).append(write)
