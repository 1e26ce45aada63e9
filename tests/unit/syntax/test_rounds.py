"""Loops whose number of rounds the text decides are written out, as herd writes them out; others meet the bound.

The numbers of states are herd7's (7.58).
"""

from __future__ import annotations

import time

import pytest

from mmcheck.base.source import SourceFile
from mmcheck.ir.parts import walk
from mmcheck.ir.program import Jump, Load
from mmcheck.language.herd.read import read_litmus
from mmcheck.verdict.litmus import CUT, decide

WRITER = ("MOV W0,#1", "STR W0,[X1]")


def text(code: str, init: str = "", condition: str = "0:X3=7") -> str:
    lines = code.split("\n")
    other = [*WRITER, *[""] * (len(lines) - len(WRITER))]
    rows = "".join(f" {left} | {right} ;\n" for left, right in zip([*lines, ""], [*other, ""], strict=False))
    return f"AArch64 loop\n{{ 0:X1=x; 1:X1=x; {init} }}\n P0 | P1 ;\n{rows}exists ({condition})\n"


COUNTED = {
    "counted down": ("MOV W0,#3\nL: LDR W2,[X1]\nADD W3,W3,W2\nSUBS W0,W0,#1\nB.NE L", 4),
    "by CBNZ": ("MOV W0,#6\nL: LDR W2,[X1]\nADD W3,W3,W2\nSUB W0,W0,#1\nCBNZ W0,L", 7),
    "from the initial state": ("L: LDR W2,[X1]\nADD W3,W3,W2\nSUB W5,W5,#1\nCBNZ W5,L", 6),
    "up to a register": ("MOV W0,#4\nL: LDR W2,[X1]\nADD W3,W3,W2\nADD W6,W6,#1\nCMP W6,W0\nB.LT L", 5),
    "a branch inside": ("MOV W0,#3\nL: LDR W2,[X1]\nCBZ W2,S\nADD W3,W3,#1\nS: SUBS W0,W0,#1\nB.NE L", 4),
    "one in another": (
        "MOV W5,#3\nK: MOV W0,#2\nL: LDR W2,[X1]\nADD W3,W3,W2\nSUBS W0,W0,#1\nB.NE L\nSUBS W5,W5,#1\nB.NE K", 7,
    ),
    "left early": ("MOV W0,#4\nL: SUB W0,W0,#1\nLDR W2,[X1]\nCBNZ W2,M\nCBNZ W0,L\nM: ADD W3,W3,W0", 5),
}  # fmt: skip


@pytest.mark.parametrize("engine", ["smt", "enumerate"])
@pytest.mark.parametrize("what", COUNTED)
def test_a_loop_that_says_how_often_it_runs(what: str, engine: str) -> None:
    code, states = COUNTED[what]
    (outcome,) = decide([SourceFile("t.litmus", text(code, "0:X5=5;"))], engine=engine, states=True)
    if what == "left early":  # 0:X3 is what was left of the four rounds
        assert {line.split("=")[1] for line in outcome.states or ()} == {"0;", "1;", "2;", "3;"}
    else:
        assert len(outcome.states or ()) == states
    assert outcome.notes == ()


def test_the_test_at_the_top() -> None:
    """herd counts the branch back here, since it has no condition, and shows no state at all."""
    code = "MOV W5,#4\nK: CBZ W5,E\nLDR W2,[X1]\nADD W3,W3,W2\nSUB W5,W5,#1\nB K\nE: NOP"
    (outcome,) = decide([SourceFile("t.litmus", text(code))], states=True)
    assert len(outcome.states or ()) == 5 and outcome.notes == ()


BOUNDED = {
    "memory decides": "L: LDR W2,[X1]\nADD W3,W3,#1\nCBZ W2,L",
    "memory may let it out of a loop without end": "MOV W9,#1\nL: LDR W2,[X1]\nCBNZ W2,M\nCBNZ W9,L\nM: NOP",
    "a counted one inside": "K: MOV W0,#3\nL: SUBS W0,W0,#1\nB.NE L\nLDR W2,[X1]\nCBZ W2,K",
}


@pytest.mark.parametrize("engine", ["smt", "enumerate"])
@pytest.mark.parametrize("what", BOUNDED)
def test_others_run_up_to_the_bound(what: str, engine: str) -> None:
    (outcome,) = decide([SourceFile("t.litmus", text(BOUNDED[what], condition="0:X2=1"))], engine=engine)
    assert outcome.observation == "Always" and outcome.notes == (f"{CUT} of 2",)


@pytest.mark.parametrize("engine", ["smt", "enumerate", "auto"])
@pytest.mark.parametrize("code", ["MOV W9,#1\nL: NOP\nCBNZ W9,L", "MOV W9,#300\nL: SUB W9,W9,#1\nCBNZ W9,L"])
def test_no_state_at_all_is_unknown(code: str, engine: str) -> None:
    for condition in ("exists", "~exists", "forall"):
        source = text(code, condition="1:X0=1").replace("exists (", f"{condition} (")
        (outcome,) = decide([SourceFile("t.litmus", source)], engine=engine)
        assert outcome.observation == "Unknown" and outcome.notes[-1].startswith("no run comes to an end")


def test_labels_of_rounds_are_their_own() -> None:
    """A loop that memory decides inside of one that the text decides: each round has its own, up to the bound."""
    code = "MOV W0,#3\nK: NOP\nL: LDR W2,[X1]\nCBZ W2,L\nSUBS W0,W0,#1\nB.NE K"
    test = read_litmus(SourceFile("t.litmus", text(code, condition="0:X2=1")))
    body = test.program.threads[0].body
    assert sum(isinstance(statement, Load) for statement in walk(body)) == 3
    assert len({statement.label for statement in walk(body) if isinstance(statement, Jump)}) == 3
    (outcome,) = decide([SourceFile("t.litmus", text(code, condition="0:X2=1"))])
    assert outcome.observation == "Always"


def test_loops_inside_of_each_other_take_no_time() -> None:
    """Each of them forgets what is inside, which would double with each."""
    depth = 25
    code = "\n".join([f"L{n}: LDR W2,[X1]" for n in range(depth)] + [f"CBZ W2,L{n}" for n in reversed(range(depth))])
    started = time.process_time()
    read_litmus(SourceFile("t.litmus", text(code, condition="0:X2=1")))
    assert time.process_time() - started < 5


def test_too_many_rounds_are_left_to_the_bound() -> None:
    inner = "".join(f"MOV W{n},#200\nL{n}: NOP\n" for n in range(5, 8))
    outer = "".join(f"SUBS W{n},W{n},#1\nB.NE L{n}\n" for n in reversed(range(5, 8)))
    (outcome,) = decide([SourceFile("t.litmus", text(f"{inner}LDR W2,[X1]\n{outer}NOP", condition="0:X2=1"))])
    assert outcome.observation == "Unknown" and outcome.notes[0] == f"{CUT} of 2"
