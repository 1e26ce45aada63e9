"""Plain reads that a compiler may make again for each use, while somebody else writes there (docs/compiler.md).

A compiler may read a plain location once more instead of keeping the value in a register. The run in which the two
reads differ is none of the runs that are checked, so a verdict says so. Looked for are runs in which a write of
another agent comes behind the read in coherence order, although nothing that the reader does from the second use on
has been seen by anybody: only then nothing orders the write behind that use. This is a remark and decides nothing.
"""

from __future__ import annotations

from mmcheck.base.records import record
from mmcheck.engines.smt.circuit import FALSE, TRUE
from mmcheck.engines.smt.encoding import Encoding
from mmcheck.events.graph import EventGraph, GEvent
from mmcheck.events.terms import Term, symbols_of
from mmcheck.ir.hosts import root_of


@record
class DoubleFetch:
    """`read` is used twice, and `write` may come in between, if `literal`."""

    read: GEvent
    write: GEvent
    literal: int


@record
class _Use:
    """A place where a value is used: in the address or the data of an access, or in a test; events from `place` on
    come behind it."""

    place: int
    guard: Term


def double_fetches(encoding: Encoding) -> list[DoubleFetch]:
    """Every plain read of compiled code, with each write of another agent that may change what a second look sees."""
    graph = encoding.graph
    whole = _Whole(graph)
    found = []
    for read in graph.events:
        if (
            read.kind != "R"
            or read.is_init
            or "Plain" not in read.tags
            or not graph.program.threads[read.thread].source
        ):
            continue
        writes = [w for w in graph.events if interferes(encoding, read, w)]
        uses = _uses(graph, read, whole) if writes else []
        if len(uses) > 1:
            found += [DoubleFetch(read, write, _between(encoding, read, write, uses)) for write in writes]
    return [each for each in found if each.literal != FALSE]


def interferes(encoding: Encoding, read: GEvent, write: GEvent) -> bool:
    """Whether `write` may be to the place of `read`, by somebody who may come in between."""
    graph = encoding.graph
    if write.kind != "W" or write.is_init or write.thread == read.thread:
        return False
    threads = graph.program.threads
    same = root_of(threads, read.thread) == root_of(threads, write.thread)
    if same and any(run.thread == read.thread for run in graph.runs):
        return False  # a handler that has begun is not interrupted by its host
    return encoding.memory.aliases(read, write)


class _Whole:
    """Terms as they are where a compiler leaves nothing out."""

    def __init__(self, graph: EventGraph) -> None:
        self.terms = graph.terms
        choices = [choice for removal in graph.removals.values() for choice, _ in removal.how]
        self.none = {str(choice.payload): graph.terms.false for choice in choices}
        self.made: dict[int, Term] = {}

    def names(self, term: Term) -> set[str]:
        """The symbols that `term` depends on."""
        return symbols_of(self.terms.substitute([term], self.none, self.made))


def _uses(graph: EventGraph, read: GEvent, whole: _Whole) -> list[_Use]:
    name = f"r{read.id}"
    found = [
        _Use(event.id, event.guard)
        for event in graph.events
        if event.thread == read.thread and event.id > read.id
        for term in (event.address, event.value if event.kind == "W" else None)
        if term is not None and name in whole.names(term)
    ]
    found += [
        _Use(test.place, test.guard)
        for test in graph.tests
        if test.thread == read.thread and name in whole.names(test.cond)
    ]
    return sorted(found, key=lambda use: use.place)


def _between(encoding: Encoding, read: GEvent, write: GEvent, uses: list[_Use]) -> int:
    """That `write` comes behind `read`, and before a use that is not the first."""
    circuit, values = encoding.circuit, encoding.values
    changed = [encoding.happens[read.id], encoding.happens[write.id], encoding.memory.fr(read, write)]
    # What the reader does with the value is not left out.
    changed += [-values.literal(removal.gone) for removal in encoding.graph.removals.values()]
    if FALSE in changed:
        return FALSE
    cases = []
    for number, use in enumerate(uses[1:], 1):
        before = circuit.any([values.literal(earlier.guard) for earlier in uses[:number]])
        case = [values.literal(use.guard), before, *unseen(encoding, read.thread, use.place)]
        later = _host_went_on(encoding, read, write, use)
        cases.append(FALSE if later == TRUE else circuit.all([*case, -later]))
    return circuit.all([*changed, circuit.any(cases)])


def _host_went_on(encoding: Encoding, read: GEvent, write: GEvent, use: _Use) -> int:
    """That the handler whose `write` it is came only when its host had reached the `use`."""
    graph = encoding.graph
    threads = graph.program.threads
    if root_of(threads, read.thread) != root_of(threads, write.thread):
        return FALSE
    here = [e for e in graph.events if e.thread == read.thread and e.id >= use.place]
    terms = [graph.before[write.thread, e.id] for e in here if (write.thread, e.id) in graph.before]
    return encoding.circuit.any([encoding.values.literal(term) for term in terms])


def unseen(encoding: Encoding, thread: int, place: int) -> list[int]:
    """That no other thread has read what `thread` wrote from `place` on."""
    events = encoding.graph.events
    return [
        -encoding.circuit.all([encoding.happens[reader], literal])
        for reader, sources in encoding.memory.rf.items()
        if events[reader].thread != thread
        for source, literal in sources.items()
        if source >= place and events[source].thread == thread and literal != FALSE
    ]
