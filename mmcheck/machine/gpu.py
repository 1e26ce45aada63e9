"""virtio-gpu, 2D: the commands that put a picture on a screen (VirtIO 1.2, 5.7), with QEMU's answers.

Layouts, numbers and the meaning of ``offset`` are those of VirtIO 1.2, 5.7. A control queue is worked off in
order.
Every access to guest memory is one step of the device; the driver runs in between. The host's picture of a resource
is a
copy, so what TRANSFER_TO_HOST_2D reads is what will be seen.

An **asynchronous** device may answer before it has done the work, unless the request has FENCE set (5.7.6.5).
Whatever a driver sends, it gets an answer: unknown ids, rectangles outside, requests too short, loops.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from random import Random

from mmcheck.machine.guest import GuestFault, GuestMemory
from mmcheck.machine.rings import Chain, PackedQueue, SplitQueue, Step

GET_DISPLAY_INFO, CREATE_2D, UNREF, SET_SCANOUT, FLUSH, TRANSFER, ATTACH, DETACH = range(0x100, 0x108)
OK_NODATA, OK_DISPLAY_INFO = 0x1100, 0x1101
ERR_UNSPEC, ERR_OUT_OF_MEMORY, ERR_SCANOUT, ERR_RESOURCE, ERR_CONTEXT, ERR_PARAMETER = range(0x1200, 0x1206)
FLAG_FENCE = 1
FORMATS = frozenset({1, 2, 3, 4, 67, 68, 121, 134})
"""All have four bytes a pixel."""
MAX_ENTRIES = 16_384
MAX_HOST_MEMORY = 1 << 26
MAX_REQUEST = 1 << 19
SCANOUTS = 16
HEADER = struct.Struct("<IIQII")
"""type, flags, fence_id, ctx_id, ring_idx and padding: 24 bytes."""
PIXEL = 4
EAGER = 1 / 32
"""How likely an asynchronous device is, whenever it finds no request, to do what it has put off."""
CHUNK = 8
"""Bytes of a request that are one access."""

Work = Generator[None, None, tuple[int, bytes]]


@dataclass(slots=True)
class Resource:
    """A picture on the host, and the guest's pages behind it."""

    width: int
    height: int
    format: int
    image: bytearray
    backing: list[tuple[int, int]] | None = None


@dataclass(slots=True)
class Scanout:
    resource: int = 0
    rect: tuple[int, int, int, int] = (0, 0, 0, 0)
    screen: bytearray = field(default_factory=bytearray)


class Gpu:
    """The device. `on_flush` is called with the number of each scanout that was updated, and that of the request."""

    def __init__(
        self, memory: GuestMemory, queue: SplitQueue | PackedQueue, *,
        size: tuple[int, int] = (1024, 768), scanouts: int = 1,
        asynchronous: bool = False, random: Random | None = None, on_flush: Callable[[int, int], None] | None = None,
    ) -> None:  # fmt: skip
        self.name = "gpu"
        self.memory = memory
        self.queue = queue
        self.size = size
        self.scanouts = [Scanout() for _ in range(scanouts)]
        self.resources: dict[int, Resource] = {}
        self.asynchronous = asynchronous
        self.random = random or Random(0)
        self.on_flush = on_flush
        self.later: list[Step] = []
        self.answered = 0
        self.errors = 0
        self.looked = -1
        self.accesses = 0
        self.work = self.run()

    # as an agent of a machine

    finished = False
    failed: tuple[str, ...] = ()

    def idle(self, version: int) -> bool:
        return self.looked == version and not self.later

    def may_give_up(self) -> bool:
        return False

    def give_up(self) -> None:
        return

    def step(self, random: Random, now: int) -> bool:
        """One access to guest memory."""
        self.accesses += 1
        next(self.work)
        return True

    # the queue

    def run(self) -> Step:
        """Work for ever."""
        while True:
            before = self.memory.version
            count = yield from self.queue.pending()
            if not count:
                self.looked = before
                if self.later and self.random.random() < EAGER:
                    yield from self.catch_up()
                continue
            self.looked = -1
            for _ in range(count):
                chain = yield from self.queue.take()
                yield from self.serve(chain)

    def drain(self) -> None:
        """Work until there is nothing left to do; for drivers that do not run beside it."""
        self.looked = -1
        while not self.idle(self.memory.version):
            next(self.work)

    def catch_up(self) -> Step:
        """Finish what was answered before it was done, oldest first."""
        while self.later:
            yield from self.later.pop(0)

    def serve(self, chain: Chain) -> Step:
        """Answer one request."""
        room = sum(length for _, length in chain.writable)
        if chain.broken:
            response = HEADER.pack(ERR_UNSPEC, 0, 0, 0, 0)
        else:
            request = yield from self.gather(chain)
            response = yield from self.answer(request)
        if int.from_bytes(response[:4], "little") >= ERR_UNSPEC:
            self.errors += 1
        written = yield from self.scatter(chain, response[:room])
        yield from self.queue.give(chain, written)
        self.answered += 1

    def gather(self, chain: Chain) -> Generator[None, None, bytes]:
        """The bytes of a request, at most `MAX_REQUEST` of them."""
        out = bytearray()
        for address, length in chain.readable:
            for start in range(0, min(length, MAX_REQUEST - len(out)), CHUNK):
                out += self.memory.read(address + start, min(CHUNK, length - start))
                yield
        return bytes(out)

    def scatter(self, chain: Chain, data: bytes) -> Generator[None, None, int]:
        written = 0
        for address, length in chain.writable:
            part = data[written : written + length]
            for start in range(0, len(part), CHUNK):
                self.memory.put(address + start, part[start : start + CHUNK])
                self.memory.version += 1
                yield
            written += len(part)
        return written

    # commands

    def answer(self, request: bytes) -> Generator[None, None, bytes]:
        """The response: header and data. With FENCE the work is done by then, and flag and id come back."""
        if len(request) < HEADER.size:
            return HEADER.pack(ERR_UNSPEC, 0, 0, 0, 0)
        kind, flags, fence, context, _ = HEADER.unpack_from(request)
        code, data = yield from self.execute(kind, request, fenced=bool(flags & FLAG_FENCE))
        if flags & FLAG_FENCE:
            return HEADER.pack(code, FLAG_FENCE, fence, context, 0) + data
        return HEADER.pack(code, 0, 0, 0, 0) + data

    def execute(self, kind: int, request: bytes, *, fenced: bool) -> Work:
        words = _words(request)
        if kind == TRANSFER:
            return (yield from self.transfer(words, request, fenced))
        if kind == FLUSH:
            return (yield from self.flush(words, request, fenced))
        if self.later:
            yield from self.catch_up()  # commands take effect in the order of the queue
        if kind == ATTACH:
            return self.attach(words, request), b""
        handlers: dict[int, tuple[int, Callable[[list[int]], int]]] = {
            CREATE_2D: (40, self.create), UNREF: (32, self.unref), SET_SCANOUT: (48, self.set_scanout),
            DETACH: (32, self.detach),
        }  # fmt: skip
        if kind == GET_DISPLAY_INFO:
            return OK_DISPLAY_INFO, self.display_info()
        if kind not in handlers or len(request) < handlers[kind][0]:
            return ERR_UNSPEC, b""
        return handlers[kind][1](words), b""

    def display_info(self) -> bytes:
        """Sixteen modes of 24 bytes; those of scanouts that exist are enabled."""
        out = b""
        for number in range(SCANOUTS):
            there = number < len(self.scanouts)
            width, height = self.size if there else (0, 0)
            out += struct.pack("<6I", 0, 0, width, height, int(there), 0)
        return out

    def create(self, words: list[int]) -> int:
        number, format_, width, height = words[:4]
        if number == 0 or number in self.resources:
            return ERR_RESOURCE
        if format_ not in FORMATS or not width or not height:
            return ERR_PARAMETER
        used = sum(len(resource.image) for resource in self.resources.values())
        if used + width * height * PIXEL > MAX_HOST_MEMORY:
            return ERR_OUT_OF_MEMORY
        self.resources[number] = Resource(width, height, format_, bytearray(width * height * PIXEL))
        return OK_NODATA

    def unref(self, words: list[int]) -> int:
        if words[0] not in self.resources:
            return ERR_RESOURCE
        for scanout in self.scanouts:
            if scanout.resource == words[0]:
                scanout.resource = 0
        del self.resources[words[0]]
        return OK_NODATA

    def attach(self, words: list[int], request: bytes) -> int:
        """The guest's pages; each {addr u64, length u32, padding u32}."""
        if len(request) < 32:
            return ERR_UNSPEC
        number, entries = words[:2]
        resource = self.resources.get(number)
        if resource is None:
            return ERR_RESOURCE
        if resource.backing is not None or entries > MAX_ENTRIES or len(request) < 32 + 16 * entries:
            return ERR_UNSPEC
        pages = [struct.unpack_from("<QI", request, 32 + 16 * k) for k in range(entries)]
        if any(address + length > self.memory.size for address, length in pages):
            return ERR_UNSPEC
        resource.backing = [(address, length) for address, length in pages]
        return OK_NODATA

    def detach(self, words: list[int]) -> int:
        resource = self.resources.get(words[0])
        if resource is None or resource.backing is None:
            return ERR_RESOURCE
        resource.backing = None
        return OK_NODATA

    def set_scanout(self, words: list[int]) -> int:
        x, y, width, height, number, target = words[:6]
        if number >= len(self.scanouts):
            return ERR_SCANOUT
        scanout = self.scanouts[number]
        if target == 0:
            scanout.resource = 0
            return OK_NODATA
        resource = self.resources.get(target)
        if resource is None:
            return ERR_RESOURCE
        if width < 16 or height < 16 or not _inside(resource, x, y, width, height):
            return ERR_PARAMETER
        scanout.resource, scanout.rect = target, (x, y, width, height)
        scanout.screen = bytearray(width * height * PIXEL)
        return OK_NODATA

    def transfer(self, words: list[int], request: bytes, fenced: bool) -> Work:
        """Guest to host. The offset is that of the source in the backing (QEMU, Linux)."""
        if len(request) < 56:
            return ERR_UNSPEC, b""
        x, y, width, height = words[:4]
        offset, number = words[4] | words[5] << 32, words[6]
        if self.asynchronous and self.later and (fenced or self.random.random() < 0.5):
            yield from self.catch_up()
        resource = self.resources.get(number)
        if resource is None or resource.backing is None:
            return ERR_RESOURCE, b""
        if not _inside(resource, x, y, width, height):
            return ERR_PARAMETER, b""
        copy = self.copy(resource, (x, y, width, height), offset)
        if self.asynchronous and not fenced:
            self.later.append(copy)
        else:
            yield from copy
        return OK_NODATA, b""

    def copy(self, resource: Resource, rect: tuple[int, int, int, int], offset: int) -> Step:
        """Row by row, each row one access."""
        x, y, width, height = rect
        stride = resource.width * PIXEL
        for row in range(height):
            data = self.pages(resource, offset + stride * row, width * PIXEL)
            at = (y + row) * stride + x * PIXEL
            resource.image[at : at + len(data)] = data
            yield

    def pages(self, resource: Resource, start: int, length: int) -> bytes:
        """Bytes of the backing, fewer where it ends."""
        out = b""
        for address, size in resource.backing or ():
            if start < size and length > 0:
                part = min(size - start, length)
                try:
                    out += self.memory.read(address + start, part)
                except GuestFault:
                    return out
                length -= part
                start = 0
            else:
                start -= size
        return out

    def flush(self, words: list[int], request: bytes, fenced: bool) -> Work:
        """Host picture to the screens that show it; nothing is read from the guest."""
        if len(request) < 48:
            return ERR_UNSPEC, b""
        x, y, width, height, number = words[:5]
        resource = self.resources.get(number)
        if resource is None:
            return ERR_RESOURCE, b""
        if not _inside(resource, x, y, width, height):
            return ERR_PARAMETER, b""
        show = self.show(number, (x, y, width, height), self.answered)
        if self.asynchronous and not fenced:
            self.later.append(show)
        else:
            if self.later:
                yield from self.catch_up()
            yield from show
        return OK_NODATA, b""

    def show(self, number: int, rect: tuple[int, int, int, int], request: int) -> Step:
        resource = self.resources.get(number)
        for k, scanout in enumerate(self.scanouts):
            if resource is None or scanout.resource != number:
                continue
            left, top, wide, high = scanout.rect
            x0, y0 = max(left, rect[0]), max(top, rect[1])
            x1, y1 = min(left + wide, rect[0] + rect[2]), min(top + high, rect[1] + rect[3])
            for line in range(y0, y1):
                source = (line * resource.width + x0) * PIXEL
                target = ((line - top) * wide + x0 - left) * PIXEL
                scanout.screen[target : target + (x1 - x0) * PIXEL] = resource.image[
                    source : source + (x1 - x0) * PIXEL
                ]
            if self.on_flush is not None:
                self.on_flush(k, request)
        yield


def _words(request: bytes) -> list[int]:
    """The 32-bit words behind the header, at least eight."""
    body = request[HEADER.size :][:64]
    body = body.ljust(max(32, len(body) + -len(body) % 4), b"\0")
    return [word for (word,) in struct.iter_unpack("<I", body)]


def _inside(resource: Resource, x: int, y: int, width: int, height: int) -> bool:
    return x + width <= resource.width and y + height <= resource.height
