"""Random programs with interrupt handlers, and an explorer of their interleavings that treats a handler as one step."""

from __future__ import annotations

from hypothesis import strategies as st

from mmcheck import steps
from mmcheck.flatten import flatten
from mmcheck.program import (
    FALSE,
    MASKED,
    TRUE,
    Assert,
    Assign,
    Block,
    Fence,
    If,
    Load,
    Op,
    Program,
    Reg,
    Requirement,
    Rmw,
    Statement,
    Store,
    Thread,
    state_cell,
    state_register,
)
from mmcheck.records import replace
from tests.property.programs import ADDRESSES, CELLS, CONDITIONS, EXPRESSIONS, OLD_VALUE, Arch, simple

CLAIM = Requirement("claim", "point")
OFF: Block = (Assign(Reg(MASKED, 1), TRUE), Fence(frozenset({"IrqOff", "Clobber"})))
ON: Block = (Assign(Reg(MASKED, 1), FALSE), Fence(frozenset({"IrqOn", "Clobber"})))
ENDS = {
    "sc": frozenset({"Clobber"}),
    "x86-tso": frozenset({"Clobber", "MFENCE"}),
    "armv8": frozenset({"Clobber", "ISB"}),
}


def _tags(*names: str) -> frozenset[str]:
    return frozenset(names)


def _source(arch: Arch) -> st.SearchStrategy[Statement]:
    """Accesses and fences of compiled code."""
    arm = arch.name == "armv8"
    reads = [_tags("Plain"), _tags("Plain"), _tags("Volatile"), _tags("Atomic", "Acquire", *("A",) * arm)]
    writes = [_tags("Plain"), _tags("Plain"), _tags("Volatile"), _tags("Atomic", "Release", *("L",) * arm)]
    fences = [_tags("CompilerFence", "RelFence"), _tags("CompilerFence", "AcqFence"), _tags("Clobber")]
    register = st.sampled_from([Reg("a"), Reg("b")])
    add = Op("add", (OLD_VALUE, EXPRESSION_ONE))
    return st.one_of(
        st.builds(Load, register, ADDRESSES, st.sampled_from(reads)),
        st.builds(Store, ADDRESSES, EXPRESSIONS, st.sampled_from(writes)),
        st.builds(Fence, st.sampled_from(fences)),
        st.builds(lambda r, a: Rmw(r, a, add, _tags("X", "Atomic"), _tags("X", "Atomic")), register, ADDRESSES),
    )


EXPRESSION_ONE = Op("sub", (OLD_VALUE, Op("sub", (OLD_VALUE, Op("zext", (TRUE,))))))


@st.composite
def handled(draw: st.DrawFn, arch: Arch, *, source: bool = False, most: int = 3) -> Program:
    """An agent on CPU 0, perhaps with a region without interrupts, a handler there, and perhaps an agent elsewhere."""
    one = _source(arch) if source else simple(arch)
    host = draw(st.lists(one, min_size=1, max_size=most))
    if draw(st.booleans()):
        start = draw(st.integers(0, len(host)))
        end = draw(st.integers(start, len(host)))
        host = [*host[:start], *OFF, *host[start:end], *(ON if draw(st.integers(0, 4)) else ()), *host[end:]]
    elif draw(st.booleans()):
        cut = draw(st.integers(0, len(host)))
        host = [*host[:cut], If(draw(CONDITIONS), tuple(host[cut:]), draw(st.sampled_from([(), OFF])))]
    body = draw(st.lists(one, min_size=1, max_size=2))
    body.append(Assert(draw(CONDITIONS), "claim"))
    if draw(st.booleans()):
        body.append(Assign(Reg("@n"), Op("add", (Reg("@n"), Reg("a")))))
    threads = [Thread("P0", (*host, Assert(draw(CONDITIONS), "claim")), source=source, cpu=0)]
    if draw(st.booleans()):
        threads.append(Thread("P1", tuple(draw(st.lists(one, min_size=1, max_size=2))), source=source, cpu=1))
    runs = draw(st.sampled_from([1, 1, 2]))
    nests = len(threads) == 1 and runs == 1 and draw(st.integers(0, 3)) == 0
    ends = ENDS[arch.name]
    for run in range(runs):
        threads.append(
            Thread(
                f"irq[{run}]",
                tuple(body),
                "interrupt",
                source,
                ((Reg("@n"), 0),),
                0,
                host=0,
                handler="irq",
                run=run,
                entry=ends,
                leave=ends,
                nests=nests,
            )
        )
    if nests:
        other = tuple(draw(st.lists(one, min_size=1, max_size=1)))
        for name, host_ in (("other[0,P0]", 0), ("other[0,irq]", 1)):
            threads.append(
                Thread(name, other, "interrupt", source, (), 0, host=host_, handler="other", entry=ends, leave=ends)
            )
    return Program("handled", arch.name, tuple(threads), CELLS, {}, (CLAIM,))


def sc_finals(program: Program) -> set[tuple[tuple[str, int], ...]]:
    """The final states of all interleavings, a run of a handler being one step of the machine."""
    threads = program.threads
    codes = [flatten(program, thread) for thread in threads]
    slots = [dict(code.named) for code in codes]
    memory = tuple((cell.address, cell.init) for cell in program.cells)
    start = tuple(None if t.host is not None else steps.start(c) for t, c in zip(threads, codes, strict=True))
    first = (start, memory, frozenset[int](), ())
    seen, stack, finals = {first}, [first], set()

    def masked(state: steps.State, number: int) -> bool:
        slot = slots[number].get(MASKED)
        return slot is not None and bool(state.registers[slot])

    def act(number: int, state: steps.State, mem: dict[int, int]) -> list[tuple[steps.State | None, dict[int, int]]]:
        """One step of a thread; None if it has ended."""
        code = codes[number]
        here, action = steps.advance(code, state)
        if isinstance(action, steps.Ended):
            return [(None, mem)]
        if isinstance(action, steps.Read):
            return [(steps.after_read(code, here, mem.get(action.address, 0)), mem)]
        if isinstance(action, steps.Write):
            done = [(steps.after_write(code, here), {**mem, action.address: action.value})]
            if action.exclusive:
                failed = [(steps.after_write(code, here, success=False), mem)]
                return done + failed if action.partner is not None else failed
            return done
        if isinstance(action, steps.Modify):
            old = mem.get(action.address, 0)
            new = steps.modified(action, here, old)
            return [(steps.after_modify(code, here, old), mem if new is None else {**mem, action.address: new})]
        if isinstance(action, steps.Barrier | steps.Check):
            return [(steps.skip(here), mem)]
        raise AssertionError(action)

    def whole(number: int, state: steps.State, mem: dict[int, int], done: frozenset[int], kept: dict[str, int]) -> list:
        """A run from `state` to its end, with what may interrupt it."""
        out, work = [], [(state, mem, done, kept)]
        while work:
            state, mem, done, kept = work.pop()
            entered = state.pc > 0
            if entered and threads[number].nests:
                work += [
                    (after._replace(monitor=None), m, d, k) for after, m, d, k in begin(number, state, mem, done, kept)
                ]
            for after, changed in act(number, state, mem):
                if after is None:
                    final = {**kept}
                    for name, slot in slots[number].items():
                        final[f"{number}:{name}"] = state_of_end(number, state)[slot]
                    out.append((changed, done, final))
                else:
                    work.append((after, changed, done, kept))
        return out

    def state_of_end(number: int, state: steps.State) -> tuple[int, ...]:
        return steps.advance(codes[number], state)[0].registers

    def begin(host: int, state: steps.State, mem: dict[int, int], done: frozenset[int], kept: dict[str, int]) -> list:
        """Every run that may begin now on `host`."""
        out = []
        for number, thread in enumerate(threads):
            if thread.host != host or number in done:
                continue
            same = [i for i, t in enumerate(threads) if t.handler == thread.handler]
            if any(threads[i].run == thread.run and i in done for i in same):
                continue
            if thread.run and not any(threads[i].run == thread.run - 1 and i in done for i in same):
                continue
            begun = steps.start(codes[number])
            for i in same:
                if i in done and threads[i].run < thread.run and f"{i}:@n" in kept and "@n" in slots[number]:
                    registers = list(begun.registers)
                    registers[slots[number]["@n"]] = kept[f"{i}:@n"]
                    begun = begun._replace(registers=tuple(registers))
            for m, d, k in whole(number, begun, mem, done | {number}, kept):
                out.append((state, m, d, k))
        return out

    while stack:
        states, memory, done, kept_items = stack.pop()
        mem, kept = dict(memory), dict(kept_items)
        following = []
        for number, state in enumerate(states):
            if state is None or threads[number].host is not None:
                continue
            ended = isinstance(steps.advance(codes[number], state)[1], steps.Ended)
            if not masked(state, number):
                for after, m, d, k in begin(number, state, mem, done, kept):
                    following.append((number, after._replace(monitor=None), m, d, k))
            if not ended:
                for after, m in act(number, state, mem):
                    assert after is not None
                    following.append((number, after, m, done, kept))
        for number, after, m, d, k in following:
            new = (
                (*states[:number], after, *states[number + 1 :]), tuple(sorted(m.items())), d, tuple(sorted(k.items()))
            )  # fmt: skip
            if new not in seen:
                seen.add(new)
                stack.append(new)
        if all(s is None or isinstance(steps.advance(codes[i], s)[1], steps.Ended) for i, s in enumerate(states)):
            final = {}
            latest: dict[str, int] = {}
            for i, thread in enumerate(threads):
                state = states[i]
                if thread.host is None and state is not None:
                    end = state_of_end(i, state)
                    final.update({state_register(thread.name, n).name: end[s] for n, s in slots[i].items()})
                elif i in done:
                    final.update({state_register(thread.name, n).name: kept.get(f"{i}:{n}", 0) for n in slots[i]})
                    latest[thread.handler] = kept.get(f"{i}:@n", latest.get(thread.handler, 0))
                elif thread.handler in latest and "@n" in slots[i]:
                    final[state_register(thread.name, "@n").name] = latest[thread.handler]
            for cell in program.cells:
                final[state_cell(cell.name).name] = mem.get(cell.address, cell.init)
            finals.add(
                tuple(sorted((n.replace("@", ""), v) for n, v in final.items() if v and ":%" not in n.replace("@", "")))
            )
    return finals


__all__ = ["CLAIM", "handled", "replace", "sc_finals"]
