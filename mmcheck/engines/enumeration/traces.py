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

from mmcheck.base.errors import UnknownVerdict
from mmcheck.engines.enumeration.trace import Item, Options, Pairs, Point, Trace, Values, without_idle_writes
from mmcheck.ir import actions as acts
from mmcheck.ir import steps
from mmcheck.ir.instructions import CLEAN, Code, LoadOp, RoundOp, Taint, TestOp
from mmcheck.ir.program import MASKED, Origin, Tags


class Path(NamedTuple):
    """A trace that is being extended."""

    state: acts.State
    items: tuple[Item, ...] = ()
    amo: Pairs = ()
    lxsx: Pairs = ()
    failed: frozenset[str] = frozenset()
    rounds: Pairs = ()
    pieces: tuple[tuple[int, int, int], ...] = ()
    points: tuple[Point, ...] = ()

    def at(self, state: acts.State) -> Path:
        return Path(state, *self[1:])

    def extend(self, state: acts.State, item: Item) -> Path:
        return Path(state, (*self.items, item), *self[2:])

    def pair(self, read: int, write: int, *, exclusive: bool) -> Path:
        if exclusive:
            return self._replace(lxsx=(*self.lxsx, (read, write)))
        return self._replace(amo=(*self.amo, (read, write)))


def traces(code: Code, values: Values, options: Options) -> list[Trace]:
    """The traces of a thread if each read may see any of `values`; in a fixed order, without duplicates."""
    tracer = Tracer(code, values, options)
    tracer.run()
    return list(tracer.found.values())


@dataclass
class Tracer:
    """Follows paths; `found` are the traces so far, and `ended` those of them, or the same again, since `taken`."""

    code: Code
    values: Values
    options: Options
    found: dict[object, Trace] = field(default_factory=dict)
    work: list[Path] = field(default_factory=list)
    ended: list[Trace] = field(default_factory=list)

    def begin(self) -> Path:
        """The path before the first instruction."""
        return Path(steps.start(self.code, taints=True))

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
        for value in self.values(action.address):
            value &= (1 << action.width) - 1
            item = self.item(
                "R", path, state, action.address, action.width, value, action.tags, action.origin, action.address_taint
            )
            item = item._replace(whole=op.whole)
            out.append(path.extend(steps.after_read(self.code, state, value, n), item))
        return out

    def write(self, path: Path, state: acts.State, action: acts.Write) -> list[Path]:
        out = []
        if action.exclusive:
            out.append(path.at(steps.after_write(self.code, state, success=False)))
            if action.partner is None:
                return out
        item = self.item(
            "W", path, state, action.address, action.width, action.value, action.tags, action.origin,
            action.address_taint, action.data_taint,
        )  # fmt: skip
        extended = path.extend(steps.after_write(self.code, state), item)
        if action.partner is not None:
            extended = extended.pair(action.partner, len(path.items), exclusive=True)
        return [extended, *out]

    def modify(self, path: Path, state: acts.State, action: acts.Modify) -> list[Path]:
        op, n = action.op, len(path.items)
        statement = op.statement
        out = []
        for old in self.values(action.address):
            old &= (1 << action.width) - 1
            inside = steps.inside_modify(self.code, state, n, old)
            assert inside.taints is not None
            new = op.new.taint(inside.registers, inside.taints)
            data, pick = op.when.taint(inside.registers, inside.taints)
            decides = data | pick
            written = steps.modified(action, state, old)
            tags = statement.fail_tags if written is None else statement.read_tags
            read = self.item(
                "R", path, state, action.address, action.width, old, tags, statement.origin, action.address_taint
            )
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
                    extended = path.extend(following, read)
                    if half is not None:
                        write = self.item(
                            "W", path, state, action.address, action.width, half[0], half[1], statement.origin,
                            action.address_taint, half[2],
                        )  # fmt: skip
                        extended = extended.extend(following, write).pair(n, n + 1, exclusive=statement.exclusive)
                    out.append(extended)
        return out

    def has_two_provenances(self, action: acts.Modify, written: int | None) -> bool:
        return self.options.cas_provenance and written is not None and action.op.compare is not None

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
    ) -> Item:  # fmt: skip
        ctrl, pick = state.control
        if "Ghost" in tags:
            address_taint = data_taint = CLEAN
            ctrl = pick = 0
        pieces = tuple([(instance, piece) for _, instance, piece in path.pieces])
        return Item(
            kind, address, width, value, tags, origin,
            address_taint[0], data_taint[0], ctrl, address_taint[1], data_taint[1], pick, pieces,
        )  # fmt: skip

    def finish(self, path: Path, state: acts.State, status: str, at: acts.Wait | acts.Failed | None = None) -> None:
        registers = self.registers(state)
        items, amo, lxsx, last = path.items, path.amo, path.lxsx, frozenset[int]()
        points = path.points
        if isinstance(at, acts.Failed):
            since = dict(path.rounds)[at.number]
            items, amo, lxsx, gone = without_idle_writes(items, amo, lxsx, since)
            points = tuple([point for i, point in enumerate(points) if i not in gone])
            last = frozenset([i for i in range(since, len(items)) if items[i].kind == "R"])
        where, number = (at.origin, at.number) if at is not None else (None, 0)
        trace = Trace(items, amo, lxsx, registers, path.failed, status, where, number, last, points=points)
        self.ended.append(self.found.setdefault((trace.identity, trace.shape), trace))
