"""``mmcheck trace``: is a recorded run one that the model allows, and what does it violate?"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from pathlib import Path

from mmcheck.base import files, gate
from mmcheck.base.errors import InputError, fail
from mmcheck.events import trace
from mmcheck.events.execution import Execution
from mmcheck.interfaces.commands import console
from mmcheck.ir.program import Program, state_cell, state_register
from mmcheck.model.concrete import Violation, check
from mmcheck.model.model import load_model
from mmcheck.report.draw import Ghost, Highlight, Hop, build_scene, render_text
from mmcheck.report.pictures import focused
from mmcheck.report.words import one_line
from mmcheck.target.targets import DEFAULT_TARGETS, hardware_tags, parse_target
from mmcheck.verdict.explain import cycle_of

_HARDWARE = frozenset(hardware_tags())
MAX_BYTES = 200_000_000


def main(options: argparse.Namespace) -> int:
    """Judge and draw a trace: 0 allowed, 1 forbidden or a requirement violated that the file expects to hold."""
    data = files.read_bytes(options.path, MAX_BYTES)
    read = trace.read(files.text_of(options.path, data))
    name = options.model or _target(read)
    model = load_model(name)
    verdicts = [(execution, check(model, execution)) for execution in read.executions]
    execution, violations = next(((e, v) for e, v in verdicts if not v), verdicts[0])
    failed, expected, remark = requirements(read, execution)
    console.out(_verdict(read, model.name, violations, len(verdicts)))
    for requirement in failed:
        claim = " (as the file expects)" if requirement in expected else ""
        console.out(f"violates {one_line(requirement)}{claim}\n")
    if not failed:
        console.out("no assertion fails\n" if read.header.spec else "")
    if read.stuck:
        console.out(f"waits for ever: {one_line(', '.join(read.stuck))}\n")
    console.out(f"{one_line(remark)}\n" if remark else "")
    console.out("\n" + _picture(execution, name, violations, failed))
    return 1 if violations or any(requirement not in expected for requirement in failed) else 0


def _target(read: trace.Trace) -> str:
    """The model of the target that the trace names."""
    if not read.header.target:
        return DEFAULT_TARGETS[0]
    try:
        return parse_target(read.header.target).model
    except InputError as error:
        raise fail("MM060", f"line 1: {error.diagnostics[0].message}", read.first) from None


def _verdict(read: trace.Trace, model: str, violations: list[Violation], ways: int) -> str:
    header = read.header
    what = one_line(", ".join(filter(None, (header.spec, header.variant or "", header.target))))
    start = f"{what}: " if what else ""
    if not violations:
        several = f" (one of {ways} ways to say what was read)" if ways > 1 else ""
        return f"{start}allowed by {model}{several}\n"
    first = violations[0]
    cycle = " -> ".join(_line(read, event) for event in first.cycle)
    several = f", in each of {ways} ways to say what was read" if ways > 1 else ""
    return f"{start}forbidden by {model}: '{first.axiom.name}' has a cycle through {cycle}{several}\n"


def _line(read: trace.Trace, event: int) -> str:
    span = read.lines.get(event)
    return f"line {span.line}" if span is not None else "the initial state"


def requirements(read: trace.Trace, execution: Execution) -> tuple[list[str], set[str], str]:
    """The requirements that the run violates, those expected to be violated, and a remark.

    The program's own code is run over the values of the trace if the header names a file that is there; otherwise
    what the
    trace says of itself counts. Raises `InputError` with the line where the trace is no run of that program.
    """
    header = read.header
    said = list(read.failed or ())
    if not header.spec or not _is_file(header.spec):
        return said, set(said), ""
    from mmcheck.ir.flat import flatten
    from mmcheck.language.herd.columns import is_herd_format
    from mmcheck.language.lower.spec import load_spec
    from mmcheck.machine.given import from_trace
    from mmcheck.machine.record import Left, begun, leave
    from mmcheck.machine.runner import FOREVER
    from mmcheck.machine.walk import Mismatch, follow, seen_of

    try:
        source = files.read_source(header.spec, root=gate.bounds(Path.cwd() / "here"))
    except InputError as error:
        raise fail("MM022", f"line 1: {header.spec}: {error.diagnostics[0].message}", read.first) from None
    if is_herd_format(source.text):
        return said, set(said), ""
    spec = load_spec(source)
    target = parse_target(header.target) if header.target else spec.targets[0]
    if header.variant is not None and header.variant not in [each.title for each in spec.variants]:
        raise fail("MM060", f"line 1: {header.spec} has no variant {header.variant!r}", read.first)
    program = spec.program(target, header.variant)
    execution = from_trace(read, program)
    failed: dict[str, None] = {}
    final = {state_cell(cell.name).name: cell.init for cell in program.cells}
    final |= {name: value for name, value in execution.final.items() if name in final}
    left: Left = {}
    for number, thread in enumerate(program.threads):
        events = list(execution.of_thread(number))
        code = begun(flatten(program, thread, bound=FOREVER), left)
        if thread.host is not None and not events:
            registers = [(name, code.initial[slot]) for name, slot in code.named]
            final |= {state_register(thread.name, name.removeprefix("@")).name: value for name, value in registers}
            continue
        try:
            try:
                path = follow(code, seen_of(execution, events))
            except Mismatch:  # `rmw` may be left out
                path = follow(code, seen_of(execution, events, whole=False))
            for position, (event, item) in enumerate(zip(events, path.items, strict=True)):
                wanted = item.tags & _HARDWARE
                if event.tags and event.tags & _HARDWARE != wanted:
                    what = " ".join(sorted(wanted)) or "nothing"
                    raise Mismatch(position, f"the tags of the program's own instruction are {what}")
        except Mismatch as mismatch:
            at = read.lines.get(events[min(mismatch.position, len(events) - 1)].id) if events else None
            place = f"line {at.line}: " if at is not None else ""
            where = f"{thread.name}, event {mismatch.position + 1}"
            message = f"{place}this is no run of {header.spec}: {where}: {mismatch.reason}"
            raise fail("MM060", message, at) from None
        leave(thread, path, left)
        failed.update(dict.fromkeys(name for name, _ in path.failed))
        final |= {state_register(thread.name, name.removeprefix("@")).name: value for name, value in path.registers}
        if path.waiting is None and thread.name in read.stuck:
            claim = f"this says that {thread.name} waits for ever, and it does not"
            raise fail("MM060", f"line {read.last.line if read.last else 0}: {claim}", read.last)
    if any(thread.host is not None for thread in program.threads):
        _interrupted(read, program, execution)
    _last_line(read, failed, final)
    expected = {
        requirement.name
        for requirement in program.requirements
        if spec.expected(requirement.name, requirement.kind, target, header.variant)[0] == "violated"
    }
    return list(failed), expected, ""


def _interrupted(read: trace.Trace, program: Program, execution: Execution) -> None:
    """Hold the places where interrupts came against those where they may. Raises `InputError`."""
    from mmcheck.machine.interrupts import SEVERAL, unsupported
    from mmcheck.machine.replay import Given
    from mmcheck.machine.walk import Mismatch

    if SEVERAL in unsupported(program):
        return
    given = Given(program, execution, None)
    for number, stream in enumerate(given.streams):
        try:
            try:
                given.path(number)
            except Mismatch:  # `rmw` may be left out
                given.path(number, whole=False)
        except Mismatch as mismatch:
            event = stream[min(mismatch.position, len(stream) - 1)] if stream else None
            at = None if event is None else read.lines.get(event.id)
            place = f"line {at.line}: " if at is not None else ""
            who = given.codes[number].thread.name
            message = f"{place}this is no run of {read.header.spec}: on the CPU of {who}: {mismatch.reason}"
            raise fail("MM060", message, at) from None


def _last_line(read: trace.Trace, failed: Collection[str], final: Mapping[str, int]) -> None:
    """Hold what the last line says against what the program's own code says. Raises `InputError`."""
    assert read.last is not None
    line = f"line {read.last.line}: "
    if read.failed is not None and set(read.failed) != set(failed):
        said = f"this says that the run violates {', '.join(read.failed) or 'nothing'}"
        raise fail("MM060", f"{line}{said}, and it violates {', '.join(failed) or 'nothing'}", read.last)
    for name, value in read.final.items():
        if name not in final:
            raise fail("MM060", f"{line}the program has nothing that is called {name!r}", read.last)
        if final[name] != value:
            raise fail("MM060", f"{line}{name} ends as {final[name]}, not as {value}", read.last)


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False


def _picture(execution: Execution, model: str, violations: list[Violation], failed: list[str]) -> str:
    try:
        hops = cycle_of(execution, load_model(model))
    except InputError:
        hops = ()
    cycle = tuple([Hop(hop.source, hop.target, hop.relation, hop.why) for hop in hops])
    ghosts = tuple(
        [
            Ghost(execution.events[hop.source].thread, hop.source, hop.target, "not kept in order")
            for hop in hops
            if hop.relation == "po" and not hop.ordered
        ]
    )
    title = "a run that the model forbids" if violations else "a run that is not sequentially consistent"
    if not hops and not violations:
        title = "a run that is sequentially consistent"
    subtitle = f"violates {', '.join(failed)}" if failed else ""
    verdict = "forbidden" if violations else "violated" if failed else "allowed"
    scene = build_scene(execution, Highlight(cycle, ghosts, None, title, subtitle, verdict))
    scene, hidden = focused(scene)
    more = f"\n  ({hidden} further accesses are not on the cycle)\n" if hidden else ""
    return render_text(scene, console.width()) + more
