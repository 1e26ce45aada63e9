"""Eight thousand tests in one process: the memory that it takes."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator

from measure import PYTHON, ROOT, environment, line

TESTS = {"AArch64": 5_600, "X86_64": 2_400}
LIMIT = 250
"""Megabytes."""


def decide_all() -> int:
    """Decide all tests; the peak of the memory in this process, in megabytes."""
    from mmcheck.base.source import SourceFile
    from mmcheck.verdict.litmus import decide
    from tests.property.cycles import cycle

    def files() -> Iterator[SourceFile]:
        for arch, count in TESTS.items():
            for number in range(count):
                made = cycle(number, arch)
                yield SourceFile(f"{made.name}.litmus", made.text)

    for _ in decide(files()):
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> bool:
    code = "from many_tests import decide_all; print(decide_all())"
    path = f"{ROOT}:{ROOT / 'tests' / 'bench'}"
    done = subprocess.run(
        [PYTHON, "-c", code], env={**environment(), "PYTHONPATH": path}, cwd=ROOT, capture_output=True, check=True
    )
    peak = int(done.stdout)
    return line(f"{sum(TESTS.values())} tests in one process", f"{peak} MB", f"{LIMIT} MB", peak < LIMIT)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
