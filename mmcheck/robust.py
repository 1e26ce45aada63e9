"""Which dependencies of source code survive a compiler (docs/compiler.md).

A compiler may replace an expression by anything equal to it under what the path has established. So a
dependency on a read counts only if, with everything else fixed and the path's conditions true, two values
of that read give two values of the expression. Two such values are looked for among the numbers that
could matter; not finding them drops the dependency, which only allows more behaviours: the safe side.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from mmcheck.terms import Term, evaluate, symbols_of, walk

MAX_STEPS = 2_000
"""Assignments that are tried before a dependency is given up."""


def is_robust(term: Term, symbol: str, conditions: Iterable[Term], within: Container[int] | None = None) -> bool:
    """Whether `term` can take two values when only `symbol` varies and every one of `conditions` holds.

    With `within`, only values in it count.
    """
    below = symbols_of([term])
    if symbol not in below:
        return False
    if term.op == "and" and term.width == 1:  # what has nothing to do with `symbol` must hold for it to matter
        conditions = [*conditions, *[part for part in term.args if symbol not in symbols_of([part])]]
        varying = [part for part in term.args if symbol in symbols_of([part])]
        if len(varying) == 1:
            term = varying[0]
            below = symbols_of([term])
    parts = [(part, symbols_of([part])) for condition in conditions for part in _conjuncts(condition)]
    relevant, reached = [], set(below)
    while True:
        more = [(part, names) for part, names in parts if names & reached and (part, names) not in relevant]
        if not more:
            break
        relevant += more
        for _, names in more:
            reached |= names
    search = _Search(term, symbol, relevant, within)
    return search.run(sorted(reached - {symbol}), {})


class _Search:
    """Depth first over values of the other symbols, conditions checked as soon as they are decided."""

    def __init__(
        self, term: Term, symbol: str, conditions: list[tuple[Term, set[str]]], within: Container[int] | None
    ) -> None:
        self.within = within
        self.term = term
        self.symbol = symbol
        self.conditions = conditions
        roots = [term, *[part for part, _ in conditions]]
        self.interesting = _interesting(roots)
        self.widths = {str(node.payload): node.width for node in walk(roots) if node.op == "sym"}
        self.steps = 0
        self.orders = [tuple(walk([part])) for part, _ in conditions]
        self.fixed, self.stages = self._staged()

    def _staged(self) -> tuple[tuple[Term, ...], list[tuple[Term, tuple[Term, ...]]]]:
        """What does not depend on the symbol, operands first; then each condition that does, and the term, with what
        must be computed again for it when the symbol has another value."""
        tests = [part for part, names in self.conditions if self.symbol in names]
        order = tuple(walk([*tests, self.term]))
        varying: set[int] = set()
        for node in order:
            if (node.op == "sym" and str(node.payload) == self.symbol) or any(n.number in varying for n in node.args):
                varying.add(node.number)
        stages, seen = [], set()
        for root in (*tests, self.term):
            fresh = tuple([node for node in walk([root]) if node.number in varying and node.number not in seen])
            seen |= {node.number for node in fresh}
            stages.append((root, fresh))
        return tuple([node for node in order if node.number not in varying]), stages

    def candidates(self, name: str) -> list[int]:
        return _candidates(self.widths[name], self.interesting)

    def run(self, others: list[str], context: dict[str, int]) -> bool:
        if len(context) == len(others):
            return self.varies(context)
        name = others[len(context)]
        for value in self.candidates(name):
            self.steps += 1
            if self.steps > MAX_STEPS:
                return False
            assigned = {**context, name: value}
            if self.consistent(assigned, name) and self.run(others, assigned):
                return True
        return False

    def consistent(self, context: dict[str, int], latest: str) -> bool:
        for (part, names), order in zip(self.conditions, self.orders, strict=True):
            if latest in names and names <= context.keys():
                memo: dict[int, int] = {}
                evaluate(order, context, memo)
                if not memo[part.number]:
                    return False
        return True

    def varies(self, context: dict[str, int]) -> bool:
        outcome: int | None = None
        memo: dict[int, int] = {}
        evaluate(self.fixed, context, memo)
        *tests, (term, last) = self.stages
        for value in self.candidates(self.symbol):
            self.steps += 1
            given = {self.symbol: value}
            for part, nodes in tests:
                evaluate(nodes, given, memo)
                if not memo[part.number]:
                    break
            else:
                evaluate(last, given, memo)
                result = memo[term.number]
                if self.within is not None and result not in self.within:
                    continue
                if outcome is not None and result != outcome:
                    return True
                outcome = result
        return False


def _conjuncts(term: Term) -> tuple[Term, ...]:
    return term.args if term.op == "and" and term.width == 1 else (term,)


def _interesting(terms: list[Term]) -> list[int]:
    numbers = {0, 1, 2}
    for node in walk(terms):
        if node.op == "const":
            value = int(node.payload)
            numbers |= {value, value + 1, value - 1}
            if 1 < value <= 64 and value & value - 1:
                numbers |= {2 * value, 3 * value}
    return sorted(numbers)


def _candidates(width: int, interesting: list[int]) -> list[int]:
    mask = (1 << width) - 1
    powers = [1 << bit for bit in range(min(width, 32))] if width > 1 else []
    return list(dict.fromkeys(number & mask for number in [*interesting, mask, *powers]))
