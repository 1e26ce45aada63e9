"""Guest memory as bytes: what a driver's cells and a device's buffers are made of.

Cells keep the addresses that the specification's layout gives them, which is that of the structures in memory:
a 16-byte descriptor is 16 bytes, ``avail.idx`` stands 2 bytes into the available ring. Everything is little-endian.

A **frame buffer** is a variable with one cell a row of pixels: a store of the number n to ``fb[i]`` is the store of
row i of picture n, in one piece. All other accesses are as wide as their cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mmcheck.ir.program import Cell
from mmcheck.machine.memory import Memory

MAX_SIZE = 1 << 28
PAGE = 1 << 20


class GuestFault(Exception):
    """An access outside guest memory."""


def bytes_of(width: int) -> int:
    """Bytes of a cell of `width` bits: a power of two."""
    size = 1
    while size * 8 < width:
        size *= 2
    return size


class GuestMemory(Memory):
    """`size` bytes from address 0, with the cells of a program in it."""

    def __init__(self, cells: Iterable[Cell], size: int | None = None) -> None:
        super().__init__({})
        found = list(cells)
        top = max((cell.address + bytes_of(cell.width) for cell in found), default=0)
        self.size = size or min(-(-(top + PAGE) // PAGE) * PAGE, MAX_SIZE)
        self.bytes = bytearray(self.size)
        self.rows: dict[int, int] = {}
        self.stride = self.first = 0
        self.picture: Callable[[int, int], bytes] = lambda number, row: b""
        self.tags: dict[int, int] = {}
        for cell in found:
            self.put(cell.address, cell.init.to_bytes(bytes_of(cell.width), "little"))

    def frame_buffer(self, cells: Iterable[Cell], stride: int, picture: Callable[[int, int], bytes]) -> int:
        """Make `cells` rows of `stride` bytes; `picture` draws row i of picture n. Returns where the first begins."""
        rows = list(cells)
        self.rows = {cell.address: number for number, cell in enumerate(rows)}
        self.stride = stride
        self.picture = picture
        for cell in rows:
            self.tags[cell.address] = cell.init
        self.first = rows[0].address
        return self.first

    def read(self, address: int, length: int) -> bytes:
        """`length` bytes from `address`. Raises `GuestFault` outside of memory."""
        if address < 0 or length < 0 or address + length > self.size:
            raise GuestFault(f"{length} bytes at {address:#x}")
        return bytes(self.bytes[address : address + length])

    def put(self, address: int, data: bytes) -> None:
        """Store `data`, in one piece. Raises `GuestFault` outside of memory."""
        if address < 0 or address + len(data) > self.size:
            raise GuestFault(f"{len(data)} bytes at {address:#x}")
        self.bytes[address : address + len(data)] = data

    # as the memory of a machine

    def load(self, address: int, width: int) -> int:
        if address in self.rows:
            return self.tags[address] & (1 << width) - 1
        size = bytes_of(width)
        if address + size > self.size:
            return 0
        return int.from_bytes(self.bytes[address : address + size], "little") & (1 << width) - 1

    def store(self, address: int, width: int, value: int, write: object) -> None:
        row = self.rows.get(address)
        if row is not None:
            self.tags[address] = value
            self.put(self.first + row * self.stride, self.picture(value, row))
        elif address + bytes_of(width) <= self.size:
            size = bytes_of(width)
            self.bytes[address : address + size] = value.to_bytes(size, "little")
        self.note(address, write)
