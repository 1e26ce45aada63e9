"""Codes of the names and types of specifications: 2xx."""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
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
        "Conditions are truth values, `&&` and `||` join them; arithmetic and `<` go with integers of one type. A shift"
        " is by less than the width, and nothing is divided by zero.",
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
        "While a handler runs, interrupts are off on its CPU. Each `irq_enable` in it needs an `irq_disable` of"
        " its own on every path; one without would undo what the CPU did, which is declared:"
        " `interrupt timer on cpu 0, nests`. One that has its own does turn them on, and other handlers may come"
        " from there on; `irq_save` and `irq_restore` leave them off.",
    ),
    "MM254": (
        "constant of no effect",
        "That ORDER_PLATFORM is negotiated is said by a constant of that name, `ORDER_PLATFORM` or"
        " `VIRTIO_F_ORDER_PLATFORM`. One of almost the same name that nothing reads would say nothing.",
    ),
    "MM255": (
        "one record, two widths",
        "A record of at most 8 bytes is accessed as one or field by field, and not both in one program: what an"
        " access of a part of a word sees of one to all of it is not modelled. Access the fields everywhere"
        " (`read_volatile`, or each by its name), or the whole record everywhere.",
    ),
    "MM256": (
        "nothing is claimed",
        "The file has threads and no requirement, so there is nothing to check of them. Write a `requirement`, with an"
        " `assert ... for NAME` where it must hold, or `forall`, `~exists` or `exists` at top level.",
    ),
    "MM257": (
        "variant that changes nothing",
        "Once its edits are made, the variant's program is the one that it starts from, on each of its targets: what it"
        " says of its requirements was said already. Perhaps it edits what an override of its own replaces.",
    ),
}
