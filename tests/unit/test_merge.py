"""Programs that differ in barriers and orders alone are one program with choices, and each of them is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmcheck.base.files import read_source
from mmcheck.ir.product import SITE, groups, merged, selected
from mmcheck.ir.program import Assign, Await, Block, Choice, Const, Fence, If, Load, Origin, Program, Reg, Store, Thread
from mmcheck.language.lower.spec import load_spec
from mmcheck.verdict.question import Question
from mmcheck.verdict.verify import verify as verify_all
from mmcheck.verdict.verify import verify_file

ROOT = Path(__file__).resolve().parents[2]
X = Const(0x1000, 64)
ONE = Const(1)
A = Reg("a")
FULL, WRITES = Fence(frozenset({"DMB.SY"}), Origin(text="full")), Fence(frozenset({"DMB.ST"}), Origin(text="writes"))
LOAD = Load(A, X, frozenset({"Volatile"}))
STORE = Store(X, ONE, frozenset({"Volatile"}))


def program(*body: object) -> Program:
    return Program("p", "armv8", (Thread("T", tuple(body), source=True),), ())  # type: ignore[arg-type]


def body_of(found: Program) -> Block:
    return found.threads[0].body


def test_equal_programs_are_one_without_a_choice() -> None:
    (group,) = groups({"1": program(LOAD, FULL, STORE), "2": program(LOAD, FULL, STORE)})
    assert group.names == ("1", "2")
    assert body_of(group.program) == (LOAD, FULL, STORE)


def test_barriers_become_choices_in_an_order_that_suits_all() -> None:
    bodies = {"1": (LOAD, FULL, WRITES, STORE), "2": (LOAD, WRITES, FULL, STORE, FULL), "3": (LOAD, STORE)}
    found = merged({name: program(*body) for name, body in bodies.items()})
    choices = [each for each in body_of(found) if isinstance(each, Choice)]
    assert {choice.site for choice in choices} == {SITE}
    assert all([name for name, _ in choice.options] == ["1", "2", "3"] for choice in choices)
    for name, body in bodies.items():
        assert body_of(selected(found, name)) == body


def test_orders_of_one_access_become_a_choice() -> None:
    release = Store(X, ONE, frozenset({"L"}), Origin(text="release"))
    found = merged({"1": program(STORE), "2": program(release)})
    (choice,) = body_of(found)
    assert isinstance(choice, Choice)
    assert dict(choice.options) == {"1": (STORE,), "2": (release,)}


def test_blocks_are_merged_inside() -> None:
    def nested(*inner: object) -> Program:
        return program(Await((LOAD, *inner), A), If(A, (STORE,), tuple(inner)))  # type: ignore[arg-type]

    found = merged({"1": nested(), "2": nested(FULL)})
    wait, branch = body_of(found)
    assert isinstance(wait, Await) and isinstance(wait.body[1], Choice)
    assert isinstance(branch, If) and isinstance(branch.orelse[0], Choice)
    assert selected(found, "1") == nested()
    assert selected(found, "2") == nested(FULL)


@pytest.mark.parametrize(
    "other",
    [
        (LOAD, Store(X, Const(2), STORE.tags)),
        (LOAD, Store(X, ONE, frozenset({"Plain"}))),
        (LOAD, STORE, STORE),
        (LOAD,),
        (LOAD, Assign(A, ONE), STORE),
        (LOAD, Fence(frozenset({"IrqOff"})), STORE),
        (LOAD, Store(X, ONE, STORE.tags, Origin(site="here"))),
        (If(A, (LOAD,)), STORE),
    ],
    ids=["value", "plain", "more", "less", "assignment", "interrupts", "label", "branch"],
)
def test_what_differs_in_more_stays_apart(other: Block) -> None:
    one, two = program(LOAD, STORE), program(*other)
    assert [group.program for group in groups({"1": one, "2": two})] == [one, two]
    with pytest.raises(ValueError, match="more than barriers"):
        merged({"1": one, "2": two})


@pytest.mark.parametrize("path", sorted((ROOT / "specs").rglob("*.litmus")), ids=lambda path: path.stem)
def test_every_variant_of_the_specifications_is_in_its_group(path: Path) -> None:
    spec = load_spec(read_source(str(path)))
    for target in spec.targets if not spec.is_library else ():
        titles = [None, *[each.title for each in spec.variants if spec.applicable(each.title, target)]]
        programs = {str(title): spec.program(target, title) for title in titles}
        for group in groups(programs):
            for name in group.names:
                found, wanted = selected(group.program, name), programs[name]
                assert found.threads == wanted.threads
                assert {key: found.functions[key] for key in wanted.functions} == dict(wanted.functions)
                assert set(wanted.requirements) <= set(group.program.requirements)


SPEC = """
targets armv8, x86-tso
memory { data: u32, flag: u32 }
requirement seen { says "who sees the flag sees the data" }
thread writer {
  data = 1
  publish: fence(release)
  ready: flag.store(1, relaxed)
}
thread reader {
  look: let f = flag.load(acquire)
  behind: nothing
  let d = data.read_volatile()
  assert f == 0 || d == 1 for seen
}
variant "compiler fence" {
  replace publish with compiler_fence(release)
  expect seen violated by hardware on armv8
}
variant "none" {
  drop publish
  expect seen violated by hardware on armv8
  expect seen violated by compiler on x86-tso
}
variant "in the store" {
  drop publish
  set ready to release
}
variant "relaxed" {
  set look to relaxed
  expect seen violated by hardware on armv8
}
variant "fence behind" {
  set look to relaxed
  replace behind with fence(acquire)
}
"""


def test_results_are_those_of_each_variant_alone(tmp_path: Path) -> None:
    path = tmp_path / "variants.litmus"
    path.write_text(SPEC, encoding="utf-8")
    spec = load_spec(read_source(str(path)))
    for target in spec.targets:
        programs = {str(each): spec.program(target, each) for each in (None, *[v.title for v in spec.variants])}
        assert len(groups(programs)) == 1
    together = verify_file(str(path), Question())
    assert not together.diagnostics
    alone = {
        (result.variant, result.target): result
        for title in ("base", *[each.title for each in spec.variants])
        for result in verify_all([path], variants=[title], cache=False).results
    }
    assert len(together.results) == len(alone) == 12
    for result in together.results:
        other = alone[result.variant, result.target]
        assert result.verdict == result.expected, result
        assert (result.verdict, result.layer, result.notes) == (other.verdict, other.layer, other.notes)
        if result.counterexample is not None:
            assert other.counterexample is not None
            texts = [
                {event.origin.text for event in found.counterexample.execution.events}
                for found in (result, other)
                if found.counterexample is not None
            ]
            assert texts[0] == texts[1]  # of the words of its own variant


@pytest.mark.parametrize("tag", ["load", "store"])
def test_a_branch_decides_on_a_write_in_those_variants_alone_in_which_its_arms_differ(tmp_path: Path, tag: str) -> None:
    """Equal writes of both arms a compiler makes one, which no branch decides on; a release and a relaxed one stay."""
    arms = {
        "store": ("one: y.store(1, relaxed)", "other: y.store(1, relaxed)", "set one to release"),
        "load": (
            "one: let c = z.load(relaxed)\n    y.store(1 + c, relaxed)",
            "other: let c = z.load(relaxed)\n    y.store(1 + c, relaxed)",
            "set one to acquire",
        ),
    }
    one, other, edit = arms[tag]
    path = tmp_path / "arms.litmus"
    path.write_text(
        f"""
targets armv8
memory {{ x: u32, y: u32, z: u32 }}
requirement behind {{ says "the write takes effect behind the read that the branch tests" }}
thread T0 {{
  let a = x.load(relaxed)
  if a == 1 {{
    {one}
  }} else {{
    {other}
  }}
  assert a == 0 for behind
}}
thread T1 {{
  let b = y.load(relaxed)
  fence(seq_cst)
  x.store(b, relaxed)
}}
variant "apart" {{
  {edit}
}}
""",
        encoding="utf-8",
    )
    spec = load_spec(read_source(str(path)))
    programs = {str(each): spec.program(spec.targets[0], each) for each in (None, "apart")}
    assert len(groups(programs)) == 1
    together = {result.variant: result.verdict for result in verify_file(str(path), Question()).results}
    assert together == {None: "violated", "apart": "holds"}
