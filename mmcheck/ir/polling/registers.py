"""Which registers statements and expressions use and set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from mmcheck.base.records import replace
from mmcheck.ir.program import (
    Assert,
    Assign,
    Await,
    Block,
    Call,
    Expr,
    Given,
    If,
    Jump,
    Load,
    Op,
    Reg,
    Return,
    Rmw,
    Statement,
    Store,
    StoreExclusive,
    registers_of,
    walk,
)

_S = TypeVar("_S", bound=Statement)
Names = frozenset[str]
NOTHING: Names = frozenset()


def exprs_of(statement: Statement) -> Iterator[Expr]:
    """The expressions of `statement` itself."""
    for name in _EXPRS.get(type(statement), ()):
        found = getattr(statement, name)
        if isinstance(found, tuple):
            yield from found
        elif found is not None:
            yield found


def with_exprs(statement: _S, change: Callable[[Expr], Expr]) -> _S:
    """`statement` with its own expressions changed."""
    changed = {}
    for name in _EXPRS.get(type(statement), ()):
        found = getattr(statement, name)
        if found is not None:
            changed[name] = tuple([change(each) for each in found]) if isinstance(found, tuple) else change(found)
    return replace(statement, **changed)


_EXPRS: dict[type, tuple[str, ...]] = {
    Assign: ("expr",),
    Load: ("address",),
    Store: ("address", "value"),
    StoreExclusive: ("address", "value"),
    Rmw: ("address", "new", "when", "compare"),
    If: ("cond",),
    Await: ("cond",),
    Assert: ("cond",),
    Given: ("cond",),
    Jump: ("cond",),
    Call: ("args",),
    Return: ("value",),
}


def used_by(statement: Statement) -> Names:
    """The registers whose values `statement` itself uses."""
    return names_in(*exprs_of(statement))


def set_by(statement: Statement) -> Iterator[Reg]:
    """The registers that `statement` itself sets."""
    match statement:
        case Assign(dst=dst) | Load(dst=dst):
            yield dst
        case Rmw(dst=dst, ok=ok):
            yield dst
            if ok is not None:
                yield ok
        case Call(dst=dst) if dst is not None:
            yield dst


def names_in(*exprs: Expr) -> Names:
    """The registers in `exprs`."""
    return frozenset(reg.name for expr in exprs for reg in registers_of(expr))


def all_set(block: Block) -> Names:
    """The registers that statements of `block` set."""
    return frozenset(reg.name for each in walk(block) for reg in set_by(each))


def always_set(block: Block) -> Names:
    """The registers that `block` sets on every path."""
    out: set[str] = set()
    for each in block:
        out |= {reg.name for reg in set_by(each)}
        if isinstance(each, If):
            out |= always_set(each.then) & always_set(each.orelse)
    return frozenset(out)


def expand(expr: Expr, known: Mapping[str, Expr]) -> Expr:
    """`expr` with what is `known` in the place of registers."""
    if isinstance(expr, Reg) and expr.name in known:
        return expand(known[expr.name], {name: each for name, each in known.items() if name != expr.name})
    if isinstance(expr, Op):
        return Op(expr.op, tuple(expand(arg, known) for arg in expr.args), expr.width)
    return expr
