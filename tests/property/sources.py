"""Random small programs beyond `programs`: choices of sites, awaits with a body, functions that wait, privates,
arrays, backward jumps, threads that share a CPU; and compiled programs, for the compiler layer."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from mmcheck.ir.program import (
    OLD,
    Assert,
    Assign,
    Await,
    Block,
    Break,
    Call,
    Cell,
    Choice,
    Const,
    Expr,
    Fence,
    Function,
    If,
    Jump,
    Label,
    Load,
    Loop,
    Op,
    Program,
    Reg,
    Return,
    Rmw,
    Statement,
    Store,
    Thread,
)
from tests.property.programs import ARCHS, CELLS, CONDITIONS, EXPRESSIONS, HELPER, Arch, blocks, simple

RICH_CELLS = (*CELLS, Cell("z[0]", 0x3000), Cell("z[1]", 0x3004, init=1))
SITES = ("s", "t")

_register = st.sampled_from(["a", "b", "c"]).map(Reg)
_place = st.sampled_from([Const(cell.address, 64) for cell in RICH_CELLS])
_element = _register.map(
    lambda r: Op(
        "add",
        (Const(0x3000, 64), Op("mul", (Op("zext", (Op("and", (r, Const(1))),), 64), Const(4, 64)), 64)),
        64,
    )
)
PLACES: st.SearchStrategy[Expr] = st.one_of(_place, _place, _element)


def _choices(arch: Arch) -> st.SearchStrategy[Block]:
    """A site whose two options differ in tags, or altogether."""
    tags = st.sampled_from
    fence = st.builds(Fence, tags(arch.fences)).map(lambda s: (s,))
    fences = st.one_of(fence, st.just(()))
    options = st.one_of(
        st.tuples(fences, fences),
        st.builds(
            lambda r, place, one, other: ((Load(r, place, one),), (Load(r, place, other),)),
            _register, PLACES, tags(arch.reads), tags(arch.reads),
        ),
        st.builds(
            lambda place, value, one, other, f: ((*f, Store(place, value, one)), (Store(place, value, other), *f)),
            PLACES, EXPRESSIONS, tags(arch.writes), tags(arch.writes), fences,
        ),
        st.builds(
            lambda place, value, one, rmw: ((Store(place, value, one),), (Rmw(Reg("%none"), place, value, *rmw[:2]),)),
            PLACES, EXPRESSIONS, tags(arch.writes), tags(arch.rmws),
        ),
        st.builds(
            lambda r, place, one, other: (
                (Rmw(r, place, Op("add", (Reg(OLD), Const(1))), *one[:2]),),
                (Rmw(r, place, Op("add", (Reg(OLD), Const(1))), *other[:2]),),
            ),
            _register, PLACES, tags(arch.rmws), tags(arch.rmws),
        ),
        st.tuples(simple(arch).map(lambda s: (s,)), simple(arch).map(lambda s: (s,))),
    )  # fmt: skip
    return st.builds(
        lambda site, pair: (Choice(site, (("one", pair[0]), ("two", pair[1]))),), st.sampled_from(SITES), options
    )


def _takes(arch: Arch) -> st.SearchStrategy[Block]:
    """A wait that takes what it waits for: its last round is a conditional read-modify-write."""

    def build(place: Expr, tags: tuple[frozenset[str], frozenset[str], frozenset[str]], look: Block) -> Block:
        when = Op("ne", (Reg(OLD), Const(0)), 1)
        take = Rmw(Reg("b"), place, Const(0), tags[0], tags[1], when, tags[2], ok=Reg("k", 1))
        return (Await((*look, take), Reg("k", 1)),)

    look = st.one_of(st.just(()), st.builds(Fence, st.sampled_from(arch.fences)).map(lambda s: (s,)))
    return st.builds(build, _place, st.sampled_from(arch.rmws), look)


def _spins(arch: Arch) -> st.SearchStrategy[Block]:
    """A backward jump."""
    look = st.builds(Load, _register, _place, st.sampled_from(arch.reads))
    rest = st.lists(simple(arch), max_size=1).map(tuple)
    return st.builds(
        lambda look, rest, value, op: (
            Label("again"), look, *rest, Jump("again", Op(op, (look.dst, value), 1)),
        ),
        look, rest, st.integers(0, 1).map(Const), st.sampled_from(["eq", "ne"]),
    )  # fmt: skip


def _privates() -> st.SearchStrategy[Block]:
    mine = Reg("@p")
    return st.one_of(
        st.builds(lambda value: (Assign(mine, value),), EXPRESSIONS),
        st.builds(lambda: (Assign(mine, Op("add", (mine, Const(1)))),)),
        st.builds(lambda place: (Store(place, mine),), PLACES),
        st.builds(
            lambda value: (If(Op("eq", (mine, value), 1), (Assign(mine, Const(7)),)),), st.integers(0, 2).map(Const)
        ),
    )


WAITER = Function(
    "waiter",
    (Reg("n"),),
    (
        Assign(Reg("@p"), Op("add", (Reg("@p"), Const(4)))),
        Await((Load(Reg("m"), Const(0x2000, 64)),), Op("eq", (Reg("m"), Reg("n")), 1)),
        Return(Op("add", (Reg("m"), Const(1)))),
    ),
    32,
)
TRIER = Function(
    "trier",
    (Reg("n"),),
    (
        Loop(
            (
                Load(Reg("m"), Const(0x1000, 64)),
                If(Op("eq", (Reg("m"), Reg("n")), 1), (Return(Reg("m")),)),
                Store(Const(0x3000, 64), Reg("n")),
                If(Op("eq", (Reg("m"), Const(2)), 1), (Break(),)),
            )
        ),
        Call("waiter", (Reg("n"),), Reg("m")),
        Return(Const(3)),
    ),
    32,
)
FUNCTIONS = {"helper": HELPER, "waiter": WAITER, "trier": TRIER}


def rich_blocks(arch: Arch, size: int) -> st.SearchStrategy[Block]:
    tags = st.sampled_from
    array: st.SearchStrategy[Statement] = st.one_of(
        st.builds(Load, _register, PLACES, tags(arch.reads)),
        st.builds(Store, PLACES, EXPRESSIONS, tags(arch.writes)),
    )
    special = st.one_of(
        _choices(arch),
        _takes(arch),
        _spins(arch),
        _privates(),
        st.builds(lambda f, arg: (Call(f, (arg,), Reg("a")),), st.sampled_from(["waiter", "trier"]), EXPRESSIONS),
        st.builds(
            lambda cond, then, orelse: (If(cond, then, orelse),),
            CONDITIONS,
            _choices(arch),
            st.one_of(st.just(()), _takes(arch)),
        ),
    )
    usual = st.one_of(st.lists(array, min_size=1, max_size=2).map(tuple), blocks(arch, 1))
    part = st.integers(0, 3).flatmap(lambda n: special if n == 3 else usual)

    def join(parts: list[Block]) -> Block:
        out: list[Statement] = []
        for number, block in enumerate(parts):
            for s in block:
                if isinstance(s, Label):
                    out.append(Label(f"{s.name}{number}"))
                elif isinstance(s, Jump):
                    out.append(replace(s, label=f"{s.label}{number}"))
                else:
                    out.append(s)
        return tuple(out)

    return st.lists(part, min_size=1, max_size=size).map(join)


@st.composite
def rich_programs(draw: st.DrawFn, arch: Arch, *, size: int = 4) -> Program:
    count = draw(st.sampled_from([2, 2, 3]))
    length = size if count == 2 else max(1, size - 1)
    cpus = draw(st.sampled_from([(None, None, None), (None, None, None), (0, 0, 1), (0, 1, 0)]))
    threads = tuple(
        Thread(f"P{i}", draw(rich_blocks(arch, length)), privates=((Reg("@p"), i),), cpu=cpus[i]) for i in range(count)
    )
    return Program("random", arch.name, threads, RICH_CELLS, FUNCTIONS)


__all__ = ["ARCHS", "Assert", "rich_programs"]


# --- compiled programs, as text ----------------------------------------------------------------------

HEAD = "targets x86-tso, armv8, armv8+lse\nmemory x, y, z[2]\n"
ORDERS = {"load": ("relaxed", "acquire", "seq_cst"), "store": ("relaxed", "release", "seq_cst")}
BARRIERS = (
    *[f"{word}({o})" for word in ("fence", "compiler_fence") for o in ("acquire", "release", "acq_rel", "seq_cst")],
    "smp_mb()", "smp_wmb()", "smp_rmb()", "barrier()", "dma_wmb()",
)  # fmt: skip
INDICES = (
    "r & 1", "r & 1", "r & 1", "(r & 1) ^ 1", "(r | (r >> 1)) & 1", "((r & 1) * 3) >> 1", "(0 - (r & 1)) >> 31",
    "((r >> 31) ^ 1) & 1", "1 - (r & 1)", "((r + 1) >> 1) & 1",
)  # fmt: skip
"""Elements by what was read: as numbers, and as choices that look like numbers."""
PLACE = st.sampled_from(["x", "y", "x", "y", "z[0]"])
"""A name that may be accessed directly."""


def reads(register: str, place: str) -> st.SearchStrategy[str]:
    words = [place, place, f"{place}.read_volatile()", *[f"{place}.load({order})" for order in ORDERS["load"]]]
    return st.sampled_from(words).map(lambda word: f"let {register} = {word}")


def writes(place: str, value: str) -> st.SearchStrategy[str]:
    words = [f"{place} = {value}", f"{place} = {value}", f"{place}.write_volatile({value})"]
    return st.sampled_from([*words, *[f"{place}.store({value}, {order})" for order in ORDERS["store"]]])


@st.composite
def statements(draw: st.DrawFn, register: str, known: tuple[str, ...], *, branches: bool = True) -> str:
    """One statement; it may define `register` and use the `known` ones."""
    kinds = ["read", "read", "write", "write", "barrier", "rmw"]
    if known:
        kinds += ["data", "addr", "false-data", "false-addr", "divide"]
        kinds += ["if", "both", "await", "forward", "return"] if branches else []
    kind = draw(st.sampled_from(kinds))
    place = draw(PLACE)
    value = str(draw(st.integers(1, 2)))
    if kind == "read":
        return draw(reads(register, place))
    if kind == "write":
        return draw(writes(place, value))
    if kind == "barrier":
        return draw(st.sampled_from(BARRIERS))
    if kind == "rmw":
        order = draw(st.sampled_from(["relaxed", "acquire", "release", "acq_rel", "seq_cst"]))
        words = [
            f"swap({value}, {order})",
            f"fetch_add(1, {order})",
            f"fetch_{draw(st.sampled_from(['min', 'max', 'and', 'or']))}({value}, {order})",
            f"compare_exchange(0, {value}, {order}, relaxed).value",
        ]
        return f"let {register} = {place}.{draw(st.sampled_from(words))}"
    used = draw(st.sampled_from(known))
    if kind == "data":
        return draw(writes(place, f"{used} + 1"))
    if kind == "divide":  # behind it a compiler may know that it is not 0
        return f"z[1] = 2 / {used}"
    if kind == "false-data":
        return draw(writes(place, f"({used} ^ {used}) + {value}"))
    if kind == "addr":
        index = draw(st.sampled_from(INDICES)).replace("r", used)
        return draw(st.one_of(reads(register, f"z[{index}]"), writes(f"z[{index}]", value)))
    if kind == "false-addr":
        return draw(reads(register, f"z[{used} & 0]"))
    if kind == "forward":  # through plain memory, and maybe changed there by others
        return f"{place} = {used}\n  let {register} = {place}"
    if kind == "return":  # what the arm writes may be what the code behind it writes
        return f"if {used} == {value} {{ {draw(writes(place, value))}; return }}"
    if kind == "await":
        condition = draw(st.sampled_from(["== 1", "!= 0"]))
        return f"await {{ {draw(reads(register, place))} }} until {register} {condition}"
    inner = draw(writes(place, value))
    other = inner if kind == "both" else draw(st.sampled_from(["nothing", draw(writes("y", "1"))]))
    return f"if {used} == {draw(st.integers(0, 1))} {{ {inner} }} else {{ {other} }}"


@st.composite
def bodies(draw: st.DrawFn, most: int, *, branches: bool = True) -> tuple[str, ...]:
    lines: list[str] = []
    known: tuple[str, ...] = ()
    for number in range(draw(st.integers(2, most))):
        register = f"r{number}"
        line = draw(statements(register, known, branches=branches))
        lines.append(line)
        if f"let {register} =" in line:
            known = (*known, register)
    return tuple(lines)


@st.composite
def nested(draw: st.DrawFn, used: str, depth: int = 0) -> str:
    """A statement in which tests of `used` may stand inside each other, and may decide by compare-exchange."""
    kinds = ["write", "write", "barrier", "read"]
    if depth < 2:
        kinds += ["if", "if", "return", "cas", "weak", "value", "mask", "select", "index", "compared", "update"]
        kinds += ["override", "kinds", "back"]
    kind, place = draw(st.sampled_from(kinds)), draw(PLACE)
    inner = draw(nested(used, depth + 1)) if kind in ("if", "cas", "weak") else ""
    match kind:
        case "write":
            return draw(writes(place, draw(st.sampled_from(["1", "2", used]))))
        case "barrier":
            return draw(st.sampled_from(BARRIERS))
        case "read":
            more = "; " + draw(writes("y", "t")) if draw(st.booleans()) else ""
            return draw(reads("t", place)) + more
        case "if":
            other = draw(nested(used, depth + 1)) if draw(st.booleans()) else "nothing"
            return f"if {used} == {draw(st.integers(0, 2))} {{ {inner} }} else {{ {other} }}"
        case "return":
            return f"if {used} == {draw(st.integers(0, 1))} {{ return }}"
        case "cas":
            return f"if {place}.compare_exchange(0, 1, relaxed, relaxed).is_ok {{ {inner} }}"
        case "weak":
            return f"if {place}.compare_exchange_weak(0, 1, acquire, relaxed).is_ok {{ {inner} }}"
        case "value":
            return f"y = {place}.compare_exchange({used}, 1, relaxed, relaxed).value"
        case "override":  # a store that an arm may take back
            between = draw(
                st.sampled_from(["", "", f"{draw(reads('t', 'x'))}; ", f"{draw(st.sampled_from(BARRIERS))}; "])
            )
            arm = draw(writes(place, "2"))
            return f"{place} = 1; {between}if {used} == {draw(st.integers(0, 2))} {{ {arm} }}"
        case "kinds":  # arms that differ in the kinds of their accesses
            of = draw(st.sampled_from([writes(place, "1"), reads("t", place), st.sampled_from(BARRIERS)]))
            return f"if {used} == {draw(st.integers(0, 2))} {{ {draw(of)} }} else {{ {draw(of)} }}"
        case "back":  # what is read, by a load that may be unused, and what is written there
            return f"{place} = 1; let t = {place}; {place} = {draw(st.sampled_from(['0', '1', 't']))}"
        case "update":
            order = draw(st.sampled_from(["relaxed", "acq_rel", "seq_cst"]))
            return f"{place}.fetch_add({draw(st.integers(0, 1))}, {order})"
    value = {"mask": f"{used} & 1", "select": f"({used} == 1) as u32 + 1"}.get(kind, "1")
    index = {"index": f"{used} & 1", "compared": f"({used} == 1) as u32"}.get(kind)
    return draw(writes(place if index is None else f"z[{index}]", value))


def source_text(threads: tuple[tuple[str, ...], ...], devices: tuple[tuple[str, ...], ...] = ()) -> str:
    """A specification of compiled `threads` and of `devices`, which are taken as they are."""
    out = [HEAD]
    for kind, group in (("thread", threads), ("device", devices)):
        for number, lines in enumerate(group):
            inner = "\n".join(f"  {line}" for line in lines)
            out.append(f"{kind} {kind[0].upper()}{number} {{\n{inner}\n}}\n")
    return "".join([*out, "requirement r { forall x == x }\n"])
