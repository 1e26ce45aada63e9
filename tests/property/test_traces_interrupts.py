"""Traces of runs with handlers, threads that move and threads that share a CPU: written, read again, edited."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mmcheck.base.errors import InputError, UnknownVerdict
from mmcheck.base.files import read_source
from mmcheck.base.source import SourceFile
from mmcheck.cli import run as command
from mmcheck.events import trace
from mmcheck.events.execution import Execution
from mmcheck.interfaces.commands.trace import requirements
from mmcheck.language.lower.spec import load_spec
from mmcheck.machine import runner
from mmcheck.machine.given import from_trace
from mmcheck.machine.record import recording
from mmcheck.machine.replay import replay, same
from mmcheck.model.concrete import check
from mmcheck.model.model import load_model
from mmcheck.target.targets import parse_target

ROOT = Path(__file__).parents[2]
FILES = [*sorted((ROOT / "tests" / "data" / "interrupts").glob("*.litmus")), ROOT / "specs" / "preempt.litmus"]


def read(text: str) -> trace.Trace:
    return trace.read(SourceFile("t.jsonl", text))


def shape(execution: Execution) -> object:
    """What a trace must keep; events by agent and position."""
    place = {e.id: (e.thread, e.index) if not e.is_init else (-1, e.location) for e in execution.events}
    events = {place[e.id]: (e.kind, e.location, e.value, e.tags) for e in execution.events}
    names = ("po", "rf", "co", "amo", "lxsx", "switch", "addr", "data", "ctrl")
    relations = {name: {(place[a], place[b]) for a, b in execution.relation(name)} for name in names}
    return events, relations, [(agent.name, agent.kind, agent.host) for agent in execution.threads]


def told(path: Path, target: str, seeds: int) -> Iterator[tuple[str, Execution, Any]]:
    """Traces of the variants of a file, with the runs that they are of, and their programs."""
    spec = load_spec(read_source(path))
    for title in [None, *[variant.title for variant in spec.variants]]:
        program = spec.program(parse_target(target), title)
        try:
            prepared = runner.prepare(program)
        except UnknownVerdict:
            continue
        for seed in range(seeds):
            machine, _ = runner.once(program, Random(seed), prepared=prepared, record=True)
            found = recording(machine)
            text = trace.write(
                found.execution, spec=str(path), variant=title, target=target, seed=seed, failed=found.failed,
                stuck=found.stuck,
            )  # fmt: skip
            yield text, found.execution, program


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("target", ["armv8", "x86-tso"])
def test_every_run_is_read_again(target: str, path: Path) -> None:
    """The same execution, allowed by the model, one of the program's; and the machine makes it again."""
    for text, execution, program in told(path, target, 4):
        found = read(text)
        (again,) = found.executions
        assert shape(again) == shape(execution), text
        assert check(load_model(target), again) == [], text
        failed, _, _ = requirements(found, again)
        assert set(failed) == set(found.failed or ()), text
        made = replay(program, from_trace(found, program))
        assert same(made.given, made.recording.execution) == [], text


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def text_of(lines: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


def interrupted(variant: str | None = None, *, between: bool = True) -> list[dict[str, Any]]:
    """The lines of a trace in which a handler came; `between`: something of its host stands behind it."""
    for text, _, program in told(ROOT / "tests" / "data" / "interrupts" / "table.litmus", "x86-tso", 60):
        lines = lines_of(text)
        handlers = {thread.name for thread in program.threads if thread.host is not None}
        at = [k for k, line in enumerate(lines[1:-1], 1) if line["agent"] in handlers]
        if lines[0].get("variant") == variant and len(at) > 1 and not (between and at[-1] == len(lines) - 2):
            return lines
    raise AssertionError("no such run")


def test_a_handler_that_does_not_run_to_its_end() -> None:
    lines = interrupted()
    host = lines[0]["agents"][0]["name"]
    first = next(k for k, line in enumerate(lines[1:], 1) if line["agent"] != host)
    behind = next(k for k, line in enumerate(lines[first:], first) if line["agent"] == host)
    lines.insert(first + 1, lines.pop(behind))
    with pytest.raises(InputError, match=f"line {first + 2}: .* a handler runs to its end"):
        read(text_of(lines))


def test_an_interrupt_where_none_can_come(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Moved to a place between irq_disable and irq_enable."""
    lines = interrupted("interrupts off", between=False)
    host = lines[0]["agents"][0]["name"]
    run = [line for line in lines[1:-1] if line["agent"] != host]
    rest = [line for line in lines[1:-1] if line["agent"] == host]
    off = next(k for k, line in enumerate(rest) if "IrqOff" in line.get("tags", ()))
    moved = [lines[0], *rest[: off + 2], *run, *rest[off + 2 :], lines[-1]]
    path = tmp_path / "t.jsonl"
    path.write_text(text_of(moved))
    assert command(["trace", str(path)]) == 2
    shown = capsys.readouterr().err
    assert "MM060" in shown and "this is no run of" in shown and f"line {off + 4}" in shown


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda agents: agents[-1].update(host="nobody"), "the \"host\" 'nobody' of .* is no agent before it"),
        (lambda agents: agents[-1].update(kind="thread"), "is of a thread"),
        (lambda agents: agents[-1].update(host=["a"]), "is no agent before it"),
    ],
)
def test_hosts_are_checked(edit: Any, message: str) -> None:
    lines = interrupted()
    edit(lines[0]["agents"])
    with pytest.raises(InputError, match=message):
        read(text_of(lines))


def test_changes_of_thread_are_checked() -> None:
    header = {"mmcheck-trace": 1, "agents": ["a", "b"]}
    write = {"op": "W", "location": "x", "value": 1}
    one, two = {"agent": "a", "id": 1, **write}, {"agent": "b", "id": 2, **write}

    def text(first: list[object], second: list[object]) -> str:
        return text_of([header, {**one, "switch": first}, {**two, "switch": second}, {"end": 2}])

    assert read(text([], [1])).executions[0].relation("po") == {(1, 2)}
    for first, second, message in [
        ([2], [1], "line 3: by \"switch\" and program order line 2 comes behind this one, too"),
        ([1], [], "line 2: \"switch\" names line 2, which is of the same thread"),
        ([7], [], "line 2: \"switch\" names 7, which is no event"),
        ([True], [], "which is no event"),
    ]:  # fmt: skip
        with pytest.raises(InputError, match=message):
            read(text(first, second))
