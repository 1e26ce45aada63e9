"""Requirements that are never asked: is there a run that comes to where one is checked, and what stands in the way?

Both engines find out in the same way, each on its own: of a program with *probes*, assertions that always fail, they
ask which of them fail in some run. What stands in the way is the first wait, branch or loop on the way through the
text that no run passes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

from mmcheck.base.records import record, replace
from mmcheck.ir.parts import children, walk, with_blocks, with_bodies
from mmcheck.ir.program import (
    FALSE,
    Assert,
    Await,
    Block,
    Break,
    Call,
    Choice,
    Expr,
    If,
    Jump,
    Label,
    Loop,
    Op,
    Program,
    Reg,
    Requirement,
    Return,
    Statement,
    evaluate,
    registers_of,
)

REACHED = "%reached"
"""The probe in front of what a run must come to."""


Goal: TypeAlias = Callable[[Statement], bool]


def goals_of(requirement: Requirement) -> tuple[Goal, ...]:
    """What a run must come to, each of them, for `requirement` to be asked; nothing if any run that ends will do."""
    match requirement.kind:
        case "point" if not requirement.implied:
            return (lambda s: isinstance(s, Assert) and s.requirement == requirement.name,)
        case "ordered":
            return tuple([_at(site) for site in requirement.subjects[:2]])
    return ()


def reason(requirement: Requirement, marked: Sequence[Ways], obstacles: Sequence[str]) -> str:
    """Why nothing was checked of `requirement`: no run came to its goals by the ways `marked`, for the `obstacles`."""
    match requirement.kind:
        case "ordered":
            what = "the two never both happen in one thread"
        case "point":
            there = all(each.ways for each in marked)
            what = "no run comes to where it is checked" if there else "nothing checks it"
        case _:
            what = "no run comes to an end"
    return f"{what}: {', and '.join(dict.fromkeys(obstacles))}" if obstacles else what


def ways_of(requirement: Requirement, program: Program, choices: Mapping[str, str]) -> list[Ways]:
    """The ways to each goal of `requirement`, or to the end."""
    return [ways(program, goal, choices) for goal in goals_of(requirement) or (None,)]


def _at(site: str) -> Goal:
    label = site.rpartition(".")[2]
    return lambda s: s.origin.site == label or (isinstance(s, Call) and s.function == label)


@record
class Setting:
    """Whether runs set those `registers` of the condition `cond` that are not set in any case: `ways` has a probe in
    front of each statement that sets one."""

    ways: Ways
    registers: tuple[str, ...]
    cond: Expr

    def unset(self, reached: Collection[str]) -> tuple[str, ...]:
        """The registers that no run sets, if just these probes are reached and the condition does not ask any more."""
        unset = tuple([name for name in self.registers if _probe_of(name) not in reached])
        return unset if _decided(self.cond, unset) is not None else ()


def setting(requirement: Requirement, program: Program) -> Setting | None:
    """How to find out whether runs set what a condition on final states looks at; None if that decides nothing."""
    if requirement.kind not in ("final", "exists"):
        return None
    setters: dict[str, tuple[Statement, ...]] = {}
    for register in dict.fromkeys(registers_of(requirement.cond)):
        thread, _, name = register.name.partition(":")
        bodies = [each.body for each in program.threads if each.name == thread]
        found = tuple([s for body in bodies for s in walk(body) if _sets(s, name)])
        if found and not any(_certainly(body, name, program) for body in bodies):
            setters[register.name] = found
    if _decided(requirement.cond, tuple(setters)) is None:
        return None

    def block(statements: Block) -> Block:
        out: list[Statement] = []
        for each in statements:
            here = _whole(each)
            names = [name for name, found in setters.items() if any(one is s for one in here for s in found)]
            out += [Assert(FALSE, _probe_of(name), each.origin) for name in names]
            out.append(_rebuilt(each, block))
        return tuple(out)

    threads = tuple([replace(thread, body=block(thread.body)) for thread in program.threads])
    probes = tuple([(_probe_of(name),) for name in setters])
    return Setting(Ways(replace(program, threads=threads), probes, {}), tuple(setters), requirement.cond)


def setter(register: str, program: Program) -> Goal:
    """The statements that set a register of a final state."""
    thread, _, name = register.partition(":")
    found = [s for each in program.threads if each.name == thread for s in walk(each.body) if _sets(s, name)]
    return lambda s: any(one is inner for inner in _whole(s) for one in found)


def says_unset(registers: Sequence[str], obstacles: Sequence[str]) -> str:
    """Why nothing was checked of a condition on registers that no run sets."""
    names = " or ".join([f"'{name.replace(':', '.')}'" for name in registers])
    what = f"no run sets {names}"
    return f"{what}: {', and '.join(dict.fromkeys(obstacles))}" if obstacles else what


def _whole(statement: Statement) -> list[Statement]:
    """The statement, with those in it that have no probes of their own."""
    match statement:
        case If() | Loop():
            return [statement]
        case Await(body=body):
            return [statement, *walk(body)]
    return list(walk((statement,)))


def _probe_of(register: str) -> str:
    return f"{REACHED} {register}"


def _sets(statement: Statement, name: str) -> bool:
    targets = [getattr(statement, field, None) for field in ("dst", "ok", "status")]
    return any(isinstance(target, Reg) and target.name == name for target in targets)


def _certainly(block: Block, name: str, program: Program) -> bool:
    """Whether each run that begins with `block` sets the register in it."""
    for each in block:
        if _sets(each, name):
            return True
        match each:
            case Await(body=body):
                return any(_sets(inner, name) for inner in body)
            case If(then=then, orelse=orelse):
                if _certainly(then, name, program) and _certainly(orelse, name, program):
                    return True
                if any(isinstance(inner, Return | Break | Await | Loop | Call) for inner in walk((each,))):
                    return False
            case Choice(options=options):
                if all(_certainly(option, name, program) for _, option in options):
                    return True
            case Loop() | Call() | Label() | Jump() | Return() | Break():
                return isinstance(each, Label | Jump)  # assembly sets what it sets
    return False


def _decided(cond: Expr, unset: Collection[str]) -> bool | None:
    """What a condition is if these registers are 0; None if it asks for more."""
    if all(register.name in unset for register in registers_of(cond)):
        return bool(evaluate(cond, {}))
    if not isinstance(cond, Op) or cond.op not in ("and", "or", "not") or cond.width != 1:
        return None
    parts = [_decided(arg, unset) for arg in cond.args]
    if cond.op == "not":
        return None if parts[0] is None else not parts[0]
    decisive = cond.op == "or"
    if decisive in parts:
        return decisive
    return None if None in parts else not decisive


def marked(program: Program, goal: Goal) -> Program:
    """`program` with the probe `REACHED` in front of every `goal`."""

    def block(statements: Block) -> Block:
        out: list[Statement] = []
        for each in statements:
            if goal(each):
                out.append(Assert(FALSE, REACHED, each.origin))
            out.append(_rebuilt(each, block))
        return tuple(out)

    return with_bodies(program, block)


@record
class Ways:
    """`program` has probes; `ways` are, for each thread in which there is a goal, those that a run comes by on its way
    there, in order. `texts` says what no run does if a probe is not reached."""

    program: Program
    ways: tuple[tuple[str, ...], ...]
    texts: Mapping[str, str]

    def obstacles(self, reached: Collection[str]) -> list[str]:
        """What stands in the way, once for each thread, if just the probes `reached` are."""
        firsts = [next((probe for probe in way if probe not in reached), None) for way in self.ways]
        texts = [self.texts[probe] for probe in firsts if probe is not None]
        return list(dict.fromkeys(filter(None, texts)))


def ways(program: Program, goal: Goal | None, choices: Mapping[str, str]) -> Ways:
    """The ways to `goal` (None: to the end of each thread) where sites have the options of `choices`."""
    texts: dict[str, str] = {}

    def probe(text: str, origin: Statement) -> Assert:
        name = f"%{len(texts)}"
        texts[name] = text
        return Assert(FALSE, name, origin.origin)

    def block(statements: Block) -> Block:
        out: list[Statement] = []
        for each in statements:
            out.append(_rebuilt(each, block) if not isinstance(each, If) else _with_sides(each, block, probe))
            if isinstance(each, Await | Loop | Call | If):
                # Who waits for ever has come to an end, too.
                out.append(probe("" if goal is None and isinstance(each, Await) else _passing(each), each))
        return tuple(out)

    probed = with_bodies(program, block)
    found = []
    for thread in probed.threads:
        way, there = _way(thread.body, goal, probed, choices)
        if there or goal is None:
            found.append(tuple(way))
    return Ways(probed, tuple(found), texts)


def _with_sides(test: If, block: Callable[[Block], Block], probe: Callable[[str, Statement], Assert]) -> If:
    sides = []
    for side, value in ((test.then, "true"), (test.orelse, "false")):
        inner = block(side)
        if side and not isinstance(side[0], Break | Return):
            inner = (probe(f"in no run is {_named(test)} {value}", test), *inner)
        sides.append(inner)
    return replace(test, then=sides[0], orelse=sides[1])


def _passing(statement: Await | Loop | Call | If) -> str:
    """What no run does if none comes behind `statement`."""
    name = _named(statement)
    match statement:
        case Await():
            return f"no run passes {name}"
        case Loop():
            return f"no run leaves {name} within the bound"
        case Call():
            return f"no run returns from {name}"
    away = [bool(side) and isinstance(side[-1], Break | Return) for side in (statement.then, statement.orelse)]
    return f"in no run is {name} false" if away == [True, False] else f"no run gets past {name}"


def _named(statement: Statement) -> str:
    origin = statement.origin
    where = f" (line {origin.span.line})" if origin.span is not None else ""
    return f"'{origin.text}'{where}" if origin.text else f"a {type(statement).__name__.lower()}{where}"


def _way(block: Block, goal: Goal | None, program: Program, choices: Mapping[str, str]) -> tuple[list[str], bool]:
    """The probes on the way through `block` to the first `goal` in it, and whether there is one; else to its end."""
    out: list[str] = []
    for each in block:
        if isinstance(each, Assert) and each.requirement.startswith("%"):
            out.append(each.requirement)
            continue
        if goal is not None and goal(each):
            return out, True
        for inner in _inside(each, program, choices):
            way, there = _way(inner, goal, program, choices)
            if there:
                return [*out, *way], True
            if isinstance(each, Call) and not _returns(inner):
                out += way
    return out, False


def _inside(statement: Statement, program: Program, choices: Mapping[str, str]) -> Iterator[Block]:
    match statement:
        case Call(function=function):
            if function in program.functions:
                yield program.functions[function].body
        case Choice(site=site, options=options):
            yield dict(options).get(choices.get(site, ""), options[0][1])
        case Await(orelse=orelse):
            yield orelse
        case _:
            yield from children(statement)


def _returns(block: Block) -> bool:
    """Whether a `Return` stands in `block` other than at its end."""
    return any(
        isinstance(each, Return) or any(map(_returns, children(each)))
        for each in (block[:-1] if block and isinstance(block[-1], Return) else block)
    )


def _rebuilt(statement: Statement, block: Callable[[Block], Block]) -> Statement:
    """`statement` with `block` done to what stands in it; what is looked at by a wait stays as it is."""
    if isinstance(statement, Await):
        return replace(statement, orelse=block(statement.orelse))
    return with_blocks(statement, block) if isinstance(statement, If | Loop) else statement
