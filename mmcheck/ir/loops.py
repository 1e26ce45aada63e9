"""Loops and the bound: backward jumps of assembly as copies, and the test that ends a loop."""

from __future__ import annotations

from collections.abc import Mapping

from mmcheck.base.errors import fail
from mmcheck.base.records import replace
from mmcheck.ir.parts import reachable
from mmcheck.ir.program import (
    TRUE,
    Assign,
    Block,
    Break,
    Call,
    Choice,
    Fence,
    Function,
    If,
    Jump,
    Label,
    Load,
    Op,
    Parallel,
    Return,
    Statement,
)

MAX_STATEMENTS = 20_000


def exit_test(body: Block, functions: Mapping[str, Function]) -> Block:
    """The head of a loop's body that decides whether to leave it: the test of a ``while``, and nothing of its body.

    It reads, and then leaves or not; empty if the loop does anything before it decides.
    """
    for position, statement in enumerate(body):
        if isinstance(statement, If) and (_leaves(statement.then) or _leaves(statement.orelse)):
            then = statement.then if _leaves(statement.then) else ()
            orelse = statement.orelse if _leaves(statement.orelse) else ()
            return (*body[:position], replace(statement, then=then, orelse=orelse))
        if not _only_reads((statement,), functions):
            break
    return ()


def _leaves(block: Block) -> bool:
    return bool(block) and isinstance(block[-1], Break | Return) and len(block) == 1


def _only_reads(block: Block, functions: Mapping[str, Function]) -> bool:
    kinds = (Load, Assign, Fence, If, Return, Parallel, Choice, Call)
    return all(isinstance(each, kinds) for each in reachable(block, functions))


def unroll_jumps(block: Block, bound: int) -> Block:
    """`block` with each backward jump expanded to `bound` copies of its loop, innermost loop first.

    A jump to the label ``""`` leaves the bound. Raises `InputError` for a label that does not exist and
    for a jump into a loop from outside.
    """
    statements = list(block)
    copies = 0
    while True:
        places = {s.name: i for i, s in enumerate(statements) if isinstance(s, Label)}
        best: tuple[int, int] | None = None
        for at, statement in enumerate(statements):
            if isinstance(statement, Jump) and statement.label:
                start = places.get(statement.label)
                if start is None:
                    raise fail("MM503", f"no label {statement.label!r} here", statement.origin.span)
                if start <= at and (best is None or at - start < best[1] - best[0]):
                    best = (start, at)
        if best is None:
            return tuple(statements)
        start, at = best
        copies += 1
        statements[start : at + 1] = _copies(statements, start, at, bound, f"{copies}")
        if len(statements) > MAX_STATEMENTS:
            raise fail("MM502", "the loops of this test unroll to too many instructions", statements[start].origin.span)


def _copies(statements: list[Statement], start: int, at: int, bound: int, unique: str) -> list[Statement]:
    loop = statements[start : at + 1]
    back = loop[-1]
    assert isinstance(back, Jump)
    inside = {s.name for s in loop if isinstance(s, Label)}
    for position, statement in enumerate(statements):
        outside = not start <= position <= at
        if outside and isinstance(statement, Jump) and statement.label in inside and statement.label != back.label:
            raise fail("MM504", f"a jump into the middle of a loop, to {statement.label!r}", statement.origin.span)
    exit_label = f"%exit{unique}"
    out: list[Statement] = []
    for copy in range(max(bound, 1)):
        for statement in loop[:-1]:
            if isinstance(statement, Label):
                # The first copy keeps the names, for jumps that enter the loop at its head.
                statement = statement if copy == 0 else replace(statement, name=f"{statement.name}%{unique}.{copy}")
            elif isinstance(statement, Jump) and statement.label in inside:
                if statement.label == back.label:
                    continue_at = f"%next{unique}.{copy}" if copy + 1 < bound else ""
                    statement = replace(statement, label=continue_at)
                elif copy:
                    statement = replace(statement, label=f"{statement.label}%{unique}.{copy}")
            out.append(statement)
        last = copy + 1 == max(bound, 1)
        if last:
            out.append(replace(back, label=""))
        else:
            out.append(replace(back, label=exit_label, cond=_negation(back)))
            out.append(Label(f"%next{unique}.{copy}", back.origin))
    out.append(Label(exit_label, back.origin))
    return out


def _negation(jump: Jump) -> Op:
    cond = jump.cond
    return Op("eq", (cond, replace(TRUE, value=0)), 1)
