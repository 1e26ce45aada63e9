"""Drivers that lie to the virtio-gpu: whatever stands in the rings, every chain that is taken comes back once with an
answer that the device knows, and nothing outside of guest memory is touched."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from mmcheck.machine import gpu
from mmcheck.machine.gpu import HEADER, Gpu
from mmcheck.machine.guest import GuestMemory
from mmcheck.machine.rings import AVAIL, INDIRECT, NEXT, USED, WRITE, PackedQueue, SplitQueue

MEMORY = 1 << 16
DESC, RING, USED_RING, REQUESTS, ANSWERS, PIXELS = 0x1000, 0x2000, 0x2800, 0x3000, 0x8000, 0xC000
SIZE = 4
CODES = {gpu.OK_NODATA, gpu.OK_DISPLAY_INFO, *range(gpu.ERR_UNSPEC, gpu.ERR_PARAMETER + 1)}


class Fenced(GuestMemory):
    """Guest memory that takes every access outside of it for a mistake of the device."""

    def read(self, address: int, length: int) -> bytes:
        assert 0 <= address and 0 <= length and address + length <= self.size, (address, length)
        return super().read(address, length)

    def put(self, address: int, data: bytes) -> None:
        assert 0 <= address and address + len(data) <= self.size, (address, len(data))
        super().put(address, data)


NASTY = st.sampled_from([0, 1, 2, 15, 16, 17, 31, 32, 33, 64, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
WORD = st.one_of(NASTY, NASTY, st.integers(0, 0xFFFFFFFF))
LONG = st.one_of(WORD, st.sampled_from([MEMORY - 1, MEMORY, 1 << 32, 1 << 63, (1 << 64) - 1]), st.just(PIXELS))
KINDS = [gpu.GET_DISPLAY_INFO, gpu.CREATE_2D, gpu.UNREF, gpu.SET_SCANOUT, gpu.FLUSH, gpu.TRANSFER, gpu.ATTACH,
         gpu.DETACH, 0, 0x108, 0x300, 0xFFFFFFFF]  # fmt: skip


def _rect(small: bool) -> st.SearchStrategy[tuple[int, ...]]:
    if small:
        return st.sampled_from([(0, 0, 16, 16), (1, 2, 3, 4), (0, 0, 32, 32), (0, 0, 16, 17), (16, 16, 0, 0)])
    return st.tuples(WORD, WORD, WORD, WORD)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request whose fields are mostly right, or not."""
    kind = draw(st.sampled_from(KINDS))
    head = HEADER.pack(kind, draw(st.sampled_from([0, 1, 2, 3, 0xFFFFFFFF])), draw(LONG), draw(WORD), draw(WORD))
    small = draw(st.booleans())
    number = st.sampled_from([0, 1, 1, 1, 2, 0xFFFFFFFF]) if small else WORD
    rect = draw(_rect(small))
    if kind == gpu.CREATE_2D:
        side = st.sampled_from([16, 16, 32]) if small else WORD
        body = struct.pack("<4I", draw(number), draw(st.sampled_from([1, 2, 5, 134])), draw(side), draw(side))
    elif kind == gpu.SET_SCANOUT:
        body = struct.pack("<6I", *rect, draw(st.sampled_from([0, 0, 1, 15, 16])), draw(number))
    elif kind == gpu.FLUSH:
        body = struct.pack("<6I", *rect, draw(number), 0)
    elif kind == gpu.TRANSFER:
        body = struct.pack("<4IQII", *rect, draw(st.one_of(st.just(0), LONG)), draw(number), 0)
    elif kind == gpu.ATTACH:
        pages = draw(st.lists(st.tuples(LONG, WORD), max_size=3))
        entries = draw(st.one_of(st.just(len(pages)), st.just(len(pages)), WORD))
        body = struct.pack("<2I", draw(number), entries) + b"".join(struct.pack("<QII", *page, 0) for page in pages)
    else:
        body = struct.pack("<2I", draw(number), 0)
    data = head + body
    return data[: draw(st.one_of(st.just(len(data)), st.just(len(data)), st.integers(0, len(data))))]


@dataclass
class Sent:
    """A chain: its descriptors {address, length, flags, next}, and the bytes of the request."""

    request: bytes
    descriptors: list[tuple[int, int, int, int]] = field(default_factory=list)
    head: int = 0


@st.composite
def chains(draw: st.DrawFn) -> Sent:
    data = draw(requests())
    if draw(st.integers(0, 3)):
        usual = [(REQUESTS, len(data), NEXT, 1), (ANSWERS, draw(st.sampled_from([408, 24, 24, 8, 0])), WRITE, 0)]
        if draw(st.booleans()) and len(data) > 8:
            usual = [
                (REQUESTS, 8, NEXT, 1),
                (REQUESTS + 8, len(data) - 8, NEXT, 2),
                (usual[1][0], usual[1][1], WRITE, 0),
            ]
        return Sent(data, usual)
    flags = st.sampled_from([0, NEXT, WRITE, NEXT | WRITE, INDIRECT, INDIRECT | NEXT, 0xFFFF])
    address = st.one_of(st.sampled_from([REQUESTS, ANSWERS, DESC, RING, USED_RING]), LONG)
    descriptor = st.tuples(address, WORD, flags, st.one_of(st.integers(0, SIZE), st.sampled_from([99, 0xFFFF])))
    return Sent(data, draw(st.lists(descriptor, min_size=1, max_size=SIZE)), draw(st.sampled_from([0, 0, 1, 3, 4, 99])))


def quiet(device: Gpu) -> None:
    """Let the device work until it looks in vain; it must get there."""
    device.looked = -1
    for _ in range(400_000):
        next(device.work)
        if device.idle(device.memory.version):
            return
    raise AssertionError("the device does not come to an end")


@given(st.lists(chains(), min_size=1, max_size=6), st.booleans(), st.integers(0, 3))
@settings(max_examples=80, deadline=None)
def test_on_a_split_queue(sent, asynchronous, jump):
    memory = Fenced((), MEMORY)
    memory.put(RING + 2, b"\xfe\xff")
    memory.put(USED_RING + 2, b"\xfe\xff")
    device = Gpu(memory, SplitQueue(memory, SIZE, DESC, RING, USED_RING, 0xFFFE), asynchronous=asynchronous, scanouts=2)
    index = 0xFFFE
    honest = True  # until an answer is to be written over the rings themselves
    for chain in sent:
        memory.put(REQUESTS, chain.request)
        memory.put(ANSWERS, bytes(24))
        for number, each in enumerate(chain.descriptors):
            memory.put(DESC + 16 * number, struct.pack("<QIHH", each[0], each[1], each[2], each[3]))
        memory.put(RING + 4 + 2 * (index % SIZE), struct.pack("<H", chain.head))
        before = device.answered
        index = (index + 1) & 0xFFFF
        memory.put(RING + 2, struct.pack("<H", index))
        memory.version += 1
        quiet(device)
        honest = honest and all(not DESC <= address < REQUESTS for address, *_ in chain.descriptors)
        if honest:
            assert device.answered == before + 1
            given_back = struct.unpack("<II", memory.read(USED_RING + 4 + 8 * ((index - 1) % SIZE), 8))
            assert given_back[0] == chain.head
            assert memory.read(USED_RING + 2, 2) == struct.pack("<H", index)
            last = chain.descriptors[-1]
            if chain.head == 0 and last[0] == ANSWERS and last[1] >= 24 and last[2] == WRITE and chain.request:
                assert struct.unpack("<I", memory.read(ANSWERS, 4))[0] in CODES
    memory.put(RING + 2, struct.pack("<H", (index + SIZE + 1 + jump * 1000) & 0xFFFF))
    memory.version += 1
    before = device.answered
    quiet(device)
    assert device.answered == before or not honest  # an index that runs ahead is not followed


@given(st.lists(st.tuples(chains(), st.booleans()), min_size=1, max_size=6), st.booleans())
@settings(max_examples=80, deadline=None)
def test_on_a_packed_queue(sent, asynchronous):
    memory = Fenced((), MEMORY)
    device = Gpu(memory, PackedQueue(memory, SIZE, DESC), asynchronous=asynchronous, scanouts=2)
    for chain, honest in sent:
        memory.put(REQUESTS, chain.request)
        memory.put(ANSWERS, bytes(24))
        at, wrap = device.queue.at, device.queue.wrap
        for number, (address, length, flags, id_) in enumerate(chain.descriptors):
            bits = AVAIL if wrap else USED
            value = (flags & ~(AVAIL | USED)) | bits if honest else flags
            memory.put(DESC + 16 * at, struct.pack("<QIHH", address, length, (id_ + number) & 0xFFFF, value))
            at += 1
            if at == SIZE:
                at, wrap = 0, not wrap
        memory.version += 1
        before = device.answered
        quiet(device)
        if honest:
            assert device.answered > before
        assert 0 <= device.queue.at < SIZE
