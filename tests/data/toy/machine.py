"""A target in two files: this module and the model beside it. It has no machine to run on and no barriers of Linux."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from mmcheck.ir.program import NO_TAGS
from mmcheck.target.architecture import Access, Architecture, Instruction

X = frozenset({"X"})


class Toy(Architecture):
    """One full barrier, and atomics that are one."""

    name = "toy"
    models = MappingProxyType({"toy": Path(__file__).with_name("toy.cat")})
    aliases = ("tinker",)
    options = MappingProxyType({"cheap": "atomics order nothing"})
    tags = MappingProxyType({"FULL": "full: keeps all in order", "X": "both halves of an atomic"})
    barriers = MappingProxyType({"barrier": ""})
    costs = MappingProxyType({"full": (20, "made up"), "lock": (15, "made up")})
    fences = ("fence(seq_cst)",)

    def load(self, order: str, *, inline: bool) -> Access:
        return Access("load", "get")

    def store(self, order: str) -> Access:
        return Access("rmw", "lock", X, X) if order == "seq_cst" else Access("store", "put")

    def rmw(self, operation: str, order: str, fail_order: str, *, result: bool) -> Access:
        tags = NO_TAGS if "cheap" in self.chosen else X
        return Access("rmw", "lock", tags, tags, tags)

    def fence(self, order: str) -> str:
        return "full" if order == "seq_cst" else ""

    def parse(self, text: str) -> Instruction | None:
        return {"full": Instruction(frozenset({"FULL"}), "full"), "": Instruction(NO_TAGS, "")}.get(text)
