"""A driver's own counters, as it would have them: a relaxed atomic increment at each barrier, look and completion.

On x86 an increment is a locked instruction and so a full barrier: the probe changes what it
measures. On Armv8 it orders nothing.
"""

from __future__ import annotations

from dataclasses import replace

from mmcheck.ir.parts import with_blocks, with_bodies
from mmcheck.ir.program import (
    OLD,
    Await,
    Block,
    Cell,
    Const,
    Fence,
    Op,
    Program,
    Reg,
    Rmw,
    Statement,
)

COUNTERS = ("FENCE", "SPIN", "COMPLETION")
BASE = 0x4000
"""Where the counters stand; no variable of a specification does."""

_TAGS = frozenset({"X"})


def increment(counter: str) -> Statement:
    """``counter.fetch_add(1, relaxed)``."""
    address = Const(BASE + 0x40 * COUNTERS.index(counter), 64)
    new = Op("add", (Reg(OLD, 32), Const(1)), 32)
    return Rmw(Reg("%probe", 32), address, new, _TAGS, _TAGS, fail_tags=_TAGS)


def probed(program: Program) -> Program:
    """`program` with its counters."""
    cells = tuple([Cell(name, BASE + 0x40 * number, 32) for number, name in enumerate(COUNTERS)])
    return replace(with_bodies(program, _block), cells=(*program.cells, *cells))


def _block(block: Block) -> Block:
    out: list[Statement] = []
    for statement in block:
        match statement:
            case Fence():
                out += [statement, increment("FENCE")]
            case Await():
                body = (*_block(statement.body), increment("SPIN"))
                out += [replace(statement, body=body, orelse=_block(statement.orelse)), increment("COMPLETION")]
            case _:
                out.append(with_blocks(statement, _block))
    return tuple(out)
