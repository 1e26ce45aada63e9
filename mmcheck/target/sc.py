"""Sequential consistency, and models that bring no instructions of their own.

Every word exists here, instructions of any machine too, because the question is whether the algorithm is
right when nothing is reordered. Accesses carry no hardware tags except X on read-modify-writes.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from mmcheck.ir.program import NO_TAGS
from mmcheck.target.architecture import ARCHITECTURES, Access, Architecture, Instruction

X = frozenset({"X"})


class Words(Architecture):
    """No instructions: words stay words, and accesses happen in the order of the text. That is enough to judge programs
    by a model of one's own; there is nothing to price or to run."""

    name = "words"
    models = MappingProxyType({})

    def load(self, order: str, *, inline: bool) -> Access:
        return Access("load", "load")

    def store(self, order: str) -> Access:
        return Access("store", "store")

    def rmw(self, operation: str, order: str, fail_order: str, *, result: bool) -> Access:
        return Access("rmw", operation, X, X, X if operation in ("cas", "cas_weak", "take") else NO_TAGS)

    def fence(self, order: str) -> str:
        return ""

    def barrier(self, word: str) -> str:
        return ""

    def parse(self, text: str) -> Instruction | None:
        others = [each() for each in ARCHITECTURES.values() if each.tags]
        known = next(filter(None, (other.parse(text) for other in others)), None)
        return Instruction(known.tags & {"IrqOff", "IrqOn"}, known.text) if known is not None else None


class Sc(Words):
    """Sequential consistency, where nothing is needed and all is free."""

    name = "sc"
    models = MappingProxyType({"sc": Path(__file__).with_name("sc.cat")})
    costs = MappingProxyType({})
    fences = ()
    runner = "sequential"
