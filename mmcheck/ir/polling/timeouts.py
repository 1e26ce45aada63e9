"""Loops that count their rounds, and give up after so many of them.

A counter is a register that each round sets from itself alone. With its value put in, a round is another one. While it
is the same as the first, the loop waits; where it leaves, whatever it reads, it gives up. If it is anything else, the
loop does something every now and then, and is no wait.

A loop may do no more with its counter than compare it: then rounds differ only near the numbers that it is compared
with, and two of them are alike if nothing of that kind lies between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from mmcheck.base.records import record, replace
from mmcheck.ir.parts import exprs_of, names_in, set_by, walk, with_blocks, with_exprs
from mmcheck.ir.polling.rounds import always_exits
from mmcheck.ir.program import (
    FALSE,
    TRUE,
    Assign,
    Await,
    Block,
    Break,
    Call,
    Choice,
    Const,
    Expr,
    If,
    Loop,
    Op,
    Reg,
    Return,
    Statement,
    constants_of,
    evaluate,
)

COMPARES = frozenset({"eq", "ne", "ult", "ule", "slt", "sle", "add", "sub"})
"""What may be done with a counter, and any logic with what comes of it."""

MANY = 8
"""Numbers that a counter is compared with."""


@record
class Limited:
    """A loop that gives up after `tries` rounds, each of which is `body`; the one behind them, for which the counter is
    at `number`, is `last`."""

    body: Block
    tries: int
    number: int
    last: Block


def limited(body: Block, counter: Reg, start: int, rest: Sequence[Statement]) -> Limited | None:
    """The loop of `body`, whose `counter` is `start` at first, if it gives up at some time. `rest` are the statements
    elsewhere for which the counter may matter: they may not know how often it went around before it did not give up."""
    late = list(_uses(rest, counter))
    uses = [*_uses(walk(body), counter), *late]
    numbers = frozenset(each.value for expr in uses for each in constants_of(expr))
    if len(numbers) > MANY or not all(map(_only_compares, uses)):
        return None
    try:
        first = _Folded(counter, start).of(body)
        if first.behind is None or first.behind == start:
            return None
        count = _Count(counter.width, start, first.behind - start, numbers)
        if _Folded(counter, count.at(1)).of(body).behind not in (None, count.at(2)):
            return None
        for tries in count.suspects():
            last = _Folded(counter, count.at(tries)).of(body)
            if last.shape != first.shape:
                known = [count.alike(expr, counter.name, tries, each) for expr in late for each in first.left]
                ends = always_exits(last.block) and all(known)
                return Limited(first.block, tries, count.at(tries), last.block) if ends else None
    except _Varies:
        pass
    return None


def _uses(statements: Iterable[Statement], counter: Reg) -> Iterator[Expr]:
    return (expr for each in statements for expr in exprs_of(each) if counter.name in names_in(expr))


def _only_compares(expr: Expr) -> bool:
    if not isinstance(expr, Op):
        return True
    known = expr.op in COMPARES or (expr.op in ("and", "or", "not") and expr.width == 1)
    return known and all(map(_only_compares, expr.args))


@record
class _Count:
    """What a counter counts: from `start` by `step`, past `numbers`."""

    width: int
    start: int
    step: int
    numbers: frozenset[int]

    def at(self, round: int) -> int:
        """Its value as `round` begins."""
        return self.start + round * self.step & (1 << self.width) - 1

    def suspects(self) -> list[int]:
        """The rounds, in order, that may differ from the one before."""
        mask, step = (1 << self.width) - 1, abs(self.step)
        near = {0, mask, mask >> 1, *self.numbers}
        near |= {a + sign * b for a in self.numbers for b in self.numbers for sign in (1, -1)}
        found = set()
        for number in near:
            way = (number - self.start) * (1 if self.step > 0 else -1) & mask
            found |= {way // step + more for more in range(-2, 4)}
        return sorted(round for round in found if 0 < round <= mask // step)

    def alike(self, expr: Expr, name: str, tries: int, offset: int) -> bool:
        """Whether `expr` has one value, at which round before `tries` the counter may be read, `offset` further on."""
        if names_in(expr) != {name}:
            return False
        rounds = [round for round in (0, *self.suspects(), tries - 1) if round < tries]
        mask = (1 << self.width) - 1
        return len({evaluate(expr, {name: self.at(round) + offset & mask}) for round in rounds}) == 1


class _Varies(Exception):
    """What a counter holds is not known."""


@dataclass(slots=True)
class _Folded:
    """A round with the value of its counter put in, and what follows from that."""

    counter: Reg
    start: int
    block: Block = ()
    behind: int | None = None
    """The counter where the round goes around; None if it does not."""
    left: set[int] = field(default_factory=set)
    """How far the counter has come where the round breaks off."""

    def of(self, body: Block) -> _Folded:
        known = {self.counter.name: self.start}
        self.block, end = self._block(body, known)
        self.behind = None if end is None else self._value(end)
        return self

    @property
    def shape(self) -> Block:
        """The round, but for what its counter counts."""
        return _without(self.block, self.counter.name)

    def _value(self, known: dict[str, int]) -> int:
        if self.counter.name not in known:
            raise _Varies
        return known[self.counter.name]

    def _block(self, block: Block, known: dict[str, int]) -> tuple[Block, dict[str, int] | None]:
        """`block` where registers have `known` values; those that they have behind it, if it comes to its end."""
        out: list[Statement] = []
        for statement in block:
            found, end = self._statement(with_exprs(statement, partial(_put, known=known)), known)
            out += found
            if end is None:
                return tuple(out), None
            known = end
        return tuple(out), known

    def _statement(self, statement: Statement, known: dict[str, int]) -> tuple[Block, dict[str, int] | None]:
        match statement:
            case Break():
                self.left.add(self._value(known) - self.start)
                return (statement,), None
            case Return():
                return (statement,), None
            case Assign(dst=dst, expr=Const(value=value)):
                return (statement,), {**known, dst.name: value & (1 << dst.width) - 1}
            case If(cond=Const(value=value), then=then, orelse=orelse):
                return self._block(then if value else orelse, known)
            case If(then=then, orelse=orelse):
                (then, a), (orelse, b) = self._block(then, known), self._block(orelse, known)
                return (replace(statement, then=then, orelse=orelse),), _common(a, b)
            case Choice(options=options):
                ends = [(name, *self._block(block, known)) for name, block in options]
                both = known
                for _, _, end in ends:
                    both = _common(both, end) or {}
                return (replace(statement, options=tuple([(name, block) for name, block, _ in ends])),), both
            case Loop() | Await():
                raise _Varies  # a round of its own
        gone = {reg.name for each in walk((statement,)) for reg in set_by(each)}
        agents = isinstance(statement, Call)
        return (statement,), {n: v for n, v in known.items() if n not in gone and not (agents and n[0] == "@")}


def _common(a: dict[str, int] | None, b: dict[str, int] | None) -> dict[str, int] | None:
    if a is None or b is None:
        return b if a is None else a
    return {name: value for name, value in a.items() if b.get(name) == value}


def _put(expr: Expr, known: dict[str, int]) -> Expr:
    """`expr` with what is `known`, made as small as that makes it."""
    if isinstance(expr, Reg):
        return Const(known[expr.name] & (1 << expr.width) - 1, expr.width) if expr.name in known else expr
    if isinstance(expr, Op):
        args = tuple([_put(arg, known) for arg in expr.args])
        if all(isinstance(arg, Const) for arg in args):
            return Const(evaluate(replace(expr, args=args), {}), expr.width)
        if expr.op in ("and", "or") and expr.width == 1:
            decides, leaves = (FALSE, TRUE) if expr.op == "and" else (TRUE, FALSE)
            if decides in args:
                return decides
            if leaves in args:
                return args[1] if args[0] == leaves else args[0]
        return replace(expr, args=args)
    return expr


def _without(block: Block, counter: str) -> Block:
    """`block` without what sets the counter."""
    kept = [each for each in block if not (isinstance(each, Assign) and each.dst.name == counter)]
    return tuple([with_blocks(each, lambda inner: _without(inner, counter)) for each in kept])
