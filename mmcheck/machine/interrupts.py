"""Interrupt handlers and shared CPUs on the machines: handlers within the code of the thread that they interrupt.

A run of a handler is a call that may come between any two accesses of its host while interrupts are on, runs to its end
there, and shares the host's CPU: its store buffer, its instructions in flight (docs/models-preemption.md). So the
code of the runs is put behind that of the host, with registers of its own, and a `TakeOp` before every access, barrier
and round of an await says where a run may begin. A run comes once, runs of one handler in their order; what a
handler keeps is handed on to its later runs. Nested handlers are the same one level down: from the first event of the
outer run to its last. A handler that is raised comes while its latch is 1, one of another CPU once the thread is there.

Threads that share a CPU are agents of their own. One of them at a time *holds* the CPU: only it accesses memory. It
gives way at a `YieldOp`, once all that it did is done (the barrier of the context switch), at its end, and where it
moves to another CPU (`ArriveOp`).

Not here, by name (`mmcheck.machine.left_out`): handlers with several runs that may interrupt several threads; on Armv8
waits that hold up a CPU that others share; migration by a nested handler where CPUs are shared. A handler with one run
that may interrupt one of several threads is explored once for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.records import replace
from mmcheck.events.handlers import HOST, sharing_of
from mmcheck.ir import instructions as flat
from mmcheck.ir import program as ir
from mmcheck.ir.flat import flatten
from mmcheck.ir.hosts import root_of
from mmcheck.ir.instructions import Code, Instruction
from mmcheck.ir.parts import reachable
from mmcheck.ir.preemption import ArriveOp, ResumeOp, TakeOp, YieldOp
from mmcheck.ir.program import MASKED, Program, Thread, state_register

Hosts = Mapping[tuple[str, int], int]
"""For each handler and number of its run, the thread (by index) that stands for it: it says whom the run interrupts."""
End = tuple[int, Sequence[int]]
"""Where a code stands: its instruction, and what its registers hold."""

SEVERAL, HOLDS, NESTED = (
    "handler of several threads",
    "wait that holds up a shared CPU",
    "migration by a nested handler",
)


def has_handlers(program: Program) -> bool:
    """Whether any thread is a run of a handler."""
    return any(thread.host is not None for thread in program.threads)


def unsupported(program: Program) -> tuple[str, ...]:
    """What of the handlers of `program` the machines do not run, by name."""
    found = []
    threads = program.threads
    runs = [thread for thread in threads if thread.host is not None]
    for handler in {thread.handler for thread in runs}:
        same = [thread for thread in runs if thread.handler == handler]
        if any(thread.run for thread in same) and len({thread.host for thread in same}) > 1:
            found.append(SEVERAL)
            break
    sharing = sharing_of(program)
    inner = [t for t in runs if t.host is not None and threads[t.host].host is not None]
    if sharing and any(_moves(program, thread) for thread in inner):
        found.append(NESTED)
    return tuple(found)


def _moves(program: Program, thread: Thread) -> bool:
    """Whether `thread` has a ``migrate``."""
    return any(True for _ in _stores(program, thread))


def _stores(program: Program, thread: Thread) -> Iterator[ir.Store]:
    """The stores that say where `thread` moves its host."""
    for each in reachable(thread.body, program.functions):
        if isinstance(each, ir.Store) and isinstance(each.address, ir.Reg) and each.address.name == HOST:
            yield each


def _asks(thread: Thread) -> bool:
    """Whether a run begins only if its host is on the CPU of the handler."""
    found = [each for each in thread.body if isinstance(each, ir.Load) and each.address == ir.Reg(HOST, 64)]
    return bool(found) and any(
        isinstance(each, ir.Given) and found[0].dst in ir.registers_of(each.cond) for each in thread.body
    )


def assignments(program: Program) -> Iterator[Hosts]:
    """Every way to say which thread each run of each handler interrupts, if it comes. Raises `UnknownVerdict`."""
    missing = unsupported(program)
    if missing:
        raise UnknownVerdict(f"the machines do not run: {', '.join(missing)}")
    options: dict[tuple[str, int], list[int]] = {}
    for number, thread in enumerate(program.threads):
        if thread.host is not None:
            options.setdefault((thread.handler, thread.run), []).append(number)
    for chosen in product(*options.values()):
        yield dict(zip(options, chosen, strict=True))


def codes(
    program: Program, hosts: Hosts, *, bound: int, choices: Mapping[str, str] | None = None
) -> list[Code]:  # fmt: skip
    """The code of every thread that is no handler's, with the runs that may interrupt it."""
    flats = [flatten(program, thread, bound=bound, choices=choices) for thread in program.threads]
    chosen = set(hosts.values())
    places = _places(program, flats, chosen)
    roots = [number for number, thread in enumerate(program.threads) if thread.host is None]
    shares = {
        root: frozenset(places[root] & {cpu for other in roots if other != root for cpu in places[other]})
        for root in roots
    }
    if not has_handlers(program) and not any(shares.values()):
        return flats
    return [
        _Joined(program, flats, number, chosen, shares[number]).code()
        for number, thread in enumerate(program.threads)
        if thread.host is None
    ]


def _places(program: Program, flats: Sequence[Code], chosen: set[int]) -> dict[int, set[int]]:
    """The CPUs on which each thread, with the runs on it, may do anything."""
    found: dict[int, set[int]] = {}
    for number, thread in enumerate(program.threads):
        root = root_of(program.threads, number)
        places = found.setdefault(root, set())
        if number != root and number not in chosen:
            continue
        below = program.threads[root]
        if below.kind == "thread" and below.cpu is not None and not isinstance(flats[number].ops[0], flat.HaltOp):
            places.add(below.cpu)
            places |= {each.value.value for each in _stores(program, thread) if isinstance(each.value, ir.Const)}
    return found


def who(program: Program, code: Code, pc: int) -> str:
    """The name of the agent whose instruction this is."""
    return program.threads[code.places[pc][0]].name if code.places else code.thread.name


def final_registers(program: Program, codes: Sequence[Code], registers: Sequence[Sequence[int]]) -> dict[str, int]:
    """The registers of every agent at the end, by name; `registers` are those of each code. A run that did not come
    has what the runs of its handler before it have left."""
    names: dict[str, int] = {}
    came: dict[str, bool] = {}
    for code, values in zip(codes, registers, strict=True):
        for thread, named in ((code.thread, code.named), *code.guests):
            names |= {state_register(thread.name, name.removeprefix("@")).name: values[slot] for name, slot in named}
        for (thread, _), slot in zip(code.guests, code.taken, strict=True):
            came[thread.name] = bool(values[slot])
    left: dict[str, Thread] = {}
    for thread in program.threads:
        if thread.host is None:
            continue
        if came.get(thread.name):
            left[thread.handler] = thread
        elif thread.handler in left:
            for register, _ in thread.privates:
                if not register.name.startswith("@%"):
                    mine, other = (
                        state_register(each.name, register.name.removeprefix("@")).name
                        for each in (thread, left[thread.handler])
                    )
                    names[mine] = names[other]
    return names


def keeps(code: Code, pc: int, registers: Sequence[int]) -> bool:
    """Whether a thread that stands there keeps its CPU: interrupts are off, or it is in a handler."""
    masked = dict(code.named).get(MASKED)
    return code.places[pc][0] != code.places[0][0] or (masked is not None and bool(registers[masked]))


def is_pending(
    program: Program, codes: Sequence[Code], ends: Sequence[End], load: Callable[[int], int],
    held: frozenset[int] = frozenset(),
) -> bool:  # fmt: skip
    """Whether an interrupt is raised that a handler with a run left could take; `ends` is where each code stands,
    `load` the memory, `held` are the codes whose CPU somebody else keeps. A run of the program is not over then."""
    latches = {thread.latch for thread in program.threads if thread.latch is not None}
    raised = [latch for latch in sorted(latches) if load(latch)]
    if not raised:
        return False
    came: dict[str, bool] = {}
    for code, (_, registers) in zip(codes, ends, strict=True):
        came |= {t.name: bool(registers[slot]) for (t, _), slot in zip(code.guests, code.taken, strict=True)}
    for latch in raised:
        runs = [thread for thread in program.threads if thread.latch == latch]
        last = max(thread.run for thread in runs)
        if any(came.get(thread.name) for thread in runs if thread.run == last):
            continue
        for number, (code, (pc, registers)) in enumerate(zip(codes, ends, strict=True)):
            guests = {thread.name for thread, _ in code.guests}
            here = [t for t in runs if t.name in guests and t.host is not None and program.threads[t.host].host is None]
            cpu = code.thread.cpu if code.now is None else registers[code.now]
            if here and here[0].cpu == cpu and number not in held and not keeps(code, pc, registers):
                return True
    return False


@dataclass(slots=True)
class _Joined:
    """Puts one thread and its handlers together."""

    program: Program
    flats: list[Code]
    root: int
    chosen: set[int]
    shares: frozenset[int]
    out: list[Instruction] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    members: list[int] = field(default_factory=list)
    slots: dict[int, int] = field(default_factory=dict)
    """Where the registers of each thread begin."""
    taken: dict[int, int] = field(default_factory=dict)
    back: dict[int, int] = field(default_factory=dict)
    entry: dict[int, int] = field(default_factory=dict)
    now: int | None = None
    here: int | None = None

    def code(self) -> Code:
        threads = self.program.threads
        self.members = [self.root]
        for number, thread in enumerate(threads):
            if thread.host is not None and root_of(threads, number) == self.root:
                self.members.append(number)
        initial: list[int] = []
        for number in self.members:
            self.slots[number] = len(initial)
            initial += self.flats[number].initial
        for number in self.members[1:]:
            self.taken[number], self.back[number] = len(initial), len(initial) + 1
            initial += [0, 0]
        if any(_moves(self.program, threads[number]) for number in self.members):
            start = threads[self.root].cpu
            assert start is not None
            self.now, self.here = len(initial), len(initial) + 1
            initial += [start, start]
        for number in self.members:
            if number == self.root or number in self.chosen:
                self.entry[number] = len(self.out)
                self.emit(number)
        self.out = [self.entered(op) for op in self.out]
        named = [
            tuple([(name, slot + self.slots[number]) for name, slot in self.flats[number].named])
            for number in self.members
        ]
        guests = tuple([(threads[n], each) for n, each in zip(self.members[1:], named[1:], strict=True)])
        return Code(
            threads[self.root], tuple(self.out), named[0], tuple(initial), self.flats[self.root].devices, guests,
            tuple(self.places), tuple(self.taken.values()), self.now, self.here, self.shares,
        )  # fmt: skip

    def emit(self, number: int) -> None:
        """The instructions of one thread, with the places for interrupts."""
        code = self.flats[number]
        handler = self.program.threads[number].host is not None
        guests = [n for n in self.members if self.program.threads[n].host == number and n in self.chosen]
        rounds = [(op.start, pc) for pc, op in enumerate(code.ops) if isinstance(op, flat.TestOp)]
        first = len(self.out)
        starts: list[int] = []
        whole = False
        for pc, op in enumerate(code.ops):
            starts.append(len(self.out))
            switch = isinstance(op, flat.Set) and op.slot == dict(code.named).get(MASKED)
            place = switch or _may_yield(op) or (bool(guests) and _is_boundary(op))
            if self.shares and not whole and not handler and place:
                self.out.append(YieldOp(self.masked(number), self.shares, self.here, self.program.threads[number].cpu))
                self.places.append((number, pc))
            if guests and not whole and not (handler and pc == 0) and (switch or _is_boundary(op)):
                waits = any(start < pc <= end for start, end in rounds)
                for guest in guests:
                    self.out.append(self.take(number, guest, starts[-1], waits))
                    self.places.append((number, pc))
            if isinstance(op, flat.LoadOp | flat.StoreOp | flat.RmwOp):
                whole = isinstance(op, flat.LoadOp) and op.whole
            if handler and isinstance(op, flat.HaltOp):
                self.hand_on(number, pc)
            else:
                self.out.append(op)
                self.places.append((number, pc))
            if isinstance(op, flat.StoreOp) and isinstance(op.address.expr, ir.Reg) and op.address.expr.name == HOST:
                assert self.now is not None
                self.out.append(flat.Set(self.now, flat.moved(op.data, self.slots[number]), 64))
                self.places.append((number, -1))
        for at in range(first, len(self.out)):
            if not isinstance(self.out[at], TakeOp | ResumeOp | YieldOp) and self.places[at][1] >= 0:
                self.out[at] = _relocated(self.out[at], starts, self.slots[number], 1000 * number)

    def take(self, host: int, guest: int, resume: int, waits: bool) -> TakeOp:
        threads = self.program.threads
        thread = threads[guest]
        before = [n for n in self.taken if threads[n].handler == thread.handler and threads[n].run == thread.run - 1]
        clear = []
        own = dict(self.flats[guest].named).get(MASKED)
        if own is not None:
            clear.append((own + self.slots[guest], int(not thread.nests)))
        return TakeOp(
            guest, self.taken[guest], self.taken[before[0]] if before else None,
            self.masked(host), self.back[guest], resume, tuple(clear), waits,
            None if self.now is None or not _asks(thread) else (self.now, thread.cpu or 0), thread.latch,
        )  # fmt: skip

    def masked(self, number: int) -> tuple[int, ...]:
        """The register that says whether interrupts are off for this thread, if there is one."""
        slot = dict(self.flats[number].named).get(MASKED)
        return () if slot is None else (slot + self.slots[number],)

    def entered(self, op: Instruction) -> Instruction:
        return replace(op, entry=self.entry[op.entry]) if isinstance(op, TakeOp) else op

    def hand_on(self, number: int, pc: int) -> None:
        """The end of a run: what the handler keeps becomes what its later runs begin with."""
        threads = self.program.threads
        mine = dict(self.flats[number].named)
        for later in [n for n in self.members if n > number and threads[n].handler == threads[number].handler]:
            for name, slot in self.flats[later].named:
                if name.startswith("@") and not name.startswith("@%") and name in mine:
                    term = flat.content(mine[name] + self.slots[number], 64)
                    self.out.append(flat.Set(slot + self.slots[later], term, 64))
                    self.places.append((number, -1))
        if self.shares and self.now is not None and self.here is not None and threads[number].host == self.root:
            self.out.append(ArriveOp(self.here, self.now))
            self.places.append((number, -1))
        self.out.append(ResumeOp(self.back[number]))
        self.places.append((number, pc))


def _is_boundary(op: Instruction) -> bool:
    """Whether an interrupt may come right before `op`: before what can be seen, and at the end; with switches of
    interrupts, before the register changes that says whether they are off."""
    if isinstance(op, flat.FenceOp):
        return op.tags.isdisjoint(("IrqOff", "IrqOn"))
    return isinstance(op, flat.LoadOp | flat.StoreOp | flat.RmwOp | flat.RoundOp | flat.HaltOp)


def _may_yield(op: Instruction) -> bool:
    """Whether a thread may give way right before `op`: before accesses; what stands between two is nobody else's."""
    return isinstance(op, flat.LoadOp | flat.StoreOp | flat.RmwOp | flat.RoundOp)


def _relocated(op: Instruction, at: list[int], slot: int, number: int) -> Instruction:
    """`op` with its targets, registers and numbers where they stand in the joined code."""

    def move(term: flat.Term) -> flat.Term:
        return flat.moved(term, slot)

    match op:
        case flat.Set():
            return replace(op, slot=op.slot + slot, term=move(op.term))
        case flat.Clear():
            return flat.Clear(tuple([each + slot for each in op.slots]))
        case flat.Goto():
            return flat.Goto(at[op.target])
        case flat.Branch():
            return flat.Branch(move(op.cond), at[op.then], at[op.orelse])
        case flat.Back():
            inner = tuple([each + slot for each in op.inner])
            return replace(op, counter=op.counter + slot, target=at[op.target], inner=inner)
        case flat.LoadOp():
            return replace(op, dst=op.dst + slot, address=move(op.address))
        case flat.StoreOp():
            status = None if op.status is None else op.status + slot
            return replace(op, address=move(op.address), data=move(op.data), status=status)
        case flat.RmwOp():
            return replace(
                op, dst=op.dst + slot, ok=None if op.ok is None else op.ok + slot, old=op.old + slot,
                address=move(op.address), new=move(op.new), when=move(op.when),
                compare=None if op.compare is None else move(op.compare),
            )  # fmt: skip
        case flat.CheckOp() | flat.GivenOp():
            return replace(op, cond=move(op.cond))
        case flat.RoundOp():
            return replace(op, counter=op.counter + number)
        case flat.TestOp():
            return replace(
                op, cond=move(op.cond), start=at[op.start], done=at[op.done],
                orelse=None if op.orelse is None else at[op.orelse], number=op.number + number,
            )  # fmt: skip
        case flat.ForkOp():
            starts = tuple([at[start] for start in op.starts])
            return replace(op, counter=op.counter + slot, starts=starts, after=at[op.after])
    return op
