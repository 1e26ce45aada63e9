"""Rectangles, and paths of lines and cubic curves, in pixels with y downwards."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TypeAlias

from mmcheck.base.records import record

Point: TypeAlias = tuple[float, float]
Piece: TypeAlias = tuple[Point, ...]
"""Two points are a line, four a cubic Bézier curve."""

_SAMPLES = 24


@record
class Rect:
    """The points with ``x <= px <= x + w`` and ``y <= py <= y + h``."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h

    @property
    def centre(self) -> Point:
        return self.x + self.w / 2, self.y + self.h / 2

    def meets(self, other: Rect) -> bool:
        """Whether the interiors have a point in common."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom

    def holds(self, other: Rect) -> bool:
        """Whether `other` lies inside."""
        return self.x <= other.x and other.right <= self.right and self.y <= other.y and other.bottom <= self.bottom

    def grown(self, by: float) -> Rect:
        """With a margin of `by`, which may be negative."""
        return Rect(self.x - by, self.y - by, self.w + 2 * by, self.h + 2 * by)


def around(centre: Point, w: float, h: float) -> Rect:
    return Rect(centre[0] - w / 2, centre[1] - h / 2, w, h)


def backwards(path: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """The same way, walked from its end."""
    return tuple(piece[::-1] for piece in reversed(path))


def polyline(path: tuple[Piece, ...]) -> list[Point]:
    """Points along `path`, close enough to draw it with straight lines."""
    points = [path[0][0]]
    for piece in path:
        if len(piece) == 2:
            points.append(piece[1])
            continue
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = piece
        for k in range(1, _SAMPLES + 1):
            t = k / _SAMPLES
            s = 1 - t
            a, b, c, d = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
            points.append((a * ax + b * bx + c * cx + d * dx, a * ay + b * by + c * cy + d * dy))
    return points


def walk(points: list[Point], stride: float) -> Iterator[Point]:
    """Points of the polyline, about `stride` apart, both ends included."""
    yield points[0]
    for (ax, ay), (bx, by) in pairwise(points):
        count = max(1, round((abs(bx - ax) + abs(by - ay)) / stride))
        for k in range(1, count + 1):
            yield ax + (bx - ax) * k / count, ay + (by - ay) * k / count


def crosses(points: list[Point], rect: Rect) -> bool:
    """Whether the polyline has a point in the interior of `rect`."""
    return any(_segment_meets(a, b, rect) for a, b in pairwise(points))


def _segment_meets(a: Point, b: Point, rect: Rect) -> bool:
    """Liang and Barsky's clipping, with an interior of positive length asked for."""
    low, high = 0.0, 1.0
    for start, delta, least, most in (
        (a[0], b[0] - a[0], rect.x, rect.right),
        (a[1], b[1] - a[1], rect.y, rect.bottom),
    ):
        if delta == 0:
            if not least < start < most:
                return False
            continue
        enter, leave = sorted(((least - start) / delta, (most - start) / delta))
        low, high = max(low, enter), min(high, leave)
    return low < high
