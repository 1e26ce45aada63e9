"""What a verdict needs to know of the runs of a program, whoever finds them.

An `Engine` knows the runs of one program under one model, up to a bound. What is asked of a requirement, which layer is
to blame and what a verdict rests on is decided above it, once (`mmcheck.verdict.check`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, Protocol, TypeAlias

from mmcheck.base.deadline import Deadline
from mmcheck.base.records import record
from mmcheck.base.source import Span
from mmcheck.events.execution import Execution
from mmcheck.ir.program import Expr, Origin, Program, Reg, Requirement
from mmcheck.model.model import Model
from mmcheck.verdict.vacuity import Ways

Order: TypeAlias = Literal["compiled", "text", "sequential"]
"""Which runs count: in an order that the compiler may emit, in that of the text, or only the interleavings of that."""


@record
class Example:
    """A run that breaks a requirement (of an ``exists``: that shows what it asks for), and how to say so in a sentence.

    `through` are the events that the failed check looked at, `point` is where it stands; `left_out` are notes on what
    the compiler has left out of the run.
    """

    execution: Execution
    failed: str
    through: tuple[int, ...] = ()
    point: Span | None = None
    left_out: tuple[str, ...] = ()


@record
class Observation:
    """Whether a condition holds in some final state (`positive`) and fails in some (`negative`); whether loops are
    `cut` in some run; the states, if they were asked for.

    `astray` is an access that goes outside every location in some run: then the rest is not known.
    """

    positive: bool = False
    negative: bool = False
    cut: bool = False
    astray: Origin | None = None
    states: Sequence[Mapping[str, int]] | None = None


class Engine(Protocol):
    """The runs of `program` that `model` allows, with `bound` rounds of each loop.

    `layered`: some thread is source code and goes through a compiler, of which `profile` says what it keeps in order.

    All methods keep to `deadline` and raise `UnknownVerdict` for what they cannot decide.
    """

    name: str
    program: Program
    model: Model
    deadline: Deadline
    layered: bool
    bound: int
    profile: str
    choices: Mapping[str, str]
    """The option at each site of a program that is several in one (`mmcheck.ir.product`)."""

    def may_break(self, requirement: Requirement, *, platform: bool = False) -> bool:
        """Whether some run as compiled may break `requirement`: cheaper than `first`, which may then find none.

        With `platform`, by the platform's rules for devices; False if these allow nothing more than the model.
        """

    def first(self, requirement: Requirement, order: Order, *, platform: bool = False) -> Example | None:
        """A run that breaks `requirement`."""

    def cut(self, requirement: Requirement) -> Sequence[str]:
        """The loops that go on past the bound in some run, named."""

    def is_asked(self, requirement: Requirement) -> bool:
        """Whether some run comes to where `requirement` is checked."""

    def probes_reached(self, ways: Ways) -> Collection[str]:
        """The probes of a program of `mmcheck.verdict.vacuity` that some run comes to."""

    def spins(self, requirement: Requirement) -> str:
        """A note if some run comes to a wait that a compiler may turn into an endless loop, else empty."""

    def astray(self, requirement: Requirement) -> str:
        """A sentence about an access that goes outside its variable in some run; empty if none does."""

    def refuse_astray(self) -> None:
        """Raise `InputError` if some run goes outside its memory, and what it does there is described."""

    def rests_on(self, requirement: Requirement) -> Sequence[str]:
        """Notes on what a clean verdict would not stand without."""

    def not_reached(self, requirement: Requirement) -> Sequence[str]:
        """Notes on checks and waits that no run gets to, or past, though `requirement` is asked."""

    def fetched_twice(self, requirement: Requirement) -> Sequence[str]:
        """Notes on plain reads that a compiler may make once more, with another result."""

    def stored_again(self, requirement: Requirement) -> Sequence[str]:
        """Notes on plain stores that a compiler may make although the text does not, over what others wrote."""

    def observe(self, condition: Expr, passing: Expr | None, states: Sequence[Reg] | None) -> Observation:
        """What herd asks, of the final states in which `passing` holds; `states` are projected on those places."""

    def dumps(self) -> Mapping[str, str]:
        """What was asked, as SMT-LIB text, by layer; empty if nothing was asked in SMT-LIB."""
