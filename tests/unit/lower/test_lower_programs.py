"""What specifications become: whole programs against golden listings, and one thing at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
from lowering import DATA, SPECS, body, diagnostics, listing, load, load_file, program

from mmcheck.base.source import SourceFile
from mmcheck.ir import program as ir
from mmcheck.language.lower.spec import load_spec
from mmcheck.target.targets import parse_target

GOLDEN = [
    (DATA / "MP.litmus", None, "armv8"),
    (DATA / "MP.litmus", "dmb.st+addr", "armv8"),
    (DATA / "MP.litmus", "rel+acq", "x86-tso"),
    (SPECS / "virtqueue.litmus", None, "armv8"),
    (SPECS / "virtqueue.litmus", None, "x86-tso"),
    (SPECS / "virtqueue.litmus", "before", "armv8"),
    (SPECS / "virtqueue.litmus", "before", "x86-tso"),
]


@pytest.mark.parametrize(("path", "variant", "target"), GOLDEN, ids=lambda value: str(value).rpartition("/")[2])
def test_golden(path: Path, variant: str | None, target: str) -> None:
    """The listing is the one that was read and approved."""
    name = f"{path.stem}-{(variant or 'base').replace('+', '_')}-{target}.txt"
    expected = (DATA / "golden" / name).read_text()
    assert listing(load_file(path).program(parse_target(target), variant)) == expected


@pytest.mark.parametrize("name", ["submit-minimal", "virtqueue"])
def test_published_specs_load(name: str) -> None:
    """The files of `specs/` have no mistakes, and every variant has its programs."""
    spec = load_file(SPECS / f"{name}.litmus")
    for variant in (None, *(each.title for each in spec.variants)):
        for target in spec.targets:
            assert spec.program(target, variant).requirements


# --- numbers -----------------------------------------------------------------------------------------


def test_typed_constants_wrap() -> None:
    """A typed constant computes at its width, an untyped one exactly."""
    head = "const START: u16 = 0xffff\nconst BIG = 0xffff\nmemory x, y: u16"
    assert body("y = START + 2\nx = BIG + 2", head) == "[2097152] := 1 {Plain}\n[1048576] := 65537 {Plain}"


def test_signed_operators() -> None:
    """Signed types compare, divide and shift by their sign."""
    text = body("let a = s\nif a - 1 < 0 { x = (a >> 1) as u32 }\nif a / 2 >= a % 2 { nothing }", "memory s: i32, x")
    assert "if (slt (sub a 1) 0)" in text
    assert "(ashr a 1)" in text
    assert "if (sle (smod a 2) (sdiv a 2))" in text


def test_a_constant_condition_leaves_no_branch() -> None:
    head = "const ON = true\nmemory x, y"
    assert body("if ON { x = 1 } else { y = 1 }\nif !ON && x == 1 { y = 2 }", head) == "[1048576] := 1 {Plain}"


def test_casts() -> None:
    text = body("let a = b as u32\nx = a\nx = (b < 0) as u32", "memory b: i8, x")
    assert "a := (sext %1)" in text and "(zext (slt %2 0))" in text


# --- memory ------------------------------------------------------------------------------------------


def test_layout_is_that_of_c() -> None:
    """Fields are aligned, elements follow each other, variables are far apart."""
    found = program(
        "struct D { addr: *u32, len: u32, flags: u16 = 3, next: u16 }\n"
        "memory d[2]: D = { len: 7 }, b: bool = true, r { a: u8, b: u32, c: u8 }\nmmio db: latch u16\n"
        "thread P { nothing }\nrequirement r { progress }\n"
    ).cells
    places = {cell.name: (cell.address, cell.width, cell.init) for cell in found}
    first = places["d[0].addr"][0]
    assert places["d[0].len"] == (first + 8, 32, 7)
    assert places["d[0].flags"] == (first + 12, 16, 3)
    assert places["d[1].addr"] == (first + 16, 64, 0)
    base = places["b"][0]
    assert base % 0x100 == 0 and base - first > 0x10000 and places["b"][1:] == (1, 1)
    record = places["r.a"][0]
    assert [places[name][0] - record for name in ("r.b", "r.c")] == [4, 8]
    assert [(cell.space, cell.width) for cell in found if cell.name == "db"] == [("mmio", 17)]


def test_record_stores_have_no_order() -> None:
    """One store per field, in parallel; an atomic word makes one access of a small record."""
    head = "memory r { a: u16, b: u16 }"
    parallel = "parallel\n  [1048576] := 1 {Plain}\n  [1048578] := 2 {Plain}"
    assert body("r = { a: 1, b: 2 }", head) == parallel
    assert body("WRITE_ONCE(r, { a: 1, b: 2 })", head) == "[1048576] := 131073 {Volatile}"
    whole = body("let e = READ_ONCE(r)\nif e.b == 1 { nothing }", head)
    assert whole.startswith("%1 := [1048576] {Volatile}\ne.a := (trunc %1)\ne.b := (trunc (lshr %1 16))")


def test_a_record_that_is_accessed_as_one_is_one_cell() -> None:
    """Its initial value is that of all fields; another record of that type stays as it is."""
    text = """spec "records"
targets armv8
struct S { a: u16, b: u16 }
memory one[2]: S = { a: 1, b: 2 }, two: S = { b: 3 }
requirement seen { says "x" }
thread P { one[1].store({ a: 3, b: 4 }, release); two.b = 5 }
thread Q { let v = one[1].load(acquire); assert (v.a == 1) == (v.b == 2) for seen }
"""
    spec = load_spec(SourceFile("records.litmus", text))
    cells = {cell.name: (cell.width, cell.init) for cell in spec.program(spec.targets[0], None).cells}
    assert cells == {"one[0]": (32, 0x20001), "one[1]": (32, 0x20001), "two.a": (16, 0), "two.b": (16, 3)}


def test_pointers_carry_addresses() -> None:
    head = "struct D { a: u32, b: u32 }\nmemory d[2]: D, p: *D"
    assert body("p = &d[1]\nlet q = p\nq->b = 5\n*p = { a: 1, b: 2 }", head).split("\n") == [
        "[2097152] := 1048584 {Plain}",
        "q := [2097152] {Plain}",
        "[(add q 4)] := 5 {Plain}",
        "%2 := [2097152] {Plain}",
        "parallel",
        "  [%2] := 1 {Plain}",
        "  [(add %2 4)] := 2 {Plain}",
    ]


def test_an_array_of_one_needs_no_index() -> None:
    assert body("x = 1\nlet a = x[0]", "memory x[1]") == "[1048576] := 1 {Plain}\na := [1048576] {Plain}"


# --- latches -----------------------------------------------------------------------------------------


def test_latches() -> None:
    """A write sets the mark above the value; `take` clears it and writes only if it was set."""
    head = "mmio db: latch u16\nmemory irq: latch"
    assert body("db.write_volatile(0)\nirq = 1", head) == "[1048576] := 65536 {Volatile}\n[2097152] := 1 {Volatile}"
    assert body("raise irq", head) == "[2097152] := 1 {Volatile}"
    taken = body("await db.take()", head, "x86-tso").split("\n")
    assert taken[0] == "await %2"
    assert taken[1].startswith("  %1 := rmw [1048576] := (and %old 65535) when (trunc (lshr %old 16))")
    assert body("let v = db", head) == "%1 := [1048576] {Volatile}\nv := (trunc %1)"


# --- operations --------------------------------------------------------------------------------------


def test_read_modify_writes() -> None:
    head = "memory x: i32, y"
    shown = body("x.fetch_min(3, relaxed)\ny.fetch_max(3, relaxed)\ny.swap(1, relaxed)\natomic_inc(&y)", head, "sc")
    news = [line.split(":= ")[2].split(" {")[0] for line in shown.split("\n")]
    assert news == ["(smin %old 3)", "(umax %old 3)", "1", "(add %old 1)"]
    shown = body("x.fetch_min(3, relaxed)\ny.fetch_max(3, relaxed)", head, "armv8")
    news = [line.split(":= ")[2].split(" {")[0] for line in shown.split("\n")]
    assert news == ["(select (slt %old 3) %old 3)", "(select (ult 3 %old) %old 3)"]  # CMP and CSEL between exclusives


def test_compare_exchange_gives_a_result() -> None:
    text = (
        "targets sc\nmemory x\nthread P {\n  let r = x.compare_exchange(0, 1, acq_rel, acquire)\n"
        "  if r.is_ok() { x = r.value }\n}\nrequirement q { progress }"
    )
    first, second = program(text, "sc").threads[0].body
    assert isinstance(first, ir.Rmw)
    assert (first.dst.name, first.ok, first.compare) == ("r.value", ir.Reg("r.is_ok", 1), ir.Const(0, 32))
    assert first.when == ir.Op("eq", (ir.Reg(ir.OLD, 32), ir.Const(0, 32)), 1)
    assert isinstance(second, ir.If) and second.cond == ir.Reg("r.is_ok", 1)


def test_mmio_accessors_bring_their_barrier() -> None:
    shown = body("writew(1, db)", "mmio db: latch u16")
    assert shown == "fence {Clobber DMB.OSHST}\n[1048576] := 65537 {MMIO}"


def test_a_weak_exchange_may_fail_without_cause() -> None:
    """On a machine of exclusives it is one pair, tried once; elsewhere it is the strong one."""
    text = "let r = x.compare_exchange_weak(0, 1, acquire, relaxed)\nif r.is_err() { y = r.value }"
    assert body(text).split("\n") == [
        "%1 := [1048576] {A Acquire Atomic X} exclusive",
        "%2 := 0",
        "if (eq %1 0)",
        "  %3 := exclusive [1048576] := 1 {Atomic X}",
        "  %2 := (not %3)",
        "r.value := %1",
        "r.is_ok := %2",
        "if (not r.is_ok)",
        "  [2097152] := r.value {Plain}",
    ]
    assert body(text, target="armv8+lse").startswith("r.value := rmw [1048576] := 1 when (eq %old 0)")


def test_a_barrier_behind_a_success_is_conditional() -> None:
    """Linux on Armv8 without LSE jumps over the last barrier of a failing cmpxchg."""
    assert "if %2\n  fence {Clobber DMB.ISH}" in body("let old = cmpxchg(&x, 0, 1)")


def test_places_are_evaluated_before_what_they_are_called_with() -> None:
    head = "memory x[2]\nprivate at = 0\nfn step() -> u32 { at = 1; return at }"
    shown = body("x[at].store(step(), relaxed)", head)
    assert shown.split("\n")[0].startswith("%1 := (add 1048576") and "[%1] := %2" in shown


# --- control -----------------------------------------------------------------------------------------


def test_lazy_operators_read_only_if_needed() -> None:
    assert body("if x == 1 && y == 2 { x = 3 }").split("\n") == [
        "%1 := [1048576] {Plain}",
        "%3 := (eq %1 1)",
        "if %3",
        "  %2 := [2097152] {Plain}",
        "  %3 := (eq %2 2)",
        "if %3",
        "  [1048576] := 3 {Plain}",
    ]


def test_loops() -> None:
    """`while` stays a loop; `for` and `repeat` are unrolled, but a `break` leaves a loop: of one turn, or so many."""
    assert body("while x != 0 { y = 1 }").split("\n") == [
        "loop",
        "  %1 := [1048576] {Plain}",
        "  if (ne %1 0)",
        "    [2097152] := 1 {Plain}",
        "  else",
        "    break",
    ]
    assert body("for i in 0..2 { x = i }") == "[1048576] := 0 {Plain}\n[1048576] := 1 {Plain}"
    shown = body("for i in 0..2 { if x == i { break }; y = i }").split("\n")
    assert shown[0] == "loop 1" and shown.count("    break") == 2 and "  [2097152] := 1 {Plain}" in shown
    shown = body("repeat 2 { if x == 1 { break }; y = 1 }").split("\n")
    assert shown[0] == "loop 2" and shown.count("    break") == 1


def test_hidden_names_get_registers_of_their_own() -> None:
    shown = body("let a = x\nif a == 1 {\n  let a = y\n  x = a\n}\ny = a")
    assert "a'2 := [2097152]" in shown and shown.endswith("[2097152] := a {Plain}")


def test_waits_with_a_limit() -> None:
    text = body("await x == 1 within 5 else { y = 1 }")
    assert text == "await (eq %1 1) within 5\n  %1 := [1048576] {Plain}\nelse\n  [2097152] := 1 {Plain}"


def test_a_wait_on_a_swap_writes_in_its_last_round_only() -> None:
    shown = body("await x.swap(1, acquire) != 1", target="x86-tso")
    assert "rmw [1048576] := 1 when (ne %old 1)" in shown
    assert "when (eq %old 0)" in body("await x.compare_exchange(0, 1, acquire, relaxed).is_ok()", target="x86-tso")


@pytest.mark.parametrize(
    "wait",
    [
        "await { if x == 1 { return } } until y == 1",
        "await { let u = x; assert u < 5 } until u == 1",
        "await { while x == 1 { nothing } } until y == 1",
        "await { let mut v = 1; if x == 1 { v = 2; n = v } } until y == 1",
    ],
)
def test_waits_that_are_more_than_their_last_round(wait: str) -> None:
    text = f"memory x, y\nprivate n = 0\nthread P {{ {wait} }}\nrequirement r {{ progress }}"
    assert [each.code for each in diagnostics(text)] == ["MM226"]


def test_waits_through_functions() -> None:
    head = "memory l: latch\nmemory x\nprivate seen = 0\nfn took() -> bool { return l.take() }\n"
    good = (
        head
        + "fn more() -> bool { return x != seen }\nthread P { await took(); await more() }\nrequirement r { progress }"
    )
    assert diagnostics(good) == ()
    bad = (
        head + "fn pop() -> bool { seen += 1; return x != seen }\nthread P { await pop() }\nrequirement r { progress }"
    )
    assert [each.code for each in diagnostics(bad)] == ["MM226"]


# --- functions and agents ----------------------------------------------------------------------------


def test_functions_stay_callable() -> None:
    """One function for each set of argument types; what nobody calls is there for the machine."""
    found = program(
        "memory x, y: u16\nfn put(p, v) { *p = v }\nfn other(a: u16) { y = a }\n"
        "thread P { put(&x, 1); put(&y, 2 as u16); put(&x, 3) }\nrequirement r { progress }"
    )
    assert list(found.functions) == ["put", "put'2", "other"]
    assert [str(call.function) for call in found.threads[0].body if isinstance(call, ir.Call)] == [
        "put",
        "put'2",
        "put",
    ]


def test_private_names_are_those_of_the_caller() -> None:
    text = (
        "memory x\nprivate n: u16 = 7\nprivate m = 0\nfn f() { n += 1 }\nthread P { f() }\n"
        "device D { x = 1 }\nforall P.n == 8 && D.m == 0"
    )
    found = program(text)
    assert [(thread.name, thread.privates) for thread in found.threads] == [
        ("P", ((ir.Reg("@n", 16), 7),)),
        ("D", ((ir.Reg("@m", 32), 0),)),
    ]
    assert str(found.requirements[0].cond) == "(and (eq P:n 8) (eq D:m 0))"


def test_arguments_keep_what_privates_were() -> None:
    """A function called later in the same expression may change a private."""
    text = (
        "memory x\nprivate n = 0\nfn f() -> u32 { n += 1; return n }\nthread P { x = n + f() }\n"
        "requirement r { progress }"
    )
    assert ir.show(program(text).threads[0].body) == "%1 := @n\n%2 := f()\n[1048576] := (add %1 %2) {Plain}"


def test_several_agents_of_one_kind() -> None:
    text = (
        "memory x\nthread worker(i in 1..3) { w: await x == i; let a = x }\n"
        "requirement p { progress worker.w }\nforall worker[2].a == 2"
    )
    found = program(text)
    assert [thread.name for thread in found.threads] == ["worker[1]", "worker[2]"]
    assert [each.subjects for each in found.requirements] == [("worker[1].w", "worker[2].w"), ()]
    assert str(found.requirements[1].cond) == "(eq worker[2]:a 2)"


def test_kinds_of_agents() -> None:
    text = (
        "memory x\nthread A { x = 1 }\nasm thread B { x = 2 }\ndevice C { x = 3 }\n"
        "thread D on cpu 1 { x = 4 }\nrequirement r { progress }"
    )
    found = [(thread.kind, thread.source, thread.cpu) for thread in program(text).threads]
    assert found == [("thread", True, None), ("thread", False, None), ("device", False, None), ("thread", True, 1)]


def test_origins_say_where_statements_come_from() -> None:
    text = (
        "memory x\nthread P {\n  publish:  fence( release )  // why\n  x.store(1,   release) @612\n"
        "  if x == 1 { x = 2 }\n}\nrequirement r { progress }"
    )
    fence, store, load_, branch = program(text).threads[0].body
    assert (fence.origin.text, fence.origin.site, fence.origin.word) == (
        "fence( release )",
        "publish",
        "fence(release)",
    )
    assert (store.origin.text, store.origin.word) == ("x.store(1, release)", "store(release)")
    assert (load_.origin.text, branch.origin.text) == ("if x == 1", "if x == 1")


# --- requirements ------------------------------------------------------------------------------------


def test_requirements_of_every_kind() -> None:
    text = (
        'spec "t"\nmemory x\n'
        'requirement q { cites "VirtIO 1.2, 2.7.8.2", "implied:P4"; says "why"; '
        "forall x == 1; ~exists x == 2; progress P; ordered a before b }\n"
        "thread P {\n  a: x = 1\n  b: x = 2\n  let v = x\n  assert v == 1 for q\n"
        '  assert v == 1 for "VirtIO 1.2, 2.7.14"\n  assert v == 1\n}\nexists x == 3'
    )
    found = [(each.name, each.kind, str(each.cond), each.subjects) for each in program(text).requirements]
    assert found == [
        ("q", "point", "1", ()),
        ("q", "final", "(and (eq [x] 1) (not (eq [x] 2)))", ()),
        ("q", "progress", "1", ("P",)),
        ("q", "ordered", "1", ("a", "b")),
        ("t", "exists", "(eq [x] 3)", ()),
        ("VirtIO 1.2, 2.7.14", "point", "1", ()),
        ("t", "point", "1", ()),
    ]
    assert program(text).requirements[0].clauses == ("VirtIO 1.2, 2.7.8.2", "implied:P4")
    assert [each.name for each in load(text).requirements] == ["q", "VirtIO 1.2, 2.7.14", "t"]
