"""A model's expressions over literals, by bounds (Gavrilenko et al., CAV 2019; Haas et al., OOPSLA 2023).

Only pairs between what a relation may and what it must have (`mmcheck.engines.smt.bounds`) get a literal, and only
those that an axiom can use. Bounds go up the expression, the wish for literals comes down from the axioms, literals go
up again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from mmcheck.engines.smt.acyclic import Acyclic
from mmcheck.engines.smt.bounds import Bounds, Lits
from mmcheck.engines.smt.circuit import FALSE, TRUE, Circuit
from mmcheck.engines.smt.wanted import Wanting
from mmcheck.events.relations import bits, inverse
from mmcheck.model.expr import Node, signed
from mmcheck.model.model import Axiom, Model
from mmcheck.model.operators import column

Pairs: TypeAlias = list[tuple[int, int]]


class Algebra(Wanting):
    """Evaluates the axioms of one model over one set of events.

    `happens[i]` is the literal that event i happens; the rest is as for
    `mmcheck.engines.smt.bounds.Bounding`; `optional` are further members of sets, each with the literal that it is one.
    """

    def __init__(
        self,
        model: Model,
        circuit: Circuit,
        happens: Sequence[int],
        implied_by: Sequence[int],
        base: dict[str, Bounds],
        sets: dict[str, int],
        overrides: dict[int, Bounds] | None = None,
        optional: Mapping[str, Mapping[int, int]] | None = None,
    ) -> None:
        super().__init__(implied_by, base, sets, overrides or {}, optional or {})
        self.model = model
        self.circuit = circuit
        self.happens = happens
        self.optional = optional or {}
        self.set_lits: dict[int, dict[int, int]] = {}
        self._exact: set[int] = set()
        """Nodes whose literals must not hold where the relation does not: of queries, and below a difference."""

    def require(self, axioms: Sequence[Axiom]) -> None:
        """Every one of `axioms` holds."""
        self._prepare(axioms)
        for axiom in axioms:
            self._forbid(axiom)

    def relation(self, node: Node) -> Bounds:
        """All literals of one relation, for queries."""
        return self.relations([node])[0]

    def relations(self, nodes: Sequence[Node]) -> list[Bounds]:
        """All literals of several, for the compiler layer; what they have in common is made once."""
        self._prepare([Axiom("query", "empty", node) for node in nodes], exact=True)
        return [self.rel[node.number] for node in nodes]

    def _prepare(self, axioms: Sequence[Axiom], *, exact: bool = False) -> None:
        self._exact = _exact_nodes(axioms, exact)
        roots = [axiom.node for axiom in axioms]
        needed = self._reachable(roots, set(self.overrides))
        self._order = [node for node in self.model.pool.order(roots) if node.number in needed]
        self.find_bounds(self._order)
        self.find_wanted(axioms, self._order)
        for node in self._order:
            if node.op == "rec":
                pairs = [(i, j) for i, row in enumerate(self.rel[node.number].wanted) for j in bits(row)]
                self.rel[node.number].lits = {(i, j): self.circuit.var(f"{node.name}:{i}:{j}") for i, j in pairs}
        for node in self._order:
            if node.is_set:
                self.set_lits[node.number] = self._set_literals(node)
            elif node.op != "rec" and self.rel[node.number] is not self.nothing:
                self.rel[node.number].lits = self._literals(node)
        for node in self._order:
            if node.op == "rec":
                self._close_rec(node)

    def _reachable(self, roots: Sequence[Node], skip: set[int]) -> set[int]:
        seen: set[int] = set()
        stack = list(roots)
        while stack:
            node = stack.pop()
            if node.number in seen:
                continue
            seen.add(node.number)
            if node.number in skip:
                continue
            stack += node.args
            if node.body is not None:
                stack.append(node.body)
        return seen

    # --- literals ----------------------------------------------------------------------------------

    def lit(self, node: Node, i: int, j: int) -> int:
        """The literal of one pair, given that both events happen."""
        return self.rel[node.number].pair(i, j)

    def _literals(self, node: Node) -> Lits:
        bounds = self.rel[node.number]
        if bounds is self.nothing:
            return {}
        pairs = [(i, j) for i, row in enumerate(bounds.wanted) if row for j in bits(row)]
        if not pairs:
            return {}
        literal = bounds.literal
        if literal is not None:
            return {(i, j): literal(i, j) for i, j in pairs}
        return LITERALS[node.op](self, node, pairs)

    def _union_literals(self, node: Node, pairs: Pairs) -> Lits:
        parts = [(bound.may, bound.must, bound.lits) for bound in (self.rel[arg.number] for arg in node.args)]
        out: Lits = {}
        for i, j in pairs:  # where none of them has it for sure, or the union would, too
            found = [lits[i, j] for may, must, lits in parts if (may[i] & ~must[i]) >> j & 1]
            out[i, j] = found[0] if len(found) == 1 else self.circuit.any(found)
        return out

    def _diff_literals(self, node: Node, pairs: Pairs) -> Lits:
        a, b = node.args
        return {(i, j): self.circuit.all([self.lit(a, i, j), -self.lit(b, i, j)]) for i, j in pairs}

    def _product_literals(self, node: Node, pairs: Pairs) -> Lits:
        a, b = node.args
        return {(i, j): self.circuit.all([self.member(a, i), self.member(b, j)]) for i, j in pairs}

    def _seq_literals(self, node: Node, pairs: Pairs) -> Lits:
        a, b = node.args
        out: Lits = {}
        may_a, may_b = self.rel[a.number].may, list(inverse(tuple(self.rel[b.number].may)))
        for i, k in pairs:
            parts = []
            for j in bits(may_a[i] & may_b[k]):
                safe = self.implied_by[j]
                here = TRUE if safe >> i & 1 or safe >> k & 1 else self.happens[j]
                parts.append(self.circuit.all([self.lit(a, i, j), here, self.lit(b, j, k)]))
            out[i, k] = self.circuit.any(parts)
        return out

    def _plus_literals(self, node: Node, pairs: Pairs) -> Lits:
        arg, bounds = node.args[0], self.rel[node.number]
        inner = self.rel[arg.number]
        if all(row & (1 << i + 1) - 1 == 0 for i, row in enumerate(inner.may)):
            return self._forward_literals(arg, bounds)
        return self._cyclic_literals(node, bounds)

    def _forward_literals(self, arg: Node, bounds: Bounds) -> Lits:
        """The closure of a relation that only goes from smaller to larger events (a thread's own order)."""
        circuit = self.circuit
        into = inverse(tuple(self.rel[arg.number].may))
        memo: Lits = {}

        def reach(i: int, k: int) -> int:
            """That i reaches k, both happening: by the last step."""
            if bounds.must[i] >> k & 1:
                return TRUE
            known = memo.get((i, k))
            if known is not None:
                return known
            parts = [self.lit(arg, i, k)]
            for y in bits(into[k] & bounds.may[i]):
                step = self.lit(arg, y, k)
                before = reach(i, y)
                if before != FALSE and step != FALSE:
                    parts.append(circuit.all([before, self._happening(y, i, k), step]))
            result = memo[i, k] = circuit.any(parts)
            return result

        return {(i, j): reach(i, j) for i, row in enumerate(bounds.wanted) for j in bits(row)}

    def _happening(self, event: int, i: int, k: int) -> int:
        """The literal that `event` happens, given that i and k do."""
        safe = self.implied_by[event]
        return TRUE if safe >> i & 1 or safe >> k & 1 else self.happens[event]

    def _cyclic_literals(self, node: Node, bounds: Bounds) -> Lits:
        """The closure of a relation that may go round in circles.

        Where nothing is lost if the closure is taken for larger than it is, a variable for each pair and two clauses
        for each step do. An exact one is built by Warshall's algorithm over literals.
        """
        arg = node.args[0]
        if node.number in self._exact:
            return self._warshall(arg, bounds)
        circuit, inner = self.circuit, self.rel[arg.number]
        into = inverse(tuple(inner.may))
        out: Lits = {}
        for i, wanted in enumerate(bounds.wanted):
            if not wanted:
                continue
            must = bounds.must[i]
            useful = sum([1 << k for k in bits(bounds.may[i]) if wanted >> k & 1 or bounds.may[k] & wanted])
            reached = {k: TRUE if must >> k & 1 else circuit.var(f"{node.number}+{i}:{k}") for k in bits(useful)}
            for k in bits(useful & ~must):
                circuit.clause([reached[k], -self.lit(arg, i, k)])
                for y in bits(into[k] & useful & ~(1 << i)):
                    if y != k:
                        step = [-reached[y], -self._happening(y, i, k), -self.lit(arg, y, k)]
                        circuit.clause([reached[k], *step])
            out.update({(i, k): reached[k] for k in bits(wanted)})
        return out

    def _warshall(self, arg: Node, bounds: Bounds) -> Lits:
        """Among the events on undecided edges."""
        n, circuit = self.n, self.circuit
        rows: list[dict[int, int]] = [
            {j: self.lit(arg, i, j) for j in bits(self.rel[arg.number].may[i])} for i in range(n)
        ]
        for j in range(n):
            through = rows[j]
            if not through:
                continue
            for i in range(n):
                first = rows[i].get(j)
                if first is None or first == FALSE:
                    continue
                for k, second in list(through.items()):
                    path = circuit.all([first, self._happening(j, i, k), second])
                    if path != FALSE:
                        rows[i][k] = circuit.any([rows[i].get(k, FALSE), path])
        return {(i, j): rows[i].get(j, FALSE) for i, row in enumerate(bounds.wanted) for j in bits(row)}

    def _close_rec(self, node: Node) -> None:
        """A recursion variable includes its body; enough where it occurs positively (any post-fixpoint will do)."""
        bounds = self.rel[node.number]
        assert node.body is not None
        for (i, j), literal in bounds.lits.items():
            self.circuit.clause([literal, -self.lit(node.body, i, j)])

    def member(self, node: Node, i: int) -> int:
        """The literal that event i is in a set."""
        may, must = self.set_bounds[node.number]
        if must >> i & 1:
            return TRUE
        if not may >> i & 1:
            return FALSE
        return self.set_lits[node.number][i]

    def _set_literals(self, node: Node) -> dict[int, int]:
        may, must = self.set_bounds[node.number]
        out = {}
        for i in bits(may & ~must):
            out[i] = self.optional[node.name][i] if node.op == "set" else MEMBERS[node.op](self, node, i)
        return out

    def _in_domain(self, node: Node, i: int) -> int:
        inner = node.args[0]
        targets = bits(self.rel[inner.number].may[i])
        return self.circuit.any([self.circuit.all([self.lit(inner, i, j), self.happens[j]]) for j in targets])

    def _in_range(self, node: Node, i: int) -> int:
        inner = node.args[0]
        sources = [j for j, row in enumerate(self.rel[inner.number].may) if row >> i & 1]
        return self.circuit.any([self.circuit.all([self.lit(inner, j, i), self.happens[j]]) for j in sources])

    def _in_difference(self, node: Node, i: int) -> int:
        a, b = node.args
        return self.circuit.all([self.member(a, i), -self.member(b, i)])

    # --- axioms ------------------------------------------------------------------------------------

    def _forbid(self, axiom: Axiom) -> None:
        circuit, happens = self.circuit, self.happens
        node = axiom.node
        if node.is_set:
            may, _must = self.set_bounds[node.number]
            found = [circuit.all([self.member(node, i), happens[i]]) for i in bits(may)]
            for clause in [found] if axiom.negated else [[-literal] for literal in found]:
                circuit.clause(clause)
            return
        bounds = self.rel[node.number]
        if axiom.kind == "acyclic" and not axiom.negated:
            edges = {}
            for i, row in enumerate(bounds.wanted):
                for j in bits(row):
                    literal = bounds.lits[i, j]
                    if literal != FALSE:
                        edges[i, j] = literal
            Acyclic(circuit, self.n, bounds.must, edges, happens, self.implied_by)
            return
        pairs = [(i, j) for i in range(self.n) for j in bits(bounds.may[i]) if axiom.kind == "empty" or i == j]
        found = [circuit.all([self.lit(node, i, j), happens[i], happens[j]]) for i, j in pairs]
        if axiom.negated:
            circuit.clause(found)
        else:
            for literal in found:
                circuit.clause([-literal])


LITERALS: Mapping[str, Callable[[Algebra, Node, Pairs], Lits]] = column(
    {
        "ident": lambda self, node, pairs: {(i, i): self.member(node.args[0], i) for i, _ in pairs},
        "product": Algebra._product_literals,
        "union": Algebra._union_literals,
        "inter": lambda self, node, pairs: {
            (i, j): self.circuit.all([self.lit(arg, i, j) for arg in node.args]) for i, j in pairs
        },
        "diff": Algebra._diff_literals,
        "seq": Algebra._seq_literals,
        "plus": Algebra._plus_literals,
        "inverse": lambda self, node, pairs: {(i, j): self.lit(node.args[0], j, i) for i, j in pairs},
    },
    sets=False,
)
MEMBERS: Mapping[str, Callable[[Algebra, Node, int], int]] = column(
    {
        "domain": Algebra._in_domain,
        "range": Algebra._in_range,
        "s-union": lambda self, node, i: self.circuit.any([self.member(arg, i) for arg in node.args]),
        "s-inter": lambda self, node, i: self.circuit.all([self.member(arg, i) for arg in node.args]),
        "s-diff": Algebra._in_difference,
    },
    sets=True,
)


def _exact_nodes(axioms: Sequence[Axiom], exact: bool) -> set[int]:
    """The numbers of nodes below `axioms` that occur negatively; all of them if the axioms are queries."""
    found = signed([(axiom.node, -1 if axiom.negated else 1) for axiom in axioms])
    return {node.number for node, sign in found if exact or sign < 0}
