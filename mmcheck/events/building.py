"""An execution of a program put together, event by event.

Who finds a run says what happened; who ran, on which CPU and at which cell, is known from the program. To judge a run
again (`mmcheck.model.recheck`) nothing of this is used.
"""

from __future__ import annotations

from collections.abc import Mapping

from mmcheck.events.execution import Agent, Event, Execution
from mmcheck.ir.hosts import root_of
from mmcheck.ir.program import NO_TAGS, NOWHERE, Origin, Program, Tags


class Building:
    """The events so far: initial writes first, then those of each thread in the order of the text."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.events: list[Event] = []
        self._cells = {cell.address: cell for cell in program.cells}
        self._counts: dict[int, int] = {}
        self._cpus = [program.threads[root_of(program.threads, each)].cpu for each in range(len(program.threads))]

    def add(
        self,
        thread: int,
        kind: str,
        tags: Tags,
        address: int | None,
        value: int | None,
        width: int,
        origin: Origin = NOWHERE,
        *,
        elsewhere: str = "",
        step: int | None = None,
    ) -> int:
        """The number of a new event of `thread`; `elsewhere` is the name of an address at which no cell stands."""
        number, index = len(self.events), self._counts.get(thread, 0)
        self._counts[thread] = index + 1
        cell = self._cells.get(address) if address is not None else None
        place, space, device = (elsewhere, "ram", "") if cell is None else (cell.name, cell.space, cell.device)
        cpu = None if thread < 0 else self._cpus[thread]
        fixed = (number, thread, -1 if thread < 0 else index, kind, tags, address, place, value, width)
        self.events.append(Event(*fixed, origin, cpu, step, space, device))
        return number

    def initial(self, address: int) -> int:
        """The number of a new initial write; where no cell stands it is one of 0, of 32 bits."""
        cell = self._cells.get(address)
        value, width = (0, 32) if cell is None else (cell.init, cell.width)
        return self.add(-1, "W", NO_TAGS, address, value, width, elsewhere=hex(address))

    def execution(
        self,
        relations: Mapping[str, frozenset[tuple[int, int]]],
        final: Mapping[str, int],
        linear: tuple[tuple[int, ...], ...] | None = None,
        platform: bool = False,
    ) -> Execution:
        """The execution of these events."""
        agents = tuple([Agent(t.name, t.kind, t.source, t.origin, t.host) for t in self.program.threads])
        return Execution(agents, tuple(self.events), relations, final, linear, platform)
