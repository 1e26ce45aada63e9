"""The corpus itself, specs/drivers: each wrong driver is repaired, each barrier that is too much is named."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from placing import ROOT, part_of

DRIVERS = ROOT / "specs" / "drivers"


@dataclass(frozen=True)
class Said:
    """Requirements that are missing a barrier; the sites of the other findings, gaps left out where lines may move."""

    missing: str = ""
    redundant: str = ""
    too_strong: str = ""
    misplaced: str = ""
    variant: str | None = None
    repairs: dict[str, str] = field(default_factory=dict)
    """Site -> what the optimum has there, instead of what is written."""


FULL = "fence(seq_cst)"
QUICK = {
    "rcore-interrupt (B01b)": Said(
        "completed", misplaced="more_used", repairs={"pop.rmb": "fence(Acquire)", "more_used": "nothing"}
    ),
    "openamp (B10)": Said(
        "published completed recycled", misplaced="more_avail", repairs={"take.rmb": "fence(acquire)"}
    ),
}
LONG = {
    "dpdk (G06)": Said(),
    "freebsd (G04)": Said("recycled", too_strong="bsd_mb bsd_rmb bsd_rmb bsd_wmb"),
    "hobby-gpu (B20)": Said(
        "published completed recycled no_lost_kick",
        repairs={"publish.wmb": "fence(release)", "kick.mb": "dma_wmb()", "pop.rmb": "fence(acquire)"},
    ),
    "hobby-submit (B18c)": Said(
        "completed recycled no_lost_kick",  # the last by the platform alone: DMB ISH is for CPUs
        redundant="publish.redundant",
        too_strong="kick.mb",
        misplaced="more_used",
        repairs={"pop.rmb": "fence(acquire)", "publish.redundant": "nothing"},
    ),
    "cloud-hypervisor (B30a)": Said("no_lost_kick", repairs={"enable_kick.kick_mb": "fence(SeqCst)"}),
    "kvmtool-avail (now)": Said("recycled", variant="since 15c4e1e"),
    "kvmtool-avail (B31a)": Said("published completed recycled", repairs={"take.rmb": "smp_rmb()"}),
    "kvmtool-signal (B31b)": Said("no_lost_interrupt", repairs={"signal.signal_mb": "smp_mb()"}),
    "linux-packed (G02)": Said("recycled"),
    "linux-split (G01)": Said("recycled"),
    "netbsd (B16)": Said("recycled no_lost_kick", repairs={"kick.mb": "smp_mb()"}),
    "onyx (B15)": Said(
        "published completed recycled no_lost_kick",
        misplaced="publish",
        repairs={"kick.mb": "dma_wmb()", "publish.wmb": "smp_wmb()", "pop.rmb": "smp_rmb()"},
    ),
    "osv (G08)": Said(),
    "rcore (B01a)": Said("no_lost_kick", redundant="more_used", too_strong="publish.wmb publish.mb pop.rmb"),
    "rust-vmm (G14)": Said(),
    "seabios (G12)": Said(redundant="kick.mb", too_strong="publish.wmb pop.rmb"),
    "serenity (B06)": Said("no_lost_kick", too_strong="publish.wmb pop.rmb", repairs={"kick.mb": FULL}),
    "u-boot (B05)": Said(
        "published completed recycled", repairs={"publish.wmb": "fence(release)", "pop.rmb": "fence(acquire)"}
    ),
    "u-boot-notify (B05)": Said("no_lost_kick no_lost_interrupt", repairs={"kick.mb": FULL, "enable_irq.irq_mb": FULL}),
    "xv6 (G10)": Said("no_lost_kick", redundant="more_used", too_strong="publish.wmb kick.mb pop.rmb"),
}


def _check(name: str, said: Said) -> None:
    part = part_of(DRIVERS / f"{name.partition(' ')[0]}.litmus", scope="all", variant=said.variant)
    findings = part.findings
    assert part.outcome.proved and part.verified and not part.outcome.impossible
    assert {each.requirement for each in findings.missing} == set(said.missing.split())
    assert all(each.repairs for each in findings.missing)
    for kind in ("redundant", "too_strong", "misplaced"):
        sites = sorted(change.site.partition("@")[0] for change in getattr(findings, kind))
        assert sites == sorted(getattr(said, kind).split()), kind
    best = {site.partition("@")[0] if "before" not in site else site: word for site, word in part.best.items()}  # type: ignore[union-attr]
    assert {site: best[site] for site in said.repairs} == said.repairs


@pytest.mark.parametrize("name", QUICK)
def test_corpus(name: str) -> None:
    _check(name, QUICK[name])


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", LONG)
def test_the_rest_of_the_corpus(name: str) -> None:
    _check(name, LONG[name])


def test_every_file_of_the_corpus_is_asked_about() -> None:
    asked = {name.partition(" ")[0] for name in (*QUICK, *LONG)}
    assert asked == {path.stem for path in DRIVERS.glob("*.litmus")}
