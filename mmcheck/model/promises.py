"""Armv8 without what its instructions give beyond the words they come from (docs/models.md, "Right only here").

Two words of Rust and C11 become instructions that do more than the word promises:

* ``fence(release)`` and ``fence(acq_rel)`` are DMB ISH, which orders everything with everything. A release fence
  promises ``[M];po;[F];po;[W]``, an acquire fence ``[R];po;[F];po;[M]`` (C11 7.17.4, Rust core::sync::atomic::fence);
  no promise orders an earlier write with a later read.
* ``load(acquire)`` is LDAR, which is in order behind an earlier STLR. With FEAT_LRCPC it is LDAPR, which is not.

The weaker machine is the same model with two more clauses for what is promised, judging runs whose events have
other tags: no ``DMB.ISH`` on such a fence, ``Q`` in the place of ``A`` on such a load.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias

from mmcheck.base.errors import InternalError
from mmcheck.base.records import replace
from mmcheck.events.execution import Execution
from mmcheck.ir.program import Tags
from mmcheck.model.devices import rebuilt, with_devices
from mmcheck.model.model import BUILTIN, Model, load_model

Word: TypeAlias = Literal["fence", "load"]

WORDS: tuple[Word, ...] = ("fence", "load")
"""Fences of order release and acq_rel; loads of order acquire."""

TAGS = {"fence": ("DMB.ISH", ""), "load": ("A", "Q")}
"""The tag of the instruction, and that of the weaker one."""


def does_more(tags: Tags, word: Word) -> bool:
    """Whether an event is such a `word`, and on Armv8 an instruction that does more than it promises."""
    if word == "fence":
        return {"DMB.ISH", "Fence", "RelFence"} <= tags and "ScFence" not in tags
    return {"A", "Atomic", "Acquire"} <= tags and not tags & {"X", "SeqCst"}


def weakened(execution: Execution, word: Word) -> Execution:
    """`execution` where each such `word` does what it promises and no more."""
    stronger, weaker = TAGS[word]
    events = [
        replace(event, tags=event.tags - {stronger} | {weaker} - {""}) if does_more(event.tags, word) else event
        for event in execution.events
    ]
    return replace(execution, events=tuple(events))


def promised(model: Model) -> Model | None:
    """`model` with what the words promise; None unless it is the shipped Armv8, with devices or without.

    On runs as they are it says the same as `model`: there the clauses follow from those of DMB ISH.
    """
    for name in BUILTIN:
        for devices in (False, True):
            if name.startswith("armv8") and model is _shipped(name, devices):
                return _promised(name, devices)
    return None


def _shipped(name: str, devices: bool) -> Model:
    return with_devices(name) if devices else load_model(name)


@lru_cache(maxsize=4)
def _promised(name: str, devices: bool) -> Model:
    model = _shipped(name, devices)
    pool = model.pool
    bob, dmb = model.definitions["bob"], pool.set("DMB.ISH")
    accesses, po = pool.ident(pool.set("M")), pool.rel("po")
    full = pool.seq(accesses, po, pool.ident(model.definitions["dmb-full"]), po, accesses)
    if full not in bob.args or dmb not in model.definitions["dmb-full"].args:
        raise InternalError("armv8.cat has no '[M];po;[dmb-full];po;[M]' in bob")
    fence, release, acquire = pool.set("Fence"), pool.set("RelFence"), pool.set("AcqFence")
    reads, writes = pool.ident(pool.set("R")), pool.ident(pool.set("W"))
    ordered = pool.union(
        full,
        pool.seq(accesses, po, pool.ident(pool.inter(fence, release)), po, writes),
        pool.seq(reads, po, pool.ident(pool.inter(fence, release, acquire)), po, accesses),
    )
    axioms = [replace(axiom, node=rebuilt(pool, axiom.node, {full: ordered})) for axiom in model.axioms]
    if axioms == list(model.axioms):
        raise InternalError("no axiom of armv8.cat is about bob")
    return replace(model, axioms=tuple(axioms))
