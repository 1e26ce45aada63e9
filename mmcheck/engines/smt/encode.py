"""Event graph + model -> clauses: `mmcheck.engines.smt.encoding.Encoding`."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mmcheck.engines.smt.base import (
    base_sets,
    communication_bounds,
    cpu_bounds,
    implications,
    location_bounds,
    optional_sets,
    pairs_bounds,
    source_order,
)
from mmcheck.engines.smt.bounds import Bounds
from mmcheck.engines.smt.circuit import FALSE, TRUE, Circuit
from mmcheck.engines.smt.coherence import coherence
from mmcheck.engines.smt.compiler import Compiled
from mmcheck.engines.smt.devices import Reach
from mmcheck.engines.smt.encoding import Encoding
from mmcheck.engines.smt.interrupts import Interrupts, deliver
from mmcheck.engines.smt.memory import Memory
from mmcheck.engines.smt.promises import weaken
from mmcheck.engines.smt.relations import Algebra
from mmcheck.engines.smt.solve import Solver
from mmcheck.engines.smt.turns import Turns
from mmcheck.engines.smt.values import Values
from mmcheck.events.domains import Domains, analyse
from mmcheck.events.graph import EventGraph
from mmcheck.model.model import Axiom, Model, with_turns
from mmcheck.model.promises import WORDS


def encode(
    graph: EventGraph,
    model: Model,
    *,
    compiled: bool = True,
    profile: str = "observed",
    ordered: Iterable[tuple[int, int]] = (),
    like: Encoding | None = None,
    weaker: Collection[str] = (),
) -> Encoding:
    """The clauses for `graph` under `model`. Raises `UnknownVerdict` if values are too many.

    `like` is another encoding of `graph`, whose analysis of values serves again if its model is coherent, too.

    For each pair (a, b) of `ordered` the result has a literal that adds the edge b -> a to every order that the
    model demands to be acyclic (coherence apart), as an environment could by communicating: a run in which that is
    consistent shows that the model does not order a before b. `weaker` are names of what verdicts should not rest on
    unsaid, for which the result has literals (`Encoding.weaker`); words among them are of `mmcheck.model.promises`.
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
            values.settle(event.value)  # now: values in a circle need clauses, and a run shows every value
    for constraint in graph.constraints:
        circuit.require(values.literal(constraint))
    for removal in graph.removals.values() if not compiled else ():
        circuit.require(-values.literal(removal.gone))
    for selected in graph.choices.values():
        literals = [values.literal(term) for _, term in selected]
        circuit.clause(literals)
        for i, a in enumerate(literals):
            for b in literals[i + 1 :]:
                circuit.clause([-a, -b])
    settled = values.literal(graph.settled)
    bounded = _assumption(circuit, "bounded", [circuit.all([settled, values.literal(cut.guard)]) for cut in graph.cuts])
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
    promises = weaken(graph, domains, values, sets, optional, [word for word in WORDS if word in weaker])
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

    if compiled and any(thread.source for thread in graph.program.threads):
        layer = Compiled(graph, circuit, memory, happens, implied_by, base, sets, optional)
        order, freer = layer.order(profile, [name for name in weaker if name not in WORDS])
        po = executed(order)
    else:
        freer = {}
        po = executed(src)
    base["po"] = po
    if graph.turns:
        model = with_turns(model)
        if model.ships and alone is not None:
            # What turns add to po, these models order no further than `switch` does itself; coherence is apart.
            base["po"] = alone
    rf, co, fr = communication_bounds(graph, domains, memory)
    base["rf"], base["co"] = rf, co
    environment = {pair: circuit.var(f"env:{pair[0]}:{pair[1]}") for pair in ordered}
    algebra = Algebra(model, circuit, happens, implied_by, base, sets, {model.definitions["fr"].number: fr}, optional)
    encoding = Encoding(
        graph, model, domains, circuit, values, memory, happens, compiled, po, Solver(circuit), bounded,
        inside_literal, astray, environment, base.get("switch"), platform, {**freer, **promises},
    )  # fmt: skip
    rest: list[Axiom] = []
    for axiom in model.axioms:
        if axiom.flag:
            continue
        if model.is_coherence(axiom):
            coherence(encoding, implied_by)
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
