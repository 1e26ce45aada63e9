"""virtio-gpu in bytes: answers, pixels, and drivers that lie."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcheck.machine import gpu
from mmcheck.machine.gpu import HEADER, Gpu
from mmcheck.machine.guest import GuestMemory
from mmcheck.machine.rings import AVAIL, NEXT, USED, WRITE, PackedQueue, SplitQueue

SIZE = 4
DESC, AVAIL_RING, USED_RING, REQUEST, RESPONSE, FRAME = 0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x8000
RECT = (0, 0, 16, 16)


class Driver:
    """Writes requests into guest memory by hand."""

    def __init__(self, **options):
        self.memory = GuestMemory((), 1 << 20)
        self.queue = SplitQueue(self.memory, SIZE, DESC, AVAIL_RING, USED_RING, 0xFFFF)
        self.index = self.done = 0xFFFF
        self.memory.put(AVAIL_RING + 2, b"\xff\xff")
        self.memory.put(USED_RING + 2, b"\xff\xff")
        self.device = Gpu(self.memory, self.queue, **options)

    def descriptor(self, number, address, length, flags, next_=0):
        self.memory.put(DESC + 16 * number, struct.pack("<QIHH", address, length, flags, next_))

    def submit(self, head=0):
        self.memory.put(AVAIL_RING + 4 + 2 * (self.index % SIZE), struct.pack("<H", head))
        self.index = (self.index + 1) & 0xFFFF
        self.memory.put(AVAIL_RING + 2, struct.pack("<H", self.index))
        self.memory.version += 1

    def send(self, kind, body=b"", flags=0, fence=0, room=408):
        request = HEADER.pack(kind, flags, fence, 7, 0) + body
        self.memory.put(REQUEST, request)
        self.memory.put(RESPONSE, bytes(room))
        self.descriptor(0, REQUEST, len(request), NEXT, 1)
        self.descriptor(1, RESPONSE, room, WRITE)
        self.submit()
        self.device.drain()
        return self.answer()

    def answer(self):
        self.done = (self.done + 1) & 0xFFFF
        assert self.memory.read(USED_RING + 2, 2) == struct.pack("<H", self.done)
        where = USED_RING + 4 + 8 * ((self.done - 1) % SIZE)
        self.head, self.length = struct.unpack("<II", self.memory.read(where, 8))
        return HEADER.unpack(self.memory.read(RESPONSE, 24))

    def set_up(self):
        assert self.send(gpu.CREATE_2D, struct.pack("<4I", 1, 2, 16, 16))[0] == gpu.OK_NODATA
        page = struct.pack("<IIQII", 1, 1, FRAME, 16 * 16 * 4, 0)
        assert self.send(gpu.ATTACH, page)[0] == gpu.OK_NODATA
        assert self.send(gpu.SET_SCANOUT, struct.pack("<6I", *RECT, 0, 1))[0] == gpu.OK_NODATA

    def transfer(self, rect=RECT, offset=0, resource=1, **options):
        return self.send(gpu.TRANSFER, struct.pack("<4IQII", *rect, offset, resource, 0), **options)[0]

    def flush(self, rect=RECT, resource=1, **options):
        return self.send(gpu.FLUSH, struct.pack("<6I", *rect, resource, 0), **options)[0]


def test_a_picture_comes_to_the_screen_and_indices_wrap():
    driver = Driver()
    driver.set_up()
    pixels = bytes(range(256)) * 4
    driver.memory.put(FRAME, pixels)
    assert driver.transfer() == driver.flush() == gpu.OK_NODATA
    assert bytes(driver.device.scanouts[0].screen) == pixels
    assert driver.done == 4  # five requests from 0xffff


def test_display_info_has_the_size_of_the_structure():
    driver = Driver(size=(640, 480))
    kind, *_ = driver.send(gpu.GET_DISPLAY_INFO)
    assert (kind, driver.length) == (gpu.OK_DISPLAY_INFO, 408)
    assert struct.unpack("<6I", driver.memory.read(RESPONSE + 24, 24)) == (0, 0, 640, 480, 1, 0)


def test_a_fence_comes_back():
    driver = Driver()
    assert driver.send(gpu.GET_DISPLAY_INFO, flags=1, fence=99)[1:4] == (1, 99, 7)
    assert driver.send(gpu.GET_DISPLAY_INFO, fence=99)[1:4] == (0, 0, 0)


def test_a_part_of_a_picture_is_read_from_its_offset():
    driver = Driver()
    driver.set_up()
    driver.memory.put(FRAME + (3 * 16 + 2) * 4, b"\x11" * 8)
    assert driver.transfer((2, 3, 2, 1), (3 * 16 + 2) * 4) == gpu.OK_NODATA
    image = driver.device.resources[1].image
    assert image[(3 * 16 + 2) * 4 :][:8] == b"\x11" * 8
    assert sum(image) == 8 * 0x11


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        (gpu.CREATE_2D, struct.pack("<4I", 0, 2, 16, 16), gpu.ERR_RESOURCE),
        (gpu.CREATE_2D, struct.pack("<4I", 1, 2, 16, 16), gpu.ERR_RESOURCE),
        (gpu.CREATE_2D, struct.pack("<4I", 2, 5, 16, 16), gpu.ERR_PARAMETER),
        (gpu.CREATE_2D, struct.pack("<4I", 2, 2, 1 << 31, 1 << 31), gpu.ERR_OUT_OF_MEMORY),
        (gpu.CREATE_2D, b"", gpu.ERR_UNSPEC),
        (gpu.UNREF, struct.pack("<2I", 9, 0), gpu.ERR_RESOURCE),
        (gpu.ATTACH, struct.pack("<2I", 9, 0), gpu.ERR_RESOURCE),
        (gpu.ATTACH, struct.pack("<2I", 1, 0), gpu.ERR_UNSPEC),
        (gpu.DETACH, struct.pack("<2I", 9, 0), gpu.ERR_RESOURCE),
        (gpu.SET_SCANOUT, struct.pack("<6I", *RECT, 5, 1), gpu.ERR_SCANOUT),
        (gpu.SET_SCANOUT, struct.pack("<6I", *RECT, 0, 9), gpu.ERR_RESOURCE),
        (gpu.SET_SCANOUT, struct.pack("<6I", 0, 0, 8, 8, 0, 1), gpu.ERR_PARAMETER),
        (gpu.TRANSFER, struct.pack("<4IQII", 8, 0, 16, 16, 0, 1, 0), gpu.ERR_PARAMETER),
        (gpu.TRANSFER, struct.pack("<4IQII", 0xFFFFFFFF, 0, 1, 1, 0, 1, 0), gpu.ERR_PARAMETER),
        (gpu.TRANSFER, struct.pack("<4IQII", *RECT, 0, 9, 0), gpu.ERR_RESOURCE),
        (gpu.TRANSFER, struct.pack("<4IQII", *RECT, 1 << 63, 1, 0), gpu.OK_NODATA),
        (gpu.FLUSH, struct.pack("<6I", 0, 1, 16, 16, 1, 0), gpu.ERR_PARAMETER),
        (gpu.FLUSH, struct.pack("<6I", *RECT, 9, 0), gpu.ERR_RESOURCE),
        (0xDEAD, b"", gpu.ERR_UNSPEC),
    ],
)
def test_wrong_requests_get_the_error_that_qemu_gives(kind, body, code):
    driver = Driver()
    driver.set_up()
    assert driver.send(kind, body)[0] == code


def test_a_page_outside_guest_memory_is_refused():
    driver = Driver()
    driver.send(gpu.CREATE_2D, struct.pack("<4I", 1, 2, 16, 16))
    page = struct.pack("<IIQII", 1, 1, 1 << 40, 4096, 0)
    assert driver.send(gpu.ATTACH, page)[0] == gpu.ERR_UNSPEC


def test_tear_down():
    driver = Driver()
    driver.set_up()
    assert driver.send(gpu.SET_SCANOUT, struct.pack("<6I", *RECT, 0, 0))[0] == gpu.OK_NODATA
    assert driver.send(gpu.DETACH, struct.pack("<2I", 1, 0))[0] == gpu.OK_NODATA
    assert driver.send(gpu.UNREF, struct.pack("<2I", 1, 0))[0] == gpu.OK_NODATA
    assert driver.transfer() == gpu.ERR_RESOURCE


@pytest.mark.parametrize(
    "chain",
    [
        [(REQUEST, 24, NEXT, 0)],
        [(REQUEST, 24, NEXT, 1), (RESPONSE, 24, NEXT | WRITE, 0)],
        [(REQUEST, 24, NEXT, 99)],
        [(1 << 60, 24, 0, 0)],
        [(REQUEST, 0xFFFFFFFF, 0, 0)],
        [(RESPONSE, 24, NEXT | WRITE, 1), (REQUEST, 24, 0, 0)],
        [(REQUEST, 24, 4, 0)],
    ],
)
def test_chains_that_are_none_are_given_back(chain):
    driver = Driver()
    for number, each in enumerate(chain):
        driver.descriptor(number, *each)
    driver.submit()
    driver.device.drain()
    driver.answer()
    assert driver.device.errors == 1


def test_an_index_that_runs_ahead_of_the_queue_is_not_followed():
    driver = Driver()
    driver.memory.put(AVAIL_RING + 2, struct.pack("<H", 0x7000))
    driver.device.drain()
    assert driver.device.answered == 0


@given(st.lists(st.tuples(st.binary(min_size=0, max_size=80), st.binary(min_size=16, max_size=64)), max_size=6))
@settings(max_examples=60, deadline=None)
def test_nothing_that_a_driver_writes_brings_the_device_down(requests):
    driver = Driver()
    for body, table in requests:
        driver.memory.put(REQUEST, body)
        driver.memory.put(DESC, table)
        driver.submit()
        for _ in range(20_000):
            next(driver.device.work)
            if driver.device.idle(driver.memory.version):
                break


def test_an_asynchronous_device_copies_late_unless_it_is_fenced():
    for flags, first in ((gpu.FLAG_FENCE, b"\x11"), (0, b"\x22")):
        driver = Driver(asynchronous=True)
        driver.set_up()
        driver.memory.put(FRAME, b"\x11" * 1024)
        driver.device.later.clear()
        request = HEADER.pack(gpu.TRANSFER, flags, 0, 0, 0) + struct.pack("<4IQII", *RECT, 0, 1, 0)
        driver.memory.put(REQUEST, request)
        driver.descriptor(0, REQUEST, len(request), NEXT, 1)
        driver.descriptor(1, RESPONSE, 24, WRITE)
        driver.submit()
        while driver.memory.read(USED_RING + 2, 2) != struct.pack("<H", (driver.done + 1) & 0xFFFF):
            next(driver.device.work)
        driver.memory.put(FRAME, b"\x22" * 1024)  # the answer is there: the driver draws the next picture
        driver.device.drain()
        assert driver.device.resources[1].image[:1] == first


def test_the_packed_queue_wraps():
    memory = GuestMemory((), 1 << 16)
    queue = PackedQueue(memory, 3, DESC)
    device = Gpu(memory, queue)
    at, wrap = 0, True
    for number in range(7):
        where = []
        for address, length, flags in ((REQUEST, 24, NEXT), (RESPONSE, 408, WRITE)):
            bits = AVAIL if wrap else USED
            where.append((DESC + 16 * at, struct.pack("<QIHH", address, length, number, flags | bits)))
            first = wrap if len(where) == 1 else first  # noqa: F821
            at += 1
            if at == 3:
                at, wrap = 0, not wrap
        memory.put(REQUEST, HEADER.pack(gpu.GET_DISPLAY_INFO, 0, 0, 0, 0))
        memory.put(RESPONSE, bytes(408))
        for place, data in reversed(where):
            memory.put(place, data)
        memory.version += 1
        device.drain()
        _, length, id_, flags = struct.unpack("<QIHH", memory.read(where[0][0], 16))
        assert (length, id_) == (408, number)
        assert bool(flags & AVAIL) == bool(flags & USED) == first
        assert memory.read(RESPONSE, 2) == struct.pack("<H", gpu.OK_DISPLAY_INFO)
