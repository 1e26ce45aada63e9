"""Random bodies through the compilers that are here: no machine code may do what the source's verdict excludes.

``python -m pytest -m compilers``; tests/compilers/run.py does the same at scale.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compilers.compilers import Missing, find
from tests.compilers.run import run

COUNT = 200
RUNS = [
    (name, arch, features, level)
    for name in ("clang", "gcc", "rustc")
    for arch, features in (("aarch64", ""), ("aarch64", "lse"), ("x86-64", ""))
    for level in (1, 2)
]

pytestmark = pytest.mark.compilers


@pytest.mark.parametrize(("name", "arch", "features", "level"), RUNS)
def test_machine_code_has_outcomes_of_its_source_only(
    name: str, arch: str, features: str, level: int, tmp_path: Path
) -> None:
    try:
        compiler = find(name, arch)
    except Missing as missing:
        pytest.skip(str(missing))
    tally = run(compiler, level, features, seed=1, count=COUNT, start=0, folder=tmp_path)
    assert not tally.failures, f"{dict(tally.failures)}, see {tmp_path}"
    assert sum(tally.skipped.values()) < COUNT // 10, tally.skipped
