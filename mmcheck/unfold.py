"""Program -> EventGraph: branches as guards, loops up to a bound, values as terms, dependencies beside them.

Dependencies are tracked as taint: a register carries its term and the reads it was computed from. In assembly
they are syntactic and never simplified away; in source code they are those that `mmcheck.robust` finds.

Two kinds of runs are described. In *settled* ones every agent has ended or waits for ever (final states, progress):
the last, failing round of a wait is then part of the run. In the others (points) a wait that is not yet satisfied
leaves no event, and its thread goes no further (semantics.md 3). One graph can describe both, told apart by a symbol.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mmcheck.alternatives import FENCE, READ, Slot, align, tags_of
from mmcheck.errors import InternalError, fail
from mmcheck.graph import Check, Cut, EventGraph, GEvent, Pairs, Run, Wait
from mmcheck.interrupts import blocking_runs, runs_on, sharing_of, turns_on
from mmcheck.loops import exit_test, unroll_jumps
from mmcheck.program import (
    ENTRY,
    MASKED,
    NO_TAGS,
    NOWHERE,
    OLD,
    RETURN,
    TRUE,
    Assert,
    Assign,
    Await,
    Block,
    Break,
    Call,
    Choice,
    Const,
    Expr,
    Fence,
    Given,
    If,
    Jump,
    Label,
    Load,
    Loop,
    Origin,
    Parallel,
    Program,
    Reg,
    Return,
    Rmw,
    Statement,
    Store,
    StoreExclusive,
    Tags,
    Thread,
)
from mmcheck.records import record, replace
from mmcheck.robust import is_robust
from mmcheck.terms import Term, Terms

MAX_EVENTS = 5_000
MAX_CALLS = 200
MAX_EXPANSIONS = 20_000

Taint = dict[tuple[int, bool], Term]
"""(read event, through a pick) -> the condition under which the value depends on it."""


@record
class Value:
    term: Term
    taint: Taint


@dataclass(slots=True)
class State:
    """One point of one thread: the guard under which it is reached, and what registers hold there.

    `control` are the reads that the guarded region depends on; `sticky` those whose control dependency never ends
    (assembly branches, waits). `facts` are conditions that the path has established beyond its guard.
    `monitor` are the exclusive loads that may hold the monitor, with the condition.
    """

    guard: Term
    registers: dict[str, Value]
    privates: dict[str, Value]
    control: Taint
    sticky: Taint
    firm: frozenset[tuple[int, bool]] = frozenset()
    """Of `control` and `sticky`: those that a compiler cannot do without, for the path has not fixed the condition."""
    facts: tuple[Term, ...] = ()
    monitor: tuple[tuple[int, Term], ...] = ()
    switch: tuple[tuple[int, Term], ...] = ()
    """The latest event that switched interrupts, with the condition."""

    def copy(self, guard: Term) -> State:
        return State(
            guard, dict(self.registers), dict(self.privates), dict(self.control), dict(self.sticky), self.firm,
            self.facts, self.monitor, self.switch,
        )  # fmt: skip


@dataclass(slots=True)
class Frame:
    """Where the exits of the enclosing loop and function gather."""

    breaks: list[State] = field(default_factory=list)
    returns: list[tuple[State, Value | None]] = field(default_factory=list)


class Unfolder:
    def __init__(self, program: Program, bound: int, quiescent: bool | None) -> None:
        self.program = program
        self.bound = bound
        self.terms = Terms()
        if quiescent is None:
            settled = self.terms.symbol("settled", 1)
        else:
            settled = self.terms.true if quiescent else self.terms.false
        self.graph = EventGraph(program, self.terms, settled)
        self.arm = program.target.startswith("armv8")
        self.cells = frozenset(cell.address for cell in program.cells)
        self.thread = 0
        self.source = False
        self.in_rmw = False
        self.expansions = 0
        self.group = 0
        self.groups = 0
        self.free = 0
        self.calls: tuple[str, ...] = ()
        self.callers: dict[str, Value] = {}
        self.stuck: list[State] = []
        self.glued: int | None = None
        self.graph.sharing = sharing_of(program)
        self.blocking = blocking_runs(program, self.graph.sharing)
        self.holders = {n for held in self.blocking.values() for n in held if program.threads[n].host is None}
        self.holding: list[Term] = []
        self.carried: dict[str, dict[str, Value]] = {}
        for name in ("addr", "data", "ctrl", "pick-addr", "pick-data", "pick-ctrl", "pick-basic"):
            self.graph.deps[name] = {}
            self.graph.deps[f"text-{name}"] = {}

    def run(self) -> EventGraph:
        for number, thread in enumerate(self.program.threads):
            if thread.host is None:
                self.run_thread(number, thread)
            else:
                self.run_handler(number, thread, thread.host)
        runs_on(self.graph, self.blocking)
        turns_on(self.graph, self.blocking)
        return self.graph

    def run_thread(self, number: int, thread: Thread) -> None:
        self.thread, self.source = number, thread.source
        privates = {reg.name: Value(self.terms.number(init, reg.width), {}) for reg, init in thread.privates}
        state = State(self.terms.true, {}, privates, {}, {})
        frame = Frame()
        end = self.block(thread.body, state, frame)
        end = self.merge([end, *[returned for returned, _ in frame.returns]])
        self.graph.ends.append(end.guard)
        if number in self.holders:
            terms, held = self.terms, self.terms.disj(self.holding)
            hold = self.graph.holds[number] = terms.symbol(f"hold{number}", 1)
            self.graph.constraints += [terms.disj([terms.neg(hold), held]), terms.disj([hold, terms.neg(held)])]
            self.holding = []
        end = self.merge([end, *self.stuck])
        self.stuck = []
        final = {name: value.term for name, value in {**end.privates, **end.registers}.items()}
        self.graph.registers.append(final)

    def run_handler(self, number: int, thread: Thread, host: int) -> None:
        """One run of an interrupt handler, which may happen."""
        self.thread, self.source = number, thread.source
        terms = self.terms
        happens = terms.symbol(f"run{number}", 1)
        start = {reg.name: Value(terms.number(init, reg.width), {}) for reg, init in thread.privates}
        start |= self.carried.get(thread.handler, {})
        masked = {MASKED: Value(terms.false if thread.nests else terms.true, {})}
        state = State(happens, {}, {**start, **masked}, {}, {})
        frame = Frame()
        entry = self.event("F", thread.entry, state, happens, replace(thread.origin, text=ENTRY))
        self.switched(entry, state)
        end = self.block(thread.body, state, frame)
        end = self.merge([end, *[returned for returned, _ in frame.returns]])
        self.graph.ends.append(end.guard)
        if number in self.blocking.get(host, ()):
            over = terms.symbol(f"over{number}", 1)
            self.graph.constraints += [
                terms.disj([terms.neg(over), end.guard]),
                terms.disj([over, terms.neg(end.guard)]),
            ]
        leave = self.event("F", thread.leave, end, end.guard, replace(thread.origin, text=RETURN))
        end.privates[MASKED] = Value(terms.false, {})
        self.switched(leave, end)
        end = self.merge([end, *self.stuck, State(terms.neg(happens), {}, dict(start), {}, {})])
        self.stuck = []
        # What one run leaves in its privates, the next finds; that is memory, and no dependency.
        lasting = [name for name in start if not name.startswith("@%")]
        self.carried[thread.handler] = {name: Value(end.privates[name].term, {}) for name in lasting}
        final = {name: value.term for name, value in {**end.privates, **end.registers}.items()}
        self.graph.registers.append(final)
        self.graph.runs.append(Run(number, host, happens, entry.id, leave.id))

    def switched(self, event: GEvent, state: State) -> None:
        """`event` has switched interrupts to what `MASKED` says."""
        masked = state.privates.get(MASKED)
        off = masked.term if masked is not None else self.terms.number("IrqOff" in event.tags, 1)
        for earlier, cond in state.switch:
            self.graph.masks[earlier][1][event.id] = cond
        self.graph.masks[event.id] = (off, {})
        state.switch = ((event.id, self.terms.true),)

    # --- control -----------------------------------------------------------------------------------

    def block(self, block: Block, state: State, frame: Frame) -> State:
        if any(isinstance(statement, Label | Jump) for statement in block):
            return self.flat(unroll_jumps(block, self.bound), state, frame)
        for statement in block:
            if state.guard is self.terms.false:
                break
            state = self.statement(statement, state, frame)
        return state

    def flat(self, block: Block, state: State, frame: Frame) -> State:
        """Statements with forward jumps only."""
        pending: dict[str, list[State]] = {}
        for statement in block:
            if isinstance(statement, Label):
                state = self.merge([*pending.pop(statement.name, []), state])
            elif state.guard is self.terms.false:
                continue
            elif isinstance(statement, Jump):
                cond = self.value(statement.cond, state)
                if cond.taint:
                    self.add(state.sticky, cond.taint)
                taken = state.copy(self.terms.conj([state.guard, cond.term]))
                if statement.label == "":
                    self.cut(taken.guard, statement.origin)
                else:
                    pending.setdefault(statement.label, []).append(taken)
                state.guard = self.terms.conj([state.guard, self.terms.neg(cond.term)])
            else:
                state = self.statement(statement, state, frame)
        if pending:
            raise InternalError(f"jump to unknown label {next(iter(pending))}")
        return state

    def merge(self, states: Iterable[State]) -> State:
        """The join of states with disjoint guards."""
        alive = [state for state in states if state.guard is not self.terms.false]
        if not alive:
            return State(self.terms.false, {}, {}, {}, {})
        result = alive[-1]
        for state in reversed(alive[:-1]):
            cond = state.guard
            result = State(
                self.terms.disj([cond, result.guard]),
                self.merge_registers(cond, state.registers, result.registers),
                self.merge_registers(cond, state.privates, result.privates),
                self.merge_taint(cond, state.control, result.control),
                self.merge_taint(cond, state.sticky, result.sticky),
                self.merge_firm(state, result),
                tuple([fact for fact in state.facts if fact in result.facts]),
                self.merge_monitor(cond, state.monitor, result.monitor),
                self.merge_monitor(cond, state.switch, result.switch),
            )
        return result

    def merge_registers(self, cond: Term, a: dict[str, Value], b: dict[str, Value]) -> dict[str, Value]:
        if a is b:
            return a
        out = {}
        for name in {**a, **b}:
            left, right = a.get(name), b.get(name)
            if left is not None and right is not None:
                if left is right:
                    out[name] = left
                    continue
            elif left is None and right is not None:
                left = Value(self.terms.number(0, right.term.width), {})
            elif left is not None:
                right = Value(self.terms.number(0, left.term.width), {})
            assert left is not None and right is not None
            width = max(left.term.width, right.term.width)
            term = self.terms.select(cond, self.resize(left.term, width), self.resize(right.term, width))
            out[name] = Value(term, self.merge_taint(cond, left.taint, right.taint))
        return out

    def merge_taint(self, cond: Term, a: Taint, b: Taint) -> Taint:
        if a == b:
            return a
        out: Taint = {}
        for key in {**a, **b}:
            out[key] = self.terms.select(cond, a.get(key, self.terms.false), b.get(key, self.terms.false))
        return {key: term for key, term in out.items() if term is not self.terms.false}

    def merge_firm(self, a: State, b: State) -> frozenset[tuple[int, bool]]:
        """Firm where they control at all, on both ways."""
        keys = a.firm | b.firm
        loose_a = (a.control.keys() | a.sticky.keys()) - a.firm
        loose_b = (b.control.keys() | b.sticky.keys()) - b.firm
        return frozenset(keys - loose_a - loose_b)

    def merge_monitor(
        self, cond: Term, a: tuple[tuple[int, Term], ...], b: tuple[tuple[int, Term], ...]
    ) -> tuple[tuple[int, Term], ...]:
        if a == b:
            return a
        left, right = dict(a), dict(b)
        terms = {
            load: self.terms.select(cond, left.get(load, self.terms.false), right.get(load, self.terms.false))
            for load in {**left, **right}
        }
        return tuple([(load, term) for load, term in terms.items() if term is not self.terms.false])

    def cut(self, guard: Term, origin: Origin) -> None:
        if guard is not self.terms.false:
            self.graph.cuts.append(Cut(guard, self.thread, origin))

    def statement(self, statement: Statement, state: State, frame: Frame) -> State:
        match statement:
            case Assign():
                self.assign(state, statement.dst, self.value(statement.expr, state))
            case Load():
                self.load(statement, state)
            case Store():
                value = self.value(statement.value, state)
                address = self.value(statement.address, state)
                self.write(state, state.guard, statement.tags, address, value, statement.origin)
            case StoreExclusive():
                self.store_exclusive(statement, state)
            case Rmw():
                self.in_rmw = True  # a conditional read-modify-write is not speculated, its read half neither
                self.rmw(statement, state)
                self.in_rmw = False
            case Fence():
                event = self.event("F", statement.tags, state, state.guard, statement.origin)
                if not statement.tags.isdisjoint(("IrqOff", "IrqOn")):
                    self.switched(event, state)
            case Given():
                cond = self.value(statement.cond, state)
                self.graph.constraints.append(self.terms.disj([self.terms.neg(state.guard), cond.term]))
            case If():
                return self.branch(statement, state, frame)
            case Loop():
                return self.loop(statement, state, frame)
            case Break():
                frame.breaks.append(state)
                return State(self.terms.false, {}, {}, {}, {})
            case Await():
                return self.wait(statement, state, frame)
            case Call():
                return self.call(statement, state)
            case Return():
                result = None if statement.value is None else self.value(statement.value, state)
                frame.returns.append((state, result))
                return State(self.terms.false, {}, {}, {}, {})
            case Assert():
                self.check(statement, state)
            case Parallel():
                saved = self.group
                if not saved:
                    self.groups += 1
                    self.group = self.groups
                state = self.block(statement.body, state, frame)
                self.group = saved
            case Choice():
                return self.choice(statement, state, frame)
            case _:
                raise InternalError(f"{type(statement).__name__} outside a flat block")
        return state

    def branch(self, statement: If, state: State, frame: Frame) -> State:
        cond = self.value(statement.cond, state)
        if cond.term.op == "const" and not cond.taint:
            return self.block(statement.then if cond.term.const else statement.orelse, state, frame)
        outer, loose = dict(state.control), state.firm
        self.add(state.control if self.source else state.sticky, cond.taint)
        self.firm_up(state, cond)
        inside, firm = dict(state.control), state.firm
        then = state.copy(self.terms.conj([state.guard, cond.term]))
        orelse = state.copy(self.terms.conj([state.guard, self.terms.neg(cond.term)]))
        mark = len(self.graph.events)
        then_end = self.block(statement.then, then, frame)
        middle = len(self.graph.events)
        orelse_end = self.block(statement.orelse, orelse, frame)
        if self.source:
            self.same_in_both(mark, middle, cond.taint)
            both = self.terms.false not in (then_end.guard, orelse_end.guard)
            # One arm left the function or loop: what follows is still guarded by the condition.
            for end in (then_end, orelse_end):
                exits = {key: term for key, term in end.control.items() if key not in inside}
                # Firmness is the test's and not the read's: a later test of the same read may be one that is dropped.
                end.firm = (loose if both else firm) | {key for key in end.firm if key in exits or key in end.sticky}
                end.control = {**(outer if both else inside), **exits}
        return self.merge([then_end, orelse_end])

    def firm_up(self, state: State, cond: Value) -> None:
        """Note the reads that the condition really tests, under what the path has established."""
        if self.source:
            conditions = [state.guard, *state.facts]
            state.firm |= {key for key in cond.taint if is_robust(cond.term, f"r{key[0]}", conditions)}

    def same_in_both(self, mark: int, middle: int, taint: Taint) -> None:
        """A write that both arms perform depends on no condition: a compiler may hoist it."""
        robust = self.graph.deps["ctrl"]
        keys: dict[object, list[int]] = {}

        def key(event: GEvent) -> object:
            value = event.value if event.kind == "W" else event.width  # the reads of two equal exchanges are twins too
            return event.kind, event.address, value, event.tags, event.optional

        for event in self.graph.events[mark:middle]:
            keys.setdefault(key(event), []).append(event.id)
        for event in self.graph.events[middle:]:
            for twin in keys.get(key(event), ()):
                for read, _ in taint:
                    robust.pop((read, event.id), None)
                    robust.pop((read, twin), None)

    def loop(self, statement: Loop, state: State, frame: Frame) -> State:
        outer, loose = dict(state.control), state.firm
        inner = Frame(returns=frame.returns)
        for _ in range(self.bound if statement.bound is None else statement.bound):
            if state.guard is self.terms.false:
                break
            state = self.block(statement.body, state, inner)
        # The test of a `while` is made once more than its body runs.
        state = self.block(exit_test(statement.body, self.program.functions), state, inner)
        self.cut(state.guard, statement.origin)
        result = self.merge(inner.breaks)
        result.control = outer
        result.firm = loose | {key for key in result.firm if key in result.sticky}
        return result

    def wait(self, statement: Await, state: State, frame: Frame) -> State:
        if statement.tries is not None:
            return self.wait_limited(statement, state, frame)
        start = state.guard
        done = self.choose("done")
        settled = self.graph.settled
        masked = state.privates.get(MASKED)
        if self.thread in self.holders and masked is not None:
            self.holding.append(self.terms.conj([start, self.terms.neg(done), masked.term]))
        state.guard = self.terms.conj([start, self.terms.disj([done, settled])])
        mark = len(self.graph.events)
        state = self.block(statement.body, state, frame)
        cond = self.value(statement.cond, state)
        reached = self.terms.conj([state.guard, done])
        self.graph.constraints.append(self.terms.disj([self.terms.neg(reached), cond.term]))
        events = self.graph.events[mark:]
        stuck = self.terms.conj([state.guard, self.terms.neg(done), settled])
        self.graph.constraints.append(self.terms.disj([self.terms.neg(stuck), self.terms.neg(cond.term)]))
        if stuck is not self.terms.false:
            for_ever = state.copy(stuck)  # a final state shows these registers
            for_ever.registers = dict(self.callers) if self.calls else for_ever.registers
            self.stuck.append(for_ever)
        reads = tuple([event.id for event in events if event.kind == "R"])
        self.graph.waits.append(Wait(self.thread, start, done, cond.term, reads, statement.origin))
        plain = {event.id for event in events if self.source and "Plain" in event.tags}
        self.add(state.control, {key: term for key, term in cond.taint.items() if key[0] in plain})
        self.add(state.sticky, {key: term for key, term in cond.taint.items() if key[0] not in plain})
        self.firm_up(state, cond)
        state.firm -= {key for key in cond.taint if key[0] in plain}  # the compiler may read once, and need not wait
        state.guard = reached
        state.facts = (*state.facts, cond.term)
        return state

    def wait_limited(self, statement: Await, state: State, frame: Frame) -> State:
        """With a limit on the tries: one last look, which decides (semantics.md 3, time-out)."""
        state = self.block(statement.body, state, frame)
        return self.branch(If(statement.cond, (), statement.orelse, statement.origin), state, frame)

    def call(self, statement: Call, state: State) -> State:
        function = self.program.functions[statement.function]
        if len(self.calls) >= MAX_CALLS or self.calls.count(statement.function) > 0:
            raise fail("MM501", f"{statement.function!r} calls itself", statement.origin.span)
        self.expansions += 1
        if self.expansions > MAX_EXPANSIONS:
            help = "functions are expanded where they are called"
            raise fail("MM502", f"more than {MAX_EXPANSIONS} calls", statement.origin.span, help=help)
        values = [self.value(arg, state) for arg in statement.args]
        caller, outer = state.registers, dict(state.control)
        if not self.calls:
            self.callers = caller
        state.registers = {
            param.name: Value(self.resize(value.term, param.width), value.taint)
            for param, value in zip(function.params, values, strict=True)
        }
        loose = state.firm
        frame = Frame()
        self.calls += (statement.function,)
        end = self.block(function.body, state, frame)
        self.calls = self.calls[:-1]
        exits = [*frame.returns, (end, None)]
        for exit_state, value in exits:
            if function.result is not None:
                result = value if value is not None else Value(self.terms.number(0, function.result), {})
                exit_state.registers = {"%result": result}
            else:
                exit_state.registers = {}
        merged = self.merge([exit_state for exit_state, _ in exits])
        result = merged.registers.get("%result", Value(self.terms.number(0, function.result or 32), {}))
        merged.registers = dict(caller)
        merged.control = outer
        merged.firm = loose | {key for key in merged.firm if key in merged.sticky}
        if statement.dst is not None:
            self.assign(merged, statement.dst, result)
        return merged

    def choice(self, statement: Choice, state: State, frame: Frame) -> State:
        literals = self.graph.choices.get(statement.site)
        if literals is None:
            literals = tuple(
                [(name, self.terms.symbol(f"{statement.site}={name}", 1)) for name, _ in statement.options]
            )
            self.graph.choices[statement.site] = literals
        selected = dict(literals)
        slots = align(statement)
        if slots is not None:
            for slot in slots:
                self.slot(slot, statement.site, selected, state)
            return state
        ends = []
        for name, block in statement.options:
            ends.append(self.block(block, state.copy(self.terms.conj([state.guard, selected[name]])), frame))
        before = state.guard
        merged = self.merge(ends)
        if all(
            end.guard is self.terms.conj([before, selected[name]])
            for end, (name, _) in zip(ends, literals, strict=True)
        ):
            merged.guard = before
        return merged

    def slot(self, slot: Slot, site: str, selected: Mapping[str, Term], state: State) -> None:
        """One statement for all options of a site: its events say which tags they have under which option."""
        mark = len(self.graph.events)
        guard = state.guard
        if slot.present is not None:
            chosen = self.terms.disj([selected[name] for name in selected if name in slot.present])
            guard = self.terms.conj([guard, chosen])
        if slot.exchange is not None:
            address = self.value(slot.exchange.address, state)
            tags = frozenset({READ})
            self.event("R", tags, state, guard, slot.statement.origin, address, None, slot.exchange.dst.width)
            self.graph.amo[mark, mark + 1] = self.terms.true
        if isinstance(slot.statement, Fence):
            self.event("F", slot.statement.tags, state, guard, slot.statement.origin)
        else:
            self.statement(slot.statement, state, Frame())
        for event in self.graph.events[mark:]:
            (role,) = event.tags
            common, optional = tags_of(slot.tags[role])
            present = slot.present if role in (READ, FENCE) else None
            self.graph.events[event.id] = replace(event, tags=common, site=site, present=present, optional=optional)

    # --- events ------------------------------------------------------------------------------------

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
        basic: Taint | None = None,
    ) -> GEvent:
        number = len(self.graph.events)
        if number >= MAX_EVENTS:
            help = "use a smaller bound or fewer rounds"
            raise fail("MM502", f"more than {MAX_EVENTS} events", origin.span, help=help)
        if self.calls and origin.calls != self.calls:
            origin = replace(origin, calls=self.calls)
        if self.thread in self.blocking:
            self.graph.reach[number] = guard
        for run in self.blocking.get(self.thread, ()):
            # Until the handler is over, only what came before it happens.
            guard = self.terms.conj([guard, self.not_held_up(run, [number])])
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
        conditions = [guard, *state.facts] if self.source else []
        if address is not None:
            self.depend("addr", address, event, conditions)
        if value is not None:
            self.depend("data", value, event, conditions)
        if basic:
            self.depend("basic", Value(guard, basic), event, conditions)
        self.control(state, event)
        return event

    def not_held_up(self, run: int, events: list[int]) -> Term:
        """That a run which waits for ever, or a thread that does so with interrupts off, does not keep `events` of its
        CPU from happening."""
        terms = self.terms
        inside = terms.conj([terms.symbol(f"before{run}.{event}", 1) for event in events])
        if self.program.threads[run].host is None:
            return terms.disj([terms.neg(terms.symbol(f"hold{run}", 1)), inside])
        return terms.disj([terms.neg(terms.symbol(f"run{run}", 1)), terms.symbol(f"over{run}", 1), inside])

    def depend(self, port: str, value: Value, event: GEvent, conditions: list[Term]) -> None:
        for (read, pick), cond in value.taint.items():
            name = f"pick-{port}" if pick or port == "basic" else port
            if read == event.id:
                continue
            self.note(f"text-{name}", read, event.id, cond)
            # Of an address, only places inside some variable count: an array of one element has one index.
            within = self.cells if port == "addr" else None
            if not self.source or is_robust(value.term, f"r{read}", conditions, within):
                self.note(name, read, event.id, cond)

    def control(self, state: State, event: GEvent) -> None:
        for taint in (state.control, state.sticky):
            for (read, pick), cond in taint.items():
                name = "pick-ctrl" if pick else "ctrl"
                self.note(f"text-{name}", read, event.id, cond)
                if not self.source or event.kind != "R" or self.in_rmw:
                    if not self.source or (read, pick) in state.firm:
                        self.note(name, read, event.id, cond)

    def note(self, name: str, source: int, target: int, cond: Term) -> None:
        table: Pairs = self.graph.deps[name]
        known = table.get((source, target))
        table[source, target] = cond if known is None else self.terms.disj([known, cond])

    def load(self, statement: Load, state: State) -> None:
        address = self.value(statement.address, state)
        event = self.event(
            "R", statement.tags, state, state.guard, statement.origin, address, None, statement.dst.width
        )
        assert event.value is not None
        self.assign(state, statement.dst, Value(event.value, {(event.id, False): self.terms.true}))
        if statement.exclusive:
            state.monitor = ((event.id, self.terms.true),)
        if statement.whole:
            self.glued = event.id

    def write(
        self,
        state: State,
        guard: Term,
        tags: Tags,
        address: Value,
        value: Value,
        origin: Origin,
        basic: Taint | None = None,
    ) -> GEvent:
        return self.event("W", tags, state, guard, origin, address, value, value.term.width, basic)

    def store_exclusive(self, statement: StoreExclusive, state: State) -> None:
        terms = self.terms
        address, value = self.value(statement.address, state), self.value(statement.value, state)
        paired = {load: terms.conj([held, self.same_address(load, address.term)]) for load, held in state.monitor}
        success = terms.conj([self.choose("exclusive"), terms.disj(paired.values())])
        written = terms.conj([state.guard, success])
        if written is not terms.false:
            event = self.write(state, written, statement.tags, address, value, statement.origin)
            for load, cond in paired.items():
                self.graph.lxsx[load, event.id] = cond
        status = terms.select(success, terms.number(0, statement.status.width), terms.number(1, statement.status.width))
        self.assign(state, statement.status, Value(status, {}))
        state.monitor = ()

    def same_address(self, load: int, address: Term) -> Term:
        other = self.graph.events[load].address
        assert other is not None
        return self.terms.op("eq", (other, address), 1)

    def rmw(self, statement: Rmw, state: State) -> None:
        terms, width = self.terms, statement.dst.width
        address = self.value(statement.address, state)
        always = statement.when == TRUE
        if always or statement.fail_tags == statement.read_tags:
            tags = statement.read_tags
            read = self.event("R", tags, state, state.guard, statement.origin, address, None, width)
            assert read.value is not None
            ok = self.rmw_write(statement, state, read, state.guard, address)
            old = Value(read.value, {(read.id, False): terms.true})
        else:
            success = self.choose("success")
            good = terms.conj([state.guard, success])
            bad = terms.conj([state.guard, terms.neg(success)])
            reads = []
            for guard, tags, wanted in ((good, statement.read_tags, True), (bad, statement.fail_tags, False)):
                read = self.event("R", tags, state, guard, statement.origin, address, None, width)
                assert read.value is not None
                when = self.with_old(statement.when, state, read)
                outcome = when.term if wanted else terms.neg(when.term)
                self.graph.constraints.append(terms.disj([terms.neg(guard), outcome]))
                reads.append(read)
                self.rmw_write(statement, state, read, guard, address)
            first, second = reads[0], reads[1]
            assert first.value is not None and second.value is not None
            taint = {(first.id, False): success, (second.id, False): terms.neg(success)}
            old = Value(terms.select(success, first.value, second.value), taint)
            ok = Value(success, dict(old.taint))
        if statement.exclusive:
            state.monitor = ()
        if statement.compare is not None and self.arm:
            old = self.with_provenance(statement, state, old, ok)
        if statement.ok is not None:
            self.assign(state, statement.ok, Value(self.resize(ok.term, statement.ok.width), ok.taint))
        self.assign(state, statement.dst, old)

    def rmw_write(self, statement: Rmw, state: State, read: GEvent, guard: Term, address: Value) -> Value:
        """The write half (and the one that writes the old value back); returns whether `when` holds."""
        terms = self.terms
        when = self.with_old(statement.when, state, read)
        new = self.with_old(statement.new, state, read)
        pairs = self.graph.lxsx if statement.exclusive else self.graph.amo
        written = terms.conj([guard, when.term])
        basic = {(source, True): cond for (source, _), cond in when.taint.items() if source != read.id}
        if written is not terms.false:
            event = self.write(state, written, statement.write_tags, address, new, statement.origin, basic)
            pairs[read.id, event.id] = terms.true
        if statement.write_back:
            back = terms.conj([guard, terms.neg(when.term), self.choose("write-back")])
            if back is not terms.false:
                assert read.value is not None
                old = Value(read.value, {})
                event = self.write(state, back, statement.write_tags - {"L"}, address, old, statement.origin, basic)
                pairs[read.id, event.id] = terms.true
        return when

    def with_provenance(self, statement: Rmw, state: State, old: Value, ok: Value) -> Value:
        """CAS on Arm: on success the register may keep what it had, with only a pick dependency on the read
        (memory-models.md 6.4.4); the values are equal, the dependencies are not."""
        assert statement.compare is not None
        terms = self.terms
        kept = terms.conj([ok.term, self.choose("kept")])
        taint: Taint = {}
        for (read, pick), cond in old.taint.items():
            self.add(taint, {(read, pick): terms.conj([cond, terms.neg(kept)])})
            self.add(taint, {(read, True): terms.conj([cond, kept])})
        for key, cond in self.value(statement.compare, state).taint.items():
            self.add(taint, {key: terms.conj([cond, kept])})
        return Value(old.term, {key: cond for key, cond in taint.items() if cond is not terms.false})

    def with_old(self, expr: Expr, state: State, read: GEvent) -> Value:
        assert read.value is not None
        state.registers[OLD] = Value(read.value, {(read.id, False): self.terms.true})
        result = self.value(expr, state)
        del state.registers[OLD]
        return result

    def check(self, statement: Assert, state: State) -> None:
        cond = self.value(statement.cond, state)
        own = [e.id for e in self.graph.events if e.thread == self.thread]
        held = [self.not_held_up(run, own) for run in self.blocking.get(self.thread, ())]
        guard = self.terms.conj([state.guard, *held])
        last = own[-1] if own else -1
        self.graph.checks.append(Check(statement.requirement, guard, cond.term, self.thread, statement.origin, last))

    # --- values ------------------------------------------------------------------------------------

    def choose(self, what: str) -> Term:
        self.free += 1
        return self.terms.symbol(f"{what}{self.free}", 1)

    def resize(self, term: Term, width: int) -> Term:
        return term if term.width == width else self.terms.op("zext" if term.width < width else "trunc", (term,), width)

    def assign(self, state: State, dst: Reg, value: Value) -> None:
        target = state.privates if dst.name.startswith("@") else state.registers
        target[dst.name] = Value(self.resize(value.term, dst.width), value.taint)

    def add(self, target: Taint, taint: Taint) -> None:
        for key, cond in taint.items():
            known = target.get(key)
            target[key] = cond if known is None else self.terms.disj([known, cond])

    def value(self, expr: Expr, state: State) -> Value:
        terms = self.terms
        if isinstance(expr, Const):
            return Value(terms.number(expr.value, expr.width), {})
        if isinstance(expr, Reg):
            known = (state.privates if expr.name.startswith("@") else state.registers).get(expr.name)
            if known is None:
                return Value(terms.number(0, expr.width), {})
            return known if known.term.width == expr.width else Value(self.resize(known.term, expr.width), known.taint)
        args = [self.value(arg, state) for arg in expr.args]
        term = terms.op(expr.op, tuple([arg.term for arg in args]), expr.width)
        taint: Taint = {}
        for position, arg in enumerate(args):
            if expr.op == "select" and position == 0:
                self.add(taint, {(read, True): cond for (read, _), cond in arg.taint.items()})
            elif expr.op == "select":
                chosen = args[0].term if position == 1 else terms.neg(args[0].term)
                reached = {key: terms.conj([cond, chosen]) for key, cond in arg.taint.items()}
                self.add(taint, {key: cond for key, cond in reached.items() if cond is not terms.false})
            else:
                self.add(taint, arg.taint)
        return Value(term, taint)


def unfold(program: Program, *, bound: int = 2, quiescent: bool | None = False) -> EventGraph:
    """All runs of `program` with at most `bound` rounds of each unbounded loop.

    `quiescent`: settled runs, the others, or (None) both, told apart by `EventGraph.settled`.

    Raises `InputError` for recursion and for programs of more than `MAX_EVENTS` events.
    """
    return Unfolder(program, bound, quiescent).run()


__all__ = ["NOWHERE", "NO_TAGS", "Unfolder", "unfold"]
