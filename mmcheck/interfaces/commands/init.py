"""``mmcheck init``."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmcheck.base import files
from mmcheck.base.errors import fail
from mmcheck.interfaces.commands import console

HOLDS = """\
// A driver hands a request to a device: it writes the request, then the index that makes it visible.
// Change it into your own submit function; `mmcheck verify` says whether the barriers still suffice.
spec "submit: the barrier is there"
targets armv8, x86-tso

memory request, index

requirement published {
  cites "VirtIO 1.2, 2.7.13.3.1"
  says  "a device that sees the index sees the request behind it"
}

thread driver {
  request = 42
  publish: fence(release)
  index.write_volatile(1)
}

device host {
  await index.load(acquire) == 1
  let seen = request
  assert seen == 42 for published
}
"""

BROKEN = HOLDS.replace(
    """\
// Change it into your own submit function; `mmcheck verify` says whether the barriers still suffice.
spec "submit: the barrier is there"
""",
    """\
// The barrier between the two is gone: `mmcheck verify` shows what can happen, and exits with 1.
spec "submit: the barrier is forgotten"
""",
).replace("  publish: fence(release)\n", "  publish: nothing\n")

FILES = {"holds.litmus": HOLDS, "broken.litmus": BROKEN}


def main(options: argparse.Namespace) -> int:
    """Write the files, none of which may be there."""
    folder = Path(options.folder)
    for name in FILES:
        if (folder / name).exists():
            raise fail("MM016", "there is such a file already", path=files.shown(folder / name))
    files.make_folder(folder)
    for name, text in FILES.items():
        files.write(folder / name, text)
        console.out(f"wrote {console.named(folder / name)}\n")
    console.out(f"next: mmcheck verify {console.named(folder)}\n")
    return 0
