"""The options of ``mmcheck run``, ``frames`` and ``trace``; nothing but argparse is imported."""

from __future__ import annotations

import argparse
from collections.abc import Callable

RUN = """\
Run a specification on the machine of its target (SC, x86-TSO or Armv8), by chance
and repeatably: the same seed gives the same run. Every run is held against the model.
With --replay the machine makes the runs of a report or a trace again.
"""

FRAMES = """\
Draw a turning roulette wheel, frame by frame, through the driver of a specification
and a virtio-gpu, and say what each frame cost and whether it came out whole.
"""

TRACE = """\
Hold a recorded run against a memory model: is it allowed, which requirement does it
violate, and what does it look like? The format is JSON Lines, see docs/trace-format.md.
"""


def run(command: argparse.ArgumentParser) -> None:
    """``mmcheck run``."""
    command.description = RUN
    _program(command)
    command.add_argument("--runs", type=_number(1, 10_000_000), default=100, metavar="N", help="default: 100")
    command.add_argument(
        "--tries",
        type=_number(1, 10_000_000),
        metavar="N",
        help="a wait that may give up does so after N looks at most",
    )
    command.add_argument(
        "--bytes", action="store_true", help="run the first thread against a device in bytes (specs/packed.litmus)"
    )
    command.add_argument("--trace", metavar="FILE.jsonl", help="write a run there: the first that violates something")
    command.add_argument(
        "--replay", metavar="FILE", help="a report of mmcheck verify --format json, or a trace: make these runs again"
    )


def frames(command: argparse.ArgumentParser) -> None:
    """``mmcheck frames``."""
    command.description = FRAMES
    _program(command)
    command.add_argument("--frames", type=_number(1, 100_000), default=60, metavar="N", help="default: 60")
    command.add_argument("--size", type=_number(16, 256), default=64, metavar="N", help="pixels a side (default: 64)")
    command.add_argument(
        "-o", "--output", metavar="DIR", help="write the frames there, as PNG, an animation, and a table"
    )
    command.add_argument(
        "--asynchronous", action="store_true", help="a device that may answer before it is done, unless FENCE is set"
    )
    command.add_argument(
        "--probes", action="store_true", help="count with atomic increments in memory, as a driver's own counters do"
    )


def trace(command: argparse.ArgumentParser) -> None:
    """``mmcheck trace``."""
    command.description = TRACE
    command.add_argument("path", metavar="FILE.jsonl", help="a recorded run")
    command.add_argument("--model", metavar="M", help="sc, x86-tso, armv8 or a .cat file (default: the trace's target)")


def _program(command: argparse.ArgumentParser) -> None:
    command.add_argument("path", metavar="PATH", help="a specification")
    command.add_argument("--target", metavar="T", help="armv8, x86-tso, sc (default: the file's)")
    command.add_argument("--variant", metavar="NAME", help="only this one; base is the program without any")
    command.add_argument("--seed", type=_number(0, 1 << 62), default=0, metavar="N", help="default: 0")
    command.add_argument("-q", "--quiet", action="store_true", help="no progress, no notes on stderr")


def _number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is no number from {least} to {most}")
        return value

    return parse
