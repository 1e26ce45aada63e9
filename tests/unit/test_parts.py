"""What a statement is made of is all of it: no field is forgotten."""

from __future__ import annotations

from dataclasses import fields

import pytest

from mmcheck.ir.parts import PARTS, set_by, used_by, walk, with_blocks, with_leaves
from mmcheck.ir.program import Assign, Choice, Const, Expr, If, Op, Reg, StoreExclusive

A, B = Reg("a"), Reg("b")


@pytest.mark.parametrize("kind", PARTS, ids=lambda kind: kind.__name__)
def test_every_expression_register_and_block_is_a_part(kind: type) -> None:
    parts, typed = PARTS[kind], kind.__annotations__
    known = dict.fromkeys(parts.reads, "Expr") | dict.fromkeys(parts.sets, "Reg") | dict.fromkeys(parts.blocks, "Block")
    for field in fields(kind):
        names = [name for name in ("Expr", "Reg", "Block") if name in typed[field.name]]
        assert names == ([known[field.name]] if field.name in known else [])


def test_an_exclusive_store_sets_its_status() -> None:
    store = StoreExclusive(A, B, Const(1))
    assert ([*set_by(store)], used_by(store)) == ([A], {"b"})


def test_blocks_are_changed_in_text_order() -> None:
    block = (If(A, (Assign(A, B),), (Choice("s", (("x", ()), ("y", (Assign(B, A),)))),)),)
    assert [type(each) for each in walk(block)] == [If, Assign, Choice, Assign]
    seen: list[int] = []
    with_blocks(block[0], lambda inner: seen.append(len(inner)) or inner[:0])  # type: ignore[func-returns-value]
    assert seen == [1, 1] and with_blocks(block[0], lambda _: ()) == If(A, ())


def test_leaves_of_an_expression() -> None:
    def put(leaf: Const | Reg) -> Expr:
        return Const(7) if leaf == A else leaf

    assert with_leaves(Op("add", (A, Op("neg", (B,)))), put) == Op("add", (Const(7), Op("neg", (B,))))
