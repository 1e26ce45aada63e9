"""Binary numbers, one literal for each bit, the lowest first: what the operators make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from mmcheck.base.errors import UnknownVerdict
from mmcheck.engines.smt.circuit import FALSE, TRUE, Circuit

Bits: TypeAlias = tuple[int, ...]


class Arithmetic:
    """Operators of `mmcheck.ir.program` as clauses of `circuit`."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit

    @staticmethod
    def constant(number: int, width: int) -> Bits:
        return tuple([TRUE if number >> k & 1 else FALSE for k in range(width)])

    def chosen(self, parts: Sequence[tuple[int, Bits]], width: int) -> Bits:
        """The number whose literal holds."""
        circuit = self.circuit
        return tuple(
            [
                circuit.any([circuit.all([chosen, bits[k]]) for chosen, bits in parts if k < len(bits)])
                for k in range(width)
            ]
        )

    def apply(self, op: str, a: Bits, b: Bits, width: int) -> Bits:
        """`op` on `a` and `b`, as a number of `width` bits; an operator of one operand takes `a`."""
        circuit = self.circuit
        match op:
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
                return (differs if op == "ne" else -differs,)
            case "ult" | "slt":
                return (self._less(a, b, signed=op == "slt"),)
            case "ule" | "sle":
                return (-self._less(b, a, signed=op == "sle"),)
            case "umin" | "umax" | "smin" | "smax":
                less = self._less(a, b, signed=op[0] == "s")
                first, second = (a, b) if op.endswith("min") else (b, a)
                return self.chosen([(less, first), (-less, second)], width)
        raise UnknownVerdict(f"too many values for '{op}'")

    def shifted(self, op: str, a: Bits, amounts: Iterable[tuple[int, int]]) -> Bits:
        """`a` shifted by the amount whose literal holds."""
        width = len(a)
        fill = a[-1] if op == "ashr" else FALSE
        place: Callable[[int, int], int] = (lambda k, n: k - n) if op == "shl" else (lambda k, n: k + n)
        parts = []
        for amount, literal in amounts:
            places = [place(k, amount) for k in range(width)]
            parts.append((literal, tuple([a[k] if 0 <= k < width else fill for k in places])))
        return self.chosen(parts, width)

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
