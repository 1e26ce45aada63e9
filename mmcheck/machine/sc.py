"""Sequential consistency as a machine: one memory, threads take turns (Lamport 1979)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mmcheck.ir import actions as acts
from mmcheck.ir import steps
from mmcheck.ir.instructions import Code
from mmcheck.ir.program import Program
from mmcheck.machine.explore import Outcomes, State, explore, load, moved, store


def run(
    program: Program, *, bound: int = 2, choices: Mapping[str, str] | None = None, limit: int = 1_000_000
) -> Outcomes:
    """Everything `program` can do under SC. Raises `UnknownVerdict` beyond `limit` states."""
    return explore(program, SC(), bound=bound, choices=choices, limit=limit)


class SC:
    """Every action takes effect at once. An exclusive store succeeds only if no other thread has written
    since the load, and may always fail."""

    def act(self, code: Code, state: State, thread: int, action: acts.Action) -> Iterator[State]:
        here = state.threads[thread]
        match action:
            case acts.Read():
                value = load(state.memory, action.address) & (1 << action.width) - 1
                yield moved(state, thread, steps.after_read(code, here, value))
            case acts.Write():
                if action.exclusive:
                    yield moved(state, thread, steps.after_write(code, here, success=False))
                    if action.partner is None:
                        return
                after = moved(state, thread, steps.after_write(code, here))
                yield store(after, thread, action.address, action.value)
            case acts.Modify():
                old = load(state.memory, action.address) & (1 << action.width) - 1
                new = steps.modified(action, here, old)
                after = moved(state, thread, steps.after_modify(code, here, old))
                yield after if new is None else store(after, thread, action.address, new)
            case acts.Barrier():
                yield moved(state, thread, steps.skip(here))

    def drift(self, state: State) -> Iterator[State]:
        return iter(())
