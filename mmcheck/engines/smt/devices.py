"""Which accesses go to a device: the sets ``REG`` and ``IO`` and the relation ``dev`` of a graph (docs/models.md).

An access whose address is not known is in a set under the literal that it goes to such a cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mmcheck.engines.smt.bounds import Bounds
from mmcheck.engines.smt.circuit import FALSE, TRUE, Circuit
from mmcheck.engines.smt.memory import Memory
from mmcheck.events.domains import Domains
from mmcheck.events.graph import EventGraph
from mmcheck.ir.program import Cell
from mmcheck.model.model import Model

Optional = dict[str, dict[int, int]]


class Reach:
    """The accesses of CPUs to cells that are not plain memory; devices are not bound by the platform's rules."""

    def __init__(self, graph: EventGraph, domains: Domains, memory: Memory, circuit: Circuit) -> None:
        self.graph, self.domains, self.memory, self.circuit = graph, domains, memory, circuit
        self.cells = {cell.address: cell for cell in graph.program.cells if cell.space != "ram"}
        agents = graph.program.threads
        self.found: dict[int, list[Cell]] = {}
        if self.cells:
            for event in graph.events:
                if event.is_access and event.thread >= 0 and agents[event.thread].kind != "device":
                    cells = [self.cells[a] for a in domains.addresses[event.id] if a in self.cells]
                    if cells:
                        self.found[event.id] = cells

    def _goes(self, number: int, cells: Iterable[Cell]) -> int:
        """The literal that an event goes to one of `cells`."""
        wanted = {cell.address for cell in cells}
        if wanted.issuperset(self.domains.addresses[number]):
            return TRUE
        return self.circuit.any([self.memory.at(self.graph.events[number], address) for address in sorted(wanted)])

    def _members(self, test: Callable[[Cell], bool]) -> dict[int, int]:
        found = {number: [cell for cell in cells if test(cell)] for number, cells in self.found.items()}
        literals = {number: self._goes(number, cells) for number, cells in found.items() if cells}
        return {number: literal for number, literal in literals.items() if literal != FALSE}

    def registers(self, sets: dict[str, int], optional: Optional, base: dict[str, Bounds]) -> None:
        """Add ``REG`` to `sets` and `optional`, and ``dev`` to `base`."""
        members = self._members(lambda cell: cell.space == "mmio")
        if not members:
            return
        sets["REG"] = sum(1 << number for number, literal in members.items() if literal == TRUE)
        optional["REG"] = {number: literal for number, literal in members.items() if literal != TRUE}
        n = len(self.graph.events)
        may, must = [0] * n, [0] * n
        literals: dict[tuple[int, int], int] = {}
        names = sorted({cell.device for cell in self.cells.values() if cell.space == "mmio"})
        of = {name: self._members(_register_of(name)) for name in names}
        for i in members:
            for j in members:
                both = [self.circuit.all([each[i], each[j]]) for each in of.values() if i in each and j in each]
                literal = TRUE if i == j and members[i] == TRUE else self.circuit.any(both)
                if literal == FALSE:
                    continue
                may[i] |= 1 << j
                if literal == TRUE:
                    must[i] |= 1 << j
                literals[i, j] = literal
        base["dev"] = Bounds(may, must, lambda i, j: literals[i, j])

    def shared(self, model: Model, sets: dict[str, int], optional: Optional) -> int:
        """Add ``IRQ`` and, under one literal, ``IO``; return the literal, `FALSE` if `model` has no use for it."""
        marks = self._members(lambda cell: cell.space == "irq")
        sets["IRQ"] = sum(1 << number for number, literal in marks.items() if literal == TRUE)
        optional["IRQ"] = {number: literal for number, literal in marks.items() if literal != TRUE}
        members = self._members(lambda cell: cell.space != "irq")
        if not members or "IO" not in model.polarities():
            return FALSE
        platform = self.circuit.var("platform")
        optional["IO"] = {number: self.circuit.all([platform, literal]) for number, literal in members.items()}
        return platform


def _register_of(device: str) -> Callable[[Cell], bool]:
    return lambda cell: cell.space == "mmio" and cell.device == device
