"""The outcomes of a case: as its source may have them, and as the machine code has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from mmcheck.deadline import Deadline
from mmcheck.enumerate import Enumeration, Limits
from mmcheck.enumeration.keep import profile
from mmcheck.lower.spec import load_spec
from mmcheck.model.model import load_model
from mmcheck.program import Program
from mmcheck.source import SourceFile
from mmcheck.target.targets import parse_target
from tests.compilers.assembly import COUNT, OFFSETS, Arch, Unread, read, watched
from tests.compilers.form import ARRAY, PACKED, SIZE, WORDS, Case, Load, Look, Place, Rmw, Store, packed, walk
from tests.compilers.printers import Spec

Outcome: TypeAlias = tuple[tuple[str, int], ...]
"""What the function returned, what the observers saw, and what memory holds at the end; without what is 0."""
Outcomes: TypeAlias = frozenset[Outcome]
LIMITS = Limits(candidates=100_000, combinations=400_000, traces=5_000)
PLACES = tuple(
    [(name, OFFSETS[name]) for name in WORDS] + [(f"{ARRAY}[{n}]", OFFSETS[ARRAY] + 4 * n) for n in range(SIZE)]
)


def program_of(case: Case, target: str) -> Program:
    """The source program."""
    text = Spec().case(case, target)
    spec = load_spec(SourceFile(f"{case.name}.litmus", text), root=Path(), read=lambda path: "")
    return spec.program(parse_target(target), None)


def looks(case: Case) -> list[tuple[int, str, int]]:
    """Of each look of an observer: observer, register, and the number of the look."""
    out = []
    for number, observer in enumerate(case.observers):
        seen = [each.register for each in observer if isinstance(each, Look)]
        out += [(number, register, n) for n, register in enumerate(seen)]
    return out


def _outcome(result: int, seen: Mapping[str, int], memory: Mapping[str, int]) -> Outcome:
    values = {"return": result, **seen, **memory}
    return tuple([(name, value) for name, value in values.items() if value])


def of_source(
    case: Case, target: str, *, seconds: float = 20.0, search: Enumeration | None = None
) -> frozenset[Outcome]:
    """What the source may do. Raises `UnknownVerdict`."""
    program = program_of(case, target)
    search = search or searching(program, target, seconds)
    registers = [f"T:{name}" for name in case.body.result]
    names = [(f"{register}", f"O{number}:{register}") for number, register, _ in looks(case)]

    def outcome(final: Mapping[str, int]) -> Outcome:
        result = packed(tuple([final.get(name, 0) for name in registers]))
        seen = {short: final.get(name, 0) for short, name in names}
        return _outcome(result, seen, {place: final.get(f"[{place}]", 0) for place, _ in PLACES})

    return _found(search, outcome)


def searching(program: Program, target: str, seconds: float = 20.0) -> Enumeration:
    model = load_model(parse_target(target).model)
    return Enumeration(
        program, model, settle=True, keep=profile("observed"), limits=LIMITS, deadline=Deadline(seconds), bound=3
    )


def unpacked(case: Case, outcome: Outcome) -> dict[str, int]:
    """The values of the registers that the function returned."""
    word = dict(outcome).get("return", 0)
    last = len(case.body.result) - 1
    return {
        name: word >> PACKED * n & ((1 << PACKED) - 1 if n < last else -1) for n, name in enumerate(case.body.result)
    }


def touched(case: Case) -> list[tuple[str, int]]:
    """The places that matter, and where each is."""
    names = {each.place.name for each in walk(case.body.statements) if isinstance(each, Load | Store | Rmw)}
    names |= {each.place.name for observer in case.observers for each in observer}
    return [(place, at) for place, at in PLACES if place.split("[")[0] in names]


def in_source(case: Case, outcome: Outcome) -> str:
    """`outcome` as a condition of the specification language."""
    values = dict(outcome)
    parts = [f"T.{name} == {value}" for name, value in unpacked(case, outcome).items()]
    parts += [f"O{number}.{register} == {values.get(register, 0)}" for number, register, _ in looks(case)]
    parts += [f"{place} == {values.get(place, 0)}" for place, _ in touched(case)]
    return " && ".join(parts)


def in_machine(case: Case, outcome: Outcome, arch: Arch) -> str:
    """`outcome` as a condition of herd's format."""
    values = dict(outcome)
    parts = [f"0:{arch.result}={values.get('return', 0)}"] if case.body.result else []
    parts += [f"{number + 1}:{watched(n, arch)}={values.get(register, 0)}" for number, register, n in looks(case)]
    parts += [f"mem[{at // 4}]={values.get(place, 0)}" for place, at in touched(case)]
    return " /\\ ".join(parts)


def _found(search: Enumeration, outcome: Callable[[Mapping[str, int]], Outcome]) -> frozenset[Outcome]:
    found: set[Outcome] = set()
    with search.deadline:
        for run in search.runs(fresh=lambda final: outcome(final) not in found):
            if run.stray:
                raise Unread("an access outside of memory")
            if not run.stuck:
                found.add(outcome(run.final))
    return frozenset(found)


def of_machine(case: Case, text: str, arch: Arch, *, seconds: float = 20.0) -> frozenset[Outcome]:
    """What the machine code, as a litmus test, may do. Raises `Unread` and `UnknownVerdict`."""
    test = read(text)
    search = Enumeration(
        test.program, load_model(arch.target), 2, settle=True, limits=LIMITS, deadline=Deadline(seconds), keys=test.keys
    )
    names = [(register, f"{number + 1}:{watched(n, arch)}") for number, register, n in looks(case)]
    memory = [(place, f"[mem[{at // 4}]]") for place, at in PLACES]
    assert COUNT > PLACES[-1][1] // 4

    def outcome(final: Mapping[str, int]) -> Outcome:
        result = final.get(f"0:{arch.result}", 0) & 0xFFFFFFFF
        seen = {short: final.get(name, 0) & 0xFFFFFFFF for short, name in names}
        return _outcome(result, seen, {place: final.get(name, 0) for place, name in memory})

    return _found(search, outcome)


__all__ = ["Outcome", "Place", "in_machine", "in_source", "of_machine", "of_source", "program_of", "searching"]
