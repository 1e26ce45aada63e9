"""One program on one model as the solver sees it: its graph, and the encodings of it, each made when first needed."""

from __future__ import annotations

from mmcheck.base.deadline import Deadline
from mmcheck.engines.smt.encode import encode
from mmcheck.engines.smt.encoding import Encoding
from mmcheck.engines.unfolding.unfold import unfold
from mmcheck.events.graph import EventGraph
from mmcheck.ir.program import Program
from mmcheck.model.kept import weaker
from mmcheck.model.model import Model, sequential
from mmcheck.model.promises import promised
from mmcheck.verdict.reachability import pairs
from mmcheck.verdict.results import SETTLED


class Encodings:
    """`layered` and `profile` as in `mmcheck.verdict.engine.Engine`; all that is made keeps to `deadline`.

    With `caveats`, the compiled encoding can be asked what its verdicts rest on.
    """

    def __init__(
        self,
        program: Program,
        model: Model,
        deadline: Deadline,
        *,
        layered: bool,
        bound: int,
        profile: str,
        caveats: bool,
    ) -> None:
        self.program = program
        self.model = model
        self.deadline = deadline
        self.layered = layered
        self.bound = bound
        self.profile = profile
        self.caveats = caveats
        self.binding: Encodings | None = None
        """The same program, all of whose threads are bound by the platform's rules."""
        self._graph: EventGraph | None = None
        self._compiled: Encoding | None = None
        self._textual: Encoding | None = None
        self._sequential: Encoding | None = None

    def made(self) -> dict[str, Encoding]:
        """Those that were made, by layer."""
        made = {"compiled" if self.layered else "textual": self._compiled}
        if self._textual is not None:
            made["textual"] = self._textual
        return {layer: each for layer, each in made.items() if each is not None}

    @property
    def graph(self) -> EventGraph:
        """All runs up to the bound."""
        if self._graph is None:
            kinds = {requirement.kind in SETTLED for requirement in self.program.requirements}
            quiescent = None if len(kinds) > 1 else kinds == {True}
            self._graph = unfold(
                self.program, bound=self.bound, quiescent=quiescent, deadline=self.deadline, profile=self.profile
            )
        return self._graph

    @property
    def compiled(self) -> Encoding:
        """The runs under the model in the order that the compiler keeps; in that of the text if there is no layer."""
        if self._compiled is None:
            self._compiled = encode(
                self.graph, self.model, compiled=self.layered, profile=self.profile, ordered=self._ordered_pairs(),
                weaker=(*weaker(self.profile), *promised(self.model)) if self.caveats else (),
            )  # fmt: skip
        return self._compiled

    @property
    def textual(self) -> Encoding:
        """The runs under the model in text order."""
        if not self.layered:
            return self.compiled
        if self._textual is None:
            ordered = list(self.compiled.environment)
            self._textual = encode(self.graph, self.model, compiled=False, ordered=ordered, like=self.compiled)
        return self._textual

    @property
    def sequential(self) -> Encoding:
        """The runs in text order under SC."""
        if self._sequential is None:
            self._sequential = encode(self.graph, sequential(self.model), compiled=False, like=self.compiled)
        return self._sequential

    def _ordered_pairs(self) -> list[tuple[int, int]]:
        ordered = [each for each in self.program.requirements if each.kind == "ordered"]
        return sorted({pair for requirement in ordered for pair in pairs(requirement, self.graph)})
