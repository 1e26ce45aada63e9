"""Terms of an event graph as literals: one per value a term may take.

Values are small sets (`mmcheck.events.domains`), so a value is encoded as "it is 3" and no bit-vector is needed. The
literals of a read are defined by where it reads from; where values go round in a circle (a read that
depends on itself through other threads) fresh variables cut it. Values that are too many to list are binary numbers
(`mmcheck.engines.smt.numbers`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from math import prod

from mmcheck.base.errors import UnknownVerdict
from mmcheck.engines.smt.circuit import FALSE, TRUE, Circuit
from mmcheck.engines.smt.numbers import Arithmetic, Bits
from mmcheck.events.domains import FEW_PRODUCT, MAX_VALUES, NOTHING, Domains
from mmcheck.events.graph import EventGraph, GEvent
from mmcheck.events.terms import Term
from mmcheck.ir.program import apply

OneHot = dict[int, int]


class Values:
    """`sources` must be filled (event id of a read -> [(write, literal)]) before values are asked for."""

    def __init__(self, graph: EventGraph, domains: Domains, circuit: Circuit) -> None:
        self.graph = graph
        self.domains = domains
        self.circuit = circuit
        self.sources: dict[int, list[tuple[GEvent, int]]] = {}
        self.symbols: dict[str, int] = {}
        self._reads = {e.value.number: e for e in graph.events if e.kind == "R" and e.value is not None}
        self._memo: dict[int, OneHot] = {}
        self._open: set[int] = set()
        self._cut: dict[int, OneHot] = {}
        self._arithmetic = Arithmetic(circuit)
        self._bits: dict[int, Bits] = {}
        self._open_bits: set[int] = set()
        self._cut_bits: dict[int, Bits] = {}

    def is_listed(self, term: Term) -> bool:
        """Whether `of` has its values."""
        if term.width == 1 or term.number in self._memo:
            return True
        if term.number in self.domains.largest or term.number in self._bits:
            return False
        return term.number in self.domains.values or all(map(self.is_listed, term.args))

    def is_short(self, term: Term) -> bool:
        """Whether the values of its operands are listed, and few enough to be combined."""
        return all(map(self.is_listed, term.args)) and prod([len(self.of(arg)) for arg in term.args]) <= FEW_PRODUCT

    def settle(self, term: Term) -> None:
        """Fix what `term` is: clauses that it needs are made now."""
        if self.is_listed(term):
            self.of(term)
        else:
            self.bits(term)

    def read(self, term: Term) -> GEvent:
        """The read whose value is the symbol `term`."""
        return self._reads[term.number]

    def literal(self, term: Term) -> int:
        """The literal of a truth value."""
        if term.op == "const":
            return TRUE if term.const else FALSE
        if term.op == "not":
            return -self.literal(term.args[0])
        return self.of(term).get(1, FALSE)

    def of(self, term: Term) -> OneHot:
        """For each value that `term` may take, the literal that says so. Raises `UnknownVerdict` if too many."""
        known = self._memo.get(term.number)
        if known is not None:
            return known
        if not self.is_listed(term):
            raise UnknownVerdict(f"an expression may take over {MAX_VALUES} values")
        if term.number in self._open:
            return self._circular(term)
        if term.op == "const":
            result = {int(term.payload): TRUE}
        elif term.op == "sym" and term.number not in self._reads:
            name = str(term.payload)
            variable = self.symbols.get(name) or self.circuit.var(name)
            self.symbols[name] = variable
            result = {1: variable, 0: -variable}
        elif term.number in self._reads:
            self._open.add(term.number)
            result = self._read(self._reads[term.number])
            self._open.discard(term.number)
        else:
            result = self._operator(term)
        self._memo[term.number] = result
        cut = self._cut.pop(term.number, None)
        if cut is not None:
            for value, variable in cut.items():
                literal = result.get(value, FALSE)
                self.circuit.clause([-variable, literal])
                self.circuit.clause([variable, -literal])
        return result

    def define(self, term: Term, parts: Sequence[tuple[int, Term]]) -> None:
        """Give a symbol its value: that of the term whose literal holds."""
        if not all(self.is_listed(value) for _, value in parts):
            self.define_bits(term, parts)
            return
        found: dict[int, list[int]] = {}
        for chosen, value in parts:
            for number, holds in self.of(value).items():
                found.setdefault(number, []).append(self.circuit.all([chosen, holds]))
        self._memo[term.number] = self._union(found)

    def _circular(self, term: Term) -> OneHot:
        cut = self._cut.get(term.number)
        if cut is None:
            values = sorted(self.domains.of(term))
            cut = {value: self.circuit.var(f"{term.payload}={value}") for value in values}
            self._cut[term.number] = cut
            if cut:  # a circle that nothing enters would leave it without a value, or with two
                self.circuit.clause(cut.values())
            for a, b in combinations(cut.values(), 2):
                self.circuit.clause([-a, -b])
        return cut

    def _read(self, read: GEvent) -> OneHot:
        mask = (1 << read.width) - 1
        parts: dict[int, list[int]] = {} if self.sources[read.id] else {NOTHING: [TRUE]}
        for write, literal in self.sources[read.id]:
            if write.cell is not None:
                parts.setdefault(write.cell.init & mask, []).append(literal)
                continue
            assert write.value is not None
            for value, holds in self.of(write.value).items():
                parts.setdefault(value & mask, []).append(self.circuit.all([literal, holds]))
        return self._union(parts)

    def _union(self, parts: dict[int, list[int]]) -> OneHot:
        out = {value: self.circuit.any(literals) for value, literals in sorted(parts.items())}
        return {value: literal for value, literal in out.items() if literal != FALSE}

    def _operator(self, term: Term) -> OneHot:
        if term.width == 1 and term.op in ("and", "or"):
            literals = [self.literal(arg) for arg in term.args]
            literal = self.circuit.all(literals) if term.op == "and" else self.circuit.any(literals)
            return {1: literal, 0: -literal}
        if term.op == "not" and term.width == 1:
            literal = self.literal(term)
            return {1: literal, 0: -literal}
        parts: dict[int, list[int]] = {}
        if term.op == "select":
            cond = self.literal(term.args[0])
            for arm, guard in ((term.args[1], cond), (term.args[2], -cond)):
                for value, holds in self.of(arm).items():
                    parts.setdefault(value, []).append(self.circuit.all([guard, holds]))
            return self._union(parts)
        if term.width == 1 and not self.is_short(term):
            (literal,) = self._operated(term)
            return {1: literal, 0: -literal}
        widths = tuple([arg.width for arg in term.args])
        operands = [list(self.of(arg).items()) for arg in term.args]
        for combination in product(*operands):
            value = apply(term.op, tuple([v for v, _ in combination]), widths, term.width)
            parts.setdefault(value, []).append(self.circuit.all([literal for _, literal in combination]))
        if term.width == 1 and len(parts) == 2:
            # The smaller side decides; the other is its complement wherever the operands have values.
            smaller = min(parts, key=lambda value: (len(parts[value]), -value))
            literal = self.circuit.any(parts[smaller])
            return {smaller: literal, 1 - smaller: -literal}
        return self._union(parts)

    # --- terms whose values are too many to list ---

    def define_bits(self, term: Term, parts: Sequence[tuple[int, Term]]) -> None:
        """`define`, as a binary number whatever its parts are."""
        numbers = [(literal, self.bits(value)) for literal, value in parts]
        self._bits[term.number] = self._arithmetic.chosen(numbers, term.width)

    def bits(self, term: Term) -> Bits:
        """`term` as a binary number."""
        known = self._bits.get(term.number)
        if known is not None:
            return known
        if term.number in self._open_bits:
            if term.number not in self._cut_bits:
                names = [f"{term.payload}.{k}" for k in range(term.width)]
                self._cut_bits[term.number] = self._within(term, tuple([self.circuit.var(name) for name in names]))
            return self._cut_bits[term.number]
        if self.is_listed(term):
            found = self.of(term).items()
            result = tuple(
                [self.circuit.any([literal for value, literal in found if value >> k & 1]) for k in range(term.width)]
            )
        elif term.op == "sym":
            self._open_bits.add(term.number)
            result = self._within(term, self._read_bits(self.read(term)))
            self._open_bits.discard(term.number)
        else:
            result = self._within(term, self._operated(term))
        self._bits[term.number] = result
        for variable, literal in zip(self._cut_bits.pop(term.number, ()), result, strict=False):
            self.circuit.clause([-variable, literal])
            self.circuit.clause([variable, -literal])
        return result

    def _within(self, term: Term, bits: Bits) -> Bits:
        """`bits`, those that `term` never has left out."""
        largest = self.domains.largest.get(term.number)
        length = len(bits) if largest is None else largest.bit_length()
        return tuple([bit if k < length else FALSE for k, bit in enumerate(bits)])

    def _read_bits(self, read: GEvent) -> Bits:
        parts = []
        for write, literal in self.sources[read.id]:
            if write.cell is not None:
                bits = self._arithmetic.constant(write.cell.init, read.width)
            else:
                assert write.value is not None
                bits = self.bits(write.value)
            parts.append((literal, bits))
        return self._arithmetic.chosen(parts, read.width)

    def _operated(self, term: Term) -> Bits:
        """The result of the outermost operator of `term`."""
        if term.op == "select":
            cond = self.literal(term.args[0])
            arms = [(cond, self.bits(term.args[1])), (-cond, self.bits(term.args[2]))]
            return self._arithmetic.chosen(arms, term.width)
        a = self.bits(term.args[0])
        if term.op in ("shl", "lshr", "ashr"):
            if not self.is_listed(term.args[1]):
                raise UnknownVerdict(f"too many values for '{term.op}'")
            return self._arithmetic.shifted(term.op, a, self.of(term.args[1]).items())
        b = self.bits(term.args[1]) if len(term.args) > 1 else a
        return self._arithmetic.apply(term.op, a, b, term.width)
