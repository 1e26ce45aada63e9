"""Armv8 without what its instructions give beyond the words they come from (docs/models.md, "Right only here").

Two words of Rust and C11 become instructions that do more than the word promises:

* ``fence(release)`` and ``fence(acq_rel)`` are DMB ISH, which orders everything with everything. A release fence
  promises ``[M];po;[F];po;[W]``, an acquire fence ``[R];po;[F];po;[M]`` (C11 7.17.4, Rust core::sync::atomic::fence);
  no promise orders an earlier write with a later read.
* ``load(acquire)`` is LDAR, which is in order behind an earlier STLR. With FEAT_LRCPC it is LDAPR, which is not.

The model states what is promised as well (``fence-ob`` of ``armv8.cat``), so the weaker machine is that model on runs
whose events have other tags: no ``DMB.ISH`` on such a fence, ``Q`` in the place of ``A`` on such a load.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from mmcheck.base.records import replace
from mmcheck.events.execution import Execution
from mmcheck.ir.program import Tags
from mmcheck.model.model import Model

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


def promised(model: Model) -> tuple[Word, ...]:
    """The words whose promise `model` states beside what their instructions do (``fence-ob`` of ``armv8.cat``)."""
    return WORDS if {"DMB.ISH", "RelFence"} <= model.polarities().keys() else ()
