"""What a compiler may do: both engines say the same, and, by the enumerator alone, changes of the text that a compiler
could undo change nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from mmcheck.base.errors import UnknownVerdict
from mmcheck.engines.enumeration.enumerate import Enumeration, Limits
from mmcheck.engines.enumeration.keep import profile as keep_of
from mmcheck.model.model import load_model
from mmcheck.target.targets import parse_target
from tests.property.sources import BARRIERS, PLACE, bodies, nested, reads, source_text, writes
from tests.property.test_source import PROFILES as ALL_PROFILES
from tests.property.test_source import TARGETS, State, enumerated, program_of, shown, solved

PHASES = [phase for phase in Phase if phase is not Phase.explain]
LIMITS = Limits(candidates=30_000, combinations=30_000, traces=2_000)
Body = tuple[str, ...]
PROFILES = pytest.mark.parametrize("profile", ["observed", "language"])
PEERS = st.tuples(reads("r0", "y"), st.sampled_from(BARRIERS), writes("x", "1"))
CLOSING = st.sampled_from(["barrier()", "barrier()", *BARRIERS])
HANDED_ON = st.tuples(reads("r0", "x"), CLOSING, writes("y", "1"))
MANY = settings(max_examples=settings().max_examples, deadline=None, phases=PHASES)


def states(first: Body, second: Body, target: str, profile: str | None, *, unseen: str = "") -> set[State]:
    """The final states of two threads; without a profile, of the text as it stands. Nobody looks at `unseen`."""
    program = program_of(source_text((first, second)), target)
    names = {f"T{number}:{name}" for number in (0, 1) for name in re.findall(r"\br\d\b", str(program))}
    model = load_model(parse_target(target).model)
    keep = None if profile is None else keep_of(profile, target)
    search = Enumeration(
        program, model, settle=True, keep=keep, limits=LIMITS, observed=frozenset(names - {f"T0:{unseen}"})
    )
    try:
        found = {shown(dict(run.final)) for run in search.runs() if not run.stray}
    except UnknownVerdict:
        assume(False)
    return {tuple(pair for pair in state if pair[0] != f"T0:{unseen}") for state in found}


@pytest.mark.parametrize("profile", ALL_PROFILES)
@given(data=st.data())
@MANY
def test_both_engines_find_the_same_states(profile: str, data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(TARGETS))
    lines = [data.draw(reads("r0", data.draw(PLACE))), data.draw(reads("r1", data.draw(PLACE)))]
    lines += data.draw(st.lists(st.sampled_from(["r0", "r1"]).flatmap(nested), min_size=1, max_size=3))
    program = program_of(source_text((tuple(lines), data.draw(PEERS))), target)
    try:
        listed, solution = [set(each(program, target, profile, exact=False)) for each in (enumerated, solved)]
    except UnknownVerdict:
        assume(False)
    assert listed == solution, f"{target}\n{source_text((tuple(lines),))}"


@given(data=st.data())
@MANY
def test_a_compiler_may_leave_the_text_as_it_is_and_who_promises_less_allows_more(data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(TARGETS))
    threads = data.draw(st.tuples(bodies(5), bodies(4)))
    text, observed, language = [states(*threads, target, profile) for profile in (None, "observed", "language")]
    assert text <= observed <= language, f"{target}\n{source_text(threads)}"


@PROFILES
@given(data=st.data())
@MANY
def test_a_dead_store_forbids_nothing(profile: str, data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(TARGETS))
    first, second = data.draw(st.tuples(bodies(4), bodies(3)))
    plain = [i for i, line in enumerate(first) if re.fullmatch(r"\w+(\[0\])? = .*", line)]
    assume(plain)
    at = data.draw(st.sampled_from(plain))
    more = (*first[:at], f"{first[at].split(' = ')[0]} = 7", *first[at:])
    before, after = [states(each, second, target, profile) for each in (first, more)]
    assert before <= after, f"{target}\n{source_text((more, second))}"


@PROFILES
@given(data=st.data())
@MANY
def test_a_plain_load_that_nobody_uses_forbids_nothing(profile: str, data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(TARGETS))
    first, second = data.draw(st.one_of(st.tuples(bodies(4), bodies(3)), st.tuples(HANDED_ON, PEERS)))
    at = data.draw(st.integers(0, len(first)))
    load = f"let r9 = {data.draw(st.sampled_from(['x', 'y', 'z[0]']))}"
    known = [name for line in first[:at] for name in re.findall(r"^let (r\d) =", line)]
    if known and data.draw(st.booleans()):
        load = f"if {data.draw(st.sampled_from(known))} == {data.draw(st.integers(0, 1))} {{ {load} }}"
    more = (*first[:at], load, *first[at:])
    before, after = [states(each, second, target, profile, unseen="r9") for each in (first, more)]
    assert before <= after, f"{target}\n{source_text((more, second))}"


@st.composite
def branches(draw: st.DrawFn) -> tuple[str, str, str, str, Body]:
    """A read, a test of it, two arms and what stands behind."""
    place = draw(PLACE)
    steps = st.one_of(writes("y", "1"), writes("z[0]", "1"), writes("y", "r0"), st.sampled_from(BARRIERS))
    arms = [draw(st.lists(steps, max_size=2)) for _ in range(2)]
    rest = draw(st.lists(steps, min_size=1, max_size=2))
    test = f"r0 == {draw(st.integers(0, 2))}"
    return draw(reads("r0", place)), test, *["; ".join(arm) or "nothing" for arm in arms], tuple(rest)  # type: ignore[return-value]


@PROFILES
@given(data=st.data())
@MANY
def test_a_store_that_an_arm_overrides_forbids_no_more_than_two_arms(profile: str, data: st.DataObject) -> None:
    target, place = data.draw(st.sampled_from(TARGETS)), data.draw(PLACE)
    read, peer = data.draw(reads("r0", "x")), data.draw(PEERS)
    test = f"r0 == {data.draw(st.sampled_from([1, 1, 0]))}"
    rest = (data.draw(CLOSING), data.draw(writes("y", "1")))
    arms = (read, f"if {test} {{ {place} = 2 }} else {{ {place} = 1 }}", *rest)
    override = (read, f"{place} = 1", f"if {test} {{ {place} = 2 }}", *rest)
    before, after = [states(each, peer, target, profile) for each in (arms, override)]
    assert before <= after, f"{target}\n{source_text((override, peer))}"


@PROFILES
@given(data=st.data())
@MANY
def test_kinds_of_one_instruction_make_no_branch(profile: str, data: st.DataObject) -> None:
    """An arm that is weaker, and the same instruction, forbids nothing."""
    target, read, peer = data.draw(st.sampled_from(TARGETS)), data.draw(reads("r0", "x")), data.draw(PEERS)
    pairs = [("let t = z[0].load({})", "acquire"), ("compiler_fence({})", "release"), ("compiler_fence({})", "acquire")]
    pairs += [("z[0].store(1, {})", "release")] if target != "x86-tso" else []
    word, order = data.draw(st.sampled_from(pairs))
    weak, strong = word.format(order), word.format("seq_cst")
    rest = (data.draw(writes("y", "1")),)
    alike, apart = [(read, f"if r0 == 1 {{ {each} }} else {{ {strong} }}", *rest) for each in (strong, weak)]
    before, after = [states(each, peer, target, profile) for each in (alike, apart)]
    assert before <= after, f"{target}\n{source_text((apart, peer))}"


@PROFILES
@given(parts=branches(), peer=PEERS, target=st.sampled_from(TARGETS))
@MANY
def test_how_a_test_is_written_makes_no_difference(
    profile: str, parts: tuple[str, str, str, str, Body], peer: Body, target: str
) -> None:
    """Arms in their order or turned, by the test itself or by a flag. With the rest written out in each arm, one event
    may stand for more than one of the other arm: that allows no less."""
    read, test, one, other, rest = parts
    ways = [
        (read, f"if {test} {{ {one} }} else {{ {other} }}", *rest),
        (read, f"if !({test}) {{ {other} }} else {{ {one} }}", *rest),
        (read, "let mut flag = 0", f"if {test} {{ flag = 1 }}", f"if flag == 1 {{ {one} }} else {{ {other} }}", *rest),
        (read, f"if {test} {{ {'; '.join((one, *rest))}; return }}", other, *rest),
    ]
    found = [states(way, peer, target, profile) for way in ways]
    found[2] = {tuple(pair for pair in state if pair[0] != "T0:flag") for state in found[2]}
    for way, each in zip(ways[:3], found, strict=False):
        assert each == found[0], f"{target}\n{source_text((way, peer))}"
    assert found[0] <= found[3], f"{target}\n{source_text((ways[3], peer))}"
