"""The paths of one thread of assembly as a tree, grown where somebody walks.

What a path does depends on the values that its reads see, and on nothing else: for more values, or in another program,
the paths that are known stay what they are.
"""

from __future__ import annotations

from mmcheck.base.errors import UnknownVerdict
from mmcheck.engines.enumeration.trace import Options, Trace, Values
from mmcheck.engines.enumeration.traces import Path, Tracer
from mmcheck.ir import actions as acts
from mmcheck.ir import steps
from mmcheck.ir.instructions import Code

MOST_WALKS = 16
"""Walks whose traces are remembered."""


class _Node:
    """A stretch of a path. `ends` are the traces that end along it; behind it lie the branches in `rest`, or one read
    of `address`, then `seen` has the branches for each value."""

    __slots__ = ("action", "address", "ends", "path", "rest", "seen")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ends: tuple[Trace, ...] | None = None
        self.rest: list[_Node] = []
        self.address: int | None = None
        self.action: acts.Action | None = None
        self.seen: dict[int, list[_Node]] = {}


class Paths:
    """All paths of the thread of `code`, for `options` in which it is not compiled. `size` counts what is kept."""

    def __init__(self, code: Code, options: Options) -> None:
        self._tracer = Tracer(code, lambda _: (), options)
        self._root = _Node(self._tracer.begin())
        self._walked: list[tuple[dict[int, tuple[int, ...]], list[Trace]]] = []
        self.size = 1

    def traces(self, values: Values, options: Options, name: str) -> list[Trace]:
        """As `mmcheck.engines.enumeration.traces.traces`; `name` is that of the thread in messages."""
        for asked, traces in self._walked:
            if len(traces) <= options.traces and all(values(address) == seen for address, seen in asked.items()):
                return traces
        found: dict[int, Trace] = {}
        asked = {}
        work, tries = [self._root], 0
        while work:
            tries += 1
            options.deadline.check()
            node = work.pop()
            if node.ends is None:
                self._grow(node)
            for trace in node.ends or ():
                found.setdefault(id(trace), trace)
            if node.address is None:
                work += node.rest[::-1]
            else:
                seen = asked.get(node.address)
                if seen is None:
                    seen = asked[node.address] = values(node.address)
                work += [after for value in seen for after in self._seeing(node, value)][::-1]
            if len(found) > options.traces or tries > 50 * options.traces:
                raise UnknownVerdict(f"thread {name} has more than {options.traces} traces")
        if len(self._walked) >= MOST_WALKS:
            self._walked.clear()
        traces = list(found.values())
        self._walked.append((asked, traces))
        return traces

    def _grow(self, node: _Node) -> None:
        """Follow the path to where it branches."""
        tracer, path, ends = self._tracer, node.path, list[Trace]()
        while True:
            state, action = steps.advance(tracer.code, path.state)
            if isinstance(action, acts.Read | acts.Modify):
                node.path, node.action, node.address = path.at(state), action, action.address
                break
            following = tracer.after(path, state, action)
            ends += tracer.taken()
            if len(following) != 1:
                node.rest = [_Node(each) for each in following]
                self.size += len(node.rest)
                break
            path = following[0]
        node.ends = tuple(ends)

    def _seeing(self, node: _Node, value: int) -> list[_Node]:
        """The branches behind a read that sees `value`."""
        known = node.seen.get(value)
        if known is None:
            assert node.action is not None
            self._tracer.values = lambda _: (value,)
            following = self._tracer.after(node.path, node.path.state, node.action)
            known = node.seen[value] = [_Node(path) for path in following]
            self.size += len(known)
        return known
