"""specs/virtqueue.litmus itself: what the barriers of its driver are for, found again from nothing."""

from __future__ import annotations

import re

from placing import ROOT, part_of, strong

VIRTQUEUE = ROOT / "specs" / "virtqueue.litmus"

# The same driver with a device that may suppress the doorbell: it looks at used.flags before it kicks.
FLAGS = """
variant "reads used.flags" {
  requirement no_lost_kick { says "the device does not sleep while a request waits"; progress waker }
  override fn submit(head: u16) {
    let i = avail.idx.read_volatile()
    avail.ring[i % SIZE].write_volatile(head)
    publish: nothing
    avail.idx.write_volatile(i + 1)
    kick: nothing
    if used.flags.read_volatile() == 0 { doorbell.write_volatile(0) }
  }
  override thread driver {
    request(0, 10)
    poll_used()
    let r = resp[0].read_volatile()
    assert r == 110 for response_seen
    let s = stat[0]
    assert s == 1 for status_seen
  }
  override device host {
    await avail.idx.load(acquire) != START
    let head = avail.ring[START % SIZE].load(relaxed)
    let d = desc[head]
    let tag = d.addr->tag
    let body = d.addr->body
    assert tag == 10 && body == 10 for published
    resp[head] = 100 + tag
    stat[head] = 1
    used.ring[START % SIZE] = { id: head as u32, len: 4 }
    complete: used.idx.store(START + 1, release)
  }
  override device sleeper { nothing }
  device waker {
    used.flags.store(1, relaxed)
    used.flags.store(0, relaxed)
    fence(seq_cst)
    if avail.idx.load(relaxed) == START { await doorbell.take() }
  }
  without kicked, reused
}
"""


def bare() -> str:
    """The file with every barrier of the driver dropped; the device's are not its to change."""
    text = VIRTQUEUE.read_text(encoding="utf-8")
    text, count = re.subn(r"(publish|seen): fence\(\w+\)", r"\1: nothing", text)
    assert count == 3  # one of them in a variant
    return text


def test_every_barrier_dropped() -> None:
    """Release before avail.idx, acquire after used.idx, and on Armv8 the doorbell's barrier; nothing else.

    The doorbell is a device's: only a barrier for devices counts there.
    """
    part = part_of(bare(), scope="all")
    words = {"submit.publish": "fence(release)", "submit.kick": "dma_wmb()", "poll_used.seen": "fence(acquire)"}
    assert strong(part) == words
    assert part.outcome.proved and part.verified
    assert part.outcome.queries < 60
    assert part.exhaustive > 4000
    gaps = {(each.requirement, each.target): {site for site, _ in each.repairs} for each in part.findings.missing}
    assert gaps["kicked", "armv8"] == {"submit.kick"}
    assert gaps["published", "armv8"] == gaps["published", "x86-tso"] == {"submit.publish"}
    assert gaps["status_seen", "x86-tso"] == {"poll_used.seen"}
    assert ("kicked", "x86-tso") not in gaps
    kick = part.problem.site("submit.kick")
    armv8, x86 = part.problem.targets
    assert part.problem.by_target[armv8, kick.name, "dma_wmb()"] > 20
    assert part.problem.by_target[x86, kick.name, "dma_wmb()"] <= 2  # the compiler's constraints, no instruction
    layers = {each.layer for each in part.findings.missing if each.requirement == "kicked"}
    assert layers == {"hardware"}


def test_a_barrier_for_cpus_is_not_one_for_the_doorbell() -> None:
    """DMB ISH between the index and the doorbell is broken by the platform alone; DMB OSHST mends it."""
    text = (
        bare().replace("publish: nothing", "publish: fence(release)").replace("seen: nothing", "seen: fence(acquire)")
    )
    part = part_of(text.replace("kick: nothing", "kick: fence(release)"), "armv8")
    (missing,) = part.findings.missing
    assert (missing.requirement, missing.layer) == ("kicked", "platform")
    assert missing.repairs == (("submit.kick", "dma_wmb()"),) or missing.repairs == (("submit.kick", "dma_mb()"),)
    assert strong(part)["submit.kick"] == "dma_wmb()"
    words = {site.name: {option.name for option in site.options} for site in part.problem.open_sites}
    assert "dma_wmb()" in words["submit.kick"] and "dma_wmb()" not in words["submit.publish"]


def test_reading_used_flags_needs_a_full_barrier_in_addition() -> None:
    part = part_of(bare() + FLAGS, scope="all", variant="reads used.flags")
    words = {"submit.publish": "fence(release)", "submit.kick": "fence(seq_cst)", "poll_used.seen": "fence(acquire)"}
    assert strong(part) == words
    assert part.outcome.proved and part.verified


def test_the_fence_of_each_iteration_moves_out_of_the_loop() -> None:
    """As the driver was: a full fence ahead of every look at used.idx, and none behind the last."""
    part = part_of(VIRTQUEUE, scope="all", variant="before")
    (moved,) = part.findings.misplaced
    assert (moved.site, moved.word) == ("poll_used.seen", "fence(seq_cst)")
    assert moved.to.startswith("poll_used@behind")
    assert set(moved.repairs) == {"response_seen", "status_seen"}
    problem = part.problem
    assert problem.site(moved.site).inside_await and not problem.site(moved.to).inside_await
    best = part.outcome.optima[0]
    assert best[moved.site] == "nothing" and best[moved.to] == "fence(acquire)"
    for target in problem.targets:
        assert problem.frequency[target, moved.site] == 10 * problem.frequency[target, moved.to]
