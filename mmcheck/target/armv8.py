"""Armv8-A: words to instructions, with the options ``lse`` (one-instruction atomics) and ``rcpc`` (LDAPR).

Sources: Linux arch/arm64/include/asm/barrier.h, Arm ARM C6.2, the C11 mapping in LLVM. Measured with clang 22.1.8
(zig 0.17.1, ``-O2 -target aarch64-linux -mcpu=generic[+lse][+rcpc]``), 12 orders of compare-exchange, 5 of the others:

* ``fence(release)`` and ``acq_rel`` are DMB ISH, ``fence(acquire)`` is DMB ISHLD; a seq_cst store is STLR and nothing
more.
* ``+rcpc`` turns acquire loads into LDAPR and changes nothing else: seq_cst loads stay LDAR, atomics keep A.
* Without LSE, acquire makes the load LDAXR and release makes the store STLXR; no DMB is added, so a seq_cst
  loop is no full barrier.
* A compare-exchange has one instruction for success and failure, so its load is acquire if either order
  is: ``(release, acquire)`` is LDAXR/STLXR or CASAL, ``(acq_rel, relaxed)`` fails with an acquire read all the same.
* A result that nobody uses still goes to a register (``ldadd w1, w8``): compiled C11 has no NoRet reads.

Linux differs, being inline assembly (arch/arm64/include/asm: atomic_ll_sc.h, atomic_lse.h, cmpxchg.h, percpu.h):
a fully ordered operation is LDXR, STLXR, DMB ISH, the DMB jumped over by a failing compare-exchange, or with LSE
one instruction with A and L. Operations without a result are STADD and its like, NoRet (newer kernels prefer
LDADD for ``this_cpu_*``; NoRet is the weaker of the two). ``smp_load_acquire`` is LDAR whatever the compiler's
options. Per-CPU operations are the same atomics with preemption off around them, so the CPU cannot change between
the pointer and the access.

A CPU raises an interrupt by a write to ICC_SGI1R_EL1, a system register: no access of memory, so that Linux
(drivers/irqchip/irq-gic-v3.c, ``gic_ipi_send_mask``) puts a DSB ISHST before it and not a DMB.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from mmcheck.ir.program import NO_TAGS
from mmcheck.target.architecture import Access, Architecture, Instruction
from mmcheck.target.orders import acquires, merged, releases
from mmcheck.target.tags import ATOMIC, DOMAINS

TAGS: Mapping[str, str] = MappingProxyType(
    {
        "A": "Armv8 acquire read: LDAR, LDAXR, and atomics with A (SWPA, CASAL ...)",
        "Q": "Armv8 acquirePC read: LDAPR (target option rcpc)",
        "L": "Armv8 release write: STLR, STLXR, and atomics with L",
        "X": ATOMIC,
        "NoRet": "Armv8 read of an atomic without a result (STADD, or destination ZR): no acquire, not ordered by"
        " DMB LD",
        **{f"DMB.{name.upper()}": f"dmb {name}: {meaning}" for name, meaning in DOMAINS.items()},
        **{f"DSB.{name.upper()}": f"dsb {name}: {meaning}" for name, meaning in DOMAINS.items()},
        "ISB": "isb, and exception entry and return: context synchronisation",
        "SGI": "a CPU's write to a system register that raises an interrupt: no access of memory, so DSB and ISB order"
        " it, and DMB, acquire and release do not",
    }
)
"""As herd and the Arm ARM name them (DDI 0487 M.a, B2.3)."""

FOR_CPUS = frozenset({"A", "Q", "L", *[f"DMB.{name.upper()}" for name in DOMAINS if name.startswith(("ish", "nsh"))]})
"""What orders memory between CPUs, and nothing between memory and a device by the platform's rules: LDAR, LDAPR, STLR,
atomics with A or L, and DMB of the inner shareable domain. All else, any DSB included, is for devices, too."""


def _powers() -> dict[str, frozenset[str]]:
    """LDAR does what LDAPR does, a full DMB what DMB LD and DMB ST do, DSB what DMB does."""
    found = {"A": frozenset({"A", "Q"}), "NoRet": frozenset[str]()}
    for domain in DOMAINS:
        kinds = ("ld",) if domain.endswith("ld") else ("st",) if domain.endswith("st") else ("full", "ld", "st")
        for name, does in (("DMB", ("dmb",)), ("DSB", ("dmb", "dsb"))):
            tag = f"{name}.{domain.upper()}"
            beside = () if tag in FOR_CPUS else ("device",)
            found[tag] = frozenset(f"{each}-{kind}" for each in (*does, *beside) for kind in kinds)
    return found


BARRIERS: Mapping[str, str] = {
    "barrier": "",
    "mb": "dsb sy",
    "rmb": "dsb ld",
    "wmb": "dsb st",
    "dma_mb": "dmb osh",
    "dma_rmb": "dmb oshld",
    "dma_wmb": "dmb oshst",
    "smp_mb": "dmb ish",
    "smp_rmb": "dmb ishld",
    "smp_wmb": "dmb ishst",
    "edk2": "dmb sy",
    "openbsd_producer": "dmb st",
    "openbsd_consumer": "dmb ld",
    "openbsd_sync": "dmb sy",
    "smp_mb__atomic": "dmb ish",
    "irq_off": "msr daifset, #2",
    "irq_on": "msr daifclr, #2",
    "irq_entry": "isb",
    "irq_return": "isb",
}
"""The projects' own headers, last. ``virt_*`` and ``virtio_*`` are looked up as ``smp_*``.

Exception entry and return behave as ISB (docs/models-preemption.md; FEAT_ExS, which can take that away, is not
modelled)."""

FENCES: Mapping[str, str] = {
    "acquire": "dmb ishld",
    "release": "dmb ish",
    "acq_rel": "dmb ish",
    "seq_cst": "dmb ish",
}
"""What clang makes of the C11 and Rust orders."""

_ATOMICS = {
    "swap": "swp", "add": "ldadd", "sub": "ldadd", "inc": "ldadd", "dec": "ldadd", "and": "ldclr", "or": "ldset",
    "xor": "ldeor", "min": "ldumin", "max": "ldumax", "cas": "cas", "cas_weak": "cas",
    "take": "swp",
}  # fmt: skip
"""LSE instructions; signed operands have LDSMIN and LDSMAX, SUB adds the negated value, AND clears the complement."""

_HINTS = {"", "nop", "yield", "wfe", "wfi", "sev", "sevl"}
_DAIF = re.compile(r"msr daif(set|clr), ?#?(0x)?[0-9a-f]+")


_FULL = (30, "[musketeer] full fence")
_LOADS = (15, "[PPoPP20] no bus transaction; below [musketeer] lightweight fence")
_STORES = (20, "[musketeer] lightweight fence")

COSTS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        **{f"dmb {each}": _LOADS if each.endswith("ld") else _STORES if each.endswith("st") else _FULL
           for each in DOMAINS},
        **{f"dsb {each}": (60, "[PPoPP20] dearer than any DMB") for each in DOMAINS},
        "isb": (30, "flushes the pipeline (Arm ARM, C6.2 ISB); as a full fence"),
        "ldr": (0, "no barrier"),
        "str": (0, "no barrier"),
        "ldar": (10, "[PPoPP20] no bus transaction"),
        "ldapr": (8, "weaker than LDAR: may pass an earlier STLR (Arm ARM, B2.3)"),
        "stlr": (18, "[PPoPP20] between DMB LD and DMB"),
        "acquire": (10, "of a read-modify-write: as LDAR"),
        "release": (18, "of a read-modify-write: as STLR"),
    }
)  # fmt: skip


class Armv8(Architecture):
    """Armv8-A."""

    name = "armv8"
    models = MappingProxyType({each: Path(__file__).with_name(f"{each}.cat") for each in ("armv8", "armv8+monitor")})
    aliases = ("arm64", "aarch64", "arm")
    herd = ("AArch64",)
    options = MappingProxyType(
        {
            "lse": "atomics are one instruction (FEAT_LSE), not a loop of exclusives",
            "rcpc": "acquire loads are LDAPR (FEAT_LRCPC)",
            "monitor": "a STXR fails if another CPU has written since its LDXR, also where the thread itself has, too",
        }
    )
    tags = TAGS
    powers = MappingProxyType(_powers())
    barriers = BARRIERS
    spelled = (*[f"{name} {domain}" for name in ("dmb", "dsb") for domain in DOMAINS], "isb")
    costs = COSTS
    fences = ("dmb(ishld)", "dmb(ishst)", "dmb(ish)")
    device_fences = ("dmb(oshld)", "dmb(oshst)", "dmb(osh)")
    runner = "out of order"
    cas_is_loose = True
    finds_its_cpu = False

    def load(self, order: str, *, inline: bool) -> Access:
        if not acquires(order):
            return Access("load", "ldr")
        if order == "acquire" and "rcpc" in self.chosen and not inline:
            return Access("load", "ldapr", read=frozenset({"Q"}))
        return Access("load", "ldar", read=frozenset({"A"}))

    def store(self, order: str) -> Access:
        if order == "full":
            return Access("store", "str", behind=BARRIERS["smp_mb"])
        if releases(order):
            return Access("store", "stlr", write=frozenset({"L"}))
        return Access("store", "str")

    def interrupt(self) -> Access:
        return Access("store", "msr icc_sgi1r_el1", write=frozenset({"SGI"}))

    def rmw(self, operation: str, order: str, fail_order: str, *, result: bool) -> Access:
        linux_full = order == "full"
        order = merged(order, fail_order) if fail_order else order
        acquire, release = acquires(order), releases(order)
        one_instruction = "lse" in self.chosen or operation == "take"
        if linux_full and not one_instruction:
            acquire = False
        read = frozenset({"X", "A"} if acquire else {"X"})
        write = frozenset({"X", "L"} if release else {"X"})
        fail = read if operation in ("cas", "cas_weak", "take") else NO_TAGS
        if not one_instruction:
            text = f"{'ldaxr' if acquire else 'ldxr'}; {'stlxr' if release else 'stxr'}"
            behind = BARRIERS["smp_mb"] if linux_full else ""
            return Access("rmw", text, read, write, fail, exclusive=True, behind=behind)
        name = _ATOMICS[operation]
        if not result and not acquire and name.startswith("ld"):
            name, read = "st" + name.removeprefix("ld"), read | {"NoRet"}
        return Access("rmw", name + "a" * acquire + "l" * release, read, write, fail)

    def fence(self, order: str) -> str:
        return FENCES[order]

    def parse(self, text: str) -> Instruction | None:
        if text in _HINTS:
            return Instruction(NO_TAGS, text)
        if text in ("isb", "isb sy"):
            return Instruction(frozenset({"ISB"}), "isb")
        name, _, domain = text.partition(" ")
        if name in ("dmb", "dsb") and domain in DOMAINS:
            return Instruction(frozenset({f"{name}.{domain}".upper()}), text)
        if match := _DAIF.fullmatch(text):
            return Instruction(frozenset({"IrqOff" if match[1] == "set" else "IrqOn"}), text)
        return None
