"""Flat code made ready for a pipeline: operands prepared once, tags turned into flags."""

from __future__ import annotations

from functools import lru_cache

from mmcheck.ir import instructions as flat
from mmcheck.ir.instructions import Code
from mmcheck.ir.program import Const, Tags
from mmcheck.machine.values import Operand

FULL, LOADS, STORES = 1, 2, 4
"""What a barrier waits for: everything, loads, stores."""

_DOMAINS = {"SY": FULL, "ISH": FULL, "OSH": FULL, "NSH": FULL}
_DOMAINS |= {f"{prefix}LD": LOADS for prefix in ("", "ISH", "OSH", "NSH")}
_DOMAINS |= {f"{prefix}ST": STORES for prefix in ("", "ISH", "OSH", "NSH")}


@lru_cache(maxsize=1024)
def barrier(tags: Tags) -> tuple[int, int, bool]:
    """What DMBs, DSBs and an ISB among `tags` wait for: (kinds of DMB, kinds of DSB, whether an ISB is there).

    The shareability domain makes no difference (DDI 0487 M.a, B2.3).
    """
    dmb = dsb = 0
    for tag in tags:
        name, _, domain = tag.partition(".")
        if name == "DMB":
            dmb |= _DOMAINS[domain]
        elif name == "DSB":
            dsb |= _DOMAINS[domain]
    return dmb, dsb, "ISB" in tags


class Op:
    """One instruction: the flat one, and its operands."""

    __slots__ = (
        "acquire", "address", "compare", "cond", "data", "dmb", "dsb", "flat", "isb", "kind", "mask", "new", "noret",
        "release", "sgi", "strong", "when",
    )  # fmt: skip

    def __init__(self, op: flat.Instruction) -> None:
        self.flat = op
        self.kind = type(op).__name__
        self.acquire = self.release = self.strong = self.noret = self.isb = self.sgi = False
        self.dmb = self.dsb = self.mask = 0
        match op:
            case flat.Set():
                self.data = Operand(op.term, (1 << op.width) - 1)
            case flat.Branch() | flat.TestOp() | flat.CheckOp() | flat.GivenOp():
                self.cond = Operand(op.cond)
            case flat.LoadOp():
                self.address = Operand(op.address)
                self.mask = (1 << op.width) - 1
                self.acquire = bool(op.tags & {"A", "Q"})
                self.strong = "A" in op.tags
                self.noret = "NoRet" in op.tags
            case flat.StoreOp():
                self.address, self.data = Operand(op.address), Operand(op.data, (1 << op.data.width) - 1)
                self.release = "L" in op.tags
                self.sgi = "SGI" in op.tags
            case flat.RmwOp():
                statement = op.statement
                self.address, self.new, self.when = Operand(op.address), Operand(op.new), Operand(op.when, 1)
                self.mask = (1 << statement.dst.width) - 1
                tags = statement.read_tags | statement.fail_tags
                self.acquire = bool(tags & {"A", "Q"})
                self.strong = "A" in tags
                self.noret = "NoRet" in statement.read_tags
                self.release = "L" in statement.write_tags
                self.compare = None if op.compare is None else Operand(op.compare)
            case flat.FenceOp():
                self.dmb, self.dsb, self.isb = barrier(op.tags)

    @property
    def always_writes(self) -> bool:
        assert isinstance(self.flat, flat.RmwOp)
        return always_writes(self.flat)


def always_writes(op: flat.RmwOp) -> bool:
    """Whether a read-modify-write has no condition."""
    return isinstance(op.when.expr, Const) and bool(op.when.expr.value)


def decode(code: Code) -> tuple[Op, ...]:
    """The instructions of `code`, in their places."""
    return tuple([Op(op) for op in code.ops])
