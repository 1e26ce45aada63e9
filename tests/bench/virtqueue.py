"""The main job: ``mmcheck verify specs/virtqueue.litmus``."""

from __future__ import annotations

import sys

from measure import ROOT, interleaved, line, mmcheck, prepare, seconds


def main(runs: int = 3) -> bool:
    path = ROOT / "specs" / "virtqueue.litmus"
    if not path.exists():
        return line("mmcheck verify specs/virtqueue.litmus", "no such file", "2 s", False)
    prepare()
    times = interleaved({"verify": mmcheck("verify", str(path))}, runs, codes=(0, 1))
    return seconds("mmcheck verify specs/virtqueue.litmus", times["verify"], 2)


if __name__ == "__main__":
    sys.exit(0 if main(*map(int, sys.argv[1:])) else 1)
