"""docs/found.md: what was wrong in published drivers, with verdicts and cycles as the checker gives them.

`python -m tests.found --write` writes the parts between the headings again; what is said about each row stands here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import mmcheck
from mmcheck.language.lower.register.implied import NEAR, STATED
from mmcheck.verdict.results import Result

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "found.md"
BEGIN, END = "<!-- rows: begin -->\n", "<!-- rows: end -->\n"
BY = {"hardware": "the CPU", "compiler": "the compiler", "platform": "the platform's rules", None: "the algorithm"}


@dataclass(frozen=True)
class Row:
    """One row of the list: its spec, the variant that is as the code was, the obligations it breaks, in prose what was
    wrong and what repairs it, and the variant in which all holds."""

    name: str
    spec: str
    variant: str
    broken: str
    requirements: tuple[str, ...]
    wrong: str
    fix: str
    right: str
    alone: Mapping[str, str] = field(default_factory=dict)
    """Requirement -> the variant in which nothing else is wrong, whose cycle is shown."""


ROWS = (
  Row("B01a", "rcore", "base", "P3 to a device", ("no_lost_kick",),
    "nothing between CPUs: there is a fence at every step. The doorbell is written with `write_volatile`, and a "
    "fence of Rust is no barrier between memory and a device's register.",
    "a barrier for devices ahead of the doorbell", "notified behind a device barrier"),
  Row("B01b", "rcore-interrupt", "base", "P4", ("completed",),
    "nothing stands behind the look at the used index, when `pop` is called from an interrupt.",
    '`fence(Acquire)` in `pop_used`. One completion for each interrupt is safe without it (variant "one completion": '
    'the interrupt orders it), and so is polling (variant "polled")', "repaired: since 2024-04"),
  Row("B05, data", "u-boot", "base", "P1, P4", ("published", "completed"),
    "all barriers are empty functions: nothing between the slot and the index, nothing behind the used index.",
    "release before the index, acquire behind the used index", "repaired", {"completed": "released, not acquired"}),
  Row("B05, notifications", "u-boot-notify", "base", "P2, P5", ("no_lost_kick", "no_lost_interrupt"),
    "all barriers are empty functions: nothing between an index or a request for interrupts and the look behind it.",
    "full barriers before each look", "repaired"),
  Row("B06", "serenity", "base", "P2", ("no_lost_kick",),
    "nothing stands between the index and the look at the device's flags.", "a full barrier", "repaired"),
  Row("B10", "openamp", "base", "D1", ("published",),
    "the device reads the ring slot with nothing behind the index.", "an acquire fence ahead of the ring slot",
    "repaired"),
  Row("B15", "onyx", "base", "P1, P4, P3 to a device", ("published", "completed", "no_lost_kick"),
    "the write barrier stands ahead of the ring slot, nothing between slot and index, nothing behind the used index; "
    "the barrier ahead of the doorbell is one for CPUs.",
    "the barrier moved behind the slot, an acquire fence in `pop`, a barrier for devices. With Linux's write barrier "
    "instead of a release, P6 stays open", "repaired"),
  Row("B16", "netbsd", "base", "P2", ("no_lost_kick",),
    "a write barrier and a read barrier where a full one is needed.",
    "a full barrier", "repaired"),
  Row("B18c", "hobby-submit", "base", "P4, P3 to a device", ("completed", "no_lost_kick"),
    "the acquire stands ahead of the look at the used index; one release fence too many; the fence ahead of the "
    "doorbell is one for CPUs.", "acquire behind the look, first release fence dropped, a barrier for devices",
    "repaired, without the redundant fence"),
  Row("B20", "hobby-gpu", "base", "P1, P3, P4", ("published", "completed", "no_lost_kick"),
    "volatile accesses and no barrier at all.", "two fences, and a barrier for devices ahead of the doorbell",
    "repaired", {"completed": "only the read barrier is missing"}),
  Row("B30a", "cloud-hypervisor", "base", "D4", ("no_lost_kick",),
    "a release fence between asking for kicks and the second look.", "SeqCst, as rust-vmm has it", "since 72b736153"),
  Row("B31a", "kvmtool-avail", "base", "D1", ("published",), "no read barrier behind the available index.",
    "`smp_rmb()`; its write barrier leaves D5 open, see below",
    "since 15c4e1e, publishing behind a release fence"),
  Row("B31b", "kvmtool-signal", "base", "D3", ("no_lost_interrupt",),
    "a write barrier between the used index and the look at the driver's event index.",
    "`smp_mb()`", "since d7d79bd"),
  Row("G01; also G02, G04, B16, B31", "linux-split", "base", "P6, and D5 on the device's side", ("recycled",),
    "a write barrier (DMB ISHST) ahead of the index leaves a read ahead of it open.",
    "closed by what the driver does next: it tests the answer (a control dependency, as virtio-blk does), or writes "
    'the buffer before it gives it away (as virtio-gpu does, variant "closed: the buffer is written before it is given '
    'away"); or a release fence. Of each caller of the ring one of these must be true: the ring\'s own code does not '
    "do it", "closed: the answer is tested before the slot is used again"),
  Row("G10", "xv6", "base", "P3 to a device", ("no_lost_kick",),
    "nothing between CPUs; `__sync_synchronize` is no barrier between memory and a device's register.",
    "a barrier for devices ahead of the doorbell", "a device barrier ahead of the doorbell"),
)  # fmt: skip


def results_of(row: Row) -> list[Result]:
    """The results of the row's file, without the cache."""
    return list(mmcheck.verify([ROOT / "specs" / "drivers" / f"{row.spec}.litmus"], cache=False).results)


def as_was(row: Row, results: list[Result]) -> list[Result]:
    """Those of the variant that is as the code was."""
    return [result for result in results if (result.variant or "base") == row.variant]


def verdict(results: list[Result], target: str) -> str:
    """``holds``, or what is violated and by what, of the obligations that the row is about."""
    broken = [f"{r.requirement}: {r.layer}" for r in results if r.target == target and r.verdict == "violated"]
    if broken:
        return f"violated ({', '.join(broken)})"
    return "holds, but only there" if any(only_here(r) for r in results if r.target == target) else "holds"


def only_here(result: Result) -> list[str]:
    """What the checker says of a verdict that rests on more than the words promise."""
    return [note for note in result.notes if " only because " in note]


def clause_of(obligation: str) -> str:
    """Which clause of VirtIO `obligation` is, or that none states it."""
    if obligation in STATED:
        return f"{obligation} is VirtIO 1.2, {STATED[obligation]}."
    nearest = f"; nearest to it is VirtIO 1.2, {NEAR[obligation]}" if obligation in NEAR else ""
    return f"No clause states {obligation} (`mmcheck explain implied:{obligation}`){nearest}."


def cycle(result: Result) -> Iterator[str]:
    """The cycle of a counterexample, an event and a step a line."""
    found = result.counterexample
    assert found is not None
    for hop in found.cycle:
        event = found.execution.events[hop.source]
        name = found.execution.threads[event.thread].name if event.thread >= 0 else "initial"
        span = event.origin.span
        where = (
            f"{Path(span.file.path).name}:{span.line}: {event.origin.text}" if span is not None else event.origin.text
        )
        yield f"{name:8} {event.kind} {event.location} = {event.shown}".ljust(37) + where
        yield f"    {hop.relation}: {hop.why}"


def section(row: Row, results: list[Result]) -> Iterator[str]:
    was = as_was(row, results)
    yield f"## {row.name}: {row.spec}\n"
    yield f"**Wrong**: {row.wrong}\n"
    for name in row.requirements:
        broken = [r for r in was if r.requirement == name and r.verdict == "violated"]
        assert broken, (row.name, name)
        by: dict[str, list[str]] = {}
        for r in broken:
            by.setdefault(BY[r.layer], []).append(r.target)
        on = ", ".join(f"{', '.join(targets)} (by {layer})" for layer, targets in by.items())
        mine = [each for each in re.findall(r"[PD]\d", row.broken) if f"implied:{each}" in broken[0].clauses]
        yield f"`{name}` is violated on {on}. {' '.join(clause_of(each) for each in mine)}\n"
        if name in row.alone:
            yield f'In variant "{row.alone[name]}", where nothing else is wrong:\n'
            broken = [r for r in results if (r.variant, r.requirement) == (row.alone[name], name) and r.counterexample]
        yield "```text\n" + "\n".join(cycle(broken[0])) + "\n```\n"
        lucky: dict[str, list[str]] = {}
        for r in was:
            if r.requirement == name and only_here(r):
                lucky.setdefault("; ".join(only_here(r)), []).append(r.target)
        for note, targets in lucky.items():
            yield f"On {', '.join(targets)} it `holds`: {note}.\n"
    right = [r for r in results if (r.variant or "base") == row.right]
    assert right and all(r.verdict == "holds" for r in right), (row.name, row.right)
    place = "the file as it is" if row.right == "base" else f'variant "{row.right}"'
    yield f"**Fix**: {row.fix}: {place}, in which all {len(right)} verdicts are `holds`.\n"


def text() -> str:
    """What stands between the marks."""
    known = {row.spec: results_of(row) for row in ROWS}
    lines = ["## Overview\n", "| row | specification | breaks | Armv8 | x86-TSO |\n|---|---|---|---|---|"]
    for row in ROWS:
        was = [r for r in as_was(row, known[row.spec]) if r.requirement in row.requirements]
        lines.append(
            f"| {row.name} | `{row.spec}` | {row.broken} | {verdict(was, 'armv8')} | {verdict(was, 'x86-tso')} |"
        )
    lines.append("")
    for row in ROWS:
        lines += section(row, known[row.spec])
    return "\n".join(lines)


def main() -> None:
    """Print, or write, the document as it should be."""
    whole = DOCUMENT.read_text(encoding="utf-8")
    now = re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{text()}\n{END}", whole, flags=re.DOTALL)
    if "--write" in sys.argv:
        DOCUMENT.write_text(now, encoding="utf-8")
    else:
        print(now, end="")


if __name__ == "__main__":
    main()
