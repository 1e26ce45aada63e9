"""Literals under which words do what they promise and no more: Armv8's surplus in an encoding, on demand.

See `mmcheck.model.promises` for the words. Queries assume that the literals do not hold; whoever asks whether a verdict
needs the surplus assumes one of them.
"""

from __future__ import annotations

from collections.abc import Iterable

from mmcheck.engines.smt.circuit import FALSE, TRUE
from mmcheck.engines.smt.values import Values
from mmcheck.events.domains import Domains, implies
from mmcheck.events.graph import EventGraph, GEvent
from mmcheck.model.promises import TAGS, Word, does_more
from mmcheck.target.tags import DOMAINS

_FULL = frozenset(
    f"{name}.{domain.upper()}" for name in ("DMB", "DSB") for domain in DOMAINS if domain.endswith(("sy", "sh"))
)
"""Barriers that order everything with everything."""


def weaken(
    graph: EventGraph,
    domains: Domains,
    values: Values,
    sets: dict[str, int],
    optional: dict[str, dict[int, int]],
    words: Iterable[Word],
) -> dict[str, int]:
    """Move the tags of `words` that do more than they promise from `sets` to `optional`; one literal per kind of word.

    Only where it can matter: an access behind such a word is kept behind one before it by the surplus alone. Of a
    site, only the options with such a word are concerned.
    """
    circuit = values.circuit
    literals: dict[str, int] = {}
    for word in words:
        members = _matter(graph, domains, word)
        if not members:
            continue
        stronger, weaker = TAGS[word]
        literal = literals[word] = circuit.var(f"as promised: {word}")
        for number in members:
            bit = 1 << number
            chosen = _chosen(graph.events[number], graph, values, word)
            known = TRUE if sets.get(stronger, 0) & bit else optional[stronger][number]
            sets[stronger] = sets.get(stronger, 0) & ~bit
            optional.setdefault(stronger, {})[number] = circuit.all([known, -circuit.all([literal, chosen])])
            if not weaker:
                continue
            if chosen == TRUE:  # beside the stronger one it says nothing new
                sets[weaker] = sets.get(weaker, 0) | bit
            elif not sets.get(weaker, 0) & bit:
                other = optional.setdefault(weaker, {})
                other[number] = circuit.any([other.get(number, FALSE), chosen])
    return literals


def _chosen(event: GEvent, graph: EventGraph, values: Values, word: Word) -> int:
    """The literal that `event` is such a word, given that it happens."""
    if not event.optional:
        return TRUE
    return values.circuit.any(
        [values.literal(term) for name, term in graph.choices[event.site] if does_more(event.tags_under(name), word)]
    )


def _may_do_more(event: GEvent, graph: EventGraph, word: Word) -> bool:
    if not event.optional:
        return does_more(event.tags, word)
    return any(does_more(event.tags_under(name), word) for name, _ in graph.choices[event.site])


def _matter(graph: EventGraph, domains: Domains, word: Word) -> list[int]:
    """The events of such words whose surplus may order two accesses that nothing else about them orders."""
    threads: dict[int, list[GEvent]] = {}
    for event in graph.events:
        if event.thread >= 0:
            threads.setdefault(event.thread, []).append(event)
    mixed = bool(graph.runs or graph.turns)  # accesses of others may come between
    found = []
    for events in threads.values():
        walls = [
            event for event in events if event.tags & _FULL and (word == "load" or not does_more(event.tags, "fence"))
        ]
        for event in events:
            if _may_do_more(event, graph, word) and (mixed or _matters(event, events, walls, domains, word)):
                found.append(event.id)
    return found


def _matters(event: GEvent, events: list[GEvent], walls: list[GEvent], domains: Domains, word: Word) -> bool:
    around = [wall.id for wall in walls if implies(event.guard, wall.guard)]
    first = max([number for number in around if number < event.id], default=-1)
    last = min([number for number in around if number > event.id], default=len(domains.graph.events))
    before = [other for other in events if first < other.id < event.id and other.is_access]
    if word == "load":
        return any("L" in other.possible and _apart(other, event, domains) for other in before)
    behind = [other for other in events if event.id < other.id < last and other.kind == "R"]
    if "AcqFence" in event.tags:
        before = [other for other in before if other.kind == "W"]
    return any(_apart(a, b, domains) for a in before if a.kind == "W" or not a.tags & {"A", "Q"} for b in behind)


def _apart(a: GEvent, b: GEvent, domains: Domains) -> bool:
    """Whether two accesses may go to different places."""
    one, other = domains.addresses[a.id], domains.addresses[b.id]
    return len(one) > 1 or one != other
