"""AArch64 instructions: each form once, as the statements it becomes; the tags of each ordering."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mmcheck.ir.program import (
    Assign,
    Const,
    Fence,
    Load,
    Reg,
    Rmw,
    Statement,
    Store,
    StoreExclusive,
    evaluate,
    show,
)
from mmcheck.language.herd.aarch64 import CONDITIONS, TABLE, parse_cell
from mmcheck.language.herd.aarch64_operands import KINDS
from mmcheck.language.herd.cell import CellError

FORMS = {
    "MOV W0,#1": "X0 := 1",
    "MOV W0,#-1": "X0 := 4294967295",
    "MOV X0,#0x10": "X0 := 16",
    "MOV W0,W1": "X0 := (zext (trunc X1))",
    "MOV X0,X1": "X0 := X1",
    "MOV X0,XZR": "X0 := 0",
    "MOV XZR,X0": "",
    "mov w0,wzr": "X0 := 0",
    "MOV X%a,#3": "X%a := 3",
    "MOVZ X0,#1,LSL #16": "X0 := 65536",
    "MOVN X0,#0": "X0 := 18446744073709551615",
    "MOVK X0,#2,LSL #16": "X0 := (or (and X0 18446744069414649855) 131072)",
    "ADD W0,W1,#1": "X0 := (zext (add (trunc X1) 1))",
    "ADD W0,W1,#1,LSL #12": "X0 := (zext (add (trunc X1) 4096))",
    "ADD X0,X1,X2": "X0 := (add X1 X2)",
    "ADD X0,X1,X2,LSL #3": "X0 := (add X1 (shl X2 3))",
    "ADD X5,X1,W2,SXTW": "X5 := (add X1 (sext (trunc X2)))",
    "ADD X5,X1,W2,UXTW #2": "X5 := (add X1 (shl (zext (trunc X2)) 2))",
    "SUB W0,W1,W2": "X0 := (zext (sub (trunc X1) (trunc X2)))",
    "AND X0,X1,#255": "X0 := (and X1 255)",
    "ORR X0,X1,X2": "X0 := (or X1 X2)",
    "EOR W2,W1,W1": "X2 := (zext (xor (trunc X1) (trunc X1)))",
    "EOR X2,X1,X1,LSR #2": "X2 := (xor X1 (lshr X1 2))",
    "BIC X0,X1,X2": "X0 := (and X1 (not X2))",
    "ORN X0,X1,X2": "X0 := (or X1 (not X2))",
    "EON X0,X1,X2": "X0 := (xor X1 (not X2))",
    "NEG X0,X1": "X0 := (neg X1)",
    "MVN X0,X1": "X0 := (not X1)",
    "MUL X0,X1,X2": "X0 := (mul X1 X2)",
    "UDIV X0,X1,X2": "X0 := (udiv X1 X2)",
    "SDIV X0,X1,X2": "X0 := (sdiv X1 X2)",
    "LSL X0,X1,#2": "X0 := (shl X1 2)",
    "LSR X0,X1,X2": "X0 := (lshr X1 (and X2 63))",
    "ASR W0,W1,#2": "X0 := (zext (ashr (trunc X1) 2))",
    "SXTW X0,W1": "X0 := (sext (trunc X1))",
    "UXTW X0,W1": "X0 := (zext (trunc X1))",
    "SXTB X0,W1": "X0 := (sext (trunc (trunc X1)))",
    "CSEL X0,X1,X2,EQ": "X0 := (select %Z X1 X2)",
    "CSINC X0,X1,X2,NE": "X0 := (select (not %Z) X1 (add X2 1))",
    "CSINV X0,X1,X2,MI": "X0 := (select %N X1 (not X2))",
    "CSNEG X0,X1,X2,CS": "X0 := (select %C X1 (neg X2))",
    "CSET X0,VS": "X0 := (select %V 1 0)",
    "CSETM X0,EQ": "X0 := (select %Z 18446744073709551615 0)",
    "CINC X0,X1,EQ": "X0 := (select %Z (add X1 1) X1)",
    "CINV X0,X1,EQ": "X0 := (select %Z (not X1) X1)",
    "CNEG X0,X1,EQ": "X0 := (select %Z (neg X1) X1)",
    "UBFX X0,X1,#8,#4": "X0 := (zext (trunc (lshr X1 8)))",
    "SBFX X0,X1,#8,#4": "X0 := (sext (trunc (lshr X1 8)))",
    "UBFIZ X0,X1,#2,#4": "X0 := (shl (zext (trunc X1)) 2)",
    "SBFIZ X0,X1,#2,#4": "X0 := (shl (sext (trunc X1)) 2)",
    "BFI X0,X1,#8,#8": "X0 := (or (and X0 18446744073709486335) (shl (zext (trunc X1)) 8))",
    "BFXIL X0,X1,#8,#8": "X0 := (or (and X0 18446744073709551360) (zext (trunc (lshr X1 8))))",
    "MADD X0,X1,X2,X3": "X0 := (add X3 (mul X1 X2))",
    "MSUB X0,X1,X2,X3": "X0 := (sub X3 (mul X1 X2))",
    "UMULL X0,W1,W2": "X0 := (mul (zext (trunc X1)) (zext (trunc X2)))",
    "SMULL X0,W1,W2": "X0 := (mul (sext (trunc X1)) (sext (trunc X2)))",
    "NOP": "",
    "RET": "jump %end",
    "B end": "jump end",
    "B.EQ end": "jump end if %Z",
    "BNE end": "jump end if (not %Z)",
    "CBZ W0,end": "jump end if (eq (trunc X0) 0)",
    "CBNZ X0,end": "jump end if (ne X0 0)",
    "TBZ W0,#3,end": "jump end if (eq (and (trunc X0) 8) 0)",
    "TBNZ X0,#0,end": "jump end if (ne (and X0 1) 0)",
    "LDR W0,[X1]": "%W0 := [X1]\nX0 := (zext %W0)",
    "LDR X0,[X1]": "X0 := [X1]",
    "LDR WZR,[X1]": "%ZR := [X1]",
    "LDR X0,[X1,#8]": "X0 := [(add X1 8)]",
    "LDR X0,[X1,#0]": "X0 := [X1]",
    "LDR X0,[X1,X2]": "X0 := [(add X1 X2)]",
    "LDR X0,[X1,X2,LSL #3]": "X0 := [(add X1 (shl X2 3))]",
    "LDR X0,[X1,W2,SXTW]": "X0 := [(add X1 (sext (trunc X2)))]",
    "LDR X0,[ X1 , W2 , UXTW #3 ]": "X0 := [(add X1 (shl (zext (trunc X2)) 3))]",
    "LDR X0,[X1,#8]!": "X1 := (add X1 8)\nX0 := [X1]",
    "LDR X0,[X1],#8": "X0 := [X1]\nX1 := (add X1 8)",
    "LDRSW X0,[X1]": "%W0 := [X1]\nX0 := (sext %W0)",
    "LDUR X0,[X1,#-8]": "X0 := [(add X1 18446744073709551608)]",
    "STUR X0,[X1,#8]": "[(add X1 8)] := X0",
    "STR W0,[X1]": "[X1] := (trunc X0)",
    "STR WZR,[X1]": "[X1] := 0",
    "STR X4,[X5,W2,SXTW]": "[(add X5 (sext (trunc X2)))] := X4",
    "STR X0,[X1],#8": "[X1] := X0\nX1 := (add X1 8)",
    "LDAR X0,[X1]": "X0 := [X1] {A}",
    "LDAPR X0,[X1]": "X0 := [X1] {Q}",
    "LDAPUR X0,[X1,#8]": "X0 := [(add X1 8)] {Q}",
    "STLR X0,[X1]": "[X1] := X0 {L}",
    "STLUR X0,[X1,#8]": "[(add X1 8)] := X0 {L}",
    "LDXR X0,[X1]": "X0 := [X1] {X} exclusive",
    "LDAXR X0,[X1]": "X0 := [X1] {A X} exclusive",
    "STXR W2,X0,[X1]": "X2 := exclusive [X1] := X0 {X}",
    "STLXR W2,X0,[X1,#0]": "X2 := exclusive [X1] := X0 {L X}",
    "SWP X0,X1,[X2]": "X1 := rmw [X2] := X0 {X} {X}",
    "SWPA X0,X1,[X2]": "X1 := rmw [X2] := X0 {A X} {X}",
    "SWPL X0,X1,[X2]": "X1 := rmw [X2] := X0 {X} {L X}",
    "SWPAL X0,X1,[X2]": "X1 := rmw [X2] := X0 {A X} {L X}",
    "SWPAL X0,XZR,[X2]": "%ZR := rmw [X2] := X0 {NoRet X} {L X}",
    "SWP W0,W1,[X2]": "%W1 := rmw [X2] := (trunc X0) {X} {X}\nX1 := (zext %W1)",
    "LDADD X0,X1,[X2]": "X1 := rmw [X2] := (add %old X0) {X} {X}",
    "LDCLRA X0,X1,[X2]": "X1 := rmw [X2] := (and %old (not X0)) {A X} {X}",
    "LDEORL X0,X1,[X2]": "X1 := rmw [X2] := (xor %old X0) {X} {L X}",
    "LDSETAL X0,X1,[X2]": "X1 := rmw [X2] := (or %old X0) {A X} {L X}",
    "LDSMAX X0,X1,[X2]": "X1 := rmw [X2] := (smax %old X0) {X} {X}",
    "LDSMIN X0,X1,[X2]": "X1 := rmw [X2] := (smin %old X0) {X} {X}",
    "LDUMAX X0,X1,[X2]": "X1 := rmw [X2] := (umax %old X0) {X} {X}",
    "LDUMIN X0,X1,[X2]": "X1 := rmw [X2] := (umin %old X0) {X} {X}",
    "LDADDA X0,XZR,[X2]": "%ZR := rmw [X2] := (add %old X0) {NoRet X} {X}",
    "STADD X0,[X2]": "%ZR := rmw [X2] := (add %old X0) {NoRet X} {X}",
    "STADDL X0,[X2]": "%ZR := rmw [X2] := (add %old X0) {NoRet X} {L X}",
    "STSET X0,[X2]": "%ZR := rmw [X2] := (or %old X0) {NoRet X} {X}",
    "STCLR X0,[X2]": "%ZR := rmw [X2] := (and %old (not X0)) {NoRet X} {X}",
    "STEOR X0,[X2]": "%ZR := rmw [X2] := (xor %old X0) {NoRet X} {X}",
    "CAS X0,X1,[X2]": "X0 := rmw [X2] := X1 when (eq %old X0) {X} {X}",
    "CASA X0,X1,[X2]": "X0 := rmw [X2] := X1 when (eq %old X0) {A X} {X}",
    "CASL X0,X1,[X2]": "X0 := rmw [X2] := X1 when (eq %old X0) {X} {L X}",
    "CASAL X0,X1,[X2]": "X0 := rmw [X2] := X1 when (eq %old X0) {A X} {L X}",
    "CASA XZR,X1,[X2]": "%ZR := rmw [X2] := X1 when (eq %old 0) {NoRet X} {X}",
    "ISB": "fence {ISB}",
    "ISB SY": "fence {ISB}",
    "dmb ishld": "fence {DMB.ISHLD}",
    "DSB OSHST": "fence {DSB.OSHST}",
}


def statements(cell: str) -> tuple[Statement, ...]:
    return tuple(make(*args) for make, args in parse_cell(cell).steps)


def run(cell: str, registers: dict[str, int]) -> dict[str, int]:
    """The registers after the assignments of `cell`."""
    state = dict(registers)
    for s in statements(cell):
        assert isinstance(s, Assign)
        state[s.dst.name] = evaluate(s.expr, state)
    return state


@pytest.mark.parametrize("cell", FORMS)
def test_form(cell: str) -> None:
    assert FORMS[cell] == show(statements(cell))


@pytest.mark.parametrize("kind", ["DMB", "DSB"])
@pytest.mark.parametrize(
    "option", ["SY", "ISH", "ISHLD", "ISHST", "OSH", "OSHLD", "OSHST", "NSH", "NSHLD", "NSHST", "LD", "ST"]
)
def test_every_barrier_has_a_tag_of_its_own(kind: str, option: str) -> None:
    assert (Fence(frozenset({f"{kind}.{option}"})),) == statements(f"{kind} {option}")


@pytest.mark.parametrize("name", sorted(TABLE))
def test_example_of_every_instruction_reads(name: str) -> None:
    """What an error message suggests can be written, and is the instruction in question."""
    example = TABLE[name].usage(name, KINDS)
    assert parse_cell(example).text == example
    assert name.replace(".", "") in (example.split()[0], example.split()[0].replace(".", ""))


def test_compare_and_swap_in_full() -> None:
    (cas, move) = statements("CASA W0,W1,[X2]")
    assert isinstance(cas, Rmw) and isinstance(move, Assign)
    tags = frozenset({"X", "A"})
    assert (tags, tags, frozenset({"X"})) == (cas.read_tags, cas.fail_tags, cas.write_tags)
    assert (True, False) == (cas.write_back, cas.exclusive)
    assert cas.compare is not None and "(trunc X0)" == str(cas.compare)
    assert Reg("%W0", 32) == cas.dst and Reg("X0", 64) == move.dst


def test_widths_of_accesses() -> None:
    for cell, width in (("LDR W0,[X1]", 32), ("LDR X0,[X1]", 64), ("LDRSW X0,[X1]", 32)):
        load = statements(cell)[0]
        assert isinstance(load, Load) and width == load.dst.width and 64 == load.address.width
    for cell, width in (("STR W0,[X1]", 32), ("STR XZR,[X1]", 64)):
        store = statements(cell)[0]
        assert isinstance(store, Store) and width == store.value.width
    stxr = statements("STXR W2,W0,[X1]")[0]
    assert isinstance(stxr, StoreExclusive) and 32 == stxr.value.width and Reg("X2", 64) == stxr.status


@pytest.mark.parametrize("a", [0, 1, 5, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("b", [0, 1, 5, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_conditions_after_compare(a: int, b: int) -> None:
    state = run("CMP W0,W1", {"X0": a, "X1": b})
    holds = {name for name, cond in CONDITIONS.items() if evaluate(cond, state)}
    sa, sb = (x - (1 << 32) if x >> 31 else x for x in (a, b))
    expected = {"AL"}
    for name, truth in (
        ("EQ", a == b), ("NE", a != b), ("HS", a >= b), ("CS", a >= b), ("LO", a < b), ("CC", a < b), ("HI", a > b),
        ("LS", a <= b), ("GE", sa >= sb), ("LT", sa < sb), ("GT", sa > sb), ("LE", sa <= sb),
        ("MI", bool((a - b) >> 31 & 1)), ("PL", not (a - b) >> 31 & 1),
        ("VS", not -(1 << 31) <= sa - sb < 1 << 31), ("VC", -(1 << 31) <= sa - sb < 1 << 31),
    ):  # fmt: skip
        if truth:
            expected.add(name)
    assert expected == holds


@pytest.mark.parametrize("a", [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("b", [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_flags_after_addition(a: int, b: int) -> None:
    state = run("ADDS W2,W0,W1", {"X0": a, "X1": b})
    total = a + b
    sa, sb = (x - (1 << 32) if x >> 31 else x for x in (a, b))
    low = total & 0xFFFFFFFF
    expected = (low >> 31, int(low == 0), total >> 32, int(not -(1 << 31) <= sa + sb < 1 << 31))
    assert expected == tuple(state[f"%{flag}"] for flag in "NZCV")
    assert low == state["X2"]


def test_logical_operations_clear_carry_and_overflow() -> None:
    state = run("TST W0,W1", {"X0": 0x80000000, "X1": 0xFFFFFFFF, "%C": 1, "%V": 1})
    assert (1, 0, 0, 0) == tuple(state[f"%{flag}"] for flag in "NZCV")


def test_flags_are_computed_before_the_destination_is_written() -> None:
    state = run("SUBS X0,X0,#1", {"X0": 1})
    assert (0, 1) == (state["X0"], state["%Z"])


def test_extensions() -> None:
    assert 0xFFFFFFFFFFFFFFFF == run("SXTW X0,W1", {"X1": 0xFFFFFFFF})["X0"]
    assert 0xFFFFFFFF == run("UXTW X0,W1", {"X1": 0xFFFFFFFF})["X0"]
    assert 0xFFFFFF80 == run("SXTB W0,W1", {"X1": 0x80})["X0"]
    assert 0x34 == run("UXTB W0,W1", {"X1": 0x1234})["X0"]
    assert 7 + (0xFE << 1) == run("ADD X0,X1,W2,UXTB #1", {"X1": 7, "X2": 0xAFE})["X0"]


def test_constants_have_the_width_of_their_place() -> None:
    (store,) = statements("STR WZR,[X1]")
    assert isinstance(store, Store) and Const(0, 32) == store.value


def test_labels_and_targets() -> None:
    cell = parse_cell("  again:  CBZ   W0 , again")
    assert ["again"] == [label.text for label in cell.labels]
    assert [("again", 21)] == list(cell.targets)
    assert "CBZ W0 , again" == cell.text


@pytest.mark.parametrize("cell", ["MOV W0,#99999999999", "LSL W0,W1,#32", "TBZ W0,#32,l", "MOVZ W0,#1,LSL #32"])
def test_numbers_out_of_range(cell: str) -> None:
    with pytest.raises(CellError) as caught:
        parse_cell(cell)
    assert "MM305" == caught.value.code


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("given", [0, 4, 9, 15])
def test_a_conditional_comparison_takes_the_given_flags_where_the_condition_fails(given: int, condition: str) -> None:
    """Whatever the condition reads: no flag changes before all are known."""
    for before in range(16):
        flags = {f"%{flag}": before >> bit & 1 for bit, flag in enumerate("VCZN")}
        holds = evaluate(CONDITIONS[condition], flags)
        state = run(f"CCMP W0,#1,#{given},{condition}", {"X0": 1, **flags})
        wanted = (0, 1, 1, 0) if holds else tuple(given >> bit & 1 for bit in (3, 2, 1, 0))
        assert wanted == tuple(state[f"%{flag}"] for flag in "NZCV")


@pytest.mark.parametrize(
    "cell", ["UBFX W0,W1,#31,#2", "BFI W0,W1,#0,#0", "CCMP W0,#1,#16,EQ", "CCMP W0,#99999999999,#0,EQ"]
)
def test_fields_and_flags_out_of_range(cell: str) -> None:
    with pytest.raises(CellError) as caught:
        parse_cell(cell)
    assert "MM305" == caught.value.code


def test_the_documented_instructions_are_all_there_are() -> None:
    """docs/herd.md names each instruction of the table, or the one that it is a form of; and none that is not there."""
    page = (Path(__file__).parents[3] / "docs" / "herd.md").read_text(encoding="utf-8")
    table = page[page.index("| AArch64 |") : page.index("| X86_64 and X86 |")]
    named = set(re.findall(r"`([A-Z.]+)`", table)) - {"A", "L", "AL"}
    assert named <= TABLE.keys()
    atomics = {f"{name}{order}" for name in named for order in ("A", "L", "AL")}
    branches = {f"B{dot}{name}" for dot in ("", ".") for name in CONDITIONS}
    assert TABLE.keys() <= named | atomics | branches
