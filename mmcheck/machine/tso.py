"""x86-TSO as a machine (Sewell, Sarkar, Owens, Zappa Nardelli, Myreen, CACM 2010).

Each thread has a store buffer, first in first out. A read takes the newest buffered write of its own to the address,
else memory. MFENCE and locked instructions wait until the buffer is empty; a locked instruction, failing
compare-exchange included, then acts on memory in one step. A read-modify-write that is not locked (tag ``X``) is a
read and a buffered write; unless it is indivisible on its own CPU only (``Unlocked``), nobody else's write reaches
memory between the two: runs in which one would are given up. A load of a device's register waits for the stores to
registers in the buffer. Other fences do nothing for ordinary memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mmcheck.base.errors import UnknownVerdict
from mmcheck.ir import actions as acts
from mmcheck.ir import steps
from mmcheck.ir.instructions import Code
from mmcheck.ir.program import Program
from mmcheck.machine.explore import Buffer, Outcomes, State, explore, load, moved, store


def run(
    program: Program, *, bound: int = 2, choices: Mapping[str, str] | None = None, limit: int = 1_000_000
) -> Outcomes:
    """Everything `program` can do under x86-TSO. Raises `UnknownVerdict` beyond `limit` states, and for instructions
    that x86 does not have."""
    return explore(program, TSO(), bound=bound, choices=choices, limit=limit)


class TSO:
    """Threads write to their buffers; `drift` moves the oldest write of a buffer to memory."""

    def act(self, code: Code, state: State, thread: int, action: acts.Action) -> Iterator[State]:
        here, buffer = state.threads[thread], state.buffers[thread]
        match action:
            case acts.Read() if action.address in code.devices and any(at in code.devices for at, *_ in buffer):
                return  # uncached: behind the stores to registers
            case acts.Read():
                value = _visible(state, thread, action.address) & (1 << action.width) - 1
                yield moved(state, thread, steps.after_read(code, here, value))
            case acts.Write(exclusive=True):
                raise UnknownVerdict("x86-TSO has no exclusive stores")
            case acts.Write():
                after = moved(state, thread, steps.after_write(code, here))
                yield _buffered(after, thread, (*buffer, (action.address, action.value, False)))
            case acts.Modify():
                tags = action.op.statement.read_tags
                if "X" not in tags:
                    old = _visible(state, thread, action.address) & (1 << action.width) - 1
                    new = steps.modified(action, here, old)
                    after = moved(state, thread, steps.after_modify(code, here, old))
                    entries = buffer if new is None else (*buffer, (action.address, new, "Unlocked" not in tags))
                    yield _buffered(after, thread, entries)
                elif not buffer and not _is_held(state, thread, action.address):
                    old = load(state.memory, action.address) & (1 << action.width) - 1
                    new = steps.modified(action, here, old)
                    after = moved(state, thread, steps.after_modify(code, here, old))
                    yield after if new is None else store(after, thread, action.address, new)
            case acts.Barrier():
                if not buffer or "MFENCE" not in action.tags:
                    yield moved(state, thread, steps.skip(here))

    def drift(self, state: State) -> Iterator[State]:
        for thread, buffer in enumerate(state.buffers):
            if buffer and not _is_held(state, thread, buffer[0][0]):
                after = _buffered(state, thread, buffer[1:])
                yield store(after, thread, *buffer[0][:2])


def _visible(state: State, thread: int, address: int) -> int:
    for place, value, _ in reversed(state.buffers[thread]):
        if place == address:
            return value
    return load(state.memory, address)


def _is_held(state: State, thread: int, address: int) -> bool:
    """Whether another thread has read `address` for a write of its own that no other may come before."""
    others = (buffer for number, buffer in enumerate(state.buffers) if number != thread)
    return any(next((whole for at, _, whole in buffer if at == address), False) for buffer in others)


def _buffered(state: State, thread: int, buffer: Buffer) -> State:
    return state._replace(buffers=(*state.buffers[:thread], buffer, *state.buffers[thread + 1 :]))
