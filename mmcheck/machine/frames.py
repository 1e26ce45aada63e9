"""Frames through a virtqueue: the driver of a specification, a virtio-gpu in bytes, and what comes out on the screen.

The specification gives the driver: its functions ``setup`` and ``draw_frame(n)``, its cells ``desc``, ``avail``,
``used``, ``fb``,
its constants ``ROWS`` and ``REAL`` (set to the height of the picture and to true). They run on the machine of the
target, with the
device beside them as one more agent; each store of a row, each field of a request, each look at an index is a step.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random

from mmcheck.base.errors import fail
from mmcheck.base.source import SourceFile
from mmcheck.ir.program import Assign, Block, Break, Call, Cell, Const, If, Loop, Op, Program, Reg, Thread
from mmcheck.language.lower.spec import Spec, load_spec
from mmcheck.machine import runner
from mmcheck.machine.constants import with_constants
from mmcheck.machine.gpu import Gpu
from mmcheck.machine.guest import GuestMemory
from mmcheck.machine.memory import Counts
from mmcheck.machine.outoforder import OutOfOrder
from mmcheck.machine.picture import wheel
from mmcheck.machine.probes import probed
from mmcheck.machine.rings import SplitQueue
from mmcheck.target.costs import default_costs
from mmcheck.target.targets import Target

FUNCTIONS = ("setup", "draw_frame")
SETUP = 3
"""Requests of ``setup``; each picture is two more. Every request is answered once, so that counting answers tells which
picture a flush belongs to, also behind one that was lost."""
WINDOW = 96
"""Instructions in flight on Armv8: enough for the last rows of a picture to be on their way when the request is."""
HASTE = 8.0
"""How much likelier what is older happens first: stores mostly leave a CPU in order."""
SLOW = 1 / 300
"""The part of the stores that take long."""
STEPS_A_FRAME = 200_000
"""Steps after which a frame that does not come is given up."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture as it came out. `torn` are rows of another picture, `stale` of those the ones of an earlier picture;
    `pixels` counts wrong pixels. The counters are of the time since the frame before."""

    number: int
    screen: bytes
    torn: int
    stale: int
    pixels: int
    barriers: Counter[str]
    spins: int
    completions: int
    timeouts: int
    locked: int
    steps: int
    cost: int


@dataclass(slots=True)
class Film:
    """All frames of a run. `stopped` says why there are fewer than asked for."""

    size: int
    frames: list[Frame] = field(default_factory=list)
    most_spins: int = 0
    steps: int = 0
    errors: int = 0
    failed: tuple[str, ...] = ()
    stopped: str = ""

    asked: int = 0

    @property
    def torn(self) -> int:
        """Pictures that came out wrong."""
        return sum(frame.torn > 0 for frame in self.frames)

    @property
    def lost(self) -> int:
        """Pictures that never came to the screen: the device took their request for another, or for none."""
        return self.asked - len(self.frames)

    def mean(self, of: Callable[[Frame], float]) -> float:
        return sum(map(of, self.frames)) / max(len(self.frames), 1)


def film_spec(source: SourceFile, size: int) -> Spec:
    """The specification with pictures of `size` rows, and requests in full."""
    values = {"ROWS": str(size), "REAL": "true"}
    return load_spec(with_constants(source, values, "specs/gpu.litmus"))


def frames(
    spec: Spec,
    target: Target,
    variant: str | None,
    *,
    count: int,
    size: int,
    seed: int,
    asynchronous: bool = False,
    probes: bool = False,
    on_frame: Callable[[Frame], None] | None = None,
) -> Film:
    """Draw `count` pictures. Raises `InputError` if the specification lacks what is needed."""
    program = _program(spec.program(target, variant), spec.path, count)
    if probes:
        program = probed(program)
    random = Random(seed)
    memory = GuestMemory(program.cells)
    rows = _cells(program, "fb")
    memory.frame_buffer(rows, 4 * size, lambda number, row: wheel(number, size)[row])
    machine = runner.machine(program, random, memory=memory, window=1, haste=HASTE, slow=SLOW)
    film = Film(size, asked=count)
    watch = _Watch(film, machine, memory, size, target, on_frame)
    device = Gpu(
        memory,
        _queue(program, memory),
        size=(size, size),
        asynchronous=asynchronous,
        random=Random(seed + 1),
        on_flush=watch.flushed,
    )
    watch.device = device
    machine.agents.append(device)
    driver = machine.agents[0]
    # One instruction at a time until the screen is set up: what goes wrong is to go wrong in pictures.
    machine.run(random, limit=STEPS_A_FRAME, until=lambda: driver.finished or device.answered >= SETUP)
    if isinstance(driver, OutOfOrder):
        driver.window = WINDOW
    while not driver.finished:
        before = device.answered
        more = partial(_answered, driver, device, before + 64)
        machine.run(random, limit=STEPS_A_FRAME, until=more)
        if device.answered == before and not driver.finished:
            film.stopped = f"no request was answered in {STEPS_A_FRAME:,} steps"
            break
    if device.later:
        device.drain()
    film.steps, film.errors = machine.now, device.errors
    film.failed = tuple(dict.fromkeys(name for agent in machine.agents for name in agent.failed))  # type: ignore[attr-defined]
    return film


def _answered(driver: runner.Agent, device: Gpu, count: int) -> bool:
    return driver.finished or device.answered > count


def _program(program: Program, path: str, count: int) -> Program:
    """The driver alone: set up, then frame after frame."""
    missing = [name for name in FUNCTIONS if name not in program.functions]
    if missing:
        raise fail(
            "MM062", f"{path} has no function '{missing[0]}'", path=path, help="specs/gpu.litmus shows what is needed"
        )
    thread = program.threads[0]
    n = Reg("n", 32)
    body: Block = (
        Call("setup", ()),
        Loop(
            (
                Assign(n, Op("add", (n, Const(1)), 32)),
                Call("draw_frame", (n,)),
                If(Op("eq", (n, Const(count)), 1), (Break(),)),
            )
        ),
    )
    driver = Thread(thread.name, body, "thread", thread.source, thread.privates, thread.cpu, thread.origin)
    return replace(program, threads=(driver,))


def _cells(program: Program, name: str) -> list[Cell]:
    return [cell for cell in program.cells if re.fullmatch(rf"{name}(\[\d+\])?", cell.name)]


def _address(program: Program, name: str) -> int:
    """Where the variable `name` begins."""
    found = [cell.address for cell in program.cells if re.match(rf"{name}\b", cell.name)]
    if not found:
        raise fail("MM062", f"the program has no variable '{name}'", help="specs/gpu.litmus shows what is needed")
    return min(found)


def _queue(program: Program, memory: GuestMemory) -> SplitQueue:
    """The split queue that the program's variables are."""
    descriptors = sum(1 for cell in program.cells if re.fullmatch(r"desc\[\d+\]\.addr", cell.name))
    used = _address(program, "used")
    start = memory.load(used + 2, 16)
    return SplitQueue(memory, descriptors, _address(program, "desc"), _address(program, "avail"), used, start)


class _Watch:
    """Looks at the screen whenever the device has updated it."""

    def __init__(
        self, film: Film, machine: runner.Machine, memory: GuestMemory, size: int, target: Target,
        on_frame: Callable[[Frame], None] | None,
    ) -> None:  # fmt: skip
        self.film = film
        self.machine = machine
        self.size = size
        self.table = default_costs().rows(target)
        self.on_frame = on_frame
        self.device: Gpu | None = None
        self.then = _copy(machine.counts)
        self.now = 0
        self.answered = 0

    def flushed(self, scanout: int, request: int) -> None:
        device, film, size = self.device, self.film, self.size
        assert device is not None
        number = (request - SETUP) // 2 + 1
        screen = bytes(device.scanouts[scanout].screen)
        wanted, before = wheel(number, size), wheel(number - 1, size)
        torn = stale = pixels = 0
        for row in range(size):
            found = screen[4 * size * row : 4 * size * (row + 1)]
            if found != wanted[row]:
                torn += 1
                stale += found == before[row]
                pixels += sum(found[4 * i : 4 * i + 4] != wanted[row][4 * i : 4 * i + 4] for i in range(size))
        counts, then = self.machine.counts, self.then
        barriers = counts.barriers - then.barriers
        locked = counts.locked - then.locked
        cost = sum(self.table.get(name, 0) * each for name, each in barriers.items())
        cost += locked * self.table.get("xchg", 0)
        frame = Frame(
            number, screen, torn, stale, pixels, barriers, counts.spins - then.spins, device.answered - self.answered,
            counts.timeouts - then.timeouts, locked, self.machine.now - self.now, int(cost),
        )  # fmt: skip
        self.then, self.now, self.answered = _copy(counts), self.machine.now, device.answered
        film.frames.append(frame)
        film.most_spins = max(film.most_spins, frame.spins)
        if self.on_frame is not None:
            self.on_frame(frame)


def _copy(counts: Counts) -> Counts:
    return replace(counts, barriers=Counter(counts.barriers), sites=Counter(counts.sites))
