"""A stronger choice never adds a behaviour: what `mmcheck place` prunes with, tested before it is used.

Every pair of options that may stand at one site, on every built-in target: if one is claimed to be stronger (more
powers), it keeps whatever the other keeps in every context. And on whole programs: a run that a stronger placement
allows, the weaker one allows, too. A model for which that is false must be found out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmcheck.base.source import SourceFile
from mmcheck.language.lower.choices import Option
from mmcheck.language.lower.spec import load_spec
from mmcheck.placement.monotone import Order, is_stronger, keeps_more
from mmcheck.placement.options import fence_options, instruction_options, order_options, pieces_of, powers
from mmcheck.placement.oracle import Oracle
from mmcheck.placement.problem import make_problem
from mmcheck.placement.search import Search
from mmcheck.target.costs import default_costs
from mmcheck.target.targets import parse_target
from mmcheck.target.words import METHODS, WORDS

TARGETS = ("armv8", "armv8+lse+rcpc", "x86-tso", "sc")
BENCH = Path(__file__).resolve().parents[1] / "bench" / "place"


def groups(target: str) -> Iterator[tuple[Option, ...]]:
    """Options that may stand at one site."""
    yield fence_options(None, prefix="", style="|snake")
    for prefix in ("virtio_", "smp_", "dma_"):
        yield fence_options(None, prefix=prefix, style="|snake")
    yield instruction_options(None, parse_target(target))
    for name in ("load", "store", "swap", "fetch_add"):
        yield order_options(METHODS[name], ("relaxed",), (True,))
    yield order_options(METHODS["compare_exchange"], ("relaxed", "relaxed"), (True, True))
    yield order_options(METHODS["compare_exchange"], ("relaxed", "acquire"), (True, False))


@pytest.mark.parametrize(
    "compiler",
    ["observed", "llvm", *[pytest.param(each, marks=pytest.mark.exhaustive) for each in ("gcc", "language")]],
)
@pytest.mark.parametrize("target", TARGETS)
def test_more_powers_keep_more(target: str, compiler: str) -> None:
    machine = parse_target(target)
    pairs = 0
    for options in groups(target):
        for weak in options:
            for strong in options:
                first, second = powers(weak, machine), powers(strong, machine)
                between = any(first < powers(other, machine) < second for other in options)
                if first < second and not between:
                    pairs += 1
                    assert keeps_more(pieces_of(weak, machine), pieces_of(strong, machine), machine, compiler), (
                        weak,
                        strong,
                    )
    assert pairs >= (8 if target == "sc" else 20)


@pytest.mark.parametrize("target", ("armv8", "x86-tso"))
def test_the_test_can_fail(target: str) -> None:
    """It tells what is not stronger: fewer powers keep less in some context."""
    machine = parse_target(target)
    options = fence_options(None, prefix="", style="|snake")
    nothing, strong = options[0], options[-1]
    assert not keeps_more(pieces_of(strong, machine), pieces_of(nothing, machine), machine)
    release = Option("release", ((WORDS["fence"], ("release",)),))
    acquire = Option("acquire", ((WORDS["fence"], ("acquire",)),))
    # On Armv8 a release fence is a full DMB, and still lets the compiler move a plain read up over it.
    assert not keeps_more(pieces_of(acquire, machine), pieces_of(release, machine), machine)


def test_a_model_that_is_not_monotone_is_found_out(tmp_path: Path) -> None:
    """In this model a full DMB takes the order away that a DMB LD gives."""
    file = tmp_path / "odd.cat"
    file.write_text(
        '"odd"\nlet bob = ([R];po;[DMB.ISHLD];po;[M]) | (([W];po;[W]) \\ ([W];po;[DMB.ISH];po;[W]))\n'
        "acyclic po-loc | rf | co | fr as internal\nacyclic bob | rfe | coe | fre as external\n",
        encoding="utf-8",
    )
    target = parse_target(f"{file}+armv8")
    nothing = Option("nothing")
    release = Option("release", ((WORDS["fence"], ("release",)),))
    acquire = Option("acquire", ((WORDS["fence"], ("acquire",)),))
    assert is_stronger(nothing, acquire, target)
    assert not is_stronger(nothing, release, target)


SPECS = ("sb.litmus", "peterson.litmus", "ttas.litmus", "seqlock.litmus", "clh.litmus")


def _search(name: str) -> Search:
    path = BENCH / name
    spec = load_spec(SourceFile(str(path), path.read_text(encoding="utf-8")))
    problem = make_problem(spec, spec.targets, scope="marked", costs=default_costs())
    return Search(problem, Oracle(problem))


_searches: dict[str, Search] = {}


@given(st.sampled_from(SPECS), st.data())
def test_a_run_of_a_stronger_placement_is_one_of_the_weaker(name: str, data: st.DataObject) -> None:
    """For the runs that a search has met, and two random placements, one above the other."""
    if name not in _searches:
        _searches[name] = _search(name)
        _searches[name].run()
    search = _searches[name]
    order = Order(search.problem)
    weak, strong = {}, {}
    for site in search.problem.sites:
        option = data.draw(st.sampled_from([each.name for each in site.options]), label=site.name)
        strong[site.name] = option
        weak[site.name] = data.draw(st.sampled_from(sorted(order.no_stronger(site.name, option))), label=site.name)
    for found in search.pool:
        if found.replay.allowed(strong):
            assert found.replay.allowed(weak)


@given(st.sampled_from(SPECS), st.data())
def test_a_stronger_placement_is_right_if_the_weaker_is(name: str, data: st.DataObject) -> None:
    """The same by the solver, around the optimum: raising any sites of a right placement leaves it right."""
    if name not in _searches:
        _searches[name] = _search(name)
        _searches[name].run()
    search = _searches[name]
    strong = dict(search.outcome.optima[0])
    for site in search.problem.sites:
        above = [strong[site.name], *search.order.above(site.name, strong[site.name])]
        strong[site.name] = data.draw(st.sampled_from(above), label=site.name)
    assert search.oracle.refute(strong) is None
