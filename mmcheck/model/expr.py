"""Hash-consed set and relation expressions: what a cat file means, before any algebra is chosen.

A `Node` is an operator over nodes; two nodes that are structurally equal are one object, so that
"the same relation" is object identity. A `Pool` makes nodes and simplifies what can be simplified without
knowing the events (empty operands, ``a | a``, ``(a^+)^+``). Both engines walk the same nodes: `mmcheck.model.
concrete` with bit sets, `mmcheck.engines.smt.relations` with literals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mmcheck.model.operators import OPERATORS

SET_LEAVES = {"set", "all", "none"}


class Node:
    """One expression. `op` is one of

    sets: ``set`` (base, `name`), ``all``, ``none``, ``s-union``, ``s-inter``, ``s-diff``, ``domain``, ``range``;
    relations: ``rel`` (base, `name`), ``empty``, ``ident`` ([S]), ``product`` (S * T), ``union`` and ``inter`` (any
    number of operands), ``diff``, ``seq`` (two), ``plus`` (^+), ``inverse``, ``rec`` (a `let rec` variable, whose
    `body` is set once it is known). ``opt`` and ``star`` are unions with ``id``, which is ``ident(all)``.
    """

    __slots__ = ("args", "body", "dynamic", "key", "name", "number", "op")

    def __init__(self, number: int, op: str, name: str, args: tuple[Node, ...], dynamic: bool) -> None:
        self.number = number
        self.op = op
        self.name = name
        self.args = args
        self.dynamic = dynamic
        self.body: Node | None = None

    @property
    def is_set(self) -> bool:
        return OPERATORS[self.op].is_set if self.args else self.op in SET_LEAVES

    def __repr__(self) -> str:
        if self.op in ("set", "rel", "rec"):
            return self.name
        if self.op in ("all", "none", "empty"):
            return {"all": "_", "none": "{}", "empty": "0"}[self.op]
        inner, shown = [repr(arg) for arg in self.args], OPERATORS[self.op].shown
        return shown.format(*inner) if "{}" in shown else f"({shown.join(inner)})"


DYNAMIC_BASES = {"rf", "co"}
"""The relations that differ between executions of one set of thread runs."""


MAX_NODES = 10_000
"""Of one model; the largest that ship have some hundreds."""


class TooLarge(Exception):
    """What is not made: the message says of what there is too much."""


class Pool:
    """Makes nodes; one per model. Raises `TooLarge`."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[object, ...], Node] = {}
        self._orders: dict[tuple[int, ...], tuple[Node, ...]] = {}
        self.plans: dict[object, Any] = {}
        """What `mmcheck.model.concrete` remembers of the model."""
        self.all = self._make("all")
        self.none = self._make("none")
        self.empty = self._make("empty")
        self.id = self._make("ident", args=(self.all,))

    def _make(self, op: str, name: str = "", args: tuple[Node, ...] = ()) -> Node:
        key = (op, name, *[arg.number for arg in args])
        node = self._nodes.get(key)
        if node is None:
            if len(self._nodes) >= MAX_NODES:
                raise TooLarge(f"more than {MAX_NODES:,} sets and relations")
            dynamic = name in DYNAMIC_BASES if op == "rel" else any(arg.dynamic for arg in args)
            node = self._nodes[key] = Node(len(self._nodes), op, name, args, dynamic)
        return node

    def order(self, roots: list[Node]) -> tuple[Node, ...]:
        """As `walk`, remembered: models are evaluated over many sets of events."""
        key = tuple([root.number for root in roots])
        known = self._orders.get(key)
        if known is None:
            known = self._orders[key] = tuple(walk(roots))
        return known

    def set(self, name: str) -> Node:
        return self._make("set", name)

    def rel(self, name: str) -> Node:
        return self._make("rel", name)

    def rec(self, name: str) -> Node:
        """A fresh recursion variable; its value is taken to depend on everything."""
        node = self._make("rec", f"{name}#{len(self._nodes)}")
        node.dynamic = True
        return node

    def ident(self, members: Node) -> Node:
        return self.empty if members is self.none else self._make("ident", args=(members,))

    def product(self, sources: Node, targets: Node) -> Node:
        if self.none in (sources, targets):
            return self.empty
        return self._make("product", args=(sources, targets))

    def union(self, *nodes: Node) -> Node:
        is_set = nodes[0].is_set
        op, nothing = ("s-union", self.none) if is_set else ("union", self.empty)
        if is_set and self.all in nodes:
            return self.all
        flat: dict[int, Node] = {}
        for node in nodes:
            for part in node.args if node.op == op else (node,):
                if part is not nothing:
                    flat[part.number] = part
        if not flat:
            return nothing
        if len(flat) == 1:
            return next(iter(flat.values()))
        return self._make(op, args=tuple(flat[number] for number in sorted(flat)))

    def inter(self, *nodes: Node) -> Node:
        is_set = nodes[0].is_set
        op, nothing = ("s-inter", self.none) if is_set else ("inter", self.empty)
        flat: dict[int, Node] = {}
        for node in nodes:
            for part in node.args if node.op == op else (node,):
                if part is nothing:
                    return nothing
                if part is not self.all:
                    flat[part.number] = part
        if not flat:
            return self.all
        if len(flat) == 1:
            return next(iter(flat.values()))
        return self._make(op, args=tuple(flat[number] for number in sorted(flat)))

    def diff(self, left: Node, right: Node) -> Node:
        nothing = self.none if left.is_set else self.empty
        if left is right or left is nothing:
            return nothing
        if right is nothing:
            return left
        return self._make("s-diff" if left.is_set else "diff", args=(left, right))

    def seq(self, *nodes: Node) -> Node:
        result = nodes[-1]
        for node in reversed(nodes[:-1]):
            result = self._seq2(node, result)
        return result

    def _seq2(self, left: Node, right: Node) -> Node:
        if self.empty in (left, right):
            return self.empty
        if left is self.id:
            return right
        if right is self.id:
            return left
        if left.op == "ident" and right.op == "ident":
            return self.ident(self.inter(left.args[0], right.args[0]))
        if left.op == "seq":
            parts = []
            while left.op == "seq":
                parts.append(left.args[0])
                left = left.args[1]
            for part in (left, *reversed(parts)):
                right = self._seq2(part, right)
            return right
        return self._make("seq", args=(left, right))

    def plus(self, node: Node) -> Node:
        if node.op in ("plus", "empty", "ident"):
            return node
        if node.op == "union":  # (a | b^+)^+ = (a | b)^+
            node = self.union(*[part.args[0] if part.op == "plus" else part for part in node.args])
        return self._make("plus", args=(node,))

    def inverse(self, node: Node) -> Node:
        if node.op == "inverse":
            return node.args[0]
        if node.op in ("empty", "ident"):
            return node
        return self._make("inverse", args=(node,))

    def domain(self, node: Node) -> Node:
        return node.args[0] if node.op == "ident" else self._make("domain", args=(node,))

    def range(self, node: Node) -> Node:
        return node.args[0] if node.op == "ident" else self._make("range", args=(node,))


def walk(roots: list[Node]) -> Iterator[Node]:
    """Every node below `roots`, once, operands before what uses them; a `rec` comes before its body."""
    seen: set[int] = set()
    bodies = list(roots)
    while bodies:
        stack = [(root, False) for root in reversed(bodies)]
        bodies = []
        while stack:
            node, done = stack.pop()
            if done:
                yield node
                continue
            if node.number in seen:
                continue
            seen.add(node.number)
            stack.append((node, True))
            stack += [(arg, False) for arg in reversed(node.args) if arg.number not in seen]
            if node.body is not None:
                bodies.append(node.body)


def signed(
    roots: Iterable[tuple[Node, int]], stop: Callable[[Node, int], bool] = lambda node, sign: False
) -> Iterator[tuple[Node, int]]:
    """Every node below `roots` with each sign that it occurs with: 1, or -1 where more of it is less of the whole.

    A root comes with its sign. What is below a node at which to `stop` is left out.
    """
    done: set[tuple[int, int]] = set()
    work = list(roots)
    while work:
        node, sign = work.pop()
        if (node.number, sign) in done:
            continue
        done.add((node.number, sign))
        yield node, sign
        if stop(node, sign):
            continue
        negative = OPERATORS[node.op].negative if node.args else None
        work += [(arg, -sign if place == negative else sign) for place, arg in enumerate(node.args)]
        if node.body is not None:
            work.append((node.body, sign))
