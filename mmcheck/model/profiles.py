"""The profiles: what a compiler is taken to keep in order (docs/compiler.md). `mmcheck.model.kept` has their tables."""

from __future__ import annotations

from collections.abc import Mapping

COMPILERS: Mapping[str, str] = {
    "observed": "what GCC and LLVM both keep in order today, their known defects aside",
    "gcc": "what GCC keeps in order today, its known defects included",
    "llvm": "what LLVM keeps in order today, its known defects included",
    "language": "what Rust, C11 and the rule for volatile accesses promise",
}
"""Every profile, and what it is."""
