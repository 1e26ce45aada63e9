"""Values that go round in a circle: every read has one value, whoever justifies whom."""

from __future__ import annotations

import pytest

from mmcheck.engines.smt.decode import Decoder
from mmcheck.engines.smt.encode import encode
from mmcheck.engines.smt.encoding import Encoding
from mmcheck.engines.unfolding.unfold import unfold
from mmcheck.ir.program import Block, Cell, Const, Load, Op, Program, Reg, Store, Thread
from mmcheck.model.model import load_model
from mmcheck.target.targets import parse_target
from mmcheck.verdict.check import Checker, engine_of
from tests.unit.semantics.semantics import spec_of

X, Y = Const(0x1000, 64), Const(0x2000, 64)
PLAIN = frozenset({"Plain"})


def passes_on(source: Const, target: Const, value: int) -> Block:
    """Writes `value`, whatever it reads: no square leaves 2 when divided by 4."""
    square = Op("and", (Op("mul", (Reg("a"), Reg("a"))), Const(2)))
    return (Load(Reg("a"), source, PLAIN), Store(target, Op("or", (square, Const(value))), PLAIN))


def circle(init: int) -> tuple[Encoding, list[int]]:
    """Each of two threads reads what the other wrote; with the literals that say so."""
    cells = (Cell("x", 0x1000, init=init), Cell("y", 0x2000, init=init))
    threads = (Thread("P", passes_on(X, Y, init), source=True), Thread("Q", passes_on(Y, X, init), source=True))
    graph = unfold(Program("circle", "armv8", threads, cells))
    encoding = encode(graph, load_model("armv8"), compiled=True)
    events = [e for e in graph.events if not e.is_init]
    first, second = [e.id for e in events if e.kind == "R"], [e.id for e in events if e.kind == "W"]
    wanted = [encoding.memory.rf[first[0]][second[1]], encoding.memory.rf[first[1]][second[0]]]
    return encoding, wanted


@pytest.mark.parametrize("init", [0, 1])
def test_a_circle_without_a_dependency_has_the_one_value_that_there_is(init: int) -> None:
    """Where only one value is possible a compiler need not carry it, so the circle is a run like any other."""
    encoding, wanted = circle(init)
    assert encoding.solver.solve([*encoding.assumptions(), *wanted])
    execution = Decoder(encoding).execution()
    assert {event.value for event in execution.events if event.kind == "R"} == {init}


def test_what_stands_nowhere_is_read_as_zero_and_may_be_passed_on() -> None:
    spec = spec_of("""targets armv8
memory x
memory nowhere: *u32
requirement r { says "what was read outside every variable goes through memory" }
thread P { let p = nowhere; let v = *p; x.write_volatile(v) }
thread Q { let w = x.read_volatile(); assert w == 0 for r }
""")
    target = parse_target("armv8")
    program = spec.program(target, None)
    finding = Checker(engine_of("smt", program, load_model("armv8"), layered=True)).run(program.requirements[0])
    assert finding.verdict == "holds"
    assert any("outside every variable" in note for note in finding.notes)
