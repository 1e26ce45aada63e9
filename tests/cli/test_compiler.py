"""``--compiler``: whose profile decides, where it is said, and what is known about each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_inputs import Run

from mmcheck.model.defects import DEFECTS
from mmcheck.model.profiles import COMPILERS

LOADS = """spec "a ring"
targets armv8
memory ring[2], z
requirement seen { says "acquire" }
asm thread producer { ring[1] = 7; z.store(1, release) }
thread consumer {
  let a = ring[0]
  let v = z.load(acquire?)
  f: fence(acquire?)
  let b = ring[1]
  if v == 1 { assert b == 7 for seen }
}
"""


@pytest.fixture(autouse=True)
def ring(folder: Path) -> Path:
    (folder / "whole.litmus").write_text(LOADS.replace("fence(acquire?)", "nothing"), encoding="utf-8")
    (folder / "ring.litmus").write_text(LOADS, encoding="utf-8")
    return folder


@pytest.mark.parametrize(("compiler", "code"), [("observed", 0), ("gcc", 0), ("language", 0), ("llvm", 1)])
def test_a_verdict_by_one_compiler(mmcheck: Run, compiler: str, code: int) -> None:
    outcome = mmcheck("verify", "whole.litmus", "--compiler", compiler, "-q")
    assert outcome.code == code
    assert ("by a known defect" in " ".join(outcome.out.split())) == (compiler == "observed")
    assert ("compiler " + COMPILERS[compiler] in " ".join(outcome.out.split())) == (compiler != "observed")
    assert (" comes before " in " ".join(outcome.out.split())) == (compiler in ("observed", "llvm"))


def test_json_says_which(mmcheck: Run) -> None:
    for compiler in COMPILERS:
        data = json.loads(mmcheck("verify", "whole.litmus", "--compiler", compiler, "--format", "json").out)
        (result,) = data["results"]
        assert result["compiler"] == compiler
        assert (result["verdict"], result["layer"]) == (
            ("violated", "compiler") if compiler == "llvm" else ("holds", None)
        )
    again = json.loads(mmcheck("verify", "whole.litmus", "--format", "json").out)
    assert again["results"][0]["compiler"] == "observed"


def test_the_projects_setting_and_the_command_line(mmcheck: Run, folder: Path) -> None:
    (folder / "mmcheck.toml").write_text('compiler = "llvm"\n', encoding="utf-8")
    assert mmcheck("verify", "whole.litmus").code == 1
    assert mmcheck("verify", "whole.litmus", "--compiler", "gcc").code == 0
    (folder / "mmcheck.toml").write_text('compiler = "clang"\n', encoding="utf-8")
    wrong = mmcheck("verify", "whole.litmus")
    assert wrong.code == 2 and "one of observed, gcc, llvm, language" in wrong.err


def test_pages_and_placement_go_by_it(mmcheck: Run, folder: Path) -> None:
    assert mmcheck("doc", "whole.litmus", "-o", "site", "--compiler", "llvm", "-q").code == 1
    pages = [path.read_text(encoding="utf-8") for path in (folder / "site").rglob("*.html")]
    assert any(f"compiler: {COMPILERS['llvm']}" in page for page in pages)
    chosen = {}
    for compiler in ("observed", "llvm"):
        outcome = mmcheck("place", "ring.litmus", "--compiler", compiler, "--format", "json")
        (result,) = json.loads(outcome.out)["results"]
        assert result["compiler"] == compiler
        chosen[compiler] = {
            site: option for site, option in result["optimum"][0]["choices"].items() if option != "nothing"
        }
    # LDAR lets LLVM pair the two reads; DMB does not.
    assert chosen["observed"] != chosen["llvm"]
    missing = mmcheck("place", "whole.litmus", "--compiler", "llvm")
    assert "(load-pair: " in " ".join(missing.out.split())


@pytest.mark.parametrize("name", [*COMPILERS, *DEFECTS])
def test_explain(mmcheck: Run, name: str) -> None:
    outcome = mmcheck("explain", name)
    text = " ".join(outcome.out.split())
    assert outcome.code == 0
    if name in COMPILERS:
        assert COMPILERS[name] in text and f"{name}.cat" in text
        assert all((defect.name in text) == (defect.compiler == name) for defect in DEFECTS.values())
    else:
        defect = DEFECTS[name]
        assert defect.rule in text and all(str(issue) in text for issue in defect.issues)
        assert f"--compiler {defect.compiler}" in text
    near = mmcheck("explain", f"{name}s")
    assert f"did you mean '{name}'?" in near.err


def test_an_unknown_compiler(mmcheck: Run) -> None:
    outcome = mmcheck("verify", "whole.litmus", "--compiler", "clang")
    assert outcome.code == 2 and "llvm" in outcome.err
