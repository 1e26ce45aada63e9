"""The optimum, checked once more: loaded like any other file, with encodings that know of no options."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mmcheck.base.errors import InternalError, UnknownVerdict
from mmcheck.ir.program import Program
from mmcheck.placement.oracle import solver_of
from mmcheck.placement.problem import Placement
from mmcheck.target.targets import Target
from mmcheck.verdict.check import Checker


def confirm(
    programs: Mapping[Target, Program],
    dropped: Collection[str],
    *,
    bound: int,
    compiler: str,
    timeout: float | None,
    choices: Placement | None = None,
) -> tuple[list[str], dict[str, str]]:
    """Check every requirement that is not `dropped`; returns what the checker remarks on those that hold, and why those
    are vacuous that nothing is checked of: they ask for no barrier at all.

    `choices` are what stands at the sites of programs that have any. Raises `UnknownVerdict` if something is not
    decided, and `InternalError` if something is violated.
    """
    remarks: dict[tuple[str, str], dict[str, None]] = {}
    vacuous: dict[str, str] = {}
    for target, program in programs.items():
        solver = solver_of(program, target, bound=bound, compiler=compiler, timeout=timeout)
        checker = Checker(solver if choices is None else solver.sibling(dict(choices)))
        for requirement in program.requirements:
            if requirement.name in dropped:
                continue
            finding = checker.run(requirement)
            if finding.verdict == "unknown":
                raise UnknownVerdict(finding.notes[0] if finding.notes else "unknown")
            if finding.verdict == "vacuous":
                vacuous.setdefault(requirement.name, f"{finding.notes[0]}, on {target.name}")
                continue
            if finding.verdict not in ("holds", "forbidden"):
                raise InternalError(f"the optimum breaks {requirement.name} on {target.name}")
            for note in finding.notes:
                remarks.setdefault((requirement.name, note), {})[target.name] = None
    said = [f"{name}, on {', '.join(targets)}: {note}" for (name, note), targets in remarks.items()]
    return said, vacuous
