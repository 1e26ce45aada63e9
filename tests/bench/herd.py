"""herd7 beside mmcheck, where herd7 is on PATH: what each says of a test, and in how many final states.

Of the tests of litmus/, of those of tests/data/deviations, where it is known to say something else, and of those built
from cycles (tests/property/cycles.py). ``herd.py NUMBER`` takes so many of the latter for each architecture;
``herd.py --record`` writes what herd7 says of those that an ordinary run has to tests/data/cycles, where
tests/property/test_cycle_shapes.py looks it up.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from measure import ROOT, line

sys.path.insert(0, str(ROOT))

from mmcheck.verdict.litmus import decide
from tests.deviations import deviations
from tests.property.cycles import Cycle, cycle
from tests.property.test_cycle_shapes import COUNTS, RECORDED, digest

OPTIONS = ("-optace", "true", "-timeout", "20")
"""Without candidates that break coherence anyhow; seconds for each test."""
CHUNK = 20
DIFFER = {"SB+lfences", "SB+sfences"}
"""Tests of litmus/ of which herd7 says something else, for reasons given in docs/models.md."""

Said = tuple[str, int]


def said_by_herd(paths: Iterable[Path]) -> Iterator[tuple[str, Said]]:
    """Name, observation and number of states of each test that herd7 reads and decides in time."""
    names = [str(path) for path in paths]
    for start in range(0, len(names), CHUNK):
        command = ["herd7", *OPTIONS, *names[start : start + CHUNK]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        states = 0
        for text in done.stdout.splitlines():
            word, _, rest = text.partition(" ")
            if word == "States":
                states = int(rest)
            elif word == "Observation":
                name, observation = rest.split()[:2]
                yield name, (observation, states)


def said_by_us(path: Path) -> Said:
    (outcome,) = decide([path], states=True)
    return outcome.observation, len(outcome.states or ())


def made(arch: str, numbers: Iterable[int], folder: str) -> dict[str, tuple[Cycle, Path]]:
    """The tests of these numbers as files, by name."""
    out = {}
    for number in numbers:
        one = cycle(number, arch)
        path = Path(folder, f"{one.name}.litmus")
        path.write_text(one.text, encoding="utf-8")
        out[one.name] = one, path
    return out


def compared(title: str, files: dict[str, Path], differ: set[str]) -> bool:
    count, wrong = 0, []
    for name, said in said_by_herd(files.values()):
        count += 1
        if name not in differ and said != said_by_us(files[name]):
            wrong.append(f"{name}: herd7 {said}, mmcheck {said_by_us(files[name])}")
    for text in wrong:
        print(f"      {text}")
    result = f"{count - len(wrong)} of {count} agree, {len(files) - count} are not read or take too long"
    return line(title, result, f"{len(differ & files.keys())} are known to differ", not wrong)


def main(count: int = 0) -> bool:
    if shutil.which("herd7") is None:
        return line("herd7", "is not on PATH", "nothing is compared", True)
    good = True
    for folder in ("aarch64", "x86_64"):
        tests = {_name(path): path for path in sorted((ROOT / "litmus" / folder).glob("*.litmus"))}
        good &= compared(f"litmus/{folder}", tests, DIFFER)
    known = {each.path.stem: each for each in deviations()}
    said = {name: f"{word}, {states}" for name, (word, states) in said_by_herd([each.path for each in known.values()])}
    changed = [name for name, each in known.items() if said.get(name) != each.herd]
    good &= line("tests/data/deviations", f"{len(known) - len(changed)} of {len(known)} as ever", "all", not changed)
    for arch in COUNTS:
        with tempfile.TemporaryDirectory() as folder:
            cycles = made(arch, range(count or COUNTS[arch]), folder)
            differ = {name for name, (one, _) in cycles.items() if one.deviates}
            good &= compared(f"cycles, {arch}", {name: path for name, (_, path) in cycles.items()}, differ)
    return good


def _name(path: Path) -> str:
    found = re.match(r"\S+ (\S+)", path.read_text(encoding="utf-8"))
    assert found is not None
    return found[1]


def record() -> None:
    for arch, count in COUNTS.items():
        with tempfile.TemporaryDirectory() as folder:
            cycles = made(arch, range(count), folder)
            rows = []
            for name, (word, states) in said_by_herd([path for _, path in cycles.values()]):
                number = int(name.rpartition("-")[2])
                rows.append((number, f"{number}\t{digest(cycles[name][0].text)}\t{word}\t{states}\n"))
        head = "number\ttext\tobservation\tstates\n"
        table = head + "".join(text for _, text in sorted(rows))
        (RECORDED / f"{arch}.tsv").write_text(table, encoding="utf-8")


if __name__ == "__main__":
    os.nice(5)
    if "--record" in sys.argv:
        record()
        sys.exit(0)
    sys.exit(0 if main(*map(int, sys.argv[1:])) else 1)
