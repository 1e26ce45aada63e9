"""``mmcheck run --bytes``: the driver of a specification beside a packed virtqueue device in bytes."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from random import Random

from mmcheck.base.errors import fail
from mmcheck.base.source import SourceFile
from mmcheck.interfaces.commands import console
from mmcheck.language.lower.spec import Spec
from mmcheck.machine import runner
from mmcheck.machine.echo import driver, echo_spec, echoed
from mmcheck.report.progress import Progress
from mmcheck.report.words import plural
from mmcheck.target.targets import Target, parse_target


def main(source: SourceFile, options: argparse.Namespace) -> int:
    """Run the driver `options.runs` times on each target and in each variant; 1 if something goes wrong that the file
    does not expect."""
    spec = echo_spec(source)
    titles: list[str | None] = [None, *[variant.title for variant in spec.variants]]
    if options.variant is not None:
        if options.variant != "base" and options.variant not in titles:
            raise fail("MM020", f"no variant is called {options.variant!r}", path=source.path)
        titles = [None if options.variant == "base" else options.variant]
    code = 0
    for title in titles:
        for target in [parse_target(options.target)] if options.target else list(spec.targets):
            if spec.applicable(title, target):
                code = max(code, _runs(spec, target, title, options))
    return code


def _runs(spec: Spec, target: Target, title: str | None, options: argparse.Namespace) -> int:
    program = driver(spec, target, title)
    prepared = runner.prepare(program)
    seen: Counter[str] = Counter()
    steps = kicks = requests = 0
    began = time.process_time()
    with Progress(sys.stderr, quiet=options.quiet) as progress:
        for count in range(options.runs):
            found = echoed(program, Random(options.seed + count), prepared=prepared)
            steps, kicks, requests = steps + found.steps, kicks + found.kicks, requests + len(found.requests)
            seen.update([f"violated  {name}" for name in found.failed])
            seen.update([f"stuck     {name}" for name in found.stuck])
            seen["wrong     a request that the device did not see as it was written"] += found.wrong > 0
            spent = time.process_time() - began
            left = spent / (count + 1) * (options.runs - count - 1)
            rate = steps / max(spent, 1e-9)
            progress(f"{count + 1}/{options.runs} runs, {rate:,.0f} steps a second, about {left:.0f} s left")
    expected = any(
        spec.expected(requirement.name, requirement.kind, target, title)[0] == "violated"
        for requirement in program.requirements
    )
    wrong = {what: number for what, number in sorted(seen.items()) if number}
    lines = [
        f"{spec.path}, {title or 'base'}, {target.name}, packed queue in bytes: {plural(options.runs, 'run')}, "
        f"{requests:,} requests, {kicks:,} kicks, {steps:,} steps, "
        f"{steps / max(time.process_time() - began, 1e-9):,.0f} a second"
    ]
    claim = "the file expects a violation" if expected else "the file expects none"
    lines += [f"  {what} in {plural(number, 'run')}: {claim}" for what, number in wrong.items()]
    if not wrong:
        lines.append("  nothing went wrong" + (", though the file expects a violation" if expected else ""))
    console.out("\n".join(lines) + "\n")
    return int(bool(wrong) and not expected)
