"""One point of one thread in an event graph, and what is known where several points come together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mmcheck.base.records import record
from mmcheck.events.terms import Term, Terms

Key = tuple[int, bool]
"""A read event that something depends on, and whether only through a pick (the condition of a select)."""

Taint = dict[Key, Term]
"""What a value depends on -> the condition under which it does."""

Latest = tuple[tuple[int, Term], ...]
"""Events of one sort that may be the latest, with the condition."""


@record
class Value:
    term: Term
    taint: Taint


@dataclass(slots=True)
class State:
    """One point of one thread: the guard under which it is reached, and what registers hold there.

    `control` are the reads that a branch or a wait has tested, by the text: all that follows depends on them.
    `monitor` are the exclusive loads that may hold the monitor, with the condition.
    """

    guard: Term
    registers: dict[str, Value]
    privates: dict[str, Value]
    control: Taint
    monitor: Latest = ()
    switch: Latest = ()
    """The latest event that switched interrupts, with the condition."""

    def copy(self, guard: Term) -> State:
        return State(guard, dict(self.registers), dict(self.privates), dict(self.control), self.monitor, self.switch)


def nowhere(terms: Terms) -> State:
    """The point that is never reached."""
    return State(terms.false, {}, {}, {})


@dataclass(slots=True)
class Frame:
    """Where the exits of the enclosing loop and function gather."""

    breaks: list[State] = field(default_factory=list)
    returns: list[tuple[State, Value | None]] = field(default_factory=list)


def resize(terms: Terms, term: Term, width: int) -> Term:
    return term if term.width == width else terms.op("zext" if term.width < width else "trunc", (term,), width)


def add(terms: Terms, target: Taint, taint: Taint) -> None:
    """Extend `target` by `taint`."""
    for key, cond in taint.items():
        known = target.get(key)
        target[key] = cond if known is None else terms.disj([known, cond])


def by_pick(terms: Terms, taint: Taint) -> Taint:
    """All of `taint`, through a condition."""
    out: Taint = {}
    for (read, _), cond in taint.items():
        add(terms, out, {(read, True): cond})
    return out


def merge(terms: Terms, states: Iterable[State]) -> State:
    """The join of states with disjoint guards."""
    alive = [state for state in states if state.guard is not terms.false]
    if not alive:
        return nowhere(terms)
    result = alive[-1]
    for state in reversed(alive[:-1]):
        cond = state.guard
        result = State(
            terms.disj([cond, result.guard]),
            _merge_registers(terms, cond, state.registers, result.registers),
            _merge_registers(terms, cond, state.privates, result.privates),
            _merge_conditions(terms, cond, state.control, result.control),
            _merge_latest(terms, cond, state.monitor, result.monitor),
            _merge_latest(terms, cond, state.switch, result.switch),
        )
    return result


def _merge_registers(terms: Terms, cond: Term, a: dict[str, Value], b: dict[str, Value]) -> dict[str, Value]:
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
            left = Value(terms.number(0, right.term.width), {})
        elif left is not None:
            right = Value(terms.number(0, left.term.width), {})
        assert left is not None and right is not None
        width = max(left.term.width, right.term.width)
        term = terms.select(cond, resize(terms, left.term, width), resize(terms, right.term, width))
        out[name] = Value(term, _merge_conditions(terms, cond, left.taint, right.taint))
    return out


def _merge_conditions(terms: Terms, cond: Term, a: Taint, b: Taint) -> Taint:
    if a == b:
        return a
    out = {key: terms.select(cond, a.get(key, terms.false), b.get(key, terms.false)) for key in {**a, **b}}
    return {key: term for key, term in out.items() if term is not terms.false}


def _merge_latest(terms: Terms, cond: Term, a: Latest, b: Latest) -> Latest:
    if a == b:
        return a
    left, right = dict(a), dict(b)
    out = {
        event: terms.select(cond, left.get(event, terms.false), right.get(event, terms.false)) for event in left | right
    }
    return tuple([(event, term) for event, term in out.items() if term is not terms.false])
