"""The text of a trace as a run, or as several if it does not say what was read.

A reader trusts nothing: each line is checked by itself, then against the others, and every mistake is an `InputError`
with the number of its line. A file without its last line was cut off.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise, product
from math import prod
from typing import Any

from mmcheck.base.errors import InputError, fail
from mmcheck.base.source import SourceFile, Span
from mmcheck.events.execution import Agent, Event, Execution
from mmcheck.events.relations import Rel, closure, from_pairs, is_irreflexive
from mmcheck.events.relations import pairs as pairs_of
from mmcheck.events.trace.format import (
    DEPENDENCIES,
    FIRST,
    KEYS,
    LAST,
    MAX_EVENTS,
    MAX_GUESSED,
    MAX_GUESSES,
    MAX_LINES,
    SPACES,
    VERSION,
    Header,
    Trace,
)
from mmcheck.ir.hosts import chain, root_of
from mmcheck.ir.program import Origin
from mmcheck.target.tags import GHOST, SOURCE_TAGS
from mmcheck.target.targets import hardware_tags


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
    tags: Collection[str] = field(default_factory=hardware_tags)

    def read(self) -> Trace:
        lines = list(self.parsed())
        if not lines:
            raise fail("MM001", "the trace is empty", Span(self.file, 0, 0))
        header, initial = self.header(lines[0])
        early = next((line for line in lines[1:-1] if "end" in line.data), None)
        if early is not None:
            raise self.wrong(early, "this is a last line, and more follow")
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
        self.last(end, header)
        executions, lines_of = self.executions(header, initial, end)
        failed = end.data.get("failed")
        return Trace(
            header, executions, lines_of, None if failed is None else tuple(failed), tuple(end.data.get("stuck", ())),
            end.data.get("final", {}), lines[0].span, end.span,
        )  # fmt: skip

    def last(self, end: _Line, header: Header) -> None:
        """The last line, by itself and against the number of events."""
        data = end.data
        self.only(end, LAST)
        if type(data["end"]) is not int or data["end"] != len(self.events):
            raise self.wrong(end, f"this says {data['end']!r} events, there are {len(self.events)}")
        for key in ("failed", "stuck"):
            named = data.get(key, [])
            if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
                raise self.wrong(end, f'"{key}" is a list of names')
        for name in data.get("stuck", []):
            if name not in [agent.name for agent in header.agents]:
                raise self.wrong(end, f'"stuck" names {name!r}, which is no agent')
        final = data.get("final", {})
        if not isinstance(final, dict) or not all(type(value) is int for value in final.values()):
            raise self.wrong(end, '"final" maps names to numbers')

    def only(self, line: _Line, keys: tuple[str, ...]) -> None:
        """Whether every key of `line` is one of `keys`."""
        for key in line.data:
            if key not in keys:
                raise self.wrong(line, f'"{key}" means nothing here', f"known: {', '.join(keys)}")

    def parsed(self) -> Iterator[_Line]:
        starts = [*self.file.line_starts, len(self.file.text) + 1]
        if len(starts) > MAX_LINES:
            raise fail("MM002", f"a trace has at most {MAX_LINES:,} lines", Span(self.file, 0, 0))
        for number, (start, end) in enumerate(pairwise(starts), 1):
            text = self.file.text[start : end - 1]
            if not text.strip():
                continue
            span = Span(self.file, start, start + len(text.rstrip()))
            try:
                data = json.loads(text, object_pairs_hook=_once)
            except _Twice as error:
                raise fail("MM060", f"line {number} has the key {error.args[0]!r} twice", span) from None
            except (ValueError, RecursionError) as error:
                deep = isinstance(error, RecursionError)
                reason = "nested too deeply" if deep else getattr(error, "msg", "a number with too many digits")
                raise fail("MM060", f"line {number} is no JSON: {reason}", span) from None
            if not isinstance(data, dict):
                raise fail("MM060", f"line {number} is no JSON object", span)
            yield _Line(number, data, span)

    def wrong(self, line: _Line, message: str, help: str = "") -> InputError:
        return fail("MM060", f"line {line.number}: {message}", line.span, help=help)

    def header(self, line: _Line) -> tuple[Header, dict[str, int]]:
        data = line.data
        found = data.get("mmcheck-trace")
        if type(found) is not int or found != VERSION:
            what = "this is no trace" if found is None else f"version {found!r} is not known"
            raise self.wrong(line, what, f'the first line is {{"mmcheck-trace": {VERSION}, "agents": [...]}}')
        self.only(line, FIRST)
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
            names = [agent.name for agent in agents]
            if name in names:
                raise self.wrong(line, f"two agents are called {name!r}")
            host = given.get("host")
            if host is not None and (kind != "interrupt" or host not in names):
                reason = "is of a thread" if kind != "interrupt" else "is no agent before it"
                raise self.wrong(
                    line, f'the "host" {host!r} of {name!r} {reason}', "an interrupt names whom it interrupts"
                )
            agents.append(
                Agent(name, kind, bool(given.get("source", False)), host=None if host is None else names.index(host))
            )
        for key in ("spec", "target", "machine", "variant"):
            if not isinstance(data.get(key, ""), str):
                raise self.wrong(line, f'"{key}" is a text')
        initial = data.get("initial", {})
        if not isinstance(initial, dict) or not all(type(value) is int and value >= 0 for value in initial.values()):
            raise self.wrong(line, '"initial" maps locations to numbers')
        seed = data.get("seed")
        if seed is not None and type(seed) is not int:
            raise self.wrong(line, '"seed" is a number')
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
        for key, value in data.items():
            kinds = KEYS.get(key)
            if kinds is None:
                raise self.wrong(line, f'"{key}" means nothing here', f"known: {', '.join(KEYS)}")
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
            if not isinstance(tag, str) or not (tag in self.tags or tag in SOURCE_TAGS or tag == GHOST):
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
        if data.get("address", 0) < 0:
            raise self.wrong(line, "an address is not negative")
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
        named: dict[object, _Line] = {}
        for line in self.events:
            if line.data["op"] != "F":
                place, name = self.place(line), line.data.get("location")
                places.setdefault(place, hex(line.data["address"]) if name is None else name)
                if name is not None:
                    other = named.setdefault(place, line)
                    if other.data["location"] != name:
                        before = f"{other.data['location']!r} in line {other.number}"
                        raise self.wrong(line, f"this address is {before}, and {name!r} here")
                    places[place] = name
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
        relations = self.order(header, threads, spans)
        self.reasons(relations, number)
        self.turns(relations, number, header, len(events))
        final = self.coherence(relations, events, init, number, end)
        sources = [self.sources(line, events, init, number) for line in self.reads()]
        reads = [number[line.data["id"]] for line in self.reads()]
        out: list[Execution] = []
        frozen = {name: frozenset(pairs) for name, pairs in relations.items() if pairs}
        ways = prod(map(len, sources))
        if ways > 1 and (ways > MAX_GUESSES or ways * len(events) > MAX_GUESSED):
            unsure = next(line for line, each in zip(self.reads(), sources, strict=True) if len(each) > 1)
            raise self.wrong(unsure, "too many ways to say which writes were read", 'add "rf"')
        for chosen in product(*sources):
            rf = frozenset(zip(chosen, reads, strict=True))
            out.append(Execution(header.agents, tuple(events), {**frozen, "rf": rf}, final))
        return tuple(out), spans

    def reads(self) -> list[_Line]:
        return [line for line in self.events if line.data["op"] == "R"]

    def order(
        self, header: Header, threads: list[list[int]], spans: Mapping[int, Span]
    ) -> dict[str, set[tuple[int, int]]]:  # fmt: skip
        """Program order: of the events of one thread with the handlers that interrupt it, as they stand in the file."""
        together: dict[int, list[int]] = {}
        of = {event: agent for agent, events in enumerate(threads) for event in events}
        for event in sorted(of):
            together.setdefault(root_of(header.agents, of[event]), []).append(event)
        for events in together.values():
            for agent in {of[event] for event in events if header.agents[of[event]].host is not None}:
                self.whole(agent, events, of, header, spans)
        po = {(a, b) for events in together.values() for i, a in enumerate(events) for b in events[i + 1 :]}
        return {"po": po, "src": set(po), "co": set(), "amo": set(), "lxsx": set()}

    def whole(
        self, agent: int, events: list[int], of: Mapping[int, int], header: Header, spans: Mapping[int, Span]
    ) -> None:
        """Whether the run of a handler goes to its end before its host goes on."""
        inside = [place for place, event in enumerate(events) if of[event] == agent]
        for event in events[inside[0] : inside[-1]]:
            if agent not in chain(header.agents, of[event]):
                name, host = header.agents[agent].name, header.agents[of[event]].name
                span = spans[event]
                message = f"{name} has begun and goes on later, and here is {host}: a handler runs to its end"
                raise fail("MM060", f"line {span.line}: {message}", span)

    def turns(
        self, relations: dict[str, set[tuple[int, int]]], number: Mapping[int, int], header: Header, count: int
    ) -> None:
        """The changes of thread on shared CPUs."""
        agents = {agent.name: k for k, agent in enumerate(header.agents)}
        found: list[tuple[_Line, _Line]] = []
        for line in self.events:
            for each in line.data.get("switch", ()):
                before = self.known.get(each) if type(each) is int else None
                if before is None:
                    raise self.wrong(line, f'"switch" names {each!r}, which is no event')
                roots = [root_of(header.agents, agents[one.data["agent"]]) for one in (before, line)]
                if roots[0] == roots[1]:
                    raise self.wrong(line, f'"switch" names line {before.number}, which is of the same thread')
                found.append((before, line))
        if not found:
            return
        pairs = [(number[before.data["id"]], number[line.data["id"]]) for before, line in found]

        def order(many: int) -> Rel:
            return closure(from_pairs(count, relations["po"] | set(pairs[:many])))

        if not is_irreflexive(order(len(pairs))):
            first = bisect_left(range(len(pairs)), 1, key=lambda many: not is_irreflexive(order(many + 1)))
            before, line = found[first]
            message = f'by "switch" and program order line {before.number} comes behind this one, too'
            raise self.wrong(line, message)
        relations["switch"] = set(pairs)
        relations["po"] = set(pairs_of(order(len(pairs))))

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
            if any("co" in line.data for line in lines):
                self.places(lines)
                lines.sort(key=lambda line: line.data["co"])
            elif all(line.data.get("step") is not None for line in lines):
                lines.sort(key=lambda line: line.data["step"])
            chain = [init[place], *[number[line.data["id"]] for line in lines]]
            relations["co"] |= {(a, b) for i, a in enumerate(chain) for b in chain[i + 1 :]}
            final[f"[{events[chain[0]].location}]"] = events[chain[-1]].value or 0
        claimed = end.data.get("final", {})
        for name, value in claimed.items():
            if name in final and final[name] != value:
                raise self.wrong(end, f"{name} ends as {final[name]} by the writes above, not as {value}")
        return {**claimed, **final}

    def places(self, lines: list[_Line]) -> None:
        """Whether "co" of the writes of one location counts them from 1."""
        taken: dict[int, _Line] = {}
        for line in lines:
            if "co" not in line.data:
                raise self.wrong(line, 'other writes of this location have "co", this one has not')
            place = line.data["co"]
            twin = taken.setdefault(place, line)
            if twin is not line:
                raise self.wrong(line, f'"co" is {place}, as in line {twin.number}')
            if not 1 <= place <= len(lines):
                raise self.wrong(line, f'"co" is {place}, and this location has {len(lines)} writes')

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


class _Twice(Exception):
    """A key stands twice in one object."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _Twice(next(key for key in keys if keys.count(key) > 1))
    return found
