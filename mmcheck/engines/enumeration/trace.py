"""One path of one thread as a value: its events, and the relations that the thread decides alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple, TypeAlias

from mmcheck.base.deadline import Deadline
from mmcheck.base.records import record
from mmcheck.events.relations import KIND_SETS, bits, from_pairs, members
from mmcheck.ir.program import Origin, Tags, state_register

Values: TypeAlias = Callable[[int], tuple[int, ...]]
"""For an address, every value that a read of it may see."""
Pairs: TypeAlias = tuple[tuple[int, int], ...]
Point: TypeAlias = tuple[tuple[tuple[str, int], ...], frozenset[str], tuple[int, Origin] | None]
"""In front of an event: the registers, the assertions that have failed, and the await that it is a look of."""


DEPENDENCIES = ("addr", "data", "ctrl", "pick-addr", "pick-data", "pick-ctrl")
"""What `Item` has from its seventh field on."""


class Item(NamedTuple):
    """One event of a trace; `addr` to `pick_ctrl` are the reads it depends on, as bits. `pieces` are the
    parallel statements that it is in: (instance, piece)."""

    kind: str
    address: int
    width: int
    value: int
    tags: Tags
    origin: Origin
    addr: int = 0
    data: int = 0
    ctrl: int = 0
    pick_addr: int = 0
    pick_data: int = 0
    pick_ctrl: int = 0
    pieces: tuple[tuple[int, int], ...] = ()
    masked: bool = False
    """Of an event that switches interrupts: they are off behind it."""
    whole: bool = False
    """A read that is one instruction with the access behind it."""


@dataclass(frozen=True, eq=False)
class Trace:
    """One path of one thread. `status` is ``ended``, ``stuck`` (at the await of `where`), ``cut`` (at the bound),
    ``absent``: a run of an interrupt handler that does not happen, or ``held``: a part
    (`mmcheck.engines.enumeration.holding`). `start` and `lasting` are the privates of a handler before and behind
    the run.

    `amo` and `lxsx` are pairs of positions; `last` the reads of the failing round in which it is stuck.
    `number` tells the awaits of a thread apart.
    """

    items: tuple[Item, ...]
    amo: Pairs
    lxsx: Pairs
    registers: tuple[tuple[str, int], ...]
    failed: frozenset[str] = frozenset()
    status: str = "ended"
    where: Origin | None = None
    number: int = 0
    last: frozenset[int] = frozenset()
    start: tuple[tuple[str, int], ...] = ()
    points: tuple[Point, ...] = ()
    """Where `Options.points` asks for them, one for each event."""

    @property
    def is_open(self) -> bool:
        """Whether its agent never gets to its end."""
        return self.stands or self.status == "held"

    @property
    def stands(self) -> bool:
        """Whether its agent goes no further of its own."""
        return self.status in ("stuck", "cut")

    @cached_property
    def ends_masked(self) -> bool:
        """Whether the last switch turned interrupts off."""
        found = [item.masked for item in self.items if not item.tags.isdisjoint(("IrqOff", "IrqOn"))]
        return bool(found) and found[-1]

    @cached_property
    def lasting(self) -> tuple[tuple[str, int], ...]:
        return lasting(self.registers)

    @cached_property
    def shape(self) -> tuple[object, ...]:
        """What a model can see of the trace, values and places in the text apart."""
        return tuple([(i.kind, i.address, i.tags, i[6:]) for i in self.items]), self.amo, self.lxsx

    @cached_property
    def identity(self) -> tuple[object, ...]:
        """Two traces with the same identity are the same execution, up to dependencies."""
        events = tuple([(i.kind, i.address, i.value, i.tags) for i in self.items])
        return events, self.amo, self.lxsx, self.registers, self.failed, self.status, self.number, self.last

    def final(self, agent: str) -> Mapping[str, int]:
        """What the registers hold at the end, by their names in final states, if this is a path of `agent`."""
        found = self._finals.get(agent)
        if found is None:
            named = {state_register(agent, name.removeprefix("@")).name: value for name, value in self.registers}
            found = self._finals[agent] = named
        return found

    @cached_property
    def _finals(self) -> dict[str, dict[str, int]]:
        return {}

    @cached_property
    def needs(self) -> frozenset[tuple[int, int]]:
        """The (address, value) that its reads see."""
        return frozenset([(i.address, i.value) for i in self.items if i.kind == "R"])

    @cached_property
    def gives(self) -> frozenset[tuple[int, int]]:
        """The (address, value) that its writes offer."""
        return frozenset([(i.address, i.value) for i in self.items if i.kind == "W"])

    @cached_property
    def values(self) -> tuple[int, ...]:
        """What its events read or write."""
        return tuple([item.value for item in self.items])

    @cached_property
    def writes(self) -> int:
        """How many of its events write."""
        return sum([item.kind == "W" for item in self.items])

    @cached_property
    def order(self) -> frozenset[tuple[int, int]]:
        """Program order, as pairs of positions: that of the text, but the fields of one store are in no order."""
        n = len(self.items)
        return frozenset([(a, b) for a in range(n) for b in range(a + 1, n) if self._ordered(a, b)])

    @cached_property
    def after(self) -> tuple[int, ...]:
        """Program order as bit rows: the positions behind each."""
        return from_pairs(len(self.items), self.order)

    @cached_property
    def rows(self) -> tuple[tuple[int, ...], ...]:
        """Bit rows of each of `DEPENDENCIES`, from reads to what depends on them, and of `amo` and `lxsx`."""
        n = len(self.items)
        out = []
        for place in range(6, 12):
            rows = [0] * n
            for i, item in enumerate(self.items):
                for read in bits(item[place]):  # type: ignore[arg-type]
                    rows[read] |= 1 << i
            out.append(tuple(rows))
        return (*out, from_pairs(n, self.amo), from_pairs(n, self.lxsx))

    @cached_property
    def sets(self) -> tuple[tuple[str, int], ...]:
        """The positions of each kind and tag, as bits; ``M`` are the accesses."""
        return tuple(members((*KIND_SETS[item.kind], *item.tags) for item in self.items).items())

    def _ordered(self, a: int, b: int) -> bool:
        pieces = self.items[a].pieces
        if not pieces:
            return True
        other = dict(self.items[b].pieces)
        return all(other.get(instance, piece) == piece for instance, piece in pieces)


def lasting(registers: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Those of `registers` that a handler keeps from run to run."""
    return tuple([(name, value) for name, value in registers if name[0] == "@" and name[:2] != "@%"])


@record
class Options:
    """`settle`: threads that wait show the failing round (final states); otherwise they stop before it (safety).

    `write_back`: a failing compare-and-swap that allows it may write the old value back. `cas_provenance`: a
    successful one passes on either its own read, or the expected value. `points`: traces have them.
    """

    settle: bool = False
    write_back: bool = True
    cas_provenance: bool = False
    traces: int = 200_000
    deadline: Deadline = field(default_factory=Deadline)
    points: bool = False


def without_idle_writes(
    items: tuple[Item, ...], amo: Pairs, lxsx: Pairs, since: int
) -> tuple[tuple[Item, ...], Pairs, Pairs, list[int]]:
    """Drop the writes of a failing round that store what their own read saw; the last result are their positions."""
    idle = sorted([w for r, w in (*amo, *lxsx) if r >= since and items[r].value == items[w].value], reverse=True)
    for gone in idle:
        items = tuple([_renumbered(item, gone) for i, item in enumerate(items) if i != gone])
        amo, lxsx = _without(amo, gone), _without(lxsx, gone)
    return items, amo, lxsx, idle


def restricted(trace: Trace, kept: Iterable[int]) -> Trace:
    """The events `kept` of `trace`, with what it says of them."""
    stays = set(kept)
    items, amo, lxsx = trace.items, trace.amo, trace.lxsx
    for gone in range(len(trace.items) - 1, -1, -1):
        if gone not in stays:
            items = tuple([_renumbered(item, gone) for i, item in enumerate(items) if i != gone])
            amo, lxsx = (_without(tuple([pair for pair in pairs if gone not in pair]), gone) for pairs in (amo, lxsx))
    order = sorted(stays)
    last = frozenset([new for new, old in enumerate(order) if old in trace.last])
    points = tuple([trace.points[old] for old in order]) if trace.points else ()
    return replace(trace, items=items, amo=amo, lxsx=lxsx, last=last, points=points)


def _without(pairs: Pairs, gone: int) -> Pairs:
    return tuple([(r - (r > gone), w - (w > gone)) for r, w in pairs if w != gone])


def _closed_up(mask: int, gone: int) -> int:
    return mask & (1 << gone) - 1 | mask >> gone + 1 << gone


def _renumbered(item: Item, gone: int) -> Item:
    masks = [_closed_up(mask, gone) for mask in item[6:12] if isinstance(mask, int)]
    addr, data, ctrl, pick_addr, pick_data, pick_ctrl = masks
    return item._replace(addr=addr, data=data, ctrl=ctrl, pick_addr=pick_addr, pick_data=pick_data, pick_ctrl=pick_ctrl)
