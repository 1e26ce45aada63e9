"""Every specification of the repository, by itself: ``mmcheck verify FILE``, without cache."""

from __future__ import annotations

import sys

from measure import ROOT, cpu, line, mmcheck, prepare

TOTAL = 60.0
"""CPU seconds that all files together may take."""

EACH = 3.0
"""CPU seconds that one file may take, unless it is one of `MORE`."""

MORE = {
    "virtqueue.litmus": 2.0, "preempt.litmus": 5.0, "virtio/split-8.litmus": 10.0,
    "packed.litmus": 6.0, "virtio/packed-obligations.litmus": 6.0, "virtio/packed-event.litmus": 6.0,
}  # fmt: skip


def main(runs: int = 1) -> bool:
    prepare()
    folder = ROOT / "specs"
    good, total, quick = True, 0.0, 0
    for path in sorted(folder.rglob("*.litmus")):
        name = path.relative_to(folder).as_posix()
        limit = MORE.get(name, EACH)
        least = min(cpu(mmcheck("verify", str(path)), codes=(0, 1)) for _ in range(runs))
        total += least
        if least < limit and name not in MORE:
            quick += 1
        else:
            good &= line(f"mmcheck verify specs/{name}", f"{least:.3f} s", f"{limit:g} s", least < limit)
    line("the other files", f"{quick} of them", f"{EACH:g} s each", True)
    return line("mmcheck verify specs/, file by file", f"{total:.1f} s", f"{TOTAL:g} s", total < TOTAL) and good


if __name__ == "__main__":
    sys.exit(0 if main(*map(int, sys.argv[1:])) else 1)
