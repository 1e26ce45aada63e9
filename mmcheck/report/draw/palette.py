"""Colours, dash patterns and words of the relations.

Hues are those of Okabe and Ito (2008), which people with any of the usual colour-vision deficiencies tell
apart; the purple is darkened on light pages so that it stands out from white. No relation is known by its
colour alone: each family of relations that is drawn across lanes has a dash pattern of its own, and a word.
"""

from __future__ import annotations

import re

from mmcheck.base.records import record


@record
class Style:
    """How one family of relations is drawn: a role of `LIGHT` and `DARK`, a dash pattern, its meaning."""

    role: str
    dash: tuple[float, ...]
    meaning: str


STYLES = {
    "po": Style("po", (), "program order"),
    "rf": Style("rf", (), "reads from"),
    "fr": Style("fr", (0.1, 5.5), "read before it was overwritten"),
    "co": Style("co", (9.0, 5.0), "overwritten by"),
    "dep": Style("dep", (11.0, 4.0, 2.0, 4.0), "dependency"),
    "fence": Style("fence", (16.0, 4.0), "ordered by a barrier"),
    "other": Style("other", (5.0, 3.0), "ordered before"),
}
"""By family, see `family`. The dots of fr are round caps of strokes of no length."""

LIGHT = {
    "page": "#ffffff", "band": "#f3f5f8", "header": "#e3e8ee", "edge": "#d5dbe3",
    "box": "#fefefe", "ink": "#16191d", "muted": "#59636f", "faint": "#697481",
    "barrier": "#2f3b49", "barrier-ink": "#fafafa",
    "ghost": "#c44f00", "ghost-fill": "#fff1e6", "culprit": "#fdf6cf",
    "po": "#23272c", "rail": "#9aa4b0",
    "rf": "#0072b2", "fr": "#b8578e", "co": "#008f68", "dep": "#b97f00", "fence": "#2f3b48", "other": "#5b6571",
}  # fmt: skip
"""Colours by role on a light page. No two roles share a value, so a viewer without CSS can be re-coloured."""

DARK = {
    "page": "#14181d", "band": "#1c2229", "header": "#29313b", "edge": "#343e4a",
    "box": "#11151a", "ink": "#eef1f4", "muted": "#a9b4c0", "faint": "#8893a0",
    "barrier": "#c9d3de", "barrier-ink": "#12161b",
    "ghost": "#f58b3c", "ghost-fill": "#33210f", "culprit": "#3a340f",
    "po": "#e9edf1", "rail": "#66717d",
    "rf": "#56b4e9", "fr": "#de8fbb", "co": "#1fc294", "dep": "#e69f00", "fence": "#c9d3dd", "other": "#9fabb7",
}  # fmt: skip

_FAMILIES = {
    "rf": "rf", "rfe": "rf", "rfi": "rf",
    "fr": "fr", "fre": "fr", "fri": "fr", "rb": "fr",
    "co": "co", "coe": "co", "coi": "co", "mo": "co", "ws": "co",
    "po": "po", "po-loc": "po", "poloc": "po", "ppo": "po", "src": "po", "sb": "po",
    "addr": "dep", "data": "dep", "ctrl": "dep", "rmw": "dep", "amo": "dep", "lxsx": "dep",
    "pick-addr": "dep", "pick-data": "dep", "pick-ctrl": "dep", "dob": "dep", "aob": "dep",
    "fence": "fence", "bob": "fence", "barrier": "fence",
}  # fmt: skip


def family(relation: str) -> str:
    """The key of `STYLES` that `relation` is drawn with; ``other`` for a name that is not known."""
    known = _FAMILIES.get(relation)
    if known is not None:
        return known
    return "fence" if re.match(r"(dmb|dsb|isb|mfence|sfence|lfence|fence)\b", relation, re.IGNORECASE) else "other"


def class_name(relation: str) -> str:
    """The CSS class ``rel-...`` of `relation`: lower-case letters, digits and hyphens."""
    return "rel-" + (re.sub(r"[^a-z0-9]+", "-", relation.lower()).strip("-")[:24] or "other")
