"""The driver of specs/packed.litmus against a packed virtqueue in bytes."""

from __future__ import annotations

import struct
from pathlib import Path
from random import Random

import pytest

from mmcheck.base.files import read_source
from mmcheck.cli import run as command
from mmcheck.machine import runner
from mmcheck.machine.echo import Echo, driver, echo_spec, echoed, places
from mmcheck.machine.guest import GuestMemory
from mmcheck.machine.rings import AVAIL, USED, PackedQueue
from mmcheck.target.targets import parse_target

ROOT = Path(__file__).parents[3]
PACKED = ROOT / "specs" / "packed.litmus"
TARGETS = ["sc", "x86-tso", "armv8", "armv8+rcpc"]


@pytest.fixture(scope="module")
def spec():
    return echo_spec(read_source(PACKED))


def runs(spec, target, variant, seeds):
    program = driver(spec, parse_target(target), variant)
    prepared = runner.prepare(program)
    return [echoed(program, Random(seed), prepared=prepared) for seed in seeds]


def test_the_variables_stand_where_the_structures_of_virtio_are(spec):
    program = driver(spec, parse_target("armv8"), None)
    at = {cell.name: (cell.address, cell.width) for cell in program.cells}
    ring = at["ring[0].addr"][0]
    for number in range(4):
        fields = [("addr", 0, 64), ("len", 8, 32), ("id", 12, 16), ("flags", 14, 16)]
        for name, offset, width in fields:
            assert at[f"ring[{number}].{name}"] == (ring + 16 * number + offset, width)
    for structure in ("driver_event", "device_event"):
        assert at[f"{structure}.flags"][0] == at[f"{structure}.off_wrap"][0] + 2


@pytest.mark.parametrize("target", TARGETS)
def test_the_reference_driver_and_the_device_understand_each_other(spec, target):
    for found in runs(spec, target, None, range(60)):
        assert (found.wrong, found.failed, found.stuck) == (0, (), ())
        assert found.requests == ((10, 10), (11, 11), (12, 12))


@pytest.mark.parametrize("target", TARGETS)
def test_wrap_counters_turn_many_times(spec, target):
    """Two descriptors a request in a ring of four: 200 requests wrap it a hundred times, on both sides."""
    found = echoed(driver(spec, parse_target(target), None, rounds=200), Random(3))
    assert (found.wrong, found.failed, found.stuck, len(found.requests)) == (0, (), (), 200)
    assert found.kicks > 0


def test_a_head_that_comes_first_is_seen_by_the_device(spec):
    found = runs(spec, "armv8", "head first", range(120))
    assert any(each.wrong for each in found)
    assert any("completed" in each.failed for each in found)


def test_a_kick_is_lost_without_the_full_barrier(spec):
    variant = "no full barrier before the event structure"
    lost = [each for each in runs(spec, "x86-tso", variant, range(100)) if each.stuck]
    assert lost
    assert all(each.stuck == ("driver", "echo") and len(each.requests) < 3 for each in lost)


def test_the_command(capsys):
    assert command(["run", str(PACKED), "--bytes", "--runs", "20", "--target", "sc", "--variant", "base"]) == 0
    assert "60 requests" in capsys.readouterr().out
    assert command(["run", str(ROOT / "specs" / "blk.litmus"), "--bytes"]) == 2
    assert "has no 'const REAL'" in capsys.readouterr().err
    assert command(["run", str(ROOT / "specs" / "gpu.litmus"), "--bytes"]) == 2
    assert "has no 'add_chain'" in capsys.readouterr().err


def test_a_driver_that_wraps_once_too_often_is_not_answered(spec):
    """The device has a wrap counter of its own: flags of the other lap are not available."""
    memory = GuestMemory((), 1 << 16)
    queue = PackedQueue(memory, 2, 0x1000)
    for flags, there in ((AVAIL, 1), (USED, 0), (AVAIL | USED, 0), (0, 0)):
        memory.put(0x1000 + 14, struct.pack("<H", flags))
        work = queue.pending()
        with pytest.raises(StopIteration) as ended:
            while True:
                next(work)
        assert ended.value.value == there


def test_the_device_starts_where_the_driver_does(spec):
    program = driver(spec, parse_target("sc"), None)
    found = places(program)
    device = Echo(GuestMemory(program.cells), found)
    assert (found.size, found.start, found.wrap) == (4, 3, True)
    assert (device.queue.at, device.queue.wrap) == (3, True)
