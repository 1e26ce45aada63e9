"""What a source may do and no machine code of it does: python tests/compilers/alarms.py --count 500 --arch aarch64.

Each outcome that a source has by more than the order of its text on the machine rests on a rule: an access that is
left out, a dependency that is no longer there, or two accesses that change places. For each rule the outcomes are
counted that rest on it, and those that a compiler shows at some level. A rule that no compiler ever shows is needlessly
weak, or waits for a compiler that makes use of it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from mmcheck.base.errors import UnknownVerdict  # noqa: E402
from mmcheck.events.execution import Event  # noqa: E402
from tests.compilers import generate, judge  # noqa: E402
from tests.compilers.assembly import Unread  # noqa: E402
from tests.compilers.compilers import Compiler, Missing, find  # noqa: E402
from tests.compilers.form import Case  # noqa: E402
from tests.compilers.run import BATCH, of_machine, target_of  # noqa: E402

LEVELS = (1, 2)
FEATURES = {"aarch64": "lse", "x86-64": ""}


def rule_of(case: Case, target: str, outcome: judge.Outcome) -> str:
    """What `outcome` rests on; nothing if the text allows it as it stands."""
    if judge.Source(case, target, compiled=False).allows(outcome):
        return ""
    run = judge.Source(case, target, removing=False).run(outcome)
    if run is None:
        return left_out(judge.Source(case, target), outcome)
    if judge.Source(case, target, removing=False, textual=True).run(outcome) is None:
        return "a dependency of the text that is none"
    return "order: " + (next(changed(run), "") or "?")


def left_out(source: judge.Source, outcome: judge.Outcome) -> str:
    """How the accesses go that a run to `outcome` leaves out."""
    run = source.run(outcome)
    assert run is not None
    told = set()
    for number, removal in source.graph.removals.items():
        for choice, how in removal.how:
            if run.decoder.true(source.encoding.values.literal(choice)):
                told.add(f"{source.graph.events[number].kind}: {how.split(chr(39))[0].strip()}")
    return "left out: " + ", ".join(sorted(told))


def changed(run: judge.Run) -> Iterator[str]:
    """The pairs of accesses that change places, the nearest in the text first."""
    for order in run.orders.values():
        text = sorted(order)
        position = {number: at for at, number in enumerate(order)}
        pairs = [(a, b) for a, b in combinations(text, 2) if position[b] < position[a]]
        for a, b in sorted(pairs, key=lambda pair: text.index(pair[1]) - text.index(pair[0])):
            yield f"{word(run.execution.events[b])} before {word(run.execution.events[a])}"


def word(event: Event) -> str:
    """What an event is in the source: ``Plain R``, ``Acquire,Atomic R``."""
    names = sorted(tag for tag in event.tags if tag[:1].isupper() and tag[1:].islower())
    return f"{','.join(names)} {event.kind}".strip()


def shown(cases: list[Case], compilers: list[Compiler], features: str) -> dict[str, set[judge.Outcome]]:
    """What the machine code of each case does, by any compiler at any level; without cases that one of them cannot be
    read of."""
    found: dict[str, set[judge.Outcome]] = {each.name: set() for each in cases}
    for compiler in compilers:
        for level in LEVELS:
            compiled = compiler.compile([(each.name, each.body) for each in cases], level, features)
            for case in cases:
                if case.name in found:
                    try:
                        found[case.name] |= of_machine(case, compiled[case.name], compiler)
                    except (Unread, UnknownVerdict):
                        del found[case.name]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--arch", default="aarch64", choices=tuple(FEATURES))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    compilers = []
    for name in ("clang", "gcc", "rustc"):
        try:
            compilers.append(find(name, options.arch))
        except Missing as missing:
            print(f"without {name}: {missing}")
    if not compilers:
        return 3
    features = FEATURES[options.arch]
    target = target_of(compilers[0], features)
    operations = min((each.operations for each in compilers), key=len)
    began, programs, seen, unseen = time.monotonic(), 0, Counter[str](), Counter[str]()
    example: dict[str, str] = {}
    end = options.start + options.count
    for begin in range(options.start, end, BATCH):
        cases = [generate.case(options.seed, number, operations) for number in range(begin, min(begin + BATCH, end))]
        found = shown(cases, compilers, features)
        for case in cases:
            if case.name not in found:
                continue
            try:
                for outcome in judge.of_source(case, target):
                    rule = rule_of(case, target, outcome)
                    (seen if outcome in found[case.name] else unseen)[rule] += 1
                    if outcome not in found[case.name]:
                        example.setdefault(rule, case.name)
                programs += 1
            except UnknownVerdict:
                continue
    names = " ".join(each.name for each in compilers)
    print(f"{target}, {names}, seed {options.seed}: {programs} programs, {time.monotonic() - began:.0f} s")
    print("allowed  shown  rule")
    for rule, number in (seen + unseen).most_common():
        print(f"{number:7}  {seen[rule]:5}  {rule or 'the text as it stands'}  ({example.get(rule, '-')})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
