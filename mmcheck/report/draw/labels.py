"""Places for the labels of links, found greedily and always in the same way.

A label goes on its link, near the source if it can; it never meets a box or another label, and keeps off other
links while there is room. The links of the cycle choose first. A label of a pale link that finds no place is
left out: its colour, its dashes and the legend still say what it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from mmcheck.report.draw.geometry import Rect, around, polyline, walk
from mmcheck.report.draw.metrics import mono_width
from mmcheck.report.draw.parts import Route, Tag
from mmcheck.report.draw.routes import Grid
from mmcheck.report.draw.scene import CYCLE

SIZE = 11.0
HEIGHT = 16.0
_CELL = 4
_STRIDE = 3.0
_PLACES = (0.22, 0.26, 0.18, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.66, 0.72, 0.78, 0.84, 0.14, 0.9)
_CLEAR = 2.5
_HEAD_ROOM = 11.0


def place(routes: tuple[Route, ...], grid: Grid) -> tuple[list[Tag], list[Route]]:
    """The labels, and the links of the cycle that found no place for theirs."""
    solid = [box.grown(_CLEAR) for box in grid.boxes.values()]
    solid += [Rect(left, grid.top, right - left, grid.header) for left, right in grid.bands]
    lines = _Lines(routes)
    taken: list[Rect] = []
    tags: list[tuple[int, Tag]] = []
    missing: list[Route] = []
    for number in sorted(
        range(len(routes)), key=lambda i: (routes[i].link.shape != "stub", not _is_strong(routes[i]), i)
    ):
        route = routes[number]
        if not route.link.labelled:
            continue
        tag = _tag(route, number, grid, solid, taken, lines)
        if tag is not None:
            tags.append((number, tag))
            taken.append(tag.rect.grown(_CLEAR))
        elif _is_strong(route):
            missing.append(route)
    return [tag for _, tag in sorted(tags, key=lambda pair: pair[0])], missing


def _is_strong(route: Route) -> bool:
    return route.link.emphasis == CYCLE


def _tag(route: Route, number: int, grid: Grid, solid: list[Rect], taken: list[Rect], lines: _Lines) -> Tag | None:
    link = route.link
    text = "init" if link.shape == "stub" and link.family == "rf" else link.relation
    width = mono_width(text, SIZE) + (11 if _is_strong(route) else 6)
    page = Rect(2, grid.top, grid.width - 4, grid.bottom - grid.top)
    free = [
        rect
        for rect in _candidates(route, width)
        if page.holds(rect) and not any(rect.meets(other) for other in solid) and not any(rect.meets(o) for o in taken)
    ]
    if link.shape != "rail":
        free.sort(key=lambda rect: any(left < rect.right and rect.x < right for left, right in grid.bands))
    for strict in (2, 1, 0) if _is_strong(route) or link.shape == "stub" else (2, 1):
        for rect in free:
            if strict == 0 or not lines.meet(rect, number, strict == 1):
                return Tag(link, rect, text)
    return None


def _candidates(route: Route, width: float) -> Iterator[Rect]:
    points = polyline(route.path)
    if route.link.shape == "rail":
        (x, top), (_, bottom) = points
        middle = (top + bottom - 5) / 2
        for y in middle, middle - 4, middle + 4, middle + 8, middle - 8:
            for offset in 7.0, 22.0, 40.0:
                yield around((x + offset + width / 2, y), width, HEIGHT)
                yield around((x - offset - width / 2, y), width, HEIGHT)
        return
    if route.link.shape == "stub":
        port, far = (points[-1], points[0]) if not route.link.source else (points[0], points[-1])
        outwards = 1 if far[0] > port[0] else -1
        yield around((far[0] + outwards * (width / 2 + 1), far[1]), width, HEIGHT)
        for dx in outwards * width / 2, 0, outwards * width:
            yield around((far[0] - dx, far[1] - 10), width, HEIGHT)
            yield around((far[0] - dx, far[1] + 10), width, HEIGHT)
        return
    steps = list(walk(points, _STRIDE))
    for part in _PLACES:
        yield around(steps[round(part * (len(steps) - 1))], width, HEIGHT)
    for part in _PLACES:
        x, y = steps[round(part * (len(steps) - 1))]
        for dx, dy in ((0, -HEIGHT), (0, HEIGHT), (width, 0), (-width, 0)):
            yield around((x + dx * 0.7, y + dy * 0.7), width, HEIGHT)


class _Lines:
    """Which links pass through each small square of the page."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        self._strong = {number for number, route in enumerate(routes) if _is_strong(route)}
        self._at: dict[tuple[int, int], set[int]] = {}
        for number, route in enumerate(routes):
            points = list(walk(polyline(route.path), _STRIDE))
            for x, y in points:
                self._at.setdefault((int(x // _CELL), int(y // _CELL)), set()).add(number)

    def meet(self, rect: Rect, owner: int, only_strong: bool) -> bool:
        """Whether a link other than `owner` comes near `rect`."""
        for column in range(int(rect.x // _CELL), int(rect.right // _CELL) + 1):
            for row in range(int(rect.y // _CELL), int(rect.bottom // _CELL) + 1):
                others = self._at.get((column, row), set()) - {owner}
                if others & self._strong if only_strong else others:
                    return True
        return False
