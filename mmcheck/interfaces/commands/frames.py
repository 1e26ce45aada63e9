"""``mmcheck frames``: pictures through a virtio-gpu, and what they cost."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from mmcheck.base import files
from mmcheck.base.errors import fail
from mmcheck.interfaces.commands import console
from mmcheck.machine.frames import Film, Frame, film_spec, frames
from mmcheck.machine.picture import apng, enlarged, png, rgb
from mmcheck.report.progress import Progress
from mmcheck.report.words import BASE, one_line, plural
from mmcheck.target.targets import Target, parse_target

ZOOM = 4
MOST_PICTURES = 200
"""Frames of the animation, and PNG files beside those of torn frames."""
SPINS = 2_000_002
"""The bound of two commands, each of which looks at most 1,000,001 times."""


def main(options: argparse.Namespace) -> int:
    """Draw, report, write pictures: 1 if a frame is torn although the file expects whole frames."""
    source = files.read_source(options.path)
    spec = film_spec(source, options.size)
    targets = [parse_target(options.target)] if options.target else list(spec.targets)
    if options.variant is not None:
        title = None if options.variant == "base" else options.variant
        if title is not None and title not in [each.title for each in spec.variants]:
            raise fail("MM020", f"no variant is called {options.variant!r}", path=source.path)
        titles = [title]
    else:
        titles = [None, *[each.title for each in spec.variants if each.title == "before"]]
    code = 0
    for title in titles:
        for target in targets:
            if not spec.applicable(title, target):
                continue
            began = time.process_time()
            with Progress(sys.stderr, quiet=options.quiet) as progress:

                def show(frame: Frame, progress: Progress = progress, began: float = began) -> None:
                    spent = time.process_time() - began
                    left = spent / frame.number * (options.frames - frame.number)
                    rate = frame.number / max(spent, 1e-9)
                    progress(f"{frame.number}/{options.frames} frames, {rate:.0f} a second, about {left:.0f} s left")

                film = frames(
                    spec, target, title, count=options.frames, size=options.size, seed=options.seed,
                    asynchronous=options.asynchronous, probes=options.probes, on_frame=show,
                )  # fmt: skip
            seconds = time.process_time() - began
            console.out(_report(options.path, title, target, film, seconds))
            if options.output is not None:
                _write(Path(options.output), title, target, film, alone=len(titles) * len(targets) == 1)
            expected = any(
                spec.expected(requirement.name, "point", target, title)[0] == "violated"
                for requirement in spec.program(target, title).requirements
            )
            if (film.torn or film.lost or film.stopped) and not expected and not options.asynchronous:
                code = 1
    return code


def _report(path: str, title: str | None, target: Target, film: Film, seconds: float) -> str:
    done = len(film.frames)
    torn = [frame for frame in film.frames if frame.torn]
    lines = [
        f"{one_line(f'{path}, {title or BASE}, {target.name}')}: {plural(done, 'frame')} of {film.size}x{film.size}, "
        f"{film.steps:,} steps, {film.steps / max(seconds, 1e-9):,.0f} a second, {seconds:.1f} s",
        f"  torn frames     {len(torn)}" + (f", the first is {torn[0].number}: {torn[0].torn} wrong rows, "
        f"{torn[0].stale} of the frame before, {torn[0].pixels} pixels" if torn else ""),
    ]  # fmt: skip
    if film.lost:
        lines.append(f"  lost frames     {film.lost}: never shown")
    kinds = sorted({name for frame in film.frames for name in frame.barriers})
    barriers = [f"{film.mean(lambda frame, name=name: frame.barriers[name]):.4g} {name}" for name in kinds]  # type: ignore[misc]
    lines.append(f"  each frame      {', '.join(barriers) or 'no barrier'}")
    lines.append(
        f"                  {film.mean(lambda f: f.spins):.4g} failing looks "
        f"(at most {film.most_spins:,}; the bound is {SPINS:,}), "
        f"{film.mean(lambda f: f.completions):.3g} completions, "
        f"{film.mean(lambda f: f.locked):.4g} locked instructions, "
        f"weight {film.mean(lambda f: f.cost):.4g} by the table of costs"
    )
    if film.failed:
        lines.append(f"  asserts failed  {', '.join(film.failed)}")
    if film.errors:
        lines.append(f"  error answers   {film.errors}")
    if film.stopped:
        lines.append(f"  stopped         {film.stopped}")
    return "\n".join(lines) + "\n"


def _write(folder: Path, title: str | None, target: Target, film: Film, *, alone: bool) -> None:
    """PNG files of the first frames and of every torn one, and the animation."""
    if not alone:
        folder = folder / f"{(title or 'base').replace(' ', '-')}--{target.name}"
    files.make_folder(folder)
    if not film.frames:
        return
    kept = film.frames[:MOST_PICTURES]
    torn = [frame for frame in film.frames if frame.torn][:MOST_PICTURES]
    for frame in {f.number: f for f in (*kept, *torn)}.values():
        name = f"frame-{frame.number:05}{'-torn' if frame.torn else ''}.png"
        files.write(folder / name, png(enlarged(rgb(frame.screen, film.size), ZOOM)))
    files.write(folder / "frames.tsv", _table(film))
    files.write(folder / "wheel.apng", apng([enlarged(rgb(frame.screen, film.size), ZOOM) for frame in kept]))


def _table(film: Film) -> str:
    """What each frame cost and how it came out: a line for each, columns apart by tabulators."""
    kinds = sorted({name for frame in film.frames for name in frame.barriers})
    lines = [
        ["frame", "torn rows", "stale rows", "wrong pixels", *kinds, "spins", "completions", "time-outs",
         "locked instructions", "weight", "steps"]
    ]  # fmt: skip
    for frame in film.frames:
        numbers = [frame.number, frame.torn, frame.stale, frame.pixels, *[frame.barriers[name] for name in kinds],
                   frame.spins, frame.completions, frame.timeouts, frame.locked, frame.cost, frame.steps]  # fmt: skip
        lines.append([str(number) for number in numbers])
    return "".join("\t".join(line) + "\n" for line in lines)
