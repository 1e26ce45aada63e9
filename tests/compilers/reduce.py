"""A failing case made small: statements, tests and orders go as long as the failure stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from mmcheck.base.records import replace
from tests.compilers.form import (
    Block,
    Body,
    Break,
    Case,
    Fence,
    If,
    Load,
    Op,
    Pick,
    Place,
    Poll,
    Repeat,
    Return,
    Rmw,
    Set,
    Statement,
    Store,
    Value,
    walk,
)  # fmt: skip


def smallest(case: Case, fails: Callable[[list[Case]], Iterable[bool]]) -> Case:
    """A case that `fails` and of which no smaller one in one step does; `fails` is asked of many at once."""
    while True:
        tries = sorted(dict.fromkeys(smaller(case)), key=size)
        found = next((each for each, failed in zip(tries, fails(tries), strict=True) if failed), None)
        if found is None:
            return case
        case = found


def size(case: Case) -> int:
    """Roughly how much there is to read."""
    return sum(_weight(each) for each in walk(case.body.statements)) + len(case.body.result) + 10 * len(case.observers)


def _weight(each: Statement) -> int:
    match each:
        case Load(_, place, order) | Store(place, _, order):
            value = _depth(each.value) if isinstance(each, Store) else 0
            return 10 + value + _depth(place.index or 0) + {"plain": 1, "volatile": 0}.get(order, 2)
        case Rmw():
            return 14 + _depth(each.value)
        case If(cond) | Poll(_, cond):
            return 6 + _depth(cond)
        case Pick(_, cond, then, orelse):
            return 6 + _depth(cond) + _depth(then) + _depth(orelse)
        case Set(_, value):
            return 4 + _depth(value)
    return 8


def _depth(value: Value) -> int:
    return 1 + sum(map(_depth, value.args)) if isinstance(value, Op) else int(isinstance(value, str))


def smaller(case: Case) -> Iterator[Case]:
    """Cases with one thing less; those that make no sense (a register that nothing sets is 0) still do."""
    for block in _blocks(case.body.statements):
        yield replace(case, body=replace(case.body, statements=block))
    for name in case.body.result:
        rest = tuple([each for each in case.body.result if each != name])
        yield replace(case, body=replace(case.body, result=rest))


def _blocks(block: Block) -> Iterator[Block]:
    for number, each in enumerate(block):
        for other in _replacements(each):
            yield (*block[:number], *other, *block[number + 1 :])


def _replacements(each: Statement) -> Iterator[Block]:
    yield ()
    match each:
        case If(cond, then, orelse):
            yield then
            yield orelse
            if orelse:
                yield (If(cond, then),)
            for block in _blocks(then):
                yield (If(cond, block, orelse),)
            for block in _blocks(orelse):
                yield (If(cond, then, block),)
            for value in _values(cond, truth=True):
                yield (If(value, then, orelse),)
        case Repeat(times, body):
            yield _unbroken(body)
            for block in _blocks(body):
                yield (Repeat(times, block),)
        case Poll(look):
            yield (look,)
        case Load(to, place, order):
            for where in _places(place):
                yield (Load(to, where, order),)
            if order not in ("plain", "volatile"):
                yield (Load(to, place, "volatile"),)
        case Store(place, value, order):
            for where in _places(place):
                yield (Store(where, value, order),)
            for other in _values(value):
                yield (Store(place, other, order),)
            if order not in ("plain", "volatile"):
                yield (Store(place, value, "volatile"),)
        case Rmw(to, _, place, value, order):
            yield (Store(place, value, "volatile"),)
            if to:
                yield (Load(to, place, "volatile"),)
                yield (replace(each, to=None),)
            if order != "relaxed":
                yield (replace(each, order="relaxed"),)
        case Pick(to, cond, then, orelse):
            yield (Set(to, then),)
            yield (Set(to, orelse),)
            for value in _values(cond, truth=True):
                yield (Pick(to, value, then, orelse),)
        case Set(to, value):
            for other in _values(value):
                yield (Set(to, other),)
        case Fence(kind, order):
            if kind == "fence":
                yield (Fence("compiler_fence", order),)
        case Return() | Break():
            pass


def _unbroken(block: Block) -> Block:
    """What stands in a loop, outside of one."""
    out: list[Statement] = []
    for each in block:
        if isinstance(each, If):
            out.append(If(each.cond, _unbroken(each.then), _unbroken(each.orelse)))
        elif not isinstance(each, Break):
            out.append(each)
    return tuple(out)


def _places(place: Place) -> Iterator[Place]:
    if place.index is not None and not isinstance(place.index, int):
        for value in (1, 2, *_values(place.index)):
            yield Place(place.name, value)


def _values(value: Value, *, truth: bool = False) -> Iterator[Value]:
    if not isinstance(value, Op):
        if not truth and value != 1:
            yield 1
        return
    if value.op in ("&&", "||"):
        yield from value.args
    elif not truth:
        yield 1
        if value.op != "int":
            yield from value.args
    for number, arg in enumerate(value.args):
        inner = value.op in ("&&", "||", "int")
        for other in _values(arg, truth=inner):
            yield Op(value.op, (*value.args[:number], other, *value.args[number + 1 :]))


__all__ = ["Body", "smallest"]
