"""A given run, on a machine: from an `Execution` to a schedule, and from the schedule to an `Execution` again.

A counterexample of the solver says what was read and in which order writes took effect. Here an order of steps of the
machine is looked for that makes exactly this happen; the machine then runs the program's own code in that order and
tells
its run as any other. Nothing of the given execution but the schedule, and the choices that the program leaves open,
goes in.

* SC and x86-TSO: accesses take effect in an order that the model's own order (``ghb``) allows; a thread runs ahead into
  its store buffer as far as needed.
* Armv8: a search through the states of `mmcheck.machine.armv8` that agree with the execution. Orders that the model
  demands come first, so that it hardly ever goes back.

If the execution is one that a compiler made possible, the threads that it compiled are run as the compiler emitted them
(`mmcheck.machine.emitted`); that their events are those of the program's code is checked before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from mmcheck.base.errors import UnknownVerdict
from mmcheck.events.execution import Event, Execution
from mmcheck.events.relations import bits, closure, from_pairs, union
from mmcheck.ir.instructions import Code
from mmcheck.ir.program import Cell, Program
from mmcheck.machine import frontend
from mmcheck.machine.armv8 import Explorer, Mark, State, Thread, View, is_atomic
from mmcheck.machine.frontend import Front
from mmcheck.machine.inorder import InOrder
from mmcheck.machine.interrupts import codes, unsupported
from mmcheck.machine.memory import Counts, Memory
from mmcheck.machine.pipeline import FENCE, READ, WRITE, Entry
from mmcheck.machine.record import Recording, told
from mmcheck.machine.record import agents as paths_of
from mmcheck.machine.runner import FOREVER, Machine, machine_for
from mmcheck.machine.values import known
from mmcheck.machine.walk import Mismatch, Path, follow, seen_of
from mmcheck.model.concrete import frame_of
from mmcheck.model.model import load_model, with_turns
from mmcheck.target.architecture import Runner
from mmcheck.target.targets import architecture_of, hardware_tags

_HARDWARE = frozenset(hardware_tags())

Place = tuple[int, int]
"""An event: thread, and position in it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a schedule. `action` is ``read``, ``forward``, ``write``, or on x86 ``execute`` and ``drain``."""

    thread: int
    action: str
    event: int

    def __str__(self) -> str:
        return f"{self.thread}:{self.action}:{self.event}"


@dataclass(frozen=True, slots=True)
class Replay:
    """A schedule, and the run that the machine made of it.

    `program` is what ran. `given` is the execution asked for, its events numbered as the machine took them: what the
    compiler reordered, and the fields of a record that are in no order.
    """

    program: Program
    given: Execution
    schedule: tuple[Step, ...]
    recording: Recording


Run: TypeAlias = tuple[list[Step], list[list[int | None]], list[list[Place | None]], dict[int, list[Place]]]
"""A schedule, and for each event when it happened, what it read, and the writes of each location."""


class CannotReplay(UnknownVerdict):
    """The machine does not make this run; `reason` says why."""


def replay(program: Program, execution: Execution, choices: Mapping[str, str] | None = None) -> Replay:
    """Make `program`, on the machine of its target, do exactly what `execution` says. Raises `CannotReplay`."""
    from mmcheck.machine.emitted import emitted, is_emitted

    missing = unsupported(program)
    if missing:
        raise CannotReplay(f"the machines do not run: {', '.join(missing)}")
    kind = machine_for(program.target)
    if is_emitted(execution, program):
        try:  # that the events are those of the text, each agent by itself
            everybody = [list(execution.of_thread(number)) for number in range(len(program.threads))]
            paths_of(program, [seen_of(execution, events) for events in everybody], choices)
        except Mismatch as mismatch:
            raise CannotReplay(f"event {mismatch.position + 1} of an agent: {mismatch.reason}") from None
        program, execution = emitted(program, execution)
        choices = None
    given = Given(program, execution, choices)
    if kind != "out of order":
        execution = given.timed()
        given = Given(program, execution, choices)
    execution = given.execution
    paths = [given.walk(code) for code in range(len(given.codes))]
    given.memory(execution)
    run = _out_of_order(given, paths) if kind == "out of order" else _in_order(given, paths, kind)
    (schedule, steps, rf, co), found = given.by_agent(run)
    switch = given.turns(steps)
    orders = [list(agents) for agents in given.agents]
    told_again = told(_with_stray(program, execution), found, rf, co, steps, orders, switch)
    return Replay(program, execution, tuple(schedule), Recording(told_again, tuple(found)))


def same(given: Execution, found: Execution) -> list[str]:
    """How the run `found` differs from `given`: events, reads-from, coherence, read-modify-writes, and order, of
    which it
    may have more where `given` leaves it open (the fields of one record store). Empty if it does not.

    Locations outside the program's memory have no coherence order in `given`.
    """
    a_events, a = _shape(given)
    b_events, b = _shape(found)
    out = [
        f"event {key}: {a_events.get(key)} and {b_events.get(key)}"
        for key in sorted(a_events.keys() | b_events.keys())
        if a_events.get(key) != b_events.get(key)
    ]
    for name, pairs in a.items():
        other = pairs - b[name] if name == "po" else pairs ^ b[name]
        out += [f"{name}: {pair[0]} -> {pair[1]} is in one of the two only" for pair in sorted(other)]
    return out


def _shape(
    execution: Execution,
) -> tuple[dict[Place, tuple[object, ...]], dict[str, set[tuple[Place, Place]]]]:
    """Events and relations by thread and position; initial writes are those of thread -1."""
    place: dict[int, Place] = {}
    events: dict[Place, tuple[object, ...]] = {}
    order = _order(execution)
    stray = {e.id for e in execution.events if e.kind != "F" and (not e.location or e.location.startswith("0x"))}
    for event in execution.events:
        if event.is_init:
            place[event.id] = (-1, event.address or 0)
        else:
            place[event.id] = key = (event.thread, order[event.id])
            events[key] = (event.kind, event.address, event.value, event.tags & _HARDWARE)
    relations = {}
    for name in ("rf", "co", "amo", "lxsx", "po"):
        pairs = execution.relation(name)
        if name in ("rf", "co"):
            pairs = frozenset([pair for pair in pairs if pair[1] not in stray])
        relations[name] = {(place[a], place[b]) for a, b in pairs}
    return events, relations


def _order(execution: Execution) -> dict[int, int]:
    """The position of each event in its thread, as the machine has it."""
    if execution.linear is not None:
        return {event: k for order in execution.linear for k, event in enumerate(order)}
    return {e.id: k for t in range(len(execution.threads)) for k, e in enumerate(execution.of_thread(t))}


def _stream(program: Program, execution: Execution, number: int) -> list[Event]:
    """The events of an agent, each run of a handler where it came."""
    order = execution.relation("po")
    runs = []
    for other, thread in enumerate(program.threads):
        if thread.host == number:
            inside = _stream(program, execution, other)
            if inside:
                runs.append(inside)
    runs = sorted(runs, key=lambda run: sum((each[0].id, run[0].id) in order for each in runs))
    mine = [list[Event]() for _ in range(len(runs) + 1)]
    for event in execution.of_thread(number):
        mine[sum((run[0].id, event.id) in order for run in runs)].append(event)
    out = mine[0]
    for run, behind in zip(runs, mine[1:], strict=True):
        out += [*run, *behind]
    return out


def _with_stray(program: Program, execution: Execution) -> Program:
    """`program` with a cell wherever `execution` reads something that stands outside its memory."""
    known_cells = {cell.address for cell in program.cells}
    extra: dict[int, Cell] = {}
    for event in execution.events:
        if event.kind == "R" and event.address is not None and event.address not in known_cells:
            extra.setdefault(event.address, Cell(hex(event.address), event.address, event.width, event.value or 0))
    return replace(program, cells=(*program.cells, *extra.values())) if extra else program


class Given:
    """An execution, by code and position. A code is that of a thread with the handlers that interrupt it; `streams` are
    its events, each run of a handler where it came, `agents` whose they are: thread, and position in it."""

    def __init__(self, program: Program, execution: Execution, choices: Mapping[str, str] | None) -> None:
        self.program = program
        self.choices = choices
        came = {event.thread for event in execution.events}
        hosts: dict[tuple[str, int], int] = {}
        for number, thread in enumerate(program.threads):
            if thread.host is not None and (number in came or (thread.handler, thread.run) not in hosts):
                hosts[thread.handler, thread.run] = number
        self.codes: list[Code] = codes(program, hosts, bound=FOREVER, choices=choices)
        roots = [number for number, thread in enumerate(program.threads) if thread.host is None]
        self.streams = [_stream(program, execution, root) for root in roots]
        self.agents: list[list[Place]] = []
        count = [0] * len(program.threads)
        for stream in self.streams:
            self.agents.append([])
            for event in stream:
                self.agents[-1].append((event.thread, count[event.thread]))
                count[event.thread] += 1
        index = {e.id: agent[1] for stream, agents in zip(self.streams, self.agents, strict=True)
                 for e, agent in zip(stream, agents, strict=True)}  # fmt: skip
        events = tuple([e if e.is_init else replace(e, index=index[e.id]) for e in execution.events])
        self.execution = replace(execution, events=events) if execution.linear is None else execution
        self.place: dict[int, Place] = {e.id: (n, k) for n, each in enumerate(self.streams) for k, e in enumerate(each)}
        self.event: dict[Place, int] = {place: number for number, place in self.place.items()}
        self.source: dict[Place, Place | None] = {}
        for write, read in execution.relation("rf"):
            self.source[self.place[read]] = self.place.get(write)
        self.initial: dict[int, int] = {}

    def by_agent(
        self, run: Run
    ) -> tuple[Run, list[Path]]:  # fmt: skip
        """What a machine made of the codes, told of the agents, and the path of each."""
        schedule, steps, rf, co = run
        agents = self.agents
        out_steps: list[list[int | None]] = [[] for _ in self.program.threads]
        out_rf: list[list[Place | None]] = [[] for _ in self.program.threads]
        done: list[list[Event]] = [[] for _ in self.program.threads]
        for code, stream in enumerate(self.streams):
            for k, event in enumerate(stream):
                source = rf[code][k]
                out_steps[event.thread].append(steps[code][k])
                out_rf[event.thread].append(None if source is None else agents[source[0]][source[1]])
                done[event.thread].append(event)
        seen = [seen_of(self.execution, events) for events in done]
        named = [Step(agents[step.thread][step.event][0], step.action, agents[step.thread][step.event][1])
                 if step.event < len(agents[step.thread]) else step for step in schedule]  # fmt: skip
        chains = {address: [agents[code][k] for code, k in chain] for address, chain in co.items()}
        return (named, out_steps, out_rf, chains), paths_of(self.program, seen, self.choices)

    def turns(self, steps: Sequence[Sequence[int | None]]) -> set[tuple[Place, Place]]:
        """The pairs of events that a change of thread separates. Raises `CannotReplay` if the machine did not keep to
        them."""
        found = set()
        agent = {number: self.agents[code][k] for number, (code, k) in self.place.items()}
        for a, b in self.execution.relation("switch"):
            first, second = agent[a], agent[b]
            before, after = steps[first[0]][first[1]], steps[second[0]][second[1]]
            kinds = self.execution.events[a].kind, self.execution.events[b].kind
            if "F" not in kinds and not (before is not None and after is not None and before < after):
                raise CannotReplay("the turns of threads on one CPU are not in the order of the execution")
            found.add((first, second))
        return found

    def memory(self, execution: Execution) -> None:
        """What stands in memory at first; a read from nowhere finds what it is said to have found."""
        self.initial = {cell.address: cell.init for cell in self.program.cells}
        for event in execution.events:
            if event.kind == "R" and event.address is not None:
                self.initial.setdefault(event.address, event.value or 0)

    def path(self, code: int, *, whole: bool = True) -> Path:
        """The path through a code; `whole` as for `seen_of`. Raises `Mismatch` if it does not do what the execution
        says."""
        return follow(self.codes[code], seen_of(self.execution, self.streams[code], whole=whole, who=True))

    def walk(self, code: int) -> Path:
        """The path through a code. Raises `CannotReplay` if it does not do what the execution says."""
        try:
            return self.path(code)
        except Mismatch as mismatch:
            name = self.codes[code].thread.name
            raise CannotReplay(f"{name}, event {mismatch.position + 1}: {mismatch.reason}") from None

    def timed(self) -> Execution:
        """The execution with the fields of each record in an order in which a thread can take them one by one."""
        execution, before = self.execution, self.demanded()
        rank: dict[int, int] = {}
        left = [event.id for event in execution.events]
        done = 0
        while left:
            ready = next((e for e in left if not before[e] & ~done & ~(1 << e)), left[0])
            rank[ready] = len(rank)
            done |= 1 << ready
            left.remove(ready)
        order = execution.relation("po")
        index: dict[int, int] = {}
        for thread in range(len(execution.threads)):
            groups: list[list[int]] = []
            for event in execution.of_thread(thread):
                if groups and not any((other, event.id) in order for other in groups[-1]):
                    groups[-1].append(event.id)
                else:
                    groups.append([event.id])
            for number in [e for group in groups for e in sorted(group, key=rank.__getitem__)]:
                index[number] = len([e for e in index if execution.events[e].thread == thread])
        events = tuple([e if e.is_init else replace(e, index=index[e.id]) for e in execution.events])
        return replace(execution, events=events)

    def demanded(self) -> list[int]:
        """For each event, as bits, those that the model puts before it (transitively)."""
        model = load_model(architecture_of(self.program.target).name)
        execution = self.execution
        model = with_turns(model) if execution.relation("switch") else model
        n = len(execution.events)
        frame = frame_of(model, execution)
        rf, co = from_pairs(n, execution.relation("rf")), from_pairs(n, execution.relation("co"))
        order = (0,) * n
        for axiom in model.axioms:
            if axiom.kind == "acyclic" and not axiom.negated and not model.is_coherence(axiom):
                order = union(order, frame.relation(axiom.node, rf, co))
        if model.is_sc:
            for name in ("po", "rf", "co"):
                order = union(order, from_pairs(n, execution.relation(name)))
        after = closure(order)
        before = [0] * n
        for i, row in enumerate(after):
            for j in bits(row):
                before[j] |= 1 << i
        return before


# --- SC and x86-TSO ----------------------------------------------------------------------------------


def _in_order(given: Given, paths: Sequence[Path], kind: Runner) -> Run:
    execution, program = given.execution, given.program
    memory = Memory(given.initial, record=True)
    counts = Counts()
    agents = [
        InOrder(number, code, memory, counts, buffered=kind == "buffered", tries={}, log=True)
        for number, code in enumerate(given.codes)
    ]
    for agent, path in zip(agents, paths, strict=True):
        agent.pieces = deque(path.pieces)
        agent.outcomes = deque(path.exclusives)
        agent.taken = deque(path.taken)
    run = Machine(program, kind, memory, list(agents), given.codes, counts)
    before = given.demanded()
    merged = {read: write for name in ("amo", "lxsx") for read, write in execution.relation(name)
              if kind == "sequential" or "X" in execution.events[read].tags}  # fmt: skip
    if kind != "buffered":
        merged = {read: write for read, write in merged.items() if (read, write) in execution.relation("amo")}
    done = sum(1 << event.id for event in execution.events if event.is_init or event.kind == "F")
    left = [event.id for event in execution.events if not event.is_init and event.kind != "F"]
    schedule: list[Step] = []

    def reach(thread: int, position: int) -> None:
        agent = agents[thread]
        assert agent.log is not None
        while len(agent.log) <= position:
            count, buffered = len(agent.log), len(agent.buffer)
            run.now += 1
            if not agent.execute(run.now) or agent.ended:
                raise CannotReplay(f"{agent.name} cannot go on at event {len(agent.log) + 1}")
            action = "drain" if len(agent.buffer) < buffered else "execute"
            schedule.append(Step(thread, action, count))

    while left:
        ready = [e for e in left if not before[e] & ~done & ~(1 << e) & ~(1 << merged.get(e, e))]
        ready = [e for e in ready if e not in merged or not before[merged[e]] & ~done & ~(1 << e) & ~(1 << merged[e])]
        if not ready:
            raise CannotReplay("the order of the execution has a cycle")
        number = ready[0]
        event = execution.events[number]
        thread, position = given.place[number]
        reach(thread, position)
        agent = agents[thread]
        if event.kind == "W":
            assert agent.log is not None
            entry = agent.log[position]
            while not entry.happened:
                run.now += 1
                if not agent.buffer or not agent.drain(run.now):
                    raise CannotReplay(f"{agent.name} cannot store event {position + 1}")
                schedule.append(Step(thread, "drain", position))
        done |= 1 << number
        left.remove(number)
    for number, path in enumerate(paths):
        reach(number, len(path.items) - 1)
    logs = [agent.log or [] for agent in agents]
    names = {id(entry): (t, k) for t, log in enumerate(logs) for k, entry in enumerate(log)}
    rf = [[names.get(id(entry.source)) for entry in log] for log in logs]
    assert memory.order is not None
    co = {address: [names[id(write)] for write in writes] for address, writes in memory.order.items()}
    steps = [[entry.step for entry in log] for log in logs]
    _values(
        given,
        paths,
        [[known(e.data) if e.kind == WRITE else e.node.value if e.node else None for e in log] for log in logs],
    )
    return schedule, steps, rf, co


def _values(given: Given, paths: Sequence[Path], values: Sequence[Sequence[int | None]]) -> None:
    """The machine's values are those of the paths."""
    for thread, (path, found) in enumerate(zip(paths, values, strict=True)):
        if len(found) < len(path.items):
            raise CannotReplay(f"{given.codes[thread].thread.name} has {len(found)} of {len(path.items)} events")
        for position, (item, value) in enumerate(zip(path.items, found, strict=False)):
            if item.kind != "F" and item.value != value:
                name = given.codes[thread].thread.name
                raise CannotReplay(f"{name}, event {position + 1}: {value} and not {item.value}")


# --- Armv8 -------------------------------------------------------------------------------------------


def _out_of_order(given: Given, paths: Sequence[Path]) -> Run:
    threads = [_Guided(number, code, path) for number, (code, path) in enumerate(zip(given.codes, paths, strict=True))]
    explorer = Explorer(given.program, [], 0, settle=True)
    explorer.initial = given.initial
    before = given.demanded()
    accesses = {n: place for n, place in given.place.items() if given.execution.events[n].kind != "F"}
    everything = sum(1 << n for n in accesses)
    co = _chains(given)
    start = State(tuple([thread.start for thread in threads]), ())
    if -1 in start.threads:
        raise CannotReplay("a thread cannot begin as the execution says")
    trail: list[tuple[State, list[int], int]] = []
    dead: set[int] = set()
    state, done = start, 0
    rank = {n: before[n].bit_count() for n in accesses}
    chosen: list[tuple[int, str]] = []
    options = sorted(accesses, key=lambda n: (rank[n], n))
    work = list(options)
    while done != everything:
        moved = None
        while work:
            number = work.pop(0)
            if done >> number & 1 or done | 1 << number in dead:
                continue
            moved = _take(given, threads, explorer, state, number, co)
            if moved is not None:
                break
        if moved is None:
            dead.add(done)
            if not trail or len(dead) > 20_000:
                raise CannotReplay("the machine cannot bring the execution about")
            state, work, done = trail.pop()
            chosen.pop()
            continue
        trail.append((state, work, done))
        chosen.append((number, moved[1]))
        state, done = moved[0], done | 1 << number
        work = [n for n in options if not done >> n & 1]
    steps: list[list[int | None]] = [[None] * len(path.items) for path in paths]
    schedule = []
    for now, (number, action) in enumerate(chosen):
        thread, position = accesses[number]
        schedule.append(Step(thread, action, position))
        steps[thread][position] = now
    rf: list[list[Place | None]] = [[None] * len(path.items) for path in paths]
    for thread, guided in enumerate(threads):
        for position, entry in enumerate(guided.entries(state.threads[thread])):
            if entry.kind == READ:
                source = entry.source
                assert isinstance(source, tuple)
                rf[thread][position] = None if source[0] < 0 else (source[0], threads[source[0]].position[source[1]])
    chains = {address: [(w[0], threads[w[0]].position[w[1]]) for w, _ in chain[1:]] for address, chain in state.memory}
    values = [[known(e.data) if e.kind == WRITE else e.node.value if e.node else None for e in g.entries(n)]
              for g, n in zip(threads, state.threads, strict=True)]  # fmt: skip
    _values(given, paths, values)
    return schedule, steps, rf, chains


def _chains(given: Given) -> dict[int, list[Place]]:
    """The writes of each location in coherence order."""
    rank: dict[int, int] = {}
    for _, later in given.execution.relation("co"):
        rank[later] = rank.get(later, 0) + 1
    out: dict[int, list[tuple[int, Place]]] = {}
    for event in given.execution.events:
        if event.kind == "W" and not event.is_init and event.address is not None:
            out.setdefault(event.address, []).append((rank.get(event.id, 0), given.place[event.id]))
    return {address: [place for _, place in sorted(found)] for address, found in out.items()}


def _take(
    given: Given, threads: Sequence[_Guided], explorer: Explorer, state: State, number: int,
    co: Mapping[int, list[Place]],
) -> tuple[State, str] | None:  # fmt: skip
    """Let event `number` happen now, as the execution has it; None if the machine cannot."""
    thread, position = given.place[number]
    guided = threads[thread]
    view = guided.views[state.threads[thread]]
    memory = dict(state.memory)
    for choice in view.choices:
        entry, address = choice.entry, choice.address
        if guided.position.get(entry.ordinal) != position:
            continue
        chain = memory.get(address) or explorer.start(address)
        if entry.kind == WRITE:
            if co[address][len(chain) - 1] != (thread, position):
                return None
            if not is_atomic(entry, chain, thread):
                return None
            after = guided.after(view, (entry.ordinal, True))
            value = known(entry.data)
            assert value is not None
            changed = tuple(sorted({**memory, address: (*chain, ((thread, entry.ordinal), value))}.items()))
            moved = list(explorer.moved(state, thread, after, changed))
            return (moved[0], "write") if moved else None
        wanted = given.source[thread, position] if (thread, position) in given.source else None
        if choice.store is not None:
            if wanted != (thread, guided.position[choice.store.ordinal]):
                return None
            value = known(choice.store.data)
            assert value is not None
            after = guided.reads(view, choice, value, (thread, choice.store.ordinal))
            action = "forward"
        else:
            write, value = chain[-1]
            found = None if write[0] < 0 else (write[0], threads[write[0]].position[write[1]])
            if found != wanted:
                return None
            after = guided.reads(view, choice, value, write)
            action = "read"
        moved = list(explorer.moved(state, thread, after))
        return (moved[0], action) if moved else None
    return None


class _Guided(Thread):
    """A thread of the Armv8 machine that takes one path: the one that `path` says. `position` maps the ordinal of an
    instruction to its event's position."""

    def __init__(self, number: int, code: Code, path: Path) -> None:
        self.path = path
        self.decisions: dict[int, Mark] = {}
        self.position: dict[int, int] = {}
        self.survey(code)
        super().__init__(number, code, settle=True, last=max(self.position, default=-1))

    def survey(self, code: Code) -> None:
        """Fetch the path once with every value known, and note the decisions and where the events stand."""
        pieces, exclusives = deque(self.path.pieces), deque(self.path.exclusives)
        taken = deque(self.path.taken)
        outcomes = deque(self.path.outcomes)
        back: Mark = False

        def decide(ordinal: int, kind: str, options: tuple[object, ...]) -> object:
            nonlocal back
            mark: object = options[0]
            if kind == frontend.PIECE:
                mark = pieces.popleft() if pieces else options[0]
            elif kind == frontend.EXCLUSIVE:
                mark = exclusives.popleft() if exclusives else False
            elif kind == frontend.OUTCOME:
                mark, back = outcomes.popleft() if outcomes else (True, False)
            elif kind == frontend.WRITE_BACK:
                mark = back
            elif kind == frontend.TAKE:
                mark = taken.popleft() if taken else False
            elif kind == frontend.GIVE_WAY:
                mark = False  # the order of the schedule is that of the turns
            self.decisions[ordinal] = mark
            return mark

        front = Front(code, decide, settle=True)
        done = position = 0
        while position < len(self.path.items):
            more = front.fetch()
            for entry in front.entries[done:]:
                counts = entry.kind in (READ, FENCE) or (entry.kind == WRITE and entry.exists != 0)
                if counts and position < len(self.path.items):
                    self.position[entry.ordinal] = position
                    if entry.kind == READ and entry.node is not None:
                        entry.node.value = self.path.items[position].value
                    position += 1
            done = len(front.entries)
            if not more:
                break

    def build(self, marks: Mapping[int, Mark]) -> View:
        return super().build({**self.decisions, **marks})

    def entries(self, number: int) -> list[Entry]:
        """The events of a state, in order."""
        return [entry for entry in self.views[number].front.entries if entry.ordinal in self.position]
