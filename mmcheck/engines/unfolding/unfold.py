"""Program -> EventGraph: all bounded runs at once, one thread after the other, then the runs of interrupt handlers."""

from __future__ import annotations

from mmcheck.base.deadline import Deadline
from mmcheck.base.records import replace
from mmcheck.engines.unfolding.control import Control
from mmcheck.engines.unfolding.events import Recorder
from mmcheck.engines.unfolding.state import Frame, State, Value, merge
from mmcheck.events.graph import EventGraph, Run
from mmcheck.events.handlers import runs_on, turns_on
from mmcheck.ir.program import ENTRY, MASKED, RETURN, Program, Thread


class Unfolder:
    def __init__(
        self, program: Program, bound: int, quiescent: bool | None, deadline: Deadline | None, profile: str
    ) -> None:
        self.program = program
        self.recorder = Recorder(program, quiescent, deadline, profile)
        self.control = Control(self.recorder, bound)
        self.terms = self.recorder.terms
        self.graph = self.recorder.graph
        self.carried: dict[str, dict[str, Value]] = {}

    def run(self) -> EventGraph:
        for number, thread in enumerate(self.program.threads):
            self.recorder.enter(number, thread)
            if thread.host is None:
                self._thread(number, thread)
            else:
                self._handler(number, thread, thread.host)
            self.recorder.leave()
        runs_on(self.graph, self.recorder.blocking)
        turns_on(self.graph, self.recorder.blocking)
        return self.graph

    def _thread(self, number: int, thread: Thread) -> None:
        privates = {reg.name: Value(self.terms.number(init, reg.width), {}) for reg, init in thread.privates}
        end = self._body(thread, State(self.terms.true, {}, privates, {}))
        if number in self.recorder.holders:
            terms, held = self.terms, self.terms.disj(self.recorder.holding)
            hold = self.graph.holds[number] = terms.symbol(f"hold{number}", 1)
            self.graph.constraints += [terms.disj([terms.neg(hold), held]), terms.disj([hold, terms.neg(held)])]
            self.recorder.holding = []
        self._finish(end)

    def _handler(self, number: int, thread: Thread, host: int) -> None:
        """One run of an interrupt handler, which may happen."""
        terms, recorder = self.terms, self.recorder
        happens = terms.symbol(f"run{number}", 1)
        start = {reg.name: Value(terms.number(init, reg.width), {}) for reg, init in thread.privates}
        start |= self.carried.get(thread.handler, {})
        masked = {MASKED: Value(terms.false if thread.nests else terms.true, {})}
        state = State(happens, {}, {**start, **masked}, {})
        entry = recorder.event("F", thread.entry, state, happens, replace(thread.origin, text=ENTRY))
        recorder.switched(entry, state)
        end = self._body(thread, state)
        if number in recorder.blocking.get(host, ()):
            over = terms.symbol(f"over{number}", 1)
            self.graph.constraints += [
                terms.disj([terms.neg(over), end.guard]),
                terms.disj([over, terms.neg(end.guard)]),
            ]
        leave = recorder.event("F", thread.leave, end, end.guard, replace(thread.origin, text=RETURN))
        end.privates[MASKED] = Value(terms.false, {})
        recorder.switched(leave, end)
        end = self._finish(end, State(terms.neg(happens), {}, dict(start), {}))
        # What one run leaves in its privates, the next finds; that is memory, and no dependency.
        lasting = [name for name in start if not name.startswith("@%")]
        self.carried[thread.handler] = {name: Value(end.privates[name].term, {}) for name in lasting}
        self.graph.runs.append(Run(number, host, happens, entry.id, leave.id))

    def _body(self, thread: Thread, state: State) -> State:
        """The end of `thread`, if it gets there."""
        frame = Frame()
        end = self.control.block(thread.body, state, frame)
        end = merge(self.terms, [end, *[returned for returned, _ in frame.returns]])
        self.graph.ends.append(end.guard)
        return end

    def _finish(self, end: State, *others: State) -> State:
        """Note what registers hold when the thread has ended or waits for ever."""
        recorder = self.recorder
        # Held up, it stands before the first event that does not happen, whatever comes behind that.
        last = merge(self.terms, [*recorder.held, end, *self.control.stuck, *others])
        self.control.stuck = []
        if recorder.held:
            self.graph.held[recorder.thread] = self.terms.neg(recorder.clear)
        self.graph.registers.append({name: value.term for name, value in {**last.privates, **last.registers}.items()})
        return last


def unfold(
    program: Program, *, bound: int = 2, quiescent: bool | None = False, deadline: Deadline | None = None,
    profile: str = "observed",
) -> EventGraph:  # fmt: skip
    """All runs of `program` with at most `bound` rounds of each unbounded loop.

    `quiescent`: settled runs (see `mmcheck.engines.unfolding.control`), the others, or (None) both, told apart by
    `EventGraph.settled`. `profile` is the table of what a compiler keeps in source code. All that is built from the
    graph keeps to `deadline`. Raises `InputError` for recursion and for programs of more than `MAX_EVENTS` events.
    """
    return Unfolder(program, bound, quiescent, deadline, profile).run()
