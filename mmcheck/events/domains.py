"""What a read may return: value sets, address sets and may-read-from of an event graph.

Every value of a bounded program comes from a constant through at most as many writes as there are, so sets of
possible values are found by iteration from the initial values. They are over-approximations that ignore
correlation; values that nothing grounds (out of thin air) are not among them. If the model is coherent, sources
that break coherence whatever else happens are left out. Of a term that may take many values, such as a sum of all that
was read, only the largest is known; unless it is an address, that is enough.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import prod

from mmcheck.base.errors import UnknownVerdict
from mmcheck.events.graph import EventGraph, GEvent
from mmcheck.events.terms import Term, walk
from mmcheck.ir.program import Cell, apply

MAX_VALUES, MAX_PRODUCT = 512, 40_000
"""Values that are listed of a term, and combinations of its operands', if an address may depend on it."""
FEW_VALUES, FEW_PRODUCT = 128, 1_024
"""And of all others."""
NOTHING = 0
"""What a read returns that can only go where no cell stands."""

Set = frozenset[int]
BOOLS: Set = frozenset((0, 1))


@dataclass(slots=True)
class Domains:
    """`values` by term number, or the `largest` where they are not listed; `addresses` and `sources` (events a read may
    read from) by event id.

    `wild` are accesses that may go to an address where no cell stands. Initial writes have been appended to the
    graph's events, one per cell that some event may access.
    """

    graph: EventGraph
    values: dict[int, Set] = field(default_factory=dict)
    largest: dict[int, int] = field(default_factory=dict)
    addresses: dict[int, Set] = field(default_factory=dict)
    sources: dict[int, list[GEvent]] = field(default_factory=dict)
    writers: dict[int, list[GEvent]] = field(default_factory=dict)
    """Writes that may go to an address, initial one first, by address."""
    wild: list[int] = field(default_factory=list)

    def of(self, term: Term) -> Set:
        return self.values[term.number]

    def bound(self, term: Term) -> int:
        """No value of `term` is larger."""
        known = self.largest.get(term.number)
        return max(self.values[term.number], default=0) if known is None else known


def implies(a: Term, b: Term) -> bool:
    """Whether guard `a` holds only if `b` does, as far as their conjuncts tell."""
    if a is b or (b.op == "const" and b.const == 1):
        return True
    parts = {arg.number for arg in a.args} if a.op == "and" else {a.number}
    needed = b.args if b.op == "and" else (b,)
    return all(arg.number in parts or (arg.op == "or" and any(x.number in parts for x in arg.args)) for arg in needed)


class _Combining:
    """Values of operators from those of their operands."""

    def __init__(self, out: Domains, reads: list[GEvent], writes: list[GEvent]) -> None:
        self.out = out
        self.reads = reads
        self.writes = writes

    @cached_property
    def listed(self) -> set[int]:
        """The terms that an address may depend on: more values of them are listed."""
        accesses = (*self.reads, *self.writes)
        found = {term.number for term in walk([e.address for e in accesses if e.address is not None])}
        if any(read.value is not None and read.value.number in found for read in self.reads):
            found |= {term.number for term in walk([e.value for e in self.writes if e.value is not None])}
        return found

    def is_many(self, term: Term, count: int, few: int, most: int) -> bool:
        return count > few and (count > most or term.number not in self.listed)

    def combine(self, term: Term) -> None:
        found = None if term.number in self.out.largest else self.few(term)
        self.put(term, found, None if found is not None else most(self.out, term))

    def put(self, term: Term, found: Set | None, largest: int | None = None) -> None:
        """The values of `term`, or, if these are too many, the largest."""
        out = self.out
        if found is not None and (term.width == 1 or not self.is_many(term, len(found), FEW_VALUES, MAX_VALUES)):
            out.values[term.number] = found
        else:
            out.values.pop(term.number, None)
            out.largest[term.number] = max(found or (), default=0) if largest is None else largest

    def few(self, term: Term) -> Set | None:
        """The values of `term`, unless they are too many."""
        out = self.out
        if out.largest and any(arg.number in out.largest for arg in term.args):
            return BOOLS if term.width == 1 else None
        sets = [out.values[arg.number] for arg in term.args]
        if term.width == 1 and term.op in ("and", "or"):
            if all(len(one) == 1 for one in sets):
                bits = [next(iter(one)) for one in sets]
                return frozenset([int(all(bits) if term.op == "and" else any(bits))])
            stop = frozenset([0 if term.op == "and" else 1])
            return stop if any(one == stop for one in sets) else BOOLS
        if term.op == "select":
            if len(sets[0]) == 1:
                return sets[1] if 1 in sets[0] else sets[2]
            return sets[1] | sets[2]
        if self.is_many(term, prod(map(len, sets)), FEW_PRODUCT, MAX_PRODUCT):
            return BOOLS if term.width == 1 else None
        widths = tuple([arg.width for arg in term.args])
        op, width = term.op, term.width
        return frozenset([apply(op, one, widths, width) for one in product(*sets)])


def most(out: Domains, term: Term) -> int:
    """No value of `term` is larger, by those of its operands."""
    mask = (1 << term.width) - 1
    mosts = [out.bound(arg) for arg in term.args]
    match term.op:
        case "add":
            found = sum(mosts)
        case "mul":
            found = prod(mosts)
        case "and" | "umin":
            found = min(mosts)
        case "or" | "xor":
            found = (1 << max(mosts).bit_length()) - 1
        case "select":
            found = max(mosts[1:])
        case "umax":
            found = max(mosts)
        case "zext" | "trunc" | "lshr" | "udiv" | "umod":
            found = mosts[0]
        case _:
            found = mask
    return found if found <= mask else mask


def analyse(graph: EventGraph, *, coherent: bool) -> Domains:
    """The domains of `graph`. Raises `UnknownVerdict` if a set of values grows too large."""
    out = Domains(graph)
    cells = {cell.address: cell for cell in graph.program.cells}
    events = [event for event in graph.events if not event.is_init]
    reads = [event for event in events if event.kind == "R"]
    writes = [event for event in events if event.kind == "W"]
    roots = [term for e in events for term in (e.address, e.value, e.guard) if term is not None]
    roots += graph.constraints + [c.guard for c in graph.cuts] + graph.ends + [graph.settled]
    roots += [term for check in graph.checks for term in (check.guard, check.cond)]
    roots += [term for wait in graph.waits for term in (wait.guard, wait.done, wait.cond)]
    roots += [term for registers in graph.registers for term in registers.values()]
    roots += [run.happens for run in graph.runs] + [term for term, _ in graph.masks.values()]
    roots += [term for _, following in graph.masks.values() for term in following.values()]
    for table in (*graph.deps.values(), graph.amo, graph.lxsx, graph.before, graph.first):
        roots += [term for term in table.values() if term.op != "const"]
    order = list(walk(roots))
    values = out.values
    symbol_of = {read.value.number: read for read in reads if read.value is not None}
    for node in order:
        if node.op == "const":
            values[node.number] = frozenset([int(node.payload)])
        elif node.op == "sym":
            values[node.number] = frozenset() if node.number in symbol_of else BOOLS
    operators = [node for node in order if node.op not in ("const", "sym")]
    combining = _Combining(out, reads, writes)
    for _ in range(len(writes) + 2):
        for node in operators:
            graph.terms.deadline.check()
            combining.combine(node)
        changed = False
        _sources(out, reads, writes, cells, coherent)
        for read in reads:
            assert read.value is not None
            before = values.get(read.value.number), out.largest.get(read.value.number)
            combining.put(read.value, *_returned(out, read))
            changed = changed or before != (values.get(read.value.number), out.largest.get(read.value.number))
        if not changed:
            break
    for node in operators:
        combining.combine(node)
    _sources(out, reads, writes, cells, coherent)
    for event in (*reads, *writes):
        if any(address not in cells for address in out.addresses[event.id]):
            out.wild.append(event.id)
    return out


def _returned(out: Domains, read: GEvent) -> tuple[Set | None, int | None]:
    """What `read` may return, or the largest if its values are not listed."""
    assert read.value is not None
    mask = (1 << read.width) - 1
    found = set() if out.sources[read.id] or not out.addresses[read.id] else {NOTHING}
    largest = out.largest.get(read.value.number)
    for source in out.sources[read.id]:
        if source.cell is not None:
            found.add(source.cell.init & mask)
        elif source.value is not None and source.value.number in out.largest:
            largest = max(largest or 0, min(out.largest[source.value.number], mask))
        elif source.value is not None:
            found |= {value & mask for value in out.values[source.value.number]}
    return (frozenset(found), None) if largest is None else (None, max(found | {largest}))


def _sources(out: Domains, reads: list[GEvent], writes: list[GEvent], cells: dict[int, Cell], coherent: bool) -> None:
    graph, values = out.graph, out.values
    initial = {event.cell.address: event for event in graph.events if event.cell is not None}
    out.writers.clear()
    for event in (*reads, *writes):
        assert event.address is not None
        if event.address.number in out.largest:
            raise UnknownVerdict(f"an address may take over {MAX_VALUES} values")
        out.addresses[event.id] = values[event.address.number]
        for address in out.addresses[event.id]:
            if address in cells and address not in initial:
                cell = cells[address]
                number = graph.terms.number
                event_id = len(graph.events)
                initial[address] = GEvent(
                    event_id, -1, -1, "W", frozenset(), graph.terms.true, number(address, 64),
                    number(cell.init, cell.width), cell.width, cell=cell,
                )  # fmt: skip
                graph.events.append(initial[address])
                values[number(address, 64).number] = frozenset([address])
                values[number(cell.init, cell.width).number] = frozenset([cell.init])
                values[graph.terms.true.number] = frozenset([1])
    for address, event in initial.items():
        out.addresses[event.id] = frozenset([address])
        out.writers[address] = [event]
    for write in writes:
        for address in sorted(out.addresses[write.id]):
            if address in cells:
                out.writers[address].append(write)
    for read in reads:
        graph.terms.deadline.check()
        found: dict[int, GEvent] = {}
        for address in sorted(out.addresses[read.id]):
            if address not in cells:
                continue
            for write in out.writers[address]:
                if not coherent or not _impossible(out, write, read, address):
                    found[write.id] = write
        out.sources[read.id] = list(found.values())


def _impossible(out: Domains, write: GEvent, read: GEvent, address: int) -> bool:
    """Whether coherence forbids `read` to take its value from `write` at `address`, in every run."""
    if write.thread == read.thread and write.id > read.id:
        return True
    if write.thread not in (-1, read.thread):
        return False
    for other in out.writers[address]:
        if (
            other.thread == read.thread
            and write.id != other.id
            and other.id < read.id
            and (write.is_init or write.id < other.id)
            and other.address is not None
            and other.address.op == "const"  # a set of one address may still grow, by the very value left out here
            and not (other.group and other.group == write.group)
            and implies(read.guard, other.guard)
        ):
            return True
    return False
