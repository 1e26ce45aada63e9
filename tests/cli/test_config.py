"""Settings of a project: where they are found, what they mean, what is wrong with them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_inputs import BROKEN, MESSAGE, Run, environment

from mmcheck.base.errors import InputError
from mmcheck.interfaces import settings
from mmcheck.interfaces.settings import load


def test_no_file_no_settings(folder: Path) -> None:
    assert settings.load() == {}


def test_mmcheck_toml(mmcheck: Run, folder: Path) -> None:
    (folder / "mmcheck.toml").write_text('targets = ["sc"]\nformat = "concise"\n')
    assert mmcheck("verify", "bad.litmus").code == 0
    outcome = mmcheck("verify", "bad.litmus", "--target", "armv8")
    assert outcome.code == 1 and outcome.out.startswith("bad.litmus:13:5: violated")
    assert mmcheck("verify", "good.litmus", "--format", "full").out.startswith("good.litmus: message passing")


def test_pyproject(mmcheck: Run, folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[tool.mmcheck]\nexclude = ["bad.*"]\nbound = 3\n')
    outcome = mmcheck("verify", ".", "bad.litmus")
    assert outcome.code == 0 and "loops up to 3 rounds" in outcome.out
    assert "bad.litmus" not in outcome.out


def test_what_is_excluded_has_no_page_and_is_not_silent(mmcheck: Run, folder: Path) -> None:
    (folder / "mmcheck.toml").write_text('exclude = ["bad.*"]\n')
    assert mmcheck("doc", "bad.litmus", "good.litmus", "-o", "site", "-q").code == 0
    assert [path.name for path in (folder / "site" / "spec").iterdir()] == ["good.html"]
    for path in ("bad.litmus", "folder"):
        (folder / "folder").mkdir(exist_ok=True)
        (folder / "folder" / "bad.litmus").write_text("")
        (folder / "mmcheck.toml").write_text('exclude = ["bad.*", "folder/*"]\n')
        outcome = mmcheck("verify", path)
        assert outcome.code == 2 and "the settings exclude every file that was named" in outcome.out
        assert mmcheck("doc", path, "-o", "site", "-q").code == 2
    outcome = mmcheck("verify", "bad.litmus", "--includers")  # a hook's question, about what has changed
    assert outcome.code == 0
    assert outcome.err == "mmcheck: the settings exclude every file that was named\n"


def test_a_pyproject_without_the_table_is_passed_over(folder: Path) -> None:
    (folder / "mmcheck.toml").write_text("bound = 5\n")
    inner = folder / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert settings.load(str(inner))["bound"] == 5


def test_paths_are_relative_to_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "mmcheck.toml").write_text('baseline = "known.json"\ntargets = ["mine.cat+armv8", "sc"]\n')
    (folder / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(folder / "deep" / "er")
    found = settings.load()
    assert found["baseline"] == "../../known.json"
    assert found["targets"] == ["../../mine.cat+armv8", "sc"]


def test_the_cache_can_be_switched_off(mmcheck: Run, folder: Path) -> None:
    (folder / "mmcheck.toml").write_text("cache = false\n")
    mmcheck("verify", "good.litmus")
    assert list(Path(os.environ["XDG_CACHE_HOME"]).iterdir()) == []


def test_a_baseline_from_the_settings(mmcheck: Run, folder: Path) -> None:
    mmcheck("verify", "bad.litmus", "--write-baseline", "known.json")
    (folder / "mmcheck.toml").write_text('baseline = "known.json"\n')
    assert mmcheck("verify", "bad.litmus").code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bound = ", "this is no TOML"),
        ("bond = 2", "there is no setting 'bond'"),
        ("bound = 0", "the setting 'bound' has another kind of value"),
        ("bound = true", "the setting 'bound' has another kind of value"),
        ('targets = "armv8"', "the setting 'targets' has another kind of value"),
        ('format = "pdf"', "the setting 'format' has another kind of value"),
        ("timeout = -1", "the setting 'timeout' has another kind of value"),
    ],
)
def test_what_is_wrong_is_said(mmcheck: Run, folder: Path, text: str, message: str) -> None:
    (folder / "mmcheck.toml").write_text(text)
    outcome = mmcheck("verify", "good.litmus")
    assert outcome.code == 2
    assert message in outcome.err and "MM014" in outcome.err and "mmcheck.toml" in outcome.err


@pytest.mark.parametrize(
    ("name", "text", "place", "line"),
    [
        ("mmcheck.toml", "# ours\nbond = 2\n", "mmcheck.toml:2:1", "bond = 2"),
        ("mmcheck.toml", "bound = 2\nformat = pdf\n", "mmcheck.toml:2:10", "format = pdf"),
        ("mmcheck.toml", "bound = [1,\n", "mmcheck.toml:1:12", "bound = [1,"),
        ("pyproject.toml", "[tool.x]\nbound = 1\n[tool.mmcheck]\n'bound' = 0\n", "pyproject.toml:4:1", "'bound' = 0"),
    ],
)  # fmt: skip
def test_where_it_is_wrong_is_shown(mmcheck: Run, folder: Path, name: str, text: str, place: str, line: str) -> None:
    (folder / name).write_text(text)
    outcome = mmcheck("verify", "good.litmus")
    assert outcome.code == 2
    assert place in outcome.err and line in outcome.err and "^" in outcome.err


def test_a_near_name_is_proposed(folder: Path) -> None:
    (folder / "mmcheck.toml").write_text("bond = 2")
    with pytest.raises(InputError) as caught:
        settings.load()
    assert caught.value.diagnostics[0].help == "did you mean 'bound'?"


def test_every_setting_has_a_check() -> None:
    for name in settings.KEYS:
        assert not settings._fits(name, object())


def test_other_commands_read_no_settings(mmcheck: Run, folder: Path) -> None:
    (folder / "mmcheck.toml").write_text("nonsense")
    assert mmcheck("explain", "MM101").code == 0


def test_tomllib_is_loaded_only_for_a_file(folder: Path) -> None:
    code = "import sys\nfrom mmcheck.interfaces.settings import load\nload()\nprint('tomllib' in sys.modules)"

    def loaded() -> str:
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    (folder / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert loaded() == "False"
    (folder / "mmcheck.toml").write_text("")
    assert loaded() == "True"


def test_includers_are_checked_too(mmcheck: Run, folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / "lib.litmus").write_text("memory data\n")
    (folder / "middle.litmus").write_text('include "lib.litmus"\nmemory flag\n')
    for name, text in (("one", MESSAGE), ("two", BROKEN)):
        text = 'include "middle.litmus"\n' + text.replace("memory data, flag\n", "")
        (folder / f"{name}.litmus").write_text(text)
    alone = mmcheck("verify", "lib.litmus", "--format", "concise")
    assert alone.code == 2
    outcome = mmcheck("verify", "lib.litmus", "--format", "concise", "--includers")
    assert outcome.code == 1
    assert {line.split(":")[0] for line in outcome.out.splitlines()} == {"two.litmus"}


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("[tool.mmcheck]\nbound = 3\n", 3),
        ('[ "tool" . mmcheck ]\nbound = 3\n', 3),
        ("[tool]\nmmcheck = { bound = 3 }\n", 3),
        ("tool.mmcheck.bound = 3\n", 3),
        ('[project]\nname = "mmcheck"\n[tool.mypy]\nfiles = ["mmcheck"]\n', None),
        ("this is no TOML, and says nothing of mmcheck's", None),
    ],
)
def test_only_a_file_with_the_table_is_understood(tmp_path: Path, text: str, bound: int | None) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert load(str(tmp_path)).get("bound") == bound
