"""The register of ordering clauses: who must order what, and what breaks if nobody does.

Paraphrases are ours, and short; the clause itself is in the specification. Numbers are those of VirtIO 1.2, 1.3 and
1.4; obligations that no text states have the names of `mmcheck.language.lower.clauses.IMPLIED`. An event pattern reads
``W buf -> W idx``: these two stay in this order for every other agent; ``W(all)`` are all writes before, and a clause
whose pattern is ``none`` orders no accesses.

Locations: buf, desc, ring (a slot of the available ring), idx, aflags, uevt (available ring), elem, uidx, uflags, aevt
(used ring), db (the doorbell), irq, isr, ready; packed ring: head, tail (descriptors), table (indirect), flags, event.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mmcheck.language.lower.register import implied
from mmcheck.language.lower.register.entry import Clause
from mmcheck.language.lower.register.packed import PACKED
from mmcheck.language.lower.register.split import SPLIT
from mmcheck.language.lower.register.transport import TRANSPORT

REGISTER: Mapping[str, Clause] = MappingProxyType(
    {clause.id: clause for clause in (*SPLIT, *PACKED, *TRANSPORT, *implied.entries())}
)
"""All of them by their ids."""


def parts(number: str) -> tuple[Clause, ...]:
    """The clause called `number`, and its parts (steps, feature bits) if it has any."""
    return tuple([clause for key, clause in REGISTER.items() if key == number or key.partition(" ")[0] == number])
