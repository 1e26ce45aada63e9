"""The Execution: one finished run. Everything meets here.

Solver, enumerator, machines and recorded traces all produce it; models judge it, reports print it and
pictures draw it. Event identities are positions in `Execution.events`; initial writes come first, one
per cell that is accessed, and belong to no thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from mmcheck.base.records import record, replace
from mmcheck.ir.program import NO_TAGS, NOWHERE, Origin, Tags

BASE_RELATIONS = ("po", "rf", "co", "amo", "lxsx", "addr", "data", "ctrl", "pick-addr", "pick-data", "pick-ctrl")
"""The relations that an execution states; all others (fr, ob ...) are derived by a model.

``amo`` pairs the two halves of a one-instruction read-modify-write, ``lxsx`` those of a successful exclusive
pair; models see their union as ``rmw``. ``po`` is the order that the model sees (for compiled code the
compiler-preserved order or one linear order); ``src`` is the order of the text. Dependencies are those that the layer
in question keeps; an atomic's write has one on its own read: ``data`` if it is computed from it (herd's ``iico_data``),
``pick-data`` if a comparison with it decides whether it is made (``iico_ctrl``).
"""


@record
class Event:
    """One access or fence.

    `thread` is the index of the agent in `Execution.threads`, -1 for an initial write. `index` counts the
    events of that agent in source order. `kind` is ``R``, ``W`` or ``F``. `address`, `location` (the
    cell's name), `value` (unsigned) and `width` (bits) are set for accesses. `cpu` is where it ran; `step` the
    position in a machine's schedule, if it came from one. `space` and `device` are those of the cell.
    """

    id: int
    thread: int
    index: int
    kind: str
    tags: Tags = NO_TAGS
    address: int | None = None
    location: str = ""
    value: int | None = None
    width: int = 32
    origin: Origin = NOWHERE
    cpu: int | None = None
    step: int | None = None
    space: str = "ram"
    device: str = ""

    @property
    def is_init(self) -> bool:
        return self.thread < 0

    @property
    def shown(self) -> str:
        """Its value for reading: in hexadecimal beyond 16 bits; of a latch (an odd width), what it holds and whether it
        is set."""
        value = self.value or 0
        pending = ""
        if self.width > 1 and self.width % 2:
            pending = " (pending)" if value >> self.width - 1 else ""
            value &= (1 << self.width - 1) - 1
        return (f"{value:#x}" if value >= 1 << 16 else str(value)) + pending

    def __str__(self) -> str:
        tags = "".join(f".{tag}" for tag in sorted(self.tags))
        if self.kind == "F":
            return f"e{self.id}: F{tags}"
        return f"e{self.id}: {self.kind}{tags} {self.location}={self.value}"


@record
class Agent:
    """Who ran: name, kind (``thread``, ``device``, ``interrupt``) and whether the code was compiled; of a run of an
    interrupt handler, the index of the agent that it interrupted."""

    name: str
    kind: str = "thread"
    source: bool = False
    origin: Origin = NOWHERE
    host: int | None = None


@record
class Execution:
    """A finished run: events, base relations, the final state.

    `relations` maps names of `BASE_RELATIONS` (and ``src``) to sets of pairs of event ids; missing means
    empty. `co` is transitive and includes the initial writes. `final` maps `state_register` and
    `state_cell` names to values. `linear` is, for compiled code, the order that the compiler may emit:
    one tuple of event ids per agent. `platform`: it is judged by the platform's rules for devices, too.
    """

    threads: tuple[Agent, ...]
    events: tuple[Event, ...]
    relations: Mapping[str, frozenset[tuple[int, int]]]
    final: Mapping[str, int] = field(default_factory=dict)
    linear: tuple[tuple[int, ...], ...] | None = None
    platform: bool = False

    def relation(self, name: str) -> frozenset[tuple[int, int]]:
        return self.relations.get(name, frozenset())

    def of_thread(self, thread: int) -> Iterator[Event]:
        """The events of one agent, in source order."""
        return iter(sorted((e for e in self.events if e.thread == thread), key=lambda e: e.index))

    def __str__(self) -> str:
        lines = [f"{i} {agent.name}: " + "; ".join(map(str, self.of_thread(i))) for i, agent in enumerate(self.threads)]
        lines += [
            f"{name}: " + " ".join(f"{i}->{j}" for i, j in sorted(pairs))
            for name, pairs in sorted(self.relations.items())
            if pairs
        ]
        return "\n".join(lines)


def restrict(execution: Execution, keep: frozenset[int]) -> tuple[Execution, dict[int, int]]:
    """The part of `execution` that concerns the events `keep`, and their new ids by the old ones.

    The result is for looking at: it is a run of no program; agents without events are left out, but for those that a
    handler with events interrupts.
    """
    kept = [event for event in execution.events if event.id in keep]
    number = {event.id: i for i, event in enumerate(kept)}
    found = {event.thread for event in kept if event.thread >= 0}
    work = list(found)
    while work:
        host = execution.threads[work.pop()].host
        if host is not None and host not in found:
            found.add(host)
            work.append(host)
    present = sorted(found)
    lane = {thread: i for i, thread in enumerate(present)}
    events = tuple([replace(event, id=number[event.id], thread=lane.get(event.thread, -1)) for event in kept])
    relations = {
        name: frozenset((number[i], number[j]) for i, j in pairs if i in number and j in number)
        for name, pairs in execution.relations.items()
    }
    linear = execution.linear
    if linear is not None:
        linear = tuple([tuple([number[e] for e in linear[thread] if e in number]) for thread in present])
    threads = tuple(
        [
            replace(agent, host=lane.get(agent.host)) if agent.host is not None else agent
            for agent in (execution.threads[thread] for thread in present)
        ]
    )
    return replace(execution, threads=threads, events=events, relations=relations, linear=linear), number
