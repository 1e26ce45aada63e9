"""Exhaustive exploration of an operational machine.

A machine says what the memory does; this module runs the threads on it in every order, each state once. A run
counts when its buffers are empty and every thread has ended or sits in an await that fails on the present
memory: that is a final state. A run whose loop reaches the bound has none. What an assertion violates counts in every
run, however it goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.records import record
from mmcheck.ir import actions as acts
from mmcheck.ir import steps
from mmcheck.ir.instructions import Code
from mmcheck.ir.program import Program, state_cell
from mmcheck.machine import interrupts

Memory: TypeAlias = tuple[tuple[int, int], ...]
"""Address and value of everything that is not in its initial state 0, by address."""
Buffer: TypeAlias = tuple[tuple[int, int, bool], ...]
"""Writes that have not reached memory, oldest first: address, value, whether it is half of an update that is whole."""
Values: TypeAlias = tuple[tuple[str, int], ...]


class State(NamedTuple):
    """All threads, what they see, and the requirements violated so far."""

    threads: tuple[acts.State, ...]
    memory: Memory
    buffers: tuple[Buffer, ...]
    failed: frozenset[str] = frozenset()
    holders: tuple[tuple[int, int], ...] = ()
    """CPUs that threads share, with the thread that holds each."""


class Final(NamedTuple):
    """A final state: every register and cell by name, in order; and the threads that wait for ever."""

    values: Values
    stuck: tuple[str, ...] = ()


@record
class Outcomes:
    """What a machine can do. `failed` are the requirements that some run violates."""

    finals: frozenset[Final]
    failed: frozenset[str]
    cut: bool
    states: int


class Machine(Protocol):
    """The memory of a machine: how one action of a thread changes a state, and what happens without a thread."""

    def act(self, code: Code, state: State, thread: int, action: acts.Action) -> Iterator[State]:
        """The states after memory action `action` of `thread`, before which it stands."""

    def drift(self, state: State) -> Iterator[State]:
        """The states after something that no thread does: a buffered write reaches memory."""


def explore(
    program: Program,
    machine: Machine,
    *,
    bound: int = 2,
    choices: Mapping[str, str] | None = None,
    limit: int = 1_000_000,
) -> Outcomes:
    """Everything `machine` can do with `program`. Raises `UnknownVerdict` beyond `limit` states, and for interrupts
    that no machine runs."""
    memory = tuple(sorted((cell.address, cell.init) for cell in program.cells))
    parts = []
    for hosts in interrupts.assignments(program):
        codes = interrupts.codes(program, hosts, bound=bound, choices=choices)
        first = State(tuple([steps.start(code) for code in codes]), memory, ((),) * len(codes))
        parts.append(_Explorer(program, codes, machine, limit).run(first))
    return union(parts)


def union(parts: Sequence[Outcomes]) -> Outcomes:
    """What can happen in one of several ways to begin."""
    return Outcomes(
        frozenset[Final]().union(*[part.finals for part in parts]),
        frozenset[str]().union(*[part.failed for part in parts]),
        any(part.cut for part in parts),
        sum(part.states for part in parts),
    )


def load(memory: Memory, address: int) -> int:
    """The value at `address`."""
    for place, value in memory:
        if place == address:
            return value
    return 0


def store(state: State, thread: int, address: int, value: int) -> State:
    """`thread` writes to memory; the other threads lose their monitors for `address`."""
    memory = dict(state.memory)
    memory[address] = value
    threads = [
        t._replace(monitor=None) if i != thread and t.monitor is not None and t.monitor[0] == address else t
        for i, t in enumerate(state.threads)
    ]
    return state._replace(threads=tuple(threads), memory=tuple(sorted(memory.items())))


def moved(state: State, thread: int, to: acts.State) -> State:
    """`state` with `thread` at `to`."""
    return state._replace(threads=(*state.threads[:thread], to, *state.threads[thread + 1 :]))


def cpu_of(code: Code, state: acts.State) -> int:
    """The CPU on which a thread that shares one is."""
    cpu = code.thread.cpu if code.here is None else state.registers[code.here]
    assert cpu is not None
    return cpu


def released(state: State, thread: int) -> State:
    """`thread` gives way."""
    return state._replace(holders=tuple([held for held in state.holders if held[1] != thread]))


class _Explorer:
    def __init__(self, program: Program, codes: list[Code], machine: Machine, limit: int) -> None:
        self.program, self.codes, self.machine, self.limit = program, codes, machine, limit
        self.steps: list[dict[acts.State, tuple[acts.State, acts.Action]]] = [{} for _ in codes]
        self.finals: set[Final] = set()
        self.failed: frozenset[str] = frozenset()

    def run(self, first: State) -> Outcomes:
        seen = {first}
        work = [first]
        cut = False
        while work:
            state = work.pop()
            self.failed |= state.failed
            actions = [self.next(i, thread) for i, thread in enumerate(state.threads)]
            cut = cut or any(isinstance(action, acts.Cut) for _, action in actions)
            state = state._replace(threads=tuple([thread for thread, _ in actions]))
            held = self.held(state, [action for _, action in actions])
            if all(isinstance(action, acts.Ended | acts.Wait) or n in held for n, (_, action) in enumerate(actions)):
                self.finish(state, held)
            for following in self.following(state, [action for _, action in actions]):
                if following not in seen:
                    seen.add(following)
                    work.append(following)
            if len(seen) > self.limit:
                raise UnknownVerdict(f"the machine has more than {self.limit} states")
        return Outcomes(frozenset(self.finals), self.failed, cut, len(seen))

    def next(self, thread: int, state: acts.State) -> tuple[acts.State, acts.Action]:
        known = self.steps[thread]
        found = known.get(state)
        if found is None:
            found = known[state] = steps.advance(self.codes[thread], state)
        return found

    def following(self, state: State, actions: list[acts.Action]) -> Iterator[State]:
        for thread, action in enumerate(actions):
            yield from self.act(state, thread, action)
        yield from self.machine.drift(state)

    def act(self, state: State, thread: int, action: acts.Action) -> Iterator[State]:
        code, here = self.codes[thread], state.threads[thread]
        match action:
            case acts.Check():
                failed = state.failed if action.holds else state.failed | {action.requirement}
                yield moved(state, thread, steps.skip(here))._replace(failed=failed)
            case acts.Wait():
                yield moved(state, thread, steps.after_wait(code, here))
            case acts.Offer():
                yield moved(state, thread, steps.skip(here))
                if action.open:
                    yield moved(state, thread, steps.interrupted(code, here))
            case acts.Failed():
                # What came during a failing round came before the next one: that is another run.
                saved = dict(here.saved)[action.number]
                if all(here.registers[slot] == saved[slot] for slot in code.taken):
                    yield moved(state, thread, steps.retry(code, here))
                if action.gives_up:
                    yield moved(state, thread, steps.give_up(code, here))
            case acts.Fork(left=()):
                yield moved(state, thread, steps.join(code, here))
            case acts.Fork():
                for piece in action.left:
                    yield moved(state, thread, steps.choose(code, here, piece))
            case acts.Yield():
                yield moved(state, thread, steps.skip(here))
                if action.open and self.holds(state, thread) and not state.buffers[thread]:
                    yield released(moved(state, thread, steps.skip(here)._replace(monitor=None)), thread)
            case acts.Depart():
                if not state.buffers[thread]:
                    yield released(moved(state, thread, steps.arrived(code, here)), thread)
            case acts.Ended() | acts.Cut():
                pass
            case acts.Barrier():
                yield from self.machine.act(code, state, thread, action)
            case _ if not code.shares or cpu_of(code, here) not in code.shares:
                yield from self.machine.act(code, state, thread, action)
            case _:
                cpu = cpu_of(code, here)
                if self.is_free(state, thread, cpu):
                    held = {**dict(state.holders), cpu: thread}
                    holding = state._replace(holders=tuple(sorted(held.items())))
                    yield from self.machine.act(code, holding, thread, action)

    def holds(self, state: State, thread: int) -> bool:
        return (cpu_of(self.codes[thread], state.threads[thread]), thread) in state.holders

    def is_free(self, state: State, thread: int, cpu: int) -> bool:
        """Whether `thread` may have the CPU: nobody else holds it, or who does is over."""
        holder = dict(state.holders).get(cpu, thread)
        over = isinstance(self.next(holder, state.threads[holder])[1], acts.Ended) and not state.buffers[holder]
        return holder == thread or over

    def held(self, state: State, actions: list[acts.Action]) -> frozenset[int]:
        """The threads whose CPU another keeps, which waits with interrupts off or in a handler."""
        if not state.holders:
            return frozenset()
        found = []
        for number, thread in enumerate(state.threads):
            holder = dict(state.holders).get(cpu_of(self.codes[number], thread)) if self.codes[number].shares else None
            if holder not in (None, number) and not isinstance(actions[number], acts.Ended):
                assert holder is not None
                at = state.threads[holder]
                if isinstance(actions[holder], acts.Wait) and interrupts.keeps(self.codes[holder], at.pc, at.registers):
                    found.append(number)
        return frozenset(found)

    def finish(self, state: State, held: frozenset[int]) -> None:
        """All threads have ended, stand before an await, or are `held`."""
        if any(state.buffers):
            return
        stuck = []
        registers = []
        ends: list[interrupts.End] = []
        for i, thread in enumerate(state.threads):
            last: acts.State | None = thread
            if isinstance(self.next(i, thread)[1], acts.Wait) and i not in held:
                last = self.fails(i, thread, state.memory)
                if last is None:
                    return
                stuck.append(interrupts.who(self.program, self.codes[i], thread.pc))
            assert last is not None
            registers.append(last.registers)
            ends.append((thread.pc, last.registers))
        if interrupts.is_pending(self.program, self.codes, ends, lambda place: load(state.memory, place), held):
            return
        names = interrupts.final_registers(self.program, self.codes, registers)
        for cell in self.program.cells:
            names[state_cell(cell.name).name] = load(state.memory, cell.address)
        self.finals.add(Final(tuple(sorted(names.items())), tuple(stuck)))

    def fails(self, number: int, state: acts.State, memory: Memory) -> acts.State | None:
        """Run the thread alone from an await on: its state if the round, or one inside it, fails for good;
        None if it goes on. A failing round writes nothing but what it read."""
        code = self.codes[number]
        outer: int | None = None
        while True:
            state, action = self.next(number, state)
            if outer is not None and outer not in dict(state.saved):
                return None
            match action:
                case acts.Wait():
                    outer = action.number if outer is None else outer
                    state = steps.after_wait(code, state)
                case acts.Failed():
                    if not action.gives_up:
                        return state
                    if action.number == outer:
                        return None
                    state = steps.give_up(code, state)
                case acts.Read():
                    state = steps.after_read(code, state, load(memory, action.address) & (1 << action.width) - 1)
                case acts.Modify():
                    old = load(memory, action.address) & (1 << action.width) - 1
                    if steps.modified(action, state, old) not in (None, old):
                        return None
                    state = steps.after_modify(code, state, old)
                case acts.Barrier() | acts.Check() | acts.Offer() | acts.Yield():
                    state = steps.skip(state)
                case acts.Fork(left=()):
                    state = steps.join(code, state)
                case acts.Fork():
                    state = steps.choose(code, state, action.left[0])
                case _:
                    return None
