"""Runs of a program on an operational machine: by chance, with a seed that makes them repeatable.

A scheduler picks an agent, the agent does one thing; a run is over when every agent has ended, or waits for what
nobody will change. Agents are threads of the program (`InOrder` on SC and x86-TSO, `OutOfOrder` on Armv8) and, beside
them,
whatever has their methods: the device of `mmcheck.machine.gpu`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Protocol

from mmcheck.base.errors import UnknownVerdict
from mmcheck.ir import parts
from mmcheck.ir import program as ir
from mmcheck.ir.instructions import Code, TestOp
from mmcheck.ir.program import Program
from mmcheck.machine import interrupts
from mmcheck.machine.cpus import Cpus, Discarded
from mmcheck.machine.decode import Op, decode
from mmcheck.machine.inorder import InOrder
from mmcheck.machine.memory import Counts, Memory
from mmcheck.machine.outoforder import OutOfOrder
from mmcheck.target.architecture import Runner
from mmcheck.target.targets import runner_of

MOST_TRIES = 1_000
"""How often a run is made anew that turned out not to exist."""
FOREVER = 1 << 62
"""The bound on loops of a running machine: none."""


class Agent(Protocol):
    """Something that takes steps. `idle`: it waits, and has looked at this version of memory in vain."""

    name: str

    @property
    def finished(self) -> bool: ...

    def idle(self, version: int) -> bool: ...

    def may_give_up(self) -> bool: ...

    def give_up(self) -> None: ...

    def step(self, random: Random, now: int) -> bool: ...


@dataclass(slots=True)
class Finish:
    """How a run went. `stuck` are agents that wait for ever; `failed` the requirements that an assertion violated."""

    counts: Counts
    stuck: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    """Threads whose CPU another keeps for ever."""
    failed: tuple[str, ...] = ()
    stopped: bool = False
    """Whether the limit of steps was reached."""


@dataclass(slots=True)
class Machine:
    """A program on a machine, ready to run once."""

    program: Program
    kind: Runner
    memory: Memory
    agents: list[Agent]
    codes: list[Code]
    counts: Counts = field(default_factory=Counts)
    now: int = 0
    choices: Mapping[str, str] | None = None

    def run(self, random: Random, *, limit: int = 10_000_000, until: Callable[[], bool] | None = None) -> Finish:
        """Run to the end, at most `limit` steps, or until `until` says so (asked every 64 steps)."""
        agents, memory, counts = self.agents, self.memory, self.counts
        choose = random.random
        waiting = 0
        live = [agent for agent in agents if not agent.finished]
        end = self.now + limit
        while live:
            agent = live[int(choose() * len(live))]
            if agent.step(random, self.now):
                self.now += 1
                waiting = 0
                if self.now >= end:
                    break
                if until is not None and not self.now & 63 and until():
                    break
            else:
                waiting += 1
            if agent.finished:
                live = [each for each in agents if not each.finished]
                waiting = 0
            elif (waiting > 8 * len(live) or not self.now & 255) and self.settled(live, memory.version):
                givers = [each for each in live if each.may_give_up()]
                if not givers:
                    break
                givers[int(choose() * len(givers))].give_up()
            elif waiting > 200 * len(live):
                due = [agent.due for agent in live if isinstance(agent, OutOfOrder) and agent.due is not None]
                if not due:
                    break
                self.now, waiting = min(due), 0  # nothing else happens before a slow store is through
        counts.steps = self.now
        failed = tuple(dict.fromkeys(name for agent in agents for name in getattr(agent, "failed", ())))
        stopped = self.now >= end
        if not stopped and self.pending():
            raise Discarded("an interrupt is raised that only another thread could take")
        stuck, held = self.waiting(live)
        return Finish(counts, stuck, held, failed, stopped)

    def pending(self) -> bool:
        """Whether an interrupt is raised in the end, and its handler has a run left."""
        ends: list[interrupts.End] = []
        if not any(thread.latch is not None for thread in self.program.threads):
            return False
        for agent in self.agents:
            if isinstance(agent, OutOfOrder):
                ends.append((agent.standing, agent.numbers()))
            elif isinstance(agent, InOrder):
                ends.append((agent.pc, agent.registers))
        agents = [each for each in self.agents if isinstance(each, InOrder | OutOfOrder)]
        held = frozenset([number for number, each in enumerate(agents) if each.behind is not None])
        return interrupts.is_pending(self.program, self.codes, ends, lambda place: self.memory.load(place, 64), held)

    def waiting(self, live: Iterable[Agent]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Of those that have not ended, who waits, and who is held up."""
        stuck, held = [], []
        for agent in live:
            if not isinstance(agent, InOrder | OutOfOrder):
                stuck.append(agent.name)
            elif agent.behind is not None:
                held.append(agent.name)
            elif not agent.over:
                standing = agent.standing if isinstance(agent, OutOfOrder) else agent.pc
                stuck.append(interrupts.who(self.program, agent.code, standing))
        return tuple(stuck), tuple(held)

    def settled(self, live: Iterable[Agent], version: int) -> bool:
        return all(agent.idle(version) for agent in live)


def machine_for(target: str) -> Runner:
    """The machine that runs programs for `target` (``armv8+lse`` ...). Raises `UnknownVerdict` if there is none."""
    kind = runner_of(target)
    if kind is None:
        raise UnknownVerdict(f"there is no machine for {target}")
    return kind


def tries_of(program: Program, code: Code, limit: int | None = None) -> dict[int, int]:
    """For each await of `code` that may give up, its number and after how many rounds."""
    wanted: dict[int, int] = {}
    for body in parts.bodies_of(program):
        for statement in parts.walk(body):
            if isinstance(statement, ir.Await) and statement.tries is not None:
                wanted[id(statement.origin)] = statement.tries
    tests = [op for op in code.ops if isinstance(op, TestOp) and op.orelse is not None]
    found = {op.number: wanted.get(id(op.origin), 1) for op in tests}
    return found if limit is None else {number: min(tries, limit) for number, tries in found.items()}


@dataclass(frozen=True, slots=True)
class Prepared:
    """What all runs of one program share: its code, also decoded, and after how many looks its awaits give up."""

    codes: list[Code]
    ops: list[tuple[Op, ...]]
    tries: list[dict[int, int]]
    others: tuple[Prepared, ...] = ()
    """The same with handlers on other threads (`mmcheck.machine.interrupts`); each run takes one of them."""


def prepare(program: Program, *, choices: Mapping[str, str] | None = None, tries: int | None = None) -> Prepared:
    """Make `program` ready for many runs; `choices` and `tries` as for `machine`. Raises `UnknownVerdict` for what no
    machine runs."""
    ways = []
    for hosts in interrupts.assignments(program):
        codes = interrupts.codes(program, hosts, bound=FOREVER, choices=choices)
        limits = [tries_of(program, code, tries) for code in codes]
        ways.append(Prepared(codes, [decode(code) for code in codes], limits))
    return replace(ways[0], others=tuple(ways[1:]))


def machine(
    program: Program,
    random: Random,
    *,
    kind: Runner | None = None,
    choices: Mapping[str, str] | None = None,
    prepared: Prepared | None = None,
    record: bool = False,
    memory: Memory | None = None,
    tries: int | None = None,
    window: int = 16,
    haste: float = 1.0,
    slow: float = 0.0,
) -> Machine:
    """`program` on the machine of its target. `record`: keep what is needed to tell the run as an `Execution`.

    `tries` limits how often an await that may give up looks; `window`, `haste` and `slow` are those of `OutOfOrder`.
    Raises `UnknownVerdict` for what no machine runs.
    """
    kind = machine_for(program.target) if kind is None else kind
    counts = Counts()
    if memory is None:
        memory = Memory({cell.address: cell.init for cell in program.cells}, record=record)
    ready = prepare(program, choices=choices, tries=tries) if prepared is None else prepared
    if ready.others:
        ready = random.choice((ready, *ready.others))
    agents: list[Agent] = []
    for number, (code, ops, limits) in enumerate(zip(ready.codes, ready.ops, ready.tries, strict=True)):
        if kind == "out of order":
            agents.append(
                OutOfOrder(
                    number,
                    code,
                    memory,
                    counts,
                    tries=limits,
                    log=record,
                    random=random,
                    window=window,
                    haste=haste,
                    slow=slow,
                    ops=ops,
                )
            )
        else:
            buffered = kind == "buffered"
            agents.append(
                InOrder(
                    number, code, memory, counts, buffered=buffered, tries=limits, log=record, ops=ops, random=random
                )
            )
    if any(code.shares for code in ready.codes):
        cpus = Cpus()
        for agent in agents:
            assert isinstance(agent, InOrder | OutOfOrder)
            if agent.code.shares:
                agent.cpus = cpus
    return Machine(program, kind, memory, agents, ready.codes, counts, choices=choices)


def once(
    program: Program, random: Random, *, prepared: Prepared | None = None, record: bool = False, limit: int = 10_000_000
) -> tuple[Machine, Finish]:
    """One run of `program` by chance, made anew as long as what comes out is none. Raises `UnknownVerdict` if none is
    found."""
    ready = prepare(program) if prepared is None else prepared
    for _ in range(MOST_TRIES):
        made = machine(program, random, prepared=ready, record=record)
        try:
            return made, made.run(random, limit=limit)
        except Discarded:
            pass
    raise UnknownVerdict(f"{MOST_TRIES} tries by chance have come to no run")
