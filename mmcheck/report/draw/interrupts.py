"""Interrupt handlers in a picture: their events stand in the column of the agent that they interrupt, in a box."""

from __future__ import annotations

from collections.abc import Sequence

from mmcheck.events.execution import Event, Execution
from mmcheck.ir.hosts import chain


def column_of(execution: Execution, thread: int) -> list[Event]:
    """The events of an agent with the handlers that interrupt it, each where it came."""
    own = list(execution.of_thread(thread))
    order = execution.relation("po")
    runs: list[list[Event]] = []
    for number, agent in enumerate(execution.threads):
        if agent.host == thread:
            inside = column_of(execution, number)
            if inside:
                runs.append(inside)
    runs = sorted(runs, key=lambda run: sum((other[0].id, run[0].id) in order for other in runs))
    # An event stands behind the runs that it is not before; those of one gap keep the order of the text.
    gap = {event.id: sum(not _before(event, run, order) for run in runs) for event in own}
    out = [event for event in own if gap[event.id] == 0]
    for number, run in enumerate(runs, 1):
        out += run
        out += [event for event in own if gap[event.id] == number]
    return out


def _before(event: Event, run: Sequence[Event], order: frozenset[tuple[int, int]]) -> bool:
    return any((event.id, other.id) in order for other in run)


def path_of(execution: Execution, thread: int) -> tuple[str, ...]:
    """The names of the boxes around the events of `thread`, the outermost first."""
    return tuple([execution.threads[each].name for each in chain(execution.threads, thread)][-2::-1])
