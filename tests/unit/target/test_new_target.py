"""A target is one module and one cat file: with these two, and nothing else touched, it verifies, places, and says by
name what it lacks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mmcheck.base.errors import InputError, UnknownVerdict
from mmcheck.base.source import SourceFile
from mmcheck.language.lower.spec import Spec, load_spec
from mmcheck.machine.runner import machine_for
from mmcheck.placement.place import Part, PlaceOptions, PlaceReport, place_spec
from mmcheck.target.architecture import ARCHITECTURES
from mmcheck.target.targets import parse_target
from mmcheck.target.words import realise
from mmcheck.verdict.question import Question
from mmcheck.verdict.results import Result
from mmcheck.verdict.verify import verify_file
from tests.data.toy.machine import Toy

DEKKER = """spec "Dekker's entry"
targets {targets}
memory x, y
requirement alone {{ ~exists one.a == 0 && two.b == 0 }}
thread one {{ x.store(1, relaxed); here: {word}; let a = y.load(relaxed) }}
thread two {{ y.store(1, relaxed); there: {word}; let b = x.load(relaxed) }}
"""


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Toy]]:
    monkeypatch.setitem(ARCHITECTURES, "toy", Toy)
    yield Toy


def verdicts(folder: Path, text: str) -> dict[str, tuple[str, str | None]]:
    path = folder / "toy.litmus"
    path.write_text(text, encoding="utf-8")
    found: list[Result] = list(verify_file(str(path), Question()).results)
    return {each.target: (each.verdict, each.layer) for each in found}


def placed(word: str, target: str = "toy", *, instructions: bool = False) -> Part:
    spec: Spec = load_spec(SourceFile("toy.litmus", DEKKER.format(targets="toy", word=word)))
    report = PlaceReport(spec.path)
    options = PlaceOptions(targets=(target,), scope="marked", instructions=instructions)
    place_spec(spec, spec.files[-1], options, report)
    assert report.part is not None
    return report.part


def test_it_verifies(tmp_path: Path) -> None:
    holds, violated = ("holds", None), ("violated", "hardware")
    assert verdicts(tmp_path, DEKKER.format(targets="toy, sc", word="fence(seq_cst)")) == {"toy": holds, "sc": holds}
    assert verdicts(tmp_path, DEKKER.format(targets="toy, sc", word="nothing")) == {"toy": violated, "sc": holds}
    told = DEKKER.format(targets="toy, x86-tso", word="on toy { fence(seq_cst) }")
    assert verdicts(tmp_path, told) == {"toy": holds, "x86-tso": violated}


@pytest.mark.parametrize("instructions", [False, True])
def test_it_places_at_its_own_costs(instructions: bool) -> None:
    part = placed("fence(acquire)", instructions=instructions)
    assert part.outcome.proved and part.outcome.cost is not None and part.outcome.cost >= 2 * 20
    assert set(part.outcome.optima[0].values()) == {"fence(seq_cst)"}


def test_nothing_is_free_unseen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "own.cat").write_text("acyclic po-loc | rf | co | fr as internal\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"MM025.*nobody knows what the instructions of .*own\.cat cost"):
        placed("fence(seq_cst)", str(tmp_path / "own.cat"))
    monkeypatch.setattr(Toy, "fences", None)
    with pytest.raises(InputError, match=r"MM025.*nobody knows which instructions of toy are barriers"):
        placed("fence(seq_cst)", instructions=True)
    monkeypatch.setattr(Toy, "costs", None)
    with pytest.raises(InputError, match=r"MM025.*nobody knows what the instructions of toy cost"):
        placed("fence(seq_cst)")


def test_what_it_lacks_is_refused_by_name() -> None:
    with pytest.raises(UnknownVerdict, match="there is no machine for toy"):
        machine_for("toy")
    with pytest.raises(InputError, match=r"MM244.*toy does not say what the barrier 'smp_mb' is"):
        realise("smp_mb", (), parse_target("toy"))
    with pytest.raises(InputError, match=r"MM244.*'dmb ish' does not exist on toy"):
        realise("dmb", ("ish",), parse_target("toy"))
    with pytest.raises(InputError, match="did you mean 'toy'"):
        parse_target("tinker")


def test_a_model_of_ones_own_may_have_its_instructions() -> None:
    own = parse_target("mine.cat+toy+cheap")
    assert isinstance(own.architecture, Toy) and own.architecture.chosen == {"cheap"}
