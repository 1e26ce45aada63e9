"""The register of diagnostic codes: ``code -> (title, explanation)``.

Ranges: 0 files and options, 1 syntax of specifications, 2 names and types of specifications,
3 herd's litmus formats, 4 cat models, 5 programs and bounds, 6 verdicts, 9 internal.
`mmcheck explain MMnnn` prints the entry; a test holds every code in use against this table.
"""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    # 0xx: files and options
    "MM001": (
        "empty file",
        "The file holds no text, or only comments. A specification has at least one agent or one requirement;"
        " a library for `include` has at least one declaration.",
    ),
    "MM002": (
        "file too large",
        "A specification may have 200,000 characters. Split a larger one with `include`.",
    ),
    "MM003": (
        "not a text",
        "The file holds a zero byte or is not UTF-8, so it is no specification. Check that the path is the right one.",
    ),
    "MM004": (
        "nested too deeply",
        "Brackets may stand 200 deep inside each other, and nodes of the syntax tree 250. Give a part of the"
        " expression a name with `let`, or make a part of the statements a `fn`.",
    ),
    "MM010": (
        "file cannot be read",
        "There is no such file or folder, or it may not be read. Check the path and its permissions.",
    ),
    "MM011": (
        "file cannot be written",
        "The report, a picture or a folder for them cannot be written. Check that the folder exists and may"
        " be written to.",
    ),
    "MM012": (
        "malformed table of expected observations",
        "The table of `--expected` has a header line, then one row for each file: file, observation and, if"
        " wanted, the number of states, with tabs between.",
    ),
    "MM013": (
        "not a baseline",
        "The file that --baseline names is not one that `mmcheck verify --write-baseline FILE` wrote. It is"
        " JSON: a schema, and for each known failure its file, variant, requirement, kind, target and verdict.",
    ),
    "MM014": (
        "settings that cannot be used",
        "mmcheck.toml, or the table [tool.mmcheck] of pyproject.toml, is no TOML, or has a setting that does"
        " not exist or a value that does not fit. The message says which, and what it takes.",
    ),
    "MM015": (
        "region that cannot be filled",
        "A region of `mmcheck render --embed` begins with <!-- mmcheck: FILE requirement=NAME variant=TITLE"
        " target=T graph=no -->, where all but the file may be left out, and ends with <!-- mmcheck: end -->,"
        " each on a line of its own.",
    ),
    "MM016": (
        "would overwrite",
        "`mmcheck init` writes new files only. Name another folder, or take the old files away.",
    ),
    "MM017": (
        "not a table of costs",
        "The file that `mmcheck place --costs` names is TOML: [armv8] and [x86-tso] map instructions to"
        " weights, [frequency] maps sites to how often they are executed, and await_rounds says how often a"
        " wait looks.",
    ),
    "MM018": (
        "unknown model",
        "A model is sc, x86-tso, armv8, or the path of a cat file that ends in `.cat`.",
    ),
    "MM019": (
        "bound out of range",
        "`--bound` says how many rounds of each loop are looked at; it is at least 1.",
    ),
    "MM020": (
        "unknown variant",
        "`--variant` names a variant by its title, or `base` for the program as written; no file that was"
        " checked has one of this name.",
    ),
    "MM021": (
        "no machine for this program",
        "`mmcheck run` runs programs on operational machines, which have no interrupt handlers and one thread on each"
        " CPU. Such programs are checked by `mmcheck verify` alone.",
    ),
    "MM060": (
        "trace that cannot be read",
        "A trace is JSON Lines: a header and one event a line, as docs/trace-format.md describes. This one was cut off"
        " or edited; the message names the line.",
    ),
    "MM061": (
        "run of another program",
        "The file holds a run or a counterexample of another program, variant or target, or of an older version of"
        " this one.",
    ),
    "MM062": (
        "no frames in this program",
        "`mmcheck frames` drives a virtio-gpu driver and needs its functions and variables; specs/gpu.litmus shows"
        " which.",
    ),
    # 1xx: syntax of specifications
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
    # 2xx: names and types of specifications
    "MM200": (
        "unknown name",
        "Nothing of this name is known here: no register, parameter, location, private or constant. Registers"
        " end with the block that they are declared in; in a condition on final states they are written"
        " `thread.name`.",
    ),
    "MM201": (
        "unknown word",
        "A call is a word of the vocabulary (`fence`, `smp_wmb`, `READ_ONCE` …) or a `fn` of the file or of"
        " what it includes. A word that is not known is an error and never an empty set of events.",
    ),
    "MM202": (
        "defined twice",
        "Constants and locations share their names; functions, agents, structs and requirements have their"
        " own. `override` in front of a constant, function or agent replaces the one before.",
    ),
    "MM203": (
        "override of nothing",
        "`override` replaces what an include, the base program or the vocabulary defined. There is nothing of"
        " this name.",
    ),
    "MM204": (
        "unknown requirement",
        "`assert … for NAME`, `expect NAME` and `without NAME` name a declared requirement. A clause in"
        " quotes needs no declaration.",
    ),
    "MM206": (
        "unknown site",
        "A site is a statement with a label, or a `let` under its register's name; it is found by `label`,"
        " `function.label` or `thread.label`. An earlier edit may have taken it away.",
    ),
    "MM207": (
        "unknown or missing field",
        "The record has no field of this name, or a record literal leaves one out: each field is written once.",
    ),
    "MM208": (
        "unknown clause",
        'A clause of VirtIO is cited as `"VirtIO 1.2, 2.7.13.3.1"`, by its number in 1.2 (1.3 and 1.4 are the'
        " same; in 1.1 the chapters on rings are one lower). What no text states is cited as `implied:P4`."
        " Other documents are free text.",
    ),
    "MM209": (
        "unknown access",
        "Behind a place stand `load`, `store`, `swap`, `fetch_add` and its like, `compare_exchange`,"
        " `read_volatile`, `write_volatile`, and `take` of a latch.",
    ),
    "MM210": (
        "unknown type",
        "Types are `bool`, `u8` to `u64`, `i8` to `i64`, `*T`, `latch`, `latch u16` and the structs of the file.",
    ),
    "MM211": (
        "widths differ",
        "Both sides of an operator have the same type, or one is a number without a type. `as u16` says which"
        " width is meant: an index that does not wrap would hide the bugs of wrapping.",
    ),
    "MM212": (
        "defined by itself",
        "Functions are expanded where they are called, so they do not call themselves; nor can a constant or"
        " a struct need itself.",
    ),
    "MM213": (
        "storage that is too large or of the wrong kind",
        "An array has 1 to 4096 elements, a program at most 65,536 cells. A private is one number, truth"
        " value or pointer.",
    ),
    "MM214": (
        "number does not fit",
        "A number without a type must be in the range of the type that it meets.",
    ),
    "MM215": (
        "operator on the wrong type",
        "Conditions are truth values, `&&` and `||` join them; arithmetic and `<` go with integers of one type.",
    ),
    "MM216": (
        "wrong type",
        "Something else is needed here. An unsigned number may be stored in a wider place; everything else is"
        " converted with `as`.",
    ),
    "MM217": (
        "not a constant",
        "Lengths, counts, CPUs, constants and initial values are known before the program runs.",
    ),
    "MM218": (
        "order missing or wrong",
        "Loads take relaxed, acquire, seq_cst; stores relaxed, release, seq_cst; fences acquire, release,"
        " acq_rel, seq_cst; read-modify-writes all five. The spellings of Rust, C11 and C++ name the same"
        " orders.",
    ),
    "MM219": (
        "wrong arguments",
        "The word or function takes other arguments; the message shows a call.",
    ),
    "MM220": (
        "index out of range",
        "The index is a constant and the array has no such element. An index that is computed is checked in every run.",
    ),
    "MM221": (
        "register hides a name",
        "A register, a parameter or the number of a loop may not have the name of a location or a constant:"
        " an access must be visible.",
    ),
    "MM222": (
        "label used twice",
        "A label names one statement of a function or agent.",
    ),
    "MM223": (
        "ambiguous site",
        "Several statements have this name. Write `function.label`, or label the one that is meant.",
    ),
    "MM224": (
        "edit that cannot be done",
        "`set` changes the order of the one word in a statement that takes an order; `move` needs two"
        " statements, neither inside the other.",
    ),
    "MM225": (
        "await that writes",
        "Of an `await` only the last round is kept, which is right if the others write nothing, or only what"
        " they read. Write a bounded loop with `repeat`, or wait for a condition that fails only if nothing"
        " changed.",
    ),
    "MM226": (
        "await that cannot be reduced to its last round",
        "A round of an `await` reads something that others write, and hands no value to the next round. Count"
        " and remember in a loop with `repeat`.",
    ),
    "MM227": (
        "too many rounds",
        "`for` and `repeat` are unrolled, to at most 1000 statements in one program; there are at most 64"
        " agents of one kind.",
    ),
    "MM228": (
        "return that does not go with the function",
        "A function with `-> type` returns a value on every path, others return none.",
    ),
    "MM229": (
        "assert that accesses memory",
        "An `assert` judges registers. A read in it would be one more access of the program that is judged:"
        " read in front of it, with `let`.",
    ),
    "MM230": (
        "condition on final states",
        "It names memory by name and constant index, registers and privates as `thread.name`. A requirement"
        " has at most one `exists` and one `ordered`.",
    ),
    "MM231": (
        "requirement without a check",
        "No `assert` that a thread can reach names it, and its block has no check: it would hold of any"
        " program. If that is meant, write `without NAME`.",
    ),
    "MM232": (
        "expectation that never applies",
        "The target is not checked, the variant is not for it, the requirement is not claimed, or another"
        " expectation says the same or is more specific everywhere.",
    ),
    "MM233": (
        "verdict of the wrong kind",
        "Claims are expected to be `holds` or `violated`; `exists` is a question, `allowed` or `forbidden`.",
    ),
    "MM234": (
        "unknown or repeated variant",
        "Variants have titles of their own, `base` is the program as written. `from` names another variant,"
        " not in a circle.",
    ),
    "MM235": (
        "include that cannot be read",
        "The path is relative to the file that includes. It stays, links resolved, under the nearest folder"
        " with .git or pyproject.toml. Files do not include each other in a circle.",
    ),
    "MM236": (
        "name of a word",
        "A function may take the name of a word of the vocabulary only with `override fn`.",
    ),
    "MM237": (
        "not a place",
        "What is written, or accessed by a word, is a location, an element, a field or what a pointer points"
        " to. Constants and the numbers of loops cannot be set.",
    ),
    "MM238": (
        "break outside of a loop",
        "`break` leaves the innermost `while`, `loop`, `for` or `repeat`. An `await` ends by its condition.",
    ),
    "MM240": (
        "unknown target",
        "A target is `armv8` (with `+lse`, `+rcpc`), `x86-tso` (with `+no-irq-fence`), `sc`, or the path of a"
        " .cat file.",
    ),
    "MM241": (
        "unknown option of a target",
        "Options belong to a target: `+lse` (one-instruction atomics) and `+rcpc` (acquire loads are LDAPR)"
        " to armv8, `+no-irq-fence` (interrupt entry and return are no fences) to x86-tso. A .cat file takes"
        " `+armv8` or `+x86-tso`, then that target's options: the words become its instructions.",
    ),
    "MM242": (
        "option given twice",
        "A target has an option or has it not; write it once. The order of options does not matter.",
    ),
    "MM243": (
        "unknown word",
        "No barrier, access or other operation has this name, and no `fn` of the file. A word that mmcheck"
        " does not know is never taken for one that does nothing.",
    ),
    "MM244": (
        "word does not exist on this target",
        "The instruction belongs to another machine. Put it under `on TARGET { ... }`, or use a word that"
        " every target has, such as `fence(seq_cst)` or `smp_mb()`.",
    ),
    "MM245": (
        "order does not fit",
        "A load is relaxed, acquire or seq_cst, a store relaxed, release or seq_cst, a read-modify-write any"
        " of the five, the failure of a compare-exchange what a load can be. A fence is not relaxed: that"
        " would order nothing.",
    ),
    "MM246": (
        "unknown instruction",
        "`asm` takes fences (`dmb ish`, `dsb st`, `isb`, `mfence`), interrupt switches (`cli`, `sti`, `msr"
        " daifset, #2`), hints (`nop`, `pause`, `wfe`) and a locked add of 0 to the stack. Accesses are"
        " written as accesses, not as text.",
    ),
    "MM250": (
        "interrupt or CPU",
        "An interrupt handler stands on a CPU with a thread on it: `thread task on cpu 0`, `interrupt timer"
        " on cpu 0, at most 2`. Only one that is declared `when raised` is raised. Memory per CPU needs a"
        " thread that is on one.",
    ),
    "MM251": (
        "migration",
        "`migrate(n)` stands in an interrupt handler, where a thread can be stopped: the thread that was"
        " interrupted goes on, on CPU `n`. A thread cannot move itself, and none moves with interrupts off.",
    ),
    "MM252": (
        "current",
        "In a handler, `current` is the thread that it interrupts, and `current.name` is that thread's `private name`.",
    ),
    "MM253": (
        "handler enables interrupts",
        "While a handler runs, interrupts are off on its CPU. One that turns them on without having turned"
        " them off would be interrupted itself, which is declared: `interrupt timer on cpu 0, nests`.",
    ),
    # 3xx: herd's litmus formats
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
    "MM340": (
        "unsupported part of a test",
        "herd has faults, code addresses as values, memory tags and `observed` as well; mmcheck does not.",
    ),
    # 4xx: cat models
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
    # 5xx: programs and bounds
    "MM501": (
        "recursion",
        "A function calls itself, directly or through others. Functions are expanded where they are called.",
    ),
    "MM502": (
        "program too large",
        "The program unfolds to too many events or instructions. Use a smaller bound, fewer rounds or a"
        " smaller structure.",
    ),
    "MM503": (
        "unknown label",
        "A jump names a label that does not stand in its thread.",
    ),
    "MM504": (
        "jump into a loop",
        "A jump leads into the middle of a loop from outside; such a loop cannot be unrolled.",
    ),
    "MM505": (
        "access outside every variable",
        "In some run that the model allows an access goes to an address where no variable stands: a pointer"
        " is still null, or an index is past the end. Values read there are arbitrary; a requirement that"
        " depends on one is violated. In herd's format it is often a register without initial value.",
    ),
    # 6xx: verdicts
    # 9xx: internal
    "MM900": (
        "internal error",
        "Two parts of mmcheck that must agree do not. It is never your fault: please report it with the file"
        " that led to it.",
    ),
}
