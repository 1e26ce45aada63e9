"""What a word is, and the orders of atomics and fences: their names, and which words take which.

One spelling inside mmcheck (``acq_rel``), all spellings of Rust, C11 and C++20 at the door. The messages are
those of language.md, section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal

from mmcheck.base.records import record
from mmcheck.target.tags import DOMAINS

ORDERS = ("relaxed", "acquire", "release", "acq_rel", "seq_cst")
LOAD_ORDERS = ("relaxed", "acquire", "seq_cst")
STORE_ORDERS = ("relaxed", "release", "seq_cst")
FENCE_ORDERS = ("acquire", "release", "acq_rel", "seq_cst")

_SPELLINGS = {
    **{order: order for order in ORDERS},
    "Relaxed": "relaxed",
    "Acquire": "acquire",
    "Release": "release",
    "AcqRel": "acq_rel",
    "SeqCst": "seq_cst",
}
_SCOPES = ("Ordering::", "memory_order::", "memory_order_")
_BEFORE_SCOPE = ("std::sync::atomic::", "core::sync::atomic::", "atomic::", "std::")


def normal_order(text: str) -> str | None:
    """The order that `text` names, in mmcheck's spelling; None if it names none.

    >>> normal_order("Ordering::SeqCst"), normal_order("memory_order_acq_rel"), normal_order("aquire")
    ('seq_cst', 'acq_rel', None)
    """
    for prefix in _BEFORE_SCOPE:
        if text.startswith(prefix):
            text = text.removeprefix(prefix)
            break
    for scope in _SCOPES:
        text = text.removeprefix(scope)
    if text.startswith("__ATOMIC_"):
        text = text.removeprefix("__ATOMIC_").lower()
    return _SPELLINGS.get(text)


def unknown_order(text: str) -> str:
    """The message for `text`, which stands where an order is expected.

    >>> unknown_order("aquire")
    "'aquire' is no order; did you mean 'acquire'?"
    """
    near = get_close_matches(text, _SPELLINGS, 1, 0.6) or get_close_matches(text.lower(), ORDERS, 1, 0.6)
    if near:
        return f"'{text}' is no order; did you mean '{near[0]}'?"
    return f"'{text}' is no order — orders are {alternatives(ORDERS)}"


def alternatives(names: tuple[str, ...]) -> str:
    """``a, b or c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def acquires(order: str) -> bool:
    return order in ("acquire", "acq_rel", "seq_cst", "full")


def releases(order: str) -> bool:
    return order in ("release", "acq_rel", "seq_cst", "full")


def merged(success: str, failure: str) -> str:
    """The order of one instruction that serves a compare-exchange's success and its failure.

    The weakest order at least as strong as both. LLVM takes it for the load as well as for the store:
    ``compare_exchange(a, b, relaxed, seq_cst)`` is CASAL, ``(relaxed, acquire)`` CASA (clang 22.1.8).
    """
    if "seq_cst" in (success, failure):
        return "seq_cst"
    if acquires(success) or acquires(failure):
        return "acq_rel" if releases(success) else "acquire"
    return success


# --- words ------------------------------------------------------------------------------------------------

Family = Literal["rust", "linux", "arm", "x86", "core"]
Role = Literal["place", "value", "expected", "new", "order", "fail_order", "domain", "text", "clobber", "flags", "cpu"]

OPERATIONS: Mapping[str, str] = MappingProxyType(
    {
        "load": "gives the value of the place",
        "store": "writes the value",
        "swap": "writes the value, gives the old one",
        "add": "adds the value, gives the old one",
        "sub": "subtracts the value, gives the old one",
        "inc": "adds 1, gives the old value",
        "dec": "subtracts 1, gives the old value",
        "and": "bitwise, gives the old value",
        "or": "bitwise, gives the old value",
        "xor": "bitwise, gives the old value",
        "min": "of the signedness of the place's type, gives the old value",
        "max": "of the signedness of the place's type, gives the old value",
        "cas": "writes `new` if the place holds `expected`",
        "cas_weak": "the same, but an exclusive pair may fail although the value is as expected",
        "take": "clears a latch; true if it was set",
        "raise": "sets a latch",
        "interrupt": "raises an interrupt",
        "fence": "a fence, barrier or instruction; no value",
        "irq_disable": "interrupts off",
        "irq_enable": "interrupts on",
        "irq_save": "interrupts off; gives the state before",
        "irq_restore": "back to the state of its save",
        "this_cpu_ptr": "the place in the copy of this CPU; reads the CPU's number, no event",
        "per_cpu": "the place in the copy of that CPU; no event",
        "migrate": "the interrupted thread goes on, on that CPU",
        "irq_entry": "a handler begins",
        "irq_return": "a handler ends",
    }
)
"""What `Word.operation` can be."""


@record
class Param:
    """One argument, in the order of the text."""

    role: Role
    optional: bool = False


@record
class Word:
    """One word. `params` are its arguments; with `receiver` the place stands before the dot instead.

    `access` is how a compiler sees it: one of `ACCESS_KINDS` for an access, ``Fence``, ``CompilerFence``, ``Clobber``
    or ``Asm`` for a fence, empty if it has no event. `order` is the order that it implies, empty if an argument
    says it; ``full`` is Linux's fully ordered, ``local`` a per-CPU operation. `barrier` names its row in the
    targets' tables. `width` is that of the place in bits, 0 for any. `result`: it gives the old value.
    """

    name: str
    family: Family
    operation: str
    params: tuple[Param, ...]
    receiver: bool
    doc: str
    source: str
    access: str = ""
    order: str = ""
    barrier: str = ""
    width: int = 0
    result: bool = True

    def roles(self) -> tuple[Role, ...]:
        return tuple(param.role for param in self.params)


def usage(word: Word) -> str:
    """How `word` is called: ``store(1, release)``, ``WRITE_ONCE(x, 1)``."""
    order = "acq_rel"
    if word.operation in ("load", "store", "fence"):
        order = "acquire" if word.operation == "load" else "release"
    elif word.name.startswith("fetch_"):
        order = "relaxed"
    samples: dict[Role, str] = {
        "place": "x", "value": "1", "expected": "0", "new": "1", "order": order, "fail_order": "acquire",
        "domain": "ish", "text": '"dmb ish"', "clobber": "memory", "flags": "f", "cpu": "1",
    }  # fmt: skip
    return f"{word.name}({', '.join(samples[role] for role in word.roles())})"


def check_orders(word: Word, orders: tuple[str, ...]) -> str | None:
    """What is wrong with the orders (or the domain, or the text) given to `word`; None if nothing is."""
    if "domain" in word.roles():
        return _check_domain(word, orders)
    if "text" in word.roles():
        return _check_asm(word, orders)
    wanted = [role for role in word.roles() if role in ("order", "fail_order")]
    if len(orders) < len(wanted):
        return _missing_order(word)
    if len(orders) > len(wanted):
        return f"'{word.name}' takes {('no order', 'one order', 'two orders')[len(wanted)]}: {usage(word)}"
    for role, text in zip(wanted, orders, strict=True):
        order = normal_order(text)
        if order is None:
            return unknown_order(text)
        name, allowed = _allowed(word, role)
        if order in allowed:
            continue
        if name == "fence":
            return "a relaxed fence orders nothing — write 'nothing' where no barrier stands"
        listed = ", ".join(allowed)
        if role == "fail_order":
            return f"the failure order of '{word.name}' cannot be '{order}' — for a failure: {listed}"
        return f"a {name} cannot be '{order}' — for a {name}: {listed}"
    return None


def _allowed(word: Word, role: Role) -> tuple[str, tuple[str, ...]]:
    if role == "fail_order" or word.operation == "load":
        return "load", LOAD_ORDERS
    if word.operation in ("store", "fence"):
        return word.operation, STORE_ORDERS if word.operation == "store" else FENCE_ORDERS
    return "read-modify-write", ORDERS


def _missing_order(word: Word) -> str:
    if word.roles() == ("order",):
        return f"'{word.name}' needs an order: {alternatives(_allowed(word, 'order')[1])}"
    if "fail_order" in word.roles():
        return f"'{word.name}' needs two values and two orders: {usage(word)}"
    return f"'{word.name}' needs a value and an order: {usage(word)}"


def _check_domain(word: Word, orders: tuple[str, ...]) -> str | None:
    if len(orders) != 1:
        return f"'{word.name}' needs one domain: {usage(word)}"
    if orders[0].lower() in DOMAINS:
        return None
    near = get_close_matches(orders[0].lower(), DOMAINS, 1, 0.6)
    if near:
        return f"'{orders[0]}' is no domain of '{word.name}'; did you mean '{near[0]}'?"
    return f"'{orders[0]}' is no domain of '{word.name}' — domains are {', '.join(DOMAINS)}"


def _check_asm(word: Word, orders: tuple[str, ...]) -> str | None:
    if not 1 <= len(orders) <= 2:
        return f"'{word.name}' needs a text: {usage(word)} or {word.name}(\"dmb ish\")"
    if len(orders) == 2 and orders[1] != "memory":
        return f"'{orders[1]}' is no clobber; the only one is 'memory': {usage(word)}"
    return None
