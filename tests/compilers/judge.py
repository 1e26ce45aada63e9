"""The outcomes of a case: as its source may have them, and as the machine code has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from mmcheck.base.deadline import Deadline
from mmcheck.base.source import SourceFile
from mmcheck.engines.enumeration.enumerate import Enumeration, Limits
from mmcheck.engines.smt.circuit import FALSE, TRUE
from mmcheck.engines.smt.count import block
from mmcheck.engines.smt.decode import Decoder
from mmcheck.engines.smt.encode import encode
from mmcheck.engines.smt.finals import Finals
from mmcheck.engines.smt.linear import linear_orders
from mmcheck.engines.unfolding.unfold import unfold
from mmcheck.events.execution import Execution
from mmcheck.events.terms import Term
from mmcheck.ir.program import Program, Reg
from mmcheck.language.lower.spec import load_spec
from mmcheck.model.model import load_model
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
    """The source program; its requirement speaks of all that an outcome does."""
    text = Spec().case(case, target, in_source(case, ()))
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


class Run(NamedTuple):
    """`orders`: the events of each source thread, as the compiler emits them."""

    decoder: Decoder
    execution: Execution
    orders: dict[int, list[int]]


class Source:
    """What the source of a case may do where nobody waits for ever, by the table `profile`, as the solver finds it;
    without the dependencies named in `without`, without accesses that are left out if not `removing`, with the
    dependencies of the text if `textual`, and in the order of the text if not `compiled`.

    Whatever is asked may raise `UnknownVerdict`.
    """

    def __init__(
        self,
        case: Case,
        target: str,
        profile: str = "observed",
        *,
        without: Sequence[str] = (),
        removing: bool = True,
        compiled: bool = True,
        textual: bool = False,
        seconds: float = 20.0,
    ) -> None:
        self.case = case
        self.program = program_of(case, target)
        self.model = load_model(parse_target(target).model)
        self.deadline = Deadline(seconds)
        with self.deadline:
            graph = unfold(self.program, bound=3, quiescent=True, deadline=self.deadline, profile=profile)
            for name in without:
                graph.deps[name] = {}
            for name in ("addr", "data", "ctrl") if textual else ():
                graph.deps[name] = graph.deps[f"text-{name}"]
            self.encoding = encode(graph, self.model, profile=profile, compiled=compiled)
        finals, terms = Finals(self.encoding), graph.terms
        word = terms.number(0, 32)
        for number, name in enumerate(case.body.result):
            value = finals.state(Reg(f"T:{name}"))
            word = terms.op("or", (word, terms.op("shl", (value, terms.number(PACKED * number, 32)), 32)), 32)
        self.seen = {"return": word}
        self.seen |= {name: finals.state(Reg(f"O{number}:{name}")) for number, name, _ in looks(case)}
        self.seen |= {place: finals.state(Reg(f"[{place}]")) for place, _ in touched(case)}
        self.assumed = list(self.encoding.assumptions())
        waiting = [self.encoding.values.literal(wait.lasts) for wait in graph.waits]
        self.assumed += [-literal for literal in waiting]
        if not removing:
            self.assumed += [-self.encoding.values.literal(each.gone) for each in graph.removals.values()]
        self.graph = graph

    def allows(self, outcome: Outcome) -> bool:
        """Whether some run ends with `outcome`."""
        return self.run(outcome) is not None

    def run(self, outcome: Outcome) -> Run | None:
        """A run that ends with `outcome`, in an order that the compiler may emit."""
        values, terms = dict(outcome), self.graph.terms
        if not values.keys() <= self.seen.keys():
            return None
        equal = [terms.op("eq", (term, terms.number(values.get(name, 0), 32)), 1) for name, term in self.seen.items()]
        with self.deadline:
            return self._run([self.encoding.values.literal(each) for each in equal])

    def outcomes(self) -> Outcomes:
        """All of them."""
        encoding, found = self.encoding, set[Outcome]()
        values = encoding.values
        bits = {name: [values.literal(bit) for bit in self._bits(term)] for name, term in self.seen.items()}
        for literal in {abs(each) for row in bits.values() for each in row}:
            encoding.circuit.assume(literal)
            encoding.circuit.assume(-literal)
        with self.deadline:
            while (run := self._run([])) is not None:
                read = {name: [run.decoder.true(bit) for bit in row] for name, row in bits.items()}
                numbers = {name: sum(1 << n for n, one in enumerate(row) if one) for name, row in read.items()}
                found.add(tuple([(name, value) for name, value in numbers.items() if value]))
                pairs = [pair for name, row in bits.items() for pair in zip(row, read[name], strict=True)]
                other = [-bit if one else bit for bit, one in pairs]
                if all(literal == FALSE for literal in other):
                    break
                encoding.circuit.clause(other)
        return frozenset(found)

    def _bits(self, term: Term) -> list[Term]:
        terms = self.graph.terms
        return [
            terms.op("ne", (terms.op("and", (term, terms.number(1 << n, 32)), 32), terms.number(0, 32)), 1)
            for n in range(32)
        ]

    def _run(self, literals: Sequence[int]) -> Run | None:
        wanted = [each for each in (*self.assumed, *literals) if each != TRUE]
        while FALSE not in wanted and self.encoding.solver.solve(wanted):
            decoder = Decoder(self.encoding)
            execution = decoder.execution()
            orders = linear_orders(execution, self.model, self.program)
            if orders is not None:
                return Run(decoder, execution, orders)
            block(self.encoding, decoder)
        return None


def of_text(case: Case, target: str, *, seconds: float = 20.0) -> Outcomes:
    """What the source does if it is left as it stands, with the dependencies of the text: at least that it may do.

    Raises `UnknownVerdict`.
    """
    program, model = program_of(case, target), load_model(parse_target(target).model)
    search = Enumeration(program, model, settle=True, limits=LIMITS, deadline=Deadline(seconds), bound=3)
    registers = [f"T:{name}" for name in case.body.result]
    names = [(register, f"O{number}:{register}") for number, register, _ in looks(case)]

    def outcome(final: Mapping[str, int]) -> Outcome:
        result = packed(tuple([final.get(name, 0) for name in registers]))
        seen = {short: final.get(name, 0) for short, name in names}
        return _outcome(result, seen, {place: final.get(f"[{place}]", 0) for place, _ in PLACES})

    return _found(search, outcome)


def of_source(case: Case, target: str, profile: str = "observed", *, seconds: float = 20.0) -> Outcomes:
    """What the source may do. Raises `UnknownVerdict`."""
    return Source(case, target, profile, seconds=seconds).outcomes()


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


__all__ = ["Outcome", "Place", "Source", "in_machine", "in_source", "of_machine", "of_source", "program_of"]
