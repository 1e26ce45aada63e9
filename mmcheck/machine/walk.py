"""The path of a thread through its code, told from what its loads have read.

A run is followed once more with `mmcheck.ir.steps`, which knows nothing of machines: that gives the dependencies,
checks that addresses and values are what the code computes, and evaluates the assertions. Failing rounds of awaits are
left out, as everywhere (docs/compiler.md, waits).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mmcheck.base.errors import InternalError
from mmcheck.events.execution import Event, Execution
from mmcheck.events.relations import bits
from mmcheck.ir import actions as acts
from mmcheck.ir import steps
from mmcheck.ir.instructions import Code, ForkOp, Taint
from mmcheck.ir.preemption import TakeOp
from mmcheck.ir.program import Origin, Tags
from mmcheck.machine.decode import always_writes

DEPENDENCIES = ("addr", "data", "ctrl", "pick-addr", "pick-data", "pick-ctrl")


ALONE = -1


class Seen(NamedTuple):
    """One event of a run, in the order of the thread: what an `Event` has. `at` is where it stands in the flat code, if
    that is known; `who` the agent, where the code is that of several; `partner` the position of the read whose
    read-modify-write it completes, `ALONE` if of none, None if that is not known."""

    kind: str
    address: int | None = None
    value: int | None = None
    at: int | None = None
    who: int | None = None
    partner: int | None = None


class Item(NamedTuple):
    """One event of the path. `reasons` are the reads it depends on, as bits over positions, in the order of
    `DEPENDENCIES`; `partner` is the read of its read-modify-write, `exclusive` how the two are paired."""

    kind: str
    tags: Tags
    origin: Origin
    address: int | None
    width: int
    value: int | None
    reasons: tuple[int, int, int, int, int, int]
    partner: int | None = None
    exclusive: bool = False


@dataclass(slots=True)
class Path:
    """A thread's path. `failed` are the assertions that did not hold, with the number of events before them."""

    items: list[Item] = field(default_factory=list)
    failed: list[tuple[str, int]] = field(default_factory=list)
    registers: list[tuple[str, int]] = field(default_factory=list)
    waiting: Origin | None = None
    complete: bool = False
    pieces: list[int] = field(default_factory=list)
    """The order of the fields of each record store, where there is a choice."""
    exclusives: list[bool] = field(default_factory=list)
    """Whether each exclusive store that could succeed did."""
    outcomes: list[tuple[bool, bool]] = field(default_factory=list)
    """Whether each conditional read-modify-write wrote, and whether it wrote the old value back."""
    taken: list[bool] = field(default_factory=list)
    """Whether the interrupt came at each place where it could."""


class Mismatch(Exception):
    """The event at `position` is not what the code does there; `reason` says why."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position
        self.reason = reason


def seen_of(execution: Execution, events: Sequence[Event], *, whole: bool = True, who: bool = False) -> list[Seen]:
    """`events` of `execution`, which one code made in this order; `who`: that code is of several agents. Not `whole`:
    the execution may leave out which events are a read-modify-write."""
    position = {event.id: k for k, event in enumerate(events)}
    reads = {write: read for name in ("amo", "lxsx") for read, write in execution.relation(name)}
    alone = ALONE if whole else None
    return [
        Seen(e.kind, e.address, e.value, None, e.thread if who else None, position.get(reads.get(e.id, ALONE), alone))
        for e in events
    ]


def follow(code: Code, seen: Sequence[Seen]) -> Path:
    """The path on which the thread has exactly the events `seen`. Raises `Mismatch`."""
    return _Walk(code, seen).run()


class _Walk:
    def __init__(self, code: Code, seen: Sequence[Seen]) -> None:
        self.code = code
        self.seen = seen
        self.path = Path()

    def run(self) -> Path:
        code, path = self.code, self.path
        state = steps.start(code, taints=True)
        if not self.seen and (last := self.stops(state)) is not None:
            return self.end(last)
        while True:
            state, action = steps.advance(code, state)
            match action:
                case acts.Read():
                    state = self.read(state, action)
                case acts.Write():
                    state = self.write(state, action)
                case acts.Modify():
                    state = self.modify(state, action)
                case acts.Barrier():
                    self.next("F", None)
                    self.add("F", state, action.tags, action.origin, None, 0, None)
                    state = steps.skip(state)
                case acts.Check():
                    if not action.holds:
                        path.failed.append((action.requirement, len(path.items)))
                    state = steps.skip(state)
                case acts.Wait():
                    if len(path.items) == len(self.seen):
                        path.waiting = action.origin
                        return self.end(state)
                    state = steps.after_wait(code, state)
                case acts.Failed(gives_up=True):
                    state = steps.give_up(code, state)
                case acts.Failed():
                    if len(path.items) < len(self.seen):
                        raise Mismatch(len(path.items) - 1, "the wait before it is not over with what was read")
                    path.waiting = action.origin
                    return self.end(state)
                case acts.Fork():
                    state = self.fork(state, action)
                case acts.Offer():
                    state = self.offered(state, action)
                case acts.Yield():
                    state = steps.skip(state)
                case acts.Depart():
                    state = steps.arrived(code, state)
                case acts.Impossible():
                    raise Mismatch(len(path.items) - 1, "the interrupt could not come")
                case acts.Ended():
                    if len(path.items) < len(self.seen):
                        raise Mismatch(len(path.items), "the thread has ended before it")
                    path.complete = True
                    return self.end(state)
                case _:
                    raise InternalError("a walk has no bound")
            if len(path.items) == len(self.seen):
                last = self.stops(state)
                if last is not None:
                    return self.end(last)

    def stops(self, state: acts.State) -> acts.State | None:
        """The state before the next event, if the next thing would be one, and there is none left."""
        following, action = steps.advance(self.code, state)
        path = self.path
        failed = []
        while isinstance(action, acts.Check | acts.Offer | acts.Yield | acts.Depart):
            if isinstance(action, acts.Check) and not action.holds:
                failed.append((action.requirement, len(path.items)))
            depart = isinstance(action, acts.Depart)
            following = steps.arrived(self.code, following) if depart else steps.skip(following)
            following, action = steps.advance(self.code, following)
        if isinstance(action, acts.Ended):
            path.complete = True
        if isinstance(action, acts.Wait | acts.Failed) and not (isinstance(action, acts.Failed) and action.gives_up):
            path.waiting = action.origin
        over = (
            not isinstance(action, acts.Fork | acts.Failed | acts.Write)
            or path.waiting is not None
            or (isinstance(action, acts.Write) and not action.exclusive)
        )
        if over:
            path.failed += failed
        return following if over else None

    def end(self, state: acts.State) -> Path:
        self.path.registers = [(name, state.registers[slot]) for name, slot in self.code.named]
        return self.path

    def next(self, kind: str, address: int | None) -> Seen:
        position = len(self.path.items)
        if position >= len(self.seen):
            raise Mismatch(position, "the thread goes on, and the run does not")
        event = self.seen[position]
        if event.kind != kind or (event.address is not None and event.address != address):
            what = {"R": "a read", "W": "a write", "F": "a barrier"}
            where = f" at {address:#x}" if address is not None else ""
            raise Mismatch(position, f"the program has {what[kind]}{where} here")
        return event

    def add(
        self, kind: str, state: acts.State, tags: Tags, origin: Origin, address: int | None, width: int,
        value: int | None, why: Taint = (0, 0), data: Taint = (0, 0), partner: int | None = None, *,
        exclusive: bool = False,
    ) -> None:  # fmt: skip
        ctrl, pick = state.control
        reasons = (why[0], data[0], ctrl, why[1], data[1], pick)
        self.path.items.append(Item(kind, tags, origin, address, width, value, reasons, partner, exclusive))

    def read(self, state: acts.State, action: acts.Read) -> acts.State:
        event = self.next("R", action.address)
        value = (event.value or 0) & (1 << action.width) - 1
        number = len(self.path.items)
        self.add("R", state, action.tags, action.origin, action.address, action.width, value, action.address_taint)
        return steps.after_read(self.code, state, value, number)

    def write(self, state: acts.State, action: acts.Write) -> acts.State:
        if action.exclusive:
            success = self.succeeds(state, action)
            if state.monitor is not None:
                self.path.exclusives.append(success)
            if not success:
                return steps.after_write(self.code, state, success=False)
        event = self.next("W", action.address)
        if event.value is not None and event.value != action.value:
            raise Mismatch(len(self.path.items), f"the program writes {action.value} here")
        self.add(
            "W", state, action.tags, action.origin, action.address, action.width, action.value, action.address_taint,
            action.data_taint, action.partner, exclusive=action.exclusive,
        )  # fmt: skip
        return steps.after_write(self.code, state)

    def succeeds(self, state: acts.State, action: acts.Write) -> bool:
        """Whether the next event is the write of this exclusive store."""
        position = len(self.path.items)
        if action.partner is None or position >= len(self.seen):
            return False
        return self.completes(position, state, action.partner, action.address, action.value)

    def completes(self, position: int, state: acts.State, read: int, address: int, value: int) -> bool:
        """Whether the event at `position` is the write of what stands here, whose read is at `read`. A plain store of
        the same value to the same location may follow a failed one."""
        if position >= len(self.seen):
            return False
        event = self.seen[position]
        if event.at is not None:
            return event.at == state.pc
        if event.partner is not None:
            return event.partner == read
        return event.kind == "W" and event.address == address and event.value == value

    def modify(self, state: acts.State, action: acts.Modify) -> acts.State:
        statement, op = action.op.statement, action.op
        event = self.next("R", action.address)
        number = len(self.path.items)
        old = (event.value or 0) & (1 << action.width) - 1
        written = steps.modified(action, state, old)
        taints = state.taints
        assert taints is not None
        new, when = op.new.taint(state.registers, taints), op.when.taint(state.registers, taints)
        tags = statement.fail_tags if written is None else statement.read_tags
        self.add("R", state, tags, statement.origin, action.address, action.width, old, action.address_taint)
        data = (new[0], new[1] | when[0] | when[1])
        write_tags = statement.write_tags
        back = (
            written is None and statement.write_back and self.completes(number + 1, state, number, action.address, old)
        )
        if not always_writes(op):
            self.path.outcomes.append((written is not None, back))
        if back:
            written, data, write_tags = old, (0, data[1]), write_tags - {"L"}
        if written is not None:
            after = self.next("W", action.address)
            if after.value is not None and after.value != written:
                raise Mismatch(number + 1, f"the program writes {written} here")
            self.add(
                "W", state, write_tags, statement.origin, action.address, action.width, written,
                action.address_taint, data, number, exclusive=statement.exclusive,
            )  # fmt: skip
        return steps.after_modify(self.code, state, old, number)

    def offered(self, state: acts.State, action: acts.Offer) -> acts.State:
        """A place for an interrupt: it comes if the next event is the first of its run."""
        if not action.open:
            return steps.skip(state)
        op = self.code.ops[state.pc]
        assert isinstance(op, TakeOp)
        position = len(self.path.items)
        comes = position < len(self.seen) and self.seen[position].who == self.code.places[op.entry][0]
        self.path.taken.append(comes)
        return steps.interrupted(self.code, state) if comes else steps.skip(state)

    def fork(self, state: acts.State, action: acts.Fork) -> acts.State:
        """The piece that the next event belongs to: by its place in the code, else the first that fits."""
        if not action.left:
            return steps.join(self.code, state)
        op = self.code.ops[state.pc]
        assert isinstance(op, ForkOp)
        position = len(self.path.items)
        found: list[int] = []
        at = self.seen[position].at if position < len(self.seen) else None
        if at is not None:
            ends = [*op.starts[1:], op.after]
            found = [piece for piece in action.left if op.starts[piece] <= at < ends[piece]]
        elif position < len(self.seen):
            event = self.seen[position]
            found = [piece for piece in action.left if self.fits(steps.choose(self.code, state, piece), event)]
        piece = found[0] if found else action.left[0]
        if len(action.left) > 1:
            self.path.pieces.append(piece)
        return steps.choose(self.code, state, piece)

    def fits(self, state: acts.State, event: Seen) -> bool:
        _, action = steps.advance(self.code, state)
        kinds: dict[type, str] = {acts.Read: "R", acts.Write: "W", acts.Modify: "R", acts.Barrier: "F"}
        address = getattr(action, "address", None)
        if isinstance(action, acts.Write) and event.value is not None and action.value != event.value:
            return False
        return kinds.get(type(action)) == event.kind and (event.address is None or address == event.address)


Reasons = Callable[[Item, int], int]


def dependencies(items: Sequence[Item], first: int) -> dict[str, set[tuple[int, int]]]:
    """The relations within one thread whose events are numbered from `first`."""
    out: dict[str, set[tuple[int, int]]] = {name: set() for name in (*DEPENDENCIES, "amo", "lxsx")}
    for position, item in enumerate(items):
        for name, mask in zip(DEPENDENCIES, item.reasons, strict=True):
            out[name] |= {(first + read, first + position) for read in bits(mask)}
        if item.partner is not None:
            out["lxsx" if item.exclusive else "amo"].add((first + item.partner, first + position))
    return out
