"""Why a counterexample is one: a cycle through program order and communication, in the user's own lines.

A run that no interleaving of the threads gives has a cycle of program order, rf, co and fr (Shasha and Snir 1988).
The shortest one through a value that the failed check looked at is shown; of its program-order steps, those that
the model does not keep are where order is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mmcheck.execution import Event, Execution
from mmcheck.model.concrete import frame_of
from mmcheck.model.model import Model
from mmcheck.program import Origin
from mmcheck.relations import Rel, bits, closure, from_pairs, union
from mmcheck.results import Hop, Layer


def cycle_of(execution: Execution, model: Model, through: Iterable[int] = ()) -> tuple[Hop, ...]:
    """The cycle to show, through one of the events `through` if there is such a cycle; empty if it is an SC run."""
    n = len(execution.events)
    text = from_pairs(n, execution.relation("src"))
    accesses = sum(1 << event.id for event in execution.events if event.kind in "RW")
    program_order = tuple([row & accesses if accesses >> i & 1 else 0 for i, row in enumerate(text)])
    communication = _communication(execution)
    graph = program_order
    for relation in communication.values():
        graph = union(graph, relation)
    path = _shortest(graph, n, list(through)) or _shortest(graph, n, range(n))
    if path is None:
        return ()
    local = _kept(execution, model)
    hops = []
    for source, target in zip(path, [*path[1:], path[0]], strict=True):
        name = next((name for name, rel in communication.items() if rel[source] >> target & 1), "po")
        ordered = name != "po" or bool(local[source] >> target & 1)
        a, b = execution.events[source], execution.events[target]
        hops.append(Hop(source, target, name, ordered, _why(name, a, b, ordered)))
    return tuple(hops)


def _communication(execution: Execution) -> dict[str, Rel]:
    """rf, co and fr between threads; of co and fr only the steps to the next write that matters."""
    n = len(execution.events)
    rf = {(w, r) for w, r in execution.relation("rf")}
    co = execution.relation("co")
    fr = {(r, w2) for w, r in rf for w1, w2 in co if w1 == w}

    def external(pairs: Iterable[tuple[int, int]]) -> Rel:
        events = execution.events
        return from_pairs(n, ((i, j) for i, j in pairs if events[i].thread != events[j].thread))

    return {"rf": external(rf), "co": external(co), "fr": external(fr)}


def _shortest(graph: Rel, n: int, starts: Sequence[int]) -> list[int] | None:
    """A shortest cycle through one of `starts`."""
    best: list[int] | None = None
    for start in starts:
        parent = {start: -1}
        frontier = [start]
        while frontier and (best is None or len(parent) >= 0):
            following = []
            closing = next((event for event in frontier if graph[event] >> start & 1), None)
            if closing is not None:
                path = []
                event = closing
                while event >= 0:
                    path.append(event)
                    event = parent[event]
                if best is None or len(path) < len(best):
                    best = path[::-1]
                break
            for event in frontier:
                for successor in bits(graph[event]):
                    if successor not in parent:
                        parent[successor] = event
                        following.append(successor)
            frontier = following
    return best


def _kept(execution: Execution, model: Model) -> Rel:
    """Pairs of one thread that the model (with the order it was given) keeps in order."""
    n = len(execution.events)
    frame = frame_of(model, execution)
    rf, co = from_pairs(n, execution.relation("rf")), from_pairs(n, execution.relation("co"))
    order: Rel = (0,) * n
    for axiom in model.axioms:
        if axiom.kind == "acyclic" and not axiom.negated and not model.is_coherence(axiom):
            order = union(order, frame.relation(axiom.node, rf, co))
    inside = from_pairs(
        n, ((a.id, b.id) for a in execution.events for b in execution.events if a.thread == b.thread >= 0)
    )
    return closure(tuple([row & mask for row, mask in zip(order, inside, strict=True)]))


def place(origin: Origin) -> str:
    """``line 14``, or nothing."""
    return f"line {origin.span.line}" if origin.span is not None else ""


def describe(event: Event) -> str:
    """``avail.idx = 1`` as read or written, for sentences."""
    verb = "writes" if event.kind == "W" else "reads"
    return f"{verb} {event.location} = {event.value}"


def _why(relation: str, a: Event, b: Event, ordered: bool) -> str:
    match relation:
        case "rf":
            return f"sees the value {b.value} of {b.location}"
        case "fr":
            return f"read {a.location} = {a.value}, before this write"
        case "co":
            return f"overwrites {a.location}"
    return "in order" if ordered else "nothing keeps these two in order"


def summary(execution: Execution, cycle: Sequence[Hop], layer: Layer | None, model: Model, failed: str) -> str:
    """The counterexample as a paragraph."""
    name = [agent.name for agent in execution.threads]
    if not cycle:
        return (
            f"{failed} This run is sequentially consistent: no barrier can prevent it, the algorithm itself "
            "allows it."
        )
    sentences = [failed]
    by = {
        "compiler": "the compiler may emit them in the other order",
        "hardware": "the CPU may perform them in the other order",
        "platform": "the platform does not promise their order to a device",
        None: "they may take effect in the other order",
    }[layer]
    for hop in cycle:
        a, b = execution.events[hop.source], execution.events[hop.target]
        who = name[a.thread] if a.thread >= 0 else "memory"
        if hop.relation == "po" and not hop.ordered:
            where = " and ".join(filter(None, (place(a.origin), place(b.origin))))
            sentences.append(
                f"{who} {describe(a)} and then {describe(b)}{f' ({where})' if where else ''}, but nothing keeps "
                f"the two in order: {by}."
            )
        elif hop.relation == "rf":
            other = name[b.thread] if b.thread >= 0 else "memory"
            sentences.append(f"{other} sees {b.location} = {b.value}, written by {who}.")
        elif hop.relation == "fr":
            other = name[b.thread] if b.thread >= 0 else "memory"
            sentences.append(f"{who} still reads {a.location} = {a.value}, although {other} writes {b.value} to it.")
        elif hop.relation == "co":
            other = name[b.thread] if b.thread >= 0 else "memory"
            sentences.append(f"{other} overwrites what {who} wrote to {a.location}.")
    return " ".join(sentences)
