"""The full format: what a stranger reads at 80 columns."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hostile import TEXTS
from hostile import report as hostile_report
from results_for_reports import ON_X86, PLAIN, VIOLATED, mixed, report

from mmcheck.report import pictures
from mmcheck.report.formats import concise, full
from mmcheck.report.formats.full import render
from mmcheck.verdict.results import Result
from tests.unit.draw.samples import virtqueue

Golden = Callable[[str, str], None]


def test_a_bit_of_everything(golden: Golden) -> None:
    golden("report/mixed.txt", render(mixed()))


def test_verbose_tells_expected_violations(golden: Golden) -> None:
    claimed = replace(VIOLATED, expected="violated")
    assert "The cycle" not in render(report(claimed))
    golden("report/verbose.txt", render(report(claimed), verbose=True))


def test_no_line_is_too_long() -> None:
    for width in (60, 80, 100):
        assert max(map(len, render(mixed(), width=width).splitlines())) <= width


def test_colours_change_no_letter() -> None:
    plain = re.sub("\x1b\\[[0-9;]*m", "", render(mixed(), color=True))
    assert [line.rstrip() for line in plain.splitlines()] == render(mixed()).splitlines()


def test_all_well_is_short() -> None:
    text = render(report(PLAIN, ON_X86))
    assert "ok    seen  holds\n" in text
    assert text.endswith("2 results in 1 file on armv8, x86-tso, loops up to 2 rounds: 2 as claimed\n")


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("compiler", "the compiler may reorder"),
        ("hardware", "the CPU may reorder"),
        ("platform", "the platform may reorder"),
    ],
)
def test_the_layer_is_said_in_words(layer: str, words: str) -> None:
    assert words in render(report(replace(VIOLATED, layer=layer)))  # type: ignore[arg-type]


def test_every_hop_of_the_cycle_has_file_and_line() -> None:
    text = render(report(VIOLATED))
    lines = [line for line in text.splitlines() if line.startswith("    (")]
    assert len(lines) == 4
    assert all("examples/mp.litmus:" in line for line in lines)


def test_the_same_run_in_two_variants_is_told_once() -> None:
    text = render(report(VIOLATED, replace(VIOLATED, variant="weaker")))
    assert text.count("The cycle") == 1
    assert 'seen on armv8 in base, "weaker"' in text


def test_control_characters_do_not_reach_the_terminal() -> None:
    odd = replace(PLAIN, spec="\x1b[31mred\u202e", notes=("a\x07b",), requirement="x")
    text = render(report(odd))
    assert "\x1b" not in text and "\u202e" not in text and "\x07" not in text


def test_a_large_run_is_shown_around_its_cycle() -> None:
    execution, highlight = virtqueue()
    hops = [pictures.Step(h.source, h.target, h.relation, h.relation != "po", h.why) for h in highlight.cycle]
    found = VIOLATED.counterexample
    assert found is not None
    large: Result = replace(
        VIOLATED, counterexample=replace(found, execution=execution, cycle=tuple(hops), culprit=None)
    )
    picture = pictures.scene(large)
    assert picture is not None
    smaller, hidden = pictures.focused(picture, rows=4)
    assert hidden == 12 - 4
    assert [lane.name for lane in smaller.lanes] == ["driver", "host (device)"]
    assert {node.lane for node in smaller.nodes} == {0, 1}
    assert max(node.row for node in smaller.nodes) + 1 == smaller.rows


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_hostile_texts_are_inert(name: str) -> None:
    for text in (full.render(hostile_report(TEXTS[name])), concise.render(hostile_report(TEXTS[name]))):
        assert all(line.isprintable() for line in text.splitlines())
        assert not set(text) & set("\x1b\u202e\u2066\r\x00")
        assert not any(line.startswith("::") for line in text.splitlines())
        assert len(text) < 60_000
