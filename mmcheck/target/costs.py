"""What a barrier costs: a table per architecture (`Architecture.costs`), a row per instruction, each with its source.

The numbers are weights, not cycles: a DMB or an MFENCE waits for the memory system and takes what that takes
("a variable number of cycles, depending on the current state of the memory system": Arm DDI 0363, C.15), so no
table of cycles exists. What is known is an order, and rough ratios:

* [musketeer] the weights of Alglave, Kroening, Nimal and Poetzl (CAV 2014, fence_inserter.cpp): full fence 3,
  lightweight fence 2, dependency 1; here times ten;
* [PPoPP20] Liu, Zang and Chen measured Arm servers and phones: barriers that need no bus transaction (acquire loads,
  DMB LD) are cheaper by far than DMB ST and full DMB, DSB costs more than any DMB, and STLR lies between DMB LD and
  full DMB;
* [compilers] GCC and LLVM write XCHG and not MOV; MFENCE for a seq_cst store, taking it to be cheaper.

Every constraint on the compiler costs 1 on top (`COMPILER`), however often it is executed, never more than an
instruction: of two placements with the same instructions the one that leaves the compiler more freedom is cheaper.

A file in TOML overrides rows, see `read_costs`; the machine's own measurements go there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from difflib import get_close_matches
from pathlib import Path

from mmcheck.base.errors import fail
from mmcheck.base.files import read_source
from mmcheck.base.records import record
from mmcheck.base.source import SourceFile
from mmcheck.base.tomlfile import parse, wrong
from mmcheck.target.architecture import ARCHITECTURES
from mmcheck.target.pieces import AccessPiece, FencePiece, Piece
from mmcheck.target.targets import Target

AWAIT_ROUNDS = 10
"""How often the body of an `await` is executed, if nothing better is known: what is inside counts so many times."""

COMPILER = 1
"""One constraint on the compiler: acquire, release, and what only seq_cst forbids."""

_UNPRICED = re.compile(r"(ld(add|set|clr|eor|[us]max|[us]min)|swp|cas)(a|l|al)?|lda?xr; stl?xr|lock x?\w+")
"""Read-modify-writes, which have no row of their own: a file may give them one."""

_SOURCE_POWERS = {"AcqFence": "acquire", "RelFence": "release", "Acquire": "acquire", "Release": "release",
                  "ScFence": "seq_cst", "SeqCst": "seq_cst"}  # fmt: skip


@record
class Costs:
    """The table with what the user's file says; `frequency` maps sites to how often they are executed."""

    table: Mapping[str, Mapping[str, float]]
    """Architecture -> instruction as shown -> weight. Of read-modify-writes only what their order adds counts."""
    frequency: Mapping[str, float] = field(default_factory=dict)
    rounds: float = AWAIT_ROUNDS
    compiler: int = COMPILER

    def rows(self, target: Target) -> Mapping[str, float]:
        """What the instructions of `target` cost. Raises `InputError` if there is no table for them."""
        rows = self.table.get(target.architecture.name)
        if rows is None:
            help = f"name its machine, as in {target.name}+{next(iter(self.table))}" if target.is_own else ""
            raise fail("MM025", f"nobody knows what the instructions of {target.name} cost", help=help)
        return rows

    def instructions(self, piece: Piece, target: Target) -> float:
        """What the hardware pays for `piece`; an instruction without a row costs nothing."""
        rows = self.rows(target)
        if isinstance(piece, FencePiece):
            return rows.get(piece.text, 0)
        if piece.kind != "rmw" or piece.text in rows:
            return rows.get(piece.text, 0)
        return self._rmw(piece, rows)

    @staticmethod
    def _rmw(piece: AccessPiece, rows: Mapping[str, float]) -> float:
        acquire = rows.get("acquire", 0) if "A" in piece.read_tags else 0
        return acquire + (rows.get("release", 0) if "L" in piece.write_tags else 0)

    def constraints(self, piece: Piece) -> int:
        """What the compiler pays: one for each thing that the piece forbids it."""
        if isinstance(piece, FencePiece):
            tags = piece.tags
        else:
            tags = piece.read_tags | piece.write_tags | piece.fail_tags
        powers = {_SOURCE_POWERS[tag] for tag in tags if tag in _SOURCE_POWERS}
        if "Clobber" in tags or "CompilerFence" in tags:
            powers |= {"acquire", "release"}
        return self.compiler * len(powers)


def default_costs() -> Costs:
    """The tables of all architectures that have one."""
    return Costs(
        {name: {text: row[0] for text, row in each.costs.items()}
         for name, each in ARCHITECTURES.items() if each.costs is not None}
    )  # fmt: skip


def read_costs(path: str | Path) -> Costs:
    """The table with the rows of the TOML file at `path` instead; raises `InputError`.

    ``[armv8]`` and ``[x86-tso]`` map instructions to weights, ``[frequency]`` sites to how often they are executed
    (the machine can count that), and ``await_rounds`` at the top is how often a wait looks.
    """
    source = read_source(path)
    data = parse(source, "MM017", "the costs are no TOML")
    base = default_costs()
    table: dict[str, dict[str, float]] = {machine: dict(rows) for machine, rows in base.table.items()}
    frequency: dict[str, float] = {}
    rounds = base.rounds
    for name, value in data.items():
        if name == "await_rounds":
            rounds = _number(value, name, source)
        elif name == "frequency" and isinstance(value, dict):
            frequency = {site: _number(each, site, source, name) for site, each in value.items()}
        elif name in table and isinstance(value, dict):
            for text, each in value.items():
                _check_instruction(text, name, source)
                table[name][text] = _number(each, text, source, name)
        else:
            known = ", ".join([*(f"[{machine}]" for machine in table), "[frequency]", "await_rounds"])
            raise wrong(source, "MM017", f"'{name}' means nothing in a file of costs", name, help=f"known: {known}")
    return Costs(table, frequency, rounds, base.compiler)


def _check_instruction(text: str, machine: str, source: SourceFile) -> None:
    rows = ARCHITECTURES[machine].costs or {}
    if text in rows or (rows and _UNPRICED.fullmatch(text)):
        return
    near = get_close_matches(text.lower(), rows, 1)
    help_ = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(rows) or 'none'}"
    raise wrong(source, "MM017", f"'{text}' is no instruction of {machine} that has a weight", text, machine, help_)


def _number(value: object, name: str, source: SourceFile, table: str = "") -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e9:
        raise wrong(source, "MM017", f"'{name}' needs a number from 0 to 1,000,000,000", name, table)
    return float(value)
