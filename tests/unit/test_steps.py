"""One thread, step by step."""

from __future__ import annotations

import pytest

from mmcheck.base.errors import InternalError, UnknownVerdict
from mmcheck.ir import actions as acts
from mmcheck.ir import steps
from mmcheck.ir.flat import flatten
from mmcheck.ir.instructions import Code
from mmcheck.ir.program import (
    FALSE,
    OLD,
    Assert,
    Assign,
    Await,
    Block,
    Break,
    Call,
    Choice,
    Const,
    Function,
    If,
    Jump,
    Label,
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

X, Y = Const(0x1000, 64), Const(0x2000, 64)
A, B = Reg("a"), Reg("b")


def eq(register: Reg, value: int) -> Op:
    return Op("eq", (register, Const(value)), 1)


def code(*body: object, functions: tuple[Function, ...] = (), privates: tuple[tuple[Reg, int], ...] = (), **options):
    thread = Thread("T", body, privates=privates)  # type: ignore[arg-type]
    program = Program("p", "sc", (thread,), (), {f.name: f for f in functions})
    return flatten(program, thread, **options)


def run(c: Code, *values: int) -> tuple[list[str], dict[str, int]]:
    """The actions of a run whose reads see `values`, and the registers at its end."""
    state, feed, seen = steps.start(c), iter(values), []
    while True:
        state, action = steps.advance(c, state)
        match action:
            case acts.Read():
                value = next(feed)
                seen.append(f"R{action.address:x}={value}")
                state = steps.after_read(c, state, value)
            case acts.Write():
                seen.append(f"W{action.address:x}={action.value}")
                state = steps.after_write(c, state, success=not action.exclusive or action.partner is not None)
            case acts.Modify():
                old = next(feed)
                seen.append(f"M{action.address:x}={old}->{steps.modified(action, state, old)}")
                state = steps.after_modify(c, state, old)
            case acts.Check():
                seen.append(f"{action.requirement} {action.holds}")
                state = steps.skip(state)
            case acts.Wait():
                state = steps.after_wait(c, state)
            case acts.Failed():
                seen.append("failed")
                state = steps.give_up(c, state) if action.gives_up else steps.retry(c, state)
            case acts.Fork():
                state = steps.choose(c, state, action.left[-1]) if action.left else steps.join(c, state)
            case acts.Barrier():
                seen.append("F")
                state = steps.skip(state)
            case _:
                seen.append(type(action).__name__)
                return seen, {name: state.registers[slot] for name, slot in c.named}


def test_a_straight_thread():
    c = code(Load(A, X), Assign(B, Op("add", (A, Const(1)))), Store(Y, B), Assert(eq(B, 8), "eight"))
    assert run(c, 7) == (["R1000=7", "W2000=8", "eight True", "Ended"], {"a": 7, "b": 8})


def test_branches_and_jumps():
    c = code(Load(A, X), If(eq(A, 1), (Store(X, Const(5)),), (Store(Y, Const(6)),)), Store(X, Const(7)))
    assert run(c, 1)[0] == ["R1000=1", "W1000=5", "W1000=7", "Ended"]
    assert run(c, 0)[0] == ["R1000=0", "W2000=6", "W1000=7", "Ended"]
    jump = code(Load(A, X), Jump("end", eq(A, 1)), Store(X, Const(5)), Label("end"))
    assert run(jump, 1)[0] == ["R1000=1", "Ended"]


def test_a_loop_runs_to_the_bound_and_is_then_cut():
    c = code(Loop((Load(A, X), If(eq(A, 1), (Break(),)))), Store(Y, A), bound=3)
    assert run(c, 0, 1)[0] == ["R1000=0", "R1000=1", "W2000=1", "Ended"]
    assert run(c, 0, 0, 0, 0)[0] == ["R1000=0"] * 4 + ["Cut"]  # the test once more than the body


def test_a_backward_jump_counts_anew_in_each_round_of_the_loop_around_it():
    c = code(
        Label("outer"), Label("inner"), Load(A, X), Jump("inner", eq(A, 1)), Load(B, Y), Jump("outer", eq(B, 1))
    )  # fmt: skip
    assert run(c, 1, 0, 1, 1, 0, 0)[0].count("R1000=1") == 2
    assert run(c, 1, 1)[0][-1] == "Cut"
    assert run(c, 0, 1, 0, 1)[0][-1] == "Cut"


def test_locals_belong_to_one_activation_and_privates_to_the_agent():
    body: Block = (
        If(eq(Reg("n"), 1), (Assign(Reg("local"), Const(9)),)),
        Assign(Reg("@calls"), Op("add", (Reg("@calls"), Const(1)))),
        Return(Reg("local")),
    )
    f = Function("f", (Reg("n"),), body, 32)
    c = code(
        Call("f", (Const(1),), A), Call("f", (Const(0),), B), functions=(f,), privates=((Reg("@calls"), 4),)
    )  # fmt: skip
    assert run(c) == (["Ended"], {"@calls": 6, "a": 9, "b": 0})


def test_a_return_leaves_loops_and_the_rest_of_the_function():
    f = Function("f", (), (Loop((Return(Const(3)),)), Store(X, Const(1))), 32)
    assert run(code(Call("f", (), A), functions=(f,))) == (["Ended"], {"a": 3})


def test_recursion_and_unknown_names_are_refused():
    f = Function("f", (), (Call("f"),))
    with pytest.raises(UnknownVerdict, match="calls itself"):
        code(Call("f"), functions=(f,))
    with pytest.raises(InternalError, match="no label"):
        code(Jump("nowhere"))
    with pytest.raises(InternalError, match="no option"):
        code(Choice("site", (("one", ()),)), choices={"site": "two"})


def test_an_await_runs_again_with_the_registers_it_began_with():
    c = code(Await((Load(A, X), If(eq(A, 2), (Assign(B, Const(1)),))), eq(A, 1)), Store(Y, B))
    assert run(c, 2, 0, 1)[0] == ["R1000=2", "failed", "R1000=0", "failed", "R1000=1", "W2000=0", "Ended"]


def test_an_await_with_a_limit_gives_up():
    c = code(Await((Load(A, X),), eq(A, 1), 5, (Return(),)), Store(Y, Const(1)))
    assert run(c, 0)[0] == ["R1000=0", "failed", "Ended"]
    assert run(c, 1)[0] == ["R1000=1", "W2000=1", "Ended"]


def test_the_pieces_of_a_fork_run_in_any_order():
    c = code(Parallel((Store(X, Const(1)), Store(Y, Const(2)))), Store(X, Const(3)))
    assert run(c)[0] == ["W2000=2", "W1000=1", "W1000=3", "Ended"]


def test_a_choice_takes_its_first_option_unless_told():
    site = Choice("fence", (("none", ()), ("store", (Store(X, Const(1)),))))
    assert run(code(site))[0] == ["Ended"]
    assert run(code(site, choices={"fence": "store"}))[0] == ["W1000=1", "Ended"]


def test_a_failing_compare_exchange_writes_nothing():
    cas = Rmw(A, X, Const(5), when=Op("eq", (Reg(OLD), Const(1)), 1), ok=B)
    assert run(code(cas), 1) == (["M1000=1->5", "Ended"], {"a": 1, "b": 1})
    assert run(code(cas), 2) == (["M1000=2->None", "Ended"], {"a": 2, "b": 0})


def test_an_exclusive_store_needs_the_latest_exclusive_load():
    store = StoreExclusive(B, X, Const(1))
    assert run(code(Load(A, X, frozenset(), True), store), 0)[1] == {"a": 0, "b": 0}
    assert run(code(Load(A, Y, frozenset(), True), store), 0)[1] == {"a": 0, "b": 1}
    assert run(code(Load(A, X, frozenset(), True), store, store), 0)[1] == {"a": 0, "b": 1}


def test_widths_are_kept():
    byte = Reg("n", 8)
    c = code(Assign(byte, Op("trunc", (Const(0x1FF),), 8)), Assign(Reg("m"), Op("zext", (byte,))))
    assert run(c)[1] == {"m": 0xFF, "n": 0xFF}


def taints(c: Code, *values: int) -> acts.State:
    state = steps.start(c, taints=True)
    for read, value in enumerate(values):
        state, _ = steps.advance(c, state)
        state = steps.after_read(c, state, value, read)
    return steps.advance(c, state)[0]


def test_dependencies_are_syntactic():
    c = code(Load(A, X), Assign(B, Op("xor", (A, A))), Store(Y, B))
    _, action = steps.advance(c, taints(c, 1))
    assert isinstance(action, acts.Write) and action.data_taint == (1, 0)


def test_select_picks_by_its_condition_and_carries_what_it_takes():
    select = Op("select", (eq(A, 1), B, Const(0)))
    c = code(Load(A, X), Load(B, X), Store(Y, select))
    actions = [steps.advance(c, taints(c, value, 7))[1] for value in (1, 0)]
    assert [a.data_taint for a in actions if isinstance(a, acts.Write)] == [(2, 1), (0, 1)]


def test_a_branch_of_assembly_controls_all_that_follows():
    c = code(Load(A, X), If(eq(A, 1), ()), Jump("l", FALSE), Label("l"), Store(Y, Const(1)))
    assert taints(c, 1).control == (1, 0)
