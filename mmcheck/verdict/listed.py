"""herd's question about one test to the enumerator: can the condition hold, can it fail, and in which final states?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mmcheck.base.deadline import Deadline
from mmcheck.engines.enumeration.enumerate import Enumeration, FinalCondition, Limits
from mmcheck.engines.enumeration.memory import Memory
from mmcheck.ir.program import Origin, evaluate
from mmcheck.language.herd.read import LitmusTest
from mmcheck.model.model import Model

FEW = Limits(candidates=2_000, combinations=5_000, traces=500)
"""Up to here ``auto`` enumerates: the solver's fixed costs are more."""


class Answer(NamedTuple):
    """Whether the condition holds in some final state (`positive`) and fails in some (`negative`); whether loops are
    `cut` in some run; the access that goes outside every location in some run; the states, if they were asked for."""

    positive: bool
    negative: bool
    cut: bool
    astray: Origin | None
    states: list[dict[str, int]] | None


def answer(
    test: LitmusTest,
    model: Model,
    *,
    states: bool,
    bound: int,
    deadline: Deadline,
    limits: Limits | None = None,
    memory: Memory | None = None,
) -> Answer:
    """The answer for `test`; without the rest if some access goes `astray`. Raises `UnknownVerdict` beyond `limits`.

    With a `memory`, threads are traced once for all tests that have them.
    """
    keys = () if memory is None else test.keys
    memory = memory or Memory()
    limits = limits or Limits()
    search = Enumeration(
        test.program, model, bound, settle=True, limits=limits, deadline=deadline, keys=keys, memory=memory
    )
    if search.may_stray:
        for run in search.runs():
            astray = run.astray
            if astray is not None and keys:  # it shows an origin
                return answer(test, model, states=states, bound=bound, deadline=deadline, limits=limits)
            if astray is not None:
                return Answer(False, False, False, astray, None)
    passing = () if test.filter is None else (FinalCondition(test.filter, 1),)
    if not states:
        positive = any(True for _ in search.runs(*passing, FinalCondition(test.condition, 1)))
        negative = any(True for _ in search.runs(*passing, FinalCondition(test.condition, 0)))
        return Answer(positive, negative, search.cut, None, None)
    found: set[tuple[int, ...]] = set()
    outcomes = set()

    def state(final: Mapping[str, int]) -> tuple[int, ...]:
        return tuple([final.get(place.name, 0) & (1 << place.width) - 1 for place in test.observed])

    for run in search.runs(*passing, fresh=lambda final: state(final) not in found):
        found.add(state(run.final))
        outcomes.add(evaluate(test.condition, run.final))
    names = [place.name for place in test.observed]
    named = [dict(zip(names, values, strict=True)) for values in found]
    return Answer(1 in outcomes, 0 in outcomes, search.cut, None, named)
