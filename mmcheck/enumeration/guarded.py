"""Control dependencies of compiled code, from all the paths of a thread (see docs/compiler.md).

A write depends on a read by control if, everything else fixed, two values of that read differ in what is written: by
this statement, or by another one, on a path that parts from this one at a branch that is still open here. That is
found by trying values, as in `mmcheck.enumeration.robust`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mmcheck.enumeration.robust import is_robust
from mmcheck.program import FALSE, TRUE, Expr, Op, Reg, Tags
from mmcheck.relations import bits

MOST = 24
"""Equal writes on other paths that are looked at, before the dependency is given up: the safe side."""


class Guarded(NamedTuple):
    """One event inside of branches: `open_` are their conditions, `path` all that is known, oldest first; `data` and
    `pick` the reads that the branches test. `reads` are the places of the thread's reads so far."""

    position: int
    statement: int
    kind: str
    tags: Tags
    place: Expr | None
    value: Expr | None
    open_: tuple[Expr, ...]
    path: tuple[Expr, ...]
    data: int
    pick: int
    reads: tuple[tuple[str, int], ...]


def decided(one: Guarded, others: Iterable[Guarded], same: Mapping[int, int]) -> tuple[int, int]:
    """Of the reads that the branches around `one` test, those that make a difference."""
    twins = [other for other in others if _is_twin(one, other)]
    if len(twins) > MOST:
        return 0, 0
    # What the outermost open branch asks is not known, whether or not another statement is the same on its other side.
    common = next((i for i, fact in enumerate(one.path) if positive(fact) in one.open_), len(one.path))
    for twin in twins:
        common = min(common, _parting(one, twin))
    known = one.path[:common]
    alternatives = [_apart(one, twin) for twin in twins]
    own = _all(one.path[common:])

    def varies(expr: Expr, read: int, facts: tuple[Expr, ...]) -> bool:
        return is_robust(expr, f"r{same.get(read, read)}", facts, None)

    def equal(twin: Guarded, read: int) -> bool:
        here = _all(twin.path[common:])
        facts = (*known, _any([own, here]))
        for mine, its in ((one.place, twin.place), (one.value, twin.value)):
            if (
                mine is not None
                and its is not None
                and varies(Op("select", (here, its, mine), mine.width), read, facts)
            ):
                return False
        return True

    def matters(read: int) -> bool:
        others = [_all(twin.path[common:]) for twin in alternatives if equal(twin, read)]
        return varies(_any([own, *others]), read, known)

    return tuple(sum(1 << read for read in bits(mask) if matters(read)) for mask in (one.data, one.pick))  # type: ignore[return-value]


def _is_twin(one: Guarded, other: Guarded) -> bool:
    """Whether a compiler could make one statement of the two, which are never both executed."""
    if (one.kind, one.tags) != (other.kind, other.tags):
        return False
    at = _parting(one, other)
    if at >= min(len(one.path), len(other.path)):
        return False
    (mine, yes), (its, no) = _sign(one.path[at]), _sign(other.path[at])
    return mine == its and yes != no and mine in one.open_


def _apart(one: Guarded, twin: Guarded) -> Guarded:
    """`twin` with its own names for its reads, but for those that are the same: of one name and one place."""
    mine = dict(one.reads)
    other = {name for name, place in twin.reads if mine.get(name) != place}
    if not other:
        return twin
    return twin._replace(
        place=None if twin.place is None else _renamed(twin.place, other),
        value=None if twin.value is None else _renamed(twin.value, other),
        path=tuple([_renamed(fact, other) for fact in twin.path]),
    )


def _renamed(expr: Expr, names: set[str]) -> Expr:
    if isinstance(expr, Reg):
        return Reg(f"{expr.name}'", expr.width) if expr.name in names else expr
    if isinstance(expr, Op):
        return Op(expr.op, tuple([_renamed(arg, names) for arg in expr.args]), expr.width)
    return expr


def _parting(one: Guarded, other: Guarded) -> int:
    """How many conditions the two paths have in common."""
    count = 0
    for a, b in zip(one.path, other.path, strict=False):
        if a != b:
            break
        count += 1
    return count


def positive(fact: Expr) -> Expr:
    """The condition of which `fact` says that it holds, or does not."""
    return _sign(fact)[0]


def _sign(fact: Expr) -> tuple[Expr, bool]:
    sign = True
    while isinstance(fact, Op) and fact.op in ("not", "ne"):
        fact = fact.args[0] if fact.op == "not" else Op("eq", fact.args, 1)
        sign = not sign
    return fact, sign


def _all(facts: Iterable[Expr]) -> Expr:
    out: Expr = TRUE
    for fact in facts:
        out = fact if out == TRUE else Op("and", (out, fact), 1)
    return out


def _any(facts: Iterable[Expr]) -> Expr:
    out: Expr = FALSE
    for fact in facts:
        out = fact if out == FALSE else Op("or", (out, fact), 1)
    return out
