"""What never ends is stopped, and said to be."""

from __future__ import annotations

import time
from pathlib import Path

from hostile_inputs import Checkout

ROOT = Path(__file__).parents[2]

LOOP = """spec "a loop that nothing ends"
targets x86-tso
memory y
requirement r { says "x" }
thread t {
  let a = y.load(relaxed)
  assert a <= 3 for r
  loop { y.store(1, relaxed) }
}
thread u { y.store(3, relaxed) }
"""


def test_runs_that_do_not_end_are_stopped_and_are_no_success(checkout: Checkout) -> None:
    checkout.write("loop.litmus", LOOP)
    started = time.process_time()
    code, text = checkout.run("run", "loop.litmus", "--runs", "1000", "--trace", "out.trace", "--seed", "1")
    assert time.process_time() - started < 20
    assert code == 3
    assert text.count("3 runs that had not ended after 100,000 steps") == 1
    assert text.count("997 were not made") == 1
    assert "no run could be kept" in text and not (checkout.path / "out.trace").exists()


def test_a_run_that_does_not_end_may_still_break_a_requirement(checkout: Checkout) -> None:
    checkout.write("loop.litmus", LOOP.replace("a <= 3", "a == 4"))
    code, text = checkout.run("run", "loop.litmus")
    assert code == 1 and "violated  r" in text


def test_the_mark_of_an_interrupt_is_taken_in_one_piece(checkout: Checkout) -> None:
    """It was read in memory and cleared in the store buffer: a raise came between, which no model allows."""
    checkout.write("isr.litmus", (ROOT / "specs/virtio/isr.litmus").read_text())
    code, text = checkout.run("run", "isr.litmus", "--target", "x86-tso", "--runs", "20")
    assert code in (0, 1) and text.count("every run allowed by the model") == 5, text
