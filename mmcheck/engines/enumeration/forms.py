"""What a model can see of one trace, whatever its values: traces that have it in common share it."""

from __future__ import annotations

from collections.abc import Sequence

from mmcheck.engines.enumeration.trace import DEPENDENCIES, Trace
from mmcheck.events.relations import Rel, inverse
from mmcheck.model.concrete import Frame
from mmcheck.model.model import Model


class Form:
    """The events of a trace. `at` has the positions of the accesses to each address, with their kinds; `after` and
    `before` are program order, `rows` the other base relations by name, `sets` the base sets."""

    __slots__ = ("_frame", "after", "at", "before", "n", "rows", "sets")

    def __init__(
        self, accesses: Sequence[tuple[int, str, int]], after: Rel, rows: dict[str, Rel], sets: dict[str, int]
    ) -> None:
        """`accesses` are position, kind and address of each."""
        self.n = len(after)
        self.at: dict[int, list[tuple[int, str]]] = {}
        for position, kind, address in accesses:
            self.at.setdefault(address, []).append((position, kind))
        self.after = after
        self.before = inverse(after)
        self.rows = rows
        self.sets = sets
        self._frame: Frame | None = None

    def frame(self, model: Model) -> Frame:
        """These events alone; that of the model that was asked last is kept."""
        found = self._frame
        if found is None or found.model is not model:
            loc, everything = [0] * self.n, (1 << self.n) - 1
            for here in self.at.values():
                members = sum([1 << position for position, _ in here])
                for position, _ in here:
                    loc[position] = members
            static = {
                **self.rows,
                "po": self.after,
                "src": self.after,
                "loc": tuple(loc),
                "int": (everything,) * self.n,
            }
            found = self._frame = Frame(model, self.n, self.sets, static, coherent=model.coherent)
        return found


def form_of(trace: Trace) -> Form:
    """The form of `trace`, made."""
    accesses = [(i, item.kind, item.address) for i, item in enumerate(trace.items) if item.kind != "F"]
    rows = dict(zip((*DEPENDENCIES, "amo", "lxsx"), trace.rows, strict=True))
    return Form(accesses, trace.after, rows, dict(trace.sets))
