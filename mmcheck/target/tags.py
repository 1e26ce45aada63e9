"""The tags of the source level that an access or a fence can carry, with their meaning and who produces them.

A memory model's sets are tags: a model that names a set that is neither here nor among the tags of an architecture
(`mmcheck.target.targets.hardware_tags`) is an error, never an empty set. Tags of the hardware are read by the targets'
models, those of the source level by the compiler layer (``observed.cat``, ``language.cat``), by language-level models
and by the interrupt layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

DOMAINS: Mapping[str, str] = MappingProxyType(
    {
        "sy": "full system, all accesses",
        "ish": "inner shareable, all accesses",
        "osh": "outer shareable, all accesses",
        "nsh": "non-shareable, all accesses",
        "ld": "full system, loads before, everything after",
        "ishld": "inner shareable, loads before, everything after",
        "oshld": "outer shareable, loads before, everything after",
        "nshld": "non-shareable, loads before, everything after",
        "st": "full system, stores before, stores after",
        "ishst": "inner shareable, stores before, stores after",
        "oshst": "outer shareable, stores before, stores after",
        "nshst": "non-shareable, stores before, stores after",
    }
)
"""The argument of DMB and DSB (Arm ARM, C6.2 DMB)."""

ATOMIC = (
    "both halves of an atomic or of an exclusive pair; on x86 of a locked instruction or XCHG, and the"
    " read of a locked compare-exchange that fails"
)
"""What the tag ``X`` means, on any target that has it."""

GHOST = "Ghost"
"""The tag of what no instruction does: a private that a handler looks at, the CPU of a thread. No model names it."""

SOURCE_TAGS: Mapping[str, str] = MappingProxyType(
    {
        "Plain": "access kind: an ordinary access of compiled code (bare access to `memory`)",
        "Volatile": "access kind: volatile; also READ_ONCE, WRITE_ONCE, Linux atomics, latches, bare access to `mmio`",
        "Atomic": "access kind: an atomic of Rust or C11, of any order",
        "MMIO": "access kind: an MMIO accessor of Linux (writel, readl); its barrier is a fence beside it",
        "Acquire": "a read that is acquire in the source: load(acquire), load(seq_cst), acquire read-modify-writes",
        "Release": "a write that is release in the source: store(release), store(seq_cst), release read-modify-writes",
        "SeqCst": "an access that is seq_cst in the source; also Acquire if it reads, Release if it writes",
        "Fence": "a fence of Rust or C11",
        "CompilerFence": "compiler_fence, atomic_signal_fence",
        "AcqFence": "a fence or compiler fence of order acquire, acq_rel or seq_cst",
        "RelFence": "a fence or compiler fence of order release, acq_rel or seq_cst",
        "ScFence": "a fence or compiler fence of order seq_cst",
        "Clobber": "a full compiler barrier: asm volatile with memory clobber, Linux barriers and fully ordered Linux"
        " atomics, dmb() and its like, the irq_* words",
        "Asm": 'asm volatile without memory clobber, as asm("cli"): no barrier for plain accesses',
        "IrqOff": "interrupts are off behind it: irq_disable, irq_save, cli, msr daifset",
        "IrqOn": "interrupts are on behind it: irq_enable, irq_restore, sti, msr daifclr",
        "IrqNest": "irq_save and irq_restore: the restore brings back the state of its save",
    }
)
"""What the source says, on any target (docs/compiler.md)."""

NOT_SHOWN = frozenset(
    {
        "Plain", "Volatile", "Atomic", "Acquire", "Release", "SeqCst",
        "Fence", "CompilerFence", "AcqFence", "RelFence", "ScFence",
    }
)  # fmt: skip
"""Tags of the source that machine code does not show: what differs in these alone may become one instruction."""


@lru_cache(maxsize=1 << 12)
def instruction(tags: frozenset[str]) -> frozenset[str]:
    """Of `tags`, those that tell which instruction it is; text of assembly is never another instruction."""
    return tags - NOT_SHOWN


ACCESS_KINDS = frozenset({"Plain", "Volatile", "Atomic", "MMIO"})
"""Every read and write of a source program carries exactly one of these."""
