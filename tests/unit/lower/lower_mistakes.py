# ruff: noqa: E501 - messages as they are printed
"""Mistakes of names, types, sites and expectations, with what is said about each and where."""

from __future__ import annotations

from typing import NamedTuple

HEAD = "memory x, y: u16, z[3], rec { a: u16, b: u32 }\nconst K = 5\nprivate own = 0\nrequirement r { forall x == 0 }\n"


def inside(statements: str) -> str:
    """`statements` in a thread, from line 6, column 3."""
    indented = statements.replace("\n", "\n  ")
    return f"{HEAD}thread P {{\n  {indented}\n}}\n"


class Found(NamedTuple):
    """One diagnostic."""

    code: str
    line: int
    column: int
    message: str
    help: str = ""


class Row(NamedTuple):
    """A text with mistakes, and all that is found in it."""

    name: str
    text: str
    found: tuple[Found, ...]


ROWS = [
    Row("unknown name", inside("let a = xx"), (Found("MM200", 6, 11, "nothing is named 'xx'; did you mean 'x'?"),)),
    Row(
        "store to unknown",
        inside("vv = 1"),
        (Found("MM200", 6, 3, "nothing is named 'vv'", "a new register is 'let vv = …'"),),
    ),
    Row(
        "register of a closed block",
        inside("if x == 1 { let a = 1 }\nx = a"),
        (Found("MM200", 7, 7, "nothing is named 'a'"),),
    ),
    Row("unknown field", inside("rec.c = 1"), (Found("MM207", 6, 7, "'rec' has no field 'c'"),)),
    Row("missing field", inside("rec = { a: 1 }"), (Found("MM207", 6, 9, "the record lacks 'b'"),)),
    Row("field of scalar", inside("x.a = 1"), (Found("MM207", 6, 5, "'x' is no record: it has no field 'a'"),)),
    Row("index out of range", inside("z[3] = 1"), (Found("MM220", 6, 5, "'z' has 3 elements: no [3]"),)),
    Row("index of a constant", inside("z[K - 6] = 1"), (Found("MM220", 6, 5, "'z' has 3 elements: no [-1]"),)),
    Row(
        "array as a value", inside("let a = z"), (Found("MM216", 6, 11, "'z' is an array of 3 u32: name one element"),)
    ),
    Row(
        "mixed widths",
        inside("if x == y { nothing }"),
        (
            Found(
                "MM211",
                6,
                6,
                "'==' has u32 on its left and u16 on its right",
                "write 'as u32' behind the right side (u16), or 'as u16' behind the other",
            ),
        ),
    ),
    Row("narrow store", inside("y = x"), (Found("MM216", 6, 7, "u16 is needed here, not u32", "'as u16' converts"),)),
    Row(
        "too large", inside("y = 0x10000"), (Found("MM214", 6, 7, "65536 does not fit into u16", "'as u16' wraps it"),)
    ),
    Row(
        "condition is a number",
        inside("if x & 1 { nothing }"),
        (Found("MM215", 6, 6, "a condition is true or false, not u32", "compare with '!= 0'"),),
    ),
    Row(
        "assert reads",
        inside("assert x == 1 for r"),
        (Found("MM229", 6, 10, "an assert reads no shared memory, and 'x' is some", "read it in front: let a = …"),),
    ),
    Row(
        "assert unknown requirement",
        inside("assert K == 5 for q"),
        (Found("MM204", 6, 21, "no requirement is named 'q'", 'declare it: requirement q { says "…" }'),),
    ),
    Row(
        "assert bad clause",
        inside('assert K == 5 for "VirtIO 1.1, 2.6.13.3.1"'),
        (Found("MM208", 6, 21, "clauses are cited by their numbers in VirtIO 1.2", "that is 2.7.13.3.1 in 1.2"),),
    ),
    Row(
        "register hides location",
        inside("let x = 1"),
        (
            Found(
                "MM221",
                6,
                7,
                "a register may not have the name of the location 'x'",
                "'x = …' stores; give the register another name",
            ),
        ),
    ),
    Row(
        "loop hides constant",
        inside("for K in 0..2 { nothing }"),
        (Found("MM221", 6, 7, "a register may not have the name of the constant 'K'"),),
    ),
    Row("constant is set", inside("K = 1"), (Found("MM237", 6, 3, "'K' is a constant and cannot be set"),)),
    Row(
        "loop number is set",
        inside("for i in 0..2 { i = 1 }"),
        (Found("MM237", 6, 19, "'i' counts the rounds and cannot be set"),),
    ),
    Row("break outside", inside("break"), (Found("MM238", 6, 3, "'break' outside of a loop"),)),
    Row("return value in thread", inside("return 1"), (Found("MM228", 6, 3, "'P' returns no value"),)),
    Row(
        "await writes",
        inside("await { x = 1 } until y == 1"),
        (
            Found(
                "MM225",
                6,
                11,
                "an await must not write: a round that fails would be seen",
                "write a bounded loop: repeat 3 { … if done { break } }",
            ),
        ),
    ),
    Row(
        "await swap",
        inside("await x.swap(1, acquire) == 0"),
        (
            Found(
                "MM225",
                6,
                3,
                "this read-modify-write may write in a round that fails",
                "wait for what a failing round cannot see: x.swap(1, acquire) != 1; or write a bounded loop: repeat 3 { … if done { break } }",
            ),
        ),
    ),
    Row(
        "await cas conj",
        inside("await x.compare_exchange(0, 1, acquire, relaxed).is_ok() && y == 1"),
        (
            Found(
                "MM225",
                6,
                3,
                "this read-modify-write may write in a round that fails",
                "wait for what a failing round cannot see: x.swap(1, acquire) != 1; or write a bounded loop: repeat 3 { … if done { break } }",
            ),
        ),
    ),
    Row(
        "await reads nothing",
        inside("await own == 1"),
        (Found("MM226", 6, 9, "this wait reads nothing that another agent could change"),),
    ),
    Row(
        "await carries",
        inside("let mut n = 0\nawait { n += 1; let u = x } until u == 1"),
        (
            Found(
                "MM226",
                7,
                3,
                "'n' carries a value from one round of an await to the next, or out of it",
                "write a bounded loop: repeat 3 { … if done { break } }",
            ),
        ),
    ),
    Row(
        "await in await",
        inside("await { await x == 1 } until y == 1"),
        (Found("MM226", 6, 3, "a loop inside an await", "write a bounded loop: repeat 3 { … if done { break } }"),),
    ),
    Row(
        "too many rounds",
        inside("for i in 0..40 { for j in 0..40 { x = 1 } }"),
        (
            Found(
                "MM227",
                6,
                3,
                "'for' and 'repeat' make more than 1000 statements",
                "fewer rounds, or 'while', which runs to the bound",
            ),
        ),
    ),
    Row(
        "while count",
        inside("repeat 2000 { nothing }"),
        (Found("MM227", 6, 10, "2000 rounds: 'for' and 'repeat' take 0 to 1000"),),
    ),
    Row(
        "repeat by memory",
        inside("repeat x { nothing }"),
        (Found("MM217", 6, 10, "'x' is memory: it is not known before the program runs"),),
    ),
    Row(
        "call args",
        HEAD + "fn f(a: u16) { y = a }\nthread P { f() }",
        (Found("MM219", 6, 12, "'f' is called with 0 arguments: f(a)"),),
    ),
    Row(
        "call type",
        HEAD + "fn f(a: u16) { y = a }\nthread P { f(x) }",
        (Found("MM216", 6, 14, "u16 is needed here, not u32", "'as u16' converts"),),
    ),
    Row(
        "recursion",
        HEAD + "fn f() { g() }\nfn g() { f() }\nthread P { f() }",
        (Found("MM212", 6, 10, "functions do not call themselves: f → g → f", "write a loop"),),
    ),
    Row(
        "no value", HEAD + "fn f() { x = 1 }\nthread P { let a = f() }", (Found("MM216", 6, 20, "'f' gives no value"),)
    ),
    Row(
        "missing return",
        HEAD + "fn f() -> u32 { if x == 1 { return 1 } }\nthread P { x = f() }",
        (Found("MM228", 5, 4, "not every path of 'f' returns a value"),),
    ),
    Row(
        "return type missing",
        HEAD + "fn f() { return 1 }\nthread P { f() }",
        (Found("MM228", 5, 10, "'f' returns no value", "declare it: fn f(…) -> u32"),),
    ),
    Row(
        "fn twice",
        HEAD + "fn f() { }\nfn f() { }\nthread P { f() }",
        (Found("MM202", 6, 4, "the function 'f' is defined twice", "first on line 5; 'override' replaces it"),),
    ),
    Row(
        "word as fn",
        HEAD + "fn smp_wmb() { fence(release) }\nthread P { smp_wmb() }",
        (
            Found(
                "MM236",
                5,
                4,
                "'smp_wmb' is a word of the vocabulary",
                "'override fn smp_wmb' replaces the word in this file",
            ),
        ),
    ),
    Row(
        "ORDER_PLATFORM misspelt",
        HEAD + "const ORDER_PLATFROM = true\nthread P { x = 1 }",
        (Found("MM254", 5, 7, "nothing reads the constant 'ORDER_PLATFROM'; did you mean 'ORDER_PLATFORM'?"),),
    ),
    Row(
        "override nothing",
        HEAD + "override fn f() { }\nthread P { x = 1 }",
        (Found("MM203", 5, 13, "'override' of nothing: no function is named 'f'"),),
    ),
    Row(
        "override const nothing",
        HEAD + "override const J = 1\nthread P { x = 1 }",
        (Found("MM203", 5, 16, "'override' of nothing: no constant is named 'J'"),),
    ),
    Row(
        "location twice",
        HEAD + "memory x\nthread P { x = 1 }",
        (Found("MM202", 5, 8, "the location 'x' is defined twice", "first on line 1"),),
    ),
    Row(
        "const and location",
        HEAD + "memory K\nthread P { x = 1 }",
        (Found("MM202", 5, 8, "'K' is the name of a constant and of a location"),),
    ),
    Row(
        "const cycle",
        HEAD + "const A = B\nconst B = A\nthread P { x = 1 }",
        (Found("MM212", 6, 11, "the constant 'A' needs itself: A → B → A"),),
    ),
    Row(
        "unknown type",
        HEAD + "memory q: u17\nthread P { x = 1 }",
        (Found("MM210", 5, 11, "unknown type 'u17'; did you mean 'u16'?"),),
    ),
    Row(
        "unknown struct",
        "struct Desc { a: u32 }\nmemory q: Desk\nthread P { q.a = 1 }\nrequirement r { progress }",
        (Found("MM210", 2, 11, "unknown type 'Desk'; did you mean 'Desc'?"),),
    ),
    Row(
        "bad length",
        "memory q[0]\nthread P { nothing }\nrequirement r { progress }",
        (Found("MM213", 1, 10, "an array has 1 to 4096 elements, not 0"),),
    ),
    Row(
        "requirement without check",
        HEAD + 'requirement s { says "nothing" }\nthread P { x = 1 }',
        (
            Found(
                "MM231",
                5,
                13,
                "the requirement 's' has no check left",
                "write an 'assert … for s' or a check, or 'without s'",
            ),
        ),
    ),
    Row(
        "bad clause",
        'memory x\nrequirement s { cites "VirtIO 1.2, 2.6.13.3.1"; forall x == 0 }\nthread P { nothing }',
        (
            Found(
                "MM208",
                2,
                23,
                "VirtIO 1.2 has no clause 2.6.13.3.1 that is known here",
                "if that is its number in 1.1: it is 2.7.13.3.1 in 1.2",
            ),
        ),
    ),
    Row(
        "clause form",
        'memory x\nrequirement s { cites "VirtIO 2.7.13"; forall x == 0 }\nthread P { nothing }',
        (Found("MM208", 2, 23, "'VirtIO 2.7.13' is no clause", 'a clause is cited as "VirtIO 1.2, 2.7.13.3.1"'),),
    ),
    Row(
        "implied",
        'memory x\nrequirement s { cites "implied:P9"; forall x == 0 }\nthread P { nothing }',
        (Found("MM208", 2, 23, "no obligation is called 'P9' — there are P1 to P7, D1 to D7, I1 and I2"),),
    ),
    Row(
        "final: unknown register",
        "memory x\nforall P.b == 0\nthread P { let a = x }",
        (Found("MM200", 2, 10, "'P' has no register 'b'"),),
    ),
    Row(
        "final: private",
        "memory x\nprivate own = 0\nforall own == 0\nthread P { own = x }",
        (Found("MM230", 3, 8, "'own' is private: say whose it is", "one of P.own"),),
    ),
    Row(
        "final: call",
        "memory x\nforall x.load(relaxed) == 0\nthread P { x = 1 }",
        (Found("MM230", 2, 8, "a condition on final states accesses nothing: write the name alone"),),
    ),
    Row(
        "progress: no agent",
        HEAD + "requirement w { progress Q }\nthread P { await x == 1 }",
        (Found("MM206", 5, 26, "no agent and no wait is named 'Q'"),),
    ),
    Row(
        "progress: no wait",
        HEAD + "requirement w { progress P.aslep }\nthread P { asleep: await x == 1 }",
        (
            Found(
                "MM206",
                5,
                28,
                "no wait of 'P' is named 'aslep'; did you mean 'asleep'?",
                "name a wait with 'label: await …'",
            ),
        ),
    ),
    Row(
        "ordered: no site",
        HEAD + "requirement w { ordered a before b }\nthread P { a: x = 1 }",
        (Found("MM206", 5, 34, "no access or fence is named 'b'"),),
    ),
    Row(
        "expect family",
        HEAD + "thread P { x = 1 }\nexpect r allowed",
        (Found("MM233", 6, 1, "'allowed' is no verdict of this check: 'holds' or 'violated'"),),
    ),
    Row(
        "expect unchecked target",
        "targets armv8\n" + HEAD + "thread P { x = 1 }\nexpect r violated on x86-tso",
        (Found("MM232", 7, 22, "'x86-tso' is not checked here: armv8"),),
    ),
    Row(
        "expect twice",
        HEAD + "thread P { x = 1 }\nexpect r violated\nexpect r violated",
        (Found("MM232", 7, 1, "'r' on armv8 is expected twice", "first on line 6"),),
    ),
    Row(
        "layer of nothing",
        HEAD + "thread P { x = 1 }\nexpect r holds by hardware",
        (Found("MM233", 6, 1, "'by hardware' goes with 'violated' and 'allowed'", "a layer says who lets it through"),),
    ),
    Row(
        "expect shadowed",
        "targets armv8\n" + HEAD + "thread P { x = 1 }\nexpect r violated\nexpect r violated on armv8",
        (Found("MM232", 7, 1, "this expectation never applies: others are more specific"),),
    ),
    Row(
        "expect without",
        HEAD + "requirement s { forall x == 0 }\nwithout s\nthread P { x = 1 }\nexpect s violated",
        (Found("MM232", 8, 8, "'s' is not claimed here: it is named in 'without'"),),
    ),
    Row(
        "without unknown",
        HEAD + "without s\nthread P { x = 1 }",
        (Found("MM204", 5, 9, "no requirement is named 's'"),),
    ),
    Row(
        "variant for no target",
        "targets armv8\n" + HEAD + 'thread P { m: nothing; x = 1 }\nvariant "v" targets x86-tso { drop m }',
        (Found("MM232", 7, 9, "the variant 'v' is for no target of this file"),),
    ),
    Row(
        "variant twice",
        HEAD + 'thread P { m: nothing; x = 1 }\nvariant "v" { drop m }\nvariant "v" { drop m }',
        (Found("MM234", 7, 9, "'v' is the name of another variant"),),
    ),
    Row(
        "variant from",
        HEAD + 'thread P { m: nothing; x = 1 }\nvariant "w" from "u" { drop m }',
        (Found("MM234", 6, 18, "no variant is named 'u'"),),
    ),
    Row(
        "variant circle",
        HEAD + 'thread P { m: nothing; x = 1 }\nvariant "a" from "b" { }\nvariant "b" from "a" { }',
        (Found("MM234", 6, 9, "variants start from each other: a → b → a"),),
    ),
    Row(
        "site gone",
        HEAD + 'thread P { m: nothing; x = 1 }\nvariant "v" { drop m; replace m with fence(release) }',
        (Found("MM206", 6, 31, "no statement is named 'm' any more: 'drop' took it away"),),
    ),
    Row(
        "site ambiguous",
        HEAD + 'thread P { m: nothing }\nthread Q { m: nothing }\nvariant "v" { drop m }',
        (Found("MM223", 7, 20, "'m' names 2 statements: P.m (line 5), Q.m (line 6)", "write 'P.m'"),),
    ),
    Row(
        "site unknown fn",
        HEAD + 'thread P { m: nothing }\nvariant "v" { drop Q.m }',
        (Found("MM206", 6, 20, "no function and no agent is named 'Q'"),),
    ),
    Row(
        "set without order",
        HEAD + 'thread P { m: x = 1 }\nvariant "v" { set m to release }',
        (Found("MM224", 6, 19, "'m' has no order to set", "replace it: replace m with …"),),
    ),
    Row(
        "set wrong order",
        HEAD + 'thread P { m: x.store(1, relaxed) }\nvariant "v" { set m to acquire }',
        (Found("MM218", 6, 24, "a store cannot be 'acquire': relaxed, release, seq_cst"),),
    ),
    Row(
        "set no order",
        HEAD + 'thread P { m: x.store(1, relaxed) }\nvariant "v" { set m to aquire }',
        (Found("MM218", 6, 24, "'aquire' is no order; did you mean 'acquire'?"),),
    ),
    Row(
        "move to itself",
        HEAD + 'thread P { m: x = 1 }\nvariant "v" { move m before m }',
        (Found("MM224", 6, 15, "'m' cannot be moved to itself"),),
    ),
    Row(
        "variant loses check",
        'memory x\nrequirement s\n{ says "…" }\nthread P { let a = x; assert a == 0 for s }\nvariant "v" { override thread P { x = 1 } }',
        (
            Found(
                "MM231",
                5,
                9,
                "the requirement 's' has no check left in the variant 'v'",
                "write an 'assert … for s' or a check, or 'without s'",
            ),
        ),
    ),
    Row(
        "instruction of x86",
        inside("mfence()"),
        (Found("MM244", 6, 3, "'mfence' does not exist on armv8", "write 'on x86-tso { … }' around it"),),
    ),
    Row(
        "latch value",
        "memory l: latch\nrequirement r { progress }\nthread P { let a = l }",
        (Found("MM216", 3, 20, "'l' is a latch without a value", "'take()' says if it was set"),),
    ),
    Row(
        "raise no latch",
        inside("raise x"),
        (Found("MM216", 6, 9, "only a latch or an interrupt is raised, and 'x' is u32"),),
    ),
    Row(
        "writel width",
        "mmio db: latch u16\nrequirement r { progress }\nthread P { writel(1, db) }",
        (Found("MM211", 3, 12, "'writel' accesses 32 bits, and 'db' has 16"),),
    ),
    Row(
        "interrupt",
        HEAD + "thread P { x = 1 }\ninterrupt t on cpu 0 { x = 2 }",
        (
            Found(
                "MM250",
                6,
                11,
                "no thread is on CPU 0, where 't' would interrupt it",
                "say which thread is there: thread … on cpu 0",
            ),
        ),
    ),
    Row(
        "percpu",
        HEAD + "percpu c { n }\nthread P { this_cpu_inc(c.n) }",
        (Found("MM250", 6, 1, "'P' uses memory of its CPU, and is on none", "say where it starts: thread P on cpu 0"),),
    ),
    Row(
        "record at once",
        "memory r8[1] { a: u64, b: u64 }\nrequirement r { progress }\nthread P { let a = READ_ONCE(r8) }",
        (
            Found(
                "MM216",
                3,
                20,
                "'r8[0]' has 16 bytes: one access reads or writes at most 8, of plain fields",
                "name a field, or use a plain or volatile access: one per field",
            ),
        ),
    ),
    Row(
        "record at once and by field",
        "memory r { a: u16, b: u16 }\nrequirement q { progress }\nthread P { r.b = 1 }\nthread Q { let v = READ_ONCE(r) }",
        (
            Found(
                "MM255",
                4,
                20,
                "'r' is accessed as one here, and field by field in line 3",
                "read_volatile() and write_volatile() access 'a' and the rest one by one",
            ),
        ),
    ),
    Row(
        "record at once and by pointer",
        "struct S { a: u16, b: u16 }\nmemory r[2]: S\nrequirement q { progress }\n"
        "thread P { let p = &r[1]\np->b = 1 }\nthread Q { r[0].store({ a: 1, b: 2 }, release) }",
        (
            Found(
                "MM255",
                6,
                23,
                "'r' is accessed as one here, and field by field in line 5",
                "read_volatile() and write_volatile() access 'a' and the rest one by one",
            ),
        ),
    ),
    Row(
        "pointer to another width",
        "memory r: u16, s: u64\nrequirement q { progress }\nthread P { let p = &r as *u64\n*p = 1 }",
        (Found("MM255", 3, 20, "*u16 does not become *u64: a location has one width", ""),),
    ),
    Row(
        "fetch_add without order",
        inside("x.fetch_add(1)"),
        (Found("MM218", 6, 5, "'fetch_add' needs a value and an order: fetch_add(1, relaxed)"),),
    ),
    Row(
        "cas orders",
        inside("x.compare_exchange(0, 1, acquire)"),
        (
            Found(
                "MM218",
                6,
                5,
                "'compare_exchange' needs two values and two orders: compare_exchange(0, 1, acq_rel, acquire)",
            ),
        ),
    ),
    Row("too many arguments", inside("smp_wmb(1)"), (Found("MM219", 6, 3, "'smp_wmb' takes no arguments: smp_wmb()"),)),
    Row("choice", inside("x.store(1?, release)"), (Found("MM219", 6, 11, "'?' marks an order, and this is none"),)),
    Row(
        "word as method",
        inside("x.READ_ONCE()"),
        (
            Found(
                "MM209", 6, 5, "no access is called 'READ_ONCE'", "'READ_ONCE' is called with the place: READ_ONCE(x)"
            ),
        ),
    ),
    Row(
        "method as word",
        inside("load(x)"),
        (Found("MM201", 6, 3, "unknown word 'load'", "'load' stands behind a place: x.load(acquire)"),),
    ),
    Row("text as value", inside('x = "a"'), (Found("MM216", 6, 7, "a text is no value"),)),
    Row("null deref", inside("x = *null"), (Found("MM216", 6, 8, "'null' points to nothing"),)),
    Row("shift", inside("y = y << x"), (Found("MM211", 6, 7, "u16 cannot be shifted by u32", "write 'as u16'"),)),
    Row("title twice", 'spec "a"\nspec "b"\n' + inside("x = 1"), (Found("MM202", 2, 1, "a file has one title"),)),
    Row(
        "several at once",
        inside("fense(release)\nx.sotre(1)\ny = x"),
        (
            Found("MM201", 6, 3, "unknown word 'fense'; did you mean 'fence'?"),
            Found("MM209", 7, 5, "no access is called 'sotre'; did you mean 'store'?"),
            Found("MM216", 8, 7, "u16 is needed here, not u32", "'as u16' converts"),
        ),
    ),
]
