"""Runs that come from outside, as executions of a program: counterexamples in JSON, traces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import NoneType
from typing import Any

from mmcheck.base.errors import fail
from mmcheck.events.building import Building
from mmcheck.events.execution import Event, Execution
from mmcheck.events.trace import Trace
from mmcheck.ir.program import Program

PAIRS = [[int]]
COUNTEREXAMPLE = {
    "events": [
        {
            "id": int, "agent": (str, NoneType), "kind": str, "location": (str, NoneType), "value": (int, NoneType),
            "tags": [str],
        }
    ],
    "relations": {str: PAIRS},
    "linear?": (PAIRS, NoneType),
    "final?": {str: int},
}  # fmt: skip
REPORT = {
    "results": [
        {
            "file": str, "target": str, "variant": (str, NoneType), "requirement": str, "layer?": (str, NoneType),
            "counterexample": (COUNTEREXAMPLE, NoneType),
        }
    ]
}  # fmt: skip
"""What of a report in JSON is read again (docs/daily.md)."""


def from_json(found: dict[str, Any], program: Program) -> Execution:
    """A ``counterexample`` of a JSON report, which has the shape of `COUNTEREXAMPLE`. Raises `ValueError` if it is none
    of `program`."""
    cells = {cell.name: cell for cell in program.cells}
    names = [thread.name for thread in program.threads]
    building = Building(program)
    for number, each in enumerate(found["events"]):
        if each["id"] != number or each["kind"] not in ("R", "W", "F"):
            raise ValueError(f"event {number} is not numbered so, or is neither R, W nor F")
        if each["agent"] is not None and each["agent"] not in names:
            raise ValueError(f"there is no agent {each['agent']!r}")
        thread = -1 if each["agent"] is None else names.index(each["agent"])
        cell = cells.get(each["location"] or "")
        address = None if each["kind"] == "F" else cell.address if cell is not None else 0
        width = cell.width if cell is not None else 32
        if each["kind"] != "F" and each["value"] is None:
            raise ValueError(f"event {number} has no value")
        tags, elsewhere = frozenset(each["tags"]), each["location"] or ""
        building.add(thread, each["kind"], tags, address, each["value"], width, elsewhere=elsewhere)
    relations = {name: frozenset(map(tuple, pairs)) for name, pairs in found["relations"].items()}
    linear = found.get("linear")
    orders = None if linear is None else tuple([tuple(order) for order in linear])
    _well_formed(building.events, relations, orders, len(names))
    return building.execution(relations, found.get("final", {}), orders)


def _well_formed(
    events: list[Event], relations: Mapping[str, frozenset[tuple[int, ...]]],
    orders: tuple[tuple[int, ...], ...] | None, agents: int,
) -> None:  # fmt: skip
    """Raise `ValueError` unless relations are of events, reads read writes of their location, and orders have all
    events of an agent."""
    for name, pairs in relations.items():
        if any(len(pair) != 2 or not 0 <= min(pair) <= max(pair) < len(events) for pair in pairs):
            raise ValueError(f'"{name}" is not of pairs of its events')
        ends = [(events[pair[0]], events[pair[1]]) for pair in pairs]
        if any(first.id == second.id or second.is_init for first, second in ends):
            raise ValueError(f'"{name}" leads from an event to itself, or to an initial value')
        if name in ("rf", "co") and any(
            first.kind != "W" or first.location != second.location for first, second in ends
        ):
            raise ValueError(f'"{name}" does not lead from a write to an access of its location')
        kind = {"rf": "R", "co": "W"}.get(name)
        if kind is not None and any(second.kind != kind for _, second in ends):
            raise ValueError(f'"{name}" does not lead to a {"read" if kind == "R" else "write"}')
        if name not in ("rf", "co") and any(first.is_init for first, _ in ends):
            raise ValueError(f'"{name}" leads from an initial value')
    read = [pair[1] for pair in relations.get("rf", ())]
    if len(read) != len(set(read)):
        raise ValueError("a read has two sources")
    if orders is not None:
        theirs = [[event.id for event in events if event.thread == agent] for agent in range(agents)]
        if [sorted(order) for order in orders] != theirs:
            raise ValueError('"linear" is not an order of the events of each agent')


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
