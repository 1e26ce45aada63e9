"""An instruction is a row: operands in order, effects at once, an example for messages."""

from __future__ import annotations

import pytest

from mmcheck.ir.program import Const, Reg, Statement, show
from mmcheck.language.herd.aarch64 import load, store
from mmcheck.language.herd.aarch64_operands import KINDS
from mmcheck.language.herd.cell import CellError, cut
from mmcheck.language.herd.instruction import Operands, Row, at_once, set_flags
from mmcheck.language.herd.values import op

PAIRS = {
    "LDP": Row("d d address", lambda d, e, a: [*load(d, a), *load(e, op("add", a, Const(d.width // 8, 64)))]),
    "STP": Row("r r address", lambda v, w, a: [*store(v, a), *store(w, op("add", a, Const(v.width // 8, 64)))]),
}
"""Instructions that are not read, since nobody has said how their halves are ordered; as rows they would be right."""


def statements(cell: str) -> tuple[Statement, ...]:
    raw = cut(cell)
    steps = Operands(raw, PAIRS[raw.mnemonic.text], KINDS, raw.mnemonic.text).meaning()
    return tuple(make(*args) for make, args in steps)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("LDP X0,X2,[X1]", "X0 := [X1]\nX2 := [(add X1 8)]"),
        ("LDP X1,X2,[X1]", "%X1' := X1\nX1 := [X1]\nX2 := [(add %X1' 8)]"),
        ("LDP X2,X1,[X1]", "X2 := [X1]\nX1 := [(add X1 8)]"),
        ("LDP W1,W2,[X1]", "%X1' := X1\n%W1 := [X1]\nX1 := (zext %W1)\n%W2 := [(add %X1' 4)]\nX2 := (zext %W2)"),
        ("LDP X0,X1,[X2],#16", "X0 := [X2]\nX1 := [(add X2 8)]\nX2 := (add X2 16)"),
        ("LDP X0,X1,[X2,#16]!", "X2 := (add X2 16)\nX0 := [X2]\nX1 := [(add X2 8)]"),
        ("STP X1,XZR,[X1]", "[X1] := X1\n[(add X1 8)] := 0"),
    ],
)
def test_an_access_to_a_pair_takes_both_addresses_from_the_old_base(cell: str, expected: str) -> None:
    assert show(statements(cell)) == expected


def test_flags_that_are_computed_from_flags() -> None:
    n, z, c, v = (Reg(f"%{flag}", 1) for flag in "NZCV")
    rotated = at_once(set_flags((v, n, z, c)))
    assert show(tuple(make(*args) for make, args in rotated)) == (
        "%N' := %N\n%Z' := %Z\n%C' := %C\n%N := %V\n%Z := %N'\n%C := %Z'\n%V := %C'"
    )


@pytest.mark.parametrize(
    ("cell", "code", "marked"),
    [("LDP X0,W1,[X2]", "MM305", "W1"), ("LDP X0,X1", "MM303", "LDP X0,X1"), ("LDP X0,X1,[X2],#8,#9", "MM304", "#9")],
)
def test_messages_show_the_example_of_the_row(cell: str, code: str, marked: str) -> None:
    with pytest.raises(CellError) as caught:
        statements(cell)
    error = caught.value
    assert (error.code, cell[error.start : error.end]) == (code, marked)
    assert error.help in ("write it as 'LDP W0,W1,[X2]'", "did you mean 'X1'?")
