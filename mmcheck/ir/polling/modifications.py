"""Read-modify-writes in the rounds of a wait: those that leave their place as it was where the round fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import product

from mmcheck.base.records import replace
from mmcheck.ir.parts import reachable, set_by, walk
from mmcheck.ir.polling.registers import expand
from mmcheck.ir.program import (
    OLD,
    TRUE,
    Assign,
    Block,
    Call,
    Choice,
    Expr,
    Function,
    If,
    Reg,
    Return,
    Rmw,
    Statement,
    constants_of,
    evaluate,
    registers_of,
)

MAX_SAMPLED = 3
"""Registers whose values are tried out; with more, a read-modify-write is refused."""


class WritesWhereItFails(Exception):
    """`rmw` may write something new in a round that fails."""

    def __init__(self, rmw: Rmw) -> None:
        super().__init__("a read-modify-write may write in a round that fails")
        self.rmw = rmw


def silenced(body: Block, cond: Expr, functions: Mapping[str, Function]) -> Block:
    """`body`, a round that fails where `cond` does not hold behind it; a read-modify-write in it that always writes
    does so in the last round only. Raises `WritesWhereItFails`."""
    known: dict[str, Expr] = {}
    often = Counter(reg.name for each in walk(body) for reg in set_by(each))
    called: list[Rmw] = []
    for each in body:
        if isinstance(each, Assign) and often[each.dst.name] == 1:
            known[each.dst.name] = each.expr
        elif isinstance(each, Call):
            called += _called(each, functions, known)
    cond = expand(cond, known)
    out: list[Statement] = []
    direct = {id(each) for each in body}
    for each in body:
        if isinstance(each, Rmw):
            each = _last_round_only(each, cond)
        elif isinstance(each, Choice):
            direct |= {id(one) for _, block in each.options for one in block}
            options = [
                (name, tuple(_last_round_only(one, cond) if isinstance(one, Rmw) else one for one in block))
                for name, block in each.options
            ]
            each = replace(each, options=tuple(options))
        out.append(each)
    for inner in walk(body):
        if isinstance(inner, Rmw) and id(inner) not in direct:
            raise WritesWhereItFails(inner)
    for modification in called:
        if modification.when == TRUE or not _fails_silently(modification, cond):
            raise WritesWhereItFails(modification)
    return tuple(out)


def _last_round_only(rmw: Rmw, cond: Expr) -> Rmw:
    """`rmw`, if a round that fails writes nothing new; one that always writes then does so in the last round only."""
    if not _fails_silently(rmw, cond):
        raise WritesWhereItFails(rmw)
    if rmw.when != TRUE:
        return rmw
    if {reg.name for reg in registers_of(cond)} != {rmw.dst.name}:
        raise WritesWhereItFails(rmw)
    # It writes in the round that succeeds, and only there: the others put back what they read.
    when = expand(cond, {rmw.dst.name: Reg(OLD, rmw.dst.width)})
    return replace(rmw, when=when, fail_tags=rmw.fail_tags or rmw.read_tags)


def _called(call: Call, functions: Mapping[str, Function], known: dict[str, Expr]) -> list[Rmw]:
    """The read-modify-writes of a called function; what it returns goes to `known` if it runs straight."""
    function = functions.get(call.function)
    if function is None:
        return []
    found = [each for each in reachable(function.body, functions) if isinstance(each, Rmw)]
    last = function.body[-1] if function.body else None
    straight = not any(isinstance(each, If | Call) for each in function.body)
    if found and call.dst is not None and straight and isinstance(last, Return) and last.value is not None:
        inner = {each.dst.name: each.expr for each in function.body if isinstance(each, Assign)}
        known[call.dst.name] = expand(last.value, inner)
    return found


def _fails_silently(rmw: Rmw, cond: Expr) -> bool:
    """Whether a round in which `cond` is false leaves the place as it was.

    Tried out on the numbers that occur and their neighbours: exact for conditions that compare.
    """
    ok = rmw.ok.name if rmw.ok is not None else ""
    free = {reg.name: reg.width for each in (cond, rmw.when, rmw.new) for reg in registers_of(each)}
    for bound in (OLD, ok, rmw.dst.name):
        free.pop(bound, None)
    if len(free) > MAX_SAMPLED:
        return False
    numbers = {0, 1}
    for each in (cond, rmw.when, rmw.new):
        numbers |= {number + step for number in [const.value for const in constants_of(each)] for step in (-1, 0, 1)}
    for old in _sample(numbers, rmw.dst.width):
        for values in product(*(_sample(numbers | {old}, width) for width in free.values())):
            registers = {**dict(zip(free, values, strict=True)), OLD: old, rmw.dst.name: old}
            written = bool(evaluate(rmw.when, registers))
            registers[ok] = int(written)
            changed = written and evaluate(rmw.new, registers) != old
            if changed and not evaluate(cond, registers):
                return False
    return True


def _sample(numbers: set[int], width: int) -> list[int]:
    mask = (1 << width) - 1
    return sorted({number & mask for number in numbers} | {mask, (mask >> 1) + 1})
