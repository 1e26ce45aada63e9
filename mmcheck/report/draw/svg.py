"""A picture as one SVG that stands alone and suits light and dark pages.

Colours are presentation attributes for a light page. Where CSS variables are understood they take over:
``prefers-color-scheme`` and an ancestor with ``data-theme`` choose the values, and a page may set its own.
There are no scripts and no external resources, and every text from outside is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from mmcheck.report.draw.geometry import Piece, Rect
from mmcheck.report.draw.layout import Band, Box, Layout, lay_out
from mmcheck.report.draw.metrics import clean
from mmcheck.report.draw.palette import DARK, LIGHT, STYLES, class_name
from mmcheck.report.draw.parts import BADGE_SIZE, Badge, Route, Tag, Words
from mmcheck.report.draw.scene import CYCLE, PALE, Link, Scene
from mmcheck.report.draw.wording import TIP

MONO_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
PROSE_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', Arial, sans-serif"

WEIGHTS = {CYCLE: 2.6, PALE: 1.4, "plain": 1.8}
_TEXT = {
    "title": ("ink", True), "subtitle": ("muted", False), "lane": ("ink", True),
    "head": ("ink", True), "head-pale": ("muted", True), "source": ("muted", False), "where": ("faint", False),
    "bar": ("barrier-ink", True), "bar-where": ("edge", False), "ghost": ("ghost", True),
    "relation": ("ink", True), "note": ("ink", False), "legend": ("muted", False),
}  # fmt: skip


def render_svg(scene: Scene, *, prefix: str = "") -> str:
    """The SVG document; `prefix` goes before every id, for pages with several pictures."""
    layout = lay_out(scene)
    return "\n".join(_document(layout, "".join(c for c in prefix if c.isalnum() or c in "-_"))) + "\n"


def _document(layout: Layout, prefix: str) -> Iterator[str]:
    w, h = _n(layout.width), _n(layout.height)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="mmcheck" width="{w}" height="{h}" viewBox="0 0 {w} {h}" '
        f'role="img" aria-labelledby="{prefix}mm-title {prefix}mm-desc">'
    )
    scene = layout.scene
    yield f'<title id="{prefix}mm-title">{escape(scene.title or "Execution")}</title>'
    yield f'<desc id="{prefix}mm-desc">{escape(_description(scene))}</desc>'
    yield f"<style>{_css()}</style>"
    yield f'<rect class="f-page" fill="{LIGHT["page"]}" width="{w}" height="{h}" rx="10"/>'
    for band in layout.bands:
        yield from _band(band)
    for frame in layout.frames:
        yield _rect(frame, 8, "header", "barrier-ink", 1.6, ' data-role="interrupt"')
    quiet = [route for route in layout.routes if route.link.emphasis != CYCLE]
    strong = [route for route in layout.routes if route.link.emphasis == CYCLE]
    for route in quiet:
        yield from _link(route)
    for box in layout.boxes:
        yield from _box(box, prefix)
    for route in strong:
        yield from _link(route)
    for route in layout.samples:
        yield from _link(route, sample=True)
    for tag in layout.tags:
        yield from _tag(tag)
    for badge in layout.badges:
        yield from _badge(badge)
    for words in layout.words:
        yield _words(words)
    yield "</svg>"


def _description(scene: Scene) -> str:
    names = {node.marker: f"{scene.lanes[node.lane].name}: {node.head}" for node in scene.nodes if node.marker}
    lines = [scene.subtitle] if scene.subtitle else []
    for step in scene.steps:
        ends = [f"{end} ({names[end]})" if end in names else end for end in (step.source, step.target)]
        lines.append(f"{ends[0]} -{step.relation}-> {ends[1]}: {step.why}.")
    lines += [f"Missing on {scene.lanes[node.lane].name}: {node.head}." for node in scene.nodes if node.kind == "ghost"]
    return " ".join(lines) or "Events of each agent in program order, with the relations between them."


def _css() -> str:
    light = "".join(f"--mm-{role}:{colour};" for role, colour in LIGHT.items())
    dark = "".join(f"--mm-{role}:{colour};" for role, colour in DARK.items())
    rules = "".join(
        f".mmcheck .f-{role}{{fill:var(--mm-{role},{colour})}}.mmcheck .s-{role}{{stroke:var(--mm-{role},{colour})}}"
        for role, colour in LIGHT.items()
    )
    # Inside @supports, so that converters that know no variables keep to the attributes.
    return (
        "@supports (color:var(--mm-ink)){"
        f":where(.mmcheck){{{light}}}"
        f"@media (prefers-color-scheme:dark){{:where(.mmcheck){{{dark}}}}}"
        f":where([data-theme=light] .mmcheck){{{light}}}:where([data-theme=dark] .mmcheck){{{dark}}}"
        f"{rules}}}"
    )


def _n(value: float) -> str:
    """A coordinate with at most one decimal."""
    text = f"{value:.1f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text


def _fill(role: str) -> str:
    return f'fill="{LIGHT[role]}"'


def _rect(rect: Rect, radius: float, fill: str, stroke: str = "", width: float = 1.0, extra: str = "") -> str:
    classes = f"f-{fill}" + (f" s-{stroke}" if stroke else "")
    line = f' stroke="{LIGHT[stroke]}" stroke-width="{_n(width)}"' if stroke else ""
    return (
        f'<rect class="{classes}" x="{_n(rect.x)}" y="{_n(rect.y)}" width="{_n(rect.w)}" height="{_n(rect.h)}" '
        f'rx="{_n(radius)}" {_fill(fill)}{line}{extra}/>'
    )


def _band(band: Band) -> Iterator[str]:
    yield _rect(band.rect, 9, "band", "edge")
    r, head = 9.0, band.header
    x, y, right, bottom = head.x, head.y, head.right, head.bottom
    yield (
        f'<path class="f-header s-edge" {_fill("header")} stroke="{LIGHT["edge"]}" d="M{_n(x)} {_n(bottom)}V{_n(y + r)}'
        f"A{_n(r)} {_n(r)} 0 0 1 {_n(x + r)} {_n(y)}H{_n(right - r)}A{_n(r)} {_n(r)} 0 0 1 {_n(right)} {_n(y + r)}"
        f'V{_n(bottom)}Z"/>'
    )


def _box(box: Box, prefix: str) -> Iterator[str]:
    node = box.node
    classes = (
        f"event {node.kind}" + (" on-cycle" if node.emphasis == CYCLE else "") + (" culprit" if node.culprit else "")
    )
    yield f'<g id="{prefix}{node.key}" class="{classes}">'
    if node.tip:
        yield f"<title>{escape(node.tip)}</title>"
    if node.kind == "barrier":
        yield _rect(box.rect, 3, "barrier")
    elif node.kind == "ghost":
        yield _rect(box.rect, 3, "ghost-fill", "ghost", 2, ' stroke-dasharray="7 4"')
    elif node.culprit:
        yield _rect(box.rect, 7, "culprit", "ghost", 2.4)
    elif node.emphasis == CYCLE:
        yield _rect(box.rect, 7, "box", "ink", 1.6)
    else:
        yield _rect(box.rect, 7, "box", "edge")
    yield "</g>"


def _path(path: tuple[Piece, ...]) -> str:
    x, y = path[0][0]
    steps = [f"M{_n(x)} {_n(y)}"]
    for piece in path:
        letter = "L" if len(piece) == 2 else "C"
        steps.append(letter + " ".join(f"{_n(px)} {_n(py)}" for px, py in piece[1:]))
    return "".join(steps)


def _role(link: Link) -> str:
    return "rail" if link.family == "po" and link.emphasis != CYCLE else STYLES[link.family].role


def _link(route: Route, sample: bool = False) -> Iterator[str]:
    link = route.link
    role, weight = _role(link), WEIGHTS[link.emphasis]
    dash = STYLES[link.family].dash
    classes = f"{'key ' if sample else ''}{class_name(link.relation)}" + (" on-cycle" if link.emphasis == CYCLE else "")
    opacity = ' opacity="0.62"' if link.emphasis == PALE and role != "rail" else ""
    yield f'<g class="{classes}"{opacity}>'
    if not sample:
        tip = clean(": ".join(part for part in (link.relation, link.why) if part), TIP)
        yield f"<title>{escape(tip)}</title>"
    head = _head(route, weight) if route.head else None
    if link.emphasis == CYCLE:
        for piece in route.path:
            if len(piece) == 4:
                yield (
                    f'<path class="s-page" d="{_path((piece,))}" fill="none" stroke="{LIGHT["page"]}" '
                    f'stroke-width="{_n(weight + 4)}"/>'
                )
    if head is not None and weight < 2:
        head = head[0], head[1] * 0.8
    style = f' stroke-dasharray="{" ".join(_n(d) for d in dash)}"' if dash else ""
    cap = ' stroke-linecap="round"' if link.family == "fr" else ""
    thick = weight + 0.9 if link.family == "fr" else weight
    yield (
        f'<path class="s-{role}" d="{_path(_shortened(route, head))}" fill="none" stroke="{LIGHT[role]}" '
        f'stroke-width="{_n(thick)}"{style}{cap}/>'
    )
    if head is not None:
        (ux, uy), length = head
        x, y = route.path[-1][-1]
        half = length * 0.46
        bx, by = x - ux * length, y - uy * length
        corners = ((x, y), (bx - uy * half, by + ux * half), (bx + uy * half, by - ux * half))
        points = " ".join(f"{_n(px)},{_n(py)}" for px, py in corners)
        yield f'<polygon class="f-{role}" points="{points}" {_fill(role)}/>'
    yield "</g>"


def _head(route: Route, weight: float) -> tuple[tuple[float, float], float]:
    """Direction and length of the arrow head; links end level or upright."""
    (ax, ay), (bx, by) = route.path[-1][-2:]
    size = abs(bx - ax) + abs(by - ay) or 1.0
    return ((bx - ax) / size, (by - ay) / size), 11.0 if weight > 2 else 9.0


def _shortened(route: Route, head: tuple[tuple[float, float], float] | None) -> tuple[Piece, ...]:
    """The path without the stretch under the arrow head."""
    if head is None:
        return route.path
    (ux, uy), length = head
    *before, last = route.path
    x, y = last[-1]
    back = length - 1.5
    return (*before, (*last[:-1], (x - ux * back, y - uy * back)))


def _tag(tag: Tag) -> Iterator[str]:
    link = tag.link
    role = _role(link)
    x, y = tag.rect.centre
    if link.emphasis == CYCLE:
        yield _rect(tag.rect, 5, "page", role, 1.3)
        yield _text(x, y + 3.8, tag.text, 11, "ink", True, True, "middle")
    else:
        yield _rect(tag.rect.grown(-1), 3, "page", extra=' opacity="0.85"')
        yield _text(x, y + 3.8, tag.text, 10.5, "muted", False, True, "middle")


def _badge(badge: Badge) -> Iterator[str]:
    x, y = badge.rect.centre
    if badge.role == "verdict":
        role = "ghost" if badge.strong else "muted"
        yield _rect(badge.rect, badge.rect.h / 2, role)
        yield _text(x, y + 3.8, badge.text, 11, "page", True, False, "middle")
        return
    fill, ink = ("ink", "page") if badge.strong else ("header", "muted")
    yield _rect(badge.rect, badge.rect.h / 2, fill)
    yield _text(x, y + 3.6, badge.text, BADGE_SIZE, ink, True, True, "middle")


def _words(words: Words) -> str:
    role, bold = _TEXT[words.role]
    x, anchor = (words.x, "") if words.centre is None else (words.centre, "middle")
    return _text(x, words.y, words.text, words.size, role, bold, bool(words.mono), anchor)


def _text(x: float, y: float, text: str, size: float, role: str, bold: bool, mono: bool, anchor: str = "") -> str:
    weight = ' font-weight="700"' if bold else ""
    place = f' text-anchor="{anchor}"' if anchor else ""
    # Isolated, so that right-to-left letters in one text leave its neighbours alone.
    return (
        f'<text class="f-{role}" x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}"{weight}{place} {_fill(role)} '
        f'font-family="{MONO_FONTS if mono else PROSE_FONTS}" direction="ltr" unicode-bidi="isolate" '
        f'xml:space="preserve">{escape(text)}</text>'
    )
