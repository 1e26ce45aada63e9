"""Sequential consistency, and models that bring no instructions of their own.

Every word exists here, instructions of any machine too, because the question is whether the algorithm is
right when nothing is reordered. Accesses carry no hardware tags except X on read-modify-writes.
"""

from __future__ import annotations

from mmcheck.base.records import record
from mmcheck.ir.program import NO_TAGS
from mmcheck.target.armv8 import Armv8
from mmcheck.target.pieces import Access, Instruction
from mmcheck.target.x86_tso import X86Tso

X = frozenset({"X"})


@record
class Sc:
    """No instructions: accesses happen in the order of the text."""

    name: str = "sc"
    deletes_idle_updates: bool = False

    def load(self, order: str, *, inline: bool) -> Access:
        return Access("load", "load")

    def store(self, order: str) -> Access:
        return Access("store", "store")

    def interrupt(self) -> Access:
        return self.store("relaxed")

    def rmw(self, operation: str, order: str, fail_order: str, *, result: bool) -> Access:
        return Access("rmw", operation, X, X, X if operation in ("cas", "cas_weak", "take") else NO_TAGS)

    def fence(self, order: str) -> str:
        return ""

    def barrier(self, word: str) -> str:
        return ""

    def parse(self, text: str) -> Instruction | None:
        known = Armv8().parse(text) or X86Tso().parse(text)
        if known is None:
            return None
        return Instruction(known.tags & {"IrqOff", "IrqOn"}, known.text)
