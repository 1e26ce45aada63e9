"""The optimum is one: against exhaustive search, on the seed's programs, on the corpus and on the benchmarks."""

from __future__ import annotations

from itertools import product

import pytest
from placing import BENCH, ROOT, SPECS, part_of, problem_of, strong

from mmcheck.placement.oracle import Oracle
from mmcheck.placement.search import Search

MP = """spec "MP"
targets armv8, x86-tso
memory x
volatile y
requirement seen { says "who sees the flag sees the data" }
thread P0 { x = 1; w: nothing; y = 1 }
thread P1 { await y == 1; r: nothing; let b = x; assert b == 1 for seen }
"""
ORDERS = """spec "MP with orders"
targets armv8, armv8+rcpc, x86-tso
memory x, y
requirement seen { says "who sees the flag sees the data" }
thread P0 { x = 1; y.store(1, relaxed?) }
thread P1 { let a = y.load(relaxed?); let b = x; assert a == 0 || b == 1 for seen }
"""
SB = """spec "SB"
targets armv8, x86-tso
volatile x, y
exists P0.a == 0 && P1.b == 0
thread P0 { x = 1; m0: nothing; let a = y }
thread P1 { y = 1; m1: nothing; let b = x }
"""
RMW = """spec "RMW"
targets armv8, x86-tso
memory x, y
exists P1.a == 1 && P1.b == 0
thread P0 { x.store(1, relaxed); y.fetch_add(1, relaxed?) }
thread P1 { let a = y.load(relaxed?); let b = x.load(relaxed) }
"""


@pytest.mark.parametrize("text", (MP, ORDERS, SB, RMW), ids=("MP", "orders", "SB", "RMW"))
def test_exhaustive_search_finds_the_same(text: str) -> None:
    """All placements, each checked on its own: the same cost, and the same cheapest ones."""
    problem = problem_of(text)
    oracle = Oracle(problem)
    names = [site.name for site in problem.open_sites]
    fixed = {site.name: site.written for site in problem.sites if site.auxiliary}
    right = []
    for words in product(*([option.name for option in site.options] for site in problem.open_sites)):
        placement = {**fixed, **dict(zip(names, words, strict=True))}
        if oracle.refute(placement) is None:
            right.append((problem.total(placement), sorted(placement.items())))
    least = min(cost for cost, _ in right)
    outcome = Search(problem, Oracle(problem)).run()
    assert outcome.proved
    assert outcome.cost == least
    assert sorted(sorted(each.items()) for each in outcome.optima) == sorted(
        placement for cost, placement in right if cost == least
    )


def test_lower_bound_never_passes_the_optimum() -> None:
    problem = problem_of(SB)
    seen: list[float] = []
    outcome = Search(problem, Oracle(problem), on_bound=seen.append).run()
    assert seen == sorted(seen)
    assert outcome.cost is not None and seen[-1] == outcome.cost == outcome.lower_bound


def test_the_doorbells_barrier_is_needed_on_armv8_only() -> None:
    part = part_of(ROOT / "specs" / "virtqueue.litmus", "x86-tso", scope="all")
    assert "submit.kick" not in strong(part)
    assert [each.requirement for each in part.findings.missing] == []


def test_seed_with_suppression_needs_a_full_barrier_in_addition() -> None:
    part = part_of(SPECS / "seed.litmus", scope="all", variant="suppression")
    words = strong(part)
    (full,) = [site for site, word in words.items() if word == "fence(seq_cst)"]
    assert full.startswith("notify@before")
    assert sorted(words.values()) == ["fence(acquire)", "fence(release)", "fence(seq_cst)"]


def test_seed_with_a_fence_in_each_iteration_moves_it_out_of_the_loop() -> None:
    part = part_of(SPECS / "seed.litmus", scope="all", variant="a fence in each iteration")
    assert "poll_used.looking" not in strong(part)
    (moved,) = part.findings.misplaced
    assert moved.site == "poll_used.looking"
    assert moved.to.startswith("poll_used@behind")
    assert not part.problem.site(moved.to).inside_await


REDUNDANT = {
    "B01a": {"kick.mb", "pop.ahead"},
    "B15": {"publish.first", "kick.mb"},
    "B18c": {"publish.first", "kick.mb"},
    "twice": {"kick.mb"},
    "ahead and behind": {"pop.ahead"},
    "sfence": {"publish.wmb", "publish.compiler", "pop.rmb"},
}
MISPLACED = {"B01b": {"pop.ahead"}, "B18c": {"pop.ahead"}}
TOO_STRONG = {
    "B01a": {"publish.wmb", "pop.rmb"},
    "B06": {"publish.wmb", "pop.rmb"},
    "full barriers": {"publish.wmb", "pop.rmb"},
}
BROKEN = {
    None: set[str](),
    "B01a": set[str](),
    "B01b": {"completed"},
    "B05": {"published", "completed", "no_lost_kick"},
    "B06": {"no_lost_kick"},
    "B15": {"published", "completed"},
    "B16": {"no_lost_kick"},
    "B18c": {"completed"},
    "twice": set[str](),
    "ahead and behind": set[str](),
    "sfence": set[str](),
    "full barriers": set[str](),
}


@pytest.mark.parametrize("variant", BROKEN)
def test_drivers_of_the_corpus(variant: str | None) -> None:
    """Each wrong driver is repaired, each redundant barrier named."""
    part = part_of(SPECS / "drivers.litmus", scope="all", variant=variant)
    findings = part.findings
    assert part.outcome.proved and part.verified and not part.outcome.impossible
    assert {each.requirement for each in findings.missing} == BROKEN[variant]
    assert all(each.repairs for each in findings.missing)
    assert {each.site for each in findings.redundant} == REDUNDANT.get(variant or "", set())
    assert {each.site for each in findings.misplaced} == MISPLACED.get(variant or "", set())
    assert {each.site for each in findings.too_strong} == TOO_STRONG.get(variant or "", set())


@pytest.mark.parametrize(
    ("variant", "broken"),
    (
        ("B10", {"published"}),
        ("B30a", {"no_lost_kick", "no_lost_interrupt"}),
        ("B31a", {"published"}),
        ("B31b", {"no_lost_interrupt"}),
    ),
)
def test_devices_of_the_corpus(variant: str, broken: set[str]) -> None:
    part = part_of(SPECS / "devices.litmus", scope="all", variant=variant)
    assert part.outcome.proved and part.verified and not part.outcome.impossible
    assert {each.requirement for each in part.findings.missing} == broken


BENCHMARKS = {
    "sb": {"P0.x.store": "seq_cst", "P0.a": "acquire", "P1.y.store": "seq_cst", "P1.b": "acquire"},
    "ticket": {"lock.owner.load": "acquire", "unlock.owner.store": "release"},
    "ttas": {"lock.taken.swap": "acquire", "unlock.taken.store": "release"},
    "clh": {
        "lock.before": "release",
        "lock.held[before].load": "acquire",
        "unlock.held[me].store": "release",
    },
    "seqlock": {
        "writer.begin": "fence(release)",
        "writer.seq.store@15:22": "release",
        "reader.first": "acquire",
        "reader.end": "fence(acquire)",
    },
}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmarks(name: str) -> None:
    part = part_of(BENCH / f"{name}.litmus")
    assert strong(part) == BENCHMARKS[name]
    assert part.outcome.proved and part.verified


def test_no_sites_that_suffice() -> None:
    """Without a site behind the read nothing repairs it, and that is said; the rest is placed all the same."""
    part = part_of(SPECS / "devices.litmus", variant="B10")
    assert set(part.outcome.impossible) == {"published"}
    missing = next(each for each in part.findings.missing if each.requirement == "published")
    assert not missing.repairs and not missing.sequential


def test_an_algorithm_that_is_wrong() -> None:
    part = part_of(
        'spec "s"\ntargets armv8, x86-tso\nmemory n\nrequirement sum { forall n == 2 }\n'
        "thread t(i in 0..2) { n += 1; here: nothing }\n"
    )
    (missing,) = part.findings.missing
    assert missing.sequential and not missing.repairs


def test_an_exchange_that_leaves_its_variable_is_reported() -> None:
    """On x86 a store is an XCHG under one of its options: the read of that has no write before it out there."""
    part = part_of(
        'spec "s"\ntargets x86-tso\nmemory a[2]\nmemory i\nrequirement r { says "x" }\n'
        "thread t { let k = i.load(relaxed)\n a[k].store(1, seq_cst?) }\n"
        "thread u { i.store(2, relaxed)\n let b = a[0].load(relaxed)\n assert b <= 1 for r }\n"
    )
    (missing,) = part.findings.missing
    assert missing.requirement == "memory" and missing.sequential
