"""What a model can see of one trace, whatever its values: kept for all traces that have it in common."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from mmcheck.events.relations import Rel, inverse
from mmcheck.model.concrete import Frame
from mmcheck.model.model import Model

MOST = 4_000
"""Forms that are remembered; then all are forgotten."""


class Form:
    """The events of a trace. `at` has the positions of the accesses to each address, with their kinds; `after` and
    `before` are program order, `rows` the other base relations by name, `sets` the base sets."""

    __slots__ = ("after", "at", "before", "frames", "n", "rows", "sets")

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
        self.frames: dict[tuple[int, bool], Frame] = {}

    def frame(self, model: Model, *, coherent: bool) -> Frame:
        """These events alone."""
        key = (id(model), coherent)
        found = self.frames.get(key)
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
            found = self.frames[key] = Frame(model, self.n, self.sets, static, coherent=coherent)
        return found


_FORMS: dict[Hashable, Form] = {}


def known(shape: Hashable) -> Form | None:
    """The form of all traces of that shape."""
    return _FORMS.get(shape)


def remember(shape: Hashable, form: Form) -> Form:
    """`form`, from now on that of all traces of that shape."""
    if len(_FORMS) >= MOST:
        _FORMS.clear()
    _FORMS[shape] = form
    return form
