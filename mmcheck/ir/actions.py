"""Where a thread of flat code stands, and the actions that `mmcheck.ir.steps` stops before."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from mmcheck.base.records import record
from mmcheck.ir.instructions import CLEAN, Registers, RmwOp, Taint, Taints
from mmcheck.ir.program import Expr, Origin, Tags


class State(NamedTuple):
    """Where a thread stands.

    `monitor` is the address of the latest exclusive load, and its read (the caller's number). `saved` holds, for
    each await, the registers with which its present round began. With `taints`, `control` is what the branches so far
    depend on; with `symbols`, `tests` are the tests so far over the values read, and `outcomes` say where each stands
    and whether it held.
    """

    pc: int
    registers: Registers
    monitor: tuple[int, int] | None = None
    saved: tuple[tuple[int, Registers], ...] = ()
    taints: Taints | None = None
    control: Taint = CLEAN
    symbols: tuple[Expr, ...] | None = None
    outcomes: tuple[tuple[int, bool], ...] = ()
    tests: tuple[Expr, ...] = ()


@record
class Read:
    address: int
    width: int
    tags: Tags
    origin: Origin
    exclusive: bool
    address_taint: Taint = CLEAN


@record
class Write:
    """A store. If `exclusive`, it may succeed only if `partner` (a read) is not None, and may always fail."""

    address: int
    width: int
    value: int
    tags: Tags
    origin: Origin
    exclusive: bool = False
    partner: int | None = None
    address_taint: Taint = CLEAN
    data_taint: Taint = CLEAN


@record
class Modify:
    """A read-modify-write; `modified` says what it writes for a value read."""

    address: int
    width: int
    op: RmwOp
    address_taint: Taint = CLEAN


@record
class Barrier:
    tags: Tags
    origin: Origin


@record
class Check:
    """An assertion was reached; `holds` is its outcome."""

    requirement: str
    holds: bool


@record
class Wait:
    """A round of an await begins."""

    number: int
    origin: Origin


@record
class Failed:
    """A round of an await ended unsatisfied. `gives_up`: there is a failing exit."""

    number: int
    gives_up: bool
    origin: Origin


@record
class Offer:
    """An interrupt may come here, if it is `open`."""

    open: bool


@record
class Yield:
    """The thread may give way here to another of its CPU, if it is `open`."""

    open: bool


@record
class Depart:
    """The thread goes on on another CPU, `to`."""

    to: int


@record
class Fork:
    """Pieces in no order: `choose` one of `left`, or `join` if there are none."""

    counter: int
    left: tuple[int, ...]
    total: int


class Impossible:
    """The run does not exist: what is given does not hold."""


class Ended:
    """The thread is done."""


class Cut:
    """The bound is reached; the run is discarded."""


Action: TypeAlias = (
    Read | Write | Modify | Barrier | Check | Wait | Failed | Fork | Offer | Yield | Depart | Ended | Cut | Impossible
)
ENDED = Ended()
IMPOSSIBLE = Impossible()
CUT = Cut()
