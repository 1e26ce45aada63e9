"""What is right on Armv8 by more than the words promise is said so, and nothing else is (docs/models.md).

The note comes from the solver's encoding, with literals that take the surplus away. What it is compared with does not
know them: for fences, the enumerator on the program with other tags; for loads, the target ``armv8+rcpc``.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mmcheck.base.files import read_source
from mmcheck.base.records import fields as record_fields
from mmcheck.base.records import replace
from mmcheck.base.source import SourceFile
from mmcheck.engines.enumeration.enumerate import Enumeration
from mmcheck.ir.program import Program
from mmcheck.language.lower.spec import load_spec
from mmcheck.model.concrete import check as objections
from mmcheck.model.model import load_model, model_from_text
from mmcheck.model.promises import WORDS, does_more, promised, weakened
from mmcheck.target.targets import models, parse_target
from mmcheck.verdict.check import Checker, engine_of
from mmcheck.verdict.results import Finding
from tests.unit.semantics.semantics import spec_of


def ask(text: str, target: str = "armv8") -> Finding:
    """The finding on the one requirement of `text`."""
    parsed = parse_target(target)
    program = spec_of(text).program(parsed, None)
    (requirement,) = program.requirements
    return Checker(engine_of("smt", program, load_model(parsed.model), layered=parsed.compiled)).run(requirement)


def only_here(text: str, target: str = "armv8") -> list[str]:
    """The notes on what is right only here; the requirement holds, or is forbidden."""
    found = ask(text, target)
    assert found.verdict in ("holds", "forbidden")
    return [note for note in found.notes if "only because" in note]


SB = """targets armv8
memory x, y
requirement r { ~exists one.a == 0 && two.b == 0 }
thread one { FIRST; let a = y.read_volatile() }
thread two { y.write_volatile(1); fence(seq_cst); let b = x.read_volatile() }
"""
FENCE = "right on Armv8 only because {} (line 4) is a full DMB there; by what the word promises it is violated"


@pytest.mark.parametrize(
    ("first", "word"),
    [
        ("x.write_volatile(1); fence(release)", "fence(release)"),
        ("x.write_volatile(1); atomic_thread_fence(memory_order_acq_rel)", "fence(acq_rel)"),
        ("x.store(1, seq_cst); fence(release)", "fence(release)"),
        ("x.write_volatile(1); fence(acquire); fence(release)", "fence(release)"),
        ("x.write_volatile(1); compiler_fence(seq_cst); fence(release)", "fence(release)"),
    ],
)
def test_a_release_fence_between_a_write_and_a_read(first: str, word: str) -> None:
    assert only_here(SB.replace("FIRST", first)) == [FENCE.format(word)]


@pytest.mark.parametrize(
    "first",
    [
        "x.write_volatile(1); fence(seq_cst)",
        "x.write_volatile(1); __sync_synchronize()",
        "x.write_volatile(1); smp_mb()",
        "x.write_volatile(1); fence(release); fence(seq_cst)",
        "fence(release); x.write_volatile(1); dmb(ish)",
        "x.swap(1, seq_cst); fence(release); smp_mb__after_atomic()",
    ],
)
def test_where_something_else_orders_them_too(first: str) -> None:
    assert only_here(SB.replace("FIRST", first)) == []


def test_an_exists_is_allowed() -> None:
    text = SB.replace("requirement r { ~exists", "requirement r { exists").replace(
        "FIRST", "x.write_volatile(1); fence(release)"
    )
    assert ask(text).verdict == "forbidden"
    assert only_here(text) == [FENCE.format("fence(release)").replace("violated", "allowed")]


MP = """targets armv8
memory data, flag
requirement r { says "the data is there" }
thread one { data = 1; WRITE }
thread two { READ; let d = data.read_volatile(); if f == 1 { assert d == 1 for r } }
"""


@pytest.mark.parametrize(
    ("write", "read", "notes"),
    [
        ("fence(release); flag.write_volatile(1)", "let f = flag.read_volatile(); fence(acquire)", []),
        ("fence(release); flag.write_volatile(1)", "let f = flag.load(acquire)", []),
        ("flag.store(1, release)", "let f = flag.load(acquire)", []),
        # A release fence promises nothing between two reads, an acquire-release fence does.
        ("flag.store(1, release)", "let f = flag.read_volatile(); fence(release)", [5]),
        ("flag.store(1, release)", "let f = flag.read_volatile(); fence(acq_rel)", []),
    ],
)
def test_a_message_needs_no_more_than_is_promised(write: str, read: str, notes: list[int]) -> None:
    found = only_here(MP.replace("WRITE", write).replace("READ", read))
    assert found == [FENCE.replace("line 4", f"line {line}").format("fence(release)") for line in notes]


LOADS = """targets armv8, armv8+rcpc, armv8+lse+rcpc
memory x, y
requirement r { ~exists one.a == 0 && two.b == 0 }
thread one { x.store(1, release); let a = y.load(acquire) }
thread two { y.store(1, release); BETWEEN let b = x.load(ORDER) }
"""
LDAR = "right here only because the acquire load{} LDAR; with +rcpc (LDAPR) it is violated"


def test_acquire_loads_behind_a_release_store() -> None:
    text = LOADS.replace("BETWEEN", "").replace("ORDER", "acquire")
    assert ask(text, "armv8+rcpc").verdict == "violated"
    assert only_here(text) == [LDAR.format("s of y (line 4) and x (line 5) are")]
    assert only_here(text.replace("seq_cst", "acquire"), "armv8+lse") == only_here(text)
    mixed = LOADS.replace("BETWEEN", "fence(seq_cst);").replace("ORDER", "acquire")
    assert only_here(mixed) == [LDAR.format(" of y (line 4) is")]
    both = mixed.replace("one { x.store(1, release);", "one { x.store(1, release); fence(seq_cst);")
    assert only_here(both) == [] and ask(both, "armv8+rcpc").verdict == "holds"


def test_seq_cst_loads_and_linux_loads_stay_ldar() -> None:
    text = LOADS.replace("BETWEEN", "").replace("ORDER", "acquire")
    for target in ("armv8", "armv8+rcpc"):
        assert only_here(text.replace("load(acquire)", "load(seq_cst)"), target) == []
        linux = text.replace("y.load(acquire)", "smp_load_acquire(y)").replace("x.load(acquire)", "smp_load_acquire(x)")
        assert only_here(linux, target) == []


def test_lost_wakeups_and_devices() -> None:
    """`progress`, a device on the other side, and a register: the platform's rules stand beside the promises."""
    text = """targets armv8
memory flag, idx, rest
mmio doorbell: latch u32
requirement r { progress host }
thread driver {
  idx.write_volatile(1)
  fence(release)
  if flag.read_volatile() == 0 { writel(0, doorbell) }
}
device host {
  flag.store(0, relaxed)
  fence(seq_cst)
  if idx.load(relaxed) == 0 { await doorbell.take() }
}
"""
    text = text.replace("memory flag,", "memory flag = 1,")
    assert only_here(text) == [FENCE.format("fence(release)").replace("line 4", "line 7")]
    assert only_here(text.replace("fence(release)", "fence(seq_cst)")) == []


def test_ordered_requirements() -> None:
    text = """targets armv8
memory x, y
requirement r { ordered one.first before one.second }
thread one { first: x.write_volatile(1); fence(release); second: let a = y.read_volatile() }
"""
    assert only_here(text) == [FENCE.format("fence(release)")]
    assert only_here(text.replace("let a = y.read_volatile()", "y.write_volatile(1)")) == []


def test_elsewhere_there_is_nothing_to_say() -> None:
    text = SB.replace("FIRST", "x.write_volatile(1); fence(release)")
    assert ask(text, "x86-tso").verdict == "violated"
    assert not any("only because" in note for note in ask(text, "sc").notes)


SPECS = Path(__file__).parents[3] / "specs"


@pytest.mark.parametrize(
    ("path", "variant", "requirement", "note"),
    [
        ("drivers/cloud-hypervisor", None, "no_lost_kick", "fence(release) (line 12)"),
        ("drivers/cloud-hypervisor", "since 72b736153", "no_lost_kick", ""),
        ("suppression", "driver: release fence", "no_lost_kick", "fence(release) (line 26)"),
        ("suppression", "driver: acquire-release fence", "no_lost_kick", "fence(acq_rel) (line 30)"),
        ("suppression", "driver: index release, flags acquire", "no_lost_kick", "acquire load of used.flags (line 36)"),
        ("suppression", "driver: index and flags seq_cst", "no_lost_kick", ""),
        (
            "suppression-device",
            "driver: release before the second look",
            "no_lost_interrupt",
            "fence(release) (line 7)",
        ),
        ("preempt", "T10: the recommended orders", "acted_on", "acquire load of pcpu[0].count (line 134)"),
        ("virtio/split", None, "published", ""),
        ("virtio/split", None, "completed", ""),
    ],
)
def test_in_the_specifications(path: str, variant: str | None, requirement: str, note: str) -> None:
    target = parse_target("armv8")
    program = load_spec(read_source(str(SPECS / f"{path}.litmus"))).program(target, variant)
    wanted = next(each for each in program.requirements if each.name == requirement)
    found = Checker(engine_of("smt", program, load_model("armv8"), layered=True)).run(wanted)
    said = [each for each in found.notes if "only because" in each]
    assert found.verdict == "holds"
    assert [note in each for each in said] == ([True] if note else [])


# --- against what does not share the encoding ------------------------------------------------------------


def as_promised(program: Program) -> Program:
    """`program` with fences that are no DMB ISH: ``fence-ob`` of the model says what is left of them."""

    def changed(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple([changed(one) for one in value])
        if type(value).__name__ == "Fence" and does_more(value.tags, "fence"):
            return replace(value, tags=value.tags - {"DMB.ISH"})
        if hasattr(value, "body") or hasattr(value, "then"):
            names = [field.name for field in record_fields(value) if field.name in ("body", "then", "orelse")]
            return replace(value, **{name: changed(getattr(value, name)) for name in names})
        return value

    functions = program.functions
    if isinstance(functions, dict):
        functions = {name: changed(function) for name, function in functions.items()}
    return replace(program, threads=changed(program.threads), functions=functions)


WRITES = ("{}.write_volatile({v})", "{}.store({v}, release)", "{}.store({v}, release)", "{}.store({v}, seq_cst)")
READS = ("let {r} = {}.load(acquire)", "let {r} = {}.load(acquire)", "let {r} = {}.read_volatile()")
BETWEEN = ("", "", "fence(release)", "fence(acq_rel)", "fence(acquire)", "fence(seq_cst)", "{}.write_volatile({v})")


def random_programs(seed: int, count: int) -> Iterator[str]:
    """Two threads of two accesses, to x and y and to y and x, with something between, and an outcome to ask about."""
    rng = random.Random(seed)
    for _ in range(count):
        agents, wanted = [], []
        for name, places in (("one", ("x", "y")), ("two", ("y", "x"))):
            steps = []
            for number, place in enumerate(places):
                reads = rng.random() < (0.3, 0.7)[number]
                steps.append(
                    rng.choice(READS if reads else WRITES).format(place, r=f"r{number}", v=2 - (name == "one"))
                )
                if reads:
                    wanted.append(f"{name}.r{number} == {0 if number else rng.choice((1, 2))}")
                if not number:
                    steps.append(rng.choice(BETWEEN).format("z", v=1))
            agents.append(f"thread {name} {{ {'; '.join(filter(None, steps))} }}")
        if len(wanted) >= 2:
            yield (
                "targets armv8, armv8+rcpc\nmemory x, y, z\n"
                f"requirement r {{ ~exists {' && '.join(wanted)} }}\n" + "\n".join(agents) + "\n"
            )


def test_notes_agree_with_engines_that_do_not_know_them() -> None:
    said = dict.fromkeys(WORDS, 0)
    for text in random_programs(7, 150):
        program = spec_of(text).program(parse_target("armv8"), None)
        (requirement,) = program.requirements
        found = Checker(engine_of("smt", program, load_model("armv8"), layered=True)).run(requirement)
        if found.verdict != "holds":
            continue
        promising = engine_of("enumerate", as_promised(program), load_model("armv8"), layered=True)
        fences = Checker(promising).run(requirement).verdict
        loads = ask(text, "armv8+rcpc").verdict
        assert any("full DMB" in note for note in found.notes) == (fences == "violated"), text
        assert any("LDAPR" in note for note in found.notes) == (loads == "violated"), text
        said["fence"] += fences == "violated"
        said["load"] += loads == "violated"
    assert min(said.values()) >= 2, said


def test_with_the_instructions_as_they_are_promises_say_nothing_new() -> None:
    model, text = load_model("armv8"), models()["armv8"].read_text(encoding="utf-8")
    silent = model_from_text("silent", SourceFile("silent.cat", text.replace("bob | fence-ob", "bob")))
    coherence = model_from_text("coherence", SourceFile("coherence.cat", "acyclic po-loc | rf | co | fr as internal"))
    seen = {True: 0, False: 0}
    for text in random_programs(11, 40):
        program = spec_of(text).program(parse_target("armv8"), None)
        for run in Enumeration(program, coherence).runs():
            execution = run.execution
            forbidden = bool(objections(model, execution))
            assert bool(objections(silent, execution)) == forbidden
            for word in WORDS:
                less = bool(objections(model, weakened(execution, word)))
                assert forbidden or not less
                seen[less] += forbidden
    assert min(seen.values()) > 0
    assert promised(model) == WORDS
    assert promised(silent) == promised(load_model("x86-tso")) == promised(load_model("sc")) == ()
