"""The device's side of virtqueues in bytes: split (VirtIO 1.2, 2.7) and packed (2.8).

Both read one field at a time from guest memory, in the order in which a device must: the index (or the flags) first,
then
what it makes valid; the used index (or the flags) last. Each function is a generator that yields once for every access,
so that whoever runs it can let others go in between. Nothing that the driver writes is trusted: heads, links and
lengths
are checked, a chain is never longer than the queue, buffers lie inside guest memory.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

from mmcheck.machine.guest import GuestFault, GuestMemory

NEXT, WRITE, INDIRECT = 1, 2, 4
AVAIL, USED = 1 << 7, 1 << 15

Step = Generator[None, None, None]


@dataclass(slots=True)
class Chain:
    """A request: the buffers that the device reads, and those it writes. `broken` says what is wrong with it."""

    head: int
    readable: list[tuple[int, int]] = field(default_factory=list)
    writable: list[tuple[int, int]] = field(default_factory=list)
    broken: str = ""
    descriptors: int = 0

    def add(self, memory: GuestMemory, address: int, length: int, flags: int) -> None:
        """One more buffer; buffers that are written come last (2.7.4.2)."""
        self.descriptors += 1
        if flags & INDIRECT:
            self.broken = "an indirect table, which was not negotiated"
        elif address + length > memory.size:
            self.broken = "a buffer outside guest memory"
        elif flags & WRITE:
            self.writable.append((address, length))
        elif self.writable:
            self.broken = "a buffer to read behind one to write"
        else:
            self.readable.append((address, length))


def number(memory: GuestMemory, address: int, size: int) -> int:
    """A little-endian number; 0 outside guest memory."""
    try:
        return int.from_bytes(memory.read(address, size), "little")
    except GuestFault:
        return 0


def put(memory: GuestMemory, address: int, size: int, value: int) -> None:
    """Store a little-endian number; outside guest memory nothing happens."""
    try:
        memory.put(address, (value & (1 << 8 * size) - 1).to_bytes(size, "little"))
    except GuestFault:
        return
    memory.version += 1


class SplitQueue:
    """A split queue of `size` entries: descriptor table, available and used ring at these addresses (2.7.5, 2.7.6,
    2.7.8).

    ``desc``: 16 bytes {addr u64, len u32, flags u16, next u16}; ``avail``: {flags u16, idx u16, ring u16[]};
    ``used``: {flags u16, idx u16, ring {id u32, len u32}[]}. Indices are 16 bits and wrap.
    """

    def __init__(self, memory: GuestMemory, size: int, desc: int, avail: int, used: int, start: int = 0) -> None:
        self.memory = memory
        self.size = size
        self.desc, self.avail, self.used = desc, avail, used
        self.last_avail = self.used_idx = start & 0xFFFF

    def pending(self) -> Generator[None, None, int]:
        """How many requests wait; more than the queue holds means that the driver's index is nonsense (0)."""
        index = number(self.memory, self.avail + 2, 2)
        yield
        count = (index - self.last_avail) & 0xFFFF
        return count if count <= self.size else 0

    def take(self) -> Generator[None, None, Chain]:
        """The next request."""
        memory, size = self.memory, self.size
        head = number(memory, self.avail + 4 + 2 * (self.last_avail % size), 2)
        yield
        self.last_avail = (self.last_avail + 1) & 0xFFFF
        chain = Chain(head)
        at = head
        while True:
            if at >= size:
                chain.broken = f"descriptor {at} of {size}"
                return chain
            if chain.descriptors >= size:
                chain.broken = "a chain longer than the queue, or a loop"
                return chain
            where = self.desc + 16 * at
            address = number(memory, where, 8)
            yield
            length = number(memory, where + 8, 4)
            yield
            flags = number(memory, where + 12, 2)
            yield
            chain.add(memory, address, length, flags)
            if chain.broken or not flags & NEXT:
                return chain
            at = number(memory, where + 14, 2)
            yield

    def give(self, chain: Chain, written: int) -> Step:
        """Hand the request back: the element, then the index (2.7.8.2)."""
        where = self.used + 4 + 8 * (self.used_idx % self.size)
        put(self.memory, where, 4, chain.head)
        yield
        put(self.memory, where + 4, 4, written)
        yield
        self.used_idx = (self.used_idx + 1) & 0xFFFF
        put(self.memory, self.used + 2, 2, self.used_idx)
        yield


class PackedQueue:
    """A packed queue: one ring of 16-byte descriptors {addr u64, len u32, id u16, flags u16} (2.8.13), wrap
    counters."""

    def __init__(self, memory: GuestMemory, size: int, ring: int, start: int = 0, *, wrap: bool = True) -> None:
        self.memory = memory
        self.size = size
        self.ring = ring
        self.at = start % size
        self.wrap = wrap

    def available(self, flags: int) -> bool:
        """Whether the descriptor is the device's: AVAIL is the wrap counter, USED is not (2.8.1)."""
        return bool(flags & AVAIL) == self.wrap and bool(flags & USED) != self.wrap

    def pending(self) -> Generator[None, None, int]:
        """1 if the next descriptor is available."""
        flags = number(self.memory, self.ring + 16 * self.at + 14, 2)
        yield
        return int(self.available(flags))

    def take(self) -> Generator[None, None, Chain]:
        memory = self.memory
        chain = Chain(0)
        at = self.at
        while True:
            where = self.ring + 16 * at
            flags = number(memory, where + 14, 2)
            yield
            address = number(memory, where, 8)
            yield
            length = number(memory, where + 8, 4)
            yield
            chain.head = number(memory, where + 12, 2)
            yield
            chain.add(memory, address, length, flags)
            if chain.broken or not flags & NEXT:
                return chain
            if chain.descriptors >= self.size:
                chain.broken = "a chain longer than the queue, or a loop"
                return chain
            at = (at + 1) % self.size

    def give(self, chain: Chain, written: int) -> Step:
        """Id and length into the first descriptor of the chain, then its flags (2.8.15); the rest is skipped."""
        where = self.ring + 16 * self.at
        put(self.memory, where + 12, 2, chain.head)
        yield
        put(self.memory, where + 8, 4, written)
        yield
        flags = (AVAIL | USED if self.wrap else 0) | (WRITE if written else 0)
        put(self.memory, where + 14, 2, flags)
        yield
        self.at += max(chain.descriptors, 1)
        if self.at >= self.size:
            self.at -= self.size
            self.wrap = not self.wrap
