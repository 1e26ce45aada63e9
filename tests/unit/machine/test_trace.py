"""Traces: written, read again, cut off, edited; and what can be said about those that others write."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from mmcheck import trace
from mmcheck.cli import run as command
from mmcheck.errors import InputError
from mmcheck.files import read_source
from mmcheck.lower.spec import load_spec
from mmcheck.machine import runner
from mmcheck.machine.record import recording
from mmcheck.model.concrete import check
from mmcheck.model.model import load_model
from mmcheck.source import SourceFile
from mmcheck.target.targets import parse_target

SPEC = Path(__file__).parents[3] / "specs" / "submit-minimal.litmus"


def a_trace(seed: int = 0, variant: str | None = None) -> str:
    target = parse_target("armv8")
    random = Random(seed)
    machine = runner.machine(load_spec(read_source(SPEC)).program(target, variant), random, record=True)
    machine.run(random)
    told = recording(machine)
    return trace.write(
        told.execution, spec=str(SPEC), variant=variant, target="armv8", seed=seed, failed=told.failed, stuck=told.stuck
    )


def read(text: str) -> trace.Trace:
    return trace.read(SourceFile("t.jsonl", text))


def test_what_is_written_is_read():
    text = a_trace()
    found = read(text)
    (execution,) = found.executions
    assert check(load_model("armv8"), execution) == []
    again = trace.write(execution, spec=str(SPEC), target="armv8", seed=0)
    assert [e.value for e in read(again).executions[0].events] == [e.value for e in execution.events]


def test_the_command_says_what_is_violated(tmp_path, capsys):
    text = next(t for seed in range(500) if '"failed": ["published"]' in (t := a_trace(seed, "without the barrier")))
    path = tmp_path / "t.jsonl"
    path.write_text(text)
    assert command(["trace", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "allowed by armv8" in shown and "violates published (as the file expects)" in shown
    assert command(["trace", str(path), "--model", "sc"]) == 1
    assert "forbidden by sc" in capsys.readouterr().out


@pytest.mark.parametrize("kept", range(1, 7))
def test_a_trace_that_was_cut_off(kept):
    lines = a_trace().splitlines(keepends=True)
    with pytest.raises(InputError, match=f"line {kept}"):
        read("".join(lines[:kept]))
    with pytest.raises(InputError, match=f"line {kept + 1}"):
        read("".join(lines[:kept]) + lines[kept][: len(lines[kept]) // 2])


EDITS = [
    (lambda e: e.update(op="X"), '"op" is R, W or F'),
    (lambda e: e.update(agent="nobody"), "no agent is called 'nobody'"),
    (lambda e: e.update(vlaue=1), "means nothing here"),
    (lambda e: e.update(value=-1), "is a number of 32 bits"),
    (lambda e: e.update(value=1 << 40), "is a number of 32 bits"),
    (lambda e: e.update(value="1"), "cannot be"),
    (lambda e: e.update(tags=["Nonsense"]), "no tag is called"),
    (lambda e: e.update(address="0xzz"), "is no address"),
    (lambda e: e.update(data=[99]), "names 99, which is no event"),
    (lambda e: e.update(id=True), "cannot be"),
]


@pytest.mark.parametrize(("edit", "message"), EDITS)
def test_a_trace_that_was_edited(edit, message):
    lines = a_trace().splitlines()
    number = next(k for k, line in enumerate(lines) if '"op": "W"' in line)
    event = json.loads(lines[number])
    edit(event)
    lines[number] = json.dumps(event)
    with pytest.raises(InputError, match=message) as caught:
        read("\n".join(lines) + "\n")
    assert f"line {number + 1}:" in str(caught.value)


def test_a_value_that_nobody_wrote_is_found():
    lines = a_trace().splitlines()
    number = next(k for k, line in enumerate(lines) if '"op": "R"' in line)
    event = json.loads(lines[number])
    lines[number] = json.dumps({**event, "value": 77})
    with pytest.raises(InputError, match=f"line {number + 1}: it reads 77 from a write of"):
        read("\n".join(lines) + "\n")


def test_a_trace_that_is_no_run_of_the_program(tmp_path, capsys):
    lines = a_trace().splitlines()
    number = next(k for k, line in enumerate(lines) if '"op": "F"' in line)
    del lines[number]
    lines[-1] = lines[-1].replace('"end": 5', '"end": 4').replace('"end": 6', '"end": 5')
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(lines).replace(f'"end": {len(lines) - 1}', f'"end": {len(lines) - 2}') + "\n")
    assert command(["trace", str(path)]) == 2
    assert "line" in capsys.readouterr().err


def by_hand(seen: int, *, fence: bool) -> str:
    """What an instrumented driver would write: no ids, no rf, no coherence order."""
    lines: list[dict] = [{"mmcheck-trace": 1, "agents": ["driver", "device"]}]
    lines.append({"agent": "driver", "op": "W", "location": "data", "value": 1})
    if fence:
        lines.append({"agent": "driver", "op": "F", "tags": ["DMB.ISH"]})
    lines.append({"agent": "driver", "op": "W", "location": "flag", "value": 1})
    lines.append({"agent": "device", "op": "R", "location": "flag", "value": 1, "tags": ["A"]})
    lines.append({"agent": "device", "op": "R", "location": "data", "value": seen})
    lines.append({"end": len(lines) - 1})
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.mark.parametrize(("seen", "fence", "code"), [(0, False, 0), (0, True, 1), (1, True, 0)])
def test_a_trace_of_a_driver(seen, fence, code, tmp_path, capsys):
    path = tmp_path / "t.jsonl"
    path.write_text(by_hand(seen, fence=fence))
    assert command(["trace", str(path)]) == code
    shown = capsys.readouterr().out
    assert ("forbidden" if code else "allowed") in shown
