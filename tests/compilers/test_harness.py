"""The harness itself, which needs no compiler: what is printed is read, and a wrong verdict would be seen."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.compilers import judge
from tests.compilers.assembly import AARCH64, ARCHS, X86_64, Arch, Unread, functions, litmus
from tests.compilers.classify import explain
from tests.compilers.form import Body, Case, Fence, Load, Look, Op, Place, Put, Return, Store, packed, walk
from tests.compilers.generate import SHAPES, case
from tests.compilers.printers import C, Rust
from tests.compilers.reduce import size, smaller, smallest

X, Y = Place("x"), Place("y")
READER = Case(
    "reader", "MP, reader",
    Body((Load("r0", X, "volatile"), Fence("fence", "acquire"), Load("r1", Y)), ("r0", "r1")),
    ((Put(Y, 1), Put(X, 1)),),
)  # fmt: skip
AARCH64_UNIT = """
\t.globl\treader                          // -- Begin function reader
\t.type\treader,@function
reader:                                 // @reader
// %bb.0:
\tadrp\tx8, x
\tldr\tw8, [x8, :lo12:x]
\tdmb\tishld
\tadrp\tx9, y
\tldr\tw9, [x9, :lo12:y]
\torr\tw0, w8, w9, lsl #9
\tret
.Lfunc_end0:
\t.size\treader, .Lfunc_end0-reader
"""
X86_64_UNIT = """
\t.globl\treader
\t.type\treader, @function
reader:
\tmovl\tx(%rip), %eax
\tmovl\ty(%rip), %edx
\tsall\t$9, %edx
\torl\t%edx, %eax
\tret
\t.size\treader, .-reader
"""
UNITS = {"aarch64": AARCH64_UNIT, "x86-64": X86_64_UNIT}
SEEN = packed((1, 0))


@pytest.mark.parametrize("arch", ARCHS.values(), ids=ARCHS)
def test_what_a_compiler_printed_has_the_outcomes_of_its_source(arch: Arch) -> None:
    lines = functions(UNITS[arch.name], arch)["reader"]
    found = judge.of_machine(READER, litmus(READER, lines, arch), arch)
    assert found == judge.of_source(READER, arch.target)
    assert {dict(each).get("return", 0) for each in found} == {packed((0, 0)), packed((0, 1)), packed((1, 1))}


def test_a_fence_that_a_compiler_lost_would_be_seen() -> None:
    lines = tuple(line for line in functions(AARCH64_UNIT, AARCH64)["reader"] if "dmb" not in line)
    wrong = judge.of_machine(READER, litmus(READER, lines, AARCH64), AARCH64) - judge.of_source(READER, "armv8")
    assert {dict(each)["return"] for each in wrong} == {SEEN}


def test_loads_in_the_other_order_would_be_seen() -> None:
    lines = list(functions(X86_64_UNIT, X86_64)["reader"])
    lines[0], lines[1] = lines[1], lines[0]
    wrong = judge.of_machine(READER, litmus(READER, lines, X86_64), X86_64) - judge.of_source(READER, "x86-tso")
    assert {dict(each)["return"] for each in wrong} == {SEEN}


def test_a_function_that_is_another_one_has_its_code() -> None:
    found = functions(f"{X86_64_UNIT}\t.globl\ttwin\ntwin = reader\n", X86_64)
    assert found["twin"] == found["reader"] != ()


def test_an_instruction_that_is_not_read_is_named() -> None:
    with pytest.raises(Unread, match="MM301 fmov"):
        judge.of_machine(READER, litmus(READER, ("fmov w0, s0", "ret"), AARCH64), AARCH64)


def test_pairs_become_two_accesses_and_symbols_offsets() -> None:
    text = litmus(READER, ("adrp x8, a", "add x8, x8, :lo12:a", "ldp w8, w9, [x8, #4]", "ret"), AARCH64)
    rows = [line.split("|")[0].strip() for line in text.splitlines() if "|" in line]
    assert rows == ["P0", "mov x8, X28", "add x8, x8, #64", "ldr w9, [x8, #8]", "ldr w8, [x8, #4]", "ret"]


@pytest.mark.parametrize(
    "line", ["movl a+4(%rip), %eax", "movl a(%rdx), %eax", "movl $z, %eax", "movl a(,%rax,4), %ecx"]
)
def test_x86_symbols_become_offsets(line: str) -> None:
    row = litmus(READER, (line, "ret"), X86_64).splitlines()[7].split("|")[0].strip()
    assert row in (
        "movl 68(%r15), %eax", "movl 64(%r15,%rdx,1), %eax", "leaq 32(%r15), %rax", "movl 64(%r15,%rax,4), %ecx",
    )  # fmt: skip


def test_cases_are_random_repeatable_and_of_every_shape() -> None:
    made = [case(1, number) for number in range(300)]
    assert made == [case(1, number) for number in range(300)] != [case(2, number) for number in range(300)]
    assert {each.shape for each in made} == {shape.name for shape in SHAPES}
    kinds = Counter(type(each).__name__ for one in made for each in walk(one.body.statements))
    assert kinds.keys() >= {"Load", "Store", "Rmw", "Fence", "Set", "Pick", "If", "Return", "Poll", "Repeat", "Break"}


@pytest.mark.parametrize("block", range(4))
def test_every_case_is_a_specification_with_outcomes(block: int) -> None:
    for number in range(8 * block, 8 * block + 8):
        made = case(7, number)
        for target in ("armv8+lse", "x86-tso"):
            found = judge.of_source(made, target)
            assert judge.of_text(made, target) <= found != frozenset(), made
            assert judge.in_source(made, min(found)).count("==") >= len(made.body.result)


def test_the_three_languages_say_the_same() -> None:
    body = Body(
        (
            Load("r0", Place("a", Op("&", ("r1", 3))), "acquire"),
            Store(X, Op("int", (Op("==", ("r0", 1)),)), "release"),
            Fence("barrier"),
            Return(),
        ),
        ("r0",),
    )
    assert "r0 = __atomic_load_n(&a[r1 & 3u], __ATOMIC_ACQUIRE);" in C().function("f", body)
    assert "__atomic_store_n(&x, ((u32)(r0 == 1u)), __ATOMIC_RELEASE);" in C().function("f", body)
    assert "AtomicU32::from_ptr(addr_of_mut!(x)).store(((r0 == 1u32) as u32), Release);" in Rust().function("f", body)


def test_a_failure_is_made_small() -> None:
    """Of a long body only what the failure needs is left, and no step makes it smaller."""
    long = Case(
        "long", "MP, reader",
        Body((Store(Place("z"), 1), *READER.body.statements, Load("r2", Place("w"))), ("r0", "r1", "r2")),
        READER.observers,
    )  # fmt: skip

    def fails(tries: list[Case]) -> list[bool]:
        return [
            [each.place for each in one.body.statements if isinstance(each, Load)][:2] == [X, Y]
            and {"r0", "r1"} <= set(one.body.result)
            for one in tries
        ]

    small = smallest(long, fails)
    assert small.body == Body((Load("r0", X), Load("r1", Y)), ("r0", "r1")) or size(small) < size(READER)
    assert not any(fails(list(smaller(small))))


def test_a_failure_has_the_name_of_what_explains_it() -> None:
    """A load that sinks past an acquire fence, as LLVM's do: the source has the outcome if the two change places."""
    source = Case(
        "s",
        "MP, reader",
        Body((Load("r0", X), Fence("fence", "acquire"), Load("r1", Y)), ("r0", "r1")),
        READER.observers,
    )
    swapped = judge.of_source(
        Case("s", "", Body((Fence("fence", "acquire"), Load("r1", Y), Load("r0", X)), ("r0", "r1")), READER.observers),
        "x86-tso",
    )
    wrong = swapped - judge.of_source(source, "x86-tso")
    assert {dict(each)["return"] for each in wrong} == {SEEN}
    assert explain(source, "x86-tso", wrong) == "LLVM: sunk past a fence"


def test_an_observer_reads_and_writes() -> None:
    looking = Case("o", "SB", READER.body, ((Put(X, 2), Look("o00", Y)),))
    assert "STR W9,[X1,#0]" in litmus(looking, ("ret",), AARCH64) and "LDR W10,[X1,#16]" in litmus(
        looking, ("ret",), AARCH64
    )
