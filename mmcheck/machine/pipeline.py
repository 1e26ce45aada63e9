"""One Armv8 thread, out of order: instructions in flight, what they wait for, what can happen next.

This is the thread subsystem of the Flat model (Pulte, Flur, Deacon, French, Sarkar, Sewell, "Simplifying ARM
Concurrency", POPL 2018, the section on the Flat operational model); the names of its rules are quoted below. Memory is
one array that all threads share: a store that propagates is there for everybody at once. What the Arm ARM has
added since is taken from the Arm ARM M.a, B2.3 (LDAPR, the rule for atomics with A and L, DSB).

An `Entry` is an instruction in flight. `Pipeline.scan` goes through them once, in program order, and works out which
loads are done ("finish instruction"), which barriers are passed ("commit barrier"), and which accesses may act:

* "satisfy memory read from memory", "... by forwarding from writes": the address is known; no barrier before
  it that waits still (DMB and DSB full and LD, DSB ST, ISB), every earlier acquire has read, and for LDAR every earlier
  STLR is in memory. An own store of that address which is not in memory yet is the only source; if it is that of a
  read-modify-write, an acquire waits until the load of that is done (the load, and not the store: rmw;lrs;[A]).
* "propagate memory write": address and data rest on loads that are done; so do the addresses of all earlier accesses
  and
  the earlier branches; earlier loads of the address are done, earlier stores of it in memory; no barrier waits;
  acquires are done; for STLR everything earlier is done. A write to a system register that raises an interrupt waits
  for DSB and ISB alone, and for dependencies; nothing but a DSB waits for it.

A load is done when it has read and no restart can come: its address is settled, so are those before it, earlier loads
of its location are done, and of an own store that it reads, the value and whether it is made. `violations` says which
loads have read too early; the caller restarts them, or gives the run up. Registers, dependencies and the path are in
`mmcheck.machine.frontend`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from mmcheck.machine.decode import FULL, LOADS, STORES, Op
from mmcheck.machine.values import Node, Value, is_fixed, known

READ, WRITE, FENCE, BRANCH, CHECK, GIVEN, YIELD = range(7)

NO_DEVICES: Mapping[int, str] = MappingProxyType({})

Source: TypeAlias = object
"""Names a write: whatever the caller likes, compared by ==."""


class Entry:
    """One instruction in flight; `ordinal` is its position in the thread's path.

    ``READ``: `node` is the value, `source` the write that it read (None: not yet). ``WRITE``: `data`, whether it
    `happened`, `exists` (a value that is 1 if the store happens at all), `when` (the condition that decides it, where
    `exists` is a guess), `partner` the load of its read-modify-write (and that of an atomic's load its store).
    ``BRANCH``: `data` is the condition, `taken` the way that was fetched. ``GIVEN``: runs in which `data` is 0 do not
    exist. ``YIELD``: the thread gives way to another of its CPU, `cpu`; what follows waits for its next turn, or goes
    on elsewhere at once if it has moved (`taken`). `turn` is the number of the thread's turn on `cpu` in which it
    happened, if CPUs are shared.
    """

    __slots__ = (
        "address", "cpu", "data", "done", "exists", "extra", "happened", "kind", "node", "op", "ordinal", "partner",
        "pc", "source", "step", "taken", "thread", "turn", "when",
    )  # fmt: skip

    def __init__(self, kind: int, op: Op, pc: int, ordinal: int, thread: int = 0) -> None:
        self.kind = kind
        self.thread = thread
        self.op = op
        self.pc = pc
        self.ordinal = ordinal
        self.address: Value = 0
        self.data: Value = 0
        self.exists: Value = 1
        self.when: Value = 1
        self.node: Node | None = None
        self.source: Source | None = None
        self.partner: Entry | None = None
        self.done = False
        self.happened = False
        self.taken: bool = False
        self.step: int | None = None
        self.extra: object = None
        self.cpu: int | None = None
        self.turn: int | None = None

    @property
    def is_loading(self) -> bool:
        """Whether this is the store of a read-modify-write whose load is not done (no acquire may read it yet)."""
        return self.partner is not None and not self.partner.done


class Choice(NamedTuple):
    """Something that may happen next: `entry` reads (from memory, or forwarded from `store`), or writes.

    `ready`, of the load of a read-modify-write: nothing that the store would wait for stands before it.
    """

    entry: Entry
    address: int
    store: Entry | None = None
    ready: bool = True


@dataclass(slots=True)
class Scan:
    """What one pass found. `violations` are loads that have read too early, `wrong` branches fetched the wrong way."""

    choices: list[Choice] = field(default_factory=list)
    violations: list[Entry] = field(default_factory=list)
    wrong: Entry | None = None
    settled: bool = True
    """Whether everything in flight is done."""


def scan(entries: list[Entry], devices: Mapping[int, str] = NO_DEVICES, *, cautious: bool = False) -> Scan:
    """Go through the instructions in flight; marks loads that are done. `devices` are the addresses of registers: those
    of one device are accessed in order, and no load is answered by a store that has not arrived.

    With `cautious`, for machines that cannot go back: no load is done behind an acquire that is not, so that the
    acquire can be restarted; and an exclusive store whose outcome is open is offered once it could write.
    """
    out = Scan()
    choices = out.choices
    # What stands before the entry at hand and is not over yet.
    full = loads_barrier = stores_barrier = everything = False
    reads = noret = writes = False  # loads not done (with result, without), stores not in memory
    raising = False  # an interrupt that is not raised yet
    away = False  # the thread has given way, or is about to
    addresses = branches = False  # an address, a branch that rests on loads that are not done
    acquire_open = acquire_unread = False  # an acquire not done; not even read
    release = strong_write = False  # an STLR, the write of an atomic with A and L, not in memory
    hazards: set[int] = set()  # locations of loads not done, since the last store to it
    stores: dict[int, Entry] = {}  # the last store to each location
    busy: set[str] = set()  # devices with an access to a register that is not over
    for entry in entries:
        kind = entry.kind
        if kind == READ:
            if entry.done:
                continue
            op = entry.op
            where = entry.address if entry.address.__class__ is int else known(entry.address)
            if where is None:
                acquire_unread = acquire_unread or op.acquire
                addresses = True
            else:
                assert isinstance(where, int)
                settled = not addresses and is_fixed(entry.address)
                own = stores.get(where)
                if own is not None and own.happened:
                    own = None
                # Of an atomic: whether its store could follow now.
                ready = not (cautious and op.kind == "RmwOp") or (settled and not (
                    addresses or branches or stores_barrier or acquire_open or reads or noret
                    or where in hazards or (op.release and writes)
                ))  # fmt: skip
                if entry.source is None:
                    acquire_unread_before = acquire_unread
                    acquire_unread = acquire_unread or op.acquire
                    waits = where in devices and (addresses or devices[where] in busy)
                    if not (full or loads_barrier or everything or acquire_unread_before or strong_write) and not (
                        (release and op.strong) or waits
                    ):
                        if own is None:
                            choices.append(Choice(entry, where, None, ready))
                        elif not (op.acquire and own.is_loading) and known(own.data) is not None and known(own.exists):
                            choices.append(Choice(entry, where, own))
                else:
                    if own is not None and entry.extra is not own:
                        out.violations.append(entry)
                    elif (
                        settled
                        and where not in hazards
                        and not (cautious and acquire_open)
                        and (own is None or (ready and is_fixed(own.data) and is_fixed(own.when)))
                    ):
                        entry.done = True
                        assert entry.node is not None
                        entry.node.fixed = True
                        continue
                if not settled:
                    addresses = True
                hazards.add(where)
                if where in devices:
                    busy.add(devices[where])
            if op.noret:
                noret = True
            else:
                reads = True
            acquire_open = acquire_open or op.acquire
        elif kind == WRITE:
            if entry.happened:
                where = known(entry.address)
                assert where is not None
                stores[where] = entry
                hazards.discard(where)
                continue
            exists = entry.exists if entry.exists.__class__ is int else known(entry.exists)
            if exists == 0:
                addresses = addresses or not is_fixed(entry.exists)
                continue
            op = entry.op
            where = known(entry.address)
            if where is None or (exists is None and not (cautious and entry.extra == "exclusive")):
                addresses = True
            else:
                addresses = addresses or not is_fixed(entry.address) or not (exists is None or is_fixed(entry.exists))
                before = stores.get(where)
                if not (
                    addresses or branches or everything or where in hazards
                    or (before is not None and not before.happened) or (not op.sgi and (
                        full or loads_barrier or stores_barrier or acquire_open or strong_write
                        or (op.release and (reads or noret or writes))
                        or (where in devices and devices[where] in busy)
                    ))
                ) and is_fixed(entry.data) and is_fixed(entry.when):  # fmt: skip
                    choices.append(Choice(entry, where))
                if exists is None:
                    addresses = True
                else:
                    stores[where] = entry
                    hazards.discard(where)
                if where in devices:
                    busy.add(devices[where])
            raising = raising or op.sgi
            writes = writes or not op.sgi
            if op.release:
                release = True
                if op.strong and op.kind == "RmwOp" and entry.extra != "exclusive":
                    strong_write = True
        elif kind == FENCE:
            op = entry.op
            if (op.dmb | op.dsb) & FULL and (reads or noret or writes):
                full = True
            if (op.dmb | op.dsb) & LOADS and reads:
                loads_barrier = True
            if (op.dmb | op.dsb) & STORES and writes:
                stores_barrier = True
            sent = writes or raising
            if (op.dsb & FULL and (reads or noret or sent)) or (op.dsb & LOADS and reads) or (op.dsb & STORES and sent):
                everything = True
            if op.isb and (branches or addresses):
                everything = True
        elif kind == BRANCH:
            value = known(entry.data)
            if value is not None and bool(value) != entry.taken:
                out.wrong = entry
                out.settled = False
                return out
            if value is None or not is_fixed(entry.data):
                branches = True
        elif kind == YIELD:
            if not entry.happened:
                away = True
                if not (reads or noret or writes or raising or branches or addresses):
                    choices.append(Choice(entry, -1))
                full = full or not entry.taken
    out.settled = not (reads or noret or writes or raising or branches or addresses or away)
    return out
