"""Event graph + model -> clauses, and a satisfying assignment -> Execution."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mmcheck.domains import Domains, analyse, implies
from mmcheck.graph import EventGraph, GEvent, Pairs
from mmcheck.model.model import BUILTIN, Axiom, Model, with_turns
from mmcheck.model.promises import Word
from mmcheck.relations import bits, inverse
from mmcheck.smt.bounds import Bounds
from mmcheck.smt.circuit import FALSE, TRUE, Circuit
from mmcheck.smt.compiler import preserved_order
from mmcheck.smt.devices import Reach
from mmcheck.smt.interrupts import Interrupts, deliver, root_of
from mmcheck.smt.memory import Memory
from mmcheck.smt.promises import weaken
from mmcheck.smt.relations import Algebra
from mmcheck.smt.solve import Solver
from mmcheck.smt.turns import Turns
from mmcheck.smt.values import Values


@dataclass(slots=True)
class Encoding:
    """The runs of one graph that one model allows, as clauses.

    `compiled`: source threads are ordered by what the compiler keeps, with robust dependencies; otherwise by the text.
    """

    graph: EventGraph
    model: Model
    domains: Domains
    circuit: Circuit
    values: Values
    memory: Memory
    happens: list[int]
    compiled: bool
    po: Bounds
    solver: Solver
    bounded: int = TRUE
    """Assumed by queries: no loop goes past the bound."""
    inside: int = TRUE
    """Assumed by queries: no access goes to an address where no cell stands."""
    astray: dict[int, int] = field(default_factory=dict)
    environment: dict[tuple[int, int], int] = field(default_factory=dict)
    """Literals that, assumed, order b before a from outside: queries of ``ordered`` (see
    `mmcheck.smt.encode.encode`)."""

    switch: Bounds | None = None
    """Pairs that a change of thread separates, if threads share a CPU."""
    platform: int = FALSE
    """The literal under which the platform's rules for devices count beside the model; `FALSE` if they change nothing.
    Queries assume that it does not hold."""
    observed: int = TRUE
    """The literal under which compilers keep what they were seen to keep, and not only what the languages promise;
    `TRUE` if that is the same. Queries assume it."""

    promises: Mapping[Word, int] = field(default_factory=dict)
    """For each kind of word that does more than it promises, the literal under which it does not."""

    def modes(self) -> list[int]:
        """What queries assume of machine and compiler unless they ask about others, which allow more."""
        platform = [] if self.platform == FALSE else [-self.platform]
        observed = [] if self.observed == TRUE else [self.observed]
        return [*platform, *observed, *[-literal for literal in self.promises.values()]]

    def assumptions(self) -> list[int]:
        return [literal for literal in (self.bounded, self.inside) if literal != TRUE] + [
            *self.modes(), *[-literal for literal in self.environment.values()]
        ]  # fmt: skip

    def pair(self, bounds: Bounds, i: int, j: int) -> int:
        if bounds.must[i] >> j & 1:
            return TRUE
        if not bounds.may[i] >> j & 1:
            return FALSE
        if bounds.literal is not None:
            return bounds.literal(i, j)
        return bounds.lits[i, j]


def pairs_bounds(n: int, table: Pairs, values: Values) -> Bounds:
    """Bounds of a relation that is stated pair by pair with conditions."""
    may, must = [0] * n, [0] * n
    literals: dict[tuple[int, int], int] = {}
    for (i, j), cond in table.items():
        literal = values.literal(cond)
        if literal == FALSE:
            continue
        may[i] |= 1 << j
        if literal == TRUE:
            must[i] |= 1 << j
        else:
            literals[i, j] = literal
    return Bounds(may, must, lambda i, j: literals[i, j])


def source_order(graph: EventGraph, n: int) -> Bounds:
    """Text order within each thread; the fields of one record store are in none."""
    rows = [0] * n
    threads: dict[int, list[GEvent]] = {}
    for event in graph.events:
        if event.thread >= 0:
            threads.setdefault(event.thread, []).append(event)
    for events in threads.values():
        later = 0
        groups: dict[int, int] = {}
        for event in reversed(events):
            rows[event.id] = later & ~groups.get(event.group, 0) if event.group else later
            later |= 1 << event.id
            if event.group:
                groups[event.group] = groups.get(event.group, 0) | 1 << event.id
    return Bounds(rows, list(rows))


def location_bounds(graph: EventGraph, domains: Domains, memory: Memory) -> Bounds:
    n = len(graph.events)
    by_address: dict[int, int] = {}
    known = 0
    accesses = [event for event in graph.events if event.is_access]
    for event in accesses:
        found = domains.addresses[event.id]
        for address in found:
            by_address[address] = by_address.get(address, 0) | 1 << event.id
        if len(found) == 1:
            known |= 1 << event.id
    may, must = [0] * n, [0] * n
    for event in accesses:
        found = domains.addresses[event.id]
        for address in found:
            may[event.id] |= by_address[address]
        if len(found) == 1:
            must[event.id] = may[event.id] & known
        must[event.id] |= 1 << event.id
    return Bounds(may, must, lambda i, j: memory.same(graph.events[i], graph.events[j]))


def cpu_bounds(graph: EventGraph, n: int) -> tuple[Bounds, Bounds]:
    """Bounds of int and ext. Threads on one CPU are apart here: a change of thread is a full barrier (`Turns`)."""
    rows = [0] * n
    groups: dict[int, int] = {}
    place = {}
    for event in graph.events:
        if event.thread >= 0:
            place[event.id] = root_of(graph, event.thread)
            groups[place[event.id]] = groups.get(place[event.id], 0) | 1 << event.id
    everything = (1 << n) - 1
    for event in graph.events:
        rows[event.id] = groups[place[event.id]] if event.thread >= 0 else 1 << event.id
    outside = [everything & ~row for row in rows]
    return Bounds(rows, list(rows)), Bounds(outside, list(outside))


def base_sets(graph: EventGraph) -> dict[str, int]:
    sets: dict[str, int] = {}
    for event in graph.events:
        bit = 1 << event.id
        names = [event.kind, *event.tags]
        if event.is_access:
            names.append("M")
        if event.is_init:
            names.append("IW")
        for name in names:
            sets[name] = sets.get(name, 0) | bit
    return sets


def optional_sets(graph: EventGraph, values: Values) -> dict[str, dict[int, int]]:
    """Tags that events have under some options of their site: tag -> event -> literal."""
    out: dict[str, dict[int, int]] = {}
    for event in graph.events:
        if event.optional:
            selected = dict(graph.choices[event.site])
            for tag, names in event.optional:
                literals = [values.literal(term) for name, term in selected.items() if name in names]
                out.setdefault(tag, {})[event.id] = values.circuit.any(literals)
    return out


def communication_bounds(graph: EventGraph, domains: Domains, memory: Memory) -> tuple[Bounds, Bounds, Bounds]:
    """Bounds of rf, co and fr."""
    n = len(graph.events)
    rf_may, rf_must = [0] * n, [0] * n
    for read, sources in memory.rf.items():
        for write, literal in sources.items():
            if literal != FALSE:
                rf_may[write] |= 1 << read
            if literal == TRUE:
                rf_must[write] |= 1 << read
    rf = Bounds(rf_may, rf_must, lambda i, j: memory.rf[j][i])
    co_may, co_must = [0] * n, [0] * n
    fr_may, fr_must = [0] * n, [0] * n
    events = graph.events
    seen: set[tuple[int, int]] = set()
    for (a, b), literal in memory.order.items():
        if literal == FALSE:
            continue
        co_may[a] |= 1 << b
        if literal == TRUE and memory.same(events[a], events[b]) == TRUE:
            co_must[a] |= 1 << b
    for event in events:
        if event.kind != "R":
            continue
        for address in domains.addresses[event.id]:
            for later in domains.writers.get(address, ()):
                if (event.id, later.id) in seen or later.is_init:
                    continue
                seen.add((event.id, later.id))
                literal = memory.fr(event, later)
                if literal != FALSE:
                    fr_may[event.id] |= 1 << later.id
                if literal == TRUE:
                    fr_must[event.id] |= 1 << later.id
    co = Bounds(co_may, co_must, lambda i, j: memory.co(events[i], events[j]))
    fr = Bounds(fr_may, fr_must, lambda i, j: memory.fr(events[i], events[j]))
    return rf, co, fr


def implications(graph: EventGraph, happens: list[int]) -> list[int]:
    """For each event, the events whose happening implies its own: by their guards, or because it always happens."""
    everything = (1 << len(happens)) - 1
    groups: dict[int, int] = {}
    guards = {}
    for event in graph.events:
        groups[event.guard.number] = groups.get(event.guard.number, 0) | 1 << event.id
        guards[event.guard.number] = event.guard
    below: dict[int, int] = {}
    for number, guard in guards.items():
        members = 0
        for other, other_guard in guards.items():
            if implies(other_guard, guard):
                members |= groups[other]
        below[number] = members
    return [
        everything if literal == TRUE else below[event.guard.number]
        for event, literal in zip(graph.events, happens, strict=True)
    ]


def encode(
    graph: EventGraph,
    model: Model,
    *,
    compiled: bool = True,
    profile: str = "observed",
    ordered: Iterable[tuple[int, int]] = (),
    like: Encoding | None = None,
    promises: bool = False,
) -> Encoding:
    """The clauses for `graph` under `model`. Raises `UnknownVerdict` if values are too many.

    `like` is another encoding of `graph`, whose analysis of values serves again if its model is coherent, too.

    For each pair (a, b) of `ordered` the result has a literal that adds the edge b -> a to every order that the
    model demands to be acyclic (coherence apart), as an environment could by communicating: a run in which that is
    consistent shows that the model does not order a before b. With `promises`, `model` is one of
    `mmcheck.model.promises`, and the result has its literals.
    """
    coherent = model.coherent
    shared = like is not None and like.model.coherent == coherent
    domains = like.domains if like is not None and shared else analyse(graph, coherent=coherent)
    circuit = Circuit(graph.terms.deadline)
    values = Values(graph, domains, circuit)
    memory = Memory(graph, domains, circuit, values, coherent)
    n = len(graph.events)
    happens = [values.literal(event.guard) for event in graph.events]
    implied_by = implications(graph, happens)
    cells = {cell.address for cell in graph.program.cells}
    astray = {}
    for number in domains.wild:
        event = graph.events[number]
        outside_cells = [memory.at(event, address) for address in domains.addresses[number] if address not in cells]
        astray[number] = circuit.all([circuit.any(outside_cells), happens[number]])
    inside_literal = _assumption(circuit, "inside", list(astray.values()))
    memory.tie(happens, astray)
    for event in graph.events:
        if event.kind == "R" and event.value is not None:
            values.of(event.value)  # now: values in a circle need clauses, and a run shows every value
    for constraint in graph.constraints:
        circuit.require(values.literal(constraint))
    for selected in graph.choices.values():
        literals = [values.literal(term) for _, term in selected]
        circuit.clause(literals)
        for i, a in enumerate(literals):
            for b in literals[i + 1 :]:
                circuit.clause([-a, -b])
    bounded = _assumption(circuit, "bounded", [values.literal(cut.guard) for cut in graph.cuts])
    if graph.settled is not graph.terms.false:
        _waiting(graph, domains, circuit, values, memory, happens)
        for address in {thread.latch for thread in graph.program.threads if thread.latch is not None}:
            runs = [run for run in graph.runs if graph.program.threads[run.thread].latch == address]
            deliver(graph, domains.writers.get(address, ()), runs, circuit, values, memory, happens)
    src = source_order(graph, n)
    loc = location_bounds(graph, domains, memory)
    inside, outside = cpu_bounds(graph, n)
    amo, lxsx = pairs_bounds(n, graph.amo, values), pairs_bounds(n, graph.lxsx, values)
    prefix = "" if compiled else "text-"
    base = {"src": src, "loc": loc, "int": inside, "ext": outside, "amo": amo, "lxsx": lxsx}
    for name in ("addr", "data", "ctrl", "pick-addr", "pick-data", "pick-ctrl"):
        base[name] = pairs_bounds(n, graph.deps[prefix + name], values)
    sets, optional = base_sets(graph), optional_sets(graph, values)
    reach = Reach(graph, domains, memory, circuit)
    reach.registers(sets, optional, base)
    platform = reach.shared(model, sets, optional)
    weaker = weaken(graph, domains, values, sets, optional) if promises else {}
    turns: Turns | None = None
    alone: Bounds | None = None

    def executed(kept: Bounds) -> Bounds:
        """Program order on each CPU, given that of each thread."""
        nonlocal turns, alone
        interrupts = Interrupts(graph, circuit, values, happens, kept) if graph.runs else None
        order = kept if interrupts is None else interrupts.bounds()
        if not graph.turns:
            return order
        if turns is None:
            turns = Turns(graph, circuit, values, happens, interrupts, kept)
        alone = alone or order
        order, switch = turns.bounds(order)
        base.setdefault("switch", switch)
        return order

    observed = TRUE
    if compiled and any(thread.source for thread in graph.program.threads):

        def kept(name: str) -> Bounds:
            return preserved_order(graph, circuit, happens, implied_by, base, sets, name, optional)

        if profile == "observed":
            order, observed = _either(circuit, kept("observed"), kept("language"))
        else:
            order = kept(profile)
        po = executed(order)
    else:
        po = executed(src)
    base["po"] = po
    if graph.turns:
        model = with_turns(model)
        if model.name in BUILTIN and alone is not None:
            # What turns add to po, these models order no further than `switch` does itself; coherence is apart.
            base["po"] = alone
    rf, co, fr = communication_bounds(graph, domains, memory)
    base["rf"], base["co"] = rf, co
    environment = {pair: circuit.var(f"env:{pair[0]}:{pair[1]}") for pair in ordered}
    algebra = Algebra(model, circuit, happens, implied_by, base, sets, {model.definitions["fr"].number: fr}, optional)
    encoding = Encoding(
        graph, model, domains, circuit, values, memory, happens, compiled, po, Solver(circuit), bounded,
        inside_literal, astray, environment, base.get("switch"), platform, observed, weaker,
    )  # fmt: skip
    rest: list[Axiom] = []
    for axiom in model.axioms:
        if axiom.flag:
            continue
        if model.is_coherence(axiom):
            _coherence(encoding, implied_by)
        elif environment and axiom.kind == "acyclic" and not axiom.negated:
            node = model.pool.union(axiom.node, model.pool.rel("%environment"))
            rest.append(Axiom(axiom.name, axiom.kind, node))
        else:
            rest.append(axiom)
    if environment:
        rows = [0] * n
        for a, b in environment:
            rows[b] |= 1 << a
        base["%environment"] = Bounds(rows, [0] * n, lambda i, j: environment[j, i])
    algebra.require(rest)
    return encoding


def _either(circuit: Circuit, observed: Bounds, language: Bounds) -> tuple[Bounds, int]:
    """Both orders of compiled threads in one: the first under the literal that comes with it, else the second."""

    def pair(order: Bounds, i: int, j: int) -> int:
        if order.must[i] >> j & 1:
            return TRUE
        if not order.may[i] >> j & 1:
            return FALSE
        return TRUE if order.literal is None else order.literal(i, j)

    different = {
        (i, j): (pair(observed, i, j), pair(language, i, j))
        for i, row in enumerate(observed.may)
        for j in bits((row | language.may[i]) & ~(observed.must[i] & language.must[i]))
    }
    if all(first == second for first, second in different.values()):
        return observed, TRUE
    chosen = circuit.var("observed")
    literals = {
        key: first if first == second else circuit.any([second, circuit.all([first, chosen])])
        for key, (first, second) in different.items()
    }
    may = [a | b for a, b in zip(observed.may, language.may, strict=True)]
    must = [a & b for a, b in zip(observed.must, language.must, strict=True)]
    return Bounds(may, must, lambda i, j: literals[i, j]), chosen


def _assumption(circuit: Circuit, name: str, bad: list[int]) -> int:
    """A literal under which none of `bad` holds; `TRUE` if they cannot hold anyway."""
    bad = [literal for literal in bad if literal != FALSE]
    if not bad:
        return TRUE
    assumed = circuit.var(name)
    for literal in bad:
        circuit.clause([-assumed, -literal])
    return assumed


def _waiting(
    graph: EventGraph, domains: Domains, circuit: Circuit, values: Values, memory: Memory, happens: list[int]
) -> None:
    """An agent waits for ever only if its last look saw the last write to each place (docs/compiler.md, waits)."""
    for wait in graph.waits:
        stuck = values.literal(wait.looks)
        for number in wait.reads:
            read = graph.events[number]
            later = {w.id: w for address in domains.addresses[number] for w in domains.writers.get(address, ())}
            for write in later.values():
                if not write.is_init:
                    missed = memory.fr(read, write)
                    circuit.clause([-stuck, -happens[number], -happens[write.id], -missed])


def _coherence(encoding: Encoding, implied_by: list[int]) -> None:
    """``acyclic po-loc | rf | co | fr``, as its five two-event shapes (coWW, coRW1, coRW2, coWR, coRR).

    coWW and coRW1 are built into the candidates of rf and co. Reads are compared with the nearest earlier accesses
    that certainly happen; those that are ordered before one of these follow by transitivity.
    """
    graph, memory, circuit, happens = encoding.graph, encoding.memory, encoding.circuit, encoding.happens
    threads: dict[int, list[GEvent]] = {}
    for event in graph.events:
        if event.thread >= 0 and event.is_access:
            threads.setdefault(event.thread, []).append(event)
    before = inverse(tuple(encoding.po.must))
    for events in threads.values():
        seen = 0
        for position, later in enumerate(events):
            rest = seen
            seen |= 1 << later.id
            for earlier in reversed(events[:position]):
                if not rest >> earlier.id & 1:
                    continue
                rest ^= 1 << earlier.id
                if earlier.kind == later.kind == "W" or not memory.aliases(earlier, later):
                    continue
                order = encoding.pair(encoding.po, earlier.id, later.id)
                if order == FALSE:
                    continue
                same = memory.same(earlier, later)
                unless = [-happens[earlier.id], -happens[later.id], -same, -order]
                if earlier.kind == "R" and later.kind == "W":
                    circuit.clause([*unless, memory.fr(earlier, later)])
                elif earlier.kind == "W":
                    circuit.clause([*unless, -memory.fr(later, earlier)])
                else:
                    _two_reads(encoding, earlier, later, unless)
                if order == same == TRUE and implied_by[earlier.id] >> later.id & 1:
                    rest &= ~before[earlier.id]
                    if not rest:
                        break
    if graph.runs or graph.turns:
        _coherence_of_runs(encoding)


def _coherence_of_runs(encoding: Encoding) -> None:
    """The same between an interrupted agent and its handlers, and between threads that share a CPU; and of reads of one
    thread that a run or another's turn has brought into order."""
    graph, memory, circuit, happens = encoding.graph, encoding.memory, encoding.circuit, encoding.happens
    accesses = [event for event in graph.events if event.thread >= 0 and event.is_access]
    for a in accesses:
        for b in accesses:
            if a is b or (a.thread == b.thread and (a.id < b.id or a.kind == "W" or b.kind == "W")):
                continue
            order = encoding.pair(encoding.po, a.id, b.id)
            if order == FALSE or not memory.aliases(a, b):
                continue
            unless = [-happens[a.id], -happens[b.id], -memory.same(a, b), -order]
            if a.kind == "W" and b.kind == "W":
                circuit.clause([*unless, memory.order[a.id, b.id]])
            elif b.kind == "W":
                circuit.clause([*unless, memory.fr(a, b)])
            elif a.kind == "W":
                circuit.clause([*unless, -memory.fr(b, a)])
            else:
                _two_reads(encoding, a, b, unless)


def _two_reads(encoding: Encoding, earlier: GEvent, later: GEvent, unless: list[int]) -> None:
    memory, circuit = encoding.memory, encoding.circuit
    first, second = memory.chains.get(earlier.id), memory.chains.get(later.id)
    if first is not None and second is not None:
        for write, literal in zip(*first, strict=True):
            # From this write or a later one: then so does the later read.
            circuit.clause([*unless, -literal, -memory.fr(later, encoding.graph.events[write])])
        return
    for write, literal in memory.rf[earlier.id].items():
        event = encoding.graph.events[write]
        if not event.is_init:
            circuit.clause([*unless, -literal, -memory.fr(later, event)])


def choice_literals(encoding: Encoding, choices: Mapping[str, str]) -> list[int]:
    """Assumptions that select one option of each site."""
    out = []
    for site, options in encoding.graph.choices.items():
        for name, term in options:
            literal = encoding.values.literal(term)
            out.append(literal if choices.get(site) == name else -literal)
    return out


def sure(rows: list[int]) -> set[tuple[int, int]]:
    return {(i, j) for i, row in enumerate(rows) for j in bits(row)}
