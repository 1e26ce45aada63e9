"""What each word becomes: the tables of words and instructions, written out."""

from __future__ import annotations

from typing import get_args

import pytest

from mmcheck.base.codes import CODES
from mmcheck.base.errors import InputError
from mmcheck.target.orders import FENCE_ORDERS, LOAD_ORDERS, ORDERS, STORE_ORDERS
from mmcheck.target.pieces import AccessPiece, FencePiece, Piece
from mmcheck.target.tags import ACCESS_KINDS, SOURCE_TAGS
from mmcheck.target.targets import hardware_tags, parse_target
from mmcheck.target.words import IMPLICIT, METHODS, OPERATIONS, WORDS, Role, Word, check_orders, realise, suggest, usage

ARM, LSE, RCPC, X86, SC = "armv8", "armv8+lse", "armv8+rcpc", "x86-tso", "sc"
TARGETS = (ARM, LSE, RCPC, "armv8+lse+rcpc", X86, "x86-tso+no-irq-fence", SC, "some.cat", "some.cat+armv8")


def become(text: str, target: str) -> tuple[Piece, ...]:
    """``.store release`` on `target`; ``asm`` takes the rest of the text."""
    word, *orders = text.split()
    return realise(word.removeprefix("."), tuple(orders), parse_target(target), method=word.startswith("."))


def hardware(piece: Piece) -> str:
    """Text and hardware tags of a piece: ``dmb ish {DMB.ISH}``, ``swpal R{A X} W{L X}``."""

    def shown(tags: frozenset[str]) -> str:
        return "{" + " ".join(sorted(tags & hardware_tags().keys())) + "}"

    if isinstance(piece, FencePiece):
        return f"{piece.text} {shown(piece.tags)}"
    parts = [piece.text]
    if piece.kind != "store":
        parts.append("R" + shown(piece.read_tags))
    if piece.kind != "load":
        parts.append("W" + shown(piece.write_tags))
    if piece.fail_tags:
        parts.append("fail" + shown(piece.fail_tags))
    return " ".join(parts)


NOTHING = "compiler barrier {}"
LINUX = {
    # Linux: word -> (armv8, x86-tso)
    "virtio_mb": ("dmb ish {DMB.ISH}", "lock; addl $0,-4(%rsp) {MFENCE}"),
    "virtio_rmb": ("dmb ishld {DMB.ISHLD}", NOTHING),
    "virtio_wmb": ("dmb ishst {DMB.ISHST}", NOTHING),
    "virt_mb": ("dmb ish {DMB.ISH}", "lock; addl $0,-4(%rsp) {MFENCE}"),
    "virt_rmb": ("dmb ishld {DMB.ISHLD}", NOTHING),
    "virt_wmb": ("dmb ishst {DMB.ISHST}", NOTHING),
    "smp_mb": ("dmb ish {DMB.ISH}", "lock; addl $0,-4(%rsp) {MFENCE}"),
    "smp_rmb": ("dmb ishld {DMB.ISHLD}", NOTHING),
    "smp_wmb": ("dmb ishst {DMB.ISHST}", NOTHING),
    "mb": ("dsb sy {DSB.SY}", "mfence {MFENCE}"),
    "rmb": ("dsb ld {DSB.LD}", "lfence {LFENCE}"),
    "wmb": ("dsb st {DSB.ST}", "sfence {SFENCE}"),
    "dma_mb": ("dmb osh {DMB.OSH}", "mfence {MFENCE}"),
    "dma_rmb": ("dmb oshld {DMB.OSHLD}", NOTHING),
    "dma_wmb": ("dmb oshst {DMB.OSHST}", NOTHING),
    "barrier": (NOTHING, NOTHING),
    "virtio_store_mb": ("str W{}; dmb ish {DMB.ISH}", "xchg R{X} W{X}"),
    "virt_store_mb": ("str W{}; dmb ish {DMB.ISH}", "xchg R{X} W{X}"),
    "smp_store_mb": ("str W{}; dmb ish {DMB.ISH}", "xchg R{X} W{X}"),
    "smp_store_release": ("stlr W{L}", "mov W{}"),
    "smp_load_acquire": ("ldar R{A}", "mov R{}"),
    "READ_ONCE": ("ldr R{}", "mov R{}"),
    "WRITE_ONCE": ("str W{}", "mov W{}"),
    "writel": ("dmb oshst {DMB.OSHST}; str W{}", f"{NOTHING}; mov W{{}}"),
    "iowrite16": ("dmb oshst {DMB.OSHST}; str W{}", f"{NOTHING}; mov W{{}}"),
    "readl": ("ldr R{}; dmb oshld {DMB.OSHLD}", f"mov R{{}}; {NOTHING}"),
    "ioread32": ("ldr R{}; dmb oshld {DMB.OSHLD}", f"mov R{{}}; {NOTHING}"),
    "writel_relaxed": ("str W{}", "mov W{}"),
    "readw_relaxed": ("ldr R{}", "mov R{}"),
    # other projects
    "MemoryFence": ("dmb sy {DMB.SY}", NOTHING),
    "KeMemoryBarrier": ("dmb ish {DMB.ISH}", "lock; addl $0,-4(%rsp) {MFENCE}"),
    "virtio_membar_producer": ("dmb st {DMB.ST}", NOTHING),
    "virtio_membar_consumer": ("dmb ld {DMB.LD}", NOTHING),
    "virtio_membar_sync": ("dmb sy {DMB.SY}", "mfence {MFENCE}"),
}
RUST = {
    # Rust and C11
    "plain_load": ("ldr R{}", "mov R{}"),
    "plain_store": ("str W{}", "mov W{}"),
    "volatile_load": ("ldr R{}", "mov R{}"),
    "volatile_store": ("str W{}", "mov W{}"),
    "atomic_load": ("ldr R{}", "mov R{}"),
    "atomic_store": ("str W{}", "mov W{}"),
    "mmio_load": ("ldr R{}", "mov R{}"),
    "mmio_store": ("str W{}", "mov W{}"),
    ".read_volatile": ("ldr R{}", "mov R{}"),
    ".write_volatile": ("str W{}", "mov W{}"),
    ".load relaxed": ("ldr R{}", "mov R{}"),
    ".store relaxed": ("str W{}", "mov W{}"),
    ".load acquire": ("ldar R{A}", "mov R{}"),
    ".load seq_cst": ("ldar R{A}", "mov R{}"),
    ".store release": ("stlr W{L}", "mov W{}"),
    ".store seq_cst": ("stlr W{L}", "xchg R{X} W{X}"),
    "fence acquire": ("dmb ishld {DMB.ISHLD}", NOTHING),
    "fence release": ("dmb ish {DMB.ISH}", NOTHING),
    "fence acq_rel": ("dmb ish {DMB.ISH}", NOTHING),
    "fence seq_cst": ("dmb ish {DMB.ISH}", "mfence {MFENCE}"),
    "atomic_thread_fence memory_order_release": ("dmb ish {DMB.ISH}", NOTHING),
    "__sync_synchronize": ("dmb ish {DMB.ISH}", "mfence {MFENCE}"),
    "compiler_fence seq_cst": (NOTHING, NOTHING),
    "atomic_signal_fence memory_order_seq_cst": (NOTHING, NOTHING),
    ".swap relaxed": ("ldxr; stxr R{X} W{X}", "xchg R{X} W{X}"),
    ".swap acquire": ("ldaxr; stxr R{A X} W{X}", "xchg R{X} W{X}"),
    ".swap release": ("ldxr; stlxr R{X} W{L X}", "xchg R{X} W{X}"),
    ".swap acq_rel": ("ldaxr; stlxr R{A X} W{L X}", "xchg R{X} W{X}"),
    ".fetch_add seq_cst": ("ldaxr; stlxr R{A X} W{L X}", "lock xadd R{X} W{X}"),
    ".fetch_or relaxed": ("ldxr; stxr R{X} W{X}", "lock cmpxchg R{X} W{X}"),
}


@pytest.mark.parametrize("text", [*LINUX, *RUST])
def test_tables_of_instructions(text: str) -> None:
    arm, x86 = (LINUX | RUST)[text]
    assert "; ".join(map(hardware, become(text, ARM))) == arm
    assert "; ".join(map(hardware, become(text, X86))) == x86


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (".swap relaxed", "swp R{X} W{X}"),
        (".fetch_add acquire", "ldadda R{A X} W{X}"),
        (".fetch_add release", "ldaddl R{X} W{L X}"),
        (".fetch_add acq_rel", "ldaddal R{A X} W{L X}"),
        (".swap seq_cst", "swpal R{A X} W{L X}"),
        (".fetch_and relaxed", "ldclr R{X} W{X}"),
        (".compare_exchange acq_rel acquire", "casal R{A X} W{L X} fail{A X}"),
        ("xchg", "swpal R{A X} W{L X}"),
        ("cmpxchg", "casal R{A X} W{L X} fail{A X}"),
        ("cmpxchg_relaxed", "cas R{X} W{X} fail{X}"),
        ("atomic_inc", "stadd R{NoRet X} W{X}"),
        ("atomic_fetch_add_relaxed", "ldadd R{X} W{X}"),
        ("this_cpu_inc", "stadd R{NoRet X} W{X}"),
    ],
)
def test_lse_is_one_instruction(text: str, expected: str) -> None:
    [piece] = become(text, LSE)
    assert hardware(piece) == expected
    assert isinstance(piece, AccessPiece)
    assert not piece.exclusive


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (".load acquire", "ldapr R{Q}"),
        (".load seq_cst", "ldar R{A}"),
        (".load relaxed", "ldr R{}"),
        (".swap acquire", "ldaxr; stxr R{A X} W{X}"),
        ("smp_load_acquire", "ldar R{A}"),
    ],
)
def test_rcpc_changes_acquire_loads_of_the_compiler_only(text: str, expected: str) -> None:
    assert [hardware(piece) for piece in become(text, RCPC)] == [expected]


@pytest.mark.parametrize(
    ("success", "failure", "exclusives", "lse"),
    [
        # Measured: clang 22.1.8, -mcpu=generic and generic+lse.
        ("relaxed", "relaxed", "ldxr; stxr", "cas"),
        ("acquire", "relaxed", "ldaxr; stxr", "casa"),
        ("release", "relaxed", "ldxr; stlxr", "casl"),
        ("release", "acquire", "ldaxr; stlxr", "casal"),
        ("acq_rel", "relaxed", "ldaxr; stlxr", "casal"),
        ("acq_rel", "acquire", "ldaxr; stlxr", "casal"),
        ("seq_cst", "relaxed", "ldaxr; stlxr", "casal"),
        ("seq_cst", "seq_cst", "ldaxr; stlxr", "casal"),
        ("relaxed", "acquire", "ldaxr; stxr", "casa"),
        ("relaxed", "seq_cst", "ldaxr; stlxr", "casal"),
        ("acquire", "seq_cst", "ldaxr; stlxr", "casal"),
        ("release", "seq_cst", "ldaxr; stlxr", "casal"),
    ],
)
@pytest.mark.parametrize("word", ["compare_exchange", "compare_exchange_weak"])
def test_one_instruction_serves_success_and_failure(
    word: str, success: str, failure: str, exclusives: str, lse: str
) -> None:
    for target, text in ((ARM, exclusives), (LSE, lse)):
        [piece] = become(f".{word} {success} {failure}", target)
        assert isinstance(piece, AccessPiece)
        assert piece.text == text
        assert ("A" in piece.fail_tags) == ("A" in piece.read_tags)
        assert "L" not in piece.fail_tags
        assert ("Acquire" in piece.fail_tags) == (failure != "relaxed")
    [locked] = become(f".{word} {success} {failure}", X86)
    assert hardware(locked) == "lock cmpxchg R{X} W{X} fail{X}"


def test_a_fully_ordered_linux_atomic_is_a_loop_and_a_dmb() -> None:
    assert [hardware(piece) for piece in become("xchg", ARM)] == ["ldxr; stlxr R{X} W{L X}", "dmb ish {DMB.ISH}"]
    access, fence = become("cmpxchg", ARM)
    assert hardware(access) == "ldxr; stlxr R{X} W{L X} fail{X}"
    assert isinstance(fence, FencePiece)
    assert fence.when == "success"
    assert all(isinstance(p, AccessPiece) or p.when == "always" for p in become("xchg", ARM))


def test_per_cpu_operations_are_not_locked_on_x86() -> None:
    assert hardware(become("this_cpu_inc", X86)[0]) == "inc %gs: R{Unlocked} W{Unlocked}"
    assert hardware(become("this_cpu_fetch_sub", X86)[0]) == "xadd %gs: R{Unlocked} W{Unlocked}"
    assert hardware(become("this_cpu_xchg", X86)[0]) == "cmpxchg %gs: R{Unlocked} W{Unlocked}"
    assert hardware(become("this_cpu_xchg", ARM)[0]) == "ldxr; stxr R{X} W{X}"


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("plain_load", "Plain"),
        ("plain_store", "Plain"),
        ("atomic_store", "Atomic"),
        ("mmio_store", "Volatile"),
        (".read_volatile", "Volatile"),
        (".load relaxed", "Atomic"),
        (".load acquire", "Acquire Atomic"),
        (".load seq_cst", "Acquire Atomic SeqCst"),
        (".store release", "Atomic Release"),
        (".store seq_cst", "Atomic Release SeqCst"),
        ("smp_load_acquire", "Acquire Volatile"),
        ("smp_store_release", "Release Volatile"),
        ("writel_relaxed", "MMIO"),
        ("fence acquire", "AcqFence Fence"),
        ("fence release", "Fence RelFence"),
        ("fence acq_rel", "AcqFence Fence RelFence"),
        ("fence seq_cst", "AcqFence Fence RelFence ScFence"),
        ("compiler_fence release", "CompilerFence RelFence"),
        ("compiler_fence seq_cst", "AcqFence CompilerFence RelFence ScFence"),
        ("smp_wmb", "Clobber"),
        ("barrier", "Clobber"),
        ("irq_disable", "Clobber IrqOff"),
        ("irq_enable", "Clobber IrqOn"),
        ("irq_save", "Clobber IrqNest IrqOff"),
        ("irq_restore", "Clobber IrqNest IrqOn"),
    ],
)
def test_source_tags_are_the_same_everywhere(text: str, tags: str) -> None:
    for target in TARGETS:
        [piece] = become(text, target)
        if isinstance(piece, FencePiece):
            found = piece.tags
        else:
            found = piece.write_tags or piece.read_tags
        assert " ".join(sorted(found & SOURCE_TAGS.keys())) == tags


def test_halves_of_a_read_modify_write_carry_their_own_order() -> None:
    [piece] = become(".swap seq_cst", SC)
    assert isinstance(piece, AccessPiece)
    assert piece.read_tags == {"X", "Atomic", "Acquire", "SeqCst"}
    assert piece.write_tags == {"X", "Atomic", "Release", "SeqCst"}
    [piece] = become("xchg", LSE)
    assert isinstance(piece, AccessPiece)
    assert "Clobber" in piece.read_tags & piece.write_tags


# --- inline assembly and single instructions --------------------------------------------------------------


def asm(text: str, target: str, *clobber: str) -> list[str]:
    pieces = realise("asm", (text, *clobber), parse_target(target))
    return [f"{piece.text} {' '.join(sorted(piece.tags))}" for piece in pieces if isinstance(piece, FencePiece)]


def test_asm() -> None:
    assert asm("dmb ish", ARM, "memory") == ["dmb ish Clobber DMB.ISH"]
    assert asm(" DMB  ISH ", ARM) == ["dmb ish Asm DMB.ISH"]
    assert asm("dsb sy; isb", ARM, "memory") == ["dsb sy Clobber DSB.SY", "isb Clobber ISB"]
    assert asm("msr daifset, #2", ARM) == ["msr daifset, #2 Asm IrqOff"]
    assert asm("cli", X86) == ["cli Asm IrqOff"]
    assert asm("sti", X86, "memory") == ["sti Clobber IrqOn"]
    assert asm("lock; addl $0,-4(%rsp)", X86, "memory") == ["lock; addl $0,-4(%rsp) Clobber MFENCE"]
    assert asm("lock or dword ptr [rsp], 0", X86) == ["lock; or dword ptr [rsp], 0 Asm MFENCE"]
    assert asm("", ARM, "memory") == ["compiler barrier Clobber"]
    assert asm("", X86) == ["no instruction Asm"]
    assert asm("dmb ish", SC, "memory") == ["dmb ish Clobber"]


def refused(word: str, orders: tuple[str, ...], target: str, *, method: bool = False) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        realise(word, orders, parse_target(target), method=method)
    [diagnostic] = caught.value.diagnostics
    assert diagnostic.code in CODES
    return diagnostic.code, diagnostic.message


def test_what_a_target_does_not_have_is_an_error() -> None:
    assert refused("mfence", (), ARM) == ("MM244", "'mfence' does not exist on armv8")
    assert refused("dmb", ("ish",), X86) == ("MM244", "'dmb ish' does not exist on x86-tso")
    assert refused("asm", ("cli",), ARM) == ("MM244", "'cli' does not exist on armv8")
    assert refused("asm", ("dmb isch",), ARM) == (
        "MM246",
        "'dmb isch' is no instruction that mmcheck knows; did you mean 'dmb ish'?",
    )
    assert refused("asm", ("mov eax, [rbx]", "memory"), X86)[0] == "MM246"
    assert refused("fense", ("release",), ARM) == ("MM243", "unknown word 'fense'; did you mean 'fence'?")
    assert refused("plain_read", (), ARM)[0] == "MM243"
    assert refused("sotre", ("release",), ARM, method=True)[1] == "no access is called 'sotre'; did you mean 'store'?"
    assert refused("load", ("release",), ARM, method=True)[0] == "MM245"


def test_irq_entry_and_return() -> None:
    assert hardware(become("irq_entry", ARM)[0]) == "interrupt entry {ISB}"
    assert hardware(become("irq_return", X86)[0]) == "interrupt return {MFENCE}"
    assert hardware(become("irq_return", "x86-tso+no-irq-fence")[0]) == "interrupt return {}"


# --- the table as a whole -------------------------------------------------------------------------------

EVERY = [
    (word, method) for method, table in ((False, WORDS), (True, METHODS), (False, IMPLICIT)) for word in table.values()
]


def samples(word: Word) -> list[tuple[str, ...]]:
    """Every valid choice of orders for `word`."""
    match [role for role in word.roles() if role in ("order", "fail_order", "domain", "text")]:
        case ["order"]:
            allowed = {"load": LOAD_ORDERS, "store": STORE_ORDERS, "fence": FENCE_ORDERS}.get(word.operation, ORDERS)
            return [(order,) for order in allowed]
        case ["order", "fail_order"]:
            return [(order, failure) for order in ORDERS for failure in LOAD_ORDERS]
        case ["domain"]:
            return [("ish",), ("st",), ("OSHLD",)]
        case ["text"]:
            return [("dmb ish",), ("mfence", "memory"), ("", "memory"), ("cli",)]
    return [()]


@pytest.mark.parametrize("target", TARGETS)
def test_every_word_on_every_target(target: str) -> None:
    parsed = parse_target(target)
    machine = parsed.architecture.tags or hardware_tags()
    for word, method in EVERY:
        for orders in samples(word):
            try:
                pieces = realise(word.name, orders, parsed, method=method)
            except InputError as error:
                assert {d.code for d in error.diagnostics} == {"MM244"}, word.name
                assert word.family in ("arm", "x86") or word.name == "asm"
                continue
            assert pieces or word.access == ""
            for piece in pieces:
                check_piece(piece, word, frozenset(machine))


def check_piece(piece: Piece, word: Word, machine: frozenset[str]) -> None:
    if isinstance(piece, FencePiece):
        assert piece.tags & {"Fence", "CompilerFence", "Clobber", "Asm"}, word.name
        assert piece.tags <= machine | SOURCE_TAGS.keys()
        assert piece.text
        return
    assert piece.text
    present = {"load": 1, "store": 2, "rmw": 3}[piece.kind]
    assert (bool(piece.read_tags), bool(piece.write_tags)) == (present != 2, present != 1)
    assert bool(piece.fail_tags) == (word.operation in ("cas", "cas_weak", "take"))
    for tags in (piece.read_tags, piece.write_tags, piece.fail_tags):
        assert tags <= machine | SOURCE_TAGS.keys()
        assert not tags or len(tags & ACCESS_KINDS) == 1, word.name
    assert "Release" not in piece.read_tags | piece.fail_tags
    assert "Acquire" not in piece.write_tags


def test_rows_are_well_formed() -> None:
    for word, method in EVERY:
        assert word.operation in OPERATIONS, word.name
        assert set(word.roles()) <= set(get_args(Role)), word.name
        assert word.receiver == method
        assert word.doc
        assert word.source
        places = word.roles().count("place") + word.receiver
        assert places == (word.access in ACCESS_KINDS or word.operation in ("this_cpu_ptr", "per_cpu")), word.name
        assert usage(word).startswith(f"{word.name}(")


def test_sources_and_widths() -> None:
    assert {name: WORDS[name].width for name in ("writeb", "writew", "writel", "writeq", "iowrite16", "ioread8")} == {
        "writeb": 8, "writew": 16, "writel": 32, "writeq": 64, "iowrite16": 16, "ioread8": 8,
    }  # fmt: skip
    assert [param.role for param in WORDS["writel"].params] == ["value", "place"]
    assert [param.role for param in WORDS["WRITE_ONCE"].params] == ["place", "value"]
    assert [param.optional for param in WORDS["asm"].params] == [False, True]


@pytest.mark.parametrize(
    ("word", "method", "near"),
    [
        ("fense", False, "fence"),
        ("smb_wmb", False, "smp_wmb"),
        ("sotre", True, "store"),
        ("read_once", False, "READ_ONCE"),
        ("zzzz", False, None),
        ("plain_load", False, None),
    ],
)
def test_suggestions(word: str, method: bool, near: str | None) -> None:
    assert suggest(word, method=method) == near


# --- messages of language.md, section 6 -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fence aquire", "'aquire' is no order; did you mean 'acquire'?"),
        (".load release", "a load cannot be 'release' — for a load: relaxed, acquire, seq_cst"),
        (".store acquire", "a store cannot be 'acquire' — for a store: relaxed, release, seq_cst"),
        (".load", "'load' needs an order: relaxed, acquire or seq_cst"),
        (".store", "'store' needs a value and an order: store(1, release)"),
        ("fence", "'fence' needs an order: acquire, release, acq_rel or seq_cst"),
        ("fence relaxed", "a relaxed fence orders nothing — write 'nothing' where no barrier stands"),
        ("compiler_fence Relaxed", "a relaxed fence orders nothing — write 'nothing' where no barrier stands"),
        (".store Ordering::AcqRel", "a store cannot be 'acq_rel' — for a store: relaxed, release, seq_cst"),
        (".swap", "'swap' needs a value and an order: swap(1, acq_rel)"),
        (".fetch_add", "'fetch_add' needs a value and an order: fetch_add(1, relaxed)"),
        (
            ".compare_exchange acq_rel",
            "'compare_exchange' needs two values and two orders: compare_exchange(0, 1, acq_rel, acquire)",
        ),
        (
            ".compare_exchange acq_rel release",
            "the failure order of 'compare_exchange' cannot be 'release' — for a failure: relaxed, acquire, seq_cst",
        ),
        ("smp_mb release", "'smp_mb' takes no order: smp_mb()"),
        ("dmb", "'dmb' needs one domain: dmb(ish)"),
        ("dmb isch", "'isch' is no domain of 'dmb'; did you mean 'ish'?"),
        ("fence xyzzy", "'xyzzy' is no order — orders are relaxed, acquire, release, acq_rel or seq_cst"),
        (".load Ordering::SeqCst", None),
        ("fence memory_order_acq_rel", None),
        ("dsb st", None),
    ],
)
def test_check_orders(text: str, message: str | None) -> None:
    name, *orders = text.split()
    word = METHODS[name[1:]] if name.startswith(".") else WORDS[name]
    assert check_orders(word, tuple(orders)) == message


def test_asm_takes_a_text_and_perhaps_memory() -> None:
    assert check_orders(WORDS["asm"], ("cli",)) is None
    assert check_orders(WORDS["asm"], ("cli", "memory")) is None
    assert "no clobber" in (check_orders(WORDS["asm"], ("cli", "cc")) or "")
    assert "needs a text" in (check_orders(WORDS["asm"], ()) or "")
