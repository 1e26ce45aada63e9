"""The one door to z3, and the one place that calls ``check`` and knows ``unknown``.

Clauses go in as DIMACS text (60 times cheaper than terms through z3's Python operators, three times cheaper than
SMT-LIB) and can be dumped as SMT-LIB. Ctrl-C during ``check`` is swallowed by z3 and comes back as ``unknown``; here it
is a `KeyboardInterrupt` again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mmcheck.base.deadline import MEMORY, REACHED
from mmcheck.base.errors import NO_MEMORY, UnknownVerdict
from mmcheck.engines.smt.circuit import Circuit

SEED = 7
LONGEST = 4_000_000
"""Seconds that z3 can count."""
SLICE = 20_000
"""So many clauses go to the solver between two looks at the clock."""


class Assignment:
    """What the variables of a solver were in one solution.

    Variables are looked up as they are asked for: most are inside of definitions, and nobody asks for them.
    """

    def __init__(self, solver: Solver, model: Any) -> None:
        self._solver = solver
        self._model = model
        self._known: dict[int, bool | None] = {1: True}

    def get(self, variable: int, default: bool) -> bool:
        """The value of `variable`, or `default` if it may be either."""
        known = self._known.get(variable, self)
        if known is self:
            known = self._known[variable] = self._look_up(variable)
        return default if known is None else known is True

    def _look_up(self, variable: int) -> bool | None:
        if self._model is None:
            return None
        # By z3's own functions: its classes for terms make this ten times as slow as all the rest of a look.
        z3, model = self._solver.z3, self._model
        value = z3.Z3_model_get_const_interp(model.ctx.ref(), model.model, self._solver.declaration(variable))
        return z3.Z3_get_bool_value(model.ctx.ref(), value) == z3.Z3_L_TRUE if value else None


class Solver:
    """An incremental solver for the clauses of one circuit."""

    def __init__(self, circuit: Circuit) -> None:
        import z3

        self.z3: Any = z3
        self.circuit = circuit
        self._solver: Any = z3.SolverFor("QF_FD")
        self._solver.set("random_seed", SEED)
        self._solver.set("max_memory", MEMORY >> 20)
        self._constants: dict[int, Any] = {}
        self._declarations: dict[int, Any] = {}
        self.queries = 0
        self._waiting: list[tuple[int, ...]] = []
        self.clauses: list[tuple[int, ...]] = []
        """Everything handed over so far."""
        self._satisfied = False

    def push_clauses(self) -> None:
        """Hand over what the circuit has gathered since the last time; what a deadline leaves over waits."""
        self._waiting += self.circuit.flush()
        while self._waiting:
            clauses = self._waiting[:SLICE]
            lines = [f"p cnf {len(self.circuit.names) - 1} {len(clauses)}"]
            lines += [" ".join(map(str, clause)) + " 0" for clause in clauses]
            lines.append("")
            self._asked(self._solver.from_string, "\n".join(lines))
            self.clauses += clauses
            del self._waiting[:SLICE]
            if self._waiting:
                self.circuit.deadline.check()

    def _asked(self, call: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except self.z3.Z3Exception as error:
            if "memory" in str(error):
                raise UnknownVerdict(NO_MEMORY) from None
            raise

    def constant(self, literal: int) -> Any:
        """The variable that z3 makes for a number in DIMACS text, or its negation."""
        term = self._constants.get(literal)
        if term is None:
            if abs(literal) == 1:
                term = self.z3.BoolVal(literal > 0)
            else:
                term = self.z3.Bool(abs(literal))
                if literal < 0:
                    term = self.z3.Not(term)
            self._constants[literal] = term
        return term

    def declaration(self, variable: int) -> Any:
        """What z3's own functions take for `variable`."""
        known = self._declarations.get(variable)
        if known is None:
            known = self._declarations[variable] = self.constant(variable).decl()
        return known.ast

    def solve(self, assumptions: Sequence[int] = (), *, timeout: float | None = None) -> bool:
        """Whether the clauses can hold together with `assumptions`.

        `timeout` in wall seconds; the deadline of the circuit counts, too. Raises `UnknownVerdict` if z3 gives up,
        `KeyboardInterrupt` on Ctrl-C.
        """
        for literal in assumptions:
            self.circuit.assume(literal)
        self.push_clauses()
        left = self.circuit.deadline.left()
        if left is not None:
            timeout = left if timeout is None else min(left, timeout)
        if timeout is not None:
            self._solver.set("timeout", max(1, int(min(timeout, LONGEST) * 1000)))
        result = self._asked(self._solver.check, *[self.constant(literal) for literal in assumptions])
        self.queries += 1
        self._satisfied = result == self.z3.sat
        if self._satisfied:
            return True
        if result == self.z3.unsat:
            return False
        reason = self._solver.reason_unknown()
        if "interrupt" in reason:
            raise KeyboardInterrupt
        if "mem" in reason:
            raise UnknownVerdict(NO_MEMORY)
        raise UnknownVerdict(REACHED if reason in ("timeout", "canceled") else reason)

    def assignment(self) -> Assignment:
        """The truth values that satisfied the last call of `solve`; they can still be asked for after the next one."""
        return Assignment(self, self._solver.model() if self._satisfied else None)

    def core(self) -> list[int]:
        """Of the last unsatisfiable call: assumptions that suffice, as literals."""
        by_id = {term.get_id(): literal for literal, term in self._constants.items()}
        return [by_id[term.get_id()] for term in self._solver.unsat_core()]

    def dump(self, assumptions: Iterable[int] = ()) -> str:
        """Everything so far as SMT-LIB 2 text, with a check under `assumptions`."""
        names = [f"; v{v} = {name}" for v, name in enumerate(self.circuit.names) if name and v > 1]
        lines = ["(set-logic QF_FD)", *names]
        lines += [f"(declare-const v{variable} Bool)" for variable in range(2, len(self.circuit.names))]
        for clause in self.clauses:
            words = [_word(literal) for literal in clause]
            lines.append(f"(assert {words[0] if words else 'false'})" if len(words) < 2 else _disjunction(words))
        words = [_word(literal) for literal in assumptions if abs(literal) > 1]
        return "\n".join([*lines, f"(check-sat-assuming ({' '.join(words)}))"]) + "\n"


def _word(literal: int) -> str:
    return f"v{literal}" if literal > 0 else f"(not v{-literal})"


def _disjunction(words: Sequence[str]) -> str:
    return f"(assert (or {' '.join(words)}))"


def solver_version() -> str:
    """``z3 5.4.0``."""
    import z3

    return f"z3 {z3.get_version_string()}"
