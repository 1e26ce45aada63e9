"""AArch64 instructions: a cell of the table to statements.

An atomic that returns nothing (``STADD``, or a zero register as destination) has the tag ``NoRet`` and no acquire
(DDI 0487 M.a, B2.3). The comparison of a CAS is given to `Rmw` as such, for its own dependency rules (B2.3).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from mmcheck.ir.program import (
    OLD,
    TRUE,
    Assign,
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
from mmcheck.language.herd.aarch64_bits import table as bits
from mmcheck.language.herd.aarch64_operands import (
    EXTENSIONS,
    SHIFTS,
    Register,
    as_register,
    flexible,
    immediate,
    is_immediate,
    reg,
    take_address,
)  # fmt: skip
from mmcheck.language.herd.cell import END, Cell, Operands, Step, cut, finish, nearest, number, unknown
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
)  # fmt: skip

_NONE: Tags = frozenset()

Steps: TypeAlias = list[Step]
Reader: TypeAlias = Callable[[Operands], Steps]


def _move(ops: Operands) -> Steps:
    rd = reg(ops)
    piece = ops.next("a register or an immediate")
    if is_immediate(piece.text):
        value = immediate(ops, piece)
        if not -(1 << rd.width - 1) <= value < 1 << rd.width:
            raise ops.wrong(piece, f"an immediate of {rd.width} bits")
        return rd.write(constant(value, rd.width))
    return rd.write(as_register(ops, piece, rd.width, f"a register of {rd.width} bits or an immediate").read())


def _move_wide(kind: str) -> Reader:
    def read(ops: Operands) -> Steps:
        rd = reg(ops)
        piece = ops.next("an immediate such as #1")
        value = immediate(ops, piece)
        if not 0 <= value < 1 << 16:
            raise ops.wrong(piece, "an immediate of 16 bits")
        places = 0
        if ops.more():
            shift = ops.next("LSL #16")
            word, _, amount = shift.text.upper().partition(" ")
            found = number(amount.strip().removeprefix("#"))
            if word != "LSL" or found not in range(0, rd.width, 16):
                raise ops.wrong(shift, "LSL #0, #16, #32 or #48, within the register")
            places = found or 0
        if kind == "MOVK":
            kept = op("and", rd.read(), constant(~(0xFFFF << places), rd.width))
            return rd.write(op("or", kept, constant(value << places, rd.width)))
        return rd.write(constant(~(value << places) if kind == "MOVN" else value << places, rd.width))

    return read


def _arithmetic(name: str, *, invert: bool = False, flags: bool = False, discard: bool = False) -> Reader:
    """``rd := rn op operand``; `invert` complements the operand, `discard` has no `rd`."""

    def read(ops: Operands) -> Steps:
        if discard:
            rn = reg(ops)
            rd = Register("", rn.width)
        else:
            rd = reg(ops)
            rn = reg(ops, rd.width)
        a = rn.read()
        b = flexible(ops, rn.width)
        if invert:
            b = op("not", b)
        steps: Steps = []
        if flags:
            result = {"sub": flags_of_sub, "add": flags_of_add}.get(name)
            nzcv = result(a, b) if result else flags_of_result(op(name, a, b))
            steps = [(Assign, (flag, value)) for flag, value in zip((N, Z, C, V), nzcv, strict=True)]
        return steps + rd.write(op(name, a, b))

    return read


def _unary(name: str) -> Reader:
    def read(ops: Operands) -> Steps:
        rd = reg(ops)
        return rd.write(op(name, flexible(ops, rd.width)))

    return read


def _three(name: str) -> Reader:
    def read(ops: Operands) -> Steps:
        rd = reg(ops)
        a, b = reg(ops, rd.width).read(), reg(ops, rd.width).read()
        return rd.write(op(name, a, b))

    return read


def _shift(name: str) -> Reader:
    def read(ops: Operands) -> Steps:
        rd = reg(ops)
        a = reg(ops, rd.width).read()
        piece = ops.next("a register or an amount such as #1")
        if is_immediate(piece.text):
            amount = immediate(ops, piece)
            if not 0 <= amount < rd.width:
                raise ops.wrong(piece, f"an amount below {rd.width}")
            return rd.write(op(name, a, Const(amount, rd.width)))
        by = as_register(ops, piece, rd.width, f"a register of {rd.width} bits or an amount").read()
        return rd.write(op(name, a, op("and", by, Const(rd.width - 1, rd.width))))

    return read


def _extend(word: str) -> Reader:
    bits, how = EXTENSIONS[word]

    def read(ops: Operands) -> Steps:
        rd = reg(ops)
        value = low(reg(ops).read(), bits)
        if rd.width < bits or (word == "SXTW" and rd.width == 32):
            raise ops.wrong(ops.pieces[0], "an X register")
        return rd.write(widen(value, rd.width, how))

    return read


CONDITIONS: dict[str, Expr] = {
    "EQ": Z, "NE": negate(Z), "CS": C, "HS": C, "CC": negate(C), "LO": negate(C), "MI": N, "PL": negate(N),
    "VS": V, "VC": negate(V), "HI": op("and", C, negate(Z)), "LS": op("or", negate(C), Z),
    "GE": compare("eq", N, V), "LT": compare("ne", N, V),
    "GT": op("and", negate(Z), compare("eq", N, V)), "LE": op("or", Z, compare("ne", N, V)), "AL": TRUE,
}  # fmt: skip


def _condition(ops: Operands) -> Expr:
    piece = ops.next("a condition such as EQ")
    found = CONDITIONS.get(piece.text.upper())
    if found is None:
        raise ops.wrong(piece, "a condition", "the conditions are " + " ".join(CONDITIONS))
    return found


def _select(kind: str) -> Reader:
    """``CSEL`` and its family: `kind` is what happens to the second register (``""``, add, not, neg)."""

    def read(ops: Operands) -> Steps:
        rd = reg(ops)
        a, b = reg(ops, rd.width).read(), reg(ops, rd.width).read()
        return rd.write(Op("select", (_condition(ops), a, _altered(kind, b)), rd.width))

    return read


def _altered(kind: str, value: Expr) -> Expr:
    if kind == "add":
        return op("add", value, Const(1, value.width))
    return op(kind, value) if kind else value


def _conditional(kind: str) -> Reader:
    """``CINC rd,rn,cond`` and its family: the changed value where the condition holds."""

    def read(ops: Operands) -> Steps:
        rd = reg(ops)
        a = reg(ops, rd.width).read()
        return rd.write(Op("select", (_condition(ops), _altered(kind, a), a), rd.width))

    return read


def _set(yes: int) -> Reader:
    def read(ops: Operands) -> Steps:
        rd = reg(ops)
        return rd.write(Op("select", (_condition(ops), constant(yes, rd.width), Const(0, rd.width)), rd.width))

    return read


def _branch(ops: Operands) -> Steps:
    return [(Jump, (ops.label(), TRUE))]


def _branch_if(condition: Expr) -> Reader:
    return lambda ops: [(Jump, (ops.label(), condition))]


def _branch_zero(name: str) -> Reader:
    def read(ops: Operands) -> Steps:
        value = reg(ops).read()
        return [(Jump, (ops.label(), compare(name, value, Const(0, value.width))))]

    return read


def _branch_bit(name: str) -> Reader:
    def read(ops: Operands) -> Steps:
        rt = reg(ops)
        piece = ops.next("a bit number such as #0")
        bit = immediate(ops, piece, "a bit number such as #0")
        if not 0 <= bit < rt.width:
            raise ops.wrong(piece, f"a bit number below {rt.width}")
        value = op("and", rt.read(), Const(1 << bit, rt.width))
        return [(Jump, (ops.label(), compare(name, value, Const(0, rt.width))))]

    return read


def _load(tags: Tags = _NONE, *, plain: bool = False, exclusive: bool = False) -> Reader:
    def read(ops: Operands) -> Steps:
        target, move = reg(ops).receive()
        address, before, after = take_address(ops, plain=plain)
        return [*before, (Load, (target, address, tags, exclusive)), *move, *after]

    return read


def _load_signed(ops: Operands) -> Steps:
    rt = reg(ops, 64)
    temporary = Reg("%W" + rt.name[1:] if rt.name else "%ZR", 32)
    address, before, after = take_address(ops)
    return [*before, (Load, (temporary, address, _NONE, False)), *rt.write(widen(temporary, 64, "sext")), *after]


def _store(tags: Tags = _NONE, *, plain: bool = False) -> Reader:
    def read(ops: Operands) -> Steps:
        value = reg(ops).read()
        address, before, after = take_address(ops, plain=plain)
        return [*before, (Store, (address, value, tags)), *after]

    return read


def _store_exclusive(tags: Tags) -> Reader:
    def read(ops: Operands) -> Steps:
        status = reg(ops, 32)
        value = reg(ops).read()
        address, _, _ = take_address(ops, plain=True)
        return [(StoreExclusive, (Reg(status.name or "%ZR", 64 if status.name else 32), address, value, tags))]

    return read


def _read_tags(order: str, returns: bool) -> Tags:
    """Tags of the reading half; one that returns nothing acquires nothing."""
    if not returns:
        return frozenset({"X", "NoRet"})
    return frozenset({"X", "A"}) if "A" in order else frozenset({"X"})


def _write_tags(order: str) -> Tags:
    return frozenset({"X", "L"}) if "L" in order else frozenset({"X"})


_UPDATES: dict[str, Callable[[Expr, Expr], Expr]] = {
    "ADD": lambda old, v: op("add", old, v),
    "CLR": lambda old, v: op("and", old, op("not", v)),
    "EOR": lambda old, v: op("xor", old, v),
    "SET": lambda old, v: op("or", old, v),
    "SMAX": lambda old, v: op("smax", old, v),
    "SMIN": lambda old, v: op("smin", old, v),
    "UMAX": lambda old, v: op("umax", old, v),
    "UMIN": lambda old, v: op("umin", old, v),
}
_ORDERS = {"": "", "A": "A", "L": "L", "AL": "AL"}


def _fetch(update: Callable[[Expr, Expr], Expr], order: str, *, returns: bool = True) -> Reader:
    """``LDADD rs,rt,[xn]`` and ``STADD rs,[xn]``."""

    def read(ops: Operands) -> Steps:
        rs = reg(ops)
        rt = reg(ops, rs.width) if returns else Register("", rs.width)
        address, _, _ = take_address(ops, plain=True)
        target, move = rt.receive()
        new = update(Reg(OLD, rs.width), rs.read())
        return [(Rmw, (target, address, new, _read_tags(order, bool(rt.name)), _write_tags(order), *_RMW)), *move]

    return read


_RMW = (TRUE, _NONE, None, None, False, False)
"""The arguments of `Rmw` after the tags, for one that always writes."""


def _compare_and_swap(order: str) -> Reader:
    def read(ops: Operands) -> Steps:
        rs = reg(ops)
        new = reg(ops, rs.width).read()
        address, _, _ = take_address(ops, plain=True)
        target, move = rs.receive()
        tags = _read_tags(order, bool(rs.name))
        expected = rs.read()
        when = compare("eq", Reg(OLD, rs.width), expected)
        return [(Rmw, (target, address, new, tags, _write_tags(order), when, tags, None, expected, True, False)), *move]

    return read


_DOMAINS = ("SY", "ISH", "ISHLD", "ISHST", "OSH", "OSHLD", "OSHST", "NSH", "NSHLD", "NSHST", "LD", "ST")


def _barrier(kind: str) -> Reader:
    def read(ops: Operands) -> Steps:
        piece = ops.next("an option such as ISH")
        option = piece.text.upper()
        if option not in _DOMAINS:
            help = nearest(option, _DOMAINS) or "the options are " + " ".join(_DOMAINS)
            raise piece.error("MM306", f"unknown option '{piece.text}' of {kind}", help)
        return [(Fence, (frozenset({f"{kind}.{option}"}),))]

    return read


def _instruction_barrier(ops: Operands) -> Steps:
    if ops.more():
        piece = ops.next("SY")
        if piece.text.upper() != "SY":
            raise piece.error("MM306", f"unknown option '{piece.text}' of ISB", "ISB takes no option")
    return [(Fence, (frozenset({"ISB"}),))]


def _table() -> dict[str, tuple[Reader, str]]:
    """Every instruction: how it is read, and an example that error messages show."""
    table: dict[str, tuple[Reader, str]] = {
        "MOV": (_move, "MOV W0,#1"),
        "SXTW": (_extend("SXTW"), "SXTW X0,W1"),
        "NEG": (_unary("neg"), "NEG W0,W1"),
        "MVN": (_unary("not"), "MVN W0,W1"),
        "CMP": (_arithmetic("sub", flags=True, discard=True), "CMP W0,#1"),
        "CMN": (_arithmetic("add", flags=True, discard=True), "CMN W0,#1"),
        "TST": (_arithmetic("and", flags=True, discard=True), "TST W0,#1"),
        "CBZ": (_branch_zero("eq"), "CBZ W0,label"),
        "CBNZ": (_branch_zero("ne"), "CBNZ W0,label"),
        "TBZ": (_branch_bit("eq"), "TBZ W0,#0,label"),
        "TBNZ": (_branch_bit("ne"), "TBNZ W0,#0,label"),
        "B": (_branch, "B label"),
        "NOP": (lambda ops: [], "NOP"),
        "RET": (lambda ops: [(Jump, (END, TRUE))], "RET"),
        "ISB": (_instruction_barrier, "ISB"),
        "DMB": (_barrier("DMB"), "DMB ISH"),
        "DSB": (_barrier("DSB"), "DSB ISH"),
        "LDR": (_load(), "LDR W0,[X1]"),
        "LDUR": (_load(), "LDUR W0,[X1,#4]"),
        "LDRSW": (_load_signed, "LDRSW X0,[X1]"),
        "STR": (_store(), "STR W0,[X1]"),
        "STUR": (_store(), "STUR W0,[X1,#4]"),
        "LDAR": (_load(frozenset({"A"}), plain=True), "LDAR W0,[X1]"),
        "LDAPR": (_load(frozenset({"Q"}), plain=True), "LDAPR W0,[X1]"),
        "LDAPUR": (_load(frozenset({"Q"})), "LDAPUR W0,[X1,#4]"),
        "STLR": (_store(frozenset({"L"}), plain=True), "STLR W0,[X1]"),
        "STLUR": (_store(frozenset({"L"})), "STLUR W0,[X1,#4]"),
        "LDXR": (_load(frozenset({"X"}), plain=True, exclusive=True), "LDXR W0,[X1]"),
        "LDAXR": (_load(frozenset({"X", "A"}), plain=True, exclusive=True), "LDAXR W0,[X1]"),
        "STXR": (_store_exclusive(frozenset({"X"})), "STXR W2,W0,[X1]"),
        "STLXR": (_store_exclusive(frozenset({"X", "L"})), "STLXR W2,W0,[X1]"),
    }
    table |= bits(_condition)
    for name in ("MOVZ", "MOVN", "MOVK"):
        table[name] = (_move_wide(name), f"{name} W0,#1")
    for name, word, invert in (
        ("ADD", "add", False), ("SUB", "sub", False), ("AND", "and", False), ("ORR", "or", False),
        ("EOR", "xor", False), ("BIC", "and", True), ("ORN", "or", True), ("EON", "xor", True),
    ):  # fmt: skip
        table[name] = (_arithmetic(word, invert=invert), f"{name} W0,W1,W2")
    for name, word, invert in (
        ("ADDS", "add", False),
        ("SUBS", "sub", False),
        ("ANDS", "and", False),
        ("BICS", "and", True),
    ):
        table[name] = (_arithmetic(word, invert=invert, flags=True), f"{name} W0,W1,W2")
    for name, word in (("MUL", "mul"), ("UDIV", "udiv"), ("SDIV", "sdiv")):
        table[name] = (_three(word), f"{name} W0,W1,W2")
    for name, word in SHIFTS.items():
        table[name] = (_shift(word), f"{name} W0,W1,#1")
    for name in ("UXTB", "UXTH", "UXTW", "SXTB", "SXTH"):
        table[name] = (_extend(name), f"{name} W0,W1")
    for name, kind in (("CSEL", ""), ("CSINC", "add"), ("CSINV", "not"), ("CSNEG", "neg")):
        table[name] = (_select(kind), f"{name} W0,W1,W2,EQ")
    for name, kind in (("CINC", "add"), ("CINV", "not"), ("CNEG", "neg")):
        table[name] = (_conditional(kind), f"{name} W0,W1,EQ")
    table["CSET"] = (_set(1), "CSET W0,EQ")
    table["CSETM"] = (_set(-1), "CSETM W0,EQ")
    for name, condition in CONDITIONS.items():
        table[f"B.{name}"] = (_branch_if(condition), f"B.{name} label")
        table[f"B{name}"] = (_branch_if(condition), f"B.{name} label")
    for order in _ORDERS:
        table[f"SWP{order}"] = (_fetch(lambda old, v: v, order), f"SWP{order} W0,W1,[X2]")
        table[f"CAS{order}"] = (_compare_and_swap(order), f"CAS{order} W0,W1,[X2]")
        for name, update in _UPDATES.items():
            table[f"LD{name}{order}"] = (_fetch(update, order), f"LD{name}{order} W0,W1,[X2]")
            if "A" not in order:
                table[f"ST{name}{order}"] = (_fetch(update, order, returns=False), f"ST{name}{order} W0,[X1]")
    return table


TABLE = _table()
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
    entry = TABLE.get(name)
    if entry is None:
        narrow = _NARROW.match(name)
        if narrow is not None:
            bits = 8 if narrow[1] == "B" else 16
            help = f"every access has the width of its location, 32 or 64 bits; use {name[:-1]}"
            raise raw.mnemonic.error("MM330", f"mixed-size access: {name} has {bits} bits", help)
        reason = next((why for pattern, why in _REASONS if pattern.match(name)), "")
        raise unknown(raw, TABLE, reason)
    ops = Operands(raw, entry[1])
    steps = entry[0](ops)
    ops.finish()
    return finish(raw, steps, ops.targets)
