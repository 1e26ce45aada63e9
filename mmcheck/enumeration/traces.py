"""All finite traces of one thread, given what its reads may see.

A `Trace` is one path of one thread: its events with concrete addresses and values, and the relations that
the thread decides alone: order, dependencies, the pairs of read-modify-writes. Dependencies of an event are bit
sets of earlier events of the same trace.

An await contributes its last round (docs/compiler.md, waits). A thread that waits for ever is a trace that is `stuck`:
without the events of the failing round if only safety is asked for; with them, in `last`, if final states
are, and then they must read the last value of their location.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from mmcheck import actions as acts
from mmcheck import steps
from mmcheck.enumeration.guarded import Guarded, decided, positive
from mmcheck.enumeration.robust import is_robust
from mmcheck.enumeration.trace import Item, Options, Pairs, Point, Trace, Values, moved, without_idle_writes
from mmcheck.errors import UnknownVerdict
from mmcheck.instructions import CLEAN, Branch, Code, LoadOp, RoundOp, Set, StoreOp, Taint, Term, TestOp
from mmcheck.program import MASKED, Expr, Origin, Tags, constants_of
from mmcheck.records import replace
from mmcheck.relations import bits


class Path(NamedTuple):
    """A trace that is being extended."""

    state: acts.State
    items: tuple[Item, ...] = ()
    amo: Pairs = ()
    lxsx: Pairs = ()
    failed: frozenset[str] = frozenset()
    rounds: Pairs = ()
    pieces: tuple[tuple[int, int, int], ...] = ()
    written: tuple[tuple[int, Expr, Taint, bool], ...] = ()
    """Stores of compiled code: position, value, what the value depends on, and whether anything of it does."""
    same: tuple[tuple[int, int], ...] = ()
    """Plain reads that a compiler may take from an earlier read, and which."""
    guarded: tuple[Guarded, ...] = ()
    points: tuple[Point, ...] = ()

    def at(self, state: acts.State) -> Path:
        return Path(state, *self[1:])

    def extend(self, state: acts.State, item: Item) -> Path:
        return Path(state, (*self.items, item), *self[2:])

    def pair(self, read: int, write: int, *, exclusive: bool) -> Path:
        if exclusive:
            return self._replace(lxsx=(*self.lxsx, (read, write)))
        return self._replace(amo=(*self.amo, (read, write)))


@dataclass(frozen=True, eq=False)
class _Found:
    """A trace, and its events inside of branches with the reads that are earlier reads."""

    trace: Trace
    guarded: tuple[Guarded, ...]
    same: Pairs


def traces(code: Code, values: Values, options: Options) -> list[Trace]:
    """The traces of a thread if each read may see any of `values`; in a fixed order, without duplicates."""
    tracer = Tracer(code, values, options)
    tracer.run()
    if not any(found.guarded for found in tracer.found.values()):
        return [found.trace for found in tracer.found.values()]
    unique: dict[object, Trace] = {}
    statements: dict[int, dict[tuple[object, ...], Guarded]] = {}
    # A compiler sees both sides of a branch, also that which no value leads to.
    beyond = Tracer(code, _beyond(code, values), options)
    beyond.run()
    for found in (*tracer.found.values(), *beyond.found.values()):
        for one in found.guarded:
            shape = (one.kind, one.tags, one.place, one.value, one.path, one.reads)
            statements.setdefault(one.statement, {})[shape] = one
    decisions: dict[object, tuple[int, int]] = {}
    for found in tracer.found.values():
        items = list(found.trace.items)
        for one in found.guarded:
            key = (one, found.same)
            if key not in decisions:
                others = [g for at, here in statements.items() if at != one.statement for g in here.values()]
                decisions[key] = decided(one, others, dict(found.same))
            item, (data, pick) = items[one.position], decisions[key]
            items[one.position] = item._replace(ctrl=item.ctrl | data, pick_ctrl=item.pick_ctrl | pick)
        trace = replace(found.trace, items=tuple(items))
        unique.setdefault((trace.identity, trace.shape), trace)
    return list(unique.values())


MOST_DECISIVE = 6
"""Constants of a thread that are tried as values of its reads to get to the other side of a branch."""


def _beyond(code: Code, values: Values) -> Values:
    """`values`, and those that may decide the branches of `code`: the constants in conditions, else in terms."""
    branches = [op.cond for op in code.ops if isinstance(op, Branch)]
    terms = branches + [op.term for op in code.ops if isinstance(op, Set)]
    constants = list(dict.fromkeys(each.value for term in terms for each in constants_of(term.expr)))
    decisive = {value + more for value in constants[:MOST_DECISIVE] for more in (0, 1)}
    return lambda address: tuple(sorted({*values(address), *decisive}))


@dataclass
class Tracer:
    """Follows paths; `found` are the traces so far, and `ended` those of them, or the same again, since `taken`."""

    code: Code
    values: Values
    options: Options
    found: dict[object, _Found] = field(default_factory=dict)
    work: list[Path] = field(default_factory=list)
    ended: list[Trace] = field(default_factory=list)

    @property
    def compiled(self) -> bool:
        return self.options.compiled and self.code.thread.source

    def begin(self) -> Path:
        """The path before the first instruction."""
        return Path(steps.start(self.code, taints=True, symbols=self.compiled))

    def taken(self) -> list[Trace]:
        """The traces that came to an end since this was asked last."""
        ended, self.ended = self.ended, []
        return ended

    def run(self) -> None:
        self.work.append(self.begin())
        tries = 0
        while self.work:
            tries += 1
            self.options.deadline.check()
            path = self.work.pop()
            state, action = steps.advance(self.code, path.state)
            following = self.after(path, state, action)
            if self.options.points:
                following = [self.marked(each, path, state) for each in following]
            self.work += following[::-1]
            if len(self.found) > self.options.traces or tries > 50 * self.options.traces:
                raise UnknownVerdict(f"thread {self.code.thread.name} has more than {self.options.traces} traces")

    def marked(self, path: Path, before: Path, state: acts.State) -> Path:
        """`path`, with where its thread stood in front of the events that have come to those of `before`."""
        waits = [(number, self.rounds[number]) for number, _ in state.saved if number in self.rounds]
        point = (self.registers(state), before.failed, waits[-1] if waits else None)
        return path._replace(points=(*path.points, *[point] * (len(path.items) - len(path.points))))

    def registers(self, state: acts.State) -> tuple[tuple[str, int], ...]:
        return tuple([(name, state.registers[slot]) for name, slot in self.code.named])

    @cached_property
    def rounds(self) -> dict[int, Origin]:
        """The awaits without a limit."""
        endless = {op.number for op in self.code.ops if isinstance(op, TestOp) and op.orelse is None}
        return {op.counter: op.origin for op in self.code.ops if isinstance(op, RoundOp) and op.counter in endless}

    def after(self, path: Path, state: acts.State, action: acts.Action) -> list[Path]:
        code = self.code
        match action:
            case acts.Read():
                return self.read(path, state, action)
            case acts.Write():
                return self.write(path, state, action)
            case acts.Modify():
                return self.modify(path, state, action)
            case acts.Barrier():
                item = self.item("F", path, state, 0, 0, 0, action.tags, action.origin)
                if not action.tags.isdisjoint(("IrqOff", "IrqOn")):
                    slot = dict(self.code.named).get(MASKED)
                    off = "IrqOff" in action.tags if slot is None else bool(state.registers[slot])
                    item = item._replace(masked=off)
                path = self.inside(path, state, "F", action.tags)
                return [path.extend(steps.skip(state), item)]
            case acts.Check():
                failed = path.failed if action.holds else path.failed | {action.requirement}
                return [path._replace(state=steps.skip(state), failed=failed)]
            case acts.Wait():
                if not self.options.settle:
                    self.finish(path, state, "stuck", action)
                mark = (action.number, len(path.items))
                rounds = (*[r for r in path.rounds if r[0] != action.number], mark)
                return [path._replace(state=steps.after_wait(code, state), rounds=rounds)]
            case acts.Failed():
                if action.gives_up:
                    return [path.at(steps.give_up(code, state))]
                if self.options.settle:
                    self.finish(path, state, "stuck", action)
                return []
            case acts.Impossible():
                return []
            case acts.Fork():
                return [self.fork(path, state, action)]
            case acts.Ended():
                self.finish(path, state, "ended")
            case acts.Cut():
                self.finish(path, state, "cut")
        return []

    def read(self, path: Path, state: acts.State, action: acts.Read) -> list[Path]:
        out = []
        n = len(path.items)
        op = self.code.ops[state.pc]
        assert isinstance(op, LoadOp)
        reasons = self.robust(op.address, path, state, action.address_taint, address=True)
        for value in self.values(action.address):
            value &= (1 << action.width) - 1
            item = self.item("R", path, state, action.address, action.width, value, action.tags, action.origin, reasons)
            item = item._replace(whole=op.whole)
            after = path.extend(steps.after_read(self.code, state, value, n), item)
            out.append(self.replaced(after, n) if self.compiled and "Plain" in action.tags else after)
        return out

    def replaced(self, path: Path, n: int) -> Path:
        """A compiler may take a plain read from what its thread wrote there last, or from an earlier read."""
        items = path.items
        read = items[n]
        for at in range(n - 1, -1, -1):
            earlier = items[at]
            if earlier.kind == "F" or earlier.address != read.address:
                continue
            if earlier.kind == "W":
                for position, value, taint, depends in path.written:
                    if position == at and depends and earlier.value & (1 << read.width) - 1 == read.value:
                        return path.at(steps.forwarded(self.code, path.state, value, taint))
                break
        else:
            at = -1
        for first in range(at + 1, n):
            earlier = items[first]
            if earlier.kind == "R" and earlier.address == read.address and earlier.value == read.value:
                value = steps.symbol(first, earlier.width)
                state = steps.forwarded(self.code, path.state, value, (1 << n, 0))
                return path._replace(state=state, same=(*path.same, (n, first)))
        return path

    def write(self, path: Path, state: acts.State, action: acts.Write) -> list[Path]:
        out = []
        if action.exclusive:
            out.append(path.at(steps.after_write(self.code, state, success=False)))
            if action.partner is None:
                return out
        op = self.code.ops[state.pc]
        assert isinstance(op, StoreOp)
        item = self.item(
            "W", path, state, action.address, action.width, action.value, action.tags, action.origin,
            self.robust(op.address, path, state, action.address_taint, address=True),
            self.robust(op.data, path, state, action.data_taint),
        )  # fmt: skip
        if self.compiled:
            place, data = steps.symbolic(op.address, state), steps.symbolic(op.data, state)
            path = self.inside(path, state, "W", action.tags, place, data)
        extended = path.extend(steps.after_write(self.code, state), item)
        if self.compiled:
            depends = any(action.address_taint) or any(action.data_taint)
            store = (len(path.items), steps.symbolic(op.data, state), action.data_taint, depends)
            extended = extended._replace(written=(*path.written, store))
        if action.partner is not None:
            extended = extended.pair(action.partner, len(path.items), exclusive=True)
        return [extended, *out]

    def modify(self, path: Path, state: acts.State, action: acts.Modify) -> list[Path]:
        op, n = action.op, len(path.items)
        statement = op.statement
        reasons = self.robust(op.address, path, state, action.address_taint, address=True)
        inside = steps.inside_modify(self.code, state, n)
        assert inside.taints is not None
        new = self.robust(op.new, path, inside, op.new.taint(inside.registers, inside.taints))
        data, pick = self.robust(op.when, path, inside, op.when.taint(inside.registers, inside.taints))
        decides = data | pick
        out = []
        for old in self.values(action.address):
            old &= (1 << action.width) - 1
            written = steps.modified(action, state, old)
            tags = statement.fail_tags if written is None else statement.read_tags
            read = self.item(
                "R", path, state, action.address, action.width, old, tags, statement.origin, reasons,
                modifies=True,
            )  # fmt: skip
            halves: list[tuple[int, Tags, Taint] | None]
            if written is not None:
                halves = [(written, statement.write_tags, (new[0], new[1] | decides))]
            elif statement.write_back and self.options.write_back:
                halves = [None, (old, statement.write_tags - {"L"}, (1 << n, decides))]
            else:
                halves = [None]
            for half in halves:
                picks = (False, True) if self.has_two_provenances(action, written) else (False,)
                for by_pick in picks:
                    following = steps.after_modify(self.code, state, old, n, by_pick=by_pick)
                    extended = path
                    if self.compiled:
                        place, value = steps.symbolic(op.address, state), steps.symbolic(op.new, inside)
                        extended = self.inside(path, state, "R", tags, place)
                    extended = extended.extend(following, read)
                    if half is not None:
                        if self.compiled:
                            new_value = steps.symbol(n, action.width) if written is None else value
                            extended = self.inside(extended, state, "W", half[1], place, new_value)
                        write = self.item(
                            "W", path, state, action.address, action.width, half[0], half[1], statement.origin,
                            reasons, half[2], modifies=True,
                        )  # fmt: skip
                        extended = extended.extend(following, write).pair(n, n + 1, exclusive=statement.exclusive)
                    out.append(extended)
        return out

    def has_two_provenances(self, action: acts.Modify, written: int | None) -> bool:
        asked = self.options.cas_provenance and not self.code.thread.source
        return asked and written is not None and action.op.compare is not None

    def fork(self, path: Path, state: acts.State, action: acts.Fork) -> Path:
        """The text order, every event marked with its piece."""
        instance = next((i for c, i, _ in path.pieces if c == action.counter), len(path.items))
        outer: list[tuple[int, int, int]] = []
        for entry in path.pieces:
            if entry[0] == action.counter:
                break
            outer.append(entry)
        if not action.left:
            return path._replace(state=steps.join(self.code, state), pieces=tuple(outer))
        outer.append((action.counter, instance, action.left[0]))
        return path._replace(state=steps.choose(self.code, state, action.left[0]), pieces=tuple(outer))

    def item(
        self, kind: str, path: Path, state: acts.State, address: int, width: int, value: int, tags: Tags,
        origin: Origin, address_taint: Taint = CLEAN, data_taint: Taint = CLEAN,
        *, modifies: bool = False,
    ) -> Item:  # fmt: skip
        ctrl = pick = 0
        if "Ghost" in tags:
            address_taint = data_taint = CLEAN
        elif not self.compiled:
            for control in state.control:
                ctrl |= control.data
                pick |= control.pick
        elif kind != "R" or modifies:
            # Behind a wait; the branches are looked at when all paths are known.
            waived = _plain(path.items)
            for control in state.control:
                if control.waited:
                    assert control.cond is not None
                    data, more = _varying(control.cond, (control.data, control.pick), path, control.path)
                    ctrl |= data & ~waived
                    pick |= more & ~waived
        pieces = tuple([(instance, piece) for _, instance, piece in path.pieces])
        return Item(
            kind, address, width, value, tags, origin,
            address_taint[0], data_taint[0], ctrl, address_taint[1], data_taint[1], pick, pieces,
        )  # fmt: skip

    def inside(
        self,
        path: Path,
        state: acts.State,
        kind: str,
        tags: Tags,
        place: Expr | None = None,
        value: Expr | None = None,
    ) -> Path:
        """`path`, noting that its next event is inside of branches, if it is."""
        around = [control for control in state.control if not control.waited]
        if not self.compiled or not around or "Ghost" in tags:
            return path
        data = pick = 0
        for control in around:
            data, pick = data | control.data, pick | control.pick
        conditions = tuple([positive(control.cond) for control in around if control.cond is not None])
        reads = tuple([(f"r{i}", item.address) for i, item in enumerate(path.items) if item.kind == "R"])
        at = (len(path.items), state.pc, kind, tags)
        return path._replace(
            guarded=(*path.guarded, Guarded(*at, place, value, conditions, state.path, data, pick, reads))
        )

    def robust(self, term: Term, path: Path, state: acts.State, why: Taint, *, address: bool = False) -> Taint:
        """The part of `why` that a compiler keeps."""
        if not self.compiled or not why[0] | why[1]:
            return why
        return _varying(steps.symbolic(term, state), why, path, state.path, self.options.cells if address else None)

    def finish(self, path: Path, state: acts.State, status: str, at: acts.Wait | acts.Failed | None = None) -> None:
        registers = self.registers(state)
        items, amo, lxsx, last = path.items, path.amo, path.lxsx, frozenset[int]()
        points = path.points
        guarded = path.guarded
        if isinstance(at, acts.Failed):
            since = dict(path.rounds)[at.number]
            items, amo, lxsx, gone = without_idle_writes(items, amo, lxsx, since)
            guarded = tuple([moved(one, gone) for one in guarded if one.position not in gone])
            points = tuple([point for i, point in enumerate(points) if i not in gone])
            last = frozenset([i for i in range(since, len(items)) if items[i].kind == "R"])
        where, number = (at.origin, at.number) if at is not None else (None, 0)
        trace = Trace(items, amo, lxsx, registers, path.failed, status, where, number, last, points=points)
        found = self.found.setdefault((trace.identity, trace.shape, guarded), _Found(trace, guarded, path.same))
        self.ended.append(found.trace)


def _varying(expr: Expr, why: Taint, path: Path, known: tuple[Expr, ...], cells: frozenset[int] | None = None) -> Taint:
    """The reads of `why` with which `expr` varies, under what is `known`."""
    same = dict(path.same)
    kept = [
        sum(1 << read for read in bits(mask) if is_robust(expr, f"r{same.get(read, read)}", known, cells))
        for mask in why
    ]
    return kept[0], kept[1]


def _plain(items: tuple[Item, ...]) -> int:
    return sum(1 << i for i, item in enumerate(items) if "Plain" in item.tags)
