"""A picture as DOT source, with the places of the SVG.

The `graphviz` package quotes and writes; the program ``dot`` is not needed. Labels are plain strings, never
HTML, whatever they contain.
"""

from __future__ import annotations

from typing import Any

from mmcheck.report.draw.geometry import Piece, Point, around, crosses, polyline
from mmcheck.report.draw.layout import Box, Layout, lay_out
from mmcheck.report.draw.metrics import mono_width
from mmcheck.report.draw.palette import LIGHT, STYLES, class_name
from mmcheck.report.draw.parts import Route, Tag
from mmcheck.report.draw.scene import CYCLE, PALE, Link, Node, Scene

COMMENT = "places and curves are pinned; draw with: neato -n2 -Tsvg FILE (with neato -n curves are made anew)"
_FONT = "DejaVu Sans Mono,Menlo,Consolas,monospace"
_DASHES = {"po": "solid", "rf": "solid", "fr": "dotted", "co": "dashed", "dep": "dashed", "fence": "dashed"}
_INCH = 72.0
_TIP = 7.0


def render_dot(scene: Scene) -> str:
    """DOT source for ``neato -n``."""
    import graphviz  # type: ignore[import-untyped]

    layout = lay_out(scene)
    graph = graphviz.Digraph("execution", comment="\n// ".join([COMMENT, *_steps(scene)]))
    graph.attr("graph", splines="true", outputorder="edgesfirst", bgcolor="white", fontname=_FONT)
    graph.attr(
        "graph", label=_label([f"{scene.verdict}: {scene.title}" if scene.title else scene.verdict]), labelloc="t"
    )
    graph.attr("node", shape="box", fixedsize="true", fontname=_FONT, fontsize="11")
    graph.attr("edge", fontname=_FONT, fontsize="10", arrowsize="0.7")
    for number, band in enumerate(layout.bands):
        x, y = band.header.centre
        size = {"width": _inches(band.header.w), "height": _inches(band.header.h)}
        look = {"style": "filled", "color": LIGHT["edge"], "fillcolor": LIGHT["header"]}
        graph.node(f"lane-{number}", _label([scene.lanes[number].name]), pos=_pin(layout, (x, y)), **size, **look)
    for number, frame in enumerate(layout.frames):
        size = {"width": _inches(frame.w), "height": _inches(frame.h)}
        look = {"style": "rounded,dashed", "color": LIGHT["barrier-ink"]}
        graph.node(f"interrupt-{number}", "", pos=_pin(layout, frame.centre), **size, **look)
    for box in layout.boxes:
        graph.node(
            box.node.key,
            _label(_lines(box.node)),
            pos=_pin(layout, box.rect.centre),
            width=_inches(box.rect.w),
            height=_inches(box.rect.h),
            tooltip=_label([box.node.tip or box.node.head]),
            **_look(box),
        )
    labels = _beside(layout)
    for number, route in enumerate(layout.routes):
        _edge(graph, layout, number, route, labels.get(id(route.link)))
    return str(graph.source)


def _beside(layout: Layout) -> dict[int, Tag]:
    """The labels moved off their lines where there is room: Graphviz gives plain labels no background."""
    solid = [box.rect for box in layout.boxes] + [band.header for band in layout.bands]
    lines = [polyline(route.path) for route in layout.routes]
    taken = [tag.rect for tag in layout.tags]
    labels = {}
    for number, tag in enumerate(layout.tags):
        others = taken[:number] + taken[number + 1 :]
        x, y = tag.rect.centre
        width = mono_width(tag.text, 10)
        for distance in 5, 9, 14:
            dx, dy = width / 2 + distance, 6 + distance
            places = [around((x + a, y + b), width + 2, 12) for a, b in ((dx, 0), (-dx, 0), (0, -dy), (0, dy))]
            free = [
                rect
                for rect in places
                if not any(rect.meets(other) for other in solid + others)
                and not any(crosses(line, rect) for line in lines)
            ]
            if free:
                tag = Tag(tag.link, free[0], tag.text)
                break
        taken[number] = tag.rect
        labels[id(tag.link)] = tag
    return labels


def _steps(scene: Scene) -> list[str]:
    return [f"({step.source}) -{step.relation}-> ({step.target}): {step.why}" for step in scene.steps]


def _edge(graph: Any, layout: Layout, number: int, route: Route, tag: Tag | None) -> None:
    link = route.link
    ends = []
    for key, point in ((link.source, route.path[0][0]), (link.target, route.path[-1][-1])):
        if not key:
            key = f"init-{number}"
            graph.node(key, "", shape="point", width="0.03", pos=_pin(layout, point), color=_colour(link))
        ends.append(key)
    look = {
        "color": _colour(link),
        "style": _DASHES.get(link.family, "dashed"),
        "penwidth": "2.4" if link.emphasis == CYCLE else "1",
        "class": class_name(link.relation),
        "pos": _spline(layout, route),
    }
    if not route.head:
        look["arrowhead"] = "none"
    if tag is not None:
        look["label"] = _label([tag.text])
        look["lp"] = _place(layout, tag.rect.centre)
        look["fontcolor"] = LIGHT["ink" if link.emphasis == CYCLE else "muted"]
    graph.edge(ends[0], ends[1], **look)


def _colour(link: Link) -> str:
    if link.family == "po" and link.emphasis != CYCLE:
        return LIGHT["rail"]
    colour = LIGHT[STYLES[link.family].role]
    return colour + "90" if link.emphasis == PALE else colour


def _lines(node: Node) -> list[str]:
    first = f"({node.marker}) {node.head}" if node.marker else node.head
    if node.kind != "access":
        return [f"{first}  {node.where}" if node.where else first]
    return [line for line in (first, node.source, node.where) if line]


def _look(box: Box) -> dict[str, str]:
    node = box.node
    if node.kind == "barrier":
        return {"style": "filled", "fillcolor": LIGHT["barrier"], "fontcolor": LIGHT["barrier-ink"]}
    if node.kind == "ghost":
        fill = {"fillcolor": LIGHT["ghost-fill"], "fontcolor": LIGHT["ghost"]}
        return {"style": "filled,dashed", "color": LIGHT["ghost"], "penwidth": "2", **fill}
    if node.culprit:
        return {"style": "filled,rounded", "color": LIGHT["ghost"], "penwidth": "2", "fillcolor": LIGHT["culprit"]}
    strong = node.emphasis == CYCLE
    look = {"style": "filled,rounded", "fillcolor": LIGHT["box"]}
    return {
        **look,
        "color": LIGHT["ink" if strong else "edge"],
        "penwidth": "1.5" if strong else "1",
        "fontcolor": LIGHT["muted" if node.emphasis == PALE else "ink"],
    }


def _label(lines: list[str]) -> str:
    """A string that Graphviz shows as it is: no escapes, no entities, not HTML even if it looks so."""
    import graphviz

    shown = "\\n".join(line.replace("\\", "\\\\").replace("&", "&amp;") for line in lines)
    label: str = graphviz.nohtml(shown)
    return label


def _inches(pixels: float) -> str:
    return f"{pixels / _INCH:.3f}"


def _place(layout: Layout, point: Point) -> str:
    return f"{point[0]:.1f},{layout.height - point[1]:.1f}"


def _pin(layout: Layout, point: Point) -> str:
    return _place(layout, point) + "!"


def _spline(layout: Layout, route: Route) -> str:
    """The path as Graphviz writes it: an optional arrow tip, then a start and triples of control points."""
    path = route.path
    start = ""
    if route.head:
        *before, last = path
        (ax, ay), (bx, by) = last[-2:]
        size = abs(bx - ax) + abs(by - ay) or 1.0
        path = (*before, (*last[:-1], (bx - (bx - ax) / size * _TIP, by - (by - ay) / size * _TIP)))
        start = f"e,{_place(layout, (bx, by))} "
    points = [path[0][0]]
    for piece in path:
        points += _cubic(piece)[1:]
    return start + " ".join(_place(layout, point) for point in points)


def _cubic(piece: Piece) -> tuple[Point, ...]:
    if len(piece) == 4:
        return piece
    (ax, ay), (bx, by) = piece
    return piece[0], (ax + (bx - ax) / 3, ay + (by - ay) / 3), (bx - (bx - ax) / 3, by - (by - ay) / 3), piece[1]
