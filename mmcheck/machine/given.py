"""Runs that come from outside, as executions of a program: counterexamples in JSON, traces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mmcheck.errors import fail
from mmcheck.execution import Agent, Event, Execution
from mmcheck.program import Program
from mmcheck.trace import Trace


def from_json(found: dict[str, Any], program: Program) -> Execution:
    """A ``counterexample`` of a JSON report (docs/daily.md). Raises `InputError` if it is none of `program`."""
    cells = {cell.name: cell for cell in program.cells}
    names = [thread.name for thread in program.threads]
    counts = [0] * len(names)
    events: list[Event] = []
    try:
        for each in found["events"]:
            thread = -1 if each["agent"] is None else names.index(each["agent"])
            cell = cells.get(each["location"] or "")
            index = len(events)
            if thread >= 0:
                index, counts[thread] = counts[thread], counts[thread] + 1
            address = None if each["kind"] == "F" else cell.address if cell is not None else 0
            width = cell.width if cell is not None else 32
            events.append(
                Event(
                    each["id"],
                    thread,
                    index,
                    each["kind"],
                    frozenset(each["tags"]),
                    address,
                    each["location"] or "",
                    each["value"],
                    width,
                    space=cell.space if cell is not None and each["kind"] != "F" else "ram",
                    device=cell.device if cell is not None and each["kind"] != "F" else "",
                )
            )
        relations = {name: frozenset((a, b) for a, b in pairs) for name, pairs in found["relations"].items()}
        linear = found.get("linear")
        orders = None if linear is None else tuple([tuple(order) for order in linear])
    except (KeyError, ValueError, TypeError) as error:
        raise fail("MM061", f"a counterexample in this file is none of this program: {error}") from None
    agents = tuple([Agent(t.name, t.kind, t.source, t.origin, t.host) for t in program.threads])
    return Execution(agents, tuple(events), relations, found.get("final", {}), orders)


def from_trace(trace: Trace, program: Program) -> Execution:
    """The run of a trace, with the addresses that `program` gives its locations."""
    names = [thread.name for thread in program.threads]
    if [agent.name for agent in trace.header.agents] != names:
        raise fail("MM061", f"the trace has the agents {', '.join(a.name for a in trace.header.agents)}, "
                            f"the program {', '.join(names)}")  # fmt: skip
    cells = {cell.name: cell.address for cell in program.cells}
    execution = trace.executions[0]
    events = tuple([replace(e, address=cells.get(e.location, e.address)) for e in execution.events])
    return replace(execution, events=events)
