"""What must hold between a program and a changed one, whatever the model says of either."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import mmcheck.model.model as models
import mmcheck.target.targets as targets
from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.source import SourceFile
from mmcheck.engines.enumeration.enumerate import Enumeration, Limits
from mmcheck.ir.program import (
    NO_TAGS,
    OLD,
    Assign,
    Await,
    Block,
    Cell,
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
    Rmw,
    Statement,
    Store,
    StoreExclusive,
    Tags,
    Thread,
    show,
)
from mmcheck.model.model import load_model
from tests.property.programs import ARCHS, ARM, X86, Arch, programs

EXAMPLES = int(os.environ.get("METAMORPHIC_EXAMPLES", "80"))
LIMITS = Limits(candidates=1_500, combinations=6_000, traces=500)
each_arch = pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda arch: arch.name)
CALM = [HealthCheck.filter_too_much, HealthCheck.too_slow]
often = settings(max_examples=EXAMPLES, suppress_health_check=CALM)
very_often = settings(max_examples=4 * EXAMPLES, suppress_health_check=CALM)

State = tuple[tuple[str, int], ...]


def outcomes(program: Program, model: str, rename: Callable[[str], str] = str) -> set[State]:
    """The final states, without what is 0, and the agents that wait for ever."""
    try:
        return {
            tuple(sorted([(rename(name), value) for name, value in run.final.items() if value and ":%" not in name]))
            + tuple(sorted([(rename(f"{agent}:waits"), 1) for agent, _ in run.stuck]))
            for run in Enumeration(program, load_model(model), settle=True, limits=LIMITS).runs()
        }
    except UnknownVerdict:
        assume(False)
        raise


def text(program: Program) -> str:
    return "\n".join(f"{thread.name}:\n{show(thread.body, 1)}" for thread in program.threads)


def test_a_property_can_fail() -> None:
    """A barrier in the place of an order: taking the release away is found out as an outcome more."""
    one = (Store(Const(0x1000, 64), Const(1)), Store(Const(0x2000, 64), Const(1), frozenset({"L"})))
    two = (Load(Reg("a"), Const(0x2000, 64), frozenset({"A"})), Load(Reg("b"), Const(0x1000, 64)))
    program = Program("MP", "armv8", (Thread("P0", one), Thread("P1", two)), (Cell("x", 0x1000), Cell("y", 0x2000)))
    weaker = replace(program, threads=(Thread("P0", (one[0], replace(one[1], tags=frozenset()))), program.threads[1]))
    assert outcomes(weaker, "armv8") - outcomes(program, "armv8") == {(("P1:a", 1), ("[x]", 1), ("[y]", 1))}
    assert one in set(strengthened(weaker.threads[0].body, ARM))


# --- one barrier more ------------------------------------------------------------------------------


def strengthened(block: Block, arch: Arch) -> Iterator[Block]:
    """`block` with one fence more, or one access that carries one order more."""
    for i in range(len(block) + 1):
        for tags in arch.fences:
            yield (*block[:i], Fence(tags), *block[i:])
    for i, statement in enumerate(block):
        for stronger in stronger_statements(statement, arch):
            yield (*block[:i], stronger, *block[i + 1 :])


def stronger_statements(statement: Statement, arch: Arch) -> Iterator[Statement]:
    match statement:
        case If(then=then, orelse=orelse):
            yield from (replace(statement, then=block) for block in strengthened(then, arch))
            yield from (replace(statement, orelse=block) for block in strengthened(orelse, arch))
        case Loop(body=body):
            yield from (replace(statement, body=block) for block in strengthened(body, arch))
        case Load(tags=tags) if arch is ARM:
            if not tags & {"A", "Q"}:
                yield replace(statement, tags=tags | {"Q"})
            yield replace(statement, tags=tags - {"Q"} | {"A"})
        case Store(tags=tags) | StoreExclusive(tags=tags) if arch is ARM:
            yield replace(statement, tags=tags | {"L"})
        case Rmw(read_tags=read, write_tags=write, fail_tags=fail) if arch is ARM and "NoRet" not in read:
            yield replace(statement, read_tags=read | {"A"}, fail_tags=fail | {"A"})
            yield replace(statement, write_tags=write | {"L"})


@each_arch
@given(data=st.data())
@often
def test_one_barrier_more_never_adds_an_outcome(arch: Arch, data: st.DataObject) -> None:
    # Mostly one pair of accesses a thread: the classic shapes, of which little programs are made rarely.
    program = data.draw(programs(arch, size=data.draw(st.sampled_from([1, 1, 1, 1, 3]))))
    number = data.draw(st.integers(0, len(program.threads) - 1))
    thread = program.threads[number]
    body = data.draw(st.sampled_from(list(strengthened(thread.body, arch))))
    threads = (*program.threads[:number], replace(thread, body=body), *program.threads[number + 1 :])
    stronger = replace(program, threads=threads)
    more = outcomes(stronger, arch.name) - outcomes(program, arch.name)
    assert not more, f"{more}\n{text(program)}\nwith the barrier:\n{text(stronger)}"


def _accesses(kinds: tuple[str, str], tags: tuple[Tags, Tags], places: tuple[Const, Const]) -> tuple[Statement, ...]:
    """Two accesses; what the second writes is 2, so that every write is told apart."""
    return tuple(
        Load(Reg("ab"[i]), place, tag) if kind == "R" else Store(place, Const(i + 1), tag)
        for i, (kind, tag, place) in enumerate(zip(kinds, tags, places, strict=True))
    )


def _weakened_by_a_barrier(arch: Arch, full: Tags) -> list[str]:
    """Where a barrier adds an outcome: every pair of accesses, against every pair with a full barrier between."""
    x, y = Const(0x1000, 64), Const(0x2000, 64)
    cells = (Cell("x", 0x1000), Cell("y", 0x2000))
    known: dict[Block, set[State]] = {}
    wrong = []
    for other in product("RW", repeat=2):
        first, second = _accesses(other, (NO_TAGS, NO_TAGS), (y, x))
        partner = Thread("P1", (first, Fence(full), second))

        def said(body: Block, partner: Thread = partner) -> set[State]:
            if (*body, *partner.body) not in known:
                program = Program("shape", arch.name, (Thread("P0", body), partner), cells)
                known[*body, *partner.body] = outcomes(program, arch.name)
            return known[*body, *partner.body]

        for kinds in product("RW", repeat=2):
            for tags in product(*[dict.fromkeys(arch.reads if kind == "R" else arch.writes) for kind in kinds]):
                body = _accesses(kinds, tags, (x, y))
                for stronger in strengthened(body, arch):
                    outside = isinstance(stronger[0], Fence) or isinstance(stronger[-1], Fence)
                    if not outside and not said(stronger) <= said(body):
                        wrong.append(f"{show(body)} -> {show(stronger)}")
    return wrong


@pytest.mark.parametrize(("arch", "full"), [(X86, "MFENCE"), (ARM, "DMB.SY")], ids=["x86-tso", "armv8"])
def test_no_barrier_adds_an_outcome_to_a_classic_shape(arch: Arch, full: str) -> None:
    assert _weakened_by_a_barrier(arch, frozenset({full})) == []


def test_a_model_in_which_one_does_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    text = Path(targets.__file__).with_name("armv8.cat").read_text(encoding="utf-8")
    odd = text.replace("[M];po;[L]\n", "(([M];po;[L]) \\ (po;[DMB.ISHLD];po))\n")
    assert odd != text
    model = models.model_from_text("odd", SourceFile("odd", odd))
    monkeypatch.setitem(globals(), "load_model", lambda name: model)
    assert _weakened_by_a_barrier(ARM, frozenset({"DMB.SY"})) != []


# --- models ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("arch", [X86, ARM], ids=lambda arch: arch.name)
@given(data=st.data())
@often
def test_sc_is_part_of_every_model(arch: Arch, data: st.DataObject) -> None:
    program = data.draw(programs(arch, size=3))
    more = outcomes(program, "sc") - outcomes(program, arch.name)
    assert not more, f"{more}\n{text(program)}"


# --- names -----------------------------------------------------------------------------------------


@each_arch
@given(data=st.data())
@often
def test_the_names_and_the_order_of_threads_do_not_matter(arch: Arch, data: st.DataObject) -> None:
    program = data.draw(programs(arch, size=3))
    order = data.draw(st.sampled_from(list(permutations(range(len(program.threads))))[1:]))
    names = {thread.name: f"T{9 - number}" for number, thread in enumerate(program.threads)}
    threads = tuple([replace(program.threads[i], name=names[program.threads[i].name]) for i in order])

    def renamed(name: str) -> str:
        agent, colon, rest = name.partition(":")
        return f"{names[agent]}{colon}{rest}" if colon else name

    assert outcomes(program, arch.name, renamed) == outcomes(replace(program, threads=threads), arch.name), text(
        program
    )


MIRROR = Const(0x3000, 64)
"""x is at 0x1000, y at 0x2000: `MIRROR` less an address is the other one, however it was computed."""


def mirrored(block: Block) -> Block:
    """`block` with x for y and y for x."""
    out: list[Statement] = []
    for s in block:
        if isinstance(s, (Load, Store, StoreExclusive, Rmw)):
            s = replace(s, address=Op("sub", (MIRROR, s.address), 64))
        elif isinstance(s, If):
            s = replace(s, then=mirrored(s.then), orelse=mirrored(s.orelse))
        elif isinstance(s, Await):
            s = replace(s, body=mirrored(s.body), orelse=mirrored(s.orelse))
        elif isinstance(s, (Loop, Parallel)):
            s = replace(s, body=mirrored(s.body))
        out.append(s)
    return tuple(out)


@each_arch
@given(data=st.data())
@often
def test_the_names_and_the_places_of_locations_do_not_matter(arch: Arch, data: st.DataObject) -> None:
    program = data.draw(programs(arch, size=3))
    threads = tuple([replace(thread, body=mirrored(thread.body)) for thread in program.threads])
    new = {"x": "left", "y": "right"}
    cells = tuple([replace(each, name=new[each.name], address=0x3000 - each.address) for each in program.cells])
    functions: Mapping[str, Function] = {
        name: replace(function, body=mirrored(function.body)) for name, function in program.functions.items()
    }
    other = Program(program.name, program.target, threads, cells, functions)
    names = {"[x]": "[left]", "[y]": "[right]"}
    assert outcomes(program, arch.name, lambda name: names.get(name, name)) == outcomes(other, arch.name), text(program)


# --- values ----------------------------------------------------------------------------------------

VALUES = (0, 1, 2)
KINDS = ("load", "load", "store", "store", "copy", "fence", "swap", "cas", "if")
Rename = Callable[[int], int]
_registers = st.sampled_from(["a", "b"]).map(Reg)
_places = st.sampled_from([Const(0x1000, 64), Const(0x2000, 64)])


@st.composite
def opaque(draw: st.DrawFn, arch: Arch) -> Callable[[Rename], Program]:
    """A program that only copies and compares values, as a function of what each value is called."""

    def statement(depth: int) -> Callable[[Rename], Statement]:
        kind = draw(st.sampled_from(KINDS[: len(KINDS) - depth]))
        register, place = draw(_registers), draw(_places)
        value, other = draw(st.sampled_from(VALUES)), draw(st.sampled_from(VALUES))
        tags = draw(st.sampled_from(arch.reads)), draw(st.sampled_from(arch.writes)), draw(st.sampled_from(arch.fences))
        read, write, fail = draw(st.sampled_from(arch.rmws))
        if kind == "if":
            inner = statement(1)
            return lambda to: If(Op("eq", (register, Const(to(value))), 1), (inner(to),), ())

        def make(to: Rename) -> Statement:
            match kind:
                case "load":
                    return Load(register, place, tags[0])
                case "store":
                    return Store(place, Const(to(value)), tags[1])
                case "copy":
                    return Store(place, register, tags[1])
                case "fence":
                    return Fence(tags[2])
                case "swap":
                    return Rmw(register, place, Const(to(value)), read, write)
            when: Expr = Op("eq", (Reg(OLD), Const(to(other))), 1)
            return Rmw(register, place, Const(to(value)), read, write, when, fail, compare=Const(to(other)))

        return make

    count = draw(st.sampled_from([2, 2, 3]))
    bodies = [[statement(0) for _ in range(draw(st.integers(1, 6 - count)))] for _ in range(count)]

    def program(to: Rename) -> Program:
        start = tuple([Assign(Reg(name), Const(to(0))) for name in ("a", "b")])
        threads = tuple([Thread(f"P{i}", (*start, *[make(to) for make in body])) for i, body in enumerate(bodies)])
        return Program("opaque", arch.name, threads, (Cell("x", 0x1000, init=to(0)), Cell("y", 0x2000, init=to(0))))

    return program


@each_arch
@given(data=st.data())
@very_often
def test_the_names_of_values_do_not_matter(arch: Arch, data: st.DataObject) -> None:
    program = data.draw(opaque(arch))
    numbers = data.draw(st.lists(st.integers(1, 200), min_size=3, max_size=3, unique=True))
    first = program(lambda value: value + 1)  # no value is 0, and so none is left out of a state
    new = {value + 1: number for value, number in zip(VALUES, numbers, strict=True)}
    wanted = {tuple([(name, new[value]) for name, value in state]) for state in outcomes(first, arch.name)}
    assert outcomes(program(lambda value: numbers[value]), arch.name) == wanted, text(first)
