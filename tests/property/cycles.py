"""Tests in herd's format built from cycles: what the models are about, and what random programs hardly ever hit.

A cycle goes through two to four threads. Each has a first and a last access (or one that is both); from thread to
thread it goes by what one sees of another (rf, fr, co), within a thread by whatever may order its two accesses: fences,
acquire and release, dependencies through registers, conditional selects, atomics with a result that is used, is not, or
is not there, compare-and-swaps that succeed or fail, reloads of what the thread itself wrote, exclusives, own writes
between. In most tests that is one thread, and the others are in order by full fences: then it decides.

`cycle(number, arch)` is the same test always; the shapes come in turn, so that a row of numbers has all of them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product

PLACES = ("x", "y", "z", "a")
"""The locations that the cycle goes through; "s" is where a thread keeps what it will read again."""

FENCED = -1
"""The budget of a thread that has plain accesses with a full fence between."""

STEPS = {("W", "R"), ("R", "W"), ("W", "W")}
"""rf, fr, co: from the last access of a thread to the first of the next."""


@lru_cache
def shapes() -> list[tuple[str, ...]]:
    """All cycles of two to four threads, each once: what a thread begins and ends with, ``RW``, or ``W`` if that is one
    access. At least two threads have two, to different places."""
    found: dict[tuple[str, ...], None] = {}
    for threads in (2, 3, 4):
        for shape in product(("RR", "RW", "WR", "WW", "R", "W"), repeat=threads):
            steps = [(one[-1], other[0]) for one, other in zip(shape, (*shape[1:], shape[0]), strict=True)]
            if set(steps) <= STEPS and sum(len(each) == 2 for each in shape) >= 2:
                found[min(shape[i:] + shape[:i] for i in range(threads))] = None
    return list(found)


@dataclass(frozen=True)
class Cycle:
    """A test; `deviates` are the rows of docs/models.md for which herd may say something else."""

    name: str
    text: str
    deviates: frozenset[str]


@dataclass
class Seen:
    """What a thread has of an access: the register with what was read, the value written if that is known, and whether
    it wrote at all."""

    register: str | None = None
    value: int | None = None
    wrote: bool = False


@dataclass
class Writer:
    """One thread, being written. `shown` are the registers that final states show; `budget` is how much may still be
    put between its accesses. A language of instructions is a subclass with `first`, `last` and `between`."""

    number: int
    pick: random.Random
    budget: int
    values: dict[str, int]
    lines: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    places: set[str] = field(default_factory=set)
    deviates: set[str] = field(default_factory=set)

    def one_of(self, weighted: dict[str, float]) -> str:
        return self.pick.choices(list(weighted), list(weighted.values()))[0]

    def maybe(self, chance: float) -> bool:
        return self.pick.random() < chance

    def spend(self, chance: float) -> bool:
        """Whether to put in something more, by chance and while there is something left to spend."""
        if self.budget <= 0 or not self.maybe(chance):
            return False
        self.budget -= 1
        return True

    def put(self, *lines: str) -> None:
        self.lines += lines

    def next_value(self, place: str) -> int:
        """A value that nobody has written to `place`."""
        self.values[place] += 1
        return self.values[place]

    def thread(self, kinds: str, incoming: str, outgoing: str) -> tuple[Seen, Seen]:
        """Write the thread; its first and its last access."""
        first = self.access(kinds[0], incoming)
        if len(kinds) == 1:
            return first, first
        return first, self.joined(first, incoming, kinds[1], outgoing)

    def access(self, kind: str, place: str) -> Seen:
        raise NotImplementedError

    def joined(self, first: Seen, incoming: str, kind: str, outgoing: str) -> Seen:
        """The last access, and before it what may put it in order behind the first."""
        raise NotImplementedError

    def initial(self) -> list[str]:
        """What the initial state says of its registers."""
        return []


def cycle(number: int, arch: str) -> Cycle:
    """The test of this number."""
    from tests.property.cycles_aarch64 import AArch64
    from tests.property.cycles_x86 import X86

    shape = shapes()[number % len(shapes())]
    pick = random.Random(f"{arch} {number}")
    values = dict.fromkeys((*PLACES, "s"), 0)
    subject = pick.choice([n for n, kinds in enumerate(shape) if len(kinds) == 2]) if pick.random() < 0.7 else None
    writers: list[Writer] = []
    seen: list[tuple[Seen, Seen]] = []
    places: list[str] = []
    count = sum(len(kinds) == 2 for kinds in shape)
    at = 0
    for place, kinds in enumerate(shape):
        budget = 1 if subject is None else pick.choice((1, 2, 3)) if place == subject else FENCED
        writer = (AArch64 if arch == "AArch64" else X86)(place, pick, budget, values)
        incoming, at = PLACES[at], (at + len(kinds) - 1) % count
        seen.append(writer.thread(kinds, incoming, PLACES[at]))
        places.append(PLACES[at])
        writers.append(writer)
    wanted = [_step(place, places[place], seen) for place in range(len(shape))]
    conditions = [each for each in wanted if each] or [f"{places[0]}=1"]
    name = f"{arch}-{number}"
    text = _text(name, arch, writers, conditions)
    return Cycle(name, text, frozenset().union(*[writer.deviates for writer in writers]))


def _step(thread: int, place: str, seen: Sequence[tuple[Seen, Seen]]) -> str:
    """What shows that the cycle goes on from `thread` to the next; "" if nothing does."""
    following = (thread + 1) % len(seen)
    here, there = seen[thread][1], seen[following][0]
    if here.wrote and there.register is not None:
        return f"{following}:{there.register}={here.value}" if here.value is not None else ""
    if here.register is not None and there.wrote:
        return f"{thread}:{here.register}=0"
    return f"{place}={there.value}" if there.value is not None else ""


def _text(name: str, arch: str, writers: Sequence[Writer], conditions: Sequence[str]) -> str:
    rows = max(len(writer.lines) for writer in writers)
    columns = [[f"P{w.number}", *w.lines, *[""] * (rows - len(w.lines))] for w in writers]
    widths = [max(map(len, column)) for column in columns]
    lines = [
        " " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + " ;"
        for row in zip(*columns, strict=True)
    ]
    initial = " ".join(each for writer in writers for each in writer.initial())
    shown = [f"{writer.number}:{register};" for writer in writers for register in writer.shown]
    shown += [f"{place};" for place in PLACES if any(place in writer.places for writer in writers)]
    table, condition = "\n".join(lines), " /\\ ".join(conditions)
    return f"{arch} {name}\n{{ {initial} }}\n{table}\nlocations [{' '.join(shown)}]\nexists ({condition})\n"
