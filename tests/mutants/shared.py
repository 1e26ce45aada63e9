"""One pool for the axioms of many models: what means the same is one node, whichever model it comes from."""

from __future__ import annotations

from mmcheck.model.expr import Node, Pool
from mmcheck.model.model import Model

Axioms = tuple[tuple[str, Node], ...]


class Shared:
    """One pool for the axioms of many models."""

    def __init__(self) -> None:
        self.pool = Pool()

    def axioms(self, model: Model) -> Axioms:
        known: dict[int, Node] = {}
        return tuple([(axiom.kind, self._node(axiom.node, known)) for axiom in model.axioms if not axiom.flag])

    def _node(self, node: Node, known: dict[int, Node]) -> Node:
        found = known.get(node.number)
        if found is None:
            args = [self._node(arg, known) for arg in node.args]
            if node.op in ("union", "s-union"):
                found = self.pool.union(*args)
            elif node.op in ("inter", "s-inter"):
                found = self.pool.inter(*args)
            else:
                found = self.pool._make(node.op, node.name, tuple(args))
            known[node.number] = found
        return found


SHARED = Shared()

__all__ = ["SHARED", "Axioms"]
