"""The neutral form: the body of one function, which three printers write as a specification, as C and as Rust.

All values are unsigned numbers of 32 bits; memory is a few words and one small array, zero at first. Registers are
the variables of the function; those of `Body.result` are what a caller sees, packed into one number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from mmcheck.base.records import record

WORDS = ("x", "y", "z", "w")
ARRAY, SIZE = "a", 4
PACKED = 9
"""Bits by which each further register of a result is shifted."""


@record
class Op:
    """`op` is a C operator: arithmetic, a comparison, ``&&`` or ``||``; ``int`` makes a number of a comparison."""

    op: str
    args: tuple[Value, ...]


Value: TypeAlias = int | str | Op
"""A number, a register, or an expression; truth values are `Op` of a comparison, ``&&`` or ``||``."""


@record
class Place:
    """A word of memory, or the element `index` of the array."""

    name: str
    index: Value | None = None


@record
class Load:
    """`order` is ``plain``, ``volatile``, ``relaxed``, ``acquire`` or ``seq_cst``."""

    to: str
    place: Place
    order: str = "plain"


@record
class Store:
    place: Place
    value: Value
    order: str = "plain"


@record
class Rmw:
    """`op` is ``swap``, ``add``, ``and``, ``or``, ``max``, ``min`` or ``cas`` (which expects `expected`)."""

    to: str | None
    op: str
    place: Place
    value: Value
    order: str
    expected: int = 0


@record
class Fence:
    """`kind` is ``fence``, ``compiler_fence``, or one without an order: ``barrier`` (compiler barrier), ``smp_mb`` (the
    instruction of a full fence, with memory clobber), ``asm`` (the same without)."""

    kind: str
    order: str = ""


@record
class Set:
    to: str
    value: Value


@record
class Pick:
    """`to` is `then` if `cond`, else `orelse`: ``?:``."""

    to: str
    cond: Value
    then: Value
    orelse: Value


@record
class If:
    cond: Value
    then: tuple[Statement, ...]
    orelse: tuple[Statement, ...] = ()


@record
class Return:
    pass


@record
class Break:
    pass


@record
class Poll:
    """Read until `cond`."""

    look: Load
    cond: Value


@record
class Repeat:
    times: int
    body: tuple[Statement, ...]


Statement: TypeAlias = Load | Store | Rmw | Fence | Set | Pick | If | Return | Break | Poll | Repeat
Block: TypeAlias = tuple[Statement, ...]


@record
class Body:
    """A function without parameters. `result`: the registers that it returns."""

    statements: Block
    result: tuple[str, ...]


@record
class Look:
    """An observer reads `place` into `register`."""

    register: str
    place: Place


@record
class Put:
    """An observer writes a number, or what it read, to `place`."""

    place: Place
    value: int | str


Observer: TypeAlias = tuple[Look | Put, ...]
"""Assembly: accesses with full fences in between."""


@record
class Case:
    """A body, and those who look at it. `shape` is the litmus test that it is a part of."""

    name: str
    shape: str
    body: Body
    observers: tuple[Observer, ...]


def walk(block: Block) -> Iterator[Statement]:
    """Every statement, those inside of others too."""
    for each in block:
        yield each
        if isinstance(each, If):
            yield from walk(each.then)
            yield from walk(each.orelse)
        elif isinstance(each, Repeat):
            yield from walk(each.body)
        elif isinstance(each, Poll):
            yield each.look


def registers(body: Body) -> tuple[str, ...]:
    """The registers of the body, in the order of the text."""
    found = [name for each in walk(body.statements) for name in _names(each)]
    return tuple(dict.fromkeys([*found, *body.result]))


def _names(each: Statement) -> Iterator[str]:
    match each:
        case Load(to, place):
            yield from (to, *named(place.index))
        case Store(place, value):
            yield from (*named(place.index), *named(value))
        case Rmw(to, _, place, value):
            yield from (*([to] if to else []), *named(place.index), *named(value))
        case Set(to, value):
            yield from (to, *named(value))
        case Pick(to, cond, then, orelse):
            yield from (to, *named(cond), *named(then), *named(orelse))
        case If(cond) | Poll(_, cond):
            yield from named(cond)


def named(value: Value | None) -> Iterator[str]:
    """The registers in an expression."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Op):
        for arg in value.args:
            yield from named(arg)


def packed(values: tuple[int, ...]) -> int:
    """What a function returns whose results are `values`."""
    word = 0
    for number, value in enumerate(values):
        word |= value << PACKED * number
    return word & 0xFFFFFFFF
