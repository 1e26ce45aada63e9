"""Why a source semantics misses an outcome of the machine code: what would have to be otherwise for it to be there.

Each explanation is an experiment: the source with a statement less, with two of them swapped, or without the
dependencies of one kind; the first after which the outcome is allowed gives its name to the failure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mmcheck.base.errors import InputError, UnknownVerdict
from mmcheck.base.records import record, replace
from tests.compilers import judge
from tests.compilers.form import Block, Body, Case, Fence, If, Load, Rmw, Set, Statement, Store, registers, walk

DEPENDENCIES = {
    "ctrl": ("ctrl", "pick-ctrl"), "data": ("data", "pick-data"), "addr": ("addr", "pick-addr"),
}  # fmt: skip


DEFECTS = (
    ("plain load", "past", r"(compiler_)?fence\(|asm", "LLVM: sunk past a fence"),
    ("plain load", "ahead of", r"(acquire|seq_cst|acq_rel) (?!store)", "LLVM: LDP across an acquire"),
    ("plain store", "ahead of", r"(acquire|seq_cst|acq_rel) (?!store)", "LLVM: STP across an acquire"),
)
"""What compilers are known to do wrong: an access, which way it goes, past what, and the name of the defect."""


@record
class Experiment:
    """A case, without the dependencies `stripped` of its body."""

    name: str
    case: Case
    stripped: tuple[str, ...] = ()


def explain(case: Case, target: str, wrong: judge.Outcomes, profile: str = "observed") -> str:
    """The name of the failure; ``?`` where no experiment explains it."""
    for experiment in experiments(case):
        gone = [name for kind in experiment.stripped for name in DEPENDENCIES[kind]]
        try:
            source = judge.Source(experiment.case, target, profile, without=gone)
            if all(source.allows(outcome) for outcome in wrong):
                return experiment.name
        except (UnknownVerdict, InputError):
            continue
    return "?"


def experiments(case: Case) -> Iterator[Experiment]:
    """From those that say the most to those that say the least."""
    block, result = case.body.statements, case.body.result
    without = [(name, with_statements(case, other)) for name, other in removals(block, result)]
    yield from (Experiment(*each) for each in without)
    for kinds in (("ctrl",), ("data",), ("addr",), ("ctrl", "data"), ("addr", "data"), ("ctrl", "data", "addr")):
        yield Experiment(f"{' and '.join(kinds)} dependency{manner(case)}", case, kinds)
    yield from (Experiment(name, with_statements(case, other)) for name, other in swaps(block))
    for name, changed in without:
        for again, more in removals(changed.body.statements, result):
            yield Experiment(f"{name} + {again}", with_statements(case, more))
        for again, more in swaps(changed.body.statements):
            yield Experiment(f"{name} + {again}", with_statements(case, more))
        for kinds in (("ctrl",), ("data",), ("addr",)):
            yield Experiment(f"{name} + {kinds[0]} dependency{manner(case)}", changed, kinds)


def manner(case: Case) -> str:
    """How values come about in a body: what a dependency may have been lost by."""
    text = repr(case.body.statements)
    found = [
        word
        for sign, word in (
            ("op='int'", "comparison"), ("op='&&'", "&&"), ("op='||'", "||"), ("Pick(", "pick"), ("If(", "branch"),
            ("Return(", "return"), ("Repeat(", "loop"), ("op='^'", "xor"),
        )
        if sign in text
    ]  # fmt: skip
    return f" ({', '.join(found)})" if found else ""


def with_statements(case: Case, statements: Block) -> Case:
    return replace(case, body=replace(case.body, statements=statements))


def word(each: Statement) -> str:
    match each:
        case Load(_, _, order):
            return f"{order} load"
        case Store(_, _, order):
            return f"{order} store"
        case Rmw(_, op, _, _, order):
            return f"{order} {op}"
        case Fence(kind, order):
            return f"{kind}({order})"
    return type(each).__name__.lower()


def removals(
    block: Block, result: tuple[str, ...], before: Block = (), after: Block = ()
) -> Iterator[tuple[str, Block]]:
    """The accesses that a compiler may take out; `before` and `after` is what stands around `block`."""
    for number, each in enumerate(block):
        past, rest = (*before, *block[:number]), (*block[number + 1 :], *after)

        def put(*other: Statement, number: int = number) -> Block:
            return (*block[:number], *other, *block[number + 1 :])

        match each:
            case Store(place, value, "plain"):
                if any(isinstance(p, Load) and p.to == value and p.place == place for p in past):
                    yield "write-back removed", put()
                if any(isinstance(p, Store) and (p.place, p.value) == (place, value) for p in past):
                    yield "repeated store removed", put()
                if any(isinstance(p, Store | Rmw) and p.place.name == place.name for p in walk(rest)):
                    yield "dead store removed", put()
            case Load(to, place, "plain"):
                for earlier in reversed(past):
                    if isinstance(earlier, Store) and earlier.place == place:
                        yield "store forwarded to load", put(Set(to, earlier.value))
                        break
                for earlier in reversed(past):
                    if isinstance(earlier, Load) and earlier.place == place and earlier.to != to:
                        yield "repeated load merged", put(Set(to, earlier.to))
                        break
                if to not in result and to not in used(rest):
                    yield "unused load removed", put()
            case Rmw(to, op, _, _, order) if order != "seq_cst":
                if to is None or (to not in result and to not in used(rest)):
                    yield f"rmw without use removed ({op})", put()
            case If(cond, then, orelse):
                for name, other in removals(then, result, past, rest):
                    yield name, put(If(cond, other, orelse))
                for name, other in removals(orelse, result, past, rest):
                    yield name, put(If(cond, then, other))


def used(block: Block) -> set[str]:
    """The registers that are read, or set, in `block`."""
    return set(registers(Body(block, ())))


def swaps(block: Block) -> list[tuple[str, Block]]:
    """One statement moved over some others, the nearest moves and those of plain accesses first."""
    found: list[tuple[int, str, Block]] = []
    for number, each in enumerate(block):
        for later in range(number + 1, len(block)):
            between, last = block[number + 1 : later + 1], block[later]
            if not isinstance(each, Fence):
                moved = (*block[:number], *between, each, *block[later + 1 :])
                found.append((len(between), moving(each, "past", between), moved))
            if not isinstance(last, Fence):
                moved = (*block[:number], last, *block[number:later], *block[later + 1 :])
                found.append((len(between), moving(last, "ahead of", block[number:later]), moved))
        if isinstance(each, If):
            for name, other in swaps(each.then):
                found.append((1, name, (*block[:number], If(each.cond, other, each.orelse), *block[number + 1 :])))
            for name, other in swaps(each.orelse):
                found.append((1, name, (*block[:number], If(each.cond, each.then, other), *block[number + 1 :])))
    return [
        (name, other)
        for _, name, other in sorted(found, key=lambda one: (one[0], "order" in one[1], "plain" not in one[1]))
    ]


def moving(each: Statement, way: str, over: Block) -> str:
    """The name of a move: that of the defect that does it, if there is one."""
    crossed = ", ".join(map(word, over))
    for what, direction, pattern, name in DEFECTS:
        if word(each) == what and direction == way and re.search(pattern, crossed):
            return name
    return f"order: {word(each)} {way} {crossed}"


__all__ = ["explain"]
