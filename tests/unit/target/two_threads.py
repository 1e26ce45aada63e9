"""Small programs of two threads, from words to a verdict, without the rest of mmcheck.

A step is ``(word, place, value)`` or ``(word,)``: the value that is written, or the one that the outcome under
question reads; ``(word, place, value, "ctrl")`` adds a dependency (``ctrl``, ``addr``) from the first read of its
thread, ``(word, place, value, "fails")`` is a compare-exchange that fails on that value, ``(word, place, value,
"reads 1")`` a read-modify-write that reads 1 (without: anything). A word is written with its orders, behind a dot
if it is a method: ``.store release``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import permutations, product

from mmcheck.events.relations import Rel, closure, from_pairs, intersection, pairs, union
from mmcheck.model.concrete import Frame
from mmcheck.model.kept import table
from mmcheck.model.model import load_model
from mmcheck.target.pieces import FencePiece, Piece
from mmcheck.target.targets import Target, parse_target
from mmcheck.target.words import realise

Step = tuple[object, ...]
Pairs = set[tuple[int, int]]
DEPENDENCIES = ("addr", "data", "ctrl")


@dataclass
class Graph:
    """The events of a program and one outcome: ``kind place value thread tags`` of each, and relations."""

    kinds: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    values: list[int | None] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    tags: list[frozenset[str]] = field(default_factory=list)
    relations: dict[str, Pairs] = field(default_factory=dict)

    def add(self, kind: str, place: str, value: int | None, thread: int, tags: frozenset[str]) -> int:
        self.kinds.append(kind)
        self.places.append(place)
        self.values.append(value)
        self.threads.append(thread)
        self.tags.append(tags)
        return len(self.kinds) - 1

    def relate(self, name: str, source: int, target: int) -> None:
        self.relations.setdefault(name, set()).add((source, target))

    def sets(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for i, (kind, thread, tags) in enumerate(zip(self.kinds, self.threads, self.tags, strict=True)):
            names = {kind, *tags} | ({"M"} if kind != "F" else set()) | ({"IW"} if thread < 0 else set())
            for name in names:
                found[name] = found.get(name, 0) | 1 << i
        return found


def pieces_of(text: str, target: Target) -> tuple[Piece, ...]:
    """``.store release`` -> what it becomes on `target`."""
    word, *orders = text.split()
    if word == "asm":
        orders = [" ".join(orders)]
    return realise(word.removeprefix("."), tuple(orders), target, method=word.startswith("."))


def graph_of(threads: Sequence[Sequence[Step]], target: Target) -> Graph:
    graph = Graph()
    places = sorted({str(step[1]) for thread in threads for step in thread if len(step) > 1})
    for place in places:
        graph.add("W", place, 0, -1, frozenset())
    for number, thread in enumerate(threads):
        start = len(graph.kinds)
        for step in thread:
            _step(graph, number, step, target)
        events = range(start, len(graph.kinds))
        for i, j in product(events, events):
            if i < j:
                graph.relate("src", i, j)
    count = range(len(graph.kinds))
    for i, j in product(count, count):
        if graph.kinds[i] != "F" and graph.places[i] == graph.places[j]:
            graph.relate("loc", i, j)
        if target.base == "armv8" and _neighbours(graph.places[i], graph.places[j]):
            graph.relate("beside", i, j)
        same = i == j or graph.threads[i] == graph.threads[j] >= 0
        graph.relate("int" if same else "ext", i, j)
    return graph


def _neighbours(one: str, other: str) -> bool:
    """Whether two places are words next to each other: ``ring.0`` and ``ring.1``."""
    (base, _, first), (other_base, _, second) = one.partition("."), other.partition(".")
    return bool(first and second) and base == other_base and abs(int(first) - int(second)) == 1


def _step(graph: Graph, thread: int, step: Step, target: Target) -> None:
    place, value = (str(step[1]), int(str(step[2]))) if len(step) > 1 else ("", 0)
    first = next((i for i, t in enumerate(graph.threads) if t == thread and graph.kinds[i] == "R"), None)
    failed = "fails" in step[3:]
    old = next((int(str(note).split()[1]) for note in step[3:] if str(note).startswith("reads")), None)
    for piece in pieces_of(str(step[0]), target):
        new = len(graph.kinds)
        if isinstance(piece, FencePiece):
            if not (failed and piece.when == "success"):
                graph.add("F", "", None, thread, piece.tags)
        elif failed:
            graph.add("R", place, value, thread, piece.fail_tags)
        elif piece.kind == "load":
            graph.add("R", place, value, thread, piece.read_tags)
        else:
            if piece.kind == "rmw":
                graph.add("R", place, old, thread, piece.read_tags)
                graph.relate("lxsx" if piece.exclusive else "amo", new, new + 1)
            graph.add("W", place, value, thread, piece.write_tags)
        for name in DEPENDENCIES:
            if name in step[3:] and first is not None:
                for event in range(new, len(graph.kinds)):
                    graph.relate(name, first, event)


def keep(graph: Graph, profile: str) -> Rel:
    """What `profile` keeps of `graph`."""
    (model, node), n = table(profile), len(graph.kinds)
    static = {name: from_pairs(n, found) for name, found in graph.relations.items()}
    empty = from_pairs(n, ())
    return Frame(model, n, graph.sets(), static).relation(node, empty, empty)


def allowed(threads: Sequence[Sequence[Step]], target: str, profile: str | None = None) -> bool:
    """Whether the outcome that the steps describe exists; `profile` None: as assembly."""
    parsed = parse_target(target)
    graph = graph_of(threads, parsed)
    n = len(graph.kinds)
    order = from_pairs(n, graph.relations.get("src", ()))
    if profile is not None:
        given = [graph.relations.get(name, set()) for name in ("amo", "lxsx", *DEPENDENCIES)]
        kept = from_pairs(n, {pair for found in given for pair in found})
        order = intersection(order, closure(union(keep(graph, profile), kept)))
    static = {name: from_pairs(n, found) for name, found in graph.relations.items()} | {"po": order}
    static = {name: intersection(rel, order) if name in DEPENDENCIES else rel for name, rel in static.items()}
    frame = Frame(load_model(parsed.model), n, graph.sets(), static)
    return any(frame.allows(rf, co) for rf in _reads_from(graph) for co in _coherence(graph))


def layer(threads: Sequence[Sequence[Step]], target: str, profile: str = "observed") -> str:
    """``holds`` if the outcome does not exist, else the layer that lets it through (docs/compiler.md)."""
    if allowed(threads, target):
        return "hardware"
    return "compiler" if allowed(threads, target, profile) else "holds"


def _reads_from(graph: Graph) -> Iterator[Rel]:
    n = len(graph.kinds)
    reads = [i for i in range(n) if graph.kinds[i] == "R"]
    sources: list[list[int]] = [
        [
            w
            for w in range(n)
            if graph.kinds[w] == "W"
            and graph.places[w] == graph.places[r]
            and graph.values[r] in (None, graph.values[w])
        ]
        for r in reads
    ]
    for choice in product(*sources):
        yield from_pairs(n, zip(choice, reads, strict=True))


def _coherence(graph: Graph) -> Iterator[Rel]:
    n = len(graph.kinds)
    by_place: dict[str, list[int]] = {}
    for i in range(n):
        if graph.kinds[i] == "W":
            by_place.setdefault(graph.places[i], []).append(i)
    chains: list[Iterable[tuple[int, ...]]] = [
        [(writes[0], *rest) for rest in permutations(writes[1:])] for writes in by_place.values()
    ]
    for choice in product(*chains):
        yield from_pairs(n, {(a, b) for chain in choice for i, a in enumerate(chain) for b in chain[i + 1 :]})


def kept_pairs(steps: Sequence[Step], target: str, profile: str) -> set[tuple[int, int]]:
    """``keep`` among the events of one thread, numbered from 0 without the initial writes."""
    graph = graph_of([steps], parse_target(target))
    first = graph.threads.index(0)
    return {(i - first, j - first) for i, j in pairs(keep(graph, profile))}


def closed(steps: Sequence[Step], target: str, profile: str) -> set[tuple[int, int]]:
    """What `profile` keeps of one thread, closed: what a compiler leaves in order."""
    graph = graph_of([steps], parse_target(target))
    first = graph.threads.index(0)
    return {(i - first, j - first) for i, j in pairs(closure(keep(graph, profile)))}


def kept(first: Step, second: Step, target: str, profile: str) -> set[bool]:
    """Whether the events of `first` stay before those of `second`: of each pair of events, one from each."""
    ends = graph_of([[first]], parse_target(target)).threads.count(0)
    count = graph_of([[first, second]], parse_target(target)).threads.count(0)
    found = kept_pairs([first, second], target, profile)
    return {(i, j) in found for i in range(ends) for j in range(ends, count)}
