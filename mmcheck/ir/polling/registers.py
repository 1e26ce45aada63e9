"""Which registers the statements of a block set, and what stands behind a register."""

from __future__ import annotations

from collections.abc import Mapping

from mmcheck.ir.parts import set_by, walk, with_leaves
from mmcheck.ir.program import Block, Const, Expr, If, Reg

Names = frozenset[str]
NOTHING: Names = frozenset()


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

    def put(leaf: Const | Reg) -> Expr:
        if isinstance(leaf, Const) or leaf.name not in known:
            return leaf
        return expand(known[leaf.name], {name: each for name, each in known.items() if name != leaf.name})

    return with_leaves(expr, put)
