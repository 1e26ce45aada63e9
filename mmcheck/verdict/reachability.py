"""Each requirement as goals in an encoding: what a run reaches that breaks it, and how to say that it did."""

from __future__ import annotations

from mmcheck.base.records import record, replace
from mmcheck.base.source import Span
from mmcheck.engines.smt.circuit import FALSE
from mmcheck.engines.smt.encoding import Encoding
from mmcheck.engines.smt.finals import Finals
from mmcheck.events.graph import Check, EventGraph, Wait
from mmcheck.events.terms import Term, symbols_of
from mmcheck.ir.program import Program, Requirement


@record
class Goal:
    """What a query looks for: a literal, the places it talks about, and how to say that it was found."""

    literals: tuple[int, ...]
    failed: str
    reads: frozenset[int] = frozenset()
    point: Span | None = None
    extra: tuple[tuple[int, int], ...] = ()
    """Edges that the environment adds, as pairs of events."""
    free: bool = False
    """Whether accesses may go astray in the run that is looked for."""
    settled: bool = False
    """Whether nobody can move any more in it."""


def goals(requirement: Requirement, program: Program, encoding: Encoding) -> list[Goal]:
    """What breaks `requirement` of `program`, or, of an ``exists``, what it asks for; any of them will do."""
    match requirement.kind:
        case "point":
            return _point(requirement, encoding)
        case "final" | "exists":
            return _final(requirement, encoding)
        case "progress":
            return _progress(requirement, program, encoding)
    return _ordered(requirement, encoding)


def under(found: list[Goal], *mode: int) -> list[Goal]:
    """The goals `found` where the literals `mode` hold: by the platform's rules for devices, say."""
    return [replace(goal, literals=(*goal.literals, *mode)) for goal in found]


def checks(requirement: Requirement, graph: EventGraph) -> list[Check]:
    """The points at which a ``point`` is checked."""
    return [check for check in graph.checks if check.requirement == requirement.name]


def waits(requirement: Requirement, program: Program, graph: EventGraph) -> list[Wait]:
    """The waits that a ``progress`` is about."""
    wanted = set(requirement.subjects)
    found = []
    for wait in graph.waits:
        agent = program.threads[wait.thread].name
        mine = {agent, agent.split("[")[0]}
        labels = {f"{one}.{wait.origin.site}" for one in mine}
        if not wanted or mine & wanted or labels & wanted:
            found.append(wait)
    return found


def pairs(requirement: Requirement, graph: EventGraph) -> list[tuple[int, int]]:
    """What an ``ordered`` is about: events of its first site, with those of its second behind them in one thread."""
    first, second = requirement.subjects[:2]

    def at(site: str) -> list[int]:
        return [
            e.id for e in graph.events if site in (e.origin.site, f"{'.'.join(e.origin.calls[-1:])}.{e.origin.site}")
        ]

    events = graph.events
    return [(a, b) for a in at(first) for b in at(second) if events[a].thread == events[b].thread and a < b]


def _point(requirement: Requirement, encoding: Encoding) -> list[Goal]:
    found = []
    for check in checks(requirement, encoding.graph):
        reads = _reads(check.cond)
        # A value read from outside every variable is arbitrary: the check fails for some such value.
        wrong = [-encoding.values.literal(check.cond), *[encoding.astray.get(read, FALSE) for read in reads]]
        literal = encoding.circuit.all([encoding.values.literal(check.guard), encoding.circuit.any(wrong)])
        text = check.origin.text or "the assertion"
        found.append(Goal((literal,), f"'{text}' fails.", reads, check.origin.span, free=True))
    return found


def _final(requirement: Requirement, encoding: Encoding) -> list[Goal]:
    exists = requirement.kind == "exists"
    term = Finals(encoding).term(requirement.cond)
    literal = encoding.values.literal(term)
    text = "A final state is as asked." if exists else "A final state breaks the condition."
    return [Goal((literal if exists else -literal,), text, _reads(term), requirement.origin.span, settled=True)]


def _progress(requirement: Requirement, program: Program, encoding: Encoding) -> list[Goal]:
    found = []
    for wait in waits(requirement, program, encoding.graph):
        stuck = encoding.values.literal(wait.lasts)
        text = f"{program.threads[wait.thread].name} waits for ever in '{wait.origin.text or 'a wait'}'."
        found.append(Goal((stuck,), text, frozenset(wait.reads), wait.origin.span, settled=True))
    for number, term in encoding.graph.held.items() if requirement.subjects else ():
        agent = program.threads[number]
        if {agent.name, agent.name.split("[")[0]} & set(requirement.subjects):
            text = f"{agent.name} is held up for ever: something on its CPU waits."
            found.append(Goal((encoding.values.literal(term),), text, frozenset(), agent.origin.span, settled=True))
    return found


def _ordered(requirement: Requirement, encoding: Encoding) -> list[Goal]:
    events = encoding.graph.events
    return [
        Goal(
            (encoding.environment[a, b], encoding.happens[a], encoding.happens[b]),
            f"'{events[b].origin.text}' may take effect before '{events[a].origin.text}'.",
            frozenset((a, b)),
            requirement.origin.span,
            ((b, a),),
        )
        for a, b in pairs(requirement, encoding.graph)
    ]


def _reads(term: Term) -> frozenset[int]:
    return frozenset(int(name[1:]) for name in symbols_of([term]) if name[0] == "r" and name[1:].isdigit())
