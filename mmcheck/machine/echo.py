"""A device in bytes that answers tags: the other side of a packed virtqueue whose driver comes from a specification.

The driver is the specification's own first thread (``specs/packed.litmus``, which includes the reference): its chains,
flags, wrap counters and notifications. Its variables stand in guest memory where C would put them, the descriptors at
their 16 bytes (VirtIO 1.2, 2.8.13), the event suppression structures at their four (2.8.14). The device is
`PackedQueue` with its own wrap counter; it shares no code with the device of the specification.

A request is {tag u32, body u32}, its answer the tag and 100. When two looks find nothing the device asks for
notifications (2.8.10), looks once more and sleeps until the doorbell rings; what it then misses is a lost kick.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, replace
from random import Random

from mmcheck.base.errors import fail
from mmcheck.base.source import SourceFile
from mmcheck.ir.program import Assign, Await, Block, Break, Call, Const, If, Loop, Op, Program, Reg
from mmcheck.language.lower.spec import Spec, load_spec
from mmcheck.machine import runner
from mmcheck.machine.constants import with_constants
from mmcheck.machine.guest import GuestMemory
from mmcheck.machine.rings import Chain, PackedQueue, Step, number, put
from mmcheck.target.targets import Target

EXAMPLE = "specs/packed.litmus"
FUNCTIONS = ("add_chain", "kick", "more_used", "reap")
NEEDED = ("ring[0].addr", "ring[0].len", "ring[0].id", "ring[0].flags", "driver_event.flags", "device_event.flags",
          "doorbell", "used_irq")  # fmt: skip
ENABLE, DISABLE = 0, 1
MORE = 100
"""What the device adds to a tag."""
FIRST = 10
"""The tag of the first request."""
STEPS = 1_000_000


@dataclass(frozen=True, slots=True)
class Places:
    """Where the variables of the driver stand, the ring's size, and where both sides begin in it."""

    ring: int
    size: int
    start: int
    wrap: bool
    wanted: int
    """The driver's event suppression flags (2.8.14), which the device reads."""
    asked: int
    """The device's, which the device writes."""
    doorbell: int
    interrupt: int


@dataclass(frozen=True, slots=True)
class Echoed:
    """A run: what the device read of each request, how many chains were none, requirements that an assertion of the
    driver violated, and who waits for ever."""

    requests: tuple[tuple[int, int], ...]
    broken: tuple[str, ...]
    failed: tuple[str, ...]
    stuck: tuple[str, ...]
    kicks: int
    steps: int

    @property
    def wrong(self) -> int:
        """Requests that the device did not see as the driver wrote them."""
        return sum(1 for n, seen in enumerate(self.requests) if seen != (FIRST + n, FIRST + n)) + len(self.broken)


class Echo:
    """The device, an agent of a machine. `sleeps` tells whether it waits for the doorbell."""

    finished = False
    failed: tuple[str, ...] = ()

    def __init__(self, memory: GuestMemory, places: Places) -> None:
        self.name = "echo"
        self.memory = memory
        self.places = places
        self.queue = PackedQueue(memory, places.size, places.ring, places.start, wrap=places.wrap)
        self.requests: list[tuple[int, int]] = []
        self.broken: list[str] = []
        self.kicks = 0
        self.looked = -1
        self.work = self.run()

    def idle(self, version: int) -> bool:
        return self.looked == version

    def may_give_up(self) -> bool:
        return False

    def give_up(self) -> None:
        return

    def step(self, random: Random, now: int) -> bool:
        """One access to guest memory."""
        next(self.work)
        return True

    def run(self) -> Step:
        """Work for ever: serve what is there, sleep when nothing is."""
        asked = False
        while True:
            before = self.memory.version
            if (yield from self.queue.pending()):
                self.looked = -1
                chain = yield from self.queue.take()
                yield from self.serve(chain)
            elif not asked:
                put(self.memory, self.places.asked, 2, ENABLE)
                yield
                asked = True
            else:
                self.looked = before
                yield from self.sleep()
                put(self.memory, self.places.asked, 2, DISABLE)
                yield
                asked = False

    def sleep(self) -> Step:
        """Until the doorbell has rung."""
        while not number(self.memory, self.places.doorbell, 4):
            self.looked = self.memory.version
            yield
        self.looked = -1
        put(self.memory, self.places.doorbell, 4, 0)
        self.kicks += 1
        yield

    def serve(self, chain: Chain) -> Step:
        """Read the request, write the answer, give the chain back, notify if the driver wants it."""
        if chain.broken or not chain.readable or not chain.writable:
            self.broken.append(chain.broken or "a chain without a request or without room for the answer")
            yield from self.queue.give(chain, 0)
            return
        address, _ = chain.readable[0]
        tag = yield from self.word(address)
        body = yield from self.word(address + 4)
        self.requests.append((tag, body))
        put(self.memory, chain.writable[0][0], 4, tag + MORE)
        yield
        yield from self.queue.give(chain, 4)
        wanted = number(self.memory, self.places.wanted, 2)
        yield
        if wanted != DISABLE:
            put(self.memory, self.places.interrupt, 1, 1)
            yield

    def word(self, address: int) -> Generator[None, None, int]:
        found = number(self.memory, address, 4)
        yield
        return found


def echo_spec(source: SourceFile) -> Spec:
    """The specification with its chains in full. Raises `InputError` if it is none for this device."""
    return load_spec(with_constants(source, {"REAL": "true"}, EXAMPLE))


def driver(spec: Spec, target: Target, variant: str | None, *, rounds: int | None = None) -> Program:
    """The driver alone: its first thread, or `rounds` requests one after the other by its functions."""
    program = spec.program(target, variant)
    missing = [name for name in FUNCTIONS if name not in program.functions]
    names = {cell.name for cell in program.cells}
    missing += [name for name in NEEDED if name not in names]
    if missing:
        message = f"{spec.path} has no '{missing[0]}', which a driver for the device in bytes has"
        raise fail("MM062", message, path=spec.path, help=f"{EXAMPLE} shows what is needed")
    thread = program.threads[0]
    if rounds is not None:
        thread = replace(thread, body=_rounds(rounds))
    return replace(program, threads=(thread,))


def _rounds(count: int) -> Block:
    n, more = Reg("n", 32), Reg("more", 1)
    request: Block = (
        Call("add_chain", (Const(0, 16), Op("add", (n, Const(FIRST)), 32))),
        Call("kick", ()),
        Await((Call("more_used", (), more),), more),
        Call("reap", (n,)),
        Assign(n, Op("add", (n, Const(1)), 32)),
        If(Op("eq", (n, Const(count)), 1), (Break(),)),
    )
    return (Loop(request),)


def places(program: Program) -> Places:
    """Where the variables of `program` stand."""
    at = {cell.name: cell.address for cell in program.cells}
    size = sum(1 for name in at if re.fullmatch(r"ring\[\d+\]\.flags", name))
    privates = {register.name.lstrip("@"): value for register, value in program.threads[0].privates}
    return Places(
        at["ring[0].addr"], size, privates.get("at", 0), bool(privates.get("wrap", 1)), at["driver_event.flags"],
        at["device_event.flags"], at["doorbell"], at["used_irq"],
    )  # fmt: skip


def echoed(program: Program, random: Random, *, prepared: runner.Prepared | None = None) -> Echoed:
    """One run of a `driver` beside the device."""
    memory = GuestMemory(program.cells)
    machine = runner.machine(program, random, prepared=prepared, memory=memory)
    device = Echo(memory, places(program))
    machine.agents.append(device)
    agent = machine.agents[0]
    found = machine.run(random, limit=STEPS, until=lambda: agent.finished)
    waits = not agent.finished
    stuck = (program.threads[0].name,) * waits + (device.name,) * (waits and device.looked >= 0)
    return Echoed(
        tuple(device.requests), tuple(device.broken), found.failed, stuck, device.kicks, found.counts.steps
    )  # fmt: skip
