"""The clauses of `Acyclic` against brute force over all assignments, on random graphs."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from mmcheck.relations import from_pairs, is_acyclic
from mmcheck.smt.acyclic import Acyclic, closure_given, components
from mmcheck.smt.circuit import TRUE, Circuit
from mmcheck.smt.solve import Solver


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
