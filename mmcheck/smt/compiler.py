"""The compiler-preserved order as bounds (docs/compiler.md): ``cpo = (keep | dep | rmw)^+`` per source thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from mmcheck.graph import EventGraph
from mmcheck.model.expr import Node
from mmcheck.model.kept import table
from mmcheck.model.model import Model
from mmcheck.smt.bounds import Bounds
from mmcheck.smt.circuit import TRUE, Circuit
from mmcheck.smt.relations import Algebra

PROFILES = ("observed", "language")


@lru_cache(maxsize=4)
def keep_model(profile: str) -> tuple[Model, Node]:
    """The table of one profile, and the node of cpo."""
    model, keep = table(profile)
    pool = model.pool
    dependencies = pool.union(*[pool.rel(name) for name in ("addr", "data", "ctrl")])
    return model, pool.plus(pool.union(keep, dependencies, model.definitions["rmw"]))


def preserved_order(
    graph: EventGraph,
    circuit: Circuit,
    happens: Sequence[int],
    implied_by: Sequence[int],
    base: Mapping[str, Bounds],
    sets: dict[str, int],
    profile: str,
    optional: Mapping[str, Mapping[int, int]] | None = None,
) -> Bounds:
    """Program order as the hardware gets it: cpo in source threads, text order in assembly."""
    model, node = keep_model(profile)
    n = len(graph.events)
    source = 0
    for event in graph.events:
        if event.thread >= 0 and graph.program.threads[event.thread].source:
            source |= 1 << event.id
    src = base["src"]
    inner = dict(base)
    rows = [row if source >> i & 1 else 0 for i, row in enumerate(src.must)]
    inner["src"] = Bounds(rows, list(rows))
    algebra = Algebra(model, circuit, happens, implied_by, inner, sets, optional=optional)
    cpo = algebra.relation(node)
    may, must = list(cpo.may), list(cpo.must)
    for i in range(n):
        if not source >> i & 1:
            may[i] = must[i] = src.must[i]
    literals = dict(cpo.lits)
    return Bounds(may, must, lambda i, j: literals.get((i, j), TRUE))
