"""The words above and below the lanes: what is wrong, the cycle step by step, the legend."""

from __future__ import annotations

from collections.abc import Iterator

from mmcheck.base.records import record
from mmcheck.report.draw.geometry import Rect
from mmcheck.report.draw.metrics import MONO, mono_width, prose_width, wrap_prose
from mmcheck.report.draw.palette import STYLES
from mmcheck.report.draw.parts import BADGE_HEIGHT, Badge, Route, Words, badge_width
from mmcheck.report.draw.scene import CYCLE, PLAIN, Link, Scene

TITLE_SIZE, SUBTITLE_SIZE, NOTE_SIZE, LEGEND_SIZE = 17.0, 12.5, 12.5, 11.5
VERDICT_SIZE = 11.0
STEP = 23.0
SAMPLE = 34.0


@record
class Block:
    """Words, markers and sample lines, and the y below them."""

    words: tuple[Words, ...]
    badges: tuple[Badge, ...]
    samples: tuple[Route, ...]
    bottom: float


def heading(scene: Scene, margin: float, width: float) -> Block:
    """Verdict, title and subtitle, for a page of `width`."""
    words: list[Words] = []
    badges: list[Badge] = []
    y = margin
    x = margin
    if scene.verdict:
        pill = prose_width(scene.verdict, VERDICT_SIZE, bold=True) + 16
        badges.append(Badge(Rect(x, y, pill, 21), scene.verdict, scene.verdict == "violated", "verdict"))
        x += pill + 12
    inner = width - 2 * margin
    if scene.title and width - margin - x < 0.5 * inner:
        x, y = margin, y + 29
    for line in wrap_prose(scene.title, TITLE_SIZE, width - margin - x, 3, bold=True):
        words.append(Words(x, y + 17, line, TITLE_SIZE, "title"))
        y += 24
    y = max(y, badges[-1].rect.bottom + 3) if badges else y
    for line in wrap_prose(scene.subtitle, SUBTITLE_SIZE, inner, 3):
        words.append(Words(margin, y + 15, line, SUBTITLE_SIZE, "subtitle"))
        y += 18
    return Block(tuple(words), tuple(badges), (), y + 14)


def foot(scene: Scene, routes: tuple[Route, ...], margin: float, width: float, top: float) -> Block:
    """The steps of the cycle and the legend, below y = `top`."""
    words: list[Words] = []
    badges: list[Badge] = []
    samples: list[Route] = []
    y = top + 22
    if scene.steps:
        ends = [end for step in scene.steps for end in (step.source, step.target)]
        badge = max(badge_width(end) for end in ends)
        name = max(mono_width(step.relation, NOTE_SIZE) for step in scene.steps)
        text = margin + 2 * badge + SAMPLE + 28 + name + 14
        for number, step in enumerate(scene.steps):
            link = Link("", "", step.relation, "curve", CYCLE, step=number)
            x = margin
            badges.append(_badge(x, y, badge, step.source))
            samples.append(Route(link, (((x + badge + 6, y), (x + badge + 6 + SAMPLE, y)),)))
            badges.append(_badge(x + badge + SAMPLE + 12, y, badge, step.target))
            words.append(Words(x + 2 * badge + SAMPLE + 26, y + 4, step.relation, NOTE_SIZE, "relation", MONO))
            lines = wrap_prose(step.why, NOTE_SIZE, width - margin - text, 3)
            for i, line in enumerate(lines):
                words.append(Words(text, y + 4.5 + 17 * i, line, NOTE_SIZE, "note"))
            y += STEP + 17 * (max(1, len(lines)) - 1)
        y += 8
    x = margin
    for kind, meaning in _legend(scene, routes):
        room = SAMPLE + 8 + prose_width(meaning, LEGEND_SIZE) + 20
        if x > margin and x + room > width - margin + 20:
            x, y = margin, y + 20
        samples.append(Route(Link("", "", kind, "curve", PLAIN), (((x, y), (x + SAMPLE - 6, y)),)))
        words.append(Words(x + SAMPLE + 2, y + 4, meaning, LEGEND_SIZE, "legend"))
        x += room
    return Block(tuple(words), tuple(badges), tuple(samples), y + margin)


def _badge(x: float, y: float, room: float, text: str) -> Badge:
    width = badge_width(text)
    return Badge(Rect(x + (room - width) / 2, y - BADGE_HEIGHT / 2, width, BADGE_HEIGHT), text, strong=True)


def _legend(scene: Scene, routes: tuple[Route, ...]) -> Iterator[tuple[str, str]]:
    used = {route.link.family: route.link.relation for route in reversed(routes)}
    for name, style in STYLES.items():
        if name in used:
            relation = name if name in ("po", "rf", "fr", "co") else used[name]
            meaning = style.meaning
            if name == "rf" and any(link.shape == "stub" for link in scene.links):
                meaning += " (init: the initial value)"
            yield relation, f"{relation}: {meaning}"
