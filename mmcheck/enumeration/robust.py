"""Dependencies that a compiler cannot remove (docs/compiler.md), decided by trying values.

`expr` depends on a read if, while everything else stays, two values of that read that agree with what the path
knows give two values of `expr`. Values are tried from a finite set around the constants at hand; finding no
pair drops the dependency, which allows more executions: the safe side.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from mmcheck.program import Const, Expr, Op, evaluate, registers_of

TRIES = 20_000
"""Assignments of the other reads that are tried."""


@lru_cache(maxsize=4096)
def is_robust(expr: Expr, symbol: str, path: tuple[Expr, ...], cells: frozenset[int] | None) -> bool:
    """Whether `expr` can change if only `symbol` does and every condition of `path` holds. If it is an address, `cells`
    are those that it can be: any other is out of bounds, which a compiler takes to be impossible."""
    widths = {register.name: register.width for register in registers_of(expr)}
    if symbol not in widths:
        return False
    facts = _connected(set(widths), path)
    for fact in facts:
        widths |= {register.name: register.width for register in registers_of(fact)}
    numbers = _numbers((expr, *facts))
    offers = {name: _offers(width, numbers) for name, width in widths.items()}
    others = sorted(set(widths) - {symbol})
    decided = [{register.name for register in registers_of(fact)} for fact in facts]
    for tries, context in enumerate(_contexts(others, offers, facts, decided)):
        if tries >= TRIES:
            return False
        seen: set[int] = set()
        for value in offers[symbol]:
            assignment = {**context, symbol: value}
            if all(evaluate(fact, assignment) for fact, names in zip(facts, decided, strict=True) if symbol in names):
                result = evaluate(expr, assignment)
                if cells is None or result in cells:
                    seen.add(result)
        if len(seen) > 1:
            return True
    return False


def _contexts(
    names: list[str], offers: dict[str, list[int]], facts: list[Expr], decided: list[set[str]]
) -> Iterator[dict[str, int]]:
    """Values of `names` that agree with the facts about them alone."""
    if not names:
        yield {}
        return
    *front, last = names
    for context in _contexts(front, offers, facts, decided):
        for value in offers[last]:
            extended = {**context, last: value}
            if all(
                evaluate(fact, extended)
                for fact, about in zip(facts, decided, strict=True)
                if last in about and about <= extended.keys()
            ):
                yield extended


def _connected(names: set[str], path: tuple[Expr, ...]) -> list[Expr]:
    """The conditions that have to do with `names`, directly or through other reads."""
    rest = [(fact, {register.name for register in registers_of(fact)}) for fact in path]
    found: list[Expr] = []
    while True:
        near = [fact for fact, about in rest if about & names]
        if not near:
            return found
        found += near
        names = names.union(*[about for _, about in rest if about & names])
        rest = [(fact, about) for fact, about in rest if fact not in near]


def _numbers(exprs: tuple[Expr, ...]) -> set[int]:
    """Constants and widths of `exprs`."""
    out: set[int] = set()
    work = list(exprs)
    while work:
        expr = work.pop()
        if isinstance(expr, Const):
            out.add(expr.value)
        elif isinstance(expr, Op):
            work += expr.args
    return out


def _offers(width: int, numbers: set[int]) -> list[int]:
    mask = (1 << width) - 1
    near = {n + d for n in numbers for d in (-1, 0, 1)} | {0, 1, 2, 3, mask}
    near |= {1 << bit for bit in range(0, width, 4)}
    return sorted({n & mask for n in near})


__all__ = ["is_robust"]
