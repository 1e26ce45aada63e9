"""Runs of interrupt handlers in an event graph: which there may be, in which order, where they may cut their host; and
threads that share a CPU, with all the orders in which they may have their turns.

The rules are H1 to H4 and M1 to M3 of docs/models-preemption.md. What is said here does not depend on a model or a
compiler; cuts and turns are constrained by `mmcheck.engines.smt.interrupts` and `mmcheck.engines.smt.turns`, where the
order is known that they respect.
"""

from __future__ import annotations

from itertools import combinations

from mmcheck.events.graph import EventGraph
from mmcheck.ir.hosts import chain, root_of
from mmcheck.ir.parts import reachable
from mmcheck.ir.program import (
    Await,
    Const,
    Fence,
    Loop,
    Program,
    Reg,
    Statement,
    Store,
)

HOST = "@%host"
"""Of a run: the register with the address of the cell that says where the thread at the bottom is (`migrate`)."""


def blocking_runs(program: Program, sharing: dict[int, frozenset[int]]) -> dict[int, tuple[int, ...]]:
    """For each agent, who may hold it up for ever: runs on it that wait or are cut, and, of the threads that share its
    CPU, those runs and who does so with interrupts off. By indices."""
    found: dict[int, list[int]] = {}
    for number, thread in enumerate(program.threads):
        statements = list(reachable(thread.body, program.functions))
        if not any(map(_may_stand, statements)):
            continue
        if thread.host is not None:
            hosts = [*chain(program.threads, thread.host)]
            for host in (*hosts, *sharing.get(hosts[-1], ())):
                found.setdefault(host, []).append(number)
        elif number in sharing and any(isinstance(each, Fence) and "IrqOff" in each.tags for each in statements):
            for other in sharing[number]:
                found.setdefault(other, []).append(number)
    return {host: tuple(runs) for host, runs in found.items()}


def _may_stand(statement: Statement) -> bool:
    """Whether a run may go no further at `statement`: a wait, or a loop that goes past the bound."""
    match statement:
        case Await(tries=limit) | Loop(rounds=limit):
            return limit is None
    return False


def sharing_of(program: Program) -> dict[int, frozenset[int]]:
    """The threads that may ever be on one CPU with another, each with those others."""
    places: dict[int, set[int]] = {}
    for number, thread in enumerate(program.threads):
        if thread.host is None and thread.kind == "thread" and thread.cpu is not None:
            places[number] = {thread.cpu}
    for number, thread in enumerate(program.threads):
        bottom = root_of(program.threads, number)
        if thread.host is not None and bottom in places:
            for each in reachable(thread.body, program.functions):
                if isinstance(each, Store) and isinstance(each.address, Reg) and each.address.name == HOST:
                    assert isinstance(each.value, Const)
                    places[bottom].add(each.value.value)
    together = [(a, b) for a, b in combinations(places, 2) if places[a] & places[b]]
    out: dict[int, set[int]] = {}
    for a, b in together:
        out.setdefault(a, set()).add(b)
        out.setdefault(b, set()).add(a)
    return {number: frozenset(others) for number, others in out.items()}


def runs_on(graph: EventGraph, blocking: dict[int, tuple[int, ...]]) -> None:
    """State which runs exclude or need each other, and give each its cut and its place among the others."""
    terms, threads, sharing = graph.terms, graph.program.threads, graph.sharing
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
            if event.thread == run.host or (event.thread in sharing and run.thread in blocking.get(event.thread, ())):
                graph.before[run.thread, event.id] = terms.symbol(f"before{run.thread}.{event.id}", 1)
        for other in graph.runs:
            if other.thread < run.thread and other.host == run.host:
                if threads[other.thread].handler == thread.handler:
                    order = terms.number(threads[other.thread].run <= thread.run, 1)
                else:
                    order = terms.symbol(f"first{other.thread}.{run.thread}", 1)
                graph.first[other.thread, run.thread] = order
                graph.first[run.thread, other.thread] = terms.neg(order)


def turns_on(graph: EventGraph, blocking: dict[int, tuple[int, ...]]) -> None:
    """Give what threads that share a CPU do, a run of a handler being one thing, its places among the others."""
    terms, threads, sharing = graph.terms, graph.program.threads, graph.sharing
    runs = {run.entry: run for run in graph.runs if run.host in sharing}
    units = [event for event in graph.events if event.thread in sharing or event.id in runs]
    for a, b in combinations(units, 2):
        roots = {threads[unit.thread].host if unit.id in runs else unit.thread for unit in (a, b)}
        if len(roots) == 2 or not {a.id, b.id} & runs.keys():
            graph.turns[a.id, b.id] = terms.symbol(f"turn{a.id}.{b.id}", 1)
    for event in graph.events:
        for holder in blocking.get(event.thread, ()):
            if threads[holder].host is None:
                graph.before[holder, event.id] = terms.symbol(f"before{holder}.{event.id}", 1)
