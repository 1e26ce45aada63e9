"""Interrupts on and off in a handler, path by path (docs/models-preemption.md).

A handler begins with interrupts off on its CPU. Each ``irq_enable`` in it needs an ``irq_disable`` of its own on every
path: one more is a mistake and is reported. One that has its own does what the instruction does, and turns interrupts
on: from there on the handler may be interrupted. ``irq_restore`` of what an ``irq_save`` of the handler gave turns
nothing on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mmcheck.base.records import record
from mmcheck.ir import parts
from mmcheck.ir import program as ir

MOST = 64
"""Disables that are counted."""


@record
class _Path:
    """How many disables are not yet undone, on the path with the fewest; the registers that hold "they were off"."""

    depth: int = 0
    off: frozenset[str] = frozenset({ir.MASKED})

    def assign(self, name: str, off: bool) -> _Path:
        return _Path(self.depth, self.off | {name} if off else self.off - {name})

    def after(self, by: int) -> _Path:
        return _Path(min(max(self.depth + by, 0), MOST), self.off)


@dataclass(slots=True)
class _Exits:
    """The paths that leave a loop, and a function: those with whether what they return is "off"."""

    breaks: list[_Path] = field(default_factory=list)
    returns: list[tuple[_Path, bool]] = field(default_factory=list)


@dataclass(slots=True)
class Switches:
    """What a handler does to interrupts. `enables` are the fences that turn them on; `wrong` those of them that some
    path comes to without a disable of their own."""

    functions: Mapping[str, ir.Function]
    enables: list[ir.Fence] = field(default_factory=list)
    wrong: list[ir.Fence] = field(default_factory=list)

    def walk(self, body: ir.Block) -> None:
        self._block(body, _Path(), _Exits())

    def _block(self, block: ir.Block, path: _Path | None, exits: _Exits) -> _Path | None:
        """The path behind `block`; None if none comes there."""
        for statement in block:
            if path is None:
                return None
            path = self._statement(statement, path, exits)
        return path

    def _statement(self, statement: ir.Statement, path: _Path, exits: _Exits) -> _Path | None:
        match statement:
            case ir.Assign(dst=dst, expr=expr):
                return path.assign(dst.name, _is_off(expr, path))
            case ir.Fence(tags=tags) if "IrqOff" in tags:
                return path.after(1)
            case ir.Fence(tags=tags) if "IrqOn" in tags:
                return self._on(statement, path)
            case ir.If(then=then, orelse=orelse):
                return _joined([self._block(then, path, exits), self._block(orelse, path, exits)])
            case ir.Choice(options=options):
                return _joined([self._block(block, path, exits) for _, block in options])
            case ir.Await(body=body, orelse=orelse):
                behind = self._block(body, path, exits)
                return _joined([behind, self._block(orelse, behind, exits) if orelse else None])
            case ir.Parallel(body=body):
                return self._block(body, path, exits)
            case ir.Loop(body=body, rounds=rounds):
                return self._loop(body, path, exits) if rounds is None else self._rounds(body, rounds, path, exits)
            case ir.Break():
                exits.breaks.append(path)
                return None
            case ir.Return(value=value):
                exits.returns.append((path, value is not None and _is_off(value, path)))
                return None
            case ir.Call():
                return self._call(statement, path)
        for register in parts.set_by(statement):
            path = path.assign(register.name, False)
        return path

    def _on(self, fence: ir.Fence, path: _Path) -> _Path:
        if ir.MASKED not in path.off:
            if fence not in self.enables:
                self.enables.append(fence)
            if path.depth == 0 and fence not in self.wrong:
                self.wrong.append(fence)
        return path.after(-1)

    def _loop(self, body: ir.Block, path: _Path, exits: _Exits) -> _Path | None:
        inner = _Exits(returns=exits.returns)
        seen: set[_Path] = set()
        while path not in seen:
            seen.add(path)
            path = _joined([path, self._block(body, path, inner)]) or path
        return _joined([*inner.breaks])

    def _rounds(self, body: ir.Block, rounds: int, path: _Path, exits: _Exits) -> _Path | None:
        inner = _Exits(returns=exits.returns)
        end: _Path | None = path
        for _ in range(rounds):
            end = self._block(body, end, inner)
        return _joined([*inner.breaks, end])

    def _call(self, call: ir.Call, path: _Path) -> _Path | None:
        function = self.functions.get(call.function)
        if function is None:
            return path
        own = frozenset(name for name in path.off if name[0] != "@")
        given = {param.name for param, value in zip(function.params, call.args, strict=True) if _is_off(value, path)}
        exits = _Exits()
        end = self._block(function.body, _Path(path.depth, path.off - own | given), exits)
        ends = [*exits.returns, *([(end, False)] if end is not None else [])]
        behind = _joined([each for each, _ in ends])
        if behind is None:
            return None
        kept = frozenset(name for name in behind.off if name[0] == "@")
        path = _Path(behind.depth, kept | own)
        return path if call.dst is None else path.assign(call.dst.name, all(off for _, off in ends))


def _is_off(expr: ir.Expr, path: _Path) -> bool:
    """Whether `expr`, as a state of interrupts, is certainly "off"."""
    if isinstance(expr, ir.Const):
        return bool(expr.value)
    if isinstance(expr, ir.Reg):
        return expr.name in path.off
    if expr.op in ("zext", "trunc"):
        return _is_off(expr.args[0], path)
    zero = any(isinstance(arg, ir.Const) and arg.value == 0 for arg in expr.args)
    return expr.op == "ne" and zero and any(_is_off(arg, path) for arg in expr.args if not isinstance(arg, ir.Const))


def _joined(paths: list[_Path | None]) -> _Path | None:
    found = [path for path in paths if path is not None]
    if not found:
        return None
    return _Path(min(path.depth for path in found), frozenset.intersection(*[path.off for path in found]))


__all__ = ["Switches"]
