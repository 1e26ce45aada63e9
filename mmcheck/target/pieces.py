"""What a word becomes: a sequence of fences and accesses with their tags.

A piece says what the instruction is, not where it goes: places, values and registers are added by
whoever lowers the specification. Each piece carries the tags of the hardware and those of the source
level; a model or a compiler layer reads its own.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from mmcheck.base.errors import InternalError
from mmcheck.base.records import record, replace
from mmcheck.ir.program import NO_TAGS, Tags
from mmcheck.target.architecture import Architecture, Instruction
from mmcheck.target.orders import Word, acquires, normal_order, releases

NO_INSTRUCTION = "compiler barrier"
"""How a fence is shown that costs no instruction."""

CLOBBER: Tags = frozenset({"Clobber"})


@record
class FencePiece:
    """A fence; `text` is the instruction as shown, ``dmb ish``, or ``compiler barrier``.

    With `when` ``success`` it is passed only if the compare-exchange before it has succeeded: Linux on
    Armv8 without LSE jumps over the final barrier of ``cmpxchg`` when the comparison fails.
    """

    tags: Tags
    text: str
    when: Literal["always", "success"] = "always"


@record
class AccessPiece:
    """A load, a store or a read-modify-write.

    `read_tags` are those of its read, `write_tags` of its write, `fail_tags` of the lone read of a
    compare-exchange that fails. An ``rmw`` for a word whose operation is ``store`` drops the value it reads (XCHG).
    `exclusive`: a loop of LDXR and STXR and not one instruction.
    """

    kind: Literal["load", "store", "rmw"]
    read_tags: Tags
    write_tags: Tags
    fail_tags: Tags
    exclusive: bool
    text: str


Piece: TypeAlias = FencePiece | AccessPiece


# --- from words to pieces -----------------------------------------------------------------------------------


def assemble(text: str, source: Tags, target: Architecture) -> tuple[FencePiece, ...] | str:
    """The instructions of an ``asm`` text, or the first that `target` does not have.

    They are separated by semicolons or line ends; LOCK belongs to what follows it.
    """
    parts = [" ".join(part.lower().split()) for part in text.replace("\n", ";").split(";")]
    joined: list[str] = []
    for part in parts:
        if joined and joined[-1] == "lock":
            joined[-1] = f"lock; {part}"
        elif part:
            joined.append(part)
    found = []
    for part in joined or [""]:
        instruction = target.parse(part)
        if instruction is None:
            return part
        found.append(_fence(instruction, source))
    return tuple(found)


def fence_of(word: Word, orders: tuple[str, ...], target: Architecture) -> tuple[Piece, ...]:
    """A barrier word, or a fence of Rust or C11."""
    if word.barrier:
        return (_named(target.barrier(word.barrier), CLOBBER, target),)
    order = word.order or normal_order(orders[0]) or ""
    tags = {word.access}
    tags |= {"AcqFence"} if acquires(order) else set()
    tags |= {"RelFence"} if releases(order) else set()
    tags |= {"ScFence"} if order == "seq_cst" else set()
    text = target.fence(order) if word.access == "Fence" else ""
    return (_named(text, frozenset(tags), target),)


def switch_of(word: Word, target: Architecture) -> tuple[Piece, ...]:
    """Interrupts off and on, a handler's ends, a migration: full compiler barriers all."""
    if word.operation == "migrate":
        return (_named(target.barrier("smp_mb"), CLOBBER, target),)
    if word.barrier:
        found = target.parse(target.barrier(word.barrier))
        text = "interrupt entry" if word.operation == "irq_entry" else "interrupt return"
        return (FencePiece((found.tags if found else NO_TAGS) | CLOBBER, text),)
    off = word.operation in ("irq_disable", "irq_save")
    tags = {"Clobber", "IrqOff" if off else "IrqOn"}
    tags |= {"IrqNest"} if word.operation in ("irq_save", "irq_restore") else set()
    text = target.barrier("irq_off" if off else "irq_on")
    return (FencePiece(frozenset(tags), text or word.operation.replace("_", " ")),)


def access_of(word: Word, orders: tuple[str, ...], target: Architecture) -> tuple[Piece, ...]:
    """An access, with the barrier that an MMIO accessor or a Linux atomic has beside it.

    A source tag stands on the half it is about: Acquire on reads, Release on writes, SeqCst on both. A failing
    compare-exchange has the order of its failure in the source; its hardware tags are the instruction's.
    """
    given = [normal_order(order) or order for order in orders]
    order = word.order or given[0]
    fail_order = ""
    if word.operation in ("cas", "cas_weak"):
        fail_order = given[1] if len(given) == 2 else "relaxed"
    if word.operation == "load":
        inline = word.family == "linux" and order == "acquire"
        found = target.load(order, inline=inline)
    elif word.operation in ("store", "raise"):
        found = target.store(order)
    elif word.operation == "interrupt":
        found = target.interrupt()
    else:
        found = target.rmw(word.operation, order, fail_order, result=word.result)
    both = {word.access}
    if order == "full" and not (found.kind == "store" and found.behind):
        both.add("Clobber")
    reads, writes, fails = found.read | both, found.write | both, found.fail | both
    if word.operation not in ("store", "raise", "interrupt"):
        reads |= _order_tags("Acquire", order, acquires(order))
    if word.operation != "load":
        writes |= _order_tags("Release", order, releases(order) and (order != "full" or found.kind == "rmw"))
    fails |= _order_tags("Acquire", fail_order or order, acquires(fail_order or order))
    piece = AccessPiece(
        found.kind,
        frozenset(reads) if found.kind != "store" else NO_TAGS,
        frozenset(writes) if found.kind != "load" else NO_TAGS,
        frozenset(fails) if found.fail or word.operation in ("cas", "cas_weak", "take") else NO_TAGS,
        found.exclusive,
        found.text,
    )
    if word.barrier:
        barrier = _named(target.barrier(word.barrier), CLOBBER, target)
        return (barrier, piece) if word.operation == "store" else (piece, barrier)
    if found.behind:
        behind = _named(found.behind, CLOBBER, target)
        return (piece, replace(behind, when="success") if fail_order else behind)
    return (piece,)


def _named(text: str, source: Tags, target: Architecture) -> FencePiece:
    """A fence that the target's own table names."""
    if not text:
        return FencePiece(source, NO_INSTRUCTION)
    found = target.parse(text)
    if found is None:
        raise InternalError(f"the table of {target.name} has an instruction that it does not know: '{text}'")
    return _fence(found, source)


def _fence(found: Instruction, source: Tags) -> FencePiece:
    nothing = NO_INSTRUCTION if "Clobber" in source else "no instruction"
    return FencePiece(found.tags | source, found.text or nothing)


def _order_tags(name: str, order: str, applies: bool) -> Tags:
    if not applies:
        return NO_TAGS
    return frozenset({name, "SeqCst"} if order == "seq_cst" else {name})
