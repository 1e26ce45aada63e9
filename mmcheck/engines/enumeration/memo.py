"""Codes and paths of threads, kept for threads of other programs that are the same but for their places in the text.

The threads of a suite of litmus tests are a few hundred columns over and over. What is kept names the origins of the
thread that came first: whoever shows an origin asks again without.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace

from mmcheck.engines.enumeration.paths import Paths
from mmcheck.engines.enumeration.trace import Options, Trace, Values
from mmcheck.ir.instructions import Code
from mmcheck.ir.program import Thread

MOST = 4_000
"""Threads that are remembered; then all are forgotten."""
LARGE = 20_000
"""A thread with more branches is not remembered."""


@dataclass(slots=True)
class Memo:
    """What is known of threads, by a key that is the same only for the same statements and initial values."""

    codes: dict[Hashable, Code] = field(default_factory=dict)
    paths: dict[Hashable, Paths] = field(default_factory=dict)

    def code(self, key: Hashable, thread: Thread, make: Callable[[], Code]) -> Code:
        """The code of `thread`."""
        found = self.codes.get(key)
        if found is None:
            if len(self.codes) >= MOST:
                self.codes.clear()
                self.paths.clear()
            found = self.codes[key] = make()
        return found if found.thread is thread else replace(found, thread=thread)

    def traces(self, key: Hashable, code: Code, values: Values, options: Options) -> list[Trace]:
        """The traces of the thread with that key."""
        key = (key, options.settle, options.write_back, options.cas_provenance)
        paths = self.paths.get(key)
        if paths is None:
            paths = self.paths[key] = Paths(code, options)
        found = paths.traces(values, options, code.thread.name)
        if paths.size > LARGE:
            self.paths.pop(key, None)
        return found
