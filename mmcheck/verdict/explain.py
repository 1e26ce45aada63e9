"""Why a counterexample is one: a cycle through program order and communication, in the user's own lines.

A run that no interleaving of the threads gives has a cycle of program order, rf, co and fr (Shasha and Snir 1988).
The shortest one through a value that the failed check looked at is shown; of its program-order steps, those that
the model does not keep are where order is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mmcheck.base.source import Span
from mmcheck.events.execution import Event, Execution
from mmcheck.events.relations import Rel, bits, closure, compose, from_pairs, inverse, union
from mmcheck.ir.hosts import root_of
from mmcheck.ir.program import ENTRY, RETURN, Origin
from mmcheck.model.concrete import frame_of
from mmcheck.model.model import Model
from mmcheck.model.promises import Word, does_more
from mmcheck.verdict.results import Counterexample, Hop, Layer


def cycle_of(execution: Execution, model: Model, through: Iterable[int] = ()) -> tuple[Hop, ...]:
    """The cycle to show; empty if it is an SC run.

    Through one of the events `through` if there is such a cycle; else through a read that one of them depends on, what
    a pointer was read from rather than what stands beside it; else through the last read before them, in their thread,
    that has one: of a wait that never ends, the look that decided to wait.
    """
    n = len(execution.events)
    text = from_pairs(n, execution.relation("src"))
    accesses = sum(1 << event.id for event in execution.events if event.kind in "RW")
    program_order = tuple([row & accesses if accesses >> i & 1 else 0 for i, row in enumerate(text)])
    communication = _communication(execution)
    graph = program_order
    for relation in communication.values():
        graph = union(graph, relation)
    wanted = list(through)
    local = _kept(execution, model)
    path = _best(program_order, communication, execution, wanted)
    path = path or _best(program_order, communication, execution, _behind(execution, wanted))
    for number in _reads_before(execution, wanted):
        path = path or _best(program_order, communication, execution, [number], near=local)
    path = path or _best(program_order, communication, execution, range(n))
    if path is None:
        return ()
    executed = execution.relation("po") if any(agent.host is not None for agent in execution.threads) else frozenset()
    hops = []
    for source, target in zip(path, [*path[1:], path[0]], strict=True):
        name = next((name for name, rel in communication.items() if rel[source] >> target & 1), "po")
        a, b = execution.events[source], execution.events[target]
        ordered = name != "po" or bool(local[source] >> target & 1)
        if not ordered and (source, target) in executed:
            # On one CPU, an interrupted agent and its handlers see each other in the order of the instructions.
            at = path.index(source)
            around = (execution.events[path[at - 1]], execution.events[path[(at + 2) % len(path)]])
            ordered = len({root_of(execution.threads, each.thread) for each in (a, *around)}) == 1
        hops.append(Hop(source, target, name, ordered, _why(name, a, b, ordered)))
    return tuple(hops)


def _reads_before(execution: Execution, events: Sequence[int]) -> list[int]:
    """The reads of the thread of the last of `events` that come before it, the last first."""
    if not events:
        return []
    last = execution.events[events[-1]]
    mine = [e for e in execution.events if e.kind == "R" and e.thread == last.thread and e.index < last.index]
    return [event.id for event in sorted(mine, key=lambda event: -event.index)]


def only_here(execution: Execution, model: Model, word: Word, through: Iterable[int], bad: str) -> str:
    """The note on what is right by more than a `word` promises: `execution` is a run of the weaker machine `model`,
    in which the requirement is `bad`."""
    events = execution.events
    more = [event for event in events if _is_weakened(event, word)]
    guilty = {
        event.id
        for hop in cycle_of(execution, model, through)
        if hop.relation == "po" and not hop.ordered
        for event in more
        if event.thread == events[hop.source].thread
        if events[hop.source].index < event.index <= events[hop.target].index
    }
    words = list(dict.fromkeys(_called(event, word) for event in more if event.id in guilty or not guilty))
    listed = words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" and {words[-1]}"
    if word == "fence":
        what = "is a full DMB" if len(words) == 1 else "are full DMBs"
        return f"right on Armv8 only because {listed} {what} there; by what the word promises it is {bad}"
    what = "load of {} is" if len(words) == 1 else "loads of {} are"
    return f"right here only because the acquire {what.format(listed)} LDAR; with +rcpc (LDAPR) it is {bad}"


def _is_weakened(event: Event, word: Word) -> bool:
    return does_more(event.tags | {"DMB.ISH"} if word == "fence" else event.tags - {"Q"} | {"A"}, word)


def _called(event: Event, word: Word) -> str:
    order = "acq_rel" if "AcqFence" in event.tags else "release"
    where = place(event.origin)
    return (f"fence({order})" if word == "fence" else event.location) + (f" ({where})" if where else "")


def _communication(execution: Execution) -> dict[str, Rel]:
    """rf, co and fr between threads; of co and fr only the steps to the next write that matters."""
    n = len(execution.events)
    rf = {(w, r) for w, r in execution.relation("rf")}
    co = execution.relation("co")
    later: dict[int, list[int]] = {}
    for first, second in co:
        later.setdefault(first, []).append(second)
    fr = {(r, after) for w, r in rf for after in later.get(w, ())}

    def external(pairs: Iterable[tuple[int, int]]) -> Rel:
        events = execution.events
        return from_pairs(n, ((i, j) for i, j in pairs if events[i].thread != events[j].thread))

    return {"rf": external(rf), "co": external(co), "fr": external(fr)}


MAX_LENGTH = 12
MAX_STEPS = 20_000


def _behind(execution: Execution, events: Iterable[int]) -> list[int]:
    """The reads that the addresses or values of `events` depend on."""
    into: dict[int, set[int]] = {}
    for name in ("addr", "data"):
        for source, target in execution.relation(name):
            into.setdefault(target, set()).add(source)
    found: set[int] = set()
    work = list(events)
    while work:
        new = into.get(work.pop(), set()) - found
        found |= new
        work += new
    return sorted(found)


def _best(
    po: Rel, communication: dict[str, Rel], execution: Execution, starts: Sequence[int], near: Rel | None = None
) -> list[int] | None:
    """A shortest cycle through one of `starts`, of program-order and communication steps, no two of the former in a
    row.

    Among the shortest, the one whose program-order steps reach furthest: of a message, the flag and not the data
    before it, so that the barriers between the two are in the picture. With `near`, what is kept in order, the one
    with fewest steps that are not, and then the shortest: of an index and the looks behind it, the first.
    """
    across: Rel = (0,) * len(execution.events)
    for relation in communication.values():
        across = union(across, relation)
    useful = sum([1 << i for i, row in enumerate(across) if row])  # events that communication leaves
    after = [list(bits(row)) for row in across]
    then = [list(bits(row & useful)) for row in po]
    before = inverse(po)
    back = inverse(union(across, tuple([row & useful for row in po])))
    away: dict[int, list[int]] = {}
    index = [event.index for event in execution.events]
    best: list[int] | None = None
    for length in range(2, MAX_LENGTH + 1):
        best_key: tuple[int, int] | None = None
        steps = 0
        for start in starts:
            # A cycle has a communication step; begin with one that leaves `start`, or reach it by program order.
            for first in (start, *(bits(before[start]) if useful >> start & 1 else ())):
                if first not in away:
                    away[first] = _distances(back, first)
                far = away[first]
                by_po = first != start
                if by_po and far[start] >= length:
                    continue
                stack = [[first, start]] if by_po else [[start]]
                while stack and steps < MAX_STEPS:
                    path = stack.pop()
                    steps += 1
                    last = path[-1]
                    came_by_po = len(path) > 1 and not across[path[-2]] >> last & 1
                    if len(path) == length:
                        if across[last] >> first & 1 or (not came_by_po and not by_po and po[last] >> first & 1):
                            reach = _reach(path, index, execution)
                            key = (
                                (reach, -start)
                                if near is None
                                else (-_loose(path, near, po) * len(index) - reach, -start)
                            )
                            if best_key is None or key > best_key:
                                best, best_key = path, key
                        continue
                    left = length - len(path)  # steps home from the next event
                    stack += [[*path, e] for e in after[last] if far[e] <= left and e not in path]
                    if not came_by_po and len(path) > 1:
                        stack += [[*path, e] for e in then[last] if far[e] <= left and e not in path]
        if best is not None:
            return best
    return None


def _loose(path: Sequence[int], kept: Rel, po: Rel) -> int:
    """How many program-order steps of a cycle are not in `kept`."""
    steps = zip(path, [*path[1:], path[0]], strict=True)
    return sum(1 for a, b in steps if po[a] >> b & 1 and not kept[a] >> b & 1)


def _distances(back: Rel, goal: int) -> list[int]:
    """How many steps each event is from `goal`, given the steps the other way round; `MAX_LENGTH` + 1 is too far."""
    out = [MAX_LENGTH + 1] * len(back)
    seen = frontier = 1 << goal
    for distance in range(MAX_LENGTH + 1):
        following = 0
        for event in bits(frontier):
            out[event] = distance
            following |= back[event]
        frontier = following & ~seen
        seen |= frontier
        if not frontier:
            break
    return out


def _reach(path: Sequence[int], index: Sequence[int], execution: Execution) -> int:
    """How many events of their threads the program-order steps of a cycle span."""
    events = execution.events
    steps = zip(path, [*path[1:], path[0]], strict=True)
    return sum(abs(index[a] - index[b]) for a, b in steps if events[a].thread == events[b].thread)


def relevant(execution: Execution, cycle: Sequence[Hop], culprit: int | None) -> frozenset[int]:
    """The events that a picture of the cycle needs: the cycle, the barriers between its events, what they depend on.

    Without a cycle, every event.
    """
    if not cycle:
        return frozenset(event.id for event in execution.events)
    keep = {hop.source for hop in cycle} | ({culprit} if culprit is not None else set())
    rf = {read: write for write, read in execution.relation("rf")}
    dependencies = [pair for name in ("addr", "data") for pair in execution.relation(name)]
    for _ in range(3):
        more = {a for a, b in dependencies if b in keep} | {rf[e] for e in keep if e in rf}
        if more <= keep:
            break
        keep |= more
    events = execution.events
    for thread in range(len(execution.threads)):
        inside = [events[e].index for e in keep if events[e].thread == thread]
        if inside:
            keep |= {e.id for e in execution.of_thread(thread) if e.kind == "F" and min(inside) < e.index < max(inside)}
            if execution.threads[thread].kind == "interrupt":
                keep |= {e.id for e in execution.of_thread(thread) if e.origin.text in (ENTRY, RETURN)}
    return frozenset(keep)


def _kept(execution: Execution, model: Model) -> Rel:
    """Pairs of one thread that the model (with the order it was given) keeps in order."""
    n = len(execution.events)
    frame = frame_of(model, execution)
    rf, co = from_pairs(n, execution.relation("rf")), from_pairs(n, execution.relation("co"))
    switch = from_pairs(n, execution.relation("switch"))
    order: Rel = compose(switch, switch)  # another's turn between two events of a thread keeps them in order
    for axiom in model.axioms:
        if axiom.kind == "acyclic" and not axiom.negated and not model.is_coherence(axiom):
            order = union(order, frame.relation(axiom.node, rf, co))
    lanes: dict[int, int] = {}
    for event in execution.events:
        lanes[event.thread] = lanes.get(event.thread, 0) | 1 << event.id
    return closure(tuple([row & lanes[event.thread] for row, event in zip(order, execution.events, strict=True)]))


def place(origin: Origin) -> str:
    """``line 14``, or nothing."""
    return f"line {origin.span.line}" if origin.span is not None else ""


def describe(event: Event) -> str:
    """``avail.idx = 1`` as read or written, for sentences."""
    verb = "writes" if event.kind == "W" else "reads"
    return f"{verb} {event.location} = {event.shown}"


def _why(relation: str, a: Event, b: Event, ordered: bool) -> str:
    match relation:
        case "rf":
            return f"sees the value {b.shown} of {b.location}"
        case "fr":
            return f"read {a.location} = {a.shown}, before this write"
        case "co":
            return f"overwrites {a.location}"
    return "in order" if ordered else "nothing keeps these two in order"


def explained(
    execution: Execution, cycle: tuple[Hop, ...], model: Model, layer: Layer | None, failed: str,
    through: Sequence[int] = (), point: Span | None = None,
) -> Counterexample:  # fmt: skip
    """`execution` as a report shows it: it breaks, by `layer`, what is checked at `point`; `failed` is a sentence that
    says so.

    `through` are the events that the check looked at.
    """
    culprit = through[-1] if through else None
    text = summary(execution, cycle, layer, model, failed)
    return Counterexample(execution, cycle, culprit, text, point, relevant(execution, cycle, culprit))


def summary(execution: Execution, cycle: Sequence[Hop], layer: Layer | None, model: Model, failed: str) -> str:
    """The counterexample as a paragraph."""
    name = [agent.name for agent in execution.threads]
    if not cycle:
        why = {
            "compiler": "In the order of the text this run does not exist: the compiler may leave out accesses, or "
            "move them past the places where an interrupt can come.",
            "hardware": "Step by step this run does not exist: the CPU may perform accesses in another order.",
            "platform": "The model does not allow this run: the platform does not promise their order to a device.",
            None: "This run is sequentially consistent: no barrier can prevent it, the algorithm itself allows it.",
        }[layer]
        return f"{failed} {why}"
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
            sentences.append(f"{other} sees {b.location} = {b.shown}, written by {who}.")
        elif hop.relation == "fr":
            other = name[b.thread] if b.thread >= 0 else "memory"
            sentences.append(f"{who} still reads {a.location} = {a.shown}, although {other} writes {b.shown} to it.")
        elif hop.relation == "co":
            other = name[b.thread] if b.thread >= 0 else "memory"
            sentences.append(f"{other} overwrites what {who} wrote to {a.location}.")
    return " ".join(sentences)
