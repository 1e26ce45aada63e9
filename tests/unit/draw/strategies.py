"""Random executions with a random highlight: 2-5 agents, 1-12 events each."""

from __future__ import annotations

from hypothesis import strategies as st

from mmcheck.base.source import SourceFile, Span
from mmcheck.events.execution import Agent, Event, Execution
from mmcheck.ir.program import Origin
from mmcheck.report.draw.scene import Ghost, Highlight, Hop

RELATIONS = ("rf", "fr", "co", "po", "data", "addr", "ctrl", "fence", "rfe", "ob", "po;[DMB.ISHST];po")
HOSTILE = (
    "",
    "x",
    "</svg><script>alert(1)</script>",
    "\"&quot;'",
    "\x00\x1b[31m",
    "\u202eabc\u202c",
    "é\u0301" * 30,
    "漢字" * 20,
    "a" * 10_000,
)

texts = st.sampled_from(HOSTILE) | st.text(max_size=60)


@st.composite
def drawings(draw: st.DrawFn) -> tuple[Execution, Highlight]:
    """An execution, not necessarily consistent, and what to show of it."""
    locations = ("x", "avail.ring[3]", "desc[1].addr", draw(texts))
    events = [Event(i, -1, i, "W", location=name, value=0) for i, name in enumerate(locations)]
    lengths = draw(st.lists(st.integers(1, 12), min_size=2, max_size=5))
    file = SourceFile("dir/some.litmus", "\n" * 200)
    shown = draw(st.lists(texts, min_size=1, max_size=4))
    for thread, length in enumerate(lengths):
        for index in range(length):
            kind = draw(st.sampled_from("RRRWWWF"))
            number = len(events)
            origin = Origin(Span(file, number, number), shown[number % len(shown)])
            location = "" if kind == "F" else draw(st.sampled_from(locations))
            value = None if kind == "F" else number
            events.append(Event(number, thread, index, kind, location=location, value=value, origin=origin))
    writes = {name: [e.id for e in events if e.kind == "W" and e.location == name] for name in locations}
    rf = {(draw(st.sampled_from(writes[e.location])), e.id) for e in events if e.kind == "R"}
    co = {(a, b) for same in writes.values() for i, a in enumerate(same) for b in same[i + 1 :]}
    later = st.integers(len(locations), len(events) - 1)
    ends = draw(st.lists(later, min_size=0, max_size=8, unique=True))
    cycle = tuple(
        Hop(a, b, draw(st.sampled_from(RELATIONS)), draw(texts))
        for a, b in zip(ends, ends[1:] + ends[:1], strict=True)
        if a != b
    )
    ghosts = []
    for event in draw(st.lists(later, max_size=3)):
        ghosts.append(Ghost(events[event].thread, event, None, draw(texts)))
    agents = tuple(Agent(draw(texts), draw(st.sampled_from(("thread", "device", "interrupt")))) for _ in lengths)
    relations = {"rf": frozenset(rf), "co": frozenset(co)}
    highlight = Highlight(cycle, tuple(ghosts), draw(st.none() | later), draw(texts), draw(texts))
    return Execution(agents, tuple(events), relations), highlight
