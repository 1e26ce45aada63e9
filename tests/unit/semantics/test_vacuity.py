"""Nothing is right because nothing was checked: the verdict ``vacuous``, and what it says stands in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

import mmcheck
from mmcheck.verdict.results import Result

ENGINES = ("smt", "enumerate")
HEAD = "targets armv8, x86-tso, sc\nmemory x, y\nrequirement r { CHECK }\n"

POINTS = {
    "a wait that nobody satisfies": (
        "thread P { await x.load(relaxed) == 3; assert false for r }\nthread Q { x.store(1, relaxed) }",
        "no run passes 'await x.load(relaxed) == 3' (line 4)",
    ),
    "the second of two waits": (
        """thread P {
  await x.load(relaxed) == 1
  await y.load(relaxed) == 1
  assert false for r
}
thread Q { x.store(1, relaxed) }""",
        "no run passes 'await y.load(relaxed) == 1' (line 6)",
    ),
    "a side of a branch": (
        "thread P { let a = x.load(relaxed)\n  if a == 1 { assert false for r }\n}",
        "in no run is 'if a == 1' (line 5) true",
    ),
    "the other side": (
        "thread P { let a = x.load(relaxed)\n  if a == 0 { y = 1 } else { assert false for r }\n}",
        "in no run is 'if a == 0' (line 5) false",
    ),
    "an early return": (
        "fn look() { if x.load(relaxed) == 0 { return }\n  assert false for r\n}\nthread P { look() }",
        "in no run is 'if x.load(relaxed) == 0' (line 4) false",
    ),
    "a wait in a function": (
        "fn wait(n: u32) { await x.load(relaxed) == n }\nthread P { wait(0); wait(2)\n  assert false for r\n}",
        "no run returns from 'wait(2)' (line 5)",
    ),
    "a wait in a function that is called once": (
        "fn wait(n: u32) { await x.load(relaxed) == n }\nthread P { wait(2)\n  assert false for r\n}",
        "no run passes 'await x.load(relaxed) == n' (line 4)",
    ),
    "a handler that does not come": (
        """thread P on cpu 0 { await x.load(relaxed) == 1; raise i }
thread Q on cpu 1 { nothing }
interrupt i on cpu 1, when raised { assert false for r }""",
        "",
    ),
}


def results(tmp_path: Path, text: str, engine: str, **options: object) -> tuple[Result, ...]:
    path = tmp_path / "test.litmus"
    path.write_text(text)
    report = mmcheck.verify([path], engine=engine, cache=False, **options)  # type: ignore[arg-type]
    assert [file.diagnostics for file in report.files] == [()]
    return report.results


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("program", "obstacle"), POINTS.values(), ids=POINTS)
def test_a_point_that_no_run_comes_to(engine: str, program: str, obstacle: str, tmp_path: Path) -> None:
    for result in results(tmp_path, HEAD.replace("CHECK", 'says "it is never checked"') + program, engine):
        assert (result.verdict, result.as_claimed, result.layer) == ("vacuous", False, None)
        assert result.reason == "no run comes to where it is checked" + (f": {obstacle}" if obstacle else "")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("program", "obstacle"), POINTS.values(), ids=POINTS)
def test_what_a_run_does_come_to_is_checked(engine: str, program: str, obstacle: str, tmp_path: Path) -> None:
    """The same programs, with somebody who lets them pass: the assertion fails."""
    program += "\nthread Z { x.store(1, relaxed); x.store(2, relaxed); x.store(3, relaxed); y.store(1, relaxed) }"
    verdicts = {r.verdict for r in results(tmp_path, HEAD.replace("CHECK", 'says "it fails"') + program, engine)}
    assert verdicts == {"violated"}


@pytest.mark.parametrize("engine", ENGINES)
def test_one_of_two_points_is_enough(engine: str, tmp_path: Path) -> None:
    text = HEAD.replace("CHECK", 'says "checked in one place"')
    text += "thread P { let a = x; assert a == 0 for r; if a == 1 { assert false for r } }"
    found = results(tmp_path, text, engine)
    assert {result.verdict for result in found} == {"holds"}
    if engine == "smt":
        assert all("no run comes to 'assert false for r' (line 4)" in result.notes for result in found)


NO_END = "thread P { let mut i = 0; while i != 5 { i += 1 } }\nthread Q { await x.load(relaxed) == 1 }"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("check", ["forall x == 1", "~exists x == 0", "exists x == 1"])
def test_a_program_that_does_not_end_within_the_bound(engine: str, check: str, tmp_path: Path) -> None:
    for result in results(tmp_path, HEAD.replace("CHECK", check) + NO_END, engine):
        assert (result.verdict, result.as_claimed, result.complete) == ("vacuous", False, False)
        assert result.reason.startswith("no run comes to an end")


def test_the_loop_in_the_way_of_the_end_is_named(tmp_path: Path) -> None:
    """And not the wait of another thread: who waits for ever has come to an end."""
    (result, *_) = results(tmp_path, HEAD.replace("CHECK", "forall x == 1") + NO_END, "smt")
    assert result.reason == "no run comes to an end: no run leaves 'while i != 5' (line 4) within the bound"
    found = results(tmp_path, HEAD.replace("CHECK", "forall x == 0") + NO_END, "smt", bound=5)
    assert {each.verdict for each in found} == {"holds"}


def test_not_to_wait_is_one_way_to_go_on(tmp_path: Path) -> None:
    """A wait that `progress` names and no run comes to has a note: nobody is stuck in it."""
    text = HEAD.replace("CHECK", "progress P.late")
    text += "thread P { if x.load(relaxed) == 1 { late: await y.load(relaxed) == 1 } }"
    note = "no run comes to 'await y.load(relaxed) == 1' (line 4)"
    for result in results(tmp_path, text, "smt"):
        assert result.verdict == "holds" and note in result.notes
    for result in results(tmp_path, text + "\nthread Q { x.store(1, relaxed); y.store(1, relaxed) }", "smt"):
        assert result.verdict == "holds" and note not in result.notes


def test_ordered_sites_that_never_both_happen(tmp_path: Path) -> None:
    text = HEAD.replace("CHECK", "ordered one before two")
    text += "thread P { let a = x.load(relaxed); if a == 5 { one: y.store(1, relaxed); two: x.store(1, release) } }"
    for result in results(tmp_path, text, "smt"):
        assert result.verdict == "vacuous"
        assert result.reason == ("the two never both happen in one thread: in no run is 'if a == 5' (line 4) true")
    text = text.replace("; two", " } else { two") + "\nthread Q { x.store(5, relaxed) }"
    for result in results(tmp_path, text, "smt"):
        assert (result.verdict, result.reason) == ("vacuous", "the two never both happen in one thread")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("check", ['says "never checked"', "forall x == 1", "exists x == 1"])
def test_it_may_be_claimed(engine: str, check: str, tmp_path: Path) -> None:
    program = POINTS["a side of a branch"][0] if "says" in check else NO_END
    text = HEAD.replace("CHECK", check) + program + "\nexpect r vacuous\n"
    assert {(r.verdict, r.as_claimed) for r in results(tmp_path, text, engine)} == {("vacuous", True)}
    text += "thread Z { x.store(1, relaxed) }\n"
    if "says" in check:
        assert {(r.verdict, r.as_claimed) for r in results(tmp_path, text, engine)} == {("violated", False)}


def test_variants_of_one_encoding_are_told_apart(tmp_path: Path) -> None:
    text = HEAD.replace("CHECK", 'says "checked behind a wait"')
    text += """thread P { await y.load(relaxed) == 1; assert true for r }
thread Q { set: y.store(1, release); b: fence(release) }
variant "never" { replace set with x.store(1, release); expect r vacuous }
variant "another barrier" { drop b }
"""
    assert all(result.as_claimed for result in results(tmp_path, text, "smt"))


UNSET = """targets armv8
memory x, y, z
thread P {
  let k = z
  if k == 5 { let q = y.read_volatile(); let s = q + 1 }
  let mut bad: u32 = 0
  if k == 6 { bad = 1 }
  await { let n = x.read_volatile() } until n == 1
  let r = y
}
thread Q { y = 1; let a = y }
requirement r { CHECK }
"""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("check", "verdict", "why"),
    [
        ("~exists P.r == 1", "vacuous", "no run sets 'P.r': no run passes 'await { … } until n == 1' (line 8)"),
        ("exists P.r == 1", "vacuous", "no run sets 'P.r': no run passes 'await { … } until n == 1' (line 8)"),
        ("forall P.r == 0", "vacuous", "no run sets 'P.r': no run passes 'await { … } until n == 1' (line 8)"),
        (
            "~exists P.r == 1 && Q.a == 7",
            "vacuous",
            "no run sets 'P.r': no run passes 'await { … } until n == 1' (line 8)",
        ),
        ("~exists P.s == 2", "vacuous", "no run sets 'P.s': in no run is 'if k == 5' (line 5) true"),
        ("~exists P.r == 1 || Q.a == 7", "holds", ""),
        ("~exists P.bad == 1", "holds", ""),
        ("~exists P.n == 1", "holds", ""),
        ("~exists Q.a == 7", "holds", ""),
        ("~exists P.r == 0", "violated", ""),
    ],
)
def test_a_condition_on_what_no_run_sets(check: str, verdict: str, why: str, engine: str, tmp_path: Path) -> None:
    (result,) = results(tmp_path, UNSET.replace("CHECK", check), engine)
    assert result.verdict == verdict
    assert not why or why in result.notes
