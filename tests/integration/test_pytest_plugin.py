"""``pytest specs/``: a test per claim, and nothing at all where there is no specification."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPEC = """spec "message passing"
targets armv8, x86-tso
memory data, flag
requirement seen { says "a reader that sees the flag sees the data" }
thread writer {
  data = 1
  publish: fence(release)
  flag.store(1, relaxed)
}
thread reader {
  let f = flag.load(acquire)
  if f == 1 {
    let d = data
    assert d == 1 for seen
  }
}
variant "bare" { drop publish; expect seen violated on armv8 }
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "mmcheck.interfaces.pytest_plugin", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment["XDG_CACHE_HOME"] = str(folder / "cache")
    return subprocess.run(
        [*command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_test_per_requirement_variant_and_target(tmp_path: Path) -> None:
    (tmp_path / "mp.litmus").write_text(SPEC)
    done = run(tmp_path, "-v", "mp.litmus")
    assert done.returncode == 1
    for name in ("base-armv8", "base-x86-tso", "bare-armv8"):
        assert f"mp.litmus::seen[{name}] PASSED" in done.stdout
    assert "mp.litmus::seen[bare-x86-tso] FAILED" in done.stdout
    assert "violated, claimed to hold: seen [bare] on x86-tso" in done.stdout
    assert "1 failed, 3 passed" in done.stdout


def test_chosen_by_name_and_target(tmp_path: Path) -> None:
    (tmp_path / "mp.litmus").write_text(SPEC)
    assert "1 passed" in run(tmp_path, "--mmcheck-target", "sc", "-k", "base").stdout
    assert "1 passed" in run(tmp_path, "mp.litmus::seen[base-armv8]").stdout


def test_what_nothing_is_checked_of_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "mp.litmus").write_text(SPEC.replace("if f == 1", "if f == 2"))
    done = run(tmp_path, "mp.litmus")
    assert done.returncode == 1 and "vacuous, claimed to hold: seen [base] on armv8" in done.stdout
    assert "in no run is 'if f == 2' (line 12) true" in done.stdout


def test_a_variant_that_changes_nothing_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "mp.litmus").write_text(SPEC.replace("drop publish; expect seen violated on armv8", ""))
    done = run(tmp_path, "mp.litmus")
    assert done.returncode == 0 and "4 passed, 1 warning" in done.stdout
    assert "MM257 the variant 'bare' changes nothing" in done.stdout


def test_a_broken_file_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "ugly.litmus").write_text("spec 'x\n")
    done = run(tmp_path)
    assert done.returncode == 1 and "error[MM" in done.stdout


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    (tmp_path / "mp.litmus").write_text(SPEC)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmmcheck = false\n")
    assert run(tmp_path).returncode == 5


def test_without_a_specification_nothing_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(
        "import sys\ndef test_x():\n"
        "    ours = {name for name in sys.modules if name.split('.')[0] in ('mmcheck', 'z3', 'lark')}\n"
        "    plugin = 'mmcheck.interfaces.pytest_plugin'\n"
        "    assert ours == {'mmcheck', 'mmcheck._version', 'mmcheck.interfaces', plugin}\n"
    )
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout


def test_the_entry_point_names_the_plugin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module = import_module(project["entry-points"]["pytest11"]["mmcheck"])
    assert callable(module.pytest_collect_file)


def test_names_of_hostile_claims(tmp_path: Path) -> None:
    text = SPEC.replace('variant "bare"', 'variant "</svg>\u202e[x]::y"')
    (tmp_path / "mp.litmus").write_text(text, encoding="utf-8")
    done = run(tmp_path, "-v")
    assert "1 failed, 3 passed" in done.stdout
    assert "\u202e" not in done.stdout


def test_verdicts_are_kept(tmp_path: Path) -> None:
    (tmp_path / "mp.litmus").write_text(SPEC)
    outputs = [run(tmp_path, "-q", "--no-header").stdout.splitlines()[0] for _ in range(2)]
    assert len(set(outputs)) == 1
    assert list((tmp_path / "cache").rglob("CACHEDIR.TAG"))
