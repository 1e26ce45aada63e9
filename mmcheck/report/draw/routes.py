"""The ways that links take through the grid.

Gutter i lies left of lane i, the last one right of the last lane; gap r lies above row r, the last one below
the last row. A link to a neighbouring lane is an S in the gutter between; one to a lane farther away goes
along a track in a gap, or straight through a row in which the lanes between are empty; one that stays in its
lane is an arc in a gutter. Boxes are entered and left at the sides, at ports of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from mmcheck.base.records import record
from mmcheck.report.draw.geometry import Piece, Point, Rect, backwards
from mmcheck.report.draw.parts import Route
from mmcheck.report.draw.scene import Node, Scene

TRACK = 9.0
STUB = 38.0
ARC_FIRST, ARC_STEP = 24.0, 13.0
PORT_STEP = 13.0
PORT_INSET = 7.0


@record
class Plan:
    """How link number `link` goes: a ``rail``, ``stub``, ``arc``, ``near`` or ``far``; in which gutter or gap."""

    link: int
    shape: str
    gutter: int = 0
    gap: int | None = None
    track: int = 0


@record
class Grid:
    """Places: the x-range of each lane, the y-range of each row, a rectangle for each node."""

    width: float
    top: float
    bottom: float
    header: float
    bands: tuple[tuple[float, float], ...]
    rows: tuple[tuple[float, float], ...]
    boxes: Mapping[str, Rect]
    plans: tuple[Plan, ...]

    def gutter(self, number: int) -> tuple[float, float]:
        left = self.bands[number - 1][1] if number else 0.0
        right = self.bands[number][0] if number < len(self.bands) else self.width
        return left, right

    def track(self, plan: Plan) -> float:
        """The y of a far link's way along its gap."""
        assert plan.gap is not None
        above = self.rows[plan.gap - 1][1] if plan.gap else self.top + self.header
        return above + 9 + TRACK * plan.track


def plan(scene: Scene) -> tuple[Plan, ...]:
    """A way for each link, such that no two far links share a stretch of track."""
    nodes = {node.key: node for node in scene.nodes}
    taken: dict[tuple[int, int], list[tuple[int, int]]] = {}
    plans = []
    for number, link in enumerate(scene.links):
        if link.shape == "rail":
            plans.append(Plan(number, "rail"))
            continue
        ends = [nodes[key] for key in (link.source, link.target) if key]
        left, right = sorted((ends[0].lane, ends[-1].lane))
        if link.shape == "stub" or left == right:
            shape = "stub" if link.shape == "stub" else "arc"
            plans.append(Plan(number, shape, _side(left, len(scene.lanes), shape)))
        elif right == left + 1:
            plans.append(Plan(number, "near", right))
        elif ends[0].row == ends[1].row and _is_free(scene, ends[0].row, left, right):
            plans.append(Plan(number, "far"))
        else:
            plans.append(_along_gap(number, ends, left, right, scene.rows, taken))
    return tuple(plans)


def _side(lane: int, lanes: int, shape: str) -> int:
    """The outer gutter for outer lanes, so that the others stay free."""
    if lanes == 1 or lane == lanes - 1:
        return lane + 1
    return lane if lane == 0 or shape == "stub" else lane + 1


def _is_free(scene: Scene, row: int, left: int, right: int) -> bool:
    return not any(node.row == row and left < node.lane < right for node in scene.nodes)


def _along_gap(
    number: int, ends: list[Node], left: int, right: int, rows: int, taken: dict[tuple[int, int], list[tuple[int, int]]]
) -> Plan:
    upper, lower = sorted((ends[0].row, ends[1].row))
    free: dict[int, int] = {}
    for gap in range(rows + 1):
        track = 0
        while any(left < b and a < right for a, b in taken.get((gap, track), ())):
            track += 1
        free[gap] = track

    def cost(gap: int) -> tuple[float, int]:
        detour = max(0, upper + 1 - gap) + max(0, gap - max(lower, upper + 1))
        return 2.5 * detour + free[gap] + (0.5 if gap in (0, rows) else 0), gap

    gap = min(range(rows + 1), key=cost)
    taken.setdefault((gap, free[gap]), []).append((left, right))
    return Plan(number, "far", right, gap, free[gap])


def gutter_widths(scene: Scene, plans: tuple[Plan, ...], widening: float) -> list[float]:
    """Room for the links that turn in each gutter, and for their labels."""
    nodes = {node.key: node for node in scene.nodes}
    turns: Counter[int] = Counter()
    arcs: Counter[int] = Counter()
    stubs: set[int] = set()
    for way in plans:
        link = scene.links[way.link]
        if way.shape == "near":
            turns[way.gutter] += 1
        elif way.shape == "far":
            left, right = sorted((nodes[link.source].lane, nodes[link.target].lane))
            turns[left + 1] += 1
            turns[right] += 1
        elif way.shape == "arc":
            arcs[way.gutter] += 1
        elif way.shape == "stub":
            stubs.add(way.gutter)
    count = len(scene.lanes)
    widths = []
    for gutter in range(count + 1):
        width = 30.0 if 0 < gutter < count else 0.0
        if turns[gutter]:
            width = 92 + 9 * min(12, turns[gutter] - 1)
        if arcs[gutter]:
            width += ARC_FIRST + ARC_STEP * arcs[gutter] + 14
        if gutter in stubs:
            width = max(width + (26 if turns[gutter] else 0), STUB + 34)
        widths.append(width * widening)
    return widths


def gap_heights(scene: Scene, plans: tuple[Plan, ...], widening: float) -> list[float]:
    """Room for the tracks in each gap, and for the labels of rails."""
    tracks: Counter[int] = Counter()
    for way in plans:
        if way.gap is not None:
            tracks[way.gap] = max(tracks[way.gap], way.track + 1)
    tall = {node.row for node in scene.nodes if node.kind == "access"}
    heights = []
    for gap in range(scene.rows + 1):
        base = 15.0 if gap in (0, scene.rows) else 36.0 if {gap - 1, gap} <= tall else 26.0
        heights.append((base + TRACK * tracks[gap]) * (1 + (widening - 1) / 2))
    return heights


def draw(scene: Scene, grid: Grid) -> tuple[Route, ...]:
    """The way of every link, in the order of the scene's links."""
    ports = _ports(scene, grid)
    bends = _bends(scene, grid, ports)
    depths = _depths(scene, grid)
    kinds = {node.key: node.kind for node in scene.nodes}
    drawn = []
    for way in grid.plans:
        link = scene.links[way.link]
        if way.shape == "rail":
            upper, lower = grid.boxes[link.source], grid.boxes[link.target]
            x = upper.centre[0]
            drawn.append(Route(link, (((x, upper.bottom), (x, lower.y)),), kinds[link.target] == "access"))
        elif way.shape == "stub":
            path = _stub(grid, way, ports[way.link, 0 if link.source else 1])
            drawn.append(Route(link, path if link.source else backwards(path)))
        elif way.shape == "arc":
            drawn.append(Route(link, _arc(grid, way, ports[way.link, 0], ports[way.link, 1], depths[way.link])))
        else:
            drawn.append(Route(link, _across(scene, grid, way, ports, bends)))
    return tuple(drawn)


def _across(
    scene: Scene, grid: Grid, way: Plan, ports: dict[tuple[int, int], Point], bends: dict[tuple[int, int], float]
) -> tuple[Piece, ...]:
    a, b = ports[way.link, 0], ports[way.link, 1]
    flipped = a[0] > b[0]
    if flipped:
        a, b = b, a
    link = scene.links[way.link]
    left, right = sorted(_lane(grid, grid.boxes[key]) for key in (link.source, link.target))
    first, last = grid.gutter(left + 1), grid.gutter(right)
    if way.gap is None:
        path = _s_curve(a, b, first[0], last[1], bends[way.link, left + 1])
    else:
        y = grid.track(way)
        into, out = (first[1], y), (last[0], y)
        path = (
            *_s_curve(a, into, first[0], first[1], bends[way.link, left + 1]),
            (into, out),
            *_s_curve(out, b, last[0], last[1], bends[way.link, right]),
        )
    return backwards(path) if flipped else path


def _lane(grid: Grid, rect: Rect) -> int:
    return next(i for i, (left, right) in enumerate(grid.bands) if left <= rect.x and rect.right <= right)


def _s_curve(a: Point, b: Point, left: float, right: float, bend: float) -> tuple[Piece, ...]:
    """Level from `a` to x = `left`, turning at about `bend` of the way to x = `right`, then level to `b`."""
    start, end = (left, a[1]), (right, b[1])
    if a[1] == b[1]:
        return ((a, b),)
    middle = left + (right - left) * bend
    pieces: list[Piece] = [(start, (middle, a[1]), (middle, b[1]), end)]
    if a[0] != left:
        pieces.insert(0, (a, start))
    if b[0] != right:
        pieces.append((end, b))
    return tuple(pieces)


def _stub(grid: Grid, way: Plan, port: Point) -> tuple[Piece, ...]:
    left, right = grid.gutter(way.gutter)
    outwards = -1 if port[0] >= right else 1
    edge = right if outwards < 0 else left
    return ((port, (edge + outwards * STUB, port[1])),)


def _arc(grid: Grid, way: Plan, a: Point, b: Point, depth: float) -> tuple[Piece, ...]:
    left, right = grid.gutter(way.gutter)
    outwards = -1 if a[0] >= right else 1
    edge = right if outwards < 0 else left
    out = edge + outwards * depth * 4 / 3  # the curve itself goes out by three quarters of that
    path: list[Piece] = [((edge, a[1]), (out, a[1]), (out, b[1]), (edge, b[1]))]
    if a[0] != edge:
        path.insert(0, (a, (edge, a[1])))
    if b[0] != edge:
        path.append(((edge, b[1]), b))
    return tuple(path)


def _depths(scene: Scene, grid: Grid) -> dict[int, float]:
    """How far each arc goes out: the longer the farther, so that nested arcs do not cross."""
    groups: dict[int, list[tuple[float, int]]] = {}
    for way in grid.plans:
        if way.shape == "arc":
            link = scene.links[way.link]
            span = abs(grid.boxes[link.source].y - grid.boxes[link.target].y)
            groups.setdefault(way.gutter, []).append((span, way.link))
    depths = {}
    for gutter, members in groups.items():
        left, right = grid.gutter(gutter)
        outer = gutter in (0, len(grid.bands))
        room = (right - left) * (0.6 if not outer else 0.9) - (6 if not outer else 30)
        step = min(ARC_STEP, (room - ARC_FIRST) / max(1, len(members)))
        for place, (_, link_number) in enumerate(sorted(members)):
            depths[link_number] = ARC_FIRST + step * place
    return depths


def _ports(scene: Scene, grid: Grid) -> dict[tuple[int, int], Point]:
    """Where each end (0 source, 1 target) of each link touches its box.

    The ends at one side of a box are sorted by where they come from, so that links do not cross there.
    """
    sides: dict[tuple[str, bool], list[tuple[float, int, int]]] = {}
    for way in grid.plans:
        link = scene.links[way.link]
        for end, (key, other) in enumerate(((link.source, link.target), (link.target, link.source))):
            if way.shape == "rail" or not key:
                continue
            here = grid.boxes[key].centre
            there = grid.boxes[other].centre if other else here
            lane = _lane(grid, grid.boxes[key])
            leftwards = way.gutter == lane if way.shape in ("stub", "arc") else there[0] < here[0]
            towards = there[1] if way.gap is None else grid.track(way)
            if way.shape == "arc":
                span = there[1] - here[1]
                towards = here[1] + (10_000 - abs(span)) * (1 if span > 0 else -1)
            sides.setdefault((key, leftwards), []).append((towards, way.link, end))
    ports = {}
    for (key, leftwards), ends in sides.items():
        box = grid.boxes[key]
        step = min(PORT_STEP, (box.h - 2 * PORT_INSET) / max(1, len(ends) - 1))
        x = box.x if leftwards else box.right
        for place, (_, number, end) in enumerate(sorted(ends)):
            ports[number, end] = (x, box.centre[1] + step * (place - (len(ends) - 1) / 2))
    return ports


def _bends(scene: Scene, grid: Grid, ports: dict[tuple[int, int], Point]) -> dict[tuple[int, int], float]:
    """Where in its gutter each S turns: links that go the same way are ordered so that they do not cross."""
    turns: dict[tuple[int, bool], list[tuple[float, int]]] = {}
    for way in grid.plans:
        if way.shape not in ("near", "far"):
            continue
        a, b = sorted((ports[way.link, 0], ports[way.link, 1]))
        link = scene.links[way.link]
        left, right = sorted(_lane(grid, grid.boxes[key]) for key in (link.source, link.target))
        if way.gap is None:
            ends = [(left + 1, a[1], b[1])]
        else:
            y = grid.track(way)
            ends = [(left + 1, a[1], y), (right, y, b[1])]
        for gutter, start, end in ends:
            down = end > start
            turns.setdefault((gutter, down), []).append((-start if down else start, way.link))
    bends = {}
    for (gutter, _), members in turns.items():
        for place, (_, number) in enumerate(sorted(members)):
            bends[number, gutter] = 0.5 if len(members) == 1 else 0.3 + 0.4 * place / (len(members) - 1)
    return bends
