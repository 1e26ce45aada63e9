"""No run of a handler comes between the halves of one instruction, and a store-exclusive behind a run fails: by the
solver, by the enumerator, and, under SC, by the explorer of interleavings."""

from __future__ import annotations

from functools import reduce

import pytest

from mmcheck.ir.program import (
    NO_TAGS,
    OLD,
    Assign,
    Await,
    Block,
    Cell,
    Const,
    Expr,
    If,
    Load,
    Op,
    Program,
    Reg,
    Requirement,
    Rmw,
    Store,
    StoreExclusive,
    Tags,
    Thread,
    state_cell,
    state_register,
)
from mmcheck.model.model import load_model
from mmcheck.verdict.check import Checker, engine_of
from tests.property.handlers import ENDS
from tests.property.interleavings import interleavings

X = Const(0x1000, 64)
CELLS = (Cell("x", 0x1000),)
ATOMIC = frozenset({"X"})


def plus_one(register: str) -> Expr:
    return Op("add", (Reg(register), Const(1)))


def added(tags: Tags, *, exclusive: bool = False) -> Block:
    return (Rmw(Reg("a"), X, plus_one(OLD), tags, tags, exclusive=exclusive),)


PAIR: Block = (
    Load(Reg("a"), X, NO_TAGS, exclusive=True),
    StoreExclusive(Reg("failed"), X, plus_one("a")),
)
WHOLE = (
    Load(Reg("a"), X, NO_TAGS, whole=True),  # two accesses of one instruction
    Store(X, plus_one("a")),
)
INSTRUCTIONS: dict[str, tuple[Block, tuple[str, ...]]] = {
    "ldadd, or lock xadd": (added(ATOMIC), ("sc", "x86-tso", "armv8")),
    "inc, not locked": (added(ATOMIC | {"Unlocked"}), ("sc", "x86-tso")),
    "a loop of ldxr and stxr": (added(ATOMIC, exclusive=True), ("sc", "armv8")),
    "two accesses of one instruction": (WHOLE, ("sc", "x86-tso")),
    "ldxr, stxr": (PAIR, ("sc", "armv8")),
}
SPLIT = (Load(Reg("a"), X), Store(X, plus_one("a")))
CASES = [(name, model) for name, (_, models) in INSTRUCTIONS.items() for model in models]

RAN = Op("eq", (state_register("irq", "ran"), Const(1)), 1)
WROTE = Op("eq", (state_register("P0", "failed"), Const(0)), 1)
LOST = Op("eq", (state_cell("x"), Const(1)), 1)


def program(body: Block, model: str, cond: Expr, *, waits: bool = False) -> Program:
    """`body` adds one to x, and so does a handler, by a load and a store; or it waits for what is never there."""
    handler: Block = (Load(Reg("h"), X), Store(X, plus_one("h")), Assign(Reg("@ran"), Const(1)))
    if waits:
        handler = (Assign(Reg("@ran"), Const(1)), Await((Load(Reg("h"), X),), Op("eq", (Reg("h"), Const(9)), 1)))
    ends = ENDS[model]
    run = Thread(
        "irq", handler, "interrupt", privates=((Reg("@ran"), 0),), cpu=0, host=0, handler="irq", entry=ends, leave=ends
    )
    claim = Requirement("seen", "exists", cond=cond)
    return Program("interrupted", model, (Thread("P0", body, cpu=0), run), CELLS, {}, (claim,))


def possible(body: Block, model: str, cond: Expr, *, waits: bool = False) -> bool:
    """Whether a run ends in `cond`, on which all who can say it agree."""
    found = program(body, model, cond, waits=waits)
    (claim,) = found.requirements
    answers = {
        Checker(engine_of(engine, found, load_model(model), layered=False)).run(claim).verdict
        for engine in ("smt", "enumerate")
    }
    if model == "sc":
        finals = interleavings(found).finals
        shown = [holds(cond, dict(final)) for final in finals]
        answers.add("allowed" if any(shown) else "forbidden")
    assert len(answers) == 1, answers
    return answers == {"allowed"}


def holds(cond: Expr, final: dict[str, int]) -> bool:
    if isinstance(cond, Op) and cond.op == "and":
        return all(holds(arg, final) for arg in cond.args)
    assert isinstance(cond, Op) and isinstance(cond.args[0], Reg) and isinstance(cond.args[1], Const)
    return final.get(cond.args[0].name, 0) == cond.args[1].value


def both(*conds: Expr) -> Expr:
    return reduce(lambda a, b: Op("and", (a, b), 1), conds)


@pytest.mark.parametrize(("name", "model"), CASES)
def test_an_instruction_is_not_split(name: str, model: str) -> None:
    """Of two increments none is lost if the instruction wrote, wherever the run came."""
    body, _ = INSTRUCTIONS[name]
    assert not possible(body, model, both(RAN, WROTE, LOST))
    assert possible(body, model, both(RAN, WROTE, Op("eq", (state_cell("x"), Const(2)), 1)))


@pytest.mark.parametrize("model", ["sc", "x86-tso", "armv8"])
def test_a_load_and_a_store_are_split(model: str) -> None:
    assert possible(SPLIT, model, both(RAN, WROTE, LOST))


@pytest.mark.parametrize("model", ["sc", "armv8"])
def test_a_store_exclusive_behind_a_run_fails(model: str) -> None:
    """It writes without a run between, and never with one: there `h`, which the run found, is what LDXR read."""
    failed = Op("eq", (state_register("P0", "failed"), Const(1)), 1)
    assert possible(PAIR, model, both(RAN, failed, LOST))
    between = (
        Load(Reg("a"), X, NO_TAGS, exclusive=True),
        Load(Reg("b"), X),
        StoreExclusive(Reg("failed"), X, plus_one("b")),
    )
    seen = Op("eq", (state_register("P0", "a"), Const(0)), 1), Op("eq", (state_register("P0", "b"), Const(1)), 1)
    assert possible(between, model, both(RAN, failed, *seen))
    assert not possible(between, model, both(RAN, WROTE, *seen))


@pytest.mark.parametrize("model", ["sc", "armv8"])
def test_a_retry_behind_a_run_succeeds(model: str) -> None:
    again = (*PAIR, If(Op("eq", (Reg("failed"), Const(1)), 1), PAIR))
    assert possible(again, model, both(RAN, WROTE, Op("eq", (state_cell("x"), Const(2)), 1)))
    assert not possible(again, model, both(RAN, WROTE, LOST))


@pytest.mark.parametrize(("name", "model"), CASES)
def test_a_run_that_never_returns_splits_none(name: str, model: str) -> None:
    """Read, an instruction has written: what stands behind the run has done neither."""
    body, _ = INSTRUCTIONS[name]
    probe = (*body, Load(Reg("b"), X))
    nothing = Op("eq", (state_cell("x"), Const(0)), 1)
    assert possible(probe, model, both(RAN, nothing), waits=True)
    if body is not PAIR:
        assert not possible(
            (Store(X, Const(1)), *probe),
            model,
            both(RAN, Op("eq", (state_register("P0", "a"), Const(1)), 1), LOST),
            waits=True,
        )
