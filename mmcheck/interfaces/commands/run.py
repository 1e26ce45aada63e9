"""``mmcheck run``: a specification on an operational machine, by chance or by a given run."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from mmcheck.base import files, jsonfile
from mmcheck.base.errors import InternalError, UnknownVerdict, fail
from mmcheck.base.source import SourceFile, Span
from mmcheck.events import trace
from mmcheck.events.execution import Execution
from mmcheck.interfaces.commands import console
from mmcheck.ir.program import Program, evaluate
from mmcheck.language.herd.columns import is_herd_format
from mmcheck.language.lower.spec import Spec, load_spec
from mmcheck.machine import runner
from mmcheck.machine.record import Recording, recording
from mmcheck.machine.replay import replay, same
from mmcheck.model.concrete import check
from mmcheck.model.model import load_model
from mmcheck.report.progress import Progress
from mmcheck.report.words import BASE, one_line
from mmcheck.target.targets import Target, architecture_of, of_herd, parse_target

MAX_FILE = 50_000_000
STEPS = 100_000
"""Steps after which a run that does not end is stopped."""
MOST_STOPPED = 3
"""After so many of these no more are made."""


@dataclass(slots=True)
class Tally:
    """What some runs of one program came to."""

    runs: int = 0
    steps: int = 0
    spins: int = 0
    timeouts: int = 0
    locked: int = 0
    seconds: float = 0.0
    machine: float = 0.0
    """Seconds in the machine alone; `seconds` is with the check of every run."""
    stopped: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    stuck: Counter[str] = field(default_factory=Counter)
    barriers: Counter[str] = field(default_factory=Counter)
    sites: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Subject:
    """One program to run. `expected` are the requirements that the file expects to be violated, `compiled` those of
    them that it expects the compiler to break."""

    path: str
    target: Target
    variant: str | None
    program: Program
    expected: frozenset[str]
    compiled: frozenset[str] = frozenset()


def main(options: argparse.Namespace) -> int:
    """Run every program that the options name; 1 if a requirement fails that the file expects to hold, else 3 if a run
    does not end."""
    source = files.read_source(options.path)
    if options.bytes:
        from mmcheck.interfaces.commands import in_bytes

        for name in ("trace", "replay", "tries"):
            if getattr(options, name) is not None:
                raise fail(
                    "MM020", f"--bytes and --{name} do not go together: the device in bytes is no agent of the file"
                )
        return in_bytes.main(source, options)
    subjects = list(_subjects(source, options))
    if not subjects:
        raise fail("MM020", "there is nothing to run", path=options.path)
    if options.replay is not None:
        return _replay(subjects, options)
    code = 0
    wanted: str | None = None
    refused: list[str] = []
    with Progress(sys.stderr, quiet=options.quiet) as progress:
        for subject in subjects:
            try:
                tally, kept = _runs(subject, options, progress)
            except UnknownVerdict as problem:
                progress.clear()
                refused.append(f"{_name(subject)}: not run: {problem.reason}")
                if len(refused) == len(subjects):
                    raise fail("MM021", refused[0], path=source.path) from None
                continue
            progress.clear()
            console.out(_report(subject, tally, options.runs))
            if any(name not in subject.expected for name in tally.failed):
                code = 1
            elif tally.stopped:
                code = code or 3
            if kept is not None and (wanted is None or kept[2]):
                wanted = wanted if wanted is not None and not kept[2] else kept[0]
    for line in refused:
        console.out(f"{line}\n")
        code = code or 3
    if options.trace is not None and wanted is not None:
        files.write(options.trace, wanted)
        console.note(f"mmcheck: a run is in {console.named(options.trace)}", quiet=options.quiet)
    elif options.trace is not None:
        console.note("mmcheck: no run could be kept as a trace", quiet=options.quiet)
    return code


def _subjects(source: SourceFile, options: argparse.Namespace) -> Iterator[Subject]:
    if is_herd_format(source.text):
        from mmcheck.language.herd.read import read_litmus

        test = read_litmus(source)
        target = parse_target(options.target or of_herd(test.arch))
        yield Subject(source.path, target, None, test.program, frozenset())
        return
    spec = load_spec(source)
    titles: list[str | None] = [None, *[variant.title for variant in spec.variants]]
    if options.variant is not None:
        if options.variant != "base" and options.variant not in titles:
            raise fail("MM020", f"no variant is called {options.variant!r}", path=source.path)
        titles = [None if options.variant == "base" else options.variant]
    targets = [parse_target(options.target)] if options.target else list(spec.targets)
    for title in titles:
        for target in targets:
            if spec.applicable(title, target):
                yield _subject(spec, target, title)


def _subject(spec: Spec, target: Target, title: str | None) -> Subject:
    program = spec.program(target, title)
    told = {each.name: spec.expected(each.name, each.kind, target, title)[:2] for each in program.requirements}
    expected = frozenset(name for name, (verdict, _) in told.items() if verdict == "violated")
    compiled = frozenset(name for name in expected if told[name][1] == "compiler")
    return Subject(spec.path, target, title, program, expected, compiled)


def _runs(
    subject: Subject, options: argparse.Namespace, progress: Progress
) -> tuple[Tally, tuple[str, bool, bool] | None]:  # fmt: skip
    """Run the subject; the trace to keep is the first that violates something, else the first."""
    tally = Tally()
    kept: tuple[str, bool, bool] | None = None
    model = load_model(subject.target.model)
    prepared = runner.prepare(subject.program, tries=options.tries)
    began = time.process_time()
    for number in range(options.runs):
        seed = options.seed + number
        random = Random(seed)
        started = time.process_time()
        machine, found = runner.once(subject.program, random, prepared=prepared, record=True, limit=STEPS)
        counts = found.counts
        tally.runs += 1
        tally.steps += counts.steps
        tally.spins += counts.spins
        tally.timeouts += counts.timeouts
        tally.locked += counts.locked
        tally.stopped += found.stopped
        tally.stuck.update((*found.stuck, *found.held) if not found.stopped else ())
        tally.barriers.update(counts.barriers)
        tally.sites.update(counts.sites)
        tally.machine += time.process_time() - started
        told = None if found.stopped else _told(machine)
        failed = found.failed
        if told is not None:
            _judge(subject, told, model.name, seed)
            if not told.stuck:
                failed = (*failed, *_final(subject, told.execution))
            if kept is None or (failed and not kept[1]):
                kept = (_trace(subject, told, seed), bool(failed), bool(failed))
        tally.failed.update(failed)
        spent = time.process_time() - began
        left = spent / tally.runs * (options.runs - tally.runs)
        rate = tally.steps / max(spent, 1e-9)
        progress(f"{number + 1}/{options.runs} runs, {rate:,.0f} steps a second, about {left:.0f} s left")
        if tally.stopped == MOST_STOPPED:
            break
    tally.seconds = time.process_time() - began
    return tally, kept


def _final(subject: Subject, execution: Execution) -> list[str]:
    """The requirements on the final state that this run violates."""
    final = dict(execution.final)
    return [
        requirement.name
        for requirement in subject.program.requirements
        if requirement.kind == "final" and not evaluate(requirement.cond, final)
    ]


def _told(machine: runner.Machine) -> Recording | None:
    try:
        return recording(machine)
    except UnknownVerdict:
        return None


def _judge(subject: Subject, told: Recording, model: str, seed: int) -> None:
    """Every run of a machine is one that the model allows; anything else is a mistake of ours."""
    found = check(load_model(model), told.execution)
    if found:
        raise InternalError(f"the machine made a run that {model} forbids ({found[0].axiom.name}; seed {seed})")


def _trace(subject: Subject, told: Recording, seed: int | None) -> str:
    return trace.write(
        told.execution, spec=subject.path, variant=subject.variant, target=subject.target.name,
        machine=architecture_of(subject.program.target).name, seed=seed, failed=told.failed, stuck=told.stuck,
    )  # fmt: skip


def _name(subject: Subject) -> str:
    return f"{subject.path}, {subject.variant or 'base'}, {subject.target.name}"


def _report(subject: Subject, tally: Tally, wanted: int) -> str:
    rate = tally.steps / max(tally.machine, 1e-9)
    lines = [
        f"{one_line(f'{subject.path}, {subject.variant or BASE}, {subject.target.name}')}: "
        f"{tally.runs} runs, {tally.steps:,} steps, "
        f"{rate:,.0f} a second, every run {'that ends ' if tally.stopped else ''}allowed by the model"
    ]
    for name, count in sorted(tally.failed.items()):
        claim = "as the file expects" if name in subject.expected else "the file expects it to hold"
        lines.append(f"  violated  {name} in {count} runs: {claim}")
    seen_here = {each.name for each in subject.program.requirements if each.kind in ("point", "final")}
    for name in sorted((subject.expected & seen_here) - set(tally.failed)):
        why = "a violation, no run had one"
        if name in subject.compiled:
            why = "the compiler to break it; a machine runs the text as it stands"
        lines.append(f"  not seen  {name}: the file expects {why}")
    lines += [f"  stuck     {name} in {count} runs" for name, count in sorted(tally.stuck.items())]
    if tally.stopped:
        rest = f"; {wanted - tally.runs} were not made" if tally.runs < wanted else ""
        lines.append(
            f"  stopped   {tally.stopped} runs that had not ended after {STEPS:,} steps: a loop may never end{rest}"
        )
    each = {
        **tally.barriers,
        "failing looks of a wait": tally.spins,
        "time-outs": tally.timeouts,
        "locked instructions": tally.locked,
    }
    shown = [f"{count / tally.runs:.4g} {name}" for name, count in each.items() if count]
    if shown:
        lines.append(f"  each run  {', '.join(shown)}")
    if tally.sites:
        lines.append("  sites     " + ", ".join(f"{n} {c / tally.runs:.4g}" for n, c in sorted(tally.sites.items())))
    return "\n".join(lines) + "\n"


PLATFORM = "a machine is a CPU, and only the platform's rules for devices allow this run"

# --- a given run -------------------------------------------------------------------------------------


def _replay(subjects: list[Subject], options: argparse.Namespace) -> int:
    """Run each given run that belongs to one of the subjects; 1 if the machine does not make one of them, else 3 if one
    is of a kind that no machine makes."""
    source = files.text_of(options.replay, files.read_bytes(options.replay, MAX_FILE))
    given = list(_given(source, subjects))
    if not given:
        named = ", ".join(map(_name, subjects[:3]))
        message = f"no run in this file is one of this program ({named})"
        if _is_report(source.text):
            raise jsonfile.wrong(source, "MM061", message, ("results",))
        raise fail("MM061", message, Span(source, 0, len(source.line(1))))
    code = 0
    for subject, name, layer, execution in given:
        where = one_line(f"{subject.path}, {subject.variant or BASE}, {subject.target.name}, {name}")
        if layer == "platform":
            console.out(f"{where}: not made: {PLATFORM}\n")
            code = code or 3
            continue
        try:
            made = replay(subject.program, execution)
        except UnknownVerdict as problem:
            console.out(f"{where}: not made: {problem.reason}\n")
            code = 1
            continue
        differences = same(made.given, made.recording.execution)
        if differences:
            console.out(f"{where}: another run came of it: {'; '.join(differences[:3])}\n")
            code = 1
            continue
        failed = ", ".join(made.recording.failed)
        console.out(f"{where}: the same run in {len(made.schedule)} steps{f'; violates {failed}' if failed else ''}\n")
        if options.trace is not None:
            files.write(options.trace, _trace(subject, made.recording, None))
    return code


def _is_report(text: str) -> bool:
    """Whether this is meant to be a report: a trace has one object a line."""
    first = text.lstrip()[:1_000].partition("\n")[0]
    return first.startswith("{") and "mmcheck-trace" not in first


def _given(source: SourceFile, subjects: list[Subject]) -> Iterator[tuple[Subject, str, str | None, Execution]]:
    """The runs in a report of ``mmcheck verify --format json`` with their layers, or in a trace."""
    from mmcheck.machine.given import REPORT, from_json, from_trace

    if not _is_report(source.text):
        read = trace.read(source)
        for subject in subjects:
            if subject.target.name == read.header.target and subject.variant == read.header.variant:
                yield subject, "trace", None, from_trace(read, subject.program)
        return
    report = jsonfile.parse(source, REPORT, "MM061", "this is no report of mmcheck verify --format json")
    for number, result in enumerate(report["results"]):
        for subject in subjects:
            same_file = Path(result["file"]).name == Path(subject.path).name
            if same_file and result["target"] == subject.target.name and result["variant"] == subject.variant:
                if result["counterexample"] is not None:
                    try:
                        execution = from_json(result["counterexample"], subject.program)
                    except ValueError as error:
                        message = f"this counterexample is none of this program: {error}"
                        raise jsonfile.wrong(source, "MM061", message, ("results", number, "counterexample")) from None
                    yield subject, result["requirement"], result.get("layer"), execution
