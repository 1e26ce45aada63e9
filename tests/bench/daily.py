"""What mmcheck costs every day, in CPU time: python tests/bench/daily.py

The package is copied and compiled first, as an installation is; every figure is the least of several runs.
"""

from __future__ import annotations

import compileall
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

CACHE = "kept"
ROOT = Path(__file__).resolve().parents[2]

try:
    import resource
except ImportError:
    sys.exit("this benchmark needs the module resource, which Windows has not")


def cpu(command: Sequence[str], folder: Path, package: Path, before: Callable[[], None], runs: int) -> float:
    """Milliseconds of CPU that `command` takes."""
    best = float("inf")
    environment = {
        **os.environ,
        "PYTHONPATH": str(package),
        "MMCHECK_CACHE": "",
        "MMCHECK_CACHE_DIR": str(folder / CACHE),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment.pop("MMCHECK_CACHE", None)
    for _ in range(runs):
        before()
        start = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime)
    return 1000 * best


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        package, work = top / "package", top / "work"
        shutil.copytree(ROOT / "mmcheck", package / "mmcheck", ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(package, quiet=2)
        shutil.copytree(ROOT / "specs", work / "specs")
        (work / "pyproject.toml").touch()  # the top of a project: includes may go up to here
        return report(work, package)


def report(work: Path, package: Path) -> int:
    """Print the figures beside their limits; 1 if one is missed."""
    files = len(list((work / "specs").rglob("*.litmus")))
    cache = work / CACHE
    mmcheck = [sys.executable, "-m", "mmcheck"]

    def nothing() -> None: ...

    def no_cache() -> None:
        shutil.rmtree(cache, ignore_errors=True)

    def no_pages() -> None:
        for path in cache.glob("*/*"):
            if re.match(rb"\d\n", path.read_bytes().partition(b"\n")[2]):
                path.unlink()

    def measure(*arguments: str, before: Callable[[], None] = nothing, runs: int = 11) -> float:
        return cpu([*mmcheck, *arguments], work, package, before, runs)

    python = cpu([sys.executable, "-c", "pass"], work, package, nothing, 15)
    measure("verify", "specs", before=no_cache, runs=1)
    rows = [
        ("python -c pass", python, None),
        (f"verify specs/ ({files} files), unchanged", measure("verify", "specs"), 5 * python + 5 * files),
        (
            "hook on one file, its verdicts known",
            measure("verify", "--format", "concise", "--includers", "specs/virtqueue.litmus", before=no_pages),
            150.0,
        ),
        ("verify specs/virtqueue.litmus, nothing known",
         measure("verify", "specs/virtqueue.litmus", before=no_cache, runs=3), 2500.0),
        ("doc specs/, nothing known", measure("doc", "specs", "-o", "site", before=no_cache, runs=1), 90_000.0),
        ("doc specs/, verdicts known", measure("doc", "specs", "-o", "site", runs=1), None),
    ]  # fmt: skip
    late = False
    for text, value, limit in rows:
        missed = limit is not None and value > limit
        late |= missed
        print(
            f"{value:9.0f} ms  {text}" + (f" (limit {limit:.0f} ms)" if limit else "") + (" MISSED" if missed else "")
        )
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
