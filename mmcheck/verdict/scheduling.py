"""What a verdict takes for granted of the scheduler where threads share a CPU. Remarks, never a verdict.

A scheduler that a guard in memory stops, a count of who must not be preempted, is not in a specification: threads are
taken to change wherever interrupts are on (docs/models-preemption.md, threads that share a CPU).
"""

from __future__ import annotations

from mmcheck.events.execution import Execution
from mmcheck.events.handlers import sharing_of
from mmcheck.ir.hosts import root_of
from mmcheck.ir.parts import reachable
from mmcheck.ir.program import Await, Program


def preempted(execution: Execution) -> tuple[str, ...]:
    """The note on a run in which a thread is stopped in its middle for another one of its CPU."""
    events, pairs = execution.events, execution.relation("switch")
    for a, b in sorted(pairs):
        behind = [c for first, c in pairs if first == b and events[c].thread == events[a].thread]
        if behind and execution.threads[events[a].thread].host is None:
            host = root_of(execution.threads, events[b].thread)
            if not any(event.thread == host for event in events):
                continue  # an idle CPU
            one, other = execution.threads[events[a].thread], execution.threads[host]
            return (
                f"in the run that is shown, {one.name} is stopped for {other.name}, on one CPU, behind"
                f" {events[a].origin.quoted('a wait')}: a count in memory that keeps a scheduler from that is not known"
                " here",
            )
    return ()


def yielding(program: Program) -> tuple[str, ...]:
    """The note on progress that rests on threads that wait being stopped for others of their CPU."""
    for number in sorted(sharing_of(program)):
        thread = program.threads[number]
        for statement in reachable(thread.body, program.functions):
            if isinstance(statement, Await) and statement.tries is None:
                return (
                    f"{thread.name} lets the other threads of its CPU run while it waits in"
                    f" {statement.origin.quoted('a wait')}, unless interrupts are off: that preemption is off there,"
                    " by a count in memory, is not known here",
                )
    return ()
