"""Control flow: branches as guards, loops up to a bound, functions expanded, waits with their two ends.

Two kinds of runs are described. In *settled* ones every agent has ended or waits for ever (final states, progress):
the last, failing round of a wait is then part of the run. The others (points) are prefixes: a wait that is not yet
satisfied leaves no event, a loop is cut at the bound, and their threads go no further. One graph can describe both,
told apart by a symbol.
"""

from __future__ import annotations

from collections.abc import Mapping

from mmcheck.base.errors import InternalError, fail
from mmcheck.base.records import replace
from mmcheck.engines.unfolding.accesses import Accesses
from mmcheck.engines.unfolding.events import Recorder
from mmcheck.engines.unfolding.state import Frame, State, Value, add, merge, nowhere, resize
from mmcheck.engines.unfolding.values import assign
from mmcheck.events.graph import Test, Wait
from mmcheck.events.terms import Term
from mmcheck.ir.alternatives import FENCE, READ, Slot, align, tags_of
from mmcheck.ir.loops import exit_test, unroll_jumps
from mmcheck.ir.program import (
    Assert,
    Assign,
    Await,
    Block,
    Break,
    Call,
    Choice,
    Fence,
    Given,
    If,
    Jump,
    Label,
    Load,
    Loop,
    Parallel,
    Return,
    Rmw,
    Statement,
    Store,
    StoreExclusive,
)

MAX_CALLS = 200
MAX_EXPANSIONS = 20_000
MAX_ROUNDS = 25
"""Rounds of a loop without a limit of its own that stands in others of this kind, in all rounds of these."""


class Control:
    """Unfolds the statements of one thread after the other into `recorder`.

    `stuck` are the points at which the current thread may wait for ever.
    """

    def __init__(self, recorder: Recorder, bound: int) -> None:
        self.recorder = recorder
        self.accesses = Accesses(recorder)
        self.bound = bound
        self.terms = recorder.terms
        self.graph = recorder.graph
        self.functions = recorder.program.functions
        self.stuck: list[State] = []
        self.expansions = 0
        self.rounds = 1
        """Rounds of the innermost loop without a limit, for one of the outermost's beginning."""
        self.groups = 0

    def block(self, block: Block, state: State, frame: Frame) -> State:
        if any(isinstance(statement, Label | Jump) for statement in block):
            return self._flat(unroll_jumps(block, self.bound), state, frame)
        for statement in block:
            if state.guard is self.terms.false:
                break
            state = self._statement(statement, state, frame)
        return state

    def _flat(self, block: Block, state: State, frame: Frame) -> State:
        """Statements with forward jumps only."""
        pending: dict[str, list[State]] = {}
        for statement in block:
            if isinstance(statement, Label):
                state = merge(self.terms, [*pending.pop(statement.name, []), state])
            elif state.guard is self.terms.false:
                continue
            elif isinstance(statement, Jump):
                cond = self.recorder.value(statement.cond, state)
                add(self.terms, state.control, cond.taint)
                taken = state.copy(self.terms.conj([state.guard, cond.term]))
                if statement.label == "":
                    self.recorder.cut(taken, statement.origin)
                else:
                    pending.setdefault(statement.label, []).append(taken)
                state.guard = self.terms.conj([state.guard, self.terms.neg(cond.term)])
            else:
                state = self._statement(statement, state, frame)
        if pending:
            raise InternalError(f"jump to unknown label {next(iter(pending))}")
        return state

    def _statement(self, statement: Statement, state: State, frame: Frame) -> State:
        match statement:
            case Assign():
                assign(self.terms, state, statement.dst, self.recorder.value(statement.expr, state))
            case Load():
                self.accesses.load(statement, state)
            case Store():
                self.accesses.store(statement, state)
            case StoreExclusive():
                self.accesses.store_exclusive(statement, state)
            case Rmw():
                self.accesses.rmw(statement, state)
            case Fence():
                event = self.recorder.event("F", statement.tags, state, state.guard, statement.origin)
                if not statement.tags.isdisjoint(("IrqOff", "IrqOn")):
                    self.recorder.switched(event, state)
            case Given():
                cond = self.recorder.value(statement.cond, state)
                self.graph.constraints.append(self.terms.disj([self.terms.neg(state.guard), cond.term]))
            case If():
                return self._branch(statement, state, frame)
            case Loop():
                return self._loop(statement, state, frame)
            case Break():
                frame.breaks.append(state)
                return nowhere(self.terms)
            case Await():
                return self._wait(statement, state, frame)
            case Call():
                return self._call(statement, state)
            case Return():
                result = None if statement.value is None else self.recorder.value(statement.value, state)
                frame.returns.append((state, result))
                return nowhere(self.terms)
            case Assert():
                self.recorder.check(statement, state)
            case Parallel():
                saved = self.recorder.group
                if not saved:
                    self.groups += 1
                    self.recorder.group = self.groups
                state = self.block(statement.body, state, frame)
                self.recorder.group = saved
            case Choice():
                return self._choice(statement, state, frame)
            case _:
                raise InternalError(f"{type(statement).__name__} outside a flat block")
        return state

    def _branch(self, statement: If, state: State, frame: Frame) -> State:
        cond = self.recorder.value(statement.cond, state)
        if cond.term.op == "const" and not cond.taint:
            return self.block(statement.then if cond.term.const else statement.orelse, state, frame)
        self.graph.tests.append(Test(self.recorder.thread, state.guard, cond.term, len(self.graph.events)))
        add(self.terms, state.control, cond.taint)
        then = state.copy(self.terms.conj([state.guard, cond.term]))
        orelse = state.copy(self.terms.conj([state.guard, self.terms.neg(cond.term)]))
        then_end = self.block(statement.then, then, frame)
        orelse_end = self.block(statement.orelse, orelse, frame)
        return merge(self.terms, [then_end, orelse_end])

    def _loop(self, statement: Loop, state: State, frame: Frame) -> State:
        inner = Frame(returns=frame.returns)
        around = self.rounds
        if statement.rounds is None:
            self.rounds *= self.bound
            if around > 1 and self.rounds > MAX_ROUNDS:
                message = f"loops in one another have more than {MAX_ROUNDS} rounds"
                raise fail("MM502", message, statement.origin.span, help="use a smaller bound, or 'repeat'")
        for _ in range(self.bound if statement.rounds is None else statement.rounds):
            if state.guard is self.terms.false:
                break
            state = self.block(statement.body, state, inner)
        if statement.rounds is None:
            # The test of a `while` is made once more than its body runs.
            state = self.block(exit_test(statement.body, self.functions), state, inner)
            self.recorder.cut(state, statement.origin)
            state = nowhere(self.terms)
        self.rounds = around
        return merge(self.terms, [*inner.breaks, state])

    def _wait(self, statement: Await, state: State, frame: Frame) -> State:
        if statement.tries is not None:
            return self._wait_limited(statement, state, frame)
        start = state.guard
        done = self.recorder.choose("done")
        settled = self.graph.settled
        self.recorder.hold(self.terms.conj([start, self.terms.neg(done)]), state)
        state.guard = self.terms.conj([start, self.terms.disj([done, settled])])
        mark, clear = len(self.graph.events), self.recorder.clear
        state = self._look(statement.body, state, frame)
        cond = self.recorder.value(statement.cond, state)
        reached = self.terms.conj([state.guard, done])
        self.graph.constraints.append(self.terms.disj([self.terms.neg(reached), cond.term]))
        events = self.graph.events[mark:]
        stuck = self.terms.conj([state.guard, self.terms.neg(done), settled])
        self.graph.constraints.append(self.terms.disj([self.terms.neg(stuck), self.terms.neg(cond.term)]))
        if stuck is not self.terms.false:
            for_ever = state.copy(stuck)  # a final state shows these registers
            for_ever.registers = dict(self.recorder.callers) if self.recorder.calls else for_ever.registers
            self.stuck.append(for_ever)
        reads = tuple([event.id for event in events if event.kind == "R"])
        whole = self.recorder.clear  # else it waits because something holds it up
        lasts = self.terms.conj([start, clear, self.terms.disj([self.terms.neg(done), self.terms.neg(whole)])])
        looks = self.terms.conj([start, whole, self.terms.neg(done), settled])
        plain = {event.id for event in events if self.recorder.source and "Plain" in event.tags}
        once = frozenset() if statement.rereads else frozenset(plain.intersection(reads))
        body = mark, len(self.graph.events)
        thread, origin = self.recorder.thread, statement.origin
        self.graph.waits.append(Wait(thread, start, done, cond.term, reads, once, origin, lasts, looks, body))
        add(self.terms, state.control, cond.taint)
        state.guard = reached
        return state

    def _look(self, body: Block, state: State, frame: Frame) -> State:
        """The last round of a wait."""
        self.recorder.waiting += 1
        state = self.block(body, state, frame)
        self.recorder.waiting -= 1
        return state

    def _wait_limited(self, statement: Await, state: State, frame: Frame) -> State:
        """With a limit on the tries: one last look, which decides (docs/compiler.md, waits)."""
        state = self._look(statement.body, state, frame)
        return self._branch(If(statement.cond, (), statement.orelse, statement.origin), state, frame)

    def _call(self, statement: Call, state: State) -> State:
        function = self.functions[statement.function]
        if len(self.recorder.calls) >= MAX_CALLS or self.recorder.calls.count(statement.function) > 0:
            raise fail("MM501", f"{statement.function!r} calls itself", statement.origin.span)
        self.expansions += 1
        if self.expansions > MAX_EXPANSIONS:
            help = "functions are expanded where they are called"
            raise fail("MM502", f"more than {MAX_EXPANSIONS} calls", statement.origin.span, help=help)
        values = [self.recorder.value(arg, state) for arg in statement.args]
        caller = state.registers
        if not self.recorder.calls:
            self.recorder.callers = caller
        state.registers = {
            param.name: Value(resize(self.terms, value.term, param.width), value.taint)
            for param, value in zip(function.params, values, strict=True)
        }
        frame = Frame()
        self.recorder.calls += (statement.function,)
        end = self.block(function.body, state, frame)
        self.recorder.calls = self.recorder.calls[:-1]
        exits = [*frame.returns, (end, None)]
        for exit_state, value in exits:
            if function.result is not None:
                result = value if value is not None else Value(self.terms.number(0, function.result), {})
                exit_state.registers = {"%result": result}
            else:
                exit_state.registers = {}
        merged = merge(self.terms, [exit_state for exit_state, _ in exits])
        result = merged.registers.get("%result", Value(self.terms.number(0, function.result or 32), {}))
        merged.registers = dict(caller)
        if statement.dst is not None:
            assign(self.terms, merged, statement.dst, result)
        return merged

    def _choice(self, statement: Choice, state: State, frame: Frame) -> State:
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
                self._slot(slot, statement.site, selected, state)
            return state
        ends = []
        for name, block in statement.options:
            ends.append(self.block(block, state.copy(self.terms.conj([state.guard, selected[name]])), frame))
        before = state.guard
        merged = merge(self.terms, ends)
        if all(
            end.guard is self.terms.conj([before, selected[name]])
            for end, (name, _) in zip(ends, literals, strict=True)
        ):
            merged.guard = before
        return merged

    def _slot(self, slot: Slot, site: str, selected: Mapping[str, Term], state: State) -> None:
        """One statement for all options of a site: its events say which tags they have under which option."""
        mark = len(self.graph.events)
        guard = state.guard
        if slot.present is not None:
            chosen = self.terms.disj([selected[name] for name in selected if name in slot.present])
            guard = self.terms.conj([guard, chosen])
        plain = [name for name, tags in slot.tags.get(READ, {}).items() if "Plain" in tags]
        self.recorder.plain = self.terms.disj([selected[name] for name in plain])
        if slot.exchange is not None:
            address = self.recorder.value(slot.exchange.address, state)
            tags = frozenset({READ})
            self.recorder.event("R", tags, state, guard, slot.statement.origin, address, None, slot.exchange.dst.width)
            self.graph.amo[mark, mark + 1] = self.terms.true
        if isinstance(slot.statement, Fence):
            self.recorder.event("F", slot.statement.tags, state, guard, slot.statement.origin)
        else:
            self._statement(slot.statement, state, Frame())
        self.recorder.plain = self.terms.false
        for event in self.graph.events[mark:]:
            (role,) = event.tags
            common, optional = tags_of(slot.tags[role])
            present = slot.present if role in (READ, FENCE) else None
            origins = tuple([(replace(origin, calls=event.origin.calls), names) for origin, names in slot.origins])
            self.graph.events[event.id] = replace(
                event, tags=common, site=site, present=present, optional=optional, origins=origins
            )
