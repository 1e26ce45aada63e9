"""Starting up: the version against a bare Python, a small file against importing solver and parser.

Run it as ``python tests/bench/startup.py [RUNS]``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from measure import PYTHON, interleaved, mmcheck, prepare, ratio

MESSAGE = """spec "message passing"
targets armv8
memory data, flag
requirement seen { says "a reader that sees the flag sees the data" }
thread writer {
  data = 1
  fence(release)
  flag.store(1, relaxed)
}
thread reader {
  let f = flag.load(acquire)
  if f == 1 {
    let d = data
    assert d == 1 for seen
  }
}
"""


def main(runs: int = 9) -> bool:
    prepare()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mp.litmus"
        path.write_text(MESSAGE)
        times = interleaved(
            {
                "pass": [PYTHON, "-c", "pass"],
                "version": mmcheck("--version"),
                "import": [PYTHON, "-c", "import z3, lark"],
                "verify": mmcheck("verify", str(path)),
                "help": mmcheck("--help"),
            },
            runs,
        )
    good = ratio("mmcheck --version / python -c pass", times["version"], times["pass"], 3)
    good &= ratio("mmcheck verify mp.litmus / import z3, lark", times["verify"], times["import"], 2.5)
    ratio("mmcheck --help / python -c pass (no limit)", times["help"], times["pass"], 99)
    return good


if __name__ == "__main__":
    sys.exit(0 if main(*map(int, sys.argv[1:])) else 1)
