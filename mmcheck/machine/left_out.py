"""What the Armv8 machine leaves out, by name.

The machine allows nothing that the model forbids. What the model allows and the machine does not make rests on the
features
below: a program is held against the model for equality only if it has none of them.

* ``pick dependency``: the result of a conditional select depends on the condition only by pick, which does not order a
  later load (Arm ARM, B2.3). The machine has to know the condition to know the value.
* ``compare-and-swap provenance``: what a successful compare-and-swap leaves in its register may be passed on before its
  read is done, by the expected value (B2.3). Here it is always the value read.
* ``handler of several threads``, ``wait that holds up a shared CPU``, ``migration by a nested handler``: what the
  machines do not run (`mmcheck.machine.interrupts`); such programs are refused.

No-return atomics, failing compare-and-swaps that write back, LDAPR, DSB and ISB are in the machine and not on this
list.
"""

from __future__ import annotations

from mmcheck.ir import parts
from mmcheck.ir import program as ir
from mmcheck.ir.program import Expr, Op, Program
from mmcheck.machine.interrupts import HOLDS, NESTED, SEVERAL, unsupported

FEATURES = ("pick dependency", "compare-and-swap provenance", SEVERAL, HOLDS, NESTED)


def left_out(program: Program, *, provenance: bool = False) -> tuple[str, ...]:
    """The features of `program` that the machine leaves out. `provenance`: whether the model it is held against has
    that."""
    found = set(unsupported(program))
    for block in parts.bodies_of(program):
        for statement in parts.walk(block):
            if not isinstance(statement, ir.Assert) and any(map(_selects, parts.exprs_of(statement))):
                found.add(FEATURES[0])
            if provenance and isinstance(statement, ir.Rmw) and statement.compare is not None:
                found.add(FEATURES[1])
    return tuple(feature for feature in FEATURES if feature in found)


def _selects(expr: Expr) -> bool:
    """Whether a select of `expr` has a condition that is no constant."""
    selects = [each for each in parts.terms_of(expr) if isinstance(each, Op) and each.op == "select"]
    return any(parts.names_in(each.args[0]) for each in selects)
