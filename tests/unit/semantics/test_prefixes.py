"""Runs are prefixes: what fails before a cut is violated; final states and progress are about runs that end."""

from __future__ import annotations

import pytest

from mmcheck.machine import armv8, sc, tso
from mmcheck.model.model import load_model
from mmcheck.target.targets import parse_target
from mmcheck.verdict.check import Checker, engine_of
from mmcheck.verdict.results import ENDLESS, Finding
from tests.unit.semantics.semantics import spec_of

MACHINES = {"sc": sc, "x86-tso": tso, "armv8": armv8}
TARGETS = tuple(MACHINES)


def both(text: str, target: str, name: str = "") -> Finding:
    """The finding of the solver on the requirement `name` (the first) of `text`, after the enumerator's, and for
    assertions the machine's, were seen to be the same."""
    parsed = parse_target(target)
    program = spec_of(f"targets sc, x86-tso, armv8\nmemory x, y, z\n{text}").program(parsed, None)
    requirement = next(each for each in program.requirements if not name or each.name == name)
    model = load_model(parsed.model)
    found = Checker(engine_of("smt", program, model, layered=parsed.compiled)).run(requirement)
    if requirement.kind != "ordered":
        listed = Checker(engine_of("enumerate", program, model, layered=parsed.compiled)).run(requirement)
        assert (listed.verdict, listed.layer, listed.complete) == (found.verdict, found.layer, found.complete)
        assert any(ENDLESS in note for note in listed.notes) == any(ENDLESS in note for note in found.notes)
    if requirement.kind == "point":
        assert (requirement.name in MACHINES[target].run(program).failed) == (found.verdict == "violated")
    return found


FAILS = """requirement r { says "c may read y before w writes it" }
volatile v
thread c { let a = y.read_volatile(); assert a == 1 for r; if a == 1 { x.write_volatile(1) } }
thread w { y.write_volatile(1) }
"""
POLLERS = {
    "waits": "await x.read_volatile() == 1",
    "only looks": "while x.read_volatile() != 1 { }",
    "writes": "while x.read_volatile() != 1 { z.write_volatile(1) }",
    "adds": "while x.read_volatile() != 1 { z.fetch_add(1, relaxed) }",
    "never ends": "loop { z.write_volatile(1) }",
    "in a function": "beat()",
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("poller", POLLERS.values(), ids=POLLERS)
def test_what_fails_beside_a_loop_that_is_cut_is_violated(poller: str, target: str) -> None:
    text = FAILS + "fn beat() { while x.read_volatile() != 1 { z.write_volatile(1) } }\n"
    found = both(f"{text}thread poller {{ {poller} }}", target)
    assert (found.verdict, found.layer) == ("violated", None)


@pytest.mark.parametrize("target", TARGETS)
def test_what_fails_in_a_round_before_the_cut_is_violated(target: str) -> None:
    text = """requirement r { says "every look sees 0" }
thread p { while x.read_volatile() != 7 { let a = y.read_volatile(); assert a == 0 for r; z.write_volatile(1) } }
thread w { y.write_volatile(1) }
"""
    found = both(text, target)
    assert (found.verdict, found.complete) == ("violated", False)


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_behind_the_cut_is_seen(target: str) -> None:
    """Nobody writes x, so that y is never written: no prefix has it."""
    text = """requirement r { says "y is never written" }
thread p { while x.read_volatile() != 1 { z.write_volatile(1) }; y.write_volatile(1) }
thread q { let a = y.read_volatile(); assert a == 0 for r; z.write_volatile(2) }
"""
    found = both(text, target)
    assert (found.verdict, found.complete) == ("holds", False)


@pytest.mark.parametrize(("target", "verdict"), [("sc", "holds"), ("x86-tso", "holds"), ("armv8", "violated")])
def test_the_model_orders_a_prefix_as_it_does_a_run(target: str, verdict: str) -> None:
    """What a thread wrote before the loop that it never leaves is there, in the order that the model keeps."""
    text = """requirement r { says "x is seen through y" }
thread p { x.write_volatile(1); y.write_volatile(1); while x.read_volatile() != 7 { z.write_volatile(1) } }
thread q { let a = y.load(acquire); let b = x.read_volatile(); if a == 1 { assert b == 1 for r } }
"""
    found = both(text, target)
    assert (found.verdict, found.complete) == (verdict, False)


@pytest.mark.parametrize(("target", "verdict"), [("x86-tso", "holds"), ("armv8", "violated")])
def test_an_order_before_the_cut_may_be_violated(target: str, verdict: str) -> None:
    text = """requirement r { ordered one before two }
thread p { one: x.write_volatile(1); two: y.write_volatile(1); loop { z.write_volatile(1) } }
"""
    assert both(text, target).verdict == verdict


HELD = """volatile round
requirement r {{ says "z is written before the handler or not at all" }}
thread p on cpu 0 {{ z.write_volatile(1) }}
interrupt h on cpu 0 {{ y.write_volatile(1); {loop} }}
thread q {{
  let a = y.load(acquire)
  let b = z.load(acquire)
  let c = z.load(acquire)
  assert !(a == 1 && b == 0 && c == 1) for r
}}
thread s {{ {end} }}
"""


@pytest.mark.parametrize("target", ["sc", "x86-tso"])
@pytest.mark.parametrize("loop", ["await x.read_volatile() == 1", "while x.read_volatile() != 1 { round = 1 }"])
@pytest.mark.parametrize(("end", "verdict"), [("nothing", "holds"), ("x.write_volatile(1)", "violated")])
def test_a_handler_that_is_cut_holds_up_its_host(end: str, verdict: str, loop: str, target: str) -> None:
    assert both(HELD.format(end=end, loop=loop), target).verdict == verdict


ENDS = """requirement all { forall z <= 1 }
requirement some { exists y == 5 }
requirement live { progress w }
requirement lives { progress }
"""


@pytest.mark.parametrize("target", TARGETS)
def test_final_states_and_progress_are_about_runs_that_end(target: str) -> None:
    poller = """thread poller { while x.read_volatile() != 1 { z.write_volatile(1) } }
thread w { y.write_volatile(1); x.write_volatile(1) }
"""
    for name, verdict in (("all", "holds"), ("some", "forbidden"), ("live", "unknown"), ("lives", "unknown")):
        found = both(ENDS + poller, target, name)
        assert (found.verdict, found.complete) == (verdict, False)
        (note,) = found.notes
        assert "poller" in note and (ENDLESS in note) == (verdict != "unknown")


@pytest.mark.parametrize("target", TARGETS)
def test_what_waits_for_ever_beside_a_loop_that_is_cut_is_not_yet_known_to(target: str) -> None:
    """The loop might still write what is waited for; where it has ended, the wait is for ever."""
    text = """requirement live { progress p }
thread p { await y.read_volatile() == 1 }
thread q { while x.read_volatile() != 1 { z.write_volatile(1) }; STORE }
"""
    assert both(text.replace("STORE", "y.write_volatile(1)"), target).verdict == "unknown"
    ends = text.replace("STORE", "nothing") + "thread s { x.write_volatile(1) }\n"
    assert both(ends, target).verdict == "violated"


@pytest.mark.parametrize("target", TARGETS)
def test_an_agent_that_waits_for_ever_is_in_a_final_state(target: str) -> None:
    thread = "thread p { y.write_volatile(1); await x.read_volatile() == 1; y.write_volatile(2) }"
    text = f"requirement fin {{ forall y == 1 }}\n{thread}\n"
    found = both(text, target)
    assert (found.verdict, found.complete, found.notes) == ("holds", True, ())
