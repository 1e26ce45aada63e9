"""The text of one compiled thread as a tree of what it does, grown where somebody goes.

What a thread does depends on what its reads return, and on nothing else. So a run of it, and every run that it would
have been if a read had returned something else, are ways through one tree, and each stretch is interpreted once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple, TypeAlias

from mmcheck.base.errors import InternalError
from mmcheck.engines.enumeration.trace import Pairs, Trace
from mmcheck.ir import actions as acts
from mmcheck.ir import steps
from mmcheck.ir.instructions import Back, CheckOp, Code, ForkOp, LoadOp, RmwOp, RoundOp, StoreOp, TestOp
from mmcheck.ir.program import ARITHMETIC, NO_TAGS, Expr, Tags
from mmcheck.target.tags import instruction

Place: TypeAlias = tuple[int, ...]
"""A statement in one round of the loops around it. Places rise along a run."""
Key: TypeAlias = tuple[Place, str]
"""An event: its place, and its kind, which tells the halves of a read-modify-write apart."""
Sort: TypeAlias = tuple[str, Tags, int]
Answer: TypeAlias = tuple[int, bool]
"""What a read returns, and whether an unsuccessful read-modify-write writes that back; or whether an exclusive store
succeeds; or whether a wait begins."""
GOES_ON: Answer = (1, False)


class Made(NamedTuple):
    """An event that the text makes; `where` is its address, and `what` the value of a write, over the values read."""

    key: Key
    tags: Tags
    address: int = 0
    width: int = 0
    value: int = 0
    where: Expr | None = None
    what: Expr | None = None

    @property
    def place(self) -> Place:
        return self.key[0]

    @property
    def kind(self) -> str:
        return self.key[1]

    @property
    def sort(self) -> Sort:
        """The instruction that it may become, but for its value."""
        return self.key[1], instruction(self.tags), self.address


class Demand(NamedTuple):
    """What arithmetic demands at a place to mean anything, over the values read, and whether it is so."""

    place: Place
    cond: Expr
    holds: bool


class Stretch:
    """A point on a way through the text: `made` are the events so far, `pairs` the halves of read-modify-writes,
    `checks` the assertions with their outcomes, `demands` those of arithmetic. The way ends here with a `status`, or
    goes on by an answer to what is `asked`: a read without its value, an exclusive store, or a wait (of kind
    ``wait``)."""

    __slots__ = ("asked", "behind", "checks", "demands", "made", "number", "pairs", "state", "status")

    def __init__(
        self, state: acts.State, made: tuple[Made, ...], pairs: Pairs, checks: tuple[tuple[str, bool], ...]
    ) -> None:
        self.state, self.made, self.pairs, self.checks = state, made, pairs, checks
        self.demands: tuple[Demand, ...] = ()
        self.asked: Made | None = None
        self.status = ""
        self.number = 0
        self.behind: dict[Answer, Stretch] = {}

    @property
    def outcomes(self) -> tuple[tuple[int, bool], ...]:
        """Those of the tests on the way."""
        return self.state.outcomes


class Wait(NamedTuple):
    """An await: where its body begins and where its test stands; whether a compiler may drop it if it waits for what a
    plain read returns."""

    start: int
    test: int
    idle: bool


class Text:
    """All that the thread of `code` may do. Not to `settle`, a wait is asked about before it begins."""

    def __init__(self, code: Code, *, settle: bool) -> None:
        self.code, self.settle = code, settle
        self.root = self._grow(Stretch(steps.start(code, symbols=True), (), (), ()))

    @cached_property
    def waits(self) -> dict[int, Wait]:
        """The awaits, by number."""
        ops = self.code.ops
        tests = {op.number: (i, op) for i, op in enumerate(ops) if isinstance(op, TestOp)}
        return {
            op.counter: Wait(i, tests[op.counter][0], tests[op.counter][1].orelse is None and not op.rereads)
            for i, op in enumerate(ops)
            if isinstance(op, RoundOp)
        }

    def waits_for(self, place: Place) -> Iterator[int]:
        """The awaits in whose bodies a statement is."""
        return (number for number, wait in self.waits.items() if wait.start < place[-1] < wait.test)

    @cached_property
    def _loops(self) -> list[tuple[int, int, int]]:
        """Where each loop begins, its counter, and where it ends; outer ones first."""
        found: dict[tuple[int, int], int] = {}
        for i, op in enumerate(self.code.ops):
            if isinstance(op, Back):
                found[op.target, op.counter] = i
        return sorted((start, counter, end) for (start, counter), end in found.items())

    @cached_property
    def _forks(self) -> list[tuple[tuple[int, ...], int]]:
        return [(op.starts, op.after) for op in self.code.ops if isinstance(op, ForkOp)]

    def ordered(self, one: Made, other: Made) -> bool:
        """Whether the text has two events in an order: those of one record store are in none."""
        if one.place[:-1] != other.place[:-1]:
            return True
        a, b = one.place[-1], other.place[-1]
        for starts, after in self._forks:
            if starts[0] <= a < after and starts[0] <= b < after:
                return sum(a >= start for start in starts) == sum(b >= start for start in starts)
        return True

    def place(self, state: acts.State) -> Place:
        pc = state.pc
        around = [(start, state.registers[counter]) for start, counter, end in self._loops if start <= pc <= end]
        return (*[number for pair in around for number in pair], pc)

    def _grow(self, here: Stretch) -> Stretch:
        """Go on to where something is asked, or to the end."""
        code = self.code
        while True:
            state, action = steps.advance(code, here.state)
            place = self.place(state)
            op = code.ops[state.pc]
            match action:
                case acts.Read() | acts.Modify():
                    assert isinstance(op, LoadOp | RmwOp)
                    tags = op.tags if isinstance(op, LoadOp) else op.statement.read_tags
                    where = steps.symbolic(op.address, state)
                    return self._asking(here, state, Made((place, "R"), tags, action.address, action.width, 0, where))
                case acts.Write():
                    assert isinstance(op, StoreOp)
                    where, what = steps.symbolic(op.address, state), steps.symbolic(op.data, state)
                    made = Made((place, "W"), action.tags, action.address, action.width, action.value, where, what)
                    if action.partner is not None:
                        return self._asking(here, state, made)
                    if action.exclusive:
                        here.state = steps.after_write(code, state, success=False)
                    else:
                        here.state, here.made = steps.after_write(code, state), (*here.made, made)
                case acts.Barrier():
                    here.state, here.made = steps.skip(state), (*here.made, Made((place, "F"), action.tags))
                case acts.Check():
                    if action.requirement == ARITHMETIC:
                        assert isinstance(op, CheckOp)
                        demand = Demand(place, steps.symbolic(op.cond, state), action.holds)
                        here.demands = (*here.demands, demand)
                    here.state = steps.skip(state)
                    here.checks = (*here.checks, (action.requirement, action.holds))
                case acts.Wait(number=number):
                    if not self.settle:
                        here.number = number
                        return self._asking(here, state, Made((place, "wait"), NO_TAGS))
                    here.state = steps.after_wait(code, state)
                case acts.Failed(gives_up=True):
                    here.state = steps.give_up(code, state)
                case acts.Fork():
                    left = action.left
                    here.state = steps.choose(code, state, left[0]) if left else steps.join(code, state)
                case acts.Failed(number=number):
                    assert isinstance(op, TestOp)
                    state = steps.tested(state, steps.symbolic(op.cond, state), held=False)
                    here.state, here.status, here.number = state, "stuck", number
                    return here
                case acts.Ended() | acts.Cut() | acts.Impossible():
                    here.state, here.status = state, type(action).__name__.lower()
                    return here
                case _:
                    raise InternalError(f"{type(action).__name__} in compiled code")

    def _asking(self, here: Stretch, state: acts.State, asked: Made) -> Stretch:
        here.state, here.asked = state, asked
        return here

    def after(self, here: Stretch, answer: Answer) -> Stretch:
        """Where the way leads if that is the answer."""
        found = here.behind.get(answer)
        if found is None:
            found = here.behind[answer] = self._grow(self._answered(here, answer))
        return found

    def _answered(self, here: Stretch, answer: Answer) -> Stretch:
        asked, state, code = here.asked, here.state, self.code
        assert asked is not None
        value, writes_back = answer
        op, n = code.ops[state.pc], len(here.made)
        made, pairs = here.made, here.pairs
        if isinstance(op, LoadOp):
            state = steps.after_read(code, state, value, n)
            made = (*made, asked._replace(value=value))
        elif isinstance(op, StoreOp):
            if value:
                assert state.monitor is not None
                made, pairs = (*made, asked), (*pairs, (state.monitor[1], n))
            state = steps.after_write(code, state, success=bool(value))
        elif isinstance(op, RmwOp):
            statement = op.statement
            written = steps.modified(acts.Modify(asked.address, asked.width, op), state, value)
            success = written is not None
            made = (*made, asked._replace(value=value, tags=asked.tags if success else statement.fail_tags))
            if success or writes_back:
                tags = statement.write_tags if success else statement.write_tags - {"L"}
                inside = steps.inside_modify(code, state, n, value)
                what = steps.symbolic(op.new, inside) if success else steps.symbol(n, asked.width)
                new = value if written is None else written
                made = (*made, Made((asked.place, "W"), tags, asked.address, asked.width, new, asked.where, what))
                pairs = (*pairs, (n, n + 1))
            state = steps.after_modify(code, state, value, n)
        else:
            state = steps.after_wait(code, state)
        out = Stretch(state, made, pairs, here.checks)
        out.demands = here.demands
        return out

    def _succeeds(self, here: Stretch, value: int) -> bool:
        op, asked = self.code.ops[here.state.pc], here.asked
        assert asked is not None
        if not isinstance(op, RmwOp):
            return True
        return steps.modified(acts.Modify(asked.address, asked.width, op), here.state, value) is not None

    def run(self, trace: Trace) -> tuple[Run, list[int | None]]:
        """The run of which `trace` tells, and for each of its events the position in the trace; None for what a failing
        round writes and the trace leaves out."""
        items, paired = trace.items, {*trace.amo, *trace.lxsx}
        here, asked, answers = self.root, dict[Key, Made](), dict[Key, Answer]()
        positions: list[int | None] = []
        i = 0
        while True:
            for made in here.made[len(positions) :]:
                told = i < len(items) and (made.kind, made.value, made.tags) == (
                    items[i].kind, items[i].value, items[i].tags,
                ) and (made.kind == "F" or made.address == items[i].address)  # fmt: skip
                positions.append(i if told else None)
                i += told
            if here.asked is None or (here.asked.kind == "wait" and i == len(items)):
                return Run(self, here, asked, answers), positions
            answer = GOES_ON
            if here.asked.kind == "R":
                answer = (items[i].value, (i, i + 1) in paired and not self._succeeds(here, items[i].value))
            elif here.asked.kind == "W":
                answer = (int(any(w == i for _, w in paired)), False)
            asked[here.asked.key], answers[here.asked.key] = here.asked, answer
            here = self.after(here, answer)


class Run:
    """One way through the text, to its end or to where it waits, with what was `asked` on it and the answers."""

    def __init__(self, text: Text, end: Stretch, asked: dict[Key, Made], answers: dict[Key, Answer]) -> None:
        self.text, self.end, self.asked, self.answers = text, end, asked, answers
        self.made = end.made
        self.at = {made.key: i for i, made in enumerate(end.made)}
        self.other = dict(end.pairs) | {w: r for r, w in end.pairs}
        """The other half of each half of a read-modify-write."""

    def like(self, asked: Made) -> list[int]:
        """The reads like one that this run has not made."""
        return self._reads.get((asked.sort, asked.width), [])

    @cached_property
    def _reads(self) -> dict[tuple[Sort, int], list[int]]:
        found: dict[tuple[Sort, int], list[int]] = {}
        for key, made in self.asked.items():
            if made.kind == "R":
                found.setdefault((made.sort, made.width), []).append(self.at[key])
        return found

    @cached_property
    def updates(self) -> frozenset[int]:
        """The reads of read-modify-writes, also of those that do not succeed."""
        ops = self.text.code.ops
        return frozenset(
            [i for i, made in enumerate(self.made) if isinstance(ops[made.place[-1]], RmwOp) and made.kind == "R"]
        )

    @cached_property
    def waits(self) -> frozenset[int]:
        """The events that are in the body of an await."""
        return frozenset([i for i, made in enumerate(self.made) if any(self.text.waits_for(made.place))])
