"""The compiler-preserved order as bounds (docs/compiler.md): ``cpo = (keep | dep | rmw)^+`` per source thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import permutations

from mmcheck.engines.smt.bounds import Bounds
from mmcheck.engines.smt.circuit import TRUE, Circuit
from mmcheck.engines.smt.memory import Memory
from mmcheck.engines.smt.relations import Algebra
from mmcheck.events.graph import EventGraph, GEvent
from mmcheck.events.relations import bits
from mmcheck.model.expr import Node
from mmcheck.model.kept import table
from mmcheck.model.model import BESIDE, Model
from mmcheck.target.targets import PAIRED, architecture_of


@lru_cache(maxsize=16)
def keep_model(profile: str) -> tuple[Model, Node]:
    """The table of one profile, and the node of cpo."""
    model, keep = table(profile)
    pool = model.pool
    dependencies = pool.union(*[pool.rel(name) for name in ("addr", "data", "ctrl")])
    return model, pool.plus(pool.union(keep, dependencies, model.definitions["rmw"]))


class Compiled:
    """Program order as the hardware gets it: cpo in source threads, text order in assembly.

    `happens` to `optional` are as for `Algebra`.
    """

    def __init__(
        self,
        graph: EventGraph,
        circuit: Circuit,
        memory: Memory,
        happens: Sequence[int],
        implied_by: Sequence[int],
        base: Mapping[str, Bounds],
        sets: dict[str, int],
        optional: Mapping[str, Mapping[int, int]],
    ) -> None:
        self.circuit = circuit
        self.src = base["src"]
        self.source = 0
        for event in graph.events:
            if event.thread >= 0 and graph.program.threads[event.thread].source:
                self.source |= 1 << event.id
        rows = [row if self.source >> i & 1 else 0 for i, row in enumerate(self.src.must)]
        self.inner = {**base, "src": Bounds(rows, list(rows))}
        if architecture_of(graph.program.target).pairs_words:
            self.inner[BESIDE] = beside(graph, memory, self.source)
        self.arguments = happens, implied_by, self.inner, sets, None, optional

    def order(self, profile: str, weaker: Sequence[str]) -> tuple[Bounds, dict[str, int]]:
        """The order of `profile`; for each of `weaker` that keeps less of it, the literal under which it counts."""
        names = self._different(profile, weaker)
        first, *others = self._orders(profile, *names)
        chosen: dict[str, int] = {}
        literals: dict[tuple[int, int], int] = {}
        must = list(first.must)
        for name, other in zip(names, others, strict=True):
            for i, row in enumerate(first.may):
                for j in bits(row & ~(first.must[i] & other.must[i])):
                    less = other.pair(i, j)
                    known = literals.get((i, j), first.pair(i, j))
                    if less != known:
                        must[i] &= ~(1 << j)
                        counts = chosen.get(name) or chosen.setdefault(name, self.circuit.var(f"as kept: {name}"))
                        unless = self.circuit.any([-counts, less])
                        literals[i, j] = self.circuit.all([known, unless])
        return Bounds(first.may, must, lambda i, j: literals.get((i, j)) or first.pair(i, j)), chosen

    def _different(self, profile: str, weaker: Sequence[str]) -> list[str]:
        """Those of `weaker` that lose something of `profile` in this program."""
        model, keep = table(profile)
        lost = [model.pool.diff(keep, table(name)[1]) for name in weaker]
        algebra = Algebra(model, self.circuit, *self.arguments)
        algebra.find_bounds(model.pool.order(lost))
        return [name for name, node in zip(weaker, lost, strict=True) if any(algebra.rel[node.number].may)]

    def _orders(self, *profiles: str) -> list[Bounds]:
        model, _ = keep_model(profiles[0])
        algebra = Algebra(model, self.circuit, *self.arguments)
        return [self._whole(cpo) for cpo in algebra.relations([keep_model(profile)[1] for profile in profiles])]

    def _whole(self, cpo: Bounds) -> Bounds:
        may, must = list(cpo.may), list(cpo.must)
        for i, row in enumerate(self.src.must):
            if not self.source >> i & 1:
                may[i] = must[i] = row
        return Bounds(may, must, lambda i, j: cpo.lits.get((i, j), TRUE))


def beside(graph: EventGraph, memory: Memory, source: int) -> Bounds:
    """Plain accesses of compiled code to words next to each other, which one instruction can make."""
    n = len(graph.events)
    may, must = [0] * n, [0] * n
    addresses = memory.domains.addresses
    words = [e for e in graph.events if source >> e.id & 1 and e.width in PAIRED and "Plain" in e.possible]
    for one, other in permutations(words, 2):
        if one.thread == other.thread and one.width == other.width:
            near = [(place, place + step) for place in addresses[one.id] for step in _steps(one)]
            if any(there in addresses[other.id] for _, there in near):
                may[one.id] |= 1 << other.id
                must[one.id] |= (len(addresses[one.id]) == len(addresses[other.id]) == 1) << other.id

    def literal(i: int, j: int) -> int:
        one, other = graph.events[i], graph.events[j]
        near = [(place, place + step) for place in sorted(addresses[i]) for step in _steps(one)]
        return memory.circuit.any(
            [memory.circuit.all([memory.at(one, here), memory.at(other, there)]) for here, there in near]
        )

    return Bounds(may, must, literal)


def _steps(event: GEvent) -> tuple[int, int]:
    return event.width // 8, -event.width // 8
