"""What a compiler makes of the traces of a thread: accesses that it leaves out, the order that it keeps, and the
dependencies that are left (docs/compiler.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from mmcheck.enumeration.again import Again
from mmcheck.enumeration.dependencies import Dependencies, dependencies
from mmcheck.enumeration.linear import Pair
from mmcheck.enumeration.removed import Keep, Kept, Left, Removals
from mmcheck.enumeration.text import Run, Text
from mmcheck.enumeration.trace import Options, Trace, restricted
from mmcheck.enumeration.values import begun
from mmcheck.errors import UnknownVerdict
from mmcheck.instructions import Code
from mmcheck.model.kept import Half, kept, table
from mmcheck.program import Thread, state_register
from mmcheck.records import replace
from mmcheck.relations import bits

MOST = 500
"""Traces of the text of one thread that are looked at; beyond, there is no verdict."""


def profile(name: str) -> Keep:
    """``keep`` of the profile ``observed`` or ``language``, or of a cat file."""
    table(name)
    return partial(kept, name)


def preserved(trace: Trace, keep: Keep) -> frozenset[Pair]:
    """``keep | addr | data | ctrl | rmw`` of a trace; its transitive closure is cpo."""
    found = {*trace.amo, *trace.lxsx}
    other = dict(found) | {w: r for r, w in found}
    items = trace.items
    halves = [Half(x.kind, x.tags, items[other[i]].tags if i in other else None) for i, x in enumerate(items)]
    for i, j in trace.order:
        same = items[i].kind != "F" and items[j].kind != "F" and items[i].address == items[j].address
        if keep(halves[i], halves[j], same_place=same):
            found.add((i, j))
    for i, item in enumerate(items):
        found |= {(read, i) for read in bits(item.addr | item.data | item.ctrl)}
    return frozenset(found)


class Compiler:
    """A compiler that keeps in order what `keep` says. `cells` are the addresses at which a cell stands, `observed` the
    registers that somebody looks at in the end, by their names in final states; None: all that have names."""

    def __init__(self, keep: Keep, cells: frozenset[int], observed: frozenset[str] | None, options: Options) -> None:
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
                again = Again(text, self.cells, self.options.deadline)
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
    """What a compiler may leave of one run. `order` is cpo: for each event those behind it."""

    present: int
    found: Dependencies
    order: list[int]

    def covers(self, other: _Variant, loads: int) -> bool:
        """Whether this one may do all that the other may: it lacks but `loads` of it, and has no order or dependency
        that the other has not."""
        if self.present & ~other.present or other.present & ~self.present & ~loads:
            return False
        rows = zip((self.order, *self.found), (other.order, *other.found), strict=True)
        return all(not mine & ~its for one, two in rows for mine, its in zip(one, two, strict=True))


class _Compiled:
    """What a compiler makes of one trace of a text. `slots` are those of the registers that somebody looks at."""

    def __init__(self, trace: Trace, again: Again, keep: Keep, slots: tuple[int, ...]) -> None:
        self.trace, self.again, self.keep, self.slots = trace, again, keep, slots
        self.run, self.positions = again.text.run(trace)
        self.kept = Kept(self.run, keep)
        reads = [i for item in trace.items for mask in item[6:12] if isinstance(mask, int) for i in bits(mask)]
        self.textual = frozenset([i for i, position in enumerate(self.positions) if position in reads])

    def traces(self) -> Iterator[Trace]:
        """The traces that take its place."""
        run = self.run
        loads = sum(1 << i for i, made in enumerate(run.made) if made.kind == "R" and i not in run.other)
        variants: list[_Variant] = []
        for left in dict.fromkeys(self._left()):
            one = self._variant(left)
            if not any(other.covers(one, loads) for other in variants):
                variants = [other for other in variants if not one.covers(other, loads)] + [one]
        at = {i: position for i, position in enumerate(self.positions) if position is not None}
        for present, found, _ in variants:
            items = list(self.trace.items)
            for i, position in at.items():
                addr, data, ctrl, pick_addr, pick_data = [sum(1 << at[r] for r in bits(rows[i])) for rows in found]
                items[position] = items[position]._replace(
                    addr=addr, data=data, ctrl=ctrl, pick_addr=pick_addr, pick_data=pick_data, pick_ctrl=0
                )
            yield restricted(replace(self.trace, items=tuple(items)), [at[i] for i in bits(present) if i in at])

    def _left(self) -> Iterable[Left]:
        """What may be left of the run."""
        run = self.run
        yield from self._removals(run, self.kept)
        stores = {made.address: i for i, made in reversed([*enumerate(run.made)]) if made.kind == "W"}
        everything = (1 << len(run.made)) - 1
        for longer, common in self.again.further(run):
            # Of a thread that waits, a store is gone that is dead when it goes on.
            if any(made.kind == "W" and stores.get(made.address, common) < common for made in longer.made[common:]):
                for present, taken in self._removals(longer, Kept(longer, self.keep)):
                    yield everything & (present | -1 << common), tuple([each for each in taken if each[0] < common])

    def _removals(self, run: Run, kept: Kept) -> Iterator[Left]:
        return Removals(run, kept, self.again, self.slots).sets()

    def _variant(self, left: Left) -> _Variant:
        run, present = self.run, left[0]
        found = dependencies(run, self.kept, self.again, left, self.textual)
        order = [row & present if present >> i & 1 else 0 for i, row in enumerate(self.kept.rows)]
        for r, w in run.end.pairs:
            order[r] |= 1 << w & present
        for rows in (found.addr, found.data, found.ctrl):
            for i, reads in enumerate(rows):
                for read in bits(reads):
                    order[read] |= 1 << i
        for i in range(len(order) - 1, -1, -1):
            for j in bits(order[i]):
                order[i] |= order[j]
        return _Variant(present, found, order)
