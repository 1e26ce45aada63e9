"""Values of a thread that runs out of order: numbers, and what is not known yet.

A register holds a number, or a `Node`: the value that a load will read, or an expression over such values. A node
is *known* once everything it is made of was read, and *fixed* once none of those loads can be restarted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from mmcheck.ir.instructions import Term
from mmcheck.ir.program import Const


class Node:
    """A value that may be unknown. Without `compute` it is that of a load, set from outside.

    `inputs` are the operands, by register slot.
    """

    __slots__ = ("compute", "fixed", "inputs", "mask", "value")

    def __init__(
        self,
        compute: Callable[[dict[int, int]], int] | None = None,
        inputs: tuple[tuple[int, Node], ...] = (),
        known: dict[int, int] | None = None,
        mask: int = -1,
    ) -> None:
        self.value: int | None = None
        self.fixed = False
        self.compute = compute
        self.mask = mask
        self.inputs = (inputs, known or {})

    def forget(self) -> None:
        """A load that it is made of was restarted."""
        if not self.fixed:
            self.value = None


Value: TypeAlias = int | Node


def known(value: Value) -> int | None:
    """The number, or None if some load behind it has not read."""
    if value.__class__ is int:
        return value  # type: ignore[return-value,unused-ignore]
    assert isinstance(value, Node)
    if value.value is None and value.compute is not None:
        nodes, numbers = value.inputs
        registers = dict(numbers)
        for slot, node in nodes:
            number = node.value
            if number is None:
                number = known(node)
                if number is None:
                    return None
            registers[slot] = number
        value.value = value.compute(registers) & value.mask
    return value.value


def is_fixed(value: Value) -> bool:
    """Whether no restart can change it any more."""
    if value.__class__ is int:
        return True
    assert isinstance(value, Node)
    if value.fixed:
        return True
    if value.compute is None:
        return False
    for _, node in value.inputs[0]:
        if not node.fixed and not is_fixed(node):
            return False
    if known(value) is None:
        return False
    value.fixed = True
    value.inputs = ((), {})
    return True


class Operand:
    """A term of the program's code, ready to be applied to registers that hold values."""

    __slots__ = ("compute", "constant", "mask", "slots")

    def __init__(self, term: Term, mask: int = -1) -> None:
        self.slots = tuple(sorted(set(term.slots.values())))
        self.mask = mask
        self.compute = term.value
        self.constant: int | None = None
        if isinstance(term.expr, Const):
            self.constant = term.expr.value & mask
        elif not self.slots:
            self.constant = term.value(()) & mask

    def number(self, registers: list[int]) -> int:
        """The value of the term when every register holds a number."""
        if self.constant is not None:
            return self.constant
        return self.compute(registers) & self.mask  # type: ignore[arg-type]

    def of(self, registers: list[Value], nodes: list[Node]) -> Value:
        """The value of the term now; a new node is added to `nodes`."""
        if self.constant is not None:
            return self.constant
        open_: list[tuple[int, Node]] | None = None
        for slot in self.slots:
            value = registers[slot]
            if value.__class__ is not int:
                assert isinstance(value, Node)
                if value.fixed and value.value is not None:
                    registers[slot] = value.value
                elif open_ is None:
                    open_ = [(slot, value)]
                else:
                    open_.append((slot, value))
        if open_ is None:
            return self.compute(registers) & self.mask  # type: ignore[arg-type]
        waiting = {slot for slot, _ in open_}
        numbers: dict[int, int] = {s: registers[s] for s in self.slots if s not in waiting}  # type: ignore[misc]
        node = Node(self.compute, tuple(open_), numbers, self.mask)  # type: ignore[arg-type]
        nodes.append(node)
        return node


def values_of(registers: list[Value]) -> list[int]:
    """The numbers that registers hold when everything is done."""
    out = []
    for value in registers:
        number = known(value)
        assert number is not None
        out.append(number)
    return out
