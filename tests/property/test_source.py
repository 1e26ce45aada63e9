"""Compiled programs: what the solver finds with the compiler-preserved order and the search for one linear order is
what the enumerator finds with every linear order a compiler may choose."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import Phase, assume, event, given, settings
from hypothesis import strategies as st

from mmcheck.base.errors import InputError, UnknownVerdict
from mmcheck.base.source import SourceFile
from mmcheck.engines.enumeration.enumerate import Enumeration, Limits
from mmcheck.engines.enumeration.keep import profile as keep_of
from mmcheck.engines.smt.count import all_executions
from mmcheck.engines.smt.encode import encode
from mmcheck.engines.smt.encoding import choice_literals
from mmcheck.engines.smt.linear import linear_orders
from mmcheck.engines.unfolding.unfold import unfold
from mmcheck.ir.parts import walk
from mmcheck.ir.product import SITE, groups
from mmcheck.ir.program import (
    NOWHERE,
    TRUE,
    Assign,
    Block,
    Const,
    Expr,
    Load,
    Op,
    Program,
    Reg,
    Requirement,
    Rmw,
    state_register,
)  # fmt: skip
from mmcheck.language.lower.spec import load_spec
from mmcheck.model.kept import weaker
from mmcheck.model.model import load_model
from mmcheck.target.targets import parse_target
from mmcheck.verdict.check import Checker, engine_of
from tests.property.sources import BARRIERS, bodies, source_text

PHASES = [phase for phase in Phase if phase is not Phase.explain]
EXAMPLES = settings().max_examples // 3
MANY = settings().max_examples
LIMITS = Limits(candidates=30_000, combinations=30_000, traces=2_000)
MOST = 400
State = tuple[tuple[str, int], ...]
TARGETS = ("x86-tso", "armv8", "armv8+lse")
PROFILES = ("observed", "language", "gcc", "llvm")


def program_of(text: str, target: str) -> Program:
    try:
        spec = load_spec(SourceFile("random.litmus", text), root=Path(), read=lambda path: "")
        return observed(spec.program(parse_target(target), None))
    except InputError as error:
        raise AssertionError(f"{error}\n{text}") from error


def observed(program: Program) -> Program:
    """`program`, with a requirement that looks at every register that has a name: no load of it is unused."""
    registers = [
        state_register(thread.name, each.dst.name, each.dst.width)
        for thread in program.threads
        for each in walk(thread.body)
        if isinstance(each, Load | Rmw | Assign) and "%" not in each.dst.name
    ]
    cond: Expr = TRUE
    for register in dict.fromkeys(registers):
        cond = Op("and", (cond, Op("eq", (register, register), 1)), 1)
    return replace(program, requirements=tuple([replace(each, cond=cond) for each in program.requirements]))


def solved(
    program: Program, target: str, profile: str, *, exact: bool = True, within: str | None = None
) -> list[State]:
    """The final state of every execution; not `exact`: of those that po := cpo allows. What is left out and what
    depends on what is as `within` has it, if that is another profile."""
    model = load_model(parse_target(target).model)
    encoding = encode(unfold(program, quiescent=True, profile=within or profile), model, profile=profile)
    out = []
    for execution in all_executions(encoding, limit=MOST):
        if not exact or linear_orders(execution, model, program) is not None:
            out.append(shown(dict(execution.final)))
    return out


def enumerated(program: Program, target: str, profile: str, *, exact: bool = True) -> list[State]:
    model = load_model(parse_target(target).model)
    keep = keep_of(profile, program.target)
    search = Enumeration(program, model, settle=True, keep=keep, exact=exact, limits=LIMITS)
    out = []
    for run in search.runs():
        if not run.stray:
            out.append(shown(dict(run.final)))
        if len(out) >= MOST:
            raise UnknownVerdict("too many")
    return out


def near(text: str, profile: str) -> str:
    """The program with neighbours for x and y, of which LLVM makes pairs."""
    if profile != "llvm":
        return text
    head, threads, rest = text.partition("thread T0")
    return head + re.sub(r"\b([xy])\b", lambda place: f"z[{'xy'.index(place[1])}]", threads + rest)


def shown(final: dict[str, int]) -> State:
    return tuple(sorted((name.replace("@", ""), value) for name, value in final.items() if value and "%" not in name))


@pytest.mark.parametrize("profile", PROFILES)
@given(data=st.data())
@settings(max_examples=MANY, deadline=None, phases=PHASES)
def test_executions_are_the_union_over_linear_orders(profile: str, data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(TARGETS))
    text = near(source_text(data.draw(st.tuples(bodies(4), bodies(3)))), profile)
    program = program_of(text, target)
    try:
        for exact in (False, True):
            expected = enumerated(program, target, profile, exact=exact)
            actual = solved(program, target, profile, exact=exact)
            assert set(actual) == set(expected), f"{target} exact={exact}\n{text}"
    except UnknownVerdict:
        assume(False)


@pytest.mark.parametrize("profile", PROFILES)
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES)
def test_the_checker_decides_as_the_enumerator_does(profile: str, data: st.DataObject) -> None:
    """A condition that holds in exactly one of the states that po := cpo, or that some other order, allows."""
    target = data.draw(st.sampled_from(TARGETS))
    text = near(source_text(data.draw(st.tuples(bodies(4), bodies(3)))), profile)
    program = program_of(text, target)
    try:
        allowed = set(enumerated(program, target, profile))
        wider = sorted({*enumerated(program, target, profile, exact=False), *allowed})
    except UnknownVerdict:
        assume(False)
    assume(wider)
    state = data.draw(st.sampled_from([one for one in wider if one not in allowed] or wider))
    names = sorted({name for one in wider for name, _ in one})
    values = dict(state)
    cond: Expr = TRUE
    for name in names:
        cond = Op("and", (cond, Op("eq", (Reg(name), Const(values.get(name, 0))), 1)), 1)
    program = replace(program, requirements=(Requirement("r", "exists", cond=cond),))
    checker = Checker(engine_of("smt", program, load_model(parse_target(target).model), layered=True, profile=profile))
    finding = checker.run(program.requirements[0])
    assert finding.verdict == ("allowed" if state in allowed else "forbidden"), f"{target} {state}\n{text}"


@pytest.mark.parametrize("profile", ["observed", "language"])
@pytest.mark.parametrize("target", TARGETS)
def test_a_side_of_a_branch_that_no_value_leads_to_is_there_for_the_compiler(target: str, profile: str) -> None:
    """Nobody writes 1 to x, and yet the write to y stands on both sides: it need not wait for the read."""
    for condition in ("r0 == 1", "r0 != 2", "r0 > 4"):
        text = source_text(
            (("let r0 = x", f"if {condition} {{ y = 1 }} else {{ y = 1 }}"), ("let r0 = y", "x.store(2, release)"))
        )
        program = program_of(text, target)
        expected = enumerated(program, target, profile, exact=False)
        assert set(solved(program, target, profile, exact=False)) == set(expected), text
        loaded = any(dict(state).get("T0:r0") == 2 and dict(state).get("T1:r0") == 1 for state in expected)
        assert loaded == (target != "sc"), text


@pytest.mark.parametrize("profile", PROFILES)
@given(data=st.data())
@settings(max_examples=MANY, deadline=None, phases=PHASES)
def test_one_barrier_more_never_adds_an_outcome(profile: str, data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(TARGETS))
    first, second = data.draw(st.tuples(bodies(4), bodies(3)))
    place = data.draw(st.integers(0, len(first)))
    more = (*first[:place], data.draw(st.sampled_from(BARRIERS)), *first[place:])
    texts = [source_text((one, second)) for one in (first, more)]
    try:
        before, after = [set(solved(program_of(text, target), target, profile)) for text in texts]
    except UnknownVerdict:
        assume(False)
    assert after <= before, f"{target}\n{texts[1]}"


@pytest.mark.parametrize("profile", PROFILES)
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES)
def test_variants_in_one_encoding_have_the_executions_of_each_alone(profile: str, data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(TARGETS))
    first, second = data.draw(st.tuples(bodies(4), bodies(3)))
    variants = [(first, second)]
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(first)))
        more = (*first[:place], data.draw(st.sampled_from(BARRIERS)), *first[place:])
        old, new = data.draw(st.sampled_from([("relaxed", "acquire"), ("relaxed", "release"), ("release", "relaxed")]))
        variants.append((more, tuple(line.replace(old, new) for line in second)))
    texts = {str(number): source_text(each) for number, each in enumerate(variants)}
    try:
        programs = {name: program_of(text, target) for name, text in texts.items()}
    except AssertionError:  # an order that some access cannot have
        assume(False)
    # The places in the text are others: they are no part of what a program does.
    programs = {name: without_origins(each) for name, each in programs.items()}
    model = load_model(parse_target(target).model)
    found = groups(programs)
    assume(len(found) < len(programs))
    event(f"{len(programs)} programs in {len(found)} groups")
    try:
        for group in found:
            for name in group.names:
                encoding = encode(unfold(group.program, quiescent=True, profile=profile), model, profile=profile)
                for literal in choice_literals(encoding, {SITE: name}):
                    encoding.circuit.require(literal)
                together = {shown(dict(run.final)) for run in all_executions(encoding, limit=MOST)}
                assert together == set(solved(programs[name], target, profile, exact=False)), texts[name]
    except UnknownVerdict:
        assume(False)


@given(data=st.data())
@settings(max_examples=MANY, deadline=None, phases=PHASES)
def test_one_encoding_has_the_executions_of_every_weaker_profile(data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(TARGETS))
    profile = data.draw(st.sampled_from(["observed", "gcc"]))
    text = near(source_text(data.draw(st.tuples(bodies(4), bodies(3)))), "llvm")
    program, model = program_of(text, target), load_model(parse_target(target).model)
    names = weaker(profile)
    try:
        for name in (profile, *names):
            encoding = encode(unfold(program, quiescent=True, profile=profile), model, profile=profile, weaker=names)
            for other, literal in encoding.weaker.items():
                encoding.circuit.require(literal if other == name else -literal)
            counts, encoding.weaker = name in encoding.weaker, {}
            together = {shown(dict(run.final)) for run in all_executions(encoding, limit=MOST)}
            alone = set(solved(program, target, name, exact=False, within=profile))
            assert together == alone, f"{target} {name}\n{text}"
            event(f"{name} {'counts' if counts else 'is no other'}")
    except UnknownVerdict:
        assume(False)


def without_origins(program: Program) -> Program:
    def block(statements: Block) -> Block:
        return tuple(
            replace(
                each,
                origin=NOWHERE,
                **{name: block(getattr(each, name)) for name in ("body", "then", "orelse") if hasattr(each, name)},
            )
            for each in statements
        )

    threads = tuple(replace(thread, body=block(thread.body), origin=NOWHERE) for thread in program.threads)
    functions = {name: replace(each, body=block(each.body)) for name, each in program.functions.items()}
    cells = tuple(replace(cell, span=None) for cell in program.cells)
    return replace(program, threads=threads, functions=functions, cells=cells)


def related(program: Program, text: str, target: str, profile: str, place: int) -> bool:
    """Whether the compiler may keep an event of statement `place` of T0 before one of the next statement."""
    graph = unfold(program, quiescent=True)
    order = encode(graph, load_model(parse_target(target).model), profile=profile).po
    start = text.split("\n").index("thread T0 {") + 2 + place
    at = {e.id: e.origin.span.line for e in graph.events if e.thread == 0 and e.origin.span is not None}
    one, other = [[event for event, line in at.items() if line == wanted] for wanted in (start, start + 1)]
    return any(order.may[a] >> b & 1 for a in one for b in other)


@pytest.mark.parametrize("profile", ["observed", "language"])
@given(data=st.data())
@settings(max_examples=MANY, deadline=None, phases=PHASES)
def test_reordering_unrelated_statements_changes_nothing(profile: str, data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(TARGETS))
    first, second = data.draw(st.tuples(bodies(4, branches=False), bodies(3)))
    for place in data.draw(st.permutations(range(len(first) - 1))):
        one, other = first[place], first[place + 1]
        if one.startswith("let") and one.split()[1] in other:
            continue
        swapped = (*first[:place], other, one, *first[place + 2 :])
        texts = [source_text((lines, second)) for lines in (first, swapped)]
        # A plain read may move over an acquire, and what is behind an acquire may not: ask in both orders.
        if not any(related(program_of(text, target), text, target, profile, place) for text in texts):
            break
    else:
        event("every pair is kept")
        return
    program, other_program = [program_of(text, target) for text in texts]
    try:
        before = set(solved(program, target, profile))
        after = set(solved(other_program, target, profile))
    except UnknownVerdict:
        assume(False)
    assert after == before, f"{target}\n{texts[0]}\nswapped: {one} and {other}"
