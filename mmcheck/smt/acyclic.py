"""Acyclicity as clauses, by vertex elimination (Rankooh and Rintanen, AAAI 2022).

Only strongly connected components of the graph of possible edges matter; edges that hold whenever both
ends happen are closed over beforehand, so that only events with an undecided edge are left. Eliminating
an event e adds, for each path a -> e -> b, the edge a -> b; a pair of opposite edges is forbidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmcheck.relations import bits
from mmcheck.smt.circuit import TRUE, Circuit


def components(rows: Sequence[int], n: int) -> list[list[int]]:
    """Strongly connected components with more than one event or a self-loop (Tarjan, iterative)."""
    index = [0] * n
    low = [0] * n
    on_stack = [False] * n
    stack: list[int] = []
    out: list[list[int]] = []
    counter = 0
    for root in range(n):
        if index[root] or not rows[root]:
            continue
        work: list[tuple[int, int]] = [(root, rows[root])]
        counter += 1
        index[root] = low[root] = counter
        stack.append(root)
        on_stack[root] = True
        while work:
            node, rest = work[-1]
            if rest:
                bit = rest & -rest
                work[-1] = (node, rest ^ bit)
                successor = bit.bit_length() - 1
                if not index[successor]:
                    counter += 1
                    index[successor] = low[successor] = counter
                    stack.append(successor)
                    on_stack[successor] = True
                    work.append((successor, rows[successor]))
                elif on_stack[successor]:
                    low[node] = min(low[node], index[successor])
                continue
            work.pop()
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[node])
            if low[node] == index[node]:
                component = []
                while True:
                    member = stack.pop()
                    on_stack[member] = False
                    component.append(member)
                    if member == node:
                        break
                if len(component) > 1 or rows[node] >> node & 1:
                    out.append(sorted(component))
    return out


def closure_given(rows: Sequence[int], implied_by: Sequence[int], members: Sequence[int]) -> list[int]:
    """Transitive closure of edges that hold whenever both ends happen.

    A path through j counts only where an end happening makes j happen: `implied_by[j]` are those events.
    """
    out = list(rows)
    for j in members:
        through = out[j]
        if not through:
            continue
        safe = implied_by[j]
        partial = through & safe
        bit = 1 << j
        for i in members:
            if out[i] & bit:
                out[i] |= through if safe >> i & 1 else partial
    return out


class Acyclic:
    """Forbids cycles of ``must`` edges (rows) and `edges` (literals), over events with `happens` literals."""

    def __init__(
        self,
        circuit: Circuit,
        n: int,
        must: Sequence[int],
        edges: Mapping[tuple[int, int], int],
        happens: Sequence[int],
        implied_by: Sequence[int],
    ) -> None:
        self.circuit = circuit
        self.happens = happens
        self.implied_by = implied_by
        rows = list(must)
        for i, j in edges:
            rows[i] |= 1 << j
        self.must = must
        by_source: dict[int, list[tuple[int, int]]] = {}
        for (i, j), literal in edges.items():
            by_source.setdefault(i, []).append((j, literal))
        for component in components(rows, n):
            self.component(component, by_source)

    def component(self, members: list[int], edges: Mapping[int, list[tuple[int, int]]]) -> None:
        inside = 0
        for member in members:
            inside |= 1 << member
        rows = [row & inside for row in self.must]
        must = closure_given(rows, self.implied_by, members)
        out: dict[int, dict[int, int]] = {member: {} for member in members}
        touched: set[int] = set()
        for member in members:
            if must[member] >> member & 1:
                self.circuit.clause([-self.happens[member]])
        for i in members:
            for j, literal in edges.get(i, ()):
                if not inside >> j & 1 or must[i] >> j & 1:
                    continue
                if i == j or must[j] >> i & 1:
                    self.circuit.clause([-literal, -self.happens[i], -self.happens[j]])
                    continue
                out[i][j] = literal
                touched |= {i, j}
        keep = [m for m in members if m in touched or self.happens[m] != TRUE]
        kept = 0
        for member in keep:
            kept |= 1 << member
        self.closed = must
        for i in keep:
            row = must[i] & kept & ~(1 << i)
            reduced = row
            for j in bits(row):
                if self.implied_by[j] >> i & 1:
                    reduced &= ~(must[j] & ~(1 << j))
                else:
                    reduced &= ~(must[j] & self.implied_by[j] & ~(1 << j))
            for j in bits(reduced):
                out[i][j] = TRUE
        into: dict[int, dict[int, int]] = {member: {} for member in keep}
        for i in keep:
            for j, literal in out[i].items():
                into[j][i] = literal
        self.eliminate(keep, {i: out[i] for i in keep}, into)

    def eliminate(self, keep: list[int], out: dict[int, dict[int, int]], into: dict[int, dict[int, int]]) -> None:
        rest = set(keep)
        owned: set[tuple[int, int, int]] = set()
        while rest:
            node = min(rest, key=lambda e: (len(into[e]) * len(out[e]), e))
            rest.remove(node)
            sources, targets = into.pop(node), out.pop(node)
            for a in sources:
                del out[a][node]
            for b in targets:
                del into[b][node]
            here = self.happens[node]
            for a, first in sources.items():
                for b, second in targets.items():
                    self.path(a, b, first, second, here, node, out, into, owned)

    def path(
        self,
        a: int,
        b: int,
        first: int,
        second: int,
        here: int,
        node: int,
        out: dict[int, dict[int, int]],
        into: dict[int, dict[int, int]],
        owned: set[tuple[int, int, int]],
    ) -> None:
        circuit, happens = self.circuit, self.happens
        if self.implied_by[node] >> a & 1 or self.implied_by[node] >> b & 1:
            here = TRUE
        if a == b or self.closed[b] >> a & 1:
            circuit.clause([-first, -second, -here, -happens[a], -happens[b]])
            return
        if self.closed[a] >> b & 1:
            if first == second == here == TRUE:  # the reduced graph kept this edge only through `node`
                out[a][b] = into[b][a] = TRUE
            return
        known = out[a].get(b)
        parts = [literal for literal in (first, second, here) if literal != TRUE]
        if known == TRUE or (known is not None and known in parts):
            return
        if known is None:
            if not parts:
                literal = TRUE
            elif len(parts) == 1:
                literal = parts[0]
            else:
                literal = circuit.var("")
                owned.add((a, b, literal))
                circuit.clause([literal, *[-part for part in parts]])
        elif (a, b, known) in owned:
            circuit.clause([known, *[-part for part in parts]])
            return
        else:
            literal = circuit.var("")
            owned.add((a, b, literal))
            circuit.clause([literal, -known])
            circuit.clause([literal, *[-part for part in parts]])
        out[a][b] = literal
        into[b][a] = literal
