"""A finished run of a machine as an `Execution`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.records import record, replace
from mmcheck.events.building import Building
from mmcheck.events.execution import Execution
from mmcheck.events.relations import closure, from_pairs
from mmcheck.events.relations import pairs as pairs_of
from mmcheck.ir.flat import flatten
from mmcheck.ir.instructions import Code
from mmcheck.ir.preemption import TakeOp, YieldOp
from mmcheck.ir.program import Program, Thread, state_cell, state_register
from mmcheck.machine.inorder import InOrder
from mmcheck.machine.outoforder import OutOfOrder
from mmcheck.machine.pipeline import FENCE, READ, WRITE, Entry
from mmcheck.machine.runner import FOREVER, Machine
from mmcheck.machine.values import known
from mmcheck.machine.walk import Path, Seen, dependencies, follow

MOST_EVENTS = 4_000
"""Events of a run that is told as an `Execution`: its order is a square of them."""

_KINDS = {READ: "R", WRITE: "W", FENCE: "F"}


@record
class Recording:
    """A run: the execution, each thread's path, and the requirements that some assertion of it violated."""

    execution: Execution
    paths: tuple[Path, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for path in self.paths for name, _ in path.failed))

    @property
    def stuck(self) -> tuple[str, ...]:
        agents = self.execution.threads
        return tuple([agents[i].name for i, path in enumerate(self.paths) if path.waiting is not None])


def recording(machine: Machine) -> Recording:
    """The run of `machine`, which was made with `record`. Raises `UnknownVerdict` for a run that is too long."""
    program, order = machine.program, machine.memory.order
    assert order is not None
    logs: list[list[Entry]] = []
    for agent in machine.agents:
        assert isinstance(agent, InOrder | OutOfOrder)
        agent.flush()
        assert agent.log is not None
        logs.append([entry for entry in agent.log if _happened(entry)])
    if sum(map(len, logs)) > MOST_EVENTS:
        raise UnknownVerdict(f"a run of more than {MOST_EVENTS} events is not kept as an execution")
    orders: list[list[tuple[int, int]]] | None = None
    switch: set[tuple[tuple[int, int], tuple[int, int]]] = set()
    if any(code.places for code in machine.codes):
        logs, orders = _separated(machine, logs)
        switch = _changes(logs)
        back = {(n, at): old for code in machine.codes for at, (n, old) in enumerate(code.places) if old >= 0
                and not isinstance(code.ops[at], TakeOp | YieldOp)}  # fmt: skip
        seen = [[_seen(entry)._replace(at=back[n, entry.pc]) for entry in log] for n, log in enumerate(logs)]
        paths = agents(program, seen, machine.choices)
    else:
        paths = [follow(code, [_seen(entry) for entry in log]) for code, log in zip(machine.codes, logs, strict=True)]
    sources = [[entry.source for entry in log] for log in logs]
    names = {id(entry): (i, k) for i, log in enumerate(logs) for k, entry in enumerate(log)}
    steps = [[entry.step for entry in log] for log in logs]
    rf = [[names.get(id(source)) for source in each] for each in sources]
    co = {address: [names[id(write)] for write in writes] for address, writes in order.items()}
    return Recording(told(program, paths, rf, co, steps, orders, switch), tuple(paths))


def _separated(machine: Machine, logs: list[list[Entry]]) -> tuple[list[list[Entry]], list[list[tuple[int, int]]]]:
    """What each agent did, handlers apart, and the order of what happened on each CPU (agent, position)."""
    out: list[list[Entry]] = [[] for _ in machine.program.threads]
    orders = []
    for code, log in zip(machine.codes, logs, strict=True):
        order = []
        for entry in log:
            thread = code.places[entry.pc][0]
            order.append((thread, len(out[thread])))
            out[thread].append(entry)
        orders.append(order)
    return out, orders


def _changes(logs: list[list[Entry]]) -> set[tuple[tuple[int, int], tuple[int, int]]]:
    """The pairs of events (agent, position) that a change of thread separates: in turns of different threads on one
    CPU."""
    placed = [((agent, k), entry) for agent, log in enumerate(logs) for k, entry in enumerate(log) if entry.turn]
    return {
        (a, b)
        for a, first in placed
        for b, second in placed
        if first.cpu == second.cpu and first.thread != second.thread and first.turn < second.turn  # type: ignore[operator]
    }


def agents(program: Program, seen: Sequence[Sequence[Seen]], choices: Mapping[str, str] | None = None) -> list[Path]:
    """The path of every agent that did what `seen` says; a run of a handler begins with what the one before it has
    left."""
    left: Left = {}
    paths = []
    for number, thread in enumerate(program.threads):
        code = begun(flatten(program, thread, bound=FOREVER, choices=choices), left)
        if thread.host is not None and not seen[number]:
            paths.append(Path(registers=[(name, code.initial[slot]) for name, slot in code.named]))
            continue
        paths.append(follow(code, seen[number]))
        leave(thread, paths[-1], left)
    return paths


Left: TypeAlias = dict[str, dict[str, int]]
"""For each handler, what its runs have left so far."""


def begun(code: Code, left: Left) -> Code:
    """`code`, a run of a handler with what the run before it has left."""
    kept = left.get(code.thread.handler, {}) if code.thread.host is not None else {}
    slots = dict(code.named)
    initial = list(code.initial)
    for name, value in kept.items():
        if name in slots:
            initial[slots[name]] = value
    return replace(code, initial=tuple(initial))


def leave(thread: Thread, path: Path, left: Left) -> None:
    """Remember what a run of a handler leaves for later ones."""
    if thread.host is not None:
        lasting = [(n, v) for n, v in path.registers if n.startswith("@") and not n.startswith("@%")]
        left[thread.handler] = {**left.get(thread.handler, {}), **dict(lasting)}


def _happened(entry: Entry) -> bool:
    if entry.kind == WRITE:
        return entry.happened
    if entry.kind == READ:
        return entry.source is not None
    return entry.kind == FENCE


def _seen(entry: Entry) -> Seen:
    if entry.kind == FENCE:
        return Seen("F", at=entry.pc)
    value = known(entry.data) if entry.kind == WRITE else entry.node.value if entry.node is not None else None
    return Seen(_KINDS[entry.kind], known(entry.address), value, entry.pc)


def told(
    program: Program,
    paths: Sequence[Path],
    rf: Sequence[Sequence[tuple[int, int] | None]],
    co: dict[int, list[tuple[int, int]]],
    steps: Sequence[Sequence[int | None]],
    orders: Sequence[Sequence[tuple[int, int]]] | None = None,
    switch: Collection[tuple[tuple[int, int], tuple[int, int]]] = (),
) -> Execution:
    """The execution of these paths. `rf` names for each event the write it reads as (thread, position), None for the
    initial one; `co` lists the writes of each location; `orders` the events of each CPU, if handlers ran there;
    `switch` the pairs that a change of thread on a CPU separates."""
    cells = {cell.address: cell for cell in program.cells}
    touched = sorted({item.address for path in paths for item in path.items if item.address is not None})
    building = Building(program)
    events = building.events
    init = {address: building.initial(address) for address in touched}
    relations: dict[str, set[tuple[int, int]]] = {"po": set(), "src": set(), "rf": set(), "co": set()}
    first = []
    for thread, path in enumerate(paths):
        start = len(events)
        first.append(start)
        for index, item in enumerate(path.items):
            elsewhere = "" if item.address is None else hex(item.address)
            building.add(
                thread,
                item.kind,
                item.tags,
                item.address,
                item.value,
                item.width or 32,
                item.origin,
                elsewhere=elsewhere,
                step=steps[thread][index],
            )
        relations["po"] |= {(i, j) for i in range(start, len(events)) for j in range(i + 1, len(events))}
        for name, pairs in dependencies(path.items, start).items():
            relations.setdefault(name, set()).update(pairs)
    for order in orders or ():
        numbers = [first[thread] + index for thread, index in order]
        relations["po"] |= {(a, b) for i, a in enumerate(numbers) for b in numbers[i + 1 :]}
    relations["src"] = set(relations["po"])
    relations["switch"] = {(first[a[0]] + a[1], first[b[0]] + b[1]) for a, b in switch}
    if switch:
        relations["po"] = set(pairs_of(closure(from_pairs(len(events), relations["po"] | relations["switch"]))))
    for thread, path in enumerate(paths):
        for index, item in enumerate(path.items):
            if item.kind == "R" and item.address is not None:
                source = rf[thread][index]
                write = init[item.address] if source is None else first[source[0]] + source[1]
                relations["rf"].add((write, first[thread] + index))
    final = {state_cell(cell.name).name: cell.init for cell in program.cells}
    for address, writes in co.items():
        chain = [init[address], *[first[thread] + index for thread, index in writes]]
        relations["co"] |= {(a, b) for i, a in enumerate(chain) for b in chain[i + 1 :]}
        cell = cells.get(address)
        if cell is not None:
            final[state_cell(cell.name).name] = events[chain[-1]].value or 0
    for agent, path in zip(program.threads, paths, strict=True):
        for name, number in path.registers:
            final[state_register(agent.name, name.removeprefix("@")).name] = number
    frozen = {name: frozenset(pairs) for name, pairs in relations.items() if pairs}
    return building.execution(frozen, final)
