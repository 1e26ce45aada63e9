"""The threads of an execution as their compiler emitted them: straight-line code in the order of `Execution.linear`.

A counterexample of layer ``compiler`` comes with one order of each compiled thread that the compiler may emit, and
with the
dependencies that it keeps (docs/compiler.md). From these the code of that one path is written down: accesses of the
addresses
and values that they had, dependent on earlier loads where the compiler keeps it, in that order. The machine runs that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mmcheck.events.execution import Event, Execution
from mmcheck.ir.program import (
    ENTRY,
    MASKED,
    RETURN,
    Assign,
    Const,
    Expr,
    Fence,
    If,
    Load,
    Op,
    Program,
    Reg,
    Rmw,
    Statement,
    Store,
)
from mmcheck.machine.walk import DEPENDENCIES


def is_emitted(execution: Execution, program: Program) -> bool:
    """Whether `execution` rests on what a compiler did."""
    return execution.linear is not None and any(thread.source for thread in program.threads)


def emitted(program: Program, execution: Execution) -> tuple[Program, Execution]:
    """`program` with its compiled threads as emitted, and `execution` as one of that program: events renumbered so that
    each thread's text order is the order emitted."""
    assert execution.linear is not None
    moved = _renumbered(execution)
    threads = []
    for number, thread in enumerate(program.threads):
        if thread.source:
            events = list(moved.of_thread(number))
            if thread.host is not None:
                events = [event for event in events if event.kind != "F" or event.origin.text not in (ENTRY, RETURN)]
            # A thread of compiled code, for the reach of its branches: one access each.
            thread = replace(thread, body=tuple(_Writer(moved, events).statements()), privates=())
        threads.append(thread)
    return replace(program, threads=tuple(threads)), moved


def _renumbered(execution: Execution) -> Execution:
    assert execution.linear is not None
    position = {event: k for order in execution.linear for k, event in enumerate(order)}
    events = tuple([e if e.is_init else replace(e, index=position[e.id]) for e in execution.events])
    return replace(execution, events=events, linear=None)


class _Writer:
    """Writes one thread down. Registers are called after events: ``e5``."""

    def __init__(self, execution: Execution, events: Sequence[Event]) -> None:
        self.execution = execution
        self.events = events
        self.place = {event.id: k for k, event in enumerate(events)}
        self.why: dict[str, dict[int, list[Event]]] = {}
        for name in DEPENDENCIES:
            found: dict[int, list[Event]] = {}
            for read, event in sorted(execution.relation(name)):
                if self.place.get(read, len(events)) < self.place.get(event, -1):
                    found.setdefault(event, []).append(execution.events[read])
            self.why[name] = found
        self.halves = {r: (w, n == "lxsx") for n in ("amo", "lxsx") for r, w in execution.relation(n)}

    def statements(self) -> list[Statement]:
        out: list[Statement] = []
        skipped: set[int] = set()
        for event in self.events:
            if event.id in skipped:
                continue
            half = self.halves.get(event.id)
            if half is not None:
                skipped.add(half[0])
            if not event.tags.isdisjoint(("IrqOff", "IrqOn")):
                out.append(Assign(Reg(MASKED, 1), Const(int("IrqOff" in event.tags), 1), event.origin))
            statement = self.one(event, half)
            for name in ("ctrl", "pick-ctrl"):
                for read in [r for target in (event.id, *(half or ())[:1]) for r in self.why[name].get(target, ())]:
                    if read.id != event.id:
                        statement = If(Op("eq", (self.register(read), self.register(read)), 1), (statement,))
            out.append(statement)
        return out

    def one(self, event: Event, half: tuple[int, bool] | None) -> Statement:
        if event.kind == "F":
            return Fence(event.tags, event.origin)
        address = self.expr(event.address or 0, 64, event.id, "addr")
        if half is not None:
            write = self.execution.events[half[0]]
            new = self.expr(write.value or 0, write.width, write.id, "data")
            return Rmw(
                Reg(f"e{event.id}", event.width),
                address,
                new,
                event.tags,
                write.tags,
                exclusive=half[1],
                origin=event.origin,
            )
        if event.kind == "R":
            return Load(Reg(f"e{event.id}", event.width), address, event.tags, False, event.origin)
        return Store(address, self.expr(event.value or 0, event.width, event.id, "data"), event.tags, event.origin)

    def register(self, read: Event) -> Reg:
        return Reg(f"e{read.id}", read.width)

    def expr(self, value: int, width: int, event: int, name: str) -> Expr:
        """A constant that depends on what `event` depends on, by `name` and by pick."""
        out: Expr = Const(value, width)
        for read in self.why[name].get(event, ()):
            zero: Expr = Op("xor", (self.register(read), self.register(read)), read.width)
            if read.width != width:
                zero = Op("zext" if read.width < width else "trunc", (zero,), width)
            out = Op("add", (out, zero), width)
        for read in self.why[f"pick-{name}"].get(event, ()):
            cond = Op("eq", (self.register(read), self.register(read)), 1)
            out = Op("select", (cond, out, Const(value, width)), width)
        return out


__all__ = ["emitted", "is_emitted"]
