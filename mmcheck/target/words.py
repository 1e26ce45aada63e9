"""The vocabulary: every word of a specification, and what it becomes on each target.

The table says what a word is (operation, arguments, the order it implies, the kind of access as a compiler
sees it); `mmcheck.target.armv8`, ``x86_tso`` and ``sc`` say which instruction that is. A word is added by one row
here and, if it is a barrier, one row in each target's table.

The sources of each word stand in its row; docs/language.md has them as a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from mmcheck.base.errors import InputError, InternalError, fail
from mmcheck.target.architecture import ARCHITECTURES, Architecture
from mmcheck.target.orders import OPERATIONS, Param, Role, Word, check_orders, normal_order, unknown_order, usage
from mmcheck.target.pieces import (
    CLOBBER,
    AccessPiece,
    FencePiece,
    Piece,
    access_of,
    assemble,
    fence_of,
    switch_of,
)
from mmcheck.target.targets import Target

__all__ = [
    "IMPLICIT", "METHODS", "OPERATIONS", "WORDS",
    "AccessPiece", "FencePiece", "Param", "Piece", "Role", "Word",
    "check_orders", "normal_order", "realise", "suggest", "unknown_order", "usage",
]  # fmt: skip


def _params(text: str) -> tuple[Param, ...]:
    """Arguments from ``place value order clobber?``."""
    # The roles are those of `Role`; a test checks every row.
    return tuple(Param(name.rstrip("?"), name.endswith("?")) for name in text.split())  # type: ignore[arg-type]


_RUST = "Rust core::sync::atomic, C11 7.17"
_LINUX = "Linux include/asm-generic/barrier.h"
_LINUX_ATOMIC = "Linux Documentation/atomic_t.txt; arch/{arm64,x86}/include/asm"
_LINUX_IO = "Linux include/asm-generic/io.h"
_PER_CPU = "Linux Documentation/core-api/this_cpu_ops.rst"
_FETCH = ("add", "sub", "and", "or", "xor")
_VARIANTS = {"": "full", "_relaxed": "relaxed", "_acquire": "acquire", "_release": "release"}


def _methods() -> Iterator[Word]:
    """The words behind a dot (docs/language.md)."""
    source = "Rust core::ptr"
    yield Word("read_volatile", "rust", "load", (), True, "volatile load", source, "Volatile", "relaxed")
    yield Word(
        "write_volatile", "rust", "store", _params("value"), True, "volatile store", source, "Volatile", "relaxed"
    )
    yield Word("load", "rust", "load", _params("order"), True, "atomic load", _RUST, "Atomic")
    yield Word("store", "rust", "store", _params("value order"), True, "atomic store", _RUST, "Atomic")
    yield Word("swap", "rust", "swap", _params("value order"), True, "atomic exchange", _RUST, "Atomic")
    for name in (*_FETCH, "min", "max"):
        yield Word(f"fetch_{name}", "rust", name, _params("value order"), True, f"atomic {name}", _RUST, "Atomic")
    cas = _params("expected new order fail_order")
    yield Word("compare_exchange", "rust", "cas", cas, True, "atomic compare-exchange", _RUST, "Atomic")
    doc = "atomic compare-exchange that may fail without cause"
    yield Word("compare_exchange_weak", "rust", "cas_weak", cas, True, doc, _RUST, "Atomic")
    doc = "clear a latch, true if it was set; acquire, so what came before the write that set it is seen"
    yield Word("take", "core", "take", (), True, doc, "docs/language.md", "Volatile", "acquire")


def _fences() -> Iterator[Word]:
    """Barrier words of Rust, C, Linux and other projects."""
    order = _params("order")
    for name in ("fence", "atomic_thread_fence"):
        yield Word(name, "rust", "fence", order, False, "fence of that order", _RUST, "Fence")
    for name in ("compiler_fence", "atomic_signal_fence"):
        yield Word(name, "rust", "fence", order, False, "fence for the compiler alone", _RUST, "CompilerFence")
    doc = "seq_cst fence"
    yield Word("__sync_synchronize", "rust", "fence", (), False, doc, "GCC 6.58", "Fence", "seq_cst")
    for name, doc in {
        "barrier": "compiler barrier",
        "mb": "full barrier, devices included",
        "rmb": "read barrier, devices included",
        "wmb": "write barrier, devices included",
        "dma_mb": "full barrier for coherent DMA memory",
        "dma_rmb": "read barrier for coherent DMA memory",
        "dma_wmb": "write barrier for coherent DMA memory",
        "smp_mb": "full barrier between CPUs",
        "smp_rmb": "read barrier between CPUs",
        "smp_wmb": "write barrier between CPUs",
    }.items():
        yield Word(name, "linux", "fence", (), False, doc, _LINUX, "Clobber", barrier=name)
    for kind in ("mb", "rmb", "wmb"):
        doc = f"smp_{kind} that stays on a kernel for one CPU"
        yield Word(f"virt_{kind}", "linux", "fence", (), False, doc, _LINUX, "Clobber", barrier=f"smp_{kind}")
        strong = {"mb": "mb", "rmb": "dma_rmb", "wmb": "dma_wmb"}[kind]
        doc = f"virt_{kind}; with ORDER_PLATFORM negotiated, {strong}"
        source = "Linux include/linux/virtio_ring.h"
        yield Word(f"virtio_{kind}", "linux", "fence", (), False, doc, source, "Clobber", barrier=f"smp_{kind}")
    for side in ("before", "after"):
        name, doc = (
            f"smp_mb__{side}_atomic",
            f"makes the atomic {'behind' if side == 'before' else 'before'} it ordered",
        )
        yield Word(name, "linux", "fence", (), False, doc, _LINUX_ATOMIC, "Clobber", barrier="smp_mb__atomic")
    source = "edk2 MdePkg BaseLib"
    yield Word("MemoryFence", "core", "fence", (), False, "edk2's one barrier", source, "Clobber", barrier="edk2")
    source = "Windows WDK"
    yield Word("KeMemoryBarrier", "core", "fence", (), False, "full barrier", source, "Clobber", barrier="smp_mb")
    for side in ("producer", "consumer", "sync"):
        name, source = f"virtio_membar_{side}", "OpenBSD sys/arch/*/include/atomic.h"
        yield Word(name, "core", "fence", (), False, f"{side} barrier", source, "Clobber", barrier=f"openbsd_{side}")


def _instructions() -> Iterator[Word]:
    """One instruction that is a full compiler barrier as well, and inline assembly."""
    arm, x86 = "Arm ARM C6.2", "Intel SDM 9.2.5"
    for name in ("dmb", "dsb"):
        yield Word(
            name, "arm", "fence", _params("domain"), False, f"{name.upper()} and compiler barrier", arm, "Clobber"
        )
    yield Word("isb", "arm", "fence", (), False, "ISB and compiler barrier", arm, "Clobber")
    for name in ("mfence", "lfence", "sfence"):
        yield Word(name, "x86", "fence", (), False, f"{name.upper()} and compiler barrier", x86, "Clobber")
    doc = "instructions as a volatile asm statement; a compiler barrier only with the memory clobber"
    yield Word(
        "asm", "core", "fence", _params("text clobber?"), False, doc, "docs/language.md, docs/compiler.md", "Asm"
    )
    for name in ("irq_disable", "irq_enable", "irq_save", "irq_restore"):
        args = _params("flags") if name == "irq_restore" else ()
        yield Word(
            name, "core", name, args, False, f"{OPERATIONS[name]}; compiler barrier", "docs/language.md", "Clobber"
        )
    for name in ("irq_disable", "irq_enable"):
        yield Word(f"local_{name}", "linux", name, (), False, name, "Linux include/linux/irqflags.h", "Clobber")
    doc = f"{OPERATIONS['migrate']}; a full barrier"
    yield Word("migrate", "core", "migrate", _params("cpu"), False, doc, "docs/models-preemption.md", "Clobber")


def _linux_accesses() -> Iterator[Word]:
    """Linux's accesses to memory."""
    place, both, cas = _params("place"), _params("place value"), _params("place expected new")
    yield Word("READ_ONCE", "linux", "load", place, False, "volatile load", _LINUX, "Volatile", "relaxed")
    yield Word("WRITE_ONCE", "linux", "store", both, False, "volatile store", _LINUX, "Volatile", "relaxed")
    yield Word("smp_load_acquire", "linux", "load", place, False, "acquire load", _LINUX, "Volatile", "acquire")
    yield Word("smp_store_release", "linux", "store", both, False, "release store", _LINUX, "Volatile", "release")
    for name in ("smp_store_mb", "virt_store_mb", "virtio_store_mb"):
        yield Word(name, "linux", "store", both, False, "store, then full barrier", _LINUX, "Volatile", "full")
    for suffix, order in _VARIANTS.items():
        doc = f"{'fully ordered' if order == 'full' else order} exchange"
        yield Word(f"xchg{suffix}", "linux", "swap", both, False, doc, _LINUX_ATOMIC, "Volatile", order)
        doc = f"compare-exchange, {'fully ordered' if order == 'full' else order} if it succeeds; gives the old value"
        yield Word(f"cmpxchg{suffix}", "linux", "cas", cas, False, doc, _LINUX_ATOMIC, "Volatile", order)
    yield Word("atomic_read", "linux", "load", place, False, "READ_ONCE", _LINUX_ATOMIC, "Volatile", "relaxed")
    yield Word("atomic_set", "linux", "store", both, False, "WRITE_ONCE", _LINUX_ATOMIC, "Volatile", "relaxed")
    args = _params("value place")
    for name in (*_FETCH, "inc", "dec"):
        given, doc = place if name in ("inc", "dec") else args, f"unordered atomic {name}, no result"
        yield Word(
            f"atomic_{name}", "linux", name, given, False, doc, _LINUX_ATOMIC, "Volatile", "relaxed", result=False
        )
        for suffix, order in _VARIANTS.items():
            full, doc = f"atomic_fetch_{name}{suffix}", f"atomic {name}; gives the old value"
            yield Word(full, "linux", name, given, False, doc, _LINUX_ATOMIC, "Volatile", order)


def _linux_io() -> Iterator[Word]:
    """MMIO accessors: the barrier stands before a write and behind a read."""
    write, read = _params("value place"), _params("place")
    for letter, width in {"b": 8, "w": 16, "l": 32, "q": 64}.items():
        names = [letter, f"io{width}"]
        for name in names:
            stem = f"iowrite{width}" if name != letter else f"write{letter}"
            doc = "MMIO write behind a barrier"
            yield Word(stem, "linux", "store", write, False, doc, _LINUX_IO, "MMIO", "relaxed", "dma_wmb", width)
            stem = f"ioread{width}" if name != letter else f"read{letter}"
            yield Word(stem, "linux", "load", read, False, "MMIO read before a barrier", _LINUX_IO, "MMIO", "relaxed",
                       "dma_rmb", width)  # fmt: skip
        doc = "MMIO access without a barrier"
        yield Word(
            f"write{letter}_relaxed", "linux", "store", write, False, doc, _LINUX_IO, "MMIO", "relaxed", "", width
        )
        yield Word(f"read{letter}_relaxed", "linux", "load", read, False, doc, _LINUX_IO, "MMIO", "relaxed", "", width)


def _per_cpu() -> Iterator[Word]:
    """Per-CPU memory. The CPU is that of the access itself, so no migration comes between."""
    place, both = _params("place"), _params("place value")
    yield Word("this_cpu_ptr", "linux", "this_cpu_ptr", place, False, OPERATIONS["this_cpu_ptr"], _PER_CPU)
    yield Word("per_cpu", "linux", "per_cpu", _params("place cpu"), False, OPERATIONS["per_cpu"], _PER_CPU)
    yield Word(
        "this_cpu_read", "linux", "load", place, False, "load of this CPU's copy", _PER_CPU, "Volatile", "relaxed"
    )
    yield Word(
        "this_cpu_write", "linux", "store", both, False, "store to this CPU's copy", _PER_CPU, "Volatile", "relaxed"
    )
    for name, args in {"inc": place, "dec": place, "add": both, "sub": both, "and": both, "or": both}.items():
        doc = f"{name} of this CPU's copy, whole for interrupts, no result"
        yield Word(f"this_cpu_{name}", "linux", name, args, False, doc, _PER_CPU, "Volatile", "local", result=False)
    for suffix, operation in {"fetch_add": "add", "fetch_sub": "sub", "xchg": "swap"}.items():
        doc = f"{operation} of this CPU's copy, whole for interrupts; gives the old value"
        yield Word(f"this_cpu_{suffix}", "linux", operation, both, False, doc, _PER_CPU, "Volatile", "local")


def _implicit() -> Iterator[Word]:
    """Operations that no word spells; a specification cannot call them."""
    place, both, source = _params("place"), _params("place value"), "docs/language.md"
    for name, access in {"plain": "Plain", "volatile": "Volatile", "atomic": "Atomic", "mmio": "Volatile"}.items():
        doc = f"bare access to `{'memory' if name == 'plain' else name}`"
        yield Word(f"{name}_load", "core", "load", place, False, doc, source, access, "relaxed")
        yield Word(f"{name}_store", "core", "store", both, False, doc, source, access, "relaxed")
    yield Word("latch_take", "core", "take", place, False, "x.take()", source, "Volatile", "acquire")
    yield Word("latch_raise", "core", "raise", place, False, "raise x: a device write", source, "Volatile", "relaxed")
    doc = "raise x, an interrupt: a device write, or a CPU's to a system register"
    yield Word("irq_raise", "core", "interrupt", place, False, doc, source, "Volatile", "relaxed")
    for name in ("irq_entry", "irq_return"):
        yield Word(
            name, "core", name, (), False, OPERATIONS[name], "docs/models-preemption.md", "Clobber", barrier=name
        )


def _table(*groups: Iterator[Word]) -> Mapping[str, Word]:
    table: dict[str, Word] = {}
    for group in groups:
        for word in group:
            if word.name in table:
                raise InternalError(f"two rows for the word '{word.name}'")
            table[word.name] = word
    return MappingProxyType(table)


METHODS: Mapping[str, Word] = _table(_methods())
"""The words behind a dot, ``x.load(acquire)``."""

WORDS: Mapping[str, Word] = _table(_fences(), _instructions(), _linux_accesses(), _linux_io(), _per_cpu())
"""The words that are called."""

IMPLICIT: Mapping[str, Word] = _table(_implicit())
"""What stands behind a bare access, a latch, a handler's ends; `realise` takes these names too."""


ORDER_PLATFORM: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "virtio_mb": ("mb",),
        "virtio_rmb": ("dma_rmb",),
        "virtio_wmb": ("dma_wmb",),
        "virtio_store_mb": ("WRITE_ONCE", "mb"),
    }
)
"""What Linux's words for virtqueues are where VIRTIO_F_ORDER_PLATFORM is negotiated (``weak_barriers`` is false)."""


def suggest(name: str, *, method: bool) -> str | None:
    """The word nearest to the unknown `name`, if any is near."""
    table = METHODS if method else WORDS
    near = get_close_matches(name, table, 1, 0.6)
    if not near:
        lower = {word.lower(): word for word in table}
        near = [lower[found] for found in get_close_matches(name.lower(), lower, 1, 0.6)]
    return near[0] if near else None


def realise(word: str, orders: tuple[str, ...], target: Target, *, method: bool = False) -> tuple[Piece, ...]:
    """What `word` becomes on `target`: fences and accesses in order; empty only for words without events.

    `orders` are the orders given in the text; for ``asm`` the text and perhaps ``memory``, for ``dmb`` and ``dsb`` the
    domain. Raises `InputError`, without a span, for an unknown word, orders that do not fit, and
    instructions that the target does not have.
    """
    row = METHODS.get(word) if method else WORDS.get(word) or IMPLICIT.get(word)
    if row is None:
        near = suggest(word, method=method)
        what = f"no access is called '{word}'" if method else f"unknown word '{word}'"
        raise fail("MM243", what + (f"; did you mean '{near}'?" if near else ""))
    message = check_orders(row, orders)
    if message is not None:
        raise fail("MM245", message)
    instructions = target.architecture
    if row.access == "":
        return ()
    if row.operation.startswith("irq_") or row.operation == "migrate":
        return switch_of(row, instructions)
    if row.operation != "fence":
        return access_of(row, orders, instructions)
    if row.barrier or row.access in ("Fence", "CompilerFence"):
        return fence_of(row, orders, instructions)
    if row.name == "asm":
        text, source = orders[0], frozenset({"Clobber" if len(orders) == 2 else "Asm"})
    else:
        text, source = " ".join([row.name, *orders]), CLOBBER
    found = assemble(text, source, instructions)
    if isinstance(found, str):
        raise _refused(found, instructions)
    return found


def _refused(text: str, target: Architecture) -> InputError:
    """The error for an instruction that `target` does not have."""
    for other in ARCHITECTURES.values():
        if other.tags and other().parse(text) is not None:
            advice = f"write 'on {other.name} {{ … }}' around it"
            return fail("MM244", f"'{text}' does not exist on {target.name}", help=advice)
    known = [one for other in ARCHITECTURES.values() for one in other.spelled]
    near = [one for one in get_close_matches(text, known, 1, 0.6) if target.parse(one) is not None]
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return fail("MM246", f"'{text}' is no instruction that mmcheck knows{hint}")
