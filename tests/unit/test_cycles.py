"""Which cycle of a run is shown."""

from __future__ import annotations

from pathlib import Path

from mmcheck.verdict.question import Question
from mmcheck.verdict.verify import verify_file

ROOT = Path(__file__).resolve().parents[2]


def test_the_cycle_goes_through_the_pointer_that_led_astray() -> None:
    """The failed check looks at a payload that nobody wrote; it was found there by an address, or by the
    number of a descriptor, that is out of date, and not by the flags that stand beside it and are as old."""
    path = ROOT / "specs" / "virtqueue.litmus"
    report = verify_file(str(path), Question(targets=("armv8",), variants=("before",)))
    (result,) = [each for each in report.results if each.requirement == "published"]
    found = result.counterexample
    assert found is not None and found.culprit is not None
    events = found.execution.events
    assert events[found.culprit].location.startswith("old.")
    on_cycle = {events[hop.source].location for hop in found.cycle}
    assert on_cycle in ({"desc[0].addr", "avail.idx"}, {"avail.ring[3]", "avail.idx"})
