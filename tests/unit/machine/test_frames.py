"""Pictures through the driver of specs/gpu.litmus; counters that change what they count; requests that time out."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from mmcheck.base.files import read_source
from mmcheck.cli import run as command
from mmcheck.ir.program import Cell, Const, Fence, Load, Program, Reg, Store, Thread
from mmcheck.language.lower.spec import load_spec
from mmcheck.machine import runner, tso
from mmcheck.machine.frames import film_spec, frames
from mmcheck.machine.picture import apng, png, rgb, wheel
from mmcheck.machine.probes import probed
from mmcheck.target.targets import parse_target

SPECS = Path(__file__).parents[3] / "specs"
ARM, X86 = parse_target("armv8"), parse_target("x86-tso")


@pytest.fixture(scope="module")
def spec():
    return film_spec(read_source(SPECS / "gpu.litmus"), 64)


@pytest.mark.parametrize("target", [ARM, X86], ids=lambda target: target.name)
def test_after_the_change_every_frame_is_whole(spec, target):
    film = frames(spec, target, None, count=60, size=64, seed=3)
    assert (len(film.frames), film.torn, film.lost, film.failed, film.errors) == (60, 0, 0, (), 0)


def test_before_the_change_frames_are_torn_on_armv8_only(spec):
    film = frames(spec, ARM, "before", count=60, size=64, seed=0)
    assert any(0 < frame.torn < 50 for frame in film.frames)
    film = frames(spec, X86, "before", count=60, size=64, seed=0)
    assert (film.torn, film.lost) == (0, 0)


def test_barriers_of_a_frame_are_few_after_and_as_many_as_looks_before(spec):
    after = frames(spec, ARM, None, count=20, size=16 * 4, seed=0)
    assert all(frame.barriers.total() <= 4 for frame in after.frames[1:])
    before = frames(spec, X86, "before", count=20, size=64, seed=0)
    for frame in before.frames[1:]:
        assert abs(frame.barriers["mfence"] - frame.spins - frame.completions) <= 2
    assert before.most_spins <= 2_000_002


def test_the_numbers_of_the_report_that_are_exact(spec):
    """docs/machine.md: what a frame costs after the change, whatever the device does."""
    for target, barriers, weight in ((ARM, {"dmb ish": 2, "dmb ishld": 2}, 90), (X86, {"compiler barrier": 4}, 0)):
        film = frames(spec, target, None, count=20, size=64, seed=0)
        assert (len(film.frames), film.torn, film.stopped) == (20, 0, "")
        # A barrier may pass just before the screen is looked at or just after: pairs of frames are exact.
        assert sum((frame.barriers for frame in film.frames[1:]), Counter()).total() in range(4 * 19 - 2, 4 * 19 + 3)
        for name, count in barriers.items():
            assert round(sum(frame.barriers[name] for frame in film.frames[1:]) / 19) == count
        assert abs(sum(frame.cost for frame in film.frames[1:]) / 19 - weight) <= weight / 19
        assert {frame.locked for frame in film.frames} == {0}
        assert round(film.mean(lambda frame: frame.completions)) == 2
        assert film.most_spins <= 2_000_002
    probed_film = frames(spec, X86, None, count=20, size=64, seed=0, probes=True)
    for frame in probed_film.frames[1:]:  # one locked instruction for each barrier, look and completion
        looks = frame.spins + frame.completions
        assert abs(frame.locked - frame.barriers.total() - looks - frame.completions) <= 4


def test_the_command_writes_pictures_and_a_table(tmp_path, capsys):
    folder = tmp_path / "film"
    arguments = ["frames", str(SPECS / "gpu.litmus"), "--target", "x86-tso", "--variant", "base", "--frames", "2"]
    assert command([*arguments, "--size", "16", "-o", str(folder)]) == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "frame-00001.png", "frame-00002.png", "frames.tsv", "wheel.apng"
    ]  # fmt: skip
    head, *rows = [line.split("\t") for line in (folder / "frames.tsv").read_text().splitlines()]
    assert head[:4] == ["frame", "torn rows", "stale rows", "wrong pixels"]
    assert [row[:4] for row in rows] == [["1", "0", "0", "0"], ["2", "0", "0", "0"]]
    assert "torn frames     0" in capsys.readouterr().out


def test_without_fence_an_asynchronous_device_tears_what_every_barrier_left_whole(spec):
    fenced = frames(spec, X86, None, count=60, size=64, seed=1, asynchronous=True)
    assert (fenced.torn, fenced.lost) == (0, 0)
    film = frames(spec, X86, "without FENCE", count=60, size=64, seed=1, asynchronous=True)
    assert film.torn > 0


def test_the_same_seed_gives_the_same_film(spec):
    films = [frames(spec, ARM, "before", count=10, size=64, seed=5) for _ in range(2)]
    assert films[0].frames == films[1].frames


def test_counters_made_of_locked_instructions_hide_a_lost_wakeup_on_x86(spec):
    def side(mine: int, other: int) -> tuple:
        barrier = Fence(frozenset({"CompilerFence"}))
        return Store(Const(mine, 64), Const(1)), barrier, Load(Reg("seen"), Const(other, 64))

    x, y = 0x1000, 0x2000
    threads = (Thread("driver", side(x, y)), Thread("device", side(y, x)))
    program = Program("sleep", "x86-tso", threads, (Cell("x", x), Cell("y", y)))

    def both_sleep(p: Program) -> bool:
        return any(dict(f.values)["driver:seen"] == dict(f.values)["device:seen"] == 0 for f in tso.run(p).finals)

    assert both_sleep(program)
    assert not both_sleep(probed(program))
    film = frames(spec, X86, None, count=5, size=64, seed=0, probes=True)
    assert film.mean(lambda frame: frame.locked) > 4


def test_a_request_does_not_time_out_unless_the_driver_is_impatient():
    blk = load_spec(read_source(SPECS / "blk.litmus"))
    for target in (ARM, X86):
        program = blk.program(target)
        patient, hasty = 0, set()
        for seed in range(60):
            random = Random(seed)
            patient += runner.machine(program, random).run(random).counts.timeouts
            random = Random(seed)
            done = runner.machine(program, random, tries=6).run(random)
            if done.counts.timeouts:
                hasty |= set(done.failed)
        assert patient == 0
        assert hasty == {"no_false_answer"}


def test_png_and_animation():
    rows = rgb(b"".join(wheel(3, 32)), 32)
    data = png(rows)
    kinds, at = [], 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(
            data[at + 4 : at + 8 + length]
        )
        if kind == b"IDAT":
            assert zlib.decompress(data[at + 8 : at + 8 + length]) == b"".join(b"\0" + row for row in rows)
        kinds.append(kind)
        at += 12 + length
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]
    moving = apng([rows, rgb(b"".join(wheel(4, 32)), 32)])
    assert moving.count(b"fcTL") == 2 and moving.count(b"fdAT") == 1


def test_no_two_neighbouring_pictures_are_alike():
    for number in range(1, 60):
        assert wheel(number, 64) != wheel(number + 1, 64)
