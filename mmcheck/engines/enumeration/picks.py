"""Which parts of a formula a compiler may choose instead of computing them (docs/compiler.md, dependencies)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from mmcheck.ir.program import Const, Expr, Op, evaluate, registers_of
from mmcheck.model.picks import FLIPPED, MOST_VALUES, SAMPLES, is_moved_bit, sample


@lru_cache(maxsize=1 << 12)
def is_chosen(expr: Op) -> bool:
    """Whether a compiler may compute it with a branch or a conditional instruction; nothing in it is selected."""
    if expr.width == 1 or _divides(expr):
        return True
    return is_narrow(expr) and not _is_moved(expr)


@lru_cache(maxsize=1 << 12)
def is_narrow(expr: Expr) -> bool:
    """Whether `expr` has few values, whatever is read."""
    reads = _reads(expr)
    values = set[int]()
    for which in range(len(SAMPLES)):
        values.add(evaluate(expr, _tried(reads, which)))
        if len(values) > MOST_VALUES:
            return False
    return True


def _reads(expr: Expr) -> dict[str, int]:
    """What `expr` reads, with the widths."""
    return {read.name: read.width for read in registers_of(expr)}


def _tried(reads: dict[str, int], which: int) -> dict[str, int]:
    return {name: sample(which, i) & (1 << width) - 1 for i, (name, width) in enumerate(reads.items())}


def _is_moved(expr: Op) -> bool:
    reads = _reads(expr)
    values = {evaluate(expr, _tried(reads, which)) for which in range(len(SAMPLES))}
    if len(values) < MOST_VALUES:
        return True
    deciding: dict[str, set[int]] = {}
    follows = set[bool]()
    for which in range(FLIPPED):
        before = _tried(reads, which)
        usual = evaluate(expr, before)
        for name, width in reads.items():
            for bit in range(width):
                turned = before[name] ^ 1 << bit
                number = evaluate(expr, {**before, name: turned})
                if number != usual:
                    deciding.setdefault(name, set()).add(bit)
                    follows.add((number != 0) == bool(turned >> bit & 1))
    if any(len(bits) > 1 for bits in deciding.values()):
        return False
    bits = [(bit, reads[name]) for name, found in deciding.items() for bit in found]
    return is_moved_bit(values, expr.width, bits, rises=follows == {True})


def selected(expr: Expr, values: Mapping[str, int]) -> Expr:
    """`expr` with what is selected at these values in place of each selection; conditions in it stay."""
    if not isinstance(expr, Op) or expr.width == 1:
        return expr
    if expr.op == "select":
        return selected(expr.args[1 if evaluate(expr.args[0], values) else 2], values)
    args = tuple([selected(arg, values) for arg in expr.args])
    return expr if all(a is b for a, b in zip(args, expr.args, strict=True)) else Op(expr.op, args, expr.width)


def is_scaled(expr: Expr) -> bool:
    """Whether it is an index times the size of an element, as a part of an address."""
    return isinstance(expr, Op) and expr.op == "mul" and any(isinstance(arg, Const) for arg in expr.args)


def _divides(expr: Op) -> bool:
    """Whether it is a division that is no shift or mask."""
    if expr.op not in ("udiv", "umod", "sdiv", "smod"):
        return False
    by = expr.args[1]
    power = isinstance(by, Const) and by.value and not by.value & by.value - 1
    return not (power and expr.op in ("udiv", "umod"))
