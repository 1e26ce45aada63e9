"""Which parts of a term a compiler may choose instead of computing them (docs/compiler.md, dependencies)."""

from __future__ import annotations

from collections.abc import Iterable

from mmcheck.events.terms import Term, Terms, evaluate, walk
from mmcheck.model.picks import FLIPPED, MOST_VALUES, SAMPLES, is_moved_bit, sample

MOST_ARMS = 16
"""Ways through the selections below a term that are told apart."""

Arms = list[tuple[Term, Term]]
"""Conditions, which exclude each other, and what a term is where each is so, without a selection."""


class Picks:
    """Those of one pool of terms."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._chosen: dict[int, Term] = {}
        self._narrow: dict[int, bool] = {}
        self._arms: dict[int, Arms] = {}
        self._order: dict[int, int] = {}
        self._tried: list[dict[int, int]] = [{} for _ in SAMPLES]

    def chosen(self, term: Term) -> Term:
        """When a compiler may compute it with a branch or a conditional instruction: a pick dependency at most."""
        known = self._chosen.get(term.number)
        if known is None:
            known = self._chosen[term.number] = self._where_chosen(term)
        return known

    def _where_chosen(self, term: Term) -> Term:
        if term.width == 1 or _divides(term):
            return self.terms.true
        if term.op in ("const", "sym", "select"):
            return self.terms.false
        return self.terms.disj([cond for cond, arm in self.arms(term) if self._is_narrow(arm) and not self._moves(arm)])

    def narrow(self, term: Term) -> Term:
        """When `term` has few values, whatever is read: a factor of that kind is chosen, too."""
        return self.terms.disj([cond for cond, arm in self.arms(term) if self._is_narrow(arm)])

    def arms(self, term: Term) -> Arms:
        """What `term` is without selections. Conditions in it stay."""
        known = self._arms.get(term.number)
        if known is None:
            known = self._arms[term.number] = self._split(term)
        return known

    def _split(self, term: Term) -> Arms:
        terms = self.terms
        if term.width == 1 or not term.args:
            return [(terms.true, term)]
        if term.op == "select":
            cond, then, other = term.args
            ways = [(terms.conj([cond, c]), arm) for c, arm in self.arms(then)]
            ways += [(terms.conj([terms.neg(cond), c]), arm) for c, arm in self.arms(other)]
            return [(c, arm) for c, arm in ways if c is not terms.false][:MOST_ARMS]
        found: list[tuple[Term, dict[int, Term]]] = [(terms.true, {})]
        for arg in term.args:
            arms = self.arms(arg)
            if len(arms) == 1 and arms[0] == (terms.true, arg):
                continue
            found = [(terms.conj([c, also]), {**made, arg.number: arm}) for c, made in found for also, arm in arms]
            found = [(c, made) for c, made in found if c is not terms.false][:MOST_ARMS]
        return [(c, terms.rebuilt(term, made)) for c, made in found]

    def _is_narrow(self, term: Term) -> bool:
        known = self._narrow.get(term.number)
        if known is None:
            values = set[int]()
            for which in range(len(SAMPLES)):
                values.add(self._value(term, which))
                if len(values) > MOST_VALUES:
                    break
            known = self._narrow[term.number] = len(values) <= MOST_VALUES
        return known

    def _value(self, term: Term, which: int) -> int:
        memo = self._tried[which]
        if term.number not in memo:
            self._try(walk([term], memo), which, memo)
        return memo[term.number]

    def _try(self, nodes: Iterable[Term], which: int, memo: dict[int, int]) -> None:
        for node in nodes:
            if node.op == "sym":
                if node.number not in memo:
                    read = self._order.setdefault(node.number, len(self._order))
                    memo[node.number] = sample(which, read) & (1 << node.width) - 1
            else:
                evaluate((node,), {}, memo)

    def _moves(self, term: Term) -> bool:
        """Whether a number of few values is a bit that is moved."""
        nodes = list(walk([term]))
        reads = [node for node in nodes if node.op == "sym"]
        values = {self._value(term, which) for which in range(len(SAMPLES))}
        if len(values) < MOST_VALUES:
            return True
        rises = True
        deciding = {read.number: set[int]() for read in reads}
        for which in range(FLIPPED):
            before = self._value(term, which)
            for read in reads:
                for bit in range(read.width):
                    turned = self._tried[which][read.number] ^ 1 << bit
                    memo = {each.number: self._tried[which][each.number] for each in reads} | {read.number: turned}
                    self._try(nodes, which, memo)
                    if memo[term.number] != before:
                        deciding[read.number].add(bit)
                        rises = rises and bool(memo[term.number]) == bool(turned >> bit & 1)
                        if len(deciding[read.number]) > 1:
                            return False
        bits = [(bit, read.width) for read in reads for bit in deciding[read.number]]
        return is_moved_bit(values, term.width, bits, rises=rises)


def steps(address: Term) -> frozenset[int]:
    """The parts of an address that are computed in any case: sums, and an index times the size of an element."""
    found = set[int]()
    stack = [address]
    while stack:
        term = stack.pop()
        if term.op in ("add", "select"):
            stack += term.args[term.op == "select" :]
        elif not (term.op == "mul" and any(arg.const is not None for arg in term.args)):
            continue
        found.add(term.number)
    return frozenset(found)


def _divides(term: Term) -> bool:
    """Whether it is a division that is no shift or mask."""
    if term.op in ("udiv", "umod"):
        divisor = term.args[1].const
        return divisor is None or not divisor or bool(divisor & divisor - 1)
    return term.op in ("sdiv", "smod")
