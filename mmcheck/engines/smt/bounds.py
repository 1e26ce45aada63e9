"""What a model's relations may and must have, whatever the literals say: bounds, from the leaves up.

Each relation has a ``may`` and a ``must`` part as bit rows, both relative to its two events happening (Gavrilenko et
al., CAV 2019; Haas et al., OOPSLA 2023).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import and_, or_

from mmcheck.engines.smt.acyclic import closure_given
from mmcheck.engines.smt.circuit import FALSE, TRUE
from mmcheck.events.relations import bits, inverse
from mmcheck.model.expr import Node
from mmcheck.model.operators import OPERATORS, column

Lits = dict[tuple[int, int], int]
Leaf = Callable[[int, int], int]


@dataclass(slots=True)
class Bounds:
    """`may` and `must` rows; `literal` gives the undecided pairs of a base relation."""

    may: list[int]
    must: list[int]
    literal: Leaf | None = None
    wanted: list[int] = field(default_factory=list)
    lits: Lits = field(default_factory=dict)

    def pair(self, i: int, j: int) -> int:
        """The literal of a pair, given that both events happen; one that is undecided must be that of a base relation,
        or wanted."""
        if self.must[i] >> j & 1:
            return TRUE
        if not self.may[i] >> j & 1:
            return FALSE
        known = self.lits.get((i, j))
        if known is None:
            assert self.literal is not None
            known = self.literal(i, j)
        return known


class Bounding:
    """Finds the bounds of expressions over one set of events.

    `implied_by[j]` are the events whose happening implies j's. `base` gives the bounds of base relations, `sets` the
    members of base sets as bits, `overrides` the bounds of nodes that are not to be taken apart; `optional` are
    events that may be in a set, too.
    """

    def __init__(
        self,
        implied_by: Sequence[int],
        base: Mapping[str, Bounds],
        sets: Mapping[str, int],
        overrides: Mapping[int, Bounds],
        optional: Mapping[str, Collection[int]],
    ) -> None:
        self.n = len(implied_by)
        self.implied_by = implied_by
        self.base = base
        self.sets = sets
        self.overrides = overrides
        self.possible = optional
        self.rel: dict[int, Bounds] = {}
        self.set_bounds: dict[int, tuple[int, int]] = {}
        self.nothing = Bounds([0] * self.n, [0] * self.n, wanted=[0] * self.n)
        """The bounds of every empty relation; most of a model is empty for most programs."""

    def find_bounds(self, order: Sequence[Node]) -> None:
        """The bounds of all nodes in `order`, arguments first; may-bounds of recursion variables by iteration, their
        must-bounds are left empty."""
        variables = [node for node in order if node.op == "rec"]
        for variable in variables:
            self.rel[variable.number] = Bounds([0] * self.n, [0] * self.n)
        while True:
            for node in order:
                if node.is_set:
                    self.set_bounds[node.number] = self._set_bounds(node)
                elif node.op != "rec":
                    found = self._bounds(node)
                    self.rel[node.number] = found if any(found.may) else self.nothing
            changed = False
            for variable in variables:
                assert variable.body is not None
                bounds, may = self.rel[variable.number], self.rel[variable.body.number].may
                if may != bounds.may:
                    bounds.may, changed = list(may), True
            if not changed:
                return

    def _bounds(self, node: Node) -> Bounds:
        known = self.overrides.get(node.number)
        if known is not None:
            return Bounds(known.may, known.must, known.literal)
        n, op = self.n, node.op
        if op == "rel":
            base = self.base.get(node.name)
            return Bounds(base.may, base.must, base.literal) if base is not None else Bounds([0] * n, [0] * n)
        if op == "empty":
            return Bounds([0] * n, [0] * n)
        return self.nothing if self._is_nothing(node) else BOUNDS[op](self, node)

    def _is_nothing(self, node: Node) -> bool:
        """Whether `node` is empty since its operands are."""
        return OPERATORS[node.op].empty([self.rel.get(arg.number) is self.nothing for arg in node.args])

    def _ident_bounds(self, node: Node) -> Bounds:
        may, must = self.set_bounds[node.args[0].number]
        return Bounds([may & 1 << i for i in range(self.n)], [must & 1 << i for i in range(self.n)])

    def _product_bounds(self, node: Node) -> Bounds:
        (may_a, must_a), (may_b, must_b) = (self.set_bounds[arg.number] for arg in node.args)
        return Bounds(
            [may_b if may_a >> i & 1 else 0 for i in range(self.n)],
            [must_b if must_a >> i & 1 else 0 for i in range(self.n)],
        )

    def _union_bounds(self, node: Node) -> Bounds:
        first, *rest = [bounds for arg in node.args if (bounds := self.rel[arg.number]) is not self.nothing]
        may, must = first.may, first.must
        for other in rest:
            may = [x | y for x, y in zip(may, other.may, strict=True)]
            must = [x | y for x, y in zip(must, other.must, strict=True)]
        return Bounds(may, must)

    def _inter_bounds(self, node: Node) -> Bounds:
        first, *rest = [self.rel[arg.number] for arg in node.args]
        may, must = first.may, first.must
        for other in rest:
            may = [x & y for x, y in zip(may, other.may, strict=True)]
            must = [x & y for x, y in zip(must, other.must, strict=True)]
        return Bounds(may, must)

    def _diff_bounds(self, node: Node) -> Bounds:
        first, other = (self.rel[arg.number] for arg in node.args)
        return Bounds(
            [x & ~y for x, y in zip(first.may, other.must, strict=True)],
            [x & ~y for x, y in zip(first.must, other.may, strict=True)],
        )

    def _plus_bounds(self, node: Node) -> Bounds:
        inner, everyone = self.rel[node.args[0].number], list(range(self.n))
        may = closure_given(inner.may, [-1] * self.n, everyone)
        return Bounds(may, closure_given(inner.must, self.implied_by, everyone))

    def _inverse_bounds(self, node: Node) -> Bounds:
        inner = self.rel[node.args[0].number]
        return Bounds(list(inverse(tuple(inner.may))), list(inverse(tuple(inner.must))))

    def _seq_bounds(self, node: Node) -> Bounds:
        left, right = node.args
        first, second = self.rel[left.number], self.rel[right.number]
        if left.op == "ident":
            may, must = self.set_bounds[left.args[0].number]
            return Bounds(
                [row if may >> i & 1 else 0 for i, row in enumerate(second.may)],
                [row if must >> i & 1 else 0 for i, row in enumerate(second.must)],
            )
        if right.op == "ident":
            may, must = self.set_bounds[right.args[0].number]
            return Bounds([row & may for row in first.may], [row & must for row in first.must])
        return Bounds(self._seq_may(first.may, second.may), self._seq_must(first.must, second.must))

    def _seq_may(self, a: list[int], b: list[int]) -> list[int]:
        useful = sum([1 << j for j, row in enumerate(b) if row])
        out = []
        for row in a:
            result = 0
            row &= useful
            while row:
                low = row & -row
                result |= b[low.bit_length() - 1]
                row ^= low
            out.append(result)
        return out

    def _seq_must(self, a: list[int], b: list[int]) -> list[int]:
        useful = sum([1 << j for j, row in enumerate(b) if row])
        out = []
        for i, row in enumerate(a):
            result = 0
            row &= useful
            while row:
                low = row & -row
                j = low.bit_length() - 1
                row ^= low
                through, safe = b[j], self.implied_by[j]
                result |= through if safe >> i & 1 else through & safe
            out.append(result)
        return out

    def _set_bounds(self, node: Node) -> tuple[int, int]:
        op = node.op
        if op == "set":
            members = self.sets.get(node.name, 0)
            return members | sum(1 << i for i in self.possible.get(node.name, ()) if not members >> i & 1), members
        if op == "all":
            return (1 << self.n) - 1, (1 << self.n) - 1
        if op == "none":
            return 0, 0
        return MEMBERS[op](self, node)

    def _domain_bounds(self, node: Node) -> tuple[int, int]:
        bounds = self.rel[node.args[0].number]
        may = must = 0
        for i in range(self.n):
            for j in bits(bounds.may[i]):
                here, there = (i, j) if node.op == "domain" else (j, i)
                may |= 1 << here
                if bounds.must[i] >> j & 1 and self.implied_by[there] >> here & 1:
                    must |= 1 << here
        return may, must

    def _members(self, node: Node) -> tuple[list[int], list[int]]:
        """Who may be, and who must be, in each operand."""
        bounds = [self.set_bounds[arg.number] for arg in node.args]
        return [may for may, _ in bounds], [must for _, must in bounds]

    def _s_union_bounds(self, node: Node) -> tuple[int, int]:
        may, must = self._members(node)
        return reduce(or_, may), reduce(or_, must)

    def _s_inter_bounds(self, node: Node) -> tuple[int, int]:
        may, must = self._members(node)
        return reduce(and_, may), reduce(and_, must)

    def _s_diff_bounds(self, node: Node) -> tuple[int, int]:
        may, must = self._members(node)
        return may[0] & ~must[1], must[0] & ~may[1]


BOUNDS: Mapping[str, Callable[[Bounding, Node], Bounds]] = column(
    {
        "ident": Bounding._ident_bounds,
        "product": Bounding._product_bounds,
        "union": Bounding._union_bounds,
        "inter": Bounding._inter_bounds,
        "diff": Bounding._diff_bounds,
        "seq": Bounding._seq_bounds,
        "plus": Bounding._plus_bounds,
        "inverse": Bounding._inverse_bounds,
    },
    sets=False,
)
MEMBERS: Mapping[str, Callable[[Bounding, Node], tuple[int, int]]] = column(
    {
        "domain": Bounding._domain_bounds,
        "range": Bounding._domain_bounds,
        "s-union": Bounding._s_union_bounds,
        "s-inter": Bounding._s_inter_bounds,
        "s-diff": Bounding._s_diff_bounds,
    },
    sets=True,
)
