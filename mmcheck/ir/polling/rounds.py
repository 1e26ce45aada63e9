"""One round of a loop, taken apart: what it looks at, when it leaves, what it does then, and what it does else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mmcheck.base.records import record, replace
from mmcheck.ir.parts import children, names_in, walk
from mmcheck.ir.polling.registers import all_set
from mmcheck.ir.program import (
    FALSE,
    TRUE,
    Assign,
    Block,
    Break,
    Expr,
    If,
    Loop,
    Op,
    Reg,
    Return,
    Statement,
)

MOST = 200
"""Statements that a loop may come to when it is taken apart; a larger one stays a loop."""


@record
class Round:
    """One round of a loop: it does `look`, and leaves if `leaves`, by `exit`; else it does `again`."""

    look: Block
    leaves: Expr
    exit: Block
    again: Block


@dataclass(slots=True)
class Rounds:
    """Takes rounds apart; `held` counts the registers that were made for it."""

    held: int = 0

    def taken_apart(self, block: Block) -> Round | None:
        """One round that does `block`, if it may go around."""
        if always_exits(block):
            return None
        for position, statement in enumerate(block):
            if not exits((statement,)):
                continue
            if not isinstance(statement, If):
                return None
            look, rest = block[:position], block[position + 1 :]
            then, orelse = self._side(statement.then, rest), self._side(statement.orelse, rest)
            if then is None or orelse is None:
                return None
            found = self._joined(look, statement, then, orelse)
            too_many = sum(1 for part in (found.look, found.exit, found.again) for _ in walk(part)) > MOST
            return None if too_many else found
        return Round((), FALSE, (), block)

    def hold(self, value: Expr) -> Assign:
        """A register that keeps `value`."""
        self.held += 1
        return Assign(Reg(f"%held{self.held}", value.width), value)

    def _side(self, arm: Block, rest: Block) -> Round | None:
        if always_exits(arm):
            return Round((), TRUE, without_break(arm), ())
        return self.taken_apart((*arm, *rest))

    def _joined(self, look: Block, test: If, then: Round, orelse: Round) -> Round:
        """The round that does `look`, and then one or the other."""
        later = _if(test, then.look, orelse.look)
        if names_in(test.cond) & all_set(later):
            saved = self.hold(test.cond)
            look, test = (*look, saved), replace(test, cond=saved.dst)
            later = _if(test, then.look, orelse.look)
        leaves = _either(_both(test.cond, then.leaves), _both(_not(test.cond), orelse.leaves))
        exit, again = _if(test, then.exit, orelse.exit), _if(test, then.again, orelse.again)
        # Of two ways, one may not be there: then it is known which was taken.
        if FALSE in (then.leaves, orelse.leaves):
            exit = orelse.exit if then.leaves == FALSE else then.exit
        if TRUE in (then.leaves, orelse.leaves):
            again = orelse.again if then.leaves == TRUE else then.again
        return Round((*look, *later), leaves, exit, again)


# --- ways out ------------------------------------------------------------------------------------------


def exits(block: Block, *kinds: type[Break] | type[Return]) -> bool:
    """Whether some path of `block` leaves the loop around it, by a statement of one of `kinds`."""
    return any(isinstance(each, kinds or (Break, Return)) for each in _of_this_loop(block))


def _of_this_loop(block: Block) -> Iterator[Statement]:
    """The statements of `block`; of a loop inside, only what leaves this one, too."""
    for statement in block:
        yield statement
        for inner in children(statement):
            found = _of_this_loop(inner)
            yield from (each for each in found if not isinstance(each, Break)) if isinstance(statement, Loop) else found


def always_exits(block: Block) -> bool:
    """Whether no path of `block` comes to its end."""
    return any(
        isinstance(each, Break | Return)
        or (isinstance(each, If) and always_exits(each.then) and always_exits(each.orelse))
        for each in block
    )


def without_break(block: Block) -> Block:
    """`block`, which always leaves the loop, where there is none any more."""
    if block and isinstance(block[-1], Break) and not exits(block[:-1], Break):
        return block[:-1]
    return (Loop(block, 1),) if exits(block, Break) else block


def _if(test: If, then: Block, orelse: Block) -> Block:
    return (replace(test, then=then, orelse=orelse),) if then or orelse else ()


# --- conditions ----------------------------------------------------------------------------------------

_OPPOSITE = {"eq": "ne", "ne": "eq"}


def _not(cond: Expr) -> Expr:
    if isinstance(cond, Op):
        if cond.op == "not":
            return cond.args[0]
        if cond.op in _OPPOSITE:
            return replace(cond, op=_OPPOSITE[cond.op])
    return Op("not", (cond,), 1)


def _both(a: Expr, b: Expr) -> Expr:
    return FALSE if FALSE in (a, b) else a if b == TRUE else b if a == TRUE else Op("and", (a, b), 1)


def _either(a: Expr, b: Expr) -> Expr:
    return TRUE if TRUE in (a, b) else a if b == FALSE else b if a == FALSE else Op("or", (a, b), 1)
