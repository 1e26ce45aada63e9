"""Counterfactual runs: a thread's text again, with another value for one read (docs/compiler.md, dependencies).

All else stays as in the run: other reads return what they returned; one that a compiler takes from somewhere returns
what it would be taken from now; and one that the run has not made returns what a read of the run returned that it
stands for, or else anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from mmcheck.base.deadline import Deadline
from mmcheck.engines.enumeration.keep import Keep
from mmcheck.engines.enumeration.text import GOES_ON, Answer, Key, Made, Place, Run, Sort, Stretch, Text
from mmcheck.engines.enumeration.trace import Pairs
from mmcheck.ir.instructions import Branch, CheckOp, Code, GivenOp, LoadOp, RmwOp, Set, StoreOp, TestOp
from mmcheck.ir.program import Const, Expr, Op, constants_of
from mmcheck.model.kept import NULL_PAGE, Half

Taken: TypeAlias = tuple[tuple[int, int], ...]
"""Loads that a compiler does not make, each with the access whose value it takes."""

Ends: TypeAlias = list[tuple[int, list[Stretch]]]

GOING_ON = 64
"""Ways on from a wait that are looked at."""
MOST = 256
"""Runs that are looked at for one value of a read; what makes a difference in none of them is taken to make none."""


class Extra(NamedTuple):
    """An event of a counterfactual run that the run does not make, nor anything that it stands for."""

    half: Half
    address: int
    place: Place


class Change(NamedTuple):
    """What is otherwise in a counterfactual run, behind the read, as bits over the events of the run: those that
    `differ`, that are `gone` (neither made, nor anything that stands for them), and that went to another cell.
    `instead` are those for which others stand, with the first place of these."""

    differ: int
    gone: int
    moved: int
    extra: tuple[Extra, ...]
    instead: tuple[tuple[int, Place], ...]


class Again:
    """Counterfactual runs of one text. `cells` are the addresses at which a cell stands, with the variables;
    `keep` says what a compiler takes to be without meaning."""

    def __init__(self, text: Text, cells: Mapping[int, str], keep: Keep, deadline: Deadline) -> None:
        self.text, self.cells, self.keep, self.deadline = text, cells, keep, deadline
        self._numbers = _numbers(text.code)
        self._runs: WeakKeyDictionary[Run, dict[tuple[int, Taken], Ends]] = WeakKeyDictionary()
        self._changes: WeakKeyDictionary[Run, dict[tuple[int, Taken], set[Change]]] = WeakKeyDictionary()

    def values(self, run: Run, width: int) -> list[int]:
        """Numbers that may make a difference: around the constants of the text and the values of the run."""
        mask = (1 << width) - 1
        numbers = self._numbers | {made.value for made in run.made if made.kind == "R"}
        if width < 64:
            numbers -= self.cells.keys()
        near = {number + d for number in numbers if number <= mask for d in (-1, 0, 1)} | {2, 3, mask}
        near |= {1 << bit for bit in (*range(0, width, 4), *[n for n in self._numbers if n < width])}
        if width == 64:
            near |= self.cells.keys()
        return sorted({number & mask for number in near})

    def runs(self, run: Run, read: int, taken: Taken) -> Ends:
        """The ends of all counterfactual runs, by the value of `read`."""
        known = self._runs.setdefault(run, {})
        found = known.get((read, taken))
        if found is None:
            made, sources = run.made[read], dict(taken)
            found = known[read, taken] = [
                (value, list(self._ends(run, read, value, sources)))
                for value in self.values(run, made.width)
                if value != made.value
            ]
        return found

    def _ends(self, run: Run, read: int, value: int, taken: Mapping[int, int]) -> Iterator[Stretch]:
        self.deadline.check()
        work: list[tuple[Stretch, tuple[int, ...], tuple[Made, ...]]] = [(self.text.root, (), ())]
        count = 0
        while work and count < MOST:
            here, assumed, free = work.pop()
            asked = here.asked
            if asked is None or (here.status == "" and run.end.asked is not None and asked.key == run.end.asked.key):
                count += 1
                if self._counts(run, read, here, assumed, free):
                    yield here
                continue
            position = run.at.get(asked.key)
            if position == read:
                work.append((self.text.after(here, (value, run.answers[asked.key][1])), assumed, free))
            elif asked.kind != "R":
                work.append((self.text.after(here, run.answers.get(asked.key, GOES_ON)), assumed, free))
            elif position is not None:
                answer = self._taken(run, here, taken[position]) if position in taken else None
                work.append((self.text.after(here, answer or run.answers[asked.key]), assumed, free))
            else:
                known = run.like(asked)
                passed = [i for i in known if run.made[i].place < asked.place]
                unmade = [i for i in passed if not any(m.key == run.made[i].key for m in here.made)]
                options = [(run.made[i].value, i) for i in known if i in unmade or i not in passed]
                for number, i in options:
                    work.append((self.text.after(here, (number, False)), (*assumed, i), free))
                if not unmade:
                    for number in self.values(run, asked.width):
                        work.append((self.text.after(here, (number, False)), assumed, (*free, asked)))

    def _taken(self, run: Run, here: Stretch, source: int) -> Answer | None:
        """What a load returns that takes the value of `source`, if that is made."""
        key = run.made[source].key
        return next(((made.value, False) for made in here.made if made.key == key), None)

    def _counts(
        self, run: Run, read: int, end: Stretch, assumed: tuple[int, ...], free: tuple[Made, ...]
    ) -> bool:  # fmt: skip
        """Whether there is such a run: reads of the run for which others stand are not made in it."""
        if end.status == "impossible":
            return False
        changed = run.made[read]
        if end.status == "stuck" and "Plain" in changed.tags and end.number in self.text.waits_for(changed.place):
            if self.text.waits[end.number].idle:
                return False  # the loop may be left out, and what is behind it knows that it has ended
        there = {made.key for made in end.made}
        if any(run.made[i].key in there for i in assumed):
            return False
        return all(run.made[i].key in there for asked in free for i in run.like(asked))

    def further(self, run: Run) -> Iterator[tuple[Run, int]]:
        """Runs that go on from where this one waits, if it does, and whose waits all end; and how many events they have
        in common with it."""
        text, end = self.text, run.end
        if end.asked is None and end.status != "stuck":
            return
        # In a round that fails the reads are asked again.
        rounds = text.place(end.state)[:-1]
        anew = {
            key
            for key in run.answers
            if end.asked is None and key[0][:-1] == rounds and end.number in text.waits_for(key[0])
        }
        common = next((i for i, made in enumerate(run.made) if made.key in anew), len(run.made))
        work: list[tuple[Stretch, dict[Key, Made], dict[Key, Answer]]] = [(text.root, {}, {})]
        count = 0
        while work and count < GOING_ON:
            here, asked, answers = work.pop()
            if here.asked is None:
                count += 1
                if here.status not in ("impossible", "stuck"):
                    yield Run(text, here, asked, answers), common
                continue
            key, options = here.asked.key, [GOES_ON]
            if key in run.answers and key not in anew:
                options = [run.answers[key]]
            elif here.asked.kind == "R":
                options = [(value, False) for value in self.values(run, here.asked.width)]
            work += [(text.after(here, each), {**asked, key: here.asked}, {**answers, key: each}) for each in options]

    def misses(self, made: Made, half: Half, address: int) -> bool:
        """Whether a compiler takes it that an access like `made` does not go to `address`: to null, or out of the
        variable of which it accesses an element."""
        if address < NULL_PAGE and self.keep.passes("points", half):
            return True
        variable = self.cells.get(_addend(made.where))
        return variable not in (None, self.cells.get(address)) and self.keep.passes("inside", half)

    def _ends_at(self, end: Stretch, read: Place) -> Place | None:
        """The first place behind the read from which on a run means nothing."""
        found = [each.place for each in end.demands if not each.holds and self.keep.concludes]
        for i, made in enumerate(end.made):
            if (
                made.kind != "F"
                and made.place > read
                and self.misses(made, half_of(end.made, end.pairs, i), made.address)
            ):
                found.append(made.place)
                break
        return min(found, default=None)

    def changes(self, run: Run, read: int, taken: Taken) -> set[Change]:
        """What may be otherwise if `read` returns something else."""
        known = self._changes.setdefault(run, {})
        found = known.get((read, taken))
        if found is None:
            ends = dict.fromkeys(end for _, ends in self.runs(run, read, taken) for end in ends)
            found = known[read, taken] = {self._change(run, read, end) for end in ends}
        return found

    def _change(self, run: Run, read: int, end: Stretch) -> Change:
        last = self._ends_at(end, run.made[read].place)
        # What is behind a division by 0, say, has no say, as no run comes there.
        events = [i for i in range(read + 1, len(run.made)) if last is None or run.made[i].place <= last]
        if (end.outcomes, end.status) == (run.end.outcomes, run.end.status):
            return self._moved(run, events, end)
        there = {made.key: made for made in end.made}
        own = run.made[read].place
        fresh = {i: made for i, made in enumerate(end.made) if made.key not in run.at}
        alike = {made.sort for made in fresh.values()}
        first: dict[tuple[Sort, int], Place] = {}
        for made in fresh.values():
            first.setdefault((made.sort, made.value), made.place)
        differ = gone = moved = 0
        instead = []
        for i in events:
            event = run.made[i]
            other = there.get(event.key)
            if other is None or (other.address, other.value) != (event.address, event.value):
                place = first.get((event.sort, event.value))
                if place is not None:
                    instead.append((i, place))
                else:
                    differ |= 1 << i
            if other is None and event.place != own and event.sort not in alike:
                gone |= 1 << i
            if other is not None and other.address != event.address and other.address in self.cells:
                moved |= 1 << i
        lost = {made.sort for made in run.made if made.key not in there}
        extra = [
            Extra(half_of(end.made, end.pairs, i), made.address, made.place)
            for i, made in fresh.items()
            if made.place > own and made.sort not in lost and made.tags.isdisjoint(("Plain", "Ghost"))
            if last is None or made.place <= last
        ]
        return Change(differ, gone, moved, tuple(extra), tuple(instead))

    def _moved(self, run: Run, events: Sequence[int], end: Stretch) -> Change:
        """What is otherwise where the path is the same: the same statements are executed."""
        differ = moved = 0
        for i in events:
            old, new = run.made[i], end.made[i]
            if (old.address, old.value) != (new.address, new.value):
                differ |= 1 << i
                if old.address != new.address and new.address in self.cells:
                    moved |= 1 << i
        return Change(differ, 0, moved, (), ())


def _addend(address: Expr | None) -> int:
    """The constant part of an address."""
    if isinstance(address, Const):
        return address.value
    if isinstance(address, Op) and address.op == "add":
        return sum([_addend(arg) for arg in address.args])
    return 0


def half_of(made: Sequence[Made], pairs: Pairs, i: int) -> Half:
    """An event as a table of the compiler layer sees it."""
    other = next((made[r + w - i].tags for r, w in pairs if i in (r, w)), None)
    return Half(made[i].kind, made[i].tags, other)


def _numbers(code: Code) -> set[int]:
    """The constants of the text."""
    out = {0, 1}
    for op in code.ops:
        match op:
            case Set():
                terms = [op.term]
            case Branch() | CheckOp() | GivenOp() | TestOp():
                terms = [op.cond]
            case LoadOp():
                terms = [op.address]
            case StoreOp():
                terms = [op.address, op.data]
            case RmwOp():
                terms = [op.address, op.new, op.when]
            case _:
                continue
        out |= {constant.value for term in terms for constant in constants_of(term.expr)}
    return out
