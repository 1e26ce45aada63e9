"""Loops that only look are waits: one pass over a program that finds them and makes `Await` of them.

What counts is not how a loop is spelled but what a round does that goes around (docs/compiler.md, waits): it writes
nothing that anybody sees, carries no value into a later round or out of the loop, and ends by what it reads. A run with
such rounds stays a run when they are taken out, so the last round stands for all of them.

A round is taken apart into what it looks at, the condition under which it leaves, what it does then, and what it does
when it goes around. What it does when it leaves may be anything: it happens once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mmcheck.modifications import WritesWhereItFails, set_by, silenced
from mmcheck.program import (
    FALSE,
    TRUE,
    Assert,
    Assign,
    Await,
    Block,
    Break,
    Call,
    Choice,
    Expr,
    Fence,
    Given,
    If,
    Jump,
    Label,
    Load,
    Loop,
    Op,
    Parallel,
    Program,
    Reg,
    Return,
    Rmw,
    Statement,
    Store,
    StoreExclusive,
    children,
    reachable,
    registers_of,
    walk,
)
from mmcheck.records import record, replace

MOST = 200
"""Statements that a loop may come to when it is taken apart; a larger one stays a loop."""

Names = frozenset[str]
NOTHING: Names = frozenset()


def awaited(program: Program) -> Program:
    """`program`, whose loops that only look are waits."""
    polling = _Polling(program)
    threads = [replace(thread, body=polling.body(thread.body, polling.shown)) for thread in program.threads]
    functions = {
        name: replace(function, body=polling.body(function.body, NOTHING))
        for name, function in program.functions.items()
    }
    return replace(program, threads=tuple(threads), functions=functions)


def rereads(block: Block) -> bool:
    """Whether a compiler that makes `block` again and again makes the plain reads in it each time, too."""
    return any(isinstance(each, Fence) and not each.tags.isdisjoint(_REREAD) for each in block)


_REREAD = frozenset({"Clobber", "AcqFence"})


@record
class _Round:
    """One round of a loop: it does `look`, and leaves if `leaves`, by `exit`; else it does `again`."""

    look: Block
    leaves: Expr
    exit: Block
    again: Block


@record
class _Behind:
    """The registers whose values somebody may still use: behind a statement, behind its loop, behind its function."""

    here: Names
    loop: Names
    function: Names


@dataclass(slots=True)
class _Polling:
    program: Program
    shown: Names = NOTHING
    """The registers of threads that a final state shows."""
    read: Names = NOTHING
    """The agents' own registers that anybody reads, but to set them anew."""
    held: int = 0
    sites: Names = field(default_factory=frozenset)
    """What an ``ordered`` names."""

    def __post_init__(self) -> None:
        conditions = [requirement.cond for requirement in self.program.requirements]
        named = {reg.name.partition(":")[2] for cond in conditions for reg in registers_of(cond)}
        bodies = [thread.body for thread in self.program.threads]
        bodies += [function.body for function in self.program.functions.values()]
        used = {name for body in bodies for each in walk(body) for name in _used(each) - _renewed(each)}
        self.read = frozenset({name for name in used if name[0] == "@"} | {f"@{name}" for name in named})
        self.shown = frozenset(named)
        ordered = [requirement for requirement in self.program.requirements if requirement.kind == "ordered"]
        self.sites = frozenset(site for requirement in ordered for site in requirement.subjects)

    def body(self, block: Block, last: Names) -> Block:
        """`block`, of a thread or a function, behind which `last` are used."""
        last |= self.read
        self.held = 0
        return self.block(block, _Behind(last, NOTHING, last))[0]

    def block(self, block: Block, behind: _Behind) -> tuple[Block, Names]:
        """`block` with its waits, and the registers whose values it or somebody behind it uses."""
        if any(isinstance(each, Label | Jump) for each in block):
            everything = {name for each in walk(block) for name in _used(each)}
            return block, behind.here | behind.loop | behind.function | everything
        out: list[Statement] = []
        for statement in reversed(block):
            found, here = self.statement(statement, behind)
            out[:0] = found
            behind = replace(behind, here=here)
        return tuple(out), behind.here

    def statement(self, statement: Statement, behind: _Behind) -> tuple[Block, Names]:
        here = behind.here
        match statement:
            case Loop():
                return self.loop(statement, behind)
            case Break():
                return (statement,), behind.loop
            case Return():
                return (statement,), behind.function | _used(statement)
            case Assign(dst=dst) if dst.name not in here:
                return (statement,), here
            case If(then=then, orelse=orelse):
                (then, a), (orelse, b) = self.block(then, behind), self.block(orelse, behind)
                return (replace(statement, then=then, orelse=orelse),), a | b | _used(statement)
            case Await(body=body, orelse=orelse):
                orelse, late = self.block(orelse, behind)
                _, early = self.block(body, replace(behind, here=here | late | _used(statement)))
                return (replace(statement, orelse=orelse),), early
            case Choice(options=options):
                ends = [(name, *self.block(block, behind)) for name, block in options]
                chosen = tuple([(name, block) for name, block, _ in ends])
                return (replace(statement, options=chosen),), NOTHING.union(*[names for _, _, names in ends])
            case Parallel(body=body):
                return (statement,), here.union(*[_used(each) for each in walk(body)])
            case Call():
                here |= self.read
        return (statement,), here - {reg.name for reg in set_by(statement)} | _used(statement)

    # --- loops -------------------------------------------------------------------------------------

    def loop(self, loop: Loop, behind: _Behind) -> tuple[Block, Names]:
        """`loop`, or the wait that it is."""
        falls = behind.here if loop.rounds is not None else NOTHING
        body, head = self.block(loop.body, replace(behind, here=falls, loop=behind.here))
        while True:
            body, more = self.block(loop.body, replace(behind, here=head | falls, loop=behind.here))
            if more <= head:
                break
            head |= more
        loop = replace(loop, body=body)
        wait = self.wait(loop, head)
        if wait is None and loop.rounds is not None and not _exits(loop.body, Break):
            return body * loop.rounds, head
        return (loop,) if wait is None else wait, head

    def wait(self, loop: Loop, head: Names) -> Block | None:
        """What `loop` is as a wait, if it only looks; `head` are the registers that a round finds and may use."""
        round = self.taken_apart(loop.body)
        if round is None or not self.only_looks(round, head):
            return None
        try:
            look = silenced(round.look, round.leaves, self.program.functions)
        except WritesWhereItFails:
            return None
        leaves, exit, again = round.leaves, round.exit, round.again
        if loop.rounds is None:
            wait = Await(look, leaves, None, (), loop.origin, rereads(look) or rereads(again))
            return (wait, *exit)
        if exit and {reg.name for reg in registers_of(leaves)} & _set(again):
            saved = self.hold(leaves)
            look, leaves = (*look, saved), saved.dst
        wait = Await(look, leaves, loop.rounds, again, loop.origin)
        return (wait, If(leaves, exit, (), loop.origin)) if exit else (wait,)

    def taken_apart(self, block: Block) -> _Round | None:
        """One round that does `block`, if it may go around."""
        if _always_exits(block):
            return None
        for position, statement in enumerate(block):
            if not _exits((statement,)):
                continue
            if not isinstance(statement, If):
                return None
            look, rest = block[:position], block[position + 1 :]
            sides = []
            for side in (statement.then, statement.orelse):
                whole = (*side, *rest)
                out = _Round((), TRUE, _without_break(side), ())
                found = out if _always_exits(side) else self.taken_apart(whole)
                if found is None:
                    return None
                sides.append(found)
            found = self.joined(look, statement, *sides)
            too_many = sum(1 for part in (found.look, found.exit, found.again) for _ in walk(part)) > MOST
            return None if too_many else found
        return _Round((), FALSE, (), block)

    def joined(self, look: Block, test: If, then: _Round, orelse: _Round) -> _Round:
        """The round that does `look`, and then one or the other."""
        cond, inner = test.cond, _if(test, then.look, orelse.look)
        if {reg.name for reg in registers_of(cond)} & _set(inner):
            saved = self.hold(cond)
            look, cond, inner = (*look, saved), saved.dst, _if(replace(test, cond=saved.dst), then.look, orelse.look)
        test = replace(test, cond=cond)
        leaves = _either(_both(cond, then.leaves), _both(_not(cond), orelse.leaves))
        exit = orelse.exit if then.leaves == FALSE else then.exit if orelse.leaves == FALSE else None
        again = orelse.again if then.leaves == TRUE else then.again if orelse.leaves == TRUE else None
        return _Round(
            (*look, *inner),
            leaves,
            _if(test, then.exit, orelse.exit) if exit is None else exit,
            _if(test, then.again, orelse.again) if again is None else again,
        )

    def hold(self, value: Expr) -> Assign:
        self.held += 1
        return Assign(Reg(f"%held{self.held}", value.width), value)

    # --- what a round may do ---------------------------------------------------------------------------

    def only_looks(self, round: _Round, head: Names) -> bool:
        """Whether a round that goes around leaves nothing behind, and leaves the loop by what it reads."""
        functions = self.program.functions
        failing = (*round.look, *round.again)
        statements = list(reachable(failing, functions))
        if not all(self.is_harmless(each) for each in statements):
            return False
        if any(isinstance(each, Rmw) or self.is_asked_for(each) for each in reachable(round.again, functions)):
            return False
        if head & (_set(failing) | {reg.name for each in statements for reg in set_by(each) if reg.name[0] == "@"}):
            return False
        return self.depends_on_a_read(round)

    def is_harmless(self, statement: Statement) -> bool:
        match statement:
            case Load(exclusive=exclusive):
                return not exclusive
            case Fence(tags=tags):
                return tags.isdisjoint(("IrqOff", "IrqOn"))
            case Call(function=function):
                return function in self.program.functions
        return isinstance(statement, Assign | If | Parallel | Choice | Rmw | Return)

    def is_asked_for(self, statement: Statement) -> bool:
        """Whether an ``ordered`` names it: then it must not go."""
        return statement.origin.site in self.sites or (isinstance(statement, Call) and statement.function in self.sites)

    def depends_on_a_read(self, round: _Round) -> bool:
        """Whether `round` leaves or goes around by what it reads: else nobody could end the wait."""
        looks = list(walk(round.look))
        wanted = {reg.name for reg in registers_of(round.leaves)}
        before: set[str] = set()
        while wanted != before:
            before = set(wanted)
            for each in looks:
                if isinstance(each, Assign) and each.dst.name in wanted:
                    wanted |= _used(each)
                elif isinstance(each, If) and wanted & (_set(each.then) | _set(each.orelse)):
                    wanted |= _used(each)
        return any(self.reads(each) and wanted & {reg.name for reg in set_by(each)} for each in looks)

    def reads(self, statement: Statement) -> bool:
        return any(isinstance(each, Load | Rmw) for each in reachable((statement,), self.program.functions))


# --- statements --------------------------------------------------------------------------------------


def _used(statement: Statement) -> Names:
    """The registers whose values `statement` itself uses."""
    match statement:
        case Assign(expr=expr):
            return _names(expr)
        case Load(address=address):
            return _names(address)
        case Store(address=address, value=value) | StoreExclusive(address=address, value=value):
            return _names(address, value)
        case Rmw():
            return _names(statement.address, statement.new, statement.when, statement.compare)
        case If(cond=cond) | Await(cond=cond) | Assert(cond=cond) | Given(cond=cond) | Jump(cond=cond):
            return _names(cond)
        case Call(args=args):
            return _names(*args)
        case Return(value=value):
            return _names(value)
    return NOTHING


def _renewed(statement: Statement) -> Names:
    """The register that `statement` sets anew, if its value goes nowhere else."""
    return frozenset({statement.dst.name}) if isinstance(statement, Assign) else NOTHING


def _names(*exprs: Expr | None) -> Names:
    return frozenset(reg.name for expr in exprs if expr is not None for reg in registers_of(expr))


def _set(block: Block) -> Names:
    return frozenset(reg.name for each in walk(block) for reg in set_by(each))


def _exits(block: Block, *kinds: type[Break] | type[Return]) -> bool:
    """Whether some path of `block` leaves the loop around it, by a statement of one of `kinds`."""
    return any(isinstance(each, kinds or (Break, Return)) for each in _of_this_loop(block))


def _of_this_loop(block: Block) -> Iterator[Statement]:
    """The statements of `block`; of a loop inside, only what leaves this one, too."""
    for statement in block:
        yield statement
        for inner in children(statement):
            found = _of_this_loop(inner)
            yield from (each for each in found if not isinstance(each, Break)) if isinstance(statement, Loop) else found


def _always_exits(block: Block) -> bool:
    return any(
        isinstance(each, Break | Return)
        or (isinstance(each, If) and _always_exits(each.then) and _always_exits(each.orelse))
        for each in block
    )


def _without_break(block: Block) -> Block:
    """`block`, which always leaves the loop, where there is none any more."""
    if block and isinstance(block[-1], Break) and not _exits(block[:-1], Break):
        return block[:-1]
    return (Loop(block, 1),) if _exits(block, Break) else block


def _if(test: If, then: Block, orelse: Block) -> Block:
    return (replace(test, then=then, orelse=orelse),) if then or orelse else ()


# --- conditions --------------------------------------------------------------------------------------

_OPPOSITE = {"eq": "ne", "ne": "eq"}


def _not(cond: Expr) -> Expr:
    if isinstance(cond, Op):
        if cond.op == "not":
            return cond.args[0]
        if cond.op in _OPPOSITE:
            return replace(cond, op=_OPPOSITE[cond.op])
    return Op("not", (cond,), 1)


def _both(a: Expr, b: Expr) -> Expr:
    return FALSE if FALSE in (a, b) else a if b == TRUE else b if a == TRUE else Op("and", (a, b), 1)


def _either(a: Expr, b: Expr) -> Expr:
    return TRUE if TRUE in (a, b) else a if b == FALSE else b if a == FALSE else Op("or", (a, b), 1)
