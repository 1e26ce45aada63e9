"""Random programs with interrupt handlers, threads that share a CPU, memory per CPU and migration."""

from __future__ import annotations

from hypothesis import strategies as st

from mmcheck.base.records import replace
from mmcheck.ir.program import (
    FALSE,
    MASKED,
    NO_TAGS,
    NOWHERE,
    TRUE,
    Assert,
    Assign,
    Await,
    Block,
    Break,
    Cell,
    Const,
    Expr,
    Fence,
    Given,
    If,
    Load,
    Loop,
    Op,
    Origin,
    Program,
    Reg,
    Requirement,
    Rmw,
    Statement,
    Store,
    Thread,
)
from tests.property.programs import ADDRESSES, CELLS, CONDITIONS, EXPRESSIONS, OLD_VALUE, Arch, simple

CLAIM = Requirement("claim", "point")
CELL_ADDRESSES = st.sampled_from([Const(cell.address, 64) for cell in CELLS])
VOLATILE = frozenset({"Volatile"})
OFF: Block = (Assign(Reg(MASKED, 1), TRUE), Fence(frozenset({"IrqOff", "Clobber"})))
ON: Block = (Assign(Reg(MASKED, 1), FALSE), Fence(frozenset({"IrqOn", "Clobber"})))
WEAK_OFF: Block = (Assign(Reg(MASKED, 1), TRUE), Fence(frozenset({"IrqOff"})))
WEAK_ON: Block = (Assign(Reg(MASKED, 1), FALSE), Fence(frozenset({"IrqOn"})))
ENDS = {
    "sc": frozenset({"Clobber"}),
    "x86-tso": frozenset({"Clobber", "MFENCE"}),
    "armv8": frozenset({"Clobber", "ISB"}),
}


def _tags(*names: str) -> frozenset[str]:
    return frozenset(names)


def _modify(register: Reg, address: Expr, value: Expr, kind: str) -> Rmw:
    tags = _tags("X", "Atomic")
    if kind == "compare":
        return Rmw(register, address, value, tags, tags, Op("eq", (OLD_VALUE, EXPRESSION_ONE), 1), tags)
    new = Op("add", (OLD_VALUE, EXPRESSION_ONE)) if kind == "add" else value
    return Rmw(register, address, new, tags, tags)


def _source(arch: Arch) -> st.SearchStrategy[Statement]:
    """Accesses and fences of compiled code."""
    arm = arch.name == "armv8"
    reads = [_tags("Plain"), _tags("Plain"), _tags("Volatile"), _tags("Atomic", "Acquire", *("A",) * arm)]
    writes = [_tags("Plain"), _tags("Plain"), _tags("Volatile"), _tags("Atomic", "Release", *("L",) * arm)]
    fences = [_tags("CompilerFence", "RelFence"), _tags("CompilerFence", "AcqFence"), _tags("Clobber")]
    register = st.sampled_from([Reg("a"), Reg("b")])
    return st.one_of(
        st.builds(Load, register, ADDRESSES, st.sampled_from(reads)),
        st.builds(Store, ADDRESSES, EXPRESSIONS, st.sampled_from(writes)),
        st.builds(Fence, st.sampled_from(fences)),
        st.builds(_modify, register, ADDRESSES, EXPRESSIONS, st.sampled_from(["add", "swap", "compare"])),
    )


EXPRESSION_ONE = Op("zext", (TRUE,))


HIDDEN = 1 << 40
GHOST = _tags("Volatile", "Ghost")
FULL = {"sc": NO_TAGS, "x86-tso": _tags("MFENCE"), "armv8": _tags("DMB.ISH")}


def _cell(number: int) -> Const:
    return Const(HIDDEN + 0x1000 * number, 64)


PLACE, OTHER_PLACE, MIRROR, OTHER_MIRROR, LATCH = range(5)
"""Hidden cells: where a thread is, what its private ``@p`` is, and whether the interrupt is raised."""
HIDDEN_CELLS = (
    Cell("CPU of P0", _cell(PLACE).value, 64),
    Cell("CPU of P1", _cell(OTHER_PLACE).value, 64),
    Cell("p of P0", _cell(MIRROR).value, 32),
    Cell("p of P1", _cell(OTHER_MIRROR).value, 32),
    Cell("irq raised", _cell(LATCH).value, 1),
)
HERE, CURRENT, PRIVATE = Reg("@%here", 64), Reg("@%current", 64), Reg("@p")


def _on_this_cpu(draw: st.DrawFn, *, source: bool) -> Block:
    """``this_cpu_ptr``, then an access through it; or both as one instruction."""
    whole = draw(st.booleans())
    tags = NO_TAGS if not source else _tags("Volatile") if whole else _tags("Plain")
    address = Op("add", (Const(0x1000, 64), Op("mul", (Reg("t", 64), Const(0x1000, 64)), 64)), 64)
    found = Load(Reg("t", 64), HERE, tags, False, NOWHERE, whole)
    if not whole:
        access = _tags("Volatile") if source else NO_TAGS
        return found, Store(address, draw(EXPRESSIONS), access)
    kinds = _tags("X", "Unlocked", *("Volatile",) * source)
    return found, Rmw(Reg("a"), address, Op("add", (OLD_VALUE, EXPRESSION_ONE)), kinds, kinds)


def _noted(draw: st.DrawFn) -> Block:
    """A private changes, and the cell that repeats it."""
    value = draw(EXPRESSIONS)
    return Assign(PRIVATE, value), Store(Reg("@%mirror", 64), PRIVATE, GHOST)


@st.composite
def _with_wait(draw: st.DrawFn, block: list[Statement]) -> list[Statement]:
    """`block` with a wait somewhere in it, for what others write or for what nobody does; or with a loop that writes,
    which is cut where it goes past the bound."""
    at = draw(st.integers(0, len(block)))
    look = Load(draw(st.sampled_from([Reg("a"), Reg("b"), Reg("w")])), draw(CELL_ADDRESSES), VOLATILE)
    cond = Op(draw(st.sampled_from(["eq", "ne"])), (look.dst, draw(st.sampled_from([Const(0), Const(1)]))), 1)
    wait: Statement = Await((look,), cond, origin=Origin(site="wait"))
    if draw(st.integers(0, 2)) == 0:
        wait = Loop((look, If(cond, (Break(),)), Store(draw(CELL_ADDRESSES), EXPRESSION_ONE, VOLATILE)))
    return [*block[:at], wait, *block[at:]]


KINDS = ("alone", "alone", "elsewhere", "same", "device", "sender")


def _raising(arch: Arch, kind: str) -> frozenset[str]:
    """The tags of what raises the interrupt: a device's release write, or a CPU's write to a system register."""
    if arch.name != "armv8":
        return NO_TAGS
    return _tags("L") if kind == "device" else _tags("SGI")


def waiting(arch: Arch, *, source: bool = False) -> st.SearchStrategy[Program]:
    """Programs in which somebody may hold up a CPU: a handler that waits, or a thread with interrupts off."""
    return handled(arch, source=source, most=2, waits=True)


@st.composite
def handled(
    draw: st.DrawFn, arch: Arch, *, source: bool = False, most: int = 3, waits: bool = False,
    kinds: tuple[str, ...] = KINDS,
) -> Program:  # fmt: skip
    """A thread on CPU 0, perhaps with a region without interrupts, a handler there, and perhaps another agent there or
    elsewhere (one of `kinds`). The handler may be raised, move the thread, look at its private, nest; with `waits`,
    wait."""
    who = draw(st.sampled_from(["run", "run", "nested", "host", "other", "both"])) if waits else ""
    one = _source(arch) if source else simple(arch)
    moving, watching = draw(st.integers(0, 2)) == 0, draw(st.integers(0, 3)) == 0
    ends = ENDS[arch.name]
    host: list[Statement] = list(draw(st.lists(one, min_size=1, max_size=most)))
    if moving and draw(st.booleans()):
        host[-1:] = _on_this_cpu(draw, source=source)
    if watching:
        host[draw(st.integers(0, len(host))) : 0] = _noted(draw)
    if who in ("host", "both"):
        host = draw(_with_wait(host))
    if draw(st.booleans()):
        clobber = draw(st.integers(0, 3)) > 0
        off, on = (OFF, ON) if clobber else (WEAK_OFF, WEAK_ON)
        start = draw(st.integers(0, len(host)))
        end = draw(st.integers(start, len(host)))
        host = [*host[:start], *off, *host[start:end], *(on if draw(st.integers(0, 4)) else ()), *host[end:]]
    elif draw(st.booleans()):
        cut = draw(st.integers(0, len(host)))
        host = [*host[:cut], If(draw(CONDITIONS), tuple(host[cut:]), draw(st.sampled_from([(), OFF])))]
    host = [
        replace(each, whole=False) if isinstance(each, Load) and not isinstance(after, Store | Rmw) else each
        for each, after in zip(host, [*host[1:], None], strict=True)
    ]  # what has come between the halves of an instruction makes two of it
    body = draw(st.lists(one, min_size=1, max_size=2))
    if watching:
        body.insert(0, Load(Reg("b"), CURRENT, GHOST))
    body.append(Assert(draw(CONDITIONS), "claim"))
    if who in ("run", "both"):
        body = draw(_with_wait(body))
    if draw(st.booleans()):
        body.append(Assign(Reg("@n"), Op("add", (Reg("@n"), Reg("a")))))
    if moving:
        move = (Store(Reg("@%host", 64), Const(1, 64), GHOST), Fence(_tags("Clobber") | FULL[arch.name]))
        body += [If(draw(CONDITIONS), move)] if draw(st.booleans()) else move
    hidden = ((HERE, _cell(PLACE).value), (Reg("@%mirror", 64), _cell(MIRROR).value)) if moving or watching else ()
    threads = [Thread("P0", (*host, Assert(draw(CONDITIONS), "claim")), source=source, privates=hidden, cpu=0)]
    raised = False
    kind = draw(st.sampled_from(kinds))
    if kind != "alone":
        theirs = list(draw(st.lists(one, min_size=1, max_size=2)))
        if who == "other":
            theirs = draw(_with_wait(theirs))
        if kind in ("device", "sender"):
            raised = True
            theirs.append(Store(_cell(LATCH), TRUE, _raising(arch, kind)))
            threads.append(Thread("dev", tuple(theirs), "device" if kind == "device" else "thread"))
        else:
            if draw(st.integers(0, 2)) == 0:
                theirs = [*OFF, *theirs, *ON]
            cpu = 0 if kind == "same" else 1
            threads.append(Thread("P1", tuple(theirs), source=source, cpu=cpu))
    runs = draw(st.sampled_from([1, 1, 2]))
    nests = len(threads) == 1 and runs == 1 and (who == "nested" or draw(st.integers(0, 2)) == 0)
    there: Block = ()
    if moving:
        there = (Load(Reg("h", 64), Reg("@%host", 64), GHOST), Given(Op("eq", (Reg("h", 64), Const(0, 64)), 1)))
    start: list[Statement] = [*there]
    if raised:
        take = _tags("X", *(("A",) if arch.name == "armv8" else ()))
        start.append(Rmw(Reg("l", 1), _cell(LATCH), FALSE, take, _tags("X")))
        start.append(Given(Reg("l", 1)))
    latch = _cell(LATCH).value if raised else None
    hosts = [number for number, each in enumerate(threads) if each.cpu == 0]
    for run in range(runs):
        for number in hosts:
            privates = [(Reg("@n"), 0)]
            if moving:
                privates.append((Reg("@%host", 64), _cell((PLACE, OTHER_PLACE)[number]).value))
            if watching:
                privates.append((CURRENT, _cell((MIRROR, OTHER_MIRROR)[number]).value))
            name = f"irq[{run},{threads[number].name}]"
            threads.append(
                Thread(
                    name, (*start, *body), "interrupt", source, tuple(privates), 0, host=number, handler="irq",
                    run=run, entry=ends, leave=ends, nests=nests, latch=latch,
                )
            )  # fmt: skip
    if nests:
        other = tuple(draw(st.lists(one, min_size=1, max_size=1)))
        if who == "nested":
            other = tuple(draw(_with_wait(list(other))))
        where = ((Reg("@%host", 64), _cell(PLACE).value),) if moving else ()
        for name, host_ in (("other[0,P0]", 0), ("other[0,irq]", 1)):
            threads.append(
                Thread(
                    name, (*there, *other), "interrupt", source, where, 0, host=host_, handler="other", entry=ends,
                    leave=ends,
                )
            )  # fmt: skip
    cells = CELLS if not (moving or watching or raised) else (*CELLS, *HIDDEN_CELLS)
    return Program("handled", arch.name, tuple(threads), cells, {}, (CLAIM,))


__all__ = ["CLAIM", "handled", "replace", "waiting"]
