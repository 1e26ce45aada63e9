"""What a picture shows."""

from __future__ import annotations

import pytest

from mmcheck.events.execution import Agent, Event, Execution
from mmcheck.ir.program import Origin
from mmcheck.report.draw.interrupts import column_of
from mmcheck.report.draw.scene import Ghost, Highlight, Hop, Link, build_scene
from tests.unit.draw.samples import message_passing, store_buffering, virtqueue


def _link(links: tuple[Link, ...], relation: str, source: str, target: str) -> Link:
    return next(link for link in links if (link.relation, link.source, link.target) == (relation, source, target))


def test_markers_follow_the_cycle_then_the_lanes() -> None:
    scene = build_scene(*virtqueue())
    assert [(step.source, step.target) for step in scene.steps] == [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")]
    rest = [node.marker for node in scene.nodes if node.marker and node.marker not in "abcd"]
    assert sorted(rest) == rest


def test_initial_writes_are_hidden_and_become_stubs() -> None:
    scene = build_scene(*message_passing())
    assert all(node.lane >= 0 for node in scene.nodes)
    assert _link(scene.links, "rf", "", "ev-6").shape == "stub"


def test_a_step_over_bars_is_straight_and_labelled_once() -> None:
    scene = build_scene(*message_passing())
    rails = [link for link in scene.links if link.shape == "rail"]
    first, second = (link for link in rails if link.step == 0)
    assert (first.source, first.target, first.labelled) == ("ev-2", "ghost-0", True)
    assert (second.source, second.target, second.labelled) == ("ghost-0", "ev-3", False)


def test_a_step_over_other_events_is_a_curve() -> None:
    scene = build_scene(*virtqueue())
    assert [link.shape for link in scene.links if link.step == 0] == ["curve"]


def test_a_link_of_the_cycle_is_not_drawn_twice() -> None:
    scene = build_scene(*message_passing())
    assert sum((link.source, link.target) == ("ev-3", "ev-4") for link in scene.links) == 1


def test_without_show_all_only_reads_from_is_drawn_off_the_cycle() -> None:
    quiet = {link.relation for link in build_scene(*virtqueue()).links if link.step is None}
    assert {"po", "rf"} == quiet
    loud = {link.relation for link in build_scene(*virtqueue(), show_all=True).links if link.step is None}
    assert {"po", "rf", "addr"} == loud


def test_show_all_reduces_coherence_and_derives_from_read() -> None:
    events = [Event(0, -1, 0, "W", location="x", value=0)]
    events += [Event(i, 0, i - 1, "W", location="x", value=i) for i in (1, 2, 3)]
    events.append(Event(4, 1, 0, "R", location="x", value=1))
    co = frozenset((i, j) for i in range(4) for j in range(i + 1, 4))
    execution = Execution((Agent("w"), Agent("r")), tuple(events), {"rf": frozenset({(1, 4)}), "co": co})
    links = build_scene(execution, Highlight(()), show_all=True).links
    drawn = {(link.relation, link.source, link.target) for link in links if link.relation != "po"}
    assert drawn == {
        ("rf", "ev-1", "ev-4"),
        ("co", "ev-1", "ev-2"),
        ("co", "ev-2", "ev-3"),
        ("fr", "ev-4", "ev-2"),
    }


def test_the_default_reason_names_the_missing_order() -> None:
    steps = build_scene(*store_buffering()).steps
    assert steps[0].why == "a stands before b in the program, but nothing keeps them in order"
    assert steps[1].why == "b reads the value from before c"


def test_ghosts_stand_after_before_or_at_the_end() -> None:
    execution, highlight = message_passing()
    cycle = highlight.cycle
    for ghost, expected in (
        (Ghost(0, 2, 3, "g"), ["ev-2", "ghost-0", "ev-3"]),
        (Ghost(0, None, 2, "g"), ["ghost-0", "ev-2", "ev-3"]),
        (Ghost(0, None, None, ""), ["ev-2", "ev-3", "ghost-0"]),
    ):
        scene = build_scene(execution, Highlight(cycle, (ghost,)))
        assert expected == [node.key for node in scene.column(0)]
        assert (ghost.label or "no barrier here") in [node.head for node in scene.column(0)]


@pytest.mark.parametrize(
    ("highlight", "message"),
    [
        (Highlight((Hop(0, 99, "rf"),)), "names event 99"),
        (Highlight((Hop(0, 1, "co"),)), "joins two initial writes"),
        (Highlight((), (Ghost(7, None, None, ""),)), "no thread 7"),
        (Highlight((), (Ghost(1, 2, None, ""),)), "not on thread 1"),
        (Highlight((), culprit=-3), "names event -3"),
    ],
)
def test_a_highlight_must_fit_the_execution(highlight: Highlight, message: str) -> None:
    execution, _ = message_passing()
    with pytest.raises(ValueError, match=message):
        build_scene(execution, highlight)


def test_an_initial_write_may_be_on_the_cycle() -> None:
    execution, _ = message_passing()
    scene = build_scene(execution, Highlight((Hop(0, 6, "rf"), Hop(6, 2, "fr"))))
    assert (scene.steps[0].source, scene.steps[0].target) == ("init", "a")


def test_event_texts() -> None:
    def head(event: Event) -> str:
        return build_scene(Execution((Agent("t"),), (event,), {}), Highlight(())).nodes[0].head

    assert head(Event(0, 0, 0, "W", frozenset({"L"}), location="x", value=3)) == "W.rel x = 3"
    assert head(Event(0, 0, 0, "R", frozenset({"Acquire"}), location="x", value=0xFFFFFFFF)) == "R.acq x = 0xffffffff"
    assert head(Event(0, 0, 0, "R", address=64, value=1)) == "R [0x40] = 1"
    assert head(Event(0, 0, 0, "F", frozenset({"DMB", "ISHST"}))) == "DMB ISHST"
    assert head(Event(0, 0, 0, "F", frozenset({"DMB"}), origin=Origin(word="fence(full)"))) == "fence(full)"
    assert head(Event(0, 0, 0, "W", location="long" * 20, value=7)).endswith("… = 7")


def test_agents_say_what_they_are() -> None:
    agents = (Agent("driver"), Agent("host", "device"), Agent("the device", "device"))
    scene = build_scene(Execution(agents, (), {}), Highlight(()))
    assert [lane.name for lane in scene.lanes] == ["driver", "host (device)", "the device"]


def test_handlers_stand_where_they_came_whatever_their_number() -> None:
    """The run of the handler that is declared last came first."""
    agents = (Agent("task"), Agent("one", "interrupt", host=0), Agent("two", "interrupt", host=0))
    threads = [2, 2, 0, 1, 1, 0]
    events = tuple([Event(k, t, threads[:k].count(t), "F") for k, t in enumerate(threads)])
    po = frozenset((a, b) for a in range(6) for b in range(a + 1, 6))
    execution = Execution(agents, events, {"po": po, "src": po})
    assert [event.id for event in column_of(execution, 0)] == [0, 1, 2, 3, 4, 5]
