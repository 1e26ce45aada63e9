"""Registers of one activation: names, scopes, temporaries, and the statements emitted so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from mmcheck.base.records import replace
from mmcheck.ir import program as ir
from mmcheck.language.lower.types import Scalar, width_of
from mmcheck.language.lower.values import Literal, RecordVal, Unknown, Val, Value

Binding: TypeAlias = Val | Literal | RecordVal | Unknown
"""What a local name stands for: a register, a loop's number, a record in registers."""


@dataclass(slots=True)
class Scope:
    """One block: its names, and the statements emitted for it."""

    names: dict[str, Binding]
    out: list[ir.Statement]


class Frame:
    """The state of lowering `owner`, a function or an agent.

    A register is called as in the source; an inner name that hides an outer one, and a name used
    again at another width, get a number behind a quote: ``a'2``. Temporaries are ``%1``, ``%2`` …
    """

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.origin = ir.NOWHERE
        """Of the statement that is lowered."""
        self._scopes: list[Scope] = [Scope({}, [])]
        self._widths: dict[str, int] = {}
        self._temporaries = 0
        self.declared: dict[str, Val] = {}
        """The first register of every name, for final conditions."""

    def find(self, name: str) -> Binding | None:
        for scope in reversed(self._scopes):
            if name in scope.names:
                return scope.names[name]
        return None

    def visible(self) -> list[str]:
        return [name for scope in self._scopes for name in scope.names]

    def registers(self) -> frozenset[str]:
        """The registers behind the names that are known now."""
        return _registers(self._scopes)

    def bind(self, name: str, binding: Binding) -> None:
        self._scopes[-1].names[name] = binding

    def new(self, name: str, type_: Scalar) -> Val:
        """A register for the source name `name`, not yet bound."""
        width = width_of(type_)
        outer = _registers(self._scopes[:-1])
        number, register = 1, name
        while register in outer or self._widths.get(register, width) != width:
            number += 1
            register = f"{name}'{number}"
        self._widths[register] = width
        value = Val(ir.Reg(register, width), type_)
        self.declared.setdefault(name, value)
        return value

    def temporary(self, width: int) -> ir.Reg:
        self._temporaries += 1
        return ir.Reg(f"%{self._temporaries}", width)

    # --- statements ---

    @property
    def out(self) -> list[ir.Statement]:
        return self._scopes[-1].out

    def emit(self, statement: ir.Statement) -> None:
        self._scopes[-1].out.append(statement)

    @contextmanager
    def block(self) -> Iterator[list[ir.Statement]]:
        """A new scope; what is emitted inside goes to the list."""
        scope = Scope({}, [])
        self._scopes.append(scope)
        try:
            yield scope.out
        finally:
            self._scopes.pop()

    @contextmanager
    def aside(self) -> Iterator[list[ir.Statement]]:
        """Statements go to the list, names stay in the scope around."""
        scope = self._scopes[-1]
        outer, inner = scope.out, []  # type: list[ir.Statement], list[ir.Statement]
        scope.out = inner
        try:
            yield inner
        finally:
            scope.out = outer

    def rename_last(self, old: ir.Expr, new: ir.Reg) -> bool:
        """Let the statement just emitted write `new` and not the temporary `old`; False if it does not write it."""
        if not (isinstance(old, ir.Reg) and old.name.startswith("%") and self.out):
            return False
        last = self.out[-1]
        if isinstance(last, ir.Load | ir.Rmw | ir.Call) and last.dst == old:
            self.out[-1] = replace(last, dst=new)
            return True
        if isinstance(last, ir.Rmw) and last.ok == old:
            self.out[-1] = replace(last, ok=new)
            return True
        if isinstance(last, ir.Parallel):
            for position, inner in enumerate(last.body):
                if isinstance(inner, ir.Load) and inner.dst == old:
                    body = (*last.body[:position], replace(inner, dst=new), *last.body[position + 1 :])
                    self.out[-1] = replace(last, body=body)
                    return True
        return False


def _registers(scopes: Sequence[Scope]) -> frozenset[str]:
    """The registers behind the names of `scopes`."""
    found: set[str] = set()
    stack: list[Value] = [binding for scope in scopes for binding in scope.names.values()]
    while stack:
        binding = stack.pop()
        if isinstance(binding, RecordVal):
            stack.extend(binding.fields.values())
        elif isinstance(binding, Val) and isinstance(binding.expr, ir.Reg):
            found.add(binding.expr.name)
    return frozenset(found)
