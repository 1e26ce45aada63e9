"""What a clean verdict of the solver's rests on, and what it leaves unsaid: a function for each caveat."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.records import replace
from mmcheck.engines.smt.circuit import FALSE
from mmcheck.engines.smt.decode import Decoder
from mmcheck.events.graph import Check, Wait
from mmcheck.ir.program import NOWHERE, Origin, Requirement, Thread
from mmcheck.model.promises import WORDS, Word
from mmcheck.model.recheck import judge
from mmcheck.verdict.double_fetch import double_fetches
from mmcheck.verdict.encodings import Encodings
from mmcheck.verdict.explain import only_here
from mmcheck.verdict.lost import rests
from mmcheck.verdict.queries import Queries
from mmcheck.verdict.reachability import goals, under, waits
from mmcheck.verdict.stored_again import stores_again


def weaker_rules(asking: Queries, requirement: Requirement) -> Iterator[str]:
    """Notes if it rests on compilers that keep more than they must, or no more than their defects leave, or on words
    that do more than they promise (`Encoding.weaker`)."""
    encoding = asking.encodings().compiled
    mode = [] if encoding.platform == FALSE else [encoding.platform]
    try:
        wanted = under(goals(requirement, asking.program, encoding), *mode)
        if not asking.reached(encoding, wanted, *mode, open=encoding.weaker.values()):
            return  # not even with all of it
    except UnknownVerdict:
        pass
    for name, literal in encoding.weaker.items():
        try:
            note = _without(name, asking, requirement, [literal, *mode])
        except UnknownVerdict:
            continue  # only a note is at stake
        if note:
            yield note


def _without(name: str, asking: Queries, requirement: Requirement, mode: list[int]) -> str:
    """The note on one of `Encoding.weaker`; empty if the verdict stands without."""
    encoding, program = asking.encodings().compiled, asking.program
    word: Word | None = next((word for word in WORDS if word == name), None)
    wanted = under(goals(requirement, program, encoding), *mode)
    if not asking.reached(encoding, wanted, *mode):
        return ""
    for goal in wanted:
        found = asking.emitted(goal, encoding, word)
        if found is not None:
            execution, decoder = found
            judge(execution, asking.model)
            bad = "allowed" if requirement.kind == "exists" else "violated"
            if word is None:
                return rests(execution, name, program.target, bad)
            through = [decoder.number[read] for read in sorted(goal.reads) if read in decoder.number]
            return only_here(execution, asking.model, word, through, bad)
    return ""


def devices_in_software(asking: Queries, requirement: Requirement) -> Iterator[str]:
    """A note if it holds because a thread takes a doorbell and so is not bound by the platform's rules."""
    program, model = asking.program, asking.model
    takers = [each.name for each in program.threads if _takes_a_doorbell(each)]
    if not takers or not asking.caveats or "IO" not in model.polarities():
        return
    encodings = asking.encodings()
    if encodings.binding is None:
        threads = [replace(each, kind="thread") if each.name in takers else each for each in program.threads]
        encodings.binding = Encodings(
            replace(program, threads=tuple(threads)), model, asking.deadline, layered=asking.layered,
            bound=asking.bound, profile=asking.profile, caveats=False,
        )  # fmt: skip
    bound = asking.sibling(asking.choices, encodings=encodings.binding)
    try:
        encoding = bound.encodings().compiled
        wanted = under(goals(requirement, bound.program, encoding), encoding.platform)
        if not bound.reached(encoding, wanted, encoding.platform):
            return
        if all(bound.emitted(goal, encoding) is None for goal in wanted):
            return
    except UnknownVerdict:
        return  # only a note is at stake
    yield (
        f"{' and '.join(takers)} takes a doorbell and so counts as the device in software; were it bound by the "
        "platform's rules as a CPU is, it would be violated by platform"
    )


def _takes_a_doorbell(thread: Thread) -> bool:
    """Whether `thread` is a device because it takes a doorbell, and is not called one."""
    return thread.kind == "device" and not thread.origin.text.startswith("device ")


RESTS_ON: Sequence[Callable[[Queries, Requirement], Iterator[str]]] = (weaker_rules, devices_in_software)
"""Caveats on what a clean verdict would not stand without."""


def astray(asking: Queries, *, settled: bool) -> tuple[str, Origin]:
    """A sentence about an access that goes outside its variable in some run, and the access; empty if none does."""
    encoding = asking.encodings().compiled
    for number, literal in encoding.astray.items():
        assumptions = [lit for lit in asking.assumptions(encoding, settled=settled) if lit != encoding.inside]
        if literal != FALSE and encoding.solver.solve([*assumptions, literal]):
            origin = encoding.graph.events[number].origin_in(asking.choices)
            return f"{origin.quoted()} may access memory outside every variable", origin
    return "", NOWHERE


def fetched_twice(asking: Queries, *, settled: bool) -> list[str]:
    """Plain reads that a compiler may make again for each use, with another result."""
    encoding = asking.encodings().compiled
    notes: dict[Origin, str] = {}
    candidates = double_fetches(encoding)
    some = encoding.circuit.any([found.literal for found in candidates])
    for found in candidates if asking.solve(encoding, [some], settled=settled) else ():
        place = found.read.origin_in(asking.choices)
        if place not in notes and asking.solve(encoding, [found.literal], settled=settled):
            notes[place] = (
                f"the value of {place.quoted()} is used more than once while "
                f"{found.write.origin_in(asking.choices).quoted()} may change it: "
                "a compiler may read again for each use of a plain read. "
                "Make it volatile or atomic, or order the write behind it"
            )
    return list(notes.values())


def stored_again(asking: Queries, *, settled: bool) -> list[str]:
    """Plain stores that a compiler may make although the text does not, over what another agent wrote."""
    encoding = asking.encodings().compiled
    notes: dict[Origin, str] = {}
    candidates = stores_again(encoding, asking.profile)
    some = encoding.circuit.any([found.literal for found in candidates])
    for found in candidates if asking.solve(encoding, [some], settled=settled) else ():
        place = found.store.origin_in(asking.choices)
        if place not in notes and asking.solve(encoding, [found.literal], settled=settled):
            notes[place] = (
                f"where {place.quoted()} is not made, a compiler may store again what "
                f"{found.before.origin_in(asking.choices).quoted()} stored, "
                f"over what {found.write.origin_in(asking.choices).quoted()} wrote since: "
                "it may make a plain store in any case behind another one. "
                "Make one of the two volatile or atomic, or order the write behind them"
            )
    return list(notes.values())


def unreached(asking: Queries, points: Sequence[Check | Wait], *, settled: bool) -> list[str]:
    """Notes on those of `points` to which no run comes."""
    encoding = asking.encodings().compiled
    places: dict[Origin, list[int]] = {}
    for point in points:
        places.setdefault(replace(point.origin, calls=()), []).append(encoding.values.literal(point.guard))
    return [
        f"no run comes to {place.quoted()}"
        for place, guards in places.items()
        if not asking.solve(encoding, [encoding.circuit.any(guards)], settled=settled)
    ]


def idle_waits(asking: Queries) -> list[str]:
    """Waits that no run satisfies: what stands behind them was not checked at all."""
    encoding = asking.encodings().compiled
    literal_of = encoding.values.literal

    def some(literal: int) -> bool:
        return asking.solve(encoding, [literal], settled=False)

    done = [
        (wait, encoding.circuit.all([literal_of(wait.guard), literal_of(wait.done)])) for wait in encoding.graph.waits
    ]
    if some(encoding.circuit.all([literal for _, literal in done])):
        return []
    return [
        f"no run satisfies the wait {wait.origin.quoted()}"
        for wait, literal in done
        if some(literal_of(wait.guard)) and not some(literal)
    ]


def spins(asking: Queries, requirement: Requirement) -> str:
    """A compiler reads a plain location once and then spins for ever (docs/compiler.md)."""
    encoding = asking.encodings().compiled
    for wait in waits(requirement, asking.program, encoding.graph):
        if wait.once and asking.solve(encoding, [encoding.values.literal(wait.guard)], settled=True):
            return (
                f"{wait.origin.quoted()} waits on a plain read, which a compiler reads once: "
                "the loop may never end. Make the read volatile or atomic"
            )
    return ""


def left_out(decoder: Decoder) -> tuple[str, ...]:
    """Notes on the accesses that the compiler has left out of a run."""
    if not decoder.encoding.compiled:
        return ()
    graph, literal = decoder.encoding.graph, decoder.encoding.values.literal
    found = []
    for number, removal in sorted(graph.removals.items()):
        why = next((reason for choice, reason in removal.how if decoder.true(literal(choice))), None)
        if why is not None and decoder.true(literal(removal.reached)):
            origin = decoder.origin(graph.events[number])
            found.append(f"in the run that is shown, the compiler has left out {origin.quoted()}: {why}")
    return tuple(dict.fromkeys(found))
