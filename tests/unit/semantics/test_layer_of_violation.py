"""The layer of a violation is that of all runs that show it, and no matter which of them an engine comes upon first."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

import mmcheck

ENGINES = ("smt", "enumerate")
PARTS = {
    "P": "thread P { x.store(1, relaxed); let a = y.load(relaxed) }",
    "Q": "thread Q { y.store(1, relaxed); let b = x.load(relaxed) }",
}
OWN = '"its own"\nlet fr = (rf^-1);co\nacyclic po-loc | rf | co | fr as coherence\n'


def layers(tmp_path: Path, text: str, engine: str, targets: list[str] | None = None) -> set[tuple[str, str | None]]:
    path = tmp_path / "test.litmus"
    path.write_text(text)
    report = mmcheck.verify([path], engine=engine, cache=False, targets=targets or [])
    assert [file.diagnostics for file in report.files] == [()]
    return {(result.verdict, result.layer) for result in report.results}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("order", list(permutations("PQ")), ids="".join)
@pytest.mark.parametrize(
    ("condition", "layer"),
    [
        ("P.a == 1", None),  # also in the run in which P reads before Q writes
        ("Q.b == 1", None),
        ("P.a == 1 || Q.b == 1", "hardware"),
    ],
)
def test_a_violation_that_any_interleaving_shows_has_none(
    engine: str, order: tuple[str, ...], condition: str, layer: str | None, tmp_path: Path
) -> None:
    text = "targets armv8, x86-tso\nmemory x, y\n" + "\n".join(PARTS[name] for name in order)
    text += f"\nrequirement r {{ forall {condition} }}\n"
    assert layers(tmp_path, text, engine) == {("violated", layer)}


@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_by_a_model_of_ones_own(engine: str, tmp_path: Path) -> None:
    model = tmp_path / "own.cat"
    model.write_text(OWN)
    for condition, layer in (("P.a == 1", None), ("P.a == 1 || Q.b == 1", "hardware")):
        text = "targets sc\nmemory x, y\n" + "\n".join(PARTS.values()) + f"\nrequirement r {{ forall {condition} }}\n"
        assert layers(tmp_path, text, engine, [str(model)]) == {("violated", layer)}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("layer", ["hardware", "compiler", "platform"])
def test_a_claim_that_names_a_layer_needs_one(engine: str, layer: str, tmp_path: Path) -> None:
    path = tmp_path / "test.litmus"
    path.write_text(
        f"""targets armv8, x86-tso
memory x, y
thread a {{ x.write_volatile(1); y.write_volatile(1); assert false for seen }}
requirement seen {{ says "it fails whatever the order" }}
expect seen violated by {layer}
"""
    )
    report = mmcheck.verify([path], engine=engine, cache=False)
    assert {(result.verdict, result.layer, result.as_claimed) for result in report.results} == {
        ("violated", None, False)
    }
    assert report.exit_code == 1
