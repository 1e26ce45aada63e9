"""From a counterexample to a picture: what `mmcheck.report.draw` is to highlight, and the files of ``--graphs``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from mmcheck.base.records import replace
from mmcheck.events.execution import Execution
from mmcheck.report.draw.scene import CYCLE, Ghost, Highlight, Hop, Scene, build_scene
from mmcheck.report.words import BASE, layer_sentence
from mmcheck.verdict.results import Counterexample, Result
from mmcheck.verdict.results import Hop as Step

MAX_NAME = 60
"""Characters of each part of a file's name."""

FEW_ROWS = 12
"""Rows of a picture that a terminal shows whole."""


def scene(result: Result, *, show_all: bool = False) -> Scene | None:
    """The picture of the run that `result` rests on; None if there is no run."""
    if result.counterexample is None:
        return None
    found = result.counterexample if show_all else result.counterexample.view()
    return build_scene(found.execution, highlight(result, found), show_all=show_all)


def focused(picture: Scene, rows: int = FEW_ROWS) -> tuple[Scene, int]:
    """`picture` without what is not on its cycle, if it has more than `rows` rows, and how many events that hides.

    Kept are the events of the cycle, the one that went wrong, and the barriers between them.
    """
    if picture.rows <= rows or not picture.steps:
        return picture, 0
    kept = [node for node in picture.nodes if node.emphasis == CYCLE]
    ends = {node.lane: [each.row for each in kept if each.lane == node.lane] for node in kept}
    kept += [
        node
        for node in picture.nodes
        if node.kind == "barrier"
        and node.emphasis != CYCLE
        and node.lane in ends
        and min(ends[node.lane]) < node.row < max(ends[node.lane])
    ]
    lanes = {lane: number for number, lane in enumerate(sorted(ends))}
    order = {row: number for number, row in enumerate(sorted({node.row for node in kept}))}
    nodes = tuple([replace(node, lane=lanes[node.lane], row=order[node.row]) for node in kept])
    keys = {node.key for node in nodes} | {""}
    smaller = replace(
        picture,
        lanes=tuple([picture.lanes[lane] for lane in lanes]),
        nodes=nodes,
        links=tuple([link for link in picture.links if link.source in keys and link.target in keys]),
        rows=len(order),
    )
    return smaller, sum(node.kind == "access" for node in picture.nodes) - sum(node.kind == "access" for node in nodes)


def highlight(result: Result, found: Counterexample) -> Highlight:
    """The cycle, a ghost bar wherever program order is not kept in it, the event that went wrong."""
    span = result.span
    where = f" ({span.file.path}:{span.line})" if span is not None else ""
    variant = f', variant "{result.variant}"' if result.variant is not None else ""
    subject = f"{result.requirement}{where} on {result.target}{variant}."
    return Highlight(
        cycle=tuple(Hop(hop.source, hop.target, hop.relation, hop.why) for hop in found.cycle),
        ghosts=tuple(_ghosts(result, found)),
        culprit=found.culprit,
        title=result.says or f"{result.requirement} is {result.verdict}",
        subtitle=f"{subject} {_sentence(layer_sentence(result))}".strip(),
        verdict=result.verdict,
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _ghosts(result: Result, found: Counterexample) -> Iterator[Ghost]:
    for hop in found.cycle:
        if hop.relation == "po" and not hop.ordered:
            source = found.execution.events[hop.source]
            if not source.is_init and source.thread == found.execution.events[hop.target].thread:
                yield Ghost(source.thread, hop.source, hop.target, _label(result, found.execution, hop))


def _label(result: Result, execution: Execution, hop: Step) -> str:
    """Whether a barrier is missing, or one is there and does not help."""
    first, last = sorted((execution.events[hop.source].index, execution.events[hop.target].index))
    thread = execution.events[hop.source].thread
    fenced = any(e.thread == thread and e.kind == "F" and first < e.index < last for e in execution.events)
    if fenced:
        return "not kept in order"
    return {"compiler": "nothing holds the compiler", "platform": "no device barrier here"}.get(
        result.layer or "", "no barrier here"
    )


def names(results: Iterable[Result]) -> Iterator[tuple[Result, str]]:
    """A file name without ending for each result with a run: file, variant, requirement, target; all different."""
    taken: dict[str, int] = {}
    for result in results:
        if result.counterexample is None:
            continue
        stem = PurePosixPath(result.file).stem
        parts = (stem, result.variant or BASE, result.requirement, result.target)
        name = "--".join(map(sanitised, parts))
        taken[name.lower()] = taken.get(name.lower(), 0) + 1
        count = taken[name.lower()]
        yield result, name if count == 1 else f"{name}--{count}"


def sanitised(text: str) -> str:
    """`text` as a part of a file name on any system."""
    plain = re.sub(r"[^A-Za-z0-9._+]+", "-", text)
    return plain.strip("-.")[:MAX_NAME] or "x"


def files(results: Iterable[Result]) -> Iterator[tuple[str, str]]:
    """Names and texts of the ``.dot`` and ``.svg`` files."""
    from mmcheck.report.draw.dot import render_dot
    from mmcheck.report.draw.svg import render_svg

    for result, name in names(results):
        picture = scene(result)
        if picture is not None:
            yield f"{name}.dot", render_dot(picture)
            yield f"{name}.svg", render_svg(picture)
