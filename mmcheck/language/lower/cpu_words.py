"""Words about CPUs and interrupts in code (docs/models-preemption.md)."""

from __future__ import annotations

from mmcheck.base.records import replace
from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.language.lower import values
from mmcheck.language.lower.code import Code
from mmcheck.language.lower.context import Context
from mmcheck.language.lower.cpus import CPU, GHOST, HERE, HOST, IDLE
from mmcheck.language.lower.expressions import Place
from mmcheck.language.lower.types import BOOL, LatchType
from mmcheck.target import words
from mmcheck.target.pieces import FencePiece, Piece


def fence_tags(piece: Piece) -> ir.Tags:
    """The tags of a word that is a barrier and no access."""
    assert isinstance(piece, FencePiece)
    return piece.tags


def raised(context: Context, handler: str) -> Place:
    """The latch behind ``raise handler``."""
    return Place(ir.Const(context.cpus.latch(handler), 64), LatchType(None), "memory", handler)


def here(code: Code, *, whole: bool = False) -> ir.Expr:
    """The number of the CPU that the code runs on; with `whole`, read by the instruction that comes next."""
    if not code.context.cpus.moves_in(code.frame.owner):
        return CPU
    dst = code.frame.temporary(64)
    tags = frozenset({"Volatile"} if whole else {"Plain"})
    code.emit(ir.Load(dst, HERE, tags, False, replace(code.frame.origin, word="this_cpu"), whole))
    return dst


def switch(code: Code, word: words.Word, given: values.Value | None, span: Span) -> values.Value | None:
    """``irq_disable`` and the like; ``irq_save`` gives whether interrupts were off."""
    masked = ir.Reg(ir.MASKED, 1)
    result = None
    if word.operation == "irq_save":
        result = code.frame.temporary(1)
        code.emit(ir.Assign(result, masked, code.frame.origin))
    state: ir.Expr = ir.Const(int(word.operation in ("irq_disable", "irq_save")), 1)
    if given is not None:
        state = values.condition(given, span)
    code.emit(ir.Assign(masked, state, code.frame.origin))
    for piece in code.context.realise(word, (), span):
        code.emit(ir.Fence(fence_tags(piece), replace(code.frame.origin, word=f"{word.name}()")))
    return None if result is None else values.Val(result, BOOL)


def migrate(code: Code, word: words.Word, cpu: int, span: Span) -> None:
    """The interrupted thread goes on elsewhere, behind a full barrier."""
    origin = replace(code.frame.origin, word=f"migrate({cpu})")
    moved: list[ir.Statement] = [ir.Store(HOST, ir.Const(cpu, 64), GHOST, origin)]
    moved += [ir.Fence(fence_tags(piece), origin) for piece in code.context.realise(word, (), span)]
    code.emit(ir.If(ir.Op("not", (IDLE,), 1), tuple(moved), (), origin))
