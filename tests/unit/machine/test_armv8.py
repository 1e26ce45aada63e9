"""Programs on which the Armv8 machine was once wrong: held against the enumerator, which shares nothing with it."""

from __future__ import annotations

from random import Random

import pytest

from mmcheck.machine import armv8, runner
from mmcheck.machine.record import recording
from mmcheck.model.concrete import check
from mmcheck.model.model import load_model
from mmcheck.program import OLD, Assign, Block, Cell, Const, Load, Op, Program, Reg, Rmw, Store, StoreExclusive, Thread
from tests.property.test_machines import enumerated

X, Y = Const(0x1000, 64), Const(0x2000, 64)
CELLS = (Cell("x", 0x1000), Cell("y", 0x2000))
LOCKED = frozenset({"X"})
A, C = Reg("a"), Reg("c")


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
    for kind in ("sc", "armv8"):
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
