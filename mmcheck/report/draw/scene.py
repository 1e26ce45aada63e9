"""What a picture shows: agents as lanes, events as boxes, barriers as bars, relations as links.

A `Scene` is the same for every output format. It knows nothing of coordinates but the row: the k-th access
of every lane stands in one row, and barriers, present or missing, stand in rows between.

Every event has a marker. Those of the cycle come first, in the order of the cycle, so that it reads
a, b, c, ... wherever the events stand.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from mmcheck.base.records import record, replace
from mmcheck.events.execution import Event, Execution
from mmcheck.ir.hosts import root_of
from mmcheck.ir.program import ENTRY, RETURN
from mmcheck.report.draw.interrupts import column_of, path_of
from mmcheck.report.draw.metrics import clean
from mmcheck.report.draw.palette import family
from mmcheck.report.draw.wording import (
    HEAD,
    PROSE,
    RELATION,
    SOURCE,
    TIP,
    TITLE,
    access_text,
    cut_middle,
    fence_text,
    lane_name,
    meaning,
    tags_text,
    where_text,
)

CYCLE, PLAIN, PALE = "cycle", "plain", "pale"
"""Emphasis: what is wrong; what is as it should be in a picture without a cycle; the rest."""

DEPENDENCIES = ("addr", "data", "ctrl", "pick-addr", "pick-data", "pick-ctrl")


@record
class Hop:
    """One step of a cycle, from event `source` to event `target`, and why it holds."""

    source: int
    target: int
    relation: str
    why: str = ""


@record
class Ghost:
    """A barrier that is missing on `thread`, right after event `after`, or else right before event `before`."""

    thread: int
    after: int | None
    before: int | None
    label: str


@record
class Highlight:
    """What a picture is about: the violating cycle, the missing barriers, the event that went wrong."""

    cycle: tuple[Hop, ...]
    ghosts: tuple[Ghost, ...] = ()
    culprit: int | None = None
    title: str = ""
    subtitle: str = ""
    verdict: str = "violated"


@record
class Lane:
    """An agent's column. A handler has none: its events stand in a box in the column of whom it interrupts."""

    name: str
    kind: str


@record
class Node:
    """An event or a missing barrier.

    `key` is ``ev-<id>`` or ``ghost-<n>``, `kind` is ``access``, ``barrier`` or ``ghost``; `head` says what
    happens, `source` is the source text, `where` its file and line, `tip` the long form of it all. `inside` are the
    handlers in whose boxes it stands, the outermost first.
    """

    key: str
    lane: int
    row: int
    kind: str
    head: str
    source: str = ""
    where: str = ""
    marker: str = ""
    emphasis: str = PLAIN
    culprit: bool = False
    tip: str = ""
    inside: tuple[str, ...] = ()


@record
class Link:
    """A relation between two nodes.

    `shape` is ``rail`` between neighbours of a lane, ``curve`` beside or across lanes, ``stub`` if one end
    is an initial write, whose key is empty. `step` is the position in the cycle. A step that runs over bars
    is several rails, of which only the first is `labelled`.
    """

    source: str
    target: str
    relation: str
    shape: str
    emphasis: str
    why: str = ""
    step: int | None = None
    labelled: bool = True

    @property
    def family(self) -> str:
        return family(self.relation)


@record
class Step:
    """One line of the cycle as told in words; `source` and `target` are markers or ``init``."""

    source: str
    target: str
    relation: str
    why: str


@record
class Scene:
    """All that a picture shows, in a fixed order."""

    title: str
    subtitle: str
    verdict: str
    lanes: tuple[Lane, ...]
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    steps: tuple[Step, ...]
    rows: int

    def column(self, lane: int) -> list[Node]:
        """The nodes of one lane, from the top."""
        return sorted((node for node in self.nodes if node.lane == lane), key=lambda node: node.row)


def build_scene(execution: Execution, highlight: Highlight, *, show_all: bool = False) -> Scene:
    """The picture of `execution` with `highlight`; with `show_all` also co, fr and dependencies off the cycle.

    Raises `ValueError` if the highlight names events or threads that the execution does not have.
    """
    _check(execution, highlight)
    markers = _markers(execution, highlight)
    nodes = _nodes(execution, highlight, markers)
    return Scene(
        title=clean(highlight.title, TITLE),
        subtitle=clean(highlight.subtitle, PROSE),
        verdict=clean(highlight.verdict, RELATION),
        lanes=tuple([Lane(lane_name(a), a.kind) for a in execution.threads if a.host is None]),
        nodes=nodes,
        links=tuple(_links(execution, highlight, nodes, show_all)),
        steps=tuple(_steps(execution, highlight, markers)),
        rows=max((node.row + 1 for node in nodes), default=0),
    )


def _lanes(execution: Execution) -> list[int]:
    """The agents that have a column of their own: handlers do not, nor do they if they never ran."""
    return [number for number, agent in enumerate(execution.threads) if agent.host is None]


def _check(execution: Execution, highlight: Highlight) -> None:
    count = len(execution.events)
    used = [end for hop in highlight.cycle for end in (hop.source, hop.target)]
    used += [end for ghost in highlight.ghosts for end in (ghost.after, ghost.before) if end is not None]
    if highlight.culprit is not None:
        used.append(highlight.culprit)
    for event in used:
        if not 0 <= event < count:
            raise ValueError(f"the highlight names event {event}, but there are {count}")
    for hop in highlight.cycle:
        if execution.events[hop.source].is_init and execution.events[hop.target].is_init:
            raise ValueError(f"the step {hop.source} -> {hop.target} joins two initial writes")
    for ghost in highlight.ghosts:
        if not 0 <= ghost.thread < len(execution.threads):
            raise ValueError(f"there is no thread {ghost.thread} to lack a barrier")
        for end in (ghost.after, ghost.before):
            if end is not None and execution.events[end].thread != ghost.thread:
                raise ValueError(f"event {end} is not on thread {ghost.thread}, which lacks a barrier")


def _letters(number: int) -> str:
    letters = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        letters = chr(ord("a") + digit) + letters
    return letters


def _markers(execution: Execution, highlight: Highlight) -> dict[int, str]:
    order = [end for hop in highlight.cycle for end in (hop.source, hop.target)]
    for thread in _lanes(execution):
        order += [event.id for event in column_of(execution, thread) if event.kind != "F"]
    shown = dict.fromkeys(event for event in order if not execution.events[event].is_init)
    return {event: _letters(number) for number, event in enumerate(shown)}


def _nodes(execution: Execution, highlight: Highlight, markers: dict[int, str]) -> tuple[Node, ...]:
    columns = [_column(execution, highlight, thread) for thread in _lanes(execution)]
    rows = _rows(columns)
    on_cycle = {end for hop in highlight.cycle for end in (hop.source, hop.target)}
    nodes = []
    for lane, column in enumerate(columns):
        for item, row in zip(column, rows[lane], strict=True):
            if isinstance(item, Event):
                strong = item.id in on_cycle or item.id == highlight.culprit
                emphasis = CYCLE if strong else PALE if highlight.cycle else PLAIN
                node = _event_node(item, row, markers.get(item.id, ""), emphasis, item.id == highlight.culprit)
                agent = execution.threads[item.thread]
                if item.origin.text in (ENTRY, RETURN):
                    verb = "interrupts" if item.origin.text == ENTRY else "returns"
                    node = replace(node, head=clean(f"{agent.name} {verb}", HEAD))
                nodes.append(replace(node, lane=lane, inside=path_of(execution, item.thread)))
            else:
                label = clean(item.label, HEAD) or "no barrier here"
                key = f"ghost-{highlight.ghosts.index(item)}"
                inside = path_of(execution, item.thread)
                nodes.append(
                    Node(key, lane, row, "ghost", label, emphasis=CYCLE, tip=clean(item.label, TIP), inside=inside)
                )
    return tuple(nodes)


def _column(execution: Execution, highlight: Highlight, thread: int) -> list[Event | Ghost]:
    column: list[Event | Ghost] = list(column_of(execution, thread))
    for ghost in dict.fromkeys(highlight.ghosts):
        if root_of(execution.threads, ghost.thread) != thread:
            continue
        ids = [item.id if isinstance(item, Event) else None for item in column]
        if ghost.after is not None:
            column.insert(ids.index(ghost.after) + 1, ghost)
        elif ghost.before is not None:
            column.insert(ids.index(ghost.before), ghost)
        else:
            column.append(ghost)
    return column


def _is_access(item: Event | Ghost) -> bool:
    return isinstance(item, Event) and item.kind != "F"


def _rows(columns: list[list[Event | Ghost]]) -> list[list[int]]:
    """A row for each item: the k-th accesses of all lanes share one, as do the bars before them."""
    bars: list[int] = []
    places: list[list[tuple[int, int]]] = []
    for column in columns:
        accesses = before = 0
        place = []
        for item in column:
            if len(bars) <= accesses:
                bars.append(0)
            if _is_access(item):
                place.append((accesses, -1))
                accesses, before = accesses + 1, 0
            else:
                place.append((accesses, before))
                before += 1
                bars[accesses] = max(bars[accesses], before)
        places.append(place)
    start = [sum(bars[:k]) + k for k in range(len(bars))]
    return [[start[k] + (bars[k] if bar < 0 else bar) for k, bar in place] for place in places]


def _event_node(event: Event, row: int, marker: str, emphasis: str, culprit: bool) -> Node:
    origin = event.origin
    head = fence_text(event) if event.kind == "F" else access_text(event)
    tip = "; ".join(
        part for part in dict.fromkeys((head, origin.text, where_text(origin, TIP), tags_text(event))) if part
    )
    return Node(
        key=f"ev-{event.id}",
        lane=event.thread,
        row=row,
        kind="barrier" if event.kind == "F" else "access",
        head=cut_middle(head, HEAD),
        source=clean(origin.text, SOURCE),
        where=where_text(origin, SOURCE),
        marker=marker,
        emphasis=emphasis,
        culprit=culprit,
        tip=clean(tip, TIP),
    )


def _links(execution: Execution, highlight: Highlight, nodes: tuple[Node, ...], show_all: bool) -> Iterable[Link]:
    by_key = {node.key: node for node in nodes}
    below = _neighbours(nodes)
    rails: dict[str, Link] = {}
    rest: list[Link] = []
    for step, hop in enumerate(highlight.cycle):
        source, target = _key(execution, hop.source), _key(execution, hop.target)
        relation = clean(hop.relation, RELATION)
        why = clean(hop.why, PROSE)
        path = _rail_path(source, target, by_key, below) if family(hop.relation) not in ("rf", "fr", "co") else []
        if path and not any(upper in rails for upper in path):
            for upper in path:
                first = upper == source
                rails[upper] = Link(upper, below[upper], relation, "rail", CYCLE, why if first else "", step, first)
        else:
            shape = "curve" if source and target else "stub"
            rest.append(Link(source, target, relation, shape, CYCLE, why, step))
    drawn = {(link.source, link.target, link.family) for link in rest}
    quiet = PALE if highlight.cycle else PLAIN
    for relation, source, target in _background(execution, show_all):
        if (source, target, family(relation)) not in drawn:
            rest.append(Link(source, target, relation, "curve" if source and target else "stub", quiet))
    for upper, lower in below.items():
        yield rails.get(upper) or Link(upper, lower, "po", "rail", PALE, labelled=False)
    yield from rest


def _key(execution: Execution, event: int) -> str:
    return "" if execution.events[event].is_init else f"ev-{event}"


def _neighbours(nodes: tuple[Node, ...]) -> dict[str, str]:
    below = {}
    ordered = sorted(nodes, key=lambda node: (node.lane, node.row))
    for upper, lower in pairwise(ordered):
        if upper.lane == lower.lane:
            below[upper.key] = lower.key
    return below


def _rail_path(source: str, target: str, by_key: dict[str, Node], below: dict[str, str]) -> list[str]:
    """The nodes from `source` to the one above `target`, if only bars stand between; else nothing."""
    path = [source]
    while path[-1] in below:
        following = below[path[-1]]
        if following == target:
            return path
        if by_key[following].kind == "access":
            return []
        path.append(following)
    return []


def _background(execution: Execution, show_all: bool) -> Iterable[tuple[str, str, str]]:
    wanted = [("rf", execution.relation("rf"))]
    if show_all:
        co = _reduced(execution.relation("co"))
        wanted.append(("co", frozenset(pair for pair in co if not execution.events[pair[0]].is_init)))
        after = dict(sorted(co, reverse=True))
        fr = {(read, after[write]) for write, read in execution.relation("rf") if write in after}
        wanted.append(("fr", frozenset(pair for pair in fr if pair[0] != pair[1])))
        wanted += [(name, execution.relation(name)) for name in DEPENDENCIES]
        wanted.append(("rmw", execution.relation("amo") | execution.relation("lxsx")))
    for name, pairs in wanted:
        for source, target in sorted(pairs):
            if not (execution.events[source].is_init and execution.events[target].is_init):
                yield name, _key(execution, source), _key(execution, target)


def _reduced(relation: frozenset[tuple[int, int]]) -> frozenset[tuple[int, int]]:
    """The pairs of a strict order that do not follow from two others."""
    after: dict[int, set[int]] = {}
    for source, target in relation:
        after.setdefault(source, set()).add(target)
    return frozenset(
        (source, target)
        for source, target in relation
        if not any(target in after.get(middle, ()) for middle in after[source] if middle != target)
    )


def _steps(execution: Execution, highlight: Highlight, markers: dict[int, str]) -> Iterable[Step]:
    for hop in highlight.cycle:
        source, target = markers.get(hop.source, "init"), markers.get(hop.target, "init")
        why = clean(hop.why, PROSE) or meaning(hop.relation, source, target)
        if not hop.why and family(hop.relation) == "po" and _lacks_barrier(execution, highlight, hop):
            why += ", but nothing keeps them in order"
        yield Step(source, target, clean(hop.relation, RELATION), why)


def _lacks_barrier(execution: Execution, highlight: Highlight, hop: Hop) -> bool:
    first, last = execution.events[hop.source], execution.events[hop.target]
    for ghost in highlight.ghosts:
        after = first.index if ghost.after is None else execution.events[ghost.after].index
        before = last.index if ghost.before is None else execution.events[ghost.before].index
        if ghost.thread == first.thread and first.index <= after and before <= last.index:
            return True
    return False
