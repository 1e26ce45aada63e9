"""The pieces that a picture is drawn from."""

from __future__ import annotations

from mmcheck.base.records import record, replace
from mmcheck.report.draw.geometry import Piece, Rect
from mmcheck.report.draw.metrics import mono_width, prose_width
from mmcheck.report.draw.scene import Link

BADGE_SIZE = 10.5
BADGE_HEIGHT = 17.0


def badge_width(text: str) -> float:
    """A marker is a circle, or a pill if it has several letters."""
    return max(BADGE_HEIGHT, mono_width(text, BADGE_SIZE) + 10)


BOLD_PROSE = frozenset({"title", "lane"})
"""Roles of prose that renderers print in bold."""


@record
class Words:
    """One line of text from `x` on, baseline at `y`; monospaced if `mono` is an advance, else prose.

    With `centre`, renderers should centre it there, as the width of prose is only estimated.
    """

    x: float
    y: float
    text: str
    size: float
    role: str
    mono: float = 0
    centre: float | None = None

    @property
    def rect(self) -> Rect:
        """The room it takes, from ascenders to descenders."""
        bold = self.role in BOLD_PROSE
        width = mono_width(self.text, self.size) if self.mono else prose_width(self.text, self.size, bold=bold)
        return Rect(self.x, self.y - 0.8 * self.size, width, self.size)

    def moved(self, by: float) -> Words:
        return replace(self, x=self.x + by, centre=None if self.centre is None else self.centre + by)


@record
class Badge:
    """An event's marker, or (`role`) the verdict."""

    rect: Rect
    text: str
    strong: bool
    role: str = "marker"

    def moved(self, by: float) -> Badge:
        return replace(self, rect=Rect(self.rect.x + by, self.rect.y, self.rect.w, self.rect.h))


@record
class Route:
    """The way of a link; `head` says whether it ends in an arrow head."""

    link: Link
    path: tuple[Piece, ...]
    head: bool = True

    def moved(self, by: float) -> Route:
        return replace(self, path=tuple(tuple((x + by, y) for x, y in piece) for piece in self.path))


@record
class Tag:
    """The label of a link."""

    link: Link
    rect: Rect
    text: str

    def moved(self, by: float) -> Tag:
        return replace(self, rect=Rect(self.rect.x + by, self.rect.y, self.rect.w, self.rect.h))
