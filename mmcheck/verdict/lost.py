"""Which known defects of a compiler a run needs: what the compiler keeps by its own rules, and this run does not."""

from __future__ import annotations

from collections.abc import Iterator

from mmcheck.events.execution import Event, Execution
from mmcheck.events.relations import Rel, from_pairs, pairs
from mmcheck.model.concrete import Frame, frame_of
from mmcheck.model.defects import DEFECTS, NAMES, Defect
from mmcheck.model.kept import lost, table
from mmcheck.model.model import BESIDE
from mmcheck.target.targets import next_to

RELIES = "relies on compilers not reordering what the languages let them reorder"
"""The note on a verdict that does not stand by what the languages promise."""


def rests(execution: Execution, name: str, target: str, bad: str) -> str:
    """The note on a verdict that does not stand under the profile `name`, as `execution` shows: there it is `bad`."""
    defects = needed(execution, name, target)
    return f"{bad} by a known defect: {'; '.join(defects)}" if defects else RELIES


def needed(execution: Execution, profile: str, target: str) -> tuple[str, ...]:
    """A sentence for each defect of `profile` (that compiler's, or one by name) that the order of the run makes use of.

    `execution` has the order that the compiler emitted (`Execution.linear`), `target` is the target's name.
    """
    if execution.linear is None:
        return ()
    position = {event: at for order in execution.linear for at, event in enumerate(order)}
    found = []
    for defect in DEFECTS.values():
        if profile in (defect.name, defect.compiler):
            moved = [(a, b) for a, b in _lost(execution, defect, target) if position[b.id] < position[a.id]]
            if moved:
                found.append(
                    f"{said(defect)}: {moved[0][1].origin.quoted()} comes before {moved[0][0].origin.quoted()}"
                )
    return tuple(found)


def said(defect: Defect) -> str:
    """``LLVM sinks ... (sunk-load: MachineSink, LLVM issues 164194 and 181708, seen with clang 22.1.8)``."""
    name = NAMES[defect.compiler]
    numbers = " and ".join(map(str, defect.issues))
    issues = f"{name} issue{'s' if len(defect.issues) > 1 else ''} {numbers}" if defect.issues else "no issue known"
    return f"{name} {defect.rule} ({defect.name}: {defect.where}, {issues}, seen with {defect.seen})"


def _lost(execution: Execution, defect: Defect, target: str) -> Iterator[tuple[Event, Event]]:
    """The pairs of compiled code that the compiler keeps, were it not for the defect."""
    model, _ = table(defect.name)
    events, n = execution.events, len(execution.events)
    frame = frame_of(model, execution)
    source = {number for number, agent in enumerate(execution.threads) if agent.source}
    own: Rel = from_pairs(n, [(i, j) for i, j in execution.relation("src") if events[i].thread in source])
    places = [(event.address, event.width) if "Plain" in event.tags else None for event in events]
    beside = from_pairs(n, next_to(target, places))
    whole = Frame(model, n, frame.sets, {**frame.static, "src": own, BESIDE: beside})
    none: Rel = (0,) * n
    for i, j in pairs(whole.relation(lost(defect), none, none)):
        yield events[i], events[j]
