"""Memory that runs out leaves what was asked unknown, and the rest of a run as it is."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from hostile_inputs import GOOD, Checkout

from mmcheck.base import deadline
from mmcheck.base.deadline import MEMORY
from mmcheck.base.errors import UnknownVerdict
from mmcheck.engines.smt import solve

MP = """AArch64 {name}
{{ 0:X1=x; 1:X1=x; }}
 P0          | P1          ;
 MOV W0,#1   | LDR W0,[X1] ;
 STR W0,[X1] |             ;
exists (1:X0=1)
"""


def test_a_solver_without_memory_gives_no_verdict(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    import z3

    def check(*_: Any) -> None:
        raise z3.Z3Exception("out of memory")

    checkout.write("good.litmus", GOOD)
    monkeypatch.setattr(z3.Solver, "check", check)
    code, text = checkout.run("verify", "good.litmus", "--engine", "smt")
    assert code == 3 and "there was not enough memory" in text and "internal error" not in text


@pytest.mark.parametrize("engine", ["smt", "enumerate"])
def test_a_question_has_a_limit_of_memory(checkout: Checkout, monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    monkeypatch.setattr(deadline, "MEMORY", 0)
    checkout.write("good.litmus", GOOD)
    code, text = checkout.run("verify", "good.litmus", "--engine", engine)
    assert code == 3 and "there was not enough memory" in text and "internal error" not in text
    monkeypatch.setattr(deadline, "MEMORY", MEMORY)
    assert checkout.run("verify", "good.litmus", "--engine", engine)[0] == 0, "it was kept"


def test_the_solver_has_a_limit_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from mmcheck.engines.smt.circuit import Circuit
    from mmcheck.engines.smt.solve import Solver

    monkeypatch.setattr(solve, "MEMORY", 1 << 20)
    circuit = Circuit()
    variables = [circuit.var(f"v{number}") for number in range(60_000)]
    solver = Solver(circuit)
    for one, other, third in zip(variables, variables[1:], variables[7:], strict=False):
        circuit.clause([one, -other, third])
    with pytest.raises(UnknownVerdict, match="not enough memory"):
        solver.solve()


def test_one_test_without_memory_leaves_the_others(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    litmus = import_module("mmcheck.verdict.litmus")  # the package has a function of this name
    decide_test = litmus.decide_test

    def decide(test: Any, path: str, *arguments: Any, **options: Any) -> Any:
        if "large" in path:
            raise MemoryError
        return decide_test(test, path, *arguments, **options)

    monkeypatch.setattr(litmus, "decide_test", decide)
    for name in ("large", "small"):
        checkout.write(f"{name}.litmus", MP.format(name=name))
    code, text = checkout.run("litmus", "large.litmus", "small.litmus")
    assert code == 3 and "there was not enough memory" in text
    assert "Observation small Sometimes" in text
