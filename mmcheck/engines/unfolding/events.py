"""The events of a program, recorded as a thread is unfolded, with the dependencies that each one has.

Dependencies of the text are tracked as taint: a register carries its term and the reads it was computed from. They are
syntactic and never simplified away. What a compiler leaves of them is found when a thread is complete
(`mmcheck.engines.unfolding.dependence`).
"""

from __future__ import annotations

from mmcheck.base.deadline import Deadline
from mmcheck.base.errors import fail
from mmcheck.base.records import replace
from mmcheck.engines.unfolding.dependence import Dependence
from mmcheck.engines.unfolding.keeping import Keeping
from mmcheck.engines.unfolding.removal import Removals
from mmcheck.engines.unfolding.state import State, Taint, Value
from mmcheck.engines.unfolding.values import evaluate
from mmcheck.events.graph import Check, Cut, EventGraph, GEvent, Pairs
from mmcheck.events.handlers import blocking_runs, sharing_of
from mmcheck.events.terms import Term, Terms
from mmcheck.ir.program import MASKED, Assert, Expr, Origin, Program, Tags, Thread

MAX_EVENTS = 5_000

PORTS = ("addr", "data", "ctrl", "pick-addr", "pick-data", "pick-ctrl")


class Recorder:
    """The graph as far as it has been unfolded, and whose statements are being unfolded."""

    def __init__(self, program: Program, quiescent: bool | None, deadline: Deadline | None, profile: str) -> None:
        self.program = program
        self.terms = Terms(deadline)
        if quiescent is None:
            settled = self.terms.symbol("settled", 1)
        else:
            settled = self.terms.true if quiescent else self.terms.false
        self.graph = EventGraph(program, self.terms, settled)
        for name in PORTS:
            self.graph.deps[name] = {}
            self.graph.deps[f"text-{name}"] = {}
        self.keeping = Keeping(self.graph, profile)
        self.removals = Removals(self.graph, self.keeping)
        self.graph.sharing = sharing_of(program)
        self.blocking = blocking_runs(program, self.graph.sharing)
        self.holders = {n for held in self.blocking.values() for n in held if program.threads[n].host is None}
        self.holding: list[Term] = []
        """That the thread goes no further with interrupts off, one for each place where it may; kept for `holders`."""
        self.thread = 0
        self.clear = self.terms.true
        """That nothing has held up for ever what the thread has done so far."""
        self.held: list[State] = []
        """The points at which the thread may be held up for ever: before its first event that does not happen."""
        self.callers: dict[str, Value] = {}
        """The registers of the thread's own code, while functions are expanded."""
        self.source = False
        self.calls: tuple[str, ...] = ()
        """The functions that are being expanded, outermost first."""
        self.plain = self.terms.false
        """Of a site's read: that the option which is selected makes it a plain one."""
        self.waiting = 0
        """How many waits the thread is in the body of."""
        self.group = 0
        self.free = 0
        self.glued: int | None = None
        """The event that the next access follows without an interrupt between them."""

    def enter(self, number: int, thread: Thread) -> None:
        """From here on, `thread` is unfolded."""
        self.thread, self.source, self.glued = number, thread.source, None
        self.clear, self.held, self.callers = self.terms.true, [], {}

    def value(self, expr: Expr, state: State) -> Value:
        return evaluate(self.terms, expr, state)

    def switched(self, event: GEvent, state: State) -> None:
        """`event` has switched interrupts to what `MASKED` says."""
        masked = state.privates.get(MASKED)
        off = masked.term if masked is not None else self.terms.number("IrqOff" in event.tags, 1)
        for earlier, cond in state.switch:
            self.graph.masks[earlier][1][event.id] = cond
        self.graph.masks[event.id] = (off, {})
        state.switch = ((event.id, self.terms.true),)

    def event(
        self,
        kind: str,
        tags: Tags,
        state: State,
        guard: Term,
        origin: Origin,
        address: Value | None = None,
        value: Value | None = None,
        width: int = 32,
        decides: Value | None = None,
    ) -> GEvent:
        """A new event. `decides`: it happens only if this holds, which it depends on by pick."""
        self.terms.deadline.check()
        tags = self.program.threads[self.thread].carries(tags)
        number = len(self.graph.events)
        if number >= MAX_EVENTS:
            help = "use a smaller bound or fewer rounds"
            raise fail("MM502", f"more than {MAX_EVENTS} events", origin.span, help=help)
        if self.calls and origin.calls != self.calls:
            origin = replace(origin, calls=self.calls)
        if self.thread in self.blocking:
            # Until the handler is over, only what came before it happens.
            self.graph.reach[number] = reached = guard
            free = self.terms.conj([self.not_held_up(run, number) for run in self.blocking[self.thread]])
            here = state.copy(self.terms.conj([reached, self.clear, self.terms.neg(free)]))
            here.registers = dict(self.callers) if self.calls else here.registers
            self.held.append(here)
            self.clear = self.terms.conj([self.clear, self.terms.disj([self.terms.neg(reached), free])])
            guard = self.terms.conj([guard, free])
        term = value.term if value is not None else None
        if kind == "R":
            term = self.terms.symbol(f"r{number}", width)
        event = GEvent(
            number, self.thread, number, kind, tags, guard, None if address is None else address.term, term, width,
            self.group, origin,
        )  # fmt: skip
        self.graph.events.append(event)
        if self.glued is not None and kind != "F":
            self.graph.whole.append((self.glued, number))
            self.glued = None
        if "Ghost" in tags:
            return event  # stands for what no instruction does: it depends on nothing, and nothing is ordered by it
        if address is not None:
            self.depend("addr", address.taint, event)
        if value is not None:
            self.depend("data", value.taint, event)
        if decides is not None:
            self.depend("data", decides.taint, event)
        self.depend("ctrl", state.control, event)
        return event

    def loaded(self, event: GEvent) -> Term:
        """What is in the register behind a load: if a compiler may leave it out, perhaps an earlier value."""
        assert event.value is not None
        if not self.source or self.waiting or "Ghost" in event.tags:
            return event.value
        return self.removals.load(event, self.terms.true if "Plain" in event.tags else self.plain)

    def not_held_up(self, run: int, event: int) -> Term:
        """That a run which waits for ever, or a thread that does so with interrupts off, does not keep `event` of its
        CPU from happening."""
        terms, threads = self.terms, self.program.threads
        if threads[run].host is None:
            inside = terms.symbol(f"before{run}.{event}", 1)
            return terms.disj([terms.neg(terms.symbol(f"hold{run}", 1)), inside])
        cut = run  # of the runs that stand on each other, the one that interrupts this thread
        while threads[cut].host not in (self.thread, None):
            cut = threads[cut].host  # type: ignore[assignment]
        if threads[cut].host is None:
            cut = run
        inside = terms.symbol(f"before{cut}.{event}", 1)
        return terms.disj([terms.neg(terms.symbol(f"run{run}", 1)), terms.symbol(f"over{run}", 1), inside])

    def depend(self, port: str, taint: Taint, event: GEvent) -> None:
        for (read, pick), cond in taint.items():
            if read != event.id:
                name = f"pick-{port}" if pick else port
                self.note(f"text-{name}", read, event.id, cond)
                if not self.source:
                    self.note(name, read, event.id, cond)

    def leave(self) -> None:
        """The thread is unfolded: now it is known which accesses a compiler may leave out, and what depends on what."""
        if self.source:
            self.removals.settle(self.thread)
            for name, read, event, cond in Dependence(self.graph, self.keeping, self.thread).found():
                self.note(name, read, event, cond)

    def note(self, name: str, source: int, target: int, cond: Term) -> None:
        table: Pairs = self.graph.deps[name]
        known = table.get((source, target))
        table[source, target] = cond if known is None else self.terms.disj([known, cond])

    def check(self, statement: Assert, state: State) -> None:
        cond = self.value(statement.cond, state)
        last = next((e.id for e in reversed(self.graph.events) if e.thread == self.thread), -1)
        guard = self.terms.conj([state.guard, self.clear])
        self.graph.checks.append(Check(statement.requirement, guard, cond.term, self.thread, statement.origin, last))

    def choose(self, what: str) -> Term:
        self.free += 1
        return self.terms.symbol(f"{what}{self.free}", 1)

    def hold(self, guard: Term, state: State) -> None:
        """The thread goes no further under `guard`: with interrupts off it keeps its CPU."""
        masked = state.privates.get(MASKED)
        if self.thread in self.holders and masked is not None:
            self.holding.append(self.terms.conj([guard, masked.term]))

    def cut(self, state: State, origin: Origin) -> None:
        """A loop goes on past the bound, at `state`."""
        self.hold(state.guard, state)
        guard = self.terms.conj([state.guard, self.clear])
        if guard is not self.terms.false:
            self.graph.cuts.append(Cut(guard, self.thread, origin))
