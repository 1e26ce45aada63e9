"""The operational machines on tests whose outcomes are known."""

from __future__ import annotations

import pytest

from mmcheck.base.errors import UnknownVerdict
from mmcheck.ir.program import (
    OLD,
    Assert,
    Await,
    Block,
    Cell,
    Const,
    Fence,
    Load,
    Op,
    Program,
    Reg,
    Rmw,
    Store,
    StoreExclusive,
    Thread,
)
from mmcheck.machine import sc, tso

X, Y, Z = (Const(0x1000 * i, 64) for i in (1, 2, 3))
CELLS = (Cell("x", 0x1000), Cell("y", 0x2000), Cell("z", 0x3000))
LOCKED = frozenset({"X"})


def program(*bodies: Block) -> Program:
    return Program("p", "x86-tso", tuple(Thread(f"T{i}", body) for i, body in enumerate(bodies)), CELLS)


def store_buffering(*between: Fence | Rmw) -> Program:
    return program(
        (Store(X, Const(1)), *between, Load(Reg("a"), Y)),
        (Store(Y, Const(1)), *between, Load(Reg("a"), X)),
    )


def both_zero(machine, p: Program) -> bool:
    return any(dict(f.values)["T0:a"] == dict(f.values)["T1:a"] == 0 for f in machine.run(p).finals)


CAS = Rmw(
    Reg("c"), Z, Const(1), LOCKED, LOCKED, when=Op("eq", (Reg(OLD), Const(7)), 1), fail_tags=LOCKED, compare=Const(7)
)  # fmt: skip


@pytest.mark.parametrize(
    ("between", "allowed"),
    [
        ((), True),
        ((Fence(frozenset({"MFENCE"})),), False),
        ((Fence(frozenset({"SFENCE"})),), True),
        ((Fence(frozenset({"LFENCE"})),), True),
        ((CAS,), False),
        ((Rmw(Reg("c"), Z, Const(1), LOCKED, LOCKED),), False),
        ((Rmw(Reg("c"), Z, Const(1), frozenset({"Unlocked"})),), True),
    ],
    ids=["nothing", "mfence", "sfence", "lfence", "failing cmpxchg", "xchg", "unlocked"],
)
def test_store_buffering(between, allowed):
    p = store_buffering(*between)
    assert both_zero(tso, p) == allowed
    assert not both_zero(sc, p)


def test_a_thread_reads_its_own_buffered_write():
    (final,) = tso.run(program((Store(X, Const(1)), Load(Reg("a"), X)))).finals
    assert dict(final.values) == {"T0:a": 1, "[x]": 1, "[y]": 0, "[z]": 0}


def test_locked_increments_are_not_lost_and_others_are():
    def increments(tags: frozenset[str]) -> set[int]:
        add = Rmw(Reg("a"), X, Op("add", (Reg(OLD), Const(1))), tags, tags)
        return {dict(f.values)["[x]"] for f in tso.run(program((add,), (add,))).finals}

    assert increments(LOCKED) == {2}
    assert increments(frozenset()) == {2}
    assert increments(frozenset({"Unlocked"})) == {1, 2}


def test_a_final_state_tells_who_waits_for_ever():
    p = program((Store(X, Const(1)),), (Await((Load(Reg("a"), X),), Op("eq", (Reg("a"), Const(2)), 1)),))
    for machine in (sc, tso):
        (final,) = machine.run(p).finals
        assert final.stuck == ("T1",)
        assert dict(final.values)["T1:a"] == 1


def test_an_await_that_succeeds_is_not_stuck():
    wait = Await((Load(Reg("a"), X),), Op("eq", (Reg("a"), Const(1)), 1))
    claim = Assert(Op("eq", (Reg("b"), Const(1)), 1), "published")
    p = program((Store(Y, Const(1)), Store(X, Const(1))), (wait, Load(Reg("b"), Y), claim))
    for machine in (sc, tso):
        outcomes = machine.run(p)
        assert [f.stuck for f in outcomes.finals] == [()]
        assert not outcomes.failed


def test_a_violated_assertion_is_told():
    p = program((Store(X, Const(1)),), (Load(Reg("a"), X), Assert(Op("eq", (Reg("a"), Const(0)), 1), "zero")))
    assert sc.run(p).failed == {"zero"}


def test_an_exclusive_store_fails_after_a_foreign_write():
    pair = (Load(Reg("a"), X, frozenset(), True), StoreExclusive(Reg("s"), X, Op("add", (Reg("a"), Const(1)))))
    finals = [dict(f.values) for f in sc.run(program(pair, pair)).finals]
    assert {f["[x]"] for f in finals if f["T0:s"] == f["T1:s"] == 0} == {2}
    assert any(f["T0:s"] == f["T1:s"] == 1 for f in finals)
    with pytest.raises(UnknownVerdict, match="no exclusive"):
        tso.run(program(pair))


def test_too_many_states_is_no_verdict():
    with pytest.raises(UnknownVerdict, match="more than 3 states"):
        tso.run(store_buffering(), limit=3)
