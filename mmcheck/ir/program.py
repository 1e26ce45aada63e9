"""The program that every front end makes and every back end reads.

A `Program` is what the user wrote, lowered to one target's instructions: threads of statements over
registers and shared memory. It is structured (``If``, ``Loop``, ``Await``) because the compiler layer
needs regions, and has ``Jump``/``Label`` as well because assembly does. It is read by two independent
consumers: `mmcheck.engines.unfolding.unfold` (all bounded runs as one event graph) and `mmcheck.ir.steps` (one run at a
time, for the enumerator and the operational machines).

**Values** are unsigned integers of a stated width in bits (a truth value has width 1); arithmetic
wraps at the width. **Addresses** are 64-bit values; a `Cell` stands at one address, and cells of
different variables are far enough apart that an index out of range hits no cell.

**Registers** belong to one activation of a function, or, if the name begins with ``@``, to the agent
(the language's ``private``). A register that was never assigned reads 0.

**Tags** say what kind of access or fence an instruction is; a memory model's sets are tags. Those of
the hardware are in capitals (``A`` acquire, ``L`` release, ``Q`` acquirePC, ``X`` atomic or exclusive,
``NoRet``, ``DMB.ISH``, ``ISB``, ``MFENCE`` ...), those of the source level are capitalised words
(``Plain``, ``Volatile``, ``Atomic``, ``Acquire``, ``Release``, ``SeqCst``, ``Clobber`` ...), read by the
compiler layer only. See `mmcheck.target`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import TypeAlias

from mmcheck.base.records import record
from mmcheck.base.source import Span

# --- expressions -------------------------------------------------------------------------------------


@record
class Const:
    """A number, in its unsigned representation at `width` bits."""

    value: int
    width: int = 32

    def __str__(self) -> str:
        return str(self.value)


@record
class Reg:
    """The value of a register.

    In a condition on final states the names are those of `state_register` and `state_cell`.
    """

    name: str
    width: int = 32

    def __str__(self) -> str:
        return self.name


@record
class Op:
    """`op` applied to `args`; `width` is the result's. See `OPS` for the operators."""

    op: str
    args: tuple[Expr, ...]
    width: int = 32

    def __str__(self) -> str:
        return f"({self.op} {' '.join(map(str, self.args))})"


Expr: TypeAlias = Const | Reg | Op

TRUE = Const(1, 1)
FALSE = Const(0, 1)
MASKED = "@%masked"
"""The agent's register (1 bit) that says whether interrupts are off; set in front of each fence that switches them."""
ENTRY, RETURN = "interrupt entry", "interrupt return"
"""The texts (`Origin.text`) of the first and the last event of a run of an interrupt handler."""
ARITHMETIC = "arithmetic"
"""The requirement of assertions that nobody writes: no shift is by the width or more, and nothing is divided by 0."""
OLD = "%old"
"""Inside `Rmw.new` and `Rmw.when`: the register that stands for the value just read."""

OPS = {
    "add", "sub", "mul", "udiv", "umod", "sdiv", "smod",
    "and", "or", "xor", "not", "neg", "shl", "lshr", "ashr",
    "eq", "ne", "ult", "ule", "slt", "sle", "umin", "umax", "smin", "smax",
    "zext", "sext", "trunc", "select",
}  # fmt: skip
"""``land``/``lor``/``lnot`` are ``and``/``or``/``not`` at width 1. ``zext sext trunc`` change the width;
``select c a b`` is `a` where the 1-bit `c` is 1. Division by zero gives 0, as on Arm; that a specification has none is
a requirement of its own (`ARITHMETIC`)."""


def signed(value: int, width: int) -> int:
    """`value` read as a two's complement number of `width` bits."""
    return value - (1 << width) if value >> (width - 1) & 1 else value


def apply(op: str, values: tuple[int, ...], widths: tuple[int, ...], width: int) -> int:
    """`op` on unsigned `values` of `widths` bits, as an unsigned number of `width` bits.

    Raises `KeyError` for an operator that does not exist.
    """
    a = values[0]
    b = values[1] if len(values) > 1 else 0
    mask = (1 << width) - 1
    bits = widths[0]
    match op:
        case "add":
            return a + b & mask
        case "sub":
            return a - b & mask
        case "eq":
            return int(a == b)
        case "ne":
            return int(a != b)
        case "and":
            return a & b
        case "or":
            return a | b
        case "xor":
            return a ^ b
        case "not":
            return ~a & mask
        case "neg":
            return -a & mask
        case "select":
            return b if a else values[2]
        case "zext" | "trunc":
            return a & mask
        case "sext":
            return signed(a, bits) & mask
        case "mul":
            return a * b & mask
        case "udiv":
            return a // b if b else 0
        case "umod":
            return a % b if b else 0
        case "ult":
            return int(a < b)
        case "ule":
            return int(a <= b)
        case "slt":
            return int(signed(a, bits) < signed(b, bits))
        case "sle":
            return int(signed(a, bits) <= signed(b, bits))
        case "umin":
            return min(a, b)
        case "umax":
            return max(a, b)
        case "smin" | "smax":
            return b if (signed(a, bits) < signed(b, bits)) == (op == "smax") else a
        case "shl":
            return a << b & mask if b < width else 0
        case "lshr":
            return a >> b if b < width else 0
        case "ashr":
            return signed(a, bits) >> min(b, width - 1) & mask
        case "sdiv" | "smod":
            x, y = signed(a, bits), signed(b, bits)
            if y == 0:
                return 0
            quotient = abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)
            return (quotient if op == "sdiv" else x - quotient * y) & mask
    raise KeyError(op)


def evaluate(expr: Expr, registers: Mapping[str, int]) -> int:
    """The value of `expr`; a register that is not in `registers` reads 0."""
    if isinstance(expr, Const):
        return expr.value
    if isinstance(expr, Reg):
        return registers.get(expr.name, 0)
    values = tuple([evaluate(arg, registers) for arg in expr.args])
    return apply(expr.op, values, tuple([arg.width for arg in expr.args]), expr.width)


def registers_of(expr: Expr) -> Iterator[Reg]:
    """Every occurrence of a register in `expr`, left to right."""
    if isinstance(expr, Reg):
        yield expr
    elif isinstance(expr, Op):
        for arg in expr.args:
            yield from registers_of(arg)


def constants_of(expr: Expr) -> Iterator[Const]:
    """Every occurrence of a constant in `expr`, left to right."""
    if isinstance(expr, Const):
        yield expr
    elif isinstance(expr, Op):
        for arg in expr.args:
            yield from constants_of(arg)


def state_register(thread: str, name: str, width: int = 32) -> Reg:
    """In a final condition: register `name` of `thread` (``P1:a``, ``1:X0``)."""
    return Reg(f"{thread}:{name}", width)


def state_cell(cell: str, width: int = 32) -> Reg:
    """In a final condition: the memory cell called `cell` (``[x]``)."""
    return Reg(f"[{cell}]", width)


# --- statements --------------------------------------------------------------------------------------


@record
class Origin:
    """Where a statement comes from.

    `text` is how it is shown in a picture or a cycle (``avail.idx = i + 1``), `site` the label that
    names it (``publish``), `word` the vocabulary word behind it (``fence(release)``), `calls` the functions
    that were expanded around it, outermost first.
    """

    span: Span | None = None
    text: str = ""
    site: str = ""
    word: str = ""
    calls: tuple[str, ...] = ()

    def quoted(self, otherwise: str = "") -> str:
        """``'avail.idx = i + 1' (line 14)``, for sentences; with `otherwise` in quotes if it has no text."""
        line = f" (line {self.span.line})" if self.span is not None else ""
        return f"'{self.text or otherwise}'{line}"


NOWHERE = Origin()
Tags: TypeAlias = frozenset[str]
NO_TAGS: Tags = frozenset()


@record
class Assign:
    """``dst := expr``; no event."""

    dst: Reg
    expr: Expr
    origin: Origin = NOWHERE


@record
class Load:
    """Read `dst.width` bits at `address`. `exclusive` sets the local monitor (LDXR).

    `whole`: one instruction with the access behind it, so that no interrupt comes between (``inc %gs:count``).
    """

    dst: Reg
    address: Expr
    tags: Tags = NO_TAGS
    exclusive: bool = False
    origin: Origin = NOWHERE
    whole: bool = False


@record
class Store:
    """Write `value`, of its own width, at `address`."""

    address: Expr
    value: Expr
    tags: Tags = NO_TAGS
    origin: Origin = NOWHERE


@record
class StoreExclusive:
    """STXR: if the monitor is held for this address and it does not fail, write and set `status` to 0.

    It may always fail, without a write event and with `status` 1. It pairs with the latest exclusive
    load, if that was to the same address and no exclusive store stands between.
    """

    status: Reg
    address: Expr
    value: Expr
    tags: Tags = NO_TAGS
    origin: Origin = NOWHERE


@record
class Rmw:
    """One read-modify-write instruction: read `dst.width` bits into `dst`, then write `new` if `when`.

    `new` and `when` may use ``Reg(OLD)``, the value read. If `when` is false there is no write event and
    the read carries `fail_tags`. `ok` gets 1 or 0. With `compare` (the expected value of a CAS, whose
    register on Arm is also `dst`) the dependency rules for CAS apply (DDI 0487 M.a, B2.3);
    `write_back` allows the failing form that writes the old value back. `exclusive` says that it is a loop
    of LDXR and STXR (its last round); its pair is then in ``lxsx`` and not in ``amo``.
    """

    dst: Reg
    address: Expr
    new: Expr
    read_tags: Tags = NO_TAGS
    write_tags: Tags = NO_TAGS
    when: Expr = TRUE
    fail_tags: Tags = NO_TAGS
    ok: Reg | None = None
    compare: Expr | None = None
    write_back: bool = False
    exclusive: bool = False
    origin: Origin = NOWHERE


@record
class Fence:
    """An event that reads and writes nothing; `tags` say what it orders."""

    tags: Tags
    origin: Origin = NOWHERE


@record
class If:
    cond: Expr
    then: Block
    orelse: Block = ()
    origin: Origin = NOWHERE


@record
class Loop:
    """Repeat `body` until a `Break` or `Return`; after so many `rounds`, if they are given, go on behind it.

    Without `rounds` it is unrolled to the bound, and a run that would go around once more is cut there.
    """

    body: Block
    rounds: int | None = None
    origin: Origin = NOWHERE


@record
class Break:
    origin: Origin = NOWHERE


@record
class Await:
    """Repeat `body` until `cond` holds; the registers of the last round live on.

    Represented by its last round alone (docs/compiler.md, waits): front ends make sure that a failing round
    writes nothing. With `tries` (or ``within``), `orelse` runs instead if the last look failed. `rereads`: a
    failing round has a barrier to the compiler, which therefore makes plain reads in every round.
    """

    body: Block
    cond: Expr
    tries: int | None = None
    orelse: Block = ()
    origin: Origin = NOWHERE
    rereads: bool = False


@record
class Call:
    function: str
    args: tuple[Expr, ...] = ()
    dst: Reg | None = None
    origin: Origin = NOWHERE


@record
class Return:
    value: Expr | None = None
    origin: Origin = NOWHERE


@record
class Assert:
    """`cond` must hold whenever this point is reached; a check of `requirement`."""

    cond: Expr
    requirement: str
    origin: Origin = NOWHERE


@record
class Parallel:
    """Statements in no program order among each other: the fields of one record store."""

    body: Block
    origin: Origin = NOWHERE


@record
class Choice:
    """One of several statement lists, selected by the outcome of `site` (a variant, a placement).

    `options` are ``(name, statements)``; the names are unique. Every `Choice` of one `site` takes the
    option of the same name.
    """

    site: str
    options: tuple[tuple[str, Block], ...]
    origin: Origin = NOWHERE


@record
class Given:
    """Runs in which this point is reached and `cond` does not hold do not exist: what must be so for an interrupt to
    come."""

    cond: Expr
    origin: Origin = NOWHERE


@record
class Label:
    """A place a `Jump` of the same block goes to. Assembly only."""

    name: str
    origin: Origin = NOWHERE


@record
class Jump:
    """Go to `label` of the same block if `cond`. Assembly only; a control dependency to all that follows."""

    label: str
    cond: Expr = TRUE
    origin: Origin = NOWHERE


Statement: TypeAlias = (
    Assign | Load | Store | StoreExclusive | Rmw | Fence | If | Loop | Break | Await | Call | Return
    | Assert | Parallel | Choice | Given | Label | Jump
)  # fmt: skip
Block: TypeAlias = tuple[Statement, ...]


# --- programs ----------------------------------------------------------------------------------------


@record
class Cell:
    """One unit of shared memory that is accessed as a whole.

    `space` is ``ram``; ``mmio``, registers of `device`; ``irq``, the mark of an interrupt; or, with ORDER_PLATFORM
    negotiated, ``dma``, memory that a device sees;
    `percpu` is the CPU whose copy it is.
    """

    name: str
    address: int
    width: int = 32
    init: int = 0
    space: str = "ram"
    device: str = ""
    percpu: int | None = None
    span: Span | None = None


@record
class Function:
    name: str
    params: tuple[Reg, ...]
    body: Block
    result: int | None = None
    """Width of the result in bits, or None."""


@record
class Thread:
    """An agent: `kind` is ``thread``, ``device`` or ``interrupt``.

    `source` means compiled code, so that the compiler layer applies; otherwise the statements are the
    instructions. `privates` are its ``@`` registers with their initial values. `cpu` is where it
    starts; agents without one have a CPU each.

    An ``interrupt`` is one *run* of a handler, which may happen or not (docs/models-preemption.md). It interrupts the
    agent with index `host`, which comes before it in `Program.threads`. Threads with the same `handler` are its runs:
    those with the same number `run` exclude each other, each needs the one before, and privates live on from run to
    run. `entry` and `leave` are the tags of its first and last event. It is not interrupted itself before it enables
    interrupts, unless it `nests`. `latch` is the address of the 1-bit cell that is set when the interrupt is raised,
    and taken by the run.
    """

    name: str
    body: Block
    kind: str = "thread"
    source: bool = False
    privates: tuple[tuple[Reg, int], ...] = ()
    cpu: int | None = None
    origin: Origin = NOWHERE
    host: int | None = None
    handler: str = ""
    run: int = 0
    entry: Tags = NO_TAGS
    leave: Tags = NO_TAGS
    nests: bool = False
    latch: int | None = None

    def carries(self, tags: Tags) -> Tags:
        """Those of `tags` that count in it: a device raises an interrupt by a write to memory."""
        return tags - {"SGI"} if self.kind == "device" else tags


@record
class Requirement:
    """A claim about all runs: a name, the clauses it rests on, a sentence, and one check.

    `kind` is ``point`` (its checks are the `Assert` statements that name it), ``final`` (`cond` in every
    final state), ``exists`` (`cond` in some final state), ``progress`` (`subjects`: agents or
    ``agent.site`` of awaits; empty means every agent) or ``ordered`` (`subjects` are two sites: first
    before second). One that is `implied` is nobody's claim: that no run comes to it is no matter.
    """

    name: str
    kind: str
    clauses: tuple[str, ...] = ()
    says: str = ""
    cond: Expr = TRUE
    subjects: tuple[str, ...] = ()
    origin: Origin = NOWHERE
    implied: bool = False


@record
class Program:
    """Everything that a check needs of one spec, on one target, in one variant."""

    name: str
    target: str
    threads: tuple[Thread, ...]
    cells: tuple[Cell, ...]
    functions: Mapping[str, Function] = field(default_factory=dict)
    requirements: tuple[Requirement, ...] = ()
    notes: tuple[str, ...] = ()

    def registers(self, thread: Thread) -> Mapping[int, str]:
        """The addresses of the devices' registers, with the names of the devices, for an agent that is none itself."""
        if thread.kind == "device":
            return {}
        return {cell.address: cell.device for cell in self.cells if cell.space == "mmio"}


def show(block: Block, indent: int = 0) -> str:
    """`block` as text, one statement a line; for tests and for reading."""
    pad = "  " * indent
    lines = []
    for s in block:
        match s:
            case Assign():
                lines.append(f"{s.dst} := {s.expr}")
            case Load():
                lines.append(f"{s.dst} := [{s.address}]{_tags(s.tags)}{' exclusive' if s.exclusive else ''}")
            case Store():
                lines.append(f"[{s.address}] := {s.value}{_tags(s.tags)}")
            case StoreExclusive():
                lines.append(f"{s.status} := exclusive [{s.address}] := {s.value}{_tags(s.tags)}")
            case Rmw():
                when = "" if s.when == TRUE else f" when {s.when}"
                tags = f"{_tags(s.read_tags)}{_tags(s.write_tags)}"
                lines.append(f"{s.dst} := rmw [{s.address}] := {s.new}{when}{tags}")
            case Fence():
                lines.append(f"fence{_tags(s.tags)}")
            case If():
                lines.append(f"if {s.cond}\n{show(s.then, indent + 1)}")
                if s.orelse:
                    lines.append(f"else\n{show(s.orelse, indent + 1)}")
            case Loop():
                rounds = "" if s.rounds is None else f" {s.rounds}"
                lines.append(f"loop{rounds}\n{show(s.body, indent + 1)}")
            case Break():
                lines.append("break")
            case Await():
                limit = "" if s.tries is None else f" within {s.tries}"
                lines.append(f"await {s.cond}{limit}\n{show(s.body, indent + 1)}")
                if s.orelse:
                    lines.append(f"else\n{show(s.orelse, indent + 1)}")
            case Call():
                result = "" if s.dst is None else f"{s.dst} := "
                lines.append(f"{result}{s.function}({', '.join(map(str, s.args))})")
            case Return():
                lines.append("return" if s.value is None else f"return {s.value}")
            case Assert():
                lines.append(f"assert {s.cond} for {s.requirement}")
            case Parallel():
                lines.append(f"parallel\n{show(s.body, indent + 1)}")
            case Choice():
                lines.append(f"choice {s.site}")
                lines += [f"  {name}:\n{show(body, indent + 2)}" for name, body in s.options]
            case Given():
                lines.append(f"given {s.cond}")
            case Label():
                lines.append(f"{s.name}:")
            case Jump():
                lines.append(f"jump {s.label}" + ("" if s.cond == TRUE else f" if {s.cond}"))
    return "\n".join(pad + line for line in lines)


def _tags(tags: Tags) -> str:
    return f" {{{' '.join(sorted(tags))}}}" if tags else ""
