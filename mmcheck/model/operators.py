"""The operators of cat, one row each.

A row says what is known without events. What an operator does stands in *columns*, tables with an entry for each
operator: on bits in `mmcheck.model.concrete`; as bounds, wanted pairs and literals in `mmcheck.engines.smt`. `column`
refuses a table that leaves an operator out: a new operator is a row here and an entry in each column, and what is
forgotten is an error at import.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from mmcheck.base.records import record

T = TypeVar("T")
Judgement: TypeAlias = Callable[[Sequence[bool]], bool]
"""Whether something holds of the result, by whether it holds of each operand."""


def _first(operands: Sequence[bool]) -> bool:
    return operands[0]


def _never(operands: Sequence[bool]) -> bool:
    return False


def _always(operands: Sequence[bool]) -> bool:
    return True


@record
class Operator:
    """What is known of an operator.

    `shown` is its text, with ``{}`` for an operand, or the symbol between its operands. `is_set`: it makes a set, not a
    relation. `empty` says when its result is empty since operands are, `apart` when it relates no two threads since
    operands do not. `divides` says whether its value on one thread's events follows from those of its operands there,
    by which of its operands are apart. `negative` is the operand that it takes away.
    """

    shown: str
    empty: Judgement
    apart: Judgement = _never
    divides: Judgement = _always
    is_set: bool = False
    negative: int | None = None


OPERATORS: dict[str, Operator] = {
    "ident": Operator("[{}]", _first, _always),
    "product": Operator("*", any),
    "union": Operator("|", all, all),
    "inter": Operator("&", any, any),
    "diff": Operator("\\", _first, _first, negative=1),
    "seq": Operator(";", any, all, any),  # the event between is of the same thread
    "plus": Operator("({})^+", _first, _first, _first),
    "inverse": Operator("({})^-1", _first, _first),
    "domain": Operator("domain({})", _first, divides=_first, is_set=True),
    "range": Operator("range({})", _first, divides=_first, is_set=True),
    "s-union": Operator("|", all, is_set=True),
    "s-inter": Operator("&", any, is_set=True),
    "s-diff": Operator("\\", _first, is_set=True, negative=1),
}


def column(rows: Mapping[str, T], *, sets: bool | None = None) -> Mapping[str, T]:
    """`rows`, which has an entry for each operator; with `sets`, for each that makes a set, or a relation."""
    wanted = {name for name, operator in OPERATORS.items() if sets in (None, operator.is_set)}
    if rows.keys() != wanted:
        raise TypeError(f"operators without a row, or rows without an operator: {sorted(rows.keys() ^ wanted)}")
    return rows
