"""The words of the language by what they are for, and the names of its terminals in messages."""

from __future__ import annotations

RESERVED = frozenset(
    [
        "let",
        "if",
        "else",
        "while",
        "loop",
        "repeat",
        "for",
        "in",
        "break",
        "return",
        "await",
        "until",
        "within",
        "assert",
        "raise",
        "nothing",
        "true",
        "false",
        "null",
        "as",
        "fn",
        "override",
        "mut",
    ]
)
DECLARATIONS = frozenset(
    [
        "spec",
        "targets",
        "include",
        "mirrors",
        "without",
        "const",
        "struct",
        "memory",
        "volatile",
        "atomic",
        "mmio",
        "percpu",
        "private",
        "requirement",
        "asm",
        "thread",
        "device",
        "interrupt",
        "fn",
        "override",
        "expect",
        "variant",
        "exists",
        "forall",
    ]
)
STATEMENTS = ("let", "if", "while", "loop", "repeat", "for", "break", "return", "await", "assert", "raise", "nothing")
CONDITIONS = frozenset({"if", "while", "await", "until", "assert", "forall", "exists"})
TYPES = frozenset(
    [
        "u8",
        "u16",
        "u32",
        "u64",
        "i8",
        "i16",
        "i32",
        "i64",
        "bool",
        "int",
        "long",
        "short",
        "char",
        "unsigned",
        "signed",
        "void",
        "auto",
        "var",
        "usize",
        "isize",
        "size_t",
        "uint8_t",
        "uint16_t",
        "uint32_t",
        "uint64_t",
        "int8_t",
        "int16_t",
        "int32_t",
        "int64_t",
    ]
)
INSTRUCTIONS = frozenset({"dmb", "dsb", "isb", "mfence", "sfence", "lfence", "fence", "compiler_fence", "asm"})
VERDICTS = frozenset({"holds", "violated", "allowed", "forbidden", "vacuous"})
FOREIGN = {
    "continue": "there is no 'continue': put the rest of the body into an 'if'",
    "goto": "there is no 'goto': use 'loop' and 'break'",
    "do": "there is no 'do': use 'loop' and 'break'",
    "switch": "there is no 'switch': use 'if' and 'else if'",
    "match": "there is no 'match': use 'if' and 'else if'",
    "unsafe": "there is no 'unsafe': write the statements alone",
    "static": "storage is declared at top level: 'memory x'",
}

NAMES = {
    "$END": "the end of the file",
    "_SEP": "the end of the line",
    "TEXT": "a text in quotes",
    "NAME": "a name",
    "NUMBER": "a number",
    "TARGET": "a target",
    "NAMED_TYPE": "a type",
    "STAR_TYPE": "'*'",
    "LBRACE": "'{'",
    "RBRACE": "'}'",
    "LPAR": "'('",
    "RPAR": "')'",
    "RSQB": "']'",
    "COLON": "':'",
    "COMMA": "','",
    "EQUAL": "'='",
    "DOTDOT": "'..'",
}
HIDDEN = {
    "OPERATOR",
    "ASSIGN",
    "UNARY",
    "NOT",
    "CHOICE",
    "DOT",
    "ARROW",
    "LSQB",
    "AS",
    "ANCHOR",
    "SCOPED",
    "ON_TARGETS",
}
VALUE = {"NUMBER", "NAME", "TEXT", "TRUE", "FALSE", "NULL", "LPAR", "SCOPED", "UNARY"}
