"""Known defects of compilers: what they lose against their own rules (docs/compiler.md).

Each row names a relation of the compiler's cat file, which is taken away from what it keeps. By default verdicts leave
defects aside, and a note says which one would break the requirement; the profile of a compiler counts them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mmcheck.records import record


@record
class Defect:
    """`name` is the relation in ``compiler.cat``; `rule` says what the compiler may do, `targets` on which machines
    (all, if empty), `seen` by which versions, and `issues` are those of its bug tracker. `shape` is the example in
    ``tests/data/compilers``."""

    compiler: str
    name: str
    rule: str
    seen: str
    issues: tuple[int, ...] = ()
    targets: tuple[str, ...] = ()
    shape: str = ""


DEFECTS: Mapping[str, Defect] = MappingProxyType(
    {
        defect.name: defect
        for defect in (
            Defect(
                "llvm",
                "sunk-load",
                "sinks a plain read below a fence that is no DMB (MachineSink)",
                "clang 22.1.8 and rustc 1.95",
                issues=(164194, 181708),
                shape="llvm-sunk-load",
            ),
            Defect(
                "llvm",
                "load-pair",
                "makes plain reads of neighbours one LDP, across ordered accesses and compiler fences",
                "clang 22.1.8",
                targets=("armv8",),
                shape="llvm-load-pair",
            ),
            Defect(
                "llvm",
                "store-pair",
                "makes plain writes to neighbours one STP, across acquires and compiler fences",
                "clang 22.1.8",
                targets=("armv8",),
                shape="llvm-store-pair",
            ),
        )
    }
)
"""By name."""

NAMES: Mapping[str, str] = MappingProxyType({"gcc": "GCC", "llvm": "LLVM"})
"""How compilers write themselves."""
