"""An explorer of interleavings on one memory, with interrupts: what ``sc`` should say.

It shares the program and the step function of a single thread with mmcheck, and neither unfolding, models nor
encodings. Threads of one CPU take turns where interrupts are on; a run of a handler comes where they are, is one step
for the thread that it interrupts (other CPUs may move meanwhile), and may take it to another CPU. A run that waits
keeps what it interrupts, and its CPU, from moving; so does a thread that waits with interrupts off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple, TypeAlias

from mmcheck.ir import actions as acts
from mmcheck.ir import steps
from mmcheck.ir.flat import flatten
from mmcheck.ir.instructions import LoadOp
from mmcheck.ir.program import MASKED, Program, state_cell, state_register

HOST = "@%host"

Stack: TypeAlias = tuple[tuple[int, acts.State], ...]
"""A thread and its state, the run that interrupts it, the run that interrupts that: the last of them moves."""
Registers: TypeAlias = dict[str, int]


class World(NamedTuple):
    """Where the threads stand, memory, the runs that have begun, and the registers with which runs ended."""

    stacks: tuple[Stack, ...]
    memory: tuple[tuple[int, int], ...]
    done: frozenset[int]
    kept: tuple[tuple[tuple[int, str], int], ...]


@dataclass
class Outcomes:
    finals: set[tuple[tuple[str, int], ...]]
    failed: set[str]


class Explorer:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.threads = program.threads
        self.codes = [flatten(program, thread) for thread in program.threads]
        self.slots = [dict(code.named) for code in self.codes]
        self.roots = [number for number, thread in enumerate(self.threads) if thread.host is None]
        self.failed: set[str] = set()
        self.written: set[int] = set()

    def explore(self) -> Outcomes:
        memory = tuple((cell.address, cell.init) for cell in self.program.cells)
        first = World(tuple(((root, steps.start(self.codes[root])),) for root in self.roots), memory, frozenset(), ())
        seen, work = {first}, [first]
        finals = set()
        while work:
            world = work.pop()
            for new in self.after(world):
                if new not in seen:
                    seen.add(new)
                    work.append(new)
            finals |= set(self.finals(world))
        return Outcomes(finals, self.failed)

    # --- where things stand ------------------------------------------------------------------------

    def ended(self, number: int, state: acts.State) -> bool:
        return isinstance(steps.advance(self.codes[number], state)[1], acts.Ended)

    def masked(self, number: int, state: acts.State) -> bool:
        slot = self.slots[number].get(MASKED)
        if slot is None:
            return self.threads[number].host is not None and not self.threads[number].nests
        return bool(state.registers[slot])

    def cpu(self, place: int, world: World) -> int | None:
        """Where a thread, or the run on it, is executed."""
        stack = world.stacks[place]
        if len(stack) > 1:
            return self.threads[stack[1][0]].cpu
        root = self.roots[place]
        for number, thread in enumerate(self.threads):
            if thread.host is not None and self.bottom(number) == root:
                for register, cell in thread.privates:
                    if register.name == HOST:
                        return dict(world.memory)[cell]
        return self.threads[root].cpu

    def bottom(self, number: int) -> int:
        host = self.threads[number].host
        return number if host is None else self.bottom(host)

    def kept_off(self, place: int, world: World) -> bool:
        """Whether another thread, or a run on it, has the CPU to itself."""
        here = self.cpu(place, world)
        return here is not None and any(
            self.cpu(other, world) == here
            and (len(stack) > 1 or (self.masked(*stack[0]) and not self.ended(*stack[0])))
            for other, stack in enumerate(world.stacks)
            if other != place
        )

    # --- steps -------------------------------------------------------------------------------------

    def after(self, world: World) -> Iterator[World]:
        for place, stack in enumerate(world.stacks):
            if self.kept_off(place, world):
                continue
            number, state = stack[-1]
            if not self.masked(number, state):
                for run, begun in self.runs(number, world):
                    if self.threads[run].cpu != self.cpu(place, world):
                        continue
                    below = (*stack[:-1], (number, state._replace(monitor=None)))
                    new = self.at(world, place, (*below, (run, begun)))
                    yield self.forgetful(new._replace(done=world.done | {run}), place, world)
            if self.ended(number, state):
                if len(stack) > 1:
                    kept = {**dict(world.kept), **{(number, n): v for n, v in self.registers(number, state).items()}}
                    new = self.at(world, place, stack[:-1])
                    yield self.forgetful(new._replace(kept=tuple(sorted(kept.items()))), place, world)
                continue
            for following, memory in self.act(number, state, dict(world.memory)):
                new = self.at(world, place, (*stack[:-1], (number, following)))
                yield self.forgetful(new._replace(memory=tuple(sorted(memory.items()))), place, world)

    def at(self, world: World, place: int, stack: Stack) -> World:
        return world._replace(stacks=(*world.stacks[:place], stack, *world.stacks[place + 1 :]))

    def forgetful(self, new: World, place: int, old: World) -> World:
        """Monitors are cleared by a change of thread, and by the writes of others."""
        changed = {address for (address, value), was in zip(sorted(new.memory), sorted(old.memory), strict=True)
                   if (address, value) != was}  # fmt: skip
        here = self.cpu(place, old)
        stacks = list(new.stacks)
        for other, stack in enumerate(new.stacks):
            shares = here is not None and self.cpu(other, old) == here
            if other != place:
                stacks[other] = tuple(
                    (number, state._replace(monitor=None))
                    if state.monitor is not None
                    and (shares or state.monitor[0] in changed or state.monitor[0] in self.written)
                    else (number, state)
                    for number, state in stack
                )
        return new._replace(stacks=tuple(stacks))

    def act(
        self, number: int, state: acts.State, memory: dict[int, int]
    ) -> Iterator[tuple[acts.State, dict[int, int]]]:
        """One instruction."""
        code = self.codes[number]
        here, action = steps.advance(code, state)
        self.written = set()
        if isinstance(action, acts.Read):
            op = code.ops[here.pc]
            after = steps.after_read(code, here, memory.get(action.address, 0))
            if isinstance(op, LoadOp) and op.whole:
                yield from self.act(number, after, memory)
            else:
                yield after, memory
        elif isinstance(action, acts.Write):
            if not action.exclusive or action.partner is not None:
                self.written = {action.address}
                yield steps.after_write(code, here), {**memory, action.address: action.value}
                self.written = set()
            if action.exclusive:
                yield steps.after_write(code, here, success=False), memory
        elif isinstance(action, acts.Modify):
            old = memory.get(action.address, 0)
            new = steps.modified(action, here, old)
            self.written = set() if new is None else {action.address}
            yield steps.after_modify(code, here, old), memory if new is None else {**memory, action.address: new}
        elif isinstance(action, acts.Check):
            if not action.holds:
                self.failed.add(action.requirement)
            yield from self.act(number, steps.skip(here), memory)
        elif isinstance(action, acts.Barrier):
            yield steps.skip(here), memory
        elif isinstance(action, acts.Wait):
            yield from self.act(number, steps.after_wait(code, here), memory)
        elif isinstance(action, acts.Failed):
            yield steps.retry(code, here), memory
        elif isinstance(action, acts.Ended | acts.Cut):
            yield here, memory
        else:
            assert isinstance(action, acts.Impossible), action

    def runs(self, host: int, world: World) -> Iterator[tuple[int, acts.State]]:
        """Every run that may begin now on `host`."""
        kept = dict(world.kept)
        for number, thread in enumerate(self.threads):
            if thread.host != host or number in world.done:
                continue
            same = [i for i, other in enumerate(self.threads) if other.handler == thread.handler]
            if any(self.threads[i].run == thread.run and i in world.done for i in same):
                continue
            earlier = [i for i in same if self.threads[i].run == thread.run - 1 and i in world.done]
            if thread.run and not earlier:
                continue
            begun = steps.start(self.codes[number])
            registers = list(begun.registers)
            for i in earlier:
                for name, slot in self.slots[number].items():
                    if name[0] == "@" and name[:2] != "@%":
                        registers[slot] = kept[i, name]
            yield number, begun._replace(registers=tuple(registers))

    # --- ends --------------------------------------------------------------------------------------

    def finals(self, world: World) -> Iterator[tuple[tuple[str, int], ...]]:
        """The final states that `world` is, if nobody can move: who moves has ended or waits, and sees all there is."""
        shown: dict[int, list[Registers]] = {}
        for place, stack in enumerate(world.stacks):
            number, state = stack[-1]
            off = self.kept_off(place, world)
            if not off and not (len(stack) == 1 and self.ended(number, state)) and not self.waits(*stack[-1], world):
                return
            for depth, (agent, here) in enumerate(stack):
                moves = not off and depth == len(stack) - 1
                shown[agent] = list(self.standing(agent, here, world, moves=moves))
        if self.pending(world):
            return
        for chosen in product(*shown.values()):
            yield self.final(dict(zip(shown, chosen, strict=True)), world)

    def waits(self, number: int, state: acts.State, world: World) -> bool:
        """Whether the look behind `state` has failed, and every later one will find the same."""
        here, action = steps.advance(self.codes[number], state)
        if not isinstance(action, acts.Failed):
            return False
        again, memory = steps.retry(self.codes[number], here), dict(world.memory)
        while True:
            (again, _), *_ = self.act(number, again, memory)
            again, action = steps.advance(self.codes[number], again)
            if not isinstance(action, acts.Read):
                return isinstance(action, acts.Failed) and again.registers == here.registers

    def standing(self, number: int, state: acts.State, world: World, *, moves: bool) -> Iterator[Registers]:
        """What the registers show of an agent that never moves again; of one that is held up, looks that failed have
        left nothing behind, unless they saw what is there at the end."""
        here, action = steps.advance(self.codes[number], state)
        failed = isinstance(action, acts.Failed)
        if moves or not failed or self.waits(number, state, world):
            yield self.registers(number, here)
        if failed and not moves:
            yield self.registers(number, steps.retry(self.codes[number], here))

    def registers(self, number: int, state: acts.State) -> Registers:
        here, action = steps.advance(self.codes[number], state)
        while isinstance(action, acts.Check):
            here, action = steps.advance(self.codes[number], steps.skip(here))
        return {name: here.registers[slot] for name, slot in self.slots[number].items()}

    def pending(self, world: World) -> bool:
        """Whether an interrupt is raised that a handler with a run left could take."""
        memory = dict(world.memory)
        for latch in {thread.latch for thread in self.threads if thread.latch is not None}:
            runs = [i for i, thread in enumerate(self.threads) if thread.latch == latch]
            last = max(self.threads[i].run for i in runs)
            used_up = any(i in world.done for i in runs if self.threads[i].run == last)
            ready = any(
                len(stack) == 1
                and not self.masked(*stack[0])
                and not self.kept_off(place, world)
                and self.cpu(place, world) in {self.threads[i].cpu for i in runs if self.threads[i].host == stack[0][0]}
                for place, stack in enumerate(world.stacks)
            )
            if memory[latch] and ready and not used_up:
                return True
        return False

    def final(self, standing: dict[int, Registers], world: World) -> tuple[tuple[str, int], ...]:
        memory, out = dict(world.memory), {}
        kept = dict(world.kept) | {(i, name): value for i, here in standing.items() for name, value in here.items()}
        for number, thread in enumerate(self.threads):
            if thread.host is None or number in world.done:
                values = {name: kept[number, name] for name in self.slots[number]}
            else:  # a run that did not happen leaves what it would have found
                values = self.found(number, kept, world)
            out.update({state_register(thread.name, name).name: value for name, value in values.items()})
        for cell in self.program.cells:
            out[state_cell(cell.name).name] = memory.get(cell.address, cell.init)
        shown = {name.replace("@", ""): value for name, value in out.items() if value}
        return tuple(sorted((name, value) for name, value in shown.items() if ":%" not in name))

    def found(self, number: int, kept: dict[tuple[int, str], int], world: World) -> Registers:
        """The lasting privates with which a run that did not happen would have begun."""
        thread, code = self.threads[number], self.codes[number]
        lasting = {n: code.initial[s] for n, s in self.slots[number].items() if n[0] == "@" and n[:2] != "@%"}
        same = [i for i in world.done if self.threads[i].handler == thread.handler]
        earlier = [
            i for i in same if self.threads[i].run < thread.run or (self.threads[i].run == thread.run and i < number)
        ]
        for i in sorted(earlier, key=lambda i: self.threads[i].run):
            lasting = {name: kept[i, name] for name in lasting}
        return lasting


def interleavings(program: Program) -> Outcomes:
    """The final states of `program` under sequential consistency, and the requirements of which an assertion fails."""
    return Explorer(program).explore()
