"""A run as the text of a trace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mmcheck.events.execution import Event, Execution
from mmcheck.events.trace.format import DEPENDENCIES, VERSION
from mmcheck.ir.hosts import root_of


def write(
    execution: Execution, *, spec: str = "", variant: str | None = None, target: str = "", machine: str = "",
    seed: int | None = None, failed: tuple[str, ...] = (), stuck: tuple[str, ...] = (),
) -> str:  # fmt: skip
    """`execution` as text, ending with a line end."""
    agents: list[dict[str, Any]] = []
    for agent in execution.threads:
        agents.append({"name": agent.name, "kind": agent.kind, "source": agent.source})
        if agent.host is not None:
            agents[-1]["host"] = execution.threads[agent.host].name
    header: dict[str, Any] = {"mmcheck-trace": VERSION, "agents": agents}
    given = {"spec": spec, "variant": variant, "target": target, "machine": machine, "seed": seed}
    header |= {key: value for key, value in given.items() if value not in ("", None)}
    initial = {e.location: e.value for e in execution.events if e.is_init}
    header["initial"] = initial
    lines = [header, *_events(execution)]
    events = sum(not event.is_init for event in execution.events)
    lines.append(
        {"end": events, "final": dict(sorted(execution.final.items())), "failed": list(failed), "stuck": list(stuck)}
    )
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _events(execution: Execution) -> Iterator[dict[str, Any]]:
    """Agent by agent in their own order; a handler's runs where they interrupt."""
    rank = {event.id: 0 for event in execution.events}
    for _, later in execution.relation("co"):
        rank[later] += 1
    source = {read: write for write, read in execution.relation("rf")}
    pairs = {write: read for name in ("amo", "lxsx") for read, write in execution.relation(name)}
    reasons: dict[str, dict[int, list[int]]] = {name: {} for name in DEPENDENCIES}
    for name, found in reasons.items():
        for read, dependent in sorted(execution.relation(name)):
            found.setdefault(dependent, []).append(read)
    turns: dict[int, list[int]] = {}
    for before, after in sorted(execution.relation("switch")):
        turns.setdefault(after, []).append(before)
    for events in _streams(execution):
        for event in events:
            number = event.thread
            line: dict[str, Any] = {"id": event.id, "agent": execution.threads[number].name, "op": event.kind}
            if event.tags:
                line["tags"] = sorted(event.tags)
            if event.kind != "F":
                line |= {"address": event.address, "location": event.location, "value": event.value}
                line["width"] = event.width
                line |= {"space": event.space} if event.space != "ram" else {}
                line |= {"device": event.device} if event.device else {}
            if event.kind == "R" and event.id in source:
                write = execution.events[source[event.id]]
                line["rf"] = "init" if write.is_init else write.id
            if event.kind == "W":
                line["co"] = rank[event.id]
            if event.id in pairs:
                line["rmw"] = pairs[event.id]
                if (pairs[event.id], event.id) in execution.relation("lxsx"):
                    line["exclusive"] = True
            line |= {name: found[event.id] for name, found in reasons.items() if event.id in found}
            line |= {"switch": turns[event.id]} if event.id in turns else {}
            line |= {"cpu": event.cpu} if event.cpu is not None else {}
            line |= {"step": event.step} if event.step is not None else {}
            line |= {"text": event.origin.text} if event.origin.text else {}
            line |= {"line": event.origin.span.line} if event.origin.span is not None else {}
            yield line


def _streams(execution: Execution) -> Iterator[list[Event]]:
    """For each agent that interrupts nobody, its events and those of the handlers on it, in the order of that CPU."""
    order = execution.relation("src") or execution.relation("po")
    for root, agent in enumerate(execution.threads):
        if agent.host is not None:
            continue
        there = [number for number in range(len(execution.threads)) if root_of(execution.threads, number) == root]
        events = [event for number in there for event in execution.of_thread(number)]
        if len(there) > 1:
            ids = {event.id for event in events}
            before = dict.fromkeys(ids, 0)
            for a, b in order:
                if a in ids and b in ids:
                    before[b] += 1
            events.sort(key=lambda event: before[event.id])
        yield events
