"""Random small programs: the search finds what trying every placement finds."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from placing import problem_of

from mmcheck.placement.oracle import Oracle
from mmcheck.placement.search import Search

PLACES = ("x", "y")


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Two threads of two or three accesses with a gap in the middle, and a final state that is asked for."""
    threads, conditions = [], []
    for number in range(2):
        lines = []
        count = draw(st.integers(2, 3))
        for position in range(count):
            place = draw(st.sampled_from(PLACES))
            kind = draw(st.sampled_from(("plain", "volatile", "marked")))
            register = f"r{number}{position}"
            if draw(st.booleans()):
                value = draw(st.integers(1, 2))
                form = {"plain": f"{place} = {value}", "volatile": f"{place}.write_volatile({value})"}
                lines.append(form.get(kind, f"{place}.store({value}, relaxed?)"))
            else:
                form = {"plain": place, "volatile": f"{place}.read_volatile()"}
                lines.append(f"let {register} = {form.get(kind, f'{place}.load(relaxed?)')}")
                conditions.append(f"P{number}.{register} == {draw(st.integers(0, 2))}")
            if position == 0:
                lines.append(f"g{number}: nothing")
        threads.append(f"thread P{number} {{ {'; '.join(lines)} }}")
    conditions.append(f"{draw(st.sampled_from(PLACES))} == {draw(st.integers(0, 2))}")
    return "\n".join(
        ['spec "random"', "targets armv8, x86-tso", "memory x, y", *threads, f"exists {' && '.join(conditions)}"]
    )


@given(programs())
@settings(max_examples=15)
def test_the_search_finds_what_trying_all_finds(text: str) -> None:
    problem = problem_of(text)
    oracle = Oracle(problem)
    names = [site.name for site in problem.open_sites]
    fixed = {site.name: site.written for site in problem.sites if site.auxiliary}
    options = [[option.name for option in site.options] for site in problem.open_sites]
    total = 1
    for each in options:
        total *= len(each)
    if total > 400:
        return
    right = []
    for words in product(*options):
        placement = {**fixed, **dict(zip(names, words, strict=True))}
        if oracle.refute(placement) is None:
            right.append((problem.total(placement), sorted(placement.items())))
    outcome = Search(problem, Oracle(problem)).run()
    assert outcome.proved
    if not right:
        assert outcome.impossible
        return
    least = min(cost for cost, _ in right)
    cheapest = sorted(placement for cost, placement in right if cost == least)
    assert outcome.cost == least
    assert outcome.more or sorted(sorted(each.items()) for each in outcome.optima) == cheapest
