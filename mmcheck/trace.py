"""Traces on disk: a finished run as JSON Lines, one event a line. `docs/trace-format.md` describes the format.

A reader trusts nothing: each line is checked by itself, then against the others, and every mistake is an `InputError`
with
the number of its line. A file without its last line was cut off.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

from mmcheck.errors import InputError, fail
from mmcheck.execution import Agent, Event, Execution
from mmcheck.program import Origin
from mmcheck.source import SourceFile, Span
from mmcheck.target.tags import HARDWARE_TAGS, SOURCE_TAGS

VERSION = 1
MAX_LINES = 1_000_000
MAX_EVENTS = 4_000
"""Events that are judged together: orders are squares of them."""
MAX_GUESSES = 4_096
"""Ways to say which writes were read that are tried, where the trace does not say it."""

SPACES = ("ram", "dma", "mmio", "irq")
DEPENDENCIES = ("addr", "data", "ctrl", "pick-addr", "pick-data", "pick-ctrl")
_KEYS: Mapping[str, tuple[type, ...]] = {
    "id": (int,), "agent": (str,), "op": (str,), "tags": (list,), "address": (int, str), "location": (str,),
    "value": (int,), "width": (int,), "cpu": (int, type(None)), "step": (int, type(None)), "rf": (int, str),
    "co": (int,), "rmw": (int,), "exclusive": (bool,), "text": (str,), "line": (int,), "time": (int, float),
    "space": (str,), "device": (str,),
    **dict.fromkeys(DEPENDENCIES, (list,)),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Header:
    """The first line. `spec`, `variant` and `target` name the program that ran; all may be empty."""

    agents: tuple[Agent, ...]
    spec: str = ""
    variant: str | None = None
    target: str = ""
    machine: str = ""
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """A file that was read. `executions` are the runs that it can stand for: several if it does not say what was read.

    `lines` gives the line of each event; `failed` and `stuck` are what the writer said.
    """

    header: Header
    executions: tuple[Execution, ...]
    lines: Mapping[int, Span]
    failed: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()


# --- writing -----------------------------------------------------------------------------------------


def write(
    execution: Execution, *, spec: str = "", variant: str | None = None, target: str = "", machine: str = "",
    seed: int | None = None, failed: tuple[str, ...] = (), stuck: tuple[str, ...] = (),
) -> str:  # fmt: skip
    """`execution` as text, ending with a line end."""
    agents = [{"name": a.name, "kind": a.kind, "source": a.source} for a in execution.threads]
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
    """In the order of the schedule where there is one, else thread by thread; always in each thread's own order."""
    rank = {event.id: 0 for event in execution.events}
    for _, later in execution.relation("co"):
        rank[later] += 1
    source = {read: write for write, read in execution.relation("rf")}
    pairs = {write: read for name in ("amo", "lxsx") for read, write in execution.relation(name)}
    reasons: dict[str, dict[int, list[int]]] = {name: {} for name in DEPENDENCIES}
    for name, found in reasons.items():
        for read, dependent in sorted(execution.relation(name)):
            found.setdefault(dependent, []).append(read)
    for number in range(len(execution.threads)):
        for event in execution.of_thread(number):
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
            line |= {"cpu": event.cpu} if event.cpu is not None else {}
            line |= {"step": event.step} if event.step is not None else {}
            line |= {"text": event.origin.text} if event.origin.text else {}
            line |= {"line": event.origin.span.line} if event.origin.span is not None else {}
            yield line


# --- reading -----------------------------------------------------------------------------------------


def read(file: SourceFile) -> Trace:
    """The trace in `file`. Raises `InputError`, with the line, for anything that is not one."""
    return _Reader(file).read()


@dataclass(slots=True)
class _Line:
    number: int
    data: dict[str, Any]
    span: Span


@dataclass(slots=True)
class _Reader:
    file: SourceFile
    events: list[_Line] = field(default_factory=list)
    known: dict[int, _Line] = field(default_factory=dict)

    def read(self) -> Trace:
        lines = list(self.parsed())
        if not lines:
            raise fail("MM001", "the trace is empty", path=self.file.path)
        header, initial = self.header(lines[0])
        if len(lines) < 2 or "end" not in lines[-1].data:
            last = lines[-1]
            message = f"the trace ends at line {last.number} without its last line"
            raise fail("MM060", message, last.span, help="it was cut off, or the run that writes it goes on")
        end = lines[-1]
        self.events = lines[1:-1]
        if len(self.events) > MAX_EVENTS:
            raise self.wrong(self.events[MAX_EVENTS], f"more than {MAX_EVENTS} events are not judged together")
        for line in self.events:
            self.event(line, header)
        if end.data["end"] != len(self.events):
            raise self.wrong(end, f"this says {end.data['end']} events, there are {len(self.events)}")
        executions, lines_of = self.executions(header, initial, end)
        return Trace(
            header, executions, lines_of, tuple(map(str, end.data.get("failed", ()))),
            tuple(map(str, end.data.get("stuck", ()))),
        )  # fmt: skip

    def parsed(self) -> Iterator[_Line]:
        starts = [*self.file.line_starts, len(self.file.text) + 1]
        if len(starts) > MAX_LINES:
            raise fail("MM002", f"a trace has at most {MAX_LINES:,} lines", path=self.file.path)
        for number, (start, end) in enumerate(pairwise(starts), 1):
            text = self.file.text[start : end - 1]
            if not text.strip():
                continue
            span = Span(self.file, start, start + len(text.rstrip()))
            try:
                data = json.loads(text)
            except (ValueError, RecursionError) as error:
                reason = getattr(error, "msg", "nested too deeply")
                raise fail("MM060", f"line {number} is no JSON: {reason}", span) from None
            if not isinstance(data, dict):
                raise fail("MM060", f"line {number} is no JSON object", span)
            yield _Line(number, data, span)

    def wrong(self, line: _Line, message: str, help: str = "") -> InputError:
        return fail("MM060", f"line {line.number}: {message}", line.span, help=help)

    def header(self, line: _Line) -> tuple[Header, dict[str, int]]:
        data = line.data
        if data.get("mmcheck-trace") != VERSION:
            found = data.get("mmcheck-trace")
            what = "this is no trace" if found is None else f"version {found!r} is not known"
            raise self.wrong(line, what, f'the first line is {{"mmcheck-trace": {VERSION}, "agents": [...]}}')
        agents: list[Agent] = []
        listed = data.get("agents")
        if not isinstance(listed, list) or not listed:
            raise self.wrong(line, '"agents" lists who ran')
        for each in listed:
            given = {"name": each} if isinstance(each, str) else each
            name = given.get("name") if isinstance(given, dict) else None
            if not isinstance(name, str) or not name:
                raise self.wrong(line, 'an agent is a name, or {"name": ..., "kind": ..., "source": ...}')
            kind = given.get("kind", "thread")
            if kind not in ("thread", "device", "interrupt"):
                raise self.wrong(line, f"an agent is a thread, a device or an interrupt, not {kind!r}")
            if any(agent.name == name for agent in agents):
                raise self.wrong(line, f"two agents are called {name!r}")
            agents.append(Agent(name, kind, bool(given.get("source", False))))
        for key in ("spec", "target", "machine", "variant"):
            if not isinstance(data.get(key, ""), str):
                raise self.wrong(line, f'"{key}" is a text')
        initial = data.get("initial", {})
        if not isinstance(initial, dict) or not all(type(value) is int and value >= 0 for value in initial.values()):
            raise self.wrong(line, '"initial" maps locations to numbers')
        seed = data.get("seed") if isinstance(data.get("seed"), int) else None
        header = Header(
            tuple(agents),
            data.get("spec", ""),
            data.get("variant"),
            data.get("target", ""),
            data.get("machine", ""),
            seed,
        )
        return header, initial

    def event(self, line: _Line, header: Header) -> None:
        """Everything about a line that can be seen without the others."""
        data = line.data
        if "end" in data:
            raise self.wrong(line, "this is a last line, and more follow")
        for key, value in data.items():
            kinds = _KEYS.get(key)
            if kinds is None:
                raise self.wrong(line, f'"{key}" means nothing here', f"known: {', '.join(_KEYS)}")
            if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
                raise self.wrong(line, f'"{key}" cannot be {value!r}')
        number = data.setdefault("id", line.number)
        if number in self.known:
            raise self.wrong(line, f"the id {number} is that of line {self.known[number].number}, too")
        if data.get("agent") not in [agent.name for agent in header.agents]:
            raise self.wrong(line, f"no agent is called {data.get('agent')!r}")
        if data.get("op") not in ("R", "W", "F"):
            raise self.wrong(line, '"op" is R, W or F')
        for tag in data.get("tags", ()):
            if tag not in HARDWARE_TAGS and tag not in SOURCE_TAGS:
                raise self.wrong(line, f"no tag is called {tag!r}")
        self.known[number] = line
        if data["op"] == "F":
            return
        if "location" not in data and "address" not in data:
            raise self.wrong(line, 'an access has an "address" or a "location"')
        if isinstance(data.get("address"), str):
            try:
                data["address"] = int(data["address"], 0)
            except ValueError:
                raise self.wrong(line, f"{data['address']!r} is no address") from None
        if data.get("space", "ram") not in SPACES:
            raise self.wrong(line, f'"space" is one of {", ".join(SPACES)}')
        width = data.setdefault("width", 32)
        if not 1 <= width <= 4096:
            raise self.wrong(line, "a width is 1 to 4096 bits")
        if "value" not in data or not 0 <= data["value"] < 1 << width:
            raise self.wrong(line, f'"value" is a number of {width} bits without sign')

    def place(self, line: _Line) -> object:
        """What tells locations apart: the address, else the name."""
        return line.data["address"] if "address" in line.data else line.data["location"]

    def executions(
        self, header: Header, initial: dict[str, int], end: _Line
    ) -> tuple[tuple[Execution, ...], dict[int, Span]]:
        places: dict[object, str] = {}
        for line in self.events:
            if line.data["op"] != "F":
                places.setdefault(self.place(line), line.data.get("location") or hex(line.data["address"]))
        events: list[Event] = []
        init: dict[object, int] = {}
        for place, name in places.items():
            init[place] = len(events)
            address = place if isinstance(place, int) else -1 - len(events)
            events.append(
                Event(len(events), -1, len(events), "W", address=address, location=name, value=initial.get(name, 0))
            )
        names = [agent.name for agent in header.agents]
        number: dict[int, int] = {}
        spans: dict[int, Span] = {}
        counts = [0] * len(names)
        threads: list[list[int]] = [[] for _ in names]
        for line in self.events:
            data = line.data
            thread = names.index(data["agent"])
            new = number[data["id"]] = len(events)
            spans[new] = line.span
            threads[thread].append(new)
            home = events[init[self.place(line)]] if data["op"] != "F" else None
            events.append(
                Event(
                    new,
                    thread,
                    counts[thread],
                    data["op"],
                    frozenset(data.get("tags", ())),
                    None if home is None else home.address,
                    "" if home is None else home.location,
                    data.get("value"),
                    data.get("width", 32),
                    Origin(None, data.get("text", "")),
                    data.get("cpu"),
                    data.get("step"),
                    data.get("space", "ram"),
                    data.get("device", ""),
                )
            )
            counts[thread] += 1
        relations = self.order(threads)
        self.reasons(relations, number)
        final = self.coherence(relations, events, init, number, end)
        sources = [self.sources(line, events, init, number) for line in self.events if line.data["op"] == "R"]
        reads = [number[line.data["id"]] for line in self.events if line.data["op"] == "R"]
        out = []
        for chosen in product(*sources):
            rf = frozenset(zip(chosen, reads, strict=True))
            frozen = {name: frozenset(pairs) for name, pairs in relations.items() if pairs}
            out.append(Execution(header.agents, tuple(events), {**frozen, "rf": rf}, final))
            if len(out) >= MAX_GUESSES:
                raise fail("MM060", "too many ways to say which writes were read", path=self.file.path, help='add "rf"')
        return tuple(out), spans

    def order(self, threads: list[list[int]]) -> dict[str, set[tuple[int, int]]]:
        po = {(a, b) for events in threads for i, a in enumerate(events) for b in events[i + 1 :]}
        return {"po": po, "src": set(po), "co": set(), "amo": set(), "lxsx": set()}

    def other(self, line: _Line, key: str, number: object, kind: str) -> _Line:
        """The event that `key` of `line` names; it must be of `kind`."""
        found = self.known.get(number) if type(number) is int else None
        if found is None:
            raise self.wrong(line, f'"{key}" names {number!r}, which is no event')
        if found.data["op"] != kind:
            raise self.wrong(
                line, f'"{key}" names line {found.number}, which is no {"write" if kind == "W" else "read"}'
            )
        return found

    def reasons(self, relations: dict[str, set[tuple[int, int]]], number: dict[int, int]) -> None:
        for line in self.events:
            data = line.data
            for name in DEPENDENCIES:
                for each in data.get(name, ()):
                    read = self.before(line, name, each)
                    relations.setdefault(name, set()).add((number[read.data["id"]], number[data["id"]]))
            if "rmw" in data:
                read = self.before(line, "rmw", data["rmw"])
                if data["op"] != "W" or self.place(read) != self.place(line):
                    raise self.wrong(line, '"rmw" is for a write, and names the read of the same location')
                relations["lxsx" if data.get("exclusive") else "amo"].add((number[read.data["id"]], number[data["id"]]))

    def before(self, line: _Line, key: str, each: object) -> _Line:
        read = self.other(line, key, each, "R")
        if read.data["agent"] != line.data["agent"] or read.number >= line.number:
            raise self.wrong(line, f'"{key}" names line {read.number}, which is no earlier read of this agent')
        return read

    def coherence(
        self, relations: dict[str, set[tuple[int, int]]], events: list[Event], init: Mapping[object, int],
        number: Mapping[int, int], end: _Line,
    ) -> dict[str, int]:  # fmt: skip
        """The order of the writes of each location: by "co", else by "step", else as in the file."""
        writes: dict[object, list[_Line]] = {}
        for line in self.events:
            if line.data["op"] == "W":
                writes.setdefault(self.place(line), []).append(line)
        final = {f"[{events[event].location}]": events[event].value or 0 for event in init.values()}
        for place, lines in writes.items():
            for key in ("co", "step"):
                if all(key in line.data and line.data[key] is not None for line in lines):
                    taken: dict[int, _Line] = {}
                    for line in lines:
                        twin = taken.setdefault(line.data[key], line)
                        if twin is not line and key == "co":
                            raise self.wrong(line, f'"co" is {line.data[key]}, as in line {twin.number}')
                    lines.sort(key=lambda line, key=key: line.data[key])  # type: ignore[misc]
                    break
            chain = [init[place], *[number[line.data["id"]] for line in lines]]
            relations["co"] |= {(a, b) for i, a in enumerate(chain) for b in chain[i + 1 :]}
            final[f"[{events[chain[0]].location}]"] = events[chain[-1]].value or 0
        claimed = end.data.get("final", {})
        if not isinstance(claimed, dict):
            raise self.wrong(end, '"final" maps names to numbers')
        for name, value in claimed.items():
            if name in final and final[name] != value:
                raise self.wrong(end, f"{name} ends as {final[name]} by the writes above, not as {value}")
        return {**{k: v for k, v in claimed.items() if isinstance(k, str) and type(v) is int}, **final}

    def sources(
        self, line: _Line, events: list[Event], init: Mapping[object, int], number: Mapping[int, int]
    ) -> list[int]:
        """The writes that the read of `line` may have read."""
        data, place = line.data, self.place(line)
        mask = (1 << data["width"]) - 1
        start = events[init[place]]
        given = data.get("rf")
        if given is not None:
            if given == "init":
                found = start.id
            else:
                write = self.other(line, "rf", given, "W")
                if self.place(write) != place:
                    raise self.wrong(line, f'"rf" names line {write.number}, which writes another location')
                found = number[write.data["id"]]
            value = (events[found].value or 0) & mask
            if value != data["value"]:
                raise self.wrong(line, f"it reads {data['value']} from a write of {value}")
            return [found]
        candidates = [start.id] if (start.value or 0) & mask == data["value"] else []
        for other in self.events:
            if other.data["op"] == "W" and self.place(other) == place and other.data["value"] & mask == data["value"]:
                candidates.append(number[other.data["id"]])
        if not candidates:
            raise self.wrong(line, f"nobody writes {data['value']} to {start.location}")
        return candidates
