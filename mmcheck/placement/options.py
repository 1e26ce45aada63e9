"""What may stand at a site: words, how strong they are on a target, and what they cost.

Strength is inclusion of *powers*: what the pieces of a word do on a target (`mmcheck.target.words.realise`). A full
DMB does what DMB LD and DMB ST do; LDAR does what LDAPR does; every other tag is a power of its own. That more powers
never add a behaviour is not believed but tested: `mmcheck.placement.monotone`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mmcheck.base.errors import fail
from mmcheck.ir.program import Tags
from mmcheck.language.lower.choices import Option
from mmcheck.target.orders import LOAD_ORDERS, ORDERS, STORE_ORDERS, Word, acquires, normal_order
from mmcheck.target.pieces import FencePiece, Piece
from mmcheck.target.targets import Target
from mmcheck.target.words import METHODS, WORDS, realise

NOTHING = "nothing"
_CAMEL = {"relaxed": "Relaxed", "acquire": "Acquire", "release": "Release", "acq_rel": "AcqRel", "seq_cst": "SeqCst"}
_LINUX_PREFIXES = ("virtio_", "virt_", "smp_", "dma_")

DEVICE_WORDS = tuple(Option(f"{name}()", ((WORDS[name], ()),)) for name in ("dma_rmb", "dma_wmb", "dma_mb"))
"""Barriers between memory and a device: Linux's, for Rust and C have none."""


def style_of(text: str) -> str:
    """The spelling of orders in `text`: its scope (``Ordering::``) and ``camel`` or ``snake``, with a bar between."""
    scope, _, name = text.rpartition("::")
    if name not in _CAMEL.values():
        return "|snake"
    return f"{scope}::|camel" if scope else "|camel"


def spell(order: str, style: str) -> str:
    scope, _, case = style.partition("|")
    return scope + (_CAMEL[order] if case == "camel" else order)


def fence_options(written: Option | None, *, prefix: str, style: str) -> tuple[Option, ...]:
    """Nothing, a compiler barrier and the fences of one family: Linux's if there is a `prefix`, else Rust's and C's.

    What is `written` there is always among them.
    """
    options = [Option(NOTHING)]
    if prefix:
        names = ["barrier", f"{prefix}rmb", f"{prefix}wmb", f"{prefix}mb"]
        options += [Option(f"{name}()", ((WORDS[name], ()),)) for name in names if name in WORDS]
    else:
        options.append(_rust("compiler_fence", "seq_cst", style))
        options += [_rust("fence", order, style) for order in ("acquire", "release", "acq_rel", "seq_cst")]
    return _with(options, written)


def _rust(name: str, order: str, style: str) -> Option:
    spelt = spell(order, style)
    return Option(f"{name}({spelt})", ((WORDS[name], (spelt,)),))


def _with(options: list[Option], written: Option | None) -> tuple[Option, ...]:
    if written is not None and not any(option.name == written.name for option in options):
        options.append(written)
    return tuple(options)


def instruction_options(written: Option | None, target: Target, *, devices: bool = False) -> tuple[Option, ...]:
    """Nothing, a compiler barrier and the target's own; with `devices` those that order memory and a device, too.

    Raises `InputError` if nobody says which ones that are.
    """
    options = [Option(NOTHING), Option("barrier()", ((WORDS["barrier"], ()),))]
    architecture = target.architecture
    if architecture.fences is None:
        raise fail("MM025", f"nobody knows which instructions of {target.name} are barriers")
    for text in (*architecture.fences, *(architecture.device_fences if devices else ())):
        name, _, argument = text.rstrip(")").partition("(")
        options.append(Option(text, ((WORDS[name], (argument,) if argument else ()),)))
    return _with(options, written)


def order_options(word: Word, orders: Sequence[str], open_: Sequence[bool]) -> tuple[Option, ...]:
    """The orders that an access may have; `open_` says for each order given whether it may change.

    Of a compare-exchange both orders are one site, since one instruction serves both: a failure order goes at most as
    far as the success does.
    """
    style = style_of(orders[0])
    given = [normal_order(order) or order for order in orders]
    lists = [
        list(_allowed(word, position)) if free else [given[position]]
        for position, free in zip(range(len(given)), open_, strict=True)
    ]
    options: list[tuple[str, ...]] = []
    for first in lists[0]:
        if len(lists) == 1:
            options.append((first,))
            continue
        for second in lists[1]:
            reasonable = not acquires(second) or acquires(first)
            if second == "seq_cst" and first != "seq_cst":
                reasonable = False
            if reasonable or (first, second) == tuple(given):
                options.append((first, second))
    if tuple(given) not in options:
        options.append(tuple(given))
    return tuple(
        Option(", ".join(option), ((word, tuple(spell(order, style) for order in option)),)) for option in options
    )


def _allowed(word: Word, position: int) -> Iterable[str]:
    if position == 1 or word.operation == "load":
        return LOAD_ORDERS
    return STORE_ORDERS if word.operation == "store" else ORDERS


def linux_prefix(name: str) -> str:
    """The family of a Linux barrier word: ``virtio_`` of ``virtio_rmb``; empty for other words."""
    stem = next((prefix for prefix in _LINUX_PREFIXES if name.startswith(prefix)), "")
    if name.removeprefix(stem) in ("mb", "rmb", "wmb") and name in WORDS:
        return stem or "smp_"
    return ""


# --- strength ----------------------------------------------------------------------------------------------


def pieces_of(option: Option, target: Target) -> tuple[Piece, ...]:
    """What the words of `option` become on `target`. Raises `InputError` if the target does not have them."""
    out: list[Piece] = []
    for word, orders in option.words:
        out += realise(word.name, orders, target, method=METHODS.get(word.name) is word)
    return tuple(out)


def powers(option: Option, target: Target) -> frozenset[str]:
    """What `option` does on `target`, as names of which more is stronger."""
    known, hardware = target.architecture.powers, target.architecture.tags.keys()
    out: set[str] = set()
    for piece in pieces_of(option, target):
        if isinstance(piece, FencePiece):
            does = [known.get(tag, {tag}) for tag in piece.tags & hardware]
            out |= _fence_powers(piece.tags).union(*does)
        else:
            out |= {"access", "rmw"} if piece.kind == "rmw" else {"access"}
            for half, tags in (("r", piece.read_tags), ("w", piece.write_tags), ("f", piece.fail_tags)):
                out |= {f"{half}:{each}" for tag in tags for each in known.get(tag, {tag})}
            if piece.read_tags and "NoRet" not in piece.read_tags:
                out.add("r:result")
    return frozenset(out)


def _fence_powers(tags: Tags) -> set[str]:
    """What a fence does to the compiler."""
    out: set[str] = {"fence"} if tags else set()
    if tags & {"Clobber", "ScFence"} or {"AcqFence", "RelFence"} <= tags:
        out |= {"acquire", "release", "both"}
    if "Clobber" in tags:
        out.add("clobber")
    out |= {"acquire"} if "AcqFence" in tags else set()
    out |= {"release"} if "RelFence" in tags else set()
    return out
