"""Values that are too many to list: binary numbers say what the operators of the program say."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mmcheck.base.source import SourceFile
from mmcheck.engines.smt.circuit import TRUE, Circuit
from mmcheck.engines.smt.values import Values
from mmcheck.events.domains import Domains, most
from mmcheck.events.graph import EventGraph
from mmcheck.events.terms import Term, Terms
from mmcheck.ir.program import Program, apply
from mmcheck.verdict.litmus import decide

SAME = ("add", "sub", "mul", "and", "or", "xor", "umin", "umax", "smin", "smax", "shl", "lshr", "ashr")
TESTS = ("eq", "ne", "ult", "ule", "slt", "sle")
RESIZED = {"zext": 11, "sext": 11, "trunc": 3}
WIDTH = 6


def _values() -> tuple[Values, Terms]:
    terms = Terms()
    graph = EventGraph(Program("none", "armv8", (), ()), terms, terms.false)
    return Values(graph, Domains(graph), Circuit()), terms


def _number(values: Values, name: str, width: int, value: int) -> Term:
    """A symbol that is `value` if a variable of the circuit holds, which it does, and its complement otherwise."""
    terms = values.graph.terms
    symbol, chosen = terms.symbol(name, width), values.circuit.var(f"chosen-{name}")
    other = terms.number(~value, width)
    values.define_bits(symbol, [(chosen, terms.number(value, width)), (-chosen, other)])
    return symbol


def _holds(circuit: Circuit, literal: int) -> bool:
    operands = circuit.operands(abs(literal))
    held = abs(literal) == TRUE or operands is None or all(_holds(circuit, operand) for operand in operands)
    return held == (literal > 0)


def _read(values: Values, bits: tuple[int, ...]) -> int:
    return sum(_holds(values.circuit, bit) << k for k, bit in enumerate(bits))


@given(st.sampled_from([*SAME, *TESTS, "not", "neg", *RESIZED]), *[st.integers(0, (1 << WIDTH) - 1)] * 2)
@settings(max_examples=400)
def test_operators(op: str, a: int, b: int) -> None:
    values, terms = _values()
    first = _number(values, "a", WIDTH, a)
    second = terms.number(b % (WIDTH + 2), WIDTH) if op in ("shl", "lshr", "ashr") else _number(values, "b", WIDTH, b)
    b = b % (WIDTH + 2) if op in ("shl", "lshr", "ashr") else b
    one = op in ("not", "neg", *RESIZED)
    width = 1 if op in TESTS else RESIZED.get(op, WIDTH)
    term = terms.op(op, (first,) if one else (first, second), width)
    wanted = apply(op, (a,) if one else (a, b), (WIDTH,) if one else (WIDTH, WIDTH), width)
    if width == 1:
        assert _holds(values.circuit, values.literal(term)) == bool(wanted)
    else:
        assert _read(values, values.bits(term)) == wanted


@given(st.sampled_from([*SAME, "zext", "trunc"]), *[st.sets(st.integers(0, 63), min_size=1, max_size=4)] * 2)
def test_no_value_is_larger_than_the_largest(op: str, a: set[int], b: set[int]) -> None:
    values, terms = _values()
    first, second = terms.symbol("a", WIDTH), terms.symbol("b", WIDTH)
    values.domains.largest |= {first.number: max(a), second.number: max(b)}
    width, args = RESIZED.get(op, WIDTH), (first,) if op in RESIZED else (first, second)
    found = most(values.domains, terms.op(op, args, width))
    assert all(apply(op, (x, y)[: len(args)], (WIDTH, WIDTH)[: len(args)], width) <= found for x in a for y in b)


def _sum(messages: int, wanted: int) -> str:
    """Each of the polls of P1 may see any of the messages up to then; the sum of all is what only a sum bounds."""
    writer = [line for i in range(1, messages + 1) for line in (f"MOV W2,#{i}", "STR W2,[X0]")]
    reader = [line for _ in range(messages) for line in ("LDR W1,[X0]", "ADD W7,W7,W1")]
    rows = "".join(f" {left} | {right} ;\n" for left, right in zip(writer, reader, strict=True))
    return f"AArch64 sum\n{{ 0:X0=x; 1:X0=x; }}\n P0 | P1 ;\n{rows}exists (1:X7={wanted})\n"


def test_a_sum_of_all_that_was_read() -> None:
    for wanted, observation in ((0, "Sometimes"), (24 * 24, "Sometimes"), (24 * 24 + 1, "Never")):
        (outcome,) = decide([SourceFile("sum.litmus", _sum(24, wanted))], engine="smt")
        assert (outcome.observation, outcome.notes) == (observation, ())


def test_states_of_a_sum() -> None:
    (outcome,) = decide([SourceFile("sum.litmus", _sum(3, 1))], engine="smt", states=True)
    (listed,) = decide([SourceFile("sum.litmus", _sum(3, 1))], engine="enumerate", states=True)
    assert outcome.states == listed.states and len(listed.states or ()) == 10
