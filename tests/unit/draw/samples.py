"""Executions made by hand, to draw. ``python -m tests.unit.draw.samples DIR`` writes all pictures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from mmcheck.base.source import SourceFile, Span
from mmcheck.events.execution import Agent, Event, Execution
from mmcheck.ir.program import Origin
from mmcheck.report.draw.scene import Ghost, Highlight, Hop


class Sketch:
    """Builds an execution line by line; program order and coherence follow from the order of calls."""

    def __init__(self, path: str, *agents: Agent) -> None:
        self.path = path
        self.agents = agents
        self.events: list[Event] = []
        self.lines: list[str] = []
        self.rf: set[tuple[int, int]] = set()

    def _origin(self, text: str, word: str = "") -> Origin:
        self.lines.append(text)
        start = sum(len(line) + 1 for line in self.lines[:-1])
        file = SourceFile(self.path, "\n" * (len(self.lines) + 6) + text)
        start = len(self.lines) + 6
        return Origin(Span(file, start, start + len(text)), text, "", word)

    def init(self, location: str, value: int = 0) -> int:
        self.events.append(Event(len(self.events), -1, len(self.events), "W", location=location, value=value))
        return len(self.events) - 1

    def _add(self, thread: int, kind: str, text: str, location: str, value: int | None, tags: Iterable[str]) -> int:
        index = sum(event.thread == thread for event in self.events)
        word = text if kind == "F" else ""
        event = Event(
            len(self.events),
            thread,
            index,
            kind,
            frozenset(tags),
            None,
            location,
            value,
            origin=self._origin(text, word),
        )
        self.events.append(event)
        return event.id

    def write(self, thread: int, location: str, value: int, text: str, *tags: str) -> int:
        return self._add(thread, "W", text, location, value, tags)

    def read(self, thread: int, location: str, source: int, text: str, *tags: str) -> int:
        event = self._add(thread, "R", text, location, self.events[source].value, tags)
        self.rf.add((source, event))
        return event

    def fence(self, thread: int, text: str, *tags: str) -> int:
        return self._add(thread, "F", text, "", None, tags)

    def done(self, **relations: Iterable[tuple[int, int]]) -> Execution:
        po = {(a.id, b.id) for a in self.events for b in self.events if a.thread == b.thread >= 0 and a.index < b.index}
        writes = [event for event in self.events if event.kind == "W"]
        co = {(a.id, b.id) for a in writes for b in writes if a.location == b.location and a.id < b.id}
        given = {name: frozenset(pairs) for name, pairs in relations.items()}
        base = {"po": frozenset(po), "rf": frozenset(self.rf), "co": frozenset(co)}
        return Execution(self.agents, tuple(self.events), {**base, **given})


def message_passing() -> tuple[Execution, Highlight]:
    s = Sketch("examples/mp.litmus", Agent("writer"), Agent("reader"))
    data, _ = s.init("data"), s.init("flag")
    a = s.write(0, "data", 42, "data = 42")
    b = s.write(0, "flag", 1, "flag = 1")
    c = s.read(1, "flag", b, "ready = flag")
    fence = s.fence(1, "fence(acquire)", "DMB.LD")
    d = s.read(1, "data", data, "seen = data")
    assert fence
    return s.done(), Highlight(
        (
            Hop(a, b, "po", "nothing keeps the two stores in order: the flag may become visible first"),
            Hop(b, c, "rf", "the reader sees the flag"),
            Hop(c, d, "fence", "the loads stay in order"),
            Hop(d, a, "fr", "yet it reads data from before the store"),
        ),
        (Ghost(0, a, b, "no barrier here"),),
        culprit=d,
        title="The reader sees the flag but stale data",
        subtitle="ready == 1 && seen == 0 is reachable on AArch64",
    )


def store_buffering() -> tuple[Execution, Highlight]:
    s = Sketch("sb.litmus", Agent("cpu 0"), Agent("cpu 1"))
    x, y = s.init("x"), s.init("y")
    a = s.write(0, "x", 1, "x = 1")
    b = s.read(0, "y", y, "r0 = y")
    c = s.write(1, "y", 1, "y = 1")
    d = s.read(1, "x", x, "r1 = x")
    return s.done(), Highlight(
        (Hop(a, b, "po"), Hop(b, c, "fr"), Hop(c, d, "po"), Hop(d, a, "fr")),
        (Ghost(0, a, b, "needs fence(full)"), Ghost(1, c, d, "needs fence(full)")),
        title="Both CPUs read 0",
        subtitle="Each store may still wait in its store buffer while the load is done.",
    )


def iriw() -> tuple[Execution, Highlight]:
    agents = [Agent("writer x"), Agent("observer 1"), Agent("observer 2"), Agent("writer y")]
    s = Sketch("iriw.litmus", *agents)
    x, y = s.init("x"), s.init("y")
    wx = s.write(0, "x", 1, "x = 1", "L")
    wy = s.write(3, "y", 1, "y = 1", "L")
    a = s.read(1, "x", wx, "a = x")
    b = s.read(1, "y", y, "b = y")
    c = s.read(2, "y", wy, "c = y")
    d = s.read(2, "x", x, "d = x")
    return s.done(), Highlight(
        (
            Hop(wx, a, "rfe"), Hop(a, b, "po"), Hop(b, wy, "fre"),
            Hop(wy, c, "rfe"), Hop(c, d, "po"), Hop(d, wx, "fre"),
        ),
        (Ghost(1, a, b, "no barrier here"), Ghost(2, c, d, "no barrier here")),
        title="The observers disagree about which store came first",
        subtitle="Observer 1 sees x before y, observer 2 sees y before x.",
    )  # fmt: skip


def virtqueue() -> tuple[Execution, Highlight]:
    agents = [Agent("driver"), Agent("host", "device"), Agent("completion worker", "interrupt")]
    s = Sketch("specs/virtio/split-ring.litmus", *agents)
    addr, ring, idx, used = s.init("desc[1].addr"), s.init("avail.ring[3]"), s.init("avail.idx", 3), s.init("used.idx")
    a = s.write(0, "desc[1].addr", 0x12340000, "desc[head].addr = dma_map_single(dev, buffer, length, DMA_TO_DEVICE)")
    length = s.write(0, "desc[1].len", 512, "desc[head].len = length")
    r = s.write(0, "avail.ring[3]", 1, "avail.ring[avail.idx % SIZE] = head")
    i = s.write(0, "avail.idx", 4, "avail.idx = avail.idx + 1")
    s.fence(0, "fence(full)", "DMB.SY")
    s.read(0, "used.flags", s.init("used.flags"), "flags = used.flags")
    j = s.read(1, "avail.idx", i, "idx = avail.idx", "A")
    k = s.read(1, "avail.ring[3]", r, "head = avail.ring[(idx - 1) % SIZE]")
    m = s.read(1, "desc[1].addr", addr, "address = desc[head].addr")
    n = s.read(1, "desc[1].len", length, "length = desc[head].len")
    s.fence(1, "fence(release)", "DMB.ISH")
    u = s.write(1, "used.idx", 1, "used.idx = used.idx + 1")
    s.read(2, "used.idx", u, "done = used.idx")
    s.read(2, "desc[1].len", length, "account(desc[done - 1].len)")
    assert ring and idx and used
    return s.done(addr={(k, m), (k, n)}), Highlight(
        (
            Hop(a, i, "po", "no barrier orders the descriptor before the index that publishes it"),
            Hop(i, j, "rf", "the device sees the new index"),
            Hop(j, m, "po", "acquire: the descriptor is read after the index"),
            Hop(m, a, "fr", "the device reads the old address of the descriptor: DMA to the wrong page"),
        ),
        (Ghost(0, r, i, "no fence(release) here"),),
        culprit=m,
        title="The device uses a descriptor that is not written yet",
        subtitle="Requirement “descriptor complete” (split-ring.litmus:31) fails on AArch64, loops unrolled twice.",
    )


SAMPLES: dict[str, Callable[[], tuple[Execution, Highlight]]] = {
    "mp": message_passing,
    "sb": store_buffering,
    "iriw": iriw,
    "virtqueue": virtqueue,
}


def main(directory: Path) -> None:
    from mmcheck.report.draw import build_scene, render_dot, render_svg, render_text

    for name, sample in SAMPLES.items():
        scene = build_scene(*sample())
        for suffix, render in ((".svg", render_svg), (".dot", render_dot), (".txt", render_text)):
            (directory / (name + suffix)).write_text(render(scene), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
