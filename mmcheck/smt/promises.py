"""Literals under which words do what they promise and no more: Armv8's surplus in an encoding, on demand.

See `mmcheck.model.promises` for the words. Queries assume that the literals do not hold; whoever asks whether a verdict
needs the surplus assumes one of them.
"""

from __future__ import annotations

from mmcheck.domains import Domains, implies
from mmcheck.graph import EventGraph, GEvent
from mmcheck.model.promises import TAGS, WORDS, Word, does_more
from mmcheck.smt.circuit import Circuit
from mmcheck.target.tags import DOMAINS

_FULL = frozenset(
    f"{name}.{domain.upper()}" for name in ("DMB", "DSB") for domain in DOMAINS if domain.endswith(("sy", "sh"))
)
"""Barriers that order everything with everything."""


def weaken(
    graph: EventGraph,
    domains: Domains,
    circuit: Circuit,
    sets: dict[str, int],
    optional: dict[str, dict[int, int]],
) -> dict[Word, int]:
    """Move the tags of words that do more than they promise from `sets` to `optional`; one literal per kind of word.

    Only where it can matter: an access behind such a word is kept behind one before it by the surplus alone.
    """
    literals: dict[Word, int] = {}
    for word in WORDS:
        members = _matter(graph, domains, word)
        if not members:
            continue
        stronger, weaker = TAGS[word]
        literals[word] = circuit.var(f"as promised: {word}")
        bits = sum(1 << number for number in members)
        sets[stronger] &= ~bits
        optional.setdefault(stronger, {}).update(dict.fromkeys(members, -literals[word]))
        if weaker:  # beside the stronger one it says nothing new
            sets[weaker] = sets.get(weaker, 0) | bits
    return literals


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
            if does_more(event.tags, word) and (mixed or _matters(event, events, walls, domains, word)):
                found.append(event.id)
    return found


def _matters(event: GEvent, events: list[GEvent], walls: list[GEvent], domains: Domains, word: Word) -> bool:
    around = [wall.id for wall in walls if implies(event.guard, wall.guard)]
    first = max([number for number in around if number < event.id], default=-1)
    last = min([number for number in around if number > event.id], default=len(domains.graph.events))
    before = [other for other in events if first < other.id < event.id and other.is_access]
    if word == "load":
        return any("L" in other.tags and _apart(other, event, domains) for other in before)
    behind = [other for other in events if event.id < other.id < last and other.kind == "R"]
    if "AcqFence" in event.tags:
        before = [other for other in before if other.kind == "W"]
    return any(_apart(a, b, domains) for a in before if a.kind == "W" or not a.tags & {"A", "Q"} for b in behind)


def _apart(a: GEvent, b: GEvent, domains: Domains) -> bool:
    """Whether two accesses may go to different places."""
    one, other = domains.addresses[a.id], domains.addresses[b.id]
    return len(one) > 1 or one != other
