"""CPUs in a specification: interrupt handlers, memory per CPU, migration (docs/models-preemption.md).

Three things are told through memory that no specification can name, so that coherence on one CPU says what they are:

* **where a thread is**: a cell that ``migrate`` writes in the handler and `this_cpu_ptr` reads. The read is plain: it
  may be moved or made once, as a compiler does with a pointer (docs/models.md). Without any ``migrate`` the CPU is a
  constant, and no event.
* **what ``current.x`` is**: each write to a private that some handler reads so is repeated to a cell, volatile and
  without dependencies; it stands for the moment at which the private changes, and orders nothing for the hardware.
* **that an interrupt is raised**: a latch, set by a device's write and taken as the handler begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mmcheck.base.source import Span
from mmcheck.ir import program as ir
from mmcheck.language.lower.names import Declarations, Reporter
from mmcheck.language.syntax import ast

BASE = 1 << 40
"""Where the hidden cells stand, behind every variable."""

STEP = 0x1000
MAX_CPU = 63

GHOST = frozenset({"Volatile", "Ghost"})
CPU, HERE, HOST = ir.Reg("@%cpu", 64), ir.Reg("@%here", 64), ir.Reg("@%host", 64)
"""Of an agent: its CPU's number, if that is constant; else the cell that tells it; the cell of the one it
interrupts."""
IDLE = ir.Reg("@%idle", 1)
"""Of a handler: whether it interrupts a CPU that has nothing to do."""


def mirror(name: str) -> ir.Reg:
    """Of an agent: the cell that repeats its private `name`."""
    return ir.Reg(f"@%mirror:{name}", 64)


def current(name: str) -> ir.Reg:
    """Of a handler: the cell that repeats the private `name` of the agent that it interrupts."""
    return ir.Reg(f"@%current:{name}", 64)


class Cpus:
    """What the declarations of one program say about CPUs, and the hidden cells."""

    def __init__(self, declarations: Declarations) -> None:
        self._declarations = declarations
        self.cells: list[ir.Cell] = []
        self._addresses: dict[str, int] = {}
        agents = declarations.agents.values()
        self.handlers = {agent.name.text: agent for agent in agents if agent.kind == "interrupt"}
        self.watched: set[str] = set()
        """Privates that a handler reads as ``current.name``."""
        self.moves: list[ast.Call] = []
        for node in self._nodes():
            if isinstance(node, ast.Call) and node.function.text == "migrate" and self.handlers:
                self.moves.append(node)
            elif isinstance(node, ast.Field) and isinstance(node.base, ast.Name) and node.base.text == "current":
                if "current" not in declarations.variables:
                    self.watched.add(node.name.text)
        self.moving = self._of_threads()
        """Agents and functions whose code a thread runs: it may move while it does, and a handler does not."""
        self.count = 1
        self.targets: set[int] = set()
        """The CPUs that ``migrate`` names."""

    def _nodes(self) -> Iterator[ast.Node]:
        declarations = self._declarations
        for owner in (*declarations.functions.values(), *declarations.agents.values()):
            yield from ast.walk(owner.body)  # type: ignore[attr-defined]

    def _of_threads(self) -> set[str]:
        functions = self._declarations.functions
        agents = [each for each in self._declarations.agents.values() if each.kind != "interrupt"]
        found = {each.name.text for each in agents}
        stack: list[ast.Block] = [each.body for each in agents]
        while stack:
            for node in ast.walk(stack.pop()):
                if isinstance(node, ast.Call) and node.function.text in functions and node.function.text not in found:
                    found.add(node.function.text)
                    stack.append(functions[node.function.text].body)
        return found

    def moves_in(self, owner: str) -> bool:
        """Whether the code of `owner` may be on one CPU and then on another."""
        return bool(self.moves) and owner.split("[")[0] in self.moving

    def prepare(self, number: Callable[[ast.Expr], int], reporter: Reporter) -> None:
        """Find out how many CPUs there are; where `number` refuses the number of one, it is reported."""
        named = [agent.cpu for agent in self._declarations.agents.values() if agent.cpu is not None]
        named += [call.args[0].value for call in self.moves if call.args]
        for node in self._nodes():
            if isinstance(node, ast.Call) and node.function.text == "per_cpu" and len(node.args) == 2:
                named.append(node.args[1].value)
        for each in named:
            with reporter.collect():
                self.count = max(self.count, number(each) + 1)
        for call in self.moves:
            with reporter.collect():
                if call.args:
                    self.targets.add(number(call.args[0].value))

    def cell(self, name: str, width: int, init: int, span: Span | None) -> int:
        """The address of the hidden cell `name`, made when first asked for."""
        if name not in self._addresses:
            self._addresses[name] = BASE + STEP * len(self._addresses)
            self.cells.append(ir.Cell(name, self._addresses[name], width, init, span=span))
        return self._addresses[name]

    def latch(self, handler: str) -> int:
        """The address of the latch behind ``raise handler``."""
        return self.cell(f"{handler} raised", 1, 0, self.handlers[handler].name.span)
