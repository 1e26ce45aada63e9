"""What one enumeration leaves to the next ones: of threads, of locations and of what a model sees of a trace.

The threads of a suite of litmus tests are a few hundred columns over and over. What is kept of a thread names the
origins of the thread that came first: whoever shows an origin asks again without.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace

from mmcheck.engines.enumeration.coherence import Choice
from mmcheck.engines.enumeration.forms import Form, form_of
from mmcheck.engines.enumeration.paths import Paths
from mmcheck.engines.enumeration.trace import Options, Trace, Values
from mmcheck.ir.instructions import Code
from mmcheck.ir.program import Thread

MOST = 20_000
"""Things that are kept, branches of threads above all (some 5 kB each); then all are forgotten."""


@dataclass(slots=True)
class Memory:
    """`codes` and `paths` of threads are known by a key that is the same only for the same statements and initial
    values, `forms` by the shape of a trace, `choices` of rf and co by the events of a location, numbered from 0 on.

    Whoever has an `Enumeration` of several programs gives them one memory; it is no larger than `MOST` and what one
    program needs.
    """

    codes: dict[Hashable, Code] = field(default_factory=dict)
    paths: dict[Hashable, Paths] = field(default_factory=dict)
    forms: dict[Hashable, Form] = field(default_factory=dict)
    choices: dict[Hashable, list[Choice]] = field(default_factory=dict)
    branches: int = 0
    """Of all `paths`."""

    def make_room(self) -> None:
        """Forget everything if it is too much."""
        if self.branches + len(self.codes) + len(self.forms) + len(self.choices) > MOST:
            for kept in (self.codes, self.paths, self.forms, self.choices):
                kept.clear()
            self.branches = 0

    def code(self, key: Hashable, thread: Thread, make: Callable[[], Code]) -> Code:
        """The code of `thread`."""
        found = self.codes.get(key)
        if found is None:
            found = self.codes[key] = make()
        return found if found.thread is thread else replace(found, thread=thread)

    def traces(self, key: Hashable, code: Code, values: Values, options: Options) -> list[Trace]:
        """The traces of the thread with that key."""
        key = (key, options.settle, options.write_back, options.cas_provenance)
        paths = self.paths.get(key)
        before = 0 if paths is None else paths.size
        if paths is None:
            paths = self.paths[key] = Paths(code, options)
        try:
            return paths.traces(values, options, code.thread.name)
        finally:
            self.branches += paths.size - before

    def form(self, trace: Trace) -> Form:
        """What all traces of this shape have in common."""
        shape = trace.shape
        found = self.forms.get(shape)
        if found is None:
            found = self.forms[shape] = form_of(trace)
        return found
