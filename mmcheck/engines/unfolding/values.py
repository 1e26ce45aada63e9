"""Expressions of a thread as terms, with what they depend on beside them."""

from __future__ import annotations

from mmcheck.engines.unfolding.state import State, Taint, Value, add, by_pick, resize
from mmcheck.events.terms import Terms
from mmcheck.ir.program import Const, Expr, Reg


def evaluate(terms: Terms, expr: Expr, state: State) -> Value:
    """The value of `expr` at this point; of a register that nothing has set, 0."""
    if isinstance(expr, Const):
        return Value(terms.number(expr.value, expr.width), {})
    if isinstance(expr, Reg):
        known = (state.privates if expr.name.startswith("@") else state.registers).get(expr.name)
        if known is None:
            return Value(terms.number(0, expr.width), {})
        return known if known.term.width == expr.width else Value(resize(terms, known.term, expr.width), known.taint)
    args = [evaluate(terms, arg, state) for arg in expr.args]
    term = terms.op(expr.op, tuple([arg.term for arg in args]), expr.width)
    taint: Taint = {}
    for position, arg in enumerate(args):
        if expr.op == "select" and position == 0:
            add(terms, taint, by_pick(terms, arg.taint))
        elif expr.op == "select":
            chosen = args[0].term if position == 1 else terms.neg(args[0].term)
            reached = {key: terms.conj([cond, chosen]) for key, cond in arg.taint.items()}
            add(terms, taint, {key: cond for key, cond in reached.items() if cond is not terms.false})
        else:
            add(terms, taint, arg.taint)
    return Value(term, taint)


def assign(terms: Terms, state: State, dst: Reg, value: Value) -> None:
    target = state.privates if dst.name.startswith("@") else state.registers
    target[dst.name] = Value(resize(terms, value.term, dst.width), value.taint)
