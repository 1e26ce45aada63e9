"""herd's formats: whole files to programs, conditions, observed places, printed states."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mmcheck.base.errors import InputError
from mmcheck.base.source import SourceFile
from mmcheck.ir.program import Assign, Const, Label, Op, Program, Reg, evaluate, show
from mmcheck.language.herd import LitmusTest, is_herd_format, read_litmus, show_value
from mmcheck.verdict.litmus import decide

DATA = Path(__file__).parents[2] / "data" / "herd"
SUITE = os.environ.get("MMCHECK_HERD_SUITE", "")


def load(name: str) -> LitmusTest:
    path = DATA / f"{name}.litmus"
    return read_litmus(SourceFile(path.name, path.read_text()))


def parse(text: str) -> LitmusTest:
    return read_litmus(SourceFile("t.litmus", text))


def one(
    init: str = "0:X1=x;", code: str = "NOP", condition: str = "exists (true)", arch: str = "AArch64"
) -> LitmusTest:
    """A test of one thread, one instruction a row."""
    rows = "\n".join(f" {cell} ;" for cell in code.split("\n"))
    return parse(f"{arch} T\n{{ {init} }}\n P0 ;\n{rows}\n{condition}\n")


def cells(test: LitmusTest) -> list[tuple[str, int, int, int]]:
    return [(c.name, c.address, c.width, c.init) for c in test.program.cells]


# --- whole files ---------------------------------------------------------------------------------------


def test_handshake() -> None:
    test = load("handshake")
    assert ("handshake", "AArch64", "exists", "armv8") == (test.name, test.arch, test.quantifier, test.program.target)
    assert {"Author": "mmcheck", "doc": "The reader looks at the flag, then at the buffer"} == dict(test.meta)
    assert [("buffer", 0x1000, 32, 0), ("ready", 0x2000, 32, 0)] == cells(test)
    assert "(and (eq 1:X0 1) (eq 1:X3 0))" == str(test.condition)
    assert ("1:X0", "1:X3", "[buffer]") == tuple(place.name for place in test.observed)
    assert ["0", "1"] == [thread.name for thread in test.program.threads]
    assert not any(thread.source for thread in test.program.threads)
    writer, reader = (show(thread.body) for thread in test.program.threads)
    assert writer == (
        "X1 := 4096\nX2 := 8192\nX0 := 7\n[X1] := (trunc X0)\nfence {DMB.ISHST}\nX3 := 1\n[X2] := (trunc X3)"
    )
    assert reader == (
        "X1 := 4096\nX2 := 8192\n%W0 := [X2]\nX0 := (zext %W0)\njump done if (eq (trunc X0) 0)\n"
        "%W3 := [X1]\nX3 := (zext %W3)\ndone:"
    )


def test_ticket_has_64_bit_locations_and_a_loop() -> None:
    test = load("ticket")
    assert [("next", 0x1000, 64, 0), ("turn", 0x2000, 64, 0)] == cells(test)
    assert "forall" == test.quantifier
    assert show(test.program.threads[0].body) == (
        "X1 := 4096\nX2 := 8192\nX0 := 1\nX3 := rmw [X1] := (add %old X0) {A X} {X}\nwait:\nX4 := [X2] {A}\n"
        "%Z := (eq X4 X3)\njump wait if (not %Z)\nX5 := (add X3 1)\n[X2] := X5 {L}"
    )


def test_spinlock_on_x86() -> None:
    test = load("spinlock")
    assert ("X86_64", "x86-tso", "~exists") == (test.arch, test.program.target, test.quantifier)
    assert show(test.program.threads[1].body) == (
        "rdx := 4096\nrcx := 1\ntake:\n%Z := (eq (xor (trunc rax) (trunc rax)) 0)\n"
        "rax := (zext (xor (trunc rax) (trunc rax)))\n"
        "%m32 := rmw [8192] := (trunc rcx) when (eq %old (trunc rax)) {X} {X}\nrax := (zext %m32)\n"
        "jump take if (not %Z)\n%m32 := [rdx]\n[rdx] := (add %m32 1)\n%Z := (eq (add %m32 1) 0)\n[8192] := 0"
    )


def test_old_style_x86() -> None:
    test = load("old-style")
    assert ("X86", "x86-tso") == (test.arch, test.program.target)
    assert (Reg("0:EAX", 32), Reg("1:EBX", 32)) == test.observed
    assert "[4096] := 1\nfence {MFENCE}\nEAX := [8192]" == show(test.program.threads[0].body)


def test_pointers_and_arrays() -> None:
    test = load("pointers")
    assert [("cells[0]", 0x1000, 32, 3), ("cells[1]", 0x1004, 32, 4), ("head", 0x2000, 64, 0x1000)] == cells(test)
    assert Const(1, 1) == test.filter
    assert "(or (and (eq 1:X3 4100) (eq 1:X4 4)) (and (eq [cells[0]] 3) (eq [cells[1]] 5)))" == str(test.condition)


def test_origins_point_at_the_cell() -> None:
    test = load("handshake")
    store = test.program.threads[0].body[3]
    assert store.origin.span is not None
    assert ("STR W0,[X1]", "STR W0,[X1]", 13, 2) == (
        store.origin.text, store.origin.span.text, store.origin.span.line, store.origin.span.column,
    )  # fmt: skip
    pointer = test.program.threads[0].body[0]
    assert pointer.origin.span is not None and "0:X1=buffer" == pointer.origin.span.text == pointer.origin.text
    label = test.program.threads[1].body[-1]
    assert isinstance(label, Label) and label.origin.span is not None and "done" == label.origin.span.text


def test_return_goes_to_the_end() -> None:
    test = one(code="CBZ W0,skip\nRET\nskip: RET")
    expected = "X1 := 4096\njump skip if (eq (trunc X0) 0)\njump %end\nskip:\njump %end\n%end:"
    assert expected == show(test.program.threads[0].body)


def test_comments_keep_the_offsets() -> None:
    test = parse("AArch64 T (* c *)\n{ 0:X1=x; } // c\n P0 (* | *) ;\n (* ; *) STR W0,[X1] // | ;\n ;\nexists ([x]=0)")
    span = test.program.threads[0].body[-1].origin.span
    assert span is not None and "STR W0,[X1]" == span.text


@pytest.mark.parametrize("change", ["\ufeff", "\r\n", "\t"])
def test_byte_order_mark_crlf_and_tabs(change: str) -> None:
    text = (DATA / "handshake.litmus").read_text()
    text = {"\ufeff": "\ufeff" + text, "\r\n": text.replace("\n", "\r\n"), "\t": text.replace("  ", "\t")}[change]
    test = parse(text.replace("both 32 bits", "zwei Wörter – 幅"))
    assert [show(t.body) for t in load("handshake").program.threads] == [show(t.body) for t in test.program.threads]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AArch64 MP\n", True),
        ("\n (* c *)\n// c\n# c\nX86_64 SB", True),
        ("\ufeffX86 SB", True),
        ("AArch64", False),
        ("PPC MP", False),
        ("agent driver:\n", False),
        ("(* never closed", False),
        ("", False),
    ],
)
def test_recognition(text: str, expected: bool) -> None:
    assert expected == is_herd_format(text)


# --- the initial state -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("init", "expected"),
    [
        ("x=1;", [("x", 0x1000, 32, 1)]),
        ("[x]=1", [("x", 0x1000, 32, 1)]),
        ("int x=-1;", [("x", 0x1000, 32, 0xFFFFFFFF)]),
        ("uint64_t x;", [("x", 0x1000, 64, 0)]),
        ("volatile unsigned long x = 0x10;", [("x", 0x1000, 64, 16)]),
        ("int [x]=1;", [("x", 0x1000, 32, 1)]),
        ("int x[2];", [("x[0]", 0x1000, 32, 0), ("x[1]", 0x1004, 32, 0)]),
        ("int64_t x[2]={1,2};", [("x[0]", 0x1000, 64, 1), ("x[1]", 0x1008, 64, 2)]),
        ("x=y;", [("x", 0x1000, 64, 0x2000), ("y", 0x2000, 32, 0)]),
        ("int *x=&y; int y=2;", [("x", 0x1000, 64, 0x2000), ("y", 0x2000, 32, 2)]),
        ("*x=y;", [("x", 0x1000, 64, 0x2000), ("y", 0x2000, 32, 0)]),
        ("int64_t x; x=3;", [("x", 0x1000, 64, 3)]),
        ("x=3; x=3;", [("x", 0x1000, 32, 3)]),
        ("0:X1=x; 0:X2=x;", [("x", 0x1000, 32, 0)]),
        ("", []),
    ],
)
def test_locations(init: str, expected: list[tuple[str, int, int, int]]) -> None:
    assert expected == cells(one(init))


def test_registers() -> None:
    test = one("0:X1=2; int 0:W2=-1; uint64_t 0:X3; uint64_t 0:X4; 0:X4=-1; P0:X5=x;")
    body = [(s.dst, s.expr) for s in test.program.threads[0].body if isinstance(s, Assign)]
    values = [("X1", 2), ("X2", 0xFFFFFFFF), ("X4", 2**64 - 1), ("X5", 0x1000)]
    assert [(Reg(name, 64), Const(value, 64)) for name, value in values] == body


@pytest.mark.parametrize(
    ("code", "width"),
    [
        ("LDR W0,[X1]", 32),
        ("LDR X0,[X1]", 64),
        ("STR X0,[X1]\nLDAR X3,[X1]", 64),
        ("ADD X4,X1,#0\nSTXR W2,X0,[X4]", 64),
        ("EOR X3,X2,X2\nLDR X4,[X1,X3]", 64),
    ],
)
def test_width_of_an_untyped_location_is_that_of_its_accesses(code: str, width: int) -> None:
    assert [("x", 0x1000, width, 0)] == cells(one("0:X1=x;", code))


def test_width_through_a_pointer_in_memory() -> None:
    test = one("p=x; 0:X1=p;", "LDR X2,[X1]\nLDR X3,[X2]")
    assert [("p", 64), ("x", 64)] == [(c.name, c.width) for c in test.program.cells]


# --- conditions --------------------------------------------------------------------------------------------

STATE = {"0:X0": 1, "0:X2": 0x2000, "[x]": 1, "[y]": 2, "[a[0]]": 5, "[a[1]]": 6, "0:X3": 0xFFFFFFFF}
INIT = "0:X1=x; x=0; y=0; int a[2];"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("0:X0=1", True),
        ("(0:X0=2)", False),
        ("P0:X0=0x1", True),
        ("0:W0=1", True),
        ("[x]=1 /\\ y=2", True),
        ("x==1 /\\ y<>2", False),
        ("x!=2", True),
        ("[x]=[y]", False),
        ("[x]=0:X0", True),
        ("0:X0=[x]", True),
        ("0:X0=*x", True),
        ("0:X0!=0:X2", True),
        ("0:X2=x", True),
        ("0:X2=&x", True),
        ("0:X2=y", False),
        ("a[1]=6", True),
        ("a=5", True),
        ("a={5,6}", True),
        ("0:XZR=0", True),
        ("a<>{5,6}", False),
        ("a={5,7}", False),
        ("true", True),
        ("false \\/ ~false", True),
        ("not (x=1)", False),
        ("~~x=1", True),
        ("x=2 => y=3", True),
        ("x=1 => y=3", False),
        ("x=1 => x=2 => x=3", True),
        ("x=2 /\\ y=2 \\/ x=1", True),
        ("x=1 \\/ y=3 /\\ x=2", True),
        ("x=2 /\\ y=3 => y=2", False),
        ("0:W3=-1", True),
    ],
)
def test_condition(condition: str, expected: bool) -> None:
    test = one(INIT, "EOR X0,X2,X3", f"exists ({condition})")
    assert 1 == test.condition.width
    assert expected == bool(evaluate(test.condition, STATE))


def test_minus_one_in_a_register_that_only_w_forms_write() -> None:
    narrow = one(code="LDR W3,[X1]", condition="exists (0:X3=-1)")
    wide = one(code="LDR X3,[X1]", condition="exists (0:X3=-1)")
    assert (1, 0) == (evaluate(narrow.condition, STATE), evaluate(wide.condition, STATE))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("exists x=1", "exists"),
        ("~exists (x=1)", "~exists"),
        ("~ exists (x=1);", "~exists"),
        ("not exists (x=1)", "~exists"),
        ("forall (x=1)", "forall"),
        ("final (x=1)", "exists"),
        ("locations [x;]", "forall"),
    ],
)
def test_quantifier(text: str, expected: str) -> None:
    assert expected == one(condition=text).quantifier


def test_expectations_after_with_are_kept_as_metadata() -> None:
    test = one(condition="exists (x=1)\nwith tso: ~exists; sc: exists")
    assert "tso : ~ exists ; sc : exists" == test.meta["with"]


def test_observed_places_in_printing_order() -> None:
    test = parse(
        "AArch64 T\n{ 0:X1=x; 1:X1=b; int a[2]; }\n P0 | P1 ;\n ADD X2,X5,X10 | MOV W0,#1 ;\n"
        "locations [a; x int; 0:X10; 0:X2 ;]\nfilter (0:X5=0)\nexists (1:X0=1 /\\ [b]=1 /\\ 0:X2=1)"
    )
    names = ["0:X2", "0:X10", "1:X0", "[a[0]]", "[a[1]]", "[b]", "[x]"]
    assert names == [place.name for place in test.observed]
    assert ["0:X2", "0:X10", "1:X0", "a", "[b]", "[x]"] == [each.name for each in test.shown]
    assert test.filter is not None


def test_registers_of_x86_in_printing_order() -> None:
    test = one(
        "0:rdx; 0:R8; 0:EBX; 0:rax;", "movl $1,(x)", "exists (0:rdx=1 /\\ 0:R8=0 /\\ 0:EBX=0 /\\ 0:rax=0)", "X86_64"
    )
    assert ["0:rax", "0:rbx", "0:rdx", "0:r8"] == [place.name for place in test.observed]


@pytest.mark.parametrize(
    ("arch", "init", "code", "register"),
    [
        ("AArch64", "0:X5=3;", "NOP", "X5"),
        ("AArch64", "int64_t 0:X5;", "NOP", "W5"),
        ("AArch64", "", "CMP W5,#1", "X5"),
        ("AArch64", "", "CBZ X5,L0\nL0: NOP", "W5"),
        ("AArch64", "0:X1=x;", "STXR W5,W6,[X1]", "X5"),
        ("AArch64", "0:X1=x;", "CAS W4,W5,[X1]", "W5"),
        ("AArch64", "0:X1=x;", "LDR W4,[X1,W5,SXTW]", "X5"),
        ("AArch64", "0:X1=x;", "LDR W5,[X1]", "X5"),
        ("AArch64", "0:X1=x;", "STADD W5,[X1]", "X5"),
        ("AArch64", "0:X1=x;", "LDR W%a,[X1]", "X%a"),
        ("AArch64", "", "NOP", "XZR"),
        ("X86_64", "", "lock cmpxchgl %ebx,(x)", "rax"),
        ("X86_64", "", "cmpl $0,%ebx", "rbx"),
        ("X86_64", "", "movl (%rax,%rbx,4),%ecx", "ebx"),
        ("X86_64", "", "nopl 0(%rax,%ebx,0)", "rbx"),
        ("X86", "", "MOV EAX,[x]", "EAX"),
    ],
)
def test_a_register_that_is_initialised_or_named_has_a_value(arch: str, init: str, code: str, register: str) -> None:
    test = one(init, code, f"exists (0:{register}=0)", arch)
    assert len(test.observed) == 1


LOOPS = {
    "L: B L": "B L",
    "L: NOP\nB L": "B L",
    "L: LDR W0,[X1]\nCBZ W0,L\nM: B M": "B M",
    "CBNZ W0,out\nL: LDR W0,[X1]\nB L\nout: NOP": "B L",
    "L: CBZ W0,M\nB L\nM: B L": "B L",
    "L: B.AL L": "B.AL L",
    "L: CBZ WZR,L": "CBZ WZR,L",
    "B M\nL: NOP\nM: B L": "B L",
}


@pytest.mark.parametrize("code", LOOPS)
def test_a_loop_that_cannot_be_left_is_a_mistake(code: str) -> None:
    with pytest.raises(InputError) as caught:
        one(code=code)
    (found,) = caught.value.diagnostics
    assert found.span is not None and found.help
    assert ("MM329", LOOPS[code]) == (found.code, found.span.text)


@pytest.mark.parametrize(
    "code",
    [
        "L: CBZ W0,L",
        "L: LDR W0,[X1]\nCBZ W0,L",
        "L: CBNZ W0,out\nB L\nout: NOP",
        "B out\nL: B L\nout: NOP",  # nobody comes to L
        "L: RET\nB L",
        "L: CBNZ WZR,L",
        "L: MOV W0,#0\nCBZ W0,L",  # conditions on registers may go either way
        "out: NOP",
    ],
)
def test_a_loop_that_can_be_left_is_none(code: str) -> None:
    assert one(code=code).program.threads


def test_a_loop_on_x86_that_cannot_be_left() -> None:
    with pytest.raises(InputError) as caught:
        one("", "L: movl (x),%eax\njmp L", arch="X86_64")
    assert "jne end" in caught.value.diagnostics[0].help


def test_a_long_condition_is_a_shallow_tree() -> None:
    test = one(condition="exists (" + " /\\ ".join(["x=1"] * 5000) + ")")

    def depth(expr: object) -> int:
        return 1 + max(map(depth, expr.args)) if isinstance(expr, Op) else 0

    assert depth(test.condition) < 20


# --- printing --------------------------------------------------------------------------------------------


def test_printed_values() -> None:
    program: Program = one("0:X1=x; int y=0; int a[2];").program
    a, x = (next(cell.address for cell in program.cells if cell.name == name) for name in ("a[0]", "x"))
    assert "2" == show_value(program, Reg("[y]", 32), 2)
    assert "-1" == show_value(program, Reg("[y]", 32), 0xFFFFFFFF)
    assert "4096" == show_value(program, Reg("[y]", 32), 4096)
    assert ("x", "a", "a+4") == tuple(show_value(program, Reg("1:X0", 64), at) for at in (x, a, a + 4))


@pytest.mark.parametrize(
    ("value", "narrow", "wide"),
    [
        (0xFFFFFFFF, "-1", "4294967295"),
        (2**64 - 1, "-1", "-1"),
        (2**31, "-2147483648", "2147483648"),
        (2**33, f"{2**33}", f"{2**33}"),
    ],
)
def test_a_register_is_an_int_unless_it_is_declared_wide(value: int, narrow: str, wide: str) -> None:
    program = one().program
    register = Reg("0:X1", 64)
    assert show_value(program, register, value) == narrow and show_value(program, register, value, wide=True) == wide


def test_printed_states() -> None:
    """What herd7 prints for this test."""
    text = """AArch64 arr
{ int a[2]={1,-1}; 0:X1=a; int x; int b[2]={3,4}; int64_t 0:X5; }
 P0             ;
 LDR W2,[X1,#4] ;
 MVN W5,WZR     ;
 ADD X3,X1,#4   ;
locations [a; b[1]; a[0]; x; 0:X2; 0:X5; 0:X3;]
exists (a[1]=5 /\\ b[0]=3)
"""
    (outcome,) = decide([SourceFile("t.litmus", text)], states=True)
    assert outcome.states == ("0:X2=-1; 0:X3=a+4; 0:X5=4294967295; a={1,-1}; [x]=0; a[0]=1; a[1]=-1; b[0]=3; b[1]=4;",)


# --- the published suite -----------------------------------------------------------------------------------


@pytest.mark.herd_suite
@pytest.mark.skipif(not SUITE, reason="MMCHECK_HERD_SUITE does not name a folder of herd tests")
def test_every_file_of_the_suite_reads() -> None:
    files = [SourceFile(str(path), path.read_text("utf-8-sig")) for path in sorted(Path(SUITE).rglob("*.litmus"))]
    assert files
    start = time.process_time()
    failed = []
    for file in files:
        try:
            read_litmus(file)
        except InputError as error:
            failed.append(str(error))
    seconds = time.process_time() - start
    assert [] == failed
    assert seconds < 0.002 * len(files) + 0.2
