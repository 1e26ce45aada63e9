"""Loops that only look are waits: one pass over a program that finds them and makes `Await` of them.

What counts is not how a loop is spelled but what a round does that goes around (docs/compiler.md, waits): it writes
nothing that anybody sees, carries no value into a later round or out of the loop, and ends by what it reads. A run with
such rounds stays a run when they are taken out, so the last round stands for all of them. What a round does as it
leaves may be anything: it happens once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from mmcheck.base.records import record, replace
from mmcheck.ir.parts import bodies_of, names_in, reachable, set_by, used_by, walk
from mmcheck.ir.polling.modifications import WritesWhereItFails, silenced
from mmcheck.ir.polling.registers import NOTHING, Names, all_set, always_set
from mmcheck.ir.polling.rounds import Round, Rounds, exits, without_break
from mmcheck.ir.polling.timeouts import limited
from mmcheck.ir.program import (
    TRUE,
    Assign,
    Await,
    Block,
    Break,
    Call,
    Choice,
    Const,
    Fence,
    If,
    Jump,
    Label,
    Load,
    Loop,
    Parallel,
    Program,
    Return,
    Rmw,
    Statement,
    Tags,
    registers_of,
)


def awaited(program: Program) -> Program:
    """`program`, whose loops that only look are waits."""
    if not any(isinstance(each, Loop) for body in bodies_of(program) for each in walk(body)):
        return program
    polling = _Polling(program)
    threads = [replace(thread, body=polling.body(thread.body, polling.shown)) for thread in program.threads]
    functions = {
        name: replace(function, body=polling.body(function.body, NOTHING))
        for name, function in program.functions.items()
    }
    return replace(program, threads=tuple(threads), functions=functions)


def rereads(block: Block) -> bool:
    """Whether a compiler that makes `block` again and again makes the plain reads in it each time, too."""
    return any(not tags.isdisjoint(_REREAD) for each in block for tags in _always(each))


_REREAD = frozenset({"Clobber", "AcqFence", "Acquire"})


def _always(statement: Statement) -> tuple[Tags, ...]:
    """The tags that what `statement` does has in any case."""
    match statement:
        case Fence(tags=tags) | Load(tags=tags):
            return (tags,)
        case Rmw():
            return (statement.read_tags if statement.when == TRUE else statement.read_tags & statement.fail_tags,)
    return ()


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
    sites: Names = NOTHING
    """What an ``ordered`` names."""
    whole: Block = ()
    """The body that is gone through."""
    rounds: Rounds = field(default_factory=Rounds)

    def __post_init__(self) -> None:
        conditions = [requirement.cond for requirement in self.program.requirements]
        named = {reg.name.partition(":")[2] for cond in conditions for reg in registers_of(cond)}
        used = {name for body in bodies_of(self.program) for each in walk(body) for name in _used_elsewhere(each)}
        self.read = frozenset({name for name in used if name[0] == "@"} | {f"@{name}" for name in named})
        self.shown = frozenset(named)
        ordered = [requirement for requirement in self.program.requirements if requirement.kind == "ordered"]
        self.sites = frozenset(site for requirement in ordered for site in requirement.subjects)

    def body(self, block: Block, last: Names) -> Block:
        """`block`, of a thread or a function, behind which `last` are used."""
        last |= self.read
        self.whole, self.rounds = block, Rounds()
        return self.block(block, _Behind(last, NOTHING, last))[0]

    def block(self, block: Block, behind: _Behind) -> tuple[Block, Names]:
        """`block` with its waits, and the registers whose values it or somebody behind it uses."""
        if any(isinstance(each, Label | Jump) for each in block):
            everything = {name for each in walk(block) for name in used_by(each)}
            return block, behind.here | behind.loop | behind.function | everything
        out: list[Statement] = []
        for position in reversed(range(len(block))):
            statement = block[position]
            if isinstance(statement, Loop):
                found, here = self.loop(statement, behind, block[:position])
            else:
                found, here = self.statement(statement, behind)
            out[:0] = found
            behind = replace(behind, here=here)
        return tuple(out), behind.here

    def statement(self, statement: Statement, behind: _Behind) -> tuple[Block, Names]:
        here = behind.here
        match statement:
            case Break():
                return (statement,), behind.loop
            case Return():
                return (statement,), behind.function | used_by(statement)
            case Assign(dst=dst) if dst.name not in here:
                return (statement,), here
            case If(then=then, orelse=orelse):
                (then, a), (orelse, b) = self.block(then, behind), self.block(orelse, behind)
                return (replace(statement, then=then, orelse=orelse),), a | b | used_by(statement)
            case Await(body=body, orelse=orelse):
                orelse, late = self.block(orelse, behind)
                _, early = self.block(body, replace(behind, here=here | late | used_by(statement)))
                return (replace(statement, orelse=orelse),), early
            case Choice(options=options):
                ends = [(name, *self.block(block, behind)) for name, block in options]
                chosen = tuple([(name, block) for name, block, _ in ends])
                return (replace(statement, options=chosen),), NOTHING.union(*[names for _, _, names in ends])
            case Parallel(body=body):
                return (statement,), here.union(*[used_by(each) for each in walk(body)])
            case Call():
                here |= self.read
        return (statement,), here - {reg.name for reg in set_by(statement)} | used_by(statement)

    # --- loops -------------------------------------------------------------------------------------

    def loop(self, loop: Loop, behind: _Behind, before: Block) -> tuple[Block, Names]:
        """`loop`, or the wait that it is; `before` stands in front of it."""
        falls = behind.here if loop.rounds is not None else NOTHING
        body, head = self.around(loop.body, replace(behind, here=falls, loop=behind.here))
        found = replace(loop, body=body)
        wait = self.wait(found, head)
        if wait is None and loop.rounds is None:
            elsewhere = Counter(map(id, walk(self.whole))) - Counter(map(id, walk(loop.body)))
            rest = [each for each in walk(self.whole) if elsewhere[id(each)]]
            wait = self.wait_with_limit(found, head, behind, before, rest)
        if wait is None and loop.rounds is not None and not exits(loop.body, Break):
            return body * loop.rounds, head
        return (found,) if wait is None else wait, head

    def around(self, body: Block, behind: _Behind) -> tuple[Block, Names]:
        """`body`, made again and again, and the registers that a round finds and may use."""
        head = NOTHING
        while True:
            found, more = self.block(body, replace(behind, here=behind.here | head))
            if more <= head:
                return found, head
            head |= more

    def wait(self, loop: Loop, head: Names) -> Block | None:
        """What `loop` is as a wait, if it only looks; `head` are the registers that a round finds and may use."""
        round = self.looking(loop.body, head)
        if round is None:
            return None
        look, leaves, exit, again = round.look, round.leaves, round.exit, round.again
        if loop.rounds is None:
            wait = Await(look, leaves, None, (), loop.origin, rereads(look) or rereads(again))
            return (wait, *exit)
        if exit and names_in(leaves) & all_set(again):
            saved = self.rounds.hold(leaves)
            look, leaves = (*look, saved), saved.dst
        wait = Await(look, leaves, loop.rounds, again, loop.origin)
        return (wait, If(leaves, exit, (), loop.origin)) if exit else (wait,)

    def wait_with_limit(
        self, loop: Loop, head: Names, behind: _Behind, before: Block, rest: list[Statement]
    ) -> Block | None:
        """The same of a loop that counts its rounds and gives up; `rest` is all that is not in it."""
        steps = [each for each in walk(loop.body) if isinstance(each, Assign) and each.dst.name in used_by(each)]
        counters = {each.dst for each in steps if each.dst.name in head}
        if len(counters) != 1:
            return None
        (counter,) = counters
        start = _constant(before, counter.name)
        if start is None or counter.name in self.read | self.shown:
            return None
        found = limited(loop.body, counter, start.value, rest if counter.name in behind.here else [])
        if found is None:
            return None
        _, waiting = self.around(found.body, replace(behind, here=NOTHING, loop=behind.here))
        round = self.looking(found.body, waiting - {counter.name}, head - {counter.name})
        if round is None:
            return None
        late = (*round.again, Assign(counter, Const(found.number, counter.width)), *found.last)
        if not exits(late, Break):
            return (Await(round.look, round.leaves, found.tries, late, loop.origin), *round.exit)
        if not round.exit:
            return (Await(round.look, round.leaves, found.tries, without_break(late), loop.origin),)
        wait = Await(round.look, round.leaves, found.tries, late, loop.origin)
        return (Loop((wait, *round.exit, Break(loop.origin)), 1, loop.origin),)

    # --- what a round may do ---------------------------------------------------------------------------

    def looking(self, body: Block, head: Names, late: Names = NOTHING) -> Round | None:
        """The round that does `body`, if it leaves the loop by what it reads, and goes around only where it leaves
        nothing behind: it sets no register of `head`, and one that is used `late`, when it gives up, each time."""
        round = self.rounds.taken_apart(body)
        if round is None:
            return None
        functions = self.program.functions
        failing = (*round.look, *round.again)
        statements = list(reachable(failing, functions))
        if not all(self.is_harmless(each) for each in statements):
            return None
        if any(isinstance(each, Rmw) or self.is_asked_for(each) for each in reachable(round.again, functions)):
            return None
        touched = all_set(failing) | {reg.name for each in statements for reg in set_by(each) if reg.name[0] == "@"}
        if touched & (head | late - always_set(failing)):
            return None
        if not self.depends_on_a_read(round):
            return None
        try:
            return replace(round, look=silenced(round.look, round.leaves, functions))
        except WritesWhereItFails:
            return None

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

    def depends_on_a_read(self, round: Round) -> bool:
        """Whether `round` leaves or goes around by what it reads: else nobody could end the wait."""
        looks = list(walk(round.look))
        wanted, before = set(names_in(round.leaves)), set[str]()
        while wanted != before:
            before = set(wanted)
            for each in looks:
                if isinstance(each, Assign) and each.dst.name in wanted:
                    wanted |= used_by(each)
                elif isinstance(each, If) and wanted & (all_set(each.then) | all_set(each.orelse)):
                    wanted |= used_by(each)
        return any(self.reads(each) and wanted & {reg.name for reg in set_by(each)} for each in looks)

    def reads(self, statement: Statement) -> bool:
        return any(isinstance(each, Load | Rmw) for each in reachable((statement,), self.program.functions))


def _used_elsewhere(statement: Statement) -> Names:
    """The registers whose values `statement` uses, but to set the same one anew."""
    return used_by(statement) - ({statement.dst.name} if isinstance(statement, Assign) else NOTHING)


def _constant(before: Block, name: str) -> Const | None:
    """The number that the register has behind `before`, if the last statement that may set it says so."""
    for statement in reversed(before):
        if name in all_set((statement,)):
            number = statement.expr if isinstance(statement, Assign) else None
            return number if isinstance(number, Const) else None
    return None
