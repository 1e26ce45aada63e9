"""What compilers keep in order and what they lose: shapes, and what became of them in GCC and LLVM, as machine code.

Beside ``shape.litmus`` in tests/data/compilers stands ``shape.gcc.litmus``: the machine code that this compiler made of
it. A run of the machine code must be one that the compiler's profile allows to the source.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import mmcheck
from mmcheck.model.defects import DEFECTS
from mmcheck.model.profiles import COMPILERS
from mmcheck.verdict.incremental import verify as cached
from mmcheck.verdict.lost import RELIES, said
from mmcheck.verdict.question import Question
from mmcheck.verdict.results import Result

DATA = Path(__file__).parents[2] / "data" / "compilers"
SHAPES = sorted(path.stem for path in DATA.glob("*.litmus") if "." not in path.stem)
EMITTED = sorted(path.stem for path in DATA.glob("*.litmus") if "." in path.stem)
ENGINES = ("smt", "enumerate")

BROKEN: dict[str, dict[str, set[str]]] = {
    # shape: the profiles under which it is violated by the compiler, by target; elsewhere it holds
    "gcc-asm-fence": {"x86-tso": {"observed", "llvm", "language"}},
    "gcc-relaxed-rmw": {"x86-tso": {"observed", "llvm", "language"}},
    "gcc-release-fence": {"x86-tso": {"observed", "llvm", "language"}},
    "llvm-load-pair": {"armv8": {"llvm"}, "x86-tso": set()},
    "llvm-store-pair": {"armv8": set(), "armv8+lse": {"llvm"}},
    "llvm-sunk-load": {"x86-tso": {"llvm"}},
}


def verify(name: str, engine: str, compiler: str = "observed") -> tuple[Result, ...]:
    report = mmcheck.verify([DATA / f"{name}.litmus"], engine=engine, compiler=compiler, cache=False)
    assert not report.files[0].diagnostics
    assert report.results
    return report.results


def broken(result: Result, compiler: str) -> bool:
    """Whether it is to be violated. A plain read ahead of an acquire fence is not what the languages keep, either."""
    if result.spec.startswith("a plain read that is needed") and compiler == "language":
        return result.variant is None
    (shape,) = [name for name in SHAPES if result.file.endswith(f"/{name}.litmus")]
    return compiler in BROKEN[shape][result.target]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_violated_by_what_its_compiler_does(shape: str, compiler: str, engine: str) -> None:
    for result in verify(shape, engine, compiler):
        found = (result.verdict, result.layer)
        expected = ("violated", "compiler") if broken(result, compiler) else ("holds", None)
        assert found == expected, (result.variant, result.target, result.notes)
        assert result.compiler == compiler


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("emitted", EMITTED)
def test_machine_code_does_what_its_compilers_profile_allows(emitted: str, engine: str) -> None:
    shape, _, of = emitted.partition(".")
    compiler = of.split("-")[0]
    (machine,) = verify(emitted, engine)
    assert machine.verdict == ("violated" if compiler == "llvm" else "holds")
    if machine.verdict == "violated":
        source = [each for each in verify(shape, engine, compiler) if each.target.startswith(machine.target)]
        assert source and any(each.verdict == "violated" for each in source)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_a_note_by_default_and_counts_for_its_compiler(name: str, engine: str) -> None:
    defect = DEFECTS[name]
    for target, profiles in BROKEN[defect.shape].items():
        for compiler in ("observed", "gcc", defect.compiler):
            for result in verify(defect.shape, engine, compiler):
                if result.target != target:
                    continue
                notes = [note for note in result.notes if said(defect) in note]
                assert bool(notes) == (bool(profiles) and compiler != "gcc"), (compiler, result)
                for note in notes:
                    assert note.startswith("violated by a known defect: ") == (compiler == "observed")
                    assert all(str(issue) in note for issue in defect.issues) and " comes before " in note


def test_every_defect_is_where_its_row_says() -> None:
    for defect in DEFECTS.values():
        targets = {target.partition("+")[0] for target, found in BROKEN[defect.shape].items() if found}
        assert targets <= set(defect.targets)
        assert (DATA / f"{defect.shape}.{defect.compiler}.litmus").is_file()


@pytest.mark.parametrize("engine", ENGINES)
def test_what_only_todays_practice_keeps_is_a_note(engine: str) -> None:
    results = {result.variant: result for result in verify("llvm-sunk-load", engine)}
    assert RELIES in results[None].notes
    assert RELIES not in results["compiler fence"].notes
    (asm,) = verify("gcc-asm-fence", engine, "gcc")
    assert asm.notes == (RELIES,)


def test_a_defect_that_changes_nothing_is_no_note(tmp_path: Path) -> None:
    text = (DATA / "llvm-sunk-load.litmus").read_text(encoding="utf-8")
    safe = tmp_path / "safe.litmus"
    for before, after in (("fence(acquire)", "barrier()"), ("let s = y;", "let s = y.read_volatile();")):
        safe.write_text(text.partition("variant")[0].replace(before, after), encoding="utf-8")
        for engine in ENGINES:
            for compiler in ("observed", "llvm"):
                (result,) = mmcheck.verify([safe], engine=engine, compiler=compiler).results
                assert result.verdict == "holds", (after, compiler)
                assert not any("defect" in note for note in result.notes)


def test_an_exists_that_a_defect_allows(tmp_path: Path) -> None:
    asked = tmp_path / "asked.litmus"
    text = (DATA / "llvm-store-pair.litmus").read_text(encoding="utf-8")
    asked.write_text(text.replace("~exists", "exists"), encoding="utf-8")
    for engine in ENGINES:
        (result,) = mmcheck.verify([asked], targets=["armv8+lse"], engine=engine).results
        assert result.verdict == "forbidden"
        assert [note for note in result.notes if note.startswith("allowed by a known defect: LLVM")]


def test_verdicts_of_two_compilers_are_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = DATA / "llvm-load-pair.litmus"
    for _ in range(2):
        for compiler, verdict in (("observed", "holds"), ("llvm", "violated"), ("gcc", "holds")):
            report = cached([path], Question(targets=("armv8",), compiler=compiler))
            (result,) = report.results
            assert (result.verdict, result.compiler) == (verdict, compiler)


IDLE = """targets x86-tso
atomic x, y, z
requirement sb {{ ~exists P0.a == 0 && P1.b == 0 }}
thread P0 {{ x.store(1, relaxed); {update}; let a = y.load(relaxed) }}
thread P1 {{ y.store(1, relaxed); {update}; let b = x.load(relaxed) }}
"""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("update", "compiler", "verdict"),
    [
        ("z.fetch_add(0, acq_rel)", "llvm", "violated"),
        ("z.fetch_add(0, acq_rel)", "observed", "violated"),
        ("z.fetch_add(0, acq_rel)", "gcc", "holds"),
        ("z.fetch_add(0, seq_cst)", "llvm", "holds"),
        ("z.fetch_add(1, acq_rel)", "llvm", "holds"),
        ("atomic_or(0, z)", "observed", "holds"),
    ],
)
def test_llvm_deletes_updates_that_change_nothing(
    update: str, compiler: str, verdict: str, engine: str, tmp_path: Path
) -> None:
    """Seen with clang 22 and rustc 1.95; gcc 12 keeps ``lock addl $0``, and Linux's are asm volatile."""
    path = tmp_path / "idle.litmus"
    path.write_text(IDLE.format(update=update), encoding="utf-8")
    (result,) = mmcheck.verify([path], engine=engine, compiler=compiler, cache=False).results
    assert result.verdict == verdict
