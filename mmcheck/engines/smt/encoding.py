"""The clauses of one graph under one model, with the literals that queries need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mmcheck.engines.smt.bounds import Bounds
from mmcheck.engines.smt.circuit import FALSE, TRUE, Circuit
from mmcheck.engines.smt.memory import Memory
from mmcheck.engines.smt.solve import Solver
from mmcheck.engines.smt.values import Values
from mmcheck.events.domains import Domains
from mmcheck.events.graph import EventGraph
from mmcheck.model.model import Model


@dataclass(slots=True)
class Encoding:
    """The runs of one graph that one model allows, as clauses.

    `compiled`: source threads are ordered by what the compiler keeps, with robust dependencies; otherwise by the text.
    """

    graph: EventGraph
    model: Model
    domains: Domains
    circuit: Circuit
    values: Values
    memory: Memory
    happens: list[int]
    compiled: bool
    po: Bounds
    solver: Solver
    bounded: int = TRUE
    """Assumed by queries: no loop goes past the bound in a settled run. In the others its thread goes no further."""
    inside: int = TRUE
    """Assumed by queries: no access goes to an address where no cell stands."""
    astray: dict[int, int] = field(default_factory=dict)
    environment: dict[tuple[int, int], int] = field(default_factory=dict)
    """Literals that, assumed, order b before a from outside: queries of ``ordered`` (see
    `mmcheck.engines.smt.encode.encode`)."""

    switch: Bounds | None = None
    """Pairs that a change of thread separates, if threads share a CPU."""
    platform: int = FALSE
    """The literal under which the platform's rules for devices count beside the model; `FALSE` if they change nothing.
    Queries assume that it does not hold."""
    weaker: Mapping[str, int] = field(default_factory=dict)
    """What verdicts should not rest on unsaid, by name: compilers that keep less (`mmcheck.model.kept.weaker`), words
    that do no more than they promise (`mmcheck.model.promises`). Each counts under its literal."""

    def modes(self) -> list[int]:
        """What queries assume of machine and compiler unless they ask about others, which allow more."""
        platform = [] if self.platform == FALSE else [-self.platform]
        return [*platform, *[-literal for literal in self.weaker.values()]]

    def assumptions(self) -> list[int]:
        return [literal for literal in (self.bounded, self.inside) if literal != TRUE] + [
            *self.modes(), *[-literal for literal in self.environment.values()]
        ]  # fmt: skip


def choice_literals(encoding: Encoding, choices: Mapping[str, str]) -> list[int]:
    """Assumptions that select one option of each site."""
    out = []
    for site, options in encoding.graph.choices.items():
        for name, term in options:
            literal = encoding.values.literal(term)
            out.append(literal if choices.get(site) == name else -literal)
    return out
