"""The event graph: all bounded runs of a program at once.

Events have guards (when they happen), symbolic addresses and values over the symbols ``r7`` (the value that
event 7 reads) and free choices. Relations that the text decides are maps from pairs of event ids to the
term under which they hold, given that both events happen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mmcheck.base.records import record
from mmcheck.events.terms import Term, Terms
from mmcheck.ir.program import NOWHERE, Cell, Origin, Program, Tags


@record
class GEvent:
    """One event that may happen.

    `thread` is an index into `Program.threads`, -1 for the initial write of `cell`. `index` counts the events
    of a thread in text order; events of one `group` (not 0) are in no program order. For a read, `value` is
    its symbol; for a write, the value written. `address` is None for a fence.

    An event of a `Choice` names its `site`: it happens only under the options `present` (None: under all; the guard
    says so, too), and has each tag of `optional` under those options, beside `tags`. `origins` are the places in the
    text that it comes from under options that do not share `origin`.
    """

    id: int
    thread: int
    index: int
    kind: str
    tags: Tags
    guard: Term
    address: Term | None = None
    value: Term | None = None
    width: int = 32
    group: int = 0
    origin: Origin = NOWHERE
    cell: Cell | None = None
    site: str = ""
    present: frozenset[str] | None = None
    optional: tuple[tuple[str, frozenset[str]], ...] = ()
    origins: tuple[tuple[Origin, frozenset[str]], ...] = ()

    def origin_in(self, choices: Mapping[str, str]) -> Origin:
        """Where it comes from if `choices` has the option of its site."""
        for origin, names in self.origins:
            if choices.get(self.site) in names:
                return origin
        return self.origin

    def tags_under(self, option: str) -> Tags:
        """Its tags if `option` of its site is selected."""
        return self.tags.union([tag for tag, names in self.optional if option in names])

    @property
    def possible(self) -> Tags:
        """Its tags under any option."""
        return self.tags.union([tag for tag, _ in self.optional])

    @property
    def is_init(self) -> bool:
        return self.thread < 0

    @property
    def is_access(self) -> bool:
        return self.kind != "F"

    def __str__(self) -> str:
        tags = "".join(f".{tag}" for tag in sorted(self.tags))
        place = "" if self.address is None else f" [{self.address}] = {self.value}"
        return f"e{self.id} t{self.thread} {self.kind}{tags}{place} if {self.guard}"


@record
class Check:
    """An `Assert` that may be reached: violated when `guard` holds and `cond` does not.

    `reads` are the events whose values the condition uses.
    """

    requirement: str
    guard: Term
    cond: Term
    thread: int
    origin: Origin
    after: int
    """Id of the last event of the thread before this point, or -1."""


@record
class Wait:
    """One instance of an `await` without time-out.

    `guard`: it is reached; `done`: the choice that it ends; `reads`: ids of the last round's reads, `once` those of
    them that a compiler may make once for all rounds. In settled runs, `lasts`: it waits for ever; `looks`: it does so
    by its own condition, and its last look is whole.
    """

    thread: int
    guard: Term
    done: Term
    cond: Term
    reads: tuple[int, ...]
    once: frozenset[int]
    origin: Origin
    lasts: Term
    looks: Term
    body: tuple[int, int] = (0, 0)
    """The events of the last round: from the first id to that behind the last."""


@record
class Removal:
    """An access that a compiler may leave out: the text comes to it if `reached`, and it is left out if `gone`.

    A run may choose so only where it is `legal`. `how` are the choices that `gone` consists of, each with what a reader
    is told of it.
    """

    reached: Term
    gone: Term
    legal: Term
    how: tuple[tuple[Term, str], ...]


@record
class Outcome:
    """The choice that a conditional read-modify-write succeeds: `when`, for its read in either case, says if it may."""

    thread: int
    guard: Term
    reads: tuple[int, int]
    when: Term
    success: Term


@record
class Test:
    """A branch that tests `cond`, if `guard`; events from `place` on come behind it."""

    thread: int
    guard: Term
    cond: Term
    place: int


@record
class Cut:
    """A loop that may go on past the bound, under `guard`: its thread goes no further in a run that is not settled."""

    guard: Term
    thread: int
    origin: Origin


@record
class Run:
    """One run of an interrupt handler: the event graph's thread `thread` interrupts `host` if `happens`.

    `entry` and `leave` are ids of its first and last event.
    """

    thread: int
    host: int
    happens: Term
    entry: int
    leave: int


Pairs = dict[tuple[int, int], Term]


@dataclass(slots=True)
class EventGraph:
    """See the module. `deps` has ``addr data ctrl pick-addr pick-data pick-ctrl`` (those that the hardware sees after
    the compiler) and the same with prefix ``text-`` (those of the text); `amo` and `lxsx` pair the halves of a
    read-modify-write. `constraints` hold in every run (they tie free choices to values). `ends` is, per thread,
    the guard under which it runs to its end. `registers` are the final values of each thread's registers.
    """

    program: Program
    terms: Terms
    settled: Term
    """True of runs in which nobody can move any more; a constant, or a symbol that queries assume."""
    events: list[GEvent] = field(default_factory=list)
    deps: dict[str, Pairs] = field(default_factory=dict)
    amo: Pairs = field(default_factory=dict)
    lxsx: Pairs = field(default_factory=dict)
    removals: dict[int, Removal] = field(default_factory=dict)
    """Accesses that the compiler may leave out."""
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """Conditional read-modify-writes, by the name of the choice that they succeed."""
    constraints: list[Term] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)
    tests: list[Test] = field(default_factory=list)
    ends: list[Term] = field(default_factory=list)
    registers: list[Mapping[str, Term]] = field(default_factory=list)
    choices: dict[str, tuple[tuple[str, Term], ...]] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    before: Pairs = field(default_factory=dict)
    """(thread of a run, event of its host) -> that the event is executed before the run begins."""
    first: Pairs = field(default_factory=dict)
    """Two runs on one host -> that the one is over before the other begins."""
    masks: dict[int, tuple[Term, dict[int, Term]]] = field(default_factory=dict)
    """Event that switches interrupts -> that they are off behind it, and the next such events of its thread."""
    whole: list[tuple[int, int]] = field(default_factory=list)
    """Events between which no interrupt comes, beside those of `amo` and `lxsx`."""
    sharing: dict[int, frozenset[int]] = field(default_factory=dict)
    """Thread -> the others that may be on one CPU with it, in programs where there are any."""
    turns: Pairs = field(default_factory=dict)
    """Two of what threads that share a CPU do, each an event or a run (its entry) -> that the first is executed
    first."""
    reach: dict[int, Term] = field(default_factory=dict)
    """Event that something on its CPU may hold up for ever -> its guard, that apart."""
    held: dict[int, Term] = field(default_factory=dict)
    """Agent that something on its CPU may hold up for ever -> that it does."""
    holds: dict[int, Term] = field(default_factory=dict)
    """Thread that shares a CPU -> that it waits for ever with interrupts off, so that nobody else has its turn."""

    def of_thread(self, thread: int) -> list[GEvent]:
        return [event for event in self.events if event.thread == thread]

    def __str__(self) -> str:
        lines = [str(event) for event in self.events]
        for name, pairs in sorted({**self.deps, "amo": self.amo, "lxsx": self.lxsx}.items()):
            if pairs:
                lines.append(f"{name}: " + " ".join(f"{i}->{j}" for i, j in sorted(pairs)))
        return "\n".join(lines)
