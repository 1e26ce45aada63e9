"""Codes of the syntax of specifications: 1xx."""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    "MM101": (
        "unexpected word or sign",
        "The grammar has no place for this here. The message lists what could stand instead.",
    ),
    "MM102": (
        "line ends too early",
        "A statement ends with its line, or with `;`, unless the line ends behind an operator, a comma or an"
        " opening bracket. Behind `=` the value stands on the same line.",
    ),
    "MM103": (
        "unknown word",
        "The line begins with a word that begins no statement or declaration here, and is much like one that does.",
    ),
    "MM104": (
        "two statements on one line",
        "Statements on one line are separated by `;`, also behind a `}`.",
    ),
    "MM105": (
        "brace never closed",
        "A `{` has no `}`. If a declaration begins in column 1 while a block is open, the block is taken to"
        " lack its end.",
    ),
    "MM106": (
        "bracket never closed",
        "A `(` or `[` is not closed before the next statement begins. Inside of them a line end separates nothing.",
    ),
    "MM107": (
        "bracket closes nothing",
        "There is no open bracket of this kind here.",
    ),
    "MM108": (
        "text without end",
        "A text in quotes ends on the line where it begins. There are no escapes in it.",
    ),
    "MM109": (
        "'=' in place of '=='",
        "`=` stores and `==` compares. A condition stores nothing, and a statement stores once.",
    ),
    "MM110": (
        "'==' in place of '='",
        "`==` compares and `=` stores. A comparison alone is no statement.",
    ),
    "MM111": (
        "comparisons do not chain",
        "`a < b < c` would compare a truth value with `c`. Write `a < b && b < c`, or use parentheses.",
    ),
    "MM112": (
        "instruction without parentheses",
        "An instruction is written as a call: `dmb(ish)`, `mfence()`.",
    ),
    "MM113": (
        "declaration as in C",
        "A register is declared with `let`, its type behind the name: `let a: u16 = x`. The type may be left out.",
    ),
    "MM114": (
        "':=' is not used",
        "`let a = x` names a new register, `a = x` stores to a register or to memory.",
    ),
    "MM115": (
        "herd's conjunction",
        "herd writes `/\\` and `\\/`; here they are `&&` and `||`.",
    ),
    "MM116": (
        "sign without meaning",
        "This character is no part of the language outside of comments and texts.",
    ),
    "MM117": (
        "not a place",
        "Only a name, an element, a field or what a pointer points to can be stored to.",
    ),
    "MM118": (
        "value as a statement",
        "A statement that computes a value and drops it is a mistake: an access is a call, or its value goes"
        " to a register.",
    ),
    "MM119": (
        "reserved word as a name",
        "The words that begin or join statements and expressions are reserved and cannot be names.",
    ),
    "MM120": (
        "malformed number",
        "Numbers are `12`, `1_000`, `0xffff` and `0b10`, of at most 64 bits, without fractions and without suffixes.",
    ),
    "MM121": (
        "part of a head or block that does not fit",
        "Each part of the head of an agent or variant stands once, `mirrors` last; `at most`, `when raised`"
        " and `nests` are for interrupts; a requirement has one `says`.",
    ),
    "MM122": (
        "requirement named as a verdict",
        "`holds`, `violated`, `allowed` and `forbidden` cannot be names of requirements, because `expect"
        " holds` names none.",
    ),
    "MM123": (
        "unknown layer",
        "`expect … violated by` names the layer that lets the violation through: `compiler`, `hardware` or `platform`.",
    ),
    "MM124": (
        "comment without end",
        "A `/*` has no `*/`.",
    ),
    "MM125": (
        "construct of another language",
        "The language has no such construct; the message says what takes its place.",
    ),
    "MM126": (
        "two verdicts in one 'expect'",
        "One `expect` makes one claim: names, one verdict, targets. Write a second one for another verdict.",
    ),
}
