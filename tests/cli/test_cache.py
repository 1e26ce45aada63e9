"""The cache of verdicts: what it is keyed by, what it never believes, and what it does not need."""

from __future__ import annotations

import compileall
import importlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cli_inputs import BROKEN, MESSAGE, ROOT, Run, command, environment

from mmcheck.base import cache, includes
from mmcheck.report.formats import NAMES as FORMATS
from mmcheck.verdict import incremental
from mmcheck.verdict.question import Question
from mmcheck.verdict.results import FileReport


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The files that were really checked."""
    seen: list[str] = []
    checker = importlib.import_module("mmcheck.verdict.verify")
    original = checker.verify_file

    def spy(path: str, options: object, **further: object) -> FileReport:
        seen.append(path)
        found = original(path, options, **further)
        assert isinstance(found, FileReport)
        return found

    monkeypatch.setattr(checker, "verify_file", spy)
    yield seen


def kept_in() -> Path:
    """The folder of entries, which is the only one."""
    base = Path(os.environ.get("MMCHECK_CACHE_DIR") or Path(os.environ["XDG_CACHE_HOME"]) / "mmcheck")
    found = list(base.iterdir()) if base.is_dir() else []
    return found[0] if found else base


def entries() -> list[Path]:
    return [path for path in kept_in().iterdir() if "." not in path.name]


def forget_pages() -> None:
    """Leave only what is kept of single files."""
    for path in entries():
        if re.match(rb"\d\n", path.read_bytes().partition(b"\n")[2]):
            path.unlink()


@pytest.mark.parametrize("options", [(), ("-v",), *[("--format", form) for form in FORMATS[1:]]])
def test_an_unchanged_folder_is_not_checked_again(
    mmcheck: Run, checked: list[str], folder: Path, options: tuple[str, ...]
) -> None:
    """The output is the same to the letter, whether it is computed, kept as a page or made of what is kept of files."""
    (folder / "known.litmus").write_text(MESSAGE + 'variant "bare" { drop publish; expect seen violated }\n')
    first = mmcheck("verify", ".", *options)
    assert sorted(checked) == ["bad.litmus", "good.litmus", "herd/MP.litmus", "known.litmus"]
    checked.clear()
    assert mmcheck("verify", ".", *options) == first
    assert checked == []
    forget_pages()
    assert mmcheck("verify", ".", *options) == first
    assert checked == []


def test_only_the_changed_file_is_checked_again(mmcheck: Run, checked: list[str], folder: Path) -> None:
    mmcheck("verify", ".")
    checked.clear()
    (folder / "bad.litmus").write_text(MESSAGE)
    assert mmcheck("verify", "good.litmus", "bad.litmus").code == 0
    assert checked == ["bad.litmus"]


def test_a_changed_include_is_noticed(mmcheck: Run, checked: list[str], folder: Path) -> None:
    (folder / "lib").mkdir()
    (folder / "lib" / "inner.litmus").write_text("memory data\n")
    (folder / "lib" / "outer.litmus").write_text('include /* here */ "inner.litmus"\nmemory flag\n')
    text = 'include "lib/outer.litmus"\n' + MESSAGE.replace("memory data, flag\n", "")
    (folder / "user.litmus").write_text(text)
    assert mmcheck("verify", "user.litmus").code == 0
    checked.clear()
    assert mmcheck("verify", "user.litmus").code == 0
    assert checked == []
    (folder / "lib" / "inner.litmus").write_text("memory data = 1\n")
    mmcheck("verify", "user.litmus")
    assert checked == ["user.litmus"]


def test_a_changed_model_is_noticed(mmcheck: Run, checked: list[str], folder: Path) -> None:
    (folder / "part.cat").write_text("acyclic po | rf | co | fr as sc\n")
    (folder / "mine.cat").write_text('"mine"\ninclude "part.cat"\n')
    arguments = ("verify", "bad.litmus", "--target", "mine.cat+armv8")
    assert mmcheck(*arguments).code == mmcheck(*arguments).code
    assert checked == ["bad.litmus"]
    (folder / "part.cat").write_text("acyclic po-loc | rf | co | fr as coherence\n")
    mmcheck(*arguments)
    assert checked == ["bad.litmus"] * 2


@pytest.mark.parametrize("name", ["a+b/m.cat", "a\nb/m.cat", "m.cat+x.cat", "a.cat+b/m.cat"])
def test_a_changed_model_is_noticed_whatever_it_is_called(mmcheck: Run, folder: Path, name: str) -> None:
    """A verdict of another model would be a wrong one."""
    (folder / "bad.litmus").write_text(BROKEN.replace("  data = 1", "  data.store(1, relaxed)"))
    model = folder / name
    model.parent.mkdir(exist_ok=True)
    model.write_text('"strong"\nacyclic po | rf | co | fr as sc\n')
    arguments = ("verify", "bad.litmus", "--target", f"{name}+armv8")
    assert mmcheck(*arguments).code == 0
    assert mmcheck(*arguments).code == 0
    model.write_text('"weak"\nacyclic po-loc | rf | co | fr as coherence\n')
    assert mmcheck(*arguments).code == 1


def test_of_many_includes_the_last_one_counts_too(mmcheck: Run, checked: list[str], folder: Path) -> None:
    names = [f"part{number}.litmus" for number in range(includes.MAX_FILES + 1)]
    for number, name in enumerate(names):
        (folder / name).write_text(f"const C{number} = 1\n")
    body = "".join(f'include "{name}"\n' for name in names)
    (folder / "user.litmus").write_text(body + MESSAGE)
    assert mmcheck("verify", "user.litmus").code == 0
    (folder / names[-1]).write_text("memory data = 1\n")
    assert mmcheck("verify", "user.litmus").code == 2  # declared twice
    assert checked == ["user.litmus"] * 2


@pytest.mark.parametrize(
    "options",
    [("--bound", "3"), ("--target", "sc"), ("--variant", "base"), ("--engine", "smt"), ("--timeout", "100")],
)
def test_other_options_are_another_question(mmcheck: Run, checked: list[str], options: tuple[str, ...]) -> None:
    mmcheck("verify", "good.litmus")
    mmcheck("verify", "good.litmus", *options)
    assert checked == ["good.litmus"] * 2


def test_runs_come_back_whole(mmcheck: Run) -> None:
    fresh = json.loads(mmcheck("verify", ".", "--format", "json", "--no-cache").out)
    mmcheck("verify", ".")
    again = json.loads(mmcheck("verify", ".", "--format", "json").out)
    for data in (fresh, again):
        for result in data["results"]:
            del result["seconds"]
    assert again == fresh


def test_the_library_gets_what_was_found(folder: Path) -> None:
    first = incremental.verify(["bad.litmus", "good.litmus"], Question(bound=4), store=cache.store())
    again = incremental.verify(["bad.litmus", "good.litmus"], Question(bound=4), store=cache.store())
    assert again == first
    assert all(result.counterexample is not None for result in again.results if result.verdict == "violated")


@pytest.mark.parametrize("way", ["option", "environment"])
def test_off_means_off(mmcheck: Run, checked: list[str], monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    mmcheck("verify", "good.litmus")
    before = sorted(entries())
    if way == "environment":
        monkeypatch.setenv("MMCHECK_CACHE", "off")
    options = ["--no-cache"] if way == "option" else []
    mmcheck("verify", "good.litmus", *options)
    mmcheck("verify", "bad.litmus", *options)
    assert checked == ["good.litmus", "good.litmus", "bad.litmus"]
    assert sorted(entries()) == before


def test_off_makes_no_folder(mmcheck: Run) -> None:
    mmcheck("verify", "good.litmus", "--no-cache")
    assert not kept_in().exists()


def test_the_folder_says_what_it_is(mmcheck: Run) -> None:
    mmcheck("verify", "good.litmus")
    assert (kept_in() / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")
    assert (kept_in() / ".gitignore").read_text() == "*\n"
    assert stat.S_IMODE(kept_in().stat().st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in entries())


# --- what is not believed ----------------------------------------------------------------------------


def _flip(data: bytes) -> bytes:
    return data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]


DAMAGE = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "one bit": _flip,
    "foreign": lambda data: b"something else altogether",
    "a verdict": lambda data: data.replace(b'"violated"', b'"holds"'),
    "binary": lambda data: os.urandom(len(data)),
}


@pytest.mark.parametrize("name", sorted(DAMAGE))
def test_damaged_entries_are_ignored(mmcheck: Run, name: str) -> None:
    first = mmcheck("verify", "bad.litmus")
    for path in entries():
        path.write_bytes(DAMAGE[name](path.read_bytes()))
    assert mmcheck("verify", "bad.litmus") == first


def test_an_entry_under_another_name_is_ignored(mmcheck: Run, checked: list[str]) -> None:
    mmcheck("verify", "good.litmus")
    good = [path.read_bytes() for path in entries()]
    mmcheck("verify", "bad.litmus")
    for content in good:
        for path in entries():
            path.write_bytes(content)
        assert mmcheck("verify", "bad.litmus").code == 1


@pytest.mark.skipif(os.name != "posix", reason="rights of files")
@pytest.mark.parametrize("mode", [0o666, 0o644, 0o660])
def test_an_entry_that_we_did_not_write_is_ignored(mmcheck: Run, checked: list[str], mode: int) -> None:
    """Ours have rights for the user alone; a forged entry in a repository would come out of git as 0644."""
    mmcheck("verify", "good.litmus")
    for path in entries():
        path.chmod(mode)
    mmcheck("verify", "good.litmus")
    assert checked == ["good.litmus"] * 2


def test_a_folder_or_a_pipe_in_the_place_of_an_entry(mmcheck: Run) -> None:
    mmcheck("verify", "good.litmus")
    for path in entries():
        path.unlink()
        path.mkdir()
    assert mmcheck("verify", "good.litmus").code == 0


@pytest.mark.skipif(os.name != "posix", reason="pipes are of Posix")
def test_an_include_that_is_a_pipe_blocks_nothing(mmcheck: Run, folder: Path) -> None:
    os.mkfifo(folder / "pipe.litmus")
    (folder / "user.litmus").write_text('include "pipe.litmus"\n')
    assert includes.closure("user.litmus")[1] == ("pipe.litmus", None)
    outcome = mmcheck("verify", "user.litmus")
    assert outcome.code == 2 and "MM235" in outcome.out and "no regular file" in outcome.out


def test_a_place_that_cannot_be_written_keeps_nothing(mmcheck: Run, folder: Path) -> None:
    (Path(os.environ["XDG_CACHE_HOME"]) / "mmcheck").write_text("in the way")
    assert mmcheck("verify", "good.litmus").code == 0
    assert mmcheck("verify", "bad.litmus").code == 1


def test_errors_are_not_kept(mmcheck: Run, checked: list[str], folder: Path) -> None:
    (folder / "ugly.litmus").write_text("spec 'x\n")
    for _ in range(2):
        assert mmcheck("verify", "ugly.litmus").code == 2
    assert checked == ["ugly.litmus"] * 2


@pytest.mark.parametrize(
    ("note", "kept"),
    [("the time limit was reached", False), ("there was not enough memory", False), ("it is not decided at all", True)],
)
def test_unknown_verdicts_are_kept_if_they_last(
    mmcheck: Run, monkeypatch: pytest.MonkeyPatch, note: str, kept: bool
) -> None:
    checker = importlib.import_module("mmcheck.verdict.verify")
    original = checker.verify_file

    def tired(path: str, options: object, **further: object) -> FileReport:
        found = original(path, options, **further)
        results = tuple(replace(result, verdict="unknown", notes=(note,)) for result in found.results)
        return replace(found, results=results)

    with monkeypatch.context() as patch:
        patch.setattr(checker, "verify_file", tired)
        assert mmcheck("verify", "good.litmus").code == 3
    assert mmcheck("verify", "good.litmus").code == (3 if kept else 0)
    forget_pages()
    assert mmcheck("verify", "good.litmus").code == (3 if kept else 0)


def test_concurrent_runs_do_not_hurt_each_other(folder: Path) -> None:
    for number in range(4):
        (folder / f"more{number}.litmus").write_text(BROKEN)
    running = [
        subprocess.Popen(command("verify", ".", "--format", "concise"), stdout=subprocess.PIPE, env=environment())
        for _ in range(4)
    ]
    texts = {each.communicate(timeout=120)[0] for each in running}
    assert [each.returncode for each in running] == [1] * 4
    assert len(texts) == 1 and texts.pop().count(b"violated") == 10
    assert [path.name for path in kept_in().iterdir() if path.name.startswith(".")] == [".gitignore"]


def test_old_entries_go_when_there_are_too_many(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_ENTRIES", 6)
    store = cache.store()
    assert store is not None
    for number in range(8):
        store.save(f"{number:040x}", b"x")
    store.prune()
    assert len(entries()) == 4
    assert (kept_in() / "CACHEDIR.TAG").exists()


# --- what it costs -----------------------------------------------------------------------------------


def test_a_cached_run_loads_next_to_nothing(mmcheck: Run) -> None:
    mmcheck("verify", "good.litmus")
    code = (
        "import sys\nfrom mmcheck.__main__ import main\nmain(['verify', 'good.litmus'])\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    tables = {"mmcheck.machine", "mmcheck.machine.arguments"}  # options of other commands
    assert {name for name in loaded if name.startswith("mmcheck")} - tables == {
        "mmcheck", "mmcheck.__main__", "mmcheck._version", "mmcheck.base", "mmcheck.base.cache", "mmcheck.base.files",
        "mmcheck.base.gate", "mmcheck.base.includes", "mmcheck.cli", "mmcheck.interfaces",
        "mmcheck.interfaces.commands", "mmcheck.interfaces.commands.console", "mmcheck.interfaces.commands.pages",
        "mmcheck.interfaces.commands.verify", "mmcheck.interfaces.settings", "mmcheck.model", "mmcheck.model.profiles",
        "mmcheck.report", "mmcheck.report.colour", "mmcheck.report.formats",
    }  # fmt: skip
    assert loaded & {"z3", "lark", "graphviz", "dataclasses", "json", "tomllib", "tempfile", "typing"} == set()


def test_partly_cached_runs_import_no_solver(mmcheck: Run) -> None:
    mmcheck("verify", "good.litmus", "bad.litmus")
    code = (
        "import sys\nfrom mmcheck.__main__ import main\nmain(['verify', 'bad.litmus', '--format', 'concise'])\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "mmcheck.verdict.serialization" in loaded
    assert not any(
        name.startswith(("z3", "lark", "mmcheck.language.lower", "mmcheck.engines.smt", "mmcheck.language.syntax"))
        for name in loaded
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="CPU time of children")
def test_a_cached_run_costs_little_more_than_python(folder: Path) -> None:
    """Under five times ``python -c pass`` and five milliseconds a file, in CPU time, of a compiled package."""
    import resource

    package = folder / "package"
    shutil.copytree(ROOT / "mmcheck", package / "mmcheck", ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(package, quiet=2)
    env = {name: value for name, value in environment().items() if name != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPATH"] = str(package)
    (folder / "specs").mkdir()
    for number in range(4):
        (folder / "specs" / f"{number}.litmus").write_text(f"// {number}\n{MESSAGE}")

    def least(arguments: list[str], runs: int) -> float:
        best = float("inf")
        for _ in range(runs):
            start = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, *arguments], cwd=folder, env=env, capture_output=True, check=True)
            end = resource.getrusage(resource.RUSAGE_CHILDREN)
            best = min(best, end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime)
        return best

    verify = ["-m", "mmcheck", "verify", "specs"]
    least(verify, 1)
    assert least(verify, 9) < 5 * least(["-c", "pass"], 9) + 4 * 0.005
