"""An explorer of interleavings on one memory, in which a run of a handler is one step: what ``sc`` should say.

It shares the program and the step function of a single thread with mmcheck, and neither unfolding, models nor
encodings. Threads of one CPU take turns where interrupts are on; a run cuts in where they are, ends before its thread
goes on, and may move it to another CPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from mmcheck import steps
from mmcheck.flatten import LoadOp, flatten
from mmcheck.program import MASKED, Program, state_cell, state_register

HOST = "@%host"


class World(NamedTuple):
    """States of the threads, memory, the runs that are over, and the registers that these ended with."""

    states: tuple[steps.State, ...]
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

    def explore(self) -> Outcomes:
        memory = tuple((cell.address, cell.init) for cell in self.program.cells)
        first = World(tuple(steps.start(self.codes[root]) for root in self.roots), memory, frozenset(), ())
        seen, stack = {first}, [first]
        finals = set()
        while stack:
            world = stack.pop()
            following = list(self.after(world))
            for new in following:
                if new not in seen:
                    seen.add(new)
                    stack.append(new)
            if all(self.ended(root, world) for root in self.roots) and not self.pending(world):
                finals.add(self.final(world))
        return Outcomes(finals, self.failed)

    # --- where things stand ------------------------------------------------------------------------

    def state(self, root: int, world: World) -> steps.State:
        return world.states[self.roots.index(root)]

    def ended(self, root: int, world: World) -> bool:
        return isinstance(steps.advance(self.codes[root], self.state(root, world))[1], steps.Ended)

    def masked(self, root: int, world: World) -> bool:
        slot = self.slots[root].get(MASKED)
        return slot is not None and bool(self.state(root, world).registers[slot])

    def cpu(self, root: int, world: World) -> int | None:
        for number, thread in enumerate(self.threads):
            if thread.host is not None and self.bottom(number) == root:
                for register, cell in thread.privates:
                    if register.name == HOST:
                        return dict(world.memory)[cell]
        return self.threads[root].cpu

    def bottom(self, number: int) -> int:
        host = self.threads[number].host
        return number if host is None else self.bottom(host)

    def kept_off(self, root: int, world: World) -> bool:
        """Whether another thread has the CPU of `root` to itself."""
        here = self.cpu(root, world)
        return here is not None and any(
            self.cpu(other, world) == here and self.masked(other, world) and not self.ended(other, world)
            for other in self.roots
            if other != root
        )

    # --- steps -------------------------------------------------------------------------------------

    def after(self, world: World) -> Iterator[World]:
        for place, root in enumerate(self.roots):
            if self.kept_off(root, world):
                continue
            if not self.masked(root, world):
                for new in self.interrupted(root, world):
                    yield self.forgetful(new, root, world, itself=True)
            if not self.ended(root, world):
                for state, memory in self.act(root, world.states[place], dict(world.memory)):
                    states = (*world.states[:place], state, *world.states[place + 1 :])
                    new = world._replace(states=states, memory=tuple(sorted(memory.items())))
                    yield self.forgetful(new, root, world)

    def forgetful(self, new: World, root: int, old: World, *, itself: bool = False) -> World:
        """Monitors are cleared by interrupts, by a change of thread, and by the writes of others."""
        changed = {address for (address, value), was in zip(sorted(new.memory), sorted(old.memory), strict=True)
                   if (address, value) != was}  # fmt: skip
        here = self.cpu(root, old)
        states = list(new.states)
        for place, other in enumerate(self.roots):
            monitor = states[place].monitor
            if monitor is not None and (
                (itself and other == root)
                or (other != root and (monitor[0] in changed or monitor[0] in self.written))
                or (other != root and here is not None and self.cpu(other, old) == here)
            ):
                states[place] = states[place]._replace(monitor=None)
        return new._replace(states=tuple(states))

    def act(
        self, number: int, state: steps.State, memory: dict[int, int]
    ) -> Iterator[tuple[steps.State, dict[int, int]]]:
        """One instruction."""
        code = self.codes[number]
        here, action = steps.advance(code, state)
        self.written: set[int] = set()
        if isinstance(action, steps.Read):
            op = code.ops[here.pc]
            after = steps.after_read(code, here, memory.get(action.address, 0))
            if isinstance(op, LoadOp) and op.whole:
                yield from self.act(number, after, memory)
            else:
                yield after, memory
        elif isinstance(action, steps.Write):
            if not action.exclusive or action.partner is not None:
                self.written = {action.address}
                yield steps.after_write(code, here), {**memory, action.address: action.value}
                self.written = set()
            if action.exclusive:
                yield steps.after_write(code, here, success=False), memory
        elif isinstance(action, steps.Modify):
            old = memory.get(action.address, 0)
            new = steps.modified(action, here, old)
            self.written = set() if new is None else {action.address}
            yield steps.after_modify(code, here, old), memory if new is None else {**memory, action.address: new}
        elif isinstance(action, steps.Check):
            if not action.holds:
                self.failed.add(action.requirement)
            yield from self.act(number, steps.skip(here), memory)
        elif isinstance(action, steps.Barrier):
            yield steps.skip(here), memory
        elif isinstance(action, steps.Ended):
            yield here, memory
        else:
            assert isinstance(action, steps.Impossible), action

    def interrupted(self, host: int, world: World) -> Iterator[World]:
        """Every run that may begin now on `host`, to its end."""
        kept = dict(world.kept)
        for number, thread in enumerate(self.threads):
            if thread.host != host or number in world.done:
                continue
            same = [i for i, other in enumerate(self.threads) if other.handler == thread.handler]
            if any(self.threads[i].run == thread.run and i in world.done for i in same):
                continue
            if thread.run and not any(self.threads[i].run == thread.run - 1 and i in world.done for i in same):
                continue
            begun = steps.start(self.codes[number])
            for i in same:
                if i in world.done and self.threads[i].run == thread.run - 1:
                    registers = list(begun.registers)
                    for name, slot in self.slots[number].items():
                        if name[0] == "@" and name[:2] != "@%":
                            registers[slot] = kept[i, name]
                    begun = begun._replace(registers=tuple(registers))
            yield from self.whole(number, begun, world._replace(done=world.done | {number}))

    def whole(self, number: int, state: steps.State, world: World) -> Iterator[World]:
        work, seen = [(state, world)], {(state, world)}
        while work:
            state, world = work.pop()
            following = []
            if self.threads[number].nests:
                following += [(state._replace(monitor=None), new) for new in self.interrupted(number, world)]
            for after, memory in self.act(number, state, dict(world.memory)):
                new = world._replace(memory=tuple(sorted(memory.items())))
                following.append((after, new))
            if isinstance(steps.advance(self.codes[number], state)[1], steps.Ended):
                end = steps.advance(self.codes[number], state)[0]
                kept = {**dict(world.kept), **{(number, n): end.registers[s] for n, s in self.slots[number].items()}}
                yield world._replace(kept=tuple(sorted(kept.items())))
            for one in following:
                if one not in seen:
                    seen.add(one)
                    work.append(one)

    # --- ends --------------------------------------------------------------------------------------

    def pending(self, world: World) -> bool:
        """Whether an interrupt is raised that a handler with a run left could take."""
        memory = dict(world.memory)
        for latch in {thread.latch for thread in self.threads if thread.latch is not None}:
            runs = [i for i, thread in enumerate(self.threads) if thread.latch == latch]
            last = max(self.threads[i].run for i in runs)
            used_up = any(i in world.done for i in runs if self.threads[i].run == last)
            ready = any(
                host in self.roots and not self.masked(host, world) and self.cpu(host, world) == self.threads[i].cpu
                for i in runs
                for host in (self.threads[i].host,)
            )
            if memory[latch] and ready and not used_up:
                return True
        return False

    def final(self, world: World) -> tuple[tuple[str, int], ...]:
        kept, memory, out = dict(world.kept), dict(world.memory), {}
        for number, thread in enumerate(self.threads):
            if thread.host is None:
                registers = steps.advance(self.codes[number], self.state(number, world))[0].registers
                values = {name: registers[slot] for name, slot in self.slots[number].items()}
            elif number in world.done:
                values = {name: kept[number, name] for name in self.slots[number]}
            else:  # a run that did not happen leaves what it would have found
                values = self.found(number, world)
            out.update({state_register(thread.name, name).name: value for name, value in values.items()})
        for cell in self.program.cells:
            out[state_cell(cell.name).name] = memory.get(cell.address, cell.init)
        shown = {name.replace("@", ""): value for name, value in out.items() if value}
        return tuple(sorted((name, value) for name, value in shown.items() if ":%" not in name))

    def found(self, number: int, world: World) -> dict[str, int]:
        """The lasting privates with which a run that did not happen would have begun."""
        kept, thread, code = dict(world.kept), self.threads[number], self.codes[number]
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
