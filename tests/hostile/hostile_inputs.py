"""A checkout that somebody else made, and what may stand in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from mmcheck.__main__ import main

SECRET = "xyzzy the user's own words"
"""What stands outside of the checkout: if a line of ours has it, something outside was shown."""


@dataclass(frozen=True)
class Checkout:
    """`path` is the checkout, where commands run; `outside` is beside it."""

    path: Path
    outside: Path
    capture: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> tuple[int, str]:
        """The exit code, and all that was printed."""
        code = main(list(arguments))
        captured = self.capture.readouterr()
        return code, captured.out + captured.err

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


GOOD = """spec "message passing"
targets armv8
memory data, flag
requirement seen { says "a reader that sees the flag sees the data" }
thread writer {
  data.store(1, relaxed)
  publish: fence(release)
  flag.store(1, relaxed)
}
thread reader {
  let f = flag.load(acquire)
  if f == 1 {
    let d = data.load(relaxed)
    assert d == 1 for seen
  }
}
"""
BAD = GOOD.replace("  publish: fence(release)\n", "")

STRONG = '"strong"\nacyclic po | rf | co | fr as sc\n'
WEAK = '"weak"\nacyclic po-loc | rf | co | fr as coherence\n'
