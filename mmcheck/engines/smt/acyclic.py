"""Acyclicity as clauses: vertex elimination (Rankooh and Rintanen, AAAI 2022), then clocks on chains.

Only strongly connected components of the graph of possible edges matter; edges that hold whenever both
ends happen are closed over beforehand, so that only events with an undecided edge are left. Eliminating
an event e adds, for each path a -> e -> b, the edge a -> b; a pair of opposite edges is forbidden.

Where what is left is dense (a ring's index against its polls), elimination is cubic and worse. Events that are
ordered anyway form chains; for each event v and chain C, literals say "C[k] reaches v", true for a prefix of C:
a vector clock in unary. An edge u -> v passes u's clock on; it closes a cycle if v reaches u. With two chains that is
quadratic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from mmcheck.engines.smt.circuit import TRUE, Circuit
from mmcheck.events.relations import bits

DENSE = 16
"""In- times out-degree from which clocks are considered."""
WORTH = 8
"""So many edges less make a node of its own worth while."""


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
        self.happens = list(happens)
        self.implied_by = list(implied_by)
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
        self.closed = must
        joints = self.join(out)
        keep = [m for m in members if m in touched or self.happens[m] != TRUE]
        kept = 0
        for member in keep:
            kept |= 1 << member
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
        keep += joints
        into: dict[int, dict[int, int]] = {member: {} for member in keep}
        for i in keep:
            for j, literal in out[i].items():
                into[j][i] = literal
        out = {i: out[i] for i in keep}
        self.eliminate(self.leave_out_idle(keep, out, into), out, into)

    def join(self, out: dict[int, dict[int, int]]) -> list[int]:
        """Where all of some events have an edge to all of some others under one literal, lead these through a node.

        A barrier that is there in some runs only, or that one variant has, orders what is before it with what is
        behind it, and that many edges would each be passed on.
        """
        groups: dict[int, dict[int, int]] = {}
        for i, targets in out.items():
            for j, literal in targets.items():
                if literal != TRUE:
                    rows = groups.setdefault(literal, {})
                    rows[i] = rows.get(i, 0) | 1 << j
        joints = []
        for literal, rows in groups.items():
            while len(rows) > 1:
                best: tuple[int, int, list[int]] | None = None
                for mask in set(rows.values()):
                    # An edge that always holds is none too many.
                    sources = [i for i, row in rows.items() if not mask & ~(row | self.closed[i])]
                    width = mask.bit_count()
                    gain = sum([(rows[i] & mask).bit_count() for i in sources]) - len(sources) - width
                    if gain >= WORTH and (best is None or (gain, mask) > best[:2]):
                        best = gain, mask, sources
                if best is None:
                    break
                _, mask, sources = best
                node = len(self.happens)
                joints.append(node)
                self.happens.append(TRUE)
                self.implied_by.append(-1)
                self.closed.append(0)
                out[node] = {}
                for j in bits(mask):
                    out[node][j] = TRUE
                for i in sources:
                    out[i][node] = literal
                    for j in bits(rows[i] & mask):
                        del out[i][j]
                    rows[i] &= ~mask
                    if not rows[i]:
                        del rows[i]
        return joints

    def leave_out_idle(
        self, keep: list[int], out: dict[int, dict[int, int]], into: dict[int, dict[int, int]]
    ) -> list[int]:
        """`keep` without events of many edges through which no path leads that is possible and says anything new.

        A poll that nothing orders is one: it reads from one write of the index, and is overwritten only by later ones.
        """
        kept = []
        for node in keep:
            if len(into[node]) * len(out[node]) <= DENSE or not self.is_idle(into[node], out[node]):
                kept.append(node)
                continue
            for a in into.pop(node):
                del out[a][node]
            for b in out.pop(node):
                del into[b][node]
        return kept

    def is_idle(self, sources: Mapping[int, int], targets: Mapping[int, int]) -> bool:
        exclusive = self.circuit.exclusive
        for a, first in sources.items():
            known = self.closed[a] & ~(1 << a)
            for b, second in targets.items():
                implied = known >> b & 1 and not first == second == TRUE  # then it may be known through `node` only
                if not (implied or exclusive(first, second)):
                    return False
        return True

    def eliminate(self, keep: list[int], out: dict[int, dict[int, int]], into: dict[int, dict[int, int]]) -> None:
        rest = set(keep)
        owned: set[tuple[int, int, int]] = set()
        chains: list[list[int]] | None = None
        while rest:
            self.circuit.deadline.check()
            cost, node = min([(len(into[e]) * len(out[e]), e) for e in rest])
            if cost > DENSE:
                if chains is None:
                    weight = {e: len(into[e]) * len(out[e]) for e in rest}
                    heavy = {e for e in rest if 8 * weight[e] > max(weight.values())}
                    chains = self.chains(heavy) + self.chains(rest - heavy)
                chains = sorted(([e for e in chain if e in rest] for chain in chains), key=len, reverse=True)
                chains = [chain for chain in chains if chain]
                edges = sum(len(out[e]) for e in rest)
                main = set().union(*chains[:2])
                others = rest - main
                if others:
                    cost, node = min([(len(into[e]) * len(out[e]), e) for e in others])
                worth = edges + 2 * len(rest) if others else 0  # what the clocks save without `node`
                passing = edges * sum(len(chain) for chain in chains[2:])
                clocks = 2 * edges + passing + 2 * len(rest) ** 2
                if cost >= worth and clocks < sum(len(into[e]) * len(out[e]) for e in rest):
                    self.clocks(rest, chains, out)
                    return
            rest.remove(node)
            sources, targets = into.pop(node), out.pop(node)
            for a in sources:
                del out[a][node]
            for b in targets:
                del into[b][node]
            self.pass_on(node, sources, targets, out, into, owned)

    def clocks(self, rest: set[int], chains: list[list[int]], out: dict[int, dict[int, int]]) -> None:
        """Encode what is left by clocks on `chains`."""
        edges = [(u, v, literal) for u in sorted(rest) for v, literal in out[u].items()]
        circuit, happens = self.circuit, self.happens
        place = {event: (c, k) for c, chain in enumerate(chains) for k, event in enumerate(chain)}
        reaches: dict[int, list[list[int]]] = {}
        for event in rest:
            own = place[event][0]
            reaches[event] = [[] if c == own else [circuit.var("") for _ in chain] for c, chain in enumerate(chains)]
        for chain in chains:
            for position, event in enumerate(chain):
                for clock in reaches[event]:
                    for earlier, later in pairwise(clock):
                        circuit.clause([-later, earlier])
                if position + 1 < len(chain):
                    for here, there in zip(reaches[event], reaches[chain[position + 1]], strict=True):
                        for a, b in zip(here, there, strict=True):
                            circuit.clause([-a, b])
        for u, v, literal in edges:
            (c, k), (d, m) = place[u], place[v]
            if c == d:
                continue  # forward in one chain; backward edges were refused before
            unless = [-literal, -happens[u], -happens[v]]
            circuit.clause([*unless, reaches[v][c][k]])
            circuit.clause([*unless, -reaches[u][d][m]])
            for e in range(len(chains)):
                if e not in (c, d):
                    for a, b in zip(reaches[u][e], reaches[v][e], strict=True):
                        circuit.clause([*unless, -a, b])

    def chains(self, rest: set[int]) -> list[list[int]]:
        """`rest` split into chains, each totally ordered by what always holds; greedy, longest fit first."""
        order = sorted(rest, key=lambda e: (sum(self.closed[o] >> e & 1 for o in rest), e))
        chains: list[list[int]] = []
        masks: list[int] = []
        before = {e: sum(1 << o for o in rest if self.closed[o] >> e & 1) for e in rest}
        for event in order:
            best = -1
            for c, mask in enumerate(masks):
                if not mask & ~before[event] and (best < 0 or len(chains[c]) > len(chains[best])):
                    best = c
            if best < 0:
                chains.append([event])
                masks.append(1 << event)
            else:
                chains[best].append(event)
                masks[best] |= 1 << event
        return chains

    def pass_on(
        self,
        node: int,
        sources: Mapping[int, int],
        targets: Mapping[int, int],
        out: dict[int, dict[int, int]],
        into: dict[int, dict[int, int]],
        owned: set[tuple[int, int, int]],
    ) -> None:
        """The edges from `sources` to `targets`, for the paths through `node`, which is left out."""
        circuit, happens, closed = self.circuit, self.happens, self.closed
        clause, exclusive = circuit.clause, circuit.exclusive
        safe, happening = self.implied_by[node], happens[node]
        forward = list(targets.items())
        for a, first in sources.items():
            always, here_of_a = closed[a], TRUE if safe >> a & 1 else happening
            outgoing = out[a]
            for b, second in forward:
                if first != TRUE != second and exclusive(first, second):
                    continue
                here = TRUE if safe >> b & 1 else here_of_a
                if a == b or closed[b] >> a & 1:
                    clause([-first, -second, -here, -happens[a], -happens[b]])
                    continue
                if always >> b & 1:
                    if first == second == here == TRUE:  # the reduced graph kept this edge only through `node`
                        outgoing[b] = into[b][a] = TRUE
                    continue
                known = outgoing.get(b)
                if known == TRUE:
                    continue
                parts = [literal for literal in (first, second, here) if literal != TRUE]
                if (known is not None and known in parts) or (
                    len(parts) == 1 and self.implied(a, b, parts[0], out, into)
                ):
                    continue
                if known is None:
                    if not parts:
                        literal = TRUE
                    elif len(parts) == 1:
                        literal = parts[0]
                    else:
                        literal = circuit.var("")
                        owned.add((a, b, literal))
                        clause([literal, *[-part for part in parts]])
                elif (a, b, known) in owned:
                    clause([known, *[-part for part in parts]])
                    continue
                else:
                    literal = circuit.var("")
                    owned.add((a, b, literal))
                    clause([literal, -known])
                    clause([literal, *[-part for part in parts]])
                outgoing[b] = literal
                into[b][a] = literal

    def implied(
        self, a: int, b: int, literal: int, out: dict[int, dict[int, int]], into: dict[int, dict[int, int]]
    ) -> bool:
        """Whether an edge a -> b under `literal` follows from another edge under it and what always holds.

        Without this, the reads behind a ring's polls would each gather the edges of all later ones.
        """
        for x, other in into[b].items():
            if other == literal and self.closed[a] >> x & 1 and self.sure(x, a, b):
                return True
        return any(other == literal and self.closed[y] >> b & 1 and self.sure(y, a, b) for y, other in out[a].items())

    def sure(self, x: int, a: int, b: int) -> bool:
        """Whether x happens whenever a and b do, as far as is known."""
        return bool(self.implied_by[x] >> a & 1 or self.implied_by[x] >> b & 1)
