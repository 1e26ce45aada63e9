"""Two false alarms avoided (docs/compiler.md): cpo allows the outcome, and no single order of the compiler does."""

from __future__ import annotations

import pytest

from mmcheck.base.source import SourceFile
from mmcheck.engines.enumeration.enumerate import Enumeration
from mmcheck.engines.enumeration.keep import profile as keep_of
from mmcheck.engines.smt.count import all_executions
from mmcheck.engines.smt.encode import encode
from mmcheck.engines.smt.finals import Finals
from mmcheck.engines.smt.linear import linear_orders
from mmcheck.engines.unfolding.unfold import unfold
from mmcheck.ir.program import Program, evaluate
from mmcheck.language.lower.spec import load_spec
from mmcheck.model.model import load_model
from tests.unit.semantics.semantics import DATA, findings

CASES = [("linear-x86", "observed"), ("linear-arm.language", "language")]


def program_of(name: str) -> Program:
    path = DATA / f"{name}.litmus"
    spec = load_spec(SourceFile(str(path), path.read_text(encoding="utf-8")))
    return spec.program(spec.targets[0], None)


@pytest.mark.parametrize(("name", "profile"), CASES, ids=[case[0] for case in CASES])
def test_cpo_raises_the_alarm_and_each_order_refutes_it(name: str, profile: str) -> None:
    program = program_of(name)
    model = load_model(program.target)
    encoding = encode(unfold(program, quiescent=True), model, profile=profile)
    (requirement,) = program.requirements
    wanted = encoding.values.literal(Finals(encoding).term(requirement.cond))
    encoding.circuit.require(-wanted)
    alarms = list(all_executions(encoding))
    assert alarms
    for execution in alarms:
        assert not evaluate(requirement.cond, dict(execution.final))
        assert linear_orders(execution, model, program) is None


@pytest.mark.parametrize(("name", "profile"), CASES, ids=[case[0] for case in CASES])
def test_the_final_verdict_is_holds(name: str, profile: str) -> None:
    path = DATA / f"{name}.litmus"
    spec = load_spec(SourceFile(str(path), path.read_text(encoding="utf-8")))
    (case,) = findings(spec, profile=profile)
    assert (case.finding.verdict, case.finding.layer) == ("holds", None)


def test_the_enumerator_says_the_same_of_x86() -> None:
    program = program_of("linear-x86")
    (requirement,) = program.requirements
    for exact, expected in ((False, True), (True, False)):
        search = Enumeration(
            program, load_model(program.target), settle=True, keep=keep_of("observed", program.target), exact=exact
        )  # fmt: skip
        assert any(not evaluate(requirement.cond, run.final) for run in search.runs()) is expected
