"""Several programs that differ in barriers and in the orders of accesses alone, as one program.

Variants of a specification mostly do: one drops a barrier, another moves it, a third weakens a store. Their common
program has a `Choice` wherever they differ, all of one site, whose options are the programs' names; so one graph and
one encoding serve all of them, and a query selects its variant by assumptions. What a thread computes, where it
branches and what it waits for is the same in all: dependencies are those of each program alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmcheck.base.records import record, replace
from mmcheck.ir.parts import children, with_blocks, with_bodies
from mmcheck.ir.program import (
    NOWHERE,
    Await,
    Block,
    Break,
    Choice,
    Fence,
    Function,
    If,
    Load,
    Loop,
    Parallel,
    Program,
    Return,
    Rmw,
    Statement,
    Store,
)

SITE = "%variant"
"""The site of every `Choice` that is made here."""

STRUCTURAL = frozenset({"Plain", "Ghost", "IrqOff", "IrqOn"})
"""Tags that decide more than order: where dependencies lead, and when interrupts come."""

Options = Mapping[str, Block]


class _Differ(Exception):
    """The programs differ in more than barriers and orders."""


@record
class Group:
    """Programs under `names`, and the one that is all of them; with one name it is that program itself."""

    names: tuple[str, ...]
    program: Program


def same(first: Program, second: Program) -> bool:
    """Whether two programs differ in nothing but where their statements stand and how they are called."""
    return _bare(first) == _bare(second)


def _bare(program: Program) -> object:
    def block(statements: Block) -> Block:
        return tuple([replace(with_blocks(each, block), origin=NOWHERE) for each in statements])

    bare = with_bodies(program, block)
    return (
        [replace(thread, origin=NOWHERE) for thread in bare.threads],
        bare.functions,
        [replace(cell, span=None) for cell in program.cells],
        [replace(requirement, origin=NOWHERE) for requirement in program.requirements],
    )


def groups(programs: Mapping[str, Program]) -> list[Group]:
    """`programs` in groups of those that differ in barriers and orders alone, in the order of their first names."""
    out: list[dict[str, Program]] = []
    for name, program in programs.items():
        for members in out:
            if _alike(next(iter(members.values())), program):
                members[name] = program
                break
        else:
            out.append({name: program})
    return [Group(tuple(members), merged(members)) for members in out]


def _alike(first: Program, second: Program) -> bool:
    try:
        _merge({"1": first, "2": second})
    except _Differ:
        return False
    return True


def merged(programs: Mapping[str, Program]) -> Program:
    """The common program of `programs`. Raises `ValueError` if they differ in more than barriers and orders."""
    if len(programs) == 1:
        return next(iter(programs.values()))
    try:
        return _merge(programs)
    except _Differ:
        raise ValueError("programs that differ in more than barriers and orders") from None


def selected(program: Program, name: str) -> Program:
    """The program called `name` of a common one: every `Choice` made here is replaced by its option."""

    def block(statements: Block) -> Block:
        out: list[Statement] = []
        for each in statements:
            if isinstance(each, Choice) and each.site == SITE:
                out += block(dict(each.options)[name])
            else:
                out.append(with_blocks(each, block))
        return tuple(out)

    return with_bodies(program, block)


def _merge(programs: Mapping[str, Program]) -> Program:
    first = next(iter(programs.values()))
    rest = list(programs.values())[1:]
    for other in rest:
        if other.cells != first.cells or len(other.threads) != len(first.threads):
            raise _Differ
    threads = []
    for number, thread in enumerate(first.threads):
        bodies = {}
        for name, program in programs.items():
            other_thread = program.threads[number]
            if other_thread is not thread and replace(other_thread, body=thread.body) != thread:
                raise _Differ
            bodies[name] = other_thread.body
        threads.append(replace(thread, body=_block(bodies)))
    functions: dict[str, Function] = {}
    for key in dict.fromkeys(key for program in programs.values() for key in program.functions):
        those = {name: program.functions[key] for name, program in programs.items() if key in program.functions}
        function = next(iter(those.values()))
        if any((each.params, each.result) != (function.params, function.result) for each in those.values()):
            raise _Differ
        # Who does not have the function does not call it.
        options = {name: those[name].body if name in those else function.body for name in programs}
        functions[key] = replace(function, body=_block(options))
    requirements = tuple(dict.fromkeys(each for program in programs.values() for each in program.requirements))
    return replace(first, threads=tuple(threads), functions=functions, requirements=requirements)


def _block(options: Options) -> Block:
    """What the blocks of all options have in common, with choices where they differ."""
    blocks = list(options.values())
    if all(block is blocks[0] or block == blocks[0] for block in blocks[1:]):
        return blocks[0]
    out: list[Statement] = []
    positions = dict.fromkeys(options, 0)
    while True:
        barriers: dict[str, list[Fence]] = {}
        for name, block in options.items():
            start = end = positions[name]
            while end < len(block) and _is_barrier(block[end]):
                end += 1
            barriers[name] = [each for each in block[start:end] if isinstance(each, Fence)]
            positions[name] = end
        out += _barriers(barriers)
        ended = {positions[name] == len(block) for name, block in options.items()}
        if ended == {True}:
            if any(len(block) == 1 and isinstance(block[0], Break | Return) for block in blocks):
                raise _Differ  # a barrier before the end of a loop that others leave at once (`loops.exit_test`)
            return tuple(out)
        if True in ended:
            raise _Differ
        out.append(_statement({name: block[positions[name]] for name, block in options.items()}))
        positions = {name: position + 1 for name, position in positions.items()}


def _is_barrier(statement: Statement) -> bool:
    return isinstance(statement, Fence) and statement.tags.isdisjoint(STRUCTURAL)


def _barriers(options: Mapping[str, list[Fence]]) -> list[Statement]:
    """Barriers between two statements: each once, in an order that agrees with that of every option."""
    lists = list(options.values())
    if all(each == lists[0] for each in lists[1:]):
        return list(lists[0])
    common: list[tuple[Fence, set[str]]] = []
    for name, fences in options.items():
        at = 0
        for fence in fences:
            found = next((i for i in range(at, len(common)) if common[i][0] == fence), None)
            if found is None:
                common.insert(at, (fence, {name}))
                at += 1
            else:
                common[found][1].add(name)
                at = found + 1
    return [
        fence if len(names) == len(options) else _choice({name: (fence,) if name in names else () for name in options})
        for fence, names in common
    ]


def _choice(options: Options) -> Choice:
    return Choice(SITE, tuple(options.items()))


def _statement(options: Mapping[str, Statement]) -> Statement:
    """One statement for all options, or a choice of accesses that differ in order alone."""
    statements = list(options.values())
    first = statements[0]
    if all(each is first or each == first for each in statements[1:]):
        return first
    if any(type(each) is not type(first) for each in statements):
        raise _Differ
    if isinstance(first, Load | Store | Rmw):
        _same([_unordered(each) for each in statements])
        _same([each.origin.site for each in statements])
        return _choice({name: (each,) for name, each in options.items()})
    if not isinstance(first, If | Loop | Await | Parallel):
        raise _Differ
    _same([with_blocks(each, lambda _: ()) for each in statements])
    sides = zip(*[children(each) for each in statements], strict=True)
    inner = [_block(dict(zip(options, blocks, strict=True))) for blocks in sides]
    return with_blocks(first, lambda _: inner.pop(0))


def _same(things: Sequence[object]) -> None:
    if any(each != things[0] for each in things[1:]):
        raise _Differ


def _unordered(access: Statement) -> Statement:
    """`access` without what says how it is ordered."""
    match access:
        case Load() | Store():
            return replace(access, tags=access.tags & STRUCTURAL, origin=NOWHERE)
        case Rmw():
            return replace(
                access,
                read_tags=access.read_tags & STRUCTURAL,
                write_tags=access.write_tags & STRUCTURAL,
                fail_tags=access.fail_tags & STRUCTURAL,
                origin=NOWHERE,
            )
    return access
