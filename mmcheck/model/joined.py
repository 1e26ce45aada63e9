"""A frame put together from those of its threads.

Much of a model is about one thread at a time, and a thread's part is the same in whatever company it runs. Say that a
relation is *apart* if it relates events of one thread only (and an initial write to nothing but itself), and that a
node is *divisible* if its value on the events of one thread follows from those of its operands there. A divisible set,
and a divisible relation that is apart, is on all events what it is on each thread, side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from mmcheck.events.relations import Rel, Set
from mmcheck.model.concrete import Frame, asked_axioms, is_empty
from mmcheck.model.expr import Node, Pool
from mmcheck.model.model import Model
from mmcheck.model.operators import OPERATORS

APART = {"po", "src", "addr", "data", "ctrl", "pick-addr", "pick-data", "pick-ctrl", "amo", "lxsx", "int"}
"""The base relations that are apart."""
MOST_PLANS = 1_000


def initial_write(model: Model, *, coherent: bool) -> Frame:
    """The frame of an initial write alone."""
    key = ("initial", *[axiom.node.number for axiom in asked_axioms(model, coherent)])
    found: Frame | None = model.pool.plans.get(key)
    if found is None:
        sets, static = {"W": 1, "M": 1, "IW": 1}, {"int": (1,), "loc": (1,)}
        found = model.pool.plans[key] = Frame(model, 1, sets, static, coherent=coherent)
    return found


class JoinedFrame(Frame):
    """`initial` writes come first, then the events of each of `threads`: a frame of its own, in which all events have
    one thread. `base` gives base relations of all events by name, other than rf and co. It says what `allows`, no more.
    """

    def __init__(
        self,
        model: Model,
        initial: int,
        threads: Sequence[Frame],
        base: Callable[[str], Rel],
        *,
        coherent: bool = False,
    ) -> None:
        self.model = model
        self.n = initial + sum([thread.n for thread in threads])
        self.none = (0,) * self.n
        self.base = base
        self.parts = initial, threads
        self.axioms = asked_axioms(model, coherent)
        seams = _seams(model.pool, tuple([axiom.node for axiom in self.axioms]))
        one = initial_write(model, coherent=coherent)
        values: dict[int, Any] = {}
        for number in seams.sets:
            values[number] = self._members(one, initial, threads, (number,))
        for number, members in seams.relations:
            values[number] = self._rows(one, initial, threads, members)
        if seams.rest:
            self._evaluate(seams.rest, values)
        bare = tuple([values[number] in (0, self.none) for number in seams.wanted])
        plan = seams.plans.get(bare)
        if plan is None:
            plan = _plan(seams, bare)
        self._plan = plan.nodes
        for number in plan.no_sets:
            values[number] = 0
        for number in plan.no_relations:
            values[number] = self.none
        self._fixed = values

    @property
    def static(self) -> Mapping[str, Rel]:  # type: ignore[override]
        """The base relations."""
        return {name: self.base(name) for name in (*APART, "loc", "ext")}

    @cached_property
    def sets(self) -> Mapping[str, Set]:  # type: ignore[override]
        """The base sets."""
        initial, threads = self.parts
        start, own = initial, dict.fromkeys(("W", "M", "IW"), (1 << initial) - 1)
        for thread in threads:
            for name, members in thread.sets.items():
                own[name] = own.get(name, 0) | members << start
            start += thread.n
        return own

    def _value(self, node: Node, values: Mapping[int, Set | Rel]) -> Set | Rel:
        if node.op == "rel":
            stated = self.base(node.name)
            return stated if any(stated) else self.none
        return super()._value(node, values)

    def _members(self, one: Frame, initial: int, threads: Sequence[Frame], numbers: tuple[int, ...]) -> Set:
        """A set, side by side."""
        members = (1 << initial) - 1 if one.fixed(numbers) else 0
        start = initial
        for thread in threads:
            members |= thread.fixed(numbers) << start  # type: ignore[operator]
            start += thread.n
        return members

    def _rows(self, one: Frame, initial: int, threads: Sequence[Frame], numbers: tuple[int, ...]) -> Rel:
        """A relation, or the union of some, side by side."""
        filled = one.fixed(numbers) is not one.none
        rows = [1 << i for i in range(initial)] if filled else [0] * initial
        for thread in threads:
            value = thread.fixed(numbers)
            if value is thread.none:
                rows += value
            else:
                filled = True
                start = len(rows)
                rows += [row << start for row in value]  # type: ignore[union-attr]
        return tuple(rows) if filled else self.none


class _Plan(NamedTuple):
    """What is to be evaluated for each rf and co, and what is empty anyhow."""

    nodes: tuple[Node, ...]
    no_sets: tuple[int, ...]
    no_relations: tuple[int, ...]


class _Seams(NamedTuple):
    """The static nodes that a dynamic one or an axiom needs (`wanted`, by number): `sets` and `relations` are found
    side by side, `rest` from those and base relations. A relation with a negative number is the union of several.
    `plans`: for `dynamic`, by which of the wanted are empty."""

    sets: tuple[int, ...]
    relations: tuple[tuple[int, tuple[int, ...]], ...]
    rest: tuple[Node, ...]
    wanted: tuple[int, ...]
    dynamic: tuple[Node, ...]
    plans: dict[tuple[bool, ...], _Plan]


def _seams(pool: Pool, roots: tuple[Node, ...]) -> _Seams:
    key = ("seams", *[root.number for root in roots])
    known: _Seams | None = pool.plans.get(key)
    if known is not None:
        return known
    order = pool.order(list(roots))
    apart, divisible = set[int](), set[int]()
    for node in order:
        if not node.dynamic:
            if _is_apart(node, apart):
                apart.add(node.number)
            if _is_divisible(node, apart, divisible):
                divisible.add(node.number)
    whole = {node.number for node in order if node.number in divisible and (node.is_set or node.number in apart)}
    groups: dict[int, tuple[int, ...]] = {}
    recursive = any(node.op == "rec" for node in order)
    dynamic = [node if recursive else _grouped(node, whole, groups) for node in order if node.dynamic]
    used = {arg.number for node in dynamic for arg in node.args}
    used |= {node.body.number for node in dynamic if node.body is not None}
    used |= {root.number for root in roots}
    wanted = [node.number for node in order if not node.dynamic and node.number in used]
    needed = set(wanted)
    rest = []
    for node in reversed(order):
        if node.number in needed and node.number not in whole:
            rest.append(node)
            needed |= {arg.number for arg in node.args}
    side = [node for node in order if node.number in needed and node.number in whole]
    made = pool.plans[key] = _Seams(
        tuple([node.number for node in side if node.is_set]),
        (*[(node.number, (node.number,)) for node in side if not node.is_set], *groups.items()),
        tuple(reversed(rest)),
        (*wanted, *groups),
        tuple(dynamic),
        {},
    )
    return made


def _grouped(node: Node, whole: set[int], groups: dict[int, tuple[int, ...]]) -> Node:
    """`node`; if it is a union with several operands that are found side by side, with one for them, put into
    `groups`."""
    together = [arg for arg in node.args if not arg.dynamic and arg.number in whole]
    if node.op != "union" or len(together) < 2:
        return node
    number = -1 - len(groups)
    groups[number] = tuple([arg.number for arg in together])
    others = [arg for arg in node.args if arg not in together]
    return Node(node.number, "union", "", (Node(number, "rel", "", (), False), *others), True)


def _is_apart(node: Node, apart: set[int]) -> bool:
    """Whether the relation `node` relates no two threads, given what is known of its operands."""
    if node.args:
        return OPERATORS[node.op].apart([arg.number in apart for arg in node.args])
    return node.op == "empty" or (node.op == "rel" and node.name in APART)


def _is_divisible(node: Node, apart: set[int], divisible: set[int]) -> bool:
    """Whether the value of `node` on one thread's events follows from those of its operands there."""
    if not node.args:
        return node.op != "rec"
    known = all(arg.number in divisible for arg in node.args)
    return known and OPERATORS[node.op].divides([arg.number in apart for arg in node.args])


def _plan(seams: _Seams, bare: tuple[bool, ...]) -> _Plan:
    """The plan if, of what is wanted, just that is empty."""
    empty = {number for number, nothing in zip(seams.wanted, bare, strict=True) if nothing}
    for node in seams.dynamic:
        if is_empty(node, frozenset(), empty):
            empty.add(node.number)
    gone = [node for node in seams.dynamic if node.number in empty]
    if len(seams.plans) >= MOST_PLANS:
        seams.plans.clear()
    made = seams.plans[bare] = _Plan(
        tuple([node for node in seams.dynamic if node.number not in empty]),
        tuple([node.number for node in gone if node.is_set]),
        tuple([node.number for node in gone if not node.is_set]),
    )
    return made
