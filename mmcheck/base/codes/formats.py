"""Codes of herd's litmus formats and of cat models: 3xx and 4xx."""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    "MM300": (
        "not a herd litmus test",
        "The first line of a herd test is the architecture and a name, as in `AArch64 MP`. The architectures"
        " are AArch64, X86_64 and X86.",
    ),
    "MM301": (
        "unknown instruction",
        "The instruction is not one of those that mmcheck gives a meaning to. An instruction is never"
        " skipped: a test with an unknown one has no verdict. Not supported are pairs, vectors, memory tags,"
        " caches, page tables, exceptions and calls.",
    ),
    "MM303": (
        "missing operand",
        "The instruction takes more operands than are written. The help line shows one way to write it.",
    ),
    "MM304": (
        "too many operands",
        "The instruction takes fewer operands than are written. The help line shows one way to write it.",
    ),
    "MM305": (
        "wrong operand",
        "The operand is of another kind than the instruction takes there: a register of the wrong width, a"
        " number outside its range, an address without brackets, a name that is no register.",
    ),
    "MM306": (
        "unknown barrier option",
        "DMB and DSB take one of SY ISH ISHLD ISHST OSH OSHLD OSHST NSH NSHLD NSHST LD ST; ISB takes none. A"
        " barrier with an unknown option would order nothing, so it is an error.",
    ),
    "MM310": (
        "braces of the initial state",
        "After the name and the lines `Key=value` stands the initial state in braces, as in `{ 0:X1=x; x=1;"
        " }`. It may be empty, but not missing.",
    ),
    "MM311": (
        "names of the threads",
        "The first row of the table names the threads: `P0 | P1 ;`. Each name is P and a number, and stands once.",
    ),
    "MM312": (
        "wrong number of cells",
        "Every row of the table has one cell for each thread, separated by `|`. A cell without instruction"
        " stays empty.",
    ),
    "MM313": (
        "row without semicolon",
        "Every row of the table ends with `;`, the last one too. Without it two rows run into one.",
    ),
    "MM314": (
        "no condition",
        "After the table stands `exists`, `~exists` or `forall` with a condition on final states, or at least"
        " `locations`. If it is missing, the file may have been cut off.",
    ),
    "MM315": (
        "text after the condition",
        "A file holds one test, and the test ends with its condition. Put further tests into files of their"
        " own, and join conditions with `/\\` or `\\/`.",
    ),
    "MM316": (
        "mistake in a condition",
        "Conditions compare registers (`0:X1=2`), locations (`[x]=1` or `x=1`) and addresses (`0:X1=x`) with"
        " `=` or `!=`, and join the comparisons with `/\\`, `\\/`, `=>`, `not` and parentheses.",
    ),
    "MM317": (
        "mistake in the initial state",
        "Declarations are `0:X1=x`, `x=1`, `int x=1`, `int64_t 0:X3`, `int x[2]={1,2}` or `int *x=&y`, each"
        " followed by `;`.",
    ),
    "MM318": (
        "comment or string without end",
        'A comment `(* ... *)` or the doc string `"..."` is not closed. Comments nest.',
    ),
    "MM320": (
        "no such label",
        "A branch goes to a label of its own thread, written before an instruction or alone in a cell: `L0:`.",
    ),
    "MM321": (
        "label stands twice",
        "Within a thread every label stands once. Threads may use the same label independently.",
    ),
    "MM322": (
        "no such thread",
        "The number before the colon is that of a column of the table.",
    ),
    "MM323": (
        "no such register",
        "The name after the colon is no register of the architecture, or one that its thread neither initialises nor"
        " uses: a misspelt register would always be 0. Locations are written without a thread: `[x]`.",
    ),
    "MM324": (
        "no such location",
        "A condition speaks of locations that the initial state declares, that a register points to, or that"
        " an instruction names. A misspelt name would always read 0.",
    ),
    "MM325": (
        "declared twice",
        "The initial state gives a register or a location two values.",
    ),
    "MM326": (
        "unknown type",
        "Types are int, int32_t, uint32_t, unsigned, long, int64_t, uint64_t and pointers to them.",
    ),
    "MM327": (
        "value does not fit",
        "The number needs more bits than the register or location has, so it could never be its value.",
    ),
    "MM328": (
        "mistake with an array",
        "Arrays are declared `int x[2]={1,2}`, with one value for each element or none, and up to 512"
        " elements. A condition names an element, `x[1]=2`, or gives all values, `x={1,2}`.",
    ),
    "MM329": (
        "loop without end",
        "Loops are run up to `--bound` times, and the verdict says so where a run would go on. A backward branch from"
        " which no path leads to the end of the thread ends no run at all: nothing could be said of final states.",
    ),
    "MM330": (
        "mixed sizes",
        "Every access to a location has the width of the location, 32 or 64 bits. A location without a type"
        " takes the width of its accesses. Accesses of 8 and 16 bits, and tests that access one location with"
        " two widths, are not supported.",
    ),
    "MM331": (
        "two readings",
        "An x86 instruction of two registers, or of a register and memory, says by itself nothing of which is written."
        " X86_64 puts the destination last, X86 first. In this test an immediate stands where only the other order has"
        " it, so what this instruction means is open: herd refuses such a test, too. Write all of them in one order, or"
        " registers with '%', which is always the order with the destination last.",
    ),
    "MM340": (
        "unsupported part of a test",
        "herd has faults, code addresses as values, memory tags and `observed` as well; mmcheck does not.",
    ),
    "MM400": (
        "model too large",
        "A cat file may have 200,000 characters.",
    ),
    "MM401": (
        "stray character in a model",
        "Cat has names, the operators `| ; \\ & * ~ ? ^+ ^* ^-1`, brackets, and texts in quotes.",
    ),
    "MM402": (
        "comment never closed",
        "A comment in cat stands between `(*` and `*)`, and comments nest.",
    ),
    "MM403": (
        "syntax error in a model",
        "The cat file is not well formed at this place; the message says what was expected. Statements begin"
        " with let, acyclic, irreflexive, empty, flag, include or show.",
    ),
    "MM404": (
        "model nested too deeply",
        "An expression may be 150 levels deep. Name parts of it with `let`.",
    ),
    "MM405": (
        "unknown set or relation",
        "Every name in a model is defined by it, is a base relation or set, or is a tag of some instruction."
        " An unknown name is an error and never an empty set: a misspelt barrier would order nothing.",
    ),
    "MM406": (
        "set and relation mixed up",
        "Some operators take sets, some relations: `[S]` and `S * T` make relations of sets, `domain(r)` and"
        " `range(r)` sets of relations; `|`, `&` and `\\` take two of a kind.",
    ),
    "MM407": (
        "include of a model cannot be read",
        "A model includes files below its own folder, at most 20 of them.",
    ),
    "MM408": (
        "model without an axiom",
        "A model says what is forbidden: it has at least one of acyclic, irreflexive and empty.",
    ),
    "MM409": (
        "model that demands a cycle",
        "`~acyclic` is accepted behind `flag` only: a check looks for runs that a model does not forbid.",
    ),
    "MM410": (
        "model cannot be combined with the compiler layer",
        "The compiler layer replaces program order by what a compiler keeps of it, which is sound only if the"
        " model uses `po` positively. Check `asm thread` programs with this model, or write it without `po`"
        " under `\\` or `~`.",
    ),
    "MM411": (
        "recursion used negatively",
        "A relation defined by `let rec` stands right of `\\` or under `~`. Its least value is needed there,"
        " and the clauses for the solver only say that it is large enough.",
    ),
    "MM412": (
        "model too large",
        "A model has up to 10,000 sets and relations once its functions are applied, 50 names in one `let rec`, and"
        " functions that use each other up to some dozens deep. `let b = a;a` and the like double with each line.",
    ),
    "MM413": (
        "model without runs",
        "An axiom fails for every run of the program, as `irreflexive id` does: nothing could happen, and everything"
        " would hold. The place is that of the model's first axiom.",
    ),
}
