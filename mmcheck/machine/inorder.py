"""One thread of the SC or the x86-TSO machine while it runs: in order, with a store buffer on x86.

The same rules as `mmcheck.machine.sc` and `mmcheck.machine.tso` (Lamport 1979; Sewell et al., CACM 2010), on registers
that change in place, for runs of any length. Every access leaves an `Entry`, so that a run can be told afterwards.
"""

from __future__ import annotations

from collections import deque
from random import Random

from mmcheck.ir import instructions as flat
from mmcheck.ir.instructions import Code
from mmcheck.ir.preemption import ArriveOp, TakeOp, YieldOp
from mmcheck.machine import interrupts
from mmcheck.machine.cpus import GIVES_WAY, Cpus, Discarded, Holder, due, has_raised, held_up
from mmcheck.machine.decode import Op, decode
from mmcheck.machine.memory import Counts, Memory
from mmcheck.machine.pipeline import FENCE, READ, WRITE, Entry
from mmcheck.machine.values import Node

INTERRUPT = 1 / 8
"""How likely an interrupt comes at a place where it may."""


class InOrder:
    """A thread that executes its instructions one by one. `buffered`: stores go through a buffer (x86-TSO).

    `tries` gives, for the number of an await that may give up, after how many failing rounds it does.
    """

    def __init__(
        self, number: int, code: Code, memory: Memory, counts: Counts, *,
        buffered: bool, tries: dict[int, int], log: bool,
        ops: tuple[Op, ...] | None = None, random: Random | None = None,
    ) -> None:  # fmt: skip
        self.random = random
        self.number = number
        self.code = code
        self.name = code.thread.name
        self.ops = decode(code) if ops is None else ops
        self.memory = memory
        self.counts = counts
        self.buffered = buffered
        self.tries = tries
        self.registers: list[int] = list(code.initial)
        self.pc = 0
        self.buffer: deque[tuple[int, int, int, Entry]] = deque()
        self.log: list[Entry] | None = [] if log else None
        self.rounds: dict[int, tuple[list[int], int, int]] = {}
        self.failures: dict[int, int] = {}
        self.failed: list[str] = []
        self.count = 0
        self.ended = False
        self.waiting: tuple[int, int] | None = None
        """The await whose round failed last, and the version of memory that it had seen."""
        self.monitor: tuple[int, object, Entry] | None = None
        self.pieces: deque[int] | None = None
        """A given order of the fields of record stores."""
        self.outcomes: deque[bool] | None = None
        """Given outcomes of the exclusive stores that may succeed."""
        self.taken: deque[bool] = deque()
        """Where there is no chance: whether the interrupt comes at each place where it may."""
        self.cpus: Cpus | None = None
        """Who has the CPUs that threads share, where there is chance."""
        self.behind: Holder | None = None
        """Who has the CPU that it needs."""
        self.raised = random is not None and has_raised(code)

    @property
    def over(self) -> bool:
        return self.ended and not self.buffer

    @property
    def finished(self) -> bool:
        """Whether nothing will come of it; while an interrupt may be raised there is no telling."""
        return self.ended and not self.buffer and not self.raised

    def idle(self, version: int) -> bool:
        """Whether it waits for something that nobody has changed since it looked."""
        if self.buffer:
            return False
        if self.behind is not None:
            return held_up(self.behind, version)
        if not self.ended and (self.waiting is None or self.waiting[1] != version):
            return False
        return not self.raised or self.due() is None

    def due(self) -> int | None:
        """Where an interrupt that is raised has to come."""
        return due(self.code.ops, self.pc, self.registers, lambda latch: bool(self.visible(latch, 64)[0]))

    def keeps(self) -> bool:
        return interrupts.keeps(self.code, self.pc, self.registers)

    def may_give_up(self) -> bool:
        return self.waiting is not None and self.waiting[0] in self.tries

    def give_up(self) -> None:
        """Count the rounds that are left as if they had been spun."""
        assert self.waiting is not None
        number = self.waiting[0]
        left = self.tries[number] - self.failures.get(number, 0)
        self.counts.spins += max(left - 1, 0)
        self.failures[number] = self.tries[number] - 1

    def step(self, random: Random, now: int) -> bool:
        """Do one thing; False if nothing can be done now."""
        self.behind = None
        if self.buffer and (self.ended or random.random() < 0.5):
            return self.drain(now)
        if self.ended:
            at = self.due() if self.raised else None
            if at is None:
                return False
            self.ended = False
            self.enter(self.code.ops[at])  # type: ignore[arg-type]
        return self.execute(now) or (bool(self.buffer) and self.drain(now))

    def drain(self, now: int) -> bool:
        """The oldest store of the buffer reaches memory."""
        address, width, value, entry = self.buffer.popleft()
        read = entry.partner
        if read is not None and self.memory.source(address) is not read.source and is_whole(read.op):
            raise Discarded("another store came between the two halves of an update")
        self.memory.store(address, width, value, entry)
        entry.happened, entry.step = True, now
        return True

    def execute(self, now: int) -> bool:
        """Run up to and with the next action; False if it must wait."""
        registers = self.registers
        ops = self.ops
        while True:
            op = ops[self.pc]
            kind = op.kind
            instruction = op.flat
            if kind == "Set":
                assert isinstance(instruction, flat.Set)
                registers[instruction.slot] = op.data.number(registers)
                self.pc += 1
            elif kind == "Branch":
                assert isinstance(instruction, flat.Branch)
                self.pc = instruction.then if op.cond.number(registers) else instruction.orelse
            elif kind == "Goto":
                self.pc = instruction.target  # type: ignore[union-attr]
            elif kind == "Clear":
                for slot in instruction.slots:  # type: ignore[union-attr]
                    registers[slot] = 0
                self.pc += 1
            elif kind == "Back":
                assert isinstance(instruction, flat.Back)
                registers[instruction.counter] += 1
                for slot in instruction.inner:
                    registers[slot] = 0
                self.pc = instruction.target
            elif kind == "RoundOp":
                assert isinstance(instruction, flat.RoundOp)
                length = 0 if self.log is None else len(self.log)
                self.rounds[instruction.counter] = (list(registers), length, self.memory.version)
                self.pc += 1
            elif kind == "TestOp":
                if self.test(op):
                    return True
            elif kind == "CheckOp":
                if not op.cond.number(registers):
                    self.failed.append(instruction.requirement)  # type: ignore[union-attr]
                self.pc += 1
            elif kind == "ForkOp":
                self.fork(instruction)  # type: ignore[arg-type]
            elif kind == "TakeOp":
                self.take(instruction)  # type: ignore[arg-type]
            elif kind == "ResumeOp":
                self.pc, self.monitor = registers[instruction.back], None  # type: ignore[union-attr]
            elif kind == "YieldOp":
                assert isinstance(instruction, YieldOp)
                if self.gives_way(instruction):
                    return self.leave(now)
                self.pc += 1
            elif kind == "ArriveOp":
                assert isinstance(instruction, ArriveOp)
                if registers[instruction.here] != registers[instruction.now] and self.cpus is not None:
                    if self.buffer:
                        return self.drain(now)
                    self.cpus.leave(registers[instruction.here], self)
                registers[instruction.here] = registers[instruction.now]
                self.pc += 1
            elif kind == "GivenOp":
                if not op.cond.number(registers):
                    raise Discarded("an interrupt came that could not")
                self.pc += 1
            elif kind == "HaltOp":
                self.ended = True
                return True
            else:
                return self.access(op, now)

    def test(self, op: Op) -> bool:
        """The end of a round; True if the thread has waited once more."""
        test = op.flat
        assert isinstance(test, flat.TestOp)
        if op.cond.number(self.registers):
            self.counts.completed += 1
            self.pc, self.waiting = test.done, None
            self.failures.pop(test.number, None)
            self.rounds.pop(test.number, None)
            return False
        self.counts.spins += 1
        saved, length, version = self.rounds[test.number]
        failures = self.failures.get(test.number, 0) + 1
        if test.orelse is not None and failures >= self.tries.get(test.number, 1):
            self.counts.timeouts += 1
            self.failures.pop(test.number, None)
            self.rounds.pop(test.number, None)
            self.pc, self.waiting = test.orelse, None
            return False
        self.failures[test.number] = failures
        self.registers[:] = saved
        if self.log is not None:
            del self.log[length:]
        self.pc, self.waiting = test.start, (test.number, version)
        return True

    def fork(self, op: flat.ForkOp) -> None:
        done = self.registers[op.counter]
        left = [i for i in range(len(op.starts)) if not done >> i & 1]
        if not left:
            self.registers[op.counter] = 0
            self.pc = op.after
        else:
            piece = self.pieces.popleft() if self.pieces and len(left) > 1 else left[0]
            self.registers[op.counter] = done | 1 << piece
            self.pc = op.starts[piece]

    def take(self, op: TakeOp) -> None:
        """A place for an interrupt; within a round, which may be taken back, none comes."""
        random = self.random
        comes = op.open(self.registers)
        if random is None:
            comes = comes and bool(self.taken) and self.taken.popleft()
        else:
            comes = comes and not op.waits and random.random() < INTERRUPT
            comes = comes and (op.latch is None or bool(self.visible(op.latch, 64)[0]))
        if comes:
            self.enter(op)
        else:
            self.pc += 1

    def enter(self, op: TakeOp) -> None:
        """The interrupt comes."""
        self.waiting = None
        self.registers[op.taken], self.registers[op.back] = 1, op.resume
        for slot, value in op.clear:
            self.registers[slot] = value
        self.monitor = None
        self.pc = op.entry

    def gives_way(self, op: YieldOp) -> bool:
        """Whether it lets another thread of its CPU have a turn here."""
        if self.cpus is None or self.random is None or not op.open(self.registers):
            return False
        cpu = self.shared()
        return cpu is not None and self.cpus.holders.get(cpu) is self and self.random.random() < GIVES_WAY

    def leave(self, now: int) -> bool:
        """Give way, once all that it did is done."""
        if self.buffer:
            return self.drain(now)
        cpu = self.shared()
        assert self.cpus is not None and cpu is not None
        self.cpus.leave(cpu, self)
        self.monitor = None
        self.pc += 1
        return True

    def shared(self) -> int | None:
        """The CPU on which it is, if others may be there, too."""
        cpu = self.code.thread.cpu if self.code.here is None else self.registers[self.code.here]
        return cpu if cpu in self.code.shares else None

    def flush(self) -> None:
        """At the end of a run: the round of an await that is not over did not happen."""
        if self.log is None or not self.rounds:
            return
        if self.waiting is not None and self.behind is None:
            del self.log[self.rounds[self.waiting[0]][1] :]
        else:  # stopped in the middle of a round
            del self.log[min(length for _, length, _ in self.rounds.values()) :]

    # accesses

    def entry(self, kind: int, op: Op, now: int | None) -> Entry:
        entry = Entry(kind, op, self.pc, self.count, self.number)
        entry.step = now
        cpu = None if self.cpus is None else self.shared()
        if self.cpus is not None and cpu is not None and self.cpus.holders.get(cpu) is self:
            entry.cpu, entry.turn = cpu, self.cpus.turns[cpu]
        self.count += 1
        if self.log is not None:
            self.log.append(entry)
        return entry

    def access(self, op: Op, now: int) -> bool:
        kind = op.kind
        if self.cpus is not None and kind != "FenceOp":
            cpu = self.shared()
            self.behind = None if cpu is None else self.cpus.take(cpu, self)
            if self.behind is not None:
                return False
        if kind == "LoadOp":
            load = op.flat
            assert isinstance(load, flat.LoadOp)
            address = op.address.number(self.registers)
            if address in self.code.devices and any(place in self.code.devices for place, *_ in self.buffer):
                return self.drain(now)  # uncached: behind the stores to registers
            value, source = self.visible(address, load.width)
            self.registers[load.dst] = value
            entry = self.read(op, address, value, source, now)
            if load.exclusive:
                self.monitor = (address, source, entry)
            self.pc += 1
        elif kind == "StoreOp":
            return self.write(op, now)
        elif kind == "RmwOp":
            return self.modify(op, now)
        else:
            fence = op.flat
            assert isinstance(fence, flat.FenceOp)
            if self.buffer and "MFENCE" in fence.tags:
                return self.drain(now)
            self.entry(FENCE, op, now)
            count_fence(self.counts, fence)
            self.pc += 1
        return True

    def read(self, op: Op, address: int, value: int, source: object, now: int) -> Entry:
        entry = self.entry(READ, op, now)
        entry.address, entry.source, entry.done = address, source, True
        entry.node = Node()
        entry.node.value = value
        self.counts.reads += 1
        return entry

    def visible(self, address: int, width: int) -> tuple[int, object]:
        for place, _, value, entry in reversed(self.buffer):
            if place == address:
                return value & (1 << width) - 1, entry
        return self.memory.load(address, width), self.memory.source(address)

    def put(self, entry: Entry, address: int, width: int, value: int, now: int) -> None:
        entry.address, entry.data = address, value
        self.counts.writes += 1
        if self.buffered:
            self.buffer.append((address, width, value, entry))
        else:
            self.memory.store(address, width, value, entry)
            entry.happened = True

    def write(self, op: Op, now: int) -> bool:
        store = op.flat
        assert isinstance(store, flat.StoreOp)
        address, value = op.address.number(self.registers), op.data.number(self.registers)
        partner = None
        if store.status is not None:
            held, self.monitor = self.monitor, None
            ok = held is not None and held[0] == address and self.memory.source(address) is held[1]
            if held is not None and self.outcomes is not None:
                ok = self.outcomes.popleft() and ok
            self.registers[store.status] = int(not ok)
            if not ok or held is None:
                self.pc += 1
                return True
            partner = held[2]
        entry = self.entry(WRITE, op, now)
        entry.partner = partner
        if partner is not None:
            entry.extra = "exclusive"
        self.put(entry, address, store.data.width, value, now)
        count_site(self.counts, store.origin.site)
        self.pc += 1
        return True

    def modify(self, op: Op, now: int) -> bool:
        rmw = op.flat
        assert isinstance(rmw, flat.RmwOp)
        statement = rmw.statement
        registers, width = self.registers, statement.dst.width
        locked = not self.buffered or "X" in statement.read_tags
        if locked and self.buffer:
            return self.drain(now)
        address = op.address.number(registers)
        old, source = self.visible(address, width)
        entry = self.read(op, address, old, source, now)
        registers[rmw.old] = old
        ok, new = op.when.number(registers), op.new.number(registers)
        if ok:
            written = self.entry(WRITE, op, now)
            written.partner = entry
            if statement.exclusive:
                written.extra = "exclusive"
            if locked:
                written.address, written.data, written.happened = address, new, True
                self.counts.writes += 1
                self.memory.store(address, width, new, written)
            else:
                self.put(written, address, width, new, now)
        registers[rmw.dst] = old
        if rmw.ok is not None:
            registers[rmw.ok] = ok
        registers[rmw.old] = 0
        if locked and self.buffered:
            self.counts.locked += 1
        count_site(self.counts, statement.origin.site)
        self.pc += 1
        return True


def is_whole(op: Op) -> bool:
    """Whether no other thread's store comes between the halves of an update, locked or not."""
    update = op.flat
    return isinstance(update, flat.RmwOp) and "Unlocked" not in update.statement.read_tags


def count_fence(counts: Counts, fence: flat.FenceOp) -> None:
    """One more barrier passed."""
    names = [tag for tag in fence.tags if tag.isupper() and tag.split(".")[0] in _INSTRUCTIONS]
    counts.barriers[" ".join(sorted(names)).lower().replace(".", " ") or "compiler barrier"] += 1
    count_site(counts, fence.origin.site)


def count_site(counts: Counts, site: str) -> None:
    if site:
        counts.sites[site] += 1


_INSTRUCTIONS = {"DMB", "DSB", "ISB", "MFENCE", "LFENCE", "SFENCE"}
