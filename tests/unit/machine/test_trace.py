"""Traces: written, read again, cut off, edited; and what can be said about those that others write."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from mmcheck.base.errors import InputError
from mmcheck.base.files import read_source
from mmcheck.base.source import SourceFile
from mmcheck.cli import run as command
from mmcheck.events import trace
from mmcheck.language.lower.spec import load_spec
from mmcheck.machine import runner
from mmcheck.machine.record import recording
from mmcheck.model.concrete import check
from mmcheck.model.model import load_model
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
    (lambda e: e.update(value=1.0), "cannot be"),
    (lambda e: e.update(tags=[["Plain"]]), "no tag is called"),
    (lambda e: e.update(tags={"Plain": 1}), "cannot be"),
    (lambda e: e.update(agent=["driver"]), "cannot be"),
    (lambda e: e.update(address=-4), "not negative"),
    (lambda e: e.update(width=10**9), "a width is"),
    (lambda e: e.update(co=0), '"co" is 0, and this location has 1 writes'),
    (lambda e: e.update(co=1000), '"co" is 1000'),
    (lambda e: e.pop("value"), "is a number of 32 bits"),
    (lambda e: [e.pop("location"), e.pop("address")], 'has an "address" or a "location"'),
    (lambda e: e.update(rmw=5), "is no earlier read"),
    (lambda e: e.update(data=[True]), "names True, which is no event"),
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


def replaced(lines, number, text):
    return "\n".join([*lines[:number], text, *lines[number + 1 :]]) + "\n"


def edited(number, **changes):
    """The trace with other values in line `number` (from 0; -1 is the last)."""
    lines = a_trace().splitlines()
    number %= len(lines)
    return replaced(lines, number, json.dumps({**json.loads(lines[number]), **changes}))


FIRST_AND_LAST = [
    (0, {"mmcheck-trace": 2}, "version 2 is not known"),
    (0, {"mmcheck-trace": True}, "version True is not known"),
    (0, {"agents": []}, "lists who ran"),
    (0, {"agents": [1]}, "an agent is a name"),
    (0, {"agents": ["driver", "driver"]}, "two agents are called"),
    (0, {"agents": [{"name": "driver", "kind": []}]}, "a thread, a device or an interrupt"),
    (0, {"initial": {"index": "0"}}, "maps locations to numbers"),
    (0, {"seed": "0"}, '"seed" is a number'),
    (0, {"foo": 1}, '"foo" means nothing here'),
    (0, {"spec": 1}, '"spec" is a text'),
    (-1, {"end": 3}, "this says 3 events"),
    (-1, {"end": 5.0}, "this says 5.0 events"),
    (-1, {"end": "5"}, "this says '5' events"),
    (-1, {"final": []}, "maps names to numbers"),
    (-1, {"final": {"[index]": 99}}, "ends as 1 by the writes above"),
    (-1, {"failed": 3}, "is a list of names"),
    (-1, {"failed": [3]}, "is a list of names"),
    (-1, {"stuck": "driver"}, "is a list of names"),
    (-1, {"stuck": ["nobody"]}, "which is no agent"),
    (-1, {"foo": 1}, '"foo" means nothing here'),
]


@pytest.mark.parametrize(("number", "changes", "message"), FIRST_AND_LAST)
def test_a_first_or_last_line_that_was_edited(number, changes, message):
    with pytest.raises(InputError, match=message) as caught:
        read(edited(number, **changes))
    assert f"line {1 if number == 0 else len(a_trace().splitlines())}:" in str(caught.value)


def test_lines_that_are_no_objects_or_stand_at_the_wrong_place():
    lines = a_trace().splitlines()
    last = len(lines) - 1
    moved = lines[3].replace('"location": "index"', '"location": "other"')
    wrong = {
        replaced(lines, 2, lines[2][:-1] + ', "op": "F"}'): "line 3 has the key 'op' twice",
        replaced(lines, 2, lines[2].replace('"id": ', '"id": ' + "9" * 5000)): "line 3 is no JSON: a number with",
        replaced(lines, 2, "[" * 100_000): "line 3 is no JSON: nested too deeply",
        replaced(lines, 2, "[1]"): "line 3 is no JSON object",
        replaced(lines, 2, lines[2] + lines[3]): "line 3 is no JSON: Extra data",
        "\n".join([*lines, lines[1]]): f"line {last + 1}: this is a last line",
        "\n".join([*lines[:2], *lines[1:]]): "line 3: the id 2 is that of line 2, too",
        "\n".join([*lines[:2], *lines[3:]]): f"line {last}: this says 5 events, there are 4",
        replaced(lines, 3, moved): "line 5: this address is 'other' in line 4",
    }
    for text, message in wrong.items():
        with pytest.raises(InputError) as caught:
            read(text)
        assert message in str(caught.value)


PROGRAM = [
    (-1, {"failed": ["published"]}, "this says that the run violates published, and it violates nothing"),
    (-1, {"stuck": ["host"]}, "this says that host waits for ever"),
    (-1, {"final": {"host:seen": 7}}, "host:seen ends as 42, not as 7"),
    (-1, {"final": {"[nowhere]": 7}}, "the program has nothing that is called '[nowhere]'"),
    (0, {"variant": "none"}, "has no variant 'none'"),
    (0, {"target": "z80"}, "unknown target 'z80'"),
    (0, {"target": "x86-tso"}, "the tags of the program's own instruction"),
    (2, {"tags": ["DMB.ISHST"]}, "the tags of the program's own instruction are DMB.ISH"),
]


@pytest.mark.parametrize(("number", "changes", "message"), PROGRAM)
def test_a_trace_that_contradicts_the_program_it_names(number, changes, message, tmp_path, capsys):
    path = tmp_path / "t.jsonl"
    path.write_text(edited(number, **changes))
    assert command(["trace", str(path)]) == 2
    shown = capsys.readouterr().err
    line = {0: 1, -1: len(a_trace().splitlines())}.get(number, number + 1)
    assert message in shown
    assert f"line {line}: " in shown or (number == 0 and "line 3: " in shown)


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
