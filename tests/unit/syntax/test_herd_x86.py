"""x86 instructions: each form once, in both syntaxes; what ``lock`` changes."""

from __future__ import annotations

import re

import pytest

from mmcheck.ir.program import Assign, Reg, Rmw, Statement, evaluate, show
from mmcheck.language.herd.cell import CellError
from mmcheck.language.herd.x86 import CONDITIONS, PLAIN, SIZED, parse_cell, place_of

FORMS = {
    "movl $1,(x)": "[4096] := 1",
    "movl $1,[x]": "[4096] := 1",
    "MOV [x],$1": "[4096] := 1",
    "mov $-1,(x)": "[4096] := 4294967295",
    "movl (x),%eax": "%m32 := [4096]\nrax := (zext %m32)",
    "movq (x),%rax": "rax := [4096]",
    "mov (x),%rax": "rax := [4096]",
    "movl %eax,(x)": "[4096] := (trunc rax)",
    "movq %r8,(x)": "[4096] := r8",
    "movl %r8d,(x)": "[4096] := (trunc r8)",
    "movl $1,%eax": "rax := 1",
    "movl %eax,%ebx": "rbx := (zext (trunc rax))",
    "movq %rax,%rbx": "rbx := rax",
    "movl $1,(%rdx)": "[rdx] := 1",
    "movl 4(%rdx),%eax": "%m32 := [(add rdx 4)]\nrax := (zext %m32)",
    "movq 0(%rax,%ebx,8),%rcx": "rcx := [(add rax (mul (zext (trunc rbx)) 8))]",
    "xchgl %eax,(x)": "%m32 := rmw [4096] := (trunc rax) {X} {X}\nrax := (zext %m32)",
    "xchgq (x),%rax": "%m64 := rmw [4096] := rax {X} {X}\nrax := %m64",
    "lock xchgl %eax,(x)": "%m32 := rmw [4096] := (trunc rax) {X} {X}\nrax := (zext %m32)",
    "xchgl %eax,%ebx": "%rax' := rax\nrax := (zext (trunc rbx))\nrbx := (zext (trunc %rax'))",
    "lock xaddq %rax,(x)": "%m64 := rmw [4096] := (add %old rax) {X} {X}\nrax := %m64",
    "xaddq %rax,(x)": "%m64 := [4096]\n[4096] := (add %m64 rax)\nrax := %m64",
    "lock cmpxchgq %rcx,(x)": "%m64 := rmw [4096] := rcx when (eq %old rax) {X} {X}\nrax := %m64",
    "lock cmpxchgq (x),%rcx": "%m64 := rmw [4096] := rcx when (eq %old rax) {X} {X}\nrax := %m64",
    "lock addl $1,(x)": "%m32 := rmw [4096] := (add %old 1) {X} {X}",
    "lock subl $1,(x)": "%m32 := rmw [4096] := (sub %old 1) {X} {X}",
    "lock incl (x)": "%m32 := rmw [4096] := (add %old 1) {X} {X}",
    "lock decl (x)": "%m32 := rmw [4096] := (sub %old 1) {X} {X}",
    "lock orl $2,(x)": "%m32 := rmw [4096] := (or %old 2) {X} {X}",
    "lock andl $2,(x)": "%m32 := rmw [4096] := (and %old 2) {X} {X}",
    "LOCK XORL %eax,(x)": "%m32 := rmw [4096] := (xor %old (trunc rax)) {X} {X}",
    "lock notl (x)": "%m32 := rmw [4096] := (not %old) {X} {X}",
    "lock negl (x)": "%m32 := rmw [4096] := (neg %old) {X} {X}",
    "addl $1,(x)": "%m32 := [4096]\n[4096] := (add %m32 1)",
    "incl (x)": "%m32 := [4096]\n[4096] := (add %m32 1)",
    "addl (x),%eax": "%m32 := [4096]\nrax := (zext (add (trunc rax) %m32))",
    "addq $1,%rax": "rax := (add rax 1)",
    "subq %rbx,%rax": "rax := (sub rax rbx)",
    "andq $1,%rax": "rax := (and rax 1)",
    "orq $1,%rax": "rax := (or rax 1)",
    "xorq %rax,%rax": "rax := (xor rax rax)",
    "incq %rax": "rax := (add rax 1)",
    "decq %rax": "rax := (sub rax 1)",
    "notq %rax": "rax := (not rax)",
    "mfence": "fence {MFENCE}",
    "LFENCE": "fence {LFENCE}",
    "sfence": "fence {SFENCE}",
    "nop": "",
    "nopl 0(%rax,%ecx,0)": "rax := rax\nrcx := rcx",
    "ret": "jump %end",
    "jmp end": "jump end",
    "je end": "jump end if %Z",
    "jne end": "jump end if (not %Z)",
    "jle end": "jump end if (or %Z (ne %N %V))",
    "jb end": "jump end if %C",
    "shll $3,%eax": "rax := (zext (shl (trunc rax) 3))",
    "salq %rax": "rax := (shl rax 1)",
    "shrl $3,%eax": "rax := (zext (lshr (trunc rax) 3))",
    "sarq %cl,%rax": "rax := (ashr rax (zext (and (trunc rcx) 31)))",
    "leal -3(%rcx),%esi": "rsi := (zext (trunc (add rcx 18446744073709551613)))",
    "leaq (%rax,%rcx,4),%rdx": "rdx := (add rax (mul rcx 4))",
    "leaq 8(,%rcx,4),%rdx": "rdx := (add (add 0 8) (mul rcx 4))",
    "leaq (x),%rdx": "rdx := 4096",
    "movl (%rax,%rcx),%edx": "%m32 := [(add rax (mul rcx 1))]\nrdx := (zext %m32)",
    "cmovel %ecx,%eax": "rax := (zext (select %Z (trunc rcx) (trunc rax)))",
    "cmovl %ecx,%eax": "rax := (zext (select (ne %N %V) (trunc rcx) (trunc rax)))",
    "cmovneq (x),%rax": "%m64 := [4096]\nrax := (select (not %Z) %m64 rax)",
    "sete %al": "rax := (or (and rax 18446744073709551360) (zext (select %Z 1 0)))",
    "movzbl %al,%ecx": "rcx := (zext (zext (trunc rax)))",
    "movslq %eax,%rcx": "rcx := (sext (trunc rax))",
    "cltq": "rax := (sext (trunc rax))",
    "imull $3,%ecx,%eax": "rax := (zext (mul 3 (trunc rcx)))",
    "imulq %rcx,%rax": "rax := (mul rcx rax)",
    "movabsq $4294967297,%rax": "rax := 4294967297",
    "andb $1,%r8b": "r8 := (or (and r8 18446744073709551360) (zext (and (trunc r8) 1)))",
}
OLD_FORMS = {
    "MOV [x],$1": "[4096] := 1",
    "MOV EAX,[x]": "EAX := [4096]",
    "MOV [x],EAX": "[4096] := EAX",
    "MOV EAX,EBX": "EAX := EBX",
    "MOV EAX,$1": "EAX := 1",
    "MOV EAX,[EDX]": "EAX := [(zext EDX)]",
    "movl %eax,%ebx": "EBX := EAX",
    "movl $1,(x)": "[4096] := 1",
    "XCHG [x],EAX": "%m32 := rmw [4096] := EAX {X} {X}\nEAX := %m32",
    "LOCK INC [x]": "%m32 := rmw [4096] := (add %old 1) {X} {X}",
    "LOCK CMPXCHG [x],ECX": "%m32 := rmw [4096] := ECX when (eq %old EAX) {X} {X}\nEAX := %m32",
    "ADD EAX,EBX": "EAX := (add EAX EBX)",
}


def statements(cell: str, arch: str = "X86_64") -> tuple[Statement, ...]:
    return tuple(make(*args) for make, args in parse_cell(cell, arch, (4096, 32)).steps)


def shown(cell: str, arch: str = "X86_64") -> str:
    """The statements of `cell`, without the flags."""
    kept = [s for s in statements(cell, arch) if not (isinstance(s, Assign) and s.dst.name in ("%N", "%Z", "%C", "%V"))]
    return show(tuple(kept))


@pytest.mark.parametrize("cell", FORMS)
def test_form(cell: str) -> None:
    assert FORMS[cell] == shown(cell)


@pytest.mark.parametrize("cell", OLD_FORMS)
def test_form_of_the_32_bit_architecture(cell: str) -> None:
    assert OLD_FORMS[cell] == shown(cell, "X86")


def test_locked_compare_exchange_in_full() -> None:
    rmw = statements("lock cmpxchgl %ecx,(x)")[0]
    assert isinstance(rmw, Rmw)
    assert frozenset({"X"}) == rmw.fail_tags == rmw.read_tags == rmw.write_tags
    assert Reg("%Z", 1) == rmw.ok and not rmw.write_back and rmw.compare is None


def test_a_failed_compare_exchange_keeps_the_upper_flags_consistent() -> None:
    """Sign and carry come from rax minus the value read, and are computed before rax changes."""
    names = [s.dst.name for s in statements("lock cmpxchgl %ecx,(x)") if isinstance(s, Assign | Rmw)]
    assert ["%m32", "%N", "%C", "%V", "rax"] == names


@pytest.mark.parametrize("a", [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("b", [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_conditions_after_compare(a: int, b: int) -> None:
    """``cmp %ebx,%eax`` compares eax with ebx."""
    state = {"rax": a, "rbx": b}
    for s in statements("cmpl %ebx,%eax"):
        assert isinstance(s, Assign)
        state[s.dst.name] = evaluate(s.expr, state)
    sa, sb = (x - (1 << 32) if x >> 31 else x for x in (a, b))
    for name, truth in (
        ("E", a == b), ("NE", a != b), ("B", a < b), ("AE", a >= b), ("A", a > b), ("BE", a <= b),
        ("L", sa < sb), ("LE", sa <= sb), ("G", sa > sb), ("GE", sa >= sb), ("S", bool((a - b) >> 31 & 1)),
    ):  # fmt: skip
        assert truth == bool(evaluate(CONDITIONS[name], state)), name


def run(cell: str, state: dict[str, int]) -> dict[str, int]:
    """The registers and flags after `cell`."""
    for s in statements(cell):
        assert isinstance(s, Assign)
        state[s.dst.name] = evaluate(s.expr, state)
    return state


EDGES = [0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]


@pytest.mark.parametrize("carry", [0, 1])
@pytest.mark.parametrize("a", EDGES)
@pytest.mark.parametrize("b", EDGES)
def test_carries_go_in_and_come_out(a: int, b: int, carry: int) -> None:
    """``adc %ebx,%eax`` and ``sbb %ebx,%eax``, as numbers of 32 bits with and without sign."""

    def signed(value: int) -> int:
        return value - (1 << 32) if value >> 31 else value

    for cell, total, whole in (
        ("adcl %ebx,%eax", a + b + carry, signed(a) + signed(b) + carry),
        ("sbbl %ebx,%eax", a - b - carry, signed(a) - signed(b) - carry),
    ):
        state = run(cell, {"rax": a, "rbx": b, "%C": carry})
        low = total & 0xFFFFFFFF
        assert low == state["rax"], cell
        expected = (low >> 31, low == 0, not 0 <= total < 1 << 32, not -(1 << 31) <= whole < 1 << 31)
        assert expected == tuple(state[f"%{flag}"] for flag in "NZCV"), cell


@pytest.mark.parametrize("amount", [1, 3, 31])
@pytest.mark.parametrize("a", EDGES)
def test_the_carry_of_a_shift_is_the_last_bit_that_leaves(a: int, amount: int) -> None:
    left = run(f"shll ${amount},%eax", {"rax": a})
    assert (a << amount & 0xFFFFFFFF, a >> 32 - amount & 1) == (left["rax"], left["%C"])
    right = run(f"shrl ${amount},%eax", {"rax": a})
    assert (a >> amount, a >> amount - 1 & 1) == (right["rax"], right["%C"])


def test_a_shift_by_no_bit_leaves_the_flags_alone() -> None:
    before = {"rax": 0, "rcx": 32, "%N": 1, "%Z": 0, "%C": 1, "%V": 1}
    assert before == run("shll %cl,%eax", dict(before))


def test_a_byte_leaves_the_rest_of_its_register_alone() -> None:
    assert 0x1234_5678_9ABC_DE01 == run("sete %al", {"rax": 0x1234_5678_9ABC_DEF0, "%Z": 1})["rax"]


def test_what_is_added_to_itself_is_the_sum() -> None:
    """The destination is written last (SDM, XADD)."""
    assert 6 == run("xaddl %eax,%eax", {"rax": 3})["rax"]
    state = run("xaddl %ebx,%eax", {"rax": 3, "rbx": 4})
    assert (7, 3) == (state["rax"], state["rbx"])


@pytest.mark.parametrize("arch", ["X86_64", "X86"])
@pytest.mark.parametrize("name", [*SIZED, *PLAIN])
def test_example_of_every_instruction_reads(name: str, arch: str) -> None:
    """What an error message suggests can be written, and is the instruction in question."""
    with pytest.raises(CellError) as caught:
        parse_cell(f"{name} $1,$2,$3,$4", arch, (4096, 32))
    match = re.search(r"write it as '(.*)'", caught.value.help)
    if match is None:
        assert name == "CLTQ" and arch == "X86"
        return
    example = match[1]
    lock = "lock " if name == "CMPXCHG" else ""
    assert example.upper().startswith(name)
    if not (arch == "X86" and "%r" in example):
        assert parse_cell(lock + example, arch, (4096, 32)).text == lock + example


def test_increment_leaves_the_carry_alone() -> None:
    assert "%C" not in [s.dst.name for s in statements("incq %rax") if isinstance(s, Assign)]


def test_width_of_an_unsuffixed_access_is_that_of_the_location() -> None:
    make, args = parse_cell("mov $1,(x)", "X86_64", (4096, 64)).steps[0]
    assert "[4096] := 1" == show((make(*args),)) and 64 == args[1].width


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("movl $1,(x)", ("x", 32)),
        ("mov (x),%rax", ("x", 64)),
        ("mov $1,[x]", ("x", 0)),
        ("lock incq (lock)", ("lock", 64)),
        ("L: xchgl %eax,(y)", ("y", 32)),
        ("movl (%rax),%ebx", None),
        ("mfence", None),
    ],
)
def test_the_location_that_a_cell_names(cell: str, expected: tuple[str, int] | None) -> None:
    assert expected == place_of(cell, "X86_64")


ERRORS = {
    "movl %rax,(x)": ("MM305", "%rax", "did you mean '%eax'?"),
    "movl (x),(y)": ("MM305", "(y)", "an instruction has at most one memory operand"),
    "movl $1,$2": ("MM305", "$2", ""),
    "movl x,%eax": ("MM305", "x", "the location is written (x)"),
    "movl %eaxx,(x)": ("MM305", "%eaxx", "did you mean 'eax'?"),
    "movl $1,(x": ("MM305", "(x", "the closing bracket is missing"),
    "movl $1,(%rax,4)": ("MM305", "(%rax,4)", "an index is written"),
    "movl $1": ("MM303", "movl $1", ""),
    "movl $1,(x),%eax": ("MM304", "%eax", ""),
    "movl $99999999999,(x)": ("MM305", "$99999999999", ""),
    "movl $1,(%eax)": ("MM305", "(%eax)", "use '(%rax)'"),
    "movb $1,(x)": ("MM330", "movb", ""),
    "movl %ax,(x)": ("MM330", "%ax", ""),
    "movb %al,(x)": ("MM330", "movb", ""),
    "movb %ah,%al": ("MM330", "%ah", ""),
    "sete %eax": ("MM305", "%eax", "write it as 'sete %al'"),
    "leal %eax,%ebx": ("MM305", "%eax", ""),
    "shll %ecx,%eax": ("MM305", "%ecx", ""),
    "shll $1,(x)": ("MM305", "(x)", ""),
    "movzbl %eax,%ecx": ("MM305", "%eax", ""),
    "movv $1,(x)": ("MM301", "movv", "did you mean 'MOV'?"),
    "movnti %eax,(x)": ("MM301", "movnti", "non-temporal stores are not supported"),
    "cmpxchgl %ecx,(x)": ("MM301", "cmpxchgl", "write 'lock cmpxchg'"),
    "lock mfence": ("MM301", "mfence", ""),
    "lock addl $1,%eax": ("MM305", "%eax", ""),
    "lock": ("MM303", "lock", ""),
    "jne": ("MM303", "jne", "write it as 'jne label'"),
}


@pytest.mark.parametrize("cell", ERRORS)
def test_error(cell: str) -> None:
    code, marked, help = ERRORS[cell]
    with pytest.raises(CellError) as caught:
        parse_cell(cell, "X86_64", (4096, 32))
    error = caught.value
    assert (code, marked) == (error.code, cell[error.start : error.end])
    assert help in error.help and error.help
