"""Where everything stands: a grid of lanes and rows, links in the gaps, labels where there is room.

The picture is made so that nothing overlaps, by construction where possible: events stand in lanes, links
turn only in the gutters between lanes and cross a lane only in the gap between two rows (`routes`). The
labels of links are then put where they are free (`labels`); if one that matters finds no place, the gutters
and gaps are widened and everything is done again.
"""

from __future__ import annotations

from collections.abc import Iterator

from mmcheck.base.records import record
from mmcheck.report.draw import caption, labels, routes
from mmcheck.report.draw.geometry import Rect, crosses, polyline
from mmcheck.report.draw.metrics import MONO, mono_width, prose_width
from mmcheck.report.draw.parts import BADGE_HEIGHT, Badge, Route, Tag, Words, badge_width
from mmcheck.report.draw.scene import CYCLE, Node, Scene

MARGIN = 22.0
BAND_PAD = 13.0
HEADER = 32.0
PAD = 9.0
HEAD_SIZE, SOURCE_SIZE, WHERE_SIZE, BAR_SIZE, NAME_SIZE = 13.0, 11.0, 10.0, 11.5, 13.0
BAR_HEIGHT = 24.0
FRAME = 4.0
"""How far the box of a handler stands out above its first and below its last event."""
MIN_LANE = 132.0
MIN_WIDTH = 520.0
WIDENINGS = (1.0, 1.3, 1.7, 2.4, 3.6)


@record
class Box:
    """A node's place; a bar is as wide as its lane."""

    node: Node
    rect: Rect


@record
class Band:
    """A lane's background, from its header down."""

    rect: Rect
    header: Rect


@record
class Layout:
    """A finished picture; every format draws just this."""

    scene: Scene
    width: float
    height: float
    bands: tuple[Band, ...]
    boxes: tuple[Box, ...]
    frames: tuple[Rect, ...]
    """The boxes of interrupt handlers, around the events of their runs."""
    routes: tuple[Route, ...]
    tags: tuple[Tag, ...]
    words: tuple[Words, ...]
    badges: tuple[Badge, ...]
    samples: tuple[Route, ...]


def lay_out(scene: Scene) -> Layout:
    """The picture of `scene`, as narrow as its labels allow."""
    for widening in WIDENINGS:
        width = max(MIN_WIDTH, _grid(scene, 0.0, widening).width)
        heading = caption.heading(scene, MARGIN, width)
        grid = _grid(scene, heading.bottom, widening)
        drawn = routes.draw(scene, grid)
        tags, missing = labels.place(drawn, grid)
        if not missing:
            break
    shift = (width - grid.width) / 2
    foot = caption.foot(scene, drawn, MARGIN, width, grid.bottom)
    texts = [part for node in scene.nodes for part in _inside(node, grid.boxes[node.key])]
    texts += [_lane_name(scene.lanes[i].name, band.header) for i, band in enumerate(_bands(grid))]
    words = [part for part in texts if isinstance(part, Words)]
    badges = [part for part in texts if isinstance(part, Badge)]
    return Layout(
        scene=scene,
        width=width,
        height=foot.bottom,
        bands=tuple(Band(_moved(band.rect, shift), _moved(band.header, shift)) for band in _bands(grid)),
        boxes=tuple(Box(node, _moved(grid.boxes[node.key], shift)) for node in scene.nodes),
        frames=tuple(_moved(frame, shift) for frame in _frames(scene, grid)),
        routes=tuple(route.moved(shift) for route in drawn),
        tags=tuple(tag.moved(shift) for tag in tags),
        words=(*heading.words, *(part.moved(shift) for part in words), *foot.words),
        badges=(*heading.badges, *(part.moved(shift) for part in badges), *foot.badges),
        samples=foot.samples,
    )


def _moved(rect: Rect, by: float) -> Rect:
    return Rect(rect.x + by, rect.y, rect.w, rect.h)


def _frames(scene: Scene, grid: routes.Grid) -> Iterator[Rect]:
    """A rectangle around each run of a handler, the outermost first."""
    paths = {(node.lane, node.inside[: depth + 1]) for node in scene.nodes for depth in range(len(node.inside))}
    for lane, path in sorted(paths, key=lambda each: (len(each[1]), each)):
        inside = [n for n in scene.nodes if n.lane == lane and n.inside[: len(path)] == path]
        rects = [grid.boxes[node.key] for node in inside]
        left, right = grid.bands[lane]
        inset = 3.0 * len(path)
        top = min(rect.y for rect in rects) - FRAME
        bottom = max(rect.y + rect.h for rect in rects) + FRAME
        yield Rect(left + inset, top, right - left - 2 * inset, bottom - top)


def _grid(scene: Scene, top: float, widening: float) -> routes.Grid:
    """Lanes as wide as their texts, gutters and gaps as the links need them."""
    plans = routes.plan(scene)
    gutters = routes.gutter_widths(scene, plans, widening)
    x = MARGIN
    bands: list[tuple[float, float]] = []
    for lane in range(len(scene.lanes)):
        x += gutters[lane]
        right = x + _lane_width(scene, lane)
        bands.append((x, right))
        x = right
    width = x + gutters[-1] + MARGIN
    gaps = routes.gap_heights(scene, plans, widening)
    y = top + HEADER
    rows: list[tuple[float, float]] = []
    for row in range(scene.rows):
        y += gaps[row]
        bottom = y + max(_height(node) for node in scene.nodes if node.row == row)
        rows.append((y, bottom))
        y = bottom
    bottom = y + gaps[-1]
    boxes = {}
    for node in scene.nodes:
        left, right = bands[node.lane]
        upper, lower = rows[node.row]
        if node.kind == "access":
            boxes[node.key] = Rect(left + BAND_PAD, upper, right - left - 2 * BAND_PAD, lower - upper)
        else:
            boxes[node.key] = Rect(left, (upper + lower - BAR_HEIGHT) / 2, right - left, BAR_HEIGHT)
    return routes.Grid(width, top, bottom, HEADER, tuple(bands), tuple(rows), boxes, plans)


def _bands(grid: routes.Grid) -> Iterator[Band]:
    for left, right in grid.bands:
        yield Band(
            Rect(left, grid.top, right - left, grid.bottom - grid.top), Rect(left, grid.top, right - left, HEADER)
        )


def _lane_width(scene: Scene, lane: int) -> float:
    widest = max(MIN_LANE, prose_width(scene.lanes[lane].name, NAME_SIZE, bold=True) + 2 * PAD)
    for node in scene.nodes:
        if node.lane == lane:
            widest = max(widest, _width(node))
    return round(widest + 0.5)


def _width(node: Node) -> float:
    if node.kind != "access":
        return _bar_text(node)[0] + 4 * PAD + 2 * (badge_width(node.marker) + 6 if node.marker else 0)
    text = max(
        mono_width(node.head, HEAD_SIZE), mono_width(node.source, SOURCE_SIZE), mono_width(node.where, WHERE_SIZE)
    )
    return text + badge_width(node.marker) + 7 + 2 * PAD + 2 * BAND_PAD


def _height(node: Node) -> float:
    if node.kind != "access":
        return BAR_HEIGHT
    return 30.0 + (15.0 if node.source else 0) + (14.0 if node.where else 0)


def _bar_text(node: Node) -> tuple[float, float]:
    """Widths of all of a bar's text and of its first word."""
    first = mono_width(node.head, BAR_SIZE)
    return first + (10 + mono_width(node.where, WHERE_SIZE) if node.where else 0), first


def _inside(node: Node, rect: Rect) -> Iterator[Words | Badge]:
    """The texts of one box."""
    strong = node.emphasis == CYCLE
    if node.kind != "access":
        total, first = _bar_text(node)
        x, y = rect.centre[0] - total / 2, rect.centre[1]
        role = "ghost" if node.kind == "ghost" else "bar"
        yield Words(x, y + 4, node.head, BAR_SIZE, role, MONO)
        if node.where:
            yield Words(x + first + 10, y + 3.5, node.where, WHERE_SIZE, "bar-where", MONO)
        if node.marker:
            yield Badge(
                Rect(rect.x + PAD, y - BADGE_HEIGHT / 2, badge_width(node.marker), BADGE_HEIGHT), node.marker, strong
            )
        return
    width = badge_width(node.marker)
    yield Badge(Rect(rect.x + PAD, rect.y + 7, width, BADGE_HEIGHT), node.marker, strong)
    x, y = rect.x + PAD + width + 7, rect.y + 20
    yield Words(x, y, node.head, HEAD_SIZE, "head" if node.emphasis != "pale" else "head-pale", MONO)
    for text, size, role, step in ((node.source, SOURCE_SIZE, "source", 15.0), (node.where, WHERE_SIZE, "where", 14.0)):
        if text:
            y += step
            yield Words(x, y, text, size, role, MONO)


def _lane_name(name: str, header: Rect) -> Words:
    x = header.centre[0] - prose_width(name, NAME_SIZE, bold=True) / 2
    return Words(x, header.centre[1] + 4.5, name, NAME_SIZE, "lane", 0, centre=header.centre[0])


def overlaps(layout: Layout) -> list[str]:
    """What is wrong with a picture: texts or boxes that meet, lines through boxes, anything off the page."""
    page = Rect(0, 0, layout.width, layout.height)
    boxes = [(box.node.key, box.rect) for box in layout.boxes]
    headers = [(f"lane {i}", band.header) for i, band in enumerate(layout.bands)]
    texts = [(repr(words.text), words.rect) for words in layout.words]
    texts += [(f"marker {badge.text!r}", badge.rect) for badge in layout.badges]
    tags = [(f"label {tag.text!r}", tag.rect) for tag in layout.tags]
    faults = [f"{name} leaves the page" for name, rect in boxes + headers + texts + tags if not page.holds(rect)]
    for group in (boxes + headers, texts + tags):
        for i, (name, rect) in enumerate(group):
            faults += [f"{name} meets {other}" for other, place in group[i + 1 :] if rect.meets(place)]
    for name, rect in tags:
        faults += [f"{name} meets {other}" for other, place in boxes + headers if rect.meets(place)]
    for name, rect in texts:
        faults += [
            f"{name} sticks out of {other}"
            for other, place in boxes + headers
            if rect.meets(place) and not place.holds(rect)
        ]
    for route in layout.routes + layout.samples:
        points = polyline(route.path)
        name = f"{route.link.relation} {route.link.source}->{route.link.target}"
        faults += [
            f"{name} runs through {other}" for other, place in boxes + headers if crosses(points, place.grown(-0.5))
        ]
        if not all(page.holds(Rect(x, y, 0, 0)) for x, y in points):
            faults.append(f"{name} leaves the page")
    for route in layout.samples:
        points = polyline(route.path)
        faults += [f"a sample runs through {other}" for other, place in texts if crosses(points, place)]
    return faults
