"""x86-64: words to instructions. A CPU raises an interrupt by a store: xAPIC's registers are memory.

Sources: Linux arch/x86/include/asm/barrier.h, Intel SDM 9.2, the C11 mapping of Batty et al. (POPL 2012). Measured
with clang 22.1.8 (zig 0.17.1), rustc 1.95.0 and gcc 12: loads of any order are MOV, a seq_cst store is XCHG and every
other store MOV; every read-modify-write is locked, whatever its order; of the fences only seq_cst is an instruction.

The seq_cst fence is shown as ``mfence``. gcc 12 writes ``lock orq $0,(%rsp)`` in its place, and so does LLVM 22 for
a generic CPU (``lock orl $0,-64(%rsp)``): a locked instruction on the thread's own stack orders what MFENCE does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from mmcheck.ir.program import NO_TAGS
from mmcheck.target.architecture import Access, Architecture, Instruction
from mmcheck.target.tags import ATOMIC

LOCKED_ADD = "lock; addl $0,-4(%rsp)"
"""Linux's ``__smp_mb``."""

BARRIERS: Mapping[str, str] = {
    "barrier": "",
    "mb": "mfence",
    "rmb": "lfence",
    "wmb": "sfence",
    "dma_mb": "mfence",
    "dma_rmb": "",
    "dma_wmb": "",
    "smp_mb": LOCKED_ADD,
    "smp_rmb": "",
    "smp_wmb": "",
    "edk2": "",
    "openbsd_producer": "",
    "openbsd_consumer": "",
    "openbsd_sync": "mfence",
    "smp_mb__atomic": "",
    "irq_off": "cli",
    "irq_on": "sti",
    "irq_entry": "mfence",
    "irq_return": "mfence",
}
"""The projects' own headers, last. ``virt_*`` and ``virtio_*`` are looked up as ``smp_*``.

Interrupt delivery drains the store buffer, IRET serialises (docs/models-preemption.md); not so
with ``no-irq-fence``."""

_ATOMICS = {
    "swap": "xchg", "add": "lock xadd", "sub": "lock xadd", "inc": "lock xadd", "dec": "lock xadd",
    "and": "lock cmpxchg", "or": "lock cmpxchg", "xor": "lock cmpxchg", "min": "lock cmpxchg", "max": "lock cmpxchg",
    "cas": "lock cmpxchg", "cas_weak": "lock cmpxchg",
}  # fmt: skip
"""Those without an instruction that returns the old value are a loop; its last round stands for it."""

_HINTS = {"", "nop", "pause"}
_STACK = r"(0x[0-9a-f]+|-?\d+)?\(%[er]?sp\)"
_LOCKED_NOTHING = re.compile(
    rf"lock (add|or)[lq]? \$(0x)?0, ?{_STACK}|lock (add|or) ([dq]word ptr )?\[[er]sp( ?[+-] ?\d+)?\], ?0"
)
X = frozenset({"X"})


TAGS: Mapping[str, str] = MappingProxyType(
    {
        "X": ATOMIC,
        "Unlocked": "x86 one-instruction read-modify-write without LOCK (this_cpu_inc): atomic against its own"
        " CPU's interrupts only, no fence (docs/models-preemption.md, H2)",
        "MFENCE": "x86 mfence; a locked add to the stack; IRET and interrupt delivery (unless no-irq-fence)",
        "LFENCE": "x86 lfence: orders nothing for ordinary memory",
        "SFENCE": "x86 sfence: orders nothing for ordinary memory",
    }
)
"""Owens, Sarkar, Sewell, TPHOLs 2009."""

COSTS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "mfence": (30, "[musketeer] full fence"),
        LOCKED_ADD: (25, "Linux prefers it to MFENCE (arch/x86/include/asm/barrier.h)"),
        "xchg": (25, "[compilers] cheaper than MOV; MFENCE"),
        "lfence": (10, "waits for earlier loads"),
        "sfence": (10, "orders nothing here, and drains write-combining buffers"),
        "mov": (0, "no barrier"),
    }
)


class X86Tso(Architecture):
    """x86-64; ordinary (write-back) memory."""

    name = "x86-tso"
    models = MappingProxyType({"x86-tso": Path(__file__).with_name("x86-tso.cat")})
    aliases = ("x86", "x86_64", "x86-64", "amd64", "tso")
    herd = ("X86_64", "X86")
    options = MappingProxyType({"no-irq-fence": "interrupt delivery and return are no fences (FRED, hypervisors)"})
    tags = TAGS
    powers = MappingProxyType({"LFENCE": frozenset[str](), "SFENCE": frozenset[str]()})
    barriers = BARRIERS
    spelled = ("mfence", "lfence", "sfence", "cli", "sti")
    costs = COSTS
    fences = ("mfence()",)
    runner = "buffered"
    pairs_words = False
    deletes_idle_updates = True

    def load(self, order: str, *, inline: bool) -> Access:
        return Access("load", "mov")

    def store(self, order: str) -> Access:
        if order in ("seq_cst", "full"):
            return Access("rmw", "xchg", read=X, write=X)
        return Access("store", "mov")

    def rmw(self, operation: str, order: str, fail_order: str, *, result: bool) -> Access:
        if operation == "take":
            return Access("rmw", "take")
        if order == "local":
            tags = frozenset({"Unlocked"})
            return Access("rmw", _local(operation, result=result), tags, tags)
        text = _ATOMICS[operation]
        if not result and operation != "swap":
            text = f"lock {operation}"
        return Access("rmw", text, X, X, X if operation in ("cas", "cas_weak") else NO_TAGS)

    def fence(self, order: str) -> str:
        return "mfence" if order == "seq_cst" else ""

    def barrier(self, word: str) -> str:
        if word in ("irq_entry", "irq_return") and "no-irq-fence" in self.chosen:
            return ""
        return super().barrier(word)

    def parse(self, text: str) -> Instruction | None:
        text = re.sub(r"^lock; ?", "lock ", text)
        if text in _HINTS:
            return Instruction(NO_TAGS, text)
        if text in ("mfence", "lfence", "sfence"):
            return Instruction(frozenset({text.upper()}), text)
        if _LOCKED_NOTHING.fullmatch(text):
            return Instruction(frozenset({"MFENCE"}), text.replace("lock ", "lock; ", 1))
        if text in ("cli", "sti"):
            return Instruction(frozenset({"IrqOff" if text == "cli" else "IrqOn"}), text)
        return None


def _local(operation: str, *, result: bool) -> str:
    """The per-CPU form, one instruction on ``%gs:`` without LOCK."""
    if operation == "swap":
        return "cmpxchg %gs:"  # XCHG with memory is always locked; Linux loops on an unlocked CMPXCHG
    return f"{'xadd' if result else operation} %gs:"
