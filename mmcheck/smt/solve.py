"""The one door to z3, and the one place that calls ``check`` and knows ``unknown``.

Clauses go in as DIMACS text (60 times cheaper than terms through z3's Python operators, three times cheaper than
SMT-LIB) and can be dumped as SMT-LIB. Ctrl-C during ``check`` is swallowed by z3 and comes back as ``unknown``; here it
is a `KeyboardInterrupt` again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from mmcheck.deadline import REACHED
from mmcheck.errors import UnknownVerdict
from mmcheck.smt.circuit import Circuit

SEED = 7
SLICE = 20_000
"""So many clauses go to the solver between two looks at the clock."""
_DEFINITION = re.compile(r"define-fun k!(\d+) \(\) Bool\s+(true|false)")


class Solver:
    """An incremental solver for the clauses of one circuit."""

    def __init__(self, circuit: Circuit) -> None:
        import z3

        self._z3: Any = z3
        self.circuit = circuit
        self._solver: Any = z3.SolverFor("QF_FD")
        self._solver.set("random_seed", SEED)
        self._constants: dict[int, Any] = {}
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
            self._solver.from_string("\n".join(lines))
            self.clauses += clauses
            del self._waiting[:SLICE]
            if self._waiting:
                self.circuit.deadline.check()

    def constant(self, literal: int) -> Any:
        """The variable that z3 makes for a number in DIMACS text, or its negation."""
        term = self._constants.get(literal)
        if term is None:
            if abs(literal) == 1:
                term = self._z3.BoolVal(literal > 0)
            else:
                term = self._z3.Bool(abs(literal))
                if literal < 0:
                    term = self._z3.Not(term)
            self._constants[literal] = term
        return term

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
            self._solver.set("timeout", max(1, int(timeout * 1000)))
        result = self._solver.check(*[self.constant(literal) for literal in assumptions])
        self.queries += 1
        self._satisfied = result == self._z3.sat
        if self._satisfied:
            return True
        if result == self._z3.unsat:
            return False
        reason = self._solver.reason_unknown()
        if "interrupt" in reason:
            raise KeyboardInterrupt
        raise UnknownVerdict(REACHED if reason in ("timeout", "canceled") else reason)

    def assignment(self) -> dict[int, bool]:
        """The truth values that satisfied the last call of `solve`; a variable that is missing may be either."""
        if not self._satisfied:
            return {}
        # One text for the whole model: asking z3 variable by variable costs ten times as much.
        found = _DEFINITION.findall(self._solver.model().sexpr())
        return {1: True, **{int(variable): value == "true" for variable, value in found}}

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
