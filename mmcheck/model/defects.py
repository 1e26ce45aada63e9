"""Known defects of compilers: what they lose against their own rules (docs/compiler.md).

Each row names a relation of the compiler's cat file, which is taken away from what it keeps. By default verdicts leave
defects aside, and a note says which one would break the requirement; the profile of a compiler counts them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mmcheck.base.records import record


@record
class Defect:
    """`name` is the relation in ``compiler.cat``; `rule` says what the compiler does, `where` in which of its passes,
    `targets` on which machines, `seen` in which versions. `issues` are those of its bug tracker, `shape` is the example
    in ``tests/data/compilers``."""

    compiler: str
    name: str
    rule: str
    where: str
    targets: tuple[str, ...]
    seen: str
    shape: str
    issues: tuple[int, ...] = ()


DEFECTS: Mapping[str, Defect] = MappingProxyType(
    {
        defect.name: defect
        for defect in (
            Defect(
                "llvm",
                "sunk-load",
                "sinks a plain read below a fence that is no DMB",
                "MachineSink",
                targets=("armv8", "x86-tso"),
                seen="clang 22.1.8 and rustc 1.95",
                shape="llvm-sunk-load",
                issues=(164194, 181708),
            ),
            Defect(
                "llvm",
                "load-pair",
                "makes two plain reads of neighbours one LDP, across ordered accesses and compiler fences",
                "AArch64LoadStoreOptimizer",
                targets=("armv8",),
                seen="clang 22.1.8",
                shape="llvm-load-pair",
            ),
            Defect(
                "llvm",
                "store-pair",
                "makes two plain writes to neighbours one STP, across acquires and compiler fences",
                "AArch64LoadStoreOptimizer",
                targets=("armv8",),
                seen="clang 22.1.8",
                shape="llvm-store-pair",
            ),
        )
    }
)
"""By name."""

NAMES: Mapping[str, str] = MappingProxyType({"gcc": "GCC", "llvm": "LLVM"})
"""How compilers write themselves."""
