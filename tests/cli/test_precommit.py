"""The hook, by the real pre-commit: the manifest, a run in another repository, and our own configuration."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cli_inputs import BROKEN, MESSAGE, ROOT

pytestmark = [
    pytest.mark.precommit,
    pytest.mark.skipif(importlib.util.find_spec("pre_commit") is None, reason="pre-commit is not installed"),
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]


def run(*arguments: str, cwd: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHONPATH"))}
    nobody = {
        "GIT_AUTHOR_NAME": "t",
        "GIT_AUTHOR_EMAIL": "t@t",
        "GIT_COMMITTER_NAME": "t",
        "GIT_COMMITTER_EMAIL": "t@t",
    }
    return subprocess.run(
        arguments,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**clean, **nobody, "PRE_COMMIT_COLOR": "never", **extra},
    )


def git(cwd: Path, *arguments: str) -> str:
    done = run("git", *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def repository(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    return folder


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "x")


PARTS = ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml", "mmcheck")
"""What of this project its package is built from."""


@pytest.fixture(scope="session")
def hook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project as a repository of its own, with what is not committed yet."""
    folder = repository(tmp_path_factory.mktemp("hook"))
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "_table.*"))
        else:
            shutil.copyfile(ROOT / name, folder / name)
    commit(folder)
    return folder


def precommit(*arguments: str, cwd: Path, home: Path) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "pre_commit", *arguments, cwd=cwd, PRE_COMMIT_HOME=str(home))


def test_the_manifest_is_valid(tmp_path: Path) -> None:
    done = precommit("validate-manifest", str(ROOT / ".pre-commit-hooks.yaml"), cwd=ROOT, home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_our_own_configuration_is_valid(tmp_path: Path) -> None:
    done = precommit("validate-config", str(ROOT / ".pre-commit-config.yaml"), cwd=ROOT, home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_hook_in_another_repository(hook: Path, tmp_path: Path) -> None:
    """Installs the package as pre-commit does; a broken file, and one broken by what it includes, are reported."""
    home = tmp_path / "home"
    user = repository(tmp_path / "user")
    (user / "specs").mkdir()
    (user / "specs" / "good.litmus").write_text(MESSAGE)
    (user / "specs" / "lib.litmus").write_text("memory data, flag\n")
    body = 'include "lib.litmus"\n' + MESSAGE.replace("memory data, flag\n", "")
    (user / "specs" / "user.litmus").write_text(body)
    commit(user)
    fine = precommit("try-repo", str(hook), "mmcheck", "--all-files", "--verbose", cwd=user, home=home)
    assert fine.returncode == 0, fine.stdout + fine.stderr
    assert "Passed" in fine.stdout

    (user / "specs" / "bad.litmus").write_text(BROKEN)
    git(user, "add", "-A")
    wrong = precommit("try-repo", str(hook), "mmcheck", "--files", "specs/bad.litmus", cwd=user, home=home)
    assert wrong.returncode == 1
    assert "specs/bad.litmus:13:5: violated seen [base] on armv8: claimed to hold;" in wrong.stdout

    (user / "specs" / "lib.litmus").write_text("memory data, flog\n")
    git(user, "add", "-A")
    included = precommit("try-repo", str(hook), "mmcheck", "--files", "specs/lib.litmus", cwd=user, home=home)
    assert included.returncode == 1
    assert "specs/user.litmus:" in included.stdout and "MM200" in included.stdout


def test_our_own_repository_uses_the_hook(tmp_path: Path) -> None:
    """On a copy, so that nothing here is touched: our configuration runs the hook on what was changed in ``specs/``.

    That every specification is as it claims is the subject of ``tests/unit/test_corpus.py``.
    """
    user = repository(tmp_path / "own")
    shutil.copytree(ROOT / "specs", user / "specs")
    shutil.copyfile(ROOT / ".pre-commit-config.yaml", user / ".pre-commit-config.yaml")
    commit(user)
    spec = user / "specs" / "submit-minimal.litmus"

    def hook() -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
        git(user, "add", "-A")
        return run(
            sys.executable, "-m", "pre_commit", "run", "mmcheck", "--verbose", cwd=user,
            PRE_COMMIT_HOME=str(tmp_path / "home"), PYTHONPATH=str(ROOT), PATH=path,
        )  # fmt: skip

    spec.write_text("// changed\n" + spec.read_text())
    fine = hook()
    assert fine.returncode == 0, fine.stdout + fine.stderr
    assert "Passed" in fine.stdout

    spec.write_text(spec.read_text().replace("publish: fence(release)", "publish: compiler_fence(release)"))
    wrong = hook()
    assert wrong.returncode == 1
    assert "specs/submit-minimal.litmus:" in wrong.stdout and "violated published [base] on armv8" in wrong.stdout
