"""Random small programs: two or three threads, two locations, everything the IR has."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from mmcheck.ir.program import (
    NO_TAGS,
    OLD,
    TRUE,
    Assert,
    Assign,
    Await,
    Block,
    Break,
    Call,
    Cell,
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
    Parallel,
    Program,
    Reg,
    Return,
    Rmw,
    Statement,
    Store,
    StoreExclusive,
    Tags,
    Thread,
)

CELLS = (Cell("x", 0x1000), Cell("y", 0x2000))
REGISTERS = ("a", "b", "c")
OLD_VALUE = Reg(OLD)


@dataclass(frozen=True, slots=True)
class Arch:
    """What a target's instructions can carry."""

    name: str
    reads: tuple[Tags, ...]
    writes: tuple[Tags, ...]
    fences: tuple[Tags, ...]
    rmws: tuple[tuple[Tags, Tags, Tags], ...]
    """Tags of the read, of the write, and of the read of a failing one."""
    exclusives: bool = False


def _tags(*names: str) -> Tags:
    return frozenset(names)


_X = _tags("X")
SC = Arch("sc", (NO_TAGS,), (NO_TAGS,), (NO_TAGS,), ((_X, _X, _X),), True)
_OPTIONS = ("ISH", "SY", "ISHLD", "LD", "ISHST", "ST", "OSH", "OSHLD", "OSHST", "NSH", "NSHLD", "NSHST")
X86 = Arch("x86-tso", (NO_TAGS,), (NO_TAGS,), (_tags("MFENCE"), _tags("LFENCE"), _tags("SFENCE")), ((_X, _X, _X),))
ARM = Arch(
    "armv8",
    (NO_TAGS, NO_TAGS, _tags("A"), _tags("Q")),
    (NO_TAGS, NO_TAGS, _tags("L")),
    tuple(_tags(f"{barrier}.{option}") for option in _OPTIONS for barrier in ("DMB", "DSB")) + 4 * (_tags("ISB"),),
    tuple(
        (frozenset(acquire | {"X"}), frozenset(release | {"X"}), frozenset(acquire | {"X"}))
        for acquire in (set(), {"A"})
        for release in (set(), {"L"})
    )
    + ((_tags("X", "NoRet"), _X, _tags("X", "NoRet")),),
    True,
)
ARCHS = {arch.name: arch for arch in (SC, X86, ARM)}

_register = st.sampled_from(REGISTERS).map(Reg)
_constant = st.integers(0, 2).map(Const)
_zero = _register.map(lambda r: Op("xor", (r, r)))


def _wide(expr: Expr) -> Expr:
    return Op("zext", (expr,), 64)


_cell = st.sampled_from([Const(cell.address, 64) for cell in CELLS])
_dependent = st.builds(lambda cell, zero: Op("add", (cell, _wide(zero)), 64), _cell, _zero)
_indexed = _register.map(
    lambda r: Op("add", (Const(0x1000, 64), Op("mul", (_wide(Op("and", (r, Const(1)))), Const(0x1000, 64)), 64)), 64)
)
ADDRESSES = st.one_of(_cell, _cell, _cell, _dependent, _indexed)
CONDITIONS = st.builds(
    lambda op, r, value: Op(op, (r, value), 1), st.sampled_from(["eq", "ne", "ult"]), _register, _constant
)
EXPRESSIONS: st.SearchStrategy[Expr] = st.one_of(
    _constant,
    _constant,
    st.builds(lambda zero, value: Op("add", (zero, value)), _zero, _constant),
    st.builds(lambda r, value: Op("add", (r, value)), _register, _constant),
    st.builds(lambda cond, r, value: Op("select", (cond, r, value)), CONDITIONS, _register, _constant),
)


def _rmws(arch: Arch) -> st.SearchStrategy[Statement]:
    def build(
        dst: Reg, address: Expr, value: Expr, expected: Expr, kind: str, tags: tuple[Tags, Tags, Tags], ok: Reg | None
    ) -> Rmw:
        read, write, failing = tags
        if kind == "swap":
            return Rmw(dst, address, value, read, write)
        if kind == "add":
            return Rmw(dst, address, Op("add", (OLD_VALUE, Const(1))), read, write)
        when = Op("eq", (OLD_VALUE, expected), 1)
        cas = kind == "cas"
        back = cas and arch is ARM  # which may fail and write the old value back
        compared = expected if cas else None
        return Rmw(dst, address, value, read, write, when, failing, compare=compared, write_back=back, ok=ok)

    kinds = st.sampled_from(["swap", "add", "cas", "conditional"])
    expected = st.one_of(EXPRESSIONS, _register)
    outcome = st.sampled_from([None, Reg("k", 1)])
    return st.builds(build, _register, ADDRESSES, EXPRESSIONS, expected, kinds, st.sampled_from(arch.rmws), outcome)


def simple(arch: Arch) -> st.SearchStrategy[Statement]:
    """Statements without statements inside."""
    tags = st.sampled_from
    options: list[st.SearchStrategy[Statement]] = [
        st.builds(Load, _register, ADDRESSES, tags(arch.reads)),
        st.builds(Load, _register, ADDRESSES, tags(arch.reads)),
        st.builds(Store, ADDRESSES, EXPRESSIONS, tags(arch.writes)),
        st.builds(Store, ADDRESSES, EXPRESSIONS, tags(arch.writes)),
        st.builds(Fence, tags(arch.fences)),
        st.builds(Assign, _register, EXPRESSIONS),
        _rmws(arch),
    ]
    if arch.exclusives:
        options += [
            st.builds(Load, _register, ADDRESSES, tags(arch.reads), st.just(True)),
            st.builds(StoreExclusive, _register, ADDRESSES, EXPRESSIONS, tags(arch.writes)),
        ]
    return st.one_of(options)


@st.composite
def _exclusive_pairs(draw: st.DrawFn, arch: Arch) -> Block:
    address = draw(_cell)
    first = Load(draw(_register), address, draw(st.sampled_from(arch.reads)), True)
    second = StoreExclusive(Reg("c"), address, draw(EXPRESSIONS), draw(st.sampled_from(arch.writes)))
    middle = draw(st.lists(simple(arch), max_size=1))
    return (first, *middle, second)


@st.composite
def _crossings(draw: st.DrawFn, arch: Arch) -> Block:
    """Two accesses of different locations, perhaps with something between: what litmus tests are made of."""
    ends = draw(st.permutations([Const(cell.address, 64) for cell in CELLS]))
    accesses: list[Statement] = []
    for address in ends:
        if draw(st.booleans()):
            accesses.append(Load(draw(_register), address, draw(st.sampled_from(arch.reads))))
        else:
            accesses.append(Store(address, draw(EXPRESSIONS), draw(st.sampled_from(arch.writes))))
    middle = draw(st.one_of(st.just([]), st.just([]), st.lists(simple(arch), min_size=1, max_size=1)))
    return (accesses[0], *middle, accesses[1])


def blocks(arch: Arch, size: int, *, waits: bool = True) -> st.SearchStrategy[Block]:
    """A few statements; `waits` allows await and loops."""
    one = simple(arch)
    several: list[st.SearchStrategy[Block]] = []
    body = st.lists(one, min_size=1, max_size=2).map(tuple)
    several += [
        st.builds(lambda cond, then, orelse: (If(cond, then, orelse),), CONDITIONS, body, st.one_of(st.just(()), body)),
        st.builds(lambda cond, skipped: (Jump("end", cond), *skipped, Label("end")), CONDITIONS, body),
        st.builds(lambda cond: (Assert(cond, "claim"),), CONDITIONS),
        st.lists(st.builds(Store, _cell, EXPRESSIONS), min_size=2, max_size=2).map(lambda b: (Parallel(tuple(b)),)),
        st.builds(lambda dst, arg: (Call("helper", (arg,), dst),), _register, EXPRESSIONS),
    ]
    if arch.exclusives:
        several.append(_exclusive_pairs(arch))
    if waits:
        looks = st.builds(Load, _register, _cell, st.sampled_from(arch.reads))
        several += [
            st.builds(
                lambda look, op, value, tries: (
                    Await((look,), Op(op, (look.dst, value), 1), tries, () if tries is None else (Return(),)),
                ),
                looks,
                st.sampled_from(["eq", "ne"]),
                _constant,
                st.sampled_from([None, None, 3]),
            ),
            st.builds(
                lambda look, value, s: (Loop((look, If(Op("eq", (look.dst, value), 1), (Break(),)), s)),),
                looks,
                _constant,
                one,
            ),
        ]

    def unlabel(parts: list[Block]) -> Block:
        """Give the labels of different parts different names."""
        out: list[Statement] = []
        for number, part in enumerate(parts):
            for s in part:
                if isinstance(s, Label):
                    out.append(Label(f"end{number}"))
                elif isinstance(s, Jump):
                    out.append(Jump(f"end{number}", s.cond))
                else:
                    out.append(s)
        return tuple(out)

    usual = st.one_of(one.map(lambda s: (s,)), _crossings(arch))
    # one_of drops repetitions, so weights are drawn.
    part = st.integers(0, 4).flatmap(lambda n: st.one_of(several) if n == 4 else _crossings(arch) if n > 1 else usual)
    return st.lists(part, min_size=1, max_size=size).map(unlabel)


HELPER = Function(
    "helper",
    (Reg("n"),),
    (
        Load(Reg("m"), Const(0x1000, 64)),
        If(Op("eq", (Reg("m"), Reg("n")), 1), (Return(Const(1)),)),
        Store(Const(0x2000, 64), Reg("m")),
        Return(Reg("m")),
    ),
    32,
)


@st.composite
def programs(draw: st.DrawFn, arch: Arch, *, size: int = 4, waits: bool = True) -> Program:
    """A program of two or three threads for `arch`."""
    count = draw(st.sampled_from([2, 2, 3]))
    length = size if count == 2 else max(1, size - 1)
    threads = tuple(Thread(f"P{i}", draw(blocks(arch, length, waits=waits))) for i in range(count))
    return Program("random", arch.name, threads, CELLS, {"helper": HELPER})


__all__ = ["ARCHS", "ARM", "SC", "TRUE", "X86", "Arch", "blocks", "programs", "simple"]
