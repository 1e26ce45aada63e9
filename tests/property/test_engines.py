"""Solver and enumerator agree on random assembly programs: executions, final states, failing assertions, cuts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.source import SourceFile
from mmcheck.engines.enumeration.enumerate import Enumeration, Limits
from mmcheck.engines.smt.circuit import FALSE, TRUE
from mmcheck.engines.smt.count import all_executions
from mmcheck.engines.smt.encode import encode
from mmcheck.engines.smt.encoding import Encoding, choice_literals
from mmcheck.engines.unfolding.unfold import unfold
from mmcheck.events.execution import Execution
from mmcheck.ir.parts import walk
from mmcheck.ir.program import (
    Await,
    Block,
    Cell,
    Choice,
    Const,
    If,
    Load,
    Loop,
    Op,
    Origin,
    Parallel,
    Program,
    Reg,
    Statement,
    Store,
    Thread,
    show,
)
from mmcheck.language.herd.columns import is_herd_format
from mmcheck.language.herd.read import read_litmus
from mmcheck.language.lower.spec import load_spec
from mmcheck.model.model import load_model
from mmcheck.target.targets import of_herd
from tests.property.programs import ARCHS, Arch, programs
from tests.property.sources import SITES, rich_programs

LIMITS = Limits(candidates=20_000, combinations=50_000, traces=3_000)
MOST = 2_000
PHASES = [phase for phase in Phase if phase is not Phase.explain]
EXAMPLES = settings().max_examples // 2


@dataclass(frozen=True)
class Answer:
    """What one engine says: the number of executions, their final states, the requirements that fail, whether a run
    reaches the bound."""

    count: int
    finals: frozenset[tuple[tuple[str, int], ...]]
    failed: frozenset[str]
    cut: bool


LIMITED = Origin(site="limited")


def for_enumerator(block: Block) -> Block:
    """`block` with marks on the awaits with a limit: no thread is stuck there, but the enumerator, asked for safety,
    looks at every thread that has got no further than to an await."""
    out: list[Statement] = []
    for s in block:
        match s:
            case Loop() | Parallel():
                out.append(replace(s, body=for_enumerator(s.body)))
            case If():
                out.append(replace(s, then=for_enumerator(s.then), orelse=for_enumerator(s.orelse)))
            case Await():
                origin = s.origin if s.tries is None else LIMITED
                body, orelse = for_enumerator(s.body), for_enumerator(s.orelse)
                out.append(replace(s, body=body, orelse=orelse, origin=origin))
            case Choice():
                options = tuple((name, for_enumerator(block)) for name, block in s.options)
                out.append(replace(s, options=options))
            case _:
                out.append(s)
    return tuple(out)


def enumerated(
    program: Program, model: str, settle: bool, bound: int = 2, choices: Mapping[str, str] | None = None
) -> Answer:
    used = {each.site for thread in program.threads for each in walk(thread.body) if isinstance(each, Choice)}
    choices = {site: name for site, name in (choices or {}).items() if site in used}
    threads = tuple(replace(thread, body=for_enumerator(thread.body)) for thread in program.threads)
    search = Enumeration(
        replace(program, threads=threads),
        load_model(model),
        bound=bound,
        settle=settle,
        limits=LIMITS,
        choices=choices,
    )
    runs = []
    for run in search.runs():
        if not run.stray and not any(where is LIMITED for _, where in run.stuck):
            runs.append(run)
        if len(runs) > MOST:
            raise UnknownVerdict("too many")
    failed = frozenset[str]().union(*[run.failed for run in runs])
    finals = frozenset(state_of(run.final) for run in runs)
    return Answer(len(runs), finals if settle else frozenset(), failed, search.cut)


def state_of(final: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """A final state; what is 0 is left out, as is a register that was never set."""
    return tuple(sorted((name.replace("@", ""), value) for name, value in final.items() if value and ":%" not in name))


def solved(
    program: Program,
    model: str,
    settle: bool,
    bound: int = 2,
    choices: Mapping[str, str] | None = None,
    *,
    both: bool = False,
) -> Answer:
    """`both`: from the graph that serves safety and final states."""
    graph = unfold(program, bound=bound, quiescent=None if both else settle)
    encoding = encode(graph, load_model(model), compiled=False)
    if both:
        settled = encoding.values.literal(graph.settled)
        encoding.circuit.require(settled if settle else -settled)
    for literal in choice_literals(encoding, choices or {}):
        encoding.circuit.require(literal)

    def possible(literal: int, *, bounded: bool = True) -> bool:
        assumed = [lit for lit in encoding.assumptions() if bounded or lit != encoding.bounded]
        if FALSE in (*assumed, literal):
            return False
        return encoding.solver.solve([lit for lit in (*assumed, literal) if lit != TRUE])

    cut = possible(encoding.circuit.any([encoding.values.literal(cut.guard) for cut in graph.cuts]), bounded=False)
    failed = set()
    for check in graph.checks:
        wrong = [encoding.values.literal(check.guard), -encoding.values.literal(check.cond)]
        if possible(encoding.circuit.all(wrong)):
            failed.add(check.requirement)
    found = executions(encoding)
    finals = frozenset(state_of(one.final) for one in found)
    return Answer(len(found), finals if settle else frozenset(), frozenset(failed), cut)


def executions(encoding: Encoding) -> list[Execution]:
    return list(all_executions(encoding, limit=MOST + 1))


def text_of(program: Program) -> str:
    return "\n".join(f"{t.name}:\n{show(t.body, 1)}" for t in program.threads)


def compare(
    program: Program,
    model: str,
    settle: bool,
    bound: int = 2,
    choices: Mapping[str, str] | None = None,
    *,
    both: bool = False,
) -> None:
    try:
        expected = enumerated(program, model, settle, bound, choices)
        actual = solved(program, model, settle, bound, choices, both=both)
    except UnknownVerdict:
        assume(False)
    assert actual == expected, f"{model} settle={settle}\n{text_of(program)}"


def test_writes_of_one_thread_that_may_meet_are_in_no_order_where_they_do_not() -> None:
    """P0's second write may go to y, P1's to x. Here they do not: then P0's write to y may still be the last one."""

    def elsewhere(register: str) -> Op:
        offset = Op("mul", (Op("zext", (Op("and", (Reg(register), Const(1)), 32),), 64), Const(4096, 64)), 64)
        return Op("add", (Const(4096, 64), offset), 64)

    x, y = Const(4096, 64), Const(8192, 64)
    one = (Load(Reg("a"), x), Store(y, Const(2)), Load(Reg("a"), x), Store(elsewhere("a"), Const(4)))
    two = (Store(x, Const(1)), Store(y, Const(6)), Load(Reg("b"), x), Store(elsewhere("b"), Const(8)))
    threads = (Thread("P0", one), Thread("P1", two))
    program = Program("elsewhere", "armv8", threads, (Cell("x", 4096), Cell("y", 8192)))
    wanted = (("P1:b", 1), ("[x]", 1), ("[y]", 2))
    assert wanted in solved(program, "armv8", True).finals
    for settle in (False, True):
        for model in ("armv8", "x86-tso", "sc"):
            compare(program, model, settle)


@pytest.mark.parametrize("settle", [False, True], ids=["safety", "final"])
@pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda arch: arch.name)
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES)
def test_engines_agree(arch: Arch, settle: bool, data: st.DataObject) -> None:
    compare(data.draw(programs(arch)), arch.name, settle)


@pytest.mark.parametrize("settle", [False, True], ids=["safety", "final"])
@pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda arch: arch.name)
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES)
def test_engines_agree_on_richer_programs(arch: Arch, settle: bool, data: st.DataObject) -> None:
    choices = {site: data.draw(st.sampled_from(["one", "two"])) for site in SITES}
    compare(data.draw(rich_programs(arch)), arch.name, settle, choices=choices, both=data.draw(st.booleans()))


FOLDER = Path(__file__).resolve().parents[2] / "litmus"
FILES = sorted(FOLDER.rglob("*.litmus"))


def programs_of(path: Path, *, every: bool) -> Iterator[tuple[str, str, Program]]:
    """Name, model and program of each test in a file; of a specification, its variants on its targets too."""
    source = SourceFile(str(path), path.read_text(encoding="utf-8"))
    if is_herd_format(source.text):
        test = read_litmus(source)
        yield path.stem, of_herd(test.arch), test.program
        return
    spec = load_spec(source)
    for title in [None, *[variant.title for variant in spec.variants if every]]:
        for target in spec.targets:
            if spec.applicable(title, target):
                yield f"{path.stem} {title} {target.name}", target.model, spec.program(target, title)


def disagreements(path: Path, *, every: bool) -> list[str]:
    wrong = []
    for name, model, program in programs_of(path, every=every):
        for settle in (False, True):
            try:
                expected, actual = enumerated(program, model, settle), solved(program, model, settle)
            except UnknownVerdict:
                continue
            if expected != actual:
                wrong.append(f"{name} settle={settle}: enumerator {expected.count}, solver {actual.count}")
    return wrong


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_engines_agree_on_the_classic_tests(path: Path) -> None:
    assert not disagreements(path, every=False)


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_engines_agree_on_all_variants(path: Path) -> None:
    assert not disagreements(path, every=True)


@pytest.mark.herd_suite
@pytest.mark.exhaustive
def test_engines_agree_on_the_herd_suite(herd_suite: Path) -> None:
    wrong = [line for path in sorted(herd_suite.rglob("*.litmus")) for line in disagreements(path, every=False)]
    assert not wrong, "\n".join(wrong)
