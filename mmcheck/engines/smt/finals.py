"""Final states: the last write to each cell, and conditions over registers and cells."""

from __future__ import annotations

from mmcheck.base.errors import InternalError
from mmcheck.engines.smt.circuit import FALSE
from mmcheck.engines.smt.encoding import Encoding
from mmcheck.events.terms import Term
from mmcheck.ir.program import Const, Expr, Reg


class Finals:
    """Terms for the names of `state_register` and `state_cell`, over one encoding."""

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self.threads = {thread.name: i for i, thread in enumerate(encoding.graph.program.threads)}
        self.cells = {cell.name: cell for cell in encoding.graph.program.cells}
        self._memory: dict[str, Term] = {}

    def term(self, expr: Expr) -> Term:
        """`expr` over final states as a term of the graph."""
        terms = self.encoding.graph.terms
        if isinstance(expr, Const):
            return terms.number(expr.value, expr.width)
        if isinstance(expr, Reg):
            return self.state(expr)
        return terms.op(expr.op, tuple([self.term(arg) for arg in expr.args]), expr.width)

    def state(self, reg: Reg) -> Term:
        terms = self.encoding.graph.terms
        if reg.name.startswith("["):
            term = self.cell(reg.name[1:-1])
        else:
            thread, _, name = reg.name.partition(":")
            found = self.encoding.graph.registers[self.threads[thread]]
            term = found.get(name) or found.get(f"@{name}") or terms.number(0, reg.width)
        if term.width == reg.width:
            return term
        return terms.op("zext" if term.width < reg.width else "trunc", (term,), reg.width)

    def cell(self, name: str) -> Term:
        """The value that memory cell `name` ends with."""
        known = self._memory.get(name)
        if known is not None:
            return known
        encoding = self.encoding
        cell = self.cells.get(name)
        if cell is None:
            raise InternalError(f"no cell {name}")
        terms, circuit, memory = encoding.graph.terms, encoding.circuit, encoding.memory
        writers = encoding.domains.writers.get(cell.address, [])
        if not writers:
            return terms.number(cell.init, cell.width)
        term = terms.symbol(f"final:{name}", cell.width)
        parts: list[tuple[int, Term]] = []
        for write in writers:
            here = [encoding.happens[write.id], memory.at(write, cell.address)]
            for other in writers:
                if other is write:
                    continue
                order = memory.order[write.id, other.id]
                if order == FALSE:
                    continue
                later = circuit.all([order, encoding.happens[other.id], memory.at(other, cell.address)])
                here.append(-later)
            last = circuit.all(here)
            if last == FALSE:
                continue
            assert write.value is not None
            parts.append((last, write.value))
        encoding.values.define(term, parts)
        self._memory[name] = term
        return term
