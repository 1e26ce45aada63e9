"""What compilers were seen to do, in assembly of our own: such an outcome is one that the source may have.

Each shape is a specification that asks for an outcome (``NAME.spec.litmus``) and the code that a compiler made of its
thread, which has it (``NAME.asm.litmus``); the first line of either says which compiler. No compiler is needed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import mmcheck

FOLDER = Path(__file__).with_name("shapes")
SHAPES = sorted(path.name.removesuffix(".spec.litmus") for path in FOLDER.glob("*.spec.litmus"))
DEFECTS = {"sunk-past-fence", "sunk-past-compiler-fence", "ldp-across-acquire", "stp-across-lock"}
"""What a compiler does although the language promises otherwise: by default a note, and not the verdict."""


@pytest.mark.parametrize("name", SHAPES)
def test_the_code_has_the_outcome(name: str) -> None:
    (outcome,) = mmcheck.litmus([FOLDER / f"{name}.asm.litmus"])
    assert (outcome.observation, outcome.diagnostics) == ("Sometimes", ())


@pytest.mark.parametrize("engine", ["smt", "enumerate"])
@pytest.mark.parametrize("name", SHAPES)
def test_the_source_may_have_the_outcome(name: str, engine: str) -> None:
    for compiler in ("observed", "llvm") if name in DEFECTS else ("observed",):
        report = mmcheck.verify([FOLDER / f"{name}.spec.litmus"], engine=engine, compiler=compiler, cache=False)
        (result,) = [each for each in report.results if each.requirement == "seen"]
        aside = name in DEFECTS and compiler == "observed"
        assert result.verdict == ("forbidden" if aside else "allowed")
        assert not aside or any("by a known defect: LLVM" in note for note in result.notes)
