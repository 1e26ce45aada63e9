"""Where the branches of one thread lead: loops that can never be left.

A loop that can be left is run up to the bound. One without a way out ends no run, so the test would say nothing about
final states, and that silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mmcheck.ir.program import Expr, Jump, Op, Reg, evaluate
from mmcheck.language.herd.cell import END, Cell


def endless(cells: Sequence[Cell]) -> int | None:
    """The backward branch of a loop that can be entered and never left, as the number of its cell; None if every cell
    that is reached has a path to the end of the thread.

    Conditions that name a register may go either way. Every target is a label of `cells`.
    """
    if not any(cell.targets for cell in cells):
        return None
    places = {label.text: number for number, cell in enumerate(cells) for label in cell.labels}
    places[END] = len(cells)
    after = [_after(cell, number, places) for number, cell in enumerate(cells)]
    before: list[list[int]] = [[] for _ in range(len(cells) + 1)]
    for number, targets in enumerate(after):
        for target in targets:
            before[target].append(number)
    lost = _reached(0, [*after, []]) - _reached(len(cells), before)
    if not lost:
        return None
    # The root of the last tree of a search against the branches is in a loop that leads nowhere else (Kosaraju).
    behind = [[number for number in found if number in lost] for found in before]
    seen: set[int] = set()
    root = 0
    for number in sorted(lost):
        if number not in seen:
            root = number
            seen |= _reached(number, behind)
    return min(number for number in _reached(root, after) if any(target <= number for target in after[number]))


def _after(cell: Cell, number: int, places: dict[str, int]) -> list[int]:
    """The cells that may follow."""
    targets = []
    for make, args in cell.steps:
        if make is Jump:
            always = _constant(args[1])
            if always != 0:
                targets.append(places[args[0]])
            if always:
                return targets
    return [*targets, number + 1]


def _constant(condition: Expr) -> int | None:
    """The value of a condition that names no register."""
    return None if _open(condition) else evaluate(condition, {})


def _open(expr: Expr) -> bool:
    return isinstance(expr, Reg) or (isinstance(expr, Op) and any(map(_open, expr.args)))


def _reached(start: int, edges: Sequence[Iterable[int]]) -> set[int]:
    found = {start}
    stack = [start]
    while stack:
        for target in edges[stack.pop()]:
            if target not in found:
                found.add(target)
                stack.append(target)
    return found
