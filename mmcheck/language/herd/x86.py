"""x86 instructions, 64-bit and 32-bit: a cell of the table to statements.

Every locked instruction, and ``xchg`` with memory, is one read-modify-write with the tag ``X`` on both halves; the
same without ``lock`` is a read and a write.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from mmcheck.ir.program import OLD, TRUE, Assign, Const, Expr, Fence, Jump, Load, Reg, Rmw, Store, Tags
from mmcheck.language.herd.cell import END, Cell, Piece, Raw, Step, cut, finish, unknown
from mmcheck.language.herd.values import C, N, V, Z, compare, flags_of_add, flags_of_result, flags_of_sub, negate, op
from mmcheck.language.herd.x86_computing import computing
from mmcheck.language.herd.x86_operands import Asm, Immediate, Memory, Operand, Register, Site, is_narrow, register

LOCKED: Tags = frozenset({"X"})
_NONE: Tags = frozenset()

Steps: TypeAlias = list[Step]
Reader: TypeAlias = Callable[[Asm], Steps]
_RMW = (TRUE, _NONE, None, None, False, False)
"""The arguments of `Rmw` after the tags, for one that always writes."""


def _needs_memory(asm: Asm, destination: Operand, piece: Piece) -> None:
    if asm.locked and not isinstance(destination, Memory):
        raise asm.ops.wrong(
            piece, "a memory operand as destination", "only an instruction that writes memory can be locked"
        )


def _move(asm: Asm) -> Steps:
    destination, source, place, origin = asm.two()
    if isinstance(destination, Memory):
        return [(Store, (asm.address(destination), asm.value(source, origin), _NONE))]
    if not isinstance(destination, Register):
        raise asm.ops.wrong(place, "a register or a memory operand")
    if isinstance(source, Memory):
        return _load_into(asm, destination, asm.address(source))
    return destination.write(asm.value(source, origin))


def _load_into(asm: Asm, destination: Register, address: Expr) -> Steps:
    if destination.full == asm.width:
        return [(Load, (Reg(destination.name, destination.full), address, _NONE, False))]
    return [(Load, (asm.temporary, address, _NONE, False)), *destination.write(asm.temporary)]


class Result(NamedTuple):
    """What an operation makes of destination and source: the new value, and N Z C V."""

    value: Expr
    flags: tuple[Expr, Expr, Expr, Expr]


def _add(a: Expr, b: Expr) -> Result:
    return Result(op("add", a, b), flags_of_add(a, b))


def _sub(a: Expr, b: Expr) -> Result:
    n, z, c, v = flags_of_sub(a, b)
    return Result(op("sub", a, b), (n, z, negate(c), v))


def _logical(name: str) -> Callable[[Expr, Expr], Result]:
    def compute(a: Expr, b: Expr) -> Result:
        value = op(name, a, b)
        return Result(value, flags_of_result(value))

    return compute


def _set(flags: tuple[Expr, ...], *, carry: bool = True) -> Steps:
    return [(Assign, (flag, value)) for flag, value in zip((N, Z, C, V), flags, strict=True) if carry or flag is not C]


def _update(
    asm: Asm,
    destination: Operand,
    place: Piece,
    b: Expr,
    compute: Callable[[Expr, Expr], Result],
    *,
    carry: bool = True,
) -> Steps:
    """``destination := destination op b``; with memory one locked event pair, or a read and a write."""
    _needs_memory(asm, destination, place)
    if isinstance(destination, Register):
        result = compute(destination.read(asm.width), b)
        return _set(result.flags, carry=carry) + destination.write(result.value)
    if not isinstance(destination, Memory):
        raise asm.ops.wrong(place, "a register or a memory operand")
    address = asm.address(destination)
    old = asm.temporary
    result = compute(old, b)
    if asm.locked:
        new = compute(Reg(OLD, asm.width), b).value
        return [(Rmw, (old, address, new, LOCKED, LOCKED, *_RMW)), *_set(result.flags, carry=carry)]
    return [
        (Load, (old, address, _NONE, False)),
        (Store, (address, result.value, _NONE)),
        *_set(result.flags, carry=carry),
    ]


def _binary(compute: Callable[[Expr, Expr], Result]) -> Reader:
    def read(asm: Asm) -> Steps:
        destination, source, place, origin = asm.two()
        if isinstance(source, Memory):
            _needs_memory(asm, destination, place)
            if not isinstance(destination, Register):
                raise asm.ops.wrong(place, "a register")
            result = compute(destination.read(asm.width), asm.temporary)
            load: Steps = [(Load, (asm.temporary, asm.address(source), _NONE, False))]
            return load + _set(result.flags) + destination.write(result.value)
        return _update(asm, destination, place, asm.value(source, origin), compute)

    return read


def _step(compute: Callable[[Expr, Expr], Result]) -> Reader:
    """``inc`` and ``dec``, which leave the carry alone."""

    def read(asm: Asm) -> Steps:
        destination, place = asm.operand("a register or a memory operand")
        if isinstance(destination, Immediate):
            raise asm.ops.wrong(place, "a register or a memory operand")
        asm.settle(destination, destination, place, place)
        return _update(asm, destination, place, Const(1, asm.width), compute, carry=False)

    return read


def _unary(name: str) -> Reader:
    """``not`` (no flags) and ``neg``."""

    def read(asm: Asm) -> Steps:
        destination, place = asm.operand("a register or a memory operand")
        if isinstance(destination, Immediate):
            raise asm.ops.wrong(place, "a register or a memory operand")
        asm.settle(destination, destination, place, place)
        zero = Const(0, asm.width)

        def compute(a: Expr, _: Expr) -> Result:
            if name == "not":
                return Result(op("not", a), (N, Z, C, V))
            return Result(op("neg", a), _sub(zero, a).flags)

        steps = _update(asm, destination, place, zero, compute)
        return [s for s in steps if name == "neg" or s[0] is not Assign or s[1][0] not in (N, Z, C, V)]

    return read


def _compare(compute: Callable[[Expr, Expr], Result]) -> Reader:
    """``cmp`` and ``test``: flags only."""

    def read(asm: Asm) -> Steps:
        destination, source, place, origin = asm.two()
        steps: Steps = []
        values: list[Expr] = []
        for operand, piece in ((destination, place), (source, origin)):
            if isinstance(operand, Memory):
                steps.append((Load, (asm.temporary, asm.address(operand), _NONE, False)))
                values.append(asm.temporary)
            else:
                values.append(asm.value(operand, piece))
        return steps + _set(compute(*values).flags)

    return read


def _register_and_memory(asm: Asm) -> tuple[Register, Memory | Register, Piece]:
    """The operands of ``xchg`` and its like, in either order: a register, and memory or another register."""
    first, first_piece = asm.operand("a register or a memory operand")
    second, second_piece = asm.operand("a register or a memory operand")
    for operand, piece in ((first, first_piece), (second, second_piece)):
        if isinstance(operand, Immediate):
            raise asm.ops.wrong(piece, "a register or a memory operand")
    asm.settle(first, second, first_piece, second_piece)
    if isinstance(first, Memory):
        if not isinstance(second, Register):
            raise asm.ops.wrong(second_piece, "a register", "an instruction has at most one memory operand")
        return second, first, first_piece
    if isinstance(first, Register) and isinstance(second, Memory | Register):
        return first, second, second_piece
    raise asm.ops.wrong(first_piece, "a register")


def _exchange(asm: Asm) -> Steps:
    one, other, _ = _register_and_memory(asm)
    if isinstance(other, Register):
        _needs_memory(asm, other, asm.ops.pieces[1])
        keep: Steps = [(Assign, (asm.temporary, one.read(asm.width)))]
        return keep + one.write(other.read(asm.width)) + other.write(asm.temporary)
    new = one.read(asm.width)
    return [(Rmw, (asm.temporary, asm.address(other), new, LOCKED, LOCKED, *_RMW)), *one.write(asm.temporary)]


def _exchange_add(asm: Asm) -> Steps:
    one, other, place = _register_and_memory(asm)
    _needs_memory(asm, other, place)
    old = asm.temporary
    if isinstance(other, Register):
        one, other = other, one
        result = _add(one.read(asm.width), other.read(asm.width))
        keep: Steps = [(Assign, (old, one.read(asm.width)))]
        return keep + _set(result.flags) + one.write(result.value) + other.write(old)
    result = _add(old, one.read(asm.width))
    address = asm.address(other)
    if asm.locked:
        new = op("add", Reg(OLD, asm.width), one.read(asm.width))
        access: Steps = [(Rmw, (old, address, new, LOCKED, LOCKED, *_RMW))]
    else:
        access = [(Load, (old, address, _NONE, False)), (Store, (address, result.value, _NONE))]
    return access + _set(result.flags) + one.write(old)


def _compare_exchange(asm: Asm) -> Steps:
    """``cmpxchg``: compares memory with rax; writes if equal, and rax gets what was read."""
    one, other, place = _register_and_memory(asm)
    if isinstance(other, Register):
        raise asm.ops.wrong(place, "a memory operand")
    rax = register("eax", asm.arch)
    assert rax is not None
    expected = rax.read(asm.width)
    old = asm.temporary
    address = asm.address(other)
    new = one.read(asm.width)
    flags = _sub(expected, old).flags
    if asm.locked:
        when = compare("eq", Reg(OLD, asm.width), expected)
        access: Steps = [(Rmw, (old, address, new, LOCKED, LOCKED, when, LOCKED, Z, None, False, False))]
        return access + [step for step in _set(flags) if step[1][0] is not Z] + rax.write(old)
    raise asm.ops.mnemonic.error("MM301", "unknown instruction 'cmpxchg' without lock", "write 'lock cmpxchg'")


def _fence(tag: str) -> Reader:
    return lambda asm: [(Fence, (frozenset({tag}),))]


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


def _jump(condition: Expr) -> Reader:
    return lambda asm: [(Jump, (asm.ops.label(), condition))]


def _ignore(asm: Asm) -> Steps:
    """The long forms of nop, whose operand means nothing: all that is left of it are the registers that it names."""
    if asm.ops.more():
        words = re.findall(r"\w+", asm.ops.next("an operand").text, re.ASCII)
        named = [found for word in words if (found := register(word, asm.arch)) is not None]
        return [(Assign, (each.whole, each.whole)) for each in named]
    return []


_MORE_SIZED, _MORE = computing(CONDITIONS)
_SIZED: dict[str, tuple[Reader, bool]] = {
    **{name: (reader, False) for name, reader in _MORE_SIZED.items()},
    "MOVABS": (_move, False),
    "MOV": (_move, False),
    "XCHG": (_exchange, True),
    "XADD": (_exchange_add, True),
    "CMPXCHG": (_compare_exchange, True),
    "ADD": (_binary(_add), True),
    "SUB": (_binary(_sub), True),
    "AND": (_binary(_logical("and")), True),
    "OR": (_binary(_logical("or")), True),
    "XOR": (_binary(_logical("xor")), True),
    "INC": (_step(_add), True),
    "DEC": (_step(_sub), True),
    "NOT": (_unary("not"), True),
    "NEG": (_unary("neg"), True),
    "CMP": (_compare(_sub), False),
    "TEST": (_compare(_logical("and")), False),
}
"""Instructions that take a size suffix, and whether they can be locked."""

_PLAIN: dict[str, Reader] = {
    **_MORE,
    "MFENCE": _fence("MFENCE"), "LFENCE": _fence("LFENCE"), "SFENCE": _fence("SFENCE"), "NOP": lambda asm: [],
    "RET": lambda asm: [(Jump, (END, TRUE))], "NOPL": _ignore, "NOPW": _ignore,
    "JMP": _jump(TRUE), **{f"J{name}": _jump(condition) for name, condition in CONDITIONS.items()},
}  # fmt: skip
_SUFFIX = {"B": 8, "W": 16, "L": 32, "Q": 64}
_ONE = frozenset({"INC", "DEC", "NOT", "NEG"})


def _known() -> list[str]:
    return [*_PLAIN, *_SIZED, *(f"{name}{suffix}" for name in _SIZED for suffix in "LQ"), "LOCK"]


def _usage(name: str, arch: str) -> str:
    if name.startswith("J"):
        return f"{name.lower()} label"
    if name.startswith("SET"):
        return f"{name.lower()} %al"
    if name in _PLAIN:
        return name.lower()
    if name in _ONE:
        return f"{name.lower()}l (x)" if arch == "X86_64" else f"{name} [x]"
    return f"{name.lower()}l %eax,(x)" if arch == "X86_64" else f"{name} [x],EAX"


def _unlock(raw: Raw, *, check: bool = True) -> tuple[Raw, bool]:
    """`raw` without its ``lock`` prefix."""
    if raw.mnemonic.text.upper() != "LOCK":
        return raw, False
    inner = cut(" " * raw.rest.start + raw.rest.text)
    if check and not inner.mnemonic.text:
        help = "write it as 'lock addl $1,(x)'"
        raise raw.mnemonic.error("MM303", "missing operand of lock: expected an instruction", help)
    return Raw(raw.labels, inner.mnemonic, inner.rest, raw.text), True


def _find(name: str, raw: Raw) -> tuple[Reader, str, int, bool]:
    """For a mnemonic in capitals: how it is read, its name without suffix, its width (0: none), lockable."""
    plain = _PLAIN.get(name)
    if plain is not None:
        return plain, name, 0, False
    sized = _SIZED.get(name)
    if sized is not None:
        return sized[0], name, 0, sized[1]
    sized = _SIZED.get(name[:-1])
    if sized is None or name[-1] not in _SUFFIX:
        reason = "non-temporal stores are not supported" if name.startswith("MOVNT") else ""
        raise unknown(raw, _known(), reason)
    width = _SUFFIX[name[-1]]
    if width == 16:
        help = f"every access has the width of its location, 32 or 64 bits; use {name[:-1]}L"
        raise raw.mnemonic.error("MM330", f"mixed-size access: {name} has {width} bits", help)
    return sized[0], name[:-1], width, sized[1]


@lru_cache(maxsize=4096)
def parse_cell(text: str, arch: str, site: Site | None = None) -> Cell:
    """The meaning of one non-empty cell; `site` is where the location that it names stands. Raises `CellError`."""
    raw, locked = _unlock(cut(text))
    if not raw.mnemonic.text:
        return finish(raw, (), ())
    reader, name, width, lockable = _find(raw.mnemonic.text.upper(), raw)
    if width == 64 and arch == "X86":
        raise raw.mnemonic.error("MM301", f"unknown instruction '{raw.mnemonic.text}' on X86", f"use {name}L")
    if locked and not lockable:
        help = "locked are add, sub, and, or, xor, inc, dec, not, neg, xadd, xchg and cmpxchg, with memory"
        raise raw.mnemonic.error("MM301", f"unknown instruction 'lock {raw.mnemonic.text}'", help)
    asm = Asm(raw, _usage(name, arch), arch, width, site)
    asm.locked = locked
    steps = reader(asm)
    asm.ops.finish()
    return finish(raw, steps, asm.ops.targets, "" if name == "TEST" else asm.order)


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
    if mnemonic not in _SIZED and mnemonic[:-1] in _SIZED and mnemonic[-1:] in _SUFFIX:
        return name, _SUFFIX[mnemonic[-1]]
    found = (register(word, arch) for word in re.findall(r"%?\w+", raw.rest.text, re.ASCII))
    return name, next((r.width for r in found if r is not None), 0)
