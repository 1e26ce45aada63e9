"""await, time-outs, progress, and whether a loop was cut (docs/compiler.md, waits)."""

from __future__ import annotations

import pytest

from tests.unit.semantics.semantics import check, verdict

# --- the last round ----------------------------------------------------------------------------------

MP = """targets sc, x86-tso, armv8
memory x, y
requirement r { says "x is seen through y" }
thread writer { x.write_volatile(1); fence(release); y.write_volatile(1) }
thread reader {
  BODY
  let b = x.read_volatile()
  assert b == 1 for r
}
"""


@pytest.mark.parametrize(
    ("wait", "armv8"),
    [
        ("await { let a = y.read_volatile() } until a == 1", "violated"),
        ("await { let a = y.read_volatile() } until a == 1\n  fence(acquire)", "holds"),
        ("await { let a = y.load(acquire) } until a == 1", "holds"),
        ("await { let a = y.read_volatile(); fence(acquire) } until a == 1", "holds"),
        ("await { fence(acquire); let a = y.read_volatile() } until a == 1", "violated"),
        ("await y.load(acquire) == 1", "holds"),
        ("await { fence(seq_cst); let a = y.load(relaxed) } until a == 1", "violated"),
    ],
)
def test_a_wait_is_its_last_round(wait: str, armv8: str) -> None:
    text = MP.replace("BODY", wait)
    assert check(text, target="armv8").verdict == armv8
    assert check(text, target="sc").verdict == "holds"


def test_a_failing_round_leaves_no_trace() -> None:
    text = """targets armv8
memory x, y
requirement r { ~exists P.a == 0 && P.b == 1 }
thread W { y = 1 }
thread P {
  await { let b = y.read_volatile() } until b == 1
  let a = y.read_volatile()
}
"""
    assert verdict(text) == ("holds", None)


def test_a_wait_may_take_what_it_waits_for() -> None:
    text = """targets sc, x86-tso, armv8
memory bell: latch
memory n
requirement once { forall n <= 1 }
requirement both { progress }
thread ringer { bell.write_volatile(1) }
thread A { await bell.take(); n.fetch_add(1, relaxed) }
thread B { await bell.take(); n.fetch_add(1, relaxed) }
"""
    for target in ("sc", "x86-tso", "armv8"):
        assert verdict(text, target=target, name="once") == ("holds", None)
        assert check(text, target=target, name="both").verdict == "violated"


# --- time-outs -----------------------------------------------------------------------------------------

LIMITED = """targets armv8
memory x
requirement q
requirement ends { progress }
thread W { WRITE }
thread P {
  let gave = 0
  await { let a = x.read_volatile() } until a == 1 within 10 else { gave = 1 }
  let z = gave
}
"""


@pytest.mark.parametrize(("write", "gives_up", "goes_on"), [("x = 1", True, True), ("nothing", True, False)])
def test_a_time_out_is_a_free_choice_and_never_waits_for_ever(write: str, gives_up: bool, goes_on: bool) -> None:
    for value, expected in ((1, gives_up), (0, goes_on)):
        text = LIMITED.replace("WRITE", write).replace("requirement q", f"requirement q {{ exists P.z == {value} }}")
        assert check(text, name="q").verdict == ("allowed" if expected else "forbidden")
        assert check(text, name="ends").verdict == "holds"


# --- progress ------------------------------------------------------------------------------------------

WAKE = """targets sc, x86-tso, armv8
memory asleep, work, bell
requirement ends { progress P }
thread P {
  asleep.write_volatile(1)
  mb: FENCE
  let w = work.read_volatile()
  if w == 0 { await bell.load(relaxed) == 1 }
}
thread Q {
  work.write_volatile(1)
  FENCE
  if asleep.load(relaxed) == 1 { bell.store(1, relaxed) }
}
"""


@pytest.mark.parametrize(
    ("fence", "sc", "x86", "armv8"),
    [
        ("fence(seq_cst)", "holds", "holds", "holds"),
        ("smp_mb()", "holds", "holds", "holds"),
        ("fence(release)", "holds", "violated", "holds"),
        ("smp_wmb()", "holds", "violated", "violated"),
        ("nothing", "holds", "violated", "violated"),
    ],
)
def test_a_lost_wake_up(fence: str, sc: str, x86: str, armv8: str) -> None:
    text = WAKE.replace("FENCE", fence)
    for target, expected in (("sc", sc), ("x86-tso", x86), ("armv8", armv8)):
        finding = check(text, target=target)
        assert finding.verdict == expected, target
        if expected == "violated":
            assert finding.layer == "hardware"


DEADLOCK = """targets sc, x86-tso, armv8
memory a, b
requirement all { progress }
requirement first { progress P }
requirement third { progress T }
thread P { await a.load(relaxed) == 1; b.store(1, relaxed) }
thread Q { await b.load(relaxed) == 1; a.store(1, relaxed) }
thread T { await a.load(relaxed) == 0 }
"""


@pytest.mark.parametrize("target", ["sc", "x86-tso", "armv8"])
def test_agents_may_sit_all_at_once(target: str) -> None:
    for name, expected in (("all", "violated"), ("first", "violated"), ("third", "holds")):
        assert check(DEADLOCK, target=target, name=name).verdict == expected


@pytest.mark.parametrize("target", ["sc", "x86-tso", "armv8"])
def test_the_last_look_sees_the_last_write(target: str) -> None:
    """A write that comes is seen at some time, however weak the model; one that is overwritten may be missed."""
    text = """targets sc, x86-tso, armv8
memory x
requirement ends { progress P }
thread W { x.store(1, relaxed); OVER }
thread P { await x.load(relaxed) == 1 }
"""
    assert check(text.replace("OVER", "nothing"), target=target).verdict == "holds"
    assert check(text.replace("OVER", "x.store(2, relaxed)"), target=target).verdict == "violated"
    assert check(text.replace("OVER", "x.store(1, relaxed)"), target=target).verdict == "holds"


def test_two_places_are_both_seen_at_last() -> None:
    text = """targets armv8
memory x, y
requirement ends { progress P }
thread V { x.store(1, relaxed) }
thread W { y.store(1, relaxed) }
thread P { await { let a = x.load(relaxed); let b = y.load(relaxed) } until a == 1 && b == 1 }
"""
    assert verdict(text) == ("holds", None)


def test_final_states_show_the_registers_of_agents_that_wait_for_ever() -> None:
    text = """targets sc
memory x
private acted = 0
requirement r { forall P.acted == 0 }
requirement s { exists P.a == 7 }
fn wait() { await x.load(relaxed) == 1 }
thread P { let a = 7; acted = 1; wait(); acted = 2 }
"""
    assert check(text, target="sc", name="r").verdict == "violated"
    assert check(text, target="sc", name="s").verdict == "allowed"


@pytest.mark.parametrize("target", ["x86-tso", "armv8"])
def test_waiting_on_a_plain_read_is_the_compilers_fault(target: str) -> None:
    text = """targets x86-tso, armv8, sc
memory x
requirement ends { progress P }
thread W { x.store(1, relaxed) }
thread P { await x == 1 }
"""
    finding = check(text, target=target)
    assert (finding.verdict, finding.layer) == ("violated", "compiler")
    assert any("plain read" in note for note in finding.notes)
    assert check(text.replace("thread P", "asm thread P"), target=target).verdict == "holds"
    assert check(text, target="sc").verdict == "holds"


# --- idle waits (vacuity: test_vacuity.py) ------------------------------------------------------------


def test_a_wait_that_no_run_satisfies_is_named() -> None:
    text = """targets sc
memory x, y
requirement r { says "checked ahead of the wait" }
thread P { let a = y; assert a == 0 for r; await x == 3 }
thread Q { x = 1 }
"""
    finding = check(text, target="sc")
    assert finding.verdict == "holds"
    assert any("x == 3" in note for note in finding.notes)


def test_no_note_where_everything_is_reached() -> None:
    text = """targets sc
memory x
requirement r { says "checked" }
thread P { await { let a = x } until a == 1; assert a == 1 for r }
thread Q { x = 1 }
"""
    finding = check(text, target="sc")
    assert (finding.verdict, finding.notes) == ("holds", ())


# --- the bound -----------------------------------------------------------------------------------------

LOOP = """targets sc
memory x
requirement r { says "checked behind the loop" }
thread P {
  let mut i = 0
  while i != ROUNDS { i += 1 }
  assert i == ROUNDS for r
}
thread Q {
  TAIL
}
"""


@pytest.mark.parametrize(("rounds", "bound", "complete"), [(2, 2, True), (2, 3, True), (3, 2, False), (3, 3, True)])
def test_complete_is_whether_a_loop_was_cut(rounds: int, bound: int, complete: bool) -> None:
    text = LOOP.replace("ROUNDS", str(rounds)).replace("TAIL", "nothing")
    finding = check(text, target="sc", bound=bound)
    assert finding.verdict == ("vacuous" if rounds > bound else "holds")
    assert finding.complete is complete


@pytest.mark.parametrize(
    ("tail", "complete"),
    [
        ("while x.load(relaxed) == 0 { nothing }", True),
        ("await x.load(relaxed) != 0", True),
        ("while x.load(relaxed) == 0 { x.fetch_max(0, relaxed) }", False),
    ],
)
def test_a_wait_is_never_cut(tail: str, complete: bool) -> None:
    text = LOOP.replace("ROUNDS", "1").replace("TAIL", tail)
    assert check(text, target="sc").complete is complete
