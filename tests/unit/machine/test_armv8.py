"""Programs on which the Armv8 machine was once wrong: held against the enumerator, which shares nothing with it."""

from __future__ import annotations

from random import Random

import pytest

from mmcheck.ir.program import (
    OLD,
    Assign,
    Block,
    Cell,
    Const,
    Expr,
    Fence,
    If,
    Load,
    Op,
    Parallel,
    Program,
    Reg,
    Rmw,
    Store,
    StoreExclusive,
    Tags,
    Thread,
)
from mmcheck.machine import armv8, runner
from mmcheck.machine.outoforder import OutOfOrder
from mmcheck.machine.pipeline import WRITE
from mmcheck.machine.record import recording
from mmcheck.machine.replay import replay, same
from mmcheck.model.concrete import check
from mmcheck.model.model import load_model
from mmcheck.model.recheck import well_formed
from tests.property.test_machines import enumerated

X, Y = Const(0x1000, 64), Const(0x2000, 64)
CELLS = (Cell("x", 0x1000), Cell("y", 0x2000))
LOCKED = frozenset({"X"})
A, B, C = Reg("a"), Reg("b"), Reg("c")
ACQUIRE, ACQUIRE_PC, RELEASE = frozenset("A"), frozenset("Q"), frozenset("L")


def program(*bodies: Block) -> Program:
    return Program("p", "armv8", tuple(Thread(f"T{i}", body) for i, body in enumerate(bodies)), CELLS)


PROGRAMS = {
    "an exclusive store of its status register": program(
        (Load(A, X, exclusive=True), Assign(C, Const(1)), StoreExclusive(C, X, Op("add", (C, Const(5))))),
        (Load(A, X),),
    ),
    "a conditional swap that overwrites what it expects": program(
        (Rmw(A, X, Const(7), LOCKED, LOCKED, Op("eq", (Reg(OLD), A), 1), LOCKED, ok=Reg("k", 1)),),
        (Store(X, Const(1)),),
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_operands_are_read_before_results_are_written(name):
    found, expected = armv8.run(PROGRAMS[name]), enumerated(PROGRAMS[name], "armv8")
    assert found.finals == expected.finals
    finals = {final.values for final in expected.finals}
    for seed in range(20):
        random = Random(seed)
        machine = runner.machine(PROGRAMS[name], random, record=True)
        machine.run(random)
        assert tuple(sorted(recording(machine).execution.final.items())) in finals


def test_what_a_thread_computes_after_its_last_access_is_in_the_final_state():
    body = (Load(A, X), Assign(C, Op("add", (A, Const(3)))))
    for kind in ("sequential", "out of order"):
        random = Random(0)
        machine = runner.machine(program(body), random, kind=kind, record=True)
        machine.run(random)
        assert recording(machine).execution.final["T0:c"] == 3


def test_a_load_does_not_read_past_an_exclusive_store_of_its_thread():
    """The outcome of the store is open while the load reads; once it succeeds, the load has to read again."""
    pair = (Load(A, Y, exclusive=True), Load(A, X), StoreExclusive(C, Y, Const(0)), Load(A, X), Load(A, Y))
    for seed in range(40):
        random = Random(seed)
        machine = runner.machine(program((Load(A, X),), pair), random, record=True)
        machine.run(random)
        assert check(load_model("armv8"), recording(machine).execution) == []


def add(dst: Reg, address: Expr, tags: Tags = LOCKED) -> Rmw:
    return Rmw(dst, address, Op("add", (Reg(OLD), Const(1))), tags, LOCKED)


def failing(address: Const) -> Rmw:
    return Rmw(A, address, Const(7), LOCKED, LOCKED, Op("eq", (Reg(OLD), Const(9)), 1), LOCKED)


def of(address: Expr, zero: Reg) -> Expr:
    """`address`, and a dependency on `zero`."""
    return Op("add", (address, Op("zext", (Op("xor", (zero, zero)),), 64)), 64)


EITHER = Op("add", (X, Op("mul", (Op("zext", (Op("and", (C, Const(1))),), 64), X), 64)), 64)
PAIR = (
    Load(B, X, exclusive=True),
    Store(X, Const(1), RELEASE),
    StoreExclusive(C, X, Const(1), RELEASE),
    StoreExclusive(C, EITHER, C, RELEASE),
)
BRANCH = (If(Op("eq", (B, Const(0)), 1), (Assign(C, Const(1)),)),)
ATOMICS = {
    "an own store answers": ((Store(X, Const(1)), add(A, X)), (Store(X, Const(5)),)),
    "the store of an atomic answers": ((add(A, X), add(A, X)), (Store(X, Const(5)),)),
    "two atomics that acquire, two threads that release": (
        (
            Load(B, Y),
            add(A, X, LOCKED | ACQUIRE),
            Load(C, X),
            Load(B, X, ACQUIRE_PC),
            add(A, X, LOCKED | ACQUIRE),
            Load(A, Y, ACQUIRE_PC),
            Load(B, EITHER),
        ),
        PAIR,
        PAIR,
    ),
    "one holds what the other's store goes to": (
        (Store(X, Const(1)), add(B, Y), add(A, X)),
        (Store(Y, Const(1)), add(B, X), add(A, Y)),
    ),
    "each waits for what the other holds": (
        (Store(X, Const(1)), *3 * (Load(C, Y),), add(B, Y), *BRANCH, add(A, X)),
        (Store(Y, Const(1)), *3 * (Load(C, X),), add(B, X), *BRANCH, add(A, Y)),
    ),
    "a branch holds up its store": ((Store(X, Const(1)), Load(B, Y), *BRANCH, add(A, X)), (Store(X, Const(5)),)),
    "a wrong guess leads to it": (
        (Store(X, Const(1)), Load(B, Y), If(Op("eq", (B, Const(0)), 1), (add(A, X),))),
        (Store(Y, Const(1)), add(A, X)),
    ),
    "both fail behind a store": ((Store(Y, Const(1)), failing(X)), (Store(X, Const(1)), failing(Y))),
}


@pytest.mark.parametrize("name", ATOMICS)
def test_nothing_comes_between_the_halves_of_an_atomic_and_every_run_ends(name):
    """Also where an own store that is not in memory yet has answered it; a failing one holds nothing up."""
    whole, model = program(*ATOMICS[name]), load_model("armv8")
    for seed in range(120):
        random = Random(seed)
        machine = runner.machine(whole, random, record=True, slow=0.5 if seed % 2 else 0.0)
        assert machine.run(random).stuck == (), seed
        execution = recording(machine).execution
        assert well_formed(execution) == [], seed
        assert check(model, execution) == [], seed


def test_an_atomic_whose_store_could_not_follow_holds_nothing_up():
    """Both are answered by an own store, which reaches memory then: neither gets the other's location otherwise."""
    whole = program(*ATOMICS["each waits for what the other holds"])
    machine = runner.machine(whole, Random(0), record=True)
    first, second = [agent for agent in machine.agents if isinstance(agent, OutOfOrder)]
    for agent in (first, second):
        while agent.more():
            pass
        answered = next(choice for choice in agent.look().choices if choice.store is not None)
        assert agent.do(answered, 0)
    for agent in (first, second):
        assert agent.do(next(choice for choice in agent.look().choices if choice.entry.kind == WRITE), 1)
    assert machine.run(Random(0)).stuck == ()
    assert check(load_model("armv8"), recording(machine).execution) == []


def test_an_own_store_still_answers_an_atomic_before_it_is_in_memory():
    """A load that needs the result of the atomic may read before the store is there for others (rfi is not in ob)."""
    whole = program(
        (Store(X, Const(1)), Rmw(A, X, Const(2), LOCKED, LOCKED), Load(B, of(Y, A))),
        (Store(Y, Const(1)), Fence(frozenset({"DMB.ISH"})), Load(A, X)),
    )
    seen = set()
    for seed in range(40):
        random = Random(seed)
        machine = runner.machine(whole, random, record=True, slow=0.5)
        machine.run(random)
        execution = recording(machine).execution
        assert check(load_model("armv8"), execution) == [], seed
        seen.add((execution.final["T0:b"], execution.final["T1:a"]))
    assert (0, 0) in seen


def test_a_run_waits_for_slow_stores_when_nothing_else_is_left():
    for seed in range(20):
        random = Random(seed)
        machine = runner.machine(program((Store(X, Const(1)), Store(Y, Const(2)))), random, record=True, slow=1.0)
        assert machine.run(random).stuck == ()
        final = recording(machine).execution.final
        assert (final["[x]"], final["[y]"]) == (1, 2)


OWN_STORES = {
    "a failed compare-and-swap, which could write back": (
        Rmw(
            A, X, Const(7), LOCKED, LOCKED, Op("eq", (Reg(OLD), Const(9)), 1), LOCKED, compare=Const(9), write_back=True
        ),
        Store(X, Const(0)),
        Store(Y, Const(1)),
    ),
    "a failed exclusive store": (
        Load(A, X, exclusive=True),
        Store(X, Const(1)),
        StoreExclusive(C, X, Const(0)),
        Store(X, Const(0)),
        Store(Y, C),
    ),
}


@pytest.mark.parametrize("name", OWN_STORES)
def test_a_store_behind_what_failed_is_not_taken_for_its_second_half(name):
    """The same value to the same location: in the recording of a run, and where the run is made again."""
    whole = program(OWN_STORES[name])
    random = Random(0)
    machine = runner.machine(whole, random, record=True)
    machine.run(random)
    execution = recording(machine).execution
    assert not execution.relation("amo") and not execution.relation("lxsx")
    assert execution.final["[y]"] == 1
    again = replay(whole, execution)
    assert same(again.given, again.recording.execution) == []


def test_stores_to_one_location_in_any_order_are_told_by_their_values():
    whole = program((Parallel((Store(X, Const(2)), Store(X, Const(1)))),))
    orders = set()
    for seed in range(8):
        random = Random(seed)
        machine = runner.machine(whole, random, record=True)
        machine.run(random)
        execution = recording(machine).execution
        again = replay(whole, execution)
        assert same(again.given, again.recording.execution) == []
        orders.add(execution.final["[x]"])
    assert orders == {1, 2}


def test_an_atomic_that_fails_behind_one_that_cannot_is_made_again():
    whole = program((Rmw(B, X, Const(2), LOCKED, LOCKED), failing(Y)))
    random = Random(0)
    machine = runner.machine(whole, random, record=True)
    machine.run(random)
    again = replay(whole, recording(machine).execution)
    assert same(again.given, again.recording.execution) == []
