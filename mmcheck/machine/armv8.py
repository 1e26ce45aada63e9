"""Armv8 as a machine, explored exhaustively (Flat model, Pulte et al. POPL 2018; see `mmcheck.machine.pipeline`).

Memory holds, for each location, the writes that have reached it, in order. A thread is its pipeline; what it does with
memory is: a load reads (the last write of memory, or an own store that is not there yet), a store becomes visible.
Everything else happens as soon as it can, since it never prevents anything: fetching, computing, passing barriers,
finishing. Decisions (which way to speculate, whether an exclusive store succeeds) are made at once, both ways.

Where the published model restarts an instruction, or throws away what was fetched behind a wrong guess, the run is
given up instead: the state after a restart is one that is reached without it, too.

A thread's state is what was decided and read, by position in its path (`Key`); its pipeline is rebuilt from that and
kept. Final states, assertions and waits for ever are as in `mmcheck.machine.explore`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeAlias, cast

from mmcheck.base.errors import UnknownVerdict
from mmcheck.ir.instructions import Code
from mmcheck.ir.program import Program, state_cell
from mmcheck.machine import interrupts
from mmcheck.machine.decode import Op, decode
from mmcheck.machine.explore import Final, Outcomes, union
from mmcheck.machine.frontend import CUT, ENDED, RUNNING, STUCK, Front
from mmcheck.machine.pipeline import CHECK, GIVEN, READ, WRITE, YIELD, Choice, Entry, scan
from mmcheck.machine.values import known, values_of

Write: TypeAlias = tuple[int, int]
"""A write: thread and position in its path; (-1, address) is the initial one."""
Mark: TypeAlias = object
"""What happened at a place: the value of a decision, ``(value, write)`` for a load that read, True for a store."""
Key: TypeAlias = tuple[tuple[int, Mark], ...]
Chain: TypeAlias = tuple[tuple[Write, int], ...]
"""The writes of one location that are in memory, and their values, oldest first."""
Memory: TypeAlias = tuple[tuple[int, Chain], ...]


class State(NamedTuple):
    """The threads, by number of their view; the locations that were written; CPUs that threads share, with who holds
    each."""

    threads: tuple[int, ...]
    memory: Memory
    holders: tuple[tuple[int, int], ...] = ()


class View:
    """One state of one thread: what it can do, or that it is a dead end."""

    __slots__ = ("choices", "dead", "finished", "front", "key", "memo", "options", "ordinal")

    def __init__(self, key: Key, front: Front) -> None:
        self.key = key
        self.front = front
        self.dead = False
        self.finished = False
        self.choices: list[Choice] = []
        self.ordinal = -1
        self.options: tuple[object, ...] = ()
        self.memo: dict[object, int] = {}


def run(
    program: Program, *, bound: int = 2, choices: Mapping[str, str] | None = None, limit: int = 1_000_000
) -> Outcomes:
    """Everything `program` can do on Armv8. Raises `UnknownVerdict` beyond `limit` states, and for interrupts that no
    machine runs."""
    parts = []
    for hosts in interrupts.assignments(program):
        codes = interrupts.codes(program, hosts, bound=bound, choices=choices)
        parts.append(_explored(program, codes, limit))
    return union(parts)


def _explored(program: Program, codes: list[Code], limit: int) -> Outcomes:
    finals = Explorer(program, codes, limit, settle=True)
    finals.run()
    failed = finals.failed
    states = finals.seen
    if any(op.kind == "CheckOp" for thread in finals.threads for op in thread.ops):
        safety = Explorer(program, codes, limit, settle=False)
        safety.run()
        failed |= safety.failed
        states += safety.seen
    return Outcomes(frozenset(finals.finals), frozenset(failed), finals.cut, states)


class Thread:
    """The states of one thread that were met."""

    def __init__(self, number: int, code: Code, *, settle: bool, last: int | None = None) -> None:
        self.number = number
        self.last = last
        """Where the path ends, if not where the thread does."""
        self.code = code
        self.ops: tuple[Op, ...] = decode(code)
        self.settle = settle
        self.views: list[View] = []
        self.known: dict[Key, int] = {}
        self.start = self.view({})

    def view(self, marks: Mapping[int, Mark]) -> int:
        """The number of the state with these marks; -1 for a dead end."""
        view = self.build(marks)
        if view.dead:
            return -1
        number = self.known.get(view.key)
        if number is None:
            number = self.known[view.key] = len(self.views)
            self.views.append(view)
        return number

    def build(self, marks: Mapping[int, Mark]) -> View:
        """The pipeline in which everything of `marks` has happened."""
        used: dict[int, Mark] = {}
        missing: list[tuple[int, tuple[object, ...]]] = []
        wrong = False

        def decide(ordinal: int, kind: str, options: tuple[object, ...]) -> object:
            nonlocal wrong
            mark = marks.get(ordinal)
            if len(options) == 1:
                wrong = wrong or (mark is not None and mark != options[0])
                return options[0]
            if mark is None:
                missing.append((ordinal, options[:2]))
            else:
                used[ordinal] = mark
            return mark

        front = Front(self.code, decide, settle=self.settle, ops=self.ops)
        applied = 0
        while not wrong:
            more = front.fetch()
            while applied < len(front.entries):
                self.apply(front, front.entries[applied], marks, used)
                applied += 1
            if not more or (self.last is not None and front.count > self.last):
                break
        view = View(tuple(sorted(used.items(), key=_place)), front)
        view.dead = wrong or front.impossible
        if not view.dead:
            self.inspect(view, missing)
        return view

    def apply(self, front: Front, entry: Entry, marks: Mapping[int, Mark], used: dict[int, Mark]) -> None:
        """What has happened to `entry`."""
        mark = marks.get(entry.ordinal)
        if mark is None:
            return
        if entry.kind == READ:
            used[entry.ordinal] = mark
            value, source = cast(tuple[int, Write], mark)
            assert entry.node is not None
            entry.node.value = value
            entry.source = source
            if source[0] == self.number:
                entry.extra = next((each for each in front.entries if each.ordinal == source[1]), None)
        elif entry.kind in (WRITE, YIELD):
            used[entry.ordinal] = mark
            entry.happened = True

    def inspect(self, view: View, missing: list[tuple[int, tuple[object, ...]]]) -> None:
        """Find out what the state can do, or that it is a dead end."""
        front = view.front
        since = front.stuck_since if front.status == STUCK else None
        for entry in front.entries:
            if entry.kind == GIVEN and known(entry.data) == 0:
                view.dead = True
            if entry.kind == WRITE and not entry.happened:
                if known(entry.when) == 0:
                    view.dead = True
                partner = entry.partner
                if partner is not None:
                    here, there = known(entry.address), known(partner.address)
                    if here is not None and there is not None and here != there:
                        view.dead = True
                    if since is not None and entry.ordinal >= since:
                        value = known(entry.data)
                        if value is not None and partner.node is not None and value == partner.node.value:
                            entry.exists = 0  # a failing round that stores what it read changes nothing
        if view.dead:
            return
        found = scan(front.entries, self.code.devices)
        view.dead = found.wrong is not None or bool(found.violations)
        view.choices = found.choices
        if missing:
            view.ordinal, view.options = missing[0]
        view.finished = found.settled and not missing and front.status != RUNNING

    def after(self, view: View, change: tuple[int, Mark]) -> int:
        """The state after one more mark; -1 for a dead end."""
        number = view.memo.get(change)
        if number is None:
            marks = dict(view.key)
            marks[change[0]] = change[1]
            number = view.memo[change] = self.view(marks)
        return number

    def reads(self, view: View, choice: Choice, value: int, source: Write) -> int:
        """The state after the load of `choice` has read; -1 if a later load has read something older."""
        entry = choice.entry
        for later in view.front.entries:
            if later.kind != READ or later.ordinal <= entry.ordinal or later.source in (None, source):
                continue
            thread, ordinal = cast(Write, later.source)
            if known(later.address) == choice.address and not (thread == self.number and ordinal > entry.ordinal):
                return -1
        return self.after(view, (entry.ordinal, (value & entry.op.mask, source)))


def _place(item: tuple[int, Mark]) -> int:
    return item[0]


class Explorer:
    """All states of a program; `settle` as for `Front`."""

    def __init__(self, program: Program, codes: list[Code], limit: int, *, settle: bool) -> None:
        self.program = program
        self.limit = limit
        self.settle = settle
        self.threads = [Thread(number, code, settle=settle) for number, code in enumerate(codes)]
        self.initial = {cell.address: cell.init for cell in program.cells}
        self.finals: set[Final] = set()
        self.failed: frozenset[str] = frozenset()
        self.cut = False
        self.seen = 0

    def run(self, progress: Callable[[int], None] | None = None) -> None:
        """Visit every state once."""
        first = State(tuple([thread.start for thread in self.threads]), ())
        if -1 in first.threads:
            return
        seen = {first}
        work = [first]
        while work:
            state = work.pop()
            for following in self.following(state):
                if following not in seen:
                    seen.add(following)
                    work.append(following)
            if len(seen) > self.limit:
                raise UnknownVerdict(f"the machine has more than {self.limit} states")
            if progress is not None and not len(seen) % 1000:
                progress(len(seen))
        self.seen = len(seen)

    def following(self, state: State) -> Iterator[State]:
        views = [thread.views[number] for thread, number in zip(self.threads, state.threads, strict=True)]
        for number, view in enumerate(views):
            if view.options:
                for option in view.options:
                    yield from self.moved(state, number, self.threads[number].after(view, (view.ordinal, option)))
                return
        memory = dict(state.memory)
        if all(view.finished for view in views):
            self.finish(views, memory)
        origin = state
        for number, view in enumerate(views):
            thread = self.threads[number]
            for choice in view.choices:
                entry, address = choice.entry, choice.address
                if entry.kind == YIELD:
                    after = thread.after(view, (entry.ordinal, True))
                    left = tuple([held for held in origin.holders if held != (entry.cpu, number)])
                    yield from self.moved(origin._replace(holders=left), number, after)
                    continue
                if entry.cpu in thread.code.shares:
                    assert entry.cpu is not None
                    if not self.is_free(origin, views, number, entry.cpu):
                        continue
                    held = {**dict(origin.holders), entry.cpu: number}
                    state = origin._replace(holders=tuple(sorted(held.items())))
                if entry.kind == WRITE:
                    chain = memory.get(address) or self.start(address)
                    if is_atomic(entry, chain, number):
                        value = known(entry.data)
                        assert value is not None
                        after = thread.after(view, (entry.ordinal, True))
                        written = (*chain, ((number, entry.ordinal), value))
                        changed = tuple(sorted({**memory, address: written}.items()))
                        yield from self.moved(state, number, after, changed)
                elif choice.store is not None:
                    value = known(choice.store.data)
                    assert value is not None
                    source = (number, choice.store.ordinal)
                    yield from self.moved(state, number, thread.reads(view, choice, value, source))
                else:
                    write, value = (memory.get(address) or self.start(address))[-1]
                    yield from self.moved(state, number, thread.reads(view, choice, value, write))

    def is_free(self, state: State, views: list[View], number: int, cpu: int) -> bool:
        """Whether thread `number` may have the CPU: nobody else holds it, or who does has nothing to do any more."""
        holder = dict(state.holders).get(cpu, number)
        if holder == number:
            return True
        front = views[holder].front
        if not views[holder].finished or front.status == ENDED:
            return views[holder].finished
        if not interrupts.keeps(front.code, front.pc, values_of(front.registers)):
            return True
        if (front.status == STUCK or (front.status == CUT and not self.settle)) and views[number].choices:
            raise UnknownVerdict(f"the machines do not run: {interrupts.HOLDS}")
        return False

    def start(self, address: int) -> Chain:
        return (((-1, address), self.initial.get(address, 0)),)

    def moved(self, state: State, thread: int, to: int, memory: Memory | None = None) -> Iterator[State]:
        if to >= 0:
            threads = (*state.threads[:thread], to, *state.threads[thread + 1 :])
            yield State(threads, state.memory if memory is None else memory, state.holders)

    def finish(self, views: list[View], memory: Mapping[int, Chain]) -> None:
        """Every thread has ended, or waits for ever; or, not to `settle`, goes no further."""
        statuses = [view.front.status for view in views]
        stuck = []
        for view in views:
            front = view.front
            if front.status == STUCK:
                stuck.append(interrupts.who(self.program, front.code, front.pc))
                for entry in front.entries:
                    if entry.kind == READ and entry.ordinal >= front.stuck_since:
                        address = known(entry.address)
                        assert address is not None
                        if (memory.get(address) or self.start(address))[-1][0] != entry.source:
                            return
        if CUT in statuses:
            self.cut = True
            if self.settle:
                return
        for view in views:
            for entry in view.front.entries:
                if entry.kind == CHECK and not known(entry.data):
                    self.failed |= {entry.op.flat.requirement}  # type: ignore[union-attr]
        if not self.settle:
            return
        codes = [view.front.code for view in views]
        registers = [values_of(view.front.registers) for view in views]
        ends = [(view.front.pc, values) for view, values in zip(views, registers, strict=True)]
        if interrupts.is_pending(self.program, codes, ends, lambda at: (memory.get(at) or self.start(at))[-1][1]):
            return
        names = interrupts.final_registers(self.program, codes, registers)
        for cell in self.program.cells:
            names[state_cell(cell.name).name] = (memory.get(cell.address) or self.start(cell.address))[-1][1]
        self.finals.add(Final(tuple(sorted(names.items())), tuple(stuck)))


def is_atomic(entry: Entry, chain: Chain, thread: int) -> bool:
    """Whether no other thread has written since the load of this read-modify-write read, unless this one has, too."""
    if entry.partner is None:
        return True
    foreign = own = False
    for write, _ in reversed(chain):
        if write == entry.partner.source:
            return own or not foreign
        own, foreign = own or write[0] == thread, foreign or write[0] != thread
    return False
