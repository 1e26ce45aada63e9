"""The enumerator on programs small enough to count by hand."""

from __future__ import annotations

import pytest

from mmcheck.base.errors import UnknownVerdict
from mmcheck.engines.enumeration.enumerate import Enumeration, Limits, executions, final_states
from mmcheck.engines.enumeration.keep import profile
from mmcheck.engines.enumeration.trace import Trace
from mmcheck.ir.program import (
    OLD,
    Assert,
    Await,
    Block,
    Cell,
    Const,
    Fence,
    If,
    Load,
    Loop,
    Op,
    Parallel,
    Program,
    Reg,
    Return,
    Rmw,
    Store,
    StoreExclusive,
    Thread,
)
from mmcheck.model.concrete import check
from mmcheck.model.model import load_model

NAMES = "xyabcduwz"
AT = {name: Const(0x1000 * (i + 1), 64) for i, name in enumerate(NAMES)}
CELLS = {name: Cell(name, AT[name].value) for name in NAMES}
TAGS = {
    "": (), "p": ("Plain",), "v": ("Volatile",), "rlx": ("Atomic",),
    "acq": ("Atomic", "Acquire", "A"), "rel": ("Atomic", "Release", "L"), "A": ("A",), "L": ("L",), "Q": ("Q",),
}  # fmt: skip


def r(dst: str, cell: str, tag: str = "") -> Load:
    return Load(Reg(dst), AT[cell], frozenset(TAGS[tag]))


def w(cell: str, value: int | str, tag: str = "") -> Store:
    return Store(AT[cell], Reg(value) if isinstance(value, str) else Const(value), frozenset(TAGS[tag]))


def fence(*tags: str) -> Fence:
    return Fence(frozenset(tags))


def eq(register: str, value: int) -> Op:
    return Op("eq", (Reg(register), Const(value)), 1)


def program(*bodies: Block, target: str = "x86-tso", source: tuple[int, ...] = (), cells: str = "xy") -> Program:
    threads = tuple(Thread(f"T{i}", body, source=i in source) for i, body in enumerate(bodies))
    return Program("test", target, threads, tuple(CELLS[name] for name in cells))


def count(p: Program, model: str, **options: object) -> int:
    return len(list(Enumeration(p, load_model(model), settle=True, **options).runs()))  # type: ignore[arg-type]


SB = program((w("x", 1), r("a", "y")), (w("y", 1), r("a", "x")))
MP = program((w("x", 1), w("y", 1)), (r("a", "y"), r("b", "x")))
LB = program((r("a", "x"), w("y", 1)), (r("a", "y"), w("x", 1)))


@pytest.mark.parametrize(
    ("p", "sc", "tso", "arm"), [(SB, 3, 4, 4), (MP, 3, 3, 4), (LB, 3, 3, 4)], ids=["SB", "MP", "LB"]
)
def test_counts_of_consistent_executions(p, sc, tso, arm):
    assert (count(p, "sc"), count(p, "x86-tso"), count(p, "armv8")) == (sc, tso, arm)


def test_every_execution_satisfies_the_model_when_it_is_checked_again():
    for model in ("sc", "x86-tso", "armv8"):
        for execution in executions(SB, load_model(model)):
            assert check(load_model(model), execution) == []


def test_an_execution_prints_and_has_a_final_state():
    first = next(iter(executions(SB, load_model("sc"))))
    assert first.final == {"T0:a": 0, "T1:a": 1, "[x]": 1, "[y]": 1}
    assert str(first) == (
        "0 T0: e2: W x=1; e3: R y=0\n1 T1: e4: W y=1; e5: R x=1\n"
        "co: 0->2 1->4\npo: 2->3 4->5\nrf: 1->3 2->5\nsrc: 2->3 4->5"
    )


def test_a_value_that_nothing_grounds_is_not_read():
    p = program((r("a", "x"), w("y", "a")), (r("a", "y"), w("x", "a")))
    assert final_states(Enumeration(p, load_model("armv8")).runs(), ["T0:a", "T1:a"]) == {(("T0:a", 0), ("T1:a", 0))}


def test_values_pass_through_a_chain_of_threads():
    p = program(
        (w("x", 1),), (r("a", "x"), Store(AT["y"], Op("add", (Reg("a"), Const(1))))), (r("a", "y"),), target="sc"
    )
    seen = {state[0][1] for state in final_states(Enumeration(p, load_model("sc")).runs(), ["T2:a"])}
    assert seen == {0, 1, 2}


def test_an_exclusive_store_may_fail_and_pairs_with_the_latest_load_of_its_address():
    pair = (Load(Reg("a"), AT["x"], frozenset(), True), StoreExclusive(Reg("s"), AT["x"], Const(1)))
    other = (Load(Reg("a"), AT["y"], frozenset(), True), StoreExclusive(Reg("s"), AT["x"], Const(1)))
    statuses = [{e.final["T0:s"] for e in executions(program(body), load_model("armv8"))} for body in (pair, other)]
    assert statuses == [{0, 1}, {1}]


def test_two_successful_exclusive_increments_both_count():
    body = (
        Load(Reg("a"), AT["x"], frozenset(), True),
        StoreExclusive(Reg("s"), AT["x"], Op("add", (Reg("a"), Const(1)))),
    )
    states = final_states(Enumeration(program(body, body), load_model("armv8")).runs(), ["T0:s", "T1:s", "[x]"])
    assert {dict(s)["[x]"] for s in states if not dict(s)["T0:s"] | dict(s)["T1:s"]} == {2}


def test_a_failing_compare_exchange_writes_nothing_or_the_old_value():
    cas = Rmw(Reg("a"), AT["x"], Const(2), when=Op("eq", (Reg(OLD), Const(1)), 1), compare=Const(1), write_back=True)
    kinds = [
        ["".join(e.kind for e in execution.of_thread(0)) for execution in executions(program((cas,), target=target), m)]
        for target, m in (("armv8", load_model("armv8")), ("x86-tso", load_model("x86-tso")))
    ]
    assert kinds == [["R", "RW"], ["R"]]


def test_a_compare_and_swap_has_two_provenances_and_is_still_one_execution():
    cas = Rmw(Reg("a"), AT["x"], Const(2), when=Op("eq", (Reg(OLD), Const(0)), 1), compare=Const(0))
    p = program((cas, Store(AT["y"], Op("xor", (Reg("a"), Reg("a"))))), target="armv8")
    traces = Enumeration(p, load_model("armv8"), cas_provenance=True).traces()[0]
    assert {(t.items[2].data, t.items[2].pick_data) for t in traces if len(t.items) == 3} == {(1, 0), (0, 1)}
    assert count(p, "armv8", cas_provenance=True) == 1


def test_the_fields_of_one_store_are_unordered():
    p = program((Parallel((w("x", 1), w("y", 1))),), (r("a", "y"), r("b", "x")), target="sc")
    assert count(p, "sc") == 4


def test_a_loop_beyond_the_bound_is_cut_and_said_so():
    p = program((Loop((r("a", "x"), If(eq("a", 1), (Return(),)))),), (w("x", 1),))
    for settle, count in ((True, 3), (False, 4)):  # the test is made once more than the body runs
        enumeration = Enumeration(p, load_model("sc"), settle=settle)
        assert len(list(enumeration.runs())) == count  # a final state is one of a run that ends
        assert enumeration.cuts == ("T0",) and enumeration.cut


def test_a_cut_that_the_model_forbids_is_not_reported():
    spin = Loop((r("a", "x"), If(eq("a", 1), (Return(),))))
    p = program((w("x", 1), spin))
    enumeration = Enumeration(p, load_model("sc"))
    assert len(list(enumeration.runs())) == 1
    assert not enumeration.cut


WAITING = program(
    (w("x", 1), w("y", 1)), (Await((r("a", "y"),), eq("a", 1)), r("b", "x"), Assert(eq("b", 1), "published"))
)


@pytest.mark.parametrize(("model", "failed"), [("sc", set()), ("x86-tso", set()), ("armv8", {"published"})])
def test_an_assertion_behind_an_await(model, failed):
    runs = list(Enumeration(WAITING, load_model(model)).runs())
    assert {name for run in runs for name in run.failed} == failed
    assert [run.stuck[0][0] for run in runs if run.stuck] == ["T1"]


def test_an_await_that_would_succeed_is_no_final_state():
    assert all(not run.stuck for run in Enumeration(WAITING, load_model("sc"), settle=True).runs())


def test_an_await_that_nobody_satisfies_is_stuck_with_its_last_look():
    p = program((w("x", 1),), (Await((r("a", "x"),), eq("a", 2)),))
    (run,) = Enumeration(p, load_model("sc"), settle=True).runs()
    assert [name for name, _ in run.stuck] == ["T1"]
    assert run.final["T1:a"] == 1
    (safe,) = Enumeration(p, load_model("sc")).runs()
    assert not list(safe.execution.of_thread(1))


def test_a_failing_swap_in_a_last_round_drops_its_write():
    swap = Rmw(Reg("a"), AT["x"], Const(1), frozenset({"X"}), frozenset({"X"}))
    p = program((w("x", 1),), (Await((swap,), eq("a", 2)),))
    (run,) = Enumeration(p, load_model("sc"), settle=True).runs()
    assert [e.kind for e in run.execution.of_thread(1)] == ["R"]


def test_a_timeout_is_a_free_choice_once_the_look_failed():
    p = program((w("x", 1),), (Await((r("a", "x"),), eq("a", 1), 5, (Store(AT["y"], Const(1)),)),))
    states = final_states(Enumeration(p, load_model("sc"), settle=True).runs(), ["T1:a", "[y]"])
    assert states == {(("T1:a", 0), ("[y]", 1)), (("T1:a", 1), ("[y]", 0))}


def test_too_many_candidates_is_no_verdict():
    p = program(*[tuple(w("x", 3 * i + j) for j in range(3)) for i in range(4)])
    with pytest.raises(UnknownVerdict, match="more than 10 candidate executions"):
        list(Enumeration(p, load_model("sc"), limits=Limits(candidates=10)).runs())


# --- source threads: docs/compiler.md ---------------------------------------------------------------

X86_FALSE_ALARM = program(
    (w("a", 1, "v"), r("r", "b", "v"), r("s", "c", "p"), w("d", "s", "p")),
    (w("b", 1), w("c", 1)),
    (r("t", "d"), w("a", 2)),
    source=(0,), cells="abcd",
)  # fmt: skip
X86_OUTCOME = {"T0:r": 0, "T0:s": 1, "T2:t": 1, "[a]": 1}
ARM_FALSE_ALARM = program(
    (w("x", 1, "rel"), r("r", "y", "v"), r("s", "z", "v"), r("t", "u", "acq"), w("w", 1, "p")),
    (r("q", "x", "A"), If(eq("q", 1), (w("y", 1, "L"),))),
    (w("z", 1), w("u", 1, "L")),
    (r("q", "w", "A"), If(eq("q", 1), (w("x", 2),))),
    source=(0,), cells="xyzuw", target="armv8",
)  # fmt: skip
ARM_OUTCOME = {"T0:r": 1, "T0:s": 0, "T0:t": 1, "T1:q": 1, "T3:q": 1, "[x]": 1}


@pytest.mark.parametrize(
    ("p", "model", "table", "outcome"),
    [(X86_FALSE_ALARM, "x86-tso", "observed", X86_OUTCOME), (ARM_FALSE_ALARM, "armv8", "language", ARM_OUTCOME)],
    ids=["x86", "arm"],
)
def test_one_partial_order_allows_more_than_all_linear_ones(p, model, table, outcome):
    allowed = [
        any(
            run.final.items() >= outcome.items()
            for run in Enumeration(p, load_model(model), keep=profile(table, model), exact=exact).runs()
        )
        for exact in (False, True)
    ]
    assert allowed == [True, False]


def violated(p: Program, model: str, bad: dict[str, int], *, compiler: bool = True, table: str = "observed") -> bool:
    keep = profile(table, model) if compiler else None
    return any(run.final.items() >= bad.items() for run in Enumeration(p, load_model(model), keep=keep).runs())


MP_WRITER = (w("x", 1, ""), fence("DMB.ISH", "MFENCE"), w("y", 1, ""))
MP_READER = (r("a", "y", ""), fence("DMB.ISH", "MFENCE"), r("b", "x", ""))
SOURCES = {
    1: ((w("x", 1, "p"), fence("CompilerFence", "RelFence"), w("y", 1, "v")), MP_READER),
    2: ((w("x", 1, "p"), w("y", 1, "v")), MP_READER),
    3: ((w("x", 1, "v"), w("y", 1, "v")), MP_READER),
    4: ((w("x", 1, "p"), w("y", 1, "rel")), MP_READER),
    5: ((r("a", "y", "v"), r("b", "x", "p")), MP_WRITER),
    6: ((r("a", "y", "v"), fence("Fence", "AcqFence", "DMB.ISHLD"), r("b", "x", "p")), MP_WRITER),
    7: ((r("a", "y", "v"), fence("Fence", "RelFence", "DMB.ISH"), r("b", "x", "p")), MP_WRITER),
}


@pytest.mark.parametrize(
    ("row", "x86", "arm"),
    [
        (1, "holds", "hardware"),
        (2, "compiler", "hardware"),
        (3, "holds", "hardware"),
        (4, "holds", "holds"),
        (5, "compiler", "hardware"),
        (6, "holds", "holds"),
        (7, "compiler", "compiler"),
    ],
)
def test_verdicts_of_the_table_of_semantics_1_4(row, x86, arm):
    """The layer that lets the outcome of message passing through: of x86, and of Armv8."""
    found = []
    for model, target in (("x86-tso", "x86-tso"), ("armv8", "armv8")):
        p = program(*SOURCES[row], source=(0,), target=target)
        reader = 1 if row <= 4 else 0
        bad = {f"T{reader}:a": 1, f"T{reader}:b": 0}
        hardware, both = violated(p, model, bad, compiler=False), violated(p, model, bad)
        found.append("hardware" if hardware else "compiler" if both else "holds")
    assert found == [x86, arm]


def test_the_order_that_the_compiler_may_emit_is_told():
    p = program(*SOURCES[2], source=(0,))
    bad = [
        run.execution
        for run in Enumeration(p, load_model("x86-tso"), keep=profile("observed", "x86-tso")).runs()
        if run.final["T1:a"] == 1 and run.final["T1:b"] == 0
    ]
    assert [e.linear[0] for e in bad if e.linear is not None] == [(3, 2)]


def test_every_order_of_a_compiler_is_a_candidate():
    """Few choices of rf and co, and many orders in which each is judged: the limit bounds the work, not the choices."""
    p = program(
        (w("x", 1, "p"), w("a", 1, "p"), w("b", 1, "p"), w("y", 1, "rel")), MP_READER, source=(0,), cells="xyab"
    )
    model, keep = load_model("armv8"), profile("observed", "armv8")
    assert list(Enumeration(p, model, keep=keep, limits=Limits(candidates=20)).runs())
    assert len(list(Enumeration(p, model).runs())) == 3
    with pytest.raises(UnknownVerdict, match="more than 4 candidate executions"):
        list(Enumeration(p, model, keep=keep, limits=Limits(candidates=4)).runs())


def texts(*body: object, cells: str = "xyab", observed: frozenset[str] | None = None) -> list[Trace]:
    """What a compiler makes of a thread beside another one that writes 1 to x."""
    p = program(body, (w("x", 1),), source=(0,), cells=cells)  # type: ignore[arg-type]
    return Enumeration(p, load_model("x86-tso"), keep=profile("observed", "x86-tso"), observed=observed).traces()[0]


def values(trace: Trace) -> tuple[int, ...]:
    return tuple([item.value for item in trace.items])


def at(register: str) -> Op:
    """The place `register` behind x, one variable after the other."""
    return Op("add", (AT["x"], Op("mul", (Op("zext", (Reg(register),), 64), Const(0x1000, 64)), 64)), 64)


LOOK = Load(Reg("b"), at("a"), frozenset(TAGS["v"]))


@pytest.mark.parametrize(
    ("body", "depends"),
    [
        ((LOOK,), {0: 1, 1: 1}),
        ((LOOK, If(eq("a", 1), (w("b", 1, "p"),))), {0: 1, 1: 0}),
        ((LOOK, If(eq("a", 7), (w("b", 1, "p"),))), {0: 1, 1: 1}),
        ((If(eq("a", 1), (LOOK,)),), {1: 0}),
        ((If(eq("a", 7), (), (LOOK,)),), {0: 1, 1: 1}),
    ],
)
def test_an_address_that_the_whole_path_has_fixed_depends_on_nothing(body, depends):
    found = {t.items[0].value: t.items[1].addr for t in texts(r("a", "x", "v"), *body) if len(t.items) > 1}
    assert found == depends


def test_a_value_that_cannot_vary_depends_on_nothing():
    for expr, depends in ((Op("xor", (Reg("a"), Reg("a"))), 0), (Op("xor", (Reg("a"), Const(1))), 1)):
        for trace in texts(r("a", "x", "v"), Store(AT["y"], expr, frozenset(TAGS["p"]))):
            assert (trace.items[1].data, trace.items[1].ctrl) == (depends, depends)


def test_control_spares_what_both_arms_do():
    body = (
        r("a", "x", "v"),
        If(eq("a", 1), (w("y", 1, "p"), w("a", 1, "p")), (w("y", 1, "p"),)),
        w("b", 1, "p"),
    )
    assert {tuple(i.ctrl for i in t.items) for t in texts(*body)} == {(0, 0, 0), (0, 0, 1, 0)}


def test_control_reaches_past_an_early_return_and_orders_no_read():
    found = texts(r("a", "x", "v"), If(eq("a", 1), (Return(),)), w("y", 1, "p"), r("b", "b", "p"))
    assert {tuple(i.ctrl for i in t.items) for t in found} == {(0,), (0, 1, 0)}


def test_without_a_compiler_source_depends_as_assembly_does():
    body = (r("a", "x", "v"), If(eq("a", 1), (w("a", 1, "p"),)), w("y", 1, "p"), r("b", "b", "p"))
    shapes = []
    for source in ((), (0,)):
        p = program(body, (w("x", 1),), source=source, cells="xyab")
        shapes.append([trace.shape for trace in Enumeration(p, load_model("armv8")).traces()[0]])
    assert shapes[0] == shapes[1]
    assert {tuple(i.ctrl for i in t.items) for t in Enumeration(p, load_model("armv8")).traces()[0]} == {
        (0, 1, 1), (0, 1, 1, 1),
    }  # fmt: skip


def test_a_load_behind_an_own_store_is_taken_from_it_and_so_are_its_dependencies():
    found = texts(r("a", "x", "v"), w("y", "a", "p"), r("b", "y", "p"), w("a", "b", "v"))
    assert {t.items[-1].data for t in found if len(t.items) == 3} == {1}  # the first read
    assert {t.items[-1].data for t in found if len(t.items) == 4} == {4}


def test_a_store_that_is_written_over_may_be_gone_or_not():
    found = {values(t) for t in texts(w("y", 1, "p"), r("a", "x", "v"), w("y", 2, "p"))}
    assert found == {(1, a, 2) for a in (0, 1)} | {(a, 2) for a in (0, 1)}
    between = texts(w("y", 1, "p"), fence("Clobber"), w("y", 2, "p"))
    assert {values(t) for t in between} == {(1, 0, 2)}


def test_a_load_is_not_made_only_where_nobody_looks_at_it():
    body = (w("y", 1, "p"), fence("Clobber"), r("b", "y", "p"))
    for observed, gone in ((None, False), (frozenset[str](), True), (frozenset({"T0:b"}), False)):
        found = {"".join(i.kind for i in t.items) for t in texts(*body, observed=observed)}
        assert ("WF" in found) == gone


def test_a_part_of_a_thread_that_waits_has_lost_what_is_dead_when_it_goes_on():
    wait = Await((r("a", "a", "v"),), eq("a", 1))
    for settle in (False, True):
        p = program((w("y", 1, "p"), wait, w("y", 2, "p")), source=(0,), cells="ya")
        found = Enumeration(p, load_model("x86-tso"), settle=settle, keep=profile("observed", "x86-tso")).traces()[0]
        assert {tuple(i.kind for i in t.items if i.kind == "W") for t in found if t.status == "stuck"} == {("W",), ()}


def test_a_compare_exchange_that_fails_is_an_update_to_a_compiler():
    acquires = frozenset(TAGS["acq"])
    cas = Rmw(
        Reg("%u"), AT["y"], Const(6), acquires, frozenset({"Atomic"}), Op("eq", (Reg(OLD), Const(5)), 1),
        frozenset({"Atomic"}),
    )  # fmt: skip
    found = texts(r("a", "x", "p"), cas, w("x", "a", "p"))
    assert {"".join(i.kind for i in t.items) for t in found} == {"RRW"}
