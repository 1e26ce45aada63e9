"""Loops whose number of rounds the text decides, written out.

herd goes around such a loop as often as it says, and counts only branches that depend on memory against the bound; so
does what is read here. Registers are followed from the start of a thread; a backward branch whose condition is known is
replaced by one more round, or by nothing. Others stay, and are run up to the bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from mmcheck.base.records import record, replace
from mmcheck.ir.parts import set_by
from mmcheck.ir.program import (
    Assign,
    Block,
    Const,
    Expr,
    Jump,
    Label,
    Op,
    Reg,
    Statement,
    apply,
)

MAX_STATEMENTS, MAX_STEPS = 20_000, 100_000
"""Statements that are written, and looked at; a thread of more is left as it is."""
MAX_ROUNDS = 256
"""Rounds that are written out; a loop that goes on is run up to the bound instead."""

Known: TypeAlias = Mapping[str, int | None]
"""Registers that were written, with their values if these are known; all others are 0."""


@record
class _Head:
    """A label that was passed: its place in the result, what was to come, and the registers there."""

    at: int
    rest: tuple[Statement, ...]
    known: Known


def written_out(body: Block) -> Block:
    """`body`, that of a thread of assembly, with the rounds of its loops as far as they are known."""
    labels = {statement.name: number for number, statement in enumerate(body) if isinstance(statement, Label)}
    backward = any(isinstance(s, Jump) and labels.get(s.label, n) < n for n, s in enumerate(body))
    return (_Walk(body).run() if backward else None) or body


class _Walk:
    def __init__(self, body: Block) -> None:
        self.rest: list[Statement] = list(reversed(body))
        self.out: list[Statement] = []
        self.known: Known | None = {}
        """None where nothing leads."""
        self.pending: dict[str, Known] = {}
        """Registers of jumps forward, by label."""
        self.perhaps: dict[str, int] = {}
        """Labels to which a jump forward may lead, and the place of the last such jump."""
        self.heads: dict[str, _Head] = {}
        self.rounds: dict[str, tuple[int, _Head]] = {}
        """Of loops that are being written out, by the name of the label in the text: how many rounds there are, and the
        head of the first."""
        self.open: set[str] = set()
        """Labels of loops whose rounds are not known: what they write has been forgotten at the head."""
        self.copies = 0

    def run(self) -> Block | None:
        """The result; None if it is too large."""
        for _ in range(MAX_STEPS):
            if not self.rest:
                return tuple(self.out)
            statement = self.rest.pop()
            if isinstance(statement, Label):
                self.label(statement)
            elif isinstance(statement, Jump):
                self.jump(statement)
            else:
                if self.known is not None:
                    self.known = {**self.known, **_effect(statement, self.known)}
                self.out.append(statement)
            if len(self.out) > MAX_STATEMENTS:
                break
        return None

    def label(self, label: Label) -> None:
        self.perhaps.pop(label.name, None)
        self.known = _joined(self.known, self.pending.pop(label.name, None))
        if self.known is not None:
            self.heads[label.name] = _Head(len(self.out), tuple(self.rest), self.known)
        self.out.append(label)

    def jump(self, jump: Jump) -> None:
        if self.known is None:
            self.out.append(jump)
            return
        taken, head = _value(jump.cond, self.known), self.heads.get(jump.label)
        if head is None and taken != 0:
            self.pending[jump.label] = _joined(self.known, self.pending.get(jump.label)) or {}
            if taken is None:
                self.perhaps[jump.label] = len(self.out)
        if head is None or jump.label in self.open:
            self.out.append(jump)
            self.known = None if taken else self.known
        elif taken is None or (isinstance(jump.cond, Const) and self.may_have_left(head)):
            self.forget(head)
        elif taken:
            self.again(jump, head)
        else:
            self.rounds.pop(_in_text(jump.label), None)

    def may_have_left(self, head: _Head) -> bool:
        """Whether a branch behind `head` that could go either way leads out of the loop."""
        return any(at > head.at for at in self.perhaps.values())

    def again(self, jump: Jump, head: _Head) -> None:
        """One more round; its labels get names of their own."""
        name = _in_text(jump.label)
        count, first = self.rounds.get(name, (1, head))
        if count == MAX_ROUNDS:
            self.forget(first)
            return
        self.rounds[name] = count + 1, first
        self.copies += 1
        loop = reversed(head.rest[len(self.rest) + 1 :])
        round_ = [Label(jump.label, jump.origin), *loop, jump]
        names = {
            statement.name: f"{_in_text(statement.name)}%{self.copies}"
            for statement in round_
            if isinstance(statement, Label)
        }
        self.rest += [_renamed(statement, names) for statement in reversed(round_)]

    def forget(self, head: _Head) -> None:
        """From the head again, with registers that a round may have written unknown."""
        label, loop = self.out[head.at], head.rest[len(self.rest) :]
        assert isinstance(label, Label)
        written = [name for statement in loop for name in _effect(statement, {})]
        inside = {statement.name for statement in loop if isinstance(statement, Label)}
        self.rest, self.out = list(head.rest), self.out[: head.at + 1]
        self.known = {**head.known, **dict.fromkeys(written, None)}
        self.open = {*(self.open - inside), label.name}
        self.rounds.pop(_in_text(label.name), None)
        self.heads = {name: each for name, each in self.heads.items() if each.at <= head.at}
        self.pending = {name: each for name, each in self.pending.items() if name not in inside}
        self.perhaps = {name: at for name, at in self.perhaps.items() if at <= head.at}


def _in_text(label: str) -> str:
    """The name that a label has in the text."""
    return label[:1] + label[1:].partition("%")[0]


def _renamed(statement: Statement, names: Mapping[str, str]) -> Statement:
    if isinstance(statement, Label):
        return replace(statement, name=names.get(statement.name, statement.name))
    if isinstance(statement, Jump):
        return replace(statement, label=names.get(statement.label, statement.label))
    return statement


def _joined(one: Known | None, other: Known | None) -> Known | None:
    if one is None or other is None:
        return one if other is None else other
    names = {**one, **other}
    return {name: one.get(name, 0) if one.get(name, 0) == other.get(name, 0) else None for name in names}


def _effect(statement: Statement, known: Known) -> Known:
    """The registers that `statement` writes."""
    if isinstance(statement, Assign):
        value = _value(statement.expr, known)
        return {statement.dst.name: None if value is None else value & (1 << statement.dst.width) - 1}
    return dict.fromkeys([register.name for register in set_by(statement)], None)


def _value(expr: Expr, known: Known) -> int | None:
    if isinstance(expr, Const):
        return expr.value
    if isinstance(expr, Reg):
        value = known.get(expr.name, 0)
        return None if value is None else value & (1 << expr.width) - 1
    assert isinstance(expr, Op)
    values = [_value(arg, known) for arg in expr.args]
    numbers = tuple([value for value in values if value is not None])
    if len(numbers) < len(values):
        return None
    return apply(expr.op, numbers, tuple([arg.width for arg in expr.args]), expr.width)


__all__ = ["written_out"]
