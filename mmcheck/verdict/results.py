"""What a check found: verdicts as values, never as truth values.

One `Result` per requirement, kind of check, variant and target. Reports are functions from results to text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Literal

from mmcheck.base.errors import Diagnostic
from mmcheck.base.records import record, replace
from mmcheck.base.source import Span
from mmcheck.events.execution import Execution, restrict
from mmcheck.ir.program import Program, Requirement

Verdict = Literal["holds", "violated", "allowed", "forbidden", "vacuous", "unknown"]
Kind = Literal["point", "final", "exists", "progress", "ordered"]
Layer = Literal["compiler", "hardware", "platform"]

SETTLED = ("final", "exists", "progress")
"""Kinds of checks that speak of runs in which nobody can move any more."""

MEANING: dict[str, str] = {
    "holds": "no run within the bound breaks the requirement, on this target's model",
    "violated": "there is a run that the model allows and that breaks it; it is shown",
    "allowed": "there is a run that the model allows and that ends in such a state",
    "forbidden": "no run within the bound ends in such a state",
    "vacuous": "no run within the bound comes to where it is checked, so nothing was; the notes say what is in the way",
    "unknown": "not decided; the notes say why",
}


@record
class Hop:
    """One step of the cycle that explains a counterexample, from event `source` to `target` (event ids).

    `relation` is ``po``, ``rf``, ``co`` or ``fr``. `ordered` says, of a ``po`` step, whether the model keeps it in
    order; the steps that it does not keep are where a barrier is missing. `why` is one short sentence in the user's
    terms.
    """

    source: int
    target: int
    relation: str
    ordered: bool = True
    why: str = ""


@record
class Counterexample:
    """An execution that the model allows, and why it is what it is.

    `cycle` is a shortest cycle of po and communication (empty if the execution is sequentially consistent: then the
    algorithm is at fault, not the order). `culprit` is the event that the failed check stands behind, or None.
    `summary` is a paragraph; `point` the span of the check; `shown` the events that a picture
    needs.
    """

    execution: Execution
    cycle: tuple[Hop, ...] = ()
    culprit: int | None = None
    summary: str = ""
    point: Span | None = None
    shown: frozenset[int] = frozenset()

    def view(self) -> Counterexample:
        """The same with only the events in `shown`, renumbered: what pictures draw."""
        if not self.shown:
            return self
        execution, number = restrict(self.execution, self.shown)
        cycle = tuple([replace(hop, source=number[hop.source], target=number[hop.target]) for hop in self.cycle])
        culprit = None if self.culprit is None else number.get(self.culprit)
        return replace(self, execution=execution, cycle=cycle, culprit=culprit, shown=frozenset())


@record
class Finding:
    """The verdict on one requirement of one program; see `Result` for the fields."""

    requirement: Requirement
    verdict: Verdict
    layer: Layer | None = None
    complete: bool = True
    notes: tuple[str, ...] = ()
    counterexample: Counterexample | None = None
    seconds: float = 0.0
    clauses: tuple[str, ...] = ()
    """Clauses that are violated beside those of the requirement."""


BESIDE = ", and beside it the platform's rules for devices"
"""What the model of a verdict of the layer ``platform`` ends in: it is never the CPU's model alone that says so."""
ORDER_PLATFORM = "VirtIO 1.2, 6.1"
"""With ORDER_PLATFORM negotiated, a driver uses the barriers for hardware."""


def clauses_of(program: Program) -> tuple[str, ...]:
    """What a violation of the platform's rules for devices violates beside the requirement."""
    return (ORDER_PLATFORM,) if any(cell.space == "dma" for cell in program.cells) else ()


ENDLESS = "some runs do not end within the bound"


def endless(loops: Sequence[str]) -> str:
    """The note on final states where `loops` may go around again."""
    return f"{ENDLESS}, and no final state of theirs is judged: {' and '.join(loops)} may go on past it"


def spinning(loops: Sequence[str]) -> str:
    """Why nothing is known of progress where `loops` may go around again."""
    return f"{' and '.join(loops)} may go on past the bound, and perhaps for ever"


@record
class Result:
    """See the module, and docs/daily.md for the JSON form; fields have the same names."""

    file: str
    spec: str
    variant: str | None
    requirement: str
    kind: Kind
    clauses: tuple[str, ...]
    says: str
    target: str
    model: str
    verdict: Verdict
    expected: Verdict
    bound: int
    complete: bool
    layer: Layer | None
    engine: str
    notes: tuple[str, ...]
    span: Span | None
    seconds: float
    counterexample: Counterexample | None = None
    expected_layer: Layer | None = None
    compiler: str = "observed"

    @property
    def as_claimed(self) -> bool | None:
        """Whether the verdict (and the layer, where the claim names one) is as claimed; None when unknown.

        A violation without a layer is in the algorithm: it is none of those that a claim can name.
        """
        if self.verdict == "unknown":
            return None
        return self.verdict == self.expected and self.expected_layer in (None, self.layer)

    @property
    def reason(self) -> str:
        """Why nothing was decided, or checked; empty for other verdicts."""
        if self.verdict not in ("unknown", "vacuous"):
            return ""
        return "; ".join(self.notes) or MEANING[self.verdict]


@record
class FileReport:
    """Everything about one file: its results, or the diagnostics that prevented them."""

    path: str
    results: tuple[Result, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    notes: tuple[str, ...] = ()
    made_of: Mapping[str, str | None] = field(default_factory=dict, repr=False, compare=False)
    """Every file that was read for it, see `mmcheck.base.gate.recording`."""

    @property
    def broken(self) -> bool:
        """Whether it could not be checked."""
        return any(each.severity == "error" for each in self.diagnostics)


@record
class Report:
    """A whole run, in the order of the files named."""

    files: tuple[FileReport, ...]
    version: str = ""
    solver: str = ""
    interrupted: bool = False

    @property
    def results(self) -> tuple[Result, ...]:
        return tuple([result for file in self.files for result in file.results])

    @property
    def exit_code(self) -> int:
        """0 all as claimed, 1 something not as claimed, 2 could not check, 3 something unknown; 2 over 1 over 3.

        Nothing but ``holds``, or what the file claims, is as claimed: a ``vacuous`` requirement is not.
        """
        if self.interrupted:
            return 130
        if any(file.broken for file in self.files):
            return 2
        claims = [result.as_claimed for result in self.results]
        if any(claim is False for claim in claims):
            return 1
        return 3 if None in claims else 0


@record
class LitmusOutcome:
    """What `mmcheck litmus` found of one herd test.

    `observation` is herd's word (of the final condition), whose `quantifier` is ``exists``, ``~exists`` or ``forall``;
    `states` the distinct final states as printed, or None when they were not asked for.
    """

    path: str
    name: str
    observation: Literal["Never", "Sometimes", "Always", "Unknown"]
    states: tuple[str, ...] | None = None
    engine: str = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())
    diagnostics: tuple[Diagnostic, ...] = field(default=())
    model: str = ""
    quantifier: str = "exists"
