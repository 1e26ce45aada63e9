"""Plain stores that a compiler makes although the text does not, over what others have written (docs/compiler.md).

Behind a plain store, a compiler may make another one to the same place in any case, and not only in the arm where it
stands: where the text does not come to it, it stores once more what was stored before. No run that is checked has such
a store, so a verdict says so. Looked for are runs that come to the test and not into the arm, in which another agent
has written the place behind the first store, although nobody has seen what the thread does from the arm on: only then
nothing orders that write behind it. This is a remark and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from mmcheck.base.records import record
from mmcheck.engines.smt.circuit import FALSE
from mmcheck.engines.smt.encoding import Encoding
from mmcheck.engines.unfolding.keeping import Keeping
from mmcheck.events.domains import implies
from mmcheck.events.graph import EventGraph, GEvent, Test
from mmcheck.verdict.double_fetch import interferes, unseen


@record
class StoredAgain:
    """In place of `store` what `before` stored may be stored again, over what `write` did, if `literal`."""

    before: GEvent
    store: GEvent
    write: GEvent
    literal: int


def stores_again(encoding: Encoding, profile: str) -> list[StoredAgain]:
    """Every plain store in an arm, with each earlier one that it may override and each write that may come between."""
    graph, values, memory = encoding.graph, encoding.values, encoding.memory
    keeping = Keeping(graph, profile)
    found = []
    for store, test in _in_arms(graph):
        for before, cond in keeping.overridden(store):
            aside = keeping.terms.conj([test.guard, keeping.terms.neg(keeping.reached(store)), cond])
            came = [encoding.happens[before.id], values.literal(aside)]
            for write in graph.events if FALSE not in came else ():
                if interferes(encoding, before, write):
                    over = [*came, encoding.happens[write.id], memory.co(before, write)]
                    literal = encoding.circuit.all([*over, *unseen(encoding, store.thread, store.id)])
                    found.append(StoredAgain(before, store, write, literal))
    return [each for each in found if each.literal != FALSE]


def _in_arms(graph: EventGraph) -> Iterator[tuple[GEvent, Test]]:
    """The plain stores of compiled code behind which their arm has done nothing else that it must not do in any case,
    each with the test that leads to it."""
    for store in graph.events:
        if store.kind != "W" or store.is_init or "Plain" not in store.tags:
            continue
        if not graph.program.threads[store.thread].source:
            continue
        tests = [t for t in graph.tests if t.thread == store.thread and t.place <= store.id]
        around = [t for t in tests if implies(store.guard, t.guard) and not implies(t.guard, store.guard)]
        if around and all("Plain" in event.tags for event in graph.events[around[-1].place : store.id]):
            yield store, around[-1]
