"""What a statement is made of: the blocks in it, the expressions that it reads, the registers that it sets.

Passes over programs are written with these and name only the statements that they treat otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar, get_args

from mmcheck.base.records import record, replace
from mmcheck.ir.program import (
    Assert,
    Assign,
    Await,
    Block,
    Break,
    Call,
    Choice,
    Const,
    Expr,
    Fence,
    Function,
    Given,
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
    Statement,
    Store,
    StoreExclusive,
    registers_of,
)

S = TypeVar("S", bound=Statement)


@record
class Parts:
    """The names of the fields of one kind of statement that hold expressions, registers to set, and blocks."""

    reads: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()


PARTS: dict[type, Parts] = {
    Assign: Parts(("expr",), ("dst",)),
    Load: Parts(("address",), ("dst",)),
    Store: Parts(("address", "value")),
    StoreExclusive: Parts(("address", "value"), ("status",)),
    Rmw: Parts(("address", "new", "when", "compare"), ("dst", "ok")),
    Fence: Parts(),
    If: Parts(("cond",), (), ("then", "orelse")),
    Loop: Parts((), (), ("body",)),
    Break: Parts(),
    Await: Parts(("cond",), (), ("body", "orelse")),
    Call: Parts(("args",), ("dst",)),
    Return: Parts(("value",)),
    Assert: Parts(("cond",)),
    Parallel: Parts((), (), ("body",)),
    Choice: Parts((), (), ("options",)),
    Given: Parts(("cond",)),
    Label: Parts(),
    Jump: Parts(("cond",)),
}
if set(PARTS) != set(get_args(Statement)):
    raise TypeError("PARTS has a row for each kind of statement")


# --- of one statement ----------------------------------------------------------------------------------


def exprs_of(statement: Statement) -> Iterator[Expr]:
    """The expressions of `statement` itself, without those of its blocks."""
    for name in PARTS[type(statement)].reads:
        found = getattr(statement, name)
        if isinstance(found, tuple):
            yield from found
        elif found is not None:
            yield found


def with_exprs(statement: S, change: Callable[[Expr], Expr]) -> S:
    """`statement` with its own expressions changed."""
    changed = {}
    for name in PARTS[type(statement)].reads:
        found = getattr(statement, name)
        if found is not None:
            changed[name] = tuple([change(each) for each in found]) if isinstance(found, tuple) else change(found)
    return replace(statement, **changed) if changed else statement


def set_by(statement: Statement) -> Iterator[Reg]:
    """The registers that `statement` itself sets."""
    for name in PARTS[type(statement)].sets:
        found = getattr(statement, name)
        if found is not None:
            yield found


def used_by(statement: Statement) -> frozenset[str]:
    """The registers whose values `statement` itself uses."""
    return names_in(*exprs_of(statement))


def names_in(*exprs: Expr) -> frozenset[str]:
    """The registers in `exprs`."""
    return frozenset(reg.name for expr in exprs for reg in registers_of(expr))


def children(statement: Statement) -> Iterator[Block]:
    """The blocks inside `statement`, in text order."""
    if isinstance(statement, Choice):
        for _, block in statement.options:
            yield block
    else:
        for name in PARTS[type(statement)].blocks:
            yield getattr(statement, name)


def with_blocks(statement: S, change: Callable[[Block], Block]) -> S:
    """`statement` with the blocks inside it changed, in text order."""
    if isinstance(statement, Choice):
        options = tuple([(name, change(block)) for name, block in statement.options])
        return replace(statement, options=options)
    names = PARTS[type(statement)].blocks
    return replace(statement, **{name: change(getattr(statement, name)) for name in names}) if names else statement


# --- of blocks and programs ----------------------------------------------------------------------------


def walk(block: Block) -> Iterator[Statement]:
    """Every statement of `block` and of the blocks inside it, in text order; calls are not entered."""
    for statement in block:
        yield statement
        for inner in children(statement):
            yield from walk(inner)


def reachable(block: Block, functions: Mapping[str, Function]) -> Iterator[Statement]:
    """The statements of `block` and of those `functions` that it calls, each function once."""
    entered: set[str] = set()
    work = [block]
    while work:
        for statement in walk(work.pop()):
            yield statement
            if isinstance(statement, Call) and statement.function not in entered:
                entered.add(statement.function)
                function = functions.get(statement.function)
                if function is not None:
                    work.append(function.body)


def bodies_of(program: Program) -> list[Block]:
    """The bodies of the threads, then those of the functions."""
    return [thread.body for thread in program.threads] + [each.body for each in program.functions.values()]


def with_bodies(program: Program, change: Callable[[Block], Block]) -> Program:
    """`program` with the bodies of its threads and functions changed."""
    threads = tuple([replace(thread, body=change(thread.body)) for thread in program.threads])
    functions = {name: replace(each, body=change(each.body)) for name, each in program.functions.items()}
    return replace(program, threads=threads, functions=functions)


# --- of expressions ------------------------------------------------------------------------------------


def terms_of(expr: Expr) -> Iterator[Expr]:
    """`expr` and all expressions in it, an operator before its operands."""
    yield expr
    if isinstance(expr, Op):
        for arg in expr.args:
            yield from terms_of(arg)


def with_leaves(expr: Expr, change: Callable[[Const | Reg], Expr]) -> Expr:
    """`expr` with its registers and constants changed."""
    if isinstance(expr, Op):
        return Op(expr.op, tuple([with_leaves(arg, change) for arg in expr.args]), expr.width)
    return change(expr)
