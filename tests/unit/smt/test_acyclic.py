"""The clauses of `Acyclic` against brute force over all assignments, on random graphs."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcheck.engines.smt.acyclic import Acyclic, closure_given, components
from mmcheck.engines.smt.circuit import TRUE, Circuit
from mmcheck.engines.smt.solve import Solver
from mmcheck.events.relations import from_pairs, is_acyclic


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]], list[tuple[int, int]], list[int]]:
    """Events, edges that always hold, edges with a variable, events that may not happen."""
    n = draw(st.integers(2, 6))
    pairs = [(i, j) for i in range(n) for j in range(n)]
    must = draw(st.lists(st.sampled_from([(i, j) for i, j in pairs if i < j]), max_size=7, unique=True))
    edges = draw(st.lists(st.sampled_from([p for p in pairs if p not in must]), max_size=6, unique=True))
    optional = draw(st.lists(st.integers(0, n - 1), max_size=2, unique=True))
    return n, must, edges, optional


@settings(max_examples=300, deadline=None)
@given(graphs())
def test_clauses_allow_exactly_the_acyclic_graphs(
    graph: tuple[int, list[tuple[int, int]], list[tuple[int, int]], list[int]],
) -> None:
    n, must, edges, optional = graph
    circuit = Circuit()
    happens = [circuit.var(f"e{i}") if i in optional else TRUE for i in range(n)]
    implied_by = [(1 << i) if i in optional else (1 << n) - 1 for i in range(n)]
    literals = {edge: circuit.var(f"{edge}") for edge in edges}
    Acyclic(circuit, n, from_pairs(n, must), literals, happens, implied_by)
    solver = Solver(circuit)
    free = [*[happens[i] for i in optional], *literals.values()]
    for values in product((False, True), repeat=len(free)):
        chosen = dict(zip(free, values, strict=True))
        here = [happens[i] == TRUE or chosen[happens[i]] for i in range(n)]
        present = must + [edge for edge in edges if chosen[literals[edge]]]
        rows = from_pairs(n, [(i, j) for i, j in present if here[i] and here[j]])
        expected = is_acyclic(rows)
        assumptions = [literal if value else -literal for literal, value in chosen.items()]
        assert solver.solve(assumptions) == expected, (must, edges, optional, chosen)


@settings(max_examples=200, deadline=None)
@given(graphs())
def test_components_are_the_events_on_cycles(
    graph: tuple[int, list[tuple[int, int]], list[tuple[int, int]], list[int]],
) -> None:
    n, must, edges, _ = graph
    rows = from_pairs(n, must + edges)
    closed = closure_given(rows, [-1] * n, range(n))
    on_cycle = {i for i in range(n) if closed[i] >> i & 1}
    assert {i for component in components(rows, n) for i in component} == on_cycle


class Clocked(Acyclic):
    """All by clocks, nothing by elimination."""

    def eliminate(self, keep: list[int], out: dict[int, dict[int, int]], into: dict[int, dict[int, int]]) -> None:
        if keep:
            self.clocks(set(keep), self.chains(set(keep)), out)


class Mixed(Acyclic):
    """The first half by elimination, the rest by clocks."""

    def eliminate(self, keep: list[int], out: dict[int, dict[int, int]], into: dict[int, dict[int, int]]) -> None:
        rest, owned = set(keep), set[tuple[int, int, int]]()
        for node in keep[: len(keep) // 2]:
            rest.remove(node)
            sources, targets = into.pop(node), out.pop(node)
            for a in sources:
                del out[a][node]
            for b in targets:
                del into[b][node]
            self.pass_on(node, sources, targets, out, into, owned)
        if rest:
            self.clocks(rest, self.chains(rest), out)


GUARDS: tuple[tuple[str, ...], ...] = ((), (), (), (), ("g",), ("h",), ("-g",), ("g", "h"))
"""Conjunctions of two conditions: an event under ``g & h`` happens only if those under ``g`` do."""


@pytest.mark.parametrize("encoder", [Acyclic, Clocked, Mixed])
@settings(deadline=None)
@given(data=st.data())
def test_every_way_allows_exactly_the_acyclic_graphs(encoder: type[Acyclic], data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 7))
    pairs = [(i, j) for i in range(n) for j in range(n)]
    must = data.draw(st.lists(st.sampled_from([(i, j) for i, j in pairs if i < j]), max_size=10, unique=True))
    edges = data.draw(st.lists(st.sampled_from([p for p in pairs if p not in must]), max_size=6, unique=True))
    guards = [data.draw(st.sampled_from(GUARDS)) for _ in range(n)]
    circuit = Circuit()
    names = {"g": circuit.var("g"), "h": circuit.var("h")}
    names["-g"] = -names["g"]
    happens = [circuit.all([names[one] for one in guard]) for guard in guards]
    implied_by = [sum(1 << j for j in range(n) if set(guards[i]) <= set(guards[j])) for i in range(n)]
    literals = {edge: circuit.var(f"{edge}") for edge in edges}
    encoder(circuit, n, from_pairs(n, must), literals, happens, implied_by)
    solver = Solver(circuit)
    for values in product((False, True), repeat=2 + len(edges)):
        g, h, *present = values
        true = {"g": g, "h": h, "-g": not g}
        here = [all(true[one] for one in guard) for guard in guards]
        chosen = [edge for edge, value in zip(edges, present, strict=True) if value]
        rows = from_pairs(n, [(i, j) for i, j in (*must, *chosen) if here[i] and here[j]])
        assumed = [names["g"] if g else -names["g"], names["h"] if h else -names["h"]]
        assumed += [literals[edge] if edge in chosen else -literals[edge] for edge in edges]
        assert solver.solve(assumed) == is_acyclic(rows), (must, edges, guards, values)


@pytest.mark.parametrize("worth", [-99, 1])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_edges_that_share_a_literal_are_joined_without_a_change_of_meaning(worth: int, data: st.DataObject) -> None:
    n, must, _, optional = data.draw(graphs())
    circuit = Circuit()
    happens = [circuit.var(f"e{i}") if i in optional else TRUE for i in range(n)]
    implied_by = [(1 << i) if i in optional else (1 << n) - 1 for i in range(n)]
    shared = [circuit.var("a"), circuit.var("b")]
    some = st.lists(st.integers(0, n - 1), min_size=1, max_size=4, unique=True)
    edges: dict[tuple[int, int], int] = {}
    for literal in shared:
        sources, targets = data.draw(some), data.draw(some)
        missing = data.draw(st.lists(st.sampled_from([(i, j) for i in sources for j in targets]), max_size=2))
        edges |= {(i, j): literal for i in sources for j in targets if (i, j) not in [*must, *missing]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmcheck.engines.smt.acyclic.WORTH", worth)
        Acyclic(circuit, n, from_pairs(n, must), edges, happens, implied_by)
    solver = Solver(circuit)
    free = [*[happens[i] for i in optional], *shared]
    for values in product((False, True), repeat=len(free)):
        chosen = dict(zip(free, values, strict=True))
        here = [happens[i] == TRUE or chosen[happens[i]] for i in range(n)]
        present = must + [edge for edge, literal in edges.items() if chosen[literal]]
        rows = from_pairs(n, [(i, j) for i, j in present if here[i] and here[j]])
        assumptions = [literal if value else -literal for literal, value in chosen.items()]
        assert solver.solve(assumptions) == is_acyclic(rows), (must, edges, optional, chosen)
