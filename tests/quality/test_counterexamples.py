"""Counterexamples are what they claim: real runs, and explanations from which nothing can go."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from pathlib import Path

import pytest

import mmcheck
from mmcheck.events.execution import Execution
from mmcheck.events.relations import find_cycle, from_pairs
from mmcheck.model.concrete import check
from mmcheck.model.model import load_model
from mmcheck.model.recheck import well_formed
from mmcheck.report import pictures
from mmcheck.report.draw.layout import lay_out, overlaps
from mmcheck.report.draw.scene import CYCLE
from mmcheck.verdict.results import Result

SPECS = Path(__file__).parents[2] / "specs"
FILES = ("submit-minimal.litmus", "virtqueue.litmus")


@cache
def violated() -> tuple[Result, ...]:
    report = mmcheck.verify([SPECS / name for name in FILES], cache=False)
    return tuple(result for result in report.results if result.verdict == "violated")


def names() -> list[str]:
    return [f"{r.requirement}-{r.variant}-{r.target}" for r in violated()]


@pytest.fixture(params=range(len(violated())), ids=names())
def result(request: pytest.FixtureRequest) -> Result:
    return violated()[request.param]


def steps(execution: Execution) -> dict[str, set[tuple[int, int]]]:
    """Program order of the text, and communication between agents."""
    rf, co = execution.relation("rf"), execution.relation("co")
    fr = {(r, later) for w, r in rf for earlier, later in co if earlier == w}
    agent = [event.thread for event in execution.events]
    found = {"po": set(execution.relation("src"))}
    for name, pairs in (("rf", rf), ("co", co), ("fr", fr)):
        found[name] = {(i, j) for i, j in pairs if agent[i] != agent[j]}
    return found


def test_the_run_is_one_that_the_model_allows(result: Result) -> None:
    assert result.counterexample is not None
    execution = result.counterexample.execution
    assert well_formed(execution) == []
    assert check(load_model(result.target), execution) == []


def test_each_hop_is_a_step_of_the_run_and_the_hops_close(result: Result) -> None:
    assert result.counterexample is not None
    cycle = result.counterexample.cycle
    relations = steps(result.counterexample.execution)
    if not cycle:
        execution = result.counterexample.execution
        assert check(load_model("sc"), execution) == [], "without a cycle the run is sequentially consistent"
        return
    for hop, following in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
        assert (hop.source, hop.target) in relations[hop.relation]
        assert hop.target == following.source
    assert any(not hop.ordered for hop in cycle), "some step is not kept in order, or the run could not be"


def test_no_event_of_the_cycle_can_go(result: Result) -> None:
    """Among any proper subset of its events there is no cycle that the text's order and communication make."""
    assert result.counterexample is not None
    execution, cycle = result.counterexample.execution, result.counterexample.cycle
    events = [hop.source for hop in cycle]
    assert len(set(events)) == len(events)
    every = set().union(*steps(execution).values())
    for size in range(1, len(events)):
        for kept in combinations(events, size):
            inside = [(i, j) for i, j in every if i in kept and j in kept]
            assert find_cycle(from_pairs(len(execution.events), inside)) is None, kept


def test_the_picture_keeps_the_cycle_and_drops_idle_agents(result: Result) -> None:
    assert result.counterexample is not None
    found = result.counterexample
    view = found.view()
    assert len(view.cycle) == len(found.cycle)
    assert len(view.execution.events) <= len(found.execution.events)
    lanes = {event.thread for event in view.execution.events if not event.is_init}
    assert lanes == set(range(len(view.execution.threads)))
    for old, new in zip(found.cycle, view.cycle, strict=True):
        assert found.execution.events[old.source].location == view.execution.events[new.source].location


def faults(result: Result, *, show_all: bool = False) -> list[str]:
    """What is wrong with the picture of `result`."""
    picture = pictures.scene(result, show_all=show_all)
    assert picture is not None
    layout = lay_out(picture)
    wanted = [link for link in picture.links if link.labelled and link.emphasis == CYCLE]
    named = sum(tag.link.emphasis == CYCLE for tag in layout.tags)
    return overlaps(layout) + ([] if len(wanted) == named else ["a step of the cycle has no label"])


def test_in_the_picture_no_label_overlaps_and_no_line_crosses_a_box(result: Result) -> None:
    assert faults(result) == []


def test_nor_in_pictures_of_handlers() -> None:
    report = mmcheck.verify([SPECS / "preempt.litmus"], targets=["x86-tso"], cache=False)
    found = [result for result in report.results if result.counterexample is not None]
    assert len(found) > 5
    assert {result.variant: faults(result) for result in found if faults(result)} == {}


def test_nor_in_the_picture_of_a_whole_run() -> None:
    assert faults(violated()[0], show_all=True) == []


def test_what_the_compiler_breaks_is_shown_without_what_need_not_happen(tmp_path: Path) -> None:
    """The branch of the bystander is taken in some of the runs and belongs to none of the reasons."""
    (tmp_path / "bystander.litmus").write_text(
        """targets x86-tso
memory data, flag, other, more
requirement seen { says "who sees the flag sees the data" }
thread driver { data = 1; flag.write_volatile(1) }
device host { await flag.load(acquire) == 1; let d = data; assert d == 1 for seen }
device bystander(i in 0..5) { let f = flag; if f == 0 { other = i; let g = more; if g == 0 { more = 9 } } }
expect seen violated by compiler
"""
    )
    (result,) = mmcheck.verify([tmp_path / "bystander.litmus"], cache=False).results
    assert result.as_claimed and result.counterexample is not None
    execution = result.counterexample.execution
    assert check(load_model("x86-tso"), execution) == []
    assert {event.location for event in execution.events if not event.is_init} == {"data", "flag"}
