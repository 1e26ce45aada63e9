"""Which values reads may see: a fixpoint over the traces of all threads."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace

from mmcheck.engines.enumeration.memory import Memory
from mmcheck.engines.enumeration.trace import Options, Trace, lasting
from mmcheck.engines.enumeration.traces import traces
from mmcheck.ir.instructions import Code


def fixpoint(
    codes: Sequence[Code],
    initial: Mapping[int, int],
    options: Options,
    memory: Memory | None = None,
    keys: Sequence[Hashable] = (),
) -> list[list[Trace]]:
    """Traces of every thread over the least set of values that contains the initial ones and all written.

    A value that is not there after as many rounds as there are writes is not grounded: its chain of
    reads and writes would use a write twice. With a `memory`, `keys` are what it knows the threads by.
    """
    known: dict[int, tuple[int, ...]] = {}
    asked: list[set[int]] = [set() for _ in codes]
    found: list[list[Trace]] = [[] for _ in codes]
    stale = set(range(len(codes)))
    rounds = 0
    while stale:
        for i in sorted(stale):
            offers = _offers(known, initial, asked[i])
            if memory is None:
                found[i] = _of_code(codes, i, found, offers, options)
            else:
                found[i] = memory.traces(keys[i], codes[i], offers, options)
        grown = set()
        for i in stale:
            for trace in found[i]:
                for address, value in trace.gives:
                    values = known.get(address) or (initial.get(address, 0),)
                    if value not in values:
                        known[address] = tuple(sorted((*values, value)))
                        grown.add(address)
        most = sum([max([trace.writes for trace in of], default=0) for of in found])
        rounds += 1
        stale = {i for i, addresses in enumerate(asked) if addresses & grown} if rounds <= most else set()
        # A handler's next run begins with what the one before left.
        handlers = {codes[i].thread.handler for i in stale if codes[i].thread.host is not None}
        stale |= {i for i, code in enumerate(codes) if code.thread.host is not None and code.thread.handler in handlers}
    return found


def _of_code(
    codes: Sequence[Code], number: int, found: Sequence[Sequence[Trace]], offers: Callable[[int], tuple[int, ...]],
    options: Options,
) -> list[Trace]:  # fmt: skip
    """The traces of one agent; a run of a handler may begin with any privates that the run before may leave, and may
    not happen at all."""
    code = codes[number]
    if code.thread.host is None:
        return list(traces(code, offers, options))
    earlier = [i for i in range(number) if codes[i].thread.handler == code.thread.handler]
    registers = [(name, code.initial[slot]) for name, slot in code.named]
    starts = {trace.lasting for trace in found[earlier[-1]]} if earlier else {lasting(registers)}
    out = []
    for start in sorted(starts):
        out += [replace(trace, start=start) for trace in traces(begun(code, start), offers, options)]
        out.append(Trace((), (), (), start, status="absent", start=start))
    return out


def begun(code: Code, start: Sequence[tuple[str, int]]) -> Code:
    """The code of a run of a handler that begins with these privates."""
    slots, initial = dict(code.named), list(code.initial)
    for name, value in start:
        if name in slots:
            initial[slots[name]] = value
    return replace(code, initial=tuple(initial))


def _offers(
    known: Mapping[int, tuple[int, ...]], initial: Mapping[int, int], asked: set[int]
) -> Callable[[int], tuple[int, ...]]:
    def offers(address: int) -> tuple[int, ...]:
        asked.add(address)
        return known.get(address) or (initial.get(address, 0),)

    return offers
