"""Codes and traces of threads, kept for threads of other programs that are the same but for their places in the text.

The threads of a suite of litmus tests are a few hundred columns over and over. What is kept names the origins of the
thread that came first: whoever shows an origin asks again without.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from mmcheck.enumeration.trace import Options, Trace, Values
from mmcheck.flatten import Code
from mmcheck.program import Thread

MOST = 4_000
"""Threads that are remembered; then all are forgotten."""


class Kept(NamedTuple):
    """`traces` for reads that see, at each address that was asked for, just the values of `asked`."""

    asked: Mapping[int, tuple[int, ...]]
    traces: list[Trace]


@dataclass(slots=True)
class Memo:
    """What is known of threads, by a key that is the same only for the same statements and initial values."""

    codes: dict[Hashable, Code] = field(default_factory=dict)
    kept: dict[Hashable, list[Kept]] = field(default_factory=dict)

    def code(self, key: Hashable, thread: Thread, make: Callable[[], Code]) -> Code:
        """The code of `thread`."""
        found = self.codes.get(key)
        if found is None:
            if len(self.codes) >= MOST:
                self.codes.clear()
                self.kept.clear()
            found = self.codes[key] = make()
        return found if found.thread is thread else replace(found, thread=thread)

    def traces(
        self, key: Hashable, values: Values, options: Options, make: Callable[[Values], list[Trace]]
    ) -> list[Trace]:
        """The traces of the thread with that key: `make`, or as kept. `values` is asked in both cases."""
        entries = self.kept.setdefault(
            (key, options.settle, options.write_back, options.cas_provenance, options.traces), []
        )
        for entry in entries:
            if all(values(address) == seen for address, seen in entry.asked.items()):
                return entry.traces
        asked: dict[int, tuple[int, ...]] = {}

        def noted(address: int) -> tuple[int, ...]:
            found = asked.get(address)
            if found is None:
                found = asked[address] = values(address)
            return found

        made = make(noted)
        entries.append(Kept(asked, made))
        return made
