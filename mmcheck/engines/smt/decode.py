"""A satisfying assignment -> Execution."""

from __future__ import annotations

from collections.abc import Sequence

from mmcheck.base.errors import InternalError
from mmcheck.engines.smt.circuit import FALSE, TRUE
from mmcheck.engines.smt.encoding import Encoding
from mmcheck.events.building import Building
from mmcheck.events.execution import Execution
from mmcheck.events.graph import GEvent
from mmcheck.events.relations import bits
from mmcheck.events.terms import value_of
from mmcheck.ir.program import Origin, state_cell, state_register


class Decoder:
    """Reads one assignment of the variables of an encoding."""

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self.assignment = encoding.solver.assignment()
        self._memo: dict[int, bool] = {}
        self.number: dict[int, int] = {}
        """Event of the graph -> event of the execution, once that is made."""

    def true(self, literal: int) -> bool:
        """Whether `literal` holds; a variable that the solver left open counts as false."""
        variable = abs(literal)
        if variable == TRUE:
            return literal > 0
        known = self._memo.get(variable)
        if known is None:
            operands = self.encoding.circuit.operands(variable)
            if operands is None:
                known = self.assignment.get(variable, False)
            else:
                known = all(self.true(operand) for operand in operands)
            self._memo[variable] = known
        return known if literal > 0 else not known

    def symbols(self) -> dict[str, int]:
        """Values of free choices and of the reads that happen."""
        encoding = self.encoding
        out = {name: int(self.true(variable)) for name, variable in encoding.values.symbols.items()}
        for event in encoding.graph.events:
            if event.kind == "R" and event.value is not None and self.true(encoding.happens[event.id]):
                out[str(event.value.payload)] = self.one(event)
        return out

    def tags(self, event: GEvent) -> frozenset[str]:
        """The tags of `event` under the options selected."""
        if not event.optional:
            return event.tags
        chosen = self.option(event)
        return event.tags | {tag for tag, names in event.optional if chosen in names}

    def option(self, event: GEvent) -> str:
        """The option selected at the site of `event`."""
        values = self.encoding.values
        for name, term in self.encoding.graph.choices[event.site]:
            if self.true(values.literal(term)):
                return name
        raise InternalError(f"no option of {event.site} is selected")

    def origin(self, event: GEvent) -> Origin:
        """Where `event` comes from under the options selected."""
        return event.origin_in({event.site: self.option(event)}) if event.origins else event.origin

    def one(self, read: GEvent) -> int:
        assert read.value is not None
        if not self.encoding.values.is_listed(read.value):
            return self.binary(self.encoding.values.bits(read.value))
        found = [value for value, literal in self.encoding.values.of(read.value).items() if self.true(literal)]
        if len(found) != 1:
            raise InternalError(f"event {read.id} reads {len(found)} values")
        return found[0]

    def binary(self, literals: Sequence[int]) -> int:
        """The binary number whose bits are `literals`."""
        return sum(self.true(literal) << k for k, literal in enumerate(literals))

    def execution(self) -> Execution:
        """The run: events that happen, base relations, final state. `po` is the encoding's own order."""
        encoding, graph = self.encoding, self.encoding.graph
        symbols = self.symbols()
        memo: dict[int, int] = {}
        addresses = {
            event.id: value_of(event.address, symbols, memo)
            for event in graph.events
            if event.address is not None and self.true(encoding.happens[event.id])
        }
        touched = {addresses[e.id] for e in graph.events if e.id in addresses and not e.is_init}
        chosen = [e for e in graph.events if e.cell is not None and e.cell.address in touched]
        chosen.sort(key=lambda e: e.cell.address if e.cell is not None else 0)
        chosen += [e for e in graph.events if not e.is_init and self.true(encoding.happens[e.id])]
        number = self.number = {event.id: i for i, event in enumerate(chosen)}
        building = Building(graph.program)
        for event in chosen:
            value = None if event.value is None else value_of(event.value, symbols, memo)
            address = addresses.get(event.id)
            building.add(event.thread, event.kind, self.tags(event), address, value, event.width, self.origin(event))
        relations = self.relations(number)
        final = self.final(symbols, memo, addresses)
        return building.execution(relations, final, platform=self.true(encoding.platform))

    def relations(self, number: dict[int, int]) -> dict[str, frozenset[tuple[int, int]]]:
        encoding, graph, memory = self.encoding, self.encoding.graph, self.encoding.memory
        events = graph.events
        out: dict[str, set[tuple[int, int]]] = {"po": set(), "src": set(), "rf": set(), "co": set()}
        bounds = encoding.po
        for i, row in enumerate(bounds.may):
            if i in number:
                for j in bits(row):
                    if j in number and self.true(bounds.pair(i, j)):
                        out["po"].add((number[i], number[j]))
        if encoding.switch is not None:
            out["switch"] = {
                (number[i], number[j])
                for i, row in enumerate(encoding.switch.may)
                for j in bits(row)
                if i in number and j in number and self.true(encoding.switch.pair(i, j))
            }
        for i in number:
            for j in number:
                a, b = events[i], events[j]
                if a.thread == b.thread >= 0 and i < j and not (a.group and a.group == b.group):
                    out["src"].add((number[i], number[j]))
        for read, sources in memory.rf.items():
            if read in number and not self.true(encoding.astray.get(read, FALSE)):
                for write, literal in sources.items():
                    if self.true(literal) and write in number:
                        out["rf"].add((number[write], number[read]))
        for (a_id, b_id), literal in memory.order.items():
            if a_id in number and b_id in number and self.true(literal):
                if self.true(memory.same(events[a_id], events[b_id])):
                    out["co"].add((number[a_id], number[b_id]))
        prefix = "" if encoding.compiled else "text-"
        tables = {name: graph.deps[prefix + name] for name in
                  ("addr", "data", "ctrl", "pick-addr", "pick-data", "pick-ctrl")}  # fmt: skip
        for name, table in {**tables, "amo": graph.amo, "lxsx": graph.lxsx}.items():
            out[name] = {
                (number[i], number[j])
                for (i, j), cond in table.items()
                if i in number and j in number and self.true(encoding.values.literal(cond))
            }
        return {name: frozenset(pairs) for name, pairs in out.items()}

    def final(self, symbols: dict[str, int], memo: dict[int, int], addresses: dict[int, int]) -> dict[str, int]:
        encoding, graph, memory = self.encoding, self.encoding.graph, self.encoding.memory
        out = {}
        for thread, registers in zip(graph.program.threads, graph.registers, strict=True):
            for name, term in registers.items():
                if not name.lstrip("@").startswith("%"):
                    out[state_register(thread.name, name.lstrip("@")).name] = value_of(term, symbols, memo)
        for cell in graph.program.cells:
            writers = [
                w
                for w in encoding.domains.writers.get(cell.address, [])
                if addresses.get(w.id, cell.address) == cell.address
            ]
            writers = [w for w in writers if self.true(encoding.happens[w.id])]
            last = [
                w for w in writers
                if all(o is w or self.true(memory.order[o.id, w.id]) for o in writers)
            ]  # fmt: skip
            value = cell.init
            if last and last[0].value is not None:
                value = value_of(last[0].value, symbols, memo)
            out[state_cell(cell.name).name] = value
        return out
