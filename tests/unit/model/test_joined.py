"""Frames put together from those of their threads allow what frames of all events allow."""

from __future__ import annotations

from functools import partial
from itertools import permutations, product

import pytest

from mmcheck.base.source import SourceFile
from mmcheck.events.relations import Rel
from mmcheck.model.concrete import Frame
from mmcheck.model.joined import JoinedFrame
from mmcheck.model.model import Model, load_model, model_from_text

EVENTS = [("W", 0), ("F", 0), ("R", 1)], [("W", 1), ("F", 0), ("R", 0)]
"""Kind and location of the events of two threads."""
INITIAL = 2


def thread(model: Model, events: list[tuple[str, int]], tags: dict[str, int], rows: dict[str, Rel]) -> Frame:
    n, full = len(events), (1 << len(events)) - 1
    sets = {k: sum(1 << i for i, (kind, _) in enumerate(events) if kind == k) for k in "RWF"}
    sets["M"] = sets["R"] | sets["W"]
    loc = tuple(
        [0 if a == "F" else sum(1 << j for j, (b, y) in enumerate(events) if b != "F" and x == y) for a, x in events]
    )
    po = tuple([full & ~((2 << i) - 1) for i in range(n)])
    return Frame(model, n, {**sets, **tags}, {"po": po, "src": po, "int": (full,) * n, "loc": loc, **rows})


def whole(model: Model, parts: list[Frame]) -> Frame:
    n = INITIAL + sum(part.n for part in parts)
    sets = {"W": 3, "M": 3, "IW": 3}
    static = {name: [0] * n for name in ("po", "src", "int", "ext", "loc", "data", "addr", "ctrl", "amo", "lxsx")}
    start, places, owners = INITIAL, [0, 1], [-1, -2]
    for number, (part, events) in enumerate(zip(parts, EVENTS, strict=True)):
        for name, members in part.sets.items():
            sets[name] = sets.get(name, 0) | members << start
        for name, rows in part.static.items():
            for i, row in enumerate(rows):
                static[name][start + i] = row << start
        places += [place if kind != "F" else -1 for kind, place in events]
        owners += [number] * part.n
        start += part.n
    for i, j in product(range(n), repeat=2):
        static["loc"][i] |= (places[i] == places[j] >= 0) << j
        static["int"][i] |= (owners[i] == owners[j]) << j
        static["ext"][i] |= (owners[i] != owners[j]) << j
    return Frame(model, n, sets, {name: tuple(rows) for name, rows in static.items()})


OWN = """
"parts of all sorts"
let a = po & (W * R)
let b = ([W];po;[R])^+ | data | id
let c = loc \\ po
let d = [W];loc;po
let e = [domain(po & (W * R))];(po | ext);[range(loc)]
let g = (ext;loc) & po
let rec f = a | (f;rf)
acyclic a | rf | (rf^-1;co) as one
acyclic b \\ id | d | (rf^-1;co) as two
irreflexive c;rf^-1;co;(e | id) as three
acyclic f | (rf^-1;co) | po-loc as four
empty (amo | lxsx | ctrl);rf^-1;co as five
empty ([A];loc) & (rf^-1;co) as six
acyclic g | (rf^-1;co) as seven
"""
NAMES = ["one", "two", "three", "four", "five", "six", "seven"]


@pytest.mark.parametrize(
    ("name", "sometimes"),
    [("armv8", ["external"]), ("x86-tso", ["external"]), ("sc", ["sc"]), ("own", NAMES)],
)
def test_a_joined_frame_is_the_frame_of_all_events(name: str, sometimes: list[str]) -> None:
    model = model_from_text("own", SourceFile("own.cat", OWN)) if name == "own" else load_model(name)
    second = {"A": 4, "DMB.SY": 2, "MFENCE": 2}
    tags = [{}, {"DMB.SY": 2, "MFENCE": 2}, {"A": 4, "L": 1, "X": 5}]
    broken: set[tuple[str, bool]] = set()
    for first, rows in product(tags, ({}, {"data": (0, 0, 0)}, {"ctrl": (0b100, 0, 0), "amo": (0b100, 0, 0)})):
        parts = [thread(model, EVENTS[0], first, rows), thread(model, EVENTS[1], second, {"data": (4, 0, 0)})]
        one = whole(model, parts)
        joined = JoinedFrame(model, INITIAL, parts, partial(base, one))
        assert joined.n == one.n == 8
        for source, other in product((1, 5), (0, 2)):
            rf = [0] * 8
            rf[source], rf[other] = rf[source] | 1 << 4, rf[other] | 1 << 7
            for x, y in product(permutations((0, 2)), permutations((1, 5))):
                co = [0] * 8
                co[x[0]], co[y[0]] = 1 << x[1], 1 << y[1]
                found = {violation.axiom.name for violation in one.violations(tuple(rf), tuple(co))}
                assert {violation.axiom.name for violation in joined.violations(tuple(rf), tuple(co))} == found
                assert joined.allows(tuple(rf), tuple(co)) is not bool(found)
                broken |= {(axiom.name, axiom.name in found) for axiom in model.axioms}
    assert broken >= set(product(sometimes, (False, True)))


def base(frame: Frame, name: str) -> Rel:
    return frame.static.get(name, frame.none)
