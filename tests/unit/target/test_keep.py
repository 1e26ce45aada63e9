"""The compiler layer's table (docs/compiler.md), row by row, and the small programs of 1.4 and of
two-thread programs from words to verdicts."""

from __future__ import annotations

import random

import pytest

from mmcheck.model.defects import DEFECTS
from tests.unit.target.two_threads import Step, allowed, closed, kept, kept_pairs, layer

P_LOAD, P_STORE = ("plain_load", "b", 0), ("plain_store", "b", 1)
ROWS: list[tuple[str, Step, Step, bool, bool]] = [
    # row, e, f, kept in observed, kept in language
    ("same location, a write", ("plain_load", "a", 0), ("plain_store", "a", 1), True, True),
    ("same location, a write", ("plain_store", "a", 1), (".load relaxed", "a", 1), True, True),
    ("same location, a plain read", ("plain_load", "a", 0), (".read_volatile", "a", 0), False, False),
    ("same location, a plain read", (".read_volatile", "a", 0), ("plain_load", "a", 0), False, False),
    ("same location, two reads of S", (".load relaxed", "a", 0), (".load relaxed", "a", 0), True, True),
    ("same location, two reads of S", (".load relaxed", "a", 0), (".read_volatile", "a", 0), True, True),
    ("S, S", (".load relaxed", "a", 0), (".load relaxed", "b", 0), True, False),
    ("S, S", (".store release", "a", 1), (".load acquire", "b", 0), True, False),
    ("S, S volatile", (".write_volatile", "a", 1), (".read_volatile", "b", 0), True, True),
    ("S, S volatile", ("writel_relaxed", "a", 1), (".write_volatile", "b", 1), True, True),
    ("S, S seq_cst", (".store seq_cst", "a", 1), (".load seq_cst", "b", 0), True, True),
    ("S, S e acquire", (".load acquire", "a", 0), (".load relaxed", "b", 0), True, True),
    ("S, S f release", (".load relaxed", "a", 0), (".store release", "b", 1), True, True),
    ("S, S asm", ("asm nop",), (".write_volatile", "a", 1), True, True),
    ("S, S asm and atomic", ("asm nop",), (".store relaxed", "a", 1), True, False),
    ("plain, plain", ("plain_load", "a", 0), P_STORE, False, False),
    ("acquire first", (".load acquire", "a", 0), P_LOAD, True, True),
    ("acquire first", (".load seq_cst", "a", 0), P_STORE, True, True),
    ("acquire first", ("smp_load_acquire", "a", 0), P_STORE, True, True),
    ("release second", P_LOAD, (".store release", "a", 1), True, True),
    ("release second", P_STORE, (".store seq_cst", "a", 1), True, True),
    ("release second", P_STORE, ("smp_store_release", "a", 1), True, True),
    ("plain, volatile", P_STORE, (".write_volatile", "a", 1), False, False),
    ("volatile, plain", ("READ_ONCE", "a", 0), P_LOAD, False, False),
    ("plain, relaxed", P_STORE, (".store relaxed", "a", 1), False, False),
    ("relaxed, plain", (".load relaxed", "a", 0), P_LOAD, False, False),
    ("release, plain", (".store release", "a", 1), P_LOAD, False, False),
    ("seq_cst store, plain", (".store seq_cst", "a", 1), P_STORE, False, False),
    ("plain, acquire load", P_STORE, (".load acquire", "a", 0), False, False),
    ("M, F(rel)", P_LOAD, ("fence release",), True, True),
    ("M, CF(rel)", P_STORE, ("compiler_fence release",), True, True),
    ("F(rel), W", ("fence release",), (".store relaxed", "a", 1), True, True),
    ("F(rel), plain W", ("fence release",), P_STORE, True, False),
    ("CF(rel), W", ("compiler_fence release",), (".write_volatile", "a", 1), True, True),
    ("F(rel), plain R", ("fence release",), P_LOAD, False, False),
    ("F(rel), R of S", ("fence release",), (".read_volatile", "a", 0), True, False),
    ("R, F(acq)", (".load relaxed", "a", 0), ("fence acquire",), True, True),
    ("plain R, F(acq)", P_LOAD, ("fence acquire",), True, False),
    ("R, CF(acq)", (".read_volatile", "a", 0), ("compiler_fence acquire",), True, True),
    ("F(acq), M", ("fence acquire",), P_LOAD, True, True),
    ("F(acq), M", ("compiler_fence acquire",), P_STORE, True, True),
    ("plain W, F(acq)", P_STORE, ("fence acquire",), False, False),
    ("seq_cst W, F(acq)", (".store seq_cst", "a", 1), ("fence acquire",), True, False),
    ("M, F(acq_rel)", P_STORE, ("fence acq_rel",), True, True),
    ("F(acq_rel), M", ("fence acq_rel",), P_LOAD, True, True),
    ("M, CF(sc)", P_STORE, ("compiler_fence seq_cst",), True, True),
    ("CF(sc), M", ("compiler_fence seq_cst",), P_LOAD, True, True),
    ("fence, fence", ("fence acquire",), ("fence release",), True, True),
    ("clobber", P_STORE, ("barrier",), True, True),
    ("clobber", ("smp_wmb",), P_LOAD, True, True),
    ("clobber", ("irq_disable",), P_LOAD, True, True),
    ("clobber", ("fence release",), ("smp_rmb",), True, True),
    ("asm without clobber", P_STORE, ("asm nop",), False, False),
    ("asm without clobber", ("asm nop",), P_LOAD, False, False),
    ("asm without clobber, fence", ("asm nop",), ("compiler_fence seq_cst",), False, False),
    ("asm without clobber, fence", ("fence acq_rel",), ("asm nop",), False, False),
    ("asm without clobber, barrier", ("asm nop",), ("barrier",), True, True),
    ("accessor, plain", ("writel_relaxed", "a", 1), P_STORE, False, False),
]


@pytest.mark.parametrize(("row", "first", "second", "observed", "language"), ROWS)
def test_rows_of_the_table(row: str, first: Step, second: Step, observed: bool, language: bool) -> None:
    for target in ("armv8", "x86-tso"):
        assert kept(first, second, target, "observed") == {observed}, target
        assert kept(first, second, target, "language") == {language}, target


ADD: Step = (".fetch_add relaxed", "a", 1)
GCC_ROWS: list[tuple[str, Step, Step]] = [
    ("plain, relaxed read-modify-write", P_LOAD, ADD),
    ("plain, relaxed read-modify-write", P_STORE, ADD),
    ("relaxed read-modify-write, plain", ADD, P_LOAD),
    ("relaxed read-modify-write, plain", ADD, P_STORE),
    ("F(rel), plain R", ("fence release",), P_LOAD),
    ("CF(rel), plain R", ("compiler_fence release",), P_LOAD),
    ("asm without clobber, fence", ("asm nop",), ("compiler_fence seq_cst",)),
    ("asm without clobber, fence", ("fence acq_rel",), ("asm nop",)),
]


@pytest.mark.parametrize(("row", "first", "second"), GCC_ROWS)
def test_rows_that_gcc_keeps_and_llvm_does_not(row: str, first: Step, second: Step) -> None:
    for target in ("armv8", "armv8+lse", "x86-tso"):
        assert kept(first, second, target, "gcc") == {True}, target
        for profile in ("observed", "llvm", "language"):
            assert kept(first, second, target, profile) == {False}, (target, profile)


@pytest.mark.parametrize("word", ["this_cpu_inc", ".store seq_cst", ".load relaxed", ".store relaxed"])
def test_what_is_no_read_modify_write_of_the_language_is_no_barrier_for_gcc(word: str) -> None:
    assert kept((word, "a", 1), P_LOAD, "x86-tso", "gcc") == {False}


@pytest.mark.parametrize("target", ["armv8", "armv8+lse", "x86-tso"])
@pytest.mark.parametrize("profile", ["observed", "language"])
def test_a_read_modify_write_is_one_thing(target: str, profile: str) -> None:
    plain: Step = ("plain_load", "b", 0)
    for order, behind, ahead in (
        ("relaxed", False, False),
        ("acquire", True, False),
        ("release", False, True),
        ("seq_cst", True, True),
    ):
        swap: Step = (f".swap {order}", "a", 1)
        assert kept(swap, plain, target, profile) == {behind}
        assert kept(plain, swap, target, profile) == {ahead}
    same: Step = ("plain_load", "a", 0)
    assert kept(same, (".swap relaxed", "a", 1), target, profile) == {True}


def test_accessors_carry_their_barrier() -> None:
    # Events: for writel the barrier and the store, for readl the load and the barrier.
    assert kept_pairs([P_STORE, ("writel", "a", 1)], "x86-tso", "observed") == {(0, 1), (1, 2)}
    assert kept_pairs([("writel", "a", 1), P_STORE], "x86-tso", "observed") == {(0, 1), (0, 2)}
    assert {(0, 1), (1, 2)} <= kept_pairs([("readl", "a", 0), P_STORE], "x86-tso", "observed")


def test_profiles_keep_more_and_more() -> None:
    choice = random.Random(7)
    pool = [first for _, first, *_ in ROWS] + [second for _, _, second, *_ in ROWS]
    pool += [(".swap acq_rel", "a", 1), ("cmpxchg", "a", 1), ("this_cpu_inc", "b", 1), ("irq_enable",), ADD]
    pool += [(word, f"ring.{n}", 1) for n in (0, 1) for word in ("plain_load", "plain_store", ".load acquire")]
    for _ in range(300):
        steps = [choice.choice(pool) for _ in range(5)]
        for target in ("armv8", "armv8+lse", "x86-tso"):
            profiles = ("language", "observed", "gcc")
            language, observed, gcc = (kept_pairs(steps, target, profile) for profile in profiles)
            assert language <= observed <= gcc
            for defect in DEFECTS:  # what a defect loses, its compiler does not keep either
                observed_order = closed(steps, target, "observed")
                assert closed(steps, target, "llvm") <= closed(steps, target, defect) <= observed_order


def test_what_goes_to_one_place_stays_in_order_whatever_the_defects() -> None:
    for first, middle, second in (
        (("plain_store", "ring.1", 1), (".read_volatile", "ring.0", 0), ("plain_store", "ring.0", 1)),
        (("plain_load", "ring.1", 1), (".store release", "ring.0", 1), ("plain_load", "ring.0", 1)),
        (("plain_load", "ring.1", 1), (".store release", "ring.1", 1), ("plain_load", "ring.0", 1)),
    ):
        near = (1, 2) if first[1] != middle[1] else (0, 1)
        for profile in ("observed", *DEFECTS, "llvm"):
            assert near in closed([first, middle, second], "armv8", profile), (middle, profile)


# --- known defects --------------------------------------------------------------------------------------

X_P, Y_P = ("plain_load", "x", 0), ("plain_load", "y", 0)
RING_0, RING_1, RING_3 = (("plain_load", f"ring.{n}", 0) for n in (0, 1, 3))
SET_0, SET_1 = (("plain_store", f"ring.{n}", 1) for n in (0, 1))
BARRIER: Step = ("barrier",)
LOST: list[tuple[str, list[Step], bool, bool]] = [
    # defect, a thread whose first access no longer stays before its last, on armv8, on x86-tso
    ("sunk-load", [X_P, ("fence acquire",), Y_P], False, True),
    ("sunk-load", [X_P, ("fence acq_rel",), Y_P], False, True),
    ("sunk-load", [X_P, ("fence seq_cst",), Y_P], False, True),
    ("sunk-load", [X_P, ("compiler_fence acquire",), Y_P], True, True),
    ("sunk-load", [X_P, ("compiler_fence seq_cst",), Y_P], True, True),
    ("sunk-load", [X_P, ("compiler_fence seq_cst",), ("plain_store", "y", 1)], True, True),
    ("sunk-load", [X_P, ("compiler_fence release",), (".write_volatile", "y", 1)], False, False),
    ("sunk-load", [X_P, ("compiler_fence seq_cst",), (".read_volatile", "y", 1)], False, False),
    ("sunk-load", [X_P, ("fence acquire",), (".load relaxed", "y", 1)], False, False),
    ("sunk-load", [X_P, BARRIER, Y_P], False, False),
    ("sunk-load", [("plain_store", "x", 1), ("compiler_fence seq_cst",), Y_P], False, False),
    ("sunk-load", [(".read_volatile", "x", 1), ("compiler_fence seq_cst",), Y_P], False, False),
    ("load-pair", [RING_1, (".load acquire", "z", 1), ("fence seq_cst",), RING_0], False, False),
    ("load-pair", [RING_0, ("fence acquire",), RING_1], False, False),
    ("load-pair", [RING_0, BARRIER, RING_1], False, False),
    ("load-pair", [RING_0, ("compiler_fence acq_rel",), RING_1], True, False),
    ("store-pair", [SET_0, ("compiler_fence acq_rel",), SET_1], True, False),
    ("store-pair", [SET_0, ("dmb ishst",), SET_1], False, False),
]


@pytest.mark.parametrize(("defect", "steps", "arm", "x86"), LOST)
def test_what_a_defect_loses(defect: str, steps: list[Step], arm: bool, x86: bool) -> None:
    for target, lost in (("armv8", arm), ("x86-tso", x86)):
        if target == "x86-tso" and any(str(step[0]).startswith("dmb") for step in steps):
            continue
        ends = (0, len(steps) - 1)
        assert ends in closed(steps, target, "observed")
        assert (ends not in closed(steps, target, defect)) is lost, target


@pytest.mark.parametrize(
    ("defect", "middle", "first", "second", "before", "behind"),
    [
        # Of two neighbours around `middle`: whether `middle` may be behind the second, and before the first.
        ("load-pair", ".load acquire", RING_0, RING_1, True, False),
        ("load-pair", ".load seq_cst", RING_1, RING_0, True, False),
        ("load-pair", ".load acquire", RING_1, RING_3, False, False),
        ("load-pair", ".fetch_add release", RING_0, RING_1, False, True),
        ("load-pair", ".store release", RING_0, RING_1, False, True),
        ("store-pair", ".load acquire", SET_0, SET_1, True, False),
        ("store-pair", ".swap acquire", SET_0, SET_1, True, False),
        ("store-pair", ".swap release", SET_0, SET_1, False, False),
        ("load-pair", ".swap acquire", SET_0, SET_1, False, False),
        ("store-pair", ".swap acquire", SET_0, RING_1, False, False),
    ],
)
def test_neighbours_meet_across_what_stands_between(
    defect: str, middle: str, first: Step, second: Step, before: bool, behind: bool
) -> None:
    steps = [first, (middle, "z", 1), second]
    for target in ("armv8", "armv8+lse", "armv8+lse+rcpc", "x86-tso"):
        exclusive = target == "armv8" and middle.startswith((".fetch", ".swap"))
        changes = target != "x86-tso" and not exclusive
        last = 2 if middle.startswith((".load", ".store")) else 3
        lost = {(i, last) for i in range(1, last) if before} | {(0, i) for i in range(1, last) if behind}
        common = closed(steps, target, "observed")
        assert lost <= common
        assert common - closed(steps, target, defect) == (lost if changes else set()), target


# --- docs/compiler.md -----------------------------------------------------------------------------------

MP_READER: list[Step] = [("READ_ONCE", "idx", 1), ("smp_mb",), ("READ_ONCE", "buf", 0)]
MP_WRITER: list[Step] = [("WRITE_ONCE", "buf", 1), ("smp_mb",), ("WRITE_ONCE", "idx", 1)]
SB_PEER: list[Step] = [("WRITE_ONCE", "flags", 1), ("smp_mb",), ("READ_ONCE", "idx", 0)]
BUF_P, IDX_V = ("plain_store", "buf", 1), (".write_volatile", "idx", 1)
R_IDX_V, R_BUF_P = (".read_volatile", "idx", 1), ("plain_load", "buf", 0)
R_FLAGS_V = (".read_volatile", "flags", 0)


@pytest.mark.parametrize(
    ("number", "steps", "peer", "x86", "arm"),
    [
        (1, [BUF_P, ("compiler_fence release",), IDX_V], MP_READER, "holds", "hardware"),
        (2, [BUF_P, IDX_V], MP_READER, "compiler", "hardware"),
        (3, [(".write_volatile", "buf", 1), IDX_V], MP_READER, "holds", "hardware"),
        (4, [BUF_P, (".store release", "idx", 1)], MP_READER, "holds", "holds"),
        (4, [BUF_P, ("fence release",), IDX_V], MP_READER, "holds", "holds"),
        (5, [R_IDX_V, R_BUF_P], MP_WRITER, "compiler", "hardware"),
        (5, [("fence seq_cst",), R_IDX_V, R_BUF_P], MP_WRITER, "compiler", "hardware"),
        (6, [R_IDX_V, ("fence acquire",), R_BUF_P], MP_WRITER, "holds", "holds"),
        (7, [R_IDX_V, ("fence release",), R_BUF_P], MP_WRITER, "compiler", "compiler"),
        (8, [IDX_V, ("fence release",), R_FLAGS_V], SB_PEER, "hardware", "holds"),
        (9, [IDX_V, ("fence acquire",), R_FLAGS_V], SB_PEER, "hardware", "hardware"),
        (9, [IDX_V, ("smp_wmb",), R_FLAGS_V], SB_PEER, "hardware", "hardware"),
    ],
)
def test_small_programs(number: int, steps: list[Step], peer: list[Step], x86: str, arm: str) -> None:
    assert layer([steps, peer], "x86-tso") == x86
    assert layer([steps, peer], "armv8") == arm


def test_program_8_rests_on_what_compilers_do() -> None:
    assert layer([[IDX_V, ("fence release",), R_FLAGS_V], SB_PEER], "armv8", "language") == "compiler"


def test_program_10_control_dependency_against_a_release_fence() -> None:
    driver = [(".read_volatile", "uidx", 1), ("plain_store", "cmd", 2, "ctrl")]
    for fence, arm in (("fence release", "holds"), ("smp_wmb", "hardware")):
        device = [("READ_ONCE", "cmd", 2), (fence,), ("WRITE_ONCE", "uidx", 1)]
        assert layer([driver, device], "armv8") == arm
        assert layer([driver, device], "x86-tso") == "holds"


# --- volatile accesses, the peer correct --------------------------------------------


def v(kind: str, place: str, value: int, *more: str) -> Step:
    return (".write_volatile" if kind == "W" else ".read_volatile", place, value, *more)


REL: Step = ("fence release",)
LD: Step = ("smp_rmb",)
ST: Step = ("smp_wmb",)
W_IDX, W_BUF, R_UIDX, R_BUF, R_EV = (
    v("W", "idx", 1),
    v("W", "buf", 1),
    v("R", "idx", 1),
    v("R", "buf", 0),
    v("R", "flags", 0),
)
LB_PEER: list[Step] = [v("R", "idx", 1), ("smp_mb",), v("W", "buf", 1)]
R_OLD = v("R", "buf", 1)
DB_PEER: list[Step] = [v("R", "db", 1), ("smp_mb",), v("R", "idx", 0)]
TAKER: list[Step] = [("latch_take", "db", 0, "reads 1"), v("R", "idx", 0)]
VERDICTS: list[tuple[str, list[Step], list[Step], bool, bool]] = [
    # case, steps, peer, bug on armv8, bug on x86-tso
    ("P1 none", [W_BUF, W_IDX], MP_READER, True, False),
    ("P1 dmb.st", [W_BUF, ST, W_IDX], MP_READER, False, False),
    ("P1 dmb.full", [W_BUF, REL, W_IDX], MP_READER, False, False),
    ("P1 STLR idx", [W_BUF, (".store release", "idx", 1)], MP_READER, False, False),
    ("P1 too early", [ST, W_BUF, W_IDX], MP_READER, True, False),
    ("P2 none", [W_IDX, R_EV], SB_PEER, True, True),
    ("P2 dmb.st", [W_IDX, ST, R_EV], SB_PEER, True, True),
    ("P2 dmb.ld", [W_IDX, LD, R_EV], SB_PEER, True, True),
    ("P2 dmb.st+dmb.ld", [W_IDX, ST, LD, R_EV], SB_PEER, True, True),
    ("P2 C.rel", [W_IDX, REL, R_EV], SB_PEER, False, True),
    ("P2 C.acq_rel", [W_IDX, ("fence acq_rel",), R_EV], SB_PEER, False, True),
    ("P2 C.sc", [W_IDX, ("fence seq_cst",), R_EV], SB_PEER, False, False),
    ("P2 Linux", [W_IDX, ("virtio_mb",), R_EV], SB_PEER, False, False),
    ("P2 Linux store", [("virtio_store_mb", "idx", 1), R_EV], SB_PEER, False, False),
    ("P2 STLR, LDAR", [(".store release", "idx", 1), (".load acquire", "flags", 0)], SB_PEER, False, True),
    ("P2 sc, sc", [(".store seq_cst", "idx", 1), (".load seq_cst", "flags", 0)], SB_PEER, False, False),
    ("P2 sc, plain load", [(".store seq_cst", "idx", 1), R_EV], SB_PEER, True, False),
    ("P3 none", [W_IDX, v("W", "db", 1)], DB_PEER, True, False),
    ("P3 STLR idx", [(".store release", "idx", 1), v("W", "db", 1)], DB_PEER, True, False),
    ("P3 dmb.st", [W_IDX, ST, v("W", "db", 1)], DB_PEER, False, False),
    ("P3 STLR doorbell", [W_IDX, (".store release", "db", 1)], DB_PEER, False, False),
    ("P3 writew", [W_IDX, ("writew", "db", 1)], DB_PEER, False, False),
    ("P3 writew_relaxed", [W_IDX, ("writew_relaxed", "db", 1)], DB_PEER, True, False),
    ("P3 take", [W_IDX, ST, v("W", "db", 1)], TAKER, False, False),
    ("P4 none", [R_UIDX, R_BUF], MP_WRITER, True, False),
    ("P4 before", [REL, R_UIDX, R_BUF], MP_WRITER, True, False),
    ("P4 dmb.st after", [R_UIDX, ST, R_BUF], MP_WRITER, True, False),
    ("P4 dmb.ld", [R_UIDX, LD, R_BUF], MP_WRITER, False, False),
    ("P4 full", [R_UIDX, REL, R_BUF], MP_WRITER, False, False),
    ("P4 LDAR", [(".load acquire", "idx", 1), R_BUF], MP_WRITER, False, False),
    ("P4 address", [R_UIDX, v("R", "buf", 0, "addr")], MP_WRITER, False, False),
    ("P4 control", [R_UIDX, v("R", "buf", 0, "ctrl")], MP_WRITER, True, False),
    ("P4 control, isb", [R_UIDX, ("asm isb", "", 0, "ctrl"), v("R", "buf", 0, "ctrl")], MP_WRITER, False, False),
    ("P6 none", [R_OLD, W_IDX], LB_PEER, True, False),
    ("P6 dmb.st", [R_OLD, ST, W_IDX], LB_PEER, True, False),
    ("P6 dmb.ld", [R_OLD, LD, W_IDX], LB_PEER, False, False),
    ("P6 full", [R_OLD, REL, W_IDX], LB_PEER, False, False),
    ("P6 STLR", [R_OLD, (".store release", "idx", 1)], LB_PEER, False, False),
    ("D4 crosvm", [("fence seq_cst",), W_IDX, R_EV], SB_PEER, True, True),
]


@pytest.mark.parametrize(("case", "steps", "peer", "arm", "x86"), VERDICTS, ids=[case for case, *_ in VERDICTS])
def test_verdicts(case: str, steps: list[Step], peer: list[Step], arm: bool, x86: bool) -> None:
    assert allowed([steps, peer], "armv8", "observed") is arm
    if "isb" not in case:
        assert allowed([steps, peer], "x86-tso", "observed") is x86


def test_rcpc_lets_a_release_and_an_acquire_pass_each_other() -> None:
    steps = [(".store release", "idx", 1), (".load acquire", "flags", 0)]
    assert not allowed([steps, SB_PEER], "armv8", "observed")
    assert allowed([steps, SB_PEER], "armv8+rcpc", "observed")
    steps[1] = (".load seq_cst", "flags", 0)
    assert not allowed([steps, SB_PEER], "armv8+rcpc", "observed")
    assert not allowed([[(".load acquire", "idx", 1), R_BUF], MP_WRITER], "armv8+rcpc", "observed")


@pytest.mark.parametrize(
    ("word", "armv8", "lse", "x86"),
    [
        # Two threads, each: store, atomic on a third variable, load. Linux's is a full barrier, C11's loop is not.
        (".fetch_add seq_cst", True, False, False),
        (".fetch_add relaxed", True, True, False),
        ("atomic_fetch_add", False, False, False),
        ("xchg", False, False, False),
        ("this_cpu_fetch_add", True, True, True),
    ],
)
def test_atomics_as_barriers(word: str, armv8: bool, lse: bool, x86: bool) -> None:
    threads = [
        [v("W", "x", 1), (word, "m", 1), v("R", "y", 0)],
        [v("W", "y", 1), (word, "n", 1), v("R", "x", 0)],
    ]
    for target, expected in (("armv8", armv8), ("armv8+lse", lse), ("x86-tso", x86)):
        assert allowed(threads, target, "observed") is expected, target


def test_a_failing_compare_exchange_is_a_fence_on_x86_alone() -> None:
    for word in (".compare_exchange acq_rel acquire", "cmpxchg"):
        threads = [
            [v("W", "x", 1), (word, "m", 0, "fails"), v("R", "y", 0)],
            [v("W", "y", 1), (word, "n", 0, "fails"), v("R", "x", 0)],
        ]
        assert not allowed(threads, "x86-tso", "observed")
        assert allowed(threads, "armv8", "observed")
        assert allowed(threads, "armv8+lse", "observed")
