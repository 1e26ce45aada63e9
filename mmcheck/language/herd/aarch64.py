"""AArch64 instructions: a row for each, and a cell of the table to its statements.

An atomic that returns nothing (``STADD``, or a zero register as destination) has the tag ``NoRet`` and no acquire
(DDI 0487 M.a, B2.3). The comparison of a CAS is given to `Rmw` as such, for its own dependency rules (B2.3).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TypeAlias

from mmcheck.ir.program import (
    NO_TAGS,
    OLD,
    TRUE,
    Const,
    Expr,
    Fence,
    Jump,
    Load,
    Op,
    Reg,
    Rmw,
    Store,
    StoreExclusive,
    Tags,
)  # fmt: skip
from mmcheck.language.herd.aarch64_operands import CONDITIONS, EXTENSIONS, KINDS, SHIFTS, Field, Register
from mmcheck.language.herd.cell import END, Cell, Step, cut, finish, unknown
from mmcheck.language.herd.instruction import Operands, Row, set_flags
from mmcheck.language.herd.values import (
    Flags,
    compare,
    constant,
    flags_of_add,
    flags_of_result,
    flags_of_sub,
    low,
    op,
    widen,
)  # fmt: skip

Two: TypeAlias = Callable[[Expr, Expr], Expr]
FlagsOf: TypeAlias = Callable[[Expr, Expr], Flags]

# --- effects ---------------------------------------------------------------------------------------------


def load(d: Register, address: Expr, tags: str = "", *, exclusive: bool = False) -> list[Step]:
    """Read memory into `d`; each letter of `tags` is one tag."""
    target, move = d.receive()
    return [(Load, (target, address, frozenset(tags), exclusive)), *move]


def _load_signed(d: Register, address: Expr) -> list[Step]:
    """Read 32 bits into the 64 of `d`, with their sign."""
    half, _ = Register(d.name, 32).receive()
    return [(Load, (half, address, NO_TAGS, False)), *d.write(widen(half, 64, "sext"))]


def store(value: Expr, address: Expr, tags: str = "") -> list[Step]:
    """Write `value` to memory; each letter of `tags` is one tag."""
    return [(Store, (address, value, frozenset(tags)))]


def _store_exclusive(status: Register, value: Expr, address: Expr, tags: str) -> list[Step]:
    target = Reg(status.name, 64) if status.name else Reg("%ZR", 32)
    return [(StoreExclusive, (target, address, value, frozenset(tags)))]


def _atomic(old: Register, address: Expr, new: Expr, order: str, compared: Expr | None = None) -> list[Step]:
    """Read memory into `old` and write `new`, if `compared` is not given or is what was read. Letters of `order` are
    those of the mnemonic."""
    target, move = old.receive()
    read: Tags = frozenset(("X", "NoRet") if not old.name else ("X", "A") if "A" in order else "X")
    write: Tags = frozenset(("X", "L") if "L" in order else "X")
    when = TRUE if compared is None else compare("eq", Reg(OLD, old.width), compared)
    fail = NO_TAGS if compared is None else read
    return [(Rmw, (target, address, new, read, write, when, fail, None, compared, compared is not None, False)), *move]


def _insert(d: Register, value: Expr, field: Field) -> list[Step]:
    """Replace `field` of `d` by `value`, which is 0 elsewhere."""
    mask = ((1 << field.bits) - 1) << field.least
    return d.write(op("or", op("and", d.read(), constant(~mask, d.width)), value))


def _compare_if(flags: FlagsOf, a: Expr, b: Expr, otherwise: int, condition: Expr) -> list[Step]:
    """The flags of a comparison if the condition holds, else those given as the bits of a number. What the condition
    depends on is picked by it, as in ``CSEL``."""
    given = [Const(otherwise >> bit & 1, 1) for bit in (3, 2, 1, 0)]
    return set_flags([_select(condition, *pair) for pair in zip(flags(a, b), given, strict=True)])


def _fetch(update: Two, order: str, s: Expr, t: Register, address: Expr) -> list[Step]:
    return _atomic(t, address, update(Reg(OLD, s.width), s), order)


def _compare_and_swap(order: str, s: Register, t: Expr, address: Expr) -> list[Step]:
    return _atomic(s, address, t, order, s.read())


# --- values ------------------------------------------------------------------------------------------------


def _with_complement(name: str, a: Expr, b: Expr) -> Expr:
    return op(name, a, op("not", b))


def _select(condition: Expr, yes: Expr, no: Expr) -> Expr:
    return Op("select", (condition, yes, no), no.width)


def _extracted(how: str, n: Expr, field: Field) -> Expr:
    """A field of `n`, alone."""
    return widen(low(op("lshr", n, Const(field.least, n.width)), field.bits), n.width, how)


def _placed(how: str, n: Expr, field: Field) -> Expr:
    """The low bits of `n`, at the place of `field`."""
    return op("shl", widen(low(n, field.bits), n.width, how), Const(field.least, n.width))


def _product(how: str, n: Expr, m: Expr) -> Expr:
    """The 64 bits of a product of 32."""
    return op("mul", widen(n, 64, how), widen(m, 64, how))


def _is_zero(name: str, t: Expr) -> Expr:
    """With ``eq``; with ``ne`` the contrary."""
    return compare(name, t, Const(0, t.width))


# --- rows --------------------------------------------------------------------------------------------------


def _sets(operands: str, value: Callable[..., Expr]) -> Row:
    """The first operand gets a value that the others determine."""
    return Row(f"d {operands}".rstrip(), lambda d, *read: d.write(value(*read)))


def _sets_flags(compute: Two, flags: FlagsOf) -> Row:
    return Row("d r flexible", lambda d, a, b: [*set_flags(flags(a, b)), *d.write(compute(a, b))])


def _compares(flags: FlagsOf, example: str) -> Row:
    return Row("r flexible", lambda a, b: set_flags(flags(a, b)), example)


def _extends(word: str) -> Row:
    bits, how = EXTENSIONS[word]
    to = "dx" if word == "SXTW" else "d"
    return Row(f"{to} any", lambda d, n: d.write(widen(low(n, bits), d.width, how)))


def _chooses(yes: int) -> Row:
    return Row("d condition", lambda d, c: d.write(_select(c, constant(yes, d.width), Const(0, d.width))))


def _branches(condition: Expr, example: str = "") -> Row:
    return Row("label", lambda label: [(Jump, (label, condition))], example)


def _branches_on_zero(name: str) -> Row:
    return Row("r label", lambda t, label: [(Jump, (label, _is_zero(name, t)))])


def _branches_on_bit(name: str) -> Row:
    return Row("r bit label", lambda t, bit, label: [(Jump, (label, _is_zero(name, op("and", t, bit))))])


def _fences(kind: str) -> Row:
    return Row("domain", lambda domain: [(Fence, (frozenset({f"{kind}.{domain}"}),))])


# --- the table ---------------------------------------------------------------------------------------------

_ORDERS = ("", "A", "L", "AL")
_COMPUTE: dict[str, Two] = {
    **{name: partial(op, word) for name, word in
       (("ADD", "add"), ("SUB", "sub"), ("AND", "and"), ("ORR", "or"), ("EOR", "xor"))},
    **{name: partial(_with_complement, word) for name, word in (("BIC", "and"), ("ORN", "or"), ("EON", "xor"))},
}  # fmt: skip
_UPDATES: dict[str, Two] = {
    "ADD": _COMPUTE["ADD"], "CLR": _COMPUTE["BIC"], "EOR": _COMPUTE["EOR"], "SET": _COMPUTE["ORR"],
    **{name: partial(op, name.lower()) for name in ("SMAX", "SMIN", "UMAX", "UMIN")},
}  # fmt: skip


def _incremented(value: Expr) -> Expr:
    return op("add", value, Const(1, value.width))


def _flags_of_and(a: Expr, b: Expr) -> Flags:
    return flags_of_result(op("and", a, b))


def _flags_of_bic(a: Expr, b: Expr) -> Flags:
    return flags_of_result(_with_complement("and", a, b))


TABLE: dict[str, Row] = {
    "MOV": _sets("value", lambda value: value),
    "MOVZ": Row("d imm16 places", lambda d, n, left: d.write(constant(n << left, d.width))),
    "MOVN": Row("d imm16 places", lambda d, n, left: d.write(constant(~(n << left), d.width))),
    "MOVK": Row("d imm16 places", lambda d, n, left: _insert(d, constant(n << left, d.width), Field(left, 16))),
    **{name: _sets("r flexible", compute) for name, compute in _COMPUTE.items()},
    "ADDS": _sets_flags(_COMPUTE["ADD"], flags_of_add),
    "SUBS": _sets_flags(_COMPUTE["SUB"], flags_of_sub),
    "ANDS": _sets_flags(_COMPUTE["AND"], _flags_of_and),
    "BICS": _sets_flags(_COMPUTE["BIC"], _flags_of_bic),
    "NEG": _sets("flexible", partial(op, "neg")),
    "MVN": _sets("flexible", partial(op, "not")),
    "MUL": _sets("r r", partial(op, "mul")),
    "UDIV": _sets("r r", partial(op, "udiv")),
    "SDIV": _sets("r r", partial(op, "sdiv")),
    "MADD": _sets("r r r", lambda n, m, a: op("add", a, op("mul", n, m))),
    "MSUB": _sets("r r r", lambda n, m, a: op("sub", a, op("mul", n, m))),
    "UMULL": Row("dx w w", lambda d, n, m: d.write(_product("zext", n, m))),
    "SMULL": Row("dx w w", lambda d, n, m: d.write(_product("sext", n, m))),
    **{name: _sets("r amount", partial(op, word)) for name, word in SHIFTS.items()},
    **{name: _extends(name) for name in EXTENSIONS if name[-1] != "X"},
    "UBFX": _sets("r field", partial(_extracted, "zext")),
    "SBFX": _sets("r field", partial(_extracted, "sext")),
    "UBFIZ": _sets("r field", partial(_placed, "zext")),
    "SBFIZ": _sets("r field", partial(_placed, "sext")),
    "BFI": Row("d r field", lambda d, n, field: _insert(d, _placed("zext", n, field), field)),
    "BFXIL": Row("d r field", lambda d, n, field: _insert(d, _extracted("zext", n, field), Field(0, field.bits))),
    "CMP": _compares(flags_of_sub, "CMP W0,#1"),
    "CMN": _compares(flags_of_add, "CMN W0,#1"),
    "TST": _compares(_flags_of_and, "TST W0,#1"),
    "CCMP": Row("r value nzcv condition", partial(_compare_if, flags_of_sub)),
    "CCMN": Row("r value nzcv condition", partial(_compare_if, flags_of_add)),
    "CSEL": _sets("r r condition", lambda n, m, c: _select(c, n, m)),
    "CSINC": _sets("r r condition", lambda n, m, c: _select(c, n, _incremented(m))),
    "CSINV": _sets("r r condition", lambda n, m, c: _select(c, n, op("not", m))),
    "CSNEG": _sets("r r condition", lambda n, m, c: _select(c, n, op("neg", m))),
    "CINC": _sets("r condition", lambda n, c: _select(c, _incremented(n), n)),
    "CINV": _sets("r condition", lambda n, c: _select(c, op("not", n), n)),
    "CNEG": _sets("r condition", lambda n, c: _select(c, op("neg", n), n)),
    "CSET": _chooses(1),
    "CSETM": _chooses(-1),
    "B": _branches(TRUE),
    **{f"B.{name}": _branches(condition) for name, condition in CONDITIONS.items()},
    **{f"B{name}": _branches(condition, f"B.{name} label") for name, condition in CONDITIONS.items()},
    "CBZ": _branches_on_zero("eq"),
    "CBNZ": _branches_on_zero("ne"),
    "TBZ": _branches_on_bit("eq"),
    "TBNZ": _branches_on_bit("ne"),
    "NOP": Row("", list),
    "RET": Row("", lambda: [(Jump, (END, TRUE))]),
    "DMB": _fences("DMB"),
    "DSB": _fences("DSB"),
    "ISB": Row("sy", lambda _: [(Fence, (frozenset({"ISB"}),))]),
    "LDR": Row("d address", load),
    "LDUR": Row("d address", load, "LDUR W0,[X1,#4]"),
    "LDRSW": Row("dx address", _load_signed),
    "STR": Row("r address", store),
    "STUR": Row("r address", store, "STUR W0,[X1,#4]"),
    "LDAR": Row("d base", lambda d, a: load(d, a, "A")),
    "LDAPR": Row("d base", lambda d, a: load(d, a, "Q")),
    "LDAPUR": Row("d address", lambda d, a: load(d, a, "Q"), "LDAPUR W0,[X1,#4]"),
    "STLR": Row("r base", lambda value, a: store(value, a, "L")),
    "STLUR": Row("r address", lambda value, a: store(value, a, "L"), "STLUR W0,[X1,#4]"),
    "LDXR": Row("d base", lambda d, a: load(d, a, "X", exclusive=True)),
    "LDAXR": Row("d base", lambda d, a: load(d, a, "XA", exclusive=True)),
    "STXR": Row("dw r base", lambda s, value, a: _store_exclusive(s, value, a, "X"), "STXR W2,W0,[X1]"),
    "STLXR": Row("dw r base", lambda s, value, a: _store_exclusive(s, value, a, "XL"), "STLXR W2,W0,[X1]"),
    **{f"SWP{order}": Row("r d base", partial(_fetch, lambda old, value: value, order)) for order in _ORDERS},
    **{f"CAS{order}": Row("d r base", partial(_compare_and_swap, order)) for order in _ORDERS},
    **{f"LD{name}{order}": Row("r d base", partial(_fetch, update, order))
       for name, update in _UPDATES.items() for order in _ORDERS},
    **{f"ST{name}{order}": Row("r zero base", partial(_fetch, update, order))
       for name, update in _UPDATES.items() for order in ("", "L")},
}  # fmt: skip
"""Every instruction. The effects of each happen at once, so that ``LDP`` would be
``Row("d d address", lambda d, e, a: [*load(d, a), *load(e, op("add", a, Const(d.width // 8, 64)))])``."""

_NARROW = re.compile(
    r"(?:LD(?:A|AP|U|X|AX|LA|AP?U)?RS?|ST(?:L|LL|U|X|LX|LU)?R|SWP(?:A|L|AL)?|CAS(?:A|L|AL)?"
    r"|(?:LD|ST)(?:ADD|CLR|EOR|SET|[SU]MAX|[SU]MIN)(?:A|L|AL)?)(B|H)\Z"
)
_REASONS = (
    (re.compile(r"(?:LDN?P|STN?P|LDPSW|LDA?XP|STL?XP|CASP(?:A|L|AL)?)\Z"), "accesses to pairs are not supported"),
    (re.compile(r"(?:STZ?2?G|LDG|IRG|GMI|ADDG|SUBG)\Z"), "memory tags are not supported"),
    (
        re.compile(r"(?:DC|IC|AT|TLBI|MSR|MRS|SVC|ERET|HVC|SMC)\Z"),
        "caches, page tables and exceptions are not supported",
    ),
    (re.compile(r"(?:LD|ST)[1-4]R?\Z|(?:MOVI|DUP|FMOV|PTRUE|WHILE\w+)\Z"), "vectors are not supported"),
    (re.compile(r"(?:BL|BR|BLR|ADR|ADRP)\Z"), "calls and code addresses are not supported"),
)


@lru_cache(maxsize=4096)
def parse_cell(text: str) -> Cell:
    """The meaning of one non-empty cell; raises `CellError`."""
    raw = cut(text)
    if not raw.mnemonic.text:
        return finish(raw, (), ())
    name = raw.mnemonic.text.upper()
    row = TABLE.get(name)
    if row is None:
        narrow = _NARROW.match(name)
        if narrow is not None:
            bits = 8 if narrow[1] == "B" else 16
            help = f"every access has the width of its location, 32 or 64 bits; use {name[:-1]}"
            raise raw.mnemonic.error("MM330", f"mixed-size access: {name} has {bits} bits", help)
        reason = next((why for pattern, why in _REASONS if pattern.match(name)), "")
        raise unknown(raw, TABLE, reason)
    ops = Operands(raw, row, KINDS, name)
    return finish(raw, ops.meaning(), ops.targets)
