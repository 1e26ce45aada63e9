"""The parts: master, options, costs, alternatives in the event graph, replay, edits."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from placing import BENCH, SPECS, part_of, problem_of, search_of, spec_of

from mmcheck.base.errors import InputError
from mmcheck.base.source import SourceFile
from mmcheck.language.lower.spec import load_spec
from mmcheck.model.model import load_model
from mmcheck.placement.edits import apply, diff, edits_of
from mmcheck.placement.master import Master
from mmcheck.placement.monotone import Order
from mmcheck.placement.options import fence_options, order_options, spell, style_of
from mmcheck.target.architecture import ARCHITECTURES
from mmcheck.target.costs import read_costs
from mmcheck.target.targets import parse_target
from mmcheck.target.words import METHODS
from mmcheck.verdict.check import Checker, engine_of
from mmcheck.verdict.solver import Solver

# --- master ------------------------------------------------------------------------------------------------


@st.composite
def masters(draw: st.DrawFn) -> Master:
    sites = draw(st.integers(1, 4))
    costs = {
        f"s{i}": {f"o{j}": float(draw(st.integers(0, 4))) for j in range(draw(st.integers(1, 3)))} for i in range(sites)
    }
    master = Master(costs)
    for _ in range(draw(st.integers(0, 5))):
        clause = {}
        for site, options in costs.items():
            chosen = draw(st.frozensets(st.sampled_from(sorted(options))))
            if chosen:
                clause[site] = chosen
        master.add(clause)
    return master


@given(masters())
def test_master_is_exact_and_finds_all(master: Master) -> None:
    """Against all placements: the cheapest, and by exclusion all of them."""
    names = sorted(master.costs)
    clauses = list(master.clauses)
    good = []
    for words in product(*(sorted(master.costs[name]) for name in names)):
        placement = dict(zip(names, words, strict=True))
        if all(any(placement[site] in options for site, options in clause.items()) for clause in clauses):
            good.append((sum(master.costs[site][word] for site, word in placement.items()), placement))
    found = master.solve()
    if not good:
        assert found is None
        return
    least = min(cost for cost, _ in good)
    assert found is not None and found[0] == least
    listed = []
    while found is not None:
        listed.append(sorted(found[1].items()))
        master.exclude(found[1])
        found = master.solve(least)
    assert sorted(listed) == sorted(sorted(placement.items()) for cost, placement in good if cost == least)


# --- options -----------------------------------------------------------------------------------------------


def test_orders_keep_the_spelling_of_the_file() -> None:
    assert spell("acq_rel", style_of("Ordering::Release")) == "Ordering::AcqRel"
    assert spell("acq_rel", style_of("SeqCst")) == "AcqRel"
    assert spell("acq_rel", style_of("seq_cst")) == "acq_rel"
    names = [option.name for option in fence_options(None, prefix="", style=style_of("SeqCst"))]
    assert names[-1] == "fence(SeqCst)"


def test_linux_files_get_linux_words() -> None:
    names = [option.name for option in fence_options(None, prefix="virtio_", style="|snake")]
    assert names == ["nothing", "barrier()", "virtio_rmb()", "virtio_wmb()", "virtio_mb()"]


def test_a_failure_order_goes_no_further_than_the_success() -> None:
    options = order_options(METHODS["compare_exchange"], ("seq_cst", "relaxed"), (True, True))
    names = {option.name for option in options}
    assert "release, acquire" not in names and "acq_rel, acquire" in names and "relaxed, relaxed" in names
    assert options[0].name == "relaxed, relaxed"


def test_only_the_marked_order_is_open() -> None:
    options = order_options(METHODS["compare_exchange"], ("seq_cst", "acquire"), (True, False))
    assert {option.name.split(", ")[1] for option in options} == {"acquire"}


NAMES = ("sb", "peterson", "ticket", "clh", "mcs", "seqlock", "spsc", "chase-lev", "dekker", "ttas")


@pytest.mark.parametrize("name", NAMES)
def test_strength_is_a_partial_order(name: str) -> None:
    problem = search_of(BENCH / f"{name}.litmus").problem
    order = Order(problem)
    for site in problem.sites:
        below = {option.name: order.no_stronger(site.name, option.name) for option in site.options}
        for option, under in below.items():
            assert option in under
            for other in under:
                assert below[other] <= under
                assert other == option or option not in below[other]
        assert all(site.weakest in under for under in below.values())


# --- costs -------------------------------------------------------------------------------------------------


def test_every_row_of_the_table_has_a_source() -> None:
    rows = [row for each in ARCHITECTURES.values() for row in (each.costs or {}).values()]
    assert rows and all(weight >= 0 and source for weight, source in rows)


def test_costs_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "costs.toml"
    file.write_text('await_rounds = 3\n[armv8]\n"dmb ish" = 7\n[frequency]\n"submit.publish" = 100\n', encoding="utf-8")
    costs = read_costs(file)
    assert costs.table["armv8"]["dmb ish"] == 7 and costs.table["armv8"]["dmb ishld"] == 15
    assert costs.rounds == 3 and costs.frequency == {"submit.publish": 100}


@pytest.mark.parametrize("text", ("[arm]\nx = 1\n", "[armv8]\n'dmb ish' = 'much'\n", "[armv8\n", "await_rounds = -1\n"))
def test_costs_that_are_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "costs.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as found:
        read_costs(file)
    assert found.value.diagnostics[0].code == "MM017"


def test_what_a_wait_repeats_counts_per_iteration() -> None:
    search = search_of(SPECS / "seed.litmus", scope="all", variant="a fence in each iteration")
    problem = search.problem
    target = problem.targets[0]
    inside = problem.by_target[target, "poll_used.looking", "fence(seq_cst)"]
    (outside,) = [site.name for site in problem.sites if site.name.startswith("poll_used@behind")]
    assert inside > 5 * problem.by_target[target, outside, "fence(seq_cst)"]


# --- one event for all options -----------------------------------------------------------------------------


OPEN = (
    BENCH / "sb.litmus",
    BENCH / "ttas.litmus",
    BENCH / "clh.litmus",
    BENCH / "seqlock.litmus",
    SPECS / "seed.litmus",
)


@pytest.mark.parametrize("path", OPEN, ids=lambda path: path.stem)
@pytest.mark.parametrize("target", ("armv8", "x86-tso"))
def test_open_program_is_each_of_its_closed_ones(path: Path, target: str) -> None:
    """One encoding under assumptions says what the edited text says when it is loaded and checked on its own."""
    problem = problem_of(path, target, scope="all")
    machine = parse_target(target)
    text = path.read_text(encoding="utf-8")
    samples = _samples(problem)
    solver = engine_of("smt", problem.programs[machine], load_model(machine.model), layered=True)
    assert isinstance(solver, Solver)
    for placement in samples:
        open_checker = Checker(solver.sibling(placement))
        edited = apply(text, edits_of(problem, placement))
        program = load_spec(SourceFile(str(path), edited)).program(machine)
        closed = Checker(engine_of("smt", program, load_model(machine.model), layered=True))
        for requirement in program.requirements:
            first, second = open_checker.run(requirement), closed.run(requirement)
            assert (first.verdict, first.layer) == (second.verdict, second.layer), (placement, requirement.name)


def _samples(problem) -> list[dict[str, str]]:  # type: ignore[no-untyped-def]
    """All weakest, all strongest, as written, and each site alone at each of its options."""
    weakest = problem.weakest()
    strongest = {site.name: site.options[-1].name for site in problem.sites}
    out = [weakest, strongest, problem.written]
    for site in problem.sites[:6]:
        out += [{**strongest, site.name: option.name} for option in site.options]
    return out


def test_replay_agrees_with_the_solver() -> None:
    """Every run that a search met is allowed under the placement that it refuted, and judged so without the solver."""
    search = search_of(BENCH / "peterson.litmus")
    search.run()
    assert search.pool
    strongest = {site.name: search.order.strongest_above(site.name, site.weakest) for site in search.problem.sites}
    for found in search.pool:
        assert found.replay.allowed(search.problem.weakest())
        assert not found.replay.allowed(strongest)


# --- edits -------------------------------------------------------------------------------------------------

TEXT = """spec "edits"   // a title
targets armv8, x86-tso
volatile x, y, z
requirement seen { says "s" }
thread P0 {
  x = 1      // data
  w: nothing // here
  y = 1
  fence(seq_cst?)
  z = 1; y = 2
}
thread P1 { let a = y.load(Acquire?); let b = x; assert a != 1 || b == 1 for seen }
"""


def test_edits_leave_everything_else_as_it_is() -> None:
    problem = problem_of(TEXT, scope="all")
    placement = dict(problem.written)
    names = {site.name: site for site in problem.sites}
    placement["P0.w"] = "fence(release)"
    placement["P0@9"] = "fence(acquire)"
    placement["P1.a"] = "relaxed"
    (gap,) = [name for name in names if name.startswith("P0@before 10")]
    placement[gap] = "fence(acq_rel)"
    text = apply(TEXT, edits_of(problem, placement))
    expected = (
        TEXT.replace("w: nothing //", "w: fence(release) //")
        .replace("fence(seq_cst?)", "fence(acquire?)")
        .replace("z = 1; y = 2", "z = 1; fence(acq_rel); y = 2")
        .replace("Acquire?", "Relaxed?")
    )
    assert text == expected
    assert diff("a.litmus", TEXT, TEXT) == ""


def test_an_unnamed_fence_goes_with_its_line() -> None:
    problem = problem_of(TEXT, scope="all")
    text = apply(TEXT, edits_of(problem, {**problem.written, "P0@9": "nothing"}))
    assert text == TEXT.replace("  fence(seq_cst?)\n", "")


def test_gaps_get_lines_of_their_own() -> None:
    text = TEXT.replace("\n  fence(seq_cst?)", "").replace("z = 1; y = 2", "z = 1\n  y = 2")
    problem = problem_of(text, scope="all")
    (gap,) = [site.name for site in problem.sites if site.name == "P0@before 10"]
    edited = apply(text, edits_of(problem, {**problem.written, gap: "fence(release)"}))
    assert edited == text.replace("  y = 2\n", "  fence(release)\n  y = 2\n")


def test_line_ends_are_kept() -> None:
    text = TEXT.replace("\n  fence(seq_cst?)", "").replace("z = 1; y = 2", "z = 1\n  y = 2").replace("\n", "\r\n")
    problem = problem_of(text, scope="all")
    edited = apply(text, edits_of(problem, {**problem.written, "P0@before 10": "fence(release)"}))
    assert edited.replace("\r\n", "").count("\n") == 0


def test_instructions_of_the_target() -> None:
    spec = BENCH / "seqlock.litmus"
    from mmcheck.placement.place import PlaceOptions, solve

    part = solve(spec_of(spec), [parse_target("armv8")], PlaceOptions(instructions=True))
    words = {word for word in part.outcome.optima[0].values() if word.startswith("dmb")}
    assert words <= {"dmb(ishld)", "dmb(ishst)", "dmb(ish)"} and words


def test_core_names_the_barriers_of_the_proof() -> None:
    part = part_of(BENCH / "ticket.litmus")
    assert part.findings.rests_on == {
        "armv8": ["lock.owner.load", "unlock.owner.store"],
        "x86-tso": ["lock.owner.load", "unlock.owner.store"],
    }
