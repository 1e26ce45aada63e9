"""Random cases that follow the shape of the danger: a body between its first and its last access of a cycle.

A shape says what the body does first and last, and what the observers do; between the two stand statements of
all sorts that may, or may only seem to, keep them in order: dependencies, fences, and accesses that a compiler removes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from mmcheck.base.records import record, replace
from tests.compilers.form import (
    ARRAY,
    Block,
    Body,
    Break,
    Case,
    Fence,
    If,
    Load,
    Look,
    Observer,
    Op,
    Pick,
    Place,
    Poll,
    Put,
    Repeat,
    Return,
    Rmw,
    Set,
    Statement,
    Store,
    Value,
    walk,
)  # fmt: skip


@record
class Shape:
    """`first` and `last` are ``R`` or ``W``, with what is written; observers speak of the places ``p`` and ``q`` of the
    two, written as ``Rp`` and ``Wq1``, where ``Wps`` writes what was read before."""

    name: str
    first: str
    last: str
    observers: tuple[str, ...]


SHAPES = (
    Shape("MP, reader", "R", "R", ("Wq1 Wp1",)),
    Shape("MP, writer", "W1", "W1", ("Rq Rp",)),
    Shape("SB", "W1", "R", ("Wq1 Rp",)),
    Shape("LB", "R", "W1", ("Rq Wp1",)),
    Shape("LB, passed on", "R", "W1", ("Rq Wps",)),
    Shape("S, writer", "W2", "W1", ("Rq Wp1",)),
    Shape("S, reader", "R", "W1", ("Wq2 Wp1",)),
    Shape("R, writer", "W1", "W1", ("Wq2 Rp",)),
    Shape("R, reader", "W2", "R", ("Wq1 Wp1",)),
    Shape("2+2W", "W1", "W2", ("Wq1 Wp2",)),
    Shape("WRC", "R", "W1", ("Wp1", "Rq Rp")),
    Shape("IRIW", "R", "R", ("Wp1", "Wq1 Rp")),
    Shape("ISA2", "R", "W1", ("Wz1 Wp1", "Rq Rz")),
)
ORDERS = {
    "R": ("plain",) * 5 + ("volatile",) * 3 + ("relaxed",) * 2 + ("acquire",) * 2 + ("seq_cst",),
    "W": ("plain",) * 5 + ("volatile",) * 3 + ("relaxed",) * 2 + ("release",) * 2 + ("seq_cst",),
}
CALM = dict.fromkeys("RW", ("plain",) * 7 + ("volatile",) * 3 + ("relaxed",))
"""In half of all cases: what the hardware does not order, so that it shows what the compiler did."""
RMW_ORDERS = ("relaxed", "acquire", "release", "acq_rel", "seq_cst")
FENCE_ORDERS = ("acquire", "release", "acq_rel", "seq_cst")


OPERATIONS = ("swap", "add", "or", "cas", "and", "max")


def case(seed: int, number: int, operations: Sequence[str] = OPERATIONS) -> Case:
    """The case of this number, with these read-modify-writes; the same for the same arguments."""
    return Maker(Random(f"{seed}/{number}"), operations).case(f"c{number}")


class Maker:
    """Makes one case."""

    def __init__(self, random: Random, operations: Sequence[str] = OPERATIONS) -> None:
        self.random = random
        self.operations = operations
        self.known: list[str] = []
        self.late: dict[str, str] = {}
        self.count = 0

    def chance(self, part: float) -> bool:
        return self.random.random() < part

    def one(self, *of: object) -> object:
        return self.random.choice(of)

    def register(self) -> str:
        self.count += 1
        return f"r{self.count - 1}"

    # --- the whole ---------------------------------------------------------------------------------

    def case(self, name: str) -> Case:
        shape = self.random.choice(SHAPES)
        self.calm = self.chance(0.5)
        self.element = self.random.choice((1, 1, 2))
        self.p = Place("x")
        self.q = Place(ARRAY, self.element) if self.chance(0.4) else Place("y")
        if self.chance(0.15):
            self.p, self.q = Place(ARRAY, 3 - self.element), Place(ARRAY, self.element)
        statements: list[Statement] = []
        if self.chance(0.35):
            statements += self.noise(1)
        statements += self.access(shape.first, self.p)
        statements += self.noise(self.random.choice((0, 1, 1, 2, 2)))
        statements += self.finish(shape.last)
        statements += self.used_late(statements)
        if self.chance(0.45):
            statements += self.noise(1)
        body = Body(tuple(statements), self.result(tuple(statements)))
        return Case(name, shape.name, body, tuple([self.observer(n, each) for n, each in enumerate(shape.observers)]))

    def used_late(self, block: list[Statement]) -> Block:
        """A use of what was read under a test of another register: a compiler may read there only."""
        reads = [each.to for each in block if isinstance(each, Load)]
        if len(self.known) < 2 or not reads or not self.chance(0.3):
            return ()
        read = self.random.choice(reads)
        if self.chance(0.5):
            self.late[read] = ""
            return (If(self.test(self.random.choice(self.known)), (Store(Place("w"), read, "volatile"),)),)
        to = self.register()
        self.late[read] = to
        return (Set(to, 3), If(self.test(self.random.choice(self.known)), (Set(to, read),)))

    def result(self, block: Block) -> tuple[str, ...]:
        reads = [each.to for each in walk(block) if isinstance(each, Load | Rmw) and each.to]
        shown = [self.late.get(name, name) for name in dict.fromkeys(reads)]
        return tuple([name for name in dict.fromkeys(shown) if name and self.chance(0.75)][:3])

    def observer(self, number: int, text: str) -> Observer:
        places = {"p": self.p, "q": self.q, "z": Place("z")}
        out: list[Look | Put] = []
        for position, word in enumerate(text.split()):
            place = places[word[1]]
            if word[0] == "R":
                out.append(Look(f"o{number}{position}", place))
            else:
                out.append(Put(place, f"o{number}0" if word[2] == "s" else int(word[2])))
        return tuple(out)

    def order(self, kind: str) -> str:
        return self.random.choice((CALM if self.calm else ORDERS)[kind])

    # --- accesses ----------------------------------------------------------------------------------

    def access(self, kind: str, place: Place, value: Value | None = None) -> Block:
        if self.chance(0.07):
            return (self.rmw(place, kind),)
        order = self.order(kind[0])
        if kind == "R":
            if order != "plain" and self.chance(0.12):
                return (self.poll(place, order),)
            to = self.register()
            self.known.append(to)
            return (Load(to, place, order),)
        return (Store(place, int(kind[1:]) if value is None else value, order),)

    def poll(self, place: Place, order: str) -> Poll:
        to = self.register()
        self.known.append(to)
        return Poll(Load(to, place, order), self.random.choice((Op("!=", (to, 0)), Op("==", (to, 1)))))

    def rmw(self, place: Place, kind: str = "") -> Rmw:
        op = self.random.choice(self.operations)
        idle = kind in ("", "R")
        value = {"add": 0 if idle else 1, "or": 0 if idle else 1, "and": 3, "max": 0 if idle else 1}.get(op, 1)
        to = self.register() if self.chance(0.6) else None
        if to is not None:
            self.known.append(to)
        return Rmw(to, op, place, value, self.random.choice(RMW_ORDERS), self.random.choice((0, 1)))

    def finish(self, kind: str) -> Block:
        """The last access, perhaps with an address, data or a test that depends on what was read."""
        place, value = self.q, (int(kind[1:]) if kind != "R" else 0)
        if not self.known:
            return self.access(kind, place)
        used = self.random.choice(self.known)
        before: list[Statement] = []
        if place.index is not None and self.chance(0.75):
            pre, index = self.index(used)
            before += pre
            place = Place(ARRAY, index)
        written: Value = value
        if kind != "R" and self.chance(0.4):
            pre, written = self.data(used, value)
            before += pre
        accesses = self.access(kind, place, written)
        if isinstance(accesses[0], Poll) or not self.chance(0.45):
            return (*before, *accesses)
        return (*before, *self.guarded(accesses, used))

    def index(self, used: str) -> tuple[Block, Value]:
        """An index that depends on a register, or seems to, and is the element that matters if it is 1."""
        e = self.element
        kind = self.random.randrange(9)
        if kind == 8:  # a truth value in disguise
            bits = Op("|", (used, Op(">>", (used, 1)))), Op(">>", (Op("+", (used, 1)), 1)), Op("-", (0, used))
            return (), Op("*", (Op("&", (self.random.choice(bits), 1)), e))
        if kind == 0:
            return (), Op("&", (used, 3)) if e == 1 else Op("&", (Op("+", (used, 1)), 3))
        if kind == 1:
            return (), Op("+", (Op("int", (Op("==", (used, 1)),)), e - 1))
        if kind == 2:
            return (), Op("+", (Op("&", (used, 0)), e))
        if kind == 3:
            return (), Op("+", (Op("^", (used, used)), e))
        if kind == 4:
            to = self.register()
            return (Pick(to, self.test(used), e, self.random.choice((0, 3))),), to
        if kind == 5:
            to = self.register()
            return (Set(to, 0), If(self.test(used), (Set(to, e),), (Set(to, 3),) if self.chance(0.5) else ())), to
        if kind == 6:
            to = self.register()
            there = Op("&", (used, 3)) if e == 1 else e
            return (Set(to, 3), If(Op("==", (used, 1)), (Set(to, there),))), to
        return (), Op("&", (Op("*", (used, e)), 3))

    def data(self, used: str, value: int) -> tuple[Block, Value]:
        kind = self.random.randrange(8)
        if kind == 0:
            return (), used
        if kind == 1:
            return (), Op("+", (used, value - 1)) if value > 1 else used
        if kind == 2:
            return (), Op("*", (Op("int", (Op("==", (used, 1)),)), value))
        if kind == 3:
            return (), Op("+", (Op("^", (used, used)), value))
        if kind == 4:
            return (), Op("+", (Op("&", (used, 1)), value - 1))
        if kind == 5:
            to = self.register()
            return (Pick(to, self.test(used), value, self.random.choice((value, 3))),), to
        if kind == 6:
            to = self.register()
            return (Set(to, 3), If(self.test(used), (Set(to, value),))), to
        return (), Op("-", (value + 1, used))

    def test(self, used: str) -> Op:
        """A condition that is true if `used` is 1."""
        simple = (
            Op("==", (used, 1)), Op("==", (used, 1)), Op("!=", (used, 0)), Op(">=", (used, 1)),
            Op("==", (Op("&", (used, 1)), 1)), Op("<", (0, used)),
        )  # fmt: skip
        condition = self.random.choice(simple)
        if len(self.known) > 1 and self.chance(0.35):
            other = self.random.choice([name for name in self.known if name != used] or self.known)
            second = self.random.choice((Op("==", (other, 1)), Op("==", (other, 0)), Op("!=", (other, 2))))
            pair = (condition, second) if self.chance(0.6) else (second, condition)
            return Op(str(self.one("&&", "||")), pair)
        return condition

    def refused(self, used: str) -> Op:
        return self.random.choice((Op("!=", (used, 1)), Op("==", (used, 0)), Op("<", (used, 1))))

    def guarded(self, inner: Block, used: str) -> Block:
        """`inner` where a test of a register allows it, in one of the ways that programs do it."""
        kind = self.random.randrange(7)
        if kind == 0:
            return (If(self.test(used), inner),)
        if kind == 1:
            return (If(self.test(used), inner, self.twisted(inner)),)
        if kind == 2:
            return (If(self.refused(used), (Return(),)), *inner)
        if kind == 3:
            return (If(self.refused(used), (*self.noise(1, deep=True), Return())), *inner)
        if kind == 4:
            flag = self.register()
            return (Set(flag, 0), If(self.test(used), (Set(flag, 1),)), If(Op("!=", (flag, 0)), inner))
        if kind == 5:
            return (If(self.test(used), (*self.noise(1, deep=True), *inner)),)
        return (If(self.test(used), self.noise(1, deep=True)), *inner)

    def twisted(self, inner: Block) -> Block:
        """Another arm: the same, the same with another value, or something else."""
        last = inner[-1]
        if isinstance(last, Store):
            value = last.value if self.chance(0.4) else 3
            return (replace(last, value=value),)
        if isinstance(last, Load) and self.chance(0.5):
            return inner
        return self.noise(1, deep=True)

    # --- between -----------------------------------------------------------------------------------

    def noise(self, most: int, *, deep: bool = False) -> Block:
        """Up to so many things; `deep`: inside of an arm, where no new register is to be used later."""
        out: list[Statement] = []
        for _ in range(most):
            before = list(self.known)
            out += self.random.choice(self.kinds())(deep)
            if deep:
                self.known = before
        return tuple(out)

    def kinds(self) -> tuple[Callable[[bool], Block], ...]:
        kinds: tuple[Callable[[bool], Block], ...] = (
            self.other,
            self.other,
            self.again,
            self.dead,
            self.idle,
            self.middle,
            self.beside,
        )
        kinds += (self.softly,) if self.calm else (self.fence, self.fence, self.fence, self.barrier)
        if self.known:
            kinds += (self.write_back, self.arm, self.facts, self.through, self.loop)
            kinds += (self.override, self.late_load, self.other_kind)
        return kinds

    def where(self) -> Place:
        return self.random.choice((self.p, self.q, Place("z"), Place("z"), Place("w")))

    def fence(self, deep: bool) -> Block:
        return (Fence(self.random.choice(("fence", "fence", "compiler_fence")), self.random.choice(FENCE_ORDERS)),)

    def barrier(self, deep: bool) -> Block:
        return (Fence(self.random.choice(("barrier", "smp_mb", "asm"))),)

    def softly(self, deep: bool) -> Block:
        """What is a fence to compilers more than to the machine."""
        soft = (Fence("fence", "release"), Fence("compiler_fence", self.random.choice(FENCE_ORDERS)), Fence("asm"))
        return (self.random.choice(soft),)

    def other(self, deep: bool) -> Block:
        """An access of another place."""
        return self.access(str(self.one("R", "W1", "W2")), Place(str(self.one("z", "w"))))

    def again(self, deep: bool) -> Block:
        """A read of a place of the cycle, ahead of its own access or behind it."""
        to = self.register()
        if self.chance(0.7):
            self.known.append(to)
        return (Load(to, self.random.choice((self.p, self.q)), self.order("R")),)

    def dead(self, deep: bool) -> Block:
        """A store that another one follows."""
        place = self.where()
        value: Value = self.random.choice(self.known) if self.known and self.chance(0.5) else 3
        middle = (
            self.random.choice((self.softly, self.fence, self.other, self.barrier))(deep) if self.chance(0.4) else ()
        )
        order = self.random.choice(("plain", "plain", "volatile", "relaxed"))
        return (Store(place, value), *middle, Store(place, self.random.choice((1, 2)), order))

    def beside(self, deep: bool) -> Block:
        """A plain access of the element beside one that matters: a compiler may pair the two."""
        if ARRAY not in (self.p.name, self.q.name):
            return self.other(deep)
        place = Place(ARRAY, self.element + self.random.choice((-1, 1)))
        if self.chance(0.5):
            return (Store(place, 1),)
        to = self.register()
        return (Load(to, place),)

    def idle(self, deep: bool) -> Block:
        return (self.rmw(self.random.choice((Place("z"), Place("w"), self.p))),)

    def middle(self, deep: bool) -> Block:
        """A plain store that is read back, and passed on."""
        to, place = self.register(), self.where()
        self.known.append(to)
        value: Value = self.random.choice(self.known[:-1]) if len(self.known) > 1 and self.chance(0.6) else 1
        return (Store(place, value), Load(to, place))

    def write_back(self, deep: bool) -> Block:
        to, place = self.register(), self.where()
        middle = self.random.choice((self.softly, self.fence, self.barrier))(deep) if self.chance(0.5) else ()
        middle = (*middle, If(self.refused(to), (Return(),))) if not deep and self.chance(0.2) else middle
        return (Load(to, place, self.order("R")), *middle, Store(place, to))

    def arm(self, deep: bool) -> Block:
        if deep:
            return self.fence(deep)
        return (If(self.test(self.random.choice(self.known)), self.noise(1, deep=True)),)

    def override(self, deep: bool) -> Block:
        """A store, and another one to the same place in an arm, perhaps twice or in a loop; a compiler barrier behind
        it keeps both ahead of what follows."""
        place, test = self.where(), self.test(self.random.choice(self.known))
        between = self.random.choice((self.softly, self.other, self.again))(deep) if self.chance(0.3) else ()
        order = "plain" if self.chance(0.8) else "volatile"
        arm: Block = (If(test, (Store(place, self.random.choice((1, 2)), order),)),)
        arm = (Repeat(2, arm),) if self.chance(0.15) else arm
        return (Store(place, self.random.choice((0, 3))), *between, *arm, *self.closed())

    def late_load(self, deep: bool) -> Block:
        """A plain load in an arm, whose value is used behind it, or not at all."""
        to, place = self.register(), self.where()
        arm = If(self.test(self.random.choice(self.known)), (Load(to, place),))
        used = (Store(Place(str(self.one("z", "w"))), to),) if self.chance(0.5) else ()
        return (Set(to, 0), arm, *self.closed(), *used)

    def other_kind(self, deep: bool) -> Block:
        """Arms that do the same by accesses of other kinds."""
        place, value, to = self.where(), self.random.choice((0, 1)), self.register()
        orders = [self.random.choice(ORDERS["W"]) for _ in range(2)]
        arms: list[Block] = [(Store(place, value, order),) for order in orders]
        if self.chance(0.5):
            arms = [(Load(to, place, self.random.choice(ORDERS["R"])),) for _ in range(2)]
        elif self.chance(0.3):
            arms = [(Fence("compiler_fence", self.random.choice(FENCE_ORDERS)),) for _ in range(2)]
        return (If(self.test(self.random.choice(self.known)), arms[0], arms[1]),)

    def closed(self) -> Block:
        """Perhaps a compiler barrier."""
        return (Fence("barrier"),) if self.chance(0.6) else ()

    def facts(self, deep: bool) -> Block:
        """A test that ends the function, or that says what a register is."""
        used = self.random.choice(self.known)
        if deep:
            return self.other(deep)
        return (If(self.refused(used), (Return(),)),)

    def through(self, deep: bool) -> Block:
        """A comparison that goes through memory."""
        used, to = self.random.choice(self.known), self.register()
        place = Place(str(self.one("z", "w")))
        between = self.random.choice((self.softly, self.other))(deep) if self.chance(0.3) else ()
        stored = Store(place, Op("int", (Op("==", (used, 1)),)))
        self.known.append(to)
        return (stored, *between, Load(to, place))

    def loop(self, deep: bool) -> Block:
        """Looks twice for a value, in one of the ways of a driver with a time-out."""
        if deep:
            return self.again(deep)
        seen, to = self.register(), self.register()
        look = Load(to, self.random.choice((self.p, Place("z"))), self.random.choice(ORDERS["R"][5:]))
        self.known.append(seen)
        found = If(Op("!=", (to, 0)), (Set(seen, 1), Break()))
        return (Set(seen, 0), Repeat(2, (look, found)))


__all__ = ["SHAPES", "Maker", "case"]
