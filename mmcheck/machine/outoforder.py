"""One thread of the Armv8 machine while it runs: a window of instructions in flight over `mmcheck.machine.pipeline`.

The rules are those of the exhaustive machine; what is added is what a machine that cannot go back needs: a branch
fetched the wrong way is squashed ("restart", Flat model), loads that have read too early read again, instructions
that are done leave the window. Three choices of this scheduler only ever leave runs out:

* an atomic reads from memory when its store could follow, and holds the location in between; one that an own store has
  answered holds it from when that store is in memory, or reads again if its own could not follow then;
* an exclusive store is decided when it could write, and succeeds if its location was not written since;
* a branch of compiled code controls everything behind it, as its instruction does.
"""

from __future__ import annotations

from random import Random
from typing import TypeAlias, cast

from mmcheck.ir import instructions as flat
from mmcheck.ir.instructions import Code
from mmcheck.ir.preemption import TakeOp
from mmcheck.machine import interrupts
from mmcheck.machine.cpus import GIVES_WAY, Cpus, Discarded, Holder, due, has_raised, held_up
from mmcheck.machine.decode import Op
from mmcheck.machine.frontend import EXCLUSIVE, GIVE_WAY, GUESS, LATER, PIECE, RUNNING, TAKE, Front
from mmcheck.machine.inorder import INTERRUPT, count_fence, count_site
from mmcheck.machine.memory import Counts, Memory
from mmcheck.machine.pipeline import BRANCH, CHECK, FENCE, GIVEN, READ, WRITE, YIELD, Choice, Entry, Scan, scan
from mmcheck.machine.values import Value, is_fixed, known

WINDOW = 16
"""Instructions in flight; barriers and branches count, arithmetic does not."""


SLOW = 400
"""Steps of the machine, at least, that a slow store takes."""
BURST = 16
"""Stores, at most, that are slow together."""


Snapshot: TypeAlias = tuple[list[Value], Entry | None, dict[int, tuple[list[Value], int]], list[Entry]]
"""Registers, monitor and rounds at a branch, and what of the log a failing round has taken away."""


class OutOfOrder(Front):
    """A thread of the Armv8 machine. The parameters are those of `mmcheck.machine.inorder.InOrder`; `slow` is the
    part of the
    stores that take long, as those do that miss the cache."""

    def __init__(
        self, number: int, code: Code, memory: Memory, counts: Counts, *, tries: dict[int, int], log: bool,
        random: Random, window: int = WINDOW, haste: float = 1.0, slow: float = 0.0,
        ops: tuple[Op, ...] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(code, self.chosen, settle=None, ops=ops, number=number)
        self.name = code.thread.name
        self.memory = memory
        self.counts = counts
        self.tries = tries
        self.random = random
        self.window = window
        self.now = 0
        self.haste = haste
        """1: everything that can happen is equally likely; more: the older the likelier."""
        self.log: list[Entry] | None = [] if log else None
        self.slow = slow
        self.burst = self.late = 0
        self.held: dict[int, int] = {}
        """Stores that miss the cache, and when they will be through."""
        self.failures: dict[int, int] = {}
        self.failed: list[str] = []
        self.waiting: tuple[int, int] | None = None
        self.versions: dict[int, int] = {}
        self.predicted: dict[int, bool] = {}
        self.last: Scan | None = None
        self.cpus: Cpus | None = None
        """Who has the CPUs that threads share."""
        self.behind: Holder | None = None
        """Who has the CPU that it needs."""
        self.raised = has_raised(code)
        self.again: tuple[int, list[Value]] = (0, [])
        """Where the await begins whose round failed last, and the registers there."""

    # the scheduler's side

    @property
    def over(self) -> bool:
        return self.status != RUNNING and not self.entries

    @property
    def finished(self) -> bool:
        """Whether nothing will come of it; while an interrupt may be raised there is no telling."""
        return self.status != RUNNING and not self.entries and not self.raised

    def idle(self, version: int) -> bool:
        """Whether it waits for something that nobody has changed since it looked."""
        if self.behind is not None:
            return held_up(self.behind, version)
        if any(e.kind == WRITE for e in self.entries):
            return False
        if not self.over and (self.waiting is None or self.waiting[1] != version):
            return False
        return not self.raised or self.due_interrupt() is None

    def due_interrupt(self) -> int | None:
        """Where an interrupt that is raised has to come."""
        return due(self.code.ops, self.standing, self.numbers(), self.sees)

    @property
    def standing(self) -> int:
        """Where it is: at its end, or at the await whose round failed last; what was fetched since is a guess."""
        return self.pc if self.waiting is None else self.again[0]

    def numbers(self) -> list[int]:
        """The registers where it stands, 0 for what is not known yet."""
        return [known(value) or 0 for value in (self.registers if self.waiting is None else self.again[1])]

    def sees(self, latch: int) -> bool:
        """Whether the interrupt is raised, as far as this thread can tell now."""
        own = any(
            e.kind == WRITE and not e.happened and known(e.address) == latch and known(e.data) for e in self.entries
        )
        return own or bool(self.memory.load(latch, 64))

    def keeps(self) -> bool:
        return interrupts.keeps(self.code, self.standing, self.numbers())

    def may_give_up(self) -> bool:
        return self.waiting is not None and self.waiting[0] in self.tries

    def give_up(self) -> None:
        """Count the rounds that are left as if they had been spun."""
        assert self.waiting is not None
        number = self.waiting[0]
        left = self.tries[number] - self.failures.get(number, 0)
        self.counts.spins += max(left - 1, 0)
        self.failures[number] = self.tries[number] - 1

    @property
    def due(self) -> int | None:
        """When the first of its slow stores is through, if any is under way."""
        late = [
            self.held[entry.ordinal] for entry in self.entries if entry.kind == WRITE and entry.ordinal in self.held
        ]
        return min((step for step in late if step > self.now), default=None)

    def step(self, random: Random, now: int) -> bool:
        """Do one thing; False if nothing can be done now."""
        self.now, self.behind = now, None
        if self.raised and self.over:
            at = self.due_interrupt()
            if at is None:
                return False
            self.status = RUNNING
            self.enter(self.code.ops[at])  # type: ignore[arg-type]
        found = self.last
        if found is None:
            found = self.look()
        choices = found.choices
        room = self.status == RUNNING and len(self.entries) < self.window
        if room and (not choices or random.random() < 0.5) and self.more():
            return True
        while choices:
            choice = choices.pop(int(random.random() ** self.haste * len(choices)))
            if self.held and now < self.held.get(choice.entry.ordinal, 0):
                continue
            if self.do(choice, now):
                return True
        self.last = None
        return room and self.more()

    def more(self) -> bool:
        """Fetch one instruction more; retrying a round of an await counts, too."""
        before = self.count, self.pc, self.counts.spins
        if self.fetch():
            self.last = None
            return True
        changed = (self.count, self.pc, self.counts.spins) != before
        if self.status != RUNNING:
            self.last = None
        return changed

    def look(self) -> Scan:
        """Find out what can happen; wrong guesses and loads that were too early are put right first."""
        while True:
            self.retire()
            found = scan(self.entries, self.code.devices, cautious=True)
            if found.wrong is not None:
                self.squash(found.wrong)
            elif found.violations:
                self.restart(found.violations[0])
            else:
                self.retire()
                self.last = found
                return found

    def do(self, choice: Choice, now: int) -> bool:
        """Let `choice` happen; False if somebody else holds the location, or it is not time."""
        entry, address = choice.entry, choice.address
        if self.cpus is not None and not self.turn(entry):
            return False
        if entry.kind == READ:
            if choice.store is not None:
                value = known(choice.store.data)
                assert value is not None
                source: object = choice.store
            else:
                if not choice.ready:
                    return False
                if entry.op.kind == "RmwOp" and address in self.memory.locks:
                    return False
                value = self.memory.load(address, entry.op.mask.bit_length())
                source = self.memory.source(address)
            self.satisfy(entry, address, value & entry.op.mask, source, choice.store, now)
            if choice.store is None:
                self.lock(entry, address)
            return True
        if entry.kind == YIELD:
            entry.happened, self.last = True, None
            return True
        return self.propagate(entry, address, now)

    def turn(self, entry: Entry) -> bool:
        """Take the CPU on which `entry` happens, if it is shared, or leave it; False if another has it."""
        assert self.cpus is not None
        if entry.kind == YIELD:
            assert entry.cpu is not None
            self.cpus.leave(entry.cpu, self)
        elif entry.cpu is not None and entry.cpu in self.code.shares:
            self.behind = self.cpus.take(entry.cpu, self)
            if self.behind is not None:
                return False
            entry.turn = self.cpus.turns[entry.cpu]
        return True

    def satisfy(
        self, entry: Entry, address: int, value: int, source: object, store: Entry | None, now: int
    ) -> None:  # fmt: skip
        assert entry.node is not None
        entry.node.value, entry.source, entry.extra, entry.step = value, source, store, now
        self.counts.reads += 1
        self.last = None
        for later in self.entries:
            if later.kind != READ or later.ordinal <= entry.ordinal or later.source in (None, source):
                continue
            mine = isinstance(later.source, Entry) and later.source.thread == self.number
            if known(later.address) == address and not (mine and later.source.ordinal > entry.ordinal):  # type: ignore[attr-defined]
                self.restart(later)
                return

    def lock(self, load: Entry, address: int) -> None:
        """`load` has read what memory holds: if it is that of an atomic which writes, nothing comes between."""
        if load.op.kind != "RmwOp":
            return
        assert load.partner is not None
        writes = known(load.partner.exists)
        assert writes is not None and address not in self.memory.locks
        if writes:
            self.memory.locks[address] = load

    def unlock(self, load: Entry) -> None:
        """Give back what `load` holds, if it does."""
        address = known(load.address)
        if address is not None and self.memory.locks.get(address) is load:
            del self.memory.locks[address]

    def propagate(self, entry: Entry, address: int, now: int) -> bool:
        holder = self.memory.locks.get(address)
        if holder is not None and holder is not entry.partner:
            return False
        self.last = None
        late = entry.exists.__class__ is not int and known(entry.exists) is None
        if late:
            assert not isinstance(entry.exists, int) and entry.partner is not None
            ok = known(entry.partner.address) == address and entry.partner.source is self.memory.source(address)
            entry.exists.value, entry.exists.fixed = int(ok), True
            if not ok:
                entry.partner = None
                return True
        value = known(entry.data)
        assert value is not None
        op = entry.op.flat
        width = op.data.width if isinstance(op, flat.StoreOp) else entry.op.mask.bit_length()
        self.memory.store(address, width, value, entry)
        entry.happened, entry.step = True, now
        self.counts.writes += 1
        if entry.partner is not None:
            self.unlock(entry.partner)
        if late:
            self.overtaken(entry, address)
        self.answered(entry, address)
        return True

    def answered(self, store: Entry, address: int) -> None:
        """Atomics that `store` has answered before it was in memory: one that is done holds the location from now on,
        others read again."""
        for later in self.entries:
            if later.kind == READ and later.source is store and later.op.kind == "RmwOp":
                if not later.done:
                    self.restart(later)
                    return
                self.lock(later, address)

    def overtaken(self, store: Entry, address: int) -> None:
        """Loads behind an exclusive store that was not decided yet have read past it: they read again."""
        for later in self.entries:
            if later.kind != READ or later.ordinal < store.ordinal or later.source is None:
                continue
            own = isinstance(later.source, Entry) and later.source.thread == self.number
            if known(later.address) == address and not (own and later.source.ordinal >= store.ordinal):  # type: ignore[attr-defined]
                self.restart(later)
                return

    # what goes wrong

    def restart(self, first: Entry) -> None:
        """`first` and the later loads that are not done read again."""
        self.counts.restarted += 1
        for entry in self.entries:
            if entry.kind == READ and entry.ordinal >= first.ordinal and not entry.done and entry.source is not None:
                assert entry.node is not None
                entry.node.value = entry.source = entry.extra = None
                self.unlock(entry)
        for node in self.nodes:
            if node.compute is not None:
                node.forget()
        self.last = None

    def squash(self, branch: Entry) -> None:
        """Throw away what was fetched behind `branch`, and go the other way."""
        self.counts.squashed += 1
        for entry in self.entries:
            if entry.ordinal > branch.ordinal and entry.kind == READ:
                self.unlock(entry)
        self.entries = [entry for entry in self.entries if entry.ordinal <= branch.ordinal]
        registers, self.monitor, rounds, removed = cast(Snapshot, branch.extra)
        self.registers, self.rounds = list(registers), dict(rounds)
        if self.log is not None:
            while self.log and self.log[-1].ordinal >= branch.ordinal:
                self.log.pop()
            self.log += [*removed, branch]
            removed.clear()
        self.status = RUNNING
        branch.taken = not branch.taken
        op = branch.op.flat
        self.last = None
        if isinstance(op, flat.Branch):
            self.predicted[branch.pc] = branch.taken
            self.pc = op.then if branch.taken else op.orelse
        elif isinstance(op, flat.TestOp):
            if branch.taken:
                self.rounds.pop(op.number, None)
                self.pc = op.done
            else:
                self._failed(branch.op, op, branch)

    # the front's side

    def enter(self, op: TakeOp) -> None:
        self.waiting = None
        super().enter(op)

    def _append(self, kind: int, op: Op) -> Entry:
        entry = super()._append(kind, op)
        if self.log is not None:
            self.log.append(entry)
        if kind == WRITE and self.slow:
            self.delay(entry)
        return entry

    def delay(self, entry: Entry) -> None:
        """A store that misses takes long, and so do some that follow: they go to the same page."""
        if not self.burst and self.random.random() < self.slow:
            self.burst = 1 + int(self.random.random() * BURST)
            self.late = self.now + SLOW + int(self.random.random() * SLOW)
        if self.burst:
            self.burst -= 1
            if len(self.held) > 4 * BURST:
                self.held = {ordinal: late for ordinal, late in self.held.items() if late > self.now}
            self.held[entry.ordinal] = self.late

    def chosen(self, ordinal: int, kind: str, options: tuple[object, ...]) -> object:
        if len(options) == 1:
            return options[0]
        if kind == GUESS:
            usual = self.predicted.get(self.pc, True)
            return usual if self.random.random() < 0.9 else not usual
        if kind == EXCLUSIVE:
            return LATER
        if kind == TAKE:
            op = self.code.ops[self.pc]
            assert isinstance(op, TakeOp)
            return self.random.random() < INTERRUPT and (op.latch is None or self.sees(op.latch))
        if kind == GIVE_WAY:
            return self.random.random() < GIVES_WAY
        if kind == PIECE:
            return options[int(self.random.random() * len(options))]
        return True

    def _snapshot(self) -> Snapshot:
        removed: list[Entry] = []
        return list(self.registers), self.monitor, dict(self.rounds), removed

    def _round(self, op: Op) -> bool:
        round_ = op.flat
        assert isinstance(round_, flat.RoundOp)
        self.versions[round_.counter] = self.memory.version
        return super()._round(op)

    def _failed(self, op: Op, test: flat.TestOp, entry: Entry | None) -> bool | None:
        """Begin the round again, or give up after enough of them."""
        self.counts.spins += 1
        failures = self.failures.get(test.number, 0) + 1
        if test.orelse is not None and failures >= self.tries.get(test.number, 1):
            self.counts.timeouts += 1
            self.failures.pop(test.number, None)
            self.waiting = None
            return super()._failed(op, test, entry)
        self.failures[test.number] = failures
        registers, since = self.rounds.pop(test.number)
        self.registers = list(registers)
        if self.log is not None:
            kept = [each for each in self.log if each.ordinal < since]
            if entry is not None:
                cast(Snapshot, entry.extra)[3].extend(self.log[len(kept) :])
            self.log = kept
        self.waiting = (test.number, self.versions[test.number])
        self.pc = test.start
        self.again = (test.start, list(registers))
        return True

    def flush(self) -> None:
        """At the end of a run: what was fetched on a guess, and the round of an await that is not over, did not
        happen."""
        if self.log is None:
            return
        since = min((start for _, start in self.rounds.values()), default=self.count)
        for entry in self.entries:
            if entry.kind == BRANCH and not is_fixed(entry.data):
                rounds = cast(Snapshot, entry.extra)[2]
                since = min([since, entry.ordinal, *[start for _, start in rounds.values()]])
                break
            waits = (entry.kind == READ and entry.source is None) or (entry.kind == WRITE and not entry.happened)
            if waits and self.behind is not None:  # for its CPU
                since = min(since, entry.ordinal)
                break
        self.log = [entry for entry in self.log if entry.ordinal < since]

    def retire(self) -> None:
        """Instructions that are done leave, oldest first."""
        entries = self.entries
        gone = 0
        for entry in entries:
            kind = entry.kind
            if kind == READ:
                if not entry.done:
                    break
            elif kind == WRITE:
                if entry.happened:
                    origin = entry.op.flat.statement.origin if entry.op.kind == "RmwOp" else entry.op.flat.origin  # type: ignore[union-attr]
                    count_site(self.counts, origin.site)
                elif not (is_fixed(entry.exists) and known(entry.exists) == 0):
                    break
            elif kind == BRANCH:
                if not is_fixed(entry.data) or bool(known(entry.data)) != entry.taken:
                    break
                if isinstance(entry.op.flat, flat.TestOp) and entry.taken:
                    self.counts.completed += 1
                    self.waiting = None
                    self.failures.pop(entry.op.flat.number, None)
            elif kind == FENCE:
                count_fence(self.counts, entry.op.flat)  # type: ignore[arg-type]
                entry.done = True
            elif kind == GIVEN:
                if not is_fixed(entry.data):
                    break
                if not known(entry.data):
                    raise Discarded("an interrupt came that could not")
            elif kind == YIELD:
                if not entry.happened:
                    break
            elif kind == CHECK:
                if not is_fixed(entry.data):
                    break
                if not known(entry.data):
                    self.failed.append(entry.op.flat.requirement)  # type: ignore[union-attr]
            gone += 1
        if gone:
            del entries[:gone]
            if len(self.nodes) > 64:
                self.nodes = [node for node in self.nodes if not node.fixed]
