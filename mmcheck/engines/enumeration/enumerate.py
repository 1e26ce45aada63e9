"""Every execution of a program under a model, without a solver: the reference semantics.

For each thread all its traces are computed (`mmcheck.engines.enumeration.traces`), given what its reads may see: the
initial values, and what any trace writes, to a fixpoint (values are grounded, none comes out of thin air). One
trace per thread, a write for every read and an order of the writes of each location make a candidate; the
model keeps or rejects it. Slow and obvious; it shares with the solver side the program and the parsed model.

Two questions are asked of a program:

* ``safety``: every agent may also be stuck for ever before an await, or be cut where a loop reaches the bound; what
  follows does not exist.
* ``final``: only runs count in which every agent has ended, or sits in an await whose last round failed and
  read the co-last writes (docs/compiler.md, waits). Those reads are events.

Two executions are the same if they have the same traces, rf and co.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import product
from typing import NamedTuple, TypeAlias

from mmcheck.base.deadline import Deadline
from mmcheck.base.errors import UnknownVerdict
from mmcheck.base.records import record, replace
from mmcheck.engines.enumeration import coherence
from mmcheck.engines.enumeration.candidate import Candidate, execution_of
from mmcheck.engines.enumeration.coherence import Choice
from mmcheck.engines.enumeration.compiled import Compiler
from mmcheck.engines.enumeration.final_conditions import Conjunct, FinalCondition, conjuncts
from mmcheck.engines.enumeration.forms import Form
from mmcheck.engines.enumeration.holding import closed_by, explained, may_be_held, with_parts
from mmcheck.engines.enumeration.interrupts import fits
from mmcheck.engines.enumeration.keep import Keep, preserved
from mmcheck.engines.enumeration.layout import Layout, joined, layout_of
from mmcheck.engines.enumeration.linear import Pair
from mmcheck.engines.enumeration.memory import Memory
from mmcheck.engines.enumeration.trace import Options, Trace
from mmcheck.engines.enumeration.turns import HOST
from mmcheck.engines.enumeration.values import fixpoint
from mmcheck.events.execution import Execution
from mmcheck.ir.flat import flatten
from mmcheck.ir.hosts import root_of
from mmcheck.ir.instructions import Code
from mmcheck.ir.program import MASKED, NOWHERE, Origin, Program, Thread, state_cell
from mmcheck.model.model import Model
from mmcheck.target.targets import architecture_of

Wanted: TypeAlias = Callable[[Mapping[str, int]], bool]
"""Whether a run with these final values is of interest."""


@record
class Limits:
    """`candidates`: choices of rf and co that are judged, each in every order that compiled code may have;
    `combinations`: choices of traces that are looked at; `traces`: traces of one thread."""

    candidates: int = 2_000_000
    combinations: int = 5_000_000
    traces: int = 200_000


@record
class Run:
    """An allowed run: the final values of registers and cells, the requirements that an assertion violated, and
    the agents that wait for ever, each with the origin of its await. `execution` is built when asked for.

    `stray`: some access went where no cell stands (there is 0 there, and what was written). `cut`: in some run a loop
    reached the bound.
    """

    final: Mapping[str, int]
    failed: frozenset[str]
    stuck: tuple[tuple[str, Origin], ...]
    candidate: Candidate
    stray: bool
    cut: bool

    @cached_property
    def execution(self) -> Execution:
        return execution_of(self.candidate, self.final)

    @property
    def astray(self) -> Origin | None:
        """The first access, by thread, that goes where no cell stands."""
        if self.stray:
            cells = {cell.address for cell in self.candidate.program.cells}
            for trace in self.candidate.traces:
                for item in trace.items:
                    if item.kind != "F" and item.address not in cells:
                        return item.origin
        return None


class _Search(NamedTuple):
    """For each thread its traces, each with what it needs and what it gives; what the threads from there on may give;
    whether some thread is a handler, and some trace `held`."""

    coded: list[list[tuple[int, int, Trace]]]
    offers: list[int]
    handled: bool
    held: bool


@dataclass(slots=True)
class Enumeration:
    """The runs of `program` that `model` allows.

    `settle` asks for final states, otherwise for safety. `write_back` and `cas_provenance` None mean: on Armv8
    targets, as Arm allows it. `keep` is the compiler layer, as in ``profile("observed", target)``: an execution is
    then allowed if the model allows it with some linear order of each compiled thread that contains keep,
    dependencies and rmw. Without it (SC, language-level models) the order is that of the text. Not `exact`, po is cpo
    itself (docs/compiler.md). `observed` are the registers that are looked at in the end, by their names in final
    states, if not all are: a compiler need not read what nobody looks at. `platform`: the platform's rules for devices
    count beside the model. `keys`, if there are any, are one for each thread: threads with equal keys have the same
    statements and initial values in whatever program, and are traced once for all programs that share a `memory`, so
    that origins are those of any of them.
    After `runs` is exhausted, `cuts` are the threads of which a loop reached the bound in an allowed run, `candidates`
    how many choices of rf and co were judged, `combinations` how many choices of traces were looked at.
    """

    program: Program
    model: Model
    bound: int = 2
    choices: Mapping[str, str] = field(default_factory=dict)
    settle: bool = False
    limits: Limits = field(default_factory=Limits)
    deadline: Deadline = field(default_factory=Deadline)
    write_back: bool | None = None
    cas_provenance: bool | None = None
    keep: Keep | None = None
    observed: frozenset[str] | None = None
    exact: bool = True
    platform: bool = False
    keys: Sequence[Hashable] = ()
    memory: Memory = field(default_factory=Memory)
    cuts: tuple[str, ...] = ()
    candidates: int = 0
    combinations: int = 0
    _layouts: dict[object, Layout] = field(default_factory=dict)
    _local: dict[object, list[Choice]] = field(default_factory=dict)
    _initial: dict[int, int] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)
    _unchanged: dict[str, int] = field(default_factory=dict)
    _traced: list[list[Trace]] | None = None
    _twins: bool = False
    _number: dict[tuple[int, int], int] = field(default_factory=dict)
    _coded: dict[Trace, tuple[int, int, Trace]] = field(default_factory=dict)
    _plain: bool = False
    _forms: dict[Trace, Form] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.memory.make_room()
        for cell in self.program.cells:
            self._initial[cell.address] = cell.init
            self._names[cell.address] = state_cell(cell.name).name
            self._unchanged[state_cell(cell.name).name] = cell.init
        self._plain = (
            self.keep is None
            and not self.platform
            and all(thread.host is None and thread.cpu is None for thread in self.program.threads)
            and all(cell.space == "ram" for cell in self.program.cells)
        )

    def runs(self, *asked: FinalCondition, fresh: Wanted | None = None) -> Iterator[Run]:
        """Every allowed run of which all that is `asked` holds, in a fixed order.

        `fresh` says of final values whether such a run is wanted, too; it is asked of each before the model is.
        """
        self.candidates, self.combinations = 0, 0
        found = self._ended()
        wanted = [part for one in asked for part in conjuncts(*one)]
        owned = {part.owner for part in wanted}
        for number, thread in enumerate(self.program.threads):
            if thread.name in owned:
                own = [part for part in wanted if part.owner == thread.name]
                found[number] = [t for t in found[number] if all(part.holds(t.final(thread.name)) for part in own)]
        agents = {thread.name for thread in self.program.threads}
        wanted = [part for part in wanted if part.owner not in agents]
        seen: set[object] = set()
        latched = self.settle and any(thread.latch is not None for thread in self.program.threads)
        for combination in self._combined(found):
            choice: Wanted | None = None
            final, open = dict[str, int](), set[str]()
            if wanted or fresh is not None:
                final, open = self._ends(combination)
                if any(part.refutes(final, open) for part in wanted) or (fresh and not open and not fresh(final)):
                    continue
                if open:
                    choice = partial(_is_wanted, wanted, fresh)
            for candidate in self._allowed(combination, choice):
                if self._twins:
                    key = (tuple([trace.identity for trace in combination]), candidate.rf, candidate.co)
                    if key in seen:
                        continue
                    seen.add(key)
                run = self._run(candidate)
                if not (latched and self._undelivered(run)):
                    yield run
                    if fresh and not open and not fresh(final):
                        break  # all that is left of this combination ends alike

    def _ended(self) -> list[list[Trace]]:
        """For each thread its traces that may be part of a run: to `settle`, none of them is cut."""
        if self._traced is None:
            found = self._traced = self.traces()
            self._twins = any(len({trace.identity for trace in of}) < len(of) for of in found)
            self.cuts = tuple(
                [thread.name for number, thread in enumerate(self.program.threads) if self._is_cut(number, found)]
            )
        if not self.settle:
            return [list(of) for of in self._traced]
        return [[trace for trace in of if trace.status != "cut"] for of in self._traced]

    def _is_cut(self, thread: int, found: list[list[Trace]]) -> bool:
        """Whether a loop of `thread` reaches the bound in some run along the traces `found`."""
        cut = [trace for trace in found[thread] if trace.status == "cut"]
        some = self._combined([*found[:thread], cut, *found[thread + 1 :]]) if cut else ()
        return any(True for combination in some for _ in self._allowed(combination))

    @property
    def cut(self) -> bool:
        """Whether some run is cut."""
        return bool(self.cuts)

    def traces(self) -> list[list[Trace]]:
        """For each thread its traces, with every value that a read of it could see."""
        loose = architecture_of(self.program.target).cas_is_loose
        options = Options(
            settle=self.settle,
            write_back=loose if self.write_back is None else self.write_back,
            cas_provenance=loose if self.cas_provenance is None else self.cas_provenance,
            traces=self.limits.traces,
            deadline=self.deadline,
        )
        threads = self.program.threads
        if self.keys and self.keep is None and all(thread.host is None for thread in threads):
            keys = [(key, self.bound, *sorted(self.choices.items())) for key in self.keys]
            known = [self.memory.code(key, t, partial(self._code, t)) for key, t in zip(keys, threads, strict=True)]
            return fixpoint(known, self._initial, options, self.memory, keys)
        codes = [self._code(thread) for thread in threads]
        held = may_be_held(codes, settle=self.settle)
        found = fixpoint(codes, self._initial, replace(options, points=bool(held)))
        if self.keep is not None:
            cells = {cell.address: re.split(r"[\[.]", cell.name)[0] for cell in self.program.cells}
            compiler = Compiler(self.keep, cells, self.observed, options)
            found = [compiler.traces(code, traces) for code, traces in zip(codes, found, strict=True)]
        return with_parts(threads, found, held, self._kept) if held else found

    def _code(self, thread: Thread) -> Code:
        return flatten(self.program, thread, bound=self.bound, choices=self.choices)

    @property
    def may_stray(self) -> bool:
        """Whether some trace goes where no cell stands: without one, no run does."""
        self._ended()
        return any(
            item.kind != "F" and item.address not in self._initial
            for of in self._traced or ()
            for trace in of
            for item in trace.items
        )

    def _combined(self, found: Sequence[Sequence[Trace]]) -> Iterator[tuple[Trace, ...]]:
        """One trace per thread, such that each value read is written by somebody, or initial."""
        number = self._number

        def mask(pairs: Iterable[tuple[int, int]]) -> int:
            word = 0
            for pair in pairs:
                word |= 1 << number.setdefault(pair, len(number))
            return word

        coded = []
        for of in found:
            here = []
            for trace in of:
                code = self._coded.get(trace)
                if code is None:
                    code = self._coded[trace] = (mask(trace.needs), mask(trace.gives), trace)
                here.append(code)
            coded.append(here)
        handled = any(thread.host is not None for thread in self.program.threads)
        held = any(trace.status == "held" for of in found for trace in of)
        initial = mask([pair for pair in number if pair[1] == self._initial.get(pair[0], 0)])
        offers = [0] * (len(found) + 1)
        for i in range(len(found) - 1, -1, -1):
            offers[i] = offers[i + 1]
            for _, gives, _ in coded[i]:
                offers[i] |= gives
        return self._extended(_Search(coded, offers, handled, held), (), 0, initial)

    def _extended(
        self, search: _Search, chosen: tuple[Trace, ...], needs: int, gives: int
    ) -> Iterator[tuple[Trace, ...]]:
        """The combinations that begin with `chosen`."""
        depth, last = len(chosen), len(search.coded) - 1
        if depth > last:
            yield chosen
            return
        for need, give, trace in search.coded[depth]:
            self.combinations += 1
            if not self.combinations & 0xFF:
                self.deadline.check()
            if self.combinations > self.limits.combinations:
                raise UnknownVerdict(f"more than {self.limits.combinations} combinations of traces")
            if search.handled and not fits(self.program.threads, (*chosen, trace)):
                continue
            if search.held and depth == last and not explained(self.program.threads, (*chosen, trace)):
                continue
            if not (needs | need) & ~(gives | give | search.offers[depth + 1]):
                yield from self._extended(search, (*chosen, trace), needs | need, gives | give)

    def _allowed(self, combination: tuple[Trace, ...], wanted: Wanted | None = None) -> Iterator[Candidate]:
        """The choices of rf and co that the model allows, each with the first order of compiled code that does; of
        those whose final values are `wanted`."""
        self.deadline.check()
        layout = self._layout(combination)
        values = [self._initial.get(place.address, 0) for place in layout.locations]
        for trace in combination:
            values += trace.values
        last = frozenset[int]()
        if any(trace.last for trace in combination):
            last = frozenset([s + i for t, s in zip(combination, layout.first, strict=True) for i in t.last])
        local = []
        for number, place in enumerate(layout.locations):
            here = tuple([values[event] for event in place.events])
            settled = last.intersection(place.reads) if last else last
            name = (id(layout), number, here, settled)
            options = self._local.get(name)
            if options is None:
                options = coherence.choices(
                    place, here, settled, coherent=self.model.coherent, most=self.limits.candidates,
                    deadline=self.deadline, memory=self.memory.choices,
                )  # fmt: skip
                self._local[name] = options
            if not options:
                return
            local.append(options)
        for chosen in product(*local):
            rf, co = [0] * layout.n, [0] * layout.n
            for choice in chosen:
                for event, row in choice.rf:
                    rf[event] = row
                for event, row in choice.co:
                    co[event] = row
            candidate = Candidate(self.program, combination, layout, tuple(rf), tuple(co), chosen)
            if wanted is not None and not wanted(self._final(candidate)):
                self._count()
                continue
            for number, (frame, _) in enumerate(layout.frames):
                self._count()
                if frame.allows(candidate.rf, candidate.co):
                    yield candidate._replace(frame=number)
                    break

    def _count(self) -> None:
        """One candidate more."""
        self.candidates += 1
        if not self.candidates & 0xFF:
            self.deadline.check()
        if self.candidates > self.limits.candidates:
            raise UnknownVerdict(f"more than {self.limits.candidates} candidate executions")

    def _layout(self, combination: tuple[Trace, ...]) -> Layout:
        forms = tuple([self._form(trace) for trace in combination])
        if self._plain:
            layout = self._layouts.get(forms)
            if layout is None:
                layout = self._layouts[forms] = joined(self.model, forms)
            return layout
        orders = [self._kept(number, trace) for number, trace in enumerate(combination)]
        key = tuple([(f, trace.status, order) for f, trace, order in zip(forms, combination, orders, strict=True)])
        layout = self._layouts.get(key)
        if layout is None:
            layout = self._layouts[key] = layout_of(
                self.model, self.program, combination, forms, orders, exact=self.exact, platform=self.platform
            )
        return layout

    def _form(self, trace: Trace) -> Form:
        found = self._forms.get(trace)
        if found is None:
            found = self._forms[trace] = self.memory.form(trace)
        return found

    def _kept(self, number: int, trace: Trace) -> frozenset[Pair] | None:
        if self.keep is None or not self.program.threads[number].source:
            return None
        return preserved(trace, self.keep)

    def _undelivered(self, run: Run) -> bool:
        """Whether an interrupt is raised that a handler with a run left could take: then the run is not over."""
        threads, traces = self.program.threads, run.candidate.traces
        closed, masked = closed_by(threads, traces)
        closed |= {place for root in masked if (place := self._place(run, root)) is not None}
        for latch in {thread.latch for thread in threads if thread.latch is not None}:
            runs = [i for i, thread in enumerate(threads) if thread.latch == latch]
            last = max(threads[i].run for i in runs)
            used_up = any(traces[i].status != "absent" for i in runs if threads[i].run == last)
            hosts = {
                (host, threads[i].cpu)
                for i in runs
                if (host := threads[i].host) is not None and threads[host].host is None
            }
            ready = any(
                not dict(traces[host].registers).get(MASKED) and self._place(run, host) == cpu and cpu not in closed
                for host, cpu in hosts
            )
            if ready and not used_up and run.final.get(self._names[latch]):
                return True
        return False

    def _place(self, run: Run, thread: int) -> int | None:
        """The CPU that `thread` is on at the end."""
        for number, each in enumerate(self.program.threads):
            if each.host is not None and root_of(self.program.threads, number) == thread:
                for register, cell in each.privates:
                    if register.name == HOST:
                        return run.final.get(self._names[cell])
        return self.program.threads[thread].cpu

    def _ends(self, combination: Sequence[Trace]) -> tuple[dict[str, int], set[str]]:
        """The final values that all runs along these traces share, and the cells whose last write is open."""
        final, last, open = dict(self._unchanged), dict[int, int](), set[str]()
        for agent, trace in zip(self.program.threads, combination, strict=True):
            final.update(trace.final(agent.name))
            for address, value in trace.gives:
                if last.setdefault(address, value) != value:
                    open.add(self._names.get(address, ""))
        for address, value in last.items():
            final[self._names.get(address, "")] = value
        for name in open:
            del final[name]
        return final, open

    def _final(self, candidate: Candidate) -> dict[str, int]:
        final = dict(self._unchanged)
        for agent, trace in zip(self.program.threads, candidate.traces, strict=True):
            final.update(trace.final(agent.name))
        for place, choice in zip(candidate.layout.locations, candidate.chosen, strict=True):
            name = self._names.get(place.address)
            if name is not None and len(choice.chain) > 1:
                final[name] = candidate.item(choice.chain[-1]).value
        return final

    def _run(self, candidate: Candidate) -> Run:
        final, stuck = self._final(candidate), []
        for agent, trace in zip(self.program.threads, candidate.traces, strict=True):
            if trace.is_open and trace.status != "cut":
                stuck.append((agent.name, trace.where or NOWHERE))
        failed = frozenset[str]().union(*[trace.failed for trace in candidate.traces])
        stray = any(place.address not in self._names for place in candidate.layout.locations)
        return Run(final, failed, tuple(stuck), candidate, stray, self.cut)


def _is_wanted(parts: Sequence[Conjunct], fresh: Wanted | None, final: Mapping[str, int]) -> bool:
    return all(part.holds(final) for part in parts) and (fresh is None or fresh(final))


def runs(program: Program, model: Model, **options: object) -> Iterator[Run]:
    """The allowed runs of `program`; the options are the fields of `Enumeration`."""
    return Enumeration(program, model, **options).runs()  # type: ignore[arg-type]


def executions(
    program: Program, model: Model, *, bound: int = 2, choices: Mapping[str, str] | None = None,
    limits: Limits | None = None, settle: bool = False,
) -> Iterator[Execution]:  # fmt: skip
    """The executions of `program` that `model` allows, each once. Raises `UnknownVerdict` beyond `limits`."""
    enumeration = Enumeration(program, model, bound, choices or {}, settle, limits or Limits())
    return (run.execution for run in enumeration.runs())


def final_states(found: Iterable[Run], names: Iterable[str] | None = None) -> set[tuple[tuple[str, int], ...]]:
    """The distinct final states of `found`, projected on `names` (all, if None), as sorted pairs."""
    wanted = None if names is None else sorted(set(names))
    out = set()
    for run in found:
        shown = sorted(run.final) if wanted is None else wanted
        out.add(tuple([(name, run.final.get(name, 0)) for name in shown]))
    return out


__all__ = ["Enumeration", "FinalCondition", "Keep", "Limits", "Run", "executions", "final_states", "runs"]
