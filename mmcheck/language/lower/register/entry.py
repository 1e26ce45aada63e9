"""One entry of the register of ordering clauses, and what its number was in VirtIO 1.1."""

from __future__ import annotations

from typing import Literal, TypeAlias

from mmcheck.base.records import record
from mmcheck.language.lower.clauses import IMPLIED, title_of

Side: TypeAlias = Literal["driver", "device", "both"]
Force: TypeAlias = Literal["MUST", "informative", "implied"]

NEW = ("2.4", "2.6.1", "2.10", "4.1.5.2.1")
"""What 1.1 has not: device reset, reset of a queue, shared memory, a doorbell's value by configuration."""


@record
class Clause:
    """One clause, a part of one (``2.7.13 step 4``), or one obligation that no clause states."""

    id: str
    side: Side
    force: Force
    paraphrase: str
    pattern: str
    breaks: str
    in_1_0: str = ""
    """Its number in 1.0, where it has one; packed rings are not in 1.0."""

    @property
    def title(self) -> str:
        return title_of(self.id) or IMPLIED[self.id.removeprefix("implied:")]

    @property
    def in_1_1(self) -> str:
        """Its number in 1.1; nothing for an obligation without a clause."""
        return older(self.id)


def older(number: str) -> str:
    """What clause `number` of VirtIO 1.2 was called in 1.1, and nothing if it had no number there.

    >>> older("2.7.13.3.1")
    '2.6.13.3.1'
    >>> older("2.7.13 step 4")
    '2.6.13 step 4'
    >>> older("2.9")
    '2.7.23'
    """
    number, _, part = number.partition(" ")
    if number.startswith("implied:") or any(number == new or number.startswith(f"{new}.") for new in NEW):
        return ""
    parts = number.split(".")
    if parts[:2] == ["2", "9"]:
        return ".".join(["2.7.23", *parts[2:]])
    if parts[0] == "2" and len(parts) > 1 and int(parts[1]) > 4:
        parts[1] = str(int(parts[1]) - 1)
    return " ".join([".".join(parts), *([part] if part else [])])
