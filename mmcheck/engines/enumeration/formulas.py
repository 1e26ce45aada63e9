"""Addresses, data and tests of one run as formulas over what its reads return, and what of them varies with a read.

A compiler may compute some parts with a branch or a conditional instruction, so that the processor need not have the
number that was read: such parts keep the value that they have in the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mmcheck.engines.enumeration.again import Again, Taken, half_of
from mmcheck.engines.enumeration.picks import is_chosen, is_narrow, is_scaled, selected
from mmcheck.engines.enumeration.text import Place, Run
from mmcheck.ir.parts import with_leaves
from mmcheck.ir.program import Const, Expr, Op, Reg, apply, evaluate, registers_of

Values = Mapping[str, int]


class Formula(NamedTuple):
    """`expr` over the reads in `over`."""

    expr: Expr
    over: frozenset[int]


class Formulas:
    """Those of one run, of which the loads `taken` are not made: what these take stands for them."""

    def __init__(self, run: Run, taken: Taken) -> None:
        self.run = run
        self.values = {f"r{i}": made.value for i, made in enumerate(run.made) if made.kind == "R"}
        sources: dict[str, Expr] = {}
        for load, source in taken:
            what = run.made[source].what
            value = Reg(f"r{source}", run.made[source].width) if what is None else what
            sources[f"r{load}"] = _substituted(value, sources)
        self.where = [self._selected(made.where, sources) for made in run.made]
        self.what = [self._selected(made.what, sources) for made in run.made]
        self.tests = [self._formula(test, sources) for test in run.end.state.tests]
        self.demands = [(each.place, self._formula(each.cond, sources)) for each in run.end.demands]
        self._places = [self._formula(made.where, sources) for made in run.made]
        self._behind = [self._reads_behind(i) for i in range(len(run.made))]

    def _formula(self, expr: Expr | None, sources: Mapping[str, Expr]) -> Formula | None:
        if expr is None:
            return None
        given = _substituted(expr, sources)
        return Formula(given, frozenset([int(register.name[1:]) for register in registers_of(given)]))

    def _selected(self, expr: Expr | None, sources: Mapping[str, Expr]) -> Formula | None:
        found = self._formula(expr, sources)
        return None if found is None else Formula(selected(found.expr, self.values), found.over)

    def _reads_behind(self, event: int) -> frozenset[int]:
        """The reads that cannot be made before this one: itself, and those whose places it decides."""
        found = {event} if self.run.made[event].kind == "R" else set[int]()
        for i in range(event + 1, len(self.where)):
            where = self.where[i]
            if where is not None and self.run.made[i].kind == "R" and not found.isdisjoint(where.over):
                found.add(i)
        return frozenset(found)

    def varying(self, read: int, again: Again) -> tuple[int, int]:
        """The events whose address (in a cell), and whose data, varies with `read`, as bits, while all tests of the run
        come out as they do. Tests that cannot be made before the event do not count."""
        run, old = self.run, self.values
        address = data = 0
        for value in again.values(run, run.made[read].width):
            new = {**old, f"r{read}": value}
            turned = [
                test.over
                for test, (_, held) in zip(self.tests, run.end.outcomes, strict=True)
                if test is not None and read in test.over and bool(evaluate(test.expr, new)) != held
            ]
            last = self._ends_at(read, new, again)
            for i in range(read + 1, len(run.made)):
                if last is not None and run.made[i].place > last:
                    break
                if any(over.isdisjoint(self._behind[i]) for over in turned):
                    continue
                where, what = self.where[i], self.what[i]
                if where is not None and read in where.over:
                    there = _address(where.expr, old, new)
                    address |= (there != run.made[i].address and there in again.cells) << i
                if what is not None and read in what.over:
                    part = _computed if self._is_by_memory(i, what.expr) else _frozen
                    data |= (part(what.expr, old, new) != run.made[i].value) << i
        return address, data

    def _is_by_memory(self, write: int, what: Expr) -> bool:
        """Whether it is computed of what its own read-modify-write has read, in one instruction."""
        own = f"r{self.run.other.get(write)}"
        return isinstance(what, Op) and any(isinstance(arg, Reg) and arg.name == own for arg in what.args)

    def _ends_at(self, read: int, new: Values, again: Again) -> Place | None:
        """The first place behind the read from which on the run means nothing with what is `new`."""
        made = self.run.made
        found = [
            place
            for place, cond in self.demands
            if again.keep.concludes and cond is not None and read in cond.over and not evaluate(cond.expr, new)
        ]
        for i in range(read + 1, len(made)):
            where = self._places[i]
            if where is not None and read in where.over:
                if again.misses(made[i], half_of(made, self.run.end.pairs, i), evaluate(where.expr, new)):
                    found.append(made[i].place)
                    break
        return min(found, default=None)


def _address(expr: Expr, old: Values, new: Values) -> int:
    """As `_frozen`, of an address: sums, and an index times the size of an element, are computed in any case."""
    if not isinstance(expr, Op) or not (expr.op == "add" or is_scaled(expr)):
        return _frozen(expr, old, new)
    part = _address if expr.op == "add" else _frozen
    return _apply(expr, [part(arg, old, new) for arg in expr.args])


def _frozen(expr: Expr, old: Values, new: Values) -> int:
    """The value of `expr`, in which nothing is selected, with what is `new`, but for what may be chosen."""
    if not isinstance(expr, Op):
        return evaluate(expr, new)
    if is_chosen(expr):
        return evaluate(expr, old)
    values = [_frozen(arg, old, new) for arg in expr.args]
    if expr.op == "mul" and not is_scaled(expr):
        values = [evaluate(arg, old) if is_narrow(arg) else value for arg, value in zip(expr.args, values, strict=True)]
    return _apply(expr, values)


def _computed(expr: Expr, old: Values, new: Values) -> int:
    """As `_frozen`, of what is computed as a whole."""
    return _apply(expr, [_frozen(arg, old, new) for arg in expr.args]) if isinstance(expr, Op) else evaluate(expr, new)


def _apply(expr: Op, values: Sequence[int]) -> int:
    return apply(expr.op, tuple(values), tuple([arg.width for arg in expr.args]), expr.width)


def _substituted(expr: Expr, sources: Mapping[str, Expr]) -> Expr:
    def put(leaf: Const | Reg) -> Expr:
        value = sources.get(leaf.name) if isinstance(leaf, Reg) else None
        if value is None or value.width == leaf.width:
            return value or leaf
        return Op("zext" if value.width < leaf.width else "trunc", (value,), leaf.width)

    return with_leaves(expr, put)
