"""x86 instructions, 64-bit and 32-bit: a row for each, and a cell of the table to its statements.

Every locked instruction, and ``xchg`` with memory, is one read-modify-write with the tag ``X`` on both halves; the
same without ``lock`` is a read and a write.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple, TypeAlias

from mmcheck.ir.program import NO_TAGS, OLD, TRUE, Assign, Const, Expr, Fence, Jump, Load, Op, Reg, Rmw, Tags
from mmcheck.language.herd.cell import END, Cell, Raw, Step, cut, finish, unknown
from mmcheck.language.herd.instruction import Row, set_flags
from mmcheck.language.herd.values import (
    C,
    N,
    V,
    Z,
    compare,
    constant,
    flags_of_add,
    flags_of_result,
    flags_of_sub,
    low,
    negate,
    op,
    widen,
)
from mmcheck.language.herd.x86_operands import Asm, Memory, Place, Register, Site, is_narrow, register

LOCKED: Tags = frozenset({"X"})


class Result(NamedTuple):
    """What an operation makes of its operands: a value, and the flags that it sets."""

    value: Expr
    flags: list[Step]


Compute: TypeAlias = Callable[[Expr, Expr], Result]

# --- computing ---------------------------------------------------------------------------------------------


def _add(a: Expr, b: Expr) -> Result:
    return Result(op("add", a, b), set_flags(flags_of_add(a, b)))


def _sub(a: Expr, b: Expr) -> Result:
    n, z, c, v = flags_of_sub(a, b)
    return Result(op("sub", a, b), set_flags((n, z, negate(c), v)))


def _logical(name: str) -> Compute:
    def compute(a: Expr, b: Expr) -> Result:
        value = op(name, a, b)
        return Result(value, set_flags(flags_of_result(value)))

    return compute


def _without(flag: Reg, flags: list[Step]) -> list[Step]:
    return [step for step in flags if step[1][0] is not flag]


def _by_one(compute: Compute) -> Compute:
    """``inc`` and ``dec``, which leave the carry alone."""

    def compute_one(a: Expr, _: Expr) -> Result:
        value, flags = compute(a, Const(1, a.width))
        return Result(value, _without(C, flags))

    return compute_one


def _not(a: Expr, _: Expr) -> Result:
    return Result(op("not", a), [])


def _neg(a: Expr, _: Expr) -> Result:
    return Result(op("neg", a), _sub(Const(0, a.width), a).flags)


def _add_carry(a: Expr, b: Expr) -> Result:
    part, carry = op("add", a, b), widen(C, a.width)
    out = op("or", compare("ult", part, a), op("and", compare("eq", part, constant(-1, a.width)), C))
    return _with_carry(a, op("not", op("xor", a, b)), op("add", part, carry), out)


def _sub_borrow(a: Expr, b: Expr) -> Result:
    part, carry = op("sub", a, b), widen(C, a.width)
    out = op("or", compare("ult", a, b), op("and", compare("eq", a, b), C))
    return _with_carry(a, op("xor", a, b), op("sub", part, carry), out)


def _with_carry(a: Expr, differ: Expr, value: Expr, out: Expr) -> Result:
    """The sign of `value` is wrong where operands that do not `differ` give one that does."""
    overflow = compare("slt", op("and", differ, op("xor", a, value)), Const(0, a.width))
    negative, zero, _, _ = flags_of_result(value)
    return Result(value, [(Assign, pair) for pair in ((N, negative), (Z, zero), (V, overflow), (C, out))])


def _shift(name: str) -> Compute:
    """The carry is the last bit that leaves."""

    def compute(a: Expr, by: Expr) -> Result:
        places = widen(by, a.width)
        value = op(name, a, places)
        negative, zero, _, overflow = flags_of_result(value)
        last = op("sub", places, Const(1, a.width))
        out = op("lshr", op("shl", a, last), Const(a.width - 1, a.width)) if name == "shl" else op(name, a, last)
        flags: tuple[Expr, ...] = (negative, zero, low(out, 1), overflow)
        if not isinstance(by, Const):  # by 0 it changes no flags
            none = compare("eq", places, Const(0, a.width))
            flags = tuple([Op("select", (none, old, new), 1) for old, new in zip((N, Z, C, V), flags, strict=True)])
        return Result(value, set_flags(flags))

    return compute


# --- effects -----------------------------------------------------------------------------------------------


def _move(to: Place, source: Place) -> list[Step]:
    if source.in_memory and isinstance(to.operand, Register) and to.operand.full == to.asm.width:
        return [(Load, (to.operand.whole, source.address(), NO_TAGS, False))]
    return to.write(source.read())


def _atomic(place: Place, new: Expr, when: Expr | None = None) -> Step:
    """Read memory into the temporary and write `new`; with `when` only if that holds, and the zero flag says so."""
    rest = (TRUE, NO_TAGS, None) if when is None else (when, LOCKED, Z)
    return Rmw, (place.asm.temporary, place.address(), new, LOCKED, LOCKED, *rest, None, False, False)


def _update(compute: Compute, to: Place, b: Expr = TRUE) -> list[Step]:
    """``to := to op b``; an operation of one operand does not look at `b`."""
    asm = to.asm
    if asm.locked:
        access = _atomic(to, compute(Reg(OLD, asm.width), b).value)
        return [access, *compute(asm.temporary, b).flags]
    value, flags = compute(to.read(), b)
    return [*to.write(value), *flags] if to.in_memory else [*flags, *to.write(value)]


def _compare(compute: Compute, a: Place, b: Expr) -> list[Step]:
    return compute(a.read(), b).flags


def _exchange(place: Place, one: Place) -> list[Step]:
    if place.in_memory:
        return [_atomic(place, one.read()), *one.write(one.asm.temporary)]
    return [*one.write(place.read()), *place.write(one.read())]


def _exchange_add(place: Place, one: Place) -> list[Step]:
    if place.in_memory:
        return [*_update(_add, place, one.read()), *one.write(one.asm.temporary)]
    value, flags = _add(place.read(), one.read())
    return [*flags, *one.write(place.read()), *place.write(value)]


def _compare_exchange(place: Place, one: Place) -> list[Step]:
    """Compares memory with rax; writes if equal, and rax gets what was read."""
    asm = one.asm
    if not place.in_memory:
        raise asm.wrong(place.piece, "a memory operand")
    rax = register("eax", asm.arch)
    assert rax is not None
    expected, old = rax.read(asm.width), asm.temporary
    access = _atomic(place, one.read(), compare("eq", Reg(OLD, asm.width), expected))
    if not asm.locked:
        raise asm.mnemonic.error("MM301", "unknown instruction 'cmpxchg' without lock", "write 'lock cmpxchg'")
    return [access, *_without(Z, _sub(expected, old).flags), *rax.write(old)]


def _compute_address(source: Memory, to: Place) -> list[Step]:
    return to.write(low(to.asm.effective(source), to.asm.width))


def _multiply(factors: tuple[Place, Place, Place]) -> list[Step]:
    """Flags are not what anybody looks at."""
    a, b, to = factors
    return to.write(op("mul", a.read(), b.read()))


def _keep(registers: list[Register]) -> list[Step]:
    return [(Assign, (whole, whole)) for whole in dict.fromkeys(each.whole for each in registers)]


# --- families of instructions ------------------------------------------------------------------------------


def _shifting(name: str) -> Row:
    return Row("amount wide", lambda by, to: _update(_shift(name), to, by))


def _moving_if(condition: Expr) -> Row:
    """Reads its source in any case."""

    return Row("register-to from", lambda to, b: to.write(Op("select", (condition, b, to.read()), to.asm.width)))


def _setting_if(condition: Expr) -> Row:
    return Row("byte", lambda to: to.write(Op("select", (condition, Const(1, 8), Const(0, 8)), 8)))


def _extending(bits: int, width: int, how: str) -> Row:
    return Row(f"r{bits} r{width}", lambda source, to: to.write(widen(source.read(bits), width, how)))


def _fence(tag: str) -> Row:
    return Row("", lambda: [(Fence, (frozenset({tag}),))])


def _jump(condition: Expr) -> Row:
    return Row("label", lambda label: [(Jump, (label, condition))])


# --- the tables --------------------------------------------------------------------------------------------

CONDITIONS: dict[str, Expr] = {
    "E": Z, "Z": Z, "NE": negate(Z), "NZ": negate(Z), "S": N, "NS": negate(N), "O": V, "NO": negate(V),
    "B": C, "C": C, "NAE": C, "AE": negate(C), "NB": negate(C), "NC": negate(C),
    "A": op("and", negate(C), negate(Z)), "NBE": op("and", negate(C), negate(Z)),
    "BE": op("or", C, Z), "NA": op("or", C, Z),
    "L": compare("ne", N, V), "LT": compare("ne", N, V), "NGE": compare("ne", N, V),
    "GE": compare("eq", N, V), "NL": compare("eq", N, V),
    "LE": op("or", Z, compare("ne", N, V)), "NG": op("or", Z, compare("ne", N, V)),
    "G": op("and", negate(Z), compare("eq", N, V)), "GT": op("and", negate(Z), compare("eq", N, V)),
    "NLE": op("and", negate(Z), compare("eq", N, V)),
}  # fmt: skip

SIZED: dict[str, Row] = {
    "MOV": Row("to with", _move),
    "MOVABS": Row("to with", _move),
    "XCHG": Row("exchanged with", _exchange),
    "XADD": Row("exchanged with", _exchange_add),
    "CMPXCHG": Row("exchanged with", _compare_exchange),
    "ADD": Row("to from", partial(_update, _add)),
    "SUB": Row("to from", partial(_update, _sub)),
    **{name: Row("to from", partial(_update, _logical(name.lower()))) for name in ("AND", "OR", "XOR")},
    "ADC": Row("register-to from-no-memory", partial(_update, _add_carry)),
    "SBB": Row("register-to from-no-memory", partial(_update, _sub_borrow)),
    "INC": Row("one", partial(_update, _by_one(_add))),
    "DEC": Row("one", partial(_update, _by_one(_sub))),
    "NOT": Row("one", partial(_update, _not)),
    "NEG": Row("one", partial(_update, _neg)),
    "CMP": Row("to from", partial(_compare, _sub)),
    "TEST": Row("to from", partial(_compare, _logical("and"))),
    **{name: _shifting(word) for name, word in (("SHL", "shl"), ("SAL", "shl"), ("SHR", "lshr"), ("SAR", "ashr"))},
    "LEA": Row("address register", _compute_address),
    "IMUL": Row("factors", _multiply),
    **{f"CMOV{name}": _moving_if(condition) for name, condition in CONDITIONS.items()},
}
"""Instructions that may have a size suffix."""

PLAIN: dict[str, Row] = {
    "MFENCE": _fence("MFENCE"),
    "LFENCE": _fence("LFENCE"),
    "SFENCE": _fence("SFENCE"),
    "NOP": Row("", list),
    "NOPL": Row("ignored", _keep),
    "NOPW": Row("ignored", _keep),
    "JMP": _jump(TRUE),
    **{f"J{name}": _jump(condition) for name, condition in CONDITIONS.items()},
    "RET": Row("", lambda: [(Jump, (END, TRUE))]),
    "CLTQ": Row("accumulator", lambda rax: rax.write(widen(rax.read(32), 64, "sext"))),
    **{f"SET{name}": _setting_if(condition) for name, condition in CONDITIONS.items()},
    **{f"MOVZB{letter}": _extending(8, width, "zext") for letter, width in (("L", 32), ("Q", 64))},
    **{f"MOVSB{letter}": _extending(8, width, "sext") for letter, width in (("L", 32), ("Q", 64))},
    "MOVSLQ": _extending(32, 64, "sext"),
}
"""The others."""

LOCKABLE = frozenset(
    {"ADD", "SUB", "AND", "OR", "XOR", "INC", "DEC", "NOT", "NEG", "XADD", "XCHG", "CMPXCHG"}
)  # fmt: skip
_SUFFIX = {"B": 8, "W": 16, "L": 32, "Q": 64}


def _known() -> list[str]:
    return [*PLAIN, *SIZED, *(f"{name}{suffix}" for name in SIZED for suffix in "LQ"), "LOCK"]


def _unlock(raw: Raw, *, check: bool = True) -> tuple[Raw, bool]:
    """`raw` without its ``lock`` prefix."""
    if raw.mnemonic.text.upper() != "LOCK":
        return raw, False
    inner = cut(" " * raw.rest.start + raw.rest.text)
    if check and not inner.mnemonic.text:
        help = "write it as 'lock addl $1,(x)'"
        raise raw.mnemonic.error("MM303", "missing operand of lock: expected an instruction", help)
    return Raw(raw.labels, inner.mnemonic, inner.rest, raw.text), True


def _find(name: str, raw: Raw) -> tuple[Row, str, int]:
    """For a mnemonic in capitals: its row, its name without suffix, its width (0: none)."""
    row = PLAIN.get(name) or SIZED.get(name)
    if row is not None:
        return row, name, 0
    row = SIZED.get(name[:-1])
    if row is None or name[-1] not in _SUFFIX:
        reason = "non-temporal stores are not supported" if name.startswith("MOVNT") else ""
        raise unknown(raw, _known(), reason)
    width = _SUFFIX[name[-1]]
    if width == 16:
        help = f"every access has the width of its location, 32 or 64 bits; use {name[:-1]}L"
        raise raw.mnemonic.error("MM330", f"mixed-size access: {name} has {width} bits", help)
    return row, name[:-1], width


@lru_cache(maxsize=4096)
def parse_cell(text: str, arch: str, site: Site | None = None) -> Cell:
    """The meaning of one non-empty cell; `site` is where the location that it names stands. Raises `CellError`."""
    raw, locked = _unlock(cut(text))
    if not raw.mnemonic.text:
        return finish(raw, (), ())
    row, name, width = _find(raw.mnemonic.text.upper(), raw)
    if width == 64 and arch == "X86":
        raise raw.mnemonic.error("MM301", f"unknown instruction '{raw.mnemonic.text}' on X86", f"use {name}L")
    if locked and name not in LOCKABLE:
        help = "locked are add, sub, and, or, xor, inc, dec, not, neg, xadd, xchg and cmpxchg, with memory"
        raise raw.mnemonic.error("MM301", f"unknown instruction 'lock {raw.mnemonic.text}'", help)
    shown = name.lower() if name in PLAIN else name if arch == "X86" else f"{name.lower()}l"
    asm = Asm(raw, row, shown, arch, width, site, locked=locked)
    return finish(raw, asm.meaning(), asm.targets, "" if name == "TEST" else asm.order)


_NAMED = re.compile(r"[(\[]\s*([A-Za-z_]\w*)\s*[)\]]", re.ASCII)


@lru_cache(maxsize=4096)
def place_of(text: str, arch: str) -> tuple[str, int] | None:
    """The location that a cell names, if any, and the width of the access, 0 if the text does not say."""
    named = (match[1] for match in _NAMED.finditer(text))
    name = next((n for n in named if register(n, arch) is None and not is_narrow(n)), None)
    if name is None:
        return None
    raw, _ = _unlock(cut(text), check=False)
    mnemonic = raw.mnemonic.text.upper()
    if mnemonic not in SIZED and mnemonic[:-1] in SIZED and mnemonic[-1:] in _SUFFIX:
        return name, _SUFFIX[mnemonic[-1]]
    found = (register(word, arch) for word in re.findall(r"%?\w+", raw.rest.text, re.ASCII))
    return name, next((r.width for r in found if r is not None), 0)
