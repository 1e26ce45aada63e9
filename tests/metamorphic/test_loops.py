"""A loop that only looks, the wait that it is, and the same in a function: one spelling is as good as the other.

The loops are run as such, round by round up to the bound, by an enumerator that knows nothing of the rewriting: what is
compared is whether their rounds may be taken out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mmcheck.base.errors import InputError, UnknownVerdict
from mmcheck.base.records import replace
from mmcheck.base.source import SourceFile
from mmcheck.engines.enumeration.enumerate import Enumeration, Limits
from mmcheck.ir.parts import children, reachable
from mmcheck.ir.polling import awaited
from mmcheck.ir.program import (
    NOWHERE,
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
    Load,
    Loop,
    Op,
    Parallel,
    Program,
    Reg,
    Requirement,
    Return,
    Rmw,
    Statement,
    Store,
    Thread,
    show,
)
from mmcheck.language.lower import Spec, load_spec
from mmcheck.model.model import load_model
from tests.metamorphic.test_metamorphic import EXAMPLES
from tests.property.programs import ARCHS, Arch, simple

LIMITS = Limits(candidates=3_000, combinations=20_000, traces=2_000)
CELLS = (Cell("x", 0x1000), Cell("y", 0x2000))
X, Y = (Const(cell.address, 64) for cell in CELLS)
SHOWN = [Reg(f"P0:{name}") for name in "abc"]
ALL_SHOWN = Requirement(
    "shown", "final", cond=Op("eq", (Op("add", (SHOWN[0], Op("add", tuple(SHOWN[1:])))), Const(0)), 1)
)


def is_one(register: Reg) -> Expr:
    return Op("eq", (register, Const(1)), 1)


@st.composite
def loops(draw: st.DrawFn, arch: Arch) -> Block:
    """A loop that only looks, in one of many spellings."""
    read, fence = partial(draw, st.sampled_from(arch.reads)), partial(draw, st.sampled_from(arch.fences))
    write = Store(Y, Const(draw(st.integers(1, 3))), draw(st.sampled_from(arch.writes)))
    v, w, n = Reg("v"), Reg("w"), Reg("n")
    look, other = Load(v, draw(st.sampled_from([X, Y])), read()), Load(w, draw(st.sampled_from([X, Y])), read())
    unseen = st.sampled_from([Fence(fence()), Load(Reg("u"), X, read()), Assign(Reg("k"), Const(4))])
    idle: Block = tuple(draw(st.lists(unseen, max_size=2)))
    out = draw(st.sampled_from([(), (write,), (Assign(Reg("a"), Op("add", (v, Const(1)))),), (Fence(fence()),)]))
    counted = Assign(n, Op("add", (n, Const(1))))
    leave, left = If(is_one(v), (*out, Break())), If(is_one(w), (*out, Break()))
    start, over = Assign(n, Const(0)), Op("eq", (n, Const(2)), 1)
    fails = Op("and", (Op("eq", (v, Const(0)), 1), Op("ult", (n, Const(2)), 1)), 1)
    swap = draw(st.sampled_from(arch.rmws))
    return draw(
        st.sampled_from(
            [
                (Loop((look, leave, *idle)),),
                (Loop((*idle, look, leave)),),
                (Loop((look, If(Op("not", (is_one(v),), 1), idle, (*out, Break())))),),
                (Loop((look, leave, *idle, other, left)),),
                (Loop((look, If(is_one(v), (other, left)), *idle)),),
                (Loop((look, If(is_one(v), (Return(),)), *idle, other, left)),),
                (Loop((look, other, If(Op("or", (is_one(v), is_one(w)), 1), (*out, Break())), *idle)),),
                (Loop((look, leave, *idle), 2),),
                (Loop((look, leave, *idle), 2), If(Op("not", (is_one(v),), 1), (write,))),
                (start, Loop((look, leave, counted, If(over, (write, Break())), *idle))),
                (start, Loop((look, If(fails, (counted, *idle), (*out, Break()))))),
                (start, Loop((If(over, (Break(),)), look, leave, counted)), If(over, (write,))),
                (Loop((Rmw(v, X, Const(1), swap[0], swap[1], fail_tags=swap[2]),
                       If(Op("ne", (v, Const(1)), 1), (*out, Break())))),),
                (Loop((Rmw(v, X, Const(2), swap[0], swap[1], is_one(Reg(OLD)), swap[2]), leave, *idle)),),
                (Call("poll", (), Reg("b")),),
            ]
        )
    )  # fmt: skip


@st.composite
def polling(draw: st.DrawFn, arch: Arch) -> Program:
    """A thread with such a loop, and one or two that write."""
    one = simple(arch)
    host = [*draw(st.lists(one, max_size=1)), *draw(loops(arch)), *draw(st.lists(one, max_size=1))]
    host.append(Assert(is_one(Reg(draw(st.sampled_from("abcv")))), "claim"))
    writer = st.builds(
        Store, st.sampled_from([X, X, Y]), st.sampled_from([Const(1), Const(2)]), st.sampled_from(arch.writes)
    )
    bodies = draw(
        st.lists(st.lists(st.one_of(writer, writer, one), min_size=1, max_size=2).map(tuple), min_size=1, max_size=2)
    )
    threads = (Thread("P0", tuple(host)), *[Thread(f"P{i + 1}", body) for i, body in enumerate(bodies)])
    look = Load(Reg("m"), X, draw(st.sampled_from(arch.reads)))
    function = Function("poll", (), (Loop((look, If(is_one(look.dst), (Return(Const(1)),)))),), 32)
    return Program("polling", arch.name, threads, CELLS, {"poll": function}, (ALL_SHOWN,))


def answers(program: Program, model: str) -> tuple[set[object], frozenset[str]]:
    """The final states in which nobody waits, of what is shown; the assertions that fail in some run."""
    final, safe = (
        Enumeration(program, load_model(model), bound=3, settle=settle, limits=LIMITS) for settle in (True, False)
    )
    names = [*(reg.name for reg in SHOWN), "[x]", "[y]"]
    ends = {tuple(run.final.get(name, 0) for name in names) for run in final.runs() if not run.stuck}
    return ends, frozenset[str]().union(*[run.failed for run in safe.runs()])


@pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda arch: arch.name)
@given(data=st.data())
@settings(max_examples=2 * EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None)
def test_rounds_that_only_look_may_be_taken_out(arch: Arch, data: st.DataObject) -> None:
    program = data.draw(polling(arch))
    waits = awaited(program)
    text = "\n".join(f"{thread.name}:\n{show(thread.body, 1)}" for thread in (*program.threads, *waits.threads))
    found = list(reachable(waits.threads[0].body, waits.functions))
    assert any(isinstance(each, Await) for each in found), text
    assert not any(isinstance(each, Loop) and each.rounds != 1 for each in found), text
    try:
        assert answers(program, arch.name) == answers(waits, arch.name), text
    except UnknownVerdict:
        assume(False)


@pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda arch: arch.name)
@given(data=st.data())
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None)
def test_a_loop_in_a_function_is_the_loop(arch: Arch, data: st.DataObject) -> None:
    """A function that is expanded by hand."""
    program = data.draw(polling(arch))
    host, body = program.threads[0], data.draw(loops(arch))
    assume(not any(isinstance(each, Return | Call) for each in reachable(body, {})))
    function = Function("look", (), (*body, Return(Op("add", (Reg("v"), Reg("a"))))), 32)
    called = (Call("look", (), Reg("c")), *host.body)
    inlined = (*renamed(body), Assign(Reg("c"), Op("add", (Reg("in.v"), Reg("in.a")))), *host.body)
    functions = {**program.functions, "look": function}
    one, two = (
        awaited(replace(program, threads=(replace(host, body=block), *program.threads[1:]), functions=functions))
        for block in (called, inlined)
    )
    try:
        assert answers(one, arch.name) == answers(two, arch.name), show(called) + show(inlined)
    except UnknownVerdict:
        assume(False)


def renamed(block: Block) -> Block:
    """`block` with registers of its own."""

    def expr(e: Expr) -> Expr:
        if isinstance(e, Reg):
            return e if e.name == OLD else Reg(f"in.{e.name}", e.width)
        return Op(e.op, tuple(expr(arg) for arg in e.args), e.width) if isinstance(e, Op) else e

    def reg(r: Reg) -> Reg:
        return Reg(f"in.{r.name}", r.width)

    out: list[Statement] = []
    for s in block:
        match s:
            case Assign():
                out.append(replace(s, dst=reg(s.dst), expr=expr(s.expr)))
            case Load():
                out.append(replace(s, dst=reg(s.dst)))
            case Rmw():
                out.append(replace(s, dst=reg(s.dst), new=expr(s.new), when=expr(s.when)))
            case Store():
                out.append(replace(s, value=expr(s.value)))
            case If():
                out.append(replace(s, cond=expr(s.cond), then=renamed(s.then), orelse=renamed(s.orelse)))
            case Loop():
                out.append(replace(s, body=renamed(s.body)))
            case _:
                out.append(s)
    return tuple(out)


# --- the specifications ----------------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted((ROOT / "specs").rglob("*.litmus"))
WAIT = re.compile(r"await ([^{}]+?)(?=\s*(?:\}|;|//|$))", re.MULTILINE)
SPELLINGS = {
    "while": r"while !(\1) { }",
    "while, barrier": r"while !(\1) { barrier(); let unused = 1 }",
    "loop, break": r"loop { if \1 { break } }",
    "counted": r"loop { rounds_ += 1; if \1 { break } }",
}


def spelled(wait: re.Match[str], spelling: str) -> str:
    if " within " in wait.group() or wait.group(1).startswith("("):
        return wait.group()
    return wait.expand(spelling)


@pytest.mark.parametrize("number", range(len(SPELLINGS)), ids=SPELLINGS)
def test_specifications_mean_the_same_however_their_waits_are_spelled(number: int) -> None:
    """The same programs, and so the same verdicts; the origins of statements apart. Each file in one spelling."""
    seen, spelling = 0, list(SPELLINGS.values())[number]
    for path in SPECS[number :: len(SPELLINGS)]:
        text = path.read_text()
        other = WAIT.sub(partial(spelled, spelling=spelling), text)
        if other == text:
            continue
        other += "\nprivate rounds_: u32\n" if "rounds_" in other else ""
        one, two = loaded(path, text), loaded(path, other)
        for variant in (None, *[each.title for each in one.variants]):
            target = next(each for each in one.targets if one.applicable(variant, each))
            a, b = (bare(spec.program(target, variant)) for spec in (one, two))
            assert a == b, f"{path} {variant}"
            seen += 1
    assert seen > 10


def loaded(path: Path, text: str) -> Spec:
    try:
        return load_spec(SourceFile(str(path), text))
    except InputError as found:
        raise AssertionError(f"{path}: {found}") from found


def bare(program: Program) -> object:
    """The statements of `program`, without their origins and what tells only how a wait is spelled."""
    bodies = [(thread.name, thread.body) for thread in program.threads]
    bodies += [(function.name, function.body) for function in program.functions.values()]
    return [(name, _bare(body)) for name, body in bodies]


def _bare(block: Iterable[Statement]) -> Block:
    out: list[Statement] = []
    for each in block:
        site = each.origin.site if isinstance(each, Await) else ""
        if isinstance(each, Assign) and each.dst.name == "@rounds_":
            continue
        each = replace(each, origin=replace(NOWHERE, site=site))
        match each:
            case Await():
                each = replace(each, body=_bare(each.body), orelse=_bare(each.orelse), rereads=False)
            case If():
                each = replace(each, then=_bare(each.then), orelse=_bare(each.orelse))
            case Loop() | Parallel():
                each = replace(each, body=_bare(each.body))
            case Choice():
                each = replace(each, options=tuple((name, _bare(block)) for name, block in each.options))
        assert all(inner is not None for inner in children(each))
        out.append(each)
    return tuple(out)
