"""Agents that something on their CPU holds up for ever (docs/models-preemption.md): how far each of them got.

A run of a handler that waits for ever does not return, so that its host has run in part: a set of its events that an
interrupt may leave behind it. The same is true of a thread whose CPU another one keeps to itself. A trace of which a
part is left is `held`; its registers, and the assertions that it has come to, are those in front of the first event
of the text that it lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from mmcheck.engines.enumeration.interrupts import cuts
from mmcheck.engines.enumeration.linear import Pair
from mmcheck.engines.enumeration.trace import Trace, restricted
from mmcheck.ir.hosts import chain
from mmcheck.ir.instructions import Back, Code, FenceOp, TestOp
from mmcheck.ir.program import Thread

HOST = "@%host"


def may_be_held(codes: Sequence[Code], *, settle: bool) -> frozenset[int]:
    """The agents that may be held up in some run: by a wait, or, if runs need not `settle`, by a loop that is cut."""
    threads = [code.thread for code in codes]
    moving = any(register.name == HOST for thread in threads for register, _ in thread.privates)
    found: set[int] = set()
    for number, code in enumerate(codes):
        waits = any(isinstance(op, TestOp) and op.orelse is None for op in code.ops)
        if not waits and (settle or not any(isinstance(op, Back) and not op.spills for op in code.ops)):
            continue
        _, *hosts = chain(threads, number)
        found |= {*hosts}
        below = hosts[-1] if hosts else number
        masks = any(isinstance(op, FenceOp) and "IrqOff" in op.tags for op in code.ops)
        if below != number or masks:
            found |= {
                other
                for other, thread in enumerate(threads)
                if thread.host is None and thread.kind == "thread" and other != below
                and None not in (thread.cpu, threads[below].cpu) and (moving or thread.cpu == threads[below].cpu)
            }  # fmt: skip
    return frozenset(found)


def with_parts(
    threads: Sequence[Thread], found: Sequence[Sequence[Trace]], held: frozenset[int],
    kept: Callable[[int, Trace], Iterable[Pair] | None],
) -> list[list[Trace]]:  # fmt: skip
    """`found`, the traces of all agents, with the parts of those that may be `held`."""
    out: list[list[Trace]] = []
    for number, traces in enumerate(found):
        unique = {(trace.identity, trace.shape, trace.start): trace for trace in traces}
        if number in held:
            for trace in traces:
                for part in _parts(threads[number], trace, kept(number, trace)):
                    unique.setdefault((part.identity, part.shape, part.start), part)
        if threads[number].host is not None:
            # After a run that does not end there is none, and the privates stay as they are.
            earlier = [i for i in range(number) if threads[i].handler == threads[number].handler]
            for start in {trace.lasting for trace in out[earlier[-1]]} if earlier else ():
                absent = Trace((), (), (), start, status="absent", start=start)
                unique.setdefault((absent.identity, absent.shape, absent.start), absent)
        out.append(list(unique.values()))
    return out


def _parts(thread: Thread, trace: Trace, order: Iterable[Pair] | None) -> Iterator[Trace]:
    if trace.status == "absent":
        return
    everything = range(len(trace.items))
    for cut in cuts(thread, trace, set(trace.order if order is None else order)):
        first = next((i for i in everything if i not in cut), None)
        if first is not None:
            registers, failed, where = trace.points[first]
            number = 0 if where is None else where[0]
            origin = None if where is None else where[1]
            part = restricted(trace, [i for i in everything if i in cut])
            yield replace(
                part, registers=registers, failed=failed, status="held", where=origin, number=number, last=frozenset()
            )


def closed_by(threads: Sequence[Thread], traces: Sequence[Trace]) -> tuple[frozenset[int], tuple[int, ...]]:
    """The CPUs on which a run goes no further; and the threads that do so with interrupts off."""
    runs = {threads[i].cpu for i, trace in enumerate(traces) if threads[i].host is not None and trace.is_open}
    masked = [i for i, trace in enumerate(traces) if threads[i].host is None and trace.stands and trace.ends_masked]
    return frozenset(cpu for cpu in runs if cpu is not None), tuple(masked)


def explained(threads: Sequence[Thread], traces: Sequence[Trace]) -> bool:
    """Whether for each held trace there may be something that holds its agent up, wherever threads have moved."""
    closed, masked = closed_by(threads, traces)
    for number, trace in enumerate(traces):
        if trace.status == "held" and not has_open_run(threads, traces, number):
            if threads[number].host is not None or not (closed or masked):
                return False
    return True


def has_open_run(threads: Sequence[Thread], traces: Sequence[Trace], host: int) -> bool:
    """Whether a run on `host` does not come to its end."""
    return any(thread.host == host and trace.is_open for thread, trace in zip(threads, traces, strict=True))


__all__ = ["closed_by", "explained", "has_open_run", "may_be_held", "with_parts"]
