"""The front of the pipeline: instructions in the order of the program, along one path, before values are known.

`Front.fetch` goes on to the next access, barrier or branch and appends it to `entries`. Where the path depends on what
is not known yet, the caller decides (`Front.decide`): which way a branch goes, whether a wait is over, whether an
exclusive store succeeds, which field of a record store comes first. A branch fetched without knowing is speculation;
`mmcheck.machine.pipeline.scan` reports it when the guess was wrong.
"""

from __future__ import annotations

from collections.abc import Callable

from mmcheck.base.errors import UnknownVerdict
from mmcheck.ir import instructions as flat
from mmcheck.ir.instructions import Code
from mmcheck.ir.preemption import ArriveOp, ResumeOp, TakeOp, YieldOp
from mmcheck.machine.decode import Op, decode
from mmcheck.machine.pipeline import BRANCH, CHECK, FENCE, GIVEN, READ, WRITE, YIELD, Entry
from mmcheck.machine.values import Node, Value, known

Decide = Callable[[int, str, tuple[object, ...]], object]
"""Given the ordinal of the place, what it is about and the options: one of them, or None for "not yet"."""

RUNNING, ENDED, CUT, STUCK, STOPPED = "running", "ended", "cut", "stuck", "stopped"
GUESS, WAIT, EXCLUSIVE, OUTCOME, WRITE_BACK, PIECE, ENTER, TAKE, GIVE_WAY = (
    "guess", "wait", "exclusive", "outcome", "write-back", "piece", "enter", "take", "give way"
)  # fmt: skip


class Front:
    """Fetches one thread. `settle`: threads that wait for ever show their failing round (final states); otherwise they
    stop before it (safety); None leaves it to the caller: a round that fails begins again (`retry`)."""

    def __init__(self, code: Code, decide: Decide, *, settle: bool | None,
                 ops: tuple[Op, ...] | None = None, number: int = 0) -> None:  # fmt: skip
        self.code = code
        self.number = number
        self.ops = decode(code) if ops is None else ops
        self.decide = decide
        self.settle = settle
        self.pc = 0
        self.registers: list[Value] = list(code.initial)
        self.entries: list[Entry] = []
        self.nodes: list[Node] = []
        self.count = 0
        self.monitor: Entry | None = None
        self.rounds: dict[int, tuple[list[Value], int]] = {}
        self.status = RUNNING
        self.stuck_since = -1
        self.accessed = False
        """Whether there was an access since the thread gave way."""
        self.impossible = False
        """Whether a guess was made that values known at the time refute."""

    def fetch(self) -> bool:
        """Append the next instruction; False if a decision is missing or nothing follows (see `status`)."""
        while self.status == RUNNING:
            op = self.ops[self.pc]
            kind = op.kind
            if kind == "Set":
                set_ = op.flat
                assert isinstance(set_, flat.Set)
                self.registers[set_.slot] = op.data.of(self.registers, self.nodes)
                self.pc += 1
            elif kind == "Goto":
                self.pc = op.flat.target  # type: ignore[union-attr]
            elif kind == "LoadOp":
                return self._load(op)
            elif kind == "StoreOp":
                return self._store(op)
            elif kind == "RmwOp":
                return self._rmw(op)
            elif kind == "Branch":
                done = self._branch(op)
                if done is not None:
                    return done
            elif kind == "FenceOp":
                self._append(FENCE, op)
                self.pc += 1
                return True
            elif kind == "TestOp":
                done = self._test(op)
                if done is not None:
                    return done
            elif kind == "RoundOp":
                if not self._round(op):
                    return False
            elif kind == "CheckOp":
                self._append(CHECK, op).data = op.cond.of(self.registers, self.nodes)
                self.pc += 1
                return True
            else:
                done = self._other(op)
                if done is not None:
                    return done
        return False

    def _other(self, op: Op) -> bool | None:
        instruction = op.flat
        match instruction:
            case flat.Clear():
                for slot in instruction.slots:
                    self.registers[slot] = 0
                self.pc += 1
            case flat.Back():
                laps = self.registers[instruction.counter]
                assert isinstance(laps, int)
                if laps >= instruction.limit and instruction.spills:
                    self.pc += 1
                    return None
                if laps >= instruction.limit:
                    self.status = CUT
                    return False
                self.registers[instruction.counter] = laps + 1
                for slot in instruction.inner:
                    self.registers[slot] = 0
                self.pc = instruction.target
            case TakeOp():
                return self._take(instruction)
            case ResumeOp():
                back = self.registers[instruction.back]
                assert isinstance(back, int)
                self.pc, self.monitor = back, None
            case YieldOp():
                return self._yield(op, instruction)
            case ArriveOp():
                old, new = self.registers[instruction.here], self.registers[instruction.now]
                self.pc += 1
                if old != new:
                    self._append(YIELD, op).taken = True
                    self.registers[instruction.here] = new
                    return True
            case flat.GivenOp():
                given = op.cond.of(self.registers, self.nodes)
                self.pc += 1
                if given.__class__ is not int or self.settle is None:
                    self._append(GIVEN, op).data = given
                    return True
                if not given:
                    self.impossible = True
                    self.status = CUT
                    return False
            case flat.ForkOp():
                done = self.registers[instruction.counter]
                assert isinstance(done, int)
                left = tuple([i for i in range(len(instruction.starts)) if not done >> i & 1])
                if not left:
                    self.registers[instruction.counter] = 0
                    self.pc = instruction.after
                    return None
                piece = left[0] if len(left) == 1 else self._decide(PIECE, left)
                if piece is None:
                    return False
                assert isinstance(piece, int)
                self.registers[instruction.counter] = done | 1 << piece
                self.pc = instruction.starts[piece]
            case _:
                self.status = ENDED
                return False
        return None

    # accesses

    def _append(self, kind: int, op: Op) -> Entry:
        entry = Entry(kind, op, self.pc, self.count, self.number)
        self.count += 1
        self.entries.append(entry)
        if self.code.shares:
            cpu = self.code.thread.cpu if self.code.here is None else self.registers[self.code.here]
            assert cpu is None or isinstance(cpu, int)
            entry.cpu = cpu
            self.accessed = (self.accessed or kind in (READ, WRITE)) and kind != YIELD
        return entry

    def _decide(self, kind: str, options: tuple[object, ...]) -> object:
        """A decision has a number of its own, used up when it is made."""
        found = self.decide(self.count, kind, options)
        if found is not None:
            self.count += 1
        return found

    def _take(self, op: TakeOp) -> bool | None:
        """A place for an interrupt."""
        registers = [known(value) if slot in op.masked else value for slot, value in enumerate(self.registers)]
        if any(registers[slot] is None for slot in op.masked):
            raise UnknownVerdict("whether interrupts are on depends on memory")
        take: object = False
        if op.open(registers) and not (self.settle is None and op.waits):  # type: ignore[arg-type]
            take = self._decide(TAKE, (False, True))
            if take is None:
                return False
        if take:
            self.enter(op)
        else:
            self.pc += 1
        return None

    def enter(self, op: TakeOp) -> None:
        """The interrupt comes."""
        self.registers[op.taken], self.registers[op.back] = 1, op.resume
        for slot, value in op.clear:
            self.registers[slot] = value
        self.monitor = None
        self.pc = op.entry

    def _yield(self, op: Op, place: YieldOp) -> bool | None:
        """A place where the thread may give way."""
        registers = [known(value) if slot in place.masked else value for slot, value in enumerate(self.registers)]
        if any(registers[slot] is None for slot in place.masked):
            raise UnknownVerdict("whether interrupts are on depends on memory")
        give: object = False
        if self.accessed and place.open(registers):  # type: ignore[arg-type]
            give = self._decide(GIVE_WAY, (False, True))
            if give is None:
                return False
        self.pc += 1
        if not give:
            return None
        self.monitor = None
        self._append(YIELD, op)
        return True

    def _load(self, op: Op) -> bool:
        entry = self._append(READ, op)
        entry.address = op.address.of(self.registers, self.nodes)
        entry.node = node = Node()
        self.nodes.append(node)
        load = op.flat
        assert isinstance(load, flat.LoadOp)
        self.registers[load.dst] = node
        if load.exclusive:
            self.monitor = entry
        self.pc += 1
        return True

    def _store(self, op: Op) -> bool:
        store = op.flat
        assert isinstance(store, flat.StoreOp)
        exists: Value = 1
        # Before the status is written: the same register may be an operand.
        address, data = op.address.of(self.registers, self.nodes), op.data.of(self.registers, self.nodes)
        if store.status is not None:
            outcome: object = False if self.monitor is None else self._decide(EXCLUSIVE, (True, False, LATER))
            if outcome is None:
                return False
            partner, self.monitor = self.monitor, None
            if outcome is False:
                self.registers[store.status] = 1
                self.pc += 1
                return True
            if outcome is LATER:
                exists = Node()
                status = Node(lambda registers: 1 - registers[0], ((0, exists),))
                self.nodes += [exists, status]
                self.registers[store.status] = status
            else:
                self.registers[store.status] = 0
        else:
            partner = None
        entry = self._append(WRITE, op)
        entry.address, entry.data, entry.exists = address, data, exists
        entry.partner = partner
        if partner is not None:
            entry.extra = "exclusive"
        self.pc += 1
        return True

    def _rmw(self, op: Op) -> bool:
        rmw = op.flat
        assert isinstance(rmw, flat.RmwOp)
        registers, nodes = self.registers, self.nodes
        node = Node()
        held, registers[rmw.old] = registers[rmw.old], node
        # All of it before the result is written: the same register may be an operand.
        new, when = op.new.of(registers, nodes), op.when.of(registers, nodes)
        ok = when
        registers[rmw.old] = held
        exists: Value = when
        if self.settle is not None and not op.always_writes:
            outcome = self._decide(OUTCOME, (True, False))
            if outcome is None:
                return False
            exists = int(bool(outcome))
            if exists == 0:
                when = self._negated(when)
                back = self._decide(WRITE_BACK, (False, True)) if rmw.statement.write_back else False
                if back is None:
                    return False
                if back:
                    exists, new = 1, node
        nodes.append(node)
        read = self._append(READ, op)
        read.address = op.address.of(registers, nodes)
        read.node = node
        write = self._append(WRITE, op)
        write.address = read.address
        write.data, write.exists, write.when, write.partner = new, exists, when, read
        read.partner = write
        if rmw.statement.exclusive:
            write.extra = "exclusive"
        registers[rmw.dst] = node
        if rmw.ok is not None:
            registers[rmw.ok] = ok
        registers[rmw.old] = 0
        if rmw.statement.exclusive:
            self.monitor = None
        self.pc += 1
        return True

    # paths

    def _negated(self, value: Value) -> Value:
        if not isinstance(value, Node):
            return 1 - value
        node = Node(lambda registers: 1 - registers[0], ((0, value),))
        self.nodes.append(node)
        return node

    def _guess(self, kind: str, cond: Value) -> bool | None:
        """Which way to go at a condition: as it is, if that is known; the number of the decision is used up either
        way."""
        value = known(cond)
        found = self.decide(self.count, kind, (True, False) if value is None else (bool(value),))
        if found is None:
            return None
        self.count += 1
        return bool(found)

    def _branch(self, op: Op) -> bool | None:
        branch = op.flat
        assert isinstance(branch, flat.Branch)
        cond = op.cond.of(self.registers, self.nodes)
        if isinstance(cond, int):
            self.pc = branch.then if cond else branch.orelse
            return None
        taken = self._guess(GUESS, cond)
        if taken is None:
            return False
        entry = self._append(BRANCH, op)
        entry.data, entry.taken = cond, taken
        entry.extra = self._snapshot()
        self.pc = branch.then if taken else branch.orelse
        return True

    def _snapshot(self) -> object:
        """What is needed to come back to a branch that went the wrong way; nothing, here."""
        return None

    def _round(self, op: Op) -> bool:
        round_ = op.flat
        assert isinstance(round_, flat.RoundOp)
        if self.settle is False:
            enter = self._decide(ENTER, (True, False))
            if enter is None:
                return False
            if not enter:
                self.status = STOPPED
                return False
        self.rounds[round_.counter] = (list(self.registers), self.count)
        self.pc += 1
        return True

    def _test(self, op: Op) -> bool | None:
        test = op.flat
        assert isinstance(test, flat.TestOp)
        cond = op.cond.of(self.registers, self.nodes)
        if isinstance(cond, int):
            taken: bool | None = bool(cond)
        elif test.orelse is None and self.settle is False:
            taken = True
        else:
            taken = self._guess(WAIT, cond)
        if taken is None:
            return False
        entry = None
        if isinstance(cond, Node):
            entry = self._append(BRANCH, op)
            entry.data, entry.taken = cond, taken
            entry.extra = self._snapshot()
        if taken:
            self.pc = test.done
            self.rounds.pop(test.number, None)
            return None if entry is None else True
        return self._failed(op, test, entry)

    def _failed(self, op: Op, test: flat.TestOp, entry: Entry | None) -> bool | None:
        """The round failed, or is taken to fail."""
        if test.orelse is not None:
            self.rounds.pop(test.number, None)
            self.pc = test.orelse
            return None if entry is None else True
        if self.settle:
            began, self.stuck_since = self.rounds[test.number]
            self.status = STUCK
            # What came during the failing round came before it: that is another path.
            self.impossible = any(began[slot] != self.registers[slot] for slot in self.code.taken)
        else:
            self.impossible = True
            self.status = CUT
        return False


class _Later:
    """The outcome of an exclusive store that is left open until it can write."""

    def __repr__(self) -> str:
        return "LATER"


LATER = _Later()
