"""From results to pictures and their files."""

from __future__ import annotations

from dataclasses import replace

from results_for_reports import PLAIN, VIOLATED

from mmcheck.report.pictures import files, highlight, names, sanitised


def test_a_ghost_bar_where_program_order_is_not_kept() -> None:
    assert VIOLATED.counterexample is not None
    found = highlight(VIOLATED, VIOLATED.counterexample)
    assert [(ghost.thread, ghost.label) for ghost in found.ghosts] == [(0, "no barrier here")]
    assert found.culprit == VIOLATED.counterexample.culprit


def test_names_of_files() -> None:
    listed = [name for _, name in names([PLAIN, VIOLATED, replace(VIOLATED, variant="a b/../c", target="m/x.cat")])]
    assert listed == ["mp--base--seen--armv8", "mp--a-b-..-c--seen--m-x.cat"]


def test_names_are_different() -> None:
    twice = [VIOLATED, replace(VIOLATED, file="other/MP.litmus"), replace(VIOLATED, requirement="Seen")]
    listed = [name.lower() for _, name in names(twice)]
    assert len(set(listed)) == 3


def test_nothing_leaves_the_folder() -> None:
    assert sanitised("../../etc") == "etc"
    assert sanitised("..") == "x"
    assert len(sanitised("a" * 1000)) == 60


def test_both_formats_are_written() -> None:
    written = dict(files([PLAIN, VIOLATED]))
    assert sorted(written) == ["mp--base--seen--armv8.dot", "mp--base--seen--armv8.svg"]
    assert written["mp--base--seen--armv8.svg"].lstrip().startswith("<svg")
    assert "digraph" in written["mp--base--seen--armv8.dot"]
