"""What a compiler makes of the traces of a thread: accesses that it leaves out, the order that it keeps, and the
dependencies that are left (docs/compiler.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.records import replace
from mmcheck.engines.enumeration.again import Again
from mmcheck.engines.enumeration.dependencies import Dependencies, Kept, dependencies
from mmcheck.engines.enumeration.keep import Keep, preserved
from mmcheck.engines.enumeration.linear import closure_of
from mmcheck.engines.enumeration.removed import Left, Removals
from mmcheck.engines.enumeration.text import Run, Text
from mmcheck.engines.enumeration.trace import Options, Trace, restricted
from mmcheck.engines.enumeration.values import begun
from mmcheck.events.relations import bits
from mmcheck.ir.instructions import Code
from mmcheck.ir.program import Thread, registers_of, state_register

MOST = 500
"""Traces of the text of one thread that are looked at; beyond, there is no verdict."""


class Compiler:
    """A compiler that keeps in order what `keep` says. `cells` are the addresses at which a cell stands, with the
    variables, `observed` the registers that somebody looks at in the end, by their names in final states; None: all
    that have names."""

    def __init__(self, keep: Keep, cells: Mapping[int, str], observed: frozenset[str] | None, options: Options) -> None:
        self.keep, self.cells, self.observed, self.options = keep, cells, observed, options

    def traces(self, code: Code, found: Sequence[Trace]) -> list[Trace]:
        """What becomes of `found`, the traces of the text of an agent."""
        thread = code.thread
        if not thread.source:
            return list(found)
        slots = tuple([slot for name, slot in code.named if self._looks_at(thread, name)])
        begins = dict.fromkeys(trace.start for trace in found)
        out: dict[object, Trace] = {}
        for start in begins:
            texts = {trace.identity: trace for trace in found if trace.start == start and trace.status != "absent"}
            if len(texts) > MOST:
                raise UnknownVerdict(f"compiled thread {thread.name} has more than {MOST} traces")
            if texts:
                text = Text(begun(code, start), settle=self.options.settle)
                again = Again(text, self.cells, self.keep, self.options.deadline)
                for trace in texts.values():
                    for one in _Compiled(trace, again, self.keep, slots).traces():
                        out.setdefault((one.identity, one.shape, start), one)
        return [*out.values(), *[trace for trace in found if trace.status == "absent"]]

    def _looks_at(self, thread: Thread, name: str) -> bool:
        if thread.host is not None and name.startswith("@"):
            return True  # the next run of the handler does
        if self.observed is None:
            return "%" not in name
        return state_register(thread.name, name.removeprefix("@")).name in self.observed


class _Variant(NamedTuple):
    """What a compiler may make of one run: which of its events are `present`, their dependencies, and the trace."""

    present: int
    found: Dependencies
    trace: Trace


class _Compiled:
    """What a compiler makes of one trace of a text. `slots` are those of the registers that somebody looks at."""

    def __init__(self, trace: Trace, again: Again, keep: Keep, slots: tuple[int, ...]) -> None:
        self.trace, self.again, self.keep, self.slots = trace, again, keep, slots
        self.run, positions = again.text.run(trace)
        self.at = {i: position for i, position in enumerate(positions) if position is not None}
        self.kept = Kept(self.run, keep)
        reads = [i for item in trace.items for mask in item[6:12] if isinstance(mask, int) for i in bits(mask)]
        self.textual = {i for i, position in enumerate(positions) if position in reads}
        # In the text, an update that is not made depends on nothing.
        self.textual |= {int(r.name[1:]) for test in self.run.end.state.tests for r in registers_of(test)}

    def traces(self) -> Iterator[Trace]:
        """The traces that take its place."""
        found = [self._variant(left) for left in dict.fromkeys(self._left())]
        for one in self._most(found) if len(found) > 1 else found:
            yield one.trace

    def _variant(self, left: Left) -> _Variant:
        found = dependencies(self.run, self.kept, self.again, left, self.textual)
        items, at = list(self.trace.items), self.at
        for i, position in at.items():
            addr, data, ctrl, pick_addr, pick_data = [sum(1 << at[r] for r in bits(rows[i])) for rows in found]
            items[position] = items[position]._replace(
                addr=addr, data=data, ctrl=ctrl, pick_addr=pick_addr, pick_data=pick_data, pick_ctrl=0
            )
        trace = restricted(replace(self.trace, items=tuple(items)), [at[i] for i in bits(left[0]) if i in at])
        return _Variant(left[0], found, trace)

    def _most(self, found: Iterable[_Variant]) -> list[_Variant]:
        """Those that may do something that no other may: one that lacks but loads of another, and has no order or
        dependency that this has not, may do all that it may."""
        made, other = self.run.made, self.run.other
        loads = sum(1 << i for i in range(len(made)) if made[i].kind == "R" and i not in other)
        out: list[tuple[_Variant, list[int]]] = []
        for one in found:
            rows = [*self._order(one), *chain.from_iterable(one.found)]
            if not any(_covers(each, its, one, rows, loads) for each, its in out):
                out = [(each, its) for each, its in out if not _covers(one, rows, each, its, loads)] + [(one, rows)]
        return [one for one, _ in out]

    def _order(self, one: _Variant) -> list[int]:
        """cpo: for each event of the run those behind it."""
        at = [i for i in bits(one.present) if i in self.at]
        rows = [0] * len(self.run.made)
        for a, b in closure_of(preserved(one.trace, self.keep)):
            rows[at[a]] |= 1 << at[b]
        return rows

    def _left(self) -> Iterable[Left]:
        """What may be left of the run; of a thread that waits also what may be left however it goes on."""
        yield from self._removals(self.run)
        stores = {made.address: i for i, made in reversed([*enumerate(self.run.made)]) if made.kind == "W"}
        agreed: set[Left] | None = None
        for longer, common in self.again.further(self.run):
            killed = any(
                made.kind == "W" and stores.get(made.address, common) < common for made in longer.made[common:]
            )
            begun = set(self._begun(longer, common)) if killed else set[Left]()
            agreed = begun if agreed is None else agreed & begun
            if not agreed:
                return
        yield from sorted(agreed or ())

    def _begun(self, longer: Run, common: int) -> Iterator[Left]:
        """What is left of the events that a longer run has in common with this one."""
        everything = (1 << len(self.run.made)) - 1
        for present, taken in self._removals(longer):
            yield everything & (present | -1 << common), tuple([each for each in taken if each[0] < common])

    def _removals(self, run: Run) -> Iterator[Left]:
        return Removals(run, self.keep, self.again, self.slots).sets()


def _covers(one: _Variant, rows: list[int], other: _Variant, its: list[int], loads: int) -> bool:
    lacks = other.present & ~one.present
    return (
        not one.present & ~other.present
        and not lacks & ~loads
        and all(not mine & ~theirs for mine, theirs in zip(rows, its, strict=True))
    )
