"""Loops that only look are waits, whatever their spelling; the others are not (`mmcheck.ir.polling`)."""

from __future__ import annotations

import pytest
from lowering import body, program

from mmcheck.ir.parts import reachable, walk
from mmcheck.ir.program import Assign, Await, If, Load, Loop

WAIT = "await (eq %1 1)\n  %1 := [1048576] {Volatile}"

SPELLINGS = {
    "while": "while READ_ONCE(x) != 1 { }",
    "while, a barrier": "while READ_ONCE(x) != 1 { smp_mb(); barrier() }",
    "while not": "while !(READ_ONCE(x) == 1) { barrier() }",
    "loop, break": "loop { if READ_ONCE(x) == 1 { break } }",
    "loop, else break": "loop { if READ_ONCE(x) != 1 { barrier() } else { break } }",
    "loop, break, barrier": "loop { if READ_ONCE(x) == 1 { break }; smp_mb() }",
    "counting": "let mut n = 0; while READ_ONCE(x) != 1 { n += 1 }",
    "counting in a private": "while READ_ONCE(x) != 1 { polls += 1 }",
    "a read that nobody uses": "while READ_ONCE(x) != 1 { let unused = y.load(acquire) }",
}


@pytest.mark.parametrize("loop", SPELLINGS.values(), ids=SPELLINGS)
def test_a_loop_that_only_looks_is_a_wait(loop: str) -> None:
    assert body(loop, head="memory x, y\nprivate polls").removeprefix("n := 0\n") == WAIT


ONE_AWAIT = {
    "a register for the value": "loop { let v = READ_ONCE(x); if v == y_old { break }; barrier() }",
    "two places": "while READ_ONCE(x) != 1 || READ_ONCE(y) != 1 { barrier() }",
    "either place": "while READ_ONCE(x) != 1 && READ_ONCE(y) != 1 { barrier() }",
    "two ways out": "loop { if READ_ONCE(x) == 1 { break }; smp_rmb(); if READ_ONCE(y) == 1 { break } }",
    "one test in another": "loop { if READ_ONCE(x) == 1 { if READ_ONCE(y) == 1 { break } } }",
    "a test of one register twice": (
        "let mut v = 0; loop { v = READ_ONCE(x); if v == 1 { break }; v = READ_ONCE(y); if v == 2 { break } }; x = v"
    ),
    "a return": "loop { if READ_ONCE(x) == 1 { return } }",
    "a write on the way out": "loop { if READ_ONCE(x) == 1 { WRITE_ONCE(y, 1); break } }",
    "an assertion on the way out": "loop { let v = READ_ONCE(x); if v != 0 { assert v == 1; break } }",
    "a test in a function": "while !ready() { barrier() }",
    "a failing compare-exchange": "while !x.compare_exchange(0, 1, acquire, relaxed).is_ok() { }",
    "a swap that puts back": "while x.swap(1, acquire) == 1 { }",
    "a swap, loop": "loop { if x.swap(1, acquire) != 1 { break }; barrier() }",
    "a compare-exchange loop": (
        "loop { let v = x.load(relaxed); if x.compare_exchange(v, v + 1, relaxed, relaxed).is_ok() { break } }"
    ),
    "repeat": "repeat 5 { if READ_ONCE(x) == 1 { break }; smp_mb() }",
    "a flag": (
        "let mut seen = false; repeat 5 { if READ_ONCE(x) == 1 { seen = true; break } }; if !seen { return }; y = 1"
    ),
    "in a branch": "if y == 1 { while READ_ONCE(x) != 1 { } }",
}
HEAD = "memory x, y\nprivate y_old\nfn ready() -> bool { return READ_ONCE(x) == 1 }"


@pytest.mark.parametrize("loop", ONE_AWAIT.values(), ids=ONE_AWAIT)
def test_what_a_round_does_as_it_leaves_may_be_anything(loop: str) -> None:
    for kind in ("thread", "asm thread", "device"):
        made = program(f"targets armv8+lse\n{HEAD}\n{kind} P {{ {loop} }}\nrequirement r {{ progress }}", "armv8+lse")
        found = list(reachable(made.threads[0].body, made.functions))
        assert sum(isinstance(each, Await) for each in found) == 1
        assert not any(isinstance(each, Loop) for each in found)


LOOPS = {
    "writes": "while READ_ONCE(x) != 1 { WRITE_ONCE(y, 1) }",
    "writes in a function": "while !beat() { }",
    "adds": "while READ_ONCE(x) != 1 { y.fetch_add(1, relaxed) }",
    "a swap that may change what it is not": "while x.swap(1, acquire) != 0 { }",
    "a swap that changes": "while x.swap(2, relaxed) != 1 { }",
    "a value for the next round": "let mut v = 1; while READ_ONCE(x) != v { v = READ_ONCE(y) }",
    "a value out of the loop": "let mut v = 0; while READ_ONCE(x) != 1 { v = READ_ONCE(y) }; y = v",
    "a value in a private": "while READ_ONCE(x) != 1 { p = READ_ONCE(y) }; y = p",
    "a value for a final state": "let mut shown = 0; while READ_ONCE(x) != 1 { shown = READ_ONCE(y) }",
    "a count for a final state": "let mut shown = 0; while READ_ONCE(x) != 1 { shown += 1 }",
    "an assertion in each round": "while READ_ONCE(x) != 1 { let v = READ_ONCE(y); assert v == 0 }",
    "nothing is read": "let mut n = 0; while n != 1 { let v = READ_ONCE(x) }",
    "a constant test": "while true { let v = READ_ONCE(x) }",
    "another loop inside": "while READ_ONCE(x) != 1 { await READ_ONCE(y) == 1 }",
    "interrupts": "while READ_ONCE(x) != 1 { irq_enable(); irq_disable() }",
    "what is asked for": "while READ_ONCE(x) != 1 { first: let v = READ_ONCE(y) }; then: x = 2",
}


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
def test_a_loop_that_does_more_stays_a_loop(loop: str) -> None:
    if "irq_" in loop:
        loop = f"irq_disable(); {loop}; irq_enable()"
    text = f"""targets armv8+lse
memory x, y
private p
fn beat() -> bool {{ WRITE_ONCE(y, 1); return READ_ONCE(x) == 1 }}
thread P on cpu 0 {{ let mut shown = 0; {loop.replace("let mut shown = 0;", "")} }}
requirement r {{ forall P.shown >= 0 }}
requirement l {{ progress }}
"""
    if "first:" in loop:
        text += "requirement o { ordered first before then }\n"
    found = list(reachable(program(text, "armv8+lse").threads[0].body, program(text, "armv8+lse").functions))
    assert any(isinstance(each, Loop) for each in found)


def test_a_labelled_loop_is_a_wait_that_progress_can_name() -> None:
    made = program(
        "targets armv8\nmemory x\nthread P { look: while READ_ONCE(x) != 1 { } }\nrequirement r { progress P.look }",
        "armv8",
    )
    assert made.requirements[0].subjects == ("P.look",)
    (wait,) = made.threads[0].body
    assert isinstance(wait, Await) and wait.origin.site == "look" and wait.origin.text == "while READ_ONCE(x) != 1"


@pytest.mark.parametrize(
    ("loop", "rereads"),
    [
        ("while x != 1 { }", False),
        ("while x != 1 { barrier() }", True),
        ("while x != 1 { smp_rmb() }", True),
        ("while x != 1 { fence(acquire) }", True),
        ("while x != 1 { fence(release) }", False),
        ("while x != 1 { if y == 1 { barrier() } }", False),
        ("await { barrier() } until x == 1", True),
        ("await x == 1", False),
    ],
)
def test_a_barrier_in_each_round_makes_the_compiler_read_again(loop: str, rereads: bool) -> None:
    made = program(f"targets armv8\nmemory x, y\nthread P {{ {loop} }}\nrequirement r {{ progress }}", "armv8")
    (wait,) = made.threads[0].body
    assert isinstance(wait, Await) and wait.rereads is rereads


# --- counting, and giving up -----------------------------------------------------------------------------

LIMITED = {
    "while, and": "let mut n = 0; while READ_ONCE(x) == 0 && n < 1000 { n += 1 }",
    "and while": "let mut n = 0; while n < 1000 && READ_ONCE(x) == 0 { n += 1; smp_mb() }",
    "three conditions": "let mut n = 0; while n < 1000 && READ_ONCE(x) == 0 && READ_ONCE(y) == 0 { n += 1 }",
    "tested behind": "let mut n = 0; while READ_ONCE(x) == 0 { n += 1; if n == 1000 { return } }; y = 1",
    "tested in front": "let mut n = 0; loop { if n == 1000 { return }; if READ_ONCE(x) != 0 { break }; n += 1 }; y = 1",
    "downwards": "let mut n = 1000; while READ_ONCE(x) == 0 { n -= 1; if n == 0 { break } }",
    "in steps": "let mut n = 0; while READ_ONCE(x) == 0 { n += 4; if n >= 4000 { break } }",
    "tested afterwards": (
        "let mut n = 0; while n < 1000 { if READ_ONCE(x) != 0 { break }; n += 1 }; if n == 1000 { return }; y = 1"
    ),
    "what the last round saw": (
        "let mut n = 0; let mut v = 0; "
        "loop { v = READ_ONCE(x); if v == 1 { return }; n += 1; if n == 1000 { break } }; y = v"
    ),
    "for": "for i in 0..300 { if READ_ONCE(x) != 0 { break } }",
    "a write on the way out": (
        "let mut n = 0; loop { if READ_ONCE(x) != 0 { y = 1; break }; n += 1; if n == 1000 { y = 2; break } }"
    ),
}


@pytest.mark.parametrize("loop", LIMITED.values(), ids=LIMITED)
def test_a_loop_that_counts_its_rounds_and_gives_up_is_a_wait_with_a_limit(loop: str) -> None:
    found = list(
        walk(program(f"targets armv8\n{HEAD}\nthread P {{ {loop} }}\nrequirement r {{ progress }}").threads[0].body)
    )
    (wait,) = [each for each in found if isinstance(each, Await)]
    assert wait.tries in (300, 999, 1000)
    assert all(isinstance(each, Load | Assign | If) for each in walk(wait.body))
    assert not any(isinstance(each, Loop) and each.rounds != 1 for each in found)


COUNTING = {
    "every now and then": "let mut n = 0; while READ_ONCE(x) == 0 { n += 1; if n == 10 { WRITE_ONCE(y, 1) } }",
    "a count that is told": "let mut n = 0; while READ_ONCE(x) == 0 && n < 10 { n += 1 }; y = n",
    "a count that is tested": "let mut n = 0; while READ_ONCE(x) == 0 && n < 10 { n += 1 }; if n > 3 { y = 1 }",
    "an index": "let mut n = 0; while a[n] == 0 && n < 3 { n += 1 }",
    "a bit of it": "let mut n = 0; while READ_ONCE(x) == 0 { n += 1; if n & 4 != 0 { break } }",
    "from where nobody knows": "let mut n = y; while READ_ONCE(x) == 0 && n < 10 { n += 1 }",
    "up to where nobody knows": "let m = y; let mut n = 0; while READ_ONCE(x) == 0 && n < m { n += 1 }",
    "what some round saw": (
        "let mut n = 0; let mut v = 0; "
        "loop { if READ_ONCE(x) == 1 { return }; if READ_ONCE(y) == 1 { v = 1 }; n += 1; if n == 9 { break } }; y = v"
    ),
    "twice": "let mut n = 0; while READ_ONCE(x) == 0 && n < 9 { n += 1 }; while READ_ONCE(y) == 0 && n < 9 { n += 1 }",
    "for a final state": "let mut shown = 0; while READ_ONCE(x) == 0 && shown < 10 { shown += 1 }",
}


@pytest.mark.parametrize("loop", COUNTING.values(), ids=COUNTING)
def test_a_count_that_somebody_else_reads_is_none(loop: str) -> None:
    text = f"memory x, y, a[4]\nthread P {{ let mut shown = 0; {loop.replace('let mut shown = 0;', '')} }}\n"
    found = walk(program(f"{text}requirement r {{ forall P.shown >= 0 }}").threads[0].body)
    assert any(isinstance(each, Loop) and each.rounds is None for each in found)


def test_giving_up_is_the_round_that_leaves_whatever_it_reads() -> None:
    """The last round looks once more, as the text says, and counts what it counts."""
    loop = "let mut n = 0\nwhile READ_ONCE(x) == 0 && n < 9 { n += 1; smp_mb() }\nif n == 9 { WRITE_ONCE(y, 1) }"
    assert body(loop).split("\n") == [
        "n := 0",
        "await (ne %1 0) within 9",
        "  %1 := [1048576] {Volatile}",
        "else",
        "  n := 1",
        "  fence {Clobber DMB.ISH}",
        "  n := 9",
        "  %1 := [1048576] {Volatile}",
        "if (eq n 9)",
        "  [2097152] := 1 {Volatile}",
    ]
