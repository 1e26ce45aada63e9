"""What the lines of a trace may have, and what a trace that was read is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mmcheck.base.source import Span
from mmcheck.events.execution import Agent, Execution

VERSION = 1
MAX_LINES = 1_000_000
MAX_EVENTS = 1_000
"""Events that are judged together: orders are squares of them."""
MAX_GUESSES = 4_096
"""Ways to say which writes were read that are tried, where the trace does not say it."""
MAX_GUESSED = 50_000
"""Events of all of these together."""

SPACES = ("ram", "dma", "mmio", "irq")
DEPENDENCIES = ("addr", "data", "ctrl", "pick-addr", "pick-data", "pick-ctrl")
KEYS: Mapping[str, tuple[type, ...]] = {
    "id": (int,), "agent": (str,), "op": (str,), "tags": (list,), "address": (int, str), "location": (str,),
    "value": (int,), "width": (int,), "cpu": (int, type(None)), "step": (int, type(None)), "rf": (int, str),
    "co": (int,), "rmw": (int,), "exclusive": (bool,), "text": (str,), "line": (int,), "time": (int, float),
    "space": (str,), "device": (str,),
    "switch": (list,), **dict.fromkeys(DEPENDENCIES, (list,)),
}  # fmt: skip
FIRST = ("mmcheck-trace", "agents", "initial", "spec", "variant", "target", "machine", "seed")
LAST = ("end", "final", "failed", "stuck")


@dataclass(frozen=True, slots=True)
class Header:
    """The first line. `spec`, `variant` and `target` name the program that ran; all may be empty."""

    agents: tuple[Agent, ...]
    spec: str = ""
    variant: str | None = None
    target: str = ""
    machine: str = ""
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """A file that was read. `executions` are the runs that it can stand for: several if it does not say what was read.

    `lines` gives the line of each event, `first` and `last` those of the first and the last line; `failed` (None: not
    said), `stuck` and `final` are what the writer said.
    """

    header: Header
    executions: tuple[Execution, ...]
    lines: Mapping[int, Span]
    failed: tuple[str, ...] | None = None
    stuck: tuple[str, ...] = ()
    final: Mapping[str, int] = field(default_factory=dict)
    first: Span | None = None
    last: Span | None = None
