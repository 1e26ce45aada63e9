"""Terms whose values are too many to list, as binary numbers: one literal for each bit, the lowest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from mmcheck.base.errors import UnknownVerdict
from mmcheck.engines.smt.circuit import FALSE, TRUE
from mmcheck.events.graph import GEvent
from mmcheck.events.terms import Term

if TYPE_CHECKING:
    from mmcheck.engines.smt.values import Values

Bits: TypeAlias = tuple[int, ...]


class Numbers:
    """The binary numbers of one encoding; `values` has those terms whose values are listed."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self.circuit = values.circuit
        self._memo: dict[int, Bits] = {}
        self._open: set[int] = set()
        self._cut: dict[int, Bits] = {}

    def define(self, term: Term, parts: Sequence[tuple[int, Term]]) -> None:
        """Give a symbol its number: that of the term whose literal holds."""
        self._memo[term.number] = self._chosen([(literal, self.of(value)) for literal, value in parts], term.width)

    def __contains__(self, term: Term) -> bool:
        return term.number in self._memo

    def of(self, term: Term) -> Bits:
        known = self._memo.get(term.number)
        if known is not None:
            return known
        if term.number in self._open:
            if term.number not in self._cut:
                names = [f"{term.payload}.{k}" for k in range(term.width)]
                self._cut[term.number] = self._within(term, tuple([self.circuit.var(name) for name in names]))
            return self._cut[term.number]
        if self.values.is_listed(term):
            result = self._listed(term)
        elif term.op == "sym":
            self._open.add(term.number)
            result = self._within(term, self._read(self.values.read(term)))
            self._open.discard(term.number)
        else:
            result = self._within(term, self.operator(term))
        self._memo[term.number] = result
        for variable, literal in zip(self._cut.pop(term.number, ()), result, strict=False):
            self.circuit.clause([-variable, literal])
            self.circuit.clause([variable, -literal])
        return result

    def _within(self, term: Term, bits: Bits) -> Bits:
        """`bits`, those that `term` never has left out."""
        largest = self.values.domains.largest.get(term.number)
        length = len(bits) if largest is None else largest.bit_length()
        return tuple([bit if k < length else FALSE for k, bit in enumerate(bits)])

    def _listed(self, term: Term) -> Bits:
        found = self.values.of(term)
        return tuple(
            [
                self.circuit.any([literal for value, literal in found.items() if value >> k & 1])
                for k in range(term.width)
            ]
        )

    def _read(self, read: GEvent) -> Bits:
        parts = []
        for write, literal in self.values.sources[read.id]:
            if write.cell is not None:
                bits = tuple([TRUE if write.cell.init >> k & 1 else FALSE for k in range(read.width)])
            else:
                assert write.value is not None
                bits = self.of(write.value)
            parts.append((literal, bits))
        return self._chosen(parts, read.width)

    def _chosen(self, parts: Sequence[tuple[int, Bits]], width: int) -> Bits:
        """The number whose literal holds."""
        circuit = self.circuit
        return tuple(
            [
                circuit.any([circuit.all([chosen, bits[k]]) for chosen, bits in parts if k < len(bits)])
                for k in range(width)
            ]
        )

    def operator(self, term: Term) -> Bits:
        """The result of the outermost operator of `term`."""
        circuit, width = self.circuit, term.width
        if term.op == "select":
            cond = self.values.literal(term.args[0])
            return self._chosen([(cond, self.of(term.args[1])), (-cond, self.of(term.args[2]))], width)
        if term.op in ("shl", "lshr", "ashr"):
            return self._shifted(term)
        a = self.of(term.args[0])
        b = self.of(term.args[1]) if len(term.args) > 1 else a
        match term.op:
            case "add":
                return self._sum(a, b)
            case "sub":
                return self._sum(a, _inverted(b), TRUE)
            case "neg":
                return self._sum((FALSE,) * width, _inverted(a), TRUE)
            case "not":
                return _inverted(a)
            case "and":
                return tuple([circuit.all(pair) for pair in zip(a, b, strict=True)])
            case "or":
                return tuple([circuit.any(pair) for pair in zip(a, b, strict=True)])
            case "xor":
                return tuple([self._xor(*pair) for pair in zip(a, b, strict=True)])
            case "zext" | "trunc":
                return (a + (FALSE,) * width)[:width]
            case "sext":
                return (a + (a[-1],) * width)[:width]
            case "mul":
                total: Bits = (FALSE,) * width
                for k, bit in enumerate(b):
                    shifted = ((FALSE,) * k + a)[:width]
                    total = self._sum(total, tuple([circuit.all([bit, each]) for each in shifted]))
                return total
            case "eq" | "ne":
                differs = circuit.any([self._xor(*pair) for pair in zip(a, b, strict=True)])
                return (differs if term.op == "ne" else -differs,)
            case "ult" | "slt":
                return (self._less(a, b, signed=term.op == "slt"),)
            case "ule" | "sle":
                return (-self._less(b, a, signed=term.op == "sle"),)
            case "umin" | "umax" | "smin" | "smax":
                less = self._less(a, b, signed=term.op[0] == "s")
                first, second = (a, b) if term.op.endswith("min") else (b, a)
                return self._chosen([(less, first), (-less, second)], width)
        raise UnknownVerdict(f"too many values for '{term.op}'")

    def _shifted(self, term: Term) -> Bits:
        a, by = self.of(term.args[0]), term.args[1]
        if not self.values.is_listed(by):
            raise UnknownVerdict(f"too many values for '{term.op}'")
        width = term.width
        fill = a[-1] if term.op == "ashr" else FALSE
        place: Callable[[int, int], int] = (lambda k, n: k - n) if term.op == "shl" else (lambda k, n: k + n)
        parts = []
        for amount, literal in self.values.of(by).items():
            places = [place(k, amount) for k in range(width)]
            parts.append((literal, tuple([a[k] if 0 <= k < width else fill for k in places])))
        return self._chosen(parts, width)

    def _xor(self, a: int, b: int) -> int:
        return self.circuit.any([self.circuit.all([a, -b]), self.circuit.all([-a, b])])

    def _sum(self, a: Bits, b: Bits, carry: int = FALSE) -> Bits:
        out = []
        for x, y in zip(a, b, strict=True):
            either, both = self._xor(x, y), self.circuit.all([x, y])
            out.append(self._xor(either, carry))
            carry = self.circuit.any([both, self.circuit.all([either, carry])])
        return tuple(out)

    def _less(self, a: Bits, b: Bits, *, signed: bool) -> int:
        if signed:
            a, b = (*a[:-1], -a[-1]), (*b[:-1], -b[-1])
        less = FALSE
        for x, y in zip(a, b, strict=True):
            less = self.circuit.any([self.circuit.all([-x, y]), self.circuit.all([-self._xor(x, y), less])])
        return less


def _inverted(bits: Bits) -> Bits:
    return tuple([-bit for bit in bits])
