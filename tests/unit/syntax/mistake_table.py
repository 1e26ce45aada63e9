"""Mistakes that people make, and what they are told: one table for the parser and for the lowering.

`phase` says who finds it: ``syntax`` the parser, ``names`` whoever resolves names and vocabulary,
``none`` nobody, because it is no mistake. For ``names`` the message is the content to keep, and the
position is that of the word at fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong text; `code` and `help` are given where the parser finds it."""

    name: str
    text: str
    message: str
    line: int
    column: int
    code: str = ""
    help: str = ""
    phase: Literal["syntax", "names", "none"] = "syntax"


def thread(body: str) -> str:
    """A specification whose thread has `body`, indented by two, from line 4 on."""
    lines = "".join(f"  {line}\n" for line in body.split("\n"))
    return f"memory x, y\nrequirement r1 {{ forall x == y }}\nthread P0 {{\n{lines}}}\n"


def after(tail: str) -> str:
    """A specification with `tail` behind its only thread, from line 5 on."""
    head = "memory x, y\nrequirement r1 { forall x == y }\n"
    return head + f"thread P0 {{ x = 1; pub: fence(release); y = 1 }}\nthread P1 {{ x = 2 }}\n{tail}\n"


ROWS: list[Mistake] = [
    # ---- names and vocabulary ----
    Mistake(
        "order misspelt", thread("fence(aquire)"), "'aquire' is no order; did you mean 'acquire'?", 4, 9, phase="names"
    ),
    Mistake(
        "word misspelt", thread("fense(release)"), "unknown word 'fense'; did you mean 'fence'?", 4, 3, phase="names"
    ),
    Mistake(
        "Linux word misspelt",
        thread("smb_wmb()"),
        "unknown word 'smb_wmb'; did you mean 'smp_wmb'?",
        4,
        3,
        phase="names",
    ),
    Mistake(
        "method misspelt",
        thread("x.sotre(1, release)"),
        "no access is called 'sotre'; did you mean 'store'?",
        4,
        5,
        phase="names",
    ),
    Mistake(
        "order of the wrong kind",
        thread("let a = x.load(release)"),
        "a load cannot be 'release': relaxed, acquire, seq_cst",
        4,
        18,
        phase="names",
    ),
    Mistake(
        "store order of the wrong kind",
        thread("x.store(1, acquire)"),
        "a store cannot be 'acquire': relaxed, release, seq_cst",
        4,
        14,
        phase="names",
    ),
    Mistake(
        "order forgotten",
        thread("let a = x.load()"),
        "'load' needs an order: relaxed, acquire or seq_cst",
        4,
        13,
        phase="names",
    ),
    Mistake(
        "value without order",
        thread("x.store(1)"),
        "'store' needs a value and an order: store(1, release)",
        4,
        5,
        phase="names",
    ),
    Mistake(
        "empty fence",
        thread("fence()"),
        "'fence' needs an order: acquire, release, acq_rel or seq_cst",
        4,
        3,
        phase="names",
    ),
    Mistake(
        "relaxed fence",
        thread("fence(relaxed)"),
        "a relaxed fence orders nothing",
        4,
        9,
        help="write 'nothing' where no barrier stands",
        phase="names",
    ),
    Mistake("unknown requirement", after("expect r2 violated"), "no requirement is named 'r2'", 5, 8, phase="names"),
    Mistake(
        "unknown target",
        after("expect r1 violated on arm8"),
        "unknown target 'arm8'; did you mean 'armv8'?",
        5,
        23,
        phase="names",
    ),
    Mistake(
        "unknown site",
        after('variant "v" { drop publish }'),
        "no statement is named 'publish'; did you mean 'pub'?",
        5,
        20,
        help="name one with 'label: statement'",
        phase="names",
    ),
    Mistake(
        "label twice",
        thread("a: nothing\na: nothing"),
        "the label 'a' is used twice",
        5,
        3,
        help="first on line 4",
        phase="names",
    ),
    # ---- words ----
    Mistake("asert", thread("asert x == 1"), "unknown word 'asert'; did you mean 'assert'?", 4, 3, "MM103"),
    Mistake("retrun", "fn f() {\n  retrun x\n}\n", "unknown word 'retrun'; did you mean 'return'?", 2, 3, "MM103"),
    Mistake("nothng", thread("nothng"), "unknown word 'nothng'; did you mean 'nothing'?", 4, 3, "MM103"),
    Mistake(
        "thraed",
        "memory x\nthraed P0 { x = 1 }\n",
        "unexpected 'thraed'; did you mean 'thread'?",
        2,
        1,
        "MM101",
        "expected a declaration",
    ),
    Mistake(
        "verdict misspelt",
        after("expect r1 voilated on armv8"),
        "unexpected 'voilated'; did you mean 'violated'?",
        5,
        11,
        "MM101",
        "expected ',', 'allowed', 'forbidden', 'holds', 'vacuous', 'violated'",
    ),
    Mistake("declaration inside", thread("memory z"), "'memory' stands outside of blocks, at top level", 4, 3, "MM103"),
    Mistake(
        "reserved word as a name", thread("let for = 1"), "'for' is a reserved word and cannot be a name", 4, 7, "MM119"
    ),
    Mistake(
        "requirement named as a verdict",
        "requirement holds { progress }\n",
        "a requirement cannot be named 'holds': that is a verdict",
        1,
        13,
        "MM122",
    ),
    Mistake(
        "unknown layer",
        after("expect r1 violated by compilr on armv8"),
        "unknown layer 'compilr'; did you mean 'compiler'?",
        5,
        23,
        "MM123",
        "the layers are 'compiler', 'hardware' and 'platform'",
    ),
    Mistake(
        "two verdicts",
        after("expect r1 violated on armv8, holds on x86-tso"),
        "one 'expect' has one verdict",
        5,
        36,
        "MM126",
        "write a second 'expect' on a line of its own",
    ),
    # ---- equals signs ----
    Mistake(
        "'=' in a condition",
        thread("if x = 1 { y = 1 }"),
        "'=' stores; a comparison is '=='",
        4,
        8,
        "MM109",
        "write '==' here",
    ),
    Mistake("'==' as a store", thread("x == 1"), "'==' compares; a store is '='", 4, 5, "MM110", "write '=' here"),
    Mistake(
        "':='", thread("a := x"), "':=' is not used: 'let a = x' names a new register, 'a = x' stores", 4, 5, "MM114"
    ),
    Mistake(
        "two stores in one",
        thread("x = y = 1"),
        "a statement stores once, with one '='; a comparison is '=='",
        4,
        9,
        "MM109",
    ),
    Mistake(
        "chained comparison",
        thread("assert 0 < x < 3"),
        "comparisons do not chain: write 'a < b && b < c'",
        4,
        16,
        "MM111",
    ),
    Mistake(
        "store to a number",
        thread("1 = x"),
        "this cannot be stored to",
        4,
        3,
        "MM117",
        "a store goes to a name, an element, a field or through a pointer",
    ),
    Mistake(
        "value alone", thread("x + 1"), "a value alone is no statement", 4, 3, "MM118", "'let a = …' keeps the value"
    ),
    # ---- brackets ----
    Mistake(
        "missing '}' at the end",
        "memory x\nthread P0 {\n  x = 1\n",
        "this '{' is never closed: the file ends inside it",
        2,
        11,
        "MM105",
    ),
    Mistake(
        "missing '}' before a declaration",
        "memory x\nthread P0 {\n  x = 1\nthread P1 {\n  x = 2\n}\n",
        "this '{' is never closed: 'thread' begins on line 4",
        2,
        11,
        "MM105",
    ),
    Mistake(
        "missing ')'",
        thread("fence(release\ny = 1"),
        "this '(' is not closed before the next statement",
        4,
        8,
        "MM106",
    ),
    Mistake("extra '}'", thread("x = 1\n}").rstrip("\n") + "\n", "this '}' closes nothing", 6, 1, "MM107"),
    Mistake(
        "missing '{'",
        "memory x\nthread P0\n  x = 1\n}\n",
        "the line ends too early: expected '{', 'mirrors', 'on'",
        2,
        10,
        "MM102",
    ),
    # ---- line ends ----
    Mistake(
        "two statements on one line",
        thread("x = 1 y = 2"),
        "two statements on one line need ';' between them",
        4,
        9,
        "MM104",
        "write ';' before this",
    ),
    Mistake(
        "block, then a statement",
        thread("if x == 1 { y = 1 } x = 2"),
        "two statements on one line need ';' between them",
        4,
        23,
        "MM104",
        "write ';' before this",
    ),
    Mistake(
        "expression missing",
        thread("let a =\nlet b = 1"),
        "the line ends too early: expected a value",
        4,
        10,
        "MM102",
        "put the value on the line of its '='",
    ),
    Mistake(
        "operand missing", thread("let a = 1 +\nlet b = 1"), "the line ends too early: expected a value", 4, 14, "MM102"
    ),
    Mistake(
        "'until' without a condition",
        thread("await { let u = x } until"),
        "unexpected '}': expected a value",
        5,
        1,
        "MM101",
    ),
    Mistake("'else' on its own line", thread("if x == 1 { y = 1 }\nelse { y = 2 }"), "", 0, 0, phase="none"),
    # ---- other languages ----
    Mistake("bare instruction", thread("dmb ish"), "an instruction is written as a call: 'dmb(ish)'", 4, 3, "MM112"),
    Mistake("C-style if", thread("if (x == 1) y = 1"), "unexpected 'y': expected '{'", 4, 15, "MM101"),
    Mistake(
        "C type before the name",
        thread("u16 a = x"),
        "a register is declared with 'let': let a: u16 = …",
        4,
        3,
        "MM113",
    ),
    Mistake("increment", thread("x++"), "'++' is not used", 4, 4, "MM125", "write 'x += 1'"),
    Mistake(
        "herd's conjunction", after("exists x == 1 /\\ y == 0"), "'/\\' is herd's word; here it is '&&'", 5, 15, "MM115"
    ),
    Mistake("fraction", thread("x = 1.5"), "there are no fractions", 4, 8, "MM120"),
    Mistake(
        "suffix",
        thread("x = 1u16"),
        "'1u16' is no number",
        4,
        7,
        "MM120",
        "a number has no suffix; 'x as u16' converts",
    ),
    Mistake("too large", thread("x = 0x1_0000_0000_0000_0000"), "this number does not fit in 64 bits", 4, 7, "MM120"),
    Mistake(
        "octal",
        thread("x = 017"),
        "a decimal number does not begin with 0",
        4,
        7,
        "MM120",
        "octal numbers do not exist here",
    ),
    # ---- texts and signs ----
    Mistake(
        "unterminated text",
        'spec "MP\nmemory x\n',
        "a text in quotes that does not end on its line",
        1,
        6,
        "MM108",
        "close it with '\"'",
    ),
    Mistake(
        "unterminated comment",
        "memory x\n/* never\n",
        "this comment is never closed",
        2,
        1,
        "MM124",
        "close it with '*/'",
    ),
    Mistake("stray character", thread("x = 1 $ 2"), "'$' has no meaning here", 4, 9, "MM116"),
    Mistake(
        "clause not quoted",
        "requirement r3 { cites VirtIO }\n",
        "unexpected 'VirtIO': expected a text in quotes",
        1,
        24,
        "MM101",
    ),
    Mistake(
        "variant not quoted",
        after("variant before { drop x }"),
        "unexpected 'before': expected a text in quotes",
        5,
        9,
        "MM101",
    ),
    Mistake(
        "assert without a condition", thread("assert for r1"), "unexpected 'for': expected a value", 4, 10, "MM101"
    ),
    # ---- heads ----
    Mistake(
        "head in the wrong order",
        'thread P0 mirrors "a.c: f" on cpu 0 { nothing }\n',
        "'on cpu' stands before 'mirrors'",
        1,
        28,
        "MM121",
    ),
    Mistake(
        "a thread that nests",
        "thread P0, nests { nothing }\n",
        "'nests' is for an interrupt, not for a thread",
        1,
        12,
        "MM121",
    ),
]
