"""What a target is: one object per instruction set, in a module of its own beside its cat file.

It has all that mmcheck knows of the instruction set: what words become, the tags that instructions carry, what they
cost, which of them may stand as barriers, how herd7 calls it, which operational machine runs it. Nobody else compares
names of targets. What an architecture lacks is refused by name where somebody asks for it, see `Architecture.costs`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Literal, NamedTuple, TypeAlias

from mmcheck.base.errors import fail
from mmcheck.ir.program import NO_TAGS, Tags

NOTHING: Mapping[str, str] = MappingProxyType({})

Runner: TypeAlias = Literal["sequential", "buffered", "out of order"]
"""The operational machines of `mmcheck.machine`: one memory; a store buffer for each CPU; a window of instructions."""


class Instruction(NamedTuple):
    """One instruction that is a fence or an interrupt switch, or nothing: hardware tags and text."""

    tags: Tags
    text: str


class Access(NamedTuple):
    """The hardware half of an `AccessPiece`; `behind` is the text of a fence that belongs to it, if any."""

    kind: Literal["load", "store", "rmw"]
    text: str
    read: Tags = NO_TAGS
    write: Tags = NO_TAGS
    fail: Tags = NO_TAGS
    exclusive: bool = False
    behind: str = ""


class Architecture(ABC):
    """An instruction set with the options that were `chosen`.

    Orders are those of `mmcheck.target.orders`; a read-modify-write may also be ``full`` (a fully ordered Linux atomic)
    or ``local`` (a per-CPU operation). Barrier words are Linux's names.
    """

    name: ClassVar[str]
    """How a target names it."""
    models: ClassVar[Mapping[str, Path]]
    """Its memory models by name, with their cat files: the one of its own name, and ``name+option`` for each option
    that chooses another."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other names that people give it, for suggestions."""
    herd: ClassVar[tuple[str, ...]] = ()
    """What herd7 calls it in the first line of a test."""
    options: ClassVar[Mapping[str, str]] = NOTHING
    """Its options, each with what it means."""

    tags: ClassVar[Mapping[str, str]] = NOTHING
    """What its instructions carry, each with what it means; empty if it has no instructions, and words stay words."""
    powers: ClassVar[Mapping[str, frozenset[str]]] = MappingProxyType({})
    """What a tag does, as names of which more is stronger; a tag that is not here does what no other does."""
    barriers: ClassVar[Mapping[str, str]] = NOTHING
    """The instruction behind each barrier word, empty for a word that is none here."""
    spelled: ClassVar[tuple[str, ...]] = ()
    """Instructions that may be meant where one is misspelt."""

    costs: ClassVar[Mapping[str, tuple[int, str]] | None] = None
    """Instruction as shown -> weight and source (`mmcheck.target.costs`). Without, `mmcheck place` refuses it."""
    fences: ClassVar[tuple[str, ...] | None] = None
    """The calls that ``place --instructions`` may write. Without, it refuses that."""
    device_fences: ClassVar[tuple[str, ...]] = ()
    """The same beside accesses to a device."""
    runner: ClassVar[Runner | None] = None
    """The machine that runs its programs. Without, `mmcheck run` refuses them."""

    pairs_words: ClassVar[bool] = True
    """Whether it may have instructions for two neighbouring words (LDP, STP)."""
    deletes_idle_updates: ClassVar[bool] = False
    """Whether a compiler deletes an atomic update that changes nothing, and whose result is unused: LLVM does on x86
    (no seq_cst one) and not on AArch64, seen with clang 22."""
    cas_is_loose: ClassVar[bool] = False
    """Whether a compare-and-swap that fails may write back what it read, and one that succeeds may leave in its
    register what it was compared with, which depends on its read by pick alone."""
    finds_its_cpu: ClassVar[bool] = True
    """Whether a per-CPU operation is one instruction; otherwise interrupts are off around finding the CPU's copy and
    the access."""

    def __init__(self, chosen: Iterable[str] = ()) -> None:
        self.chosen = frozenset(chosen) & self.options.keys()

    @abstractmethod
    def load(self, order: str, *, inline: bool) -> Access:
        """A load; `inline` if it is inline assembly, on which the compiler's options have no effect."""

    @abstractmethod
    def store(self, order: str) -> Access:
        """A store; may be an ``rmw`` (XCHG), or have a fence behind it (``full``)."""

    @abstractmethod
    def rmw(self, operation: str, order: str, fail_order: str, *, result: bool) -> Access:
        """A read-modify-write, `fail_order` only for a compare-exchange; `result`: the old value is used."""

    @abstractmethod
    def fence(self, order: str) -> str:
        """The instruction behind a fence of Rust or C11, or an empty text."""

    @abstractmethod
    def parse(self, text: str) -> Instruction | None:
        """One instruction in text form; None if this target has none like it."""

    def interrupt(self) -> Access:
        """The write by which a CPU raises an interrupt: to memory, if nothing else is said."""
        return self.store("relaxed")

    def barrier(self, word: str) -> str:
        """The instruction behind a barrier word, or an empty text. Raises `InputError` if there is no row for it."""
        found = self.barriers.get(word)
        if found is None:
            raise fail("MM244", f"{self.name} does not say what the barrier '{word}' is")
        return found


ARCHITECTURES: dict[str, type[Architecture]] = {}
"""By name; `mmcheck.target.targets` fills it."""
