"""Which pairs of a model's relations need a literal: those that an axiom can use (Gavrilenko et al., CAV 2019).

A pair that it must have needs none. From each axiom the wish goes down the expression, within the bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from mmcheck.engines.smt.acyclic import components
from mmcheck.engines.smt.bounds import Bounding, Bounds
from mmcheck.events.relations import bits, inverse
from mmcheck.model.expr import Node
from mmcheck.model.model import Axiom
from mmcheck.model.operators import column

Rows: TypeAlias = list[int]


class Wanting(Bounding):
    """Finds out, beside bounds, which undecided pairs are wanted."""

    def find_wanted(self, axioms: Sequence[Axiom], order: Sequence[Node]) -> None:
        """Fill in `Bounds.wanted` of all nodes in `order`, arguments first, as far as `axioms` can use them."""
        for bounds in self.rel.values():
            if bounds is not self.nothing:
                bounds.wanted = [0] * self.n
        for axiom in axioms:
            if not axiom.node.is_set:
                bounds = self.rel[axiom.node.number]
                self._want(axiom.node, self._use(axiom, bounds))
        recursive = any(node.op == "rec" for node in order)
        wishes: list[list[int]] = []
        while not wishes or (recursive and wishes != [bounds.wanted for bounds in self.rel.values()]):
            wishes = [bounds.wanted for bounds in self.rel.values()]
            for node in reversed(order):
                if not node.is_set:
                    self._pass_down(node)
                elif node.op in ("domain", "range"):
                    self._want_members(node)
            if not wishes:
                break

    def _use(self, axiom: Axiom, bounds: Bounds) -> list[int]:
        undecided = [x & ~y for x, y in zip(bounds.may, bounds.must, strict=True)]
        if axiom.kind == "irreflexive":
            return [row & 1 << i for i, row in enumerate(undecided)]
        if axiom.kind == "acyclic" and not axiom.negated:
            out = [0] * self.n
            for component in components(bounds.may, self.n):
                inside = 0
                for member in component:
                    inside |= 1 << member
                for member in component:
                    out[member] = undecided[member] & inside
            return out
        return undecided

    def _want(self, node: Node, rows: Sequence[int]) -> None:
        bounds = self.rel[node.number]
        if bounds is self.nothing:
            return
        bounds.wanted = [
            w | row & may & ~must
            for w, row, may, must in zip(bounds.wanted, rows, bounds.may, bounds.must, strict=True)
        ]

    def _want_members(self, node: Node) -> None:
        """The pairs that decide who is in a domain or range."""
        may, must = self.set_bounds[node.number]
        open_ = may & ~must
        everybody = (1 << self.n) - 1
        if node.op == "domain":
            rows = [everybody if open_ >> i & 1 else 0 for i in range(self.n)]
        else:
            rows = [open_] * self.n
        self._want(node.args[0], rows)

    def _pass_down(self, node: Node) -> None:
        bounds = self.rel[node.number]
        wanted = bounds.wanted
        if bounds is self.nothing or node.number in self.overrides or not any(wanted):
            return
        if node.op == "rec":
            assert node.body is not None
            self._want(node.body, self.rel[node.body.number].may)
        elif node.args:
            WANTED[node.op](self, node, wanted)

    def _want_operands(self, node: Node, wanted: Rows) -> None:
        for arg in node.args:
            self._want(arg, wanted)

    def _want_halves(self, node: Node, wanted: Rows) -> None:
        a, b = (self.rel[arg.number] for arg in node.args)
        left, right = [0] * self.n, [0] * self.n
        for i, row in enumerate(wanted):
            if row:
                for j in bits(a.may[i]):
                    useful = b.may[j] & row
                    if useful:
                        left[i] |= 1 << j
                        right[j] |= useful
        self._want(node.args[0], left)
        self._want(node.args[1], right)


WANTED: Mapping[str, Callable[[Wanting, Node, Rows], None]] = column(
    {
        "ident": lambda self, node, wanted: None,  # of sets, every undecided member has a literal
        "product": lambda self, node, wanted: None,
        "union": Wanting._want_operands,
        "inter": Wanting._want_operands,
        "diff": Wanting._want_operands,
        "seq": Wanting._want_halves,
        "plus": lambda self, node, wanted: self._want(node.args[0], self.rel[node.args[0].number].may),
        "inverse": lambda self, node, wanted: self._want(node.args[0], list(inverse(tuple(wanted)))),
    },
    sets=False,
)
