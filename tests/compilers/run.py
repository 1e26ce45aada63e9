"""Random bodies through real compilers: python tests/compilers/run.py --count 5000 --compiler clang --arch aarch64.

Every function's machine code is judged by the model of its architecture, and each outcome of it must be one that
the source may have: one that is not is a wrong verdict of ours, or a defect of the compiler. What the text has as it
stands the source may do in any case; the solver is asked of the rest.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from mmcheck.base.errors import InputError, UnknownVerdict  # noqa: E402
from mmcheck.model.defects import DEFECTS  # noqa: E402
from tests.compilers import generate, judge  # noqa: E402
from tests.compilers.assembly import Unread, litmus  # noqa: E402
from tests.compilers.classify import explain  # noqa: E402
from tests.compilers.compilers import FEATURES, Compiler, Missing, find  # noqa: E402
from tests.compilers.form import Case  # noqa: E402
from tests.compilers.printers import Spec  # noqa: E402
from tests.compilers.reduce import smallest  # noqa: E402

BATCH = 200


@dataclass
class Tally:
    programs: int = 0
    outcomes: int = 0
    beyond: int = 0
    """Outcomes that the text as it stands does not have on the machine."""
    skipped: Counter[str] = field(default_factory=Counter)
    defects: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)


def target_of(compiler: Compiler, features: str) -> str:
    return compiler.arch.target + "".join(f"+{each}" for each in features.split(",") if each)


def of_machine(case: Case, lines: Sequence[str], compiler: Compiler) -> judge.Outcomes:
    return judge.of_machine(case, litmus(case, lines, compiler.arch), compiler.arch)


def shown(outcome: judge.Outcome) -> str:
    return ", ".join(f"{name}={value}" for name, value in outcome) or "all 0"


def report(
    folder: Path, case: Case, lines: Sequence[str], compiler: Compiler, level: int, features: str, wrong: judge.Outcomes
) -> None:
    """Write a failing case down: as a specification and as herd's test that ask for the outcome, and as source."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{case.name}-{compiler.name}-{compiler.arch.name}-O{level}"
    outcome = min(wrong, key=lambda each: (len(each), each))
    machine = f"{compiler.arch.name}{features and '+' + features}"
    said = f"{compiler.name} {compiler.version}, {machine}, -O{level}: {shown(outcome)}"
    spec = Spec().case(case, target_of(compiler, features), judge.in_source(case, outcome))
    test = litmus(case, lines, compiler.arch, judge.in_machine(case, outcome, compiler.arch))
    head, rest = test.split("\n", 1)
    source = compiler.printer.unit([(case.name, case.body)])
    (folder / f"{name}.spec.litmus").write_text(f"// {said}\n{spec}", encoding="utf-8")
    (folder / f"{name}.asm.litmus").write_text(f'{head}\n"{said}"\n{rest}', encoding="utf-8")
    (folder / f"{name}{compiler.printer.suffix}").write_text(f"// {said}\n{source}", encoding="utf-8")
    (folder / f"{name}.s").write_text("\n".join([f"// {said}", f"{case.name}:", *lines, ""]), encoding="utf-8")


def judged(case: Case, found: judge.Outcomes, target: str, compiler: Compiler) -> tuple[judge.Outcomes, set[str]]:
    """Of the outcomes `found` that machine code has and the text has not, those that are wrong: the table of the
    compiler excludes them, or the default one does and no single known defect gives them; and the defects that give
    the others."""
    own, default = judge.Source(case, target, compiler.profile), judge.Source(case, target)
    wrong = {each for each in found if not own.allows(each)}
    defects = set()
    for outcome in found - wrong:
        if not default.allows(outcome):
            name = defect_of(case, outcome, target, compiler.profile)
            if name is None:
                wrong.add(outcome)
            else:
                defects.add(name)
    return frozenset(wrong), defects


def defect_of(case: Case, outcome: judge.Outcome, target: str, compiler: str) -> str | None:
    """A known defect of the compiler that alone gives `outcome`."""
    names = [each.name for each in DEFECTS.values() if each.compiler == compiler]
    return next((name for name in names if judge.Source(case, target, name).allows(outcome)), None)


def study(case: Case, compiler: Compiler, level: int, features: str, folder: Path) -> str:
    """Make a failing case small, write it down, and say what class it is of."""
    target = target_of(compiler, features)

    def wrong_of(each: Case, lines: Sequence[str]) -> judge.Outcomes:
        try:
            beyond = of_machine(each, lines, compiler) - judge.of_text(each, target)
            return judged(each, beyond, target, compiler)[0] if beyond else beyond
        except (Unread, UnknownVerdict, InputError):
            return frozenset()

    def fails(tries: list[Case]) -> Iterator[bool]:
        compiled = compiler.compile([(f"t{n}", each.body) for n, each in enumerate(tries)], level, features)
        return (bool(wrong_of(each, compiled[f"t{n}"])) for n, each in enumerate(tries))

    small = smallest(case, fails)
    lines = compiler.compile([(small.name, small.body)], level, features)[small.name]
    wrong = wrong_of(small, lines)
    kind = explain(small, target, wrong, compiler.profile)
    if not all(judge.Source(small, target).allows(outcome) for outcome in wrong):
        kind = f"{kind}, by default"
    report(folder / re.sub(r"[^\w+]+", "-", kind)[:80].strip("-"), small, lines, compiler, level, features, wrong)
    return kind


def run(compiler: Compiler, level: int, features: str, seed: int, count: int, start: int, folder: Path) -> Tally:
    tally = Tally()
    target = target_of(compiler, features)
    for begin in range(start, start + count, BATCH):
        numbers = range(begin, min(begin + BATCH, start + count))
        batch = [generate.case(seed, number, compiler.operations) for number in numbers]
        compiled = compiler.compile([(each.name, each.body) for each in batch], level, features)
        for case in batch:
            tally.programs += 1
            try:
                found = of_machine(case, compiled[case.name], compiler)
                beyond = found - judge.of_text(case, target)
                wrong, defects = judged(case, beyond, target, compiler) if beyond else (beyond, set())
            except Unread as error:
                tally.skipped[str(error)] += 1
                continue
            except UnknownVerdict as error:
                tally.skipped[f"unknown: {error.reason}"] += 1
                continue
            tally.outcomes += len(found)
            tally.beyond += len(beyond)
            tally.defects.update(defects)
            if wrong:
                kind = study(case, compiler, level, features, folder)
                tally.failures[kind] += 1
                print(f"{case.name}: {kind}", flush=True)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--compiler", default="clang", choices=("clang", "gcc", "rustc"))
    parser.add_argument("--arch", default="aarch64", choices=tuple(FEATURES))
    parser.add_argument("--features", default="", help="of aarch64: lse, rcpc, or both with a comma")
    parser.add_argument("--level", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--found", type=Path, default=Path("found"), help="where failing cases go")
    options = parser.parse_args()
    try:
        compiler = find(options.compiler, options.arch)
    except Missing as missing:
        print(f"not run: {missing}")
        return 3
    began = time.monotonic()
    tally = run(compiler, options.level, options.features, options.seed, options.count, options.start, options.found)
    skipped = sum(tally.skipped.values())
    what = f"{compiler.name} {compiler.version} {compiler.arch.name} {options.features}"
    print(f"{what} -O{options.level} seed {options.seed}")
    print(f"{tally.programs} programs, {time.monotonic() - began:.0f} s")
    print(f"{tally.outcomes} outcomes, {tally.beyond} of them not of the text")
    print(f"{skipped} skipped ({100 * skipped / max(1, tally.programs):.1f} %)")
    for reason, number in tally.skipped.most_common():
        print(f"  {number:5} {reason}")
    for defect, number in tally.defects.most_common():
        print(f"{number} programs by the known defect {defect}")
    print(f"{sum(tally.failures.values())} failures")
    for shape, number in tally.failures.most_common():
        print(f"  {number:5} {shape}")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
