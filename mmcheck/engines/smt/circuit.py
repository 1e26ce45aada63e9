"""Boolean circuits over integer literals, and the clauses that go to the solver.

A literal is a non-zero integer; ``-l`` is its negation; `TRUE` is 1. Conjunctions are shared: the same set
of operands is the same literal. Definitions reach the solver only in the polarity in which a clause uses
them (Plaisted and Greenbaum 1986).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from mmcheck.base.deadline import Deadline

TRUE = 1
FALSE = -1


class Circuit:
    def __init__(self, deadline: Deadline | None = None) -> None:
        self.deadline = deadline or Deadline()
        self.names: list[str] = ["", "true"]
        self._gates: dict[tuple[int, ...], int] = {}
        self._operands: dict[int, tuple[int, ...]] = {}
        self.clauses: list[tuple[int, ...]] = []
        self._needed: list[int] = []
        self._defined: set[int] = set()
        self._steps: dict[int, tuple[int, int]] = {}

    def var(self, name: str) -> int:
        """A fresh variable; names must be unique and are words of letters, digits, ``_ . : = -``."""
        self.names.append(name)
        return len(self.names) - 1

    def all(self, literals: Iterable[int]) -> int:
        """The conjunction."""
        operands: set[int] = set()
        for literal in literals:
            if literal == FALSE or -literal in operands:
                return FALSE
            if literal != TRUE:
                operands.add(literal)
        if not operands:
            return TRUE
        if len(operands) == 1:
            return operands.pop()
        key = tuple(sorted(operands))
        gate = self._gates.get(key)
        if gate is None:
            if not len(self.names) & 0x3FF:
                self.deadline.check()
            self.names.append("")
            gate = self._gates[key] = len(self.names) - 1
            self._operands[gate] = key
        return gate

    def operands(self, literal: int) -> tuple[int, ...] | None:
        """The operands of a conjunction, None for a variable."""
        return self._operands.get(literal)

    def ladder(self, variables: Sequence[int]) -> None:
        """Each of `variables` implies those before it: their clauses, and what `exclusive` knows of them."""
        for place, variable in enumerate(variables):
            self._steps[variable] = (variables[0], place)
        for earlier, later in pairwise(variables):
            self.clause([-later, earlier])

    def exclusive(self, first: int, second: int) -> bool:
        """Whether two literals cannot hold together, as far as ladders and operands tell without search."""
        return self._denies(first, second) or self._denies(second, first)

    def _denies(self, first: int, second: int) -> bool:
        """Whether `first` is, or has among its operands, what a negative `second` excludes."""
        if second > 0:
            return False
        step = self._steps.get(-second)
        for operand in self._operands.get(first, (first,)):
            if operand == -second:
                return True
            other = self._steps.get(operand) if step is not None else None
            if other is not None and step is not None and other[0] == step[0] and other[1] >= step[1]:
                return True
        return False

    def any(self, literals: Iterable[int]) -> int:
        """The disjunction."""
        return -self.all([-literal for literal in literals])

    def clause(self, literals: Iterable[int]) -> None:
        """At least one of `literals` holds."""
        kept: list[int] = []
        needed: list[int] = []
        gates = self._operands
        for literal in literals:
            if literal > 0:
                if literal == TRUE:
                    return
                kept.append(literal)
                if literal in gates:
                    needed.append(literal)
            elif literal != FALSE:
                operands = gates.get(-literal)
                if operands is None:
                    kept.append(literal)
                else:  # a disjunction inside a clause needs no name
                    for operand in operands:
                        kept.append(-operand)
                        if operand in gates or -operand in gates:
                            needed.append(-operand)
        if len(kept) > 2 or (len(kept) == 2 and kept[0] in (kept[1], -kept[1])):
            unique = set(kept)
            if len(unique) < len(kept):
                kept = list(dict.fromkeys(kept))
            if not unique.isdisjoint([-literal for literal in kept]):
                return
        if not len(self.clauses) & 0x3FF:
            self.deadline.check()
        self.clauses.append(tuple(kept))
        self._needed += needed

    def require(self, literal: int) -> None:
        """`literal` holds; a conjunction is taken apart."""
        operands = self._operands.get(literal)
        if operands is not None:
            for operand in operands:
                self.require(operand)
        else:
            self.clause([literal])

    def assume(self, literal: int) -> int:
        """`literal` made usable as an assumption: its definition is emitted. Returns it."""
        self._needed.append(literal)
        return literal

    def flush(self) -> list[tuple[int, ...]]:
        """The clauses since the last call, with the definitions that they need."""
        while self._needed:
            if not len(self._needed) & 0x3FF:
                self.deadline.check()
            literal = self._needed.pop()
            operands = self._operands.get(abs(literal))
            if operands is None or literal in self._defined:
                continue
            self._defined.add(literal)
            if literal > 0:
                for operand in operands:
                    self.clauses.append((-literal, operand))
                self._needed += operands
            else:
                self.clauses.append((-literal, *[-operand for operand in operands]))
                self._needed += [-operand for operand in operands]
        out, self.clauses = self.clauses, []
        return out
