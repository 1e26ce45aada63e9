"""Mistakes in herd tests: code, what is marked, and the suggestion; never anything but `InputError`."""

from __future__ import annotations

import gc
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcheck.base.codes import CODES
from mmcheck.base.errors import Diagnostic, InputError
from mmcheck.base.source import SourceFile
from mmcheck.language.herd import is_herd_format, read_litmus

DATA = Path(__file__).parents[2] / "data" / "herd"
TEXTS = [path.read_text() for path in sorted(DATA.glob("*.litmus"))]


def diagnostics(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(InputError) as caught:
        read_litmus(SourceFile("t.litmus", text))
    return caught.value.diagnostics


def marked(diagnostic: Diagnostic) -> str:
    assert diagnostic.span is not None
    return diagnostic.span.text


CELLS = {
    "STLXP W0,W1,W2,[X3]": ("MM301", "STLXP", "did you mean 'STLXR'?"),
    "STRR W0,[X1]": ("MM301", "STRR", "did you mean 'STR'?"),
    "QQQ W0": ("MM301", "QQQ", ""),
    "LDP X0,X1,[X2]": ("MM301", "LDP", "pairs are not supported"),
    "TLBI VAE1": ("MM301", "TLBI", "page tables"),
    "STG X0,[X1]": ("MM301", "STG", "memory tags"),
    "LDR W0": ("MM303", "LDR W0", "write it as 'LDR W0,[X1]'"),
    "DMB": ("MM303", "DMB", "write it as 'DMB ISH'"),
    "MOV W0,": ("MM303", "", "write it as 'MOV W0,#1'"),
    "MOV W0,W1,W2": ("MM304", "W2", "write it as 'MOV W0,#1'"),
    "NOP W0": ("MM304", "W0", "write it as 'NOP'"),
    "ISB ISH": ("MM306", "ISH", "ISB takes no option"),
    "DMB ISHLDD": ("MM306", "ISHLDD", "did you mean 'ISHLD'?"),
    "DSB FOO": ("MM306", "FOO", "the options are"),
    "LDR W0,X1": ("MM305", "X1", "an address is written '[X1]'"),
    "LDR W0,[X1": ("MM305", "[X1", "the closing ']' is missing"),
    "LDR W0,[X1] x": ("MM305", "[X1] x", "nothing follows the ']'"),
    "LDR W0,[W1]": ("MM305", "W1", "did you mean 'X1'?"),
    "LDR W31,[X1]": ("MM305", "W31", "registers are X0 to X30"),
    "LDR 1,[X1]": ("MM305", "1", "'#1'"),
    "LDAR W0,[X1,#4]": ("MM305", "[X1,#4]", "LDAR takes '[Xn]' only"),
    "LDR W0,[X1,W2]": ("MM305", "W2", "extend it: 'W2,SXTW'"),
    "LDR W0,[X1,X2,FOO]": ("MM305", "FOO", ""),
    "ADD W0,W1,X2": ("MM305", "X2", "did you mean 'W2'?"),
    "CSEL W0,W1,W2,XX": ("MM305", "XX", "the conditions are EQ NE"),
    "STXR X0,W1,[X1]": ("MM305", "X0", "did you mean 'W0'?"),
    "B lost": ("MM320", "lost", "did you mean 'last'?"),
    "CBZ W0,nowhere": ("MM320", "nowhere", "'nowhere:'"),
    "last: NOP": ("MM321", "last", "rename one of the two"),
    "LDRB W0,[X1]": ("MM330", "LDRB", "use LDR"),
    "SWPALH W0,W1,[X1]": ("MM330", "SWPALH", "use SWPAL"),
    "STR X0,[X1]": ("MM330", "STR X0,[X1]", "declare it as 'int64_t x'"),
    "STR X0,[X2]": ("MM330", "LDR W9,[X2]", "every access has the width"),
}


@pytest.mark.parametrize("cell", CELLS)
def test_mistake_in_a_cell(cell: str) -> None:
    code, expected, help = CELLS[cell]
    text = (
        f"AArch64 T\n{{ 0:X1=x; 0:X2=y; int x=0; }}\n P0 ;\n LDR W8,[X1] ;\n {cell} ;\n LDR W9,[X2] ;\n last: ;\n"
        "exists (0:X0=1)"
    )
    if "[X2]" not in cell or code != "MM330":
        text = text.replace(" LDR W9,[X2] ;\n", "")
    found = [d for d in diagnostics(text) if d.code == code]
    assert 1 == len(found)
    assert expected == marked(found[0]).strip(" ;")
    assert help in found[0].help


INIT = {
    "x=1 y=1": ("MM317", "y", "separated by ';'"),
    "x=": ("MM317", "", ""),
    "=1": ("MM317", "=", "write '0:X1=x'"),
    "x=1; x=2": ("MM325", "x", "keep one of the two"),
    "0:X1=x; 0:W1=1": ("MM325", "W1", "keep one of the two"),
    "1:X1=x": ("MM322", "1:X1", "the threads are P0"),
    "0:Y1=x": ("MM323", "Y1", "registers are X0 to X30"),
    "char x": ("MM330", "char", "use int"),
    "foo x": ("MM326", "foo", "the types are int"),
    "in x": ("MM326", "in", "did you mean 'int'?"),
    "x=99999999999": ("MM327", "x", ""),
    "0:W1=99999999999": ("MM327", "99999999999", ""),
    "int x[2]={1}": ("MM328", "x[2]={1", ""),
    "int x[2]=1": ("MM317", "1", "in braces"),
    "int x={1,2}": ("MM328", "x", "write 'int x[2]={...}'"),
    "int x[0]": ("MM328", "0", ""),
    "int x[2]; 0:X1=x[2]": ("MM328", "0:X1=x[2]", "its elements are 0 to 1"),
    "x=y[1]": ("MM328", "x", "it is not an array"),
    "int x[9999]": ("MM328", "9999", ""),
    "x:green=1": ("MM317", ":", "memory tags are not supported"),
    "0:X1=P0:L": ("MM340", "P0:L", "not supported"),
    "x=@": ("MM317", "@", ""),
}


@pytest.mark.parametrize("init", INIT)
def test_mistake_in_the_initial_state(init: str) -> None:
    code, expected, help = INIT[init]
    (found,) = diagnostics(f"AArch64 T\n{{ {init}; }}\n P0 ;\n NOP ;\nexists (true)")
    assert (code, expected) == (found.code, marked(found).strip(" ;}"))
    assert help in found.help


CONDITIONS = {
    "exists (1:X0=1)": ("MM322", "1", "the threads are P0"),
    "exists (0:Y0=1)": ("MM323", "Y0", "registers are X0 to X30"),
    "exists (0:x=1)": ("MM323", "x", "a location is written '[x]'"),
    "exists (X0=1)": ("MM324", "X0", "a register is written with its thread, '0:X0'"),
    "exists (z=1)": ("MM324", "z", ""),
    "exists (xx=1)": ("MM324", "xx", "did you mean 'x'?"),
    "exists (0:X1=z)": ("MM324", "z", ""),
    "exists (0:X0=1)": ("MM323", "0:X0", "the registers of P0 are 0:X1"),
    "exists (x=1 /\\ ~(P0:W0=1))": ("MM323", "P0:W0", "the registers of P0 are 0:X1"),
    "exists (0:X1=0:X2)": ("MM323", "0:X2", "the registers of P0 are 0:X1"),
    "locations [0:X2;] exists (x=1)": ("MM323", "0:X2", "the registers of P0 are 0:X1"),
    "filter (0:X2=1) exists (x=1)": ("MM323", "0:X2", "the registers of P0 are 0:X1"),
    "locations [z;] exists (true)": ("MM324", "z", ""),
    "filter (z=1) exists (true)": ("MM324", "z", ""),
    "exists (x=5000000000)": ("MM327", "5000000000", ""),
    "exists (x[0]=1)": ("MM328", "x[0]", ""),
    "exists (a[2]=1)": ("MM328", "2", ""),
    "exists (a={1,2,3})": ("MM328", "a", "write 'a[0]=1'"),
    "exists (x=1": ("MM316", "", "joined with"),
    "exists (x=1 y=2)": ("MM316", "y", "joined with"),
    "exists (x=1 || y=2)": ("MM316", "|", "joined with"),
    "exists (x)": ("MM316", ")", "write '0:X1=2'"),
    "exists ()": ("MM316", ")", "write '0:X1=2'"),
    "exists": ("MM316", "", ""),
    "locations [x": ("MM316", "", "write 'locations"),
    "exists (x=1) foo": ("MM315", "foo", "joined with"),
    "exists (x=1) exists (x=2)": ("MM315", "exists", "a test has one condition"),
    "exists (fault(P0:L))": ("MM340", "fault", ""),
    "observed x=1;": ("MM340", "observed", "use 'exists'"),
    "exists (" + "(" * 500 + "x=1": ("MM316", "(", ""),
    "exists (" + "~" * 5000 + "x=1)": ("MM316", "~", ""),
    "exists (" + "x=1 => " * 5000 + "x=1)": ("MM316", ")", ""),
}


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda text: text[:30])
def test_mistake_in_a_condition(condition: str) -> None:
    code, expected, help = CONDITIONS[condition]
    (found,) = diagnostics(f"AArch64 T\n{{ 0:X1=x; int a[2]; }}\n P0 ;\n NOP ;\n{condition}")
    assert (code, expected) == (found.code, marked(found))
    assert help in found.help


TWO = "AArch64 T\n{ 0:X1=x; }\n P0 | P1 ;\n NOP | NOP ;\nexists (x=1)\n"
LAYOUT = {
    "loop without end": (TWO.replace("NOP | NOP", "NOP | L: B L"), "MM329", "B L"),
    "header": (TWO.replace("AArch64", "Arch64"), "MM300", "Arch64"),
    "other format": (TWO.replace("AArch64", "PPC"), "MM300", "PPC"),
    "no name": ("AArch64\n{ }", "MM300", "AArch64"),
    "empty": ("", "MM300", ""),
    "no opening brace": (TWO.replace("{", ""), "MM310", "0:X1=x; }"),
    "nothing after the name": ("AArch64 T\n", "MM310", "T"),
    "no closing brace": (TWO.replace("}", ""), "MM310", "{"),
    "no table": ("AArch64 T\n{ }\nexists (true)", "MM311", "exists (true)"),
    "wrong thread": (TWO.replace("P1", "Q1"), "MM311", "Q1"),
    "thread twice": (TWO.replace("P1", "P0"), "MM311", "P0"),
    "missing thread": (TWO.replace("P1", ""), "MM311", ""),
    "column too many": (TWO.replace("NOP | NOP", "NOP | NOP | NOP"), "MM312", "NOP | NOP | NOP"),
    "column too few": (TWO.replace("NOP | NOP", "NOP"), "MM312", "NOP"),
    "no semicolon": (TWO.replace("NOP ;", "NOP"), "MM313", "NOP | NOP"),
    "no semicolon before a row": (TWO.replace("NOP ;", "NOP\n NOP | NOP ;"), "MM313", "NOP | NOP"),
    "no condition": (TWO.replace("exists (x=1)", ""), "MM314", ""),
    "two tests": (TWO + TWO, "MM315", "AArch64"),
    "open comment": (TWO.replace("exists", "(* exists"), "MM318", "(*"),
    "open comment above": ("(* (* *)\n" + TWO, "MM318", "(*"),
    "open string": (TWO.replace("{", '"doc\n{'), "MM318", '"'),
}


@pytest.mark.parametrize("case", LAYOUT)
def test_mistake_in_the_layout(case: str) -> None:
    text, code, expected = LAYOUT[case]
    found = diagnostics(text)[0]
    assert (code, expected) == (found.code, marked(found))


def test_line_column_and_excerpt() -> None:
    (found,) = diagnostics(TWO.replace("NOP | NOP", "NOP | STLXP W0,W1,W2,[X3]"))
    assert found.render() == (
        "error[MM301]: unknown instruction 'STLXP'\n"
        " --> t.litmus:4:8\n"
        "  |\n"
        "4 |  NOP | STLXP W0,W1,W2,[X3] ;\n"
        "  |        ^^^^^\n"
        "  = help: accesses to pairs are not supported; did you mean 'STLXR'?"
    )


def test_several_mistakes_are_reported_together_in_text_order() -> None:
    text = "AArch64 T\n{ 0:X1=x; 0:Q=1; }\n P0 | P1 ;\n FOO | B lost ;\n NOP | LDR W0 ;\nexists (x=1)\n"
    assert ["MM323", "MM301", "MM303"] == [d.code for d in diagnostics(text)]


def test_every_code_is_registered() -> None:
    used = {code for code, _, _ in (*CELLS.values(), *INIT.values(), *CONDITIONS.values())}
    used |= {code for _, code, _ in LAYOUT.values()} | {"MM331"}
    assert used == {code for code in CODES if code.startswith("MM3")}


# --- anything at all -------------------------------------------------------------------------------------


def survive(text: str) -> None:
    """`text` is a test, or has diagnostics that can be printed, and either is known within a second."""
    gc.disable()  # what other tests have left in this process is not the reader's
    start = time.process_time()
    try:
        is_herd_format(text)
        read_litmus(SourceFile("t.litmus", text))
    except InputError as error:
        assert error.diagnostics
        for diagnostic in error.diagnostics:
            assert diagnostic.code in CODES
            assert diagnostic.span is not None
            assert diagnostic.render() and "\n" not in diagnostic.concise()
    finally:
        gc.enable()
    assert time.process_time() - start < 1


def places(text: str) -> st.SearchStrategy[int]:
    return st.integers(0, len(text))


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_cuts_and_splices(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(TEXTS))
    for _ in range(data.draw(st.integers(1, 3))):
        a, b = sorted((data.draw(places(text)), data.draw(places(text))))
        match data.draw(st.sampled_from(["truncate", "delete", "splice", "swap", "insert"])):
            case "truncate":
                text = text[:a]
            case "delete":
                text = text[:a] + text[b:]
            case "splice":
                other = data.draw(st.sampled_from(TEXTS))
                c, d = sorted((data.draw(places(other)), data.draw(places(other))))
                text = text[:a] + other[c:d] + text[b:]
            case "swap":
                text = text[b:] + text[a:b] + text[:a]
            case _:
                word = st.sampled_from(["{", "}", ";", "|", "(*", "*)", '"', "~", "[", "]", "#", "$", "\x00", "é", "-"])
                text = text[:a] + data.draw(word) + text[a:]
    survive(text)


@given(st.sampled_from(TEXTS), st.data())
@settings(max_examples=200, deadline=None)
def test_deleted_characters(text: str, data: st.DataObject) -> None:
    at = data.draw(places(text))
    survive(text[:at] + text[at + data.draw(st.integers(1, 4)) :])


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_text_after_a_header(tail: str) -> None:
    survive("AArch64 T\n" + tail)


@given(
    st.text(alphabet="LDRSTWX0123,[]#!()$% :abxyP/\\=~{}-", max_size=60), st.sampled_from(["AArch64", "X86_64", "X86"])
)
@settings(max_examples=300, deadline=None)
def test_any_cell(cell: str, arch: str) -> None:
    survive(f"{arch} T\n{{ }}\n P0 ;\n {cell} ;\nexists (true)")


@pytest.mark.parametrize(
    "piece", ["(* ", "{", "NOP | ", "NOP ;\n", "0:X1=x;", "x=1 /\\ ", "9", "#", '"', "L: ", "[[", "\n"]
)
def test_long_inputs_are_quick(piece: str) -> None:
    long = piece * 5000
    for text in (
        f"AArch64 T\n{long}",
        f"AArch64 T\n{{ {long} }}\n P0 ;\n NOP ;\nexists (true)",
        f"AArch64 T\n{{ }}\n P0 ;\n {long} ;\nexists (true)",
        f"AArch64 T\n{{ }}\n P0 ;\n NOP ;\nexists ({long}",
    ):
        survive(text)


SB = """{arch} SB
{{ }}
 P0          | P1          ;
 {stores[0]} | {stores[1]} ;
 {loads[0]}  | {loads[1]}  ;
exists (0:{a}=0 /\\ 1:{a}=0)
"""


def store_buffering(arch: str, store: str, load: str) -> str:
    pairs = {"stores": (store.format("x"), store.format("y")), "loads": (load.format("y"), load.format("x"))}
    return SB.format(arch=arch, a="EAX" if arch == "X86" else "rax", **pairs)


@pytest.mark.parametrize(
    ("arch", "store", "load", "mine", "other"),
    [
        ("X86_64", "MOV [{}],$1", "MOV EAX,[{}]", "last", "first"),
        ("X86", "MOV $1,[{}]", "MOV [{}],EAX", "first", "last"),
    ],
)
def test_operands_that_have_two_readings(arch: str, store: str, load: str, mine: str, other: str) -> None:
    """herd refuses the file; read by the format's own order alone, no thread would load anything."""
    (found,) = diagnostics(store_buffering(arch, store, load))
    assert (found.code, marked(found)) == ("MM331", load.format("y"))
    assert f"with the destination {mine}, as {arch} has it" in found.message
    assert f"with the destination {other}, as '{store.format('x')}' in line 4" in found.message


@pytest.mark.parametrize(
    ("arch", "store", "load"),
    [
        ("X86_64", "movl $1,({})", "movl ({}),%eax"),
        ("X86_64", "MOV $1,[{}]", "MOV [{}],EAX"),
        ("X86", "MOV [{}],$1", "MOV EAX,[{}]"),
        ("X86_64", "MOV [{}],$1", "movl ({}),%eax"),
        ("X86_64", "MOV [{}],$1", "TEST EAX,[{}]"),
        ("X86_64", "MOV [{}],$1", "XCHG EAX,[{}]"),
    ],
)
def test_operands_that_have_one_reading(arch: str, store: str, load: str) -> None:
    read_litmus(SourceFile("t.litmus", store_buffering(arch, store, load)))
