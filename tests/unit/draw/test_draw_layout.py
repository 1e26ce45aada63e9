"""No label overlaps another and no line runs through a box, for samples and for random executions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from mmcheck.events.execution import Agent, Event, Execution
from mmcheck.report.draw.geometry import Rect, backwards, crosses, polyline
from mmcheck.report.draw.layout import lay_out, overlaps
from mmcheck.report.draw.scene import CYCLE, Highlight, build_scene
from tests.unit.draw.samples import SAMPLES
from tests.unit.draw.strategies import drawings


@pytest.mark.parametrize("show_all", [False, True])
@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_clean_and_fully_labelled(name: str, show_all: bool) -> None:
    scene = build_scene(*SAMPLES[name](), show_all=show_all)
    layout = lay_out(scene)
    assert overlaps(layout) == []
    assert len([link for link in scene.links if link.labelled]) == len(layout.tags)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(drawings())
def test_random_executions_are_clean(drawing: tuple[Execution, Highlight]) -> None:
    for show_all in (False, True):
        scene = build_scene(*drawing, show_all=show_all)
        layout = lay_out(scene)
        assert overlaps(layout) == []
        wanted = [link for link in scene.links if link.labelled and link.emphasis == CYCLE]
        assert len(wanted) == sum(tag.link.emphasis == CYCLE for tag in layout.tags)


def test_rows_align_accesses_and_barriers() -> None:
    layout = lay_out(build_scene(*SAMPLES["mp"]()))
    tops: dict[str, set[float]] = {}
    for box in layout.boxes:
        tops.setdefault(box.node.kind, set()).add(box.rect.y)
    assert len(tops["access"]) == 2
    assert tops["ghost"] == tops["barrier"]


def test_bars_span_their_lane() -> None:
    layout = lay_out(build_scene(*SAMPLES["mp"]()))
    for box in layout.boxes:
        if box.node.kind != "access":
            band = layout.bands[box.node.lane].rect
            assert (band.x, band.w) == (box.rect.x, box.rect.w)


def test_overlaps_reports_each_sort_of_fault() -> None:
    layout = lay_out(build_scene(*SAMPLES["mp"]()))
    first, second, *others = layout.boxes
    moved = replace(layout, boxes=(first, replace(second, rect=first.rect), *others))
    faults = " ".join(overlaps(moved))
    assert "ev-2 meets ghost-0" in faults
    in_the_gutter = Rect(first.rect.right + 20, first.rect.y, 60, 200)
    moved = replace(layout, boxes=(replace(first, rect=in_the_gutter), second, *others))
    assert any("runs through ev-2" in fault for fault in overlaps(moved))
    tag = layout.tags[0]
    assert any("label" in fault for fault in overlaps(replace(layout, tags=(tag, tag, *layout.tags[1:]))))
    assert any("leaves the page" in fault for fault in overlaps(replace(layout, width=100.0)))


def test_an_execution_without_events_is_drawn() -> None:
    layout = lay_out(build_scene(Execution((Agent("idle"),), (), {}), Highlight(())))
    assert overlaps(layout) == []


def test_many_parallel_links_between_two_events() -> None:
    events = (Event(0, 0, 0, "W", location="x", value=1), Event(1, 1, 0, "R", location="x", value=1))
    relations = {name: frozenset({(0, 1)}) for name in ("rf", "co", "data", "addr", "ctrl")}
    execution = Execution((Agent("a"), Agent("b")), events, relations)
    assert overlaps(lay_out(build_scene(execution, Highlight(()), show_all=True))) == []


def test_crosses_asks_for_the_interior() -> None:
    rect = Rect(0, 0, 10, 10)
    assert crosses([(-5, 5), (15, 5)], rect)
    assert crosses([(5, 5), (6, 6)], rect)
    assert not crosses([(-5, 0), (15, 0)], rect)
    assert not crosses([(-5, 8), (8, 25)], rect)
    assert not crosses([(12, -5), (12, 15)], rect)


def test_a_path_backwards_has_the_same_points() -> None:
    path = (((0.0, 0.0), (5.0, 0.0)), ((5.0, 0.0), (9.0, 0.0), (9.0, 8.0), (20.0, 8.0)))
    there, back = polyline(path), polyline(backwards(path))
    assert [(round(x, 6), round(y, 6)) for x, y in there] == [(round(x, 6), round(y, 6)) for x, y in back[::-1]]
