"""Runs of interrupt handlers in an event graph: which there may be, in which order, where they may cut their host.

The rules are H1 to H4 of docs/models-preemption.md. What is said here does not depend on a model or a compiler; the
cut itself is constrained by `mmcheck.smt.interrupts`, where the order is known that it respects.
"""

from __future__ import annotations

from mmcheck.graph import EventGraph
from mmcheck.program import Await, Block, Call, Program, walk


def blocking_runs(program: Program) -> dict[int, tuple[int, ...]]:
    """For each agent, the runs on it (their indices) that may wait for ever: they hold it up."""
    found: dict[int, list[int]] = {}
    for number, thread in enumerate(program.threads):
        if thread.host is not None and _waits(program, thread.body, ()):
            host: int | None = thread.host
            while host is not None:
                found.setdefault(host, []).append(number)
                host = program.threads[host].host
    return {host: tuple(runs) for host, runs in found.items()}


def _waits(program: Program, block: Block, entered: tuple[str, ...]) -> bool:
    for statement in walk(block):
        if isinstance(statement, Await) and statement.tries is None:
            return True
        if isinstance(statement, Call) and statement.function not in entered:
            function = program.functions.get(statement.function)
            if function is not None and _waits(program, function.body, (*entered, statement.function)):
                return True
    return False


def runs_on(graph: EventGraph) -> None:
    """State which runs exclude or need each other, and give each its cut and its place among the others."""
    terms, threads = graph.terms, graph.program.threads
    for run in graph.runs:
        thread = threads[run.thread]
        same = [other for other in graph.runs if threads[other.thread].handler == thread.handler]
        for other in same:
            if other.thread < run.thread and threads[other.thread].run == thread.run:
                graph.constraints.append(terms.disj([terms.neg(run.happens), terms.neg(other.happens)]))
        if thread.run:
            earlier = [other.happens for other in same if threads[other.thread].run == thread.run - 1]
            graph.constraints.append(terms.disj([terms.neg(run.happens), *earlier]))
        for outer in graph.runs:
            if outer.thread == run.host:
                graph.constraints.append(terms.disj([terms.neg(run.happens), outer.happens]))
        for event in graph.events:
            if event.thread == run.host:
                graph.before[run.thread, event.id] = terms.symbol(f"before{run.thread}.{event.id}", 1)
        for other in graph.runs:
            if other.thread < run.thread and other.host == run.host:
                if threads[other.thread].handler == thread.handler:
                    order = terms.number(threads[other.thread].run <= thread.run, 1)
                else:
                    order = terms.symbol(f"first{other.thread}.{run.thread}", 1)
                graph.first[other.thread, run.thread] = order
                graph.first[run.thread, other.thread] = terms.neg(order)
