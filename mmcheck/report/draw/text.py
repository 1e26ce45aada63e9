"""A picture as text for a terminal: lanes side by side if they fit, below them the cycle.

The frame is plain ASCII, so only names and source text can need more. Markers are the same as in the SVG.
"""

from __future__ import annotations

from collections.abc import Iterator

from mmcheck.ir.program import ENTRY, RETURN
from mmcheck.report.draw.metrics import cells, cut
from mmcheck.report.draw.scene import CYCLE, PALE, Node, Scene

MIN_COLUMN = 14
SQUEEZE = 1.15
"""How much too wide the lanes may be together before they are put below one another."""

_DOTS = "..."
_CODES = {"bad": "1;31", "strong": "1", "dim": "2", "bar": "32"}
_GAP = " | "


def render_text(scene: Scene, width: int = 80, color: bool = False) -> str:
    """The scene in lines of at most `width` cells (at least 40); with `color`, with ANSI colours."""
    width = max(40, width)
    paint = _Paint(color)
    lines = [*_heading(scene, width, paint), ""]
    columns = _columns(scene, width)
    lines += _side_by_side(scene, columns, paint) if columns else _one_by_one(scene, width, paint)
    if scene.steps:
        lines += ["", "The cycle:"]
        name = max(cells(step.relation) for step in scene.steps)
        for step in scene.steps:
            start = f"  {_mark(step.source)} -> {_mark(step.target)}  {_fit(step.relation, name)}  "
            lines += _hanging(start, step.why, width)
    others = _other_reads(scene)
    if others:
        lines += ["", *_hanging("Other reads: ", "; ".join(others), width)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


class _Paint:
    def __init__(self, on: bool) -> None:
        self._on = on

    def __call__(self, text: str, look: str) -> str:
        return f"\x1b[{_CODES[look]}m{text}\x1b[0m" if self._on and look in _CODES and text.strip() else text


def _heading(scene: Scene, width: int, paint: _Paint) -> Iterator[str]:
    start = f"{scene.verdict}: " if scene.verdict and scene.title else scene.verdict
    first, *rest = _hanging(start, scene.title, width)
    yield paint(first, "bad" if scene.verdict == "violated" else "strong")
    yield from rest
    if scene.subtitle:
        yield from _hanging("", scene.subtitle, width)


def _mark(marker: str) -> str:
    return marker if marker == "init" else f"({marker})"


def _columns(scene: Scene, width: int) -> list[int]:
    """A width for each lane, wide enough for its events if not for all of the source text; else nothing."""
    room = width - 1 - len(_GAP) * (len(scene.lanes) - 1)
    least = [MIN_COLUMN] * len(scene.lanes)
    best = [cells(lane.name) for lane in scene.lanes]
    for node in scene.nodes:
        head = cells(node.head) + (cells(node.marker) + 3 if node.marker else 0) + (4 if node.kind != "access" else 0)
        least[node.lane] = max(least[node.lane], head)
        best[node.lane] = max(best[node.lane], 5 + cells(node.marker) + cells(node.source) + cells(node.where))
    if sum(least) > SQUEEZE * room:
        return []
    while sum(least) > room:
        least[least.index(max(least))] -= 1
    columns = least
    while sum(columns) < room and any(now < want for now, want in zip(columns, best, strict=True)):
        needy = min((i for i in range(len(columns)) if columns[i] < best[i]), key=lambda i: (columns[i], i))
        columns[needy] += 1
    return columns


def _side_by_side(scene: Scene, columns: list[int], paint: _Paint) -> Iterator[str]:
    """One column per lane, with the rows of the picture."""
    yield " " + _GAP.join(
        paint(_fit(lane.name, width), "strong") for lane, width in zip(scene.lanes, columns, strict=True)
    )
    yield "-" + "-+-".join("-" * width for width in columns)
    at = {(node.row, node.lane): node for node in scene.nodes}
    for row in range(scene.rows):
        block = [list(_cell(at[row, i], width)) if (row, i) in at else [] for i, width in enumerate(columns)]
        for k in range(max(map(len, block))):
            parts = [lines[k] if k < len(lines) else ("", "") for lines in block]
            yield " " + _GAP.join(
                paint(_fit(part[0], width), part[1]) for part, width in zip(parts, columns, strict=True)
            )


def _one_by_one(scene: Scene, width: int, paint: _Paint) -> Iterator[str]:
    """The lanes below one another, if side by side they would be too narrow."""
    for number, lane in enumerate(scene.lanes):
        if number:
            yield ""
        yield paint(cut(f"{lane.name}:", width, _DOTS), "strong")
        for node in scene.column(number):
            for text, look in _cell(node, width - 2):
                yield "  " + paint(cut(text, width - 2, _DOTS), look)


def _fit(text: str, width: int) -> str:
    text = cut(text, width, _DOTS)
    return text + " " * (width - cells(text))


def _cell(node: Node, width: int) -> Iterator[tuple[str, str]]:
    """The lines of one event and how they look; those of a handler have its box around them."""
    if not node.inside:
        yield from _content(node, width)
        return
    depth = len(node.inside)
    edge, room = "|" * depth, max(8, width - 2 * depth - 2)
    if node.kind == "barrier" and node.source in (ENTRY, RETURN):
        outer = "|" * (depth - 1)
        line = cut(f" {node.head} ", width - 2 * depth, _DOTS).center(width - 2 * depth, "-")
        yield f"{outer}+{line}+{outer}", "bar"
        return
    for text, look in _content(node, room):
        yield f"{edge} {_fit(text, room)} {edge}", look


def _content(node: Node, width: int) -> Iterator[tuple[str, str]]:
    if node.kind == "ghost":
        yield _bar(node.head, "- ", width), "bad"
        return
    if node.kind == "barrier":
        yield _bar(f"({node.marker}) {node.head}" if node.marker else node.head, "=", width), "bar"
        return
    start = f"({node.marker}) "
    look = "strong" if node.emphasis == CYCLE else "dim" if node.emphasis == PALE else ""
    look = "bad" if node.culprit else look
    room = max(8, width - len(start))
    indent = " " * len(start)
    place, equals, value = node.head.rpartition(" = ")
    if equals and cells(node.head) > room:
        yield start + cut(place, room, _DOTS), look
        yield indent + cut(f"= {value}", room, _DOTS), look
    else:
        yield start + cut(node.head, room, _DOTS), look
    if node.source and node.where and len(start) + cells(node.source) + cells(node.where) + 2 <= width:
        yield f"{indent}{node.source}  {node.where}", "dim"
        return
    if node.source:
        yield indent + cut(node.source, room, _DOTS), "dim"
    if node.where:
        name, _, line = node.where.rpartition(":")
        yield f"{indent}{cut(name, max(4, room - len(line) - 1), _DOTS)}:{line}", "dim"


def _bar(text: str, stroke: str, width: int) -> str:
    text = cut(text, width - 4, _DOTS)
    spare = width - cells(text) - 2
    left, right = (stroke * width)[: spare // 2], (stroke * width)[: spare - spare // 2]
    return f"{left.rstrip()} {text} {right.rstrip()}".center(width)


def _other_reads(scene: Scene) -> list[str]:
    markers = {node.key: _mark(node.marker) for node in scene.nodes}
    reads = [link for link in scene.links if link.family == "rf" and link.step is None]
    pairs = [(markers[link.target], markers.get(link.source, "init")) for link in reads]
    return [f"{read} from {write}" for read, write in sorted(pairs, key=lambda pair: (len(pair[0]), pair))]


def _hanging(start: str, text: str, width: int) -> list[str]:
    """`text` wrapped, its later lines indented to the end of `start` if that leaves room."""
    indent = " " * (cells(start) if cells(start) <= width // 2 else 4)
    lines = [start.rstrip() if not text else start]
    empty = True
    for word in text.split():
        for piece in _broken(word, width - len(indent) - 1):
            space = "" if empty else " "
            if lines[-1].strip() and cells(lines[-1] + space + piece) > width:
                lines.append(indent)
                space = ""
            lines[-1] += space + piece
            empty = False
    return lines


def _broken(word: str, room: int) -> Iterator[str]:
    piece = ""
    for character in word:
        if cells(piece + character) > room:
            yield piece
            piece = ""
        piece += character
    yield piece
