"""The programs of tests/data/compiled have the verdicts and layers that they state (docs/compiler.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

import mmcheck

FILES = sorted((Path(__file__).parents[2] / "data" / "compiled").glob("*.litmus"))
ENGINES = ["smt", "enumerate"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_verdicts_and_layers(path: Path, engine: str) -> None:
    report = mmcheck.verify([path], engine=engine, cache=False)
    (file,) = report.files
    assert not file.diagnostics
    wrong = [
        f"{r.variant}, {r.requirement} on {r.target}: {r.verdict} {r.layer}, expected {r.expected} {r.expected_layer}"
        for r in file.results
        if (r.verdict, r.layer) != (r.expected, r.expected_layer)
    ]
    assert file.results and not wrong, "\n".join(wrong)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("compiler", "kept"),
    [("gcc", set()), ("llvm", {"an override of a store ahead of the read", "a relaxed load between"})],
)
def test_across_what_a_store_is_overridden_is_the_compilers(compiler: str, kept: set[str], engine: str) -> None:
    report = mmcheck.verify([FILES[0].with_name("arms.litmus")], engine=engine, compiler=compiler, cache=False)
    assert {r.variant for r in report.results if r.verdict == "holds" != r.expected} == kept
    assert not [r.variant for r in report.results if r.verdict != "holds" == r.expected]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("compiler", "concluded"), [("gcc", {"pointer"}), ("llvm", {"pointer", "lb"}), ("language", {"pointer", "lb"})]
)
def test_what_is_known_from_an_access_or_a_division_is_the_compilers(
    compiler: str, concluded: set[str], engine: str
) -> None:
    """GCC 12 concludes from accesses through a pointer alone; clang 22 from indices and divisors, too (``lb``)."""
    report = mmcheck.verify([FILES[0].with_name("facts.litmus")], engine=engine, compiler=compiler, cache=False)
    for result in report.results:
        broken = result.expected == "violated" and result.requirement in concluded
        assert result.verdict == ("violated" if broken else "holds"), result.variant
