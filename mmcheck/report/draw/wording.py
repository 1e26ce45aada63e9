"""How events, agents and relations are put into words, within the room that a picture has."""

from __future__ import annotations

from mmcheck.events.execution import Agent, Event
from mmcheck.ir.program import Origin
from mmcheck.report.draw.metrics import ELLIPSIS, cells, clean
from mmcheck.report.draw.palette import STYLES, family

HEAD, SOURCE, NAME, RELATION, TITLE, PROSE, TIP = 34, 38, 26, 16, 160, 320, 600
"""Cells that a text of each sort may take."""

_ORDERS = {"A": "acq", "Acquire": "acq", "Q": "acq", "L": "rel", "Release": "rel", "SeqCst": "sc"}


def access_text(event: Event) -> str:
    """``W.rel avail.idx = 2``."""
    order = next((f".{_ORDERS[tag]}" for tag in sorted(event.tags) if tag in _ORDERS), "")
    place = event.location or (f"[{event.address:#x}]" if event.address is not None else "?")
    if event.value is None:
        return f"{event.kind}{order} {place}"
    return f"{event.kind}{order} {place} = {event.shown}"


def fence_text(event: Event) -> str:
    """The word that the source uses for a barrier, else the model's name for it."""
    return event.origin.word or tags_text(event) or "fence"


def tags_text(event: Event) -> str:
    """The model's names for the kind of event."""
    return " ".join(sorted(event.tags))


def where_text(origin: Origin, limit: int) -> str:
    """``file.litmus:12``, without the directories; nothing if the place is not known."""
    if origin.span is None:
        return ""
    line = f":{origin.span.line}"
    name = clean(origin.span.file.path.replace("\\", "/").rpartition("/")[2], TIP)
    if cells(name + line) > limit:
        name = ELLIPSIS + name[-((limit - len(line) - 1) // 2) :]
    return name + line


def cut_middle(head: str, limit: int) -> str:
    """`head` in at most `limit` cells; the value at its end, if short, stays."""
    left, equals, value = head.rpartition(" = ")
    tail = equals + clean(value, limit)
    if not equals or cells(tail) > 0.6 * limit:
        return clean(head, limit)
    return clean(left, limit - cells(tail)) + tail


def lane_name(agent: Agent) -> str:
    """The name of an agent, and what it is if not a thread: ``host (device)``."""
    if agent.kind == "thread" or agent.kind in agent.name.lower():
        return clean(agent.name, NAME)
    kind = clean(f" ({agent.kind})", NAME)
    return f"{clean(agent.name, NAME)} {kind}"


def meaning(relation: str, source: str, target: str) -> str:
    """What a step from marker `source` to marker `target` says, if nobody gave a reason."""
    match family(relation):
        case "rf":
            return f"{target} reads the value that {source} wrote"
        case "fr":
            return f"{source} reads the value from before {target}"
        case "co":
            return f"{target} overwrites {source}"
        case "po":
            return f"{source} stands before {target} in the program"
        case name:
            return STYLES[name].meaning
